"""Accuracy on corrupted images: every network reads the very same ones."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.data import CORRUPTIONS, Split, bundled_digits, corrupt
from inkling.errors import InklingError
from inkling.training import corrupted_accuracies, evaluate

SPLIT = bundled_digits().train.take(slice(80))


def network() -> nn.Network:
    return nn.Network([nn.Dense(10)], seed=1)


def test_it_is_what_evaluate_says_of_each_corruption() -> None:
    found = corrupted_accuracies(network(), SPLIT, seed=4)
    assert list(found) == ["clean", *CORRUPTIONS]
    assert found["clean"] == evaluate(network(), SPLIT).accuracy
    for name in CORRUPTIONS:
        images = corrupt(SPLIT.images, name, seed=4)
        assert found[name] == evaluate(network(), (images, SPLIT.labels)).accuracy
    assert corrupted_accuracies(network(), SPLIT, seed=4) == found


def test_progress_counts_all_images() -> None:
    steps: list[tuple[int, int]] = []
    corrupted_accuracies(network(), SPLIT, progress=lambda *step: steps.append(step))
    assert steps[-1] == (9 * 80, 9 * 80)
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_no_images_are_said_to_be_none() -> None:
    with pytest.raises(InklingError, match="no evaluation images"):
        corrupted_accuracies(network(), Split(np.empty((0, 28, 28), np.uint8), np.empty(0, np.int64)))
