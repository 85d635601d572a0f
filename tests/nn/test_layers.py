"""Every layer: its derivative against numbers, its arrays, its shapes, and what it says when they don't fit."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn
from inkling.nn.random import dropout_mask

LAYERS: list[Callable[[], nn.Layer]] = [
    lambda: nn.Dense(4),
    lambda: nn.Dropout(0.4),
    lambda: nn.Dropout(0),
    nn.Flatten,
    nn.ReLU,
    lambda: nn.LeakyReLU(0.1),
    lambda: nn.LeakyReLU(0.0),
    nn.Sigmoid,
    nn.Tanh,
    nn.Identity,
    nn.Softmax,
]
every_layer = pytest.mark.parametrize("make", LAYERS, ids=lambda make: repr(make()))
both_dtypes = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def settle(make: Callable[[], nn.Layer], shape: tuple[int, ...], dtype: type = np.float64) -> nn.Layer:
    """The layer at home in a network, its parameters all different from zero."""
    layer = make()
    network = nn.Network([layer, nn.Flatten()], input_shape=shape, dtype=dtype)
    network.parameters[...] = np.random.default_rng(1).normal(size=network.parameters.shape)
    return layer


def away_from_zero(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Numbers between −2 and 2 that keep off the kink of ReLU."""
    return random.uniform(0.05, 2, shape) * random.choice([-1, 1], shape)


def fitting(make: Callable[[], nn.Layer], shape: tuple[int, ...]) -> tuple[int, ...]:
    return (math.prod(shape),) if isinstance(make(), nn.Softmax) else shape


@every_layer
@settings(deadline=None, max_examples=15)
@given(
    batch=st.integers(1, 4),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple),
    seed=st.integers(0, 1000),
)
def test_backward_is_the_derivative_of_forward(make, batch, shape, seed) -> None:
    random = np.random.default_rng(seed)
    layer = settle(make, fitting(make, shape))
    x = away_from_zero(random, (batch, *layer.input_shape))
    weights = random.normal(size=(batch, *layer.output_shape))
    parameters = {name: getattr(layer, name) for name in layer.parameter_shapes()}

    def weighted_outputs() -> float:  # within one step, dropout drops the same each time
        return float(np.sum(weights * layer.forward(x, training=True)))

    weighted_outputs()
    dx = layer.backward(weights)
    assert dx.shape == x.shape
    np.testing.assert_allclose(dx, nn.numerical_gradient(weighted_outputs, x), rtol=1e-6, atol=1e-8)
    for name, values in parameters.items():
        numerical = nn.numerical_gradient(weighted_outputs, values)
        np.testing.assert_allclose(getattr(layer, f"d{name}"), numerical, rtol=1e-6, atol=1e-8, err_msg=name)


@every_layer
@both_dtypes
def test_a_layer_computes_in_the_dtype_of_its_network(make, dtype, random) -> None:
    layer = settle(make, (6,), dtype)
    x = random.normal(size=(3, 6)).astype(dtype)
    for training in (True, False):
        out = layer.forward(x, training=training)
        assert out.dtype == dtype
        assert layer.backward(np.ones_like(out)).dtype == dtype
    arrays = {name: value for name, value in vars(layer).items() if isinstance(value, np.ndarray)}
    for name, array in arrays.items():
        assert array.dtype in (dtype, np.bool_), name


@every_layer
def test_neither_way_changes_what_it_is_given_nor_what_it_gave(make, random) -> None:
    layer = settle(make, (6,))
    x = random.normal(size=(5, 6))
    dout = random.normal(size=(5, *layer.output_shape))
    arrays = [x, dout, layer.forward(x, training=True), layer.backward(dout)]
    kept = [array.copy() for array in arrays]
    layer.step = 1
    layer.forward(-x, training=True)
    layer.backward(-dout)
    for array, before in zip(arrays, kept, strict=True):
        np.testing.assert_array_equal(array, before)


@every_layer
def test_a_short_batch_after_a_long_one_sees_nothing_of_it(make, random) -> None:
    used = settle(make, (6,))
    for step, batch in enumerate((5, 2, 1, 5, 8, 3, 8)):
        fresh = settle(make, (6,))
        x = random.normal(size=(batch, 6))
        dout = random.normal(size=(batch, *fresh.output_shape))
        results = []
        for layer in (used, fresh):
            layer.step = step
            out = layer.forward(x, training=True)
            dx = layer.backward(dout)
            results.append([out, dx, *(getattr(layer, f"d{p}").copy() for p in layer.parameter_shapes())])
        for ours, theirs in zip(*results, strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-13, atol=1e-15)


@every_layer
def test_every_sample_goes_its_own_way(make, random) -> None:
    """A batch is only a bundle: predicting five samples together gives what each gives alone."""
    layer = settle(make, (6,))
    x = random.normal(size=(5, 6))
    together = layer.forward(x, training=False)
    alone = [layer.forward(x[index : index + 1], training=False)[0] for index in range(5)]
    np.testing.assert_allclose(together, alone, rtol=1e-12)


class TestDense:
    def test_by_hand(self) -> None:
        layer = nn.Dense(2)
        nn.Network([layer], input_shape=3, dtype=np.float64)
        layer.W[...] = [[1, 2], [3, 4], [5, 6]]
        layer.b[...] = [10, 20]
        x = np.array([[1.0, 0, -1], [2, 1, 0]])
        np.testing.assert_array_equal(layer.forward(x, training=True), [[6, 16], [15, 28]])
        dx = layer.backward(np.array([[1.0, 0], [0, 1]]))
        np.testing.assert_array_equal(dx, [[1, 3, 5], [2, 4, 6]])
        np.testing.assert_array_equal(layer.dW, [[1, 2], [0, 1], [-1, 0]])
        np.testing.assert_array_equal(layer.db, [1, 1])

    def test_images_are_flattened_row_by_row(self, random) -> None:
        images = random.normal(size=(3, 4, 5, 2))
        flat, square = (nn.Network([nn.Dense(6)], input_shape=shape, dtype=np.float64) for shape in (40, (4, 5, 2)))
        np.testing.assert_array_equal(flat.forward(images.reshape(3, 40)), square.forward(images))

    def test_gradients_are_overwritten_not_added_to(self, random) -> None:
        network = nn.Network([nn.Dense(3)], input_shape=4)
        x, labels = random.normal(size=(5, 4)), random.integers(0, 3, 5)
        network.compute_gradients(x, labels)
        first = network.gradients.copy()
        network.compute_gradients(x, labels)
        np.testing.assert_array_equal(network.gradients, first)

    @pytest.mark.parametrize("units", [0, -3, 2.5, "10", None, True])
    def test_units_must_be_a_whole_number(self, units) -> None:
        with pytest.raises(ValueError, match=r"Dense: units is .*, but must be a whole number of at least 1"):
            nn.Dense(units)

    def test_only_weights_are_decayed(self) -> None:
        assert nn.Dense(3).decayed == ("W",)


class TestFlatten:
    def test_the_shape_and_back(self, random) -> None:
        layer = nn.Flatten()
        nn.Network([layer, nn.Dense(3)], input_shape=(4, 3, 2))
        assert layer.output_shape == (24,)
        x = random.normal(size=(5, 4, 3, 2)).astype(np.float32)
        out = layer.forward(x, training=True)
        np.testing.assert_array_equal(out, x.reshape(5, 24))
        np.testing.assert_array_equal(layer.backward(out), x)


class TestDropout:
    SIZE = 40_000

    def dropout(self, rate: float, dtype: type = np.float64, seed: int = 0) -> nn.Dropout:
        layer = nn.Dropout(rate)
        nn.Network([layer, nn.Dense(2)], input_shape=self.SIZE // 4, dtype=dtype, seed=seed)
        return layer

    @pytest.mark.parametrize("rate", [0.1, 0.2, 0.5, 0.9, 0.99])
    def test_drops_the_promised_share_and_scales_the_rest(self, rate) -> None:
        out = self.dropout(rate).forward(np.ones((4, self.SIZE // 4)), training=True)
        error = 4 * np.sqrt(rate * (1 - rate) / self.SIZE)
        assert np.mean(out == 0) == pytest.approx(rate, abs=error)
        np.testing.assert_allclose(out[out != 0], 1 / (1 - rate), rtol=2e-3)
        assert out.mean() == pytest.approx(1, abs=error / (1 - rate) + 2e-3), "the expectation stays"

    def test_every_position_is_dropped_as_often(self) -> None:
        layer = nn.Dropout(0.3)
        nn.Network([layer, nn.Dense(2)], input_shape=7)
        kept = np.zeros((3, 7))
        for layer.step in range(2000):
            kept += layer.forward(np.ones((3, 7), np.float32), training=True) > 0
        np.testing.assert_allclose(kept / 2000, 0.7, atol=5 * np.sqrt(0.21 / 2000))

    def test_the_scale_is_exactly_that_of_the_share_that_is_kept(self) -> None:
        """The rate is rounded to 1/65536; scale · (kept share) is 1 to the last bit all the same."""
        layer = self.dropout(1 / 3)
        out = layer.forward(np.ones((4, self.SIZE // 4)), training=True)
        assert out.max() * (1 - round(65536 / 3) / 65536) == pytest.approx(1, rel=1e-15)

    def test_backward_uses_the_same_mask(self, random) -> None:
        layer = self.dropout(0.5)
        x = random.uniform(1, 2, (4, self.SIZE // 4))
        mask = layer.forward(x, training=True) / x
        dout = random.normal(size=x.shape)
        np.testing.assert_allclose(layer.backward(dout), dout * mask, rtol=1e-14)

    def test_draws_the_same_mask_within_a_step_and_another_one_in_the_next(self) -> None:
        layer, x = self.dropout(0.5), np.ones((4, self.SIZE // 4))
        masks = []
        for layer.step in (0, 0, 1, 10**9):
            masks.append(layer.forward(x, training=True) > 0)
        np.testing.assert_array_equal(masks[0], masks[1])
        for one, other in ((0, 2), (0, 3), (2, 3)):
            assert np.mean(masks[one] == masks[other]) == pytest.approx(0.5, abs=0.02), "as two coins agree"

    def test_the_mask_follows_from_seed_layer_and_step_alone(self) -> None:
        """Whatever was computed before, and in whichever network the layer stands."""
        x = np.ones((4, 100))
        masks = []
        for before, behind in ((0, [nn.Dense(2)]), (3, [nn.ReLU(), nn.Dense(5), nn.Dense(2)])):
            layer = nn.Dropout(0.5)
            nn.Network([layer, *behind], input_shape=100, dtype=np.float64, seed=9)
            for layer.step in range(before):
                layer.forward(x, training=True)
            layer.step = 5
            masks.append(layer.forward(x, training=True))
        np.testing.assert_array_equal(*masks)

    @pytest.mark.parametrize("rate", [0, 0.5])
    def test_does_nothing_when_predicting(self, rate, random) -> None:
        layer = self.dropout(rate)
        x = random.normal(size=(4, self.SIZE // 4))
        layer.forward(x, training=True)
        np.testing.assert_array_equal(layer.forward(x, training=False), x)
        np.testing.assert_array_equal(layer.backward(x), x)

    def test_rate_zero_does_nothing(self, random) -> None:
        layer = self.dropout(0)
        x = random.normal(size=(4, self.SIZE // 4))
        np.testing.assert_array_equal(layer.forward(x, training=True), x)
        np.testing.assert_array_equal(layer.backward(x), x)

    @pytest.mark.parametrize("rate", [0.99999, 1 - 1e-9])
    def test_a_rate_near_one_stays_finite(self, rate) -> None:
        out = self.dropout(rate, np.float32).forward(np.ones((4, self.SIZE // 4), np.float32), training=True)
        assert np.isfinite(out).all()
        assert np.mean(out == 0) > 0.999

    def test_a_tiny_rate_is_rounded_to_nothing(self) -> None:
        out = self.dropout(1e-7).forward(np.ones((4, self.SIZE // 4)), training=True)
        np.testing.assert_array_equal(out, 1)

    @pytest.mark.parametrize("rate", [1, 1.0, -0.1, float("nan"), "half", None])
    def test_a_rate_outside_its_range_is_refused(self, rate) -> None:
        with pytest.raises(ValueError, match=r"Dropout: rate is .*, but must lie in \[0, 1\)"):
            nn.Dropout(rate)

    @pytest.mark.parametrize("shape", [(1,), (3,), (5, 1), (3, 3, 3)])
    def test_any_shape_and_a_count_that_four_does_not_divide(self, shape) -> None:
        layer = nn.Dropout(0.5)
        nn.Network([layer, nn.Dense(2)], input_shape=shape)
        out = layer.forward(np.ones((3, *shape), np.float32), training=True)
        assert set(np.unique(out)) <= {0, 2}

    def test_the_same_seed_drops_the_same_and_two_layers_drop_differently(self) -> None:
        x = np.ones((4, self.SIZE // 4))
        masks = [self.dropout(0.5, seed=seed).forward(x, training=True) for seed in (1, 1, 2)]
        np.testing.assert_array_equal(masks[0], masks[1])
        assert not np.array_equal(masks[0], masks[2])
        layers = [nn.Dropout(0.5), nn.Dropout(0.5)]
        nn.Network([*layers, nn.Dense(2)], input_shape=100, dtype=np.float64)
        first, second = (layer.forward(np.ones((9, 100)), training=True) for layer in layers)
        assert not np.array_equal(first, second)

    @pytest.mark.parametrize("shape", [(1,), (7,), (5, 3), (8,)])
    def test_a_sample_is_dropped_by_its_place_whatever_comes_after_it(self, shape) -> None:
        layer = nn.Dropout(0.5)
        nn.Network([layer, nn.Dense(2)], input_shape=shape)
        ones = np.ones((20, *shape), np.float32)
        whole = layer.forward(ones, training=True)
        for count in (1, 4, 19):
            np.testing.assert_array_equal(layer.forward(ones[:count], training=True), whole[:count])

    @pytest.mark.parametrize("shape", [(1,), (7,), (5, 3), (8,)])
    def test_who_computes_a_share_of_a_batch_can_draw_the_mask_of_that_share(self, shape) -> None:
        """From the bits at the places of those samples, as several workers do."""
        layer = nn.Dropout(0.3)
        nn.Network([layer, nn.Dense(2)], input_shape=shape)
        layer.step, neurons = 4, int(np.prod(shape))
        whole = layer.forward(np.ones((20, *shape)), training=True).reshape(20, neurons)
        for first, count in ((0, 7), (7, 12), (19, 1)):
            share = dropout_mask(layer.key, layer.step, (count, neurons), layer.rate, first)
            np.testing.assert_array_equal(share, whole[first : first + count])

    def test_samples_and_neurons_are_dropped_independently(self) -> None:
        layer = nn.Dropout(0.5)
        nn.Network([layer, nn.Dense(2)], input_shape=50)
        steps = 2000
        kept = np.empty((steps, 4, 50))
        for layer.step in range(steps):
            kept[layer.step] = layer.forward(np.ones((4, 50), np.float32), training=True) > 0
        among = np.corrcoef(kept.reshape(steps, 200), rowvar=False)
        assert np.abs(among - np.eye(200)).max() < 5.5 / np.sqrt(steps)

    def test_both_dtypes_drop_the_same(self) -> None:
        single = self.dropout(0.3, np.float32).forward(np.ones((4, self.SIZE // 4), np.float32), training=True)
        double = self.dropout(0.3).forward(np.ones((4, self.SIZE // 4)), training=True)
        np.testing.assert_array_equal(single > 0, double > 0)


class TestMisfits:
    def test_softmax_wants_one_row_a_sample(self) -> None:
        with pytest.raises(
            nn.ShapeError, match=r"softmax_1 got 28×28×1, but wants one row of scores a sample.*Flatten"
        ):
            nn.Network([nn.Softmax(), nn.Dense(3)], input_shape=(28, 28, 1))

    def test_a_layer_bears_its_number_in_the_message(self) -> None:
        with pytest.raises(nn.ShapeError, match="softmax_2 got 2×2"):
            nn.Network([nn.Softmax(), Fold(), nn.Softmax(), nn.Dense(3)], input_shape=4)

    def test_a_shape_error_is_a_value_error(self) -> None:
        assert issubclass(nn.ShapeError, ValueError)


class Fold(nn.Layer):
    """Four numbers as two rows of two."""

    def connect(self, input_shape: tuple[int, ...]) -> tuple[int, ...]:
        return (2, 2)


def test_a_layer_that_is_not_finished_says_so() -> None:
    with pytest.raises(NotImplementedError):
        nn.Layer().forward(np.zeros((1, 1)), training=False)
    with pytest.raises(NotImplementedError):
        nn.Layer().backward(np.zeros((1, 1)))
