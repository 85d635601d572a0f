"""`inkling runs`: the run folders as a table; one of them looked at; several set side by side."""

from __future__ import annotations

import csv as csv_format
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import completion, options, prune
from inkling.cli.compare import fits
from inkling.cli.report import run_folder
from inkling.cli.terminal import percent, plain, print_json, results
from inkling.cli.where import HEADS, Place, Row, Where, chosen, folder_of_runs, in_order
from inkling.errors import InklingError

if TYPE_CHECKING:
    from rich.table import Table

    from inkling.training.runs import RunRow

app = typer.Typer(rich_markup_mode="rich")
app.command("prune")(prune.prune)

SPARE = ("when", "parameters", "data", "seed", "seconds", "epochs", "recipe")
"""What is left out where the screen is narrow, the first first."""


@app.callback(invoke_without_command=True)
def runs(
    context: typer.Context,
    where: Where = None,
    sort: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY",
            help="Sort by this; [bold]-KEY[/bold] turns it round. Can be repeated.",
            show_default="newest first",
        ),
    ] = None,
    place: Place = None,
    json: options.Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print a CSV table with all figures and settings.")] = False,
) -> None:
    """List run folders with their results, the newest first; those that are unfinished or damaged, too.

    A condition is KEY=VALUE (or !=, <, <=, >, >=). KEY is a figure of the table
    or of metrics.json, or a setting such as [bold]optimizer.learning_rate[/bold]; * stands
    for anything. Several conditions must all hold. The first line of [bold]--csv[/bold] names
    all keys.

    Examples:
      inkling runs --where 'recipe=conv-*' --sort test

      inkling runs --where 'validation>98%' --where optimizer=adam

      inkling runs --where 'when>=2026-01-31' --csv > runs.csv

    """
    if context.invoked_subcommand is not None:
        if where or sort or place or json or csv:
            raise InklingError(f"options of `inkling runs {context.invoked_subcommand}` stand behind its name")
        return
    from inkling.training.runs import COLUMNS, list_runs

    if json and csv:
        raise InklingError("--json and --csv: choose one")
    root = folder_of_runs(place)
    rows = [row.values() for row in list_runs(root)]
    found = in_order(chosen(rows, where or []), sort or [])
    if json:
        print_json([{**row, "when": row["when"].isoformat()} for row in found])
    elif csv:
        settings = dict.fromkeys(key for row in rows for key in row)
        writer = csv_format.DictWriter(sys.stdout, list(dict.fromkeys([*COLUMNS, *settings])), lineterminator="\n")
        writer.writeheader()
        writer.writerows({**row, "when": row["when"].isoformat()} for row in found)
    else:
        show_table(found, root, len(rows))


def show_table(rows: Sequence[Row], root: Path, among: int) -> None:
    """The table in as many columns as fit, and what is wrong with the runs that have no figures."""
    out = results()
    if rows:
        out.print(fitting(rows, out.width))
    for row in rows:
        if row["problem"]:
            out.print(f"[yellow]{plain(row['name'])}[/]: {plain(row['problem'])}", highlight=False, soft_wrap=True)
    count = f"{len(rows)} of {among} runs" if len(rows) != among else f"{among} {'run' if among == 1 else 'runs'}"
    out.print(f"{count} in {plain(root)}", highlight=False, soft_wrap=True)


def fitting(rows: Sequence[Row], width: int) -> Table:
    """The table of the runs, without as many columns as it takes to fit the width."""
    finished = all(row["state"] == "finished" for row in rows)
    columns = [key for key in HEADS if key != "state" or not finished]
    for spare in (None, *SPARE):
        columns = [key for key in columns if key != spare]
        table = table_of(rows, columns)
        if fits(table, width):
            break
    return table


def table_of(rows: Sequence[Row], columns: Sequence[str]) -> Table:
    """A row a run."""
    from rich.table import Table

    table = Table()
    for key in columns:
        words = key in ("name", "recipe", "data", "when", "state")
        table.add_column(HEADS[key], justify="left" if words else "right", overflow="fold", no_wrap=key != "name")
    for row in rows:
        style = "" if row["state"] == "finished" else "dim"
        table.add_row(*(plain(cell(key, row)) for key in columns), style=style)
    return table


def cell(key: str, row: Row) -> str:
    """A value as its column shows it."""
    value = row[key]
    if value is None:
        return "–"
    if key == "epochs":
        planned = row.get("training.epochs")
        return f"{value:,}" if row["state"] == "finished" else f"{value} of {planned}"
    if key.endswith("_accuracy"):
        return percent(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}" if key == "parameters" else str(value)


@app.command()
def show(
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN",
            help="A run folder, the name of one in runs/, or latest.",
            autocompletion=completion.run_names,
        ),
    ] = "latest",
    place: Place = None,
    json: options.Json = False,
) -> None:
    """Show one run: recipe, data, results, how it learned, and what lies in its folder."""
    from inkling.training.runs import read_run

    folder = find(run, place)
    row = read_run(folder)
    history = epochs_of(row)
    if json:
        values = row.values()
        print_json({**values, "when": values["when"].isoformat(), "history": history, "files": files_of(folder)})
        return
    from rich.table import Table

    out = results()
    figures = row.figures
    out.print(f"[bold]{plain(folder)}[/]  {row.state}", highlight=False, soft_wrap=True)
    lines = {"problem": row.problem, **described(row), "when": f"{row.when:%Y-%m-%d %H:%M} UTC"}
    if figures.get("epochs") is not None:
        lines["training"] = f"{cell('epochs', row.values())} epochs in {figures.get('seconds') or 0:,.1f} s"
    if curve := learned(history):
        lines["learned"] = curve
    lines["files"] = ", ".join(f"{name} {size(count)}" for name, count in files_of(folder).items())
    for head, line in lines.items():
        if line:
            out.print(f"[bold]{head:<10}[/] {plain(line)}", highlight=False, soft_wrap=True)
    table = Table()
    for column in ("split", "images", "accuracy", "loss"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for split in ("train", "validation", "test"):
        if (loss := figures.get(f"{split}_loss")) is not None:
            images = figures.get(f"{split}_images")
            count = "–" if images is None else f"{images:,}"
            table.add_row(split, count, percent(figures.get(f"{split}_accuracy")), f"{loss:.4f}")
    if table.row_count:
        out.print(table)
    done = (figures.get("epochs") or 0) >= row.settings.get("training.epochs", 0)
    if row.state in ("interrupted", "unfinished") and row.folder.checkpoint.is_file() and not done:
        out.print(f"to go on: [bold]inkling train --resume {plain(folder)}[/]", highlight=False, soft_wrap=True)


def described(row: RunRow) -> dict[str, str]:
    """The recipe in words, as `inkling recipes` describes it; what it holds of it where it is no recipe of today."""
    from inkling.cli.recipes import describe_network, describe_optimizer
    from inkling.recipes import load_recipe

    data, seed = row.figures.get("data") or row.settings.get("data.source"), row.figures.get("seed")
    try:
        recipe = load_recipe(row.folder.recipe)
    except InklingError:
        return {"recipe": row.figures.get("recipe") or "", "data": data or ""}
    title = f"{recipe.name}: {recipe.title}" if recipe.title else recipe.name
    words = {"recipe": title, "network": describe_network(recipe), "optimizer": describe_optimizer(recipe)}
    return {**words, "data": f"{data}", "seed": f"{seed}"}


def epochs_of(row: RunRow) -> list[dict[str, Any]]:
    """The history, as far as it can be read."""
    from inkling.training import History

    try:
        return History.read(row.folder.history).to_list()
    except InklingError:
        return []


def learned(history: Sequence[dict[str, Any]]) -> str:
    """The curve of validation (or training) accuracy in one line."""
    from inkling.training.progress import sparkline

    key = "validation_accuracy" if history and history[-1]["validation_accuracy"] is not None else "train_accuracy"
    curve = [epoch[key] for epoch in history if epoch[key] is not None]
    if not curve:
        return ""
    return f"{key.replace('_', ' ')} {percent(curve[0])} {sparkline(curve, 40)} {percent(curve[-1])}"


def files_of(folder: Path) -> dict[str, int]:
    """What lies in the folder, and how many bytes each; a folder in it as the sum of its files."""
    found = {}
    for path in sorted(folder.iterdir()):
        inside = [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]
        found[path.name + "/" * path.is_dir()] = sum(file.stat().st_size for file in inside)
    return found


def size(count: int) -> str:
    """12,345 → 12 kB."""
    return f"{count / 1e6:,.1f} MB" if count >= 1e6 else f"{count / 1e3:,.0f} kB" if count >= 1e3 else f"{count} bytes"


@app.command()
def compare(
    runs: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN",
            help="Run folders, or names of some in runs/.",
            autocompletion=completion.run_names,
        ),
    ],
    place: Place = None,
    json: options.Json = False,
) -> None:
    """Set finished runs side by side: results, and the settings that are not the same.

    [bold]inkling report RUN RUN[/bold] makes a page of it with curves; [bold]inkling compare[/bold]
    trains recipes anew.
    """
    from inkling.report import read_record
    from inkling.report.comparison import COLUMNS, differences, names_of, summary
    from inkling.report.comparison import results as result_table
    from inkling.storage import RUNS

    folders = {folder.resolve(): folder for folder in (find(run, place) for run in runs)}
    if len(folders) < 2:
        raise InklingError("it takes two runs to compare: name another")
    records = [read_record(folder) for folder in folders.values()]
    names = names_of(records)
    different = differences(names, records)["rows"]
    if json:
        measured = [
            {"name": name, "run": str(record.folder.path), **record.metrics}
            for name, record in zip(names, records, strict=True)
        ]
        settings = {key: values for key, *values in different}
        print_json({"summary": summary(names, records), "runs": measured, "differences": settings})
        return
    from rich.table import Table

    out = results()
    heads = [head for _, head, _ in COLUMNS]
    rows = result_table(names, records, RUNS / "comparison.html")["rows"]
    table = Table()
    for head in ("", *names):
        table.add_column(plain(head), justify="right" if head else "left", style="" if head else "bold")
    for place_in_row, head in enumerate(heads):
        cells = [row["cells"][place_in_row] for row in rows]
        table.add_row(head, *(f"[bold green]{plain(text)}[/]" if best else plain(text) for text, best in cells))
    if different:
        table.add_section()
        for setting in different:
            table.add_row(*map(plain, setting))
    out.print(table)
    out.print(plain(summary(names, records)), highlight=False, soft_wrap=True)


def find(run: str, place: Path | None) -> Path:
    """The folder that a user means: a path, the name of a run in the folder of runs, or the newest there.

    Raises InklingError if there is none. What lies in it is another question: a damaged run can be looked at, too.
    """
    from inkling.storage import latest_run

    root = folder_of_runs(place)
    if run == "latest":
        return latest_run(root)
    path = next((path for path in (Path(run), root / run) if completion.is_run(str(path))), None)
    return run_folder(run).path if path is None else path
