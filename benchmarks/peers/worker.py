"""The frame that every peer runs in: a process of its own, told through a pipe when it is its turn.

While one peer works the others wait for a line on standard input, so they neither share memory nor fight for
the cores, and still alternate within seconds of each other.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from workloads import Prepared

CALLS = 2000
"""Predictions of one image that a latency is the median of."""


class Peer(Protocol):
    """What a peer can do."""

    def epochs(self, first: int, count: int) -> float:
        """Train so many epochs, in the orders from `first` on; return the last one's mean training loss."""

    def loss(self) -> float:
        """The mean loss on the first 10,000 images, dropout off."""

    def predictor(self, count: int) -> Callable[[], Any]:
        """A function that predicts `count` images, ready to be called."""


def serve(make: Callable[[Prepared], Peer]) -> None:
    """Answer commands, one JSON value a line, until standard input ends."""
    prepared = Prepared.read(Path(sys.argv[1]))
    talk, sys.stdout = sys.stdout, sys.stderr  # what libraries print must not get between
    base = peak_mb()
    peer = make(prepared)
    print(json.dumps({"ready": True, "base_mb": base}), file=talk, flush=True)
    for line in sys.stdin:
        command, number, count = line.split()
        answer: dict[str, Any] = {}
        if command == "epochs":
            began = perf_counter()
            answer["train_loss"] = peer.epochs(int(number), int(count))
            answer["seconds"] = (perf_counter() - began) / int(count)
        elif command == "loss":
            answer["loss"] = peer.loss()
        elif command == "predict":
            answer["seconds"] = latency(peer.predictor(int(number)), CALLS if int(number) == 1 else 20)
        answer["peak_mb"] = peak_mb()
        print(json.dumps(answer), file=talk, flush=True)


def latency(call: Callable[[], Any], calls: int) -> float:
    """The median time of a call."""
    for _ in range(calls // 10 + 1):
        call()
    times = []
    for _ in range(calls):
        began = perf_counter()
        call()
        times.append(perf_counter() - began)
    return float(np.median(times))


def peak_mb() -> float:
    """The most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
