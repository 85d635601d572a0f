"""The other process: runs a learner's function on the exercise's inputs and reports what came of each.

`python -m inkling.exercises.child EXERCISE FILE FUNCTION MEMORY SECONDS` writes one JSON value a line on standard
output. The learner's own prints go to standard error, so that they cannot be mistaken for it.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import os
import sys
import types
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from inkling.exercises.book import exercise_named
from inkling.exercises.exercise import Exercise
from inkling.exercises.outcome import Outcome, Raised, attempt, what_was_raised


def main(name: str, file: str, function: str, memory: str, seconds: str) -> None:
    """Load the file, call the function on every input, and report."""
    report = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    limit(int(memory), int(seconds))
    collect_warnings(report, file)
    say(report, "ready")
    exercise = exercise_named(name)
    try:
        solution = load(file, function)
    except (Exception, SystemExit) as error:
        raised = replace(what_was_raised(error, file), loading=True)
        say(report, "outcome", Outcome(raised=raised).to_json())
    else:
        say(report, "loaded")
        call_on_all(exercise, solution, file, report)
    say(report, "done")
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # the learner's code may have closed it
            stream.flush()
    os._exit(0)  # threads and exit handlers of the learner's would keep us


def say(report: TextIO, what: str, value: Any = None) -> None:
    """One line to whoever started us."""
    report.write(json.dumps([what, value]) + "\n")
    report.flush()


def limit(memory: int, seconds: int) -> None:
    """Bound memory and processor time, where the system knows how to."""
    try:
        # Not by name in an import statement: Windows has no such module.
        resource = importlib.import_module("resource")
    except ImportError:
        return
    for what, most in (("RLIMIT_AS", memory), ("RLIMIT_CPU", seconds), ("RLIMIT_CORE", 0)):
        with contextlib.suppress(ValueError, OSError, AttributeError):
            kind = getattr(resource, what)
            _, hard = resource.getrlimit(kind)
            # Standing a little below the hard limit keeps it a signal that can be told from a kill.
            resource.setrlimit(kind, (most if hard < 0 else min(most, hard), hard))


def collect_warnings(report: TextIO, file: str) -> None:
    """Report NumPy's warnings with the learner's line, each once."""
    told: set[tuple[str, int]] = set()

    def show(message: Warning | str, _: type[Warning], filename: str, line: int, *__: object) -> None:
        if filename == file and (key := (str(message), line)) not in told and len(told) < 10:
            told.add(key)
            say(report, "warning", [line, str(message)[:200]])

    warnings.simplefilter("always")
    warnings.showwarning = show  # type: ignore[assignment]


def load(file: str, function: str) -> Callable[..., Any]:
    """Run the file as a module of its own, and return its function."""
    sys.path.append(str(Path(file).resolve().parent))
    module = types.ModuleType("solution")
    module.__file__ = file
    sys.modules["solution"] = module
    code = compile(Path(file).read_bytes(), file, "exec")
    exec(code, vars(module))
    found: Callable[..., Any] | None = vars(module).get(function)
    if not callable(found):
        raise NameError(f"when all of the file has run, {function} is no function in it")
    return found


def call_on_all(exercise: Exercise, solution: Callable[..., Any], file: str, report: TextIO) -> None:
    """Call it on every input, or say why it cannot be called at all."""
    if misfit := uncallable(solution, exercise):
        say(report, "outcome", Outcome(raised=Raised("arguments", misfit)).to_json())
        return
    for case in exercise.cases():
        say(report, "outcome", attempt(solution, exercise.arguments, case, file).to_json())


def uncallable(solution: Callable[..., Any], exercise: Exercise) -> str:
    """Why the function cannot take the exercise's arguments; empty if it can."""
    try:
        signature = inspect.signature(solution)
    except (TypeError, ValueError):
        return ""  # written in C, as an np.ufunc is: calling it will tell
    try:
        signature.bind(*exercise.arguments)
    except TypeError:
        takes = ", ".join(signature.parameters) or "nothing"
        return f"It takes ({takes}), but is called as {exercise.signature}."
    return ""


if __name__ == "__main__":
    main(*sys.argv[1:])
