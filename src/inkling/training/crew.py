"""Who does the work of a training step: one hand alone, or several that each take a share of every batch.

A step asks for two things: the gradients of a batch, and new parameters. A hand takes its share of the batch's samples
through the network, then moves its part of the parameters by the gradients of all. Between the two, and before the next
step, every hand waits for all others; apart from that none needs another.

Each further hand is a process, because much of a step of a small network is Python, and of one process's threads
only one at a time runs Python. The processes are forked: they share the images for nothing, and what all of them
write (parameters, gradients, the optimizer's memory) lies in memory that all of them see (memory.py). Each computes
its matrix products alone, with one BLAS thread; a hand that works alone lets BLAS use all the threads.

Who takes which samples and which parameters is fixed, and gradients are added up in a fixed order, so the same
number of threads gives the same bits. Nothing but rounding depends on that number: every sample has its own numbers
from the random streams, whoever computes it. Callbacks may change parameters and what the optimizer remembers, and all
hands follow; its settings, such as momentum, are those it had when the training began.

Source of the idea, with machines in the place of processes: Goyal et al., 2017, "Accurate, large minibatch SGD".
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import InklingError
from inkling.nn import Network, Optimizer
from inkling.nn.part import Array
from inkling.training.hands import BLOCK, Augment, Hand
from inkling.training.memory import own_memory_mb, shared
from inkling.training.samples import Arrays

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.synchronize import Semaphore

SMALLEST_SHARE = 8
"""Samples of a batch that make a hand of its own worthwhile."""
WORTH_FORKING = 20e9
"""Floating-point operations of a whole training (some tenths of a second), from which on starting processes pays."""
WORTH_MEETING = 6e6
"""Floating-point operations a step, from which on several hands are worth their waiting for each other."""
WORTH_SHARING = 50e6
"""Floating-point operations a step, from which on a hand that works alone lets BLAS share them between threads."""
SPINS = 3000
"""How often a hand asks again whether the others are done (about 0.2 ms) before it goes to sleep."""
AWAKE = 1.0
"""Seconds of sleep after which a hand looks whether the others are still alive."""


def available_threads() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def can_fork() -> bool:
    """Whether processes can be started that share this one's memory.

    Windows has no such thing, and on a Mac the system's BLAS does not survive it. A thread other than the main one, as
    in a server, has company: another may be in the middle of a matrix product, and would leave the new process
    waiting for it for ever. Nor may a process of a pool, such as multiprocessing's, start others.
    """
    if not hasattr(os, "fork") or sys.platform in ("win32", "darwin"):
        return False
    from multiprocessing import current_process

    return threading.current_thread() is threading.main_thread() and not current_process().daemon


def operations_a_sample(network: Network) -> int:
    """About how many floating-point operations a sample costs, forward and backward.

    Each weight takes part in three products (forward, dW, dx), each a multiplication and an addition, for every place
    that it looks at: one in a Dense layer, as many as there are output pixels in a convolution.
    """
    weights = [(layer, layer.W) for layer in network.layers if "W" in layer.parameter_shapes()]
    return sum(6 * W.size * math.prod(layer.output_shape) // W.shape[-1] for layer, W in weights)


class Crew:
    """One hand or several, and what keeps them in step. Usable while it is open, as a context.

    `hands` tells how many there are, `memory_mb` how much memory the others held of their own, once they have gone.
    """

    def __init__(
        self,
        network: Network,
        optimizer: Optimizer,
        samples: Arrays,
        batch_size: int,
        threads: int,
        epochs: int,
        augment: Augment | None = None,
    ) -> None:
        self.network, self.optimizer, self.samples, self.augment = network, optimizer, samples, augment
        self.batch_size, self.threads = batch_size, threads
        operations = operations_a_sample(network)
        self.operations = operations * min(batch_size, BLOCK)
        worth_it = self.operations >= WORTH_MEETING and operations * len(samples.images) * epochs >= WORTH_FORKING
        self.hands = max(1, min(threads, batch_size // SMALLEST_SHARE)) if worth_it and can_fork() else 1
        self.workers: list[Worker] = []
        self.memory_mb = 0.0
        self.order: Array | None = None

    @property
    def blas_threads(self) -> int:
        """How many threads each hand's matrix products may use."""
        return self.threads if self.hands == 1 and self.operations >= WORTH_SHARING else 1

    def __enter__(self) -> Crew:
        if self.hands > 1:
            try:
                return self._open(self._gather_hands)
            except (OSError, ImportError):  # no semaphores, processes or memory to share: some containers have none
                self.hands, self.memory_mb = 1, 0.0
        return self._open(self._work_alone)

    def _open(self, prepare: Callable[[ExitStack], None]) -> Crew:
        """Have everything ready, or all as it was before."""
        from threadpoolctl import threadpool_limits

        with ExitStack() as ends:
            ends.enter_context(threadpool_limits(self.blas_threads, user_api="blas"))
            prepare(ends)
            self.ends = ends.pop_all()
        return self

    def _work_alone(self, ends: ExitStack) -> None:
        self.first = Hand(0, 1, self.network, self.optimizer, self.samples, self.augment)

    def _gather_hands(self, ends: ExitStack) -> None:
        """Move what all write into shared memory, and start a process for every hand but the first."""
        from multiprocessing import get_context

        context = get_context("fork")
        network, optimizer = self.network, self.optimizer
        signals = [(context.Semaphore(0), context.Semaphore(0)) for _ in range(self.hands - 1)]
        ends.callback(self._give_back, network.parameters, network.gradients, optimizer.state)
        network.adopt(shared(network.parameters), shared(network.gradients))
        self.memory = optimizer.state = {name: shared(vector) for name, vector in optimizer.state.items()}
        self.told = shared(np.zeros(5))
        self.shared_order = shared(np.zeros(len(self.samples.images) + 1, np.int64))
        hands = [Hand(0, self.hands, network, optimizer, self.samples, self.augment)]
        for index in range(1, self.hands):
            twin = network.replica()
            twin.adopt(network.parameters, shared(network.gradients))
            hands.append(Hand(index, self.hands, twin, optimizer, self.samples, self.augment))
        found = shared(hands[0].found)
        for hand in hands:
            hand.gradients = [other.network.gradients for other in hands]
            hand.found = found
            hand.optimizer = optimizer.part(hand.part)
        self.first = hands[0]
        self.first.meet = self._meet
        ends.callback(self._dismiss)
        for hand, (go, done) in zip(hands[1:], signals, strict=True):
            self.workers.append(Worker(context, self, hand, go, done))

    def begin_epoch(self, epoch: int, order: Array | None) -> None:
        """Take the samples in this order from now on; None: as they lie."""
        self.epoch, self.order = epoch, order
        if self.workers:
            self.shared_order[0] = order is not None
            if order is not None:
                self.shared_order[1:] = order

    def step(self, start: int, stop: int, learning_rate: float) -> tuple[float, float]:
        """One step with samples `start` … `stop` of the order; returns (mean data loss, number right).

        If the loss is no finite number, the parameters are left as they are.
        """
        first, optimizer = self.first, self.optimizer
        if self.workers:
            if optimizer.state is not self.memory:  # a callback has reset the optimizer
                for name, vector in optimizer.state.items():
                    self.memory[name][...] = vector
                optimizer.state = self.memory
            first.optimizer.steps = optimizer.steps
            self.told[:] = start, stop, learning_rate, optimizer.steps, self.epoch
            for worker in self.workers:
                worker.go.release()
        loss, right = first.step(start, stop, self.order, learning_rate, self.epoch)
        for worker in self.workers:
            worker.wait()
        optimizer.steps = first.optimizer.steps
        return loss, right

    def _meet(self) -> None:
        """Wait for the other hands in the middle of a step, then let all go on."""
        for worker in self.workers:
            worker.wait()
        for worker in self.workers:
            worker.go.release()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ends.close()

    def _dismiss(self) -> None:
        """Send the processes home."""
        with ExitStack() as ends:
            for worker in self.workers:
                ends.callback(self._part_with, worker)
            self.told[:] = -1
            for worker in self.workers:
                worker.go.release()
        self.workers = []

    def _part_with(self, worker: Worker) -> None:
        self.memory_mb += worker.end()

    def _give_back(self, parameters: Array, gradients: Array, state: dict[str, Array]) -> None:
        """Put what was learned back into the arrays that the network and the optimizer had before."""
        parameters[...], gradients[...] = self.network.parameters, self.network.gradients
        self.network.adopt(parameters, gradients)
        for name, vector in state.items():
            vector[...] = self.optimizer.state[name]
        self.optimizer.state = state


class Dismissed(Exception):
    """In a process: the training is over, or has failed elsewhere."""


class Worker:
    """A hand in a process of its own, seen from the crew: `go` starts it on what comes next, `done` says it has."""

    def __init__(self, context: Any, crew: Crew, hand: Hand, go: Semaphore, done: Semaphore) -> None:
        self.crew, self.hand, self.go, self.done = crew, hand, go, done
        self.parent = os.getpid()
        self.report, report = context.Pipe(duplex=False)
        self.process = context.Process(target=self.work, args=(report,), daemon=True)
        # Ctrl-C and polite kills are for the first hand, which finishes the step. They often reach all processes,
        # and a process is born deaf to what its parent does not listen to.
        heard = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGTERM))
        try:
            with warnings.catch_warnings():
                # Newer Pythons warn of forking beside BLAS's threads, which know how to be forked.
                warnings.simplefilter("ignore", DeprecationWarning)
                self.process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, heard)
            report.close()

    def work(self, report: Connection) -> None:
        """What the process does: step after step, until it is told to stop."""
        hand, told, order = self.hand, self.crew.told, self.crew.shared_order
        hand.meet = self.meet
        try:
            # As in the trainer, which looks for numbers too large in every loss.
            with np.errstate(over="ignore", invalid="ignore"):
                while True:
                    self.listen()
                    start, stop, learning_rate, steps, epoch = told.tolist()
                    hand.optimizer.steps = int(steps)
                    hand.step(int(start), int(stop), order[1:] if order[0] else None, learning_rate, int(epoch))
                    self.done.release()
        except Dismissed:
            report.send(own_memory_mb())  # at the end it is most: what a hand computes in grows and is kept
        except Exception as error:
            report.send(f"{type(error).__name__}: {error}")

    def meet(self) -> None:
        """In the process: say that this hand is there, and wait until all are."""
        self.done.release()
        self.listen()

    def listen(self) -> None:
        """In the process: wait for `go`. Raises Dismissed if that meant to go home."""
        await_signal(self.go, self.orphaned)
        if self.crew.told[0] < 0:
            raise Dismissed

    def orphaned(self) -> None:
        """End this process if the one that started it is gone."""
        if os.getppid() != self.parent:
            os._exit(1)

    def wait(self) -> None:
        """Wait until the hand is done with what it was at. Raises InklingError if it has died over it."""
        await_signal(self.done, self.check)

    def check(self) -> None:
        """Raise InklingError if the process has died."""
        if not self.process.is_alive():
            words = self.last_words(0)
            if words is None:
                words = f"exit status {self.process.exitcode}, perhaps for want of memory"
            raise InklingError(
                f"a process that helped with the training ended ({words}); training.threads=1 does without"
            )

    def end(self) -> float:
        """Wait until the process is gone; return how much memory it held of its own, in MB."""
        words = self.last_words(AWAKE)
        self.process.join(AWAKE)
        self.process.kill()
        self.process.join()
        self.process.close()
        self.report.close()
        return words if isinstance(words, float) else 0.0

    def last_words(self, seconds: float) -> float | str | None:
        """What the process has reported: its memory, or what went wrong; None if it died without a word."""
        with suppress(EOFError, OSError):
            if self.report.poll(seconds):
                words: float | str = self.report.recv()
                return words
        return None


def await_signal(signal: Semaphore, look: Callable[[], None]) -> None:
    """Wait for the signal: at first wide awake, then asleep, calling `look` from time to time."""
    acquire = signal.acquire
    for _ in range(SPINS):
        if acquire(False):
            return
    while not acquire(True, AWAKE):
        look()
