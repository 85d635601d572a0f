"""What metrics.json counts that no other figure of the run tells."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.data import Digits, Split
from inkling.recipes import load_recipe
from inkling.recipes.metrics import measure, peak_memory_mb
from inkling.training import Trainer, crew
from inkling.training.memory import own_memory_mb


@pytest.fixture
def digits() -> Digits:
    random = np.random.default_rng(0)
    train = Split(random.integers(0, 256, (64, 28, 28), dtype=np.uint8), random.integers(0, 10, 64))
    return Digits(train, None, None, "digits", "noise")


def trained(digits: Digits, threads: int) -> Trainer:
    trainer = Trainer(nn.Network([nn.Dense(10)]), nn.SGD(0.01), threads=threads)
    trainer.fit(digits.train, batch_size=32)
    return trainer


def test_memory_counts_what_the_other_processes_held_of_their_own(digits, monkeypatch):
    monkeypatch.setattr(crew, "WORTH_FORKING", 0)
    monkeypatch.setattr(crew, "WORTH_MEETING", 0)
    trainer = trained(digits, 2)
    if trainer.crew.hands == 1 or not own_memory_mb():
        pytest.skip("here one hand does all the work, or the system does not tell")
    assert trainer.crew.memory_mb > 0
    monkeypatch.setattr("inkling.recipes.metrics.peak_memory_mb", lambda: 100.0)
    assert measure(load_recipe("default"), digits, trainer, {})["peak_memory_mb"] == 100 + trainer.crew.memory_mb


def test_with_one_hand_it_is_that_of_this_process(digits):
    found = measure(load_recipe("default"), digits, trained(digits, 1), {})["peak_memory_mb"]
    assert 10 < found <= peak_memory_mb()
