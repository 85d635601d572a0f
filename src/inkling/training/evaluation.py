"""How good a network is: accuracy, loss, and class by class, on images it may or may not have seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from inkling.engine import outputs
from inkling.errors import InklingError
from inkling.nn import Network
from inkling.nn.network import blocks
from inkling.nn.part import Array
from inkling.training.ensemble import Ensemble
from inkling.training.samples import Data, as_samples

AT_ONCE = 8192
"""Images between two words of progress."""


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network makes of a split, dropout off.

    `labels` (n,) and `probabilities` (n, classes) are the truth and the answers, in the split's order; `loss` is
    the mean data loss.
    """

    loss: float
    labels: Array
    probabilities: Array

    @property
    def count(self) -> int:
        """How many images were read."""
        return len(self.labels)

    @cached_property
    def predictions(self) -> Array:
        """The most probable class of each image, (n,)."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def accuracy(self) -> float:
        """The fraction of images read rightly, 0 … 1."""
        return float(np.mean(self.predictions == self.labels))

    @cached_property
    def confusion(self) -> Array:
        """How often each true class (row) was read as each class (column): (classes, classes) counts."""
        from sklearn.metrics import confusion_matrix

        classes = self.probabilities.shape[1]
        return np.asarray(confusion_matrix(self.labels, self.predictions, labels=range(classes)))

    @cached_property
    def per_class(self) -> list[dict[str, float | int]]:
        """For each class: class, precision, recall, f1, count. A class never predicted has precision 0."""
        from sklearn.metrics import precision_recall_fscore_support

        classes = range(self.probabilities.shape[1])
        columns = precision_recall_fscore_support(self.labels, self.predictions, labels=classes, zero_division=0)
        return [
            {"class": k, "precision": float(p), "recall": float(r), "f1": float(f), "count": int(n)}
            for k, p, r, f, n in zip(classes, *columns, strict=True)
        ]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain values, ready for JSON."""
        return {
            "accuracy": self.accuracy,
            "loss": self.loss,
            "count": self.count,
            "per_class": self.per_class,
            "confusion": self.confusion.tolist(),
        }


def evaluate(
    network: Network | Ensemble,
    split: Data | None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Let the network, or the ensemble, read every image of the split (or of a pair of images and labels).

    `progress(done, of)` counts images. The loss of an ensemble is the cross-entropy of its mean probabilities.
    Raises InklingError if there is no such split, or it is empty, or does not fit the network.
    """
    if split is None:
        raise InklingError("there are no images to evaluate on: this data set has no such split")
    first = network.networks[0] if isinstance(network, Ensemble) else network
    samples = as_samples(split, first, "evaluation")
    labels = samples.labels
    if isinstance(network, Ensemble):
        probabilities = network.predict_proba(samples.images, progress)
        right = probabilities[np.arange(len(labels)), labels]
        loss = -float(np.mean(np.log(np.maximum(right, np.finfo(right.dtype).tiny))))
        return Evaluation(loss, labels, probabilities)
    found = []
    for block in blocks(len(labels), AT_ONCE):
        found.append(outputs(network, samples.images[block]))
        if progress is not None:
            progress(block.stop, len(labels))
    answers = np.concatenate(found)
    return Evaluation(network.loss.forward(answers, labels), labels, network.loss.probabilities(answers))
