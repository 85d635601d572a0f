"""The architecture of a network: its layers as columns of neurons or volumes, and the weights between them as lines.

What stands where is decided in columns.py; how feature maps are drawn, in volumes.py.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.columns import BELOW, RADIUS, SHOWN, Column, Row, columns_of, headline, lay_out
from inkling.figures.page import LINE, MARGIN, SMALL, Page, text_width
from inkling.figures.style import INK, MUTED, PAPER, diverging, styled
from inkling.figures.volumes import IMAGE, draw_volume, draw_window
from inkling.nn import Dense, GlobalAveragePool2D, Network
from inkling.nn.part import Array
from inkling.nn.windows import Windowed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT = 7.2
PALE = "#dfe3e8"
STRONGEST = 16
"""So many of the weights between two columns of neurons are drawn as lines."""


def architecture(network: Network) -> Figure:
    """The layers as columns of neurons, wide ones elided, with shapes, activations, dropout and parameter counts.

    Lines are true weights: between the neurons shown the strongest, from the image each neuron's strongest pixel.
    A layer whose outputs are (height, width, channels) is drawn as a stack of maps, with the window that one of its
    pixels sees. What doesn't fit into one row goes on in the next.
    """
    columns = columns_of(network)
    rows = lay_out(columns)
    width = 2 * MARGIN + max(row.pitch * len(row.columns) for row in rows)
    legend = legend_of(columns)
    with styled():
        page = Page(width, max(HEIGHT, rows[-1].bottom + 0.35 + LINE * len(legend)), headline(network, width))
        axes = canvas(page)
        draw_input(axes, columns[0])
        for row in rows:
            for before, after in pairwise(row.columns):
                draw_connections(axes, before, after)
        for column in columns[1:]:
            draw_column(axes, column)
        for row, following in pairwise(rows):
            draw_turn(axes, row, following, width)
        if len(columns) > 1:
            draw_answers(axes, columns[-1])
        for row in rows:
            write_below(page, row)
        for index, line in enumerate(legend[::-1]):
            page.text(MARGIN, page.height - 0.3 - LINE * index, line, size=SMALL, color=MUTED)
    return page.figure


def canvas(page: Page) -> Axes:
    """Axes over the whole page that count inches from the upper left corner."""
    axes = page.axes(0, 0, page.width, page.height)
    axes.set_xlim(0, page.width)
    axes.set_ylim(page.height, 0)
    axes.set_axis_off()
    return axes


def draw_input(axes: Axes, column: Column) -> None:
    """The image as a square of pixels; numbers that are no image as a strip."""
    from matplotlib.patches import Rectangle

    rows, columns = column.pixels or (14, 1)
    half = IMAGE / 2 if column.pixels else 0.15
    height = 2 * half * rows / columns
    left, top = column.x - half, column.middle - height / 2
    axes.add_patch(Rectangle((left, top), 2 * half, height, facecolor=PAPER, zorder=3))
    axes.add_patch(Rectangle((left, top), 2 * half, height, facecolor="none", edgecolor=INK, linewidth=1.2, zorder=3.2))
    # No more than some 28 lines either way, or the square becomes a grey patch.
    for count, along in ((min(columns, 28), True), (min(rows, 28), False)):
        for step in range(1, count):
            x, y = left + 2 * half * step / count, top + height * step / count
            ends = ((x, x), (top, top + height)) if along else ((left, left + 2 * half), (y, y))
            axes.plot(*ends, color=PALE, linewidth=0.5, zorder=3.1)


def draw_connections(axes: Axes, before: Column, after: Column) -> None:
    """From volume to volume one pixel's window; to neurons a pale band for all weights, lines for the strongest."""
    layer = after.layer
    drawn = before.pixels is not None or (before.layer is not None and len(before.shape) > 1)
    if isinstance(layer, Windowed) and not isinstance(layer, GlobalAveragePool2D) and drawn:
        draw_window(axes, before, after, layer)
        return
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Polygon

    starts = list(before.neurons.values()) or [before.middle - 0.4, before.middle + 0.4]
    ends = list(after.neurons.values()) or [after.middle - 0.3, after.middle + 0.3]
    band = [(before.x, starts[0]), (after.x, ends[0]), (after.x, ends[-1]), (before.x, starts[-1])]
    axes.add_patch(Polygon(band, facecolor="#f3f4f6", zorder=1))
    if not isinstance(layer, Dense):
        return
    pairs = strongest(layer.W, before, after)
    weights = np.array([float(layer.W[pair]) for pair in pairs])
    size = np.abs(weights) / (np.abs(weights).max(initial=0) or 1)
    lines = LineCollection(
        [[start_of(before, i), (after.x - RADIUS, after.neurons[j])] for i, j in pairs],
        colors=diverging()(0.5 + 0.4 * np.sign(weights) * np.sqrt(size)),
        linewidths=0.3 + 1.7 * size,
        zorder=3.3,
        label=f"{layer.name}.W",
    )
    axes.add_collection(lines, autolim=False)


def strongest(W: Array, before: Column, after: Column) -> list[tuple[int, int]]:
    """The indices in W of the weights to draw: of the neurons shown the largest; of pixels the largest a neuron."""
    neurons = list(after.neurons)
    if before.shape == (W.shape[0],) and before.neurons:
        from_shown = list(before.neurons)
        size = np.abs(W[np.ix_(from_shown, neurons)]).ravel()
        order = np.argsort(size, kind="stable")[-STRONGEST:]
        return [(from_shown[index // len(neurons)], neurons[index % len(neurons)]) for index in order]
    if before.pixels and math.prod(before.pixels) == W.shape[0]:
        return [(int(np.abs(W[:, neuron]).argmax()), neuron) for neuron in neurons]
    return []


def start_of(column: Column, neuron: int) -> tuple[float, float]:
    """Where the line from a neuron, or from a pixel of the image, begins."""
    if column.neurons:
        return column.x + RADIUS, column.neurons[neuron]
    rows, columns = column.pixels or (1, 1)
    row, place = divmod(neuron, columns)
    height = IMAGE * rows / columns
    return (
        column.x + IMAGE * ((place + 0.5) / columns - 0.5),
        column.middle + height * ((row + 0.5) / rows - 0.5),
    )


def draw_column(axes: Axes, column: Column) -> None:
    """The neurons of a layer, with dots for those left out and crosses for those dropped; or a volume."""
    from matplotlib.patches import Circle

    if not column.neurons:
        draw_volume(axes, column)
        return
    dropout = column.dropout
    count = len(column.neurons)
    dropped = max(round(dropout.rate * count), 1) if dropout is not None and dropout.rate > 0 else 0
    # Spread over the column, from the second on.
    crossed = {(1 + round(index * count / dropped)) % count for index in range(dropped)} if dropped else set()
    for place, y in enumerate(column.neurons.values()):
        gone = place in crossed
        circle = Circle(
            (column.x, y),
            RADIUS,
            facecolor="#f1f3f5" if gone else PAPER,
            edgecolor=MUTED if gone else INK,
            linewidth=1.2,
            linestyle=(0, (2, 1.5)) if gone else "solid",
            zorder=4,
        )
        axes.add_patch(circle)
        if gone:
            r = RADIUS * 0.6
            for slope in (1, -1):
                ends = (column.x - r, column.x + r), (y - slope * r, y + slope * r)
                axes.plot(*ends, color=MUTED, linewidth=1.3, zorder=5)
    if column.shape[0] > SHOWN:
        axes.plot(
            [column.x] * 3,
            [column.middle - 0.16, column.middle, column.middle + 0.16],
            "o",
            color=INK,
            markersize=3.2,
            zorder=4,
        )


def draw_turn(axes: Axes, row: Row, following: Row, width: float) -> None:
    """A line from the end of a row to the beginning of the next."""
    last, first, side = row.columns[-1], following.columns[0], MARGIN / 2
    between = row.bottom + 0.12
    # To where the first volume begins, and from where the last one ends.
    path = [
        (last.x + row.pitch * 0.42, last.middle),
        (width - side, last.middle),
        (width - side, between),
        (side, between),
        (side, first.middle),
        (first.x - row.pitch * 0.42, first.middle),
    ]
    axes.plot(*zip(*path, strict=True), color="#c4c9d0", linewidth=1.2, zorder=1)
    axes.plot(*path[-1], ">", color="#c4c9d0", markersize=5, zorder=1)


def draw_answers(axes: Axes, column: Column) -> None:
    """The class beside each output neuron."""
    for neuron, y in column.neurons.items():
        axes.text(column.x + RADIUS + 0.1, y, str(neuron), fontsize=12, va="center_baseline", color=INK)


def write_below(page: Page, row: Row) -> None:
    """Under each column its name, shape, parameters, and what its outputs go through."""
    top = row.top + row.height + BELOW
    for column in row.columns:
        for index, line in enumerate(column.words):
            size = SMALL if text_width(line, SMALL) < row.pitch - 0.1 else 9
            style = (
                {"weight": "bold", "size": 10.5}
                if index == 0
                else {"color": MUTED if "parameter" in line else INK, "size": size}
            )
            page.text(column.x, top + LINE * index, line, ha="center", **style)


def legend_of(columns: list[Column]) -> list[str]:
    """What lines, windows and crosses mean."""
    lines = [
        "Grey: all connections. Lines: the strongest weights of the neurons shown (orange above zero, blue below)."
    ]
    if any(column.dropout is not None and column.neurons for column in columns):
        lines[0] += " Crossed: dropped at random while the network learns."
    if any(isinstance(column.layer, Windowed) and len(column.shape) > 1 for column in columns):
        window = "Orange: what a kernel sees at one place; blue: what pooling makes one pixel of."
        lines.insert(0, f"{window} A volume has a map for each channel; a few are drawn.")
    return lines
