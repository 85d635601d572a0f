"""What an exercise is: a function to write, inputs to try it on, and the mistakes that people make on the way.

An exercise is data. Its reference solution says what is right; each known mistake is a second solution, wrong in one
way, and a few kind words for whoever comes out with its numbers. No check shows either of them; who asks for an answer
gets the first (answers.py). Everything the learner reads,
the text and the file to begin with, is put together here from the same parts.
"""

from __future__ import annotations

import copy
import textwrap
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from inkling.exercises.wording import call, let
from inkling.nn import random_stream

CHAPTERS = (
    "What a digit is to a computer",
    "A neuron",
    "A layer",
    "Scores to probabilities",
    "What is an error worth?",
    "Which way is down?",
    "Backpropagation by hand",
    "Mini-batches and noise",
    "From momentum to Adam",
    "Overfitting, dropout and L2",
    "Why initial weights matter",
    "Looking nearby: convolutions",
)
"""The chapters that the exercises belong to; the first one is chapter 1."""
WIDTH = 76
"""Columns of the text."""


@dataclass(frozen=True)
class Case:
    """One input that a solution is tried on; `note` says what is special about it ("a batch of one")."""

    args: tuple[Any, ...]
    note: str = ""


@dataclass(frozen=True)
class Mistake:
    """A way to get it wrong that its numbers give away.

    `function` takes what the exercise's function takes and makes the mistake; `looks_like` says what it is, in a
    sentence or two; `question` leads on without giving the solution away.
    """

    name: str
    function: Callable[..., Any]
    looks_like: str
    question: str


@dataclass(frozen=True)
class Exercise:
    """A function to write.

    `arguments` and `returns` say for each name its shape and what it is. Where there are several returns, the function
    returns a tuple of them. `example` is the first input; `worked` goes through it by hand. `make` draws the
    other inputs, always the same ones. `sizes` names numbers of an input that an answer may be too large by.
    """

    name: str
    chapter: int
    title: str
    task: str
    arguments: Mapping[str, str]
    returns: Mapping[str, str]
    example: tuple[Any, ...]
    worked: str
    hint: str
    reference: Callable[..., Any]
    make: Callable[[np.random.Generator], Iterable[Case]]
    mistakes: tuple[Mistake, ...]
    sizes: Callable[..., Mapping[str, int]] = lambda *_: {}

    @property
    def signature(self) -> str:
        """The call as it is written: "softmax(z)"."""
        return call(self.name, self.arguments)

    def cases(self) -> list[Case]:
        """The inputs, the example first; fresh arrays each time, so that nobody can spoil them."""
        made = self.make(random_stream(0, self.name))
        return [copy.deepcopy(case) for case in (Case(self.example, "the example"), *made)]

    def text(self) -> str:
        """What to write, with what goes in and comes out, an example and a hint."""
        width = max(map(len, (*self.arguments, *self.returns)))

        def entries(names: Mapping[str, str]) -> str:
            return "\n".join(
                textwrap.fill(
                    f"{name:<{width}}  {what}", WIDTH, initial_indent="    ", subsequent_indent=" " * (width + 6)
                )
                for name, what in names.items()
            )

        args = copy.deepcopy(self.example)
        made = self.reference(*args)
        outcomes = made if len(self.returns) > 1 else (made,)
        inputs = "\n".join(let(name, value) for name, value in zip(self.arguments, self.example, strict=True))
        outputs = "\n".join(
            let(name, value).replace(" = ", " → ", 1) for name, value in zip(self.returns, outcomes, strict=True)
        )
        title = f"{self.title}\n(chapter {self.chapter}: {CHAPTERS[self.chapter - 1]})"
        return "\n\n".join(
            [
                title,
                paragraphs(self.task),
                f"What comes in\n{entries(self.arguments)}",
                f"What goes out\n{entries(self.returns)}",
                f"For example\n{textwrap.indent(inputs, '    ')}\n    {self.signature}\n"
                f"{textwrap.indent(outputs, '    ')}",
                paragraphs(self.worked),
                paragraphs(f"Hint: {self.hint}"),
            ]
        )

    def starter(self) -> str:
        """The file to begin with: everything but the solution."""
        text = textwrap.indent(self.text(), "    ").strip()
        return (
            f"# exercise: {self.name}\n"
            f"# Write the function, then: inkling exercise check THIS_FILE\n\n"
            f"import numpy as np\n\n\n"
            f"def {self.signature}:\n"
            f'    """{text}\n    """\n'
            f"    raise NotImplementedError\n"
        ).replace("\n    \n", "\n\n")


def float32(*args: Any) -> tuple[Any, ...]:
    """The same arguments with every array of floats in float32, which networks usually compute in."""
    return tuple(
        each.astype(np.float32) if isinstance(each, np.ndarray) and each.dtype.kind == "f" else each for each in args
    )


def paragraphs(text: str) -> str:
    """Fill each paragraph to the width; a paragraph that is indented is left as it is."""
    parts = textwrap.dedent(text).strip("\n").split("\n\n")
    return "\n\n".join(part if part.startswith(" ") else textwrap.fill(part, WIDTH) for part in parts)
