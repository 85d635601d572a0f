"""Dense layers, compiled. On an image most pixels are 0, and 0 times a weight is 0: so the first layer skips them.

Everywhere else the three matrix products of `inkling.nn.Dense` go to BLAS. The first layer of a network of Dense layers
is where nearly all of the arithmetic is, and of MNIST's pixels four in five are 0. There the batch is kept as lists
of ink: forward, for each sample, which pixels are not 0 and how much they count; backward, for each pixel, in which
samples. Large layers are divided by inputs: each worker has some rows of W to itself, for all samples of the batch, so
that neither weights nor their gradients ever go from one core to another, only sums do. The numbers are those of the
full product but for the order of the sums. Images with little that is 0 go the full way.
"""

# mypy: ignore-errors

import numpy as np
from numba import njit

from inkling.engine.compiled import lanes
from inkling.engine.compiled.low_level import fill, prefetch, product, row

FAST = {"contract", "nsz"}
"""What the compiler may do to sums: a multiplication and an addition in one instruction."""
BAND = 112
"""Pixels, a multiple of 8, whose weights, two lanes of each, stay in the cache: 14 kB."""
FEW = 8
"""Samples for which nothing is prepared: neither lists of ink, nor what BLAS does before it multiplies."""
FULL = 0.45
"""The share of pixels that are not 0 from which on the full product is faster."""


@njit(nogil=True, error_model="numpy")
def dense_forward(x, W, z, begin, end, more):
    """z (rows, units) ← x (rows, inputs) · W (inputs, units) of the inputs from `begin` to `end`; added with `more`."""
    rows, units, inputs, size = len(z), z.shape[1], x.shape[1], z.itemsize
    if rows <= FEW:
        few_rows_forward(x, W, z, begin, end, more)
        return
    product(
        False, False, rows, units, end - begin, x.ctypes.data + begin * size, inputs,
        W.ctypes.data + begin * units * size, units, z.dtype.type(1 if more else 0), z.ctypes.data, units,
    )  # fmt: skip


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def few_rows_forward(x, W, z, begin, end, more):
    """The same for so few samples that they are not worth the preparations of a matrix product."""
    for r in range(len(z)):
        sums = z[r]
        if not more:
            fill(sums, 0)
        for i in range(begin, end):
            value = x[r, i]
            if value != 0:
                for j in range(len(sums)):
                    sums[j] += value * W[i, j]


@njit(nogil=True, error_model="numpy")
def dense_gradient(x, dz, dW, begin, end, more):
    """dW ← xᵀ·dz in the rows of the inputs from `begin` to `end` (added with `more`)."""
    rows, units, inputs, size = len(dz), dz.shape[1], x.shape[1], dz.itemsize
    product(
        True, False, end - begin, units, rows, x.ctypes.data + begin * size, inputs, dz.ctypes.data, units,
        dz.dtype.type(1 if more else 0), dW.ctypes.data + begin * units * size, units,
    )  # fmt: skip


@njit(nogil=True, error_model="numpy")
def dense_to_input(dz, W, dx, begin, end):
    """dx (rows, inputs) ← dz·Wᵀ, in the columns of the inputs from `begin` to `end`."""
    rows, units, inputs, size = len(dz), dz.shape[1], dx.shape[1], dz.itemsize
    product(
        False, True, rows, end - begin, units, dz.ctypes.data, units, W.ctypes.data + begin * units * size, units,
        dz.dtype.type(0), dx.ctypes.data + begin * size, inputs,
    )  # fmt: skip


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def fill_rows(values, z):
    """Every row of z ← the values."""
    for r in range(len(z)):
        for j in range(len(values)):
            z[r, j] = values[j]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def add_to(z, part):
    """z ← z + part, both flat."""
    for i in range(len(z)):
        z[i] += part[i]


@njit(nogil=True, error_model="numpy")
def inputs_of(inputs, worker, workers):
    """Which inputs of a layer are the worker's: (begin, end), in multiples of 16."""
    begin = inputs * worker // workers // 16 * 16
    return begin, inputs * (worker + 1) // workers // 16 * 16 if worker + 1 < workers else inputs


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def add_rows(dz, db, more):
    """db (units,) ← Σ dz (rows, units) over the rows (added with `more`)."""
    if not more:
        fill(db, 0)
    for r in range(len(dz)):
        for j in range(len(db)):
            db[j] += dz[r, j]


@njit(nogil=True, error_model="numpy")
def list_pixel(p, picture, grey, ink, amounts, count):
    """Write down a pixel where the list ends, at `count`; returns where it ends then: the same place, if it is 0."""
    shade = np.int64(lanes.take(picture, p))
    lanes.put(ink, count, p)
    lanes.put(amounts, count, lanes.take(grey, shade))
    return count + (shade != 0)


@njit(nogil=True, error_model="numpy")
def list_ink(pictures, picture_bytes, chosen, cuts, grey, first, ink, amounts):
    """For each chosen picture its pixels that are not 0: which (`ink`), and how much they count (`amounts`).

    The pictures, uint8, begin at an address, so many bytes apart; `grey` (256,) is what each grey counts. `cuts` are
    the pixels where bands begin and, last, end. Those of sample r in a band of pixels stand from first[r, band] to
    first[r, band + 1]; first (samples · (bands + 1),) lies flat. Returns how many there are.
    """
    count, f, pixels = 0, 0, np.int64(cuts[len(cuts) - 1])
    for r in range(len(chosen)):
        if r + 1 < len(chosen):
            prefetch(pictures + chosen[r + 1] * picture_bytes, pixels)
        address = pictures + chosen[r] * picture_bytes
        picture, words = row(address, 0, pixels, np.uint8(0)), row(address, 0, pixels // 8, np.uint64(0))
        for band in range(len(cuts) - 1):
            lanes.put(first, f, count)
            f += 1
            end = np.int64(cuts[band + 1])
            for k in range(np.int64(cuts[band]) // 8, end // 8):
                if lanes.take(words, k):  # eight pixels at a time: most of them are 0
                    for p in range(8 * k, 8 * k + 8):
                        count = list_pixel(p, picture, grey, ink, amounts, count)
            for p in range(end // 8 * 8, end):
                count = list_pixel(p, picture, grey, ink, amounts, count)
        lanes.put(first, f, count)
        f += 1
    return count


@njit(nogil=True, error_model="numpy")
def list_float_ink(pictures, picture_bytes, chosen, cuts, like, first, ink, amounts):
    """The same for pictures of floats, of the type that `like` is."""
    count, f, pixels = 0, 0, np.int64(cuts[len(cuts) - 1])
    for r in range(len(chosen)):
        picture = row(pictures + chosen[r] * picture_bytes, 0, pixels, like)
        for band in range(len(cuts) - 1):
            lanes.put(first, f, count)
            f += 1
            for p in range(np.int64(cuts[band]), np.int64(cuts[band + 1])):
                amount = lanes.take(picture, p)
                lanes.put(ink, count, p)
                lanes.put(amounts, count, amount)
                count += amount != 0
        lanes.put(first, f, count)
        f += 1
    return count


@njit(nogil=True, error_model="numpy")
def sort_by_pixel(first, rows, bands, pixels, ink, amounts, start, samples, sorted_amounts):
    """The same sorted by pixel: in which samples pixel p is not 0, and how much it counts, from start[p] on."""
    for p in range(pixels + 2):
        start[p] = 0
    for k in range(first[rows * (bands + 1) - 1] if rows else 0):
        p = np.int64(lanes.take(ink, k)) + 2
        lanes.put(start, p, lanes.take(start, p) + 1)
    for p in range(pixels):
        start[p + 2] += start[p + 1]
    for r in range(rows):
        for k in range(first[r * (bands + 1)], first[r * (bands + 1) + bands]):
            p = np.int64(lanes.take(ink, k)) + 1  # one place ahead: where the pixel before ends, and this one grows
            at = np.int64(lanes.take(start, p))
            lanes.put(samples, at, r)
            lanes.put(sorted_amounts, at, lanes.take(amounts, k))
            lanes.put(start, p, at + 1)


@njit(nogil=True, error_model="numpy")
def pack(matrix, start, rows, length, packed):
    """packed (rows, two lanes) ← two lanes of some rows of a flat matrix whose rows are `length` long.

    Rows that lie a power of two apart share the same few lines of the cache, and push each other out.
    """
    step, to = lanes.width(matrix), 0
    for _ in range(rows):
        lanes.store(packed, to, lanes.load(matrix, start))
        lanes.store(packed, to + step, lanes.load(matrix, start + step))
        start += length
        to += 2 * step


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def sparse_forward(first, ink, amounts, cuts, begin, end, W, z, rows, units, packed):
    """z (rows, units) += x·W in the bands of pixels from `begin` to `end`; x as lists of ink, sample by sample.

    W and z lie flat. Two lanes of a sample's sums stay in registers while its pixels go by, a band of pixels at a
    time, whose weights stay in the cache for all samples: in `packed`.
    """
    step, bands = lanes.width(z), len(cuts) - 1
    width = 2 * step
    j = 0
    while j + width <= units:
        for band in range(begin, end):
            before = np.int64(cuts[band])
            pack(W, before * units + j, cuts[band + 1] - before, units, packed)
            before *= width
            for r in range(rows):
                f, i = r * (bands + 1) + band, r * units + j
                k, last = np.int64(lanes.take(first, f)), np.int64(lanes.take(first, f + 1))
                if k < last:
                    s0, s1 = lanes.load(z, i), lanes.load(z, i + step)
                    while k < last:
                        value, w = lanes.broadcast(amounts, k), np.int64(lanes.take(ink, k)) * width - before
                        s0 = lanes.multiply_add(value, lanes.load(packed, w), s0)
                        s1 = lanes.multiply_add(value, lanes.load(packed, w + step), s1)
                        k += 1
                    lanes.store(z, i, s0)
                    lanes.store(z, i + step, s1)
        j += width
    if j < units:
        for r in range(rows):
            for k in range(first[r * (bands + 1) + begin], first[r * (bands + 1) + end]):
                value, w = lanes.take(amounts, k), np.int64(lanes.take(ink, k)) * units
                for c in range(j, units):
                    z[r * units + c] += value * W[w + c]


@njit(nogil=True, error_model="numpy", fastmath=FAST)
def sparse_backward(start, samples, amounts, begin, end, dz, dW, rows, units, packed):
    """dW += xᵀ·dz for the pixels from `begin` to `end`; x as lists of ink, pixel by pixel.

    Two lanes of a pixel's sums stay in registers while its samples go by. `packed` is room for those lanes of dz.
    """
    step = lanes.width(dz)
    width = 2 * step
    j = 0
    while j + width <= units:
        pack(dz, j, rows, units, packed)
        for p in range(begin, end):
            k, last, w = np.int64(lanes.take(start, p)), np.int64(lanes.take(start, p + 1)), p * units + j
            if k < last:
                s0, s1 = lanes.load(dW, w), lanes.load(dW, w + step)
                while k < last:
                    value, i = lanes.broadcast(amounts, k), np.int64(lanes.take(samples, k)) * width
                    s0 = lanes.multiply_add(value, lanes.load(packed, i), s0)
                    s1 = lanes.multiply_add(value, lanes.load(packed, i + step), s1)
                    k += 1
                lanes.store(dW, w, s0)
                lanes.store(dW, w + step, s1)
        j += width
    if j < units:
        for p in range(begin, end):
            for k in range(start[p], start[p + 1]):
                value, i, w = lanes.take(amounts, k), np.int64(lanes.take(samples, k)) * units, p * units
                for c in range(j, units):
                    dW[w + c] += value * dz[i + c]
