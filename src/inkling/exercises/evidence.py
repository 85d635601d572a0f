"""All that is known about one solution while it is judged: what came, what was wanted, and whose mistakes these may be.

A known mistake is looked for among the suspects of its exercise: each is called on the same inputs, and whoever gives
the same numbers has been found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from inkling.exercises.clues import Clue, Pair
from inkling.exercises.comparing import agrees, alike, answer, coarse, equally_wild, part, same
from inkling.exercises.exercise import Case, Exercise, Mistake
from inkling.exercises.numbers import factor, telling
from inkling.exercises.outcome import Outcome
from inkling.exercises.seen import Seen


class Evidence:
    """What came of each of the exercise's cases, beside what should have come."""

    def __init__(self, exercise: Exercise, outcomes: Sequence[Outcome]) -> None:
        self.exercise = exercise
        self.cases = exercise.cases()
        self.outcomes = list(outcomes)
        self.names = list(exercise.arguments)
        self.wanted = [seen for seen in map(self.reference, self.cases) if seen is not None]
        self.good = [
            outcome.seen is not None and not outcome.changed and agrees(outcome.seen, want)
            for outcome, want in zip(self.outcomes, self.wanted, strict=False)
        ]

    def reference(self, case: Case) -> Seen | None:
        """What the right answer looks like."""
        return answer(self.exercise.reference, self.names, case).seen

    def bad(self) -> list[int]:
        """Which inputs came out wrong."""
        return [i for i, good in enumerate(self.good) if not good]

    def numbers_agree(self) -> list[bool]:
        """For each input, whether the numbers are right, whatever else has happened."""
        return [
            outcome.seen is not None and agrees(outcome.seen, want)
            for outcome, want in zip(self.outcomes, self.wanted, strict=False)
        ]

    def pairs(self, place: int | None) -> list[Pair]:
        """What came and what was wanted, as numbers."""
        pairs = []
        for case, outcome, want in zip(self.cases, self.outcomes, self.wanted, strict=False):
            got, right = part(outcome.seen, place), part(want, place)
            if got.array is not None and right.array is not None:
                sizes = self.exercise.sizes(*case.args)
                inputs = {
                    name: value.astype(float)
                    for name, value in zip(self.names, case.args, strict=True)
                    if isinstance(value, np.ndarray)
                }
                pairs.append(Pair(got.array, right.array, coarse(got, right), sizes, inputs))
        return pairs

    def smallest(self, indices: Iterable[int]) -> int:
        """The input that is easiest to follow: the first of the smallest, where a special one counts as larger."""

        def trouble(i: int) -> tuple[int, int]:
            special = self.cases[i].note not in ("", "the example")
            return sum(map(weight, self.cases[i].args)) + 6 * special, i

        return min(indices, key=trouble)

    def answers(self, mistake: Mistake) -> Iterator[Outcome]:
        """What the mistake gives, input by input: mostly, the first one tells that it is another."""
        return (answer(mistake.function, self.names, case) for case in self.cases)

    def known(self) -> Mistake | None:
        """The known mistake whose answers these are, on all inputs."""
        if len(self.outcomes) < len(self.cases) or all(self.numbers_agree()):
            return None
        for mistake in self.exercise.mistakes:
            if any(outcome.seen for outcome in self.outcomes) and all(map(same, self.outcomes, self.answers(mistake))):
                return mistake
        return None

    def known_and_scaled(self, place: int | None) -> Clue | None:
        """A known mistake, and on top of it one factor or sign."""
        for mistake in self.exercise.mistakes:
            pairs: list[Pair] = []
            for pair, outcome in zip(self.pairs(place), self.answers(mistake), strict=True):
                theirs = part(outcome.seen, place).array
                if theirs is None or not equally_wild(pair.got, theirs):
                    break
                finite = np.isfinite(theirs)
                pairs.append(replace(pair, got=pair.got[finite], want=theirs[finite]))
            clue = factor(pairs) if len(pairs) == len(self.cases) else None
            if clue is not None:
                looks_like = f"Two things at once. {mistake.looks_like} And besides: {lower(clue.looks_like)}"
                return Clue(f"{mistake.name}+{clue.kind}", looks_like, mistake.question, clue.size)
        return None

    def mostly_known(self, place: int | None) -> Clue | None:
        """A known mistake that explains most of the wrong answers, where the others must have another reason."""
        right = [agrees(part(o.seen, place), part(w, place)) for o, w in zip(self.outcomes, self.wanted, strict=True)]
        wrong, most, best = right.count(False), 1, None
        for mistake in self.exercise.mistakes:
            explained = []
            for i, (outcome, theirs) in enumerate(zip(self.outcomes, self.answers(mistake), strict=True)):
                fits = theirs.seen is not None and alike(part(outcome.seen, place), part(theirs.seen, place))
                if right[i] and not fits:
                    break
                if fits and not right[i]:
                    explained.append(i)
            else:
                answers = [part(self.outcomes[i].seen, place).array for i in explained]
                if len(explained) > most and 2 * len(explained) > wrong and telling(answers):
                    most, at = len(explained), self.smallest(explained)
                    said = (
                        f"{mistake.looks_like} (That explains {most} of the {wrong} wrong answers; first things first.)"
                    )
                    best = Clue(f"{mistake.name}+more", said, mistake.question, at=at)
        return best


def of_mistake(mistake: Mistake) -> Clue:
    """A known mistake in the words of its exercise."""
    return Clue(mistake.name, mistake.looks_like, mistake.question)


def weight(value: Any) -> int:
    """How much there is to read in an argument."""
    if isinstance(value, np.ndarray):
        return value.size
    return sum(map(weight, value)) if isinstance(value, (list, tuple)) else 1


def lower(sentence: str) -> str:
    """A sentence as the second half of another."""
    return sentence[:1].lower() + sentence[1:]
