"""`inkling compare`: several recipes, several seeds, one table."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import completion, options
from inkling.cli.terminal import Loading, percent, plain, print_json, report, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from inkling.data import Digits
    from inkling.recipes import Recipe


def compare(
    recipes: Annotated[
        list[str],
        typer.Argument(
            metavar="RECIPE", help="Names of recipes, or .toml files.", autocompletion=completion.recipe_names
        ),
    ],
    seeds: Annotated[int, typer.Option(help="Train each with so many seeds: 0, 1, 2 …", min=1)] = 1,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    data: options.Data = None,
    settings: options.Settings = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Let the networks of each recipe also read together: one for each seed.")
    ] = False,
    shifts: Annotated[
        int, typer.Option(min=0, max=8, help="With --ensemble: read each image also moved by up to so many pixels.")
    ] = 0,
    out: Annotated[
        Path | None,
        typer.Option(help="A folder for the runs, compare.json and comparison.png.", show_default="runs/"),
    ] = None,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Train several recipes and set the results side by side: mean ± standard deviation over the seeds.

    Every training leaves its run folder, as with [bold]inkling train[/bold].

    Examples:
      inkling compare dropout-l2-sgd dropout-l2-adam --seeds 3

      inkling compare default full-batch --data digits

      inkling compare conv-best --seeds 3 --ensemble --shifts 1

    """
    from inkling.storage import write_json

    given = options.changes(settings=settings, data=data, batch_size=batch_size, epochs=epochs)
    if "training.seed" in given:
        raise InklingError("--set training.seed: compare trains with the seeds 0, 1, 2 …; say how many with --seeds")
    if ensemble and seeds == 1:
        raise InklingError("--ensemble: one network has nobody to read with; say how many there are with --seeds")
    if shifts and not ensemble:
        raise InklingError(
            "--shifts goes with --ensemble; inkling evaluate RUN --shifts moves the images for one network"
        )
    runs = [(recipe, None if out is None else out / folder_name(recipe)) for recipe in choose(recipes, seeds, given)]
    for _, folder in runs:
        if folder is not None and folder.exists():
            raise InklingError(f"{folder} exists already: name another folder with --out")
    news = results(aside=json)
    news.quiet = quiet
    rows: list[dict[str, Any]] = []
    for number, (recipe, folder) in enumerate(runs, 1):
        heading = f"[bold]{plain(recipe.name)}[/], seed {recipe.training.seed} ({number} of {len(runs)})"
        news.print(heading, highlight=False, soft_wrap=True)
        rows.append(train_one(recipe, folder, news, say_data=number == 1))
        news.print(row_line(rows[-1]), highlight=False, soft_wrap=True)
        if out is not None:
            write_json(out / "compare.json", rows)
        if rows[-1]["outcome"] == "interrupted":
            break
    if out is not None:
        draw(rows, out)
    whole = rows[-1]["outcome"] != "interrupted"
    teams = read_together(rows, shifts) if ensemble and whole else []
    if json:
        print_json({"runs": rows, "ensembles": teams} if ensemble else rows)
    else:
        console = results()
        for table in tables(rows, console.width):
            console.print(table)
        for team in teams:
            console.print(team_line(team), highlight=False, soft_wrap=True)
    if not whole:
        report(f"interrupted: the last of {len(rows)} trainings is not complete, {len(runs) - len(rows)} are missing")
        raise typer.Exit(130)


def choose(names: list[str], seeds: int, given: dict[str, Any]) -> list[Recipe]:
    """The recipes, each with every seed. Different ones that share a name are called what the user calls them."""
    from inkling.recipes import load_recipe

    loaded = {name: load_recipe(name, given) for name in dict.fromkeys(names)}
    own_names = [recipe.name for recipe in loaded.values()]
    for name, recipe in loaded.items():
        if own_names.count(recipe.name) > 1:
            loaded[name] = load_recipe(name, {**given, "name": name})
    return [
        recipe.model_copy(update={"training": recipe.training.model_copy(update={"seed": seed})})
        for recipe in loaded.values()
        for seed in range(seeds)
    ]


def folder_name(recipe: Recipe) -> str:
    """The run's folder below --out: what a recipe is called may be a path."""
    tidy = re.sub(r"[^A-Za-z0-9._-]+", "-", recipe.name).strip("-.") or "recipe"
    return f"{tidy}-seed{recipe.training.seed}"


def train_one(recipe: Recipe, folder: Path | None, news: Console, *, say_data: bool) -> dict[str, Any]:
    """Train by one recipe and return its metrics, with the run folder's path."""
    from inkling.recipes import run_recipe
    from inkling.training import Progress

    # Where there is a screen the bar tells enough; the lines of all epochs of all runs would bury the table.
    callbacks = (
        [Progress(max(recipe.training.epochs, 1), console=news, table=False)]
        if news.is_terminal and not news.quiet
        else []
    )
    with Loading() as progress:

        def on_data(digits: Digits) -> None:
            progress.stop()
            if say_data:
                news.print(f"  {plain(digits.note)}", highlight=False, soft_wrap=True)

        complaints: Callable[[str], None] | None = report if say_data else None
        run = run_recipe(recipe, out=folder, callbacks=callbacks, on_data=on_data, progress=progress, report=complaints)
    return {**run.metrics, "run": str(run.folder.path)}


def read_together(rows: list[dict[str, Any]], shifts: int) -> list[dict[str, Any]]:
    """What the networks of each recipe read together: a row a recipe.

    Where every seed holds out other images, one network has learned what another one is measured on: then it is not
    said how well they read these.
    """
    from inkling.cli.evaluate import find_digits
    from inkling.recipes import build_plan, load_recipe
    from inkling.storage import RunFolder, load_model
    from inkling.training import Ensemble, evaluate

    teams = []
    for name in dict.fromkeys(row["recipe"] for row in rows):
        members = [row["run"] for row in rows if row["recipe"] == name]
        recipes = [load_recipe(RunFolder(run).recipe) for run in members]
        digits = find_digits(members[0], None)
        plans = [build_plan(recipe.data, recipe.training.seed) for recipe in recipes]
        alike = all(plan.seed == plans[0].seed for plan in plans)
        parts = {
            "validation": digits.validation if alike or (plans[0].method == "last" and not plans[0].test) else None,
            "test": digits.test if alike or not plans[0].test else None,
        }
        reader = Ensemble([load_model(run) for run in members], shifts)
        team: dict[str, Any] = {"recipe": name, "runs": members, "shifts": shifts}
        team["seconds"] = sum(row["seconds"] for row in rows if row["recipe"] == name)
        with Loading() as progress:
            for part, split in parts.items():
                found = (
                    evaluate(reader, split, progress=lambda done, of: progress("reading", done, of)) if split else None
                )
                team |= {f"{part}_accuracy": found and found.accuracy, f"{part}_loss": found and found.loss}
        teams.append(team)
    return teams


def team_line(team: dict[str, Any]) -> str:
    """What several networks read together, in one line."""
    parts = [(part, team[f"{part}_accuracy"]) for part in ("validation", "test")]
    known = ", ".join(f"{part} {percent(accuracy)}" for part, accuracy in parts if accuracy is not None)
    times = f", each image moved {(2 * team['shifts'] + 1) ** 2} ways" if team["shifts"] else ""
    known = known or "no images that none of them has learned"
    return f"[bold]{plain(team['recipe'])}[/], {len(team['runs'])} networks together{times}: {known}"


def draw(rows: list[dict[str, Any]], out: Path) -> None:
    """The table and the curves as a picture."""
    from inkling.figures import comparison
    from inkling.storage import RunFolder, write_atomically
    from inkling.training import History

    histories: dict[str, list[History]] = {}
    for row in rows:
        histories.setdefault(row["recipe"], []).append(History.read(RunFolder(row["run"]).history))
    picture = comparison(rows, histories)
    write_atomically(out / "comparison.png", lambda beside: picture.savefig(beside, format="png"))


def row_line(metrics: dict[str, Any]) -> str:
    """One run in one line."""
    accuracies = {name: metrics[f"{name}_accuracy"] for name in ("train", "validation", "test")}
    parts = [f"{name} {percent(accuracy)}" for name, accuracy in accuracies.items() if accuracy is not None]
    return f"  {', '.join(parts)}, {metrics['seconds']:.1f} s"


def tables(rows: list[dict[str, Any]], width: int) -> list[Table]:
    """A row for each recipe where that fits the width; else a column for each, in as many tables as it takes."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        by_name.setdefault(row["recipe"], []).append(row)
    if fits(table := a_row_each(by_name), width):
        return [table]
    chunks: list[dict[str, list[dict[str, Any]]]] = []
    for name, same in by_name.items():
        if chunks and fits(a_column_each({**chunks[-1], name: same}), width):
            chunks[-1][name] = same
        else:
            chunks.append({name: same})
    return [a_column_each(chunk) for chunk in chunks]


def fits(table: Table, width: int) -> bool:
    """Whether a table needs no more letters side by side than that, with no word of it broken."""
    from rich.console import Console
    from rich.measure import Measurement

    endless = Console(width=10_000)
    return Measurement.get(endless, endless.options, table).maximum <= width


TITLE = "mean ± standard deviation over the seeds"


def a_row_each(by_name: dict[str, list[dict[str, Any]]]) -> Table:
    """A row for each recipe; the deviation stands below the mean."""
    from rich.table import Table

    from inkling.training.spread import FIGURES, spread

    several = any(len(same) > 1 for same in by_name.values())
    made = Table(title=TITLE if several else None, title_justify="left", show_lines=several)
    made.add_column("recipe", style="bold", overflow="fold")
    made.add_column("seeds", justify="right")
    for head in FIGURES.values():
        made.add_column("\n".join(head.rsplit(" ", 1)), justify="right", no_wrap=True)
    for name, same in by_name.items():
        cells = [spread(key, [row[key] for row in same], "\n") for key in FIGURES]
        made.add_row(plain(name), str(len(same)), *cells)
    return made


def a_column_each(by_name: dict[str, list[dict[str, Any]]]) -> Table:
    """A column for each recipe."""
    from rich.table import Table

    from inkling.training.spread import FIGURES, spread

    several = any(len(same) > 1 for same in by_name.values())
    made = Table(title=TITLE if several else None, title_justify="left")
    made.add_column("recipe", style="bold")
    for name in by_name:
        made.add_column(plain(name), justify="right", overflow="fold")
    made.add_row("seeds", *(str(len(same)) for same in by_name.values()))
    for key, head in FIGURES.items():
        made.add_row(head, *(spread(key, [row[key] for row in same]) for same in by_name.values()))
    return made
