"""Where output goes: results on standard output, news and complaints on standard error."""

from __future__ import annotations

import io
import json
import os
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

PIPED_WIDTH = 120
"""Columns to use where there is no screen to ask."""


def prepare_streams() -> None:
    """See that output cannot fail for its form: a closed stream swallows it, a poor encoding shows `?`."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


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


def a_digit(digit: object) -> str:
    """A 3, an 8."""
    return f"{'an' if str(digit) == '8' else 'a'} {digit}"


def complain(message: object) -> None:
    """Say in one line what is wrong."""
    errors().print(f"[bold red]inkling:[/] {in_one_line(message)}", soft_wrap=True, highlight=False)


def report(message: object) -> None:
    """Say in one line what did not go as it should, although the work goes on."""
    errors().print(f"[yellow]{in_one_line(message)}[/]", soft_wrap=True, highlight=False)


def in_one_line(message: object) -> str:
    """The message in one line, safe from being read as markup."""
    return plain(" ".join(str(message).split()))


def plain(text: object) -> str:
    """What came from outside (a path, a recipe's title), safe from being read as markup."""
    from rich.markup import escape

    return escape(str(text))


def print_json(value: Any) -> None:
    """One JSON value on standard output, and nothing else; in ASCII, which arrives whole through any encoding."""
    from inkling.storage import finite

    print(json.dumps(finite(value), indent=2, allow_nan=False), flush=True)


def percent(fraction: float | None) -> str:
    """0.9812 → "98.12 %"."""
    return "–" if fraction is None else f"{fraction:.2%}".replace("%", " %")


class Loading:
    """A bar for each file that takes long to read or to fetch, where there is a screen.

    Called as `load_data` calls its `progress`. The bars appear with the first call, and leave when `stop` is
    called or the context ends, so that whatever is shown next has the screen to itself.
    """

    def __init__(self) -> None:
        self.out = errors()
        self.bars: Progress | None = None
        self.tasks: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int | None, note: str = "") -> None:
        """Move the bar of `what`, and put `note` behind it; `total` is None where nobody knows it."""
        if not self.out.is_terminal:
            return
        if self.bars is None:
            self.bars = self.begin()
        if what not in self.tasks:
            self.tasks[what] = self.bars.add_task(what, note="")
        self.bars.update(self.tasks[what], completed=done, total=total, note=note)

    def begin(self) -> Progress:
        """Put an empty list of bars on the screen."""
        from rich import progress

        bars = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=24),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(compact=True),
            progress.TextColumn("{task.fields[note]}", markup=False),
            console=self.out,
            transient=True,
        )
        bars.start()
        return bars

    def stop(self) -> None:
        """Take the bars from the screen."""
        if self.bars is not None:
            self.bars.stop()
            self.bars, self.tasks = None, {}

    def __enter__(self) -> Loading:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
