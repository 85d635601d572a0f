"""The backward pass of one image: how the loss becomes a gradient, and travels from the last layer to the pixels."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.cells import draw_cells, heat, in_kernels, in_maps, limit, strongest_kernels
from inkling.figures.notation import brief, fixed, subscript
from inkling.figures.page import LINE, MARGIN, SMALL, Page, bare, text_width
from inkling.figures.stages import Passing, Stage, convolutions, image_shape, stages
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, diverging, mosaic, styled
from inkling.nn import BatchNorm, Conv2D, Dense, MeanSquaredError, Network, SoftmaxCrossEntropy
from inkling.nn.activations import sigmoid
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array
from inkling.training.trace import LayerTrace, Trace, trace

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TOP, FOOT = 12.8, 1.5, 0.5
NAMES, DA, DZ, DW, DB, PIXELS = 3.1, 4.15, 5.48, 6.81, 8.79, 10.35
"""Where the columns begin, in inches."""
CELLS, WEIGHTS, SIDE = 1.2, 1.85, 2.05
TILES = 6
"""How many neurons of the first layer show their dW as an image."""
KERNELS = 8, 16
"""Of a convolution's dW, the largest kernels are shown, from so many channels to so many."""
STRIP, APART = 0.15, 0.36
"""Inches: how high the gradients of a bias, of γ and of β are, one below the other, and how far apart."""


def backward_pass(network: Network, image: Array, label: int) -> Figure:
    """How the loss of one image changes with everything: outputs, each layer's a, z, W and b, and the pixels.

    Shapes: image (28, 28), or the network's input shape. `label` is what it shows. Gradients are those of the
    data loss with dropout off, as `inkling.training.trace` records them.
    Raises ShapeError (a ValueError) if the image doesn't fit the network.
    """
    steps = trace(network, np.asarray(image)[None], np.array([label]))
    found = stages(network)[1][::-1]
    lines = max((1 + len(about(stage)) for stage in found), default=0)
    normed = any(norm_of(stage) is not None for stage in found)
    pitch = max(min(1.3, max(0.86, 5.1 / max(len(found), 1))), LINE * (lines + 1), 2 * APART + 0.5 if normed else 0)
    first = max(pitch, 1.05)
    shared = "Σ " if convolutions(network) else ""
    body = max(4.1, pitch * (len(found) - 1) + first)
    with styled():
        title = f"Backward pass: how the loss of this {label} changes with every number in the network"
        page = Page(WIDTH, TOP + body + FOOT, title)
        draw_loss(page, network, steps, label)
        for left, head, remark in (
            (DA, "da", "∂loss/∂a"),
            (DZ, "dz", "da · a′(z)"),
            (DW, "dW", f"{shared}xᵀ · dz"),
            (DB, "db", f"{shared}dz"),
        ):
            page.text(left, TOP - 0.55, head, weight="bold")
            page.text(left + 0.38, TOP - 0.55, remark, color=MUTED)
        for index, stage in enumerate(found):
            is_first = index == len(found) - 1
            draw_stage(page, TOP + pitch * index, first if is_first else pitch, stage, steps, network, is_first)
        draw_pixels(page, network, steps)
        remark = "‖ ‖ is the length of a gradient; its colours reach from − to + its largest number"
        remark += ", without the L2 term λ·W." if network.l2 else "."
        page.text(NAMES, page.height - 0.3, remark, size=SMALL, color=MUTED)
        if any(isinstance(stage.head, Conv2D) and was_cut(stage.head.W) for stage in found):
            rows, columns = KERNELS
            words = f"Of large dW: the strongest kernels, from {rows} channels (rows) to {columns} (columns)."
            page.text(NAMES, page.height - 0.52, words, size=SMALL, color=MUTED)
    return page.figure


def draw_loss(page: Page, network: Network, steps: Trace, label: int) -> None:
    """The loss in numbers, and the gradient on the outputs as bars."""
    page.text(MARGIN, TOP - 0.55, f"The loss: {brief(steps.loss)}", weight="bold")
    page.lines(MARGIN, TOP - 0.3, loss_formula(network, steps, label), size=SMALL)
    gradient = steps.doutputs[0]
    top = TOP + 0.62
    page.text(MARGIN, top - 0.15, f"Its gradient: {error_symbol(network)}", weight="bold")
    classes = np.sort(np.argsort(-np.abs(gradient), kind="stable")[:12])
    places = np.arange(len(classes))
    axes = page.axes(MARGIN + 0.3, top, 1.3, 2.75)
    axes.barh(
        places, gradient[classes], color=[ORANGE if value > 0 else BLUE for value in gradient[classes]], height=0.7
    )
    axes.axvline(0, color=MUTED, linewidth=0.8)
    reach = limit(gradient)
    axes.set_xlim(-reach, reach)
    axes.set_ylim(len(classes) - 0.4, -0.6)
    bare(axes)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_yticks(places, [str(digit) for digit in classes])
    axes.tick_params(length=0, labelsize=10.5, labelcolor=INK)
    for place, digit in zip(places, classes, strict=True):
        words = ("+" if gradient[digit] > 0 else "") + brief(gradient[digit])
        here = int(digit) == label
        page.text(
            MARGIN + 1.65,
            top + 2.75 * (place + 0.6) / (len(classes) + 0.2),
            words,
            size=SMALL,
            weight="bold" if here else "normal",
            color=INK if here else MUTED,
        )
    if network.loss.label_smoothing:
        page.text(MARGIN, top + 2.9, f"y smoothed by {network.loss.label_smoothing:g}", size=SMALL, color=MUTED)


def error_symbol(network: Network) -> str:
    """∂loss/∂outputs, as every loss here has it."""
    return "p − y" if isinstance(network.loss, SoftmaxCrossEntropy) else "a − y"


def loss_formula(network: Network, steps: Trace, label: int) -> list[str]:
    """The loss of this image: its formula, and the same with numbers."""
    loss, outputs = network.loss, steps.outputs[0].astype(np.float64)
    others = np.arange(len(outputs)) != label
    y = subscript(label)
    if isinstance(loss, SoftmaxCrossEntropy):
        return [f"−log p{y} = −log {near_one(steps.probabilities[0, label])} = {brief(steps.loss)}"]
    if isinstance(loss, MeanSquaredError):
        rest = float(np.sum(outputs[others] ** 2))
        right = fixed(outputs[label], 3)
        return ["½ Σ (a − y)²", f"= ½ [({right} − 1)² + {brief(rest)} (others)]", f"= {brief(steps.loss)}"]
    a = sigmoid(outputs)
    rest = steps.loss + float(np.log(a[label]))
    return [
        f"−log a{y} − Σ log(1 − aₖ), k ≠ {label}",
        f"= −log {near_one(a[label])} + {brief(rest)} = {brief(steps.loss)}",
    ]


def near_one(p: float) -> str:
    """A probability with so many digits that both it and what it lacks to 1 can be read; their logarithms need it."""
    least = min(float(p), 1 - float(p))
    return fixed(p, min(max(2 - math.floor(math.log10(least)), 3), 8)) if least > 0 else brief(p)


def draw_stage(
    page: Page, top: float, pitch: float, stage: Stage, steps: Trace, network: Network, is_first: bool
) -> None:
    """A row: the stage's name, then what arrives (da), dz, and the gradients of what it learns."""
    head = steps[stage.head.name]
    height = min(pitch - 0.36, 0.9)
    page.text(NAMES, top + 0.02, stage.head.name, weight="bold")
    page.lines(NAMES, top + 0.02 + LINE, about(stage), size=SMALL, color=MUTED)
    if stage.outcome is not None:
        draw_gradient(page, DA, top, height, steps[stage.outcome.name].dout[0])
    elif head.dout is steps.doutputs:
        page.text(DA, top + 0.15, f"dz = {error_symbol(network)}", color=MUTED)
    draw_gradient(page, DZ, top, height, head.dout[0])
    norm = norm_of(stage)
    if norm is not None:
        draw_strips(page, top, head, steps[norm.name])
    elif "b" in head.gradients:
        draw_gradient(page, DB, top, height, head.gradients["b"])
    if "W" in head.gradients:
        dW = head.gradients["W"]
        caption(page, DW, top, WEIGHTS, dW)
        shape = image_shape(network) if is_first and dW.ndim == 2 and len(dW) == steps.x[0].size else None
        if shape:
            draw_tiles(page, top, pitch, head, shape)
        elif isinstance(head.layer, Conv2D):
            draw_kernels(page, top, height, dW)
        else:
            dW = dW.reshape(-1, dW.shape[-1])
            dW = dW.T if dW.shape[0] > dW.shape[1] else dW
            heat(page.axes(DW, top, WEIGHTS, height), dW, limit(dW))


def about(stage: Stage) -> list[str]:
    """The shapes before and after the head of a stage, and what its outputs go through."""
    head = stage.head
    came = f"{head.inputs:,}" if isinstance(head, Dense) else describe_shape(head.input_shape)
    went = describe_shape(head.output_shape)
    shapes = [came, f"→ {went}"] if len(came + went) > 11 else [f"{came} → {went}"]
    return shapes + [layer.name for layer in stage.followers if not isinstance(layer, Passing)]


def norm_of(stage: Stage) -> BatchNorm | None:
    """The batch normalization of a stage, if it has one."""
    return next((layer for layer in (stage.head, *stage.followers) if isinstance(layer, BatchNorm)), None)


def draw_strips(page: Page, top: float, head: LayerTrace, norm: LayerTrace) -> None:
    """The gradients of the bias (of a layer that has one), and of γ and β of the normalization behind it."""
    gradients = {"b": head.gradients.get("b"), "γ": norm.gradients["gamma"], "β": norm.gradients["beta"]}
    for place, (name, values) in enumerate(gradients.items()):
        if values is not None:
            upper = top + APART * place
            page.text(DB, upper - 0.1, f"d{name}", size=9, color=MUTED)
            norm_of_values = f"‖{brief(float(np.linalg.norm(values)))}‖"
            page.text(DB + CELLS, upper - 0.1, norm_of_values, size=9, ha="right")
            draw_cells(page, (DB, upper, CELLS, STRIP), values, limit(values))


def draw_kernels(page: Page, top: float, height: float, dW: Array) -> None:
    """The dW of a convolution as kernels: of the image a grid, of several channels a row for each of them."""
    grid = (
        in_maps(dW[:, :, 0], WEIGHTS, height) if dW.shape[2] == 1 else in_kernels(dW, *strongest_kernels(dW, *KERNELS))
    )
    side = min(WEIGHTS / grid.shape[1], height / grid.shape[0])
    heat(page.axes(DW, top, side * grid.shape[1], side * grid.shape[0]), grid, limit(dW)).set_interpolation("nearest")


def was_cut(W: Array) -> bool:
    """Whether these are more kernels than are shown."""
    inputs, channels = W.shape[2:]
    return bool(inputs > 1 and (inputs > KERNELS[0] or channels > KERNELS[1]))


def draw_gradient(page: Page, left: float, top: float, height: float, values: Array) -> None:
    """One sample's gradient as cells, with its shape and length above."""
    caption(page, left, top, CELLS, values)
    draw_cells(page, (left, top, CELLS, height), values, limit(values))


def caption(page: Page, left: float, top: float, width: float, values: Array) -> None:
    """Length (Euclidean norm) on the right, shape on the left if there is room for both."""
    shape, norm = describe_shape(values.shape), f"‖{brief(float(np.linalg.norm(values)))}‖"
    if text_width(shape + norm, 9) + 0.1 < width:
        page.text(left, top - 0.12, shape, size=9, color=MUTED)
    page.text(left + width, top - 0.12, norm, size=9, color=INK, ha="right")


def draw_tiles(page: Page, top: float, pitch: float, head: LayerTrace, shape: tuple[int, int]) -> None:
    """The first layer's dW as images: of the neuron with the largest gradient, and of the next ones, smaller."""
    dW, dz = head.gradients["W"], head.dout[0]
    order = np.argsort(-np.abs(dz), kind="stable")
    largest = limit(dW)
    side = min(pitch - 0.36, 0.9)
    heat(page.axes(DW, top, side, side), dW[:, order[0]].reshape(shape), largest)
    tiles = np.moveaxis(dW[:, order[1 : TILES + 1]].reshape(*shape, -1), -1, 0)
    if len(tiles):
        columns = -(-len(tiles) // 2) if len(tiles) > 3 else len(tiles)
        width = WEIGHTS - side - 0.1
        rows = -(-len(tiles) // columns)
        tile = min(width / columns, side / rows)
        axes = page.axes(DW + side + 0.1, top, tile * columns, tile * rows)
        heat(axes, mosaic(tiles, columns), largest)
    words = f"neuron {order[0]}, then the next {len(tiles)}" if len(tiles) else f"neuron {order[0]}"
    page.text(DW, top + side + 0.13, words, size=9, color=MUTED)


def draw_pixels(page: Page, network: Network, steps: Trace) -> None:
    """The gradient on the pixels, with the outline of the digit."""
    gradient, x = steps.layers[0].dx[0], steps.x[0]
    page.text(PIXELS, TOP - 0.55, "Which ink mattered", weight="bold")
    page.text(PIXELS, TOP - 0.3, "∂loss/∂x on the pixels", size=SMALL, color=MUTED)
    caption(page, PIXELS, TOP, SIDE, gradient)
    shape, reach = image_shape(network), limit(gradient)
    if not shape:
        draw_cells(page, (PIXELS, TOP, SIDE, SIDE), gradient.ravel(), reach)
    else:
        axes = page.axes(PIXELS, TOP, SIDE, SIDE)
        axes.imshow(gradient.reshape(shape), cmap=diverging(), vmin=-reach, vmax=reach)
        bare(axes)
        pixels = x.reshape(shape)
        if pixels.min() < pixels.max():
            axes.contour(pixels, levels=[float(pixels.min() + pixels.max()) / 2], colors=INK, linewidths=1.3)
    page.scale(PIXELS, TOP + SIDE + 0.2, SIDE, f"−{brief(reach)}", "0", f"+{brief(reach)}")
    legend = ["more ink here would …", "… lower the loss (blue)", "… raise the loss (orange)", "outline: the digit"]
    page.lines(PIXELS, TOP + SIDE + 0.75, legend, size=SMALL)
