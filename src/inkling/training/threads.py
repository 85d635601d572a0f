"""How many threads do the work, and the one place where they are managed.

Small batches go through the network in one piece. NumPy's BLAS spreads each matrix product over the cores, unless
the products are so small that its threads would wait for each other longer than they work.

A batch of thousands is cut into blocks that stay in the cache, and each thread takes its share of the blocks through
a replica of the network, with one BLAS thread each: nobody waits for anybody until the gradients are added up. Who
takes which block is fixed, so the same number of threads gives the same bits.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

from inkling.nn import Network
from inkling.nn.network import blocks
from inkling.nn.part import Array

BLOCK = 512
"""Samples a block: their pixels as float32 take 1.6 MB."""
LARGE = 4 * BLOCK
"""A batch of at least this many samples is walked in blocks."""
WORTH_SHARING = 50e6
"""Floating-point operations a step, from which on sharing them between BLAS threads is worth the waiting."""


def available_threads() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class BatchWalker:
    """Computes the gradients of one batch, whatever its size."""

    def __init__(self, network: Network, batch_size: int, threads: int) -> None:
        self.network = network
        self.large = batch_size >= LARGE
        self.threads = threads
        # Each weight takes part in three products a sample (forward, dW, dx), each a multiplication and an addition.
        operations = 6 * network.weight_count * batch_size
        self.blas_threads = 1 if self.large or operations < WORTH_SHARING else threads
        if self.large:
            self.replicas = [network.replica(f"/thread {index}") for index in range(threads)]
            self.sums = [np.zeros_like(network.gradients) for _ in self.replicas]
            self.pool: ThreadPoolExecutor | None = None

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The threads exist, and BLAS uses as many as suits them, while this context is open."""
        from threadpoolctl import threadpool_limits

        with threadpool_limits(self.blas_threads, user_api="blas"):
            if not self.large:
                yield
                return
            with ThreadPoolExecutor(self.threads, thread_name_prefix="inkling") as self.pool:
                yield

    def gradients(self, images: Array, labels: Array) -> tuple[float, int]:
        """Fill the network's gradients for this batch; return (mean data loss, number right)."""
        if not self.large:
            return self.network.compute_gradients(images, labels)
        assert self.pool is not None
        shares = [self.pool.submit(self.walk, index, images, labels) for index in range(self.threads)]
        outcomes = [share.result() for share in shares]
        np.copyto(self.network.gradients, self.sums[0])
        for other in self.sums[1:]:
            self.network.gradients += other
        self.network.add_l2_gradient()
        return sum(loss for loss, _ in outcomes) / len(labels), sum(right for _, right in outcomes)

    def walk(self, index: int, images: Array, labels: Array) -> tuple[float, int]:
        """One thread's share: every `threads`-th block, gradients added up in its own sum."""
        replica, total = self.replicas[index], self.sums[index]
        total.fill(0)
        loss, right = 0.0, 0
        with np.errstate(over="ignore", invalid="ignore"):  # each thread has its own
            for block in list(blocks(len(labels), BLOCK))[index :: self.threads]:
                block_loss, block_right = replica.data_gradients(images[block], labels[block], len(labels))
                total += replica.gradients
                loss += block_loss * (block.stop - block.start)
                right += block_right
        return loss, right

    def random_state(self) -> list[dict[str, Any]]:
        """Where the random streams of all replicas stand."""
        return [replica.random_state() for replica in self.replicas] if self.large else []

    def set_random_state(self, states: list[dict[str, Any]]) -> None:
        """Put them back."""
        for replica, state in zip(self.replicas if self.large else [], states, strict=True):
            replica.set_random_state(state)
