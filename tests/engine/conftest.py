"""What the tests of the engines share: samples, plans, and what is left of a training when a few steps are done."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass

import numpy as np
import pytest

from inkling import nn
from inkling.engine import Plan, choose

HAS_NUMBA = importlib.util.find_spec("numba") is not None
needs_numba = pytest.mark.skipif(not HAS_NUMBA, reason="Numba is not installed: pip install 'inkling-nn[fast]'")


@dataclass
class Images:
    """Samples for a plan."""

    images: np.ndarray
    labels: np.ndarray
    weights: np.ndarray | None = None


def some_images(
    count: int, shape: tuple[int, ...], *, ink: float = 0.2, seed: int = 0, weighted: bool = False
) -> Images:
    """Random images, of whose pixels so many are not 0."""
    random = np.random.default_rng(seed)
    drawn = random.random((count, *shape)) < ink
    images = (drawn * random.integers(1, 256, (count, *shape))).astype(np.uint8)
    weights = random.random(count) * 2 if weighted else None
    return Images(images, random.integers(0, 10, count), weights)


def plan_of(engine: str, network: nn.Network, optimizer: nn.Optimizer, samples: Images, batch: int, workers: int = 1,
            augment=None) -> Plan:  # fmt: skip
    """A plan of that engine; the optimizer begins anew."""
    optimizer.reset(network.parameters)
    return choose(engine, network, optimizer, samples, batch_size=batch, threads=workers, augment=augment)


def numbers_after(plan: Plan, batches: list[np.ndarray], rate: float = 0.05) -> dict[str, np.ndarray]:
    """Everything that a few steps leave: parameters, running statistics, the optimizer's memory, what was found."""
    with plan:
        found = [plan.step(rows, rate) for rows in batches]
    memory = {f"optimizer {name}": vector.copy() for name, vector in plan.optimizer.state.items()}
    network = plan.network
    return {"found": np.array(found), "parameters": network.parameters.copy(), "state": network.state.copy(), **memory}


def check_alike(ours: dict[str, np.ndarray], theirs: dict[str, np.ndarray], tolerance: float) -> None:
    """Fail unless all numbers agree."""
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        np.testing.assert_allclose(values, theirs[name], rtol=tolerance, atol=tolerance, err_msg=name)
