from __future__ import annotations

import numpy as np
import pytest
from subjects import assert_readable, networks, title, words

from inkling import nn
from inkling.errors import InklingError
from inkling.figures import first_layer_weights
from inkling.figures.weights import columns_for

NETWORKS = networks()


def tiles(figure, columns, side=28):
    """The tiles of the mosaic, in order."""
    array = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    starts = [
        (top, left) for top in range(0, len(array), side + 2) for left in range(0, columns * (side + 2), side + 2)
    ]
    return [array[top : top + side, left : left + side] for top, left in starts]


@pytest.mark.parametrize("name", NETWORKS)
def test_it_can_be_read_for_any_network(name):
    assert_readable(first_layer_weights(NETWORKS[name]))


@pytest.mark.parametrize("count", [1, 3, 17, 96])
def test_it_can_be_read_for_any_number_of_neurons(count):
    assert_readable(first_layer_weights(nn.Network([nn.Dense(count), nn.ReLU(), nn.Dense(10)])))


def test_the_tiles_are_the_weights_the_longest_first():
    network = NETWORKS["two layers"]
    weights = network.layers[0].W
    figure = first_layer_weights(network)
    order = sorted(range(12), key=lambda k: -np.linalg.norm(weights[:, k]))
    drawn = tiles(figure, columns_for(12))
    for tile, neuron in zip(drawn, order, strict=True):
        np.testing.assert_array_equal(tile, weights[:, neuron].reshape(28, 28))
    assert title(figure) == "What the 12 neurons of dense_1 look for"


def test_the_scale_is_shared_and_white_at_zero():
    network = NETWORKS["two layers"]
    picture = first_layer_weights(network).axes[0].images[0]
    low, high = picture.get_clim()
    assert low == -high
    assert np.quantile(np.abs(network.layers[0].W), 0.998) == pytest.approx(high)
    assert picture.cmap(picture.norm(0.0))[:3] == (1, 1, 1)
    red, _, blue = picture.cmap(picture.norm(high / 2))[:3]
    assert red > blue
    red, _, blue = picture.cmap(picture.norm(low / 2))[:3]
    assert red < blue


def test_of_many_neurons_the_strongest_are_shown_and_it_says_so():
    network = nn.Network([nn.Dense(200), nn.ReLU(), nn.Dense(10)])
    assert title(first_layer_weights(network)) == "What the strongest 96 of 200 neurons of dense_1 look for"
    figure = first_layer_weights(network, count=5)
    assert title(figure) == "What the strongest 5 of 200 neurons of dense_1 look for"
    strongest = int(np.linalg.norm(network.layers[0].W, axis=0).argmax())
    np.testing.assert_array_equal(tiles(figure, columns_for(5))[0], network.layers[0].W[:, strongest].reshape(28, 28))


def test_weights_of_nothing_but_zeros_do_no_harm():
    network = nn.Network([nn.Dense(4, "zeros"), nn.ReLU(), nn.Dense(10)])
    assert_readable(first_layer_weights(network))


def test_what_is_no_image_cannot_be_shown_as_one():
    with pytest.raises(InklingError, match="12 inputs of dense_1 are not the pixels"):
        first_layer_weights(nn.Network([nn.Dense(4), nn.ReLU(), nn.Dense(10)], input_shape=12))
    with pytest.raises(InklingError, match="no Dense layer"):
        first_layer_weights(nn.Network([nn.Flatten()], input_shape=(10,)))


def test_it_explains_its_colours():
    assert "ink on orange excites the neuron, ink on blue inhibits it" in words(
        first_layer_weights(NETWORKS["dropout"])
    )


def test_the_file_is_small(tmp_path):
    path = tmp_path / "weights.png"
    first_layer_weights(nn.Network([nn.Dense(128), nn.ReLU(), nn.Dense(10)])).savefig(path)
    assert path.stat().st_size < 300_000


@pytest.mark.parametrize(("count", "columns"), [(96, 12), (32, 8), (64, 8), (10, 5), (1, 1)])
def test_the_grid_is_wider_than_high_and_full(count, columns):
    assert columns_for(count) == columns
