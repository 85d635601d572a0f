import io
import re
from itertools import pairwise

import numpy as np
import pytest
from networks import NETWORKS, dense, digit, title
from overlap import clipped, overlaps, texts

from inkling.figures import forward_pass, notation
from inkling.nn import Dense, ShapeError
from inkling.training import trace

SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


def value(formula):
    """What a reader with a pocket calculator makes of a sum."""
    plain = re.sub(r"\([^()]*(terms?|b)\)", "", formula).replace("−", "-").replace("·", "*").replace(",", "")
    return eval(plain, {"__builtins__": {}})


def sums(figure):
    """(neuron, everything left of the =, its second line, total) of each weighted sum in the picture."""
    lines = texts(figure)
    found = []
    for first, second in pairwise(lines):
        if first.startswith("z") and "(b) = " in second:
            neuron = int(re.match(r"z([₀-₉]+) = ", first)[1].translate(SUBSCRIPTS))
            left, total = f"{first.split(' = ')[1]} {second.strip()}".split(" = ")
            found.append((neuron, left, second, value(total)))
    return found


@pytest.mark.parametrize("name", NETWORKS)
def test_every_text_can_be_read(name):
    network = NETWORKS[name]()
    figure = forward_pass(network, digit(network), 2)
    assert overlaps(figure) == []
    assert clipped(figure) == []


@pytest.mark.parametrize("name", ["4 layers", "6 layers, tanh, dropout", "squared error", "maps", "no image"])
def test_the_sums_add_up_and_are_the_networks(name):
    network = NETWORKS[name]()
    steps = trace(network, digit(network)[None], np.array([0]))
    layers = [step for step in steps.layers if isinstance(step.layer, Dense)]
    shown = sums(forward_pass(network, digit(network)))
    assert len(shown) == len(layers)
    for (neuron, left, second, total), step in zip(shown, layers, strict=True):
        z = step.out[0, neuron]
        assert total == pytest.approx(z, abs=0.00051)
        assert value(left) == pytest.approx(total, abs=0.00051)
        assert f"{notation.fixed(abs(step.parameters['b'][neuron]), notation.decimals_for(z, 3))} (b)" in second
        x, w = step.x[0].ravel().astype(np.float64), step.parameters["W"][:, neuron].astype(np.float64)
        rest = re.search(r"([+−]) ([\d.]+) \(([\d,]+) more terms?\)", second)
        if rest:
            count = len(x) - int(rest[3].replace(",", ""))
            others = np.sort(np.abs(w * x))[:-count]
            largest = np.argsort(-np.abs(w * x))[:count]
            assert len(others) == int(rest[3].replace(",", ""))
            true = float(w @ x - w[largest] @ x[largest])
            assert value(rest[2]) * (1 if rest[1] == "+" else -1) == pytest.approx(true, abs=0.02)


def test_hidden_layers_show_their_most_active_neuron_and_its_activation():
    network = dense([40, 20])
    figure = forward_pass(network, digit(network))
    steps = trace(network, digit(network)[None], np.array([0]))
    for layer, (neuron, *_) in zip(("relu_1", "relu_2"), sums(figure), strict=False):
        a = steps[layer].out[0]
        assert neuron == a.argmax()
        shown = notation.fixed(a.max(), 3)
        assert f"a{notation.subscript(neuron)} = max(0, {shown}) = {shown}" in texts(figure)


def test_one_pixel_of_a_convolution_is_followed_to_its_activation():
    network = NETWORKS["as recipes build them"]()
    steps = trace(network, digit(network)[None], np.array([0]))
    said = texts(forward_pass(network, digit(network)))
    a = steps["tanh_1"].out[0]
    row, column, channel = np.unravel_index(a.argmax(), a.shape)
    pooled = steps["maxpool2d_1"].x[0][2 * row : 2 * row + 3, 2 * column : 2 * column + 3, channel]
    i, j = np.unravel_index(pooled.argmax(), pooled.shape)
    y, x = 2 * row + i, 2 * column + j
    assert f"Channel {channel}, row {y}, column {x}: z = Σ w·x + b of 5×5×1" in said
    (neuron, left, _, total), *_ = sums(forward_pass(network, digit(network)))
    assert neuron == channel
    assert total == pytest.approx(steps["conv2d_1"].out[0, y, x, channel], abs=0.00051)
    assert value(left) == pytest.approx(total, abs=0.00051)
    mine = notation.subscript(channel)
    (normed,) = [
        words for words in said if words.startswith(f"norm{mine} = ") and f"({notation.fixed(total, 3)}" in words
    ]
    shown, result = normed.split(" = ")[1:]
    assert value(shown) == pytest.approx(value(result), rel=0.01)
    assert value(result) == pytest.approx(pooled.max(), rel=0.005)
    assert f"max{mine} = max(9 numbers) = {notation.fixed(pooled.max(), 3)}" in said
    assert any(words.startswith(f"a{mine} = tanh(") and words.endswith(f"= {a.max():.3f}") for words in said)


def test_the_mean_of_a_whole_map_is_written_out():
    network = NETWORKS["deep convolutions"]()
    steps = trace(network, digit(network)[None], np.array([0]))
    means = steps["globalaveragepool2d_1"].out[0]
    said = texts(forward_pass(network, digit(network)))
    (line,) = [words for words in said if words.startswith("mean")]
    assert line.startswith(f"mean{notation.subscript(int(means.argmax()))} = ")
    shown, result = line.split(" = ")[1:]
    assert shown.endswith(" / 49")
    assert value(shown) == pytest.approx(value(result), abs=0.001)
    assert value(result) == pytest.approx(means.max(), abs=0.001)


def test_maps_keep_their_proportions_and_the_followed_one_is_framed():
    network = NETWORKS["convolutions"]()
    steps = trace(network, digit(network)[None], np.array([0]))
    figure = forward_pass(network, digit(network))
    (axes,) = [axes for axes in figure.axes for image in axes.images if image.get_array().shape == (49, 99)]
    image = np.ma.filled(axes.images[0].get_array(), np.nan)
    maps = steps["conv2d_1"].out[0]
    for channel in range(8):
        y, x = channel // 4 * 25, channel % 4 * 25
        assert image[y : y + 24, x : x + 24] == pytest.approx(maps[:, :, channel])
    box = axes.get_window_extent()
    assert box.width / box.height == pytest.approx(99 / 49)
    winner = np.unravel_index(steps["maxpool2d_1"].out[0].argmax(), (12, 12, 8))[2]
    (framed, *_) = axes.patches
    assert framed.get_xy() == (winner % 4 * 25 - 0.5, winner // 4 * 25 - 0.5)
    assert framed.get_width() == 24


def test_softmax_is_shown_with_the_winners_numbers():
    network = dense([16])
    steps = trace(network, digit(network)[None], np.array([0]))
    p, z = steps.probabilities[0], steps.outputs[0].astype(np.float64)
    winner = int(p.argmax())
    (line,) = [words for words in texts(forward_pass(network, digit(network))) if words.startswith("p")]
    assert line.startswith(f"p{notation.subscript(winner)} = ")
    numbers = re.search(r"\$e\^\{(−?[\d.]+)\}\$ / ([\d.]+) = ([\d.]+)$", line)
    assert value(numbers[1]) == pytest.approx(z[winner], abs=0.0005)
    assert float(numbers[2]) == pytest.approx(np.exp(z).sum(), rel=0.001)
    assert float(numbers[3]) == pytest.approx(p[winner], abs=0.00005)


def test_outputs_that_are_no_probabilities_are_divided_by_their_sum():
    network = NETWORKS["squared error"]()
    steps = trace(network, digit(network)[None], np.array([0]))
    a = steps.outputs[0]
    winner = int(a.argmax())
    said = texts(forward_pass(network, digit(network)))
    p = f"{a[winner]:.3f} / {a.sum():.3f} = {steps.probabilities[0, winner]:.3f}"
    assert any(words.startswith("p") and words.endswith(p) for words in said)
    assert any(words.startswith("a") and words.endswith(f"$) = {a[winner]:.3f}") for words in said)


def test_images_hold_the_networks_numbers_centred_at_zero():
    network = dense([40], dropout=0.3)
    pixels = digit(network)
    steps = trace(network, pixels[None], np.array([0]))
    images = [image for axes in forward_pass(network, pixels).axes for image in axes.images]
    assert np.asarray(images[0].get_array()) == pytest.approx(pixels / 255)
    found = [np.ma.compressed(image.get_array()) for image in images]
    for values in (steps["dense_1"].out, steps["relu_1"].out, steps["dense_2"].out, steps.probabilities):
        same = [numbers.shape == values[0].shape and np.allclose(numbers, values[0]) for numbers in found]
        (place,) = np.flatnonzero(same)
        low, high = images[place].get_clim()
        assert low == -high
        assert high >= np.abs(values).max()


def test_the_bars_are_the_probabilities_and_the_verdict_is_in_words():
    network = dense([16])
    p = network.predict_proba(digit(network)[None])[0]
    winner = int(p.argmax())
    figure = forward_pass(network, digit(network), winner)
    bars = next(axes for axes in figure.axes if len(axes.patches) == 10)
    assert [bar.get_width() for bar in bars.patches] == pytest.approx(p)
    assert f"reads {'an' if winner == 8 else 'a'} {winner}, " in title(figure)
    assert "✓" in title(figure)
    assert f"{winner} ✓" in texts(figure)
    other = (winner + 1) % 10
    wrong = forward_pass(network, digit(network), other)
    assert f"✗ the label says {other}" in title(wrong)
    assert f"{other} ✓" in texts(wrong)


def test_the_network_is_left_as_it_was():
    network = dense([16])
    network.compute_gradients(digit(network)[None], np.array([1]))
    before = network.gradients.copy()
    forward_pass(network, digit(network))
    assert np.array_equal(network.gradients, before)


def test_a_blank_image_has_no_terms_to_show_but_still_a_sum():
    network = dense([16])
    figure = forward_pass(network, np.zeros((28, 28), np.uint8))
    assert any("(784 terms)" in words for words in texts(figure))
    assert overlaps(figure) == []


def test_scores_too_large_for_e_to_the_z_are_shown_less_the_largest():
    network = dense([16])
    figure = forward_pass(network, digit(network).astype(np.float32) * 100)
    (line,) = [words for words in texts(figure) if words.startswith("p")]
    assert line.endswith("= 1.000 / 1.000 = 1.0000")


def test_an_image_of_another_size_is_refused_in_one_line():
    with pytest.raises(ShapeError, match="28×28×1"):
        forward_pass(dense([4]), np.zeros((8, 8), np.uint8))


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_can_be_saved(kind):
    file = io.BytesIO()
    network = dense([16])
    forward_pass(network, digit(network)).savefig(file, format=kind)
    assert len(file.getvalue()) > 1000
