"""From features, labels and weights, as scikit-learn's users hand them over, to the samples that a trainer takes.

A label becomes a whole number, its place among the classes; a sample's weight is multiplied with that of its class, and
what counts nothing is left out. Features keep their numbers until they are scaled (scaling.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import _check_sample_weight

from inkling.interop.scaling import Pixels, Scaling, holds_bytes
from inkling.nn.part import Array

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Samples: TypeAlias = tuple[Array, Array, Array | None]
"""Features, labels as whole numbers, weights."""


def make_samples(
    X: Array,
    y: Array,
    classes: Array,
    sample_weight: ArrayLike | None,
    class_weight: dict[Any, float] | str | None,
) -> Samples:
    """The samples that count, of X (n, features) and y (n,). Raises ValueError for a label that is no class."""
    labels = numbered(y, classes)
    weights = multiplied(X, labels, classes, sample_weight, class_weight)
    if weights is not None and not weights.all():
        counts = weights > 0
        X, labels, weights = X[counts], labels[counts], weights[counts]
    return X, labels, weights


def dense(X: Any) -> Array:
    """A sparse matrix with its zeros written out; an array as it is."""
    return np.asarray(X.toarray() if hasattr(X, "toarray") else X)


def numbered(y: Array, classes: Array) -> Array:
    """Labels as their places among the sorted classes."""
    places = np.minimum(np.searchsorted(classes, y), len(classes) - 1)
    unknown = classes[places] != y
    if np.any(unknown):
        raise ValueError(f"y has {y[unknown][0]!r}, which is not among the classes {classes}")
    return np.asarray(places, np.int64)


def multiplied(
    X: Array,
    labels: Array,
    classes: Array,
    sample_weight: ArrayLike | None,
    class_weight: dict[Any, float] | str | None,
) -> Array | None:
    """How much each sample counts: its own weight times that of its class. None: all the same."""
    if sample_weight is None and class_weight is None:
        return None
    weights = np.array(_check_sample_weight(sample_weight, X, dtype=np.float64))
    check_weights(weights, "sample_weight")
    if class_weight == "balanced":
        sums = np.bincount(labels, weights, len(classes))
        weights /= np.where(sums > 0, sums, 1)[labels]
    elif class_weight is not None:
        # Of all classes, whichever these samples are of: a part of the samples may lack one that has a weight.
        weights *= compute_class_weight(class_weight, classes=classes, y=classes)[labels]
        check_weights(weights, "class_weight" if sample_weight is None else "sample_weight times class_weight")
    return weights


def check_weights(weights: Array, name: str) -> None:
    """Raise ValueError unless the weights are finite, not negative, and not all zero."""
    if not np.isfinite(weights).all():
        raise ValueError(f"{name} must consist of finite numbers")
    if weights.min() < 0:
        raise ValueError(f"{name} must not be negative")
    if not weights.any():
        raise ValueError(f"all of {name} is zero, so no sample counts: at least one must be above 0")


def hold_out(samples: Samples, fraction: float, random: np.random.RandomState) -> tuple[Samples, Samples]:
    """The samples to train on, and those to watch: a fraction, of each class in proportion."""
    X, labels, weights = samples
    train, held_out = train_test_split(np.arange(len(X)), test_size=fraction, random_state=random, stratify=labels)
    first, second = ((X[rows], labels[rows], None if weights is None else weights[rows]) for rows in (train, held_out))
    return first, second


def as_learned(scaling: Scaling, samples: Samples) -> Samples:
    """Samples to train on, scaled; images of bytes stay bytes, in an eighth of float64's memory, for the network."""
    X, labels, weights = samples
    if isinstance(scaling, Pixels) and scaling.full_ink == 255 and holds_bytes(X):
        X = X.astype(np.uint8, copy=False)
    return scaling(X), labels, weights
