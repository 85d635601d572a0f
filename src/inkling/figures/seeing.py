"""What the network saw of a picture: each step from the photo to 28 × 28 pixels, and what it answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from inkling.data import Prepared
from inkling.figures.page import MARGIN, NORMAL, SMALL, Page, bare, text_width
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, notice, share, styled
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TILE, GAP, ROW, HEAD = 1.75, 0.3, 2.35, 1.05
"""Inches: a picture's side, the air beside it, the height of a row, the title and the words above the first row."""
BARS = 2.1
"""Inches: the width of the ten bars."""
MOST = 20
"""Rows: a taller page could not be looked at."""


def seeing(prepared: Sequence[Prepared], probabilities: Array, names: Sequence[str]) -> Figure:
    """A row for each picture: as it was opened, its ink, the digit cut out, the 28 × 28 pixels, the probabilities.

    probabilities: (n, 10). names: what to call each picture, at most a line of text. The first 20 are drawn.
    """
    if not prepared:
        return notice("Nothing to see", "There are no pictures here.")
    prepared, names = prepared[:MOST], names[:MOST]
    width = 2 * MARGIN + 4 * (TILE + GAP) + BARS
    with styled():
        page = Page(width, HEAD + ROW * len(prepared) + 0.1, "What the network saw")
        for column, words in enumerate(("the picture", "its ink", "the digit", "28 × 28 pixels", "what it answers")):
            page.text(MARGIN + column * (TILE + GAP), HEAD - 0.22, words, size=SMALL, color=MUTED)
        for row, (each, chances, name) in enumerate(zip(prepared, probabilities, names, strict=False)):
            draw_row(page, HEAD + ROW * row, each, chances, name)
    return page.figure


def draw_row(page: Page, top: float, prepared: Prepared, chances: Array, name: str) -> None:
    """One picture, step by step, its name below."""
    picture = tile(page, 0, top, prepared.picture)
    if prepared.unchanged:
        lines = ("It is in MNIST's form", "already, and taken", "as it is.")
        page.lines(MARGIN + TILE + GAP, top + 0.55, list(lines), color=MUTED, size=SMALL)
    else:
        upper, left, height, width = prepared.box
        frame(picture, left, upper, width, height)
        tile(page, 1, top, prepared.ink)
        tile(page, 2, top, prepared.cropped)
    tile(page, 3, top, prepared.image)
    draw_bars(page, MARGIN + 4 * (TILE + GAP), top, chances)
    page.text(MARGIN, top + TILE + 0.2, shortened(legible(name), 4 * (TILE + GAP)), parse_math=False)


def tile(page: Page, column: int, top: float, pixels: Array) -> Axes:
    """A picture as large as fits its place, in the middle of it: colours, or grey values from 0 to 255."""
    height, width = pixels.shape[:2]
    inch = TILE / max(height, width)
    left = MARGIN + column * (TILE + GAP) + (TILE - width * inch) / 2
    axes = page.axes(left, top + (TILE - height * inch) / 2, width * inch, height * inch)
    how = "nearest" if max(height, width) < 100 else "antialiased"
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation=how)
    bare(axes)
    return axes


def frame(axes: Axes, left: int, top: int, width: int, height: int) -> None:
    """A frame around the digit, a little way off."""
    from matplotlib.patches import Rectangle

    air = 0.04 * max(width, height)
    corner = left - air, top - air
    axes.add_patch(Rectangle(corner, width + 2 * air, height + 2 * air, fill=False, edgecolor=ORANGE, linewidth=1.2))


def draw_bars(page: Page, left: float, top: float, chances: Array) -> None:
    """The probability of each digit; the largest stands out."""
    axes = page.axes(left + 0.2, top, BARS - 0.8, TILE)
    digits = np.arange(len(chances))
    best = int(chances.argmax())
    axes.barh(digits, chances, 0.7, color=[BLUE if k == best else "#c4c9d0" for k in digits])
    axes.set(xlim=(0, 1), ylim=(len(chances) - 0.5, -0.5))
    axes.set_axis_off()
    pitch = TILE / len(chances)
    for k, chance in enumerate(chances):
        style = {"color": INK if k == best else MUTED, "weight": "bold" if k == best else "normal"}
        page.text(left, top + pitch * (k + 0.5), str(k), size=SMALL, **style)
        page.text(left + BARS, top + pitch * (k + 0.5), share(float(chance)), size=SMALL, ha="right", **style)


def legible(words: str) -> str:
    """The text with a question mark for whatever the font lacks."""
    latin = words.encode("latin-1", "replace").decode("latin-1")
    return "".join(letter if letter.isprintable() else "?" for letter in latin)


def shortened(words: str, width: float) -> str:
    """The end of a text that is wider than so many inches."""

    def fits(text: str) -> bool:
        return text_width(text.replace("$", "S"), NORMAL) <= width  # a $ would be read as the beginning of a formula

    if fits(words):
        return words
    return next("… " + words[start:] for start in range(1, len(words) + 1) if fits("… " + words[start:]))
