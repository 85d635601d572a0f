"""Inkling's scikit-learn classifier beside scikit-learn's own, on the same data with the same settings.

`make bench-estimator`. Both get the same arrays, the same layers, optimizer (Adam), learning rate, batch size and rule
of when to stop; what is compared is the time of `fit` and the accuracy on samples that neither has seen. The two take
turns, seed by seed, and the ratio of their times is the median over the seeds. MLPClassifier computes in the dtype of
the features, ours in float32 either way. scikit-learn's digits and made-up tables are always there; MNIST is where
$INKLING_DATA says. Of MNIST, accuracy is measured on 5,000 held-out training images.

On a machine that others use as well, seconds say little: with --one-core both get one core and one thread, and what is
compared is the processor time that they took.
"""

from __future__ import annotations

import argparse
import os
import statistics
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter, process_time
from typing import Any

import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from inkling import load_data
from inkling.interop import DigitsClassifier

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""X and y to learn from, X and y to be judged by."""


@dataclass(frozen=True)
class Task:
    """What both learn. `data(seed)` gives the arrays; without `epochs` both train until their loss falls no more."""

    name: str
    data: Callable[[int], Arrays]
    hidden: tuple[int, ...]
    epochs: int | None = None
    seeds: int = 5

    @property
    def settings(self) -> dict[str, Any]:
        """The arguments that both share by name."""
        if self.epochs is None:
            return {"max_iter": 200, "batch_size": 200}
        return {"max_iter": self.epochs, "n_iter_no_change": np.inf, "batch_size": 200}


def digits(seed: int) -> Arrays:
    """1,347 of scikit-learn's digits of 8 × 8 pixels, and 450 to be judged by."""
    X, y = load_digits(return_X_y=True)
    return standing(train_test_split(X / 16, y, test_size=450, random_state=seed, stratify=y))


def table(samples: int, features: int, dtype: type) -> Callable[[int], Arrays]:
    """A made-up table with five classes, a tenth of whose labels are wrong, standardised; 5,000 rows judge."""

    def make(seed: int) -> Arrays:
        X, y = make_classification(
            samples + 5000, features, n_informative=features // 2, n_classes=5, flip_y=0.1, random_state=seed
        )
        X = StandardScaler().fit_transform(X).astype(dtype)
        return X[:samples], y[:samples], X[samples:], y[samples:]

    return make


def mnist(dtype: type) -> Callable[[int], Arrays]:
    """MNIST's first 55,000 training images, 0 … 1, and the last 5,000 to be judged by."""

    def read(_: int) -> Arrays:
        found = load_data(os.environ["INKLING_DATA"])
        assert found.validation is not None
        X, unseen = (split.images.reshape(-1, 784) for split in (found.train, found.validation))
        return (X / 255).astype(dtype), found.train.labels, (unseen / 255).astype(dtype), found.validation.labels

    return read


def standing(parts: list[np.ndarray]) -> Arrays:
    """X, X′, y, y′ as X, y, X′, y′."""
    X, unseen, y, answers = parts
    return X, y, unseen, answers


def tasks() -> list[Task]:
    """All that can be measured here."""
    found = [
        Task("digits, 1,347 × 64, float64", digits, (128, 64)),
        Task("table, 1,000 × 20, float64", table(1_000, 20, np.float64), (100,)),
        Task("table, 10,000 × 50, float64", table(10_000, 50, np.float64), (100,), 30),
        Task("table, 10,000 × 50, float32", table(10_000, 50, np.float32), (100,), 30),
        Task("table, 50,000 × 100, float64", table(50_000, 100, np.float64), (128, 64), 10),
        Task("table, 50,000 × 100, float32", table(50_000, 100, np.float32), (128, 64), 10),
    ]
    if os.environ.get("INKLING_DATA"):
        found += [
            Task("MNIST, 55,000 × 784, float64", mnist(np.float64), (128, 64), 5, 3),
            Task("MNIST, 55,000 × 784, float32", mnist(np.float32), (128, 64), 5, 3),
        ]
    return found


def fitted(classifier: Any, arrays: Arrays, clock: Callable[[], float]) -> tuple[float, float, int]:
    """Seconds of `fit`, accuracy on the unseen samples, epochs."""
    X, y, unseen, answers = arrays
    began = clock()
    classifier.fit(X, y)
    return clock() - began, classifier.score(unseen, answers), classifier.n_iter_


def measure(task: Task, seeds: int, clock: Callable[[], float]) -> str:
    """The row of one task."""
    rows = []
    for seed in range(seeds):
        arrays = task.data(seed)
        # The same network, optimizer and rate. scale=None: nor does MLPClassifier scale. No L2 on either side.
        ours = DigitsClassifier(task.hidden, scale=None, random_state=seed, **task.settings)
        theirs = MLPClassifier(task.hidden, alpha=0, random_state=seed, **task.settings)
        pair = [(0, theirs), (1, ours)] if seed % 2 else [(1, ours), (0, theirs)]
        found = {place: fitted(classifier, arrays, clock) for place, classifier in pair}
        rows.append((found[0], found[1]))
    ratios = [theirs[0] / ours[0] for theirs, ours in rows]
    median = [statistics.median(row[side][0] for row in rows) for side in (0, 1)]
    epochs = [statistics.median(row[side][2] for row in rows) for side in (0, 1)]
    scores = [[row[side][1] for row in rows] for side in (0, 1)]
    gain = [ours - theirs for theirs, ours in zip(*scores, strict=True)]
    error = statistics.stdev(gain) / len(gain) ** 0.5 if len(gain) > 1 else 0.0
    times = f"**{statistics.median(ratios):.1f}** ({min(ratios):.1f} … {max(ratios):.1f})"
    cells = [
        task.name,
        "-".join(map(str, task.hidden)),
        f"{epochs[0]:g} / {epochs[1]:g}",
        *(f"{seconds:.2f} s" for seconds in median),
        times,
        *(f"{statistics.fmean(side):.2%}" for side in scores),
        f"{100 * statistics.fmean(gain):+.2f} ± {100 * error:.2f}",
    ]
    return f"| {' | '.join(cells)} |"


HEADS = [
    "data",
    "hidden layers",
    "epochs",
    "MLPClassifier",
    "DigitsClassifier",
    "times as fast",
    "its accuracy",
    "ours",
    "points",
]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="tasks whose name has this in it")
    parser.add_argument("--seeds", type=int, help="how many seeds (default: five, three of MNIST)")
    parser.add_argument("--one-core", action="store_true", help="compare the processor time of one core")
    arguments = parser.parse_args()
    clock = perf_counter
    if arguments.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
        threadpool_limits(1)
        clock = process_time
    warnings.simplefilter("ignore", ConvergenceWarning)
    print(f"| {' | '.join(HEADS)} |")
    print(f"|{' --- |' * len(HEADS)}")
    for task in tasks():
        if arguments.only in task.name:
            print(measure(task, arguments.seeds or task.seeds, clock), flush=True)


if __name__ == "__main__":
    main()
