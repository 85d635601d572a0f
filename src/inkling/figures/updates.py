"""Weight updates: what one step, or the whole training, did to the weights of a layer."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import InklingError
from inkling.figures.cells import heat, limit
from inkling.figures.notation import brief
from inkling.figures.page import MARGIN, SMALL, Page, bare
from inkling.figures.stages import image_shape
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, mosaic, percent, styled
from inkling.nn import Dense, Network, Optimizer
from inkling.nn.layers import describe_shape
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, TOP = 12.8, 1.35
PANEL, GAP = 3.7, 0.45
PICTURE, BARS = 3.0, 1.45
"""Heights of the images and of the histograms, in inches."""
TILES = 20


def one_step(network: Network, optimizer: Optimizer, images: Array, labels: Array) -> tuple[Network, Network]:
    """The network before and after one more step of the optimizer on this batch.

    Shapes: images (batch, 28, 28), labels (batch,). Both networks are copies, and so is the optimizer that takes
    the step (with what it remembers); the learning rate is that of its schedule's beginning.
    """
    before, after = copy.deepcopy(network), copy.deepcopy(network)
    after.compute_gradients(images, labels)
    learning_rate = optimizer.rate_at(0.0, 1.0)
    copy.deepcopy(optimizer).step(after.parameters, after.gradients, learning_rate, after.weight_count)
    return before, after


def since_start(network: Network) -> tuple[Network, Network]:
    """The network as its seed made it, before it learned anything, and a copy of what it is now."""
    return Network.from_config(network.config()), copy.deepcopy(network)


def weight_update(before: Network, after: Network, layer: str = "dense_1", *, title: str | None = None) -> Figure:
    """The weights of one layer before and after, and the change between them, as images and as histograms.

    A layer that looks at the pixels is drawn as one tile a neuron (of many, those that changed most), a convolution as
    one tile a kernel, any other layer as the matrix of its weights. Before and after share one scale of colours, the
    change has its own.
    Raises InklingError if there is no such layer, it has no weights, or the networks differ in shape.
    """
    first, last = weights_of(before, layer), weights_of(after, layer)
    if first.shape != last.shape:
        shapes = f"{describe_shape(first.shape)} before and {describe_shape(last.shape)} after"
        raise InklingError(f"{layer} has weights of {shapes}; compare two states of one network")
    is_kernel = first.ndim == 4
    shape = first.shape[:2] if is_kernel else image_shape(before) if sees_pixels(before, layer) else None
    about = describe(first.shape, shape)
    if is_kernel:  # each kernel a column of its own
        first, last = (weights.reshape(math.prod(weights.shape[:2]), -1) for weights in (first, last))
    change = last - first
    most = np.argsort(-np.linalg.norm(change, axis=0), kind="stable")
    chosen = most[:TILES] if len(most) > TILES else np.arange(len(most))
    reach, reach_of_change = limit(first, last), limit(change)
    lengths = [float(np.linalg.norm(weights)) for weights in (first, change, last)]
    part = f", {percent(lengths[1] / lengths[0], 1)} of before" if lengths[0] else ""
    with styled():
        page = Page(WIDTH, TOP + PICTURE + BARS + 1.25, title or f"What learning did to the weights of {layer}")
        page.text(MARGIN, 0.72, about, size=SMALL, color=MUTED)
        for index, (name, weights, largest, colour, words) in enumerate(
            (
                ("Before", first, reach, BLUE, f"‖W‖ = {brief(lengths[0])}"),
                ("Change", change, reach_of_change, ORANGE, f"‖ΔW‖ = {brief(lengths[1])}{part}"),
                ("After", last, reach, BLUE, f"‖W‖ = {brief(lengths[2])}"),
            )
        ):
            left = MARGIN + index * (PANEL + GAP)
            page.text(left, TOP - 0.2, name, weight="bold", size=12)
            page.text(left + PANEL, TOP - 0.2, words, size=SMALL, color=MUTED, ha="right")
            draw_weights(page, left, weights, largest, shape, chosen)
            page.scale(left, TOP + PICTURE + 0.12, PANEL, f"−{brief(largest)}", "0", f"+{brief(largest)}")
            draw_histogram(page, left, weights, largest, colour)
    return page.figure


def weights_of(network: Network, name: str) -> Array:
    """The weights of the layer as float64, (inputs, neurons) or (height, width, inputs, channels)."""
    weights = dict(network.named_parameters()).get(f"{name}.W")
    if weights is None:
        known = ", ".join(key.removesuffix(".W") for key, _ in network.named_parameters() if key.endswith(".W"))
        raise InklingError(f"there is no layer {name!r} with weights; there are {known or 'none'}")
    return weights.astype(np.float64)


def sees_pixels(network: Network, name: str) -> bool:
    """Whether it is a Dense layer before which nothing has learned, so that its weights are laid out as the image."""
    learners = [layer for layer in network.layers if layer.parameter_shapes()]
    return isinstance(learners[0], Dense) and learners[0].name == name


def describe(weights: tuple[int, ...], tile: tuple[int, int] | None) -> str:
    """What one sees of weights of that shape, in a line."""
    colours = "Orange above zero, blue below."
    inputs, neurons = weights[-2:]
    if tile is None:
        return f"W, {inputs:,} × {neurons:,}: one row an input, one column a neuron. {colours}"
    kind, what = "neurons", "a tile shows the weights of one neuron on the pixels"
    count = neurons
    if len(weights) == 4:
        kind, count = "kernels", inputs * neurons
        what = "a tile is the kernel of one channel"
        what += f", for one of the {inputs:,} that come in" if inputs > 1 else ""
    which = f"All {count:,} {kind}" if count <= TILES else f"The {TILES} of {count:,} {kind} that changed most"
    return f"{which}; {what}. {colours}"


def draw_weights(
    page: Page, left: float, weights: Array, largest: float, shape: tuple[int, int] | None, chosen: Array
) -> None:
    """Tiles of the chosen neurons, or the whole matrix."""
    if shape is None:
        heat(page.axes(left, TOP, PANEL, PICTURE), weights, largest)
        return
    tiles = np.moveaxis(weights[:, chosen].reshape(*shape, -1), -1, 0)
    # Of all numbers of columns, the one with which the tiles come out largest.
    gap = 1 if tiles.shape[1] < 10 else 2
    pictures = [mosaic(tiles, columns, gap) for columns in range(1, len(tiles) + 1)]
    scales = [min(PANEL / picture.shape[1], PICTURE / picture.shape[0]) for picture in pictures]
    scale, picture = max(scales), pictures[int(np.argmax(scales))]
    width, height = picture.shape[1] * scale, picture.shape[0] * scale
    axes = page.axes(left + (PANEL - width) / 2, TOP + (PICTURE - height) / 2, width, height)
    heat(axes, picture, largest).set_interpolation("nearest")


def draw_histogram(page: Page, left: float, weights: Array, largest: float, colour: str) -> None:
    """How many weights have which size."""
    axes = page.axes(left, TOP + PICTURE + 0.62, PANEL, BARS)
    axes.hist(weights.ravel(), bins=61, range=(-largest, largest), color=colour)
    bare(axes)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.axvline(0, color=INK, linewidth=0.6)
    axes.set_xlim(-largest, largest)
    words = f"{weights.size:,} weights by value, standard deviation {brief(weights.std())}"
    page.text(left + PANEL / 2, TOP + PICTURE + BARS + 0.82, words, size=SMALL, color=MUTED, ha="center")
