import io

import numpy as np
import pytest
from networks import NETWORKS, dense, digit, title
from overlap import clipped, overlaps, texts

from inkling.figures import backward_pass
from inkling.figures.notation import brief
from inkling.nn import SoftmaxCrossEntropy
from inkling.training import trace

LABEL = 2


def traced(network):
    return trace(network, digit(network)[None], np.array([LABEL]))


@pytest.mark.parametrize("name", NETWORKS)
def test_every_text_can_be_read(name):
    network = NETWORKS[name]()
    figure = backward_pass(network, digit(network), LABEL)
    assert overlaps(figure) == []
    assert clipped(figure) == []


@pytest.mark.parametrize("name", ["4 layers", "squared error", "yes or no", "small images"])
def test_every_gradient_is_drawn_with_its_shape_and_length(name):
    network = NETWORKS[name]()
    steps = traced(network)
    figure = backward_pass(network, digit(network), LABEL)
    said = texts(figure)
    drawn = [np.sort(np.ma.compressed(image.get_array())) for axes in figure.axes for image in axes.images]
    for index, step in enumerate(steps.layers):
        if not step.parameters:
            continue
        assert step.layer.name in said
        W = step.gradients["W"]
        for gradient in (step.dout, W, step.gradients["b"]):
            assert f"‖{brief(np.linalg.norm(gradient))}‖" in said
        assert f"{W.shape[0]}×{W.shape[1]}" in said
        for values in (step.dout[0], step.gradients["b"], steps.layers[0].dx, *([W] if index > 1 else [])):
            assert count(drawn, values) >= 1
        # For one sample db is dz, so the same numbers are drawn twice.
        assert count(drawn, step.gradients["b"]) >= 2


def test_the_gradients_of_a_convolution_and_its_normalization_are_drawn():
    network = NETWORKS["as recipes build them"]()
    steps = traced(network)
    figure = backward_pass(network, digit(network), LABEL)
    drawn = [np.sort(np.ma.compressed(image.get_array())) for axes in figure.axes for image in axes.images]
    said = texts(figure)
    conv, norm = steps["conv2d_1"], steps["batchnorm_1"]
    assert {"conv2d_1", "batchnorm_1", "maxpool2d_1", "tanh_1", "dγ", "dβ"} <= set(said)
    for values in (conv.dout[0], steps["tanh_1"].dout[0], conv.gradients["W"]):
        assert count(drawn, values) == 1
    for values in (conv.gradients["b"], norm.gradients["gamma"], norm.gradients["beta"]):
        assert count(drawn, values) >= 1
        assert f"‖{brief(np.linalg.norm(values))}‖" in said


def test_of_many_kernels_those_with_the_largest_gradients_are_drawn():
    network = NETWORKS["deep convolutions"]()
    figure = backward_pass(network, digit(network), LABEL)
    images = [np.ma.filled(image.get_array(), np.nan) for axes in figure.axes for image in axes.images]
    grids = [image for image in images if image.shape == (8 * 4 - 1, 16 * 4 - 1)]
    assert len(grids) == 4  # from 8 to 20 channels and wider
    dW = traced(network)["conv2d_8"].gradients["W"]
    tile = grids[0][:3, :3]
    assert any(np.allclose(tile, dW[:, :, i, k]) for i in range(33) for k in range(40))
    assert any("from 8 channels (rows) to 16 (columns)" in words for words in texts(figure))
    assert not any("from 8 channels" in words for words in texts(backward_pass(dense([4]), digit(dense([4])), LABEL)))


def count(drawn, values):
    """How many of the images hold these numbers, in whatever order."""
    values = np.sort(values.ravel())
    return sum(numbers.shape == values.shape and np.allclose(numbers, values) for numbers in drawn)


def test_all_colours_are_centred_at_zero():
    figure = backward_pass(dense([40, 20]), digit(dense([4])), LABEL)
    for image in (image for axes in figure.axes for image in axes.images):
        low, high = image.get_clim()
        assert low == -high
        assert high >= np.abs(np.ma.compressed(image.get_array())).max()


def test_the_first_layer_shows_its_largest_gradients_as_images():
    network = dense([40])
    step = traced(network)["dense_1"]
    order = np.argsort(-np.abs(step.dout[0]))
    figure = backward_pass(network, digit(network), LABEL)
    images = [np.asarray(image.get_array()) for axes in figure.axes for image in axes.images]
    tile = step.gradients["W"][:, order[0]].reshape(28, 28)
    assert any(image.shape == tile.shape and np.allclose(image, tile) for image in images)
    mosaic = next(image for image in images if image.shape == (28 * 2 + 2, 28 * 3 + 4))
    for place in range(3):
        tile = step.gradients["W"][:, order[1 + place]].reshape(28, 28)
        assert np.allclose(mosaic[:28, 30 * place : 30 * place + 28], tile)
    assert f"neuron {order[0]}, then the next 6" in texts(figure)


@pytest.mark.parametrize("name", ["2 layers", "squared error", "yes or no"])
def test_the_loss_and_its_gradient_are_the_networks(name):
    network = NETWORKS[name]()
    steps = traced(network)
    figure = backward_pass(network, digit(network), LABEL)
    said = texts(figure)
    assert f"The loss: {brief(steps.loss)}" in said
    assert f"loss of this {LABEL}" in title(figure)
    bars = next(axes for axes in figure.axes if len(axes.patches) == 10)
    assert [bar.get_width() for bar in bars.patches] == pytest.approx(steps.doutputs[0])
    for value in steps.doutputs[0]:
        assert ("+" if value > 0 else "") + brief(value) in said
    symbol = "p − y" if isinstance(network.loss, SoftmaxCrossEntropy) else "a − y"
    assert f"Its gradient: {symbol}" in said


def test_the_numbers_in_the_losses_formula_give_the_loss():
    network = dense([16])
    said = texts(backward_pass(network, digit(network), LABEL))
    (line,) = [words for words in said if words.startswith("−log")]
    assert line.startswith("−log p₂ = −log ")
    p, loss = (float(part.removeprefix("−log ")) for part in line.split(" = ")[1:])
    assert -np.log(p) == pytest.approx(loss, rel=0.01)

    network = NETWORKS["squared error"]()
    said = texts(backward_pass(network, digit(network), LABEL))
    (line,) = [words for words in said if words.startswith("= ½ [")]
    right, rest = line.removeprefix("= ½ [(").removesuffix(" (others)]").split(" − 1)² + ")
    assert 0.5 * ((float(right) - 1) ** 2 + float(rest)) == pytest.approx(traced(network).loss, rel=0.01)


def test_a_sure_network_shows_enough_digits_for_the_logarithm():
    network = dense([16])
    network.layers[-1].b[LABEL] += 12
    (line,) = [words for words in texts(backward_pass(network, digit(network), LABEL)) if words.startswith("−log")]
    p = float(line.split(" = ")[1].removeprefix("−log "))
    assert -np.log(p) == pytest.approx(traced(network).loss, rel=0.05)


def test_which_ink_mattered_is_explained_in_words():
    said = " ".join(texts(backward_pass(dense([16]), digit(dense([16])), LABEL)))
    assert "more ink here would" in said
    assert "lower the loss (blue)" in said
    assert "raise the loss (orange)" in said


def test_smoothed_labels_and_l2_are_mentioned():
    network = dense([16], loss=SoftmaxCrossEntropy(label_smoothing=0.1), l2=1e-3)
    said = texts(backward_pass(network, digit(network), LABEL))
    assert "y smoothed by 0.1" in said
    assert any("without the L2 term" in words for words in said)


def test_dead_networks_and_blank_images_are_drawn_too():
    network = dense([16])
    network.layers[0].b[...] = -100
    figure = backward_pass(network, np.zeros((28, 28), np.uint8), LABEL)
    assert "‖0‖" in texts(figure)
    assert overlaps(figure) == []


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_it_can_be_saved(kind):
    file = io.BytesIO()
    network = dense([16])
    backward_pass(network, digit(network), LABEL).savefig(file, format=kind)
    assert len(file.getvalue()) > 1000
