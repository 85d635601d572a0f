from __future__ import annotations

import numpy as np
import pytest
from networks import NETWORKS, convolved, dense, title
from subjects import assert_readable, words

from inkling.errors import InklingError
from inkling.figures import kernels
from inkling.figures.kernels import ALONE, CHANNELS, INPUTS
from inkling.nn import Conv2D, ReLU

CONVOLVED = ["convolutions", "deep convolutions", "as recipes build them", "pooled first"]


def grids(figure):
    """What is drawn, a picture for each row of single kernels and for each grid; NaN between the kernels."""
    return [np.ma.filled(axes.images[0].get_array(), np.nan) for axes in figure.axes]


@pytest.mark.parametrize("name", CONVOLVED)
def test_it_can_be_read_for_any_network(name):
    network = NETWORKS[name]()
    figure = kernels(network)
    assert_readable(figure)
    said = " ".join(words(figure))
    assert all(layer.name in said for layer in network.layers if isinstance(layer, Conv2D))


@pytest.mark.parametrize(("channels", "kernel"), [(1, 1), (3, 7), (33, 3), (100, 2)])
def test_it_can_be_read_for_any_size(channels, kernel):
    layers = [Conv2D(channels, kernel), ReLU(), Conv2D(channels, kernel), ReLU(), Conv2D(1, (1, kernel))]
    assert_readable(kernels(convolved(*layers)))


def test_the_first_kernels_stand_in_a_row_and_later_ones_in_a_grid_of_in_and_out():
    network = NETWORKS["convolutions"]()
    first, second = (layer.W for layer in network.layers if isinstance(layer, Conv2D))
    row, grid = grids(kernels(network))
    assert row.shape == (5, 8 * 6 - 1)
    assert grid.shape == (8 * 6 - 1, 16 * 6 - 1)
    for channel in range(8):
        np.testing.assert_array_equal(row[:, 6 * channel : 6 * channel + 5], first[:, :, 0, channel])
    for come, goes in ((0, 0), (3, 7), (7, 15)):
        tile = grid[6 * come : 6 * come + 5, 6 * goes : 6 * goes + 5]
        np.testing.assert_array_equal(tile, second[:, :, come, goes])


def test_the_colours_of_a_layer_are_one_scale_centred_at_zero():
    network = NETWORKS["convolutions"]()
    for layer, axes in zip((network.layers[0], network.layers[3]), kernels(network).axes, strict=True):
        low, high = axes.images[0].get_clim()
        assert low == -high
        assert high == pytest.approx(np.abs(layer.W).max())


def test_of_many_the_strongest_are_shown_in_their_own_order_and_that_is_said():
    network = convolved(Conv2D(40, 3), ReLU(), Conv2D(20, 3))
    first, second = network.layers[0].W, network.layers[2].W
    first *= 0.1
    first[..., 39], first[..., 0] = 3, 2
    second[:, :, :, [0, 7, 9, 19]] = 0
    second[:, :, 5] = -4
    figure = kernels(network)
    upper, lower, grid = grids(figure)
    assert len(upper) == len(lower) == 3
    assert upper.shape[1] + lower.shape[1] == ALONE * 4 - 2
    assert (upper[:, :3] == 2).all()
    assert (lower[:, -3:] == 3).all()
    assert grid.shape == (INPUTS * 4 - 1, CHANNELS * 4 - 1)
    assert np.count_nonzero((grid == -4).all(axis=1)) == 0
    rows = [index for index in range(0, len(grid), 4) if (grid[index : index + 3, :3] == -4).all()]
    assert len(rows) == 1
    said = words(figure)
    assert "one for each channel: the strongest 32 of 40" in said
    assert "rows: 12 of 40 channels in; columns: 16 of 20 out" in said
    # The channels' numbers stand beside the rows and above the columns.
    shown = [channel for channel in range(20) if channel not in (0, 7, 9, 19)]
    assert [word for word in said if word.isdigit()][ALONE : ALONE + CHANNELS] == [str(channel) for channel in shown]
    assert "5" in said


def test_how_many_there_are_is_said():
    assert title(kernels(convolved(Conv2D(2, 3)))).startswith("The kernels of conv2d_1")
    assert title(kernels(NETWORKS["deep convolutions"]())).startswith("The kernels of 8 convolutions")


def test_a_network_without_convolutions_is_refused_in_one_line():
    with pytest.raises(InklingError, match="no convolutions, so there are no kernels"):
        kernels(dense([4]))
