"""The machine: it takes a batch through any network, instruction by instruction.

A network is handed to it as a table of numbers (program.py, table.py): for each layer, which operations go forward and
backward, and where in memory its input, output and parameters lie. So a new architecture needs no compiling. All
workers follow the same instructions, each with its share of the samples, and meet at barriers:

    pixels → layers → loss → layers backward       each worker for its samples; batch normalization meets in between
    barrier
    gradients of all added up → optimizer          each worker for its part of the parameters
    barrier

Between two steps the workers wait for the next one: awake for a moment, then asleep.
"""

# mypy: ignore-errors

import math

from numba import njit

from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import (
    LINE,
    atomic_add,
    atomic_exchange,
    atomic_load,
    barrier,
    call,
    copy,
    flush_denormals,
    rest,
    restore_denormals,
    row,
)
from inkling.engine.compiled.operations import FLOAT, WHOLE, open_table, share_of

STEPS_BEGUN, SLEEPERS = LINE, 2 * LINE
"""Where the counters stand: of the steps that have begun, and of each worker, whether it sleeps."""
AWAKE = 2_000
"""How often a worker looks for the next step (about a millisecond) before it goes to sleep."""
LEARN, ANSWER, STOP, PARK = range(4)
"""What a worker is told to do: a step of training, answers, to end. PARK is what it does by itself: sleep."""


@njit(nogil=True, error_model="numpy")
def step(table):
    """The worker's part of a training step. Returns the loss of all samples, and how many are read right, summed up."""
    e = open_table(table)
    orders, found = row(e[t.ORDERS], 0, 16, WHOLE), row(e[t.FOUND], e[t.WORKER] * t.FOUND_WIDTH, 4, FLOAT)
    found[t.LOSS_FOUND] = found[t.RIGHT_FOUND] = 0
    e[t.TRAINING], e[t.MORE] = 1, 0
    for start in range(0, orders[t.SAMPLES], orders[t.BLOCK]):
        count = forward(e, table, orders, start)
        call(e[t.COMPARE], table, 0, count)
        for n in range(e[t.LENGTH] - 1, -1, -1):
            backward = row(e[t.INSTRUCTIONS], n * t.INSTRUCTION, t.INSTRUCTION, WHOLE)[t.BACKWARD]
            if not backward:  # nothing before it learns
                break
            call(backward, table, n, count)
        e[t.MORE] = 1
        barrier(e[t.COUNTERS], e[t.WORKERS])
    loss, right = 0.0, 0.0
    for worker in range(e[t.WORKERS]):
        found = row(e[t.FOUND], worker * t.FOUND_WIDTH, 4, FLOAT)
        loss, right = loss + found[t.LOSS_FOUND], right + found[t.RIGHT_FOUND]
    if math.isfinite(loss):  # otherwise nothing is learned
        if row(e[t.RATES], 0, t.HYPER, FLOAT)[t.CLIP] > 0:
            call(e[t.GATHER], table, 0, 0)
            barrier(e[t.COUNTERS], e[t.WORKERS])
        call(e[t.UPDATE], table, 0, 0)
    barrier(e[t.COUNTERS], e[t.WORKERS])
    return loss, right


@njit(nogil=True, error_model="numpy")
def forward(e, table, orders, start):
    """Take the worker's samples of a block, which begins at number `start` of the batch, through all layers."""
    e[t.TOGETHER] = min(orders[t.BLOCK], orders[t.SAMPLES] - start)
    first, last = share_of(e[t.TOGETHER], e[t.WORKER], e[t.WORKERS])
    e[t.ROW], e[t.SAMPLE], count = first, start + first, last - first
    call(e[t.LOAD], table, 0, count)
    for n in range(e[t.LENGTH]):
        call(row(e[t.INSTRUCTIONS], n * t.INSTRUCTION, t.INSTRUCTION, WHOLE)[t.FORWARD], table, n, count)
    return count


@njit(nogil=True, error_model="numpy")
def answer(table):
    """The worker's part of the answers to a batch: the outputs of the last layer, dropout off."""
    e = open_table(table)
    orders = row(e[t.ORDERS], 0, 16, WHOLE)
    e[t.TRAINING] = 0
    for start in range(0, orders[t.SAMPLES], orders[t.BLOCK]):
        count = forward(e, table, orders, start)
        call(e[t.COMPARE], table, 0, count)  # which keeps the outputs, here
        barrier(e[t.COUNTERS], e[t.WORKERS])


@njit(nogil=True, error_model="numpy", cache=True)
def do(table, what):
    """What the first worker does: its part of what all have been told. Returns what `step` found."""
    found = 0.0, 0.0
    before = flush_denormals()
    if what == LEARN:
        found = step(table)
    elif what == ANSWER:
        answer(table)
    restore_denormals(before)
    return found


@njit(nogil=True, error_model="numpy", cache=True)
def take_batch(table, picked, available, step, steps, rate, clip, hyper):
    """Write down what the next step is about: which samples, and with what the optimizer takes it.

    Returns False, and nothing must be done, if a sample is none of those that are `available`.
    """
    e, count = open_table(table), len(picked)
    for sample in picked:
        if not 0 <= sample < available:
            return False
    copy(picked, row(e[t.LABELLED], 0, count, WHOLE))
    orders, rates = row(e[t.ORDERS], 0, 16, WHOLE), row(e[t.RATES], 0, t.HYPER + t.HYPERS, FLOAT)
    orders[t.SAMPLES], orders[t.STEP], orders[t.STEPS] = count, step, steps
    rates[t.RATE], rates[t.CLIP] = rate, clip
    for k in range(t.HYPERS):
        rates[t.HYPER + k] = hyper[k]
    return True


@njit(nogil=True, error_model="numpy", cache=True)
def serve(table, seen):
    """What every other worker does, again and again. Returns (STOP or PARK, steps seen): to end, or to sleep."""
    e = open_table(table)
    counters, told, mine = e[t.COUNTERS], row(e[t.TOLD], 0, 1, WHOLE), SLEEPERS + e[t.WORKER] * LINE
    while True:
        looked = 0
        while atomic_load(counters, STEPS_BEGUN) == seen:
            looked += 1
            rest(looked)
            if looked > AWAKE:
                atomic_exchange(counters, mine, 1)
                # A step may have begun in between: then whoever takes the mark away first decides.
                if atomic_load(counters, STEPS_BEGUN) == seen or atomic_exchange(counters, mine, 0) == 0:
                    return PARK, seen
        seen += 1
        if told[0] == STOP:
            return STOP, seen
        do(table, told[0])


@njit(nogil=True, error_model="numpy", cache=True)
def call_workers(counters, workers, sleeping):
    """Begin a step: all workers that are awake see it. Marks those to be woken in `sleeping`; returns how many."""
    atomic_add(counters, STEPS_BEGUN, 1)
    marks, count = row(sleeping, 0, workers, WHOLE), 0
    for worker in range(1, workers):
        marks[worker] = atomic_exchange(counters, SLEEPERS + worker * LINE, 0)
        count += marks[worker]
    return count
