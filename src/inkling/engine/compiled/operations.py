"""Operations: what an instruction of the machine does, forward and backward.

Each finds its arrays through the worker's table and hands them to a kernel (dense.py, elementwise.py, images.py …),
where the arithmetic is. All have the same form, `operation(table, n, rows, like)`: the address of the worker's table,
the number of the instruction, how many samples, and a pointer that only says float32 or float64. `address_of` compiles
one for a type and tells where it lies.
"""

# mypy: ignore-errors

import math
from typing import Any

import numpy as np
from numba import njit, types

from inkling.engine.compiled import convolution, dense, elementwise, images, losses, optimizers
from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import barrier, copy, fill, row, rows

WHOLE, FLOAT, SINGLE, BYTE, SHORT = np.int64(0), np.float64(0), np.float32(0), np.uint8(0), np.int32(0)
"""Examples of what a table's arrays hold."""


def operation(function):
    """Compile the function when its address is asked for, and keep it on disk."""
    return njit(nogil=True, cache=True, error_model="numpy")(function)


def address_of(function: Any, dtype: Any) -> int:
    """Where the compiled operation for that type lies."""
    whole, like = types.int64, types.CPointer(types.float32 if dtype == np.float32 else types.float64)
    signature = (whole, whole, whole, like)
    if signature not in function.overloads:
        function.compile(signature)
    compiled = function.overloads[signature]
    # As `cfunc(...).address` does it, which takes no function that others can call, too.
    return int(compiled.library.get_pointer_to_function(compiled.fndesc.llvm_cfunc_wrapper_name))


@njit(nogil=True, error_model="numpy")
def open_table(table):
    """The table at an address."""
    return row(table, 0, t.ENTRIES, WHOLE)


@njit(nogil=True, error_model="numpy")
def instruction(e, n):
    """The instruction of that number, and its constants."""
    line = row(e[t.INSTRUCTIONS], n * t.INSTRUCTION, t.INSTRUCTION, WHOLE)
    return line, row(e[t.CONSTANTS], 2 * n, 2, FLOAT)


@njit(nogil=True, error_model="numpy")
def at_own(e, start, size):
    """Where the worker's samples begin, in what begins at `start` and has `size` numbers for each sample."""
    return start + e[t.ROW] * size


@njit(nogil=True, error_model="numpy")
def values(e, line, count, like):
    """The instruction's input (rows, inputs) and output (rows, outputs), of the worker's samples."""
    inputs, outputs = line[t.INPUTS], line[t.OUTPUTS]
    x = rows(e[t.NUMBERS], at_own(e, line[t.INPUT], inputs), count, inputs, like)
    return x, rows(e[t.NUMBERS], at_own(e, line[t.OUTPUT], outputs), count, outputs, like)


@njit(nogil=True, error_model="numpy")
def flat_values(e, line, count, like):
    """The instruction's output, flat."""
    return row(e[t.NUMBERS], at_own(e, line[t.OUTPUT], line[t.OUTPUTS]), count * line[t.OUTPUTS], like)


@njit(nogil=True, error_model="numpy")
def values_in_place(e, line, count, like):
    """The instruction's output, flat, with its input in it."""
    out = flat_values(e, line, count, like)
    if line[t.INPUT] != line[t.OUTPUT]:
        copy(row(e[t.NUMBERS], at_own(e, line[t.INPUT], line[t.INPUTS]), count * line[t.INPUTS], like), out)
    return out


@njit(nogil=True, error_model="numpy")
def gradient_in_place(e, line, count, like):
    """∂loss/∂output, which is to become ∂loss/∂input, flat."""
    return row(e[t.SPARE], e[t.HERE], count * line[t.OUTPUTS], like)


@njit(nogil=True, error_model="numpy")
def gradients(e, line, count, like):
    """∂loss/∂output (rows, outputs) and room for ∂loss/∂input (rows, inputs), which lies in `HERE` from now on."""
    here, inputs, outputs = e[t.HERE], line[t.INPUTS], line[t.OUTPUTS]
    e[t.HERE] = e[t.HALF] - here
    return (
        rows(e[t.SPARE], here, count, outputs, like),
        rows(e[t.SPARE], e[t.HERE], count, inputs, like),
    )


@njit(nogil=True, error_model="numpy")
def own_gradient(e, start, count, like):
    """Of some parameters, as this worker's samples have it."""
    return row(e[t.GRADIENTS], e[t.WORKER] * e[t.SIZE] + start, count, like)


@njit(nogil=True, error_model="numpy")
def shape_of(line):
    """The shape of image and windows."""
    s = t.SHAPE
    return (
        line[s], line[s + 1], line[s + 2], line[s + 3], line[s + 4], line[s + 5], line[s + 6], line[s + 7],
        line[s + 8], line[s + 9], line[s + 10],
    )  # fmt: skip


# Getting a block of samples ready.


@njit(nogil=True, error_model="numpy")
def cuts_of(e):
    """The pixels where the bands of all workers begin, and where the last one ends."""
    return row(e[t.CUTS], 0, e[t.BANDS] * e[t.WORKERS] + 1, SHORT)


@njit(nogil=True, error_model="numpy")
def lists_of(e, count, pixels, like):
    """A worker's lists of ink, sample by sample: where they begin, which pixels they hold, and how much those count."""
    first, room = row(e[t.FIRST], 0, count * (e[t.BANDS] * e[t.WORKERS] + 1), SHORT), count * pixels + 1
    return first, row(e[t.INK], 0, room, SHORT), row(e[t.AMOUNTS], 0, room, like)


@njit(nogil=True, error_model="numpy")
def sorted_lists_of(e, count, pixels, like):
    """The same pixel by pixel: where they begin, which samples they hold, and how much the pixel counts there."""
    start, room = row(e[t.START], 0, pixels + 2, SHORT), count * pixels + 1
    return start, row(e[t.INKED], 0, room, SHORT), row(e[t.SORTED_AMOUNTS], 0, room, like)


@operation
def load(table, n, count, like):
    """The pixels of the worker's samples, as floats or, where that is allowed and pays for all, as lists of ink."""
    e = open_table(table)
    orders = row(e[t.ORDERS], 0, 16, WHOLE)
    chosen = row(e[t.CHOSEN], e[t.SAMPLE], count, WHOLE)
    kind, pixels = orders[t.KIND], orders[t.PIXELS]
    e[t.LISTED] = 0
    grey = row(e[t.GREY], 0, 256, like)
    if orders[t.SPARSE] and e[t.TOGETHER] > dense.FEW:
        cuts, (first, ink, amounts), where = cuts_of(e), lists_of(e, count, pixels, like), e[t.PICTURES]
        if kind == 1:
            listed = dense.list_ink(where, e[t.PICTURE_BYTES], chosen, cuts, grey, first, ink, amounts)
        elif kind == 4:
            listed = dense.list_float_ink(where, e[t.PICTURE_BYTES], chosen, cuts, SINGLE, first, ink, amounts)
        else:
            listed = dense.list_float_ink(where, e[t.PICTURE_BYTES], chosen, cuts, FLOAT, first, ink, amounts)
        row(e[t.FOUND], e[t.WORKER] * t.FOUND_WIDTH, 4, FLOAT)[t.INK_FOUND] = listed
        barrier(e[t.COUNTERS], e[t.WORKERS])
        total = 0.0
        for worker in range(e[t.WORKERS]):
            total += row(e[t.FOUND], worker * t.FOUND_WIDTH, 4, FLOAT)[t.INK_FOUND]
        if total < dense.FULL * e[t.TOGETHER] * pixels:
            e[t.LISTED] = 1
            return 0
    out = rows(e[t.NUMBERS], at_own(e, 0, pixels), count, pixels, like)
    for r in range(count):
        address, into = e[t.PICTURES] + chosen[r] * e[t.PICTURE_BYTES], out[r]
        if kind == 1:
            raw = row(address, 0, pixels, BYTE)
            for p in range(pixels):
                into[p] = grey[raw[p]]
        elif kind == 4:
            single = row(address, 0, pixels, SINGLE)
            for p in range(pixels):
                into[p] = single[p]
        else:
            double = row(address, 0, pixels, FLOAT)
            for p in range(pixels):
                into[p] = double[p]
    return 0


# Layers.


@njit(nogil=True, error_model="numpy")
def table_of(e, worker):
    """Another worker's table."""
    return row(e[t.TABLES], worker * t.TABLE_WIDTH, t.ENTRIES, WHOLE)


@operation
def dense_forward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    inputs, units = line[t.INPUTS], line[t.OUTPUTS]
    W, b = rows(e[t.PARAMETERS], line[t.W], inputs, units, like), row(e[t.PARAMETERS], line[t.B], units, like)
    x, z = values(e, line, count, like)
    dense.fill_rows(b, z)
    if line[t.ON_PIXELS] and e[t.LISTED]:
        cuts, (first, ink, amounts) = cuts_of(e), lists_of(e, count, inputs, like)
        weights, out, room = W.reshape(-1), z.reshape(-1), row(e[t.ROOM], 0, line[t.PLACE], like)
        dense.sparse_forward(first, ink, amounts, cuts, 0, len(cuts) - 1, weights, out, count, units, room)
    else:
        dense.dense_forward(x, W, z, 0, inputs, True)
    return 0


@operation
def dense_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    inputs, units, more = line[t.INPUTS], line[t.OUTPUTS], e[t.MORE] != 0
    x, _ = values(e, line, count, like)
    dz, dx = gradients(e, line, count, like)
    dW = rows(e[t.GRADIENTS], e[t.WORKER] * e[t.SIZE] + line[t.W], inputs, units, like)
    dense.dense_gradient(x, dz, dW, 0, inputs, more)
    dense.add_rows(dz, own_gradient(e, line[t.B], units, like), more)
    if line[t.TO_INPUT]:
        dense.dense_to_input(dz, rows(e[t.PARAMETERS], line[t.W], inputs, units, like), dx, 0, inputs)
    return 0


@operation
def divided_dense_forward(table, n, count, like):
    """The sums over some inputs, for all samples of the block; then all sums of the worker's own samples."""
    e = open_table(table)
    line, _ = instruction(e, n)
    inputs, units, together, workers = line[t.INPUTS], line[t.OUTPUTS], e[t.TOGETHER], e[t.WORKERS]
    begin, end = dense.inputs_of(inputs, e[t.WORKER], workers)
    if line[t.ON_PIXELS] and e[t.LISTED]:
        W = row(e[t.PARAMETERS], line[t.W], inputs * units, like)
        room, cuts, band = row(e[t.ROOM], 0, line[t.PLACE], like), cuts_of(e), e[t.WORKER] * e[t.BANDS]
        fill(row(e[t.SUMS], 0, together * units, like), 0)
        for worker in range(workers):
            first_row, last_row = share_of(together, worker, workers)
            some = last_row - first_row
            first, ink, amounts = lists_of(table_of(e, worker), some, inputs, like)
            out = row(e[t.SUMS], first_row * units, some * units, like)
            dense.sparse_forward(first, ink, amounts, cuts, band, band + e[t.BANDS], W, out, some, units, room)
    else:
        barrier(e[t.COUNTERS], workers)
        x = rows(e[t.NUMBERS], line[t.INPUT], together, inputs, like)
        W = rows(e[t.PARAMETERS], line[t.W], inputs, units, like)
        dense.dense_forward(x, W, rows(e[t.SUMS], 0, together, units, like), begin, end, False)
    barrier(e[t.COUNTERS], workers)
    dense.fill_rows(row(e[t.PARAMETERS], line[t.B], units, like), values(e, line, count, like)[1])
    z = flat_values(e, line, count, like)
    for worker in range(workers):
        dense.add_to(z, row(table_of(e, worker)[t.SUMS], e[t.ROW] * units, count * units, like))
    return 0


@operation
def divided_dense_backward(table, n, count, like):
    """The gradients of some inputs' weights, for all samples of the block; all workers write into the first one's."""
    e = open_table(table)
    line, _ = instruction(e, n)
    inputs, units, together, workers = line[t.INPUTS], line[t.OUTPUTS], e[t.TOGETHER], e[t.WORKERS]
    begin, end = dense.inputs_of(inputs, e[t.WORKER], workers)
    listed, here, more = line[t.ON_PIXELS] and e[t.LISTED], e[t.HERE], e[t.MORE] != 0
    if listed:
        first, ink, amounts = lists_of(e, count, inputs, like)
        start, samples, sorted_amounts = sorted_lists_of(e, count, inputs, like)
        bands = e[t.BANDS] * workers
        dense.sort_by_pixel(first, count, bands, inputs, ink, amounts, start, samples, sorted_amounts)
    own_dz, own_dx = gradients(e, line, count, like)
    dense.add_rows(own_dz, own_gradient(e, line[t.B], units, like), more)
    own = row(e[t.NUMBERS], at_own(e, line[t.MASK], units), count * units, like)
    copy(row(e[t.SPARE], here, count * units, like), own)
    barrier(e[t.COUNTERS], workers)
    if listed:
        room = row(e[t.ROOM], 0, line[t.PLACE], like)
        dW = row(e[t.GRADIENTS], line[t.W], inputs * units, like)
        if not more:
            fill(row(e[t.GRADIENTS], line[t.W] + begin * units, (end - begin) * units, like), 0)
        for worker in range(workers):
            first_row, last_row = share_of(together, worker, workers)
            some = last_row - first_row
            start, samples, amounts = sorted_lists_of(table_of(e, worker), some, inputs, like)
            dz = row(e[t.NUMBERS], line[t.MASK] + first_row * units, some * units, like)
            dense.sparse_backward(start, samples, amounts, begin, end, dz, dW, some, units, room)
    else:
        x, dz = (
            rows(e[t.NUMBERS], line[t.INPUT], together, inputs, like),
            rows(e[t.NUMBERS], line[t.MASK], together, units, like),
        )
        dense.dense_gradient(x, dz, rows(e[t.GRADIENTS], line[t.W], inputs, units, like), begin, end, more)
        if line[t.TO_INPUT]:
            dx = rows(e[t.NUMBERS], line[t.LIMIT], together, inputs, like)
            dense.dense_to_input(dz, rows(e[t.PARAMETERS], line[t.W], inputs, units, like), dx, begin, end)
            barrier(e[t.COUNTERS], workers)
            mine = row(e[t.NUMBERS], at_own(e, line[t.LIMIT], inputs), count * inputs, like)
            copy(mine, row(e[t.SPARE], e[t.HERE], count * inputs, like))
    return 0


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
        convolution.ink_forward(first, ink, amounts, e[t.BANDS] * e[t.WORKERS], W, b, z, room, shape)
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
        convolution.ink_backward(first, ink, amounts, bands, dz, dW, db, room, shape, more)
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


@njit(nogil=True, error_model="numpy")
def share_of(samples, worker, workers):
    """Which samples of a batch are the worker's: (first, last)."""
    return samples * worker // workers, samples * (worker + 1) // workers


@operation
def dropout_forward(table, n, count, like):
    e = open_table(table)
    line, constant = instruction(e, n)
    a = values_in_place(e, line, count, like)
    if e[t.TRAINING]:
        kept = row(e[t.KEPT], line[t.MASK], count * line[t.OUTPUTS], BYTE)
        step = row(e[t.ORDERS], 0, 16, WHOLE)[t.STEP]
        key = elementwise.random_bits(np.uint64(line[t.KEY]), step)
        limit = np.uint64(line[t.LIMIT])
        elementwise.draw_mask(rows(e[t.KEPT], line[t.MASK], count, line[t.OUTPUTS], BYTE), key, e[t.SAMPLE], limit)
        elementwise.apply_mask(kept, a, constant[0])
    return 0


@operation
def dropout_backward(table, n, count, like):
    e = open_table(table)
    line, constant = instruction(e, n)
    kept = row(e[t.KEPT], line[t.MASK], count * line[t.OUTPUTS], BYTE)
    elementwise.apply_mask(kept, gradient_in_place(e, line, count, like), constant[0])
    return 0


@operation
def relu_forward(table, n, count, like):
    e = open_table(table)
    elementwise.relu_forward(values_in_place(e, instruction(e, n)[0], count, like))
    return 0


@operation
def relu_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    elementwise.relu_backward(flat_values(e, line, count, like), gradient_in_place(e, line, count, like))
    return 0


@operation
def leaky_relu_forward(table, n, count, like):
    e = open_table(table)
    line, constant = instruction(e, n)
    elementwise.leaky_relu_forward(values_in_place(e, line, count, like), constant[0])
    return 0


@operation
def leaky_relu_backward(table, n, count, like):
    e = open_table(table)
    line, constant = instruction(e, n)
    a = flat_values(e, line, count, like)
    elementwise.leaky_relu_backward(a, gradient_in_place(e, line, count, like), constant[0])
    return 0


@operation
def sigmoid_forward(table, n, count, like):
    e = open_table(table)
    elementwise.sigmoid_forward(values_in_place(e, instruction(e, n)[0], count, like))
    return 0


@operation
def sigmoid_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    elementwise.sigmoid_backward(flat_values(e, line, count, like), gradient_in_place(e, line, count, like))
    return 0


@operation
def tanh_forward(table, n, count, like):
    e = open_table(table)
    elementwise.tanh_forward(values_in_place(e, instruction(e, n)[0], count, like))
    return 0


@operation
def tanh_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    elementwise.tanh_backward(flat_values(e, line, count, like), gradient_in_place(e, line, count, like))
    return 0


@operation
def softmax_forward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    values_in_place(e, line, count, like)
    elementwise.softmax_forward(values(e, line, count, like)[1])
    return 0


@operation
def softmax_backward(table, n, count, like):
    e = open_table(table)
    line, _ = instruction(e, n)
    _, a = values(e, line, count, like)
    outputs = line[t.OUTPUTS]
    elementwise.softmax_backward(a, rows(e[t.SPARE], e[t.HERE], count, outputs, like))
    return 0


# The loss, and the step.


@operation
def compare(table, n, count, like):
    """The loss of a block, added to what the worker has found; ∂objective/∂outputs begins its way back."""
    e = open_table(table)
    orders, rates = row(e[t.ORDERS], 0, 16, WHOLE), row(e[t.RATES], 0, t.HYPER + t.HYPERS, FLOAT)
    classes = orders[t.CLASSES]
    outputs = rows(e[t.NUMBERS], at_own(e, orders[t.OUTPUTS_AT], classes), count, classes, like)
    doutputs = rows(e[t.SPARE], 0, count, classes, like)
    e[t.HERE] = 0
    labelled, found = (
        row(e[t.LABELLED], e[t.SAMPLE], count, WHOLE),
        row(e[t.FOUND], e[t.WORKER] * t.FOUND_WIDTH, 3, FLOAT),
    )
    scale = 1.0 if rates[t.SUMMED] else 1 / orders[t.SAMPLES]
    for r in range(count):
        label = row(e[t.LABELS], labelled[r], 1, WHOLE)[0]
        weight = float(row(e[t.WEIGHTS], labelled[r], 1, like)[0]) if e[t.WEIGHTS] else 1.0
        loss, right = losses.compare(orders[t.LOSS], outputs[r], label, rates[t.SMOOTHING], scale * weight, doutputs[r])
        found[t.LOSS_FOUND] += loss * weight
        found[t.RIGHT_FOUND] += weight if right else 0.0
    return 0


@njit(nogil=True, error_model="numpy")
def add_up(e, start, count, summed, weights, like):
    """The gradient of some parameters: Σ over the workers where it is `summed`, in order, and l2 · weights."""
    g = row(e[t.GRADIENTS], start, count, like)
    if summed:
        for worker in range(1, e[t.WORKERS]):
            optimizers.add_gradient(g, row(e[t.GRADIENTS], worker * e[t.SIZE] + start, count, like))
    l2 = row(e[t.RATES], 0, t.HYPER, FLOAT)[t.L2]
    if l2 and weights:
        optimizers.add_decay(g, row(e[t.PARAMETERS], start, count, like), l2)
    return g


@operation
def gather(table, n, count, like):
    """Only where gradients are clipped: add up those of all workers, and find how long the worker's part is."""
    e = open_table(table)
    found, length = row(e[t.FOUND], e[t.WORKER] * t.FOUND_WIDTH, 4, FLOAT), 0.0
    for k in range(e[t.PART_COUNT]):
        part = row(e[t.PARTS], k * t.PART, t.PART, WHOLE)
        g = add_up(e, part[t.START_AT], part[t.LONG], part[t.SUMMED_UP], part[t.DECAYS], like)
        length += optimizers.squared_length(g)
    found[t.LENGTH_FOUND] = length
    return 0


@operation
def update(table, n, count, like):
    """Move the worker's parts of the parameters by the gradients of all."""
    e = open_table(table)
    orders, rates = row(e[t.ORDERS], 0, 16, WHOLE), row(e[t.RATES], 0, t.HYPER + t.HYPERS, FLOAT)
    constants, clip, shorten = row(e[t.RATES], t.HYPER, t.HYPERS, FLOAT), rates[t.CLIP], 1.0
    if clip > 0:
        length = 0.0
        for worker in range(e[t.WORKERS]):
            length += row(e[t.FOUND], worker * t.FOUND_WIDTH, 4, FLOAT)[t.LENGTH_FOUND]
        length = math.sqrt(length)
        shorten = clip / length if length > clip else 1.0
    settings = optimizers.settings(orders[t.OPTIMIZER], rates[t.RATE], orders[t.STEPS], constants)
    for k in range(e[t.PART_COUNT]):
        part = row(e[t.PARTS], k * t.PART, t.PART, WHOLE)
        last = part[t.START_AT] + part[t.LONG]
        for start in range(part[t.START_AT], last, optimizers.PIECE):
            size = min(optimizers.PIECE, last - start)
            p = row(e[t.PARAMETERS], start, size, like)
            if clip > 0:
                g = row(e[t.GRADIENTS], start, size, like)
                optimizers.shrink(g, shorten)
            else:
                g = add_up(e, start, size, part[t.SUMMED_UP], part[t.DECAYS], like)
            if constants[0] and part[t.DECAYS]:
                optimizers.shrink(p, 1 - rates[t.RATE] * constants[0])
            slot, slot2 = row(e[t.SLOT], start, size, like), row(e[t.SLOT2], start, size, like)
            optimizers.update(orders[t.OPTIMIZER], p, g, slot, slot2, settings)
    return 0


@operation
def keep_answers(table, n, count, like):
    """The outputs of a block, or the chances of each class that they stand for, kept as its answers."""
    e = open_table(table)
    orders = row(e[t.ORDERS], 0, 16, WHOLE)
    size = count * orders[t.CLASSES]
    answers = row(e[t.ANSWERS], e[t.SAMPLE] * orders[t.CLASSES], size, like)
    outputs = row(e[t.NUMBERS], at_own(e, orders[t.OUTPUTS_AT], orders[t.CLASSES]), size, like)
    if orders[t.CHANCES]:
        losses.chances(orders[t.LOSS], outputs.reshape(count, -1), answers.reshape(count, -1))
    else:
        copy(outputs, answers)
    return 0
