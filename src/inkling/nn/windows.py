"""Windows that slide over images: where they lie, and how to look at an image through all of them at once.

Convolution and pooling are both made of them: the one multiplies what each window sees by kernels, the other takes
the largest of it, or the mean.
"""

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from inkling.nn.layers import Layer, misfit
from inkling.nn.part import Array, Shape

Pair = int | Sequence[int]
"""A number for both directions, or one for down and one for across."""


class Windowed(Layer):
    """Each number of the output is made of a window of the image.

    The window is `kh` pixels high and `kw` wide, and moves `down` and `across` by so many pixels at a time, to
    `rows` × `columns` places. The image of `height` × `width` pixels has `inputs` channels.
    """

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
        # How far the last window reaches beyond the image.
        self.bottom = max((self.rows - 1) * self.down + self.kh - self.top - self.height, 0)
        self.right = max((self.columns - 1) * self.across + self.kw - self.left - self.width, 0)
        self.inside = np.s_[:, self.top : self.top + self.height, self.left : self.left + self.width]

    def pad(self, images: Array) -> Array:
        """The images (batch, height, width, inputs) with zeros around them, as far as the windows reach."""
        high, wide = self.top + self.height + self.bottom, self.left + self.width + self.right
        padded = np.zeros((len(images), high, wide, self.inputs), images.dtype)
        padded[self.inside] = images.reshape(-1, self.height, self.width, self.inputs)
        return padded

    def unpad(self, padded: Array) -> Array:
        """The images without what `pad` put around them."""
        return padded[self.inside].reshape(-1, *self.input_shape)

    def windows(self, padded: Array) -> Array:
        """What each window sees: a view, (batch, rows, columns, inputs, kh, kw)."""
        everywhere = sliding_window_view(padded, (self.kh, self.kw), axis=(1, 2))
        return everywhere[:, :: self.down, :: self.across]

    def pixels(self, padded: Array, i: int, j: int) -> Array:
        """The pixel in row i and column j of each window: a view, (batch, rows, columns, inputs)."""
        last_row, last_column = i + self.down * (self.rows - 1), j + self.across * (self.columns - 1)
        return padded[:, i : last_row + 1 : self.down, j : last_column + 1 : self.across]


def places(size: int, window: int, stride: int, padding: str) -> tuple[int, int]:
    """In one direction: how many places the window has, and how many zeros come before the image."""
    if padding == "valid":
        return (size - window) // stride + 1, 0
    count = -(-size // stride)  # ⌈size / stride⌉
    return count, max((count - 1) * stride + window - size, 0) // 2


def check_pair(owner: str, name: str, value: Pair) -> Pair:
    """The value with plain integers. Raises ValueError unless it is a whole number of at least 1, or two of them."""
    numbers = value if isinstance(value, (tuple, list)) and len(value) == 2 else (value,)
    if not all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) and n >= 1 for n in numbers):
        raise ValueError(f"{owner}: {name} is {value!r}, but must be a whole number of at least 1, or a pair of them")
    return tuple(map(int, numbers)) if len(numbers) == 2 else int(numbers[0])  # type: ignore[arg-type]
