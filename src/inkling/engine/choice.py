"""Which engine takes the steps: the one asked for, or the fastest that can, and why not a faster one."""

from __future__ import annotations

import importlib.util
import math
import os

from inkling.engine import code_cache
from inkling.engine.protocol import Augment, EngineError, Plan, Samples
from inkling.engine.reference import ReferencePlan
from inkling.nn import Network, Optimizer

ENGINES = ("auto", "compiled", "numpy", "reference")
"""What `choose` can be asked for."""
WORTH_LOADING = 2e10
"""Floating-point operations of a training, about a quarter of a second, from which on loading compiled code pays."""
WORTH_COMPILING = 3e12
"""The same, some thirty seconds, for compiling it first: that takes ten to twenty, once on each machine."""


def available_threads() -> int:
    """How many cores this process may use: all, unless OMP_NUM_THREADS says fewer, as to other libraries."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, max(int(told), 1)) if told.isdecimal() else cores


def work_of(network: Network) -> int:
    """About how many floating-point operations a sample costs, forward and backward.

    Each weight takes part in three products (forward, dW, dx), each a multiplication and an addition, for every place
    that it looks at: one in a Dense layer, as many as there are output pixels in a convolution.
    """
    shapes = [(layer, layer.parameter_shapes().get("W")) for layer in network.layers]
    return sum(
        6 * math.prod(shape) * math.prod(layer.output_shape) // shape[-1]
        for layer, shape in shapes
        if shape is not None
    )


def choose(
    engine: str,
    network: Network,
    optimizer: Optimizer,
    samples: Samples,
    *,
    batch_size: int,
    threads: int | None = None,
    epochs: int = 1,
    augment: Augment | None = None,
) -> Plan:
    """A plan for this training, by the engine of that name; its `why` says why it is no faster one, if it is not.

    `threads`: how many cores to use, by default all. Raises EngineError if the engine asked for cannot do it, and
    ValueError for a name that is none.
    """
    if engine not in ENGINES:
        raise ValueError(f"there is no engine called {engine!r}; there are {', '.join(ENGINES)}")
    workers = available_threads() if threads is None else threads
    why = ""
    if engine in ("auto", "compiled"):
        try:
            if engine == "auto":
                check_worth(work_of(network) * len(samples.images) * epochs, network)
            return compiled_plan(network, optimizer, samples, batch_size, workers, augment)
        except EngineError as error:
            if engine == "compiled":
                raise
            why = f"not compiled: {error}"
    plan: Plan
    if engine == "reference":
        plan = ReferencePlan(network, optimizer, samples, batch_size=batch_size, workers=workers, augment=augment)
    else:
        from inkling.engine.buffered import BufferedPlan

        plan = BufferedPlan(network, optimizer, samples, batch_size=batch_size, workers=workers, augment=augment)
    plan.why = why
    return plan


def check_worth(operations: int, network: Network, *, training: bool = True) -> None:
    """Raise EngineError where a training, or a prediction, is over before compiled code would be there."""
    if importlib.util.find_spec("numba") is None:
        raise EngineError("Numba is not installed; pip install 'inkling-nn[fast]' makes training several times faster")
    if operations < WORTH_LOADING:
        raise EngineError("the training is too short for it")
    if operations < WORTH_COMPILING and not code_cache.holds(network, training=training):
        raise EngineError("the training is over sooner than its code would be compiled")


def compiled_plan(
    network: Network, optimizer: Optimizer, samples: Samples, batch_size: int, workers: int, augment: Augment | None
) -> Plan:
    """A plan of the compiled engine. Raises EngineError where there is no Numba, or not one that works here."""
    try:
        from inkling.engine.compiled.plan import CompiledPlan
    except ImportError as error:
        raise EngineError(f"Numba cannot be used ({error})") from None
    return CompiledPlan(network, optimizer, samples, batch_size=batch_size, workers=workers, augment=augment)
