"""Digits, what the network says they are, and how sure it is of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.style import INK, MUTED, PAPER, RIGHT, WRONG, new_figure, share, styled
from inkling.nn import Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, MARGIN = 1.35, 1.98, 0.3
"""The place of one digit on the page, and the paper around all of them, in inches."""


def predictions(network: Network, images: Array, labels: Array) -> Figure:
    """Each image with its predicted and true label, and the confidence as a bar.

    Right answers are blue and ticked, wrong ones orange, crossed and framed.
    Shapes: images (n, 28, 28), labels (n,); up to about 50 can be read.
    """
    probabilities = network.predict_proba(images)
    count = len(images)
    right = int(np.count_nonzero(probabilities.argmax(axis=1) == labels))
    rows, columns = rows_and_columns(count, 5 if count <= 10 else 10)
    with styled():
        figure = new_figure(max(columns * WIDTH, 4.5) + MARGIN, rows * HEIGHT + 0.8)
        figure.suptitle(f"What the network reads: {right} of {count} right", fontsize=14)
        axes = page(figure, columns * WIDTH, rows * HEIGHT)
        for index, (image, label, chances) in enumerate(zip(images, labels, probabilities, strict=True)):
            draw_one(axes, index % columns * WIDTH, index // columns * HEIGHT, image, int(label), chances)
    return figure


def draw_one(axes: Axes, left: float, top: float, image: Array, label: int, chances: Array) -> None:
    """One digit in its place, the verdict above it and the confidence below."""
    digit = int(chances.argmax())
    is_right = digit == label
    colour = RIGHT if is_right else WRONG
    middle = left + WIDTH / 2
    verdict = f"{digit} ✓" if is_right else f"{digit} ✗  true: {label}"
    axes.text(middle, top + 0.22, verdict, color=colour, fontweight="bold", ha="center", va="center")
    draw_image(axes, left + 0.125, top + 0.38, 1.1, image, framed=not is_right)
    draw_bar(axes, left + 0.125, top + 1.57, 1.1, float(chances[digit]), colour)
    sure = f"{share(float(chances[digit]))} sure"
    axes.text(middle, top + 1.79, sure, color=INK, fontsize=10, ha="center", va="center")


def rows_and_columns(count: int, widest: int) -> tuple[int, int]:
    """A grid for that many, as even as it goes: 12 in rows of at most 10 are two of six."""
    rows = max(-(-count // widest), 1)
    return rows, max(-(-count // rows), 1)


def page(figure: Figure, width: float, height: float) -> Axes:
    """An empty sheet where (x, y) counts inches from the upper left corner."""
    axes = figure.subplots()
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0), aspect="equal")
    return axes


def draw_image(axes: Axes, left: float, top: float, side: float, image: Array, *, framed: bool = False) -> None:
    """An image of that size on the sheet, ink on paper, in a thick frame of warning if `framed`."""
    from matplotlib.patches import Rectangle

    # Whatever shape the network takes them in: (28, 28), (28, 28, 1) or (784,).
    pixels = image.reshape(-1, round(image.size**0.5))
    full = 255 if image.dtype == np.uint8 else 1
    extent = (left, left + side, top + side, top)
    limits = axes.get_xlim(), axes.get_ylim()
    axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=full, extent=extent, interpolation="nearest")
    axes.set(xlim=limits[0], ylim=limits[1])
    colour, width = (WRONG, 3.0) if framed else (MUTED, 0.8)
    axes.add_patch(Rectangle((left, top), side, side, facecolor="none", edgecolor=colour, linewidth=width))


def draw_bar(axes: Axes, left: float, top: float, length: float, fraction: float, colour: str) -> None:
    """A bar filled to that fraction of its length."""
    axes.barh(top, length, 0.09, left, color=PAPER, edgecolor=MUTED, linewidth=0.8)
    axes.barh(top, length * fraction, 0.09, left, color=colour)
