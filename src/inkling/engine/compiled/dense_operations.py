"""Dense layers: each worker with its own samples, or, of a wide one, with its own inputs of all samples.

See operations.py for their form; the arithmetic is in dense.py.
"""

# mypy: ignore-errors

from numba import njit

from inkling.engine.compiled import dense
from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import barrier, copy, fill, row, rows
from inkling.engine.compiled.operations import (
    SHORT,
    at_own,
    cuts_of,
    flat_values,
    gradients,
    instruction,
    lists_of,
    open_table,
    operation,
    own_gradient,
    share_of,
    table_of,
    values,
)


@njit(nogil=True, error_model="numpy")
def sorted_lists_of(e, count, pixels, like):
    """The same pixel by pixel: where they begin, which samples they hold, and how much the pixel counts there."""
    start, room = row(e[t.START], 0, pixels + 2, SHORT), count * pixels + 1
    return start, row(e[t.INKED], 0, room, SHORT), row(e[t.SORTED_AMOUNTS], 0, room, like)


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
