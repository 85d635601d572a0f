"""Words for what is off with an answer before its numbers can be read: exceptions, and things of the wrong kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from inkling.exercises import wording
from inkling.exercises.clues import Clue, Pair, close
from inkling.exercises.outcome import ENDED, ENDLESS, Raised
from inkling.exercises.seen import FUNCTION, GENERATOR, Seen

HINTS = {
    "NameError": "Is it spelled as where it was defined? (NumPy is called np here: import numpy as np.)",
    "UnboundLocalError": "Does every way through your function give it a value before it is used?",
    "IndexError": "Which index runs past the end: by how many, and on which axis?",
    "KeyError": "Which keys are there? Print them.",
    "ZeroDivisionError": "What is 0 in this input, and what should the answer be then?",
    "RecursionError": "Your function calls itself and never stops. Which case should end it?",
    "MemoryError": "It asked for more memory than there is for it. How large is the largest array that you need?",
    "AttributeError": "What is to the left of the point? Print its type.",
    "ModuleNotFoundError": "Only Python and NumPy are needed here. Can you do without it?",
    "ImportError": "Only Python and NumPy are needed here. Can you do without it?",
    "EOFError": "Nobody is there to type something in: the arguments are all there is. Can you do without input()?",
    "AssertionError": "One of your own assertions does not hold for this input. Is the assertion right?",
    "OverflowError": "Which number has grown too large, and can it be kept smaller from the start?",
}


def raised(error: Raised) -> Clue:
    """What an exception says, in words."""
    clue = of_exception(error)
    if not error.loading:
        return clue
    return replace(clue, looks_like=f"{clue.looks_like} That was while your file was read, before any call.")


def of_exception(error: Raised) -> Clue:
    """What an exception says, wherever it came up."""
    message = error.message
    if error.type == "NotImplementedError":
        return Clue(
            "not-written",
            "This one is still to be written: it ends with `raise NotImplementedError`.",
            "Read its text once more; what would you do first with pencil and paper?",
        )
    if error.type == ENDLESS:
        return Clue(
            ENDLESS,
            f"It did not come back within {message}.",
            "Is there a loop that never ends? What has to change in it so that it does?",
        )
    if error.type == ENDED:
        return Clue(ENDED, f"Python itself went down in it ({message}).", "What did it do last?")
    if error.type == "SystemExit":
        return Clue("exit", "It ends the whole program with exit().", "Should it not give its answer back with return?")
    if error.type == "arguments":
        return Clue("arguments", message, "Does the first line still look as in the text of the exercise?")
    if error.type == "ValueError" and ("truth value" in message or "ambiguous" in message):
        return Clue(
            "truth",
            "There an array stands where Python wants one yes or no, as `if`, `and`, `max` and `min` do. It has many.",
            "Which function of NumPy's looks at each number by itself?",
        )
    if error.type == "ValueError" and "reshape" in message:
        return Clue(
            "reshape", "The numbers do not fill that shape.", "Which input has so many, and does it come out even?"
        )
    if error.type == "ValueError" and "broadcast" in message:
        return Clue(
            "misfit",
            "Two arrays meet there, number by number, whose shapes do not fit together.",
            "Write down the shape of each beside that line. Has a sum taken an axis away that is still needed "
            "(keepdims=True would keep it), or was a matrix product (@) meant?",
        )
    if error.type == "ValueError" and any(word in message for word in ("shapes", "matmul", "dimension")):
        return Clue(
            "misfit",
            "Two arrays meet there whose shapes do not fit together.",
            "Write down the shape of each beside that line. Which axes have to meet, and is a transpose (.T) missing?",
        )
    if error.type == "ValueError" and "read-only" in message:
        return Clue("read-only", "It writes into an array that is not its own.", "Can you make a new one instead?")
    if error.type == "UFuncTypeError" or "Cannot cast ufunc" in message:
        return Clue(
            "cast",
            "It wants to put numbers with a point into an array of whole numbers.",
            "Should the result not be a new array, of floats?",
        )
    if error.type == "TypeError" and "NoneType" in message:
        return Clue("none", "Something in there is None.", "Which of your functions forgets its return?")
    if error.type == "RuntimeWarning" or error.type == "FloatingPointError":
        return Clue("floating", f"NumPy stumbled: {message}.", HINTS["OverflowError"])
    return Clue(
        "raised",
        "It stopped with an exception before there was an answer.",
        HINTS.get(error.type, "What does the message say about the line above?"),
    )


def structure(got: Seen, want: Seen, names: Sequence[str], name: str = "") -> Clue | None:
    """What is off if this is not even the right kind of thing; None if it is."""
    it = f"{name} " if name else "What came back "
    if got.kind == "nothing":
        return Clue(
            "nothing",
            f"{it}is None: the function ends without giving anything back.",
            "Is there a return, on every way through it?",
        )
    if len(names) > 1:
        return several(got, want, names)
    if want.kind == "list":
        if got.kind in ("list", "tuple"):
            return None
        if got.kind == "other":
            return of_other(got, want, it)
        return Clue("kind", f"{it}is {a(got)}; asked was a list.", "What should its items be?")
    if got.kind in ("list", "tuple"):
        kind = f"a Python {got.kind}"
        if got.array is None:
            return Clue("list", f"{it}is {kind}; asked was {a(want)}.", "What should come back in the end?")
        right = want.array is not None and close(got.array, want.array, coarse=True)
        return Clue(
            "list",
            f"{it}is {kind}, not {a(want)}" + (", although the numbers in it are right." if right else "."),
            "What would np.array make of it? Lists cannot be multiplied or added number by number.",
        )
    if got.kind == "other":
        return of_other(got, want, it)
    if got.array is None:
        return Clue(
            "huge", f"{it}has the shape {got.shape}; asked was {wording.shape(want.shape)}.", "Where does it grow?"
        )
    return None


def of_other(got: Seen, want: Seen, it: str) -> Clue:
    """What is off with something that is no number, nor several."""
    questions = {
        FUNCTION: "Are the brackets behind its name missing?",
        GENERATOR: "Is there a `yield` where things should be collected and returned?",
    }
    question = questions.get(got.text, "What have you computed at that point?")
    return Clue("kind", f"{it}is {got.text}; asked was {a(want)}.", question)


def several(got: Seen, want: Seen, names: Sequence[str]) -> Clue | None:
    """What is off if these are not the several things that were asked."""
    asked = f"Asked were {len(names)} things, {wording.these(names)}"
    question = f"Does the function end with: return {', '.join(names)}?"
    if got.kind in ("tuple", "list"):
        if len(got.items) == len(names):
            return None
        count = got.shape[0] if got.shape else len(got.items)
        came = "one came" if count == 1 else f"{count} came"
        return Clue("count", f"{asked}; {came}.", question)
    if got.array is not None:
        for name, each in zip(names, want.items, strict=True):
            if each.array is not None and close(got.array, each.array, coarse=True):
                return Clue("count", f"{asked}; only {name} came.", question)
    return Clue("count", f"{asked}; {a(got)} came.", question)


def a(seen: Seen) -> str:
    """The kind of thing."""
    if seen.kind == "other":
        return seen.text
    kinds = {"array": "an array", "number": "a single number", "nothing": "None", "list": "a list", "tuple": "a tuple"}
    return kinds[seen.kind]


def order(names: Sequence[str]) -> Clue:
    """The right things in another order."""
    return Clue(
        "order",
        f"These are the right numbers, but they came in the order {', '.join(names)}.",
        "In which order were they asked?",
    )


def changed(names: Sequence[str]) -> Clue:
    """Right numbers, at the price of the input."""
    them = "them" if len(names) > 1 else "it"
    return Clue(
        "changed",
        f"The numbers are right, but {wording.these(names)} {'are' if len(names) > 1 else 'is'} not what "
        f"{'they were' if len(names) > 1 else 'it was'} before: the function writes into {them}. "
        f"Whoever passed {them} in may still need {them}.",
        "Which of your lines (+=, -=, *=, out=, z[…] = …) works on an array that is not yours? Could it make a new "
        "one?",
    )


def lists(pairs: Sequence[tuple[int, Seen, Seen]]) -> Clue:
    """What is off with a list of arrays; each pair comes with the number of its input."""
    for at, got, want in pairs:
        if len(got.items) != len(want.items):
            said = f"The list has {len(got.items)} items; asked were {len(want.items)}."
            return Clue("length", said, "Where does the first one end, and where the last?", at=at)
    return Clue("items", "The list is as long as it should be, but its items are others.", "Which one is off first?")


def unknown(pair: Pair) -> Clue:
    """Wrong numbers that look like nothing in particular: where they begin to differ."""
    question = "Work it out with pencil and paper on this input: at which step do you leave your own numbers?"
    if pair.got.shape != pair.want.shape or not pair.want.ndim:
        return Clue("unknown", "This is another number than the right one.", question)
    wrong = ~np.isclose(pair.got, pair.want, rtol=1e-4, atol=1e-8)
    if not wrong.any():
        wrong = pair.got != pair.want
    place = tuple(int(i) for i in np.unravel_index(int(wrong.argmax()), wrong.shape))
    index = ", ".join(map(str, place))
    got, want = wording.number(float(pair.got[place])), wording.number(float(pair.want[place]))
    many = int(wrong.sum())
    count = "One number differs" if many == 1 else "All" if many == wrong.size else f"{many} of {wrong.size}"
    count += " numbers differ" * (many > 1)
    return Clue("unknown", f"{count}, at first the one at [{index}]: {got} instead of {want}.", question)


def dtype(got: str, want: str, name: str) -> str | None:
    """What can be said about a type that is not the one that was asked."""
    if got == want or not want.startswith("float"):
        return None
    if not got.startswith("float"):
        return (
            f"{name} holds whole numbers ({got}) where numbers with a point are wanted ({want}): they will do here, "
            f"but "
            f"whoever writes a 0.5 into such an array finds a 0 in it."
        )
    if want == "float32" and got == "float64":
        return (
            f"{name} is float64 where float32 is wanted. It is right, but takes twice the memory and time. Which of "
            f"the numbers or arrays that go into it is float64?"
        )
    return None
