"""Are these the same? Answers beside what was asked, and beside what a known mistake would have given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from inkling.exercises.clues import COARSE, close
from inkling.exercises.exercise import Case
from inkling.exercises.outcome import Outcome, attempt
from inkling.exercises.seen import Seen
from inkling.nn.part import Array


def answer(function: Any, names: Sequence[str], case: Case) -> Outcome:
    """What a function of ours says, without NumPy's warnings."""
    with np.errstate(all="ignore"):
        return attempt(function, names, case)


def part(seen: Seen | None, place: int | None) -> Seen:
    """One of several returned values, or the only one."""
    if seen is None:
        return Seen("nothing", "NoneType")
    return seen if place is None else seen.items[place] if place < len(seen.items) else Seen("nothing", "NoneType")


def coarse(got: Seen, want: Seen) -> bool:
    """Whether rounding is that of float32."""
    return got.dtype in COARSE or want.dtype in COARSE


def agrees(got: Seen, want: Seen) -> bool:
    """Whether this is the right answer."""
    if want.kind in ("tuple", "list"):
        fits = got.kind in ("tuple", "list") and len(got.items) == len(want.items) and got.shape[:1] == want.shape[:1]
        return fits and all(map(agrees, got.items, want.items))
    if got.kind not in ("array", "number") or got.array is None or want.array is None:
        return False
    return close(got.array, want.array, coarse=coarse(got, want))


def alike(got: Seen, theirs: Seen) -> bool:
    """Whether two answers are the same, right or wrong."""
    if got.array is not None and theirs.array is not None:
        return close(got.array, theirs.array, coarse=coarse(got, theirs))
    if got.items and theirs.items:
        return len(got.items) == len(theirs.items) and all(map(alike, got.items, theirs.items))
    return got.array is None and theirs.array is None and (got.kind, got.text) == (theirs.kind, theirs.text)


def same(outcome: Outcome, theirs: Outcome) -> bool:
    """Whether the same came of two calls."""
    if outcome.seen is None or theirs.seen is None:
        return outcome.seen is theirs.seen
    return alike(outcome.seen, theirs.seen)


def equally_wild(got: Array, theirs: Array) -> bool:
    """Whether two arrays have the same shape, and NaN and infinity in the same places."""
    return got.shape == theirs.shape and bool((np.isfinite(got) == np.isfinite(theirs)).all())
