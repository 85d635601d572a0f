"""What the data looks like: a row of samples for every digit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.style import INK, MUTED, mosaic, new_figure, notice, styled, tidy
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 4
"""Pixels between two samples."""


def samples(images: Array, labels: Array, per_class: int = 10) -> Figure:
    """The first `per_class` images of each digit, a row a digit, with how many of it there are.

    Shapes: images (n, 28, 28), labels (n,).
    """
    labels = np.asarray(labels)
    if not len(labels):
        return notice("No samples", "There are no images here.")
    classes = max(10, int(labels.max()) + 1)
    side = round(images[0].size ** 0.5)
    tiles = np.full((classes * per_class, side, side), np.nan)
    for digit in range(classes):
        chosen = images[np.flatnonzero(labels == digit)[:per_class]]
        tiles[digit * per_class : digit * per_class + len(chosen)] = chosen.reshape(len(chosen), side, side)
    counts = np.bincount(labels, minlength=classes)
    with styled():
        figure = new_figure(max(0.62 * per_class + 2.2, 6), 0.62 * classes + 0.9)
        figure.suptitle(headline(counts), fontsize=14)
        axes = figure.subplots()
        full = 255 if images.dtype == np.uint8 else 1
        axes.imshow(mosaic(tiles, per_class, GAP), cmap="gray_r", vmin=0, vmax=full, interpolation="nearest")
        axes.spines[:].set_visible(False)
        middles = np.arange(classes) * (side + GAP) + side / 2 - 0.5
        axes.set_xticks([])
        axes.set_yticks(middles, [str(digit) for digit in range(classes)])
        tidy(axes)
        axes.tick_params(length=0, labelsize=14, labelcolor=INK, pad=10)
        axes.text(1.02, 1.01, "images", transform=axes.transAxes, color=MUTED, fontsize=10)
        for middle, count in zip(middles, counts, strict=True):
            shown = f"{count:,}" if count else "none"
            axes.text(1.02, middle, shown, transform=axes.get_yaxis_transform(), va="center", color=MUTED, fontsize=10)
    return figure


def headline(counts: Array) -> str:
    """How many images, and how evenly the digits are spread."""
    total = f"{counts.sum():,} images"
    if counts.min() == counts.max():
        return f"{total}, {counts.min():,} of each digit"
    return f"{total}: {counts.argmax()} is the most frequent digit, {counts.argmin()} the rarest"
