"""Several answers to one question, averaged: of several networks, of several shifts of the image, or both.

Networks that were trained apart make different mistakes, and so does one network when a digit moves by a pixel. The
mean of the probabilities is right more often than each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from inkling.engine import predict_proba
from inkling.errors import InklingError
from inkling.nn import Network
from inkling.nn.network import blocks
from inkling.nn.part import Array, Shape


class Ensemble:
    """Networks that read together: the mean of their probabilities, over small shifts of the image too.

    With `shifts` s every image is read (2s + 1)² times, moved by −s … s pixels each way; what moves in is 0.
    Raises InklingError if the networks don't fit each other, or there is none, or something else among them.
    Source: Cireşan et al., 2012, "Multi-column deep neural networks for image classification", for the mean.
    """

    def __init__(self, networks: Sequence[Network], shifts: int = 0) -> None:
        self.networks = list(networks)
        self.shifts = shifts
        if not self.networks:
            raise InklingError("an ensemble needs at least one network")
        for place, network in enumerate(self.networks, 1):
            if not isinstance(network, Network):
                raise InklingError(f"an ensemble is made of networks, but number {place} is {network!r}")
        first = self.networks[0]
        for place, network in enumerate(self.networks[1:], 2):
            if (network.input_shape, network.output_shape) != (first.input_shape, first.output_shape):
                raise InklingError(
                    f"network {place} goes from {network.input_shape} to {network.output_shape}, but the first one "
                    f"from {first.input_shape} to {first.output_shape}: an ensemble needs the same of all"
                )
        if shifts < 0:
            raise InklingError(f"shifts is {shifts}, but must be at least 0 pixels")
        if shifts and len(first.input_shape) < 2:
            raise InklingError(f"shifts need images, but the network takes a row of {first.input_shape[0]} numbers")
        self.input_shape: Shape = first.input_shape
        self.output_shape: Shape = first.output_shape
        self.dtype = first.dtype

    def predict_proba(self, x: Array, progress: Callable[[int, int], None] | None = None) -> Array:
        """The probability of each class, (samples, classes), in a fresh array; `progress(done, of)` counts samples."""
        x = np.asarray(x)
        moves = list(product(range(-self.shifts, self.shifts + 1), repeat=2))
        mean = np.zeros((len(x), *self.output_shape), self.dtype)
        for block in blocks(len(x)):
            images = self.networks[0].enter(x[block])
            for down, right in moves:
                moved = shift(images, down, right)
                for network in self.networks:
                    mean[block] += predict_proba(network, moved)
            if progress is not None:
                progress(block.stop, len(x))
        mean /= self.dtype.type(len(moves) * len(self.networks))
        return mean

    def predict(self, x: Array) -> Array:
        """The most probable class of each sample, (samples,) int64."""
        return np.asarray(self.predict_proba(x).argmax(axis=1))


def shift(images: Array, down: int, right: int) -> Array:
    """The images (n, height, width, …) moved by so many pixels; what moves in is 0. Unmoved, they are not copied."""
    if not (down or right):
        return images
    moved = np.zeros_like(images)
    height, width = images.shape[1:3]
    here = slice(max(down, 0), height + min(down, 0)), slice(max(right, 0), width + min(right, 0))
    there = slice(max(-down, 0), height + min(-down, 0)), slice(max(-right, 0), width + min(-right, 0))
    moved[:, *here] = images[:, *there]
    return moved
