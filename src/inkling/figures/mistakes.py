"""The mistakes that the network is surest of: often a sloppy hand, now and then a wrong label."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.engine import predict_proba
from inkling.figures.predictions import draw_bar, draw_image, page, rows_and_columns
from inkling.figures.style import BLUE, INK, MUTED, WRONG, new_figure, notice, share, styled
from inkling.nn import Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, MARGIN = 2.7, 1.45, 0.3
"""The place of one digit on the page, and the paper around all of them, in inches."""


def mistakes(
    network: Network, images: Array, labels: Array, count: int = 20, *, probabilities: Array | None = None
) -> Figure:
    """The `count` most confident mistakes, the surest first: what was read, what it is, how probable each was.

    Each carries its index in `images`, so that it can be found again. Shapes: images (n, 28, 28), labels (n,).
    `probabilities` (n, 10): what the network makes of the images, where that has been computed before.
    """
    probabilities = predict_proba(network, images) if probabilities is None else probabilities
    read = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(read != labels)
    if not len(wrong):
        return notice("Not one mistake", f"All {len(images):,} images are read rightly.")
    surest = wrong[np.argsort(-probabilities[wrong, read[wrong]], kind="stable")][:count]
    rows, columns = rows_and_columns(len(surest), 5)
    with styled():
        figure = new_figure(max(columns * WIDTH, 5) + MARGIN, rows * HEIGHT + 0.8)
        shown = "" if len(surest) == len(wrong) else f"; the {len(surest)} that it is surest of"
        figure.suptitle(f"The network misreads {len(wrong):,} of {len(images):,} images{shown}", fontsize=14)
        axes = page(figure, columns * WIDTH, rows * HEIGHT)
        for place, index in enumerate(surest):
            left, top = place % columns * WIDTH, place // columns * HEIGHT
            draw_image(axes, left + 0.1, top + 0.15, 1.15, images[index])
            draw_claim(axes, left + 1.35, top + 0.22, "read", int(read[index]), probabilities[index], WRONG)
            draw_claim(axes, left + 1.35, top + 0.67, "true", int(labels[index]), probabilities[index], BLUE)
            axes.text(left + 1.35, top + 1.2, f"image {index}", color=MUTED, fontsize=9, va="center")
    return figure


def draw_claim(axes: Axes, left: float, top: float, word: str, digit: int, chances: Array, colour: str) -> None:
    """A digit and how probable the network found it."""
    axes.text(left, top, f"{word} {digit}", color=colour, fontweight="bold", fontsize=10, va="center")
    axes.text(left + 1.2, top, share(float(chances[digit])), color=INK, fontsize=9, ha="right", va="center")
    draw_bar(axes, left, top + 0.19, 1.2, float(chances[digit]), colour)
