"""What the tests of the network share: numbers that are random, but the same every time."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(20240607)
