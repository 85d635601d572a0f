"""Where the time of one training step goes: every layer forward and backward, the loss, the optimizer.

`make bench-step`. Each part of what the first hand does is wrapped in a clock, the step is taken a few thousand times,
and the median of each part is shown, beside what the step's matrix products alone take.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from collections.abc import Callable
from time import perf_counter
from typing import Any
from unittest.mock import patch

import numpy as np
from workloads import WORKLOADS, Workload, build

from inkling import Trainer, nn
from inkling.training.crew import Crew


class Clock:
    """Collects how long named parts take."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)

    def wrap(self, owner: Any, method: str, name: str) -> None:
        """Time every call of owner.method under this name."""
        original: Callable[..., Any] = getattr(owner, method)

        def timed(*arguments: Any, **named: Any) -> Any:
            began = perf_counter()
            result = original(*arguments, **named)
            self.times[name].append(perf_counter() - began)
            return result

        setattr(owner, method, timed)


class Watched(Crew):
    """A crew whose first hand is timed."""

    clock: Clock

    def __enter__(self) -> Watched:
        super().__enter__()
        clock, hand, network = self.clock, self.first, self.first.network
        clock.wrap(network, "enter", "pixels to floats")
        for layer in network.layers:
            clock.wrap(layer, "forward", f"{layer.name} forward")
            clock.wrap(layer, "backward", f"{layer.name} backward")
        clock.wrap(network.loss, "forward", "loss")
        clock.wrap(network.loss, "backward", "loss backward")
        clock.wrap(network, "add_l2_gradient_of", "L2")
        clock.wrap(hand.optimizer, "step", "optimizer")
        clock.wrap(hand, "meet", "waiting for the others")
        clock.wrap(self, "step", "whole step")
        return self


def measure(workload: Workload, steps: int, threads: int | None) -> None:
    """Print the table of one workload."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20_000, 28, 28), np.uint8) * (random.random((20_000, 28, 28)) < 0.2)
    labels = random.integers(0, 10, 20_000)
    optimizer = nn.SGD(1e-4) if workload.optimizer == "sgd" else nn.Adam(1e-6)
    trainer = Trainer(build(workload), optimizer, threads=threads)
    clock = Watched.clock = Clock()
    epochs = -(-steps * workload.batch // len(images))
    with patch("inkling.training.trainer.Crew", Watched):
        trainer.fit((images, labels), epochs=epochs, batch_size=workload.batch)
    floor = products(workload)
    whole = float(np.median(clock.times.pop("whole step")))
    crew = trainer.crew
    who = f"{crew.hands} hands" if crew.hands > 1 else f"1 hand, {crew.blas_threads} BLAS threads"
    print(f"\n{workload.key}: {workload.title} ({who}; the first one's time)")
    for name, times in sorted(clock.times.items(), key=lambda item: -np.median(item[1])):
        seconds = float(np.median(times))
        print(f"  {name:<22} {seconds * 1e6:8.1f} µs {seconds / whole:6.1%}  {'█' * round(40 * seconds / whole)}")
    print(
        f"  {'whole step':<22} {whole * 1e6:8.1f} µs; its matrix products alone, all of them with all threads, "
        f"{floor * 1e6:.1f} ({floor / whole:.0%})"
    )


def products(workload: Workload) -> float:
    """The median time of a step's matrix products alone."""
    sizes, rows = workload.sizes, workload.batch
    random = np.random.default_rng(0)
    a = [random.random((rows, size), np.float32) for size in sizes]
    d = [random.random((rows, size), np.float32) for size in sizes]
    w = [random.random(shape, np.float32) for shape in itertools.pairwise(sizes)]
    dw = [np.empty_like(each) for each in w]
    times = []
    for _ in range(300):
        began = perf_counter()
        for k, each in enumerate(w):
            np.matmul(a[k], each, out=a[k + 1])
        for k in reversed(range(len(w))):
            np.matmul(a[k].T, d[k + 1], out=dw[k])
            if k:
                np.matmul(d[k + 1], w[k].T, out=d[k])
        times.append(perf_counter() - began)
    return float(np.median(times))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="ABCDE", help="which workloads, for example BD")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, help="how many hands at most (default: as many as there are cores)")
    arguments = parser.parse_args()
    for key in arguments.only:
        measure(WORKLOADS[key], arguments.steps, arguments.threads)


if __name__ == "__main__":
    main()
