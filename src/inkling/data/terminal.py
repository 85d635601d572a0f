"""Digits as characters, for a terminal: two rows of pixels in each line of text."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from inkling.data.splits import SIDE
from inkling.errors import DataError

INK = 128  # from here on a pixel counts as drawn
SHADES = " .:-=+*#%@"


def ascii_digit(image: NDArray[np.uint8], *, blocks: bool = True) -> str:
    """Draw an image (28, 28) as 14 lines of 28 characters, about square on a screen.

    blocks: True draws with half blocks, a pixel for a pixel, and shades where the ink is faint; it uses the
    terminal's own colour of text, so it reads well on dark and on light. False uses plain ASCII only.
    """
    image = np.asarray(image)
    if image.shape != (SIDE, SIDE) or image.dtype != np.uint8:
        raise DataError(f"a digit to draw is uint8 ({SIDE}, {SIDE}); this is {image.dtype} {image.shape}")
    upper, lower = image[0::2].astype(int), image[1::2].astype(int)
    mean = (upper + lower) // 2
    if not blocks:
        return _lines(np.array(list(SHADES))[mean * len(SHADES) // 256])
    drawn = np.select(
        [(upper >= INK) & (lower >= INK), upper >= INK, lower >= INK, mean >= 64, mean >= 24],
        ["█", "▀", "▄", "▒", "░"],
        default=" ",
    )
    return _lines(drawn)


def _lines(characters: NDArray[np.str_]) -> str:
    return "\n".join("".join(row) for row in characters)
