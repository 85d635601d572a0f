"""A learner's file, read without running it: which exercises it is for, and whether it is Python at all."""

from __future__ import annotations

import ast
import difflib
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from inkling.errors import InklingError
from inkling.exercises.book import exercise_named, exercise_names

MARKER = re.compile(rb"^#\s*exercise:\s*(.*?)\s*$", re.MULTILINE)
LARGEST = 2**20
"""Bytes of a file up to which it can be somebody's exercise."""


@dataclass(frozen=True)
class Solution:
    """A function in a file, and the exercise that it is for."""

    exercise: str
    file: Path
    function: str


def read_solutions(file: Path, exercise: str | None = None) -> list[Solution]:
    """The exercises that a file is for, in the book's order.

    A function belongs to the exercise of its name. Where `exercise` or a line `# exercise: NAME` names one for which
    there is no function, and the file has only one, it is that one. Raises InklingError if the file cannot be read,
    is no Python, or has no function for any exercise.
    """
    source = read(file)
    functions = names_in(parse(source, file))
    if exercise is not None:
        asked = [exercise_named(exercise).name]
    else:
        asked = [exercise_named(name.decode(errors="replace")).name for name in MARKER.findall(source)]
        asked += [name for name in functions if name in exercise_names()]
    if not asked:
        raise InklingError(f"{file} has no function of any exercise: {hint(functions)}")
    return [
        Solution(name, file, function_for(name, functions, file, alone=len(set(asked)) == 1))
        for name in exercise_names()
        if name in asked
    ]


def read(file: Path) -> bytes:
    """The file's content. Raises InklingError if there is none that could be somebody's solution."""
    if file.is_dir():
        raise InklingError(f"{file} is a folder: name the file with your function in it")
    try:
        if file.exists() and not file.is_file():
            raise InklingError(f"{file} is no file with text in it")
        if file.stat().st_size > LARGEST:
            raise InklingError(f"{file} is too large to be a solution: it may have 1 MB")
        return file.read_bytes()
    except FileNotFoundError:
        raise InklingError(f"there is no file {file}: inkling exercise start NAME writes one to begin with") from None
    except (OSError, ValueError) as error:
        raise InklingError(f"cannot read {file}: {getattr(error, 'strerror', None) or error}") from None


def parse(source: bytes, file: Path) -> ast.Module:
    """The file as a syntax tree. Raises InklingError with the line, where it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, str(file))
            compile(tree, str(file), "exec")  # finds a return outside of a function, too
            return tree
    except SyntaxError as error:
        where = f"{file}, line {error.lineno}" if error.lineno else str(file)
        line = (error.text or "").strip()
        said = (error.msg or "this is no Python").rstrip(".")
        raise InklingError(f"{where}: {said}" + (f", in: {line[:120]}" if line else "")) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InklingError(f"{file} is no Python file: {error or 'it is nested too deeply'}") from None


def names_in(tree: ast.Module) -> list[str]:
    """The functions that a file defines, also by giving a name to something (softmax = …)."""
    names: list[str] = []
    for statement in tree.body:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.append(statement.name)
        elif isinstance(statement, ast.Assign) and not isinstance(statement.value, ast.Constant):
            names += [target.id for target in statement.targets if isinstance(target, ast.Name)]
        elif isinstance(statement, ast.ImportFrom):
            names += [alias.asname or alias.name for alias in statement.names]
    return list(dict.fromkeys(names))


def function_for(exercise: str, functions: Sequence[str], file: Path, *, alone: bool) -> str:
    """The function that is meant for the exercise."""
    if exercise in functions:
        return exercise
    if alone and len(functions) == 1:
        return functions[0]
    close = difflib.get_close_matches(exercise, functions, n=1)
    has = f"did you mean {close[0]}?" if close else f"it has {', '.join(functions)}" if functions else "it has none"
    raise InklingError(f"{file} has no function {exercise}: {has}")


def hint(functions: Sequence[str]) -> str:
    """What to do about a file with other names in it."""
    for name in functions:
        if close := difflib.get_close_matches(name, exercise_names(), n=1, cutoff=0.7):
            return f"does {name} mean {close[0]}?"
    return "inkling exercise list shows their names"
