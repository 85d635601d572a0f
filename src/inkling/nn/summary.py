"""A network as a table: what stands in it, in which shapes, and how much it has to learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from inkling.nn.layers import describe_shape

if TYPE_CHECKING:
    from inkling.nn.network import Network


def layer_table(network: Network) -> list[tuple[str, str, str, int, int]]:
    """A row a layer: name, description, output shape, parameters, bytes of the parameters."""
    rows = []
    for layer in network.layers:
        count = sum(map(math.prod, layer.parameter_shapes().values()))
        shape = describe_shape(layer.output_shape)
        rows.append((layer.name, repr(layer), shape, count, count * network.dtype.itemsize))
    return rows


def summary(network: Network) -> str:
    """A table of the layers with shapes, parameters and bytes, as text, with the input above and totals below."""
    total = len(network.parameters)
    table = [("layer", "what", "output", "parameters", "bytes")]
    table.append(("input", "", describe_shape(network.input_shape), "", ""))
    table += [(name, what, shape, f"{n:,}", f"{size:,}") for name, what, shape, n, size in layer_table(network)]
    table.append(("total", repr(network.loss), "", f"{total:,}", f"{total * network.dtype.itemsize:,}"))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    row = "  ".join(f"{{:{side}{width}}}" for side, width in zip("<<<>>", widths, strict=True))
    lines = [row.format(*cells).rstrip() for cells in table]
    rule = "─" * max(map(len, lines))
    return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])
