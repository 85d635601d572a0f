"""A trace shows the numbers that the network computed, and leaves the network alone."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.training import trace


def made(*, dtype: type = np.float64, loss: nn.Loss | None = None) -> nn.Network:
    layers = [nn.Dense(7), nn.ReLU(), nn.Dropout(0.5), nn.Dense(4)]
    return nn.Network(layers, input_shape=(3, 2), loss=loss, dtype=dtype, seed=5)


SAMPLES = np.random.default_rng(0).random((6, 3, 2))
LABELS = np.array([0, 1, 2, 3, 0, 1])


def test_outputs_are_those_of_the_prediction() -> None:
    network = made()
    seen = trace(network, SAMPLES, LABELS)
    np.testing.assert_array_equal(seen.probabilities, network.predict_proba(SAMPLES))
    np.testing.assert_array_equal(seen.outputs, network.forward(SAMPLES))
    assert seen.loss == pytest.approx(network.score(SAMPLES, LABELS)[0])


def test_every_layer_gets_what_the_one_before_gave_and_the_way_back_likewise() -> None:
    seen = trace(made(), SAMPLES, LABELS)
    np.testing.assert_array_equal(seen.layers[0].x, seen.x)
    np.testing.assert_array_equal(seen.layers[-1].out, seen.outputs)
    np.testing.assert_array_equal(seen.layers[-1].dout, seen.doutputs)
    for before, after in zip(seen.layers, seen.layers[1:], strict=False):
        np.testing.assert_array_equal(before.out.ravel(), after.x.ravel())
        np.testing.assert_array_equal(before.dout.ravel(), after.dx.ravel())


def test_gradients_are_those_of_training_without_dropout() -> None:
    network = nn.Network([nn.Dense(7), nn.ReLU(), nn.Dense(4)], input_shape=(3, 2), dtype=np.float64)
    seen = trace(network, SAMPLES, LABELS)
    network.compute_gradients(SAMPLES, LABELS)
    for name, gradient in network.named_gradients():
        layer, _, short = name.partition(".")
        np.testing.assert_allclose(seen[layer].gradients[short], gradient, rtol=1e-12)


def test_the_way_back_begins_with_p_minus_y() -> None:
    seen = trace(made(loss=nn.SoftmaxCrossEntropy("sum")), SAMPLES, LABELS)
    np.testing.assert_allclose(seen.doutputs, seen.probabilities - np.eye(4)[LABELS], rtol=1e-12)


def test_gradient_on_the_pixels_is_that_of_input_gradient() -> None:
    network = made(loss=nn.SoftmaxCrossEntropy("sum"))
    np.testing.assert_allclose(
        trace(network, SAMPLES, LABELS).layers[0].dx, network.input_gradient(SAMPLES, LABELS), rtol=1e-12
    )


def test_network_is_left_as_it_was_and_the_copies_stay() -> None:
    network = made()
    network.compute_gradients(SAMPLES, LABELS)
    gradients, step = network.gradients.copy(), network.step
    seen = trace(network, SAMPLES, LABELS)
    kept = [step.out.copy() for step in seen.layers]
    np.testing.assert_array_equal(network.gradients, gradients)
    assert network.step == step
    network.parameters += 1
    trace(network, SAMPLES * 2, LABELS)
    for step, out in zip(seen.layers, kept, strict=True):
        np.testing.assert_array_equal(step.out, out)


def test_pixels_of_bytes_are_shown_as_the_network_sees_them() -> None:
    seen = trace(made(dtype=np.float32), np.full((1, 6), 255, np.uint8), np.array([2]))
    assert seen.x.dtype == np.float32
    np.testing.assert_array_equal(seen.x, np.ones((1, 3, 2), np.float32))


def test_a_name_that_is_no_layer_is_refused_with_those_that_are() -> None:
    with pytest.raises(KeyError, match="dense_1, relu_1, dropout_1, dense_2"):
        trace(made(), SAMPLES, LABELS)["dense_9"]
