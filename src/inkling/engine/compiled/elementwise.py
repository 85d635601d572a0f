"""Activations and dropout, compiled: number by number, in place.

Backward, each `d…` holds ∂loss/∂a before and ∂loss/∂z after; all derivatives are told from the activations a.
The definitions are those of `inkling.nn.activations` and `inkling.nn.layers`.
"""

# mypy: ignore-errors

import math

import numpy as np
from numba import njit

from inkling.engine.compiled import lanes
from inkling.engine.compiled.dense import FAST

# Written as a plain loop, the ReLU would become stores with a mask, which take some processors twenty times as long.


@njit(nogil=True, error_model="numpy")
def relu_forward(a):
    """a ← max(0, z)."""
    step, i = lanes.width(a), 0
    nothing = lanes.spread(a.dtype.type(0))
    while i + step <= len(a):
        lanes.store(a, i, lanes.maximum(lanes.load(a, i), nothing))
        i += step
    for k in range(i, len(a)):
        a[k] = max(a[k], a.dtype.type(0))


@njit(nogil=True, error_model="numpy")
def relu_backward(a, d):
    """∂a/∂z = 1 where a > 0, else 0."""
    step, i = lanes.width(a), 0
    while i + step <= len(a):
        lanes.store(d, i, lanes.where_positive(lanes.load(a, i), lanes.load(d, i)))
        i += step
    for k in range(i, len(a)):
        d[k] = d[k] if a[k] > 0 else d.dtype.type(0)


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def leaky_relu_forward(a, slope):
    """a ← z where z > 0, else slope · z."""
    s = a.dtype.type(slope)
    for i in range(len(a)):
        a[i] = a[i] if a[i] > 0 else a[i] * s


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def leaky_relu_backward(a, d, slope):
    """∂a/∂z = 1 where a > 0, else slope."""
    s = d.dtype.type(slope)
    for i in range(len(a)):
        d[i] = d[i] if a[i] > 0 else d[i] * s


@njit(nogil=True, error_model="numpy")
def sigmoid_forward(a):
    """a ← 1 / (1 + e^−z)."""
    one = a.dtype.type(1)
    for i in range(len(a)):
        a[i] = one / (one + np.exp(-a[i]))


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def sigmoid_backward(a, d):
    """∂a/∂z = a · (1 − a)."""
    one = d.dtype.type(1)
    for i in range(len(a)):
        d[i] *= a[i] * (one - a[i])


@njit(nogil=True, error_model="numpy")
def tanh_forward(a):
    """a ← tanh z."""
    for i in range(len(a)):
        a[i] = np.tanh(a[i])


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def tanh_backward(a, d):
    """∂a/∂z = 1 − a²."""
    one = d.dtype.type(1)
    for i in range(len(a)):
        d[i] *= one - a[i] * a[i]


@njit(nogil=True, error_model="numpy")
def softmax_forward(a):
    """Each row of a (rows, classes) ← e^z / Σ e^z."""
    for r in range(len(a)):
        softmax_row(a[r], a[r])


@njit(nogil=True, error_model="numpy")
def softmax_row(z, a):
    """a ← softmax z. Returns (largest z, log Σ e^(z − largest))."""
    largest = z[0]
    for j in range(1, len(z)):
        largest = max(largest, z[j])
    total = z.dtype.type(0)
    for j in range(len(z)):
        a[j] = np.exp(z[j] - largest)
        total += a[j]
    for j in range(len(z)):
        a[j] /= total
    return largest, math.log(total)


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def softmax_backward(a, d):
    """dz ← a · (da − Σ da·a), row by row."""
    for r in range(len(a)):
        along = a.dtype.type(0)
        for j in range(a.shape[1]):
            along += d[r, j] * a[r, j]
        for j in range(a.shape[1]):
            d[r, j] = a[r, j] * (d[r, j] - along)


@njit(nogil=True, error_model="numpy")
def random_bits(key, place):
    """The 64 random bits at one place of a key's sequence, as `inkling.nn.random.random_bits` has them."""
    z = np.uint64(place + 1) * np.uint64(0x9E3779B97F4A7C15) + key
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(nogil=True, error_model="numpy")
def draw_mask(kept, key, first_sample, limit):
    """kept (rows, neurons) uint8 ← 1 where the neuron stays; the first row is sample `first_sample` of the batch."""
    rows, neurons = kept.shape
    draws = (neurons + 3) // 4
    low = np.uint64(0xFFFF)
    for r in range(rows):
        for k in range(draws):
            bits = random_bits(key, (first_sample + r) * draws + k)
            for j in range(4 * k, min(4 * k + 4, neurons)):
                kept[r, j] = (bits & low) >= limit
                bits >>= np.uint64(16)


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def apply_mask(kept, d, scale):
    """d ← d · scale where the neuron stays, else 0: forward the activations, backward their gradients."""
    s = d.dtype.type(scale)
    for i in range(len(d)):
        d[i] = d[i] * s if kept[i] else d.dtype.type(0)
