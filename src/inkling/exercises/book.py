"""All exercises in the order of the book, by chapter."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from inkling.errors import InklingError
from inkling.exercises.chapters import (
    backpropagation,
    convolutions,
    convolutions_backward,
    descent,
    errors,
    layers,
    mini_batches,
    neurons,
    optimizers,
    overfitting,
    pixels,
    probabilities,
    stations,
    weights,
)
from inkling.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    *pixels.EXERCISES,
    *neurons.EXERCISES,
    *layers.EXERCISES,
    *probabilities.EXERCISES,
    *errors.EXERCISES,
    *descent.EXERCISES,
    *stations.EXERCISES,
    *backpropagation.EXERCISES,
    *mini_batches.EXERCISES,
    *optimizers.EXERCISES,
    *overfitting.EXERCISES,
    *weights.EXERCISES,
    *convolutions.EXERCISES,
    *convolutions_backward.EXERCISES,
)


def exercise_names() -> Sequence[str]:
    """The names of all exercises, in order."""
    return [exercise.name for exercise in EXERCISES]


def exercise_named(name: str) -> Exercise:
    """The exercise of that name, or of that number (from 1). Raises InklingError if there is none."""
    for number, exercise in enumerate(EXERCISES, 1):
        if name in (exercise.name, str(number)):
            return exercise
    close = difflib.get_close_matches(name.lower().replace("-", "_"), exercise_names(), n=1)
    hint = f"did you mean {close[0]}?" if close else "inkling exercise list shows them all"
    raise InklingError(f"there is no exercise {name!r}: {hint}")
