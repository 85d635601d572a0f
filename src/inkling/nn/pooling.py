"""Pooling makes images smaller: of each window one number goes on, the largest or the mean.

Windows are gone through in two steps, first down, then across: the largest of the largest is the largest. So most of
the work is on whole lines of the image, which NumPy does faster than pixel by pixel.

`Windowed` is for convolution.py too: there as here, a window slides over an image.
"""

from collections.abc import Sequence

import numpy as np

from inkling.nn.layers import Layer, misfit
from inkling.nn.part import Array, Shape

Pair = int | Sequence[int]
"""A number for both directions, or one for down and one for across."""


class Windowed(Layer):
    """Each number of the output is made of a window of the image."""

    def slide(self, input_shape: Shape, window: Pair, stride: Pair, padding: str = "valid") -> None:
        """Work out where the windows lie: `rows` × `columns` of them, the first `top` above and `left` of the image.

        Images are (height, width, channels), or (height, width) for one channel. Raises ShapeError for anything else,
        and for images that have no room for the window.
        """
        if len(input_shape) not in (2, 3):
            raise misfit(self, input_shape, "images: height × width × channels")
        self.height, self.width, self.inputs = (*input_shape, 1)[:3]
        self.kh, self.kw = (window, window) if isinstance(window, int) else window
        self.down, self.across = (stride, stride) if isinstance(stride, int) else stride
        self.rows, self.top = places(self.height, self.kh, self.down, padding)
        self.columns, self.left = places(self.width, self.kw, self.across, padding)
        if min(self.rows, self.columns) < 1:
            raise misfit(self, input_shape, f"images at least as large as its window of {self.kh}×{self.kw}")


class Pool2D(Windowed):
    """What all kinds share: windows of `size` (a number, or a pair for down and across), `stride` apart.

    By default the windows stand side by side. Shapes: x (batch, height, width, channels) → (batch, rows, columns,
    channels) with (height − size) // stride + 1 rows, and likewise columns; pixels that fill no window are left out.
    Images without channels stay without.

    In each step, a kind makes one array of several parts: the first entries of all windows, the second ones, and so
    on (`pool`). On the way back, it writes for each part what that gets (`share`).
    """

    def __init__(self, size: Pair = 2, stride: Pair | None = None) -> None:
        self.size = check_pair(type(self).__name__, "size", size)
        self.stride = stride if stride is None else check_pair(type(self).__name__, "stride", stride)

    def connect(self, input_shape: Shape) -> Shape:
        self.slide(input_shape, self.size, self.size if self.stride is None else self.stride)
        down = self.height, self.width * self.inputs, self.kh, self.down, self.rows
        self.steps = down, (self.width, self.inputs, self.kw, self.across, self.columns)
        self.seen: dict[int, tuple[list[Array], list[Array]]] = {}
        return self.rows, self.columns, *input_shape[2:]

    def forward(self, x: Array, *, training: bool) -> Array:
        out = x
        for step, (length, line, size, stride, count) in enumerate(self.steps):
            out = self.pool(step, entries(out.reshape(-1, length, line), size, stride, count))
        return out.reshape(len(x), *self.output_shape)

    def backward(self, dout: Array) -> Array:
        dx = dout
        for step, (length, line, size, stride, count) in reversed(list(enumerate(self.steps))):
            dout = dx.reshape(-1, count, line)
            dx = self.work(f"dx {step}", (len(dout), length, line), fill=0)  # 0 for ever where there are no windows
            parts = entries(dx, size, stride, count)
            shares = parts if stride >= size else [self.work(f"share {step} {k}", dout.shape) for k in range(size)]
            self.share(step, dout, shares)
            if stride < size:  # windows overlap, so a pixel may get several shares
                dx.fill(0)
                for part, share in zip(parts, shares, strict=True):
                    part += share
        return dx.reshape(-1, *self.input_shape)


class MaxPool2D(Pool2D):
    """The largest number of each window.

    ∂loss/∂x of the largest is ∂loss/∂output, that of the others 0. Of several equal ones (in a flat background all
    are) only one wins: that of the leftmost column, and there of the topmost row.
    """

    def pool(self, step: int, parts: list[Array]) -> Array:
        """The largest of the parts, number by number."""
        largest = parts[:1]
        for k, part in enumerate(parts[1:]):
            largest.append(np.maximum(largest[k], part, out=self.work(f"{step} {k}", part.shape)))
        self.seen[step] = parts, largest
        return largest[-1]

    def share(self, step: int, dout: Array, dparts: list[Array]) -> None:
        """All of dout to the winner."""
        parts, largest = self.seen[step]
        if len(parts) == 1:
            np.copyto(dparts[0], dout)
        for k in range(len(parts) - 1, 0, -1):  # the last has won if it is larger than all before it; then the next
            won = np.greater(parts[k], largest[k - 1], out=self.work(f"won {step}", dout.shape, np.bool_))
            np.multiply(dout, won, out=dparts[k])
            dout = np.subtract(dout, dparts[k], out=dparts[0])


class AveragePool2D(Pool2D):
    """The mean of each window. Each of its n pixels gets ∂loss/∂output / n."""

    def pool(self, step: int, parts: list[Array]) -> Array:
        """The mean of the parts, number by number."""
        total = self.work(f"{step}", parts[0].shape)
        np.copyto(total, parts[0])
        for part in parts[1:]:
            total += part
        return np.multiply(total, 1 / len(parts), out=total)

    def share(self, step: int, dout: Array, parts: list[Array]) -> None:
        """The same to all."""
        np.multiply(dout, 1 / len(parts), out=parts[0])
        for part in parts[1:]:
            np.copyto(part, parts[0])


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


def entries(x: Array, size: int, stride: int, count: int) -> list[Array]:
    """Of `count` windows along the second axis: all first entries, all second ones, and so on, as views."""
    return [x[:, first : first + (count - 1) * stride + 1 : stride] for first in range(size)]


def places(size: int, window: int, stride: int, padding: str) -> tuple[int, int]:
    """In one direction: how many places the window has, and how many zeros come before the image."""
    if padding == "valid":
        return (size - window) // stride + 1, 0
    count = -(-size // stride)
    return count, max((count - 1) * stride + window - size, 0) // 2


def check_pair(owner: str, name: str, value: Pair) -> Pair:
    """The value with plain integers. Raises ValueError unless it is a whole number of at least 1, or two of them."""
    numbers = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value,)
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in numbers):
        raise ValueError(f"{owner}: {name} is {value!r}, but must be a whole number of at least 1, or a pair of them")
    return tuple(map(int, numbers)) if len(numbers) == 2 else int(numbers[0])  # type: ignore[arg-type]
