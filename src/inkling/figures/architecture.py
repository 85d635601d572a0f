"""The architecture of a network: its layers as columns of neurons, and the weights between them as lines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.page import LINE, MARGIN, SMALL, Page, text_width
from inkling.figures.stages import Stage, image_shape, is_activation, stages
from inkling.figures.style import INK, MUTED, PAPER, diverging, styled
from inkling.nn import Dense, Dropout, Flatten, Layer, Network, SigmoidBinaryCrossEntropy, SoftmaxCrossEntropy
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array, Shape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, TOP = 12.8, 7.2, 1.1
DRAWING = 4.1
"""Inches from top to bottom of a column."""
IMAGE = 1.1
"""Width of the image."""
RADIUS, PITCH = 0.145, 0.41
SHOWN = 10
"""So many neurons are drawn one by one; of a wider layer the first and the last four."""
PALE = "#dfe3e8"
STRONGEST = 16
"""So many of the weights between two columns of neurons are drawn as lines."""


@dataclass
class Column:
    """What stands above one another: places of the drawn neurons, or a volume."""

    x: float
    shape: Shape
    neurons: dict[int, float] = field(default_factory=dict)
    """Which neurons are drawn, and how far below the top, in inches."""
    pixels: tuple[int, int] | None = None
    """Rows and columns, if it is the image."""


def architecture(network: Network) -> Figure:
    """The layers as columns of neurons, wide ones elided, with shapes, activations, dropout and parameter counts.

    Lines are true weights: between the neurons shown the strongest, from the image each neuron's strongest pixel.
    A layer whose outputs are (height, width, channels) is drawn as a stack of maps.
    """
    door, found = stages(network)
    total = len(network.parameters)
    pitch = max(1.5, (WIDTH - 2 * MARGIN) / (len(found) + 1))
    width = max(WIDTH, 2 * MARGIN + pitch * (len(found) + 1))
    widths = " → ".join(describe_shape(shape) for shape in (network.input_shape, *(s.head.output_shape for s in found)))
    with styled():
        page = Page(width, HEIGHT, f"The network: {widths}, {total:,} parameters")
        axes = canvas(page)
        columns = [Column(MARGIN + pitch / 2, network.input_shape, pixels=image_shape(network))]
        draw_input(axes, columns[0])
        for index, stage in enumerate(found):
            column = Column(MARGIN + pitch * (index + 1.5), stage.head.output_shape)
            place_neurons(column)
            draw_lines(axes, columns[-1], column, stage.head)
            columns.append(column)
        for column, stage in zip(columns[1:], found, strict=True):
            draw_column(axes, column, stage)
        if found:
            draw_answers(axes, columns[-1])
        write_below(page, columns, network, door, found, pitch)
        draw_legend(page, found)
    return page.figure


def canvas(page: Page) -> Axes:
    """Axes over the whole page that count inches from the upper left corner."""
    axes = page.axes(0, 0, page.width, page.height)
    axes.set_xlim(0, page.width)
    axes.set_ylim(page.height, 0)
    axes.set_axis_off()
    return axes


def place_neurons(column: Column) -> None:
    """Choose the neurons to draw and their places, around the middle of the drawing."""
    if len(column.shape) != 1:
        return
    count = column.shape[0]
    if count <= SHOWN:
        chosen = list(range(count))
        places = [float(place) for place in range(count)]
    else:
        chosen = [*range(4), *range(count - 4, count)]
        places = [0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0]
    top = TOP + DRAWING / 2 - PITCH * places[-1] / 2
    column.neurons = {neuron: top + PITCH * place for neuron, place in zip(chosen, places, strict=True)}


def draw_input(axes: Axes, column: Column) -> None:
    """The image as a square of pixels; numbers that are no image as a strip."""
    from matplotlib.patches import Rectangle

    rows, columns = column.pixels or (14, 1)
    middle, half = TOP + DRAWING / 2, IMAGE / 2 if column.pixels else 0.15
    height = 2 * half * rows / columns
    left, top = column.x - half, middle - height / 2
    axes.add_patch(Rectangle((left, top), 2 * half, height, facecolor=PAPER, zorder=3))
    axes.add_patch(Rectangle((left, top), 2 * half, height, facecolor="none", edgecolor=INK, linewidth=1.2, zorder=3.2))
    # No more than some 28 lines either way, or the square becomes a grey patch.
    for count, along in ((min(columns, 28), True), (min(rows, 28), False)):
        for step in range(1, count):
            x, y = left + 2 * half * step / count, top + height * step / count
            ends = ((x, x), (top, top + height)) if along else ((left, left + 2 * half), (y, y))
            axes.plot(*ends, color=PALE, linewidth=0.5, zorder=3.1)


def draw_lines(axes: Axes, before: Column, after: Column, head: Layer) -> None:
    """The connections: a pale band for all, and lines in the colours of their weights for the strongest."""
    from matplotlib.collections import LineCollection
    from matplotlib.patches import Polygon

    middle = TOP + DRAWING / 2
    starts = list(before.neurons.values()) or [middle - 0.4, middle + 0.4]
    ends = list(after.neurons.values()) or [middle - 0.3, middle + 0.3]
    band = [(before.x, starts[0]), (after.x, ends[0]), (after.x, ends[-1]), (before.x, starts[-1])]
    axes.add_patch(Polygon(band, facecolor="#f3f4f6", zorder=1))
    if not isinstance(head, Dense):
        return
    pairs = strongest(head.W, before, after)
    weights = np.array([float(head.W[pair]) for pair in pairs])
    size = np.abs(weights) / (np.abs(weights).max(initial=0) or 1)
    lines = LineCollection(
        [[start_of(before, i), (after.x - RADIUS, after.neurons[j])] for i, j in pairs],
        colors=diverging()(0.5 + 0.4 * np.sign(weights) * np.sqrt(size)),
        linewidths=0.3 + 1.7 * size,
        zorder=3.3,
        label=f"{head.name}.W",
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
        TOP + DRAWING / 2 + height * ((row + 0.5) / rows - 0.5),
    )


def draw_column(axes: Axes, column: Column, stage: Stage) -> None:
    """The neurons of a layer, with dots for those left out and crosses for those dropped; or a volume."""
    from matplotlib.patches import Circle

    if not column.neurons:
        draw_volume(axes, column)
        return
    dropout = stage.dropout
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
    if len(column.shape) == 1 and column.shape[0] > SHOWN:
        middle = TOP + DRAWING / 2
        axes.plot([column.x] * 3, [middle - 0.16, middle, middle + 0.16], "o", color=INK, markersize=3.2, zorder=4)


def draw_volume(axes: Axes, column: Column) -> None:
    """Feature maps (height, width, channels) as sheets behind one another, at most six."""
    from matplotlib.patches import Rectangle

    height, width = (*column.shape, 1)[:2] if len(column.shape) > 1 else (1, 1)
    channels = math.prod(column.shape[2:])
    sheets = min(channels, 6)
    long = max(height, width)
    # Small maps are drawn smaller, but not so small that they vanish.
    side = min(max(0.28 + 0.52 * long / 28, 0.34), 0.8)
    w, h, step = side * width / long, side * height / long, 0.09
    middle, spread = TOP + DRAWING / 2, step * (sheets - 1)
    for sheet in reversed(range(sheets)):
        corner = column.x - (w + spread) / 2 + step * sheet, middle - (h - spread) / 2 - step * sheet
        axes.add_patch(Rectangle(corner, w, h, facecolor=PAPER, edgecolor=INK, linewidth=1.1, zorder=4 - 0.1 * sheet))


def draw_answers(axes: Axes, column: Column) -> None:
    """The class beside each output neuron."""
    for neuron, y in column.neurons.items():
        axes.text(column.x + RADIUS + 0.1, y, str(neuron), fontsize=12, va="center_baseline", color=INK)


def write_below(
    page: Page, columns: list[Column], network: Network, door: list[Layer], found: list[Stage], pitch: float
) -> None:
    """Under each column its name, shape, parameters, and what its outputs go through."""
    top = TOP + DRAWING + 0.35
    texts = [["input", f"{describe_shape(network.input_shape)}", *map(says, door)]]
    for stage in found:
        shape = stage.head.output_shape
        unit = f" neuron{'s' * (shape[0] > 1)}" if len(shape) == 1 else ""
        count = f"{stage.parameters:,} parameter{'s' * (stage.parameters != 1)}"
        texts.append([stage.head.name, f"{describe_shape(shape)}{unit}", count, *map(says, stage.followers)])
    if isinstance(network.loss, (SoftmaxCrossEntropy, SigmoidBinaryCrossEntropy)):
        texts[-1].append("softmax" if isinstance(network.loss, SoftmaxCrossEntropy) else "sigmoid")
    for column, lines in zip(columns, texts, strict=True):
        for index, line in enumerate(lines):
            size = SMALL if text_width(line, SMALL) < pitch - 0.1 else 9
            style = (
                {"weight": "bold", "size": 10.5}
                if index == 0
                else {"color": MUTED if "parameter" in line else INK, "size": size}
            )
            page.text(column.x, top + LINE * index, line, ha="center", **style)


def says(layer: Layer) -> str:
    """What a layer without a column of its own does, in a word or two."""
    if isinstance(layer, Dropout):
        return f"dropout {100 * layer.rate:.3g}\u00a0%"
    if isinstance(layer, Flatten):
        return f"flatten → {layer.output_shape[0]:,}"
    return type(layer).__name__ if is_activation(layer) else layer.name


def draw_legend(page: Page, found: list[Stage]) -> None:
    """What lines and crosses mean."""
    words = "Grey: all connections. Lines: the strongest weights of the neurons shown (orange above zero, blue below)."
    if any(stage.dropout is not None for stage in found):
        words += " Crossed: dropped at random while the network learns."
    page.text(MARGIN, page.height - 0.3, words, size=SMALL, color=MUTED)
