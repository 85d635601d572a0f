"""Callbacks watch a training from beside the road: they are told when it begins and ends, and after each step.

Whatever wants to see, save or stop a training is a callback, so there is only ever one training loop.
A callback reads what it wants to know from the trainer it is handed: `trainer.epoch`, `.history`, `.network`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import InklingError
from inkling.nn.part import Array
from inkling.storage import write_arrays, write_text

if TYPE_CHECKING:
    from inkling.training.trainer import Trainer


class Callback:
    """Does nothing, four times. Override what you need."""

    def on_train_begin(self, trainer: Trainer) -> None:
        """Training is about to begin, or to go on."""

    def on_batch_end(self, trainer: Trainer) -> None:
        """The optimizer has taken a step. Called often: be quick."""

    def on_epoch_end(self, trainer: Trainer) -> None:
        """An epoch is over, and `trainer.history.last` describes it."""

    def on_train_end(self, trainer: Trainer) -> None:
        """Training is over; `trainer.outcome` says how: finished, stopped, interrupted or failed."""

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        """What a checkpoint must keep of this callback: arrays and JSON values by name."""
        return {}, {}

    def restore(self, arrays: dict[str, Array], values: dict[str, Any]) -> None:
        """Take back what `state` gave."""


class EarlyStopping(Callback):
    """Stop when validation has not improved for `patience` epochs, and go back to the best weights.

    `monitor` is "validation_loss" (lower is better) or "validation_accuracy" (higher is); an improvement counts
    if it is larger than `min_delta`. After an interrupt the weights are left where they were, so that the
    training can go on.
    """

    def __init__(self, patience: int = 10, *, monitor: str = "validation_loss", min_delta: float = 0.0) -> None:
        if monitor not in ("validation_loss", "validation_accuracy"):
            raise ValueError(f"EarlyStopping: monitor is {monitor!r}; it can be validation_loss or validation_accuracy")
        if patience < 1:
            raise ValueError(f"EarlyStopping: patience is {patience!r}, but must be at least 1 epoch")
        self.patience, self.monitor, self.min_delta = patience, monitor, min_delta
        self.sign = 1 if monitor == "validation_loss" else -1

    def on_train_begin(self, trainer: Trainer) -> None:
        if trainer.validation is None:
            raise InklingError(f"early stopping watches {self.monitor}, but there is no validation split")
        if not trainer.history.epochs:
            self.best_value, self.best_epoch = float("inf"), 0
            self.best: dict[str, Array] = {}

    def on_epoch_end(self, trainer: Trainer) -> None:
        epoch = trainer.history.last
        value = self.sign * getattr(epoch, self.monitor)
        if value < self.best_value - self.min_delta:
            self.best_value, self.best_epoch = value, epoch.epoch
            self.best = {name: vector.copy() for name, vector in vectors(trainer).items()}
        elif epoch.epoch - self.best_epoch >= self.patience:
            trainer.stop()

    def on_train_end(self, trainer: Trainer) -> None:
        if trainer.outcome in ("finished", "stopped") and self.best:
            put_back(trainer, self.best)

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        return self.best, {"best_value": self.best_value, "best_epoch": self.best_epoch}

    def restore(self, arrays: dict[str, Array], values: dict[str, Any]) -> None:
        self.best = arrays
        self.best_value, self.best_epoch = values["best_value"], values["best_epoch"]


class WeightAverage(Callback):
    """Keep a moving average of the parameters, and leave the network with it when training ends.

    After each step: average ← decay · average + (1 − decay) · parameters, so the average remembers about
    1 / (1 − decay) steps; at the beginning fewer, that the first weights are soon forgotten: the decay of step t is at
    most (1 + t) / (10 + t). Averaged weights lie in the middle of where the noise of the last batches throws them, and
    read better than each of them. The history's figures are those of the weights themselves.
    After an interrupt the weights are left where they were, so that the training can go on.
    Source: Polyak and Juditsky, 1992, "Acceleration of stochastic approximation by averaging".
    """

    def __init__(self, decay: float = 0.999) -> None:
        if not 0 < decay < 1:
            raise ValueError(f"WeightAverage: decay is {decay!r}, but must lie between 0 and 1")
        self.decay = decay

    def on_train_begin(self, trainer: Trainer) -> None:
        if trainer.step == 0:
            self.averages = {name: vector.copy() for name, vector in vectors(trainer).items()}
        self.changes = {name: np.empty_like(average) for name, average in self.averages.items()}

    def on_batch_end(self, trainer: Trainer) -> None:
        decay = min(self.decay, (1 + trainer.step) / (10 + trainer.step))
        for name, vector in vectors(trainer).items():
            average, change = self.averages[name], self.changes[name]
            np.subtract(vector, average, out=change)
            change *= change.dtype.type(1 - decay)
            average += change

    def on_train_end(self, trainer: Trainer) -> None:
        if trainer.outcome in ("finished", "stopped"):
            put_back(trainer, self.averages)

    def state(self) -> tuple[dict[str, Array], dict[str, Any]]:
        return self.averages, {}

    def restore(self, arrays: dict[str, Array], values: dict[str, Any]) -> None:
        self.averages = arrays


def vectors(trainer: Trainer) -> dict[str, Array]:
    """What the network consists of: what it has learned, and what its layers keep beside that (running means)."""
    return {"parameters": trainer.network.parameters, "state": trainer.network.state}


def put_back(trainer: Trainer, kept: dict[str, Array]) -> None:
    """Give the network such vectors back."""
    for name, vector in vectors(trainer).items():
        vector[...] = kept[name]


class CSVLog(Callback):
    """Keep `path` up to date with the history, a row an epoch."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)

    def on_train_begin(self, trainer: Trainer) -> None:
        # As a whole: a training that crashed may have written rows after the checkpoint it is resumed from.
        write_text(self.path, trainer.history.to_csv())

    def on_epoch_end(self, trainer: Trainer) -> None:
        history = trainer.history
        if not self.path.exists():
            write_text(self.path, history.to_csv())
            return
        with self.path.open("a", encoding="utf-8") as file:
            file.write(history.to_csv().splitlines(keepends=True)[-1])


class Checkpoint(Callback):
    """Save everything that is needed to go on, so that a crash costs seconds and an interrupt nothing.

    Written at most every `every_seconds` at the end of an epoch, and when training ends between two steps: not when
    it fails, or is broken off within a step by a second Ctrl-C.
    """

    def __init__(self, path: Path | str, *, every_seconds: float = 5.0, about: dict[str, Any] | None = None) -> None:
        self.path = Path(path)
        self.every_seconds = every_seconds
        self.about = about or {}

    def on_train_begin(self, trainer: Trainer) -> None:
        self.saved_at = trainer.wall_seconds

    def on_epoch_end(self, trainer: Trainer) -> None:
        if trainer.wall_seconds - self.saved_at >= self.every_seconds:
            self.save(trainer)

    def on_train_end(self, trainer: Trainer) -> None:
        if trainer.outcome != "failed":
            self.save(trainer)

    def save(self, trainer: Trainer) -> None:
        """Write the checkpoint now."""
        arrays, values = trainer.state()
        write_arrays(self.path, arrays, {"checkpoint": values, "about": self.about})
        self.saved_at = trainer.wall_seconds


def is_finite(array: Array) -> bool:
    """Whether no number of the array is NaN or infinite."""
    return bool(np.isfinite(array).all())
