"""What the corruptions that a network is measured on do to digits: a row for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.data import CORRUPTIONS, corrupt
from inkling.figures.page import MARGIN, SMALL, Page
from inkling.figures.style import MUTED, mosaic, notice, styled
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 4
"""Pixels between two images."""
TILE, WORDS, HEAD = 0.74, 1.75, 0.8
"""Inches: the height of a row, the width of the words to its left, the title above."""


def corruptions(images: Array, labels: Array, *, seed: int = 0) -> Figure:
    """The first image of each digit, as it is and below that as each of `inkling.data.CORRUPTIONS` leaves it.

    Shapes: images uint8 (n, height, width), labels (n,). The seed draws what is random about them.
    """
    if not len(labels):
        return notice("No corruptions", "There are no images here.")
    originals = images[np.unique(labels, return_index=True)[1]]
    rows = [originals, *(corrupt(originals, name, seed=seed) for name in CORRUPTIONS)]
    words = [("as it is", ""), *((each.name, each.words) for each in CORRUPTIONS.values())]
    tiles = mosaic(np.concatenate(rows), len(originals), GAP)
    inch = TILE / (originals.shape[1] + GAP)
    with styled():
        width, height = tiles.shape[1] * inch, tiles.shape[0] * inch
        page = Page(max(2 * MARGIN + WORDS + width, 5), HEAD + height + MARGIN, "Digits, corrupted in eight ways")
        axes = page.axes(MARGIN + WORDS, HEAD, width, height)
        axes.imshow(tiles, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
        axes.set_axis_off()
        for row, (name, amount) in enumerate(words):
            middle = HEAD + TILE * row + (TILE - GAP * inch) / 2
            page.text(MARGIN + WORDS - 0.2, middle - (0.1 if amount else 0), name, ha="right")
            page.text(MARGIN + WORDS - 0.2, middle + 0.1, amount, ha="right", size=SMALL, color=MUTED)
    return page.figure
