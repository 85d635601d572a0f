"""What the first neurons look for: their weights, laid out as the pixels that they belong to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import InklingError
from inkling.figures.style import MUTED, diverging, mosaic, new_figure, styled, tidy
from inkling.nn import Dense, Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

AT_MOST = 96
"""More tiles than this would be too small to see anything in."""


def first_layer_weights(network: Network, count: int | None = None) -> Figure:
    """The weights of the first Dense layer's neurons as images, on one scale that is white at zero.

    The neurons with the longest weight vectors come first, and of more than `count` (by default 96) only these
    are shown. The scale ends where 99.8 % of their weights do, so that one extreme does not pale the rest.
    Raises InklingError if the first layer that learns is not a Dense layer that sees the pixels of one image.
    """
    layer = first_dense(network)
    strongest = np.argsort(-np.linalg.norm(layer.W, axis=0), kind="stable")[: AT_MOST if count is None else count]
    tiles = as_tiles(layer.W[:, strongest], network.input_shape, layer.name)
    shown, columns = len(tiles), columns_for(len(tiles))
    limit = float(np.quantile(np.abs(tiles), 0.998)) or 1.0
    rows = -(-shown // columns)
    size = min(1.3, 8.7 / columns, 6.5 / rows)
    with styled():
        width, height = columns * size, rows * size
        figure = new_figure(max(width, 5) + 1.4, height + 1.2)
        units = layer.units
        which = f"the {units:,}" if shown == units else f"the strongest {shown:,} of {units:,}"
        figure.suptitle(f"What {which} neurons of {layer.name} look for", fontsize=14)
        axes = figure.subplots()
        axes.set_facecolor("#e5e7eb")
        # More shades than the eye can tell apart would only make the file larger.
        shades = diverging().resampled(63)
        picture = axes.imshow(mosaic(tiles, columns), cmap=shades, vmin=-limit, vmax=limit, interpolation="nearest")
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_xlabel("ink on orange excites the neuron, ink on blue inhibits it", color=MUTED, labelpad=8)
        beside = axes.inset_axes((1 + 0.2 / width, 0.05, 0.18 / width, 0.9))
        bar = figure.colorbar(picture, cax=beside, extend="both")
        bar.outline.set_visible(False)
        bar.set_ticks([-limit, 0, limit], labels=[f"−{limit:.2g}", "0", f"{limit:.2g}"])
        bar.set_label("weight")
        tidy(bar.ax)
    return figure


def first_dense(network: Network) -> Dense:
    """The first layer that learns, if it is Dense; raises InklingError if not."""
    for layer in network.layers:
        if isinstance(layer, Dense):
            return layer
        if layer.parameter_shapes():
            raise InklingError(f"the first layer that learns is {layer.name}, whose weights are no images of the input")
    raise InklingError("this network has no Dense layer, so there are no weights to show as images")


def as_tiles(weights: Array, input_shape: tuple[int, ...], name: str) -> Array:
    """Columns of weights (inputs, n) as images (n, height, width); raises InklingError if inputs are no image."""
    sides = [size for size in input_shape if size > 1]
    if len(sides) == 1 and round(sides[0] ** 0.5) ** 2 == sides[0]:
        sides = [round(sides[0] ** 0.5)] * 2
    if len(sides) != 2 or sides[0] * sides[1] != len(weights):
        raise InklingError(f"the {len(weights):,} inputs of {name} are not the pixels of one grey image")
    return weights.T.reshape(-1, *sides)


def columns_for(count: int) -> int:
    """A grid somewhat wider than high, with its last row as full as can be."""
    around = (count * 1.6) ** 0.5
    choices = range(max(round(around * 0.8), 1), max(round(around * 1.3), 1) + 1)
    return min(choices, key=lambda columns: -count % columns + abs(columns - around))
