"""The paper that a digit is written on: what colour it has at every pixel, in whatever light, ink or not.

`ink` then asks of every pixel how far it is from that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkling.data.pictures import Colours

Mask = NDArray[np.bool_]
Levels = NDArray[np.float32]

BLOCKS = 64  # the surface is fitted to the medians of so many blocks along the longer side
POWERS = ((0, 0), (0, 1), (1, 0), (0, 2), (1, 1), (2, 0))  # of y and x, in the terms of the surface
ALIKE = 0.2  # colours of paper may differ by this fraction of their brightness along the edge of the picture …
UNLIKE = 0.35  # … and from the surface, to begin with, by this
DARKEST = 48.0  # brightness that contrast is measured against where the paper is darker than this
BRIGHT = 80.0  # what is darker is a blackboard
WIDEST = 0.45  # of the longer side: no stroke is wider, so what is wider is no ink but another light


def paper(colours: Colours, inside: Mask) -> Colours:
    """The colour (height, width, 3) of the paper: a surface of second order in x and y, fitted to what is `inside`.

    It is fitted to the medians of blocks, in which thin strokes vanish. What counts as paper at first has about the
    colour that is most common along the edge of the picture; then the surface may tilt, then bend, each time with less
    weight on what deviates, so that it follows a gradual shadow, but does not climb onto the ink.
    Method: iteratively reweighted least squares with Tukey's biweight.
    """
    height, width = inside.shape
    block = min(-(-max(height, width) // BLOCKS), height, width)
    rows, columns = height // block, width // block
    blocks = colours[: rows * block, : columns * block].reshape(rows, block, columns, block, 3).swapaxes(1, 2)
    medians = np.median(blocks.reshape(rows * columns, block * block, 3), axis=1).astype(np.float64)
    usable = inside[block // 2 :: block, block // 2 :: block][:rows, :columns]
    if not usable.any():
        usable = np.ones_like(usable)
    y, x = ((np.arange(count) + 0.5) * block / max(height, width) for count in (rows, columns))
    terms = np.stack([np.outer(y**i, x**j).ravel() for i, j in POWERS], axis=1)
    start = commonest(medians[edge_of(usable).ravel()])
    fitted = np.broadcast_to(start, medians.shape)
    limit = UNLIKE * max(float(start.mean()), DARKEST)
    surface = np.zeros((len(POWERS), 3))
    for order in (1, 1, 3, 3, 3, 6, 6, 6, 6):
        deviation = np.sqrt(np.mean((medians - fitted) ** 2, axis=1))
        weight = usable.ravel() * np.maximum(1 - (deviation / limit) ** 2, 0)  # Tukey's is the square of this
        surface[:order] = np.linalg.lstsq(weight[:, None] * terms[:, :order], weight[:, None] * medians)[0]
        fitted = terms @ surface
        limit *= 0.9
    # Where no paper is to be seen, the surface shall not rise above, or fall below, what paper there is elsewhere.
    seen = medians[weight > 0] if weight.any() else start[None]
    seen = seen.astype(np.float32)
    return np.clip(_everywhere(surface, height, width), seen.min(axis=0), seen.max(axis=0))


def in_patches(colours: Colours, background: Colours) -> Colours:
    """The paper once more, where a part of it lies in a shadow with a sharp edge, which no smooth surface follows.

    Dark patches are filled unless they are too wide to be strokes: a morphological closing, whose square is larger than
    any stroke.
    """
    from scipy import ndimage

    light = brightness(colours) / np.maximum(brightness(background), 1)
    reach = round(WIDEST * max(light.shape) / 2)
    # The paper goes on beyond the picture as it is along its edge, or the corners of slanting shadows would be filled.
    beyond = np.pad(ndimage.gaussian_filter(light, max(light.shape) / 800), reach, mode="edge")
    patches = ndimage.grey_closing(beyond, size=(2 * reach + 1,) * 2, mode="nearest")
    patches = patches[reach : reach + light.shape[0], reach : reach + light.shape[1]]
    return np.asarray(np.clip(background * patches[..., None], 0, 255))


def is_bright(background: Colours, colours: Colours) -> bool:
    """Whether this is white paper, in the sun or in the shade, and not a board, or a dark table under the paper."""
    brightest = float(np.quantile(brightness(colours), 0.95))
    return float(background.mean()) > max(BRIGHT, brightest / 2)


def brightness(colours: Colours) -> Levels:
    """The mean of red, green and blue, (height, width)."""
    return np.asarray(colours @ np.full(3, 1 / 3, dtype=np.float32))


def contrast_to(background: Colours, colours: Colours) -> Colours:
    """How the colours differ from the paper, as a fraction of its brightness there: ink in the shade is as black."""
    return np.asarray((colours - background) / np.maximum(brightness(background), DARKEST)[..., None])


def commonest(colours: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colour (3,) that most of these (n, 3) are close to."""
    apart = np.sqrt(np.mean((colours[:, None] - colours) ** 2, axis=2))
    alike = apart < ALIKE * np.maximum(colours.mean(axis=1), DARKEST)
    return np.asarray(np.median(colours[alike[alike.sum(axis=1).argmax()]], axis=0))


def edge_of(inside: Mask) -> Mask:
    """The outermost pixels of a region."""
    from scipy import ndimage

    return np.asarray(inside & ~ndimage.binary_erosion(inside, np.ones((3, 3))))


def _everywhere(surface: NDArray[np.float64], height: int, width: int) -> Colours:
    """The surface with these factors (6, 3), at every pixel: rows of powers of y times columns of powers of x."""
    factors = np.zeros((3, 3, 3))
    for (i, j), colour in zip(POWERS, surface, strict=True):
        factors[i, j] = colour
    y, x = (((np.arange(count) + 0.5) / max(height, width))[:, None] ** np.arange(3) for count in (height, width))
    rows = np.einsum("yi,ijc->yjc", y, factors).astype(np.float32)
    return np.asarray(x.astype(np.float32) @ rows)
