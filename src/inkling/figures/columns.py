"""Columns: what stands beside what in the picture of an architecture, and the words below it.

The image is a column, and so is every layer that makes numbers of another shape; layers that only change numbers are
words below the column before them. Where a deep network's columns don't fit beside one another, they go on in
another row; the columns of neurons always stay together, in the last one.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from inkling.figures.page import BIG, LINE, MARGIN, text_width
from inkling.figures.stages import image_shape, is_activation, stages
from inkling.nn import (
    BatchNorm,
    Conv2D,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Layer,
    Network,
    SigmoidBinaryCrossEntropy,
    SoftmaxCrossEntropy,
)
from inkling.nn.layers import describe_shape
from inkling.nn.part import Shape
from inkling.nn.pooling import Pool2D
from inkling.nn.windows import Windowed

WIDTH, TOP = 12.8, 1.1
DRAWING, VOLUMES = 4.1, 1.75
"""Inches from top to bottom of a row with neurons, and of one with volumes alone."""
BELOW = 0.35
"""Inches from the drawing to the words below it."""
RADIUS, PITCH = 0.145, 0.41
SHOWN = 10
"""So many neurons are drawn one by one; of a wider layer the first and the last four."""
NARROWEST = 1.5
"""Inches for a column."""


@dataclass
class Column:
    """What stands above one another: places of the drawn neurons, or a volume. Inches from the upper left corner."""

    layer: Layer | None
    """None for the image."""
    shape: Shape
    words: list[str]
    """Below it: the name, the shape, and so on."""
    x: float = 0.0
    middle: float = 0.0
    """How far below the top its middle lies."""
    dropout: Dropout | None = None
    neurons: dict[int, float] = field(default_factory=dict)
    """Which neurons are drawn, and how far below the top."""
    pixels: tuple[int, int] | None = None
    """Rows and columns, if it is the image."""


@dataclass
class Row:
    """Columns beside one another, `top` and `height` of their drawing, and how wide each is."""

    columns: list[Column]
    top: float = 0.0
    height: float = 0.0
    pitch: float = 0.0

    @property
    def bottom(self) -> float:
        """Where the last word below ends."""
        return self.top + self.height + BELOW + LINE * max(len(column.words) for column in self.columns)


def columns_of(network: Network) -> list[Column]:
    """The columns from the image to the outputs, with nothing but their words."""
    door, found = stages(network)
    words = ["input", describe_shape(network.input_shape), *map(says, door)]
    columns = [Column(None, network.input_shape, words, pixels=image_shape(network))]
    for stage in found:
        columns.append(column_of(stage.head))
        for layer in stage.followers:
            if isinstance(layer, Pool2D):
                columns.append(column_of(layer))
            else:
                columns[-1].words.append(says(layer))
            if isinstance(layer, Dropout):
                columns[-1].dropout = layer
        # A column counts what the layers in it learn, and so do the words of its normalization.
        if stage.parameters:
            first = next(column for column in columns if column.layer is stage.head)
            first.words.insert(2, f"{stage.parameters:,} parameter{'s' * (stage.parameters != 1)}")
    if isinstance(network.loss, (SoftmaxCrossEntropy, SigmoidBinaryCrossEntropy)):
        columns[-1].words.append("softmax" if isinstance(network.loss, SoftmaxCrossEntropy) else "sigmoid")
    return columns


def column_of(layer: Layer) -> Column:
    """The column of a layer that makes numbers of another shape."""
    shape = layer.output_shape
    unit = f" neuron{'s' * (shape[0] > 1)}" if len(shape) == 1 and not isinstance(layer, Pool2D) else ""
    words = [layer.name, describe_shape(shape) + unit]
    if isinstance(layer, Windowed) and not isinstance(layer, GlobalAveragePool2D):
        words.append(f"{layer.kh}×{layer.kw} {'kernels' if isinstance(layer, Conv2D) else 'windows'}")
        usual = (1, 1) if isinstance(layer, Conv2D) else (layer.kh, layer.kw)
        if (layer.down, layer.across) != usual:
            words[-1] += f", stride {layer.down}" + f"×{layer.across}" * (layer.across != layer.down)
    return Column(layer, shape, words)


def says(layer: Layer) -> str:
    """What a layer without a column of its own does, in a word or two."""
    if isinstance(layer, Dropout):
        return f"dropout {100 * layer.rate:.3g}\u00a0%"
    if isinstance(layer, Flatten):
        return f"flatten → {layer.output_shape[0]:,}"
    if isinstance(layer, BatchNorm):
        return "batch norm"
    return type(layer).__name__ if is_activation(layer) else layer.name


def lay_out(columns: list[Column]) -> list[Row]:
    """The columns in rows, each with its place."""
    rows = [Row(part) for part in in_rows(columns)]
    top = TOP
    for row in rows:
        pitch = max((WIDTH - 2 * MARGIN) / len(row.columns), NARROWEST)
        flat = any(len(column.shape) == 1 for column in row.columns if column.layer is not None)
        row.top, row.pitch = top, pitch
        row.height = DRAWING if flat or len(rows) == 1 else VOLUMES
        for place, column in enumerate(row.columns):
            column.x, column.middle = MARGIN + pitch * (place + 0.5), top + row.height / 2
            place_neurons(column)
        top = row.bottom + 0.45
    return rows


def in_rows(columns: list[Column]) -> list[list[Column]]:
    """The columns row by row, as evenly as it goes."""
    volumes = sum(len(column.shape) > 1 for column in columns)
    fitting = int((WIDTH - 2 * MARGIN) / NARROWEST)
    if len(columns) <= fitting or volumes < 3:
        return [columns]
    rows = -(-len(columns) // fitting)
    last = max(len(columns) // rows, len(columns) - volumes)
    upper = columns[:-last]
    size = -(-len(upper) // (rows - 1))
    return [*(upper[start : start + size] for start in range(0, len(upper), size)), columns[-last:]]


def place_neurons(column: Column) -> None:
    """Choose the neurons to draw and their places, around the middle of the drawing."""
    if column.layer is None or len(column.shape) != 1:
        return
    count = column.shape[0]
    if count <= SHOWN:
        chosen = list(range(count))
        places = [float(place) for place in range(count)]
    else:
        chosen = [*range(4), *range(count - 4, count)]
        places = [0.0, 1.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0]
    top = column.middle - PITCH * places[-1] / 2
    column.neurons = {neuron: top + PITCH * place for neuron, place in zip(chosen, places, strict=True)}


def headline(network: Network, width: float) -> str:
    """The shapes from the image to the outputs, or for many layers how many there are, and the parameters."""
    _, found = stages(network)
    total = f"{len(network.parameters):,} parameters"
    shapes = (network.input_shape, *(stage.head.output_shape for stage in found))
    whole = f"The network: {' → '.join(map(describe_shape, shapes))}, {total}"
    if text_width(whole, BIG) < width - 2 * MARGIN or all(len(stage.head.output_shape) == 1 for stage in found):
        return whole
    kinds = {"convolution": sum(isinstance(stage.head, Conv2D) for stage in found)}
    kinds["dense layer"] = sum(type(stage.head).__name__ == "Dense" for stage in found)
    named = [f"{count} {kind}{'s' * (count > 1)}" for kind, count in kinds.items() if count]
    return f"The network: {' and '.join(named) or f'{len(found)} layers'}, {total}"
