"""Pooling in two steps, first down, then across: the largest of the largest is the largest, the mean of means the mean.

So most of the work is on whole lines of the image, which NumPy does faster than window by window.
"""

from __future__ import annotations

import numpy as np

from inkling.engine.buffered.buffers import Buffered
from inkling.nn import AveragePool2D, GlobalAveragePool2D, MaxPool2D
from inkling.nn.part import Array, Shape
from inkling.nn.pooling import Pool2D


class BufferedPool2D(Buffered, Pool2D):
    """What all kinds share.

    In each step, a kind makes one array of several parts: the first entries of all windows, the second ones, and so
    on (`pool`). On the way back, it writes for each part what that gets (`share`).
    """

    def connect(self, input_shape: Shape) -> Shape:
        output_shape = super().connect(input_shape)
        down = self.height, self.width * self.inputs, self.kh, self.down, self.rows
        self.steps = down, (self.width, self.inputs, self.kw, self.across, self.columns)
        self.seen: dict[int, tuple[list[Array], list[Array]]] = {}
        return output_shape

    def pool(self, step: int, parts: list[Array]) -> Array:
        """One of the several parts, number by number."""
        raise NotImplementedError

    def share(self, step: int, dout: Array, dparts: list[Array]) -> None:
        """What each of the parts gets of dout, written into `dparts`."""
        raise NotImplementedError

    def forward(self, x: Array, *, training: bool) -> Array:
        out = x
        for step, (length, line, size, stride, count) in enumerate(self.steps):
            out = self.pool(step, entries(out.reshape(-1, length, line), size, stride, count))
        return out.reshape(len(x), *self.output_shape)

    def backward(self, dout: Array) -> Array:
        dx = dout
        for step, (length, line, size, stride, count) in reversed(list(enumerate(self.steps))):
            dout = dx.reshape(-1, count, line)
            dx = self.buffer(f"dx {step}", (len(dout), length, line), fill=0)  # 0 for ever where there are no windows
            parts = entries(dx, size, stride, count)
            shares = parts if stride >= size else [self.buffer(f"share {step} {k}", dout.shape) for k in range(size)]
            self.share(step, dout, shares)
            if stride < size:  # windows overlap, so a pixel may get several shares
                dx.fill(0)
                for part, share in zip(parts, shares, strict=True):
                    part += share
        return dx.reshape(-1, *self.input_shape)


class BufferedMaxPool2D(BufferedPool2D, MaxPool2D):
    """The largest number of each window.

    ∂loss/∂x of the largest is ∂loss/∂output, that of the others 0. Of several equal ones (in a flat background all
    are) only one wins: that of the leftmost column, and there of the topmost row.
    """

    def pool(self, step: int, parts: list[Array]) -> Array:
        """The largest of the parts, number by number."""
        largest = parts[:1]
        for k, part in enumerate(parts[1:]):
            largest.append(np.maximum(largest[k], part, out=self.buffer(f"{step} {k}", part.shape)))
        self.seen[step] = parts, largest
        return largest[-1]

    def share(self, step: int, dout: Array, dparts: list[Array]) -> None:
        """All of dout to the winner."""
        parts, largest = self.seen[step]
        if len(parts) == 1:
            np.copyto(dparts[0], dout)
        for k in range(len(parts) - 1, 0, -1):  # the last has won if it is larger than all before it; then the next
            won = np.greater(parts[k], largest[k - 1], out=self.buffer(f"won {step}", dout.shape, np.bool_))
            np.multiply(dout, won, out=dparts[k])
            dout = np.subtract(dout, dparts[k], out=dparts[0])


class BufferedAveragePool2D(BufferedPool2D, AveragePool2D):
    """The mean of each window. Each of its n pixels gets ∂loss/∂output / n."""

    def pool(self, step: int, parts: list[Array]) -> Array:
        """The mean of the parts, number by number."""
        total = self.buffer(f"{step}", parts[0].shape)
        np.copyto(total, parts[0])
        for part in parts[1:]:
            total += part
        return np.multiply(total, 1 / len(parts), out=total)

    def share(self, step: int, dout: Array, parts: list[Array]) -> None:
        """The same to all."""
        np.multiply(dout, 1 / len(parts), out=parts[0])
        for part in parts[1:]:
            np.copyto(part, parts[0])


class BufferedGlobalAveragePool2D(BufferedAveragePool2D, GlobalAveragePool2D):
    """The same, of one window."""


def entries(x: Array, size: int, stride: int, count: int) -> list[Array]:
    """Of `count` windows along the second axis: all first entries, all second ones, and so on, as views."""
    return [x[:, first : first + (count - 1) * stride + 1 : stride] for first in range(size)]
