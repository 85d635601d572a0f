"""A hand: what does one share of a training step. With one hand alone the share is everything; crew.py leads several.

A hand takes its share of the batch's samples through the network. Then the gradients of all hands are added up, and
each hand moves its part of the parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from inkling.nn import Network, Optimizer, random_stream
from inkling.nn.network import blocks
from inkling.nn.part import Array
from inkling.training.samples import Arrays

Augment: TypeAlias = Callable[[Array, np.random.Generator], Array]
"""Distorts a batch of training images, with random numbers from the stream that it is given."""
BLOCK = 512
"""Samples that go through the network in one piece: their pixels as float32 take 1.6 MB, and stay in the cache."""


class Hand:
    """Number `index` of `hands`: takes its share of each batch's samples, then moves its part of the parameters.

    `meet` returns when all hands have called it.
    """

    def __init__(
        self,
        index: int,
        hands: int,
        network: Network,
        optimizer: Optimizer,
        samples: Arrays,
        augment: Augment | None = None,
    ) -> None:
        self.index, self.hands = index, hands
        self.network, self.optimizer = network, optimizer
        self.images, self.labels, self.weights = samples.images, samples.labels, samples.weights
        self.augment = augment
        self.meet: Callable[[], None] = lambda: None
        self.gradients = [network.gradients]
        """The gradients of all hands, the first one's first; there they are added up."""
        self.found = np.zeros((hands, 3))
        """What all hands found: (share of the mean loss, number right, squared length of the part of the gradient)."""
        size = len(network.parameters)
        # Parts begin at multiples of 16 numbers: no two hands write into the same line of the cache.
        edges = [size * k // hands // 16 * 16 for k in range(hands)] + [size]
        self.part = slice(edges[index], edges[index + 1])

    def step(self, start: int, stop: int, order: Array | None, learning_rate: float, epoch: int) -> tuple[float, float]:
        """Do this hand's share of a step with samples `start` … `stop` in the given order (None: as they lie).

        Returns (mean data loss of the batch, number right). Unless the loss is finite, nothing is learned.
        """
        loss, right = self.share(start, stop, order, epoch)
        if self.hands > 1:
            self.found[self.index, :2] = loss, right
            self.meet()
            loss, right = float(self.found[:, 0].sum()), float(self.found[:, 1].sum())
        if math.isfinite(loss):
            self.update(learning_rate)
        return loss, right

    def share(self, start: int, stop: int, order: Array | None, epoch: int) -> tuple[float, float]:
        """Fill this hand's gradients from its samples; return (their part of the mean loss, number right)."""
        network, size = self.network, stop - start
        first, last = (size * k // self.hands for k in (self.index, self.index + 1))
        loss: float = 0
        right: float = 0
        pieces = list(blocks(last - first, BLOCK))
        total = network.own.work("total", network.gradients.shape) if len(pieces) > 1 else None
        network.skip(first)
        for piece in pieces:
            rows = slice(start + first + piece.start, start + first + piece.stop)
            picked: Any = rows if order is None else order[rows]
            labels = self.labels[picked]
            weights = None if self.weights is None else self.weights[picked]
            if order is None:
                images = self.images[rows]
            else:
                images = network.own.work("gathered", (len(labels), *self.images.shape[1:]), self.images.dtype)
                # mode="clip" spares NumPy a copy of the whole result; the indices are in range anyhow.
                np.take(self.images, picked, axis=0, out=images, mode="clip")
            if self.augment is not None:
                # A stream for each piece of each epoch, so that resuming in the middle of one draws the same.
                images = self.augment(images, random_stream(network.seed, f"augment/{epoch}/{rows.start}"))
            piece_loss, piece_right = network.data_gradients(images, labels, size, weights)
            loss += piece_loss * len(labels) / size
            right += piece_right
            if total is not None:
                np.add(total, network.gradients, out=total) if piece.start else np.copyto(total, network.gradients)
        network.skip(size - last)
        if total is not None:
            np.copyto(network.gradients, total)
        elif not pieces:
            network.gradients.fill(0)
        return loss, right

    def update(self, learning_rate: float) -> None:
        """Add up the gradients of all hands for this one's part of the parameters, and take the optimizer's step."""
        network, weights = self.network, self.network.weight_count
        parameters, gradients = network.parameters[self.part], self.gradients[0][self.part]
        for other in self.gradients[1:]:
            gradients += other[self.part]
        decayed = min(max(weights - self.part.start, 0), len(parameters))
        network.add_l2_gradient_of(parameters[:decayed], gradients[:decayed])
        length = None
        if self.hands > 1 and self.optimizer.clip_norm is not None:
            self.found[self.index, 2] = np.dot(gradients, gradients)
            self.meet()
            length = math.sqrt(self.found[:, 2].sum())
        self.optimizer.step(parameters, gradients, learning_rate, decayed, length)
