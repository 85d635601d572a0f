"""Where the time of one training step goes: every layer forward and backward, the loss, the optimizer.

`make bench-step`. Each part is wrapped in a clock, the step is taken a few thousand times, and the median of each part
is shown beside what its matrix products alone take.
"""

from __future__ import annotations

import argparse
import itertools
from collections import defaultdict
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from workloads import WORKLOADS, Workload, build

from inkling import nn
from inkling.training.threads import BatchWalker, available_threads


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


def measure(workload: Workload, steps: int) -> None:
    """Print the table of one workload."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (20_000, 28, 28), np.uint8)
    labels = random.integers(0, 10, 20_000)
    network = build(workload)
    optimizer = nn.SGD(1e-4) if workload.optimizer == "sgd" else nn.Adam(1e-6)
    optimizer.reset(network.parameters)
    gathered = np.empty((workload.batch, 28, 28), np.uint8)
    clock = Clock()
    clock.wrap(network, "enter", "pixels to floats")
    for layer in network.layers:
        clock.wrap(layer, "forward", f"{layer.name} forward")
        clock.wrap(layer, "backward", f"{layer.name} backward")
    clock.wrap(network.loss, "forward", "loss")
    clock.wrap(network.loss, "backward", "loss backward")
    clock.wrap(network, "add_l2_gradient", "L2")
    clock.wrap(optimizer, "step", "optimizer")
    threads = BatchWalker(network, workload.batch, available_threads()).blas_threads
    with threadpool_limits(threads, user_api="blas"):
        for number in range(steps + 50):
            began = perf_counter()
            picked = random.integers(0, len(images), workload.batch)
            clocked = perf_counter()
            np.take(images, picked, axis=0, out=gathered, mode="clip")
            clock.times["gather"].append(perf_counter() - clocked)
            network.compute_gradients(gathered, labels[picked])
            optimizer.step(network.parameters, network.gradients, 1e-6, network.weight_count)
            clock.times["whole step"].append(perf_counter() - began)
            if number == 50:
                clock.times.clear()
        floor = products(workload)
    whole = float(np.median(clock.times.pop("whole step")))
    print(f"\n{workload.key}: {workload.title} ({threads} BLAS threads)")
    for name, times in sorted(clock.times.items(), key=lambda item: -np.median(item[1])):
        seconds = float(np.median(times))
        print(f"  {name:<22} {seconds * 1e6:8.1f} µs {seconds / whole:6.1%}  {'█' * round(40 * seconds / whole)}")
    print(
        f"  {'whole step':<22} {whole * 1e6:8.1f} µs, of which matrix products {floor * 1e6:.1f} ({floor / whole:.0%})"
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
    arguments = parser.parse_args()
    for key in arguments.only:
        measure(WORKLOADS[key], arguments.steps)


if __name__ == "__main__":
    main()
