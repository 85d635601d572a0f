"""`inkling evaluate`: how good a saved network is, as a whole and digit by digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import options
from inkling.cli.terminal import errors, loading, percent, print_json, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from inkling.data import Digits
    from inkling.training import Evaluation

SPLITS = ("train", "validation", "test")


def evaluate(
    model: Annotated[str, typer.Argument(help="A run folder, a .safetensors file, or latest.")] = "latest",
    data: options.Data = None,
    split: Annotated[
        str | None,
        typer.Option(help="train, validation or test.", show_default="test; all images where there is no test set"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Measure a saved network: accuracy, loss, precision, recall and F1 of each digit, and the confusion matrix.

    Without [bold]--data[/bold] a run is measured on the data that it was trained with, divided in the same way.

    Examples:
      inkling evaluate latest

      inkling evaluate runs/20260101T120000-default --data digits

      inkling evaluate model.safetensors --data my-digits/ --json

    """
    from inkling.storage import load_model
    from inkling.training import evaluate as measure

    if split is not None and split not in SPLITS:
        raise InklingError(f"--split {split}: it can be train, validation or test")
    network = load_model(model)
    digits = find_digits(model, data, results(aside=json))
    name = split or ("test" if digits.test is not None else "train")
    chosen = getattr(digits, name)
    if chosen is None:
        there = [part for part in SPLITS if getattr(digits, part) is not None]
        raise InklingError(f"this data has no {name} split; it has {', '.join(there)}")
    evaluation = measure(network, chosen)
    if json:
        print_json({"model": str(model), "data": digits.source, "split": name, **evaluation.to_dict()})
        return
    out = results()
    out.print(f"{digits.note}\n{evaluation.count:,} images ({name})", highlight=False, soft_wrap=True)
    show(out, evaluation)


def find_digits(model: str, data: str | None, news: Console) -> Digits:
    """The data named, or that of the run, divided as the run divided it."""
    from inkling.data import SplitPlan, load_data
    from inkling.recipes import build_plan, load_recipe
    from inkling.storage import find_model

    recipe_file = find_model(model).parent / "recipe.toml"
    with loading(errors()) as progress:
        if data is None and recipe_file.is_file():
            recipe = load_recipe(recipe_file)
            plan = build_plan(recipe.data, recipe.training.seed)
            return load_data(recipe.data.source, plan=plan, progress=progress, report=news.print)
        source = "auto" if data is None else data
        return load_data(source, plan=SplitPlan(), progress=progress, report=news.print)


def show(out: Console, evaluation: Evaluation) -> None:
    """Accuracy and loss, then two tables."""
    wrong = evaluation.count - round(evaluation.accuracy * evaluation.count)
    out.print(
        f"[bold]accuracy {percent(evaluation.accuracy)}[/] ({wrong:,} wrong), loss {evaluation.loss:.4f}",
        highlight=False,
    )
    out.print(per_class_table(evaluation))
    out.print(confusion_table(evaluation))


def per_class_table(evaluation: Evaluation) -> Table:
    """Precision, recall and F1 of each digit."""
    from rich.table import Table

    table = Table(title="digit by digit", title_justify="left")
    table.add_column("digit")
    for column in ("precision", "recall", "F1", "images"):
        table.add_column(column, justify="right")
    for row in evaluation.per_class:
        scores = (percent(row[name]) for name in ("precision", "recall", "f1"))
        table.add_row(str(row["class"]), *scores, f"{row['count']:,}")
    return table


def confusion_table(evaluation: Evaluation) -> Table:
    """The confusion matrix; the commonest mistakes stand out."""
    from rich.table import Table

    matrix = evaluation.confusion
    mistakes = matrix.copy()
    for k in range(len(matrix)):
        mistakes[k, k] = 0
    often = max(2, int(mistakes.max()) * 0.6)
    table = Table(title="confusion: true digit down, read as across", title_justify="left")
    table.add_column("")
    for k in range(matrix.shape[1]):
        table.add_column(str(k), justify="right")
    for k, row in enumerate(matrix):
        cells = []
        for j, count in enumerate(row):
            style = "bold" if k == j else "bold red" if count >= often else "" if count else "dim"
            cells.append(f"[{style}]{count or '·'}[/]" if style else str(count))
        table.add_row(f"[bold]{k}[/]", *cells)
    return table
