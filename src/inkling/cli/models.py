"""The network that a command is to ask: found by what the user calls it, and fit to read digits."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import completion
from inkling.errors import ModelFileError

if TYPE_CHECKING:
    from inkling.nn import Network

MODELS = "A run folder, a .safetensors file, latest, or pretrained (which comes along)."
"""What stands for a network, for the help of whatever takes one."""
Model = Annotated[str, typer.Argument(metavar="MODEL", help=MODELS, autocompletion=completion.models)]
Run = Annotated[
    str, typer.Argument(metavar="RUN", help="A run folder, or latest.", autocompletion=completion.run_folders)
]


def load_reader(model: str) -> Network:
    """The network in a file, in a run folder, in the newest run, or the one that comes along.

    Raises ModelFileError if there is none, or if it takes anything but 28 × 28 pixels or answers with anything but
    ten classes.
    """
    from inkling.storage import load_model

    network = load_model(model)
    if math.prod(network.input_shape) != 28 * 28 or network.output_shape != (10,):
        takes, gives = ("×".join(map(str, shape)) for shape in (network.input_shape, network.output_shape))
        raise ModelFileError(f"{model} takes {takes} numbers and gives {gives}; to read digits it needs 28×28 and 10")
    return network
