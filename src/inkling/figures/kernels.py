"""What the convolutions have learned: their kernels, small images that are laid on every place of a larger one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import InklingError
from inkling.figures.cells import heat, in_kernels, limit, strongest_kernels
from inkling.figures.notation import brief
from inkling.figures.page import MARGIN, SMALL, Page
from inkling.figures.stages import convolutions
from inkling.figures.style import MUTED, styled
from inkling.nn import Conv2D, Network
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TOP, GAP = 12.8, 1.2, 0.4
INPUTS, CHANNELS = 12, 16
"""Of a grid, so many rows and columns can still be read."""
BETWEEN = "#aab1bb"
"""Kernels are small: what lies between them must not be taken for weights near zero."""
ALONE = 32
"""So many kernels that look at the image itself are shown."""
LARGEST, LABEL, HEAD = 0.7, 0.26, 0.28
"""Inches: the width of a kernel, the place for the channels' numbers beside and above them, and that for the name."""


@dataclass(frozen=True, eq=False)
class Panel:
    """The kernels of one convolution that are drawn."""

    layer: Conv2D
    rows: Array
    """The channels that come in; empty for the image itself."""
    columns: Array
    """The channels that go out."""
    cell: float
    """Inches of one weight."""

    @property
    def lines(self) -> list[tuple[Array, Array]]:
        """Grids that stand one below the other, NaN between their kernels, with the channels that go out."""
        if len(self.rows):
            return [(in_kernels(self.layer.W, self.rows, self.columns), self.columns)]
        parts = np.array_split(self.columns, -(-len(self.columns) // CHANNELS))
        return [(in_kernels(self.layer.W, np.array([0]), part), part) for part in parts]

    @property
    def height(self) -> float:
        """Inches, with everything around the kernels."""
        return HEAD + sum(LABEL + len(grid) * self.cell for grid, _ in self.lines) + 0.25


def kernels(network: Network) -> Figure:
    """The kernels of each convolution as images, on a scale of colours for each layer that is white at zero.

    Those that see the image itself stand side by side; of a later layer each row belongs to a channel that comes in,
    each column to one that goes out. Of many, those with the longest weight vectors are shown, and how many there are
    is said. Raises InklingError if the network has no convolutions.
    """
    layers = convolutions(network)
    if not layers:
        raise InklingError("this network has no convolutions, so there are no kernels to show")
    beside = min(max(len(layers) - (layers[0].inputs == 1), 1), 3)
    width = (WIDTH - 2 * MARGIN - GAP * (beside - 1)) / beside
    panels = [panel_of(layer, WIDTH - 2 * MARGIN if layer.inputs == 1 else width) for layer in layers]
    rows: list[list[Panel]] = []
    for panel in panels:
        if panel.layer.inputs == 1 or not rows or len(rows[-1]) == beside or rows[-1][0].layer.inputs == 1:
            rows.append([])
        rows[-1].append(panel)
    heights = [max(panel.height for panel in row) for row in rows]
    with styled():
        named = f"The kernels of {layers[0].name}" if len(layers) == 1 else f"The kernels of {len(layers)} convolutions"
        page = Page(WIDTH, TOP + sum(heights) + 0.2, f"{named}: what each channel looks for")
        words = "Bright pixels under orange weights, and dark ones under blue, make a channel light up."
        page.text(MARGIN, 0.78, words, size=SMALL, color=MUTED)
        for index, row in enumerate(rows):
            for place, panel in enumerate(row):
                draw_panel(page, MARGIN + place * (width + GAP), TOP + sum(heights[:index]), panel)
    return page.figure


def panel_of(layer: Conv2D, width: float) -> Panel:
    """Choose the kernels to show, and how large."""
    rows, columns = strongest_kernels(layer.W, INPUTS, CHANNELS)
    if layer.inputs == 1:
        rows, columns = strongest_kernels(layer.W, 0, ALONE)
    beside = min(len(columns), CHANNELS) * (layer.kw + 1) - 1
    cell = min((width - LABEL) / beside, LARGEST / (max(layer.kh, layer.kw) + 1))
    return Panel(layer, rows, columns, cell)


def draw_panel(page: Page, left: float, top: float, panel: Panel) -> None:
    """One convolution: its name, how much of it is seen, and the kernels with the numbers of their channels."""
    layer, cell = panel.layer, panel.cell
    largest = limit(*(grid[~np.isnan(grid)] for grid, _ in panel.lines))
    page.text(left, top, layer.name, weight="bold")
    page.text(left + 0.95, top, f"{describe_shape(layer.W.shape)}, ±{brief(largest)}", size=SMALL, color=MUTED)
    page.text(left, top + 0.2, part_of(panel), size=SMALL, color=MUTED)
    down, across = (layer.kh + 1) * cell, (layer.kw + 1) * cell
    beside = LABEL if len(panel.rows) else 0.0
    upper = top + HEAD
    for grid, channels in panel.lines:
        upper += LABEL
        axes = page.axes(left + beside, upper, grid.shape[1] * cell, grid.shape[0] * cell)
        heat(axes, grid, largest).set_interpolation("nearest")
        axes.set_facecolor(BETWEEN)
        for place, channel in enumerate(channels):
            x = left + beside + across * place + layer.kw * cell / 2
            page.text(x, upper - 0.11, str(channel), size=9, color=MUTED, ha="center")
        upper += grid.shape[0] * cell
    for place, channel in enumerate(panel.rows):
        y = top + HEAD + LABEL + down * place + layer.kh * cell / 2
        page.text(left + beside - 0.07, y, str(channel), size=9, color=MUTED, ha="right")


def part_of(panel: Panel) -> str:
    """How much of the layer is shown."""
    shown, every = len(panel.columns), panel.layer.channels
    strong = "the strongest " if shown < every else ""
    if not len(panel.rows):
        return f"one for each channel: {strong}{shown} of {every}" if strong else f"one for each of {every} channels"
    come, inputs = len(panel.rows), panel.layer.inputs
    coming = f"{come} of {inputs}" if come < inputs else f"all {inputs}"
    going = f"{shown} of {every}" if shown < every else f"all {every}"
    return f"rows: {coming} channels in; columns: {going} out"
