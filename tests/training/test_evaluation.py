"""How good a network is, in the numbers that scikit-learn would give."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, classification_report, confusion_matrix, log_loss

from inkling import nn
from inkling.data import Split
from inkling.errors import InklingError
from inkling.training import evaluate


@pytest.fixture
def network() -> nn.Network:
    return nn.Network([nn.Dense(12, "he"), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)], seed=5)


@pytest.fixture
def split() -> Split:
    """1,300 images, more than a prediction takes at a time; no 9 among them."""
    random = np.random.default_rng(0)
    return Split(random.integers(0, 256, (1300, 28, 28), dtype=np.uint8), random.integers(0, 9, 1300))


def test_accuracy_loss_and_confusion_are_scikit_learns(network, split):
    found = evaluate(network, split)
    probabilities = network.predict_proba(split.images)
    predictions = probabilities.argmax(axis=1)
    np.testing.assert_allclose(found.probabilities, probabilities, rtol=1e-6)
    np.testing.assert_array_equal(found.predictions, predictions)
    np.testing.assert_array_equal(found.labels, split.labels)
    assert found.count == 1300
    assert found.accuracy == pytest.approx(accuracy_score(split.labels, predictions))
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert found.loss == pytest.approx(log_loss(split.labels, exact, labels=range(10)), rel=1e-5)
    expected = confusion_matrix(split.labels, predictions, labels=range(10))
    np.testing.assert_array_equal(found.confusion, expected)


def test_rows_of_the_confusion_are_the_truth():
    network = nn.Network([nn.Dense(3, "zeros")], input_shape=(2,))
    network.layers[0].b[...] = [0, 1, 0]  # says 1, whatever it sees
    found = evaluate(network, (np.zeros((4, 2)), np.array([0, 0, 1, 2])))
    assert found.confusion.tolist() == [[0, 2, 0], [0, 1, 0], [0, 1, 0]]


def test_per_class_is_scikit_learns_report(network, split):
    found = evaluate(network, split)
    report = classification_report(split.labels, found.predictions, labels=range(10), output_dict=True, zero_division=0)
    assert [row["class"] for row in found.per_class] == list(range(10))
    for row in found.per_class:
        theirs = report[str(row["class"])]
        assert row["precision"] == pytest.approx(theirs["precision"])
        assert row["recall"] == pytest.approx(theirs["recall"])
        assert row["f1"] == pytest.approx(theirs["f1-score"])
        assert row["count"] == theirs["support"]
    assert found.per_class[9]["count"] == 0


def test_dropout_is_off_and_asking_twice_answers_the_same(network, split):
    first, second = evaluate(network, split), evaluate(network, split)
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert first.loss == second.loss


def test_the_loss_is_the_data_loss_without_l2_and_smoothing(split):
    def loss(**settings) -> float:
        smoothing = settings.pop("smoothing", 0.0)
        network = nn.Network([nn.Dense(10)], loss=nn.SoftmaxCrossEntropy(label_smoothing=smoothing), **settings)
        return evaluate(network, split).loss

    assert loss(l2=10.0) == loss(smoothing=0.3) == loss()


def test_it_can_be_written_as_json(network, split):
    found = evaluate(network, split)
    value = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert value.keys() == {"accuracy", "loss", "count", "per_class", "confusion"}
    assert value["confusion"] == found.confusion.tolist()


def test_no_split_and_no_images_and_no_fitting_ones_are_refused(network, split):
    with pytest.raises(InklingError, match="no such split"):
        evaluate(network, None)
    with pytest.raises(InklingError, match="there are no evaluation images"):
        evaluate(network, (np.zeros((0, 28, 28), np.uint8), np.zeros(0, int)))
    with pytest.raises(InklingError, match="labels run from 0 to 10"):
        evaluate(network, (split.images[:2], np.array([0, 10])))
    with pytest.raises(nn.ShapeError, match="28×28×1"):
        evaluate(network, (np.zeros((2, 8, 8), np.uint8), np.array([0, 1])))
