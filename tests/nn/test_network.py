"""The network as its users meet it: what goes in, what comes out, and what stays as it was."""

from __future__ import annotations

import copy
import json
import pickle
import sys
import threading
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn
from inkling.nn.network import NUMBERS_AT_ONCE, ROWS_AT_ONCE

KINDS = [nn.SoftmaxCrossEntropy, nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy]


def make(
    dtype: type = np.float64,
    *,
    loss: nn.Loss | None = None,
    dropout: float = 0.0,
    l2: float = 0.0,
    seed: int = 3,
    hidden: Callable[[], nn.Layer] = nn.Tanh,
) -> nn.Network:
    """12 inputs (3×2×2), 8 hidden neurons, 4 classes."""
    layers = [nn.Flatten(), nn.Dense(8), hidden(), nn.Dropout(dropout), nn.Dense(4)]
    if isinstance(loss, nn.MeanSquaredError):
        layers.append(nn.Sigmoid())
    return nn.Network(layers, input_shape=(3, 2, 2), loss=loss, seed=seed, dtype=dtype, l2=l2)


@pytest.fixture
def x(random: np.random.Generator) -> np.ndarray:
    return random.normal(size=(7, 3, 2, 2))


@pytest.fixture
def labels(random: np.random.Generator) -> np.ndarray:
    return random.integers(0, 4, 7)


def train(network: nn.Network, x: np.ndarray, labels: np.ndarray, steps: int, rate: float = 0.1) -> None:
    optimizer = nn.SGD(rate, momentum=0.9)
    for _ in range(steps):
        network.compute_gradients(x, labels)
        optimizer.step(network.parameters, network.gradients, rate, network.weight_count)


class Watching(nn.Identity):
    """Notes how many numbers pass, there and back."""

    def __init__(self) -> None:
        self.there: list[int] = []
        self.back: list[int] = []

    def forward(self, z, *, training):
        self.there.append(z.size)
        return z

    def backward(self, da):
        self.back.append(da.size)
        return da


class TestFlatVector:
    def test_every_layer_looks_onto_it(self) -> None:
        network = make()
        for layer in (network.layers[1], network.layers[4]):
            for name in ("W", "b"):
                assert np.shares_memory(getattr(layer, name), network.parameters)
                assert np.shares_memory(getattr(layer, f"d{name}"), network.gradients)
        network.parameters[...] = 7
        assert (network.layers[1].W == 7).all()
        assert (network.layers[4].b == 7).all()
        network.layers[4].W[...] = -1
        assert np.count_nonzero(network.parameters == -1) == 8 * 4

    def test_weights_come_first_then_biases_each_in_order(self) -> None:
        network = make()
        for number, (_, value) in enumerate(network.named_parameters()):
            value[...] = number
        assert [name for name, _ in network.named_parameters()] == ["dense_1.W", "dense_2.W", "dense_1.b", "dense_2.b"]
        np.testing.assert_array_equal(network.parameters, np.repeat([0, 1, 2, 3], [12 * 8, 8 * 4, 8, 4]))
        assert network.weight_count == 12 * 8 + 8 * 4

    def test_gradients_lie_as_the_parameters_do(self) -> None:
        network = make()
        for (name, value), (same, gradient) in zip(network.named_parameters(), network.named_gradients(), strict=True):
            assert name == same
            assert value.shape == gradient.shape
            offset = value.__array_interface__["data"][0] - network.parameters.__array_interface__["data"][0]
            other = gradient.__array_interface__["data"][0] - network.gradients.__array_interface__["data"][0]
            assert offset == other

    def test_both_are_one_contiguous_run_of_the_dtype(self) -> None:
        for dtype in (np.float32, np.float64):
            network = make(dtype)
            for vector in (network.parameters, network.gradients):
                assert vector.ndim == 1
                assert vector.flags.c_contiguous
                assert vector.dtype == dtype

    def test_training_moves_what_the_layers_see(self, x, labels) -> None:
        network = make()
        W = network.layers[1].W
        before = W.copy()
        train(network, x, labels, 1)
        assert network.layers[1].W is W
        assert not np.allclose(W, before)


class TestGradients:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    @pytest.mark.parametrize("smoothing", [0.0, 0.2])
    def test_those_of_blocks_add_up_to_the_whole(self, kind, reduction, smoothing, x, labels) -> None:
        network = make(loss=kind(reduction, smoothing))
        network.compute_gradients(x, labels)
        whole = network.gradients.copy()
        total = np.zeros_like(whole)
        for block in (slice(0, 3), slice(3, 6), slice(6, 7)):
            network.compute_gradients(x[block], labels[block])
            total += network.gradients * (1 if reduction == "sum" else len(x[block]) / 7)
        np.testing.assert_allclose(total, whole, rtol=1e-12, atol=1e-15)

    def test_l2_touches_weights_only(self, x, labels) -> None:
        plain, decayed = make(), make(l2=0.3)
        for network in (plain, decayed):
            network.parameters[...] = np.linspace(-1, 1, len(network.parameters))
            network.compute_gradients(x, labels)
        count = plain.weight_count
        np.testing.assert_allclose(
            decayed.gradients[:count], plain.gradients[:count] + 0.3 * plain.parameters[:count], rtol=1e-12
        )
        np.testing.assert_array_equal(decayed.gradients[count:], plain.gradients[count:])
        decayed.backward(decayed.loss.gradient(decayed.forward(x, training=True), labels))
        np.testing.assert_array_equal(decayed.gradients, plain.gradients, "backward alone knows the data only")

    def test_l2_is_in_the_objective_and_not_in_the_reported_loss(self, x, labels) -> None:
        plain, decayed = make(), make(l2=0.3)
        assert plain.compute_gradients(x, labels) == decayed.compute_gradients(x, labels)
        weights = plain.parameters[: plain.weight_count]
        extra = 0.5 * 0.3 * np.sum(weights**2)
        assert decayed.objective(x, labels) == pytest.approx(plain.objective(x, labels) + extra, rel=1e-12)
        assert plain.score(x, labels) == decayed.score(x, labels)

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("reduction", ["mean", "sum"])
    @pytest.mark.parametrize("l2", [0.0, 0.3])
    def test_that_of_the_pixels_is_the_numerical_one(self, kind, reduction, l2, x, labels) -> None:
        network = make(loss=kind(reduction), dropout=0.5, l2=l2)
        gradient = network.input_gradient(x, labels)
        assert gradient.shape == x.shape
        numerical = nn.numerical_gradient(lambda: network.score(x, labels)[0] * len(x), x)
        np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-9)

    def test_that_of_the_pixels_is_fresh_and_does_not_disturb_learning(self, x, labels) -> None:
        network = make()
        network.compute_gradients(x, labels)
        wanted = network.gradients.copy()
        first = network.input_gradient(x, labels)
        kept = first.copy()
        network.input_gradient(-x, labels)
        np.testing.assert_array_equal(first, kept)
        network.compute_gradients(x, labels)
        np.testing.assert_array_equal(network.gradients, wanted)

    def test_those_of_the_layers_are_overwritten_not_added_to(self, x, labels) -> None:
        network = make(l2=0.1)
        network.compute_gradients(x, labels)
        wanted = network.gradients.copy()
        network.gradients[...] = 100
        network.compute_gradients(x, labels)
        np.testing.assert_array_equal(network.gradients, wanted)

    def test_learning_ends_at_the_first_layer_that_learns_and_looking_at_pixels_goes_all_the_way(
        self, x, labels
    ) -> None:
        first, second = Watching(), Watching()
        layers = [nn.Flatten(), first, nn.Dense(8), second, nn.Dense(4)]
        network = nn.Network(layers, input_shape=(3, 2, 2), dtype=np.float64)
        network.compute_gradients(x, labels)
        assert (first.back, second.back) == ([], [7 * 8])
        network.input_gradient(x, labels)
        assert (first.back, second.back) == ([7 * 12], [7 * 8] * 2)

    def test_a_network_that_has_nothing_to_learn_has_gradients_of_its_pixels_all_the_same(self, random) -> None:
        network = nn.Network([nn.Flatten(), nn.Tanh()], input_shape=(2, 2), dtype=np.float64)
        x, labels = random.normal(size=(5, 2, 2)), random.integers(0, 4, 5)
        network.compute_gradients(x, labels)
        assert network.gradients.shape == (0,)
        numerical = nn.numerical_gradient(lambda: network.score(x, labels)[0] * len(x), x)
        np.testing.assert_allclose(network.input_gradient(x, labels), numerical, rtol=1e-6, atol=1e-9)

    def test_reports_loss_and_number_right(self, x, labels) -> None:
        network = make()
        loss, right = network.compute_gradients(x, labels)
        assert (loss, right) == network.score(x, labels)
        assert right == np.sum(network.predict(x) == labels)


class TestPixelsAtTheDoor:
    @pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
    def test_uint8_is_scaled_to_between_zero_and_one(self, dtype, rtol, random, labels) -> None:
        pixels = random.integers(0, 256, (7, 3, 2, 2), np.uint8)
        network = make(dtype)
        from_bytes = network.forward(pixels).copy()
        np.testing.assert_allclose(from_bytes, network.forward(pixels.astype(dtype) / 255), rtol=rtol, atol=rtol)
        network.compute_gradients(pixels, labels)
        gradients = network.gradients.copy()
        network.compute_gradients(pixels.astype(dtype) / dtype(255), labels)
        np.testing.assert_allclose(gradients, network.gradients, rtol=10 * rtol, atol=rtol)

    def test_floats_are_taken_as_they_are(self) -> None:
        network = nn.Network([nn.Identity()], input_shape=3, dtype=np.float64)
        np.testing.assert_array_equal(network.forward(np.array([[0.0, 255, -3]])), [[0, 255, -3]])

    @pytest.mark.parametrize("shape", [(7, 12), (7, 3, 4), (7, 2, 2, 3), (7, 3, 2, 2), (7, 1, 12, 1)])
    def test_samples_of_the_right_size_may_come_in_any_shape(self, shape, x) -> None:
        network = make()
        np.testing.assert_array_equal(network.predict_proba(x.reshape(shape)), network.predict_proba(x))

    @pytest.mark.parametrize("shape", [(7, 11), (7, 3, 2), (12,), (3, 2, 2), (7,), (7, 24)])
    def test_other_sizes_are_refused_with_what_was_wanted(self, shape) -> None:
        network = make()
        message = rf"wants a batch of samples of 3×2×2, but got an array of shape \({shape[0]},"
        for use in (network.forward, network.predict, network.predict_proba, network.activations):
            with pytest.raises(nn.ShapeError, match=message):
                use(np.zeros(shape))

    def test_a_slice_that_is_not_contiguous(self, random) -> None:
        images = random.integers(0, 256, (14, 4, 2, 3), np.uint8)
        view = images[::2].transpose(0, 3, 2, 1)[:, :, :, ::2]
        network = make()
        np.testing.assert_array_equal(network.predict_proba(view), network.predict_proba(view.copy()))

    def test_what_is_handed_in_is_left_as_it_was(self, random, labels) -> None:
        for images in (random.integers(0, 256, (7, 3, 2, 2), np.uint8), random.normal(size=(7, 3, 2, 2))):
            kept = images.copy()
            network = nn.Network([nn.ReLU(), nn.Dense(4)], input_shape=(3, 2, 2), dtype=np.float64)
            network.compute_gradients(images, labels)
            network.predict_proba(images)
            network.input_gradient(images, labels)
            np.testing.assert_array_equal(images, kept)


class TestBatches:
    @settings(deadline=None, max_examples=15)
    @given(sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6))
    def test_any_sequence_of_sizes_is_as_good_as_a_fresh_network_each_time(self, sizes) -> None:
        random = np.random.default_rng(0)
        used = make(loss=nn.SoftmaxCrossEntropy(label_smoothing=0.1), l2=0.1)
        for size in sizes:
            fresh = make(loss=nn.SoftmaxCrossEntropy(label_smoothing=0.1), l2=0.1)
            x, labels = random.normal(size=(size, 12)), random.integers(0, 4, size)
            assert used.compute_gradients(x, labels) == pytest.approx(fresh.compute_gradients(x, labels), rel=1e-12)
            np.testing.assert_allclose(used.gradients, fresh.gradients, rtol=1e-10, atol=1e-14)
            np.testing.assert_allclose(used.predict_proba(x), fresh.predict_proba(x), rtol=1e-12)

    def test_more_samples_than_are_taken_at_once(self, random) -> None:
        count = 2 * ROWS_AT_ONCE + 3
        x, labels = random.normal(size=(count, 12)), random.integers(0, 4, count)
        network = make()
        alone = np.concatenate([network.predict_proba(x[index : index + 100]) for index in range(0, count, 100)])
        np.testing.assert_allclose(network.predict_proba(x), alone, rtol=1e-12)
        np.testing.assert_array_equal(network.predict(x), alone.argmax(axis=1))
        loss, right = network.score(x, labels)
        assert loss == pytest.approx(-np.log(alone[np.arange(count), labels]).mean(), rel=1e-10)
        assert right == np.sum(alone.argmax(axis=1) == labels)

    def test_a_prediction_takes_fewer_samples_at_once_where_a_layer_makes_much_of_each(self, random) -> None:
        watching = Watching()
        network = nn.Network([nn.Conv2D(16, 5), watching, nn.Flatten(), nn.Dense(4)])
        network.predict(np.zeros((600, 28, 28), np.uint8))
        assert len(watching.there) > 1
        assert max(watching.there) <= NUMBERS_AT_ONCE
        images = random.random((200, 28, 28))
        few = [network.predict_proba(x) for x in np.split(images, 10)]
        np.testing.assert_allclose(network.predict_proba(images), np.concatenate(few), rtol=1e-4)

    def test_no_samples_are_no_predictions(self) -> None:
        network = make()
        nothing = np.empty((0, 3, 2, 2))
        assert network.predict_proba(nothing).shape == (0, 4)
        assert network.predict(nothing).shape == (0,)
        assert network.score(nothing, np.empty(0, int)) == (0.0, 0)

    def test_nothing_can_be_learned_from_no_samples(self) -> None:
        with pytest.raises(ValueError, match="at least one sample"):
            make().compute_gradients(np.empty((0, 3, 2, 2)), np.empty(0, int))

    @pytest.mark.parametrize("shape", [(7, 1), (1,), (6,), (8,), (7, 4)])
    def test_labels_must_be_one_a_sample(self, shape, x) -> None:
        network = make()
        for use in (network.compute_gradients, network.score):
            with pytest.raises(ValueError, match="label"):
                use(x, np.zeros(shape, int))


class TestDtype:
    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("hidden", list(nn.ACTIVATIONS.values()))
    def test_nothing_on_the_road_is_upcast(self, dtype, kind, hidden, random, labels) -> None:
        loss = kind(label_smoothing=0.1)
        network = make(dtype, loss=loss, dropout=0.5, l2=0.1, hidden=hidden)
        optimizer = nn.AdamW(clip_norm=1.0)
        for images in (random.integers(0, 256, (7, 3, 2, 2), np.uint8), random.normal(size=(7, 3, 2, 2))):
            network.compute_gradients(images, labels)
            optimizer.step(network.parameters, network.gradients, 0.1, network.weight_count)
            assert network.predict_proba(images).dtype == dtype
            assert network.input_gradient(images, labels).dtype == dtype
            assert {layer.name: a.dtype for layer, a in network.activations(images) if a.dtype != dtype} == {}
        for part in (*network.layers, network.loss, optimizer):
            arrays = {name: value for name, value in vars(part).items() if isinstance(value, np.ndarray)}
            arrays |= vars(part).get("state", {})
            floats = {name: array.dtype for name, array in arrays.items() if array.dtype.kind == "f"}
            assert set(floats.values()) <= {np.dtype(dtype)}, (part, floats)

    @pytest.mark.parametrize("number", [np.float64, np.float32])
    def test_numbers_of_numpy_as_settings_upcast_nothing(self, number, random, labels) -> None:
        layers = [
            nn.Dense(6), nn.LeakyReLU(number(0.1)), nn.BatchNorm(number(0.9), number(1e-5)), nn.Dropout(number(0.2)),
            nn.Dense(4),
        ]  # fmt: skip
        loss = nn.SoftmaxCrossEntropy(label_smoothing=number(0.1))
        network = nn.Network(layers, input_shape=(3, 2, 2), loss=loss, l2=number(0.01))
        x = random.normal(size=(7, 3, 2, 2)).astype(np.float32)
        network.compute_gradients(x, labels)
        seen = [*network.activations(x), ("the pixels", network.input_gradient(x, labels))]
        assert {str(of): a.dtype for of, a in seen if a.dtype != np.float32} == {}
        assert json.loads(json.dumps(network.config())) == network.config()

    def test_float32_and_float64_agree_to_float32_rounding(self, random, labels) -> None:
        pixels = random.integers(0, 256, (7, 3, 2, 2), np.uint8)
        single, double = make(np.float32), make(np.float64)
        for network in (single, double):
            network.compute_gradients(pixels, labels)
        np.testing.assert_allclose(single.gradients, double.gradients, rtol=1e-4, atol=1e-6)

    @pytest.mark.parametrize("dtype", [np.float16, np.int64, np.complex128, ">f4" if np.little_endian else "<f4"])
    def test_other_dtypes_are_refused(self, dtype) -> None:
        with pytest.raises(ValueError, match="must be float32 or float64"):
            make(dtype)

    def test_float32_is_the_default(self) -> None:
        assert nn.Network([nn.Dense(10)]).parameters.dtype == np.float32


class TestPredictions:
    @pytest.mark.parametrize("kind", KINDS)
    def test_each_row_of_probabilities_adds_up_to_one(self, kind, x) -> None:
        for dtype in (np.float32, np.float64):
            p = make(dtype, loss=kind()).predict_proba(x * 10)
            assert p.shape == (7, 4)
            assert (p >= 0).all()
            np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_prediction_is_the_most_probable_class(self, kind, x) -> None:
        network = make(loss=kind())
        predicted = network.predict(x)
        assert predicted.dtype == np.int64
        np.testing.assert_array_equal(predicted, network.predict_proba(x).argmax(axis=1))

    def test_those_of_sigmoid_outputs_are_their_share_of_the_sum(self, x) -> None:
        network = make(loss=nn.MeanSquaredError())
        a = network.forward(x).copy()
        np.testing.assert_allclose(network.predict_proba(x), a / a.sum(axis=1, keepdims=True), rtol=1e-12)

    def test_results_are_yours_to_keep(self, x) -> None:
        network = make()
        first, predicted, seen = network.predict_proba(x), network.predict(x), network.activations(x)
        outputs = network.forward(x, training=True)
        kept = first.copy(), predicted.copy(), [a.copy() for _, a in seen], outputs.copy()
        network.predict_proba(-x)
        network.predict(-x)
        network.compute_gradients(-x, predicted)
        np.testing.assert_array_equal(first, kept[0])
        np.testing.assert_array_equal(predicted, kept[1])
        np.testing.assert_array_equal(outputs, kept[3])
        for (_, a), before in zip(seen, kept[2], strict=True):
            np.testing.assert_array_equal(a, before)

    def test_dropout_is_off(self, x, labels) -> None:
        network = make(dropout=0.9)
        plain = make(dropout=0)
        np.testing.assert_array_equal(network.predict_proba(x), plain.predict_proba(x))
        assert network.score(x, labels) == plain.score(x, labels)
        assert network.compute_gradients(x, labels)[0] != plain.compute_gradients(x, labels)[0]

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_score_is_what_a_hand_computes(self, kind, x, labels) -> None:
        network = make(loss=kind("sum", 0.1), l2=1.0)
        hidden = np.tanh(x.reshape(7, 12) @ network.layers[1].W + network.layers[1].b)
        z = hidden @ network.layers[4].W + network.layers[4].b
        y, a, p = np.eye(4)[labels], 1 / (1 + np.exp(-z)), np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        loss = {
            nn.SoftmaxCrossEntropy: -np.log(p[np.arange(7), labels]).mean(),
            nn.MeanSquaredError: 0.5 * ((a - y) ** 2).sum(axis=1).mean(),
            nn.SigmoidBinaryCrossEntropy: -(y * np.log(a) + (1 - y) * np.log(1 - a)).sum(axis=1).mean(),
        }[kind]
        found = network.score(x, labels)
        assert found[0] == pytest.approx(loss, rel=1e-10)
        assert found[1] == np.sum(z.argmax(axis=1) == labels)

    def test_activations_are_those_of_each_layer_in_order(self, x) -> None:
        network = make(dropout=0.5)
        seen = network.activations(x)
        assert [layer for layer, _ in seen] == network.layers
        assert [a.shape for _, a in seen] == [(7, 12), (7, 8), (7, 8), (7, 8), (7, 4)]
        np.testing.assert_allclose(seen[2][1], np.tanh(seen[1][1]), rtol=1e-12)
        np.testing.assert_array_equal(seen[3][1], seen[2][1], "dropout is off")
        np.testing.assert_array_equal(seen[-1][1], network.forward(x))


class TestReplica:
    def test_shares_parameters_but_nothing_else(self, x, labels) -> None:
        network = make(dropout=0.5, loss=nn.SoftmaxCrossEntropy(label_smoothing=0.1))
        twin = network.replica()
        assert twin.parameters is network.parameters
        assert not np.shares_memory(twin.gradients, network.gradients)
        assert twin.config() == network.config()
        outputs = network.forward(x, training=True)
        kept = outputs.copy()
        twin.compute_gradients(-x, labels)
        np.testing.assert_array_equal(outputs, kept)
        assert not network.gradients.any()
        assert not any(ours is theirs for ours, theirs in zip(network.layers, twin.layers, strict=True))

    def test_a_backward_pass_of_the_one_does_not_mind_a_forward_pass_of_the_other(self, x, labels) -> None:
        network = make(dropout=0.5)
        network.backward(network.loss.gradient(network.forward(x, training=True), labels))
        wanted = network.gradients.copy()
        dout = network.loss.gradient(network.forward(x, training=True), labels)
        network.replica().compute_gradients(-x[:3], labels[:3])
        network.backward(dout)
        np.testing.assert_array_equal(network.gradients, wanted)

    def test_sees_every_step_of_the_other(self, x, labels) -> None:
        network = make()
        twin = network.replica()
        before = twin.predict_proba(x)
        train(network, x, labels, 3)
        assert not np.allclose(twin.predict_proba(x), before)
        np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))

    def test_keeps_what_was_learned(self, x, labels) -> None:
        network = make()
        train(network, x, labels, 3)
        kept = network.parameters.copy()
        network.replica()
        np.testing.assert_array_equal(network.parameters, kept)

    def test_it_drops_what_the_network_would_drop_next(self, x, labels) -> None:
        network = make(dropout=0.5)
        network.compute_gradients(x, labels)
        twin = network.replica()
        for _ in range(2):
            network.compute_gradients(x, labels)
            twin.compute_gradients(x, labels)
            np.testing.assert_array_equal(twin.gradients, network.gradients)

    def test_predicting_in_threads_and_training_do_not_disturb_each_other(self, random) -> None:
        """One thread learns (at rate 0, so that the right answers stay known) while two others predict."""
        images, labels = random.normal(size=(64, 12)), random.integers(0, 4, 64)
        network = make(dropout=0.3, l2=0.01)
        twins = [network.replica(), network.replica()]
        batches = [random.normal(size=(size, 12)) for size in (3, 40)]
        wanted = [network.predict_proba(batch) for batch in batches]
        still = network.replica()
        found: list[list[np.ndarray]] = [[], []]
        done = threading.Event()

        def predict(twin: nn.Network, batch: np.ndarray, results: list[np.ndarray]) -> None:
            while not done.is_set() or not results:
                results.append(twin.predict_proba(batch))

        threads = [
            threading.Thread(target=predict, args=arguments) for arguments in zip(twins, batches, found, strict=True)
        ]
        for thread in threads:
            thread.start()
        optimizer, seen = nn.SGD(), []
        try:
            for _ in range(200):
                network.compute_gradients(images, labels)
                seen.append(network.gradients.copy())
                optimizer.step(network.parameters, network.gradients, 0.0)
        finally:
            done.set()
            for thread in threads:
                thread.join()
        for results, right in zip(found, wanted, strict=True):
            for result in results:
                np.testing.assert_allclose(result, right, rtol=1e-12)
        for gradients in seen:
            still.compute_gradients(images, labels)
            np.testing.assert_allclose(gradients, still.gradients, rtol=1e-12, atol=1e-15)


class TestAdopting:
    """Other vectors to learn in, as processes that share memory need them."""

    def test_the_layers_look_onto_the_new_vectors_which_are_taken_as_they_are(self, x, labels, random) -> None:
        network = make(l2=0.1)
        parameters, gradients = random.normal(size=(2, len(network.parameters)))
        kept = parameters.copy()
        network.adopt(parameters, gradients)
        assert network.parameters is parameters
        assert network.gradients is gradients
        np.testing.assert_array_equal(parameters, kept)
        dense = network.layers[1]
        np.testing.assert_array_equal(dense.W.ravel(), parameters[: dense.W.size])
        before = gradients.copy()
        train(network, x, labels, 1)
        assert np.any(parameters != kept)
        assert np.all(gradients != before)
        assert all(np.shares_memory(value, parameters) for _, value in network.named_parameters())
        assert all(np.shares_memory(gradient, gradients) for _, gradient in network.named_gradients())

    def test_it_learns_there_as_it_would_have_at_home(self, x, labels) -> None:
        moved, home = make(dropout=0.3, l2=0.1), make(dropout=0.3, l2=0.1)
        moved.adopt(moved.parameters.copy(), moved.gradients.copy())
        for network in (moved, home):
            train(network, x, labels, 3)
        np.testing.assert_array_equal(moved.parameters, home.parameters)
        assert moved.weight_count == home.weight_count

    def test_without_vectors_it_gets_new_ones(self) -> None:
        network = make()
        before = network.parameters
        network.adopt()
        assert network.parameters is not before
        assert not network.parameters.any()


class TestManyAtOnce:
    """Nothing that a prediction needs is kept in the network, so any number of threads may ask one and the same."""

    @pytest.mark.parametrize(
        "layers",
        [
            lambda: [nn.Flatten(), nn.Dense(16), nn.ReLU(), nn.Dropout(0.5), nn.Dense(8), nn.Sigmoid()],
            lambda: [nn.Conv2D(4), nn.LeakyReLU(), nn.MaxPool2D(), nn.Conv2D(3, 2, padding="same"), nn.AveragePool2D()],
            lambda: [nn.BatchNorm(), nn.Conv2D(4, 3, 2), nn.BatchNorm(), nn.Tanh(), nn.GlobalAveragePool2D()],
        ],
        ids=["dense", "conv", "batch norm"],
    )
    def test_one_network_asked_by_eight_threads_answers_each_of_them_rightly(self, layers, random) -> None:
        network = nn.Network([*layers(), nn.Dense(4)], input_shape=(9, 9, 1), dtype=np.float64)
        network.compute_gradients(random.normal(3, 2, (20, 9, 9, 1)), random.integers(0, 4, 20))
        batches = [random.normal(size=(1 + 5 * who % 7, 9, 9, 1)) for who in range(8)]
        wanted = [network.predict_proba(x) for x in batches]
        begin = threading.Barrier(8)

        def ask(who: int) -> None:
            begin.wait()
            for _ in range(300):
                np.testing.assert_allclose(network.predict_proba(batches[who]), wanted[who], rtol=1e-12)

        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)  # threads take turns as often as they can
        try:
            with ThreadPoolExecutor(8) as pool:
                for asked in [pool.submit(ask, who) for who in range(8)]:
                    asked.result()
        finally:
            sys.setswitchinterval(interval)


class TestRandomness:
    def test_each_batch_that_is_learned_from_is_a_step_and_nothing_else_is(self, x, labels) -> None:
        network = make(dropout=0.5)
        assert network.step == 0
        network.forward(x, training=True)
        network.objective(x, labels)
        network.predict_proba(x)
        network.score(x, labels)
        network.input_gradient(x, labels)
        assert network.step == 0
        train(network, x, labels, 3)
        assert network.step == 3
        network.initialize()
        assert network.step == 0

    def test_each_step_drops_other_neurons(self, x, labels) -> None:
        network = make(dropout=0.5)
        masks = []
        for _ in range(4):
            masks.append(network.forward(np.ones_like(x), training=True))
            network.compute_gradients(x, labels)
        assert not any(np.array_equal(masks[one], masks[other]) for one in range(4) for other in range(one))

    def test_a_step_can_be_repeated(self, x, labels) -> None:
        """All that a training needs to remember of its random numbers is how many steps it has taken."""
        one, other = make(dropout=0.5), make(dropout=0.5)
        train(one, x, labels, 5)
        other.parameters[...], other.step = one.parameters, 4
        one.step = 4
        for network in (one, other):
            network.compute_gradients(x, labels)
        np.testing.assert_array_equal(one.gradients, other.gradients)

    def test_the_objective_is_what_the_next_gradients_descend(self, x, labels) -> None:
        network = make(dropout=0.5, l2=0.1)
        train(network, x, labels, 2)
        first = network.objective(x, labels)
        assert network.objective(x, labels) == first
        wanted = nn.numerical_gradient(lambda: network.objective(x, labels), network.parameters)
        network.compute_gradients(x, labels)
        np.testing.assert_allclose(network.gradients, wanted, rtol=1e-6, atol=1e-8)
        assert network.objective(x, labels) != first

    def test_the_same_seed_trains_to_the_same_bits(self, x, labels) -> None:
        networks = [make(np.float32, dropout=0.5, seed=seed) for seed in (1, 1, 2)]
        for network in networks:
            train(network, x, labels, 5)
        np.testing.assert_array_equal(networks[0].parameters, networks[1].parameters)
        assert not np.array_equal(networks[0].parameters, networks[2].parameters)

    def test_what_is_predicted_in_between_changes_nothing(self, x, labels) -> None:
        watched, alone = make(dropout=0.5), make(dropout=0.5)
        for _ in range(3):
            for network in (watched, alone):
                train(network, x, labels, 1)
            watched.predict_proba(-x)
            watched.score(x, labels)
            watched.input_gradient(x, labels)
        np.testing.assert_array_equal(watched.parameters, alone.parameters)

    @pytest.mark.parametrize("count", [1, 3, 6])
    def test_a_sample_is_dropped_by_its_place_in_the_batch(self, count, x) -> None:
        network = make(dropout=0.5)
        whole = network.forward(x, training=True)
        np.testing.assert_allclose(network.forward(x[:count], training=True), whole[:count], rtol=1e-12)


def nested(depth: int) -> dict:
    """The description of a part with a part in it with a part in it …"""
    config: dict = {"type": "HeNormal"}
    for _ in range(depth):
        config = {"type": "HeNormal", "inner": config}
    return config


class TestDescription:
    @pytest.mark.parametrize("loss", [kind("sum", 0.1) for kind in KINDS], ids=repr)
    def test_a_network_is_made_again_from_its_description_in_json(self, loss, x) -> None:
        network = make(loss=loss, dropout=0.3, l2=0.2, hidden=lambda: nn.LeakyReLU(0.3))
        twin = nn.Network.from_config(json.loads(json.dumps(network.config())))
        assert twin.config() == network.config()
        assert repr(twin) == repr(network)
        np.testing.assert_array_equal(twin.parameters, network.parameters)
        np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda config: config.pop("layers"),
            lambda config: config.pop("loss"),
            lambda config: config.update(colour="red"),
            lambda config: config.update(layers=[nn.SGD().config()]),
            lambda config: config.update(loss=nn.Dense(3).config()),
            lambda config: config.update(layers="none"),
            lambda config: config.update(dtype="float16"),
            lambda config: config.update(input_shape=[0]),
            lambda config: config.update(layers=[]),
            lambda config: config.update(input_shape=[float("inf")]),
            lambda config: config.update(seed=float("inf")),
            lambda config: config.update(layers=[nested(1000)]),
        ],
        ids=[
            "no layers named", "no loss", "an unknown key", "an optimizer as layer", "a layer as loss",
            "text for layers", "an unknown dtype", "an empty shape", "an empty list", "a shape without end",
            "a seed without end", "parts in parts without end",
        ],
    )  # fmt: skip
    def test_a_description_that_makes_no_sense_is_a_value_error(self, spoil) -> None:
        config = make().config()
        spoil(config)
        with pytest.raises(ValueError, match=r"\w"):
            nn.Network.from_config(config)

    def test_from_config_leaves_the_description_as_it_was(self) -> None:
        config = make().config()
        kept = copy.deepcopy(config)
        nn.Network.from_config(config)
        assert config == kept

    def test_it_takes_the_numbers_that_go_with_it(self, x, labels) -> None:
        network = nn.Network([nn.Dense(5), nn.BatchNorm(), nn.Dense(4)], input_shape=(3, 2, 2), dtype=np.float64)
        train(network, x, labels, 3)
        arrays = {**dict(network.named_parameters()), **dict(network.named_state())}
        twin = nn.Network.from_config(network.config(), arrays)
        np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))
        assert not np.shares_memory(twin.parameters, network.parameters)
        twin.parameters[...] = 0
        assert network.parameters.any()

    @pytest.mark.parametrize(("spoil", "said"), [
        (lambda arrays: arrays.pop("dense_2.b"), r"there are no parameters dense_2\.b"),
        (lambda arrays: arrays.pop("batchnorm_1.running_mean"), r"no parameters batchnorm_1\.running_mean"),
        (lambda arrays: arrays.update({"dense_1.W": np.zeros((5, 12))}), r"dense_1\.W has shape \(5, 12\).*\(12, 5\)"),
        (lambda arrays: arrays.update({"batchnorm_1.running_variance": np.zeros(())}), r"has shape \(\), .*\(5,\)"),
        (lambda arrays: arrays.clear(), "no parameters batchnorm_1.beta, .* dense_2.b"),
    ])  # fmt: skip
    def test_numbers_that_do_not_go_with_it_are_refused(self, spoil, said) -> None:
        network = nn.Network([nn.Dense(5), nn.BatchNorm(), nn.Dense(4)], input_shape=(3, 2, 2))
        arrays = {**dict(network.named_parameters()), **dict(network.named_state())}
        spoil(arrays)
        with pytest.raises(nn.ShapeError, match=said):
            nn.Network.from_config(network.config(), arrays)

    def test_numbers_that_do_not_go_with_it_are_refused_before_anything_is_laid_out(self) -> None:
        config = make().config() | {"layers": [nn.Dense(400_000).config()], "input_shape": [784]}
        tracemalloc.start()
        try:
            with pytest.raises(nn.ShapeError, match="the architecture says"):
                nn.Network.from_config(config, {"dense_1.W": np.zeros((1, 1)), "dense_1.b": np.zeros(1)})
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 1_000_000

    @pytest.mark.parametrize(
        "twin_of",
        [lambda network: pickle.loads(pickle.dumps(network)), copy.deepcopy, copy.copy],
        ids=["pickle", "deepcopy", "copy"],
    )
    def test_a_copy_stands_on_its_own_feet(self, twin_of, x, labels) -> None:
        network = make(dropout=0.5, l2=0.1)
        train(network, x, labels, 3)
        twin = twin_of(network)
        np.testing.assert_array_equal(twin.parameters, network.parameters)
        assert not np.shares_memory(twin.parameters, network.parameters)
        assert np.shares_memory(twin.layers[1].W, twin.parameters)
        assert np.shares_memory(twin.layers[1].dW, twin.gradients)
        train(network, x, labels, 2)
        train(twin, x, labels, 2)
        np.testing.assert_array_equal(twin.parameters, network.parameters, "dropout goes on as well")

    def test_the_summary_counts_parameters_and_bytes(self) -> None:
        network = nn.Network([nn.Flatten(), nn.Dense(128), nn.ReLU(), nn.Dropout(0.2), nn.Dense(10)])
        lines = network.summary().splitlines()
        table = {line.split()[0]: line for line in lines}
        assert "28×28×1" in table["input"]
        assert "784" in table["flatten_1"]
        assert "Dense(128)" in table["dense_1"]
        assert table["dense_1"].split()[-3:] == ["128", "100,480", "401,920"]
        assert table["dense_2"].split()[-3:] == ["10", "1,290", "5,160"]
        assert table["relu_1"].split()[-3:] == ["128", "0", "0"]
        assert "Dropout(0.2)" in table["dropout_1"]
        assert table["total"].split()[-2:] == ["101,770", "407,080"]
        assert "SoftmaxCrossEntropy()" in table["total"]
        assert len(lines) == 1 + 1 + 1 + 5 + 1 + 1

    def test_bytes_depend_on_the_dtype(self) -> None:
        rows = nn.Network([nn.Dense(10)], input_shape=5, dtype=np.float64).table()
        assert rows == [("dense_1", "Dense(10)", "10", 60, 480)]


class TestRefusals:
    def test_no_layers(self) -> None:
        with pytest.raises(nn.ShapeError, match="needs at least one layer"):
            nn.Network([])

    def test_the_same_layer_object_twice(self) -> None:
        relu = nn.ReLU()
        with pytest.raises(nn.ShapeError, match="same layer object stands twice"):
            nn.Network([nn.Dense(3), relu, nn.Dense(3), relu])

    @pytest.mark.parametrize("shape", [(), (0,), (28, -1), 0])
    def test_an_empty_input_shape(self, shape) -> None:
        with pytest.raises(nn.ShapeError, match=r"input_shape is .*at least 1"):
            nn.Network([nn.Dense(3)], input_shape=shape)

    @pytest.mark.parametrize("l2", [-1, float("nan"), "strong"])
    def test_l2_outside_its_range(self, l2) -> None:
        with pytest.raises(ValueError, match="Network: l2 is"):
            nn.Network([nn.Dense(3)], l2=l2)

    def test_a_number_is_an_input_shape_too(self) -> None:
        assert nn.Network([nn.Dense(3)], input_shape=np.int64(5)).input_shape == (5,)

    def test_a_network_without_a_loss_uses_cross_entropy(self) -> None:
        assert isinstance(nn.Network([nn.Dense(3)]).loss, nn.SoftmaxCrossEntropy)


class OwnScale(nn.Layer):
    """A layer as a user writes it: a = x · s, with a factor s for every feature; ∂loss/∂s = Σ dout · x."""

    decayed = ("s",)

    def __init__(self, start: float = 1.0) -> None:
        self.start = start

    def parameter_shapes(self):
        return {"s": self.input_shape, "shift": ()}

    def initialize(self, random):
        self.s[...] = self.start

    def forward(self, x, *, training):
        self.x = x
        return x * self.s + self.shift

    def backward(self, dout):
        self.ds[...] = (dout * self.x).sum(axis=0)
        self.dshift[...] = dout.sum()
        return dout * self.s


class TestALayerOfYourOwn:
    def network(self, dtype: type = np.float64) -> nn.Network:
        layers = [OwnScale(1.5), nn.Dense(8), nn.Tanh(), OwnScale(), nn.Dense(4)]
        return nn.Network(layers, input_shape=(3, 2, 2), dtype=dtype, l2=0.1)

    def test_lies_in_the_flat_vector_with_the_others(self) -> None:
        network = self.network()
        names = [name for name, _ in network.named_parameters()]
        assert names == [
            "ownscale_1.s", "dense_1.W", "ownscale_2.s", "dense_2.W",
            "ownscale_1.shift", "dense_1.b", "ownscale_2.shift", "dense_2.b",
        ]  # fmt: skip
        assert network.weight_count == 12 + 96 + 8 + 32
        assert (network.layers[0].s == 1.5).all()

    def test_is_gradchecked(self, x, labels) -> None:
        assert nn.gradcheck(self.network(), x, labels).worst < 1e-6

    def test_trains(self, x, labels) -> None:
        network = self.network(np.float32)
        network.l2 = 0.0
        before = network.score(x, labels)[0]
        train(network, x, labels, 100)
        assert network.score(x, labels)[0] < 0.1 * before
        assert not np.allclose(network.layers[0].s, 1.5)

    def test_is_made_again_from_its_description(self, x) -> None:
        network = self.network()
        twin = nn.Network.from_config(json.loads(json.dumps(network.config())))
        assert isinstance(twin.layers[0], OwnScale)
        assert twin.layers[0].start == 1.5
        np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))


CELL = """
class Swish(nn.Layer):
    def __init__(self, beta=1.0):
        self.beta = beta

    def forward(self, z, *, training):
        self.z, self.s = z, 1 / (1 + np.exp(-self.beta * z))
        return {times} * z * self.s

    def backward(self, da):
        return {times} * da * (self.s + self.beta * self.z * self.s * (1 - self.s))
"""


class TestACellThatIsRunAgain:
    """In a notebook, a class is changed and its cell run again: then two classes bear one name.

    Networks that were made before are still made of the older one, and so is all that is made of them.
    """

    def cell(self, monkeypatch: pytest.MonkeyPatch, module: str, times: int) -> type[nn.Layer]:
        """The class that a run of the cell in that module makes."""
        notebook = sys.modules.get(module) or type(sys)(module)
        monkeypatch.setitem(sys.modules, module, notebook)
        notebook.__dict__.update(nn=nn, np=np)
        exec(CELL.format(times=times), notebook.__dict__)
        return notebook.__dict__["Swish"]

    @pytest.mark.parametrize("twin_of", [nn.Network.replica, copy.copy, copy.deepcopy])
    def test_twins_of_the_older_network_are_of_the_older_class(self, twin_of, x, monkeypatch) -> None:
        older = self.cell(monkeypatch, "notebook", times=1)
        network = make(hidden=lambda: older(0.5))
        wanted = network.predict_proba(x)
        newer = self.cell(monkeypatch, "notebook", times=-3)
        assert older is not newer
        twin = twin_of(network)
        assert type(twin.layers[2]) is older
        assert twin.layers[2].beta == 0.5
        np.testing.assert_array_equal(twin.predict_proba(x), wanted)
        assert not np.allclose(make(hidden=lambda: newer(0.5)).predict_proba(x), wanted)

    def test_a_pickle_finds_the_class_in_its_own_module(self, x, monkeypatch) -> None:
        older = self.cell(monkeypatch, "notebook_a", times=1)
        network = make(hidden=lambda: older(0.5))
        self.cell(monkeypatch, "notebook_b", times=-3)
        twin = pickle.loads(pickle.dumps(network))
        assert type(twin.layers[2]) is older
        np.testing.assert_array_equal(twin.predict_proba(x), network.predict_proba(x))

    def test_a_pickle_is_refused_rather_than_to_come_back_as_another_class(self, monkeypatch) -> None:
        """Pickle finds a class by its name, where the newer one stands now; that it is another is seen in time."""
        older = self.cell(monkeypatch, "notebook", times=1)
        network = make(hidden=older)
        self.cell(monkeypatch, "notebook", times=-3)
        with pytest.raises(pickle.PicklingError, match=r"not the same object as notebook\.Swish"):
            pickle.dumps(network)

    def test_a_loss_of_your_own_is_kept_as_well(self, x, labels) -> None:
        def cell(times: float) -> type[nn.Loss]:
            class Scaled(nn.SoftmaxCrossEntropy):
                def gradient(self, outputs, labels, weights=None):
                    return times * super().gradient(outputs, labels, weights)

            return Scaled

        older = cell(1)
        network = make(loss=older())
        network.compute_gradients(x, labels)
        cell(2)
        for twin in (network.replica(), copy.copy(network), copy.deepcopy(network)):
            assert type(twin.loss) is older
            twin.compute_gradients(x, labels)
            np.testing.assert_array_equal(twin.gradients, network.gradients)


def test_it_reads_digits() -> None:
    """The whole road on real handwriting, scikit-learn's bundled 8×8 digits: over 95 % on digits it never saw."""
    datasets = pytest.importorskip("sklearn.datasets", reason="the bundled digits come with scikit-learn")
    images, labels = datasets.load_digits(return_X_y=True)
    images = (images * (255 / 16)).astype(np.uint8)
    order = nn.random_stream(0, "shuffle").permutation(len(images))
    images, labels = images[order], labels[order]
    layers = [nn.Dense(64), nn.ReLU(), nn.Dropout(0.1), nn.Dense(10)]
    network = nn.Network(layers, input_shape=(8, 8, 1), l2=1e-4)
    optimizer = nn.Adam(nn.OneCycle(0.01))
    shuffle, epochs = nn.random_stream(0, "batches"), 12
    for epoch in range(epochs):
        rows = shuffle.permutation(1297)
        for start in range(0, len(rows), 64):
            batch = rows[start : start + 64]
            network.compute_gradients(images[batch], labels[batch])
            rate = optimizer.rate_at(epoch + start / len(rows), epochs)
            optimizer.step(network.parameters, network.gradients, rate, network.weight_count)
    assert network.score(images[1297:], labels[1297:])[1] / 500 > 0.95
