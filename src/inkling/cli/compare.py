"""`inkling compare`: several recipes, several seeds, one table."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import options
from inkling.cli.terminal import errors, loading, print_json, results

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from inkling.recipes import Recipe

FIGURES = {
    "train_accuracy": "train acc.",
    "train_loss": "train loss",
    "validation_accuracy": "valid. acc.",
    "validation_loss": "valid. loss",
    "test_accuracy": "test acc.",
    "test_loss": "test loss",
    "first_epoch_validation_accuracy": "epoch 1 valid.",
    "seconds": "seconds",
}
"""What is compared: the key in metrics.json, and the column's head."""


def compare(
    recipes: Annotated[list[str], typer.Argument(metavar="RECIPE…", help="Names of recipes, or .toml files.")],
    seeds: Annotated[int, typer.Option(help="Train each with so many seeds: 0, 1, 2 …", min=1)] = 1,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    data: options.Data = None,
    settings: options.Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="A folder for the runs and compare.json.", show_default="runs/")
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Train several recipes and set the results side by side: mean ± standard deviation over the seeds.

    Every training leaves its run folder, as with [bold]inkling train[/bold].

    Examples:
      inkling compare dropout-l2-sgd dropout-l2-momentum dropout-l2-adam --seeds 3

      inkling compare default full-batch --data digits

    """
    from inkling.recipes import load_recipe
    from inkling.storage import write_json

    given = options.changes(settings=settings, data=data, batch_size=batch_size, epochs=epochs)
    chosen = [
        load_recipe(name, {**given, "training.seed": seed}) for name in dict.fromkeys(recipes) for seed in range(seeds)
    ]
    news = results(aside=json)
    news.quiet = quiet
    rows: list[dict[str, Any]] = []
    interrupted = False
    for number, recipe in enumerate(chosen, 1):
        news.print(f"[bold]{recipe.name}[/], seed {recipe.training.seed} ({number} of {len(chosen)})", highlight=False)
        rows.append(train_one(recipe, out, news))
        news.print(row_line(rows[-1]), highlight=False, soft_wrap=True)
        if out is not None:
            write_json(out / "compare.json", rows)
        if interrupted := rows[-1]["outcome"] == "interrupted":
            break
    if json:
        print_json(rows)
    else:
        results().print(table(rows))
    if interrupted:
        raise typer.Exit(130)


def train_one(recipe: Recipe, out: Path | None, news: Console) -> dict[str, Any]:
    """Train by one recipe and return its metrics, with the run folder's path."""
    from inkling.recipes import run_recipe
    from inkling.training import Progress

    folder = None if out is None else out / f"{recipe.name}-seed{recipe.training.seed}"
    # Where there is a screen the bar tells enough; the lines of all epochs of all runs would bury the table.
    callbacks = [Progress(max(recipe.training.epochs, 1), console=news)] if news.is_terminal and not news.quiet else []
    with loading(errors()) as progress:
        run = run_recipe(recipe, out=folder, callbacks=callbacks, progress=progress)
    return {**run.metrics, "run": str(run.folder.path)}


def row_line(metrics: dict[str, Any]) -> str:
    """One run in one line."""
    parts = [f"{head} {figure(key, metrics[key])}" for key, head in FIGURES.items() if metrics[key] is not None]
    return "  " + ", ".join(parts)


def figure(key: str, value: float) -> str:
    """A figure as its column shows it."""
    if key == "seconds":
        return f"{value:.1f}"
    return f"{value:.2%}" if "accuracy" in key else f"{value:.4f}"


def spread(key: str, values: list[float | None]) -> str:
    """Mean ± standard deviation (of a sample) of the values that exist."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    mean = figure(key, statistics.fmean(known))
    if len(known) == 1:
        return mean
    deviation = statistics.stdev(known)
    shown = figure(key, deviation)
    return f"{mean.removesuffix('%')} ± {shown}"


def table(rows: list[dict[str, Any]]) -> Table:
    """A row for each recipe."""
    from rich.table import Table

    made = Table(title="mean ± standard deviation over the seeds", title_justify="left")
    made.add_column("recipe", style="bold")
    made.add_column("seeds", justify="right")
    for head in FIGURES.values():
        made.add_column(head, justify="right")
    for name in dict.fromkeys(row["recipe"] for row in rows):
        same = [row for row in rows if row["recipe"] == name]
        cells = [spread(key, [row[key] for row in same]) for key in FIGURES]
        made.add_row(name, str(len(same)), *cells)
    return made
