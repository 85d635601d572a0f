"""The network that a command is to ask: found by what the user calls it, and fit to read digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.errors import ModelFileError

if TYPE_CHECKING:
    from inkling.nn import Network

Model = Annotated[str, typer.Argument(metavar="MODEL", help="A run folder, a .safetensors file, or latest.")]


def load_reader(model: str) -> Network:
    """The network in a file, in a run folder, or in the newest run.

    Raises ModelFileError if there is none, or if it takes anything but 28 × 28 pixels or answers with anything but
    ten classes.
    """
    from inkling.storage import load_model

    network = load_model(model)
    if math.prod(network.input_shape) != 28 * 28 or network.output_shape != (10,):
        takes, gives = ("×".join(map(str, shape)) for shape in (network.input_shape, network.output_shape))
        raise ModelFileError(f"{model} takes {takes} numbers and gives {gives}; to read digits it needs 28×28 and 10")
    return network
