"""The first convolution of a network, compiled: it looks at pixels, of which most are 0.

Each pixel that is not 0 goes to the windows that see it. Turned by 180°, a row of the kernel lies over the run of
windows that one pixel reaches. dense.py makes the lists of ink; convolution.py is for all other convolutions.
"""

# mypy: ignore-errors

import numpy as np
from numba import njit

from inkling.engine.compiled import lanes
from inkling.engine.compiled.convolution import filled
from inkling.engine.compiled.dense import FAST
from inkling.engine.compiled.low_level import copy, fill, row


@njit(nogil=True, error_model="numpy")
def reached_size(shape, channels):
    """(lines, numbers a line) of all windows that an image's pixels reach, those beyond its edges included."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    return rows_ + 2 * (kh - 1), (columns + 2 * (kw - 1)) * channels


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def forward(first, ink, amounts, bands, W, b, z, room, shape):
    """As in convolution.py, for pixels of one channel and stride 1; x as lists of ink (dense.py)."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    step, number, channels = lanes.width(z), z.dtype.type(0), len(b)
    long, (lines, line) = filled(kw * channels, step), reached_size(shape, channels)
    turned, out = (
        row(room.ctypes.data, 0, kh * long, number),
        row(room.ctypes.data, kh * long, lines * line + long, number),
    )
    fill(turned, 0)
    for i in range(kh):
        for j in range(kw):
            for c in range(channels):
                turned[i * long + (kw - 1 - j) * channels + c] = W[(i * kw + j) * channels + c]
    for r in range(len(z)):
        fill(out, 0)
        for k in range(first[r * (bands + 1)], first[r * (bands + 1) + bands]):
            pixel, value = np.int64(lanes.take(ink, k)), lanes.broadcast(amounts, k)
            y, x = pixel // width + top, pixel % width + left
            w, at = 0, (y + kh - 1) * line + x * channels
            for _ in range(kh):
                for c in range(0, long, step):
                    lanes.store(
                        out, at + c, lanes.multiply_add(value, lanes.load(turned, w + c), lanes.load(out, at + c))
                    )
                w += long
                at -= line
        for y in range(rows_):
            at = (y + kh - 1) * line + (kw - 1) * channels
            for x in range(columns):
                source = row(out.ctypes.data, at + x * channels, channels, number)
                target = row(z.ctypes.data, ((r * rows_ + y) * columns + x) * channels, channels, number)
                for c in range(channels):
                    target[c] = source[c] + b[c]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def backward(first, ink, amounts, bands, dz, dW, db, room, shape, more):
    """As in convolution.py, likewise; nobody asks for the gradient of pixels."""
    height, width, inputs, kh, kw, down, across, top, left, rows_, columns = shape
    step, number, channels = lanes.width(dz), dz.dtype.type(0), len(db)
    long, (lines, line) = filled(kw * channels, step), reached_size(shape, channels)
    sums, back = (
        row(room.ctypes.data, 0, kh * long, number),
        row(room.ctypes.data, kh * long, lines * line + long, number),
    )
    fill(sums, 0)
    fill(back, 0)
    if not more:
        fill(dW, 0)
        fill(db, 0)
    for r in range(len(dz)):
        for y in range(rows_):
            at = (y + kh - 1) * line + (kw - 1) * channels
            copy(
                row(dz.ctypes.data, (r * rows_ + y) * columns * channels, columns * channels, number),
                row(back.ctypes.data, at, columns * channels, number),
            )
            for x in range(columns):
                source = row(back.ctypes.data, at + x * channels, channels, number)
                for c in range(channels):
                    db[c] += source[c]
        for k in range(first[r * (bands + 1)], first[r * (bands + 1) + bands]):
            pixel, value = np.int64(lanes.take(ink, k)), lanes.broadcast(amounts, k)
            y, x = pixel // width + top, pixel % width + left
            w, at = 0, (y + kh - 1) * line + x * channels
            for _ in range(kh):
                for c in range(0, long, step):
                    sum_ = lanes.multiply_add(value, lanes.load(back, at + c), lanes.load(sums, w + c))
                    lanes.store(sums, w + c, sum_)
                w += long
                at -= line
    for i in range(kh):
        for j in range(kw):
            for c in range(channels):
                dW[(i * kw + j) * channels + c] += sums[i * long + (kw - 1 - j) * channels + c]
