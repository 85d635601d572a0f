"""What metrics.json counts that no other figure of the run tells."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.data import Digits, Split
from inkling.recipes import load_recipe
from inkling.recipes.metrics import measure, peak_memory_mb
from inkling.training import Trainer


@pytest.fixture
def digits() -> Digits:
    random = np.random.default_rng(0)
    train = Split(random.integers(0, 256, (64, 28, 28), dtype=np.uint8), random.integers(0, 10, 64))
    return Digits(train, None, None, "digits", "noise")


def trained(digits: Digits, threads: int) -> Trainer:
    trainer = Trainer(nn.Network([nn.Dense(10)]), nn.SGD(0.01), threads=threads)
    trainer.fit(digits.train, batch_size=32)
    return trainer


def test_memory_is_that_of_this_process(digits):
    found = measure(load_recipe("default"), digits, trained(digits, 2), {})["peak_memory_mb"]
    assert 10 < found <= peak_memory_mb()


def test_it_says_what_has_computed_and_on_how_many_threads(digits):
    trainer = trained(digits, 1)
    found = measure(load_recipe("default"), digits, trainer, {})
    assert (found["engine"], found["engine_note"], found["threads"]) == (trainer.plan.name, trainer.plan.why, 1)
