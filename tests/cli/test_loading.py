from __future__ import annotations

import io

import pytest
from rich.console import Console

from inkling.cli import terminal
from inkling.cli.terminal import Loading


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What standard error shows, if it is a terminal."""
    text = io.StringIO()
    monkeypatch.setattr(terminal, "errors", lambda: Console(file=text, force_terminal=True, width=80))
    return text


def test_nothing_appears_until_something_takes_long(screen: io.StringIO) -> None:
    with Loading() as progress:
        progress.stop()
    assert screen.getvalue() == ""


def test_files_are_named_as_they_are_and_the_bars_leave(screen: io.StringIO) -> None:
    with Loading() as progress:
        progress("[/red]train.csv", 25, 100)
        progress("[/red]train.csv", 50, 100)
        progress("of unknown length", 1, None)
        progress.stop()
        shown = screen.getvalue()
        assert "[/red]train.csv" in shown
        assert "50%" in shown
        assert "of unknown length" in shown
        assert shown.endswith("\x1b[2K")  # the last line is wiped
        progress("the next", 1, 2)
        assert progress.bars is not None
    assert progress.bars is None


def test_where_there_is_no_screen_nothing_is_drawn(capsys: pytest.CaptureFixture[str]) -> None:
    with Loading() as progress:
        progress("train.csv", 25, 100)
    assert capsys.readouterr() == ("", "")
