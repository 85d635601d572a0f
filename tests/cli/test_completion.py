"""What Tab proposes, asked as the shells ask."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_main import HEAVY, environment

from inkling import storage
from inkling.cli import completion
from inkling.recipes import recipe_names

RECIPES = sorted(recipe_names())
PROGRAM = "import sys; sys.argv[0] = 'inkling'; from inkling.cli import main; main()"


def proposed(words: str, shell: str = "bash") -> list[str]:
    """What the shell is told after these words; the last one is unfinished, or new where a space ends them."""
    asked = {"_INKLING_COMPLETE": f"complete_{shell}"}
    if shell == "bash":
        asked |= {"COMP_WORDS": f"inkling {words}", "COMP_CWORD": str(len(f"inkling {words}x".split()) - 1)}
    else:
        asked |= {"_TYPER_COMPLETE_ARGS": f"inkling {words}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, env=environment(**asked), text=True, timeout=60, check=False)
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def notebook() -> None:
    for name in ("20260101T100000-a", "20260102T100000-b", "no run", "sweep/one"):
        Path("runs", name).mkdir(parents=True)
    for name in ("20260101T100000-a", "20260102T100000-b", "sweep/one"):
        Path("runs", name, "recipe.toml").touch()
    Path("digits.safetensors").touch()


A, B, ONE = (os.path.join("runs", name) for name in ("20260101T100000-a", "20260102T100000-b", "sweep/one"))  # noqa: PTH118


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tr", ["train"]),
        ("train --res", ["--resume"]),
        ("train ", RECIPES),
        ("train dropout-l2-", [name for name in RECIPES if name.startswith("dropout-l2-")]),
        ("compare default f", [name for name in RECIPES if name.startswith("f")]),
        ("recipes conv", [name for name in RECIPES if name.startswith("conv")]),
        ("data show --recipe def", ["default"]),
        ("train mine", []),  # then the shell proposes files
        ("train --resume ", ["latest", B, A]),
        ("evaluate ", ["latest", B, A, "pretrained", "digits.safetensors"]),
        ("evaluate runs/20260101", [A]),
        ("evaluate runs/sweep/", [ONE]),
        ("submit d", ["digits.safetensors"]),
        ("predict 7.png --model p", ["pretrained"]),
        ("explain l", ["latest"]),
        ("export nowhere/", []),
        ("figures ", ["latest", B, A]),
        ("report latest runs/2026010", [B, A]),
        ("runs ", ["show", "compare", "prune"]),
        ("runs show 20260102", ["20260102T100000-b"]),
        ("runs compare latest ", ["latest", B, A]),
    ],
)
def test_bash_is_told(notebook: None, words: str, expected: list[str]) -> None:
    found = proposed(words)
    assert sorted(found) == sorted(expected) if words == "runs " else found == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_told_the_same(notebook: None, shell: str) -> None:
    told = " ".join(proposed("figures ", shell))
    for name in ("latest", A, B):
        assert name in told


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_can_be_taught(shell: str) -> None:
    asked = environment(_INKLING_COMPLETE=f"source_{shell}")
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, env=asked, text=True, check=True)
    assert "_INKLING_COMPLETE" in done.stdout


def test_it_loads_nothing_that_takes_time(notebook: None) -> None:
    code = f"""
import sys
sys.argv = ["inkling"]
from inkling.cli.app import app
try:
    app()
except SystemExit:
    pass
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    asked = environment(_INKLING_COMPLETE="complete_bash", COMP_WORDS="inkling evaluate ", COMP_CWORD="2")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=asked, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "pretrained" in done.stdout


def test_it_knows_where_runs_go() -> None:
    assert Path(completion.RUNS) == storage.RUNS
