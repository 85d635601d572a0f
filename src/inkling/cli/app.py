"""All commands together, and what happens when something goes wrong."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from typing import Annotated

import typer

from inkling.cli import (
    compare,
    data,
    evaluate,
    exercise,
    explain,
    export,
    figures,
    play,
    predict,
    recipes,
    report,
    runs,
    submit,
    train,
)
from inkling.cli.terminal import complain, errors, in_one_line, prepare_streams
from inkling.errors import InklingError

app = typer.Typer(
    name="inkling",
    help="A neural network that reads handwritten digits, written from first principles in NumPy.\n\n"
    "Begin with [bold]inkling train[/bold]: it finds or downloads MNIST, trains, and says how well it did.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("predict")(predict.predict)
app.command("submit")(submit.submit)
app.command("compare")(compare.compare)
app.command("explain")(explain.explain)
app.command("figures")(figures.figures)
app.command("report")(report.report)
app.command("export")(export.export)
app.command("play")(play.play)
app.command("recipes")(recipes.recipes)
app.add_typer(runs.app, name="runs")
app.add_typer(data.app, name="data")
app.add_typer(exercise.app, name="exercise")


def show_version(wanted: bool) -> None:
    """Print the version and stop."""
    if wanted:
        from inkling import __version__

        typer.echo(f"inkling {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=show_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options that stand before the command."""


def main() -> None:
    """The `inkling` command.

    Bad input ends it with one line on standard error and status 2. Typer ends it with 130 after Ctrl-C, and with
    1 when whoever read its output has closed it (`inkling … | head`).
    """
    prepare_streams()
    warnings.showwarning = show_warning
    try:
        app()
    except user_errors() as error:
        complain(error)
    except MemoryError as error:
        complain(f"there is not enough memory: {error or 'try a smaller network, or less data'}")
    except OSError as error:
        complain(f"{error.filename or 'cannot write the output'}: {error.strerror or error}")
        # If it was standard output that is full, Python must not try to empty its buffer into it once more.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    # Typer itself ends a command that has done its work.
    sys.exit(2)


def user_errors() -> tuple[type[Exception], ...]:
    """What a user can put right: Inkling's own errors, and shapes that don't fit if `inkling.nn` was used at all."""
    part = sys.modules.get("inkling.nn.part")
    return (InklingError, part.ShapeError) if part else (InklingError,)


def show_warning(message: Warning | str, *where: object, **more: object) -> None:  # noqa: ARG001
    """A warning as one line, without the place in the code that means nothing to the user."""
    errors().print(f"[bold yellow]warning:[/] {in_one_line(message)}", soft_wrap=True, highlight=False)
