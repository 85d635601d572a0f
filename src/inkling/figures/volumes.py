"""Volumes: feature maps drawn as sheets behind one another, and the window through which the next layer sees them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inkling.figures.columns import Column
from inkling.figures.style import BLUE, INK, ORANGE, PAPER
from inkling.nn import Conv2D
from inkling.nn.windows import Windowed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

IMAGE = 1.1
"""Inches: the width of the image."""
STEP = 0.075
"""Inches from one sheet to the next."""


def sheets(column: Column) -> int:
    """How many sheets stand for the channels: one more each time these double, but never more than there are."""
    channels = math.prod(column.shape[2:])
    return min(channels, 2 + round(math.log2(channels)))


def front(column: Column) -> tuple[float, float, float, float]:
    """The sheet in front, which shows one channel: left, top, width, height."""
    if column.pixels is not None:
        rows, columns = column.pixels
        height = IMAGE * rows / columns
        return column.x - IMAGE / 2, column.middle - height / 2, IMAGE, height
    height, width = column.shape[:2]
    long = max(height, width)
    # Small maps are drawn smaller, but not so small that they vanish.
    side = min(max(0.28 + 0.62 * long / 28, 0.36), 0.9)
    w, h, spread = side * width / long, side * height / long, STEP * (sheets(column) - 1)
    return column.x - (w + spread) / 2, column.middle - (h - spread) / 2, w, h


def draw_volume(axes: Axes, column: Column) -> None:
    """Feature maps (height, width, channels) as sheets behind one another."""
    from matplotlib.patches import Rectangle

    left, top, w, h = front(column)
    for sheet in reversed(range(sheets(column))):
        corner = left + STEP * sheet, top - STEP * sheet
        axes.add_patch(Rectangle(corner, w, h, facecolor=PAPER, edgecolor=INK, linewidth=1.1, zorder=4 - 0.1 * sheet))


def draw_window(axes: Axes, before: Column, after: Column, layer: Windowed) -> None:
    """One pixel of a layer's output, the window that it sees, and lines between them; all true to scale."""
    from matplotlib.patches import Polygon, Rectangle

    colour = ORANGE if isinstance(layer, Conv2D) else BLUE
    left, top, width, height = front(before)
    across, down = width / layer.width, height / layer.height
    # A pixel somewhat off the middle, where sheets behind don't hide its lines.
    row, column = layer.rows // 2, layer.columns // 2
    y, x = row * layer.down - layer.top, column * layer.across - layer.left
    box = left + across * max(x, 0), top + down * max(y, 0)
    seen = across * min(layer.kw, layer.width), down * min(layer.kh, layer.height)
    axes.add_patch(Rectangle(box, *seen, facecolor=colour, alpha=0.35, linewidth=0, zorder=4.2))
    axes.add_patch(Rectangle(box, *seen, facecolor="none", edgecolor=colour, linewidth=1.1, zorder=4.3))
    left, top, width, height = front(after)
    pixel = left + width * (column + 0.5) / layer.columns, top + height * (row + 0.5) / layer.rows
    cone = [(box[0] + seen[0], box[1]), pixel, (box[0] + seen[0], box[1] + seen[1])]
    axes.add_patch(Polygon(cone, facecolor=colour, alpha=0.12, linewidth=0, zorder=4.1))
    axes.plot(*zip(*cone, strict=True), color=colour, linewidth=0.8, zorder=4.3)
    size = max(width / layer.columns, 0.05), max(height / layer.rows, 0.05)
    corner = pixel[0] - size[0] / 2, pixel[1] - size[1] / 2
    axes.add_patch(Rectangle(corner, *size, facecolor=colour, linewidth=0, zorder=4.4))
