"""An answer: the file that a learner might have written, made from an exercise's reference solution.

Types are left out, as the file to begin with has none. What the reference leans on among the exercises (an earlier
one's function, a constant) stands above it, so that the file is whole and passes the check.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from inkling.exercises.exercise import Exercise


def answer(exercise: Exercise) -> str:
    """A file that solves the exercise."""
    reference: Any = exercise.reference
    parts = [plain(name, value) for name, value in needed(reference).items()]
    parts.append(plain(exercise.name, reference))
    return "\n\n\n".join([f"# exercise: {exercise.name}\n\nimport numpy as np", *parts]) + "\n"


def needed(function: FunctionType) -> dict[str, Any]:
    """The functions and numbers of the exercises that a function leans on, those that lean on nothing first."""
    found: dict[str, Any] = {}
    for name in names(function.__code__):
        value = function.__globals__.get(name)
        if isinstance(value, FunctionType) and value.__module__.startswith("inkling.exercises."):
            found |= {**needed(value), name: value}
        elif isinstance(value, (int, float)):
            found[name] = value
    return found


def names(code: CodeType) -> Iterator[str]:
    """The names from outside that a function's code uses, also in functions within it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names(constant)


def plain(name: str, value: Callable[..., Any] | float) -> str:
    """A function's source under this name without types, or a number's."""
    if not isinstance(value, FunctionType):
        return f"{name} = {value!r}"
    (function,) = ast.parse(textwrap.dedent(inspect.getsource(value))).body
    assert isinstance(function, ast.FunctionDef)
    function.name, function.returns = name, None
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
    return ast.unparse(function)
