"""Losses, compiled: a sample's loss, whether it is read right, and the gradient with which to go back.

The definitions are those of `inkling.nn.losses`.
"""

# mypy: ignore-errors

import math

import numpy as np
from numba import njit

from inkling.engine.compiled.elementwise import softmax_row

SOFTMAX_CROSS_ENTROPY, MEAN_SQUARED_ERROR, SIGMOID_BINARY_CROSS_ENTROPY = range(3)


@njit(nogil=True, error_model="numpy")
def compare(kind, z, label, smoothing, scale, gradient):
    """Compare one sample's outputs z (classes,) with its label; gradient ← ∂objective/∂z, times `scale`.

    Returns (loss, whether it is read right).
    """
    classes, number = len(z), z.dtype.type
    one, loss, best = number(1), 0.0, 0
    for j in range(1, classes):
        if z[j] > z[best]:
            best = j
    if kind == SOFTMAX_CROSS_ENTROPY:
        largest, log_total = softmax_row(z, gradient)
        loss = log_total - (z[label] - largest)
    elif kind == MEAN_SQUARED_ERROR:
        for j in range(classes):
            gradient[j] = z[j]
            error = z[j] - (one if j == label else number(0))
            loss += 0.5 * error * error
    else:
        for j in range(classes):
            gradient[j] = one / (one + np.exp(-z[j]))
            positive = max(z[j], number(0))
            loss += (positive - z[j] if j == label else positive) + math.log1p(math.exp(-abs(z[j])))
    for j in range(classes):
        target = number(smoothing / classes) + (one - number(smoothing) if j == label else number(0))
        gradient[j] = (gradient[j] - target) * number(scale)
    return loss, best == label


@njit(nogil=True, error_model="numpy")
def chances(kind, z, p):
    """p ← the outputs z (rows, classes) as probabilities, each row of which adds up to 1."""
    number = z.dtype.type
    for r in range(len(z)):
        if kind == SOFTMAX_CROSS_ENTROPY:
            softmax_row(z[r], p[r])
            continue
        total, tiny = number(0), number(np.finfo(z.dtype).tiny)
        for j in range(z.shape[1]):
            said = z[r, j] if kind == MEAN_SQUARED_ERROR else number(1) / (number(1) + np.exp(-z[r, j]))
            p[r, j] = tiny if said < tiny else said  # what is no number stays so
            total += p[r, j]
        for j in range(z.shape[1]):
            p[r, j] /= total
