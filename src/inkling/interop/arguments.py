"""From the estimator's arguments to what a training consists of: layers, an optimizer, callbacks.

An argument may be a word, a number, or a thing of Inkling's own; things are copied, so that the estimator's arguments
stay as they were given, and two fits share nothing. What an argument may be is checked before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from inkling import nn
from inkling.training import Callback, EarlyStopping, Progress, Trainer


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Raise ValueError for the first argument that is nothing `ARGUMENTS` allows.

    What is not named there is checked where it is used: numbers by the layer or optimizer that takes them.
    """
    for name, (fits, wanted) in ARGUMENTS.items():
        if not fits(arguments[name]):
            raise ValueError(f"{name} is {arguments[name]!r}; it can be {wanted}")


def is_count(value: Any) -> bool:
    """Whether it is a whole number of at least 1."""
    return isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1


def is_number(value: Any) -> bool:
    """Whether it is a number, NaN among them."""
    return isinstance(value, Real) and not isinstance(value, bool)


def is_flag(value: Any) -> bool:
    """Whether it is true or false."""
    return isinstance(value, (bool, np.bool_))


def is_row(value: Any) -> bool:
    """Whether it is a sequence of things, and not of letters."""
    return isinstance(value, (Sequence, np.ndarray)) and not isinstance(value, str)


ARGUMENTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "hidden_layers": (
        lambda value: isinstance(value, Integral) or is_row(value),
        "a number of neurons, or a sequence of such numbers and of layers",
    ),
    "activation": (lambda value: isinstance(value, str) and value in nn.ACTIVATIONS, ", ".join(nn.ACTIVATIONS)),
    "dropout": (lambda value: is_number(value) and 0 <= value < 1, "a number from 0 to below 1"),
    "optimizer": (
        lambda value: isinstance(value, nn.Optimizer) or (isinstance(value, str) and value in nn.OPTIMIZERS),
        f"{', '.join(nn.OPTIMIZERS)}, or an Optimizer",
    ),
    "batch_size": (
        lambda value: value is None or is_count(value) or (isinstance(value, str) and value == "auto"),
        "a whole number of at least 1, 'auto' (200), or None for all samples",
    ),
    "max_iter": (is_count, "a whole number of at least 1"),
    "tol": (lambda value: is_number(value) and 0 <= value < float("inf"), "a number of at least 0"),
    "n_iter_no_change": (
        lambda value: is_count(value) or (is_number(value) and value == float("inf")),
        "a whole number of at least 1, or inf",
    ),
    "early_stopping": (is_flag, "True or False"),
    "validation_fraction": (lambda value: is_number(value) and 0 < value < 1, "a number between 0 and 1"),
    "input_shape": (
        lambda value: value is None or is_count(value) or (is_row(value) and all(map(is_count, value))),
        "a tuple of whole numbers of at least 1, or None",
    ),
    "warm_start": (is_flag, "True or False"),
    "callbacks": (
        lambda value: is_row(value) and all(isinstance(each, Callback) for each in value),
        "a sequence of Callbacks, () for none",
    ),
    "verbose": (lambda value: is_flag(value) or isinstance(value, Integral), "True or False"),
}
"""Of an argument: whether a value is one, and what it can be, in words."""


def make_layers(
    hidden: Sequence[int | nn.Layer] | int, activation: str, dropout: float, initializer: str
) -> list[nn.Layer]:
    """New hidden layers: a number is a Dense layer with activation and dropout, a layer is one like itself."""
    wanted: Any = [hidden] if isinstance(hidden, Integral) else hidden
    layers: list[nn.Layer] = []
    for each in wanted:
        if isinstance(each, nn.Layer):
            layers.append(nn.from_config(each.config()))
        else:
            layers += [nn.Dense(each, initializer), nn.ACTIVATIONS[activation]()]
            layers += [nn.Dropout(dropout)] if dropout else []
    return layers


def make_optimizer(optimizer: str | nn.Optimizer, learning_rate: float | nn.Schedule | None) -> nn.Optimizer:
    """A new optimizer of that name, or like that one; with that learning rate, unless it is None."""
    if isinstance(optimizer, nn.Optimizer):
        kind, settings = type(optimizer), optimizer.arguments()
    else:
        kind, settings = nn.OPTIMIZERS[optimizer], {}
    return kind(**settings if learning_rate is None else {**settings, "learning_rate": learning_rate})


def make_callbacks(early_stopping: bool, patience: float, tol: float, *, verbose: bool) -> list[Callback]:
    """What watches a training: when to stop it, and for whom to show it."""
    watching: list[Callback] = [Progress()] if verbose else []
    if early_stopping:
        epochs: Any = patience  # which may be infinite
        return [*watching, EarlyStopping(epochs, monitor="validation_accuracy", min_delta=tol)]
    return [*watching, Convergence(patience, tol)]


class Convergence(Callback):
    """Stop when the training loss has not fallen by more than `tol` for more than `patience` epochs in a row."""

    def __init__(self, patience: float, tol: float) -> None:
        self.patience, self.tol = patience, tol

    def on_train_begin(self, trainer: Trainer) -> None:
        self.best, self.waited = float("inf"), 0

    def on_epoch_end(self, trainer: Trainer) -> None:
        loss = trainer.history.last.train_loss
        self.waited = self.waited + 1 if loss > self.best - self.tol else 0
        self.best = min(self.best, loss)
        if self.waited > self.patience:
            trainer.stop()
