"""The floor: the matrix products of an epoch and nothing else, no network around them.

Once as NumPy does them by itself, BLAS using all threads for each; and for a full batch also in blocks over
threads with one BLAS thread each. The faster way counts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from worker import serve
from workloads import Prepared

BLOCK = 512


class Products:
    """All products of one batch of `rows` samples: forward, and both of the way back."""

    def __init__(self, sizes: tuple[int, ...], rows: int, weights: list[np.ndarray]) -> None:
        random = np.random.default_rng(0)
        self.weights = weights
        self.a = [random.random((rows, size), np.float32) for size in sizes]
        self.dz = [random.random((rows, size), np.float32) for size in sizes]
        self.dW = [np.empty_like(w) for w in weights]

    def once(self) -> None:
        for k, w in enumerate(self.weights):
            np.matmul(self.a[k], w, out=self.a[k + 1])
        for k in reversed(range(len(self.weights))):
            np.matmul(self.a[k].T, self.dz[k + 1], out=self.dW[k])
            if k:
                np.matmul(self.dz[k + 1], self.weights[k].T, out=self.dz[k])


class Floor:
    def __init__(self, prepared: Prepared) -> None:
        self.work = prepared.workload
        self.weights = prepared.weights
        self.threads = len(os.sched_getaffinity(0))

    def epochs(self, first: int, count: int) -> float:
        return [self.epoch(first + k) for k in range(count)][-1]

    def epoch(self, number: int) -> float:
        """Not a loss: the floor's own seconds, for the set-up of the arrays is no part of it."""
        work, full = self.work, self.work.batch >= self.work.samples
        if not full:
            products = Products(work.sizes, work.batch, self.weights)
            began = perf_counter()
            for _ in range(work.samples // work.batch):
                products.once()
            return perf_counter() - began
        whole = Products(work.sizes, work.samples, self.weights)
        began = perf_counter()
        whole.once()
        seconds = perf_counter() - began
        del whole
        shares = [Products(work.sizes, BLOCK, self.weights) for _ in range(self.threads)]
        blocks = work.samples // BLOCK

        def share(index: int) -> None:
            for _ in range(index, blocks, self.threads):
                shares[index].once()

        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(share, range(self.threads)))
            began = perf_counter()
            list(pool.map(share, range(self.threads)))
            return min(seconds, perf_counter() - began)

    def loss(self) -> float:
        return 0.0

    def predictor(self, count: int) -> Callable[[], Any]:
        raise NotImplementedError


serve(Floor)
