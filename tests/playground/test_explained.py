"""One step explained: what is said of the gradient is what backpropagation finds, also where it is clipped."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from inkling.data import Digits
from inkling.playground.explained import explain_step
from inkling.playground.lesson import Lesson
from inkling.playground.messages import ExplainStep, read_setup
from inkling.playground.setups import build
from inkling.playground.watcher import Meter
from inkling.training import Callback, Trainer

CLIPPED: list[dict[str, Any]] = [
    {"name": "sgd", "learning_rate": 0.1},
    {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9},
    {"name": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop"},
    {"name": "adam"},
    {"name": "adamw"},
]
ASKED = ExplainStep(id=1, type="explain_step", layer="dense_1", unit=3)


def lesson_of(digits: Digits, **setup: Any) -> Lesson:
    """All images in one batch, so that the gradient of a step is easily had."""
    layers = [{"kind": "dense", "units": 12}]
    return Lesson(read_setup({"layers": layers, "train_samples": 300, "batch_size": "full", **setup}), digits)


def calculator(expression: str) -> float:
    text = re.sub(r"√([\d.]+(e-\d+)?)", r"(\1)**0.5", expression)
    return float(eval(text.replace("×", "*").replace("−", "-").replace("²", "**2"), {"__builtins__": {}}))


def gradients(lesson: Lesson, l2: float) -> np.ndarray:
    """Of the weights of the lesson's first layer, before its first step."""
    network = build(lesson.setup.model_copy(update={"l2": l2}))
    network.compute_gradients(lesson.train_split.images, lesson.train_split.labels)
    return dict(network.named_gradients())["dense_1.W"]


@pytest.mark.parametrize("optimizer", CLIPPED, ids=lambda o: "-".join(str(v) for v in o.values()))
def test_what_comes_from_the_images_and_what_from_l2_are_told_apart_where_the_gradient_is_clipped(
    digits: Digits, optimizer: dict[str, Any]
) -> None:
    lesson = lesson_of(digits, l2=0.5, optimizer={**optimizer, "clip_norm": 0.01})
    told = explain_step(lesson, ASKED, Meter())
    data, whole = (gradients(lesson, l2)[told["input"], 3] for l2 in (0.0, 0.5))
    assert told["data_gradient"] == pytest.approx(data, rel=1e-4, abs=1e-7)
    assert told["gradient"] == pytest.approx(whole, rel=1e-4)
    assert told["l2_part"] == pytest.approx(0.5 * told["old"])


@pytest.mark.parametrize("optimizer", CLIPPED, ids=lambda o: "-".join(str(v) for v in o.values()))
def test_clipping_is_a_line_of_its_own_and_every_line_holds(digits: Digits, optimizer: dict[str, Any]) -> None:
    lesson = lesson_of(digits, l2=0.5, optimizer={**optimizer, "clip_norm": 0.01})
    for _ in range(3):
        told = explain_step(lesson, ASKED, Meter())
        assert told["lines"][0].startswith("clipped = ")
        assert " × 0.01 / " in told["lines"][0]
        for line in told["lines"]:
            _, expression, value = line.split(" = ")
            digits_said = len(value.partition("e")[0].lstrip("-0.").replace(".", ""))
            assert f"{calculator(expression):.{digits_said}g}" == f"{float(value):.{digits_said}g}", line
        assert float(told["lines"][-1].split(" = ")[-1]) == pytest.approx(told["new"], rel=1e-3)
        assert abs(told["numbers"]["clipped"]) < abs(told["gradient"])
        assert "shortened to a length of 0.01" in told["formula"]


def test_where_the_gradient_is_short_enough_nothing_is_said_of_clipping(digits: Digits) -> None:
    told = explain_step(lesson_of(digits, optimizer={"name": "sgd", "clip_norm": 1000.0}), ASKED, Meter())
    assert len(told["lines"]) == 1
    assert "clipped" not in told["numbers"]
    assert "shortened" not in told["formula"]


class Stop(Callback):
    """After one step."""

    def on_batch_end(self, trainer: Trainer) -> None:
        trainer.stop(now=True)


def test_another_engine_goes_on_from_a_step_that_was_explained(digits: Digits) -> None:
    lesson = lesson_of(digits, batch_size=32)
    names = []
    for step in range(1, 4):
        if step == 2:
            explain_step(lesson, ASKED, Meter())
        else:
            lesson.train([Stop()], threads=1, engine="numpy")
        assert lesson.step == step
        assert lesson.trainer is not None
        names.append(lesson.trainer.plan.name)
    assert names == ["numpy", "reference", "numpy"]
