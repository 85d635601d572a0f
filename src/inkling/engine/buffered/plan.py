"""The NumPy engine's plan: the network's twin takes each batch through itself in blocks, then the parameters move."""

from __future__ import annotations

import math
import sys
from contextlib import ExitStack
from operator import is_
from types import TracebackType
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from inkling.engine.buffered.buffers import Buffered
from inkling.engine.buffered.losses import judge
from inkling.engine.buffered.optimizers import Mover
from inkling.engine.buffered.twins import treats_samples_separately, twin_of
from inkling.engine.choice import work_of
from inkling.engine.protocol import Augment, Plan, Samples
from inkling.nn import Network, Optimizer
from inkling.nn.losses import check_labels
from inkling.nn.network import blocks
from inkling.nn.part import Array

BLOCK = 512
"""Samples that go through the network in one piece: their pixels as float32 take 1.6 MB, and stay in the cache."""
WORTH_SHARING = 50e6
"""Floating-point operations a step, from which on BLAS is let share them between threads."""


class BufferedPlan(Plan):
    """Training steps by NumPy alone, in one process; only BLAS may use several threads."""

    name = "numpy"

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        samples: Samples,
        *,
        batch_size: int,
        workers: int,
        augment: Augment | None = None,
    ) -> None:
        super().__init__(network, optimizer, samples, batch_size=batch_size, workers=workers, augment=augment)
        self.twin, self.mover, self.ends = twin_of(network), Mover(network.dtype), ExitStack()
        self.buffered = [layer for layer in self.twin.layers if isinstance(layer, Buffered)]
        for layer in self.twin.layers[self.twin.first_learner :][:1]:
            layer.wants_dx = False  # type: ignore[attr-defined]
        self.block = BLOCK if treats_samples_separately(network) else sys.maxsize
        self.blas_threads = workers if work_of(network) * min(batch_size, self.block) >= WORTH_SHARING else 1

    def __enter__(self) -> Self:
        self.ends.enter_context(threadpool_limits(self.blas_threads, user_api="blas"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ends.close()

    def step(self, rows: Array | slice, learning_rate: float) -> tuple[float, float]:
        self.count(rows)
        images, labels = self.distorted(rows), self.samples.labels[rows]
        weights = None if self.samples.weights is None else self.samples.weights[rows]
        loss, right = self.compute_gradients(images, labels, weights)
        if math.isfinite(loss):
            self.mover.step(self.optimizer, self.network, learning_rate)
        return loss, right

    def score(self, samples: Samples) -> tuple[float, float]:
        network = self.network
        return network.loss.judge(outputs(network, samples.images), samples.labels, samples.weights)

    def compute_gradients(self, images: Array, labels: Array, weights: Array | None) -> tuple[float, float]:
        """What `Network.compute_gradients` does, in blocks whose gradients add up."""
        network, twin, count = self.network, self.twin, len(images)
        check_labels(labels, count)
        ours, theirs = ((each.parameters, each.gradients, each.state) for each in (twin, network))
        if not all(map(is_, ours, theirs)):  # somebody has put others in their place
            twin.adopt(*theirs)
        twin.step = network.step
        loss, right, total = 0.0, 0.0, None
        for block in blocks(count, self.block):
            for layer in self.buffered:
                layer.first = block.start
            outputs = twin.forward(images[block], training=True)
            part, hits, dout = judge(
                network.loss, outputs, labels[block], None if weights is None else weights[block], count
            )
            loss, right = loss + part, right + hits
            twin.backward(dout)
            if block.stop < count or total is not None:
                total = network.gradients.copy() if total is None else np.add(total, network.gradients, out=total)
        if total is not None:
            network.gradients[...] = total
        network.step += 1
        if network.l2:
            W = network.parameters[: network.weight_count]
            change = np.multiply(W, network.l2, out=self.mover.buffer("l2", W.shape))
            network.gradients[: network.weight_count] += change
        return loss, right


def outputs(network: Network, x: Array) -> Array:
    """The outputs of the last layer for any number of samples, dropout off: (samples, *output_shape)."""
    twin = twin_of(network)
    found = np.empty((len(x), *network.output_shape), network.dtype)
    for block in blocks(len(x), network.rows_at_once):
        found[block] = twin.forward(x[block])
    return found
