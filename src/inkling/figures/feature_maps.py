"""The feature maps of one image: what every channel of every convolution sees in it, from the pixels to the answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import InklingError
from inkling.figures.cells import draw_cells, heat, in_maps, limit, strongest
from inkling.figures.notation import brief
from inkling.figures.page import MARGIN, SMALL, Page, bare, ink, text_width
from inkling.figures.stages import Passing, Stage, convolutions, image_shape, stages
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, mosaic, share, styled
from inkling.nn import BatchNorm, Dense, Network
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array
from inkling.training.trace import Trace, trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TOP, SIDE = 12.8, 1.2, 1.75
LEFT, GAP = 2.6, 0.3
"""Inches: where the maps begin, and how far the groups of a row are apart."""
ROW, BARS = 1.15, 1.1
"""Inches: the height of a group of maps at most (less where there are many rows), and of the bars."""
AT_MOST = 32
"""Of more channels, those that this image excites most are shown."""


@dataclass(frozen=True, eq=False)
class Group:
    """What one layer made of the image, as far as it is shown."""

    name: str
    shape: tuple[int, ...]
    values: Array
    """Maps (height, width, channels) of the channels that are shown, or (neurons,)."""


def feature_maps(network: Network, image: Array, label: int | None = None) -> Figure:
    """One image on its way through the convolutions: a row a stage, and in it what each of its layers hands on.

    A small picture is one channel; each channel keeps its place along a row. Normalization, which only shifts and
    stretches the numbers of a channel, is left out. Shapes: image (28, 28), or the network's input shape. `label`:
    what the image shows, if known. Raises InklingError if the network has no convolutions, ShapeError (a ValueError)
    if the image doesn't fit.
    """
    if not convolutions(network):
        raise InklingError("this network has no convolutions, so there are no feature maps to show")
    steps = trace(network, np.asarray(image)[None], np.array([0 if label is None else label]))
    rows = [row for row in (groups_of(stage, steps) for stage in stages(network)[1]) if row]
    most = max(map(len, rows))
    width = (WIDTH - MARGIN - LEFT - GAP * (most - 1)) / most
    room = width, min(ROW, max(0.7, 8 / len(rows)))
    heights = [max(height_of(group, *room) for group in row) + 0.55 for row in rows]
    # Beside the first rows stands the image, and below it what the colours mean.
    body = max(sum(heights) + BARS + 0.6, 3.4)
    chances = steps.probabilities[0]
    winner = int(chances.argmax())
    article = "an" if winner in (8, 11, 18) else "a"
    digit = "digit" if label is None else str(label)
    title = f"Feature maps: how the network comes to read this {digit} as {article} {winner}"
    with styled():
        page = Page(WIDTH, TOP + body + 0.25, title)
        draw_input(page, network, steps)
        top = TOP
        for row, height in zip(rows, heights, strict=True):
            for place, group in enumerate(row):
                draw_group(page, LEFT + place * (width + GAP), top, *room, group)
            top += height
        draw_probabilities(page, top + 0.15, network, chances, label)
    return page.figure


def groups_of(stage: Stage, steps: Trace) -> list[Group]:
    """The layers of a stage with what they made of the image; none for a stage that makes no maps, and gets none."""
    if len(stage.head.input_shape) == 1 and len(stage.head.output_shape) == 1:
        return []
    layers = [stage.head, *(layer for layer in stage.followers if not isinstance(layer, (*Passing, BatchNorm)))]
    outcome = steps[layers[-1].name].out[0]
    shown = np.arange(outcome.shape[-1])
    if outcome.ndim == 3:
        shown = strongest(np.abs(outcome).mean(axis=(0, 1)), AT_MOST)
    elif not any(len(layer.output_shape) == 3 for layer in layers) and stage.head.parameter_shapes():
        return []  # a Dense layer, which looks at all maps at once
    return [Group(layer.name, layer.output_shape, steps[layer.name].out[0][..., shown]) for layer in layers]


def tiles_of(group: Group, width: float, height: float) -> tuple[Array, float]:
    """The maps side by side, NaN between them, and how many inches a pixel takes."""
    channels = group.values.shape[-1]
    # As if all maps were of one size, so that a channel stands at one place in all groups of a row.
    rows = (len(in_maps(np.zeros((16, 16, channels)), width, height)) + 1) // 17
    grid = mosaic(np.moveaxis(group.values, -1, 0), math.ceil(channels / rows), gap=1)
    return grid, min(width / grid.shape[1], height / grid.shape[0])


def height_of(group: Group, width: float, height: float) -> float:
    """Inches of the maps."""
    if group.values.ndim == 1:
        return 0.5
    grid, pixel = tiles_of(group, width, height)
    return len(grid) * pixel


def draw_input(page: Page, network: Network, steps: Trace) -> None:
    """The image, and what the colours of the maps mean."""
    x, shape = steps.x[0], image_shape(network)
    page.text(MARGIN, TOP - 0.15, "The image x", weight="bold")
    axes = page.axes(MARGIN, TOP, SIDE, SIDE)
    if shape:
        ink(axes, x.reshape(shape))
    else:
        heat(axes, x.reshape(len(x), -1), limit(x))
    page.text(MARGIN, TOP + SIDE + 0.15, f"{describe_shape(network.input_shape)} pixels", size=SMALL, color=MUTED)
    top = TOP + SIDE + 0.6
    page.text(MARGIN, top, "Colours, each group to its ±limit", size=9, color=MUTED)
    page.scale(MARGIN, top + 0.15, SIDE, "−limit", "0", "+limit")


def draw_group(page: Page, left: float, top: float, width: float, height: float, group: Group) -> None:
    """The maps of one layer, with its name, shape, and the limit of their colours."""
    largest, shown = limit(group.values), group.values.shape[-1]
    about = describe_shape(group.shape)
    if shown < group.shape[-1]:
        about += f", {shown} shown"
    page.text(left, top - 0.15, group.name, weight="bold", size=SMALL)
    page.text(left + 1.12 * text_width(group.name, SMALL) + 0.1, top - 0.15, about, size=SMALL, color=MUTED)
    page.text(left + width, top - 0.15, f"±{brief(largest)}", size=SMALL, color=MUTED, ha="right")
    if group.values.ndim == 1:
        draw_cells(page, (left, top, width, 0.5), group.values, largest)
        return
    grid, pixel = tiles_of(group, width, height)
    heat(page.axes(left, top, grid.shape[1] * pixel, grid.shape[0] * pixel), grid, largest)


def draw_probabilities(page: Page, top: float, network: Network, chances: Array, label: int | None) -> None:
    """The probabilities as bars that stand beside one another; the label's class is ticked."""
    behind = [layer.name for layer in network.layers if isinstance(layer, Dense)]
    page.text(LEFT, top - 0.2, "The probabilities p", weight="bold")
    through = f"what {', '.join(behind)} make{'s' * (len(behind) == 1)} of it all" if behind else ""
    page.text(LEFT + 1.8, top - 0.2, through, size=SMALL, color=MUTED)
    classes = np.sort(np.argsort(-chances, kind="stable")[:12])
    winner = int(chances.argmax())
    wrong = label is not None and winner != label
    places, width = np.arange(len(classes)), WIDTH - MARGIN - LEFT
    colours = [(ORANGE if wrong else BLUE) if digit == winner else "#9aa1ab" for digit in classes]
    axes = page.axes(LEFT, top, width, BARS)
    axes.bar(places, chances[classes], color=colours, width=0.6)
    axes.set_xlim(-0.6, len(classes) - 0.4)
    axes.set_ylim(0, 1.3)
    for place, digit in enumerate(classes):
        style: dict[str, Any] = {"color": INK, "weight": "bold"} if digit == winner else {"color": MUTED}
        words = share(float(chances[digit]))
        axes.text(place, chances[digit] + 0.05, words, ha="center", va="bottom", fontsize=SMALL, **style)
    bare(axes)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.set_xticks(places, [f"{digit} ✓" if digit == label else str(digit) for digit in classes])
    axes.tick_params(length=0, labelsize=11, labelcolor=INK)
