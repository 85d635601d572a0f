"""What a solution gave back, looked at from outside: numbers with shape and type, or what it was instead.

A solution may return anything at all: nothing, a list, a function, a million numbers, an object that breaks when it
is printed. `see` turns each of these into a `Seen`, which holds plain data only, can be sent from one process
to another as JSON, and is safe to compare.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from inkling.nn.part import Array, Shape

MOST = 100_000
"""Numbers of an array that are worth sending: no answer here has as many."""
ITEMS = 1000
"""Items of a list that are looked at."""
FUNCTION = "a function"
GENERATOR = "a generator, which has not computed anything yet"
DEEP = 4
"""Lists in lists that are looked at."""


@dataclass(frozen=True)
class Seen:
    """A value as it came.

    `kind` is "array", "number" (also NumPy's), "list", "tuple", "nothing" or "other"; `type` the type's own name.
    `array` holds the numbers, float64 unless they are too many; for a list those of the array that it would
    make. `shape` and `dtype` are those of the array as it came.
    """

    kind: str
    type: str
    shape: Shape = ()
    dtype: str = ""
    array: Array | None = field(default=None, compare=False)
    items: tuple[Seen, ...] = ()
    text: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        numbers = None if self.array is None else base64.b64encode(np.ascontiguousarray(self.array).tobytes()).decode()
        items = [item.to_json() for item in self.items]
        plain = {"kind": self.kind, "type": self.type, "shape": list(self.shape), "dtype": self.dtype}
        return {**plain, "numbers": numbers, "items": items, "text": self.text}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Seen:
        """What `to_json` said. Raises ValueError, KeyError or TypeError for anything else."""
        shape, array = tuple(int(size) for size in told["shape"]), None
        if told["numbers"] is not None:
            array = np.frombuffer(base64.b64decode(told["numbers"])).reshape(shape)
        items = tuple(cls.from_json(item) for item in told["items"])
        return cls(str(told["kind"]), str(told["type"]), shape, str(told["dtype"]), array, items, str(told["text"]))


def see(value: Any, depth: int = 0) -> Seen:
    """Look at a value; never fails, whatever it is."""
    name = type(value).__name__
    try:
        return look(value, name, depth)
    except Exception:  # a solution's own object may do anything when it is looked at
        return Seen("other", name, text=f"something of type {name}")


def look(value: Any, name: str, depth: int) -> Seen:
    """Look at a value, which may fail."""
    if value is None:
        return Seen("nothing", name)
    if isinstance(value, np.ndarray):
        return of_array(np.asarray(value), name, "array")
    if isinstance(value, (np.generic, bool, int, float)):
        return of_array(np.asarray(value), name, "number")
    if isinstance(value, (list, tuple)) and depth < DEEP:
        items = tuple(see(item, depth + 1) for item in value[:ITEMS])
        kind = "list" if isinstance(value, list) else "tuple"
        array = as_one(items) if len(value) <= ITEMS else None
        shape = (len(value),) if array is None else array.shape
        return Seen(kind, name, shape, "", array, items)
    return Seen("other", name, text=described(value, name))


def of_array(array: Array, name: str, kind: str) -> Seen:
    """An array of numbers; of anything else only what it is."""
    if array.dtype.kind not in "biuf":
        what = "complex numbers" if array.dtype.kind == "c" else f"things of type {array.dtype}"
        return Seen("other", name, array.shape, str(array.dtype), text=f"an array of {what}")
    numbers = np.array(array, dtype=np.float64) if array.size <= MOST else None
    return Seen(kind, name, array.shape, str(array.dtype), numbers)


def as_one(items: tuple[Seen, ...]) -> Array | None:
    """The array that a list of numbers, or of lists of numbers, would make."""
    arrays = [item.array for item in items if item.array is not None]
    if len(arrays) < len(items) or len({array.shape for array in arrays}) != 1:
        return None
    if sum(array.size for array in arrays) > MOST:
        return None
    return np.stack(arrays)


def described(value: Any, name: str) -> str:
    """A few words about something that is no number."""
    if isinstance(value, str):
        return f"the text {str(value)[:60]!r}"
    if isinstance(value, type) or callable(value):
        return FUNCTION
    if hasattr(value, "__next__"):
        return GENERATOR
    return f"something of type {name}"
