"""Where a network begins: weights of the promised size, zero biases, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.nn.initializers import initializer_named

FAN_IN, FAN_OUT = 400, 300
SHAPE = (FAN_IN, FAN_OUT)
NORMAL = [
    (nn.HeNormal(), np.sqrt(2 / FAN_IN)),
    (nn.GlorotNormal(), np.sqrt(2 / (FAN_IN + FAN_OUT))),
    (nn.ScaledNormal(), 0.01),
    (nn.ScaledNormal(0.5), 0.5),
]
UNIFORM = [
    (nn.HeUniform(), np.sqrt(6 / FAN_IN)),
    (nn.GlorotUniform(), np.sqrt(6 / (FAN_IN + FAN_OUT))),
]


def shown(value: object) -> str | None:
    return repr(value) if isinstance(value, nn.Initializer) else None


@pytest.mark.parametrize(("initializer", "std"), NORMAL, ids=shown)
def test_normal_weights_have_the_promised_mean_and_spread(initializer, std, random) -> None:
    weights = initializer.draw(SHAPE, FAN_IN, FAN_OUT, random)
    assert weights.shape == SHAPE
    assert weights.dtype == np.float64
    assert abs(weights.mean()) < 4 * std / np.sqrt(weights.size)
    assert weights.std() == pytest.approx(std, rel=0.01)
    assert np.mean(np.abs(weights) < std) == pytest.approx(0.6827, abs=0.006), "the share within one deviation"
    assert np.mean(np.abs(weights) < 2 * std) == pytest.approx(0.9545, abs=0.003)


@pytest.mark.parametrize(("initializer", "limit"), UNIFORM, ids=shown)
def test_uniform_weights_fill_the_promised_interval_evenly(initializer, limit, random) -> None:
    weights = initializer.draw(SHAPE, FAN_IN, FAN_OUT, random)
    assert weights.shape == SHAPE
    assert weights.dtype == np.float64
    assert 0.999 * limit < weights.max() <= limit
    assert -limit <= weights.min() < -0.999 * limit
    assert abs(weights.mean()) < 4 * limit / np.sqrt(3 * weights.size)
    assert weights.var() == pytest.approx(limit**2 / 3, rel=0.01)


def test_uniform_and_normal_weights_have_the_same_variance(random) -> None:
    he = [kind().draw(SHAPE, FAN_IN, FAN_OUT, random).var() for kind in (nn.HeNormal, nn.HeUniform)]
    glorot = [kind().draw(SHAPE, FAN_IN, FAN_OUT, random).var() for kind in (nn.GlorotNormal, nn.GlorotUniform)]
    assert he[0] == pytest.approx(he[1], rel=0.02)
    assert glorot[0] == pytest.approx(glorot[1], rel=0.02)


def test_zeros_are_zeros(random) -> None:
    assert not nn.Zeros().draw(SHAPE, FAN_IN, FAN_OUT, random).any()


def test_a_dense_layer_counts_its_connections_and_begins_with_zero_biases() -> None:
    network = nn.Network([nn.Dense(300, "he_uniform"), nn.Dense(200, "glorot_uniform")], input_shape=(20, 20))
    first, second = network.layers
    assert np.abs(first.W).max() == pytest.approx(np.sqrt(6 / 400), rel=1e-3)
    assert np.abs(second.W).max() == pytest.approx(np.sqrt(6 / 500), rel=1e-3)
    assert not first.b.any()
    assert not second.b.any()


def test_he_keeps_the_signal_alive_through_many_relu_layers(random) -> None:
    x = random.normal(size=(200, 256))

    def last_scores(initializer: nn.Initializer) -> float:
        layers = [layer for _ in range(10) for layer in (nn.Dense(256, initializer), nn.ReLU())]
        network = nn.Network([*layers, nn.Dense(10)], input_shape=256, dtype=np.float64)
        return float(np.mean(network.forward(x) ** 2))

    assert 0.2 < last_scores(nn.HeNormal()) < 20
    assert last_scores(nn.ScaledNormal(0.01)) < 1e-10


@pytest.mark.parametrize("name", sorted(nn.INITIALIZERS))
def test_every_initializer_is_known_by_name(name: str) -> None:
    assert type(initializer_named(name)) is nn.INITIALIZERS[name]
    by_name = nn.Network([nn.Dense(4, name)], input_shape=6, seed=3)
    by_object = nn.Network([nn.Dense(4, nn.INITIALIZERS[name]())], input_shape=6, seed=3)
    np.testing.assert_array_equal(by_name.parameters, by_object.parameters)


def test_an_unknown_initializer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"no initializer called 'hee'; known are he, .*zeros"):
        nn.Dense(3, "hee")


@pytest.mark.parametrize("std", [-0.1, float("nan"), "wide"])
def test_a_spread_must_be_a_number_that_is_not_negative(std) -> None:
    with pytest.raises(ValueError, match="ScaledNormal: std is"):
        nn.ScaledNormal(std)


@pytest.mark.parametrize("name", sorted(nn.INITIALIZERS))
def test_a_float32_network_begins_where_its_float64_twin_does(name: str) -> None:
    single, double = (
        nn.Network([nn.Dense(30, name), nn.Tanh(), nn.Dense(10, name)], input_shape=50, seed=11, dtype=dtype)
        for dtype in (np.float32, np.float64)
    )
    np.testing.assert_array_equal(single.parameters, double.parameters.astype(np.float32))


def test_the_same_seed_gives_the_same_bits_and_another_seed_others() -> None:
    def begin(seed: int) -> np.ndarray:
        return nn.Network([nn.Dense(30), nn.ReLU(), nn.Dense(10)], input_shape=50, seed=seed).parameters

    np.testing.assert_array_equal(begin(1), begin(1))
    assert not np.array_equal(begin(1), begin(2))


def test_two_layers_of_the_same_shape_begin_differently() -> None:
    network = nn.Network([nn.Dense(8), nn.Dense(8)], input_shape=8)
    assert not np.array_equal(network.layers[0].W, network.layers[1].W)


def test_more_dropout_does_not_change_the_first_weights() -> None:
    plain = nn.Network([nn.Dense(30), nn.ReLU(), nn.Dense(10)], input_shape=50, seed=4)
    dropping = nn.Network(
        [nn.Dropout(0.1), nn.Dense(30), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)], input_shape=50, seed=4
    )
    np.testing.assert_array_equal(plain.parameters, dropping.parameters)


def test_initialize_forgets_what_was_learned() -> None:
    network = nn.Network([nn.Dense(3)], input_shape=4, seed=5)
    before = network.parameters.copy()
    network.parameters += 1
    network.initialize()
    np.testing.assert_array_equal(network.parameters, before)
