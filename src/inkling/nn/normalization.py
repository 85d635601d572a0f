"""Batch normalization brings every feature to mean 0 and variance 1, whatever the layers before it deliver."""

from __future__ import annotations

import numpy as np

from inkling.nn.layers import Layer
from inkling.nn.part import Array, Shape, check_between


class BatchNorm(Layer):
    """y = gamma · x̂ + beta with x̂ = (x − mean) / σ and σ = √(variance + epsilon), for each feature or channel.

    Shapes: x (batch, features) or (batch, height, width, channels) → the same; gamma and beta (features or channels,).
    While training, mean and variance are the batch's, over its samples (and pixels). Predictions go by `running_mean`
    and `running_variance`, which move towards the batch's by 1 − momentum at each step: they are kept and saved with
    the network, but not learned.
    With dy = ∂loss/∂y: ∂loss/∂gamma = Σ dy·x̂, ∂loss/∂beta = Σ dy, and, since every x moves mean and variance,
    ∂loss/∂x = gamma / σ · (dy − mean(dy) − x̂ · mean(dy·x̂)); in a prediction only gamma / σ · dy.
    Source: Ioffe and Szegedy, 2015, "Batch normalization: accelerating deep network training".
    """

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        check_between("BatchNorm", "momentum", momentum, 0, 1)
        check_between("BatchNorm", "epsilon", epsilon, 0, float("inf"))
        self.momentum, self.epsilon = momentum, epsilon

    def connect(self, input_shape: Shape) -> Shape:
        # NumPy is slow with a few channels at a time, so a whole line of the image counts as one row.
        self.row = (1, *input_shape)[-2:]
        return input_shape

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"gamma": self.row[1:], "beta": self.row[1:]}

    def state_shapes(self) -> dict[str, Shape]:
        return {"running_mean": self.row[1:], "running_variance": self.row[1:]}

    def initialize(self, random: np.random.Generator) -> None:
        for values, first in ((self.gamma, 1), (self.beta, 0), (self.running_mean, 0), (self.running_variance, 1)):
            values.fill(first)

    def forward(self, x: Array, *, training: bool) -> Array:
        rows = x.reshape(-1, self.row[0] * self.row[1])
        self.count = rows.size // self.row[1] if training else 0
        mean = self.sums(rows) / self.count if training else self.running_mean
        self.centred = np.subtract(rows, self.spread(mean), out=self.work("centred", rows.shape))
        out, variance = self.work("out", rows.shape), self.running_variance
        if training:
            variance = self.sums(np.multiply(self.centred, self.centred, out=out)) / self.count
            unbiased = variance * (self.count / max(self.count - 1, 1))
            for running, value in ((self.running_mean, mean), (self.running_variance, unbiased)):
                running += (1 - self.momentum) * (value - running)
        self.sharpness = 1 / np.sqrt(variance + self.epsilon)
        np.multiply(self.centred, self.spread(self.gamma * self.sharpness), out=out)
        return np.add(out, self.spread(self.beta), out=out).reshape(x.shape)

    def backward(self, dout: Array) -> Array:
        rows = dout.reshape(self.centred.shape)
        dx = np.multiply(rows, self.centred, out=self.work("dx", rows.shape))
        self.dgamma[...], self.dbeta[...] = self.sums(dx) * self.sharpness, self.sums(rows)
        if self.count:
            np.multiply(self.centred, self.spread(self.sharpness * self.dgamma / self.count), out=dx)
            np.add(dx, self.spread(self.dbeta / self.count), out=dx)
            rows = np.subtract(rows, dx, out=dx)
        return np.multiply(rows, self.spread(self.gamma * self.sharpness), out=dx).reshape(dout.shape)

    def sums(self, rows: Array) -> Array:
        """The sum of every feature. A product with ones adds up rows, several times faster than np.sum does."""
        ones = self.work("ones", (len(rows),), fill=1)
        return np.matmul(ones, rows, out=self.work("sums", rows.shape[1:])).reshape(self.row).sum(axis=0)

    def spread(self, values: Array) -> Array:
        """A number for each feature, repeated along a row."""
        return np.positive(values, out=self.work("row", self.row)).reshape(-1)
