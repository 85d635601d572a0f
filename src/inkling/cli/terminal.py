"""Where output goes: results on standard output, news and complaints on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 120
"""Columns to use where there is no screen to ask."""


def results(*, aside: bool = False) -> Console:
    """The console for results; with `aside`, on standard error, because JSON has standard output to itself."""
    return errors() if aside else console(stderr=False)


def errors() -> Console:
    """The console on standard error."""
    return console(stderr=True)


def console(*, stderr: bool) -> Console:
    """A console as wide as the screen."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPED_WIDTH)


def print_json(value: Any) -> None:
    """One JSON value on standard output, and nothing else."""
    from inkling.storage import finite

    sys.stdout.write(json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def percent(fraction: float | None) -> str:
    """0.9812 → "98.12 %"."""
    return "–" if fraction is None else f"{fraction:.2%}".replace("%", " %")


@contextmanager
def loading(out: Console) -> Iterator[Callable[[str, int, int | None], None]]:
    """A progress callback for `load_data`: a bar for each file that takes long, where there is a screen."""
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(bar_width=24),
        progress.TaskProgressColumn(),
        progress.TimeRemainingColumn(compact=True),
    )
    with progress.Progress(*columns, console=out, transient=True, disable=not out.is_terminal) as bars:
        tasks: dict[str, progress.TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield show
