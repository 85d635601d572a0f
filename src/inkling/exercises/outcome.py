"""Trying a function on one input: what it gave back, or how it failed, and whether it left its input alone."""

from __future__ import annotations

import copy
import linecache
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from inkling.exercises.exercise import Case
from inkling.exercises.seen import Seen, see

ENDLESS = "endless"
"""What stands for the kind of exception where a function did not come back."""
ENDED = "ended"
"""The same where the whole program went down."""


@dataclass(frozen=True)
class Raised:
    """An exception: its type and message, and the last line of the learner's own that it came through.

    `loading`: it came while the file was read, before there was a function to call.
    """

    type: str
    message: str = ""
    line: int | None = None
    text: str = ""
    loading: bool = False


@dataclass(frozen=True)
class Outcome:
    """What came of one call: a value or an exception, and the arguments that were changed in place."""

    seen: Seen | None = None
    raised: Raised | None = None
    changed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        raised = None if self.raised is None else vars(self.raised)
        return {"seen": self.seen and self.seen.to_json(), "raised": raised, "changed": list(self.changed)}

    @classmethod
    def from_json(cls, told: dict[str, Any]) -> Outcome:
        """What `to_json` said. Raises ValueError, KeyError or TypeError for anything else."""
        seen, raised = told["seen"], told["raised"]
        changed = tuple(str(name) for name in told["changed"])
        return cls(seen and Seen.from_json(seen), raised and Raised(**raised), changed)


def attempt(function: Callable[..., Any], names: Iterable[str], case: Case, file: str = "") -> Outcome:
    """Call the function on the case. `file` is the learner's, whose line is told where something is raised."""
    args = copy.deepcopy(case.args)
    try:
        value = function(*args)
    except (Exception, SystemExit) as error:
        return Outcome(raised=what_was_raised(error, file))
    pairs = zip(names, case.args, args, strict=True)
    return Outcome(see(value), changed=tuple(name for name, before, after in pairs if not untouched(before, after)))


def untouched(before: Any, after: Any) -> bool:
    """Whether an argument is what it was, but for what rounding leaves of a number that was moved and put back."""
    if isinstance(before, np.ndarray):
        return before.shape == after.shape and bool(np.allclose(before, after, rtol=1e-9, atol=1e-12, equal_nan=True))
    return callable(before) or bool(before == after)


def what_was_raised(error: BaseException, file: str) -> Raised:
    """The exception, and where it happened in the file."""
    try:
        message = str(error)
    except Exception:  # an exception of the learner's own may not even be printable
        message = ""
    line: int | None = None
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno
    for frame, number in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == file:
            line = number
    text = linecache.getline(file, line).strip() if line else ""
    return Raised(type(error).__name__, message[:500], line, text[:200])
