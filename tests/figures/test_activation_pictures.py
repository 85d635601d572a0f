from __future__ import annotations

import numpy as np
import pytest
from subjects import assert_readable, digits, networks, title, words

from inkling import nn
from inkling.figures import activation_functions, activation_shapes
from inkling.nn.activations import ACTIVATIONS

NETWORKS = networks()


def panels(figure):
    return [axes for axes in figure.axes if axes.get_title()]


def curves(axes):
    function, derivative = axes.lines[:2]
    assert (function.get_label(), derivative.get_label()) == ("a = f(z)", "∂a/∂z")
    assert function.get_linestyle() != derivative.get_linestyle()
    return function.get_xdata(), function.get_ydata(), derivative.get_ydata()


@pytest.mark.parametrize("name", NETWORKS)
def test_it_can_be_read_for_any_network(name):
    assert_readable(activation_functions(NETWORKS[name], digits(30)[0]))


def test_the_shapes_can_be_read_and_none_is_missing():
    figure = activation_shapes()
    assert_readable(figure)
    assert [axes.get_title().split("\n")[0] for axes in panels(figure)] == [
        kind.__name__ for kind in ACTIVATIONS.values()
    ]


FORMULAS = {
    "ReLU": (lambda z: np.maximum(z, 0), lambda z: (z > 0).astype(float)),
    "LeakyReLU": (lambda z: np.where(z > 0, z, 0.01 * z), lambda z: np.where(z > 0, 1, 0.01)),
    "Sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda z: np.exp(-z) / (1 + np.exp(-z)) ** 2),
    "Tanh": (np.tanh, lambda z: 1 - np.tanh(z) ** 2),
    "Identity": (lambda z: z, np.ones_like),
    "Softmax": (lambda z: np.exp(z) / (np.exp(z) + 9), lambda z: 9 * np.exp(z) / (np.exp(z) + 9) ** 2),
}


@pytest.mark.parametrize("name", FORMULAS)
def test_the_curves_are_function_and_derivative(name):
    (axes,) = [axes for axes in panels(activation_shapes()) if axes.get_title().split("\n")[0] == name]
    z, a, slope = curves(axes)
    function, derivative = FORMULAS[name]
    np.testing.assert_allclose(a, function(z), atol=1e-12)
    np.testing.assert_allclose(slope, derivative(z), atol=1e-12)
    assert z[0] == -z[-1] == -4


def test_an_argument_of_the_activation_is_kept():
    z, a, _ = curves(panels(activation_functions(NETWORKS["six leaky layers"], digits(9)[0]))[0])
    np.testing.assert_allclose(a, np.where(z > 0, z, 0.1 * z))


@pytest.mark.parametrize("name", ["two layers", "deep sigmoid", "flat input"])
def test_the_region_holds_the_values_of_the_layer(name):
    network = NETWORKS[name]
    images, _ = digits(40)
    figure = activation_functions(network, images)
    z = next(out for layer, out in network.activations(images) if isinstance(layer, nn.Dense))
    upper, lower = figure.axes[:2]
    edges = [line.get_xdata()[0] for line in upper.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(edges, np.quantile(z.astype(float), [0.005, 0.995]), rtol=1e-6)
    shares, bins, _ = lower.patches[0].get_data()
    expected, _ = np.histogram(z.astype(float).reshape(-1), bins=bins)
    np.testing.assert_allclose(shares, expected / z.size)
    assert 0.95 < shares.sum() <= 1
    low, high = upper.get_xlim()
    assert low < edges[0]
    assert high > edges[1]


def test_the_title_tells_how_much_gradient_gets_through():
    network = NETWORKS["two layers"]
    images, _ = digits(40)
    z = network.activations(images)[0][1]
    axes = panels(activation_functions(network, images))[0]
    assert axes.get_title() == f"relu_1: mean slope {np.mean(z > 0):.2g} here"


def test_softmax_shows_how_a_score_moves_its_own_probability():
    network = NETWORKS["softmax, squares"]
    images, _ = digits(40)
    p = network.predict_proba(images)
    axes = panels(activation_functions(network, images))[1]
    assert axes.get_title().startswith(f"softmax_1: mean slope {np.mean(p * (1 - p)):.2g} here")


def test_there_is_a_panel_for_each_activation_and_none_for_others():
    figure = activation_functions(NETWORKS["six leaky layers"], digits(12)[0])
    assert [axes.get_title().split(":")[0] for axes in panels(figure)] == [f"leakyrelu_{k}" for k in range(1, 6)]
    assert title(figure) == "Where this network's values fall on its activations (12 images)"


def test_a_training_in_another_thread_is_not_disturbed():
    network = NETWORKS["two layers"]
    images, labels = digits(8)
    loss, _ = network.compute_gradients(images, labels)
    before = network.layers[1].a.copy()
    activation_functions(network, digits(8, seed=5)[0])
    np.testing.assert_array_equal(network.layers[1].a, before)
    assert loss > 0


def test_a_linear_network_has_nothing_to_show():
    figure = activation_functions(NETWORKS["one layer"], digits(3)[0])
    assert_readable(figure)
    assert "No activation functions" in words(figure)
