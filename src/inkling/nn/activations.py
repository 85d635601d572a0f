"""Activations bend the straight lines that Dense layers draw; without them many layers would be one.

Each takes the scores z of the layer before it, number by number (Softmax: row by row), and returns the
activations a. `backward` multiplies by the derivative ∂a/∂z, which most of them can tell from a alone.
"""

import numpy as np

from inkling.nn.layers import Layer, misfit
from inkling.nn.part import Array, Shape, check_between


class ReLU(Layer):
    """a = max(0, z).  ∂a/∂z = 1 where z > 0, else 0 (also at z = 0, where there is no derivative).

    Source: Nair and Hinton, 2010, "Rectified linear units improve restricted Boltzmann machines".
    """

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = a = np.maximum(z, 0)
        return a

    def backward(self, da: Array) -> Array:
        return da * (self.a > 0)


class LeakyReLU(Layer):
    """a = z where z > 0, else slope · z: with a slope above 0, a ReLU that cannot die: no derivative is 0.

    Source: Maas et al., 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    def __init__(self, slope: float = 0.01) -> None:
        self.slope = check_between("LeakyReLU", "slope", slope, 0, 1, open_end=True)

    def forward(self, z: Array, *, training: bool) -> Array:
        self.z = z
        return np.where(z > 0, z, self.slope * z)

    def backward(self, da: Array) -> Array:
        return np.where(self.z > 0, da, self.slope * da)


class Sigmoid(Layer):
    """a = 1 / (1 + e^−z), between 0 and 1.  ∂a/∂z = a · (1 − a)."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = a = sigmoid(z)
        return a

    def backward(self, da: Array) -> Array:
        return da * self.a * (1 - self.a)


class Tanh(Layer):
    """a = tanh(z), between −1 and 1.  ∂a/∂z = 1 − a²."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = a = np.tanh(z)
        return a

    def backward(self, da: Array) -> Array:
        return da * (1 - self.a**2)


class Identity(Layer):
    """a = z, and ∂a/∂z = 1: no activation, said aloud."""

    def forward(self, z: Array, *, training: bool) -> Array:
        return z

    def backward(self, da: Array) -> Array:
        return da


class Softmax(Layer):
    """aₖ = e^zₖ / Σⱼ e^zⱼ: scores to probabilities that add up to 1.

    Shapes: z (batch, classes) → a (batch, classes).
    Every a depends on every z of its row: ∂aₖ/∂zⱼ = aₖ·(δₖⱼ − aⱼ), so dz = a · (da − Σₖ daₖ·aₖ).
    As a last layer before cross-entropy, leave it out: `SoftmaxCrossEntropy` does both at once, and better.
    """

    def connect(self, input_shape: Shape) -> Shape:
        if len(input_shape) != 1:
            raise misfit(self, input_shape, "one row of scores a sample: put Flatten or Dense before it")
        return input_shape

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = a = softmax(z)
        return a

    def backward(self, da: Array) -> Array:
        return self.a * (da - np.sum(da * self.a, axis=1, keepdims=True))


def sigmoid(z: Array) -> Array:
    """1 / (1 + e^−z), for any finite z."""
    # Far below zero e^−z overflows to infinity, and 1 / (1 + ∞) = 0 is the right answer.
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-z))


def softmax(z: Array) -> Array:
    """Each row of z (batch, classes) as probabilities.

    Subtracting the row's largest score first changes nothing (it cancels) and keeps e^z from overflowing.
    """
    a = np.exp(z - z.max(axis=1, keepdims=True))
    return a / a.sum(axis=1, keepdims=True)


ACTIVATIONS: dict[str, type[Layer]] = {
    "relu": ReLU, "leaky_relu": LeakyReLU, "sigmoid": Sigmoid, "tanh": Tanh, "identity": Identity, "softmax": Softmax,
}  # fmt: skip
