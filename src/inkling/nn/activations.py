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
        self.a = np.maximum(z, 0, out=self.work("a", z.shape))
        return self.a

    def backward(self, da: Array) -> Array:
        positive = np.greater(self.a, 0, out=self.work("positive", da.shape, np.bool_))
        return np.multiply(da, positive, out=self.work("dz", da.shape))


class LeakyReLU(Layer):
    """a = z where z > 0, else slope · z: with a slope above 0, a ReLU that cannot die: no derivative is 0.

    Source: Maas et al., 2013, "Rectifier nonlinearities improve neural network acoustic models".
    """

    def __init__(self, slope: float = 0.01) -> None:
        check_between("LeakyReLU", "slope", slope, 0, 1, open_end=True)
        self.slope = slope

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = np.multiply(z, self.dtype.type(self.slope), out=self.work("a", z.shape))
        return np.maximum(z, self.a, out=self.a)

    def backward(self, da: Array) -> Array:
        dz = np.multiply(da, self.dtype.type(self.slope), out=self.work("dz", da.shape))
        positive = np.greater(self.a, 0, out=self.work("positive", da.shape, np.bool_))
        np.copyto(dz, da, where=positive)
        return dz


class Sigmoid(Layer):
    """a = 1 / (1 + e^−z), between 0 and 1.  ∂a/∂z = a · (1 − a)."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = sigmoid(z, out=self.work("a", z.shape))
        return self.a

    def backward(self, da: Array) -> Array:
        slope = np.subtract(1, self.a, out=self.work("dz", da.shape))
        np.multiply(slope, self.a, out=slope)
        return np.multiply(da, slope, out=slope)


class Tanh(Layer):
    """a = tanh(z), between −1 and 1.  ∂a/∂z = 1 − a²."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = np.tanh(z, out=self.work("a", z.shape))
        return self.a

    def backward(self, da: Array) -> Array:
        slope = np.multiply(self.a, self.a, out=self.work("dz", da.shape))
        np.subtract(1, slope, out=slope)
        return np.multiply(da, slope, out=slope)


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
        self.a = softmax(z, out=self.work("a", z.shape))
        return self.a

    def backward(self, da: Array) -> Array:
        dz = np.multiply(da, self.a, out=self.work("dz", da.shape))
        along = np.sum(dz, axis=1, keepdims=True, out=self.work("along", (len(da), 1)))
        np.subtract(da, along, out=dz)
        return np.multiply(dz, self.a, out=dz)


def sigmoid(z: Array, out: Array | None = None) -> Array:
    """1 / (1 + e^−z), for any finite z."""
    # Far below zero e^−z overflows to infinity, and 1 / (1 + ∞) = 0 is the right answer.
    with np.errstate(over="ignore"):
        a = np.exp(np.negative(z, out=out), out=out)
    return np.reciprocal(np.add(a, 1, out=out), out=out)


def softmax(z: Array, out: Array | None = None) -> Array:
    """Each row of z (batch, classes) as probabilities.

    Subtracting the row's largest score first changes nothing (it cancels) and keeps e^z from overflowing.
    """
    a = np.subtract(z, np.maximum.reduce(z, axis=1, keepdims=True), out=out)
    np.exp(a, out=a)
    return np.divide(a, np.add.reduce(a, axis=1, keepdims=True), out=a)


ACTIVATIONS: dict[str, type[Layer]] = {
    "relu": ReLU, "leaky_relu": LeakyReLU, "sigmoid": Sigmoid, "tanh": Tanh, "identity": Identity, "softmax": Softmax,
}  # fmt: skip
