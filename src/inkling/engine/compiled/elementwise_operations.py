"""Activations and dropout, number by number. See operations.py for their form; the arithmetic is in elementwise.py."""

# mypy: ignore-errors

import numpy as np

from inkling.engine.compiled import elementwise
from inkling.engine.compiled import table as t
from inkling.engine.compiled.low_level import row, rows
from inkling.engine.compiled.operations import (
    BYTE,
    WHOLE,
    flat_values,
    gradient_in_place,
    instruction,
    open_table,
    operation,
    values,
    values_in_place,
)


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
