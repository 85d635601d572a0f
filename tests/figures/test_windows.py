from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import NETWORKS, digit

from inkling.figures.stages import Passing, stages
from inkling.figures.windows import trail, where, window
from inkling.nn import AveragePool2D, Conv2D, Flatten, GlobalAveragePool2D, MaxPool2D, Network
from inkling.training import trace

SIZES = st.integers(1, 4)


@given(st.data(), SIZES, SIZES, SIZES, SIZES, st.sampled_from(["valid", "same"]), st.integers(1, 3))
def test_window_times_kernel_is_the_pixel(data, kh, kw, down, across, padding, inputs):
    layer = Conv2D(2, (kh, kw), (down, across), padding)
    network = Network([layer, Flatten()], input_shape=(7, 6, inputs), dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(1, 7, 6, inputs))
    z = layer.forward(x, training=False)[0]
    place = tuple(data.draw(st.integers(0, size - 1)) for size in z.shape)
    seen = window(network.layers[0], x[0], place)
    assert seen.values.shape == (kh, kw, inputs)
    assert np.sum(seen.values * layer.W[..., place[2]]) + layer.b[place[2]] == pytest.approx(z[place])
    if padding == "valid":
        assert (x[0, seen.top : seen.top + kh, seen.left : seen.left + kw] == seen.values).all()


@pytest.mark.parametrize("layer", [MaxPool2D(2), MaxPool2D(3, 1), MaxPool2D((1, 2), (3, 1)), AveragePool2D(3, 2)])
def test_a_pooled_pixel_is_made_of_its_window(layer):
    layer = Network([type(layer)(layer.size, layer.stride), Flatten()], input_shape=(6, 7, 2)).layers[0]
    x = np.random.default_rng(0).normal(size=(1, 6, 7, 2)).astype(np.float32)
    out = layer.forward(x, training=False)[0]
    for place in np.ndindex(out.shape):
        seen = window(layer, x[0], place).values[:, :, place[2]]
        made = seen.max() if isinstance(layer, MaxPool2D) else seen.mean()
        assert made == pytest.approx(out[place], abs=1e-6)


def test_of_a_mean_over_the_whole_image_the_window_is_the_image():
    layer = Network([GlobalAveragePool2D()], input_shape=(3, 4, 2)).layers[0]
    x = np.arange(24.0).reshape(3, 4, 2)
    assert (window(layer, x, (1,)).values == x).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_trail_ends_at_the_largest_number_that_the_stage_hands_on(name):
    network = NETWORKS[name]()
    steps = trace(network, digit(network)[None], np.array([0]))
    for stage in stages(network)[1]:
        places = trail(stage, steps)
        layers = [stage.head, *(layer for layer in stage.followers if not isinstance(layer, Passing))]
        assert list(places) == [layer.name for layer in layers[::-1]]
        last = steps[layers[-1].name].out[0]
        assert last[places[layers[-1].name]] == last.max()
        for before, layer in pairwise(layers):
            came, went = steps[layer.name].x[0], steps[layer.name].out[0]
            assert (came == steps[before.name].out[0]).all()
            if isinstance(layer, MaxPool2D):
                assert came[places[before.name]] == went[places[layer.name]]
            elif not isinstance(layer, AveragePool2D):
                assert places[before.name] == places[layer.name]


def test_places_in_words():
    assert where((10, 12, 3)) == "channel 3, row 10, column 12"
    assert where((10, 12)) == "row 10, column 12"
    assert where((7,)) == "neuron 7"
