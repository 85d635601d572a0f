"""What can be trained and measured on: images with their labels, and how much each counts, checked at the door."""

from __future__ import annotations

import math
from typing import Protocol, TypeAlias

import numpy as np

from inkling.errors import InklingError
from inkling.nn import Network
from inkling.nn.part import Array


class Samples(Protocol):
    """Images and their labels: a split of `load_data`, or anything like it."""

    @property
    def images(self) -> Array:
        """(n, …), uint8 or float."""

    @property
    def labels(self) -> Array:
        """(n,), integers."""


Data: TypeAlias = Samples | tuple[Array, Array] | tuple[Array, Array, Array | None]
"""A split; or images and labels, and after them perhaps how much each image counts."""


def as_samples(data: Data, network: Network, part: str) -> Arrays:
    """Images and labels that fit each other and the network.

    Raises InklingError if they don't; `part` says in its message whose they are. ShapeError for the wrong pixels.
    """
    images, labels, *rest = data if isinstance(data, tuple) else (data.images, data.labels)
    weights = rest[0] if rest else None
    images, labels = np.asarray(images), np.asarray(labels)
    classes = math.prod(network.output_shape)
    if len(images) == 0:
        raise InklingError(f"there are no {part} images")
    if labels.shape != (len(images),):
        raise InklingError(
            f"{len(images)} {part} images need as many labels in one row, but labels have shape {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise InklingError(f"{part} labels must be integers 0…{classes - 1}, but they are {labels.dtype}")
    if labels.min() < 0 or labels.max() >= classes:
        raise InklingError(
            f"{part} labels run from {labels.min()} to {labels.max()}, "
            f"but the network has {classes} classes: 0…{classes - 1}"
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InklingError(f"some pixels of the {part} images are not finite numbers (NaN or infinity)")
    network.enter(images[:1])
    return Arrays(images, labels, None if weights is None else as_weights(weights, network, len(images), part))


def as_weights(weights: Array, network: Network, count: int, part: str) -> Array:
    """The weights in the network's dtype, brought to a mean of 1, which leaves the learning rate what it was."""
    weights = np.asarray(weights, np.float64)
    if weights.shape != (count,):
        raise InklingError(
            f"{count} {part} images need as many weights in one row, but the weights have shape {weights.shape}"
        )
    if not np.isfinite(weights).all() or weights.min() < 0:
        raise InklingError(f"{part} weights must be finite numbers of at least 0")
    if not weights.any():
        raise InklingError(f"all {part} weights are zero, so nothing counts: at least one must be above 0")
    shares = weights / weights.max()  # first, or the sum of large ones may be infinite
    return np.asarray(shares / np.mean(shares), network.dtype)


class Arrays:
    """Images and labels, side by side; with `weights` (n,), of mean 1, some count more than others."""

    def __init__(self, images: Array, labels: Array, weights: Array | None = None) -> None:
        self.images = images
        self.labels = labels
        self.weights = weights
