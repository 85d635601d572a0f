"""What happens to a batch before its first layer and after its last: pixels, loss, gradients of all, the step, answers.

See operations.py for their form; the arithmetic is in dense.py (lists of ink), losses.py and optimizers.py.
"""

# mypy: ignore-errors

import math

from numba import njit

from inkling.engine.compiled import dense, losses, optimizers
from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import barrier, copy, row, rows
from inkling.engine.compiled.operations import (
    BYTE,
    FLOAT,
    SINGLE,
    WHOLE,
    at_own,
    cuts_of,
    lists_of,
    open_table,
    operation,
)


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
