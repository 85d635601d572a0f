"""Several runs on one page: results side by side, curves over one another, and what their recipes differ in."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from inkling.report import words
from inkling.report.page import charts, count_table, epoch_table
from inkling.report.record import Record
from inkling.training.runs import flattened

COLUMNS = (
    ("accuracy", "accuracy (95 % interval)", max),
    ("loss", "loss", min),
    ("train_accuracy", "training accuracy", None),
    ("validation_accuracy", "validation accuracy", max),
    ("epochs", "epochs", None),
    ("seconds", "training time", min),
    ("samples_per_second", "images a second", max),
    ("parameters", "parameters", min),
)
"""What is compared: key, the column's head, and which end is the better one, if either is."""
NO_SETTINGS = ("name", "title", "expect", "claim", "figures", "report")
"""What a recipe says that does not change the training."""


def compare(records: Sequence[Record], out: Path) -> dict[str, Any]:
    """Everything that the comparison page says. Links lead from `out` to each run's own report."""
    names = names_of(records)
    named = list(zip(names, records, strict=True))
    confusions, shown = [], []
    for name, record in named:
        if record.evaluation is not None:
            shown.append({"name": name, **count_table(record.evaluation)})
            confusions.append({"counts": record.evaluation.confusion.tolist(), "label": f"Confusion matrix of {name}"})
    contents = [("results", "Results"), ("learning", "How they learned"), ("differences", "What was different")]
    contents += [("confusion", "What they confuse")] if shown else []
    lacking = [f"{name} ({record.missing})" for name, record in named if record.missing]
    return {
        "title": f"{len(records)} runs side by side",
        "summary": summary(names, records),
        "results": results(names, records, out),
        "epochs": [{"name": name, **epoch_table(record.history)} for name, record in named],
        "differences": differences(names, records),
        "confusions": shown,
        "missing": f"No confusion matrix for {'; '.join(lacking)}." if lacking else "",
        "runs": [
            {
                "name": name,
                "verdict": words.verdict(record),
                "recipe": words.recipe_in_words(record),
                "command": words.command(record),
            }
            for name, record in named
        ],
        "contents": [*contents, ("runs", "The runs")],
        "data": {"charts": charts({name: record.history for name, record in named}), "confusions": confusions},
    }


def names_of(records: Sequence[Record]) -> list[str]:
    """A name for each run: its recipe's, with the seed or the folder where that alone would be ambiguous."""
    recipes = [str(record.metrics["recipe"]) for record in records]
    with_seeds = [f"{recipe}, seed {record.metrics['seed']}" for recipe, record in zip(recipes, records, strict=True)]
    folders = [record.folder.path.name for record in records]
    paths = [str(record.folder.path) for record in records]
    return next((names for names in (recipes, with_seeds, folders) if len(set(names)) == len(names)), paths)


def summary(names: Sequence[str], records: Sequence[Record]) -> str:
    """Which run is ahead, and whether that may be chance."""
    measured = [(name, record) for name, record in zip(names, records, strict=True) if record.accuracy is not None]
    if len({record.judged_on for _, record in measured}) > 1:
        return "The runs were judged on different kinds of images, so their accuracies say little about each other."
    if len({record.metrics["dataset"].get("source") for _, record in measured}) > 1:
        return "The runs were trained and judged on different data, so their accuracies say little about each other."
    ranked = sorted(measured, key=lambda item: -(item[1].accuracy or 0))
    (first, best), (second, next_best) = ranked[0], ranked[1]
    low, _ = words.wilson(best.right, best.count)
    _, high = words.wilson(next_best.right, next_best.count)
    chance = "a difference that may well be chance" if low <= high else "more than chance would explain"
    return (
        f"{first} reads most {best.judged_on} images rightly, {words.percent(best.accuracy)}; {second} follows with "
        f"{words.percent(next_best.accuracy)}, {chance}."
    )


def results(names: Sequence[str], records: Sequence[Record], out: Path) -> dict[str, Any]:
    """The table of results: each cell as text and whether it is its column's best."""
    values = [{**record.metrics, "accuracy": record.accuracy, "loss": record.loss} for record in records]
    best: dict[str, float] = {}
    for key, _, better in COLUMNS:
        known = [row[key] for row in values if row.get(key) is not None]
        if better is not None and len(set(known)) > 1:
            best[key] = better(known)
    rows = []
    for name, record, row in zip(names, records, values, strict=True):
        cells = [(cell(key, row.get(key), record), key in best and row.get(key) == best[key]) for key, *_ in COLUMNS]
        report = record.folder.report
        link = quote(Path(os.path.relpath(report, out.parent)).as_posix()) if report.is_file() else ""
        rows.append({"name": name, "cells": cells, "link": link})
    return {"head": ["run", *(head for _, head, _ in COLUMNS)], "rows": rows}


def cell(key: str, value: float | None, record: Record) -> str:
    """A result as its column shows it."""
    if value is None:
        return "–"
    if key == "accuracy":
        low, high = words.wilson(record.right, record.count)
        return f"{words.percent(value)} ({100 * low:.2f} – {100 * high:.2f})"
    if "accuracy" in key:
        return words.percent(value)
    if key == "seconds":
        return words.duration(value)
    return words.number(value) if key == "loss" else f"{value:,.0f}"


def differences(names: Sequence[str], records: Sequence[Record]) -> dict[str, Any]:
    """The settings that are not the same in all recipes."""
    flat = [flattened(record.recipe) for record in records]
    keys = list(dict.fromkeys(key for each in flat for key in each))
    rows = []
    for key in keys:
        values = [as_text(each.get(key)) for each in flat]
        if len(set(values)) > 1 and key.partition(".")[0] not in NO_SETTINGS:
            rows.append([key, *values])
    return {"head": ["setting", *names], "rows": rows}


def as_text(value: Any) -> str:
    """A setting's value as a reader expects it."""
    if isinstance(value, list):
        layers = any(isinstance(each, dict) for each in value)
        return ("; " if layers else ", ").join(map(as_text, value)) or "none"
    if isinstance(value, dict):
        return layer_in_words(value)
    return "–" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def layer_in_words(layer: dict[str, Any]) -> str:
    """A layer of a recipe, "8 of 5×5, pool 2": what it is, and what of it is not as usual."""
    usual: dict[str, Any] = {}
    what = str(layer.get("units"))
    if "channels" in layer:
        usual = {"stride": 1, "padding": "valid", "pool": 0, "dropout": 0.0}
        kernel = layer.get("kernel", 3)
        what = f"{layer['channels']} of {kernel}×{kernel}"
    rest = {name: value for name, value in layer.items() if name not in ("channels", "kernel", "units")}
    return ", ".join([what, *(f"{name} {as_text(value)}" for name, value in rest.items() if value != usual.get(name))])
