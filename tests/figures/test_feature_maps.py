from __future__ import annotations

import numpy as np
import pytest
from networks import NETWORKS, convolved, dense, digit, title
from subjects import assert_readable, words

from inkling.errors import InklingError
from inkling.figures import feature_maps
from inkling.figures.feature_maps import AT_MOST
from inkling.nn import BatchNorm, Conv2D, MaxPool2D, ReLU, ShapeError
from inkling.training import trace

CONVOLVED = ["convolutions", "deep convolutions", "as recipes build them", "pooled first"]


def pictures(figure):
    """All images but those of the colours' scale; NaN between the maps."""
    drawn = [np.ma.filled(image.get_array(), np.nan) for axes in figure.axes for image in axes.images]
    return [picture for picture in drawn if len(picture) > 1]


@pytest.mark.parametrize("name", CONVOLVED)
@pytest.mark.parametrize("label", [None, 3])
def test_it_can_be_read_for_any_network(name, label):
    network = NETWORKS[name]()
    assert_readable(feature_maps(network, digit(network), label))


@pytest.mark.parametrize("channels", [1, 2, 31, 100])
def test_it_can_be_read_for_any_number_of_channels(channels):
    network = convolved(Conv2D(channels, 9, 3), ReLU(), MaxPool2D(2))
    assert_readable(feature_maps(network, digit(network)))


def test_every_layer_of_every_stage_is_drawn_with_its_name_and_shape():
    network = NETWORKS["convolutions"]()
    steps = trace(network, digit(network)[None], np.array([0]))
    figure = feature_maps(network, digit(network))
    said, drawn = words(figure), pictures(figure)
    for layer in network.layers[:6]:
        assert layer.name in said
        assert "×".join(map(str, layer.output_shape)) in said
        values = np.sort(steps[layer.name].out.ravel())
        assert any(np.array_equal(np.sort(picture[~np.isnan(picture)]), values) for picture in drawn)
    assert not {"flatten_1", "dense_1"} & set(said)
    assert any("dense_1, dense_2" in word for word in said)


def test_a_channel_keeps_its_place_along_a_row():
    network = convolved(Conv2D(6, 5), BatchNorm(), MaxPool2D(2), ReLU())
    steps = trace(network, digit(network)[None], np.array([0]))
    figure = feature_maps(network, digit(network))
    _, conv, pool, relu = pictures(figure)
    assert "batchnorm_1" not in words(figure)
    columns = (conv.shape[1] + 1) // 25
    assert (pool.shape[1] + 1) // 13 == columns
    for channel in range(6):
        row, column = divmod(channel, columns)
        for picture, name, size in ((conv, "conv2d_1", 24), (pool, "maxpool2d_1", 12), (relu, "relu_1", 12)):
            y, x = row * (size + 1), column * (size + 1)
            tile = picture[y : y + size, x : x + size]
            np.testing.assert_array_equal(tile, steps[name].out[0, :, :, channel])


def test_of_many_channels_those_that_the_image_excites_most_are_shown():
    network = convolved(Conv2D(50, 3), ReLU())
    network.layers[0].b[[3, 30]] = -100
    figure = feature_maps(network, digit(network))
    conv = pictures(figure)[1]
    assert np.count_nonzero(~np.isnan(conv)) == AT_MOST * 26 * 26
    assert np.nanmin(conv) > -50
    assert f"26×26×50, {AT_MOST} shown" in words(figure)


def test_the_answer_stands_at_the_end():
    network = NETWORKS["convolutions"]()
    chances = network.predict_proba(digit(network)[None])[0]
    winner = int(chances.argmax())
    right, wrong = (feature_maps(network, digit(network), label) for label in (winner, (winner + 1) % 10))
    bars = next(axes for axes in right.axes if len(axes.patches) == 10)
    assert [bar.get_height() for bar in bars.patches] == pytest.approx(chances)
    assert f"{winner} ✓" in words(right)
    assert f"{winner} ✓" not in words(wrong)
    assert title(wrong).endswith(f"read this {(winner + 1) % 10} as {'an' if winner == 8 else 'a'} {winner}")


def test_what_cannot_be_shown_is_refused_in_one_line():
    with pytest.raises(InklingError, match="no convolutions, so there are no feature maps"):
        feature_maps(dense([4]), digit(dense([4])))
    with pytest.raises(ShapeError, match="28×28×1"):
        feature_maps(NETWORKS["convolutions"](), np.zeros((8, 8), np.uint8))
