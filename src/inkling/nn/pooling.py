"""Pooling makes images smaller: of each window one number goes on, the largest or the mean."""

import numpy as np

from inkling.nn.part import Array, Shape
from inkling.nn.windows import Pair, Windowed, check_pair


class Pool2D(Windowed):
    """What all kinds share: windows of `size` (a number, or a pair for down and across), `stride` apart.

    By default the windows stand side by side. Shapes: x (batch, height, width, channels) → (batch, rows, columns,
    channels) with (height − size) // stride + 1 rows, and likewise columns; pixels that fill no window are left out.
    Images without channels stay without.
    """

    def __init__(self, size: Pair = 2, stride: Pair | None = None) -> None:
        self.size = check_pair(type(self).__name__, "size", size)
        self.stride = stride if stride is None else check_pair(type(self).__name__, "stride", stride)

    def connect(self, input_shape: Shape) -> Shape:
        self.slide(input_shape, self.size, self.size if self.stride is None else self.stride)
        return self.rows, self.columns, *input_shape[2:]


class MaxPool2D(Pool2D):
    """The largest number of each window.

    ∂loss/∂x of the largest is ∂loss/∂output, that of the others 0. Of several equal ones (in a flat background all
    are) only one wins: that of the leftmost column, and there of the topmost row.
    """

    def forward(self, x: Array, *, training: bool) -> Array:
        windows = self.windows(self.pad(x)).swapaxes(-2, -1)  # the columns of a window first, then its rows
        windows = windows.reshape(*windows.shape[:-2], self.kw * self.kh)
        self.winner = windows.argmax(axis=-1)
        return windows.max(axis=-1).reshape(len(x), *self.output_shape)

    def backward(self, dout: Array) -> Array:
        dx = np.zeros((len(dout), self.height, self.width, self.inputs), dout.dtype)
        dout = dout.reshape(self.winner.shape)
        for i, j in np.ndindex(self.kh, self.kw):
            self.pixels(dx, i, j)[...] += dout * (self.winner == j * self.kh + i)
        return dx.reshape(len(dout), *self.input_shape)


class AveragePool2D(Pool2D):
    """The mean of each window. Each of its n pixels gets ∂loss/∂output / n."""

    def forward(self, x: Array, *, training: bool) -> Array:
        return self.windows(self.pad(x)).mean(axis=(-2, -1)).reshape(len(x), *self.output_shape)

    def backward(self, dout: Array) -> Array:
        dx = np.zeros((len(dout), self.height, self.width, self.inputs), dout.dtype)
        share = dout.reshape(len(dout), self.rows, self.columns, self.inputs) / (self.kh * self.kw)
        for i, j in np.ndindex(self.kh, self.kw):
            self.pixels(dx, i, j)[...] += share
        return dx.reshape(len(dout), *self.input_shape)


class GlobalAveragePool2D(AveragePool2D):
    """The mean of each channel over the whole image. Each of its n pixels gets ∂loss/∂output / n.

    Shapes: x (batch, height, width, channels) → (batch, channels).
    """

    stride = None

    def __init__(self) -> None:
        """It has no settings."""

    def connect(self, input_shape: Shape) -> Shape:
        self.size = input_shape[:2]
        super().connect(input_shape)
        return (self.inputs,)
