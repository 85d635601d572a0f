"""Reading mistakes from shapes: the right numbers laid out, summed or turned otherwise, and shapes that say why."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from inkling.exercises import wording
from inkling.exercises.clues import Clue, Pair, close, holds
from inkling.nn.part import Array, Shape


def reshaped(pairs: Sequence[Pair]) -> Clue | None:
    """Shapes that differ, although the right numbers are in there."""
    if all(pair.got.shape == pair.want.shape for pair in pairs):
        return None
    if holds(pairs, lambda want: want.T):
        return Clue(
            "transpose",
            "These are the right numbers with rows and columns exchanged: the transpose of what was asked.",
            "Which of the factors has to be turned, or which two have to change places?",
        )
    if all(p.got.size == p.want.size and close(p.got.ravel(), p.want.ravel(), coarse=p.coarse) for p in pairs):
        at = easiest(pairs)
        got, want = pairs[at].got, pairs[at].want
        if want.ndim == 0:
            return Clue(
                "boxed",
                f"The number is right, but it came as an array of shape {got.shape} that holds only it.",
                "Which sum or product should have used up that axis?",
                at=at,
            )
        return Clue(
            "layout",
            f"All numbers are right and in the right order; only their shape is {got.shape} "
            f"instead of {wording.shape(want.shape)}.",
            "How many axes should there be, and what does each of them stand for?",
            at=at,
        )
    for axis, what in ((0, "the first axis, over the rows"), (1, "the second axis, within each row")):
        for keep in (False, True):
            for name, reduce in (("summed", np.sum), ("averaged", np.mean)):

                def fold(
                    want: Array, axis: int = axis, keep: bool = keep, reduce: Callable[..., Array] = reduce
                ) -> Array:
                    if want.ndim <= axis:
                        raise ValueError
                    return reduce(want, axis=axis, keepdims=keep)

                if holds(pairs, fold):
                    return Clue(
                        "folded",
                        f"These are the right numbers, {name} along {what}.",
                        "Should that axis still be there at the end?",
                    )
    whole: tuple[tuple[str, Callable[..., Array]], ...] = (("added up", np.sum), ("averaged", np.mean))
    for name, gather in whole:
        if holds(pairs, gather):
            return Clue(
                "folded",
                f"This is the right answer with all its numbers {name} into one.",
                "Over what, if anything, was to be summed here?",
            )
        if all(p.got.size and close(np.asarray(gather(p.got)), p.want, coarse=p.coarse) for p in pairs):
            return Clue(
                "unfolded",
                f"One number was asked, and here are several; {name}, they give the right one.",
                "What is still to be done with them?",
            )
    return None


def misshapen(pairs: Sequence[Pair]) -> Clue | None:
    """Shapes that differ, and numbers that do not help."""
    if all(pair.got.shape == pair.want.shape for pair in pairs):
        return None
    at = easiest(pairs)
    got, want = pairs[at].got.shape, pairs[at].want.shape
    kind, looks_like, question = of_shapes(got, want)
    said = f"It has the shape {wording.shape(got)}; asked was {wording.shape(want)}."
    return Clue(kind, f"{said} {looks_like}", question, at=at)


def easiest(pairs: Sequence[Pair]) -> int:
    """Which of the inputs with answers of a wrong shape is the easiest to follow: the smallest that is not too small.

    Where an axis has one entry, one cannot see which axis it is.
    """

    def trouble(i: int) -> tuple[bool, int]:
        return 1 in (*pairs[i].want.shape, *pairs[i].got.shape), sum(array.size for array in pairs[i].inputs.values())

    return min((i for i, pair in enumerate(pairs) if pair.got.shape != pair.want.shape), key=trouble)


def of_shapes(got: Shape, want: Shape) -> tuple[str, str, str]:
    """A kind, words and a question for two shapes that differ."""
    if len(got) == 2 and got[0] == got[1] > 1 and want in ((got[0],), (got[0], 1), ()):
        return (
            "broadcast",
            f"Where a row ({got[0]},) meets a column ({got[0]}, 1), NumPy pairs each with each and fills a square: "
            f"that is called broadcasting.",
            "Which of the arrays in there has one axis too many, or too few?",
        )
    if len(got) == 2 and got == want[::-1]:
        return (
            "shape",
            "That is the transposed shape, though the numbers are not those of the transpose.",
            "In which order do the two matrices have to stand, and which one has to be turned (.T)?",
        )
    if len(got) == len(want):
        axis = next(axis for axis, sizes in enumerate(zip(got, want, strict=True)) if sizes[0] != sizes[1])
        return (
            "shape",
            f"Axis {axis} has {got[axis]} entries instead of {want[axis]}.",
            "What does that axis stand for, and how many of these are there?",
        )
    axes = abs(len(got) - len(want))
    count = "1 axis" if axes == 1 else f"{axes} axes"
    if len(got) > len(want):
        return (
            "shape",
            f"That is {count} more than there should be.",
            "Was something to be summed here that is not? Or has an array too many axes on its way in?",
        )
    return (
        "shape",
        f"That is {count} fewer than there should be.",
        "Which sum, mean or maximum has taken the axis away, and should it have?",
    )
