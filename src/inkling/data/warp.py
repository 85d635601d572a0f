"""Images seen through a map of coordinates: each pixel of the result is fetched from somewhere in its source.

Where from is a sum of few smooth maps, each laid out once as a row of `basis`: the constant, x and y, which
between them make every affine map, and the modes of elastic deformation. So the maps of a whole batch are one
matrix product, coefficients (n, rows) times basis (rows, pixels). `resample` then fetches: with the four pixels
around every place packed into one 32-bit number beforehand, one look-up a pixel is enough.

What becomes of an image depends on its own numbers alone, to the last bit. A matrix product rounds in an order that
changes with the number of its rows, so this one is made of numbers with so few bits that nothing is rounded.

`augment` draws the coefficients.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inkling.data.work import work

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]

BITS = 8
STEPS = 1 << BITS
"""Places are counted in 256ths of a pixel, as whole numbers: finer than 8 bits of ink can show."""
BORDER = 3
"""Pixels of paper around an image on its canvas: room for strokes a pixel thicker, and still paper at the edge. What
lies further out is paper too, so places are clipped to the canvas."""
EXACT = 23
"""Bits of a float32 that a sum may take, one less than it has: rounding makes some of its terms larger."""
FINEST = 2.0**-10
"""The modes of elastic deformation are multiples of this, a thousandth of what they displace together."""
KEPT = 0.99
"""Of the variance of elastic deformation: what is left out is many modes that hardly move a pixel."""


def on_canvas(images: Images) -> Images:
    """The images (n, height, width) with BORDER pixels of paper around them: (n, height + 6, width + 6).

    In a work array, which the next call overwrites, as are the results of everything below.
    """
    count, height, width = images.shape
    canvas = work("canvas", (count, height + 2 * BORDER, width + 2 * BORDER), np.uint8)
    canvas.fill(0)
    canvas[:, BORDER:-BORDER, BORDER:-BORDER] = images
    return canvas


def off_canvas(canvas: Images) -> Images:
    """What `on_canvas` was given, as a view."""
    return canvas[:, BORDER:-BORDER, BORDER:-BORDER]


@lru_cache(maxsize=8)
def basis(height: int, width: int, sigma: float | None = None) -> Floats:
    """The maps that add up to where pixels come from: float32 (3 + modes, height · width), in pixels.

    Rows: 1, then x and y as counted from the image's centre (y downwards), then, given a sigma, `elastic_modes`.
    """
    y, x = np.mgrid[:height, :width].reshape(2, -1)
    straight = np.stack([np.ones(height * width), x - (width - 1) / 2, y - (height - 1) / 2])
    bent = np.empty((0, height * width)) if sigma is None else elastic_modes(height, width, sigma)
    together = np.concatenate([straight, np.rint(bent / FINEST) * FINEST]).astype(np.float32)
    together.flags.writeable = False
    return together


@lru_cache(maxsize=8)
def rows_of_basis(height: int, width: int, sigma: float | None = None) -> tuple[Floats, Floats]:
    """For each row of the basis: its largest number, whatever its sign, and what all its numbers are multiples of."""
    together = basis(height, width, sigma)
    finest = np.full(len(together), FINEST, np.float32)
    finest[:3] = 1, 0.5, 0.5  # the centre may lie between two pixels
    return np.abs(together).max(axis=1), finest


def elastic_modes(height: int, width: int, sigma: float) -> NDArray[np.float64]:
    """The shapes that random fields smoothed by a Gaussian are made of: (modes, height · width).

    Independent coefficients of variance 1 times these rows give a field whose variance is 1 at every pixel, and
    whose values at two pixels that lie d apart correlate by exp(−d² / 4σ²): that of white noise, without end in any
    direction, after a Gaussian of standard deviation `sigma`. (Smoothing noise that ends with the image would
    leave its edges stiffer than its middle.) As the Gaussian does, the correlation falls apart into one along y and
    one along x, so each mode is the product of an eigenvector of either; they are taken by eigenvalue until KEPT of
    the variance is reached, 27 modes instead of 784 noise values for σ = 4 on 28 × 28 pixels.

    Source: Simard, Steinkraus, Platt, 2003, "Best practices for convolutional neural networks applied to visual
    document analysis"; the modes are the Karhunen-Loève expansion of their fields.
    """
    down, shapes_down = correlation_modes(height, sigma)
    across, shapes_across = correlation_modes(width, sigma)
    variances = np.outer(down, across).ravel() / (height * width)
    order = np.argsort(-variances, kind="stable")
    enough = int(np.searchsorted(np.cumsum(variances[order]), KEPT)) + 1
    i, j = np.divmod(order[:enough], width)
    modes = np.einsum("yk,xk->kyx", shapes_down[:, i], shapes_across[:, j]).reshape(enough, -1)
    modes *= np.sqrt(variances[order[:enough]])[:, None]
    unit: NDArray[np.float64] = modes / np.sqrt(np.sum(modes**2, axis=0))
    return unit


def correlation_modes(length: int, sigma: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (length,) and eigenvectors (columns) of the correlation exp(−d² / 4σ²) along a line of pixels."""
    places = np.arange(length)
    values, vectors = np.linalg.eigh(np.exp(-((places[:, None] - places) ** 2) / (4 * sigma**2)))
    return np.maximum(values, 0), vectors


def affine(
    *, shift_x: Floats, shift_y: Floats, angle: Floats, scale_x: Floats, scale_y: Floats, shear: Floats
) -> Floats:
    """Where pixels come from when each image is scaled, sheared, rotated and shifted, in this order, by its amounts.

    All arguments have the shape (n,). Shifts are pixels to the right and down, the angle radians against the clock,
    and shear is how many pixels to the right the image leans for each pixel upwards. Returns the coefficients of
    1, x and y in the source's x and y: (2, n, 3). They are those of the inverse map, because every pixel of the
    result asks for its source: S⁻¹ · K⁻¹ · R⁻¹ · ((x, y) − shift).
    """
    cos, sin = np.cos(angle), np.sin(angle)
    inverse = np.empty((2, len(angle), 3), np.float32)
    inverse[0, :, 1], inverse[0, :, 2] = (cos + shear * sin) / scale_x, (shear * cos - sin) / scale_x
    inverse[1, :, 1], inverse[1, :, 2] = sin / scale_y, cos / scale_y
    inverse[:, :, 0] = -inverse[:, :, 1] * shift_x - inverse[:, :, 2] * shift_y
    return inverse


def warp(canvas: Images, coefficients: Floats, sigma: float | None = None) -> Images:
    """Each image as its coefficients of `basis` bend it, with bilinear interpolation and paper outside.

    canvas: from `on_canvas`. coefficients: (2, n, rows of the basis), how the source's x and y, in pixels from the
    image's centre, are made of the basis. Returns images (n, height, width).
    """
    count, height, width = off_canvas(canvas).shape
    coefficients = coefficients * np.float32(STEPS)
    for axis, length in enumerate((width, height)):
        # From the image's centre to the canvas's corner; the half step rounds what will be cut to whole numbers.
        coefficients[axis, :, 0] += (BORDER + (length - 1) / 2) * STEPS + 0.5
    places = work("places", (2, count, height * width), np.float32)
    np.matmul(short(coefficients, *rows_of_basis(height, width, sigma)), basis(height, width, sigma), out=places)
    return resample(canvas, places).reshape(count, height, width)


def short(coefficients: Floats, largest: Floats, finest: Floats) -> Floats:
    """The coefficients (2, n, rows) with so few bits that their products with the basis add up without rounding.

    All terms of a sum are brought to multiples of one power of two, chosen for each sum so that it takes no more than
    EXACT bits: float32 then holds whatever is added up on the way, in any order.
    """
    # Whole numbers, so that this sum is exact as well.
    most = np.ceil(np.abs(coefficients) * largest).sum(axis=2, keepdims=True)
    grain = np.ldexp(np.float32(1), np.frexp(most)[1] - EXACT) / finest
    return np.asarray(np.rint(coefficients / grain) * grain)


def resample(canvas: Images, places: Floats) -> Images:
    """The ink at places of the canvas, between its pixels by bilinear interpolation.

    canvas: (n, rows, columns), paper at its edges. places: x and y (2, n, places), STEPS to the pixel; those off the
    canvas are paper. Returns uint8 (n, places).
    """
    count, rows, columns = canvas.shape
    last = np.array([columns - 1, rows - 1], np.float32) * STEPS - 1
    np.clip(places, 0, last[:, None, None], out=places)
    steps = work("steps", places.shape, np.int32)
    steps[...] = places
    x, y = np.right_shift(steps, BITS, out=work("pixels", places.shape, np.int32))
    y *= columns
    y += x
    y += np.arange(0, canvas.size, rows * columns, dtype=np.int32)[:count, None]
    index = work("index", y.shape, np.intp)  # NumPy would make one
    index[...] = y
    # Every index is in range; "clip" spares NumPy a slower check of that.
    ink = np.take(neighbours(canvas), index, out=work("ink", y.shape, np.uint32), mode="clip")
    steps &= STEPS - 1
    right, below = steps.view(np.uint32)
    return between(ink, right, below)


def neighbours(canvas: Images) -> NDArray[np.uint32]:
    """At each pixel of the flattened canvas, four in one number: itself, right of it, and the two below these.

    From the lowest byte: here, below, right, below right. The last row and the last pixel before it have none.
    """
    size, columns = canvas.size, canvas.shape[2]
    here = work("here", (size,), np.uint16)
    here[...] = canvas.reshape(-1)
    column = np.left_shift(here[columns:], 8, out=work("column", (size - columns,), np.uint16))
    column |= here[:-columns]
    wide = work("wide", column.shape, np.uint32)
    wide[...] = column
    four: NDArray[np.uint32] = np.left_shift(wide[1:], 16, out=work("four", (len(wide) - 1,), np.uint32))
    four |= wide[:-1]
    return four


def between(ink: NDArray[np.uint32], right: NDArray[np.uint32], below: NDArray[np.uint32]) -> Images:
    """Mix each four neighbours by how far (in STEPS) the place lies to the right and below. Overwrites `ink`.

    Both halves of a number are mixed at once: a + (b − a) · t of each pair fits its 16 bits, and what the differences
    borrow from each other on the way is paid back, as whole numbers of 32 bits wrap round.
    """
    pair = 0x00FF00FF
    low = np.bitwise_and(ink, pair, out=work("low", ink.shape, np.uint32))
    ink >>= 8
    ink &= pair
    ink -= low  # the lower row less the upper one, left and right
    ink *= below
    low <<= 8
    ink += low
    left = np.bitwise_and(ink, 0xFFFF, out=low)
    ink >>= 16
    ink -= left
    ink *= right
    left <<= 8
    ink += left
    ink += 1 << 15  # rounds
    ink >>= 16
    mixed: Images = work("mixed", ink.shape, np.uint8)
    mixed[...] = ink
    return mixed
