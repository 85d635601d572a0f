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

    gamma: Array
    beta: Array
    dgamma: Array
    dbeta: Array
    running_mean: Array
    running_variance: Array

    def __init__(self, momentum: float = 0.9, epsilon: float = 1e-5) -> None:
        self.momentum = check_between("BatchNorm", "momentum", momentum, 0, 1)
        self.epsilon = check_between("BatchNorm", "epsilon", epsilon, 0, float("inf"))

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"gamma": self.input_shape[-1:], "beta": self.input_shape[-1:]}

    def state_shapes(self) -> dict[str, Shape]:
        return {"running_mean": self.input_shape[-1:], "running_variance": self.input_shape[-1:]}

    def initialize(self, random: np.random.Generator) -> None:
        self.gamma[...], self.beta[...] = 1, 0
        self.running_mean[...], self.running_variance[...] = 0, 1

    def forward(self, x: Array, *, training: bool) -> Array:
        mean, variance = self.running_mean, self.running_variance
        self.everywhere = tuple(range(x.ndim - 1))  # over samples and pixels, each feature for itself
        if training:
            mean, variance = x.mean(axis=self.everywhere), x.var(axis=self.everywhere)
            count = x.size // len(mean)
            self.running_mean += (1 - self.momentum) * (mean - self.running_mean)
            unbiased = variance * (count / max(count - 1, 1))
            self.running_variance += (1 - self.momentum) * (unbiased - self.running_variance)
        self.from_batch = training
        self.sigma = sigma = np.sqrt(variance + self.epsilon)
        self.x_hat = x_hat = (x - mean) / sigma
        return self.gamma * x_hat + self.beta

    def backward(self, dy: Array) -> Array:
        self.dgamma[...] = (dy * self.x_hat).sum(axis=self.everywhere)
        self.dbeta[...] = dy.sum(axis=self.everywhere)
        if not self.from_batch:
            return self.gamma / self.sigma * dy
        mean_dy = dy.mean(axis=self.everywhere)
        mean_dy_x_hat = (dy * self.x_hat).mean(axis=self.everywhere)
        return self.gamma / self.sigma * (dy - mean_dy - self.x_hat * mean_dy_x_hat)
