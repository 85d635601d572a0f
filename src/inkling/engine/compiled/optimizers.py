"""Optimizers, compiled: one worker's part of the parameters, in pieces that stay in the cache.

For each piece the gradients of all workers are added up, always in the same order, and the step is taken at once.
The definitions are those of `inkling.nn.optimizers`.
"""

# mypy: ignore-errors

import math

import numpy as np
from numba import njit

from inkling.engine.compiled.dense import FAST

SGD, RMSPROP, ADAM = range(3)
PIECE = 2048
"""Numbers a piece."""


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def add_gradient(g, other):
    """g ← g + another worker's."""
    for i in range(len(g)):
        g[i] += other[i]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def add_decay(g, p, l2):
    """g ← g + l2 · p, for weights."""
    strength = g.dtype.type(l2)
    for i in range(len(g)):
        g[i] += strength * p[i]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def shrink(p, factor):
    """p ← factor · p."""
    by = p.dtype.type(factor)
    for i in range(len(p)):
        p[i] *= by


@njit(nogil=True, error_model="numpy")
def squared_length(g):
    """Σ g²."""
    total = 0.0
    for i in range(len(g)):
        total += float(g[i]) * float(g[i])
    return total


@njit(nogil=True, error_model="numpy")
def settings(kind, rate, steps, constants):
    """What a step's formula has for constants, worked out once."""
    first, second, epsilon = constants[1], constants[2], constants[3]
    root = 1.0
    if kind == ADAM:
        rate, root = rate / (1 - first**steps), math.sqrt(1 / (1 - second**steps))
    return rate, first, second, epsilon, root


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def update(kind, p, g, slot, slot2, settings):
    """Move p by its gradient g; `slot` and `slot2` are what the optimizer remembers of them."""
    number = p.dtype.type
    rate, first, second = number(settings[0]), number(settings[1]), number(settings[2])
    epsilon, root, rest, rest2 = (
        number(settings[3]),
        number(settings[4]),
        number(1 - settings[1]),
        number(1 - settings[2]),
    )
    if kind == SGD and first == 0:
        sgd(p, g, rate)
    elif kind == SGD:
        momentum(p, g, slot, rate, first, second != 0)
    elif kind == RMSPROP:
        rmsprop(p, g, slot, rate, first, rest, epsilon)
    else:
        adam(p, g, slot, slot2, rate, root, first, rest, second, rest2, epsilon)


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def sgd(p, g, rate):
    """p ← p − rate · g."""
    for i in range(len(p)):
        p[i] -= rate * g[i]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def momentum(p, g, v, rate, mu, nesterov):
    """v ← μ·v + g and p ← p − rate · v, or p − rate · (g + μ·v)."""
    for i in range(len(p)):
        v[i] = mu * v[i] + g[i]
        p[i] -= rate * (g[i] + mu * v[i] if nesterov else v[i])


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def rmsprop(p, g, s, rate, rho, rest, epsilon):
    """s ← ρ·s + (1 − ρ)·g² and p ← p − rate · g / (√s + ε)."""
    for i in range(len(p)):
        s[i] = rho * s[i] + rest * (g[i] * g[i])
        p[i] -= rate * g[i] / (np.sqrt(s[i]) + epsilon)


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def adam(p, g, m, v, rate, root, beta1, rest1, beta2, rest2, epsilon):
    """m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g², then p ← p − rate · m / (√v · root + ε)."""
    for i in range(len(p)):
        m[i] = beta1 * m[i] + rest1 * g[i]
        v[i] = beta2 * v[i] + rest2 * (g[i] * g[i])
        p[i] -= rate * m[i] / (np.sqrt(v[i]) * root + epsilon)
