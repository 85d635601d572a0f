"""Activation functions and their derivatives, and where on them a network's own values lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.predictions import rows_and_columns
from inkling.figures.style import BLUE, INK, MUTED, ORANGE, new_figure, notice, styled, tidy
from inkling.nn import Layer, Network
from inkling.nn.activations import ACTIVATIONS, Softmax
from inkling.nn.part import Array, from_config

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CLASSES = 10
"""Softmax needs company: it is drawn for one score of so many, the others being 0."""
MIDDLE = (0.005, 0.995)
"""The quantiles between which values are said to lie: a few extremes shall not stretch the picture."""
AT_MOST = 300_000
"""Of more values (feature maps have millions), evenly chosen ones tell as much."""


@dataclass(frozen=True, eq=False)
class Shape:
    """An activation's curve, and the z of the network that fall on it (none for the mere function)."""

    title: str
    layer: Layer
    values: Array


def activation_functions(network: Network, images: Array) -> Figure:
    """Each activation of this network with its derivative, and where its z really fall on these images.

    In the grey region lie 99 % of the layer's values; their histogram is below. A derivative near 0 there
    means that little gradient gets through. Shapes: images (n, 28, 28); a few hundred are enough.
    """
    twin = network.replica()
    found: list[Shape] = []
    z = twin.enter(np.asarray(images))
    for layer, out in twin.activations(images):
        if isinstance(layer, tuple(ACTIVATIONS.values())):
            values = z.reshape(-1)
            values = values[:: -(-len(values) // AT_MOST)].astype(np.float64)
            slope = float(slopes_at(layer, z).mean())
            found.append(Shape(f"{layer.name}: mean slope {slope:.2g} here", layer, values))
        z = out
    if not found:
        return notice("No activation functions", "This network has none: it is linear up to its loss.")
    return draw(found, f"Where this network's values fall on its activations ({len(images):,} images)")


def activation_shapes() -> Figure:
    """Every activation that Inkling knows, with its derivative."""
    shapes = [Shape(kind.__name__, kind(), np.empty(0)) for kind in ACTIVATIONS.values()]
    return draw(shapes, "Activation functions and their derivatives")


def curve(layer: Layer, z: Array) -> tuple[Array, Array]:
    """Function and derivative at each z (n,), by a copy of the layer itself: the derivative is its `backward`."""
    copy = from_config(layer.config())
    scores = np.zeros((len(z), CLASSES))
    scores[:, 0] = z
    direction = np.zeros_like(scores)
    direction[:, 0] = 1
    a = copy.forward(scores, training=False)[:, 0]
    return a, copy.backward(direction)[:, 0]


def slopes_at(layer: Layer, z: Array) -> Array:
    """∂a/∂z of each number of z (n, …): for Softmax of each score with respect to itself."""
    layer.forward(z, training=False)
    if not isinstance(layer, Softmax):
        return layer.backward(np.ones_like(z))
    slopes = np.empty_like(z)
    for k, direction in enumerate(np.eye(z.shape[1], dtype=z.dtype)):
        slopes[:, k] = layer.backward(np.tile(direction, (len(z), 1)))[:, k]
    return slopes


def draw(shapes: Sequence[Shape], title: str) -> Figure:
    """A panel for each, no more than three in a row."""
    rows, columns = rows_and_columns(len(shapes), 3)
    with styled():
        figure = new_figure(max(4.1 * columns, 7), 3.6 * rows + 1.2)
        figure.suptitle(title, fontsize=14)
        parts = figure.add_gridspec(rows, columns)
        panels = []
        for index, shape in enumerate(shapes):
            if len(shape.values):
                inner = parts[index // columns, index % columns].subgridspec(2, 1, height_ratios=(4, 1))
                upper = figure.add_subplot(inner[0])
                lower = figure.add_subplot(inner[1], sharex=upper)
                draw_histogram(lower, shape.values)
            else:
                upper = figure.add_subplot(parts[index // columns, index % columns])
                upper.set_xlabel("z")
            draw_shape(upper, shape)
            panels.append(upper)
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=3, frameon=False, fontsize=11)
    return figure


def draw_shape(axes: Axes, shape: Shape) -> None:
    """The function as a solid line, its derivative dashed, and the region of this layer's values."""
    low, high = region(shape.values)
    reach = max(4.0, 1.15 * abs(low), 1.15 * abs(high))
    # An even number of points leaves out 0, where some derivatives jump.
    z = np.linspace(-reach, reach, 1000)
    a, slope = curve(shape.layer, z)
    axes.plot(z, a, color=BLUE, linewidth=2.2, label="a = f(z)")
    axes.plot(z, slope, color=ORANGE, linewidth=2.2, linestyle="--", label="∂a/∂z")
    if len(shape.values):
        axes.axvspan(low, high, color=MUTED, alpha=0.15, linewidth=0, label="where 99 % of this layer's z lie")
        for edge in (low, high):
            axes.axvline(edge, color=MUTED, linewidth=1, linestyle=":")
        axes.tick_params(labelbottom=False)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.set_xlim(-reach, reach)
    axes.set_title(shape.title + ("\n(one score, the others 0)" if isinstance(shape.layer, Softmax) else ""))
    tidy(axes)


def region(values: Array) -> tuple[float, float]:
    """Between which numbers nearly all values lie; (0, 0) if there are none."""
    if not len(values):
        return 0.0, 0.0
    low, high = np.quantile(values, MIDDLE)
    return float(low), float(high)


def draw_histogram(axes: Axes, values: Array) -> None:
    """How often which z occurs, under the curve that it belongs to."""
    low, high = region(values)
    reach = max(4.0, 1.15 * abs(low), 1.15 * abs(high))
    shares, edges = np.histogram(values, bins=60, range=(-reach, reach))
    axes.stairs(shares / len(values), edges, fill=True, color=MUTED)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("z of this layer", color=INK)
    tidy(axes)
