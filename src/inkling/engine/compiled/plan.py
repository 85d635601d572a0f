"""The compiled engine's plan: a network as a program, threads to follow it, and one call a step.

The workers are Python's threads, each in a compiled function for as long as the training lasts, so none waits for the
other's Python. One works in the thread that called `step`.
"""

from __future__ import annotations

import math
import threading
from contextlib import ExitStack
from operator import is_
from types import TracebackType
from typing import Self

import numpy as np
from threadpoolctl import threadpool_limits

from inkling.engine import code_cache
from inkling.engine.compiled import batch_operations, machine
from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import counters
from inkling.engine.compiled.operations import address_of
from inkling.engine.compiled.program import (
    LOSSES,
    OPTIMIZERS,
    Program,
    check,
    grey_values,
    hyperparameters,
    rows_of_a_block,
)
from inkling.engine.protocol import Augment, Plan, Samples
from inkling.nn import Network, Optimizer
from inkling.nn.part import Array


class Machine:
    """Workers that follow a network's program; a context.

    `batch` is what they work on, by its place in the table, `slots` are the optimizer's vectors; without `training`,
    they only answer. The tables hold addresses, so the arrays are kept here for as long as the workers are.
    """

    def __init__(
        self, network: Network, batch: dict[int, Array], slots: list[Array], samples: int, workers: int, training: bool
    ) -> None:
        self.workers, dtype = workers, network.dtype
        rows = rows_of_a_block(network, samples, workers, training=training)
        program = Program(network, rows, workers, training)
        may_skip = bool(len(program.lines) and program.lines[0, t.ON_PIXELS])
        self.found = np.zeros((workers, t.FOUND_WIDTH))
        self.told = np.zeros(1, np.int64)
        self.counters = counters(workers)
        self.sleeping = np.zeros(workers, np.int64)
        statistics = np.zeros((workers, max(program.statistics, 1)))
        pieces = (slots[0] if slots else self.found), (slots[1] if len(slots) > 1 else self.found)
        shared = {
            **batch, t.COUNTERS: self.counters, t.TOLD: self.told, t.INSTRUCTIONS: program.lines,
            t.CONSTANTS: program.constants, t.PARAMETERS: network.parameters, t.STATE: network.state,
            t.GREY: grey_values(dtype), t.GRADIENTS: np.zeros((workers, len(network.parameters) * training), dtype),
            t.SLOT: pieces[0], t.SLOT2: pieces[1], t.STATISTICS: statistics, t.FOUND: self.found,
            t.NUMBERS: np.zeros(program.numbers, dtype), t.CUTS: program.cuts(),
        }  # fmt: skip
        operations = {
            t.LOAD: batch_operations.load,
            t.COMPARE: batch_operations.compare,
            t.GATHER: batch_operations.gather,
            t.UPDATE: batch_operations.update,
        }
        if not training:
            operations = {t.LOAD: batch_operations.load, t.COMPARE: batch_operations.keep_answers}
        numbers = {
            t.WORKERS: workers, t.LENGTH: len(program.lines), t.SIZE: len(network.parameters), t.HALF: program.half,
            t.STATISTICS_WIDTH: statistics.shape[1], t.PICTURE_BYTES: batch[t.PICTURES].strides[0],
            t.BANDS: (len(program.cuts()) - 1) // workers,
            **{place: address_of(function, dtype) for place, function in operations.items()},
        }  # fmt: skip
        self.tables = np.zeros((workers, t.TABLE_WIDTH), np.int64)
        numbers[t.TABLES] = self.tables.ctypes.data
        self.arrays, parts = [shared], program.parts()
        for worker, table in enumerate(self.tables):
            self.arrays.append(program.own(may_skip) | {t.PARTS: parts[worker]})
            addresses = {place: array.ctypes.data for place, array in (shared | self.arrays[-1]).items() if array.size}
            for place, number in (numbers | addresses).items():
                table[place] = number
            table[t.WORKER], table[t.PART_COUNT] = worker, len(parts[worker])
        orders = batch[t.ORDERS]
        orders[t.BLOCK], orders[t.PIXELS], orders[t.SPARSE] = rows, math.prod(network.input_shape), may_skip
        orders[t.OUTPUTS_AT], orders[t.CLASSES] = program.outputs_at, program.classes
        self.first = self.tables[0].ctypes.data
        self.calling = self.counters.ctypes.data, workers, self.sleeping.ctypes.data
        self.bells = [threading.Semaphore(0) for _ in range(workers)]
        self.threads = [
            threading.Thread(target=self.serve, args=(worker,), name=f"inkling-{worker}", daemon=True)
            for worker in range(1, workers)
        ]

    def serve(self, worker: int) -> None:
        """What a worker's thread does until it is told to stop."""
        table, seen, said = self.tables[worker].ctypes.data, 0, machine.LEARN
        while said != machine.STOP:
            said, seen = machine.serve(table, seen)
            if said == machine.PARK:
                self.bells[worker].acquire()

    def do(self, what: int) -> tuple[float, float]:
        """Let all workers do that, and return when they have; with what a training step found, before the division."""
        if self.workers > 1:
            self.told[0] = what
            if machine.call_workers(*self.calling):
                for worker in range(1, self.workers):
                    if self.sleeping[worker]:
                        self.bells[worker].release()
        found: tuple[float, float] = machine.do(self.first, what)
        return found

    def __enter__(self) -> Self:
        with ExitStack() as ends:
            ends.enter_context(threadpool_limits(1, user_api="blas"))
            ends.callback(self.dismiss)
            for thread in self.threads:
                thread.start()
            self.ends = ends.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ends.close()

    def dismiss(self) -> None:
        """Send the workers home, and wait until they are gone."""
        self.do(machine.STOP)
        for thread in self.threads:
            if thread.ident is not None:
                thread.join()


class CompiledPlan(Plan):
    """Training steps by compiled code."""

    name = "compiled"

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
        check(network, optimizer)
        workers = max(1, min(workers, batch_size))
        super().__init__(network, optimizer, samples, batch_size=batch_size, workers=workers, augment=augment)
        if len(samples.labels) and not 0 <= np.min(samples.labels) <= np.max(samples.labels) < network.output_shape[0]:
            raise IndexError(f"labels must lie between 0 and {network.output_shape[0] - 1}")
        pixels = math.prod(network.input_shape)
        if augment is None:
            pictures, kind = as_bytes(network, samples.images)
        else:
            pictures, kind = np.zeros((batch_size, 8 * pixels), np.uint8), 1
        weights = np.zeros(0) if samples.weights is None else samples.weights
        chosen = np.zeros(batch_size, np.int64)
        labelled = chosen if augment is None else np.zeros(batch_size, np.int64)
        self.batch = {
            t.PICTURES: pictures, t.CHOSEN: chosen, t.LABELS: np.ascontiguousarray(samples.labels, np.int64),
            t.LABELLED: labelled, t.WEIGHTS: np.ascontiguousarray(weights, network.dtype),
            t.ORDERS: np.zeros(16, np.int64), t.RATES: np.zeros(t.HYPER + t.HYPERS),
        }  # fmt: skip
        if augment is not None:
            chosen[:] = np.arange(batch_size)
        orders, rates, loss = self.batch[t.ORDERS], self.batch[t.RATES], network.loss
        orders[t.KIND], orders[t.LOSS], orders[t.OPTIMIZER] = kind, LOSSES[type(loss)], OPTIMIZERS[type(optimizer)]
        orders[t.DECAYED] = network.weight_count
        rates[t.SMOOTHING], rates[t.SUMMED], rates[t.L2] = loss.label_smoothing, loss.reduction == "sum", network.l2

    def __enter__(self) -> Self:
        self.ends = ExitStack()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ends.close()

    def start(self) -> None:
        """Let the workers begin, with the arrays that network and optimizer have now."""
        self.ends.close()
        network, optimizer = self.network, self.optimizer
        if not optimizer.fits(network.parameters):
            optimizer.reset(network.parameters)
        self.working_on = self.arrays()
        slots = self.working_on[2:]
        with code_cache.compiling(network) as missing:
            self.machine = Machine(network, self.batch, slots, self.batch_size, self.workers, training=True)
            if missing:
                no_pictures, no_answers = np.zeros((0, 8), np.uint8), np.zeros((0, *network.output_shape))
                answering(network, no_pictures, no_answers, 1)
        self.ends.enter_context(self.machine)

    def arrays(self) -> list[Array]:
        """What the machine works on in place."""
        vectors = [self.optimizer.state[name] for name in self.optimizer.memory]
        return [self.network.parameters, self.network.state, *vectors]

    def step(self, rows: Array | slice, learning_rate: float) -> tuple[float, float]:
        network, optimizer = self.network, self.optimizer
        if not all(map(is_, self.arrays(), self.working_on)):  # somebody has put others in their place
            self.start()
        count, clip = self.count(rows), float(optimizer.clip_norm or 0)
        picked = np.arange(*rows.indices(len(self.samples.labels))) if isinstance(rows, slice) else rows
        if not machine.take_batch(
            self.machine.first, picked, len(self.samples.labels), network.step, optimizer.steps + 1,
            float(learning_rate), clip, hyperparameters(optimizer),
        ):  # fmt: skip
            raise IndexError(f"there are only {len(self.samples.labels)} samples to learn from")
        if self.augment is not None:
            self.put(self.distorted(rows))
        loss, right = self.machine.do(machine.LEARN)
        loss /= count
        network.step += 1
        optimizer.steps += math.isfinite(loss)
        return loss, right

    def score(self, samples: Samples) -> tuple[float, float]:
        found = answers(self.network, samples.images, self.workers, chances=False)
        return self.network.loss.judge(found, samples.labels, samples.weights)

    def put(self, images: Array) -> None:
        """Have these images as the batch's pictures."""
        raw, kind = as_bytes(self.network, images)
        self.batch[t.PICTURES][: len(raw), : raw.shape[1]] = raw
        self.batch[t.ORDERS][t.KIND] = kind


def as_bytes(network: Network, images: Array) -> tuple[Array, int]:
    """Images as rows of bytes, (n, …) uint8, and how many bytes a pixel has: 1 (uint8), 4 or 8 (floats)."""
    network.enter(images[:0])  # raises ShapeError where the pixels don't fit
    rows = images.reshape(len(images), math.prod(images.shape[1:]))
    if rows.dtype not in (np.uint8, np.float32, np.float64):
        rows = rows.astype(network.dtype)
    return np.ascontiguousarray(rows).view(np.uint8), rows.dtype.itemsize


def answering(network: Network, pictures: Array, answers: Array, workers: int) -> tuple[Machine, Array]:
    """A machine that answers to as many pictures as there is room for, and the orders that it takes."""
    check(network, None)
    count, orders, rates = len(answers), np.zeros(16, np.int64), np.zeros(t.HYPER + t.HYPERS)
    orders[t.LOSS] = LOSSES[type(network.loss)]
    batch = {t.PICTURES: pictures, t.CHOSEN: np.arange(count), t.ANSWERS: answers, t.ORDERS: orders, t.RATES: rates}
    return Machine(network, batch, [], count, workers, training=False), orders


def answers(network: Network, x: Array, workers: int, *, chances: bool) -> Array:
    """The outputs of the last layer for any number of samples, dropout off, or the chances of each class."""
    check(network, None)
    pictures, kind = as_bytes(network, x)
    found = np.zeros((len(x), *network.output_shape), network.dtype)
    working, orders = answering(network, pictures, found, max(1, min(workers, len(x))))
    orders[t.KIND], orders[t.SAMPLES], orders[t.CHANCES] = kind, len(x), chances
    with working:
        working.do(machine.ANSWER)
    return found


class Answers:
    """A machine that is ready to answer to a few samples, in the thread that asks; one at a time."""

    def __init__(self, network: Network, most: int) -> None:
        self.network, self.most = network, most
        with code_cache.compiling(network, training=False):
            self.start()

    def start(self) -> None:
        """Work with the arrays that the network has now."""
        network = self.network
        self.pictures = np.zeros((self.most, 8 * math.prod(network.input_shape)), np.uint8)
        self.found = np.zeros((self.most, *network.output_shape), network.dtype)
        self.machine, self.orders = answering(network, self.pictures, self.found, 1)
        self.working_on = network.parameters, network.state

    def __call__(self, x: Array, *, chances: bool) -> Array:
        """As `answers` has it, for at most as many samples as there is room for."""
        network = self.network
        if network.parameters is not self.working_on[0] or network.state is not self.working_on[1]:
            self.start()
        raw, kind = as_bytes(network, x)
        count, orders = len(raw), self.orders
        self.pictures[:count, : raw.shape[1]] = raw
        orders[t.KIND], orders[t.SAMPLES], orders[t.CHANCES] = kind, count, chances
        self.machine.do(machine.ANSWER)
        return self.found[:count].copy()
