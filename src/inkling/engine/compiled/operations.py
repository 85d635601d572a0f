"""Operations: what an instruction of the machine is, and where it finds its numbers.

All have the same form, `operation(table, n, rows, like)`: the address of the worker's table, the number of the
instruction, how many samples, and a pointer that only says float32 or float64. `address_of` compiles one for a type and
tells where it lies. Each finds its arrays through the table, by what is here, and hands them to a kernel, where the
arithmetic is: batch_operations.py for a batch's beginning and end, dense_operations.py, elementwise_operations.py and
image_operations.py for the layers.
"""

# mypy: ignore-errors

from typing import Any

import numpy as np
from numba import njit, types

from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import copy, row, rows

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
def table_of(e, worker):
    """Another worker's table."""
    return row(e[t.TABLES], worker * t.TABLE_WIDTH, t.ENTRIES, WHOLE)


@njit(nogil=True, error_model="numpy")
def share_of(samples, worker, workers):
    """Which samples of a batch are the worker's: (first, last)."""
    return samples * worker // workers, samples * (worker + 1) // workers
