"""What happens to strokes beside being moved: they get thicker or thinner, are broken, blurred, or speckled with noise.

Each function changes images in place, every one by an amount of its own, in a few passes over the whole batch. What
becomes of an image depends on nothing but itself and its amount. `augment` draws the amounts.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from inkling.data.random import Bits, random_bits
from inkling.data.warp import Floats, Images
from inkling.data.work import work

WIDEST = 3.0
"""An erased rectangle is at most so many times as wide as high, or as high as wide."""
DIFFERENCE = ((256**2 - 1) / 6) ** 0.5
"""The standard deviation of the difference of two random bytes."""


def thicken(canvas: Images, pixels: Floats) -> None:
    """Move the outline of each image's strokes by so many pixels, in place: outwards if positive, else inwards.

    canvas: (n, rows, columns), from `warp.on_canvas`. pixels: (n,) from −1 to 1. Grey dilation by the mean of a
    diamond's and a square's maximum, which comes within 12 % of a disc in all directions; less than a pixel is a
    blend, as between copies of the image moved by that much. To make strokes thinner is to make the paper between
    them thicker.
    """
    count, _, columns = canvas.shape
    # As one row of pixels, left and right are one step away, up and down `columns`. Thanks to the canvas's border no
    # pixel of the image has a neighbour from its other side.
    flat = canvas.reshape(count, -1)
    edge = columns + 1  # the first pixel that has all its neighbours, and how many at the end do not
    inner = (count, flat.shape[1] - 2 * edge)

    def beside(rows: int, steps: int) -> Images:
        start = edge + rows * columns + steps
        return flat[:, start : start + inner[1]]

    flip = np.where(pixels < 0, 255, 0).astype(np.uint8)[:, None]
    flat ^= flip
    here = beside(0, 0)
    diamond = np.maximum(here, beside(-1, 0), out=work("diamond", inner, np.uint8))
    for rows, steps in ((1, 0), (0, -1), (0, 1)):
        np.maximum(diamond, beside(rows, steps), out=diamond)
    square = np.maximum(diamond, beside(-1, -1), out=work("square", inner, np.uint8))
    for rows, steps in ((-1, 1), (1, -1), (1, 1)):
        np.maximum(square, beside(rows, steps), out=square)
    gain = work("gain", inner, np.uint16)
    gain[...] = np.subtract(diamond, here, out=diamond)
    gain += np.subtract(square, here, out=square)
    gain *= np.rint(np.abs(pixels) * 128).astype(np.uint16)[:, None]  # half of it, in 256ths, fits 16 bits
    gain >>= 8
    diamond[...] = gain
    here += diamond
    flat ^= flip


def erase(images: Images, *, area: Floats, aspect: Floats, x: Floats, y: Floats) -> None:
    """Put a rectangle of paper over each image, in place.

    images: (n, height, width). All others (n,), from 0 to 1: `area` is the rectangle's share of the image, `aspect`
    goes from WIDEST to its inverse, x and y from the image's left and upper edge to where the rectangle still fits.
    Source: Zhong et al., 2017, "Random erasing data augmentation", with paper in place of random values.
    """
    _, height, width = images.shape
    pixels, ratio = area * height * width, WIDEST ** (1 - 2 * aspect)
    rows = covered(height, np.sqrt(pixels / ratio), y)
    columns = covered(width, np.sqrt(pixels * ratio), x)
    images *= ~(rows[:, :, None] & columns[:, None, :])


def covered(length: int, extent: Floats, place: Floats) -> NDArray[np.bool_]:
    """Which of `length` pixels lie in a stretch of that extent, for each image: (n, length)."""
    extent = np.minimum(extent, length)
    first = np.rint(place * (length - extent))[:, None]
    pixels = np.arange(length, dtype=np.float32)
    inside: NDArray[np.bool_] = (first <= pixels) & (pixels < first + np.rint(extent)[:, None])
    return inside


def blur(images: Images, sigma: Floats) -> None:
    """Blur each image by a Gaussian of that standard deviation, in pixels, in place.

    images: (n, height, width). sigma: (n,), 0 for none. What blurring makes of an image is one matrix product along its
    columns and another along its rows. At its edges the image goes on as in a mirror, so that no ink is lost.
    """
    _, height, width = images.shape
    pixels, product = (work(name, images.shape, np.float32) for name in ("unblurred", "product"))
    pixels[...] = images
    across = blurring(width, sigma)
    down = across if height == width else blurring(height, sigma)
    # One product an image, of the same size each: how those of other sizes round is not said.
    np.matmul(pixels, across, out=product)
    np.matmul(down, product, out=pixels)
    pixels += 0.5  # rounds
    images[...] = np.clip(pixels, 0, 255, out=pixels)


def blurring(length: int, sigma: Floats) -> Floats:
    """What a Gaussian of each sigma makes of a line of so many pixels: symmetric matrices (n, length, length).

    They lie in a work array, which the next call with that length overwrites. The line is a sum of cosine waves, and
    all that blurring does is weaken each of them: by exp(−σ² (1 − cos ω)), ω its angle a pixel. So the matrix takes the
    waves out of the line, and puts what is left of them together.

    Source: Lindeberg, 1990, "Scale-space for discrete signals": the Gaussian's likeness on a grid of pixels, which
    has just the variance asked for however small it is, and whose kernel is nowhere negative, so that nothing
    becomes darker than its surroundings.
    """
    shapes, fades = waves(length)
    size = (len(sigma), length, length)
    faded, together = (work(f"{name} {length}", size, np.float32) for name in ("faded", "together"))
    np.multiply(shapes, np.exp(-np.square(sigma)[:, None] * fades)[:, :, None], out=faded)
    return np.matmul(shapes.T, faded, out=together)


@lru_cache(maxsize=8)
def waves(length: int) -> tuple[Floats, Floats]:
    """The cosine waves on a line of pixels (orthonormal rows), and 1 − cos ω of each: what blurring takes from it."""
    angles = np.pi * np.arange(length) / length
    shapes = np.cos(np.outer(angles, np.arange(length) + 0.5)) * np.sqrt(2 / length)
    shapes[0] /= np.sqrt(2)
    return shapes.astype(np.float32), (1 - np.cos(angles)).astype(np.float32)


def speckle(images: Images, deviation: Floats, keys: Bits) -> None:
    """Add noise of that standard deviation to every pixel, in place, and cut what exceeds paper or full ink.

    images: (n, height, width). deviation: (n,), 1 for full ink. keys: (n,), which noise each image gets. It is the
    difference of two random bytes: one that is near 0 is the likeliest, and drawing it takes a fifth of the time of
    normal noise.
    """
    count, pixels = len(images), images[0].size
    drawn = random_bits(keys, -(-pixels // 4)).view(np.uint8)
    noise = work("noise", (count, pixels), np.float32)
    np.subtract(drawn[:, :pixels], drawn[:, pixels : 2 * pixels], dtype=np.int16, out=noise)
    noise *= (deviation * np.float32(255 / DIFFERENCE))[:, None]
    noise += images.reshape(count, -1)
    np.clip(noise, 0, 255, out=noise)
    noise += 0.5  # rounds
    images[...] = noise.reshape(images.shape)
