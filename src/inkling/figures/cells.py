"""A layer's numbers as a grid of coloured cells, one a neuron: blue below zero, white at zero, orange above."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.page import Page, bare
from inkling.figures.style import INK, diverging, mosaic
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

NOTHING = "#e9ebee"
"""The colour of places where there is no neuron, which is not that of the number zero."""


def limit(*arrays: Array) -> float:
    """The largest magnitude: the colours reach from − to + this, so that zero is white. 1 if all are zero."""
    largest = max((float(np.abs(array).max()) for array in arrays if array.size), default=0.0)
    return largest or 1.0


def in_cells(values: Array, width: float, height: float) -> Array:
    """Values (n,) row by row in a grid of about square cells for a frame of that size; NaN where none is left."""
    count = len(values)
    columns = count if count <= 16 else min(count, max(1, math.ceil(math.sqrt(count * width / height))))
    rows = math.ceil(count / columns)
    columns = math.ceil(count / rows)
    grid = np.full(rows * columns, np.nan)
    grid[:count] = values
    return grid.reshape(rows, columns)


def in_maps(values: Array, width: float, height: float) -> Array:
    """Feature maps (h, w, channels) side by side for a frame of that size."""
    h, w, channels = values.shape
    columns = min(channels, max(1, round(math.sqrt(channels * width * h / (height * w)))))
    return mosaic(np.moveaxis(values, -1, 0), columns, gap=1)


def heat(axes: Axes, grid: Array, largest: float) -> AxesImage:
    """A matrix (rows, columns) as colours from −largest to +largest, filling the axes."""
    image = axes.imshow(grid, cmap=diverging(), vmin=-largest, vmax=largest, aspect="auto")
    axes.set_facecolor(NOTHING)
    bare(axes)
    return image


def draw_cells(
    page: Page,
    place: tuple[float, float, float, float],
    values: Array,
    largest: float,
    marked: int | None = None,
) -> Axes:
    """One sample's numbers of a layer, (neurons,) or (h, w, channels), at `place` (left, top, width, height).

    The cell `marked` is framed.
    """
    left, top, width, height = place
    flat = values.ndim == 1
    grid = in_cells(values, width, height) if flat else in_maps(values, width, height)
    rows, columns = grid.shape
    if flat and rows == 1:  # a strip of cells that are not too long, nor too high
        side = min(width / columns, 0.34)
        width, height = side * columns, min(height, max(side, 0.3))
    axes = page.axes(left, top, width, height)
    heat(axes, grid, largest)
    if flat and width / columns > 0.07:
        axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color="#c4c9d0", linewidth=0.5)
        axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color="#c4c9d0", linewidth=0.5)
    if flat and marked is not None:
        from matplotlib.patches import Rectangle

        corner = marked % columns - 0.5, marked // columns - 0.5
        axes.add_patch(Rectangle(corner, 1, 1, facecolor="none", edgecolor=INK, linewidth=1.4, clip_on=False, zorder=4))
    return axes
