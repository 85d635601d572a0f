"""One pixel in numbers, for `inkling explain`: what a convolution, a pooling or a normalization makes of it, and why.

Each function gives lines of plain text that one can check with a calculator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.stages import stages
from inkling.figures.windows import Place, trail, where, window
from inkling.nn import BatchNorm, Conv2D, GlobalAveragePool2D, MaxPool2D
from inkling.nn.pooling import Pool2D

if TYPE_CHECKING:
    from inkling.nn import Network
    from inkling.nn.part import Array
    from inkling.training.trace import LayerTrace, Trace

TERMS = 3
"""How many of a gradient's products are written out."""
LISTED = 9
"""Of a larger window than this many pixels, the numbers are not listed."""


def numbers_to_follow(network: Network, steps: Trace) -> dict[str, Place]:
    """For each layer the place of the number that is followed: through a stage, the largest that it hands on."""
    places: dict[str, Place] = {}
    for stage in stages(network)[1]:
        places.update(trail(stage, steps))
    return places


def forward_lines(step: LayerTrace, place: Place) -> list[str]:
    """How the number at `place` of a layer's output comes about; nothing for layers that this file knows nothing of."""
    layer = step.layer
    if isinstance(layer, Conv2D):
        return sum_of_window(layer, step, place)
    if isinstance(layer, Pool2D):
        return pooled(layer, step, place)
    if isinstance(layer, BatchNorm):
        return [normed(layer, step, place)]
    return []


def sum_of_window(layer: Conv2D, step: LayerTrace, place: Place) -> list[str]:
    """The pixels under a kernel beside its weights, the sum of the products of each row, and z."""
    row, column, channel = place
    seen = window(layer, step.x[0], place)
    kernel, b = step.parameters["W"][..., channel], float(step.parameters["b"][channel])
    products = seen.values * kernel
    by_input = products.sum(axis=(0, 1))
    shown = int(np.abs(products).sum(axis=(0, 1)).argmax())
    rows, columns = span("row", seen.top, layer.kh), span("column", seen.left, layer.kw)
    lines = [f"channel {channel}, row {row}, column {column} sees {rows}, {columns}"]
    if layer.inputs > 1:
        lines[0] += f" of {layer.inputs} channels; of channel {shown}:"
    left, right = table(seen.values[..., shown], 3), table(kernel[..., shown], 4)
    sums = products[..., shown].sum(axis=1)
    lines.append(f"  {'pixels':<{len(left[0])}}     {'kernel':<{len(right[0])}}     sum of the products")
    lines += [f"  {a}  ·  {w}  =  {total:8.4f}" for a, w, total in zip(left, right, sums, strict=True)]
    terms = [f"{by_input[shown]:.4f}"]
    if layer.inputs > 1:
        others = counted(layer.inputs - 1, "other channel")
        terms.append(f"({by_input.sum() - by_input[shown]:.4f} from {others})")
    return [*lines, f"z = {' + '.join(terms)} + b ({b:.4f}) = {step.out[0][place]:.4f}"]


def span(word: str, start: int, size: int) -> str:
    """Row 3, or rows 3 … 5."""
    return f"{word} {start}" if size == 1 else f"{word}s {start} … {start + size - 1}"


def counted(number: int, word: str) -> str:
    """1 other place, 2 other places."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def table(values: Array, decimals: int) -> list[str]:
    """A matrix as lines of numbers that stand below one another."""
    width = max(len(f"{value:.{decimals}f}") for value in values.flat)
    return [" ".join(f"{value:{width}.{decimals}f}" for value in row) for row in values]


def pooled(layer: Pool2D, step: LayerTrace, place: Place) -> list[str]:
    """Which number of its window won, or how the mean came about."""
    result = step.out[0][place]
    if isinstance(layer, GlobalAveragePool2D):
        total, count = step.x[0][..., place[-1]].sum(), layer.kh * layer.kw
        pixels = "its 1 pixel is" if count == 1 else f"its {count} pixels add up to"
        return [f"channel {place[0]}: {pixels} {total:.4f}; {total:.4f} / {count} = {result:.4f}"]
    seen = window(layer, step.x[0], place)
    values = seen.values[..., place[2] if len(place) > 2 else 0]
    listed = ", ".join(f"{value:.4f}" for value in values.flat) if values.size <= LISTED else f"{values.size} pixels"
    if isinstance(layer, MaxPool2D):
        i, j = divmod(int(values.argmax()), layer.kw)
        winner = f"in row {seen.top + i}, column {seen.left + j}"
        return [f"{where(place)}: the largest of {listed} is {result:.4f}, {winner}"]
    return [f"{where(place)}: the mean of {listed}: {values.sum():.4f} / {values.size} = {result:.4f}"]


def normed(layer: BatchNorm, step: LayerTrace, place: Place) -> str:
    """How batch normalization shifts and stretches one number of a channel."""
    channel = place[-1]
    mean, variance = float(layer.running_mean[channel]), float(layer.running_variance[channel])
    gamma, beta = (float(step.parameters[name][channel]) for name in ("gamma", "beta"))
    epsilon, z, result = np.format_float_positional(layer.epsilon), step.x[0][place], step.out[0][place]
    return (
        f"{where(place)}: gamma {gamma:.4f} · ({z:.4f} − mean {mean:.4f}) / "
        f"√(variance {variance:.4f} + {epsilon}) + beta {beta:.4f} = {result:.4f}"
    )


def backward_lines(step: LayerTrace, place: Place) -> list[str]:
    """One derivative of a convolution's kernel as a sum over all places, or where a pooling's gradient goes."""
    layer = step.layer
    if isinstance(layer, Conv2D):
        return [kernel_gradient(layer, step, place[-1])]
    if isinstance(layer, MaxPool2D) and len(place) > 1:
        seen, share = window(layer, step.x[0], place), step.dout[0][place]
        values = seen.values[..., place[2] if len(place) > 2 else 0]
        i, j = divmod(int(values.argmax()), layer.kw)
        return [f"∂loss/∂output at {where(place)}: all {share:.6f} goes to row {seen.top + i}, column {seen.left + j}"]
    return []


def kernel_gradient(layer: Conv2D, step: LayerTrace, channel: int) -> str:
    """The largest gradient of one channel's kernel: each place where the kernel was laid adds a product to it."""
    gradients = step.gradients["W"][..., channel]
    i, j, k = (int(index) for index in np.unravel_index(int(np.abs(gradients).argmax()), gradients.shape))
    dz = step.dout[0][..., channel]
    image = step.x[0].reshape(layer.height, layer.width, layer.inputs)[..., k]
    rows = np.arange(layer.rows) * layer.down + i - layer.top
    columns = np.arange(layer.columns) * layer.across + j - layer.left
    inside = np.outer((rows >= 0) & (rows < layer.height), (columns >= 0) & (columns < layer.width))
    pixels = image[np.ix_(rows.clip(0, layer.height - 1), columns.clip(0, layer.width - 1))] * inside
    products = (pixels * dz).ravel()
    largest = [place for place in np.abs(products).argsort()[::-1][:TERMS] if products[place]]
    terms = [f"{pixels.flat[place]:.4f}·{dz.flat[place]:.6f}" for place in largest]
    others = int((products != 0).sum()) - len(largest)
    if others > 0:
        terms.append(f"({products.sum() - products[largest].sum():.6f} from {counted(others, 'other place')})")
    return f"dW[{i},{j},{k},{channel}] = Σ x · dz = {' + '.join(terms)} = {gradients[i, j, k]:.6f}"
