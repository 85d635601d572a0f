"""The forward pass of one image: from the pixels through every layer to ten probabilities, with the numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.figures import notation
from inkling.figures.cells import draw_cells, limit
from inkling.figures.page import LINE, MARGIN, SMALL, Page, bare, ink, text_width
from inkling.figures.stages import Stage, image_shape, stages
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, share, styled
from inkling.nn import Dense, Layer, Network, SigmoidBinaryCrossEntropy, Softmax, SoftmaxCrossEntropy, Trace, trace
from inkling.nn.activations import sigmoid
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TOP, FOOT = 12.8, 1.2, 0.35
SIDE = 1.9
Z, A, CELLS = 2.65, 4.4, 1.6
"""Where the columns of z and a begin, and how wide they are, in inches."""
FORMULAS, BARS = 6.3, 10.7


def forward_pass(network: Network, image: Array, label: int | None = None) -> Figure:
    """What the network makes of one image: each layer's z and a, one neuron's sum in numbers, the probabilities.

    Shapes: image (28, 28), or the network's input shape; uint8 counts from 0 to 255, floats as the network takes
    them. `label`: what the image shows, if known. Dropout is off, as in every prediction.
    Raises ShapeError (a ValueError) if the image doesn't fit the network.
    """
    steps = trace(network, np.asarray(image)[None], np.array([0 if label is None else label]))
    door, found = stages(network)
    pitch = min(1.7, max(0.95, 5.65 / max(len(found), 1)))
    body = max(3.6, pitch * len(found))
    winner = int(steps.probabilities[0].argmax())
    article = "an" if winner in (8, 11, 18) else "a"
    title = f"Forward pass: the network reads {article} {winner}, {share(float(steps.probabilities[0, winner]))} sure"
    if label is not None:
        title += f"   ✓ the label says {label} too" if winner == label else f"   ✗ the label says {label}"
    with styled():
        page = Page(WIDTH, TOP + body + FOOT, title)
        draw_input(page, network, steps, door)
        for index, stage in enumerate(found):
            draw_stage(page, TOP + pitch * index, pitch, stage, steps, network, last=index == len(found) - 1)
        draw_probabilities(page, body, steps.probabilities[0], label)
    return page.figure


def draw_input(page: Page, network: Network, steps: Trace, door: list[Layer]) -> None:
    """The image, what it is made of, and what the colours of the cells mean."""
    x, side = steps.x[0], SIDE
    page.text(MARGIN, TOP - 0.15, "The image x", weight="bold")
    shape = image_shape(network)
    if shape:
        ink(page.axes(MARGIN, TOP, side, side), x.reshape(shape))
    else:
        draw_cells(page, (MARGIN, TOP, side, side), x.ravel(), limit(x))
    lines = [f"{describe_shape(network.input_shape)} pixels, {x.min():.3g} to {x.max():.3g}"]
    lines += [
        f"{layer.name}: {describe_shape(layer.output_shape)}"
        for layer in door
        if layer.output_shape != layer.input_shape
    ]
    page.lines(MARGIN, TOP + side + 0.2, lines, size=SMALL, color=MUTED)
    page.text(MARGIN, page.height - FOOT - 0.62, "Colours, each grid to its ±limit", size=SMALL, color=MUTED)
    page.scale(MARGIN, page.height - FOOT - 0.45, side, "−limit", "0", "+limit")


def draw_stage(
    page: Page, top: float, pitch: float, stage: Stage, steps: Trace, network: Network, *, last: bool
) -> None:
    """A row: z, a, and the formulas of one neuron."""
    head = steps[stage.head.name]
    z = head.out[0]
    name, a = after_activation(stage, steps, network, last=last)
    neuron = int((steps.probabilities[0] if last else z if a is None else a).argmax())
    largest = limit(z)
    a_largest = largest if a is None or same_size(z, a) else limit(a)
    height = min(pitch - 0.42, 1.0)
    for left, symbol, values, its_name, reach in (
        (Z, "z", z, head.layer.name, largest),
        (A, "p" if name == "softmax" else "a", a, name, a_largest),
    ):
        if values is None:
            continue
        page.text(left, top - 0.15, f"{its_name} · {symbol}", weight="bold", size=SMALL)
        page.text(left + CELLS, top - 0.15, f"±{notation.brief(reach)}", size=SMALL, color=MUTED, ha="right")
        draw_cells(page, (left, top, CELLS, height), values, reach, neuron if values.ndim == 1 else None)
    if isinstance(head.layer, Dense):
        lines = formulas(stage, steps, network, neuron, a, last=last)
        which = f"Output {neuron}, the winner" if last else f"Neuron {neuron} of {len(z):,}, the most active"
        page.text(FORMULAS, top - 0.15, f"{which}: z = Σ w·x + b", size=SMALL, color=MUTED)
        page.lines(FORMULAS, top - 0.15 + 1.1 * LINE, lines)


def after_activation(stage: Stage, steps: Trace, network: Network, *, last: bool) -> tuple[str | None, Array | None]:
    """The name and the outputs of the stage's activation, also of one that the loss applies by itself."""
    if stage.activation is not None:
        return stage.activation.name, steps[stage.activation.name].out[0]
    if last and isinstance(network.loss, SoftmaxCrossEntropy):
        return "softmax", steps.probabilities[0]
    if last and isinstance(network.loss, SigmoidBinaryCrossEntropy):
        return "sigmoid", sigmoid(steps.outputs[0])
    return None, None


def same_size(z: Array, a: Array) -> bool:
    """Whether the activation lets positive numbers through as they are: then z and a share one scale of colours."""
    positive = z > 0
    return bool(positive.any() and np.array_equal(z[positive], a[positive]))


def formulas(stage: Stage, steps: Trace, network: Network, neuron: int, a: Array | None, *, last: bool) -> list[str]:
    """The sum of one neuron, its activation, and for an output how it becomes a probability."""
    head = steps[stage.head.name]
    x, z = head.x[0].ravel(), head.out[0]
    w, b = head.parameters["W"][:, neuron], float(head.parameters["b"][neuron])
    room = BARS - 0.2 - FORMULAS
    for terms in (3, 2, 1):
        lines = notation.weighted_sum(x, w, b, float(z[neuron]), neuron, terms)
        if max(map(text_width, lines)) < room:
            break
    if stage.activation is not None and a is not None:
        if isinstance(stage.activation, Softmax):
            lines.append(notation.softmax_formula(z, neuron, "a"))
        else:
            said = notation.activation_formula(stage.activation, float(z[neuron]), float(a[neuron]), neuron)
            lines += [said] if said else []
    if last:
        if isinstance(network.loss, SoftmaxCrossEntropy):
            return [*lines, notation.softmax_formula(steps.outputs[0], neuron)]
        if isinstance(network.loss, SigmoidBinaryCrossEntropy) and a is not None:
            lines.append(notation.sigmoid_formula(float(z[neuron]), float(a[neuron]), neuron))
        lines.append(notation.share_formula(a if a is not None else z, steps.probabilities[0], neuron))
    return lines


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
