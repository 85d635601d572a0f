"""Arrays to compute in, made once and lent out again, so that distorting a batch allocates nothing.

Memory that is freed after each step goes back to the operating system, and fetching it anew for the next one takes
longer than the arithmetic. So `warp` and `strokes` borrow their arrays here.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
import numpy.typing as npt


class Work(threading.local):
    """The arrays of one thread: every thread has its own."""

    def __init__(self) -> None:
        self.arrays: dict[tuple[str, np.dtype[Any]], npt.NDArray[Any]] = {}

    def __call__(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """An array of this shape and type, with whatever it held before; the next call of both overwrites it."""
        size, key = math.prod(shape), (name, np.dtype(dtype))
        array = self.arrays.get(key)
        if array is None or array.size < size:
            array = self.arrays[key] = np.empty(size, dtype)
        return array[:size].reshape(shape)


work = Work()
