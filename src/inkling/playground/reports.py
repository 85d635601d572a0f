"""The report of a training in the playground: the same page that every run leaves, written by a job (jobs.py)."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from inkling.data import Digits
from inkling.playground import store
from inkling.recipes import load_recipe
from inkling.recipes.metrics import measure
from inkling.storage import RunFolder, load_model, write_json
from inkling.training import History, Trainer, evaluate

SPLITS = ("train", "validation", "test")


def write_report(folder: Path, data: Path) -> Path:
    """Complete the run folder that a session has begun (`Desk.do_writerun`), and write its report.html."""
    from inkling.report import write_report as write

    run = RunFolder(folder)
    known: dict[str, Any] = json.loads((folder / "known.json").read_text(encoding="utf-8"))
    recipe = load_recipe(run.recipe)
    kept = store.open_kept(Path(known["data"]) if known["data"] else data)
    train = kept.train.take(slice(recipe.data.max_train_samples))
    digits = Digits(train, kept.validation, kept.test, kept.source, kept.note)
    network = load_model(run.model)
    parts = {name: getattr(digits, name) for name in SPLITS}
    evaluations = {name: evaluate(network, split) for name, split in parts.items() if split is not None}
    history = History.read(run.history)
    plan = SimpleNamespace(**known.pop("plan"))
    told = SimpleNamespace(network=network, history=history, outcome="stopped", plan=plan, **known)
    write_json(run.metrics, measure(recipe, digits, cast(Trainer, told), evaluations))
    judged = evaluations.get("test") or evaluations.get("validation") or evaluations["train"]
    return write(run, digits, network=network, evaluation=judged)
