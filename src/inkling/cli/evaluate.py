"""`inkling evaluate`: how good a saved network is, as a whole and digit by digit."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import completion, options
from inkling.cli.models import load_reader
from inkling.cli.terminal import Loading, percent, plain, print_json, report, results
from inkling.errors import DataError, InklingError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from inkling.data import Digits, Split
    from inkling.nn import Network
    from inkling.storage import RunFolder
    from inkling.training import Ensemble, Evaluation

SPLITS = ("train", "validation", "test")


def evaluate(
    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL…",
            help="Run folders, .safetensors files, latest, or pretrained (which comes along).",
            show_default="latest",
            autocompletion=completion.models,
        ),
    ] = None,
    data: options.Data = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, validation or test.", show_default="test, or the best there is: validation, then train"
        ),
    ] = None,
    ensemble: Annotated[
        bool, typer.Option("--ensemble", help="Let several models answer together: the mean of their probabilities.")
    ] = False,
    shifts: Annotated[
        int, typer.Option(min=0, max=8, help="Read each image also moved by up to so many pixels, and take the mean.")
    ] = 0,
    corrupted: Annotated[
        bool,
        typer.Option("--corrupted", help="Read the images also turned, shifted, noisy, too thin …: a row for a model."),
    ] = False,
    json: options.Json = False,
) -> None:
    """Measure a saved network: accuracy, loss, precision, recall and F1 of each digit, and the confusion matrix.

    Without [bold]--data[/bold] a run is measured on the data that it was trained
    with, divided in the same way; several, on those of the first.

    Examples:
      inkling evaluate latest

      inkling evaluate runs/20260101T120000-default --data digits

      inkling evaluate model.safetensors --data my-digits/ --json

      inkling evaluate runs/a runs/b runs/c --ensemble --shifts 1

      inkling evaluate latest pretrained --corrupted --split validation

    """
    from inkling.storage import find_model
    from inkling.training import Ensemble
    from inkling.training import evaluate as measure

    names = models or ["latest"]
    if len(names) > 1 and not ensemble and not corrupted:
        raise InklingError(
            f"there are {len(names)} models: say --ensemble to let them answer together, "
            "or --corrupted to set them side by side"
        )

    if split is not None and split not in SPLITS:
        raise InklingError(f"--split {split}: it can be train, validation or test")
    networks = [load_reader(model) for model in names]
    files = [find_model(model).resolve() for model in names]
    for number, file in enumerate(files):
        if (before := files.index(file)) < number:
            raise InklingError(f"{names[before]} and {names[number]} are the same model: name each once")
    digits = find_digits(names[0], data)
    name = split or next(part for part in reversed(SPLITS) if getattr(digits, part) is not None)
    chosen = getattr(digits, name)
    if chosen is None:
        there = [part for part in SPLITS if getattr(digits, part) is not None]
        raise InklingError(f"this data has no {name} split; it has {', '.join(there)}")
    groups = [networks] if ensemble else [[network] for network in networks]
    readers = [Ensemble(group, shifts) if ensemble or shifts else group[0] for group in groups]
    model = names[0] if len(names) == 1 else names
    facts = {"data": digits.source, "split": name, "shifts": shifts}
    out = results()
    note = f"{plain(digits.note)}\n{len(chosen):,} images ({name})"
    if ensemble or shifts:
        together = " together" if len(names) > 1 and ensemble else ""
        times = f", each image read {(2 * shifts + 1) ** 2} times, moved by up to {shifts} px" if shifts else ""
        note += f"\n{plain(' + '.join(names) if ensemble else ', '.join(names))}{together}{times}"
    if corrupted:
        called = [model] if ensemble else names
        rows = measure_corrupted(readers, called, chosen)
        if json:
            print_json({**facts, "count": len(chosen), "models": rows})
            return
        out.print(note, highlight=False, soft_wrap=True)
        out.print(corrupted_table(rows))
        return
    with Loading() as progress:
        evaluation = measure(readers[0], chosen, progress=lambda done, of: progress("reading", done, of))
    if json:
        print_json({"model": model, **facts, **evaluation.to_dict()})
        return
    out.print(note, highlight=False, soft_wrap=True)
    show(out, evaluation)


def measure_corrupted(
    readers: list[Network | Ensemble], names: list[str | list[str]] | list[str], split: Split
) -> list[dict[str, Any]]:
    """For each reader its model, or models, and its accuracy by corruption. All get the very same images."""
    from inkling.training import corrupted_accuracies

    with Loading() as progress:

        def measure(reader: Network | Ensemble, number: int) -> dict[str, float]:
            words = "reading" if len(readers) == 1 else f"model {number} of {len(readers)}"
            return corrupted_accuracies(reader, split, progress=lambda done, of: progress(words, done, of))

        return [
            {"model": name, "accuracy": measure(reader, number)}
            for number, (reader, name) in enumerate(zip(readers, names, strict=True), start=1)
        ]


def find_digits(model: str, data: str | None) -> Digits:
    """The data named, or that of the run, divided as the run divided it.

    Raises InklingError if the run's data cannot be had any more: `auto` may find others than it did then.
    """
    from inkling.data import SplitPlan, load_data
    from inkling.recipes import build_plan, load_recipe
    from inkling.storage import RunFolder, find_model

    run = RunFolder(find_model(model).parent)
    with Loading() as progress:
        if data is not None or not run.recipe.is_file():
            # What comes along was trained on MNIST as `load_data` divides it; of other files nobody knows.
            known = model == "pretrained" and data is None
            source = "auto" if data is None else data
            return load_data(source, plan=None if known else SplitPlan(), progress=progress, report=report)
        recipe = load_recipe(run.recipe)
        plan = build_plan(recipe.data, recipe.training.seed)
        trained_on = source_of(run)
        source = "digits" if trained_on == "digits" else recipe.data.source
        try:
            digits = load_data(source, plan=plan, progress=progress, report=report)
        except DataError as error:
            raise InklingError(
                f"the data of {run.path} cannot be read any more ({error}); name some with --data"
            ) from None
    if trained_on not in (None, digits.source):
        found = f"{recipe.data.source} now finds {digits.source}"
        raise InklingError(f"{run.path} was trained on {trained_on}, but {found}: name the data with --data")
    return digits


def source_of(run: RunFolder) -> str | None:
    """What data a run was trained on, as its metrics.json says; None if it doesn't."""
    try:
        return str(json_format.loads(run.metrics.read_text(encoding="utf-8"))["dataset"]["source"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def show(out: Console, evaluation: Evaluation) -> None:
    """Accuracy and loss, then two tables."""
    wrong = evaluation.count - round(evaluation.accuracy * evaluation.count)
    out.print(
        f"[bold]accuracy {percent(evaluation.accuracy)}[/] ({wrong:,} wrong), loss {evaluation.loss:.4f}",
        highlight=False,
    )
    out.print(per_class_table(evaluation))
    out.print(confusion_table(evaluation))


def corrupted_table(rows: list[dict[str, Any]]) -> Table:
    """A row for each model, a column for each corruption; the best of each column stands out."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from inkling.data import CORRUPTIONS

    words = ", ".join(f"{each.name} {each.words}" for each in CORRUPTIONS.values())
    table = Table(
        title="images read rightly, %, as they are and corrupted",
        title_justify="left",
        caption=words,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("model", overflow="fold")
    columns = ("clean", *CORRUPTIONS)
    best = {column: max(row["accuracy"][column] for row in rows) for column in columns}
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    for row in rows:
        name = row["model"] if isinstance(row["model"], str) else " + ".join(row["model"])
        cells = []
        for column in columns:
            accuracy = row["accuracy"][column]
            style = "bold" if len(rows) > 1 and accuracy == best[column] else "none"
            cells.append(f"[{style}]{100 * accuracy:.2f}[/]")
        table.add_row(plain(name), *cells)
    return table


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
