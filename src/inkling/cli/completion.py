"""What the shell proposes when Tab is pressed after a command: names of recipes, run folders, models.

The shell asks at every press of the key, by starting the program anew, so nothing is imported here that takes time:
names of files tell enough. Where nothing is proposed the shell goes on to propose files of its own.
"""

from __future__ import annotations

import os
from pathlib import Path

import inkling

RUNS = "runs"
"""As `inkling.storage.RUNS`."""
AT_MOST = 200
"""Nobody reads a longer list."""
MARKS = ("recipe.toml", "metrics.json", "model.safetensors", "checkpoint.safetensors")


def recipe_names(incomplete: str) -> list[str]:
    """The recipes that come with Inkling."""
    names = sorted(path.stem for path in (Path(inkling.__file__).parent / "recipes").glob("*.toml"))
    return [name for name in names if name.startswith(incomplete)]


def run_folders(incomplete: str) -> list[str]:
    """latest, and the run folders where runs go or below what has been typed, the newest first."""
    found = ["latest"] if "latest".startswith(incomplete) else []
    typed = os.path.dirname(incomplete)  # noqa: PTH120 (Path would forget how it was typed)
    try:
        inside = sorted(os.scandir(typed or RUNS), key=lambda entry: entry.name, reverse=True)
    except OSError:
        return found
    paths = [os.path.join(typed or RUNS, entry.name) for entry in inside if entry.is_dir()]  # noqa: PTH118
    paths = [path for path in paths if path.startswith(incomplete)]
    return found + [path for path in paths if is_run(path)][:AT_MOST]


def run_names(incomplete: str) -> list[str]:
    """As `run_folders`, and below the folder of runs by their names alone."""
    prefix = f"{RUNS}{os.sep}"
    names = [path.removeprefix(prefix) for path in run_folders(prefix + incomplete)] if incomplete else []
    return run_folders(incomplete) + [name for name in names if name != "latest"]


def models(incomplete: str) -> list[str]:
    """Runs, the network that comes along, and model files that lie here."""
    known = ["pretrained"] if "pretrained".startswith(incomplete) else []
    files = sorted(path.name for path in Path().glob("*.safetensors") if path.name.startswith(incomplete))
    return run_folders(incomplete) + known + files


def is_run(path: str) -> bool:
    """Whether the folder holds what a training leaves."""
    return any(os.path.isfile(os.path.join(path, mark)) for mark in MARKS)  # noqa: PTH113, PTH118
