"""Activations by their formulas, and at the ends of the number line. Derivatives: see test_layers."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.nn.activations import sigmoid, softmax

FORMULAS = {
    "relu": lambda z: np.where(z > 0, z, 0),
    "leaky_relu": lambda z: np.where(z > 0, z, 0.01 * z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": lambda z: (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z)),
    "identity": lambda z: z,
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
}


def activation(name: str, dtype: type = np.float64) -> nn.Layer:
    layer = nn.ACTIVATIONS[name]()
    nn.Network([layer, nn.Dense(2)], input_shape=5, dtype=dtype)
    return layer


def test_every_activation_has_a_name() -> None:
    assert set(nn.ACTIVATIONS) == set(FORMULAS)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_an_activation_follows_its_formula(name, dtype, rtol, random) -> None:
    z = random.normal(0, 2, (7, 5))
    found = activation(name, dtype).forward(z.astype(dtype), training=False)
    np.testing.assert_allclose(found, FORMULAS[name](z), rtol=rtol, atol=rtol)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_activation_and_its_gradient_stay_finite_for_huge_scores(name, dtype) -> None:
    """Without a warning, too: here every warning is an error."""
    z = np.array([[-1e4, -1000, 0, 1000, 1e4], [1000, 1000, 1000, 1000, -1000]], dtype)
    layer = activation(name, dtype)
    a = layer.forward(z, training=True)
    assert np.isfinite(a).all()
    assert np.isfinite(layer.backward(np.ones_like(a))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_reaches_its_ends(dtype) -> None:
    z = np.array([-np.inf, -1000, 0, 1000, np.inf], dtype)
    np.testing.assert_array_equal(sigmoid(z), [0, 0, 0.5, 1, 1])
    assert sigmoid(z).dtype == dtype


def test_sigmoid_is_precise_where_it_is_tiny(random) -> None:
    z = np.linspace(-700, -30, 50)
    np.testing.assert_allclose(sigmoid(z), np.exp(z), rtol=1e-12)
    z = random.normal(0, 5, 50)
    np.testing.assert_allclose(sigmoid(-z), 1 - sigmoid(z), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("function", [sigmoid, softmax])
def test_the_scores_stay_what_they_were(function) -> None:
    z = np.array([[-1.0, 0, 1]])
    function(z)
    np.testing.assert_array_equal(z, [[-1, 0, 1]])


def test_relu_has_no_slope_at_zero_and_below() -> None:
    layer = activation("relu")
    layer.forward(np.array([[-1.0, -0.0, 0.0, 1e-300, 2]]), training=True)
    np.testing.assert_array_equal(layer.backward(np.full((1, 5), 3.0)), [[0, 0, 0, 3, 3]])


def test_leaky_relu_passes_a_little_below_zero() -> None:
    layer = nn.LeakyReLU(0.25)
    nn.Network([layer, nn.Dense(2)], input_shape=3, dtype=np.float64)
    np.testing.assert_array_equal(layer.forward(np.array([[-4.0, 0, 4]]), training=True), [[-1, 0, 4]])
    np.testing.assert_array_equal(layer.backward(np.array([[8.0, 8, 8]])), [[2, 2, 8]])


@pytest.mark.parametrize("slope", [-0.1, 1, 1.5, float("nan"), "steep"])
def test_a_slope_outside_its_range_is_refused(slope) -> None:
    with pytest.raises(ValueError, match=r"LeakyReLU: slope is .*, but must lie in \[0, 1\)"):
        nn.LeakyReLU(slope)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_rows_are_probabilities_that_a_common_shift_does_not_change(dtype, random) -> None:
    z = (random.normal(size=(6, 5)) * 10).astype(dtype)
    p = softmax(z)
    assert p.dtype == dtype
    assert (p >= 0).all()
    tolerance = 10 * np.finfo(dtype).eps
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=tolerance)
    np.testing.assert_allclose(softmax(np.round(z) + dtype(512)), softmax(np.round(z)), rtol=tolerance)


def test_softmax_of_huge_scores() -> None:
    np.testing.assert_array_equal(softmax(np.array([[1e4, -1e4, 0], [1e4, 1e4, -1e4]])), [[1, 0, 0], [0.5, 0.5, 0]])


def test_softmax_derivative_is_that_of_the_book(random) -> None:
    """∂aₖ/∂zⱼ = aₖ·(δₖⱼ − aⱼ), written out as a matrix."""
    layer = activation("softmax")
    z, da = random.normal(size=(4, 5)), random.normal(size=(4, 5))
    a = layer.forward(z, training=True)
    wanted = [da[n] @ (np.diag(a[n]) - np.outer(a[n], a[n])) for n in range(4)]
    np.testing.assert_allclose(layer.backward(da), wanted, rtol=1e-12, atol=1e-15)
