"""Windows: which numbers one output pixel is made of, and the way of one pixel through a stage.

A convolution and its pooling make a pixel of a few pixels before it. Pictures and `inkling explain` follow one such
pixel, the brightest that a stage hands on, back to the numbers that it came from.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from inkling.figures.stages import Passing, Stage
from inkling.nn.part import Array
from inkling.nn.pooling import Pool2D
from inkling.nn.windows import Windowed
from inkling.training.trace import Trace

Place: TypeAlias = tuple[int, ...]
"""Where a number stands in the output of a layer, for one sample: (row, column, channel), or (neuron,)."""


@dataclass(frozen=True, eq=False)
class Window:
    """What one output pixel sees of an image (height, width, channels)."""

    top: int
    """Of its upper left corner; less than 0 where it reaches over the edge, into the padding."""
    left: int
    values: Array
    """(kernel height, kernel width, channels); zeros in the padding."""


def window(layer: Windowed, x: Array, place: Sequence[int]) -> Window:
    """The window of the output pixel at `place` (row, column, …); x is one sample of the layer's input."""
    image = x.reshape(layer.height, layer.width, layer.inputs)
    # Of a mean over the whole image there is one window, and its place names but the channel.
    row, column = place[:2] if len(place) > 1 else (0, 0)
    top, left = row * layer.down - layer.top, column * layer.across - layer.left
    rows, columns = (np.arange(start, start + size) for start, size in ((top, layer.kh), (left, layer.kw)))
    inside = np.outer((rows >= 0) & (rows < layer.height), (columns >= 0) & (columns < layer.width))
    seen = image[np.ix_(rows.clip(0, layer.height - 1), columns.clip(0, layer.width - 1))]
    return Window(top, left, np.where(inside[:, :, None], seen, 0))


def trail(stage: Stage, steps: Trace) -> dict[str, Place]:
    """The way of one number of the first sample through a stage: for each layer its place in that layer's output.

    It is the largest of those that the stage hands on. Pooling makes one number of several; of these it is the
    largest that is followed back.
    """
    layers = [stage.head, *(layer for layer in stage.followers if not isinstance(layer, Passing))]
    place = largest(steps[layers[-1].name].out[0])
    places = {layers[-1].name: place}
    for before, layer in zip(layers[-2::-1], layers[:0:-1], strict=True):
        if isinstance(layer, Pool2D):
            channel = place[2] if len(place) > 2 else 0
            seen = window(layer, steps[layer.name].x[0], place)
            row, column = largest(seen.values[:, :, channel])
            place = (seen.top + row, seen.left + column, *place[2:])
        places[before.name] = place
    return places


def largest(values: Array) -> Place:
    """Where the largest number stands."""
    return tuple(int(index) for index in np.unravel_index(int(values.argmax()), values.shape))


def where(place: Place) -> str:
    """(10, 12, 3) → "channel 3, row 10, column 12"."""
    if len(place) == 1:
        return f"neuron {place[0]}"
    row, column = place[:2]
    channel = f"channel {place[2]}, " if len(place) > 2 else ""
    return f"{channel}row {row}, column {column}"
