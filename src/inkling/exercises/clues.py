"""What came beside what was wanted, and a clue: what all the wrong numbers have in common, in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from inkling.nn.part import Array

COARSE = ("float32", "float16")


@dataclass(frozen=True)
class Pair:
    """What came and what was wanted for one input, with the sizes and the arrays that went in."""

    got: Array
    want: Array
    coarse: bool
    sizes: Mapping[str, int]
    inputs: Mapping[str, Array]


@dataclass(frozen=True)
class Clue:
    """What the numbers look like, and a question that leads on.

    Where `size` names one of the input's sizes, `{size}` in the words stands for that size of the input that is shown.
    Where the words are about one input, `at` says which.
    """

    kind: str
    looks_like: str
    question: str
    size: str = ""
    at: int | None = None


def close(got: Array, want: Array, *, coarse: bool) -> bool:
    """Whether these are the same numbers, but for rounding; NaN is like NaN."""
    if got.shape != want.shape:
        return False
    finite = want[np.isfinite(want)]
    size = float(np.abs(finite).max(initial=0.0))
    relative, absolute = (2e-4, 2e-6) if coarse else (1e-6, 1e-10)
    with np.errstate(all="ignore"):
        return bool(np.allclose(got, want, rtol=relative, atol=absolute * size + 1e-300, equal_nan=True))


def holds(pairs: Sequence[Pair], change: Callable[[Array], Array]) -> bool:
    """Whether changing what was wanted in this way gives what came, on all inputs, and is a change on some."""
    telling = False
    with np.errstate(all="ignore"):
        for pair in pairs:
            try:
                changed = np.asarray(change(pair.want))
            except (ValueError, IndexError):
                return False
            if not close(pair.got, changed, coarse=pair.coarse):
                return False
            telling = telling or not close(pair.want, changed, coarse=pair.coarse)
    return telling
