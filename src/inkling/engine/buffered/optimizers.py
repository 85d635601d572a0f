"""Optimizers that move the parameters in place, a block at a time.

An optimizer makes several passes over each number. In blocks that stay in the processor's cache, the way to memory and
back is gone once; for wide layers it would take longer than the arithmetic.

What decays towards zero never gets there: halfway, numbers become so small that the processor takes a hundred times as
long for each (denormal numbers). So from time to time such numbers are set to 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from inkling.engine.buffered.buffers import Buffered
from inkling.nn import SGD, Adam, AdamW, Network, Optimizer, RMSprop
from inkling.nn.part import Array

BLOCK = 65536
"""Numbers a block: 256 kB of float32. Smaller ones fit a cache better, but the calls then cost more than that saves."""
FLUSH_EVERY = 100
"""Steps from one search for small numbers to the next, in which 0.9 ^ steps makes a number 40,000 times smaller."""
MARGIN = 1e8
"""How many times the smallest normal number is small."""


class Mover(Buffered):
    """Takes the steps of an optimizer, which remembers in its own vectors."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def step(self, optimizer: Optimizer, network: Network, learning_rate: float) -> None:
        """What `optimizer.step` does; `network.gradients` stay as they are."""
        parameters, gradients = network.parameters, network.gradients
        update = UPDATES.get(type(optimizer))
        if update is None:
            optimizer.step(parameters, gradients, learning_rate, network.weight_count)
            return
        if not optimizer.fits(parameters):
            optimizer.reset(parameters)
        optimizer.steps += 1
        if isinstance(optimizer, AdamW):
            parameters[: network.weight_count] *= 1 - float(learning_rate) * optimizer.weight_decay
        shorter = shortening(optimizer, gradients)
        vectors = [optimizer.state[name] for name in optimizer.memory]
        work = self.buffer("work", (min(BLOCK, len(parameters)),))
        clipped = self.buffer("clipped", work.shape)
        for start in range(0, len(parameters), BLOCK):
            p, g, *memory = (vector[start : start + BLOCK] for vector in (parameters, gradients, *vectors))
            if shorter < 1:
                g = np.multiply(g, shorter, out=clipped[: len(p)])
            update(optimizer, float(learning_rate), p, g, memory, work[: len(p)])
        if optimizer.steps % FLUSH_EVERY == 0:
            flush(optimizer, network)


def shortening(optimizer: Optimizer, gradients: Array) -> float:
    """What makes the gradients as long as `clip_norm`, if they are longer, and else 1."""
    if optimizer.clip_norm is None:
        return 1
    length = float(np.linalg.norm(gradients))
    return optimizer.clip_norm / length if length > optimizer.clip_norm else 1


def sgd(optimizer: Any, rate: float, p: Array, g: Array, memory: list[Array], change: Array) -> None:
    """v ← μ·v + g, p ← p − rate · v (with nesterov: g + μ·v); without momentum p ← p − rate · g."""
    if memory:
        (v,) = memory
        v *= optimizer.momentum
        v += g
        g = np.add(np.multiply(v, optimizer.momentum, out=change), g, out=change) if optimizer.nesterov else v
    p -= np.multiply(g, rate, out=change)


def rmsprop(optimizer: Any, rate: float, p: Array, g: Array, memory: list[Array], change: Array) -> None:
    """s ← ρ·s + (1 − ρ)·g², p ← p − rate · g / (√s + ε)."""
    (s,) = memory
    np.multiply(g, g, out=change)
    change *= 1 - optimizer.rho
    s *= optimizer.rho
    s += change
    np.sqrt(s, out=change)
    change += optimizer.epsilon
    np.divide(g, change, out=change)
    change *= rate
    p -= change


def adam(optimizer: Any, rate: float, p: Array, g: Array, memory: list[Array], change: Array) -> None:
    """m ← β₁·m + (1 − β₁)·g, v ← β₂·v + (1 − β₂)·g², p ← p − rate · m̂ / (√v̂ + ε).

    With r = √(1 − β₂ᵗ), the last is [rate · r / (1 − β₁ᵗ)] · m / (√v + ε·r), and the first m ← m + (1 − β₁)·(g − m),
    which saves three passes over the vectors.
    """
    m, v = memory
    np.subtract(g, m, out=change)
    change *= 1 - optimizer.beta1
    m += change
    np.multiply(g, g, out=change)
    change *= 1 - optimizer.beta2
    v *= optimizer.beta2
    v += change
    r = math.sqrt(1 - optimizer.beta2**optimizer.steps)
    np.sqrt(v, out=change)
    change += optimizer.epsilon * r
    np.divide(m, change, out=change)
    change *= rate * r / (1 - optimizer.beta1**optimizer.steps)
    p -= change


Update = Callable[[Any, float, Array, Array, list[Array], Array], None]
UPDATES: dict[type[Optimizer], Update] = {SGD: sgd, RMSprop: rmsprop, Adam: adam, AdamW: adam}
"""How the optimizers of `nn` move a block of parameters, given room for the change; any other does it itself."""


def flush(optimizer: Optimizer, network: Network) -> None:
    """Set to 0 what is about to become denormal: in the parameters, in what layers keep and what is remembered."""
    kind = np.finfo(network.dtype)
    small = float(kind.tiny) * MARGIN
    for vector in (network.parameters, network.state):
        np.copyto(vector, 0, where=np.abs(vector) < small)
    for name, vector in optimizer.state.items():
        below = small
        if isinstance(optimizer, (RMSprop, Adam)) and name != "m":  # a divisor may be 0 only where it vanishes beside ε
            below = min(small, (optimizer.epsilon * float(kind.eps)) ** 2)
        np.copyto(vector, 0, where=np.abs(vector) < below)
