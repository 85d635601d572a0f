"""Reading mistakes from numbers: what wrong answers have in common with right ones, whatever the exercise.

An answer that is wrong everywhere is rarely wrong in every way. Often it is the right one turned, scaled,
summed or shortened, and the factor or the shape says by what. What is found here holds on *all* inputs; a
coincidence on one of them is not enough.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from inkling.exercises import wording
from inkling.exercises.clues import Clue, Pair, close, holds
from inkling.exercises.shapes import misshapen, reshaped
from inkling.nn.part import Array


def read(pairs: Sequence[Pair]) -> Clue | None:
    """The first explanation that fits all inputs; None if none does."""
    if not pairs:
        return None
    for explain in (reshaped, misshapen, unfinished, untouched, constant, scaled, turned, bent):
        if clue := explain(pairs):
            return clue
    return None


def unfinished(pairs: Sequence[Pair]) -> Clue | None:
    """NaN and infinity where there should be numbers."""
    wild = [pair for pair in pairs if not np.isfinite(pair.got).all() and np.isfinite(pair.want).all()]
    if not wild:
        return None
    if any(np.isnan(pair.got).any() for pair in wild):
        return Clue(
            "nan",
            "There is a nan in it, “not a number”: what comes of 0/0, of ∞ − ∞ or ∞/∞, and of the root or logarithm "
            "of a negative number.",
            "Print what you have after each line: where does the first nan, or the first inf, come up?",
        )
    return Clue(
        "infinite",
        "There is an infinity in it: what comes of dividing by 0, of log 0, or of a number too large to write down.",
        "Print what you have after each line: where does the first inf come up, and what went in there?",
    )


def untouched(pairs: Sequence[Pair]) -> Clue | None:
    """One of the inputs, given back as it came in."""
    for name in pairs[0].inputs:
        if all(name in p.inputs and close(p.got, p.inputs[name], coarse=p.coarse) for p in pairs):
            return Clue(
                "input",
                f"This is {name} itself, as it came in.",
                f"What should happen to {name} on its way, and is the result of that what you return?",
            )
    return None


def constant(pairs: Sequence[Pair]) -> Clue | None:
    """An answer that does not depend on the question."""
    if any(pair.want.size == 0 for pair in pairs) or len(pairs) < 3:
        return None
    if all(not pair.got.any() for pair in pairs) and any(pair.want.ndim for pair in pairs):
        return Clue(
            "zeros",
            "Everything in it is 0, whatever goes in.",
            "Is the array that you fill the one that you return? Or does a whole-number division cut everything off?",
        )
    first = pairs[0].got.ravel()[0]
    if all(bool((pair.got == first).all()) for pair in pairs):
        return Clue(
            "constant",
            f"It is always {wording.number(float(first))}, whatever goes in.",
            "Which of the arguments does your function really use?",
        )
    return None


def ratio(got: Array, want: Array, *, coarse: bool) -> float | None:
    """The factor by which every number is too large; None if there is no such factor, or nothing to tell it by."""
    if got.shape != want.shape or not np.isfinite(got).all() or not np.isfinite(want).all() or not want.any():
        return None
    at = np.unravel_index(np.abs(want).argmax(), want.shape)
    factor = float(got[at] / want[at])
    return factor if factor != 0 and close(got, factor * want, coarse=coarse) else None


def factor(pairs: Sequence[Pair]) -> Clue | None:
    """The sign, or a size of the input, that every number is off by; None also where too few numbers tell of it."""
    apart = [pair for pair in pairs if pair.want.any() and ratio(pair.got, pair.want, coarse=pair.coarse) is None]
    if apart or not telling([pair.want for pair in pairs]):
        return None
    clue = scaled(pairs)
    return clue if clue and clue.kind in ("sign", "size", "size-and-sign") else None


def telling(arrays: Sequence[Array | None]) -> bool:
    """Whether there are so many different numbers in these that they will hardly agree with others by chance."""
    given = [array.ravel() for array in arrays if array is not None]
    sizes = np.abs(np.concatenate(given)) if given else np.zeros(0)
    return len(np.unique(sizes[np.isfinite(sizes) & (sizes > 0)])) >= 4


def scaled(pairs: Sequence[Pair]) -> Clue | None:
    """Every number too large by one factor: always the same, or one of the sizes of the input."""
    factors = []
    for pair in pairs:
        found = ratio(pair.got, pair.want, coarse=pair.coarse)
        if found is not None:
            factors.append((found, pair))
        elif pair.want.any() or pair.got.any():
            return offset(pairs)
    if not factors:
        return offset(pairs)

    subject = "Every number" if any(pair.want.size > 1 for pair in pairs) else "The number"

    def always(expected: Callable[[Pair], float]) -> bool:
        tolerance = 1e-3 if any(pair.coarse for _, pair in factors) else 1e-5
        return all(abs(found / expected(pair) - 1) < tolerance for found, pair in factors)

    if always(lambda _: -1.0):
        return Clue(
            "sign",
            f"{subject} has the right size and the wrong sign.",
            "Which difference is taken the wrong way round, or which minus is missing or too many?",
        )
    for name in pairs[0].sizes:
        for sign, words in ((1, ""), (-1, ", and has the wrong sign")):
            if always(lambda pair, name=name, sign=sign: sign * pair.sizes[name]):  # type: ignore[misc]
                return Clue(
                    "size" if sign > 0 else "size-and-sign",
                    f"{subject} is exactly {{size}} times too large{words}: {{size}} is {name}.",
                    "Did you forget to divide by it?"
                    if sign > 0
                    else "Did you forget to divide by it? And which difference is the wrong way round?",
                    name,
                )
            if always(lambda pair, name=name, sign=sign: sign / pair.sizes[name]):  # type: ignore[misc]
                return Clue(
                    "size" if sign > 0 else "size-and-sign",
                    f"{subject} is exactly {{size}} times too small{words}: {{size}} is {name}.",
                    "Is it divided out once too often, as by a mean where a sum was asked?"
                    if sign > 0
                    else "Is it divided out once too often? And which difference is the wrong way round?",
                    name,
                )
    first = factors[0][0]
    if len(factors) > 2 and always(lambda _: first):
        return Clue("factor", *of_factor(first))
    return offset(pairs)


def of_factor(factor: float) -> tuple[str, str]:
    """Words for a factor that is always the same."""
    if abs(factor - 2) < 1e-3:
        return (
            "Every number is exactly twice as large as it should be.",
            "Is there a ½ in the formula, or a 2 too many?",
        )
    if abs(factor - 0.5) < 1e-3:
        return "Every number is exactly half of what it should be.", "Where does a 2 get lost, or a ½ come in?"
    if factor < 0:
        return (
            f"Every number is exactly {wording.number(factor)} times what it should be: another size, and another "
            f"sign.",
            f"Where does {wording.number(factor)} come from?",
        )
    return (
        f"Every number is exactly {wording.number(factor)} times what it should be.",
        f"Do you know the number {wording.number(factor)}, or its inverse {wording.number(1 / factor)}, from "
        f"somewhere?",
    )


def offset(pairs: Sequence[Pair]) -> Clue | None:
    """Every number too large by the same amount."""
    shifts = [(pair.got - pair.want, pair) for pair in pairs if pair.want.size]
    first = float(shifts[0][0].ravel()[0]) if shifts else 0.0
    if len(shifts) < 3 or not first:
        return None
    if any(not close(pair.got, pair.want + first, coarse=pair.coarse) for _, pair in shifts):
        return None
    return Clue(
        "offset",
        f"Every number is too {'large' if first > 0 else 'small'} by exactly {wording.number(abs(first))}.",
        "What is added that should not be, or left out that should be?",
    )


def turned(pairs: Sequence[Pair]) -> Clue | None:
    """The right numbers in other places."""
    if holds(pairs, lambda want: want.T):
        return Clue(
            "transpose",
            "These are the right numbers with rows and columns exchanged: the transpose of what was asked.",
            "Which of the factors has to be turned, or which two have to change places?",
        )
    for axis, what in ((0, "from bottom to top"), (1, "from right to left")):

        def flip(want: Array, axis: int = axis) -> Array:
            return np.flip(want, axis)

        if holds(pairs, flip):
            told = "in reverse order" if all(pair.want.ndim == 1 for pair in pairs) else f"written {what}"
            return Clue("reversed", f"These are the right numbers {told}.", "Which index runs the wrong way?")
    if all(
        p.got.size == p.want.size and close(np.sort(p.got, None), np.sort(p.want, None), coarse=p.coarse) for p in pairs
    ):
        if all(pair.want.size < 2 or np.unique(pair.want).size < 3 for pair in pairs):
            return None  # any two rows of a few zeros and ones are alike in this
        return Clue("places", "These are the right numbers in the wrong places.", "Which index belongs to which axis?")
    return None


def bent(pairs: Sequence[Pair]) -> Clue | None:
    """The right numbers, but for one more step."""
    further: tuple[tuple[str, Callable[[Array], Array], str, str], ...] = (
        ("absolute", np.abs, "The right numbers without their signs.", "Where does a minus get lost?"),
        ("squared", np.square, "The right numbers, squared.", "Is there a root missing?"),
        ("root", np.sqrt, "The square roots of the right numbers.", "Is there a root too many?"),
        ("exponential", np.exp, "What came is e to the power of what was asked.", "Is a logarithm missing?"),
        ("logarithm", np.log, "What came is the logarithm of what was asked.", "Is there a logarithm too many?"),
        ("inverse", np.reciprocal, "What came is 1 divided by what was asked.", "Which quotient is upside down?"),
        ("cut", np.trunc, "The right numbers, with everything behind the point cut off.",
         "Where do whole numbers come in: a //, an int(), or an array of whole numbers that you write into?"),
        ("rounded", np.round, "The right numbers, rounded to whole ones.", "Where do whole numbers come in?"),
    )  # fmt: skip
    for kind, change, looks_like, question in further:
        if holds(pairs, change):
            return Clue(kind, looks_like, question)
    if holds(pairs, lambda want: want / np.sum(want)):
        return Clue("normalised", "The right numbers, divided by their sum.", "Was that asked?")
    return None
