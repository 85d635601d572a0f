"""What can be trained and measured on: images with their labels, checked once at the door."""

from __future__ import annotations

import math
from typing import Protocol

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


def as_samples(data: Samples | tuple[Array, Array], network: Network, part: str) -> Samples:
    """Images and labels that fit each other and the network.

    Raises InklingError if they don't; `part` says in its message whose they are. ShapeError for the wrong pixels.
    """
    images, labels = data if isinstance(data, tuple) else (data.images, data.labels)
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
    return Arrays(images, labels)


class Arrays:
    """Images and labels, side by side."""

    def __init__(self, images: Array, labels: Array) -> None:
        self.images = images
        self.labels = labels
