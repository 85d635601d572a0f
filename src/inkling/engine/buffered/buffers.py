"""Arrays to compute into: made once, and used again at every step.

A step of a training needs the same arrays as the step before. To ask for new ones each time costs a trip to the
operating system, and memory that is not in the cache yet; so every part keeps its own, and writes into them (`out=`).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from inkling.nn.part import Array, Shape


class Buffered:
    """Mixed into a layer of `nn`, for one that computes the same with arrays of its own.

    What it returns lies in one of them, and holds until the layer is called again.
    """

    dtype: np.dtype[Any]
    """The network's; set before the layer is connected."""
    first: int = 0
    """The place in the whole batch of the first sample that goes forward, where a batch goes in blocks."""
    wants_dx: bool = True
    """False in the first layer that learns: nobody asks how the loss changes with the pixels."""

    def __init_subclass__(cls) -> None:
        """Nothing is registered (`Part.types`): files speak of nn's parts, and know nothing of these."""

    def buffer(self, name: str, shape: Shape, dtype: npt.DTypeLike | None = None, fill: float | None = None) -> Array:
        """An array of this shape to compute into, with whatever it held before (at first: `fill`).

        There is one for each name; a batch with fewer rows gets the first rows of it.
        """
        arrays: dict[str, Array] = self.__dict__.setdefault("_buffers", {})
        array = arrays.get(name)
        if array is None or len(array) < shape[0] or array.shape[1:] != shape[1:]:
            dtype = self.dtype if dtype is None else dtype
            array = arrays[name] = np.empty(shape, dtype) if fill is None else np.full(shape, fill, dtype)
        return array if len(array) == shape[0] else array[: shape[0]]
