"""What an engine promises: to take the same steps as `inkling.nn`, only faster.

An engine makes a `Plan` for a network, an optimizer and the samples to learn from. The trainer asks the plan for one
step after the other and looks at nothing else. For every step, gradients, parameters, running means and the
optimizer's memory are those of `inkling.nn` to rounding, whatever the engine and the number of workers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeAlias

import numpy as np

from inkling.nn import Network, Optimizer, ShapeError, random_stream
from inkling.nn.part import Array

Augment: TypeAlias = Callable[[Array, np.random.Generator], Array]
"""Distorts a batch of training images, with random numbers from the stream that it is given."""


class EngineError(Exception):
    """The engine cannot do that; the message says why. The next one is taken."""


class Samples(Protocol):
    """Images with their labels, and perhaps how much each counts."""

    @property
    def images(self) -> Array:
        """(n, …), uint8 or float."""

    @property
    def labels(self) -> Array:
        """(n,), integers."""

    @property
    def weights(self) -> Array | None:
        """(n,), of mean 1."""


class Plan(ABC):
    """Everything that one training needs to take its steps; a context, which must be open for that.

    Between two steps, whoever likes may look at or change the network's `parameters` and `state` and the optimizer's
    `state`, in place or by replacing the optimizer's: the next step goes on from there.
    """

    name = ""
    """The engine's name."""
    why = ""
    """Why it is not a faster one."""

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        samples: Samples,
        *,
        batch_size: int,
        workers: int,
        augment: Augment | None = None,
    ) -> None:
        self.network, self.optimizer, self.samples = network, optimizer, samples
        self.batch_size, self.workers, self.augment = batch_size, workers, augment

    def __enter__(self) -> Self:
        return self

    def __exit__(  # noqa: B027 (most have nothing to give back)
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give everything back."""

    @abstractmethod
    def step(self, rows: Array | slice, learning_rate: float) -> tuple[float, float]:
        """Learn from these samples at once; returns (mean data loss, number right), as the samples' weights count.

        If the loss is no finite number, nothing is learned. Raises ShapeError unless they are 1 to `batch_size`, and
        IndexError for one that is not there.
        """

    @abstractmethod
    def score(self, samples: Samples) -> tuple[float, float]:
        """(Mean data loss, number right) of any samples, dropout off, as `Network.score` has it."""

    def count(self, rows: Array | slice) -> int:
        """How many samples these are. Raises ShapeError unless they are 1 to `batch_size`."""
        count = len(range(*rows.indices(len(self.samples.labels)))) if isinstance(rows, slice) else len(rows)
        if not 0 < count <= self.batch_size:
            raise ShapeError(f"a batch has 1 to {self.batch_size} samples here, got {count}")
        return count

    def distorted(self, rows: Array | slice) -> Array:
        """The images of a batch as they are learned from, with the random numbers of this step of the network."""
        images = self.samples.images[rows]
        if self.augment is None:
            return images
        return self.augment(images, random_stream(self.network.seed, f"augment/{self.network.step}"))
