"""A task small enough to train on in milliseconds: four noisy patterns of 6 × 6 pixels."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from inkling import nn

Samples = tuple[np.ndarray, np.ndarray]


@pytest.fixture
def patterns() -> Callable[..., Samples]:
    """`patterns(count, seed)`: uint8 images (count, 6, 6) and labels 0…3."""

    def make(count: int, seed: int = 0) -> Samples:
        ideal = np.random.default_rng(99).integers(0, 2, (4, 6, 6)) * 170
        random = np.random.default_rng(seed)
        labels = random.integers(0, 4, count)
        images = ideal[labels] + random.integers(0, 86, (count, 6, 6))
        return images.astype(np.uint8), labels

    return make


@pytest.fixture
def make_network() -> Callable[..., nn.Network]:
    """`make_network(dropout=…, seed=…)`: 36-12-8-4 with ReLUs, for the patterns."""

    def make(*, dropout: float = 0.0, seed: int = 0, **settings) -> nn.Network:
        layers = [nn.Dense(12), nn.ReLU(), nn.Dropout(dropout), nn.Dense(8), nn.ReLU(), nn.Dense(4)]
        if not dropout:
            del layers[2]
        return nn.Network(layers, input_shape=(6, 6), seed=seed, **settings)

    return make


needs_numba = pytest.mark.skipif(
    importlib.util.find_spec("numba") is None, reason="Numba is not installed: pip install 'inkling-nn[fast]'"
)


@pytest.fixture(
    params=[
        ("reference", 1),
        ("numpy", 1),
        ("numpy", 2),
        pytest.param(("compiled", 1), marks=needs_numba),
        pytest.param(("compiled", 3), marks=needs_numba),
    ],
    ids=lambda param: f"{param[0]}-{param[1]}",
)
def computing(request: pytest.FixtureRequest) -> dict[str, Any]:
    """What a trainer is told of how to compute: every engine, alone and with several threads."""
    engine, threads = request.param
    return {"engine": engine, "threads": threads}
