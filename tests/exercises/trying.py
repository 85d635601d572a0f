"""What the tests of the exercises share: trying a function without a process of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from inkling.exercises import Exercise, Verdict, exercise_named, judge
from inkling.exercises.outcome import attempt


def tried(exercise: Exercise | str, solution: Callable[..., Any]) -> Verdict:
    """The verdict on a solution."""
    if isinstance(exercise, str):
        exercise = exercise_named(exercise)
    with np.errstate(all="ignore"):
        return judge(exercise, [attempt(solution, exercise.arguments, case) for case in exercise.cases()])


def kinds(verdict: Verdict) -> list[str]:
    """What was found."""
    return [finding.kind for finding in verdict.findings]
