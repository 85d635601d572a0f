"""The reference: `inkling.nn` itself, step by step. Every other engine is held against it."""

from __future__ import annotations

import math

from inkling.engine.protocol import Plan, Samples
from inkling.nn.part import Array


class ReferencePlan(Plan):
    """One batch at a time: gradients, then a step of the optimizer."""

    name = "reference"

    def step(self, rows: Array | slice, learning_rate: float) -> tuple[float, float]:
        self.count(rows)
        network, samples = self.network, self.samples
        weights = None if samples.weights is None else samples.weights[rows]
        loss, right = network.compute_gradients(self.distorted(rows), samples.labels[rows], weights)
        if math.isfinite(loss):
            self.optimizer.step(network.parameters, network.gradients, learning_rate, network.weight_count)
        return loss, right

    def score(self, samples: Samples) -> tuple[float, float]:
        return self.network.score(samples.images, samples.labels, samples.weights)
