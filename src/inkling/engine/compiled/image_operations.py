"""Convolution, pooling, and batch normalization, for which all workers meet.

See operations.py for their form; the arithmetic is in convolution.py, ink_convolution.py and images.py.
"""

# mypy: ignore-errors

import math

import numpy as np
from numba import njit

from inkling.engine.compiled import convolution, images, ink_convolution
from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import barrier, row, rows
from inkling.engine.compiled.operations import (
    FLOAT,
    SHORT,
    WHOLE,
    at_own,
    gradients,
    instruction,
    lists_of,
    open_table,
    operation,
    own_gradient,
    shape_of,
    share_of,
    values,
)


@operation
def convolution_forward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    x, z = values(e, line, count, like)
    shape, channels = shape_of(line), line[t.FEATURES]
    W = row(e[t.PARAMETERS], line[t.W], convolution.window_size(shape) * channels, like)
    b = row(e[t.PARAMETERS], line[t.B], channels, like)
    room = row(e[t.ROOM], 0, line[t.PLACE], like)
    if line[t.ON_PIXELS] and e[t.LISTED]:
        first, ink, amounts = lists_of(e, count, line[t.INPUTS], like)
        ink_convolution.forward(first, ink, amounts, e[t.BANDS] * e[t.WORKERS], W, b, z, room, shape)
    else:
        convolution.forward(x, W, b, z, room, shape)
    return 0


@operation
def convolution_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    x, _ = values(e, line, count, like)
    dz, dx = gradients(e, line, count, like)
    shape, channels = shape_of(line), line[t.FEATURES]
    size = convolution.window_size(shape) * channels
    W, dW = row(e[t.PARAMETERS], line[t.W], size, like), own_gradient(e, line[t.W], size, like)
    db, room = own_gradient(e, line[t.B], channels, like), row(e[t.ROOM], 0, line[t.PLACE], like)
    if line[t.ON_PIXELS] and e[t.LISTED]:
        first, ink, amounts = lists_of(e, count, line[t.INPUTS], like)
        bands, more = e[t.BANDS] * e[t.WORKERS], e[t.MORE] != 0
        ink_convolution.backward(first, ink, amounts, bands, dz, dW, db, room, shape, more)
    else:
        convolution.backward(x, W, dz, dW, db, dx, room, shape, e[t.MORE] != 0, line[t.TO_INPUT] != 0)
    return 0


@operation
def max_pool_forward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    x, out = values(e, line, count, like)
    images.max_pool_forward(x, out, rows(e[t.PLACES], line[t.PLACE], count, line[t.OUTPUTS], SHORT), shape_of(line))
    return 0


@operation
def max_pool_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    dout, dx = gradients(e, line, count, like)
    winner = rows(e[t.PLACES], line[t.PLACE], count, line[t.OUTPUTS], SHORT)
    images.max_pool_backward(dout, winner, dx, shape_of(line))
    return 0


@operation
def average_pool_forward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    x, out = values(e, line, count, like)
    images.average_pool_forward(x, out, shape_of(line))
    return 0


@operation
def average_pool_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    dout, dx = gradients(e, line, count, like)
    images.average_pool_backward(dout, dx, shape_of(line))
    return 0


@njit(nogil=True, error_model="numpy")
def found_by(e, line, worker, place):
    """A worker's statistics of this layer: two for each feature, those of the backward pass behind the forward's."""
    features = line[t.FEATURES]
    start = worker * e[t.STATISTICS_WIDTH] + line[t.STATISTIC] + 2 * features * place
    return row(e[t.STATISTICS], start, 2 * features, FLOAT)


@operation
def batch_norm_forward(table, n, count, like):
    """By the whole batch's mean and variance, for which all workers meet; or, not training, by the running ones."""
    e = open_table(table)
    line, constant = instruction(e, n)
    features, momentum, epsilon = line[t.FEATURES], constant[0], constant[1]
    pixels = line[t.INPUTS] // features
    x = rows(e[t.NUMBERS], at_own(e, line[t.INPUT], line[t.INPUTS]), count * pixels, features, like)
    y = rows(e[t.NUMBERS], at_own(e, line[t.OUTPUT], line[t.INPUTS]), count * pixels, features, like)
    x_hat = rows(e[t.NUMBERS], at_own(e, line[t.MASK], line[t.INPUTS]), count * pixels, features, like)
    running_mean = row(e[t.STATE], line[t.RUNNING], features, like)
    running_variance = row(e[t.STATE], line[t.RUNNING] + features, features, like)
    mean, variance = np.empty(features), np.empty(features)
    if e[t.TRAINING]:
        workers, samples = e[t.WORKERS], row(e[t.ORDERS], 0, 16, WHOLE)[t.SAMPLES]
        images.feature_statistics(x, found_by(e, line, e[t.WORKER], 0))
        barrier(e[t.COUNTERS], workers)
        images.begin_merge(mean, variance)
        for worker in range(workers):
            first, last = share_of(samples, worker, workers)
            images.merge(found_by(e, line, worker, 0), (last - first) * pixels, first * pixels, mean, variance)
        total = samples * pixels
        for c in range(features):
            variance[c] /= total
        if e[t.WORKER] == 0:
            unbiased = total / max(total - 1, 1)
            for c in range(features):
                running_mean[c] += (1 - momentum) * (mean[c] - running_mean[c])
                running_variance[c] += (1 - momentum) * (variance[c] * unbiased - running_variance[c])
    else:
        for c in range(features):
            mean[c], variance[c] = running_mean[c], running_variance[c]
    sharpness, centre = row(e[t.SHARPNESS], line[t.PLACE], features, like), np.empty(features, x.dtype)
    for c in range(features):
        centre[c], sharpness[c] = mean[c], 1 / math.sqrt(variance[c] + epsilon)
    gamma, beta = row(e[t.PARAMETERS], line[t.W], features, like), row(e[t.PARAMETERS], line[t.B], features, like)
    images.normalize(x, x_hat, y, centre, sharpness, gamma, beta)
    return 0


@operation
def batch_norm_backward(table, n, count, like):
    """Every x has moved the whole batch's mean and variance, so all workers meet."""
    e = open_table(table)
    line, _ = instruction(e, n)
    features, workers = line[t.FEATURES], e[t.WORKERS]
    pixels, samples = line[t.INPUTS] // features, row(e[t.ORDERS], 0, 16, WHOLE)[t.SAMPLES]
    dy = rows(e[t.SPARE], e[t.HERE], count * pixels, features, like)
    x_hat = rows(e[t.NUMBERS], at_own(e, line[t.MASK], line[t.INPUTS]), count * pixels, features, like)
    mine = found_by(e, line, e[t.WORKER], 1)
    dgamma, dbeta = own_gradient(e, line[t.W], features, like), own_gradient(e, line[t.B], features, like)
    images.normalization_sums(dy, x_hat, mine)
    barrier(e[t.COUNTERS], workers)
    along, total = np.zeros(features), np.zeros(features)
    for worker in range(workers):
        found = found_by(e, line, worker, 1)
        for c in range(features):
            along[c] += found[c]
            total[c] += found[features + c]
    gamma, sharpness = (
        row(e[t.PARAMETERS], line[t.W], features, like),
        row(e[t.SHARPNESS], line[t.PLACE], features, like),
    )
    strength, mean_along, mean_dy = (
        np.empty(features, dy.dtype),
        np.empty(features, dy.dtype),
        np.empty(features, dy.dtype),
    )
    for c in range(features):
        dgamma[c], dbeta[c] = mine[c], mine[features + c]
        strength[c] = gamma[c] * sharpness[c]
        mean_along[c], mean_dy[c] = along[c] / (samples * pixels), total[c] / (samples * pixels)
    images.denormalize(dy, x_hat, mean_along, mean_dy, strength)
    return 0
