"""The vital signs of every layer while it learns: how large its activations, gradients and weights are.

A network that learns badly mostly shows it here first: gradients that shrink from layer to layer towards the
input (vanishing), or grow (exploding), neurons that are silent for every image (dead).
"""

from __future__ import annotations

import csv
import io
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import InklingError
from inkling.nn.part import Array
from inkling.storage import write_text
from inkling.training.callbacks import Callback
from inkling.training.trace import trace

if TYPE_CHECKING:
    from inkling.training.trainer import Trainer

PROBE = 256
"""How many training images the layers are looked at with, always the same ones."""
AT_MOST = 200
"""Of a long training no more than so many epochs are looked at."""


@dataclass(frozen=True)
class Sign:
    """One layer after one epoch (0: before the first), on the probe images, dropout off.

    Standard deviations are over all numbers of the layer; `gradient_std` is of ∂loss/∂output. `zero_fraction` is
    how many outputs are exactly 0, `dead_units` how many of the `units` neurons are 0 for every image; a channel of
    feature maps counts as one neuron. The weight figures are None for layers that learn nothing.
    """

    epoch: int
    layer: str
    output_mean: float
    output_std: float
    gradient_std: float
    zero_fraction: float
    dead_units: int
    units: int
    weight_std: float | None = None
    weight_gradient_std: float | None = None


COLUMNS = tuple(field.name for field in fields(Sign))


class Vitals(Callback):
    """Take the vital signs of all layers before the first epoch and after each; `signs` is the list.

    With `path` they are also written there, as CSV, when training ends.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = None if path is None else Path(path)
        self.signs: list[Sign] = []

    def on_train_begin(self, trainer: Trainer) -> None:
        if trainer.epoch == 0 and trainer.batch == 0:
            self.signs = []
            self.look(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        every = -(-trainer.epochs // AT_MOST)
        if trainer.epoch % every == 0 or trainer.epoch == trainer.epochs:
            self.look(trainer)

    def look(self, trainer: Trainer) -> None:
        """Take the signs now."""
        images, labels = trainer.train.images[:PROBE], trainer.train.labels[:PROBE]
        for step in trace(trainer.network, images, labels).layers:
            flat = step.out.reshape(-1, step.out.shape[-1])
            weights, gradients = step.parameters.get("W"), step.gradients.get("W")
            self.signs.append(
                Sign(
                    trainer.epoch,
                    step.layer.name,
                    float(flat.mean()),
                    float(flat.std()),
                    float(step.dout.std()),
                    float(np.mean(flat == 0)),
                    int(np.count_nonzero(~flat.any(axis=0))),
                    flat.shape[1],
                    None if weights is None else float(weights.std()),
                    None if gradients is None else float(gradients.std()),
                )
            )

    def on_train_end(self, trainer: Trainer) -> None:
        if self.path is not None:
            write_text(self.path, to_csv(self.signs))

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        return {}, {"signs": [astuple(sign) for sign in self.signs]}

    def restore(self, arrays: dict[str, Array], values: dict[str, Any]) -> None:
        self.signs = [Sign(*row) for row in values["signs"]]


def to_csv(signs: list[Sign]) -> str:
    """The signs as CSV text with a header."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(astuple(sign) for sign in signs)
    return text.getvalue()


def read_vitals(path: Path | str) -> list[Sign]:
    """What `Vitals` wrote. Raises InklingError if the file is missing or something else."""
    whole = {"epoch": int, "layer": str, "dead_units": int, "units": int}
    try:
        with Path(path).open(newline="", encoding="utf-8") as file:
            return [
                Sign(**{n: None if row[n] == "" else whole.get(n, float)(row[n]) for n in COLUMNS})  # type: ignore[arg-type]
                for row in csv.DictReader(file)
            ]
    except OSError as error:
        raise InklingError(f"cannot read {path}: {error.strerror or error}") from None
    except (KeyError, ValueError, TypeError) as error:
        raise InklingError(f"{path} holds no vital signs ({error})") from None
