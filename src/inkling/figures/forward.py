"""The forward pass of one image: from the pixels through every layer to ten probabilities, with the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures import notation
from inkling.figures.cells import draw_cells, frame, limit
from inkling.figures.page import LINE, MARGIN, SMALL, Page, bare, ink, text_width
from inkling.figures.stages import Stage, image_shape, is_activation, stages
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, share, styled
from inkling.figures.windows import Place, Window, largest, trail, where, window
from inkling.nn import (
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    GlobalAveragePool2D,
    Layer,
    MaxPool2D,
    Network,
    SigmoidBinaryCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
)
from inkling.nn.activations import sigmoid
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array
from inkling.nn.pooling import Pool2D
from inkling.training.trace import Trace, trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TOP, FOOT = 12.8, 1.2, 0.35
SIDE = 1.9
Z, A, CELLS = 2.65, 4.4, 1.6
"""Where the columns of z and a begin, and how wide they are, in inches."""
FORMULAS, BARS = 6.3, 10.7


@dataclass(frozen=True, eq=False)
class Row:
    """What the picture says of one stage."""

    stage: Stage
    z: Array
    name: str | None
    """The layer that made `a`, None if there is none."""
    a: Array | None
    places: dict[str, Place]
    """Of the number that is followed: where it stands in each layer's output."""
    headline: str
    lines: list[str]


def forward_pass(network: Network, image: Array, label: int | None = None) -> Figure:
    """What the network makes of one image: each layer's z and a, one neuron's sum in numbers, the probabilities.

    Of a convolution one pixel of one channel is followed, through normalization and pooling to its activation.
    Shapes: image (28, 28), or the network's input shape; uint8 counts from 0 to 255, floats as the network takes
    them. `label`: what the image shows, if known. Dropout is off, as in every prediction.
    Raises ShapeError (a ValueError) if the image doesn't fit the network.
    """
    steps = trace(network, np.asarray(image)[None], np.array([0 if label is None else label]))
    door, found = stages(network)
    rows = [row_of(stage, steps, network, last=stage is found[-1]) for stage in found]
    most = max((len(row.lines) for row in rows[:-1]), default=0)
    pitch = max(0.95, LINE * (most + 1.6), min(1.7, 5.65 / max(len(found), 1)))
    body = max(3.6, pitch * len(found))
    winner = int(steps.probabilities[0].argmax())
    article = "an" if winner in (8, 11, 18) else "a"
    title = f"Forward pass: the network reads {article} {winner}, {share(float(steps.probabilities[0, winner]))} sure"
    if label is not None:
        title += f"   ✓ the label says {label} too" if winner == label else f"   ✗ the label says {label}"
    with styled():
        page = Page(WIDTH, TOP + body + FOOT, title)
        draw_input(page, network, steps, door, first_window(rows, steps))
        for index, row in enumerate(rows):
            draw_row(page, TOP + pitch * index, pitch, row)
        draw_probabilities(page, body, steps.probabilities[0], label)
    return page.figure


def first_window(rows: list[Row], steps: Trace) -> Window | None:
    """What the followed pixel of the first stage sees of the image, if that is a convolution."""
    head = rows[0].stage.head if rows else None
    if not isinstance(head, Conv2D):
        return None
    return window(head, steps[head.name].x[0], rows[0].places[head.name])


def draw_input(page: Page, network: Network, steps: Trace, door: list[Layer], seen: Window | None) -> None:
    """The image, what it is made of, what the first convolution sees of it, and what the colours of the cells mean."""
    x, side = steps.x[0], SIDE
    page.text(MARGIN, TOP - 0.15, "The image x", weight="bold")
    shape = image_shape(network)
    lines = [f"{describe_shape(network.input_shape)} pixels, {x.min():.3g} to {x.max():.3g}"]
    if shape:
        axes = page.axes(MARGIN, TOP, side, side)
        ink(axes, x.reshape(shape))
        if seen is not None:
            frame(axes, seen.left, seen.top, seen.values.shape[1], seen.values.shape[0], colour=ORANGE)
            lines.append("framed: the window on the right")
    else:
        draw_cells(page, (MARGIN, TOP, side, side), x.ravel(), limit(x))
    lines += [
        f"{layer.name}: {describe_shape(layer.output_shape)}"
        for layer in door
        if layer.output_shape != layer.input_shape
    ]
    page.lines(MARGIN, TOP + side + 0.2, lines, size=SMALL, color=MUTED)
    page.text(MARGIN, page.height - FOOT - 0.62, "Colours, each grid to its ±limit", size=SMALL, color=MUTED)
    page.scale(MARGIN, page.height - FOOT - 0.45, side, "−limit", "0", "+limit")


def row_of(stage: Stage, steps: Trace, network: Network, *, last: bool) -> Row:
    """Which numbers of a stage are shown, and which one is followed."""
    head = steps[stage.head.name]
    z = head.out[0]
    name, a = after_activation(stage, steps, network, last=last)
    if z.ndim == 1:
        place = largest(steps.probabilities[0] if last else z if a is None else a)
        places = dict.fromkeys([stage.head.name, *([name] if name else [])], place)
    else:
        places = trail(stage, steps)
    headline, lines = "", []
    if isinstance(head.layer, Dense):
        (neuron,) = places[stage.head.name]
        headline = f"Output {neuron}, the winner" if last else f"Neuron {neuron} of {len(z):,}, the most active"
        headline += ": z = Σ w·x + b"
        x = head.x[0].ravel()
        lines = weighted_sum(head.parameters, x, float(z[neuron]), neuron)
        lines += dense_formulas(stage, steps, network, neuron, a, last=last)
    elif isinstance(head.layer, (Conv2D, Pool2D, BatchNorm)):
        headline, lines = pixel_formulas(stage, steps, places)
    return Row(stage, z, name, a, places, headline, lines)


def draw_row(page: Page, top: float, pitch: float, row: Row) -> None:
    """A row: z, a, and the formulas of one neuron, or of one pixel."""
    height = min(pitch - 0.42, 1.0)
    head, z, a = row.stage.head, row.z, row.a
    largest = limit(z)
    a_largest = largest if a is None or same_size(z, a) else limit(a)
    symbol = " · z" if a is not None or head.parameter_shapes() else ""
    draw_values(page, Z, top, height, head.name + symbol, z, largest, row.places.get(head.name, ()))
    if a is not None and row.name is not None:
        pooled = isinstance(row.stage.outcome, Pool2D)
        symbol = "" if pooled else " · p" if row.name == "softmax" else " · a"
        draw_values(page, A, top, height, row.name + symbol, a, a_largest, row.places.get(row.name, ()))
    page.text(FORMULAS, top - 0.15, row.headline, size=SMALL, color=MUTED)
    page.lines(FORMULAS, top - 0.15 + 1.1 * LINE, row.lines)


def draw_values(
    page: Page, left: float, top: float, height: float, name: str, values: Array, reach: float, marked: Place
) -> None:
    """The numbers that a layer made of the image, with its name and the limit of their colours."""
    scale = f"±{notation.brief(reach)}"
    page.text(left, top - 0.15, name, weight="bold", size=SMALL)
    # Bold letters are wider than those that are measured.
    right = max(left + CELLS, left + 1.12 * text_width(name, SMALL) + 0.06 + text_width(scale, SMALL))
    page.text(right, top - 0.15, scale, size=SMALL, color=MUTED, ha="right")
    draw_cells(page, (left, top, CELLS, height), values, reach, marked)


def after_activation(stage: Stage, steps: Trace, network: Network, *, last: bool) -> tuple[str | None, Array | None]:
    """The name and the numbers of what a stage hands on, also of an activation that the loss applies by itself."""
    outcome = stage.outcome
    if last and isinstance(network.loss, SoftmaxCrossEntropy) and not isinstance(outcome, Softmax):
        return "softmax", steps.probabilities[0]
    if last and isinstance(network.loss, SigmoidBinaryCrossEntropy) and stage.activation is None:
        return "sigmoid", sigmoid(steps.outputs[0])
    return (None, None) if outcome is None else (outcome.name, steps[outcome.name].out[0])


def same_size(z: Array, a: Array) -> bool:
    """Whether the activation lets positive numbers through as they are: then z and a share one scale of colours."""
    positive = z > 0
    return z.shape == a.shape and bool(positive.any() and np.array_equal(z[positive], a[positive]))


def weighted_sum(parameters: dict[str, Array], x: Array, z: float, neuron: int) -> list[str]:
    """The sum z of one neuron, or of one channel at one place, with as many terms as there is room for."""
    w, b = parameters["W"][..., neuron].ravel(), float(parameters["b"][neuron])
    for terms in (3, 2, 1):
        lines = notation.weighted_sum(x.ravel(), w, b, z, neuron, terms)
        if max(map(text_width, lines)) < BARS - 0.2 - FORMULAS:
            break
    return lines


def dense_formulas(
    stage: Stage, steps: Trace, network: Network, neuron: int, a: Array | None, *, last: bool
) -> list[str]:
    """What becomes of one neuron's z: its activation, and of an output how it becomes a probability."""
    z, lines = steps[stage.head.name].out[0], []
    for layer in stage.followers:
        if isinstance(layer, Softmax):
            lines.append(notation.softmax_formula(steps[layer.name].x[0], neuron, "a"))
        else:
            lines += follower_formula(layer, steps, (neuron,))
    if last:
        if isinstance(network.loss, SoftmaxCrossEntropy):
            return [*lines, notation.softmax_formula(steps.outputs[0], neuron)]
        if isinstance(network.loss, SigmoidBinaryCrossEntropy) and a is not None:
            lines.append(notation.sigmoid_formula(float(z[neuron]), float(a[neuron]), neuron))
        lines.append(notation.share_formula(a if a is not None else z, steps.probabilities[0], neuron))
    return lines


def pixel_formulas(stage: Stage, steps: Trace, places: dict[str, Place]) -> tuple[str, list[str]]:
    """One pixel of a convolution (or of a pooling, a normalization), and what becomes of it."""
    head, place = steps[stage.head.name], places[stage.head.name]
    headline = where(place).capitalize()
    if isinstance(head.layer, Conv2D):
        kernel = "×".join(map(str, head.parameters["W"].shape[:3]))
        headline += f": z = Σ w·x + b of {kernel}"
        seen = window(head.layer, head.x[0], place)
        lines = weighted_sum(head.parameters, seen.values, float(head.out[0][place]), place[-1])
    else:
        lines = follower_formula(head.layer, steps, place)
    if isinstance(head.layer, GlobalAveragePool2D):
        headline = f"Channel {place[0]}: the mean of {describe_shape(head.layer.input_shape[:2])} pixels"
    for layer in stage.followers:
        if layer.name in places:
            lines += follower_formula(layer, steps, places[layer.name])
    return headline, lines


def follower_formula(layer: Layer, steps: Trace, place: Place) -> list[str]:
    """What a layer makes of one number, in a line; nothing for a layer that changes none, or is unknown."""
    step, channel = steps[layer.name], place[-1]
    if isinstance(layer, Pool2D):
        seen = window(layer, step.x[0], place).values[:, :, channel if len(place) != 2 else 0].ravel()
        if isinstance(layer, MaxPool2D):
            return [notation.max_formula(seen, channel)]
        return [notation.mean_formula(seen, channel)] if isinstance(layer, AveragePool2D) else []
    came, went = float(step.x[0][place]), float(step.out[0][place])
    if isinstance(layer, BatchNorm):
        return [notation.norm_formula(layer, came, went, channel)]
    if is_activation(layer):
        said = notation.activation_formula(layer, came, went, channel)
        return [said] if said else []
    return []


def draw_probabilities(page: Page, body: float, chances: Array, label: int | None) -> None:
    """The probabilities as bars, one a class; the label's class is ticked."""
    height = min(body, 4.4)
    axes = page.axes(BARS + 0.35, TOP, WIDTH - MARGIN - BARS - 0.35, height)
    classes = np.sort(np.argsort(-chances, kind="stable")[:12])
    winner = int(chances.argmax())
    wrong = label is not None and winner != label
    places = np.arange(len(classes))
    colours = [(ORANGE if wrong else BLUE) if digit == winner else "#9aa1ab" for digit in classes]
    axes.barh(places, chances[classes], color=colours, height=0.7)
    for place, digit in enumerate(classes):
        axes.text(
            chances[digit] + 0.04,
            place,
            share(float(chances[digit])),
            va="center",
            fontsize=SMALL,
            color=INK if digit == winner else MUTED,
            weight="bold" if digit == winner else "normal",
        )
    axes.set_xlim(0, 1.6)
    axes.set_ylim(len(classes) - 0.4, -0.6)
    bare(axes)
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    axes.set_yticks(places, [f"{digit} ✓" if digit == label else str(digit) for digit in classes])
    axes.tick_params(length=0, labelsize=11, labelcolor=INK)
    page.text(BARS, TOP - 0.15, "The probabilities p", weight="bold")
