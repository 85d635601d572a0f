from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from inkling.report import Record, words
from inkling.storage import RunFolder
from inkling.training import Epoch, History


@pytest.mark.parametrize(("right", "count"), [(98, 100), (5, 10), (9802, 10_000), (0, 30), (30, 30)])
def test_the_interval_is_the_one_that_statisticians_compute(right: int, count: int) -> None:
    interval = binomtest(right, count).proportion_ci(0.95, method="wilson")
    assert words.wilson(right, count) == pytest.approx((interval.low, interval.high), abs=1e-12)


@given(st.integers(0, 20_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_fraction_and_stays_within_bounds(of: tuple[int, int]) -> None:
    right, count = of
    low, high = words.wilson(right, count)
    assert 0 <= low < high <= 1
    if count:
        assert low - 1e-12 <= right / count <= high + 1e-12


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.034, "0.03 s"), (57.6, "57.6 s"), (99.97, "1 min 40 s"), (252, "4 min 12 s"), (3780, "1 h 3 min")],
)
def test_a_time_is_told_as_people_tell_it(seconds: float, text: str) -> None:
    assert words.duration(seconds).replace("\u00a0", " ") == text


def ended(record: Record, losses: list[float], outcome: str = "finished", **accuracies: float) -> Record:
    """A run with these validation losses and accuracies."""
    epochs = [Epoch(k, 1.0, 0.1, loss, 0.9, loss, 0.9) for k, loss in enumerate(losses, 1)]
    known = {f"{name}_accuracy": value for name, value in accuracies.items()}
    return replace(record, history=History(epochs), metrics=record.metrics | known | {"outcome": outcome})


LEVEL = [0.5, 0.2, 0.1, 0.1, 0.1, 0.1]


@pytest.mark.parametrize(
    ("losses", "outcome", "train", "test", "says"),
    [
        (LEVEL, "finished", 0.985, 0.98, "a healthy training that generalises well"),
        (LEVEL, "finished", 1.0, 0.95, "learned some of its training images by heart: "),
        ([0.5, 0.1, 0.2, 0.3], "finished", 0.99, 0.985, "by heart (its validation loss was lowest after epoch 2)"),
        ([0.5, 0.3, 0.2, 0.15], "finished", 0.985, 0.98, "After 4 epochs the network was still improving"),
        (LEVEL, "finished", 0.90, 0.89, "it is too small, or its steps are"),
        (LEVEL, "finished", 0.12, 0.11, "has hardly learned anything"),
        (LEVEL, "interrupted", 0.985, 0.98, "interrupted after 6 epochs"),
        ([], "interrupted", 0.5, 0.5, "interrupted before its first epoch was over"),
        ([0.5, 0.1, 0.2], "stopped", 0.99, 0.98, "stopped by itself after 3 epochs"),
        ([0.5], "finished", 0.9, 0.9, "After 1 epoch the network was still improving"),
        ([], "finished", 0.1, 0.1, "The network is untrained"),
    ],
)
def test_the_verdict_follows_from_the_numbers(
    record: Record, losses: list[float], outcome: str, train: float, test: float, says: str
) -> None:
    sentence = words.verdict(ended(record, losses, outcome, train=train, test=test))
    assert says in sentence
    assert sentence.endswith(".")


@pytest.mark.parametrize(
    ("used", "advice"),
    [
        ({}, "dropout, L2 or early stopping"),
        ({"network": {"dropout": 0.2}}, "L2 or early stopping"),
        ({"network": {"dropout": 0.2}, "loss": {"l2": 1e-4}}, "early stopping"),
        ({"network": {"dropout": 0.2}, "loss": {"l2": 1e-4}, "training": {"early_stopping": 5}}, "more images"),
    ],
)
def test_the_verdict_advises_what_the_recipe_does_not_do_yet(
    record: Record, used: dict[str, dict[str, float]], advice: str
) -> None:
    by_heart = replace(ended(record, LEVEL, train=1.0, test=0.95), recipe=used)
    assert f": {advice} would help" in words.verdict(by_heart)


@pytest.mark.parametrize("path", ["runs/one", "my runs/the first", "it's mine/run; rm -rf x"])
def test_the_command_is_safe_to_paste(record: Record, path: str) -> None:
    moved = replace(record, folder=RunFolder(Path(path)), recipe={}, metrics=record.metrics | {"threads": 2})
    assert shlex.split(words.command(moved)) == [
        "inkling",
        "train",
        str(Path(path) / "recipe.toml"),
        "--set",
        "training.threads=2",
    ]


def test_threads_that_the_recipe_sets_are_not_set_again(record: Record) -> None:
    assert record.recipe["training"]["threads"] == 1
    assert "threads" not in words.command(record)


@pytest.mark.parametrize(
    ("optimizer", "schedule", "says"),
    [
        ({"name": "sgd", "learning_rate": 0.1}, {}, "Gradient descent, learning rate 0.1."),
        (
            {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
            {"name": "step"},
            "Gradient descent, Nesterov momentum 0.9, learning rate 0.1, lowered step by step.",
        ),
        (
            {"name": "adamw", "learning_rate": 0.001, "weight_decay": 0.01, "clip_norm": 1.0},
            {"name": "cosine", "warm_epochs": 1.0},
            "AdamW, weight decay 0.01, gradients no longer than 1, learning rate 0.001, lowered along half a cosine "
            "wave, after 1 epoch of warming up.",
        ),
    ],
)
def test_an_optimizer_in_words(optimizer: dict[str, Any], schedule: dict[str, Any], says: str) -> None:
    assert words.optimizer_in_words(optimizer, schedule) == says


def test_the_rest_of_a_recipe_in_words(record: Record) -> None:
    assert words.loss_in_words({"name": "mean_squared_error", "reduction": "sum", "l2": 0.0001}) == (
        "Mean squared error, gradients summed over the batch, L2 penalty with λ = 0.0001."
    )
    assert words.training_in_words({"epochs": 1000, "batch_size": "full", "seed": 7, "early_stopping": 5}) == (
        "1,000 epochs, all images in each step, seed 7, stopping early after 5 epochs without improvement."
    )
    assert words.network_in_words({"hidden": []}, 7850).startswith("784 → 10 neurons, ")
    assert (
        words.data_in_words(record)
        == "1,317 images to learn from; 120 to watch over the training; 360 to be judged on."
    )
