"""Digits, what the network says they are, and how sure it is of that."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.style import INK, MUTED, RIGHT, WRONG, new_figure, styled
from inkling.nn import Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def predictions(network: Network, images: Array, labels: Array) -> Figure:
    """Each image with its predicted and true label, and the confidence as a bar.

    Right answers are blue and ticked, wrong ones orange, crossed and framed.
    Shapes: images (n, 28, 28), labels (n,).
    """
    probabilities = network.predict_proba(images)
    columns = min(5, max(len(images), 1))
    rows = math.ceil(len(images) / columns)
    with styled():
        figure = new_figure(1.9 * columns, 2.5 * rows + 0.5)
        right = int(np.count_nonzero(probabilities.argmax(axis=1) == labels))
        figure.suptitle(f"What the network reads: {right} of {len(images)} right", fontsize=14)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(images) :]:
            axes.set_axis_off()
        for axes, image, label, chances in zip(grid.flat, images, labels, probabilities, strict=False):
            draw_one(axes, image, int(label), chances)
    return figure


def draw_one(axes: Axes, image: Array, label: int, chances: Array) -> None:
    """One digit, the verdict above it and the confidence below."""
    digit = int(chances.argmax())
    is_right = digit == label
    colour = RIGHT if is_right else WRONG
    side = image.shape[0]
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=255 if image.dtype == np.uint8 else 1)
    verdict = f"{digit} ✓" if is_right else f"{digit} ✗  true: {label}"
    axes.set_title(verdict, color=colour, fontweight="bold")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color(MUTED if is_right else WRONG)
        spine.set_linewidth(0.8 if is_right else 3)
    bar = axes.inset_axes((0, -0.17, 1, 0.09))
    bar.barh([0], [float(chances[digit])], color=colour)
    bar.barh([0], [1], facecolor="none", edgecolor=MUTED, linewidth=0.8)
    bar.set_xlim(0, 1)
    bar.set_axis_off()
    axes.text(side / 2 - 0.5, side * 1.27, f"{chances[digit]:.1%} sure", ha="center", color=INK, fontsize=10)
