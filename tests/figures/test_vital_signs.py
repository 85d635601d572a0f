from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from subjects import assert_readable, digits, networks, signs, title, words

from inkling.figures import vital_signs
from inkling.figures.vitals import spread
from inkling.nn import SGD, BatchNorm, Conv2D, Dense, MaxPool2D, Network, ReLU
from inkling.training import Trainer, Vitals

NETWORKS = networks()
NETWORK_OF_CHANNELS = Network([Conv2D(3, 3), ReLU(), MaxPool2D(2), BatchNorm(), Dense(10)])


@pytest.mark.parametrize("name", ["one layer", "dropout", "softmax, squares", "deep sigmoid", "six leaky layers"])
def test_it_can_be_read_for_any_network(name):
    vitals = Vitals()
    network = NETWORKS[name]
    Trainer(network, SGD(0.1), callbacks=[vitals], threads=1).fit(digits(40), epochs=2, batch_size=20)
    network.initialize()
    assert_readable(vital_signs(vitals.signs))


@pytest.mark.parametrize("layers", [1, 2, 6])
@pytest.mark.parametrize("epochs", [0, 1, 200])
def test_it_can_be_read_however_deep_and_long(layers, epochs):
    assert_readable(vital_signs(signs(layers, epochs, shrink=3, dead=2)))


def test_the_lines_are_the_signs():
    seen = signs(3, 10, shrink=2)
    outputs, gradients, zeros = vital_signs(seen).axes
    expected = {
        outputs: ("output_std", ["relu_1", "relu_2", "dense_3"]),
        gradients: ("gradient_std", ["dense_1", "dense_2", "dense_3"]),
        zeros: ("zero_fraction", ["relu_1", "relu_2"]),
    }
    for axes, (value, layers) in expected.items():
        assert [line.get_label() for line in axes.lines] == layers
        for line in axes.lines:
            mine = [sign for sign in seen if sign.layer == line.get_label()]
            np.testing.assert_array_equal(line.get_xdata(), [sign.epoch for sign in mine])
            np.testing.assert_array_equal(line.get_ydata(), [getattr(sign, value) for sign in mine])
        assert [text.get_text() for text in axes.texts] == layers
    assert gradients.get_yscale() == "log"


def test_the_title_says_that_gradients_vanish():
    assert title(vital_signs(signs(6, 3, shrink=4, activation="sigmoid"))) == (
        "Gradients shrink 1,000-fold from the last to the first layer"
    )


def test_the_title_says_that_gradients_explode():
    assert title(vital_signs(signs(3, 3, shrink=0.25, activation="tanh"))) == (
        "Gradients grow 16-fold from the last to the first layer"
    )


def test_the_title_counts_dead_neurons():
    figure = vital_signs(signs(3, 3, dead=7))
    assert (
        title(figure)
        == "Gradients are of similar size in the first and the last layer; dead neurons: 7 of 32 in relu_1"
    )
    assert "relu_1 (7 dead)" in words(figure)
    assert title(vital_signs(signs(3, 3))).endswith("no dead neurons")


def test_a_channel_that_finds_nothing_is_one_dead_neuron_and_pooling_has_none():
    network = NETWORK_OF_CHANNELS
    network.layers[0].b[...] = [-100, 1, 1]
    vitals = Vitals()
    Trainer(network, SGD(0.01), callbacks=[vitals], threads=1).fit(digits(40), epochs=1, batch_size=20)
    dead = {sign.layer: (sign.dead_units, sign.units) for sign in vitals.signs if sign.epoch == 1}
    assert dead["relu_1"] == (1, 3)
    figure = vital_signs(vitals.signs)
    assert_readable(figure)
    assert "dead neurons: 1 of 3 in relu_1" in title(figure)
    assert [text.get_text() for text in figure.axes[2].texts] == ["relu_1 (1 dead)"]


def test_gradients_of_exactly_zero_have_vanished():
    seen = signs(3, 3, shrink=np.inf)
    figure = vital_signs(seen)
    assert_readable(figure)
    assert title(figure).startswith("Gradients vanish before they reach the first layer")


def test_one_layer_is_nothing_to_worry_about():
    assert title(vital_signs(signs(1, 3))) == "One layer learns, so gradients have no way to vanish on"


def test_where_no_output_is_zero_it_says_so():
    zeros = vital_signs(signs(4, 3, activation="sigmoid")).axes[2]
    assert [text.get_text() for text in zeros.texts] == ["none in any layer"]


def test_nobody_looked():
    figure = vital_signs([])
    assert_readable(figure)
    assert "No vital signs" in words(figure)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_names_are_moved_apart_and_keep_their_order(heights):
    places = spread(np.array(heights), 0.06)
    assert (np.diff(np.sort(places)) >= 0.06 - 1e-9).all()
    assert places.min() >= -1e-9
    assert places.max() <= 1 + 1e-9
    for one, place in zip(heights, places, strict=True):
        assert all(place <= there for other, there in zip(heights, places, strict=True) if one < other)


def test_names_that_are_far_apart_stay_where_they_are():
    np.testing.assert_allclose(spread(np.array([0.9, 0.1, 0.5]), 0.06), [0.9, 0.1, 0.5])
    np.testing.assert_allclose(spread(np.array([0.5, 0.5]), 0.06), [0.47, 0.53])
