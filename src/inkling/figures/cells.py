"""A layer's numbers as a grid of coloured cells, one a neuron: blue below zero, white at zero, orange above."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
    """Feature maps (h, w, channels) side by side, as large as a frame of that size allows; NaN between them."""
    h, w, channels = values.shape
    tiles = np.moveaxis(values, -1, 0)

    def fit(columns: int) -> float:
        rows = math.ceil(channels / columns)
        size = min(width / (columns * (w + 1) - 1), height / (rows * (h + 1) - 1))
        return float(size * math.sqrt(channels / (rows * columns)))

    # Of all numbers of columns, the one with which the maps come out largest; gaps in the last row count against it.
    return mosaic(tiles, max(range(1, channels + 1), key=fit), gap=1)


def in_kernels(W: Array, rows: Array, columns: Array) -> Array:
    """Kernels of a convolution, W (height, width, inputs, channels), as tiles: a row an input, a column a channel.

    `rows` and `columns` say which inputs and channels are shown. NaN between the tiles.
    """
    tiles = W[:, :, rows][:, :, :, columns].transpose(2, 3, 0, 1)
    return mosaic(tiles.reshape(-1, *W.shape[:2]), len(columns), gap=1)


def strongest_kernels(W: Array, rows: int, columns: int) -> tuple[Array, Array]:
    """The inputs (at most `rows`) and channels (at most `columns`) with the longest kernels, in their own order."""
    lengths = np.linalg.norm(W, axis=(0, 1))
    chosen = strongest(np.linalg.norm(lengths, axis=0), columns)
    return strongest(np.linalg.norm(lengths[:, chosen], axis=1), rows), chosen


def strongest(sizes: Array, most: int) -> Array:
    """The indices of the `most` largest sizes, in their own order."""
    return np.sort(np.argsort(-sizes, kind="stable")[:most])


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
    marked: Sequence[int] = (),
) -> Axes:
    """One sample's numbers of a layer, (neurons,) or (h, w[, channels]), at `place` (left, top, width, height).

    Maps keep their proportions, so they may take less than that. The neuron `marked`, or the map and in it the pixel
    (row, column, channel), is framed.
    """
    left, top, width, height = place
    flat = values.ndim == 1
    maps = values.reshape(*values.shape[:2], -1)
    grid = in_cells(values, width, height) if flat else in_maps(maps, width, height)
    rows, columns = grid.shape
    if not flat:
        side = min(width / columns, height / rows)
        width, height = side * columns, side * rows
    elif rows == 1:  # a strip of cells that are not too long, nor too high
        side = min(width / columns, 0.34)
        width, height = side * columns, min(height, max(side, 0.3))
    axes = page.axes(left, top, width, height)
    heat(axes, grid, largest)
    if flat and width / columns > 0.07:
        axes.vlines(np.arange(1, columns) - 0.5, -0.5, rows - 0.5, color="#c4c9d0", linewidth=0.5)
        axes.hlines(np.arange(1, rows) - 0.5, -0.5, columns - 0.5, color="#c4c9d0", linewidth=0.5)
    if flat and marked:
        frame(axes, marked[0] % columns, marked[0] // columns)
    elif marked:
        row, column, channel = (*marked, 0)[:3]
        h, w = maps.shape[:2]
        across = (columns + 1) // (w + 1)
        y, x = channel // across * (h + 1), channel % across * (w + 1)
        frame(axes, x, y, w, h)
        if side > 0.03:  # of a smaller pixel the frame would be all that is seen
            frame(axes, x + column, y + row)
    return axes


def frame(axes: Axes, x: float, y: float, width: float = 1, height: float = 1, *, colour: str = INK) -> None:
    """A frame around so many cells of an image, from the one in column x and row y on."""
    from matplotlib.patches import Rectangle

    corner = x - 0.5, y - 0.5
    axes.add_patch(
        Rectangle(corner, width, height, facecolor="none", edgecolor=colour, linewidth=1.4, clip_on=False, zorder=4)
    )
