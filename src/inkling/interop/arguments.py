"""From the estimator's arguments to what a training consists of: layers, an optimizer, callbacks.

An argument may be a word, a number, or a thing of Inkling's own; things are copied, so that the estimator's arguments
stay as they were given, and two fits share nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

from inkling import nn
from inkling.training import Callback, EarlyStopping, Progress, Trainer


def make_layers(
    hidden: Sequence[int | nn.Layer] | int, activation: str, dropout: float, initializer: str
) -> list[nn.Layer]:
    """New hidden layers: a number is a Dense layer with activation and dropout, a layer is one like itself."""
    if activation not in nn.ACTIVATIONS:
        raise ValueError(f"activation is {activation!r}; it can be {', '.join(nn.ACTIVATIONS)}")
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
    elif optimizer in nn.OPTIMIZERS:
        kind, settings = nn.OPTIMIZERS[optimizer], {}
    else:
        raise ValueError(f"optimizer is {optimizer!r}; it can be {', '.join(nn.OPTIMIZERS)}, or an Optimizer")
    return kind(**settings if learning_rate is None else {**settings, "learning_rate": learning_rate})


def make_callbacks(early_stopping: bool, patience: float, tol: float, *, verbose: bool) -> list[Callback]:
    """What watches a training: when to stop it, and for whom to show it."""
    if not patience >= 1:
        raise ValueError(f"n_iter_no_change is {patience!r}, but must be at least 1 epoch")
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
