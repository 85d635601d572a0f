"""Several runs as one line: which figures are compared, and mean ± standard deviation over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

FIGURES = {
    "train_accuracy": "train accuracy",
    "train_loss": "train loss",
    "validation_accuracy": "valid. accuracy",
    "validation_loss": "valid. loss",
    "test_accuracy": "test accuracy",
    "test_loss": "test loss",
    "first_epoch_validation_accuracy": "epoch 1 valid.",
    "seconds": "seconds",
}
"""What is compared: the key in metrics.json, and the column's head."""


def figure(key: str, value: float) -> str:
    """A figure as its column shows it: 0.9812 of an accuracy as "98.12 %"."""
    if key == "seconds":
        return f"{value:.1f}"
    return f"{value:.2%}".replace("%", "\u00a0%") if "accuracy" in key else f"{value:.4f}"


def spread(key: str, values: Sequence[float | None], between: str = " ") -> str:
    """Mean ± standard deviation (of a sample) of the values that exist; `between` stands before the ±."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean = figure(key, statistics.fmean(known))
    if len(known) == 1:
        return mean
    return f"{mean.removesuffix(chr(0xA0) + '%')}{between}± {figure(key, statistics.stdev(known))}"
