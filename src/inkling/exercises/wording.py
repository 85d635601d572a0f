"""How numbers are written for a reader: short, rounded, and in a line or a few."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from inkling.nn.part import Array

FEW = 48
"""Numbers of an array up to which it is written out."""
LONG = 400
"""Characters of anything else up to which it is written out."""


def show(value: Any) -> str:
    """A value as a learner would write it; a large array as its shape alone."""
    if isinstance(value, np.ndarray):
        return written(value) if value.size <= FEW else f"numbers of shape {value.shape}"
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, (list, tuple)):
        left, right = "[]" if isinstance(value, list) else "()"
        return shortened(f"{left}{', '.join(map(show, value))}{right}")
    if callable(value):
        return getattr(value, "__doc__", None) or "a function"
    return shortened(repr(value))


def written(array: Array) -> str:
    """An array with four digits, rows below each other, and its type where that is not the usual one."""
    # As NumPy writes it, −0.0 and 0.0 look different and mean the same.
    clean = array + 0.0 if array.dtype.kind == "f" else array
    sizes = np.abs(clean[np.isfinite(clean)]) if array.dtype.kind == "f" else np.zeros(0)
    sizes = sizes[sizes > 0]
    small = bool(sizes.size) and float(sizes.max()) < 1e-2
    wide = bool(sizes.size) and float(sizes.max()) >= 1e6
    text = np.array2string(
        clean,
        separator=", ",
        max_line_width=64,
        threshold=FEW,
        precision=4,
        suppress_small=not (small or wide),
        floatmode="maxprec_equal",
    )
    return f"{text} ({array.dtype})" if array.dtype not in (np.float64, np.int64) else text


def number(value: float) -> str:
    """A number with as many digits as help: 0.25, 2.303, 1.2e-07."""
    if not math.isfinite(value):
        return str(value)
    return f"{value:.4g}" if abs(value) < 1000 and (value == 0 or abs(value) >= 1e-3) else f"{value:.6g}"


def shortened(text: str) -> str:
    """The beginning, where there is too much."""
    return text if len(text) <= LONG else f"{text[: LONG - 2]} …"


def let(name: str, value: Any) -> str:
    """`z = [[1., 2.]]`, further rows below the first."""
    return beside(f"{name} = ", show(value))


def beside(head: str, text: str) -> str:
    """The text behind the head; its further lines below its first."""
    return head + text.replace("\n", "\n" + " " * len(head))


def call(name: str, arguments: Iterable[str]) -> str:
    """`neuron(x, w, b)`."""
    return f"{name}({', '.join(arguments)})"


def shape(sizes: tuple[int, ...]) -> str:
    """A shape as NumPy writes it; that of a single number in words."""
    return str(tuple(sizes)) if sizes else "of a single number"


def these(words: Iterable[str]) -> str:
    """Several names as a sentence has them: dW, db and dx."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last
