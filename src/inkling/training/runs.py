"""Run folders seen from outside: each as one row of figures, whatever state it is in.

A folder full of runs is a laboratory notebook; `load_runs` opens it as a table. What is written while training lies
in recipe.toml, metrics.json and history.csv; nothing here loads a network or needs the images.
"""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inkling.errors import InklingError
from inkling.storage import RUNS, RunFolder
from inkling.training.history import History

if TYPE_CHECKING:
    import pandas as pd

MEASURED = ("recipe", "dataset", "parameters", "epochs", "seed", "seconds", "test_accuracy", "test_loss")
"""What metrics.json must hold to describe a run."""
COUNTS = ("train_images", "validation_images", "test_images", "parameters", "epochs", "seed", "threads")
FIGURES = (
    *("seconds", "wall_seconds", "samples_per_second", "peak_memory_mb"),
    *("train_accuracy", "train_loss", "validation_accuracy", "validation_loss", "test_accuracy", "test_loss"),
    *("first_epoch_validation_accuracy", "first_epoch_validation_loss"),
)
WORDS = ("run", "name", "state", "problem", "when", "recipe", "data")
COLUMNS = (*WORDS, *COUNTS, *FIGURES)
"""What every row has; behind them stand the recipe's settings as section.key."""
DEPTH = 3
"""Folders of runs may hold folders of runs, as `inkling compare --out` leaves them, so many deep."""
STAMP = re.compile(r"\d{8}T\d{6}")


@dataclass(frozen=True)
class RunRow:
    """What can be known of a run without its network and its images.

    `state` is "finished", "interrupted" (Ctrl-C: it has figures, and can go on), "unfinished" (it is training now, or
    its process died) or "damaged", and `problem` says what is wrong. `when` is when it began, in UTC, if its folder's
    name tells; else when it last wrote. Figures that are not known are None; an unfinished run's are its last epoch's.
    """

    folder: RunFolder
    name: str
    """The folder's path below the folder of runs."""
    state: str
    problem: str
    when: datetime
    figures: dict[str, Any] = field(default_factory=dict)
    """By the names of `COLUMNS`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """The recipe's, by section.key; a list is text."""

    def values(self) -> dict[str, Any]:
        """All of it as one flat row: `COLUMNS`, then the settings."""
        words = {"run": str(self.folder.path), "name": self.name, "state": self.state, "problem": self.problem or None}
        known = {**words, "when": self.when, **self.figures}
        return {column: known.get(column) for column in COLUMNS} | self.settings


def load_runs(runs: Path | str = RUNS) -> pd.DataFrame:
    """A pandas table of all runs below a folder, a row a run, the newest first.

    Its columns are `COLUMNS`, then every setting of the recipes as "section.key" (a list as text: "256,128"); `when` is
    a UTC time. A run that is unfinished or damaged has a row as well: look at `state` and `problem`.
    Raises InklingError if there is no such folder; one without runs gives a table without rows.
    """
    import pandas as pd

    rows = [row.values() for row in list_runs(runs)]
    settings = list(dict.fromkeys(key for row in rows for key in row if key not in COLUMNS))
    table = pd.DataFrame(rows, columns=[*COLUMNS, *settings])
    types = dict.fromkeys(COUNTS, "Int64") | dict.fromkeys(FIGURES, "float64")
    return table.astype({**types, "when": "datetime64[ns, UTC]"})


def list_runs(runs: Path | str = RUNS) -> list[RunRow]:
    """All runs below a folder, the newest first. Raises InklingError if there is no such folder."""
    root = Path(runs)
    if not root.is_dir():
        advice = ": train one with `inkling train`" if root == RUNS else ""
        raise InklingError(f"there is no folder {root} of runs{advice}")
    rows = [read_run(path, root) for path in run_folders(root)]
    return sorted(rows, key=lambda row: (row.when, row.name), reverse=True)


def run_folders(root: Path, depth: int = DEPTH) -> Iterator[Path]:
    """The run folders below `root`: those in it, and in folders that are none themselves. `root` may be one itself."""
    folder = RunFolder(root)
    try:
        if any(file.is_file() for file in (folder.recipe, folder.metrics, folder.checkpoint, folder.model)):
            yield root
        elif depth > 0:
            for path in sorted(root.iterdir()):
                if path.is_dir() and not path.name.startswith("."):
                    yield from run_folders(path, depth - 1)
    except PermissionError:
        return


def read_run(path: Path, root: Path | None = None) -> RunRow:
    """One run folder as a row. Never raises: what cannot be read makes a run that is damaged."""
    folder = RunFolder(path)
    name = path.name if root is None or path == root else str(path.relative_to(root))
    state, problem, figures, settings = "unfinished", "", {}, {}
    try:
        recipe = read_recipe(folder.recipe)
        settings = {key: plain(value) for key, value in flattened(recipe).items() if "." in key}
        figures = begun(recipe)
        if folder.metrics.is_file():
            metrics = read_metrics(folder.metrics)
            figures |= measured(metrics, folder.metrics)
            state = "interrupted" if metrics.get("outcome") == "interrupted" else "finished"
            if not folder.model.is_file():
                raise InklingError(f"{folder.model} is missing")
        else:
            figures |= so_far(folder.history)
    except InklingError as error:
        state, problem = "damaged", str(error)
    return RunRow(folder, name, state, problem, began(folder), figures, settings)


def began(folder: RunFolder) -> datetime:
    """When the run began, by its folder's name; else when its metrics, recipe or folder were written."""
    if stamp := STAMP.match(folder.path.name):
        try:
            return datetime.strptime(stamp[0], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
        except ValueError:  # it only looks like a time
            pass
    for path in (folder.metrics, folder.recipe, folder.path):
        try:
            return datetime.fromtimestamp(int(path.stat().st_mtime), UTC)
        except (OSError, ValueError, OverflowError):
            continue
    return datetime.fromtimestamp(0, UTC)


def begun(recipe: dict[str, Any]) -> dict[str, Any]:
    """What the recipe alone tells of a run."""
    training = recipe.get("training")
    seed = training.get("seed") if isinstance(training, dict) else None
    return {"recipe": text(recipe.get("name")), "seed": seed if type(seed) is int else None}


def so_far(history: Path) -> dict[str, Any]:
    """What the history tells of a training that is not over."""
    try:
        epochs = History.read(history).epochs
    except InklingError:  # none has been written yet, or a row is being written
        return {}
    if not epochs:
        return {"epochs": 0}
    last = epochs[-1]
    figures = {"seconds": sum(epoch.seconds for epoch in epochs), "validation_accuracy": last.validation_accuracy}
    return {"epochs": len(epochs), "validation_loss": last.validation_loss, **figures}


def measured(metrics: dict[str, Any], path: Path) -> dict[str, Any]:
    """What metrics.json tells. Raises InklingError for a figure that is none."""
    dataset = metrics["dataset"]
    counts = {f"{split}_images": dataset.get(split) for split in ("train", "validation", "test")}
    figures = {name: metrics.get(name) for name in (*COUNTS, *FIGURES)} | counts
    for name, value in figures.items():
        whole = name in COUNTS
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or abs(value) > 2**62:
            raise InklingError(f"{path} is damaged: {name} is {str(value)[:30]!r}")
        if not whole and not math.isfinite(value):
            raise InklingError(f"{path} is damaged: {name} is {value}")
    return {"recipe": text(metrics["recipe"]), "data": text(dataset.get("source")), **figures}


def text(value: Any) -> str | None:
    """The value, if it is text."""
    return value if isinstance(value, str) else None


def plain(value: Any) -> Any:
    """A setting as a cell of a table: a list as text, one of tables as JSON; all else as it is."""
    if isinstance(value, list) and not any(isinstance(item, (list, dict)) for item in value):
        return ",".join(map(str, value))
    return json.dumps(value, default=str) if isinstance(value, (list, dict)) else value


def flattened(recipe: dict[str, Any]) -> dict[str, Any]:
    """{"training": {"epochs": 5}} → {"training.epochs": 5}."""
    flat: dict[str, Any] = {}
    for key, value in recipe.items():
        flat |= {f"{key}.{name}": inner for name, inner in value.items()} if isinstance(value, dict) else {key: value}
    return flat


def read_recipe(path: Path) -> dict[str, Any]:
    """The values in a recipe.toml. Raises InklingError if it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InklingError(f"cannot read {path}: {error.strerror or error}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InklingError(f"{path} is not TOML: {error}") from None


def read_metrics(path: Path) -> dict[str, Any]:
    """The values in a metrics.json. Raises InklingError if there is none, or it is something else."""
    if not path.is_file():
        raise InklingError(f"{path.parent} holds no metrics.json: its training is not over, so there is no report yet")
    try:
        metrics = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InklingError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise InklingError(f"{path} is damaged: {error}") from None
    if not isinstance(metrics, dict) or not isinstance(metrics.get("dataset"), dict):
        raise InklingError(f"{path} does not describe a run")
    if lacking := [name for name in MEASURED if name not in metrics]:
        raise InklingError(f"{path} lacks {', '.join(lacking)}")
    return metrics
