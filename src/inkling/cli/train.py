"""`inkling train`: from a recipe's name to a trained network in a run folder."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import completion, options
from inkling.cli.terminal import Loading, percent, plain, print_json, report, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from rich.console import Console

    from inkling.data import Digits
    from inkling.recipes import Recipe, Run


def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE",
            help="A recipe's name (see `inkling recipes`) or a .toml file.",
            autocompletion=completion.recipe_names,
        ),
    ] = "default",
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    learning_rate: options.LearningRate = None,
    hidden: options.Hidden = None,
    activation: options.Activation = None,
    optimizer: options.OptimizerName = None,
    dropout: options.Dropout = None,
    l2: options.L2 = None,
    seed: options.Seed = None,
    data: options.Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The run folder to make.", show_default="runs/<UTC time>-<recipe>"),
    ] = None,
    settings: options.Settings = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Go on with an interrupted run: its folder, or latest.",
            show_default=False,
            autocompletion=completion.run_folders,
        ),
    ] = None,
    page: Annotated[
        bool | None,
        typer.Option("--report/--no-report", help="Write report.html, a page about the run.", show_default="--report"),
    ] = None,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard", help="Write event files, too: [bold]tensorboard --logdir runs[/bold] shows them."
        ),
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Say which engine computes, and why no faster one.")
    ] = False,
    quiet: options.Quiet = False,
    json: options.Json = False,
) -> None:
    """Train a network by a recipe, and leave everything about it in a run folder.

    Ctrl-C ends the training and saves what it has come to; [bold]--resume[/bold]
    goes on from there, to the same numbers as if nothing had happened.

    Examples:
      inkling train

      inkling train --hidden 256,128 --dropout 0.2 --epochs 20

      inkling train kaggle-64-64 --data train.csv

      inkling train sigmoid-mse --learning-rate 1 --set loss.reduction=mean

    """
    from inkling.recipes import load_recipe, run_recipe
    from inkling.storage import RunFolder
    from inkling.training import Callback, Progress

    given = options.changes(
        settings=settings,
        data=data,
        batch_size=batch_size,
        hidden=hidden,
        epochs=epochs,
        learning_rate=learning_rate,
        activation=activation,
        optimizer=optimizer,
        dropout=dropout,
        l2=l2,
        seed=seed,
    )
    if page is not None:
        given["report.enabled"] = page
    if resume is not None:
        if (
            recipe != "default"
            or out is not None
            or given.keys() - {"training.epochs", "data.source", "report.enabled"}
        ):
            raise InklingError(
                "--resume goes on as the run began: only --epochs, --data, --report and --tensorboard go with it"
            )
        resume = str(RunFolder.open(resume).path)
    chosen = load_recipe(resume or recipe, given)
    if tensorboard:
        from inkling.interop.tensorboard import TensorBoard, need_tensorboard

        need_tensorboard()  # before data is loaded, perhaps downloaded, in vain
    news = results(aside=json)
    news.quiet = quiet

    with Loading() as progress, saying_aloud(news):

        def watchers(folder: RunFolder) -> list[Callback]:
            found: list[Callback] = [] if quiet else [Progress(chosen.training.log_every, console=news, engine=verbose)]
            return [*found, TensorBoard(folder.path)] if tensorboard else found

        def announce_data(digits: Digits) -> None:
            progress.stop()
            announce(news, chosen, digits, {} if resume else given)

        run = run_recipe(
            chosen,
            out=out,
            resume=resume,
            callbacks=watchers,
            on_data=announce_data,
            on_saved=lambda run: None if json or quiet else show_results(news, run),
            progress=progress,
            report=report,
        )
    if json:
        print_json({**run.metrics, "run": str(run.folder.path)})
    elif run.recipe.report.enabled and not quiet:
        news.print(f"[bold]report[/]     {plain(run.folder.report)}", highlight=False, soft_wrap=True)
    if run.metrics["outcome"] == "interrupted":
        raise typer.Exit(130)


@contextmanager
def saying_aloud(news: Console) -> Iterator[None]:
    """What Inkling logs, such as that it compiles something, is shown meanwhile."""

    class Shown(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            news.print(record.getMessage(), style="dim", highlight=False)

    logger, handler, before = logging.getLogger("inkling"), Shown(), logging.getLogger("inkling").level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(before)


def announce(news: Console, recipe: Recipe, digits: Digits, given: dict[str, Any]) -> None:
    """Say what is going to be trained, what of it is not as the recipe has it, and on what."""
    sizes = {"train": digits.train, "validation": digits.validation, "test": digits.test}
    counts = ", ".join(f"{len(split):,} {name}" for name, split in sizes.items() if split is not None)
    news.print(f"[bold]{plain(recipe.name)}[/]  {plain(recipe.title)}", highlight=False, soft_wrap=True)
    changed = ", ".join(
        f"{key} = {value}" for key, value in given.items() if key not in ("data.source", "report.enabled")
    )
    if changed:
        news.print(f"[bold]changed[/]  {plain(changed)}", highlight=False, soft_wrap=True)
    news.print(f"[bold]data[/]     {plain(digits.note)}", highlight=False, soft_wrap=True)
    news.print(f"[bold]images[/]   {counts}", highlight=False, soft_wrap=True)


def show_results(news: Console, run: Run) -> None:
    """The table of results, and where the run lies."""
    from rich.table import Table

    metrics = run.metrics
    table = Table(title=f"{plain(run.recipe.name)}: results, measured after training", title_justify="left")
    for column in ("split", "images", "accuracy", "loss"):
        table.add_column(column, justify="left" if column == "split" else "right")
    for name, evaluation in run.evaluations.items():
        cells = (f"{evaluation.count:,}", percent(evaluation.accuracy), f"{evaluation.loss:.4f}")
        table.add_row(name, *cells, style="bold" if name == "test" else "")
    news.print(table)
    speed = f"{metrics['samples_per_second']:,.0f} images/s"
    epochs = "epoch" if metrics["epochs"] == 1 else "epochs"
    news.print(f"{metrics['epochs']} {epochs} in {metrics['seconds']:.1f} s of training ({speed})", highlight=False)
    news.print(f"[bold]run folder[/] {plain(run.folder.path)}", highlight=False, soft_wrap=True)
    if "pip install" in metrics["engine_note"]:
        news.print(
            f"engine {metrics['engine']}, {metrics['engine_note']}", style="dim", highlight=False, soft_wrap=True
        )
    if metrics["outcome"] == "interrupted":
        command = f"inkling train --resume {shlex.quote(str(run.folder.path))}"
        news.print(f"interrupted; to go on: [bold]{plain(command)}[/]", highlight=False, soft_wrap=True)
