"""Dense layers, dropout and activations that compute into buffers; what they compute, `nn` says."""

from __future__ import annotations

import numpy as np

from inkling.engine.buffered.buffers import Buffered
from inkling.nn import Dense, Dropout, LeakyReLU, ReLU, Sigmoid, Tanh
from inkling.nn.part import Array
from inkling.nn.random import dropout_mask


class BufferedDense(Buffered, Dense):
    """z = x·W + b."""

    def forward(self, x: Array, *, training: bool) -> Array:
        self.x = x = x.reshape(len(x), self.inputs)
        z = np.matmul(x, self.W, out=self.buffer("z", (len(x), self.units)))
        return np.add(z, self.b, out=z)

    def backward(self, dz: Array) -> Array:
        np.matmul(self.x.T, dz, out=self.dW)
        # A product with ones adds up the rows, several times faster than np.sum does.
        np.matmul(self.buffer("ones", (len(dz),), fill=1), dz, out=self.db)
        if not self.wants_dx:
            return dz
        dx = np.matmul(dz, self.W.T, out=self.buffer("dx", (len(dz), self.inputs)))
        return dx.reshape(len(dz), *self.input_shape)


class BufferedDropout(Buffered, Dropout):
    """The mask of these samples by their places in the whole batch, which may be going through in blocks."""

    def forward(self, x: Array, *, training: bool) -> Array:
        if not training or self.rate == 0:
            self.mask = None
            return x
        self.mask = mask = self.buffer("mask", x.shape)
        mask[...] = dropout_mask(self.key, self.step, x.shape, self.rate, self.first)
        return np.multiply(x, mask, out=self.buffer("out", x.shape))

    def backward(self, dout: Array) -> Array:
        return dout if self.mask is None else np.multiply(dout, self.mask, out=self.buffer("dx", dout.shape))


class BufferedReLU(Buffered, ReLU):
    """a = max(0, z)."""

    def forward(self, z: Array, *, training: bool) -> Array:
        # With a row of zeros NumPy is two to three times as fast as with the number.
        zeros = self.buffer("zeros", z.shape[1:], fill=0)
        self.a = a = np.maximum(z, zeros, out=self.buffer("a", z.shape))
        return a

    def backward(self, da: Array) -> Array:
        positive = np.greater(self.a, 0, out=self.buffer("positive", da.shape, np.bool_))
        return np.multiply(da, positive, out=self.buffer("dz", da.shape))


class BufferedLeakyReLU(Buffered, LeakyReLU):
    """a = max(z, slope · z), which is the same: the slope is below 1."""

    def forward(self, z: Array, *, training: bool) -> Array:
        a = np.multiply(z, self.slope, out=self.buffer("a", z.shape))
        self.z = np.maximum(z, a, out=a)
        return a

    def backward(self, da: Array) -> Array:
        positive = np.greater(self.z, 0, out=self.buffer("positive", da.shape, np.bool_))
        dz = np.multiply(positive, self.dtype.type(1 - self.slope), out=self.buffer("dz", da.shape))
        dz += self.slope
        return np.multiply(da, dz, out=dz)


class BufferedSigmoid(Buffered, Sigmoid):
    """a = 1 / (1 + e^−z)."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = a = self.buffer("a", z.shape)
        with np.errstate(over="ignore"):  # far below zero e^−z is infinite, and a is 0, as it should be
            np.exp(np.negative(z, out=a), out=a)
        return np.reciprocal(np.add(a, 1, out=a), out=a)

    def backward(self, da: Array) -> Array:
        dz = np.subtract(1, self.a, out=self.buffer("dz", da.shape))
        np.multiply(dz, self.a, out=dz)
        return np.multiply(da, dz, out=dz)


class BufferedTanh(Buffered, Tanh):
    """a = tanh(z)."""

    def forward(self, z: Array, *, training: bool) -> Array:
        self.a = np.tanh(z, out=self.buffer("a", z.shape))
        return self.a

    def backward(self, da: Array) -> Array:
        dz = np.multiply(self.a, self.a, out=self.buffer("dz", da.shape))
        np.subtract(1, dz, out=dz)
        return np.multiply(da, dz, out=dz)
