"""Losses by their plain formulas, their gradients against numbers, and both at the ends of the number line."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn

KINDS = [nn.SoftmaxCrossEntropy, nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy]
FUSED = [nn.SoftmaxCrossEntropy, nn.SigmoidBinaryCrossEntropy]
every_loss = pytest.mark.parametrize("kind", KINDS)
reductions = pytest.mark.parametrize("reduction", ["mean", "sum"])
smoothings = pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.5])


def plain_formula(kind: type[nn.Loss], outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The loss of each sample as a book writes it, without any care for overflow."""
    if kind is nn.MeanSquaredError:
        return 0.5 * ((outputs - targets) ** 2).sum(axis=1)
    if kind is nn.SoftmaxCrossEntropy:
        p = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
        return -(targets * np.log(p)).sum(axis=1)
    a = 1 / (1 + np.exp(-outputs))
    return -(targets * np.log(a) + (1 - targets) * np.log(1 - a)).sum(axis=1)


def hard_and_smooth(labels: np.ndarray, classes: int, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    hard = np.eye(classes)[labels]
    return hard, hard * (1 - smoothing) + smoothing / classes


@every_loss
@reductions
@smoothings
@settings(deadline=None, max_examples=10)
@given(batch=st.integers(1, 6), classes=st.integers(1, 6), seed=st.integers(0, 1000))
def test_loss_objective_and_gradient(kind, reduction, smoothing, batch, classes, seed) -> None:
    random = np.random.default_rng(seed)
    outputs, labels = random.normal(0, 2, (batch, classes)), random.integers(0, classes, batch)
    hard, smooth = hard_and_smooth(labels, classes, smoothing)
    loss = kind(reduction, smoothing)

    reported = loss.forward(outputs, labels)
    assert isinstance(reported, float)
    assert reported == pytest.approx(plain_formula(kind, outputs, hard).mean(), rel=1e-9, abs=1e-12)

    objective = loss.objective(outputs, labels)
    each = plain_formula(kind, outputs, smooth)
    assert objective == pytest.approx(each.sum() if reduction == "sum" else each.mean(), rel=1e-9, abs=1e-12)

    gradient = loss.gradient(outputs, labels)
    numerical = nn.numerical_gradient(lambda: loss.objective(outputs, labels), outputs)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-6, atol=1e-8)


@every_loss
def test_smoothing_does_not_change_the_reported_loss(kind, random) -> None:
    outputs, labels = random.normal(size=(5, 4)), random.integers(0, 4, 5)
    plain, smoothed = kind(), kind(label_smoothing=0.3)
    assert plain.forward(outputs, labels) == smoothed.forward(outputs, labels)
    assert not np.allclose(plain.gradient(outputs, labels), smoothed.gradient(outputs, labels))


@every_loss
@smoothings
def test_a_summed_gradient_is_the_mean_times_the_batch_and_reports_the_same(kind, smoothing, random) -> None:
    outputs, labels = random.normal(size=(7, 4)), random.integers(0, 4, 7)
    mean, summed = (kind(reduction, smoothing) for reduction in ("mean", "sum"))
    assert mean.forward(outputs, labels) == summed.forward(outputs, labels)
    np.testing.assert_allclose(summed.gradient(outputs, labels), 7 * mean.gradient(outputs, labels), rtol=1e-12)


@every_loss
@reductions
@smoothings
def test_each_sample_has_its_own_gradient_whichever_others_are_in_the_batch(kind, reduction, smoothing, random) -> None:
    outputs, labels = random.normal(size=(7, 4)), random.integers(0, 4, 7)
    loss = kind(reduction, smoothing)
    whole = loss.gradient(outputs, labels)
    for block in (slice(0, 4), slice(4, 7)):
        share = 1 if reduction == "sum" else len(outputs[block]) / 7
        np.testing.assert_allclose(loss.gradient(outputs[block], labels[block]) * share, whole[block], rtol=1e-12)


def test_the_gradients_of_the_book(random) -> None:
    """p − y, a − y and sigmoid(z) − y, divided by the batch."""
    outputs, labels = random.normal(size=(5, 4)), random.integers(0, 4, 5)
    y = np.eye(4)[labels]
    p = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    for kind, activation in zip(KINDS, (p, outputs, 1 / (1 + np.exp(-outputs))), strict=True):
        np.testing.assert_allclose(kind().gradient(outputs, labels), (activation - y) / 5, rtol=1e-12, atol=1e-16)


def test_mean_squared_error_by_hand() -> None:
    loss = nn.MeanSquaredError()
    outputs, labels = np.array([[0.5, 0.0, 1.0], [1.0, 0.0, 0.0]]), np.array([0, 0])
    assert loss.forward(outputs, labels) == pytest.approx((0.5 * (0.25 + 0 + 1) + 0) / 2)
    np.testing.assert_allclose(loss.gradient(outputs, labels), [[-0.25, 0, 0.5], [0, 0, 0]])


def test_a_network_that_knows_nothing_loses_log_of_the_classes() -> None:
    assert nn.SoftmaxCrossEntropy().forward(np.zeros((3, 10)), np.arange(3)) == pytest.approx(np.log(10))


@pytest.mark.parametrize("kind", FUSED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [100, 1e4])
def test_huge_scores_neither_overflow_nor_warn(kind, dtype, size) -> None:
    z = np.array([[size, -size, 0], [-size, size, size], [size, -size, -size]], dtype)
    labels = np.array([1, 0, 0])
    loss = kind()
    each = [2 * size, 2 * size + np.log(2), 0]
    if kind is nn.SigmoidBinaryCrossEntropy:
        each = [2 * size + np.log(2), 3 * size, 0]
    assert loss.forward(z, labels) == pytest.approx(np.mean(each), rel=1e-6)
    assert loss.objective(z, labels) == pytest.approx(np.mean(each), rel=1e-6)
    assert np.isfinite(loss.gradient(z, labels)).all()
    p = loss.probabilities(z)
    assert np.isfinite(p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


@pytest.mark.parametrize("kind", FUSED)
@pytest.mark.parametrize("margin", [2, 8, 100, 1e4])
def test_float32_is_precise_also_where_the_network_is_right_and_sure(kind, margin, random) -> None:
    labels = random.integers(0, 10, 512)
    z = random.normal(-margin, margin / 10, (512, 10))
    z[np.arange(512), labels] += 2 * margin
    z = z.astype(np.float32)
    single, double = kind().forward(z, labels), kind().forward(z.astype(np.float64), labels)
    assert single == pytest.approx(double, rel=1e-4, abs=1e-7)
    assert single >= 0


@every_loss
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_and_probabilities_have_the_dtype_of_the_outputs(kind, dtype, random) -> None:
    outputs, labels = random.normal(size=(5, 4)).astype(dtype), random.integers(0, 4, 5)
    for loss in (kind(), kind(label_smoothing=0.1), kind(label_smoothing=np.float64(0.1)), kind("sum")):
        for weights in (None, np.ones(5), np.ones(5, np.float32), np.ones(5, int)):
            assert loss.gradient(outputs, labels, weights).dtype == dtype
        assert loss.answers(outputs).dtype == dtype
        assert loss.probabilities(outputs).dtype == dtype


@every_loss
@smoothings
def test_asking_changes_nothing_and_gives_the_same_twice(kind, smoothing, random) -> None:
    """Whatever was asked before, and whatever becomes of the answers."""
    loss = kind(label_smoothing=smoothing)
    for batch in (6, 2, 1, 6, 9, 3, 9):
        outputs, labels = random.normal(size=(batch, 4)), random.integers(0, 4, batch)
        weights = random.uniform(0, 2, batch)
        kept = outputs.copy(), labels.copy(), weights.copy()
        for counts in (None, weights):
            wanted = loss.gradient(outputs, labels, counts)
            reported = loss.forward(outputs, labels, counts)
            loss.gradient(outputs, labels, counts)[...] = np.nan
            loss.probabilities(outputs)[...] = np.nan
            loss.objective(outputs, labels, counts)
            loss.judge(outputs, labels, counts)
            np.testing.assert_array_equal(loss.gradient(outputs, labels, counts), wanted)
            assert loss.forward(outputs, labels, counts) == reported
        for array, before in zip((outputs, labels, weights), kept, strict=True):
            np.testing.assert_array_equal(array, before)
    assert vars(loss) == vars(kind(label_smoothing=smoothing)), "it remembers nothing"


@every_loss
@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.int64])
def test_labels_may_be_any_integers(kind, dtype, random) -> None:
    outputs, labels = random.normal(size=(5, 4)), random.integers(0, 4, 5)
    loss = kind(label_smoothing=0.1)
    for ask in (loss.forward, loss.gradient, loss.objective, loss.judge):
        np.testing.assert_array_equal(ask(outputs, labels.astype(dtype)), ask(outputs, labels))


@every_loss
def test_judging_is_the_loss_and_how_many_are_right(kind, random) -> None:
    outputs, labels = random.normal(size=(50, 4)), random.integers(0, 4, 50)
    right = outputs.argmax(axis=1) == labels
    assert kind().judge(outputs, labels) == (kind().forward(outputs, labels), right.sum())
    weights = random.uniform(0, 2, 50)
    loss, weighed = kind().judge(outputs, labels, weights)
    assert loss == kind().forward(outputs, labels, weights)
    assert weighed == pytest.approx(weights[right].sum())


class TestProbabilities:
    def test_of_scores_are_softmax(self, random) -> None:
        z = random.normal(size=(5, 4))
        wanted = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(nn.SoftmaxCrossEntropy().probabilities(z), wanted, rtol=1e-12)

    def test_of_activations_are_their_share_of_the_sum(self) -> None:
        a = np.array([[0.2, 0.6, 0.0], [0.9, 0.9, 0.2]])
        np.testing.assert_allclose(
            nn.MeanSquaredError().probabilities(a), [[0.25, 0.75, 0], [0.45, 0.45, 0.1]], rtol=1e-12, atol=1e-300
        )

    def test_of_yes_or_no_questions_are_sigmoids_by_their_sum(self, random) -> None:
        z = random.normal(size=(5, 4))
        a = 1 / (1 + np.exp(-z))
        wanted = a / a.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(nn.SigmoidBinaryCrossEntropy().probabilities(z), wanted, rtol=1e-12)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_where_nothing_is_said_the_chances_are_equal(self, dtype) -> None:
        nothing = np.zeros((2, 10), dtype)
        np.testing.assert_allclose(nn.MeanSquaredError().probabilities(nothing), 0.1, rtol=1e-6)
        np.testing.assert_allclose(nn.SigmoidBinaryCrossEntropy().probabilities(nothing - 2000), 0.1, rtol=1e-6)

    @every_loss
    def test_are_the_answers_brought_to_a_sum_of_one(self, kind, random) -> None:
        outputs = random.uniform(size=(5, 4))
        answers = kind().answers(outputs)
        wanted = answers / answers.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(kind().probabilities(outputs), wanted, rtol=1e-12)


class TestRefusals:
    @every_loss
    def test_a_reduction_must_be_mean_or_sum(self, kind) -> None:
        with pytest.raises(ValueError, match=f"{kind.__name__}: reduction is 'average', but must be"):
            kind("average")

    @every_loss
    @pytest.mark.parametrize("smoothing", [-0.1, 1, 2, float("nan"), "much"])
    def test_smoothing_lies_between_zero_and_one(self, kind, smoothing) -> None:
        with pytest.raises(ValueError, match=f"{kind.__name__}: label_smoothing is"):
            kind(label_smoothing=smoothing)

    @every_loss
    def test_outputs_must_be_one_row_a_sample(self, kind) -> None:
        with pytest.raises(nn.ShapeError, match=r"relu_1 delivers 28×28×1: end with a Dense layer"):
            nn.Network([nn.ReLU()], loss=kind())

    @pytest.mark.parametrize(
        ("kind", "last"),
        [
            (nn.SoftmaxCrossEntropy, nn.Softmax),
            (nn.SigmoidBinaryCrossEntropy, nn.Sigmoid),
            (nn.SigmoidBinaryCrossEntropy, nn.Softmax),
        ],
    )
    def test_an_activation_that_the_loss_applies_itself_is_refused(self, kind, last) -> None:
        with pytest.raises(
            nn.ShapeError, match=rf"{kind.__name__} applies .* itself: leave out .*{last.__name__.lower()}_1"
        ):
            nn.Network([nn.Dense(3), last()], loss=kind())

    @pytest.mark.parametrize("last", [nn.Sigmoid, nn.Softmax, nn.Tanh, nn.Identity])
    def test_mean_squared_error_takes_any_activation(self, last) -> None:
        nn.Network([nn.Dense(3), last()], loss=nn.MeanSquaredError())


def test_one_hot_rows() -> None:
    rows = nn.one_hot(np.array([1, 0, 2]), 3)
    assert rows.dtype == np.float32
    assert nn.one_hot(np.array([1]), 3, np.float64).dtype == np.float64
    np.testing.assert_array_equal(rows, [[0, 1, 0], [1, 0, 0], [0, 0, 1]])
    assert nn.one_hot(np.array([9])).shape == (1, 10)


def test_every_loss_has_a_name() -> None:
    assert set(nn.LOSSES.values()) == set(KINDS)
