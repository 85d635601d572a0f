from __future__ import annotations

import pytest
from stripes import Inkling

COMMANDS = [
    *("train", "evaluate", "predict", "submit", "compare", "recipes", "explain", "figures", "report", "export", "runs"),
    *("data", "exercise"),
]


def test_every_command_is_listed(inkling: Inkling) -> None:
    text = inkling("--help").out
    for command in COMMANDS:
        assert f"│ {command} " in text


@pytest.mark.parametrize(
    "command",
    [
        *("", *COMMANDS, "runs show", "runs compare", "runs prune"),
        *("data fetch", "data verify", "data show", "data clear"),
        *("exercise list", "exercise show", "exercise start", "exercise check", "exercise answer"),
    ],
)
def test_it_fits_an_old_terminal(inkling: Inkling, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    answer = inkling(*command.split(), "--help")
    assert (answer.status, answer.err) == (0, "")
    assert max(map(len, answer.out.splitlines())) <= 80
    assert answer.out == inkling(*command.split(), "-h").out


@pytest.mark.parametrize("command", COMMANDS)
def test_no_paragraph_breaks_off_in_the_middle_of_a_line(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = inkling(command, "--help").out.partition("╭")[0]
    for line, following in zip(text.splitlines(), text.splitlines()[1:], strict=False):
        if line.strip() and following.strip() and not following.startswith("   "):
            assert len(line.rstrip()) + len(following.split()[0]) >= 66, line
