"""A weight says how often a sample counts: in the loss, in the gradient, in how many are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn

KINDS = [nn.SoftmaxCrossEntropy, nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy]
every_loss = pytest.mark.parametrize("kind", KINDS)


def made(kind: type[nn.Loss], *, dtype: type = np.float64, l2: float = 0.0, **arguments: object) -> nn.Network:
    layers = [nn.Dense(5), nn.Tanh(), nn.Dense(3)] + ([nn.Sigmoid()] if kind is nn.MeanSquaredError else [])
    return nn.Network(layers, input_shape=4, loss=kind(**arguments), dtype=dtype, l2=l2, seed=3)


def batch(size: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    return random.normal(size=(size, 4)), random.integers(0, 3, size), random.random(size) * 3


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("l2", [0.0, 0.1])
def test_gradients_agree_with_numbers(kind, reduction, smoothing, l2) -> None:
    network = made(kind, reduction=reduction, label_smoothing=smoothing, l2=l2)
    x, labels, weights = batch(6)
    assert nn.gradcheck(network, x, labels, weights=weights).worst < 1e-7
    # and differ from those of a batch in which all count the same
    weighted = network.gradients.copy()
    network.compute_gradients(x, labels)
    assert not np.allclose(weighted, network.gradients)


@pytest.mark.parametrize("layers", [(nn.BatchNorm(), nn.Conv2D(2, 2), nn.ReLU()), (nn.Dense(5), nn.Dropout(0.3))])
def test_gradients_agree_with_numbers_through_any_layer(layers) -> None:
    network = nn.Network(
        [*(layer.clone() for layer in layers), nn.Dense(3)], input_shape=(3, 3, 1), dtype=np.float64, seed=1
    )
    random = np.random.default_rng(0)
    x, labels, weights = random.normal(size=(5, 3, 3, 1)), random.integers(0, 3, 5), random.random(5)
    assert nn.gradcheck(network, x, labels, weights=weights).worst < 1e-6


@every_loss
@settings(deadline=None, max_examples=15)
@given(weights=st.lists(st.integers(0, 3), min_size=2, max_size=8).filter(any))
def test_a_whole_weight_is_so_many_copies(kind, weights) -> None:
    x, labels, _ = batch(len(weights))
    counts = np.array(weights)
    weighted, copied = made(kind), made(kind)
    loss, right = weighted.compute_gradients(x, labels, counts / counts.mean())
    their_loss, their_right = copied.compute_gradients(x.repeat(counts, axis=0), labels.repeat(counts))
    assert loss == pytest.approx(their_loss, rel=1e-10)
    assert right / len(x) == pytest.approx(their_right / counts.sum(), rel=1e-10)
    np.testing.assert_allclose(weighted.gradients, copied.gradients, rtol=1e-9, atol=1e-14)
    score, their_score = (
        weighted.score(x, labels, counts),
        copied.score(x.repeat(counts, axis=0), labels.repeat(counts)),
    )
    assert score[0] * len(x) == pytest.approx(their_score[0] * counts.sum(), rel=1e-10)
    assert score[1] == pytest.approx(their_score[1])


@every_loss
def test_ones_change_nothing(kind) -> None:
    x, labels, _ = batch(7)
    plain, weighted = made(kind), made(kind)
    loss, right = plain.compute_gradients(x, labels)
    assert weighted.compute_gradients(x, labels, np.ones(7)) == pytest.approx((loss, right), rel=1e-12)
    np.testing.assert_array_equal(weighted.gradients, plain.gradients)
    assert right == np.sum(plain.predict(x) == labels)


@every_loss
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_weight_multiplies_the_gradient_of_its_sample(kind, reduction) -> None:
    x, labels, weights = batch(7)
    network = made(kind, reduction=reduction)
    network.compute_gradients(x, labels, weights)
    weighted, added = network.gradients.copy(), np.zeros_like(network.gradients)
    for sample in range(7):
        network.compute_gradients(x[sample : sample + 1], labels[sample : sample + 1])
        added += weights[sample] * network.gradients
    np.testing.assert_allclose(weighted, added if reduction == "sum" else added / 7, rtol=1e-11, atol=1e-14)


@every_loss
def test_float32_stays_float32(kind) -> None:
    x, labels, weights = batch(5)
    network = made(kind, dtype=np.float32)
    loss, _ = network.compute_gradients(x, labels, weights)  # the weights are float64
    assert network.gradients.dtype == np.float32
    assert isinstance(loss, float)
    assert loss == pytest.approx(made(kind).compute_gradients(x, labels, weights)[0], rel=1e-5)


def test_a_sample_without_weight_moves_nothing() -> None:
    x, labels, _ = batch(4)
    network = made(nn.SoftmaxCrossEntropy)
    network.compute_gradients(x, labels, np.array([0.0, 0, 0, 0]))
    assert not network.gradients.any()
