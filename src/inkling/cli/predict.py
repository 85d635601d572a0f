"""`inkling predict`: read pictures of single digits."""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import completion, options
from inkling.cli.models import MODELS, load_reader
from inkling.cli.terminal import a_digit, complain, percent, plain, print_json, report, results
from inkling.errors import DataError, InklingError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from inkling.data import Prepared
    from inkling.nn import Network
    from inkling.nn.part import Array

UNSURE = 0.7
"""Confidence below which an answer is called unsure. When the network that comes along reads MNIST's validation images,
that is said of three in four wrong answers, and of fewer than one in a hundred right ones."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What the network says of one picture, and what it saw; or the error for which it could not be asked."""

    file: Path
    prepared: Prepared | None = None
    chances: Array | None = None
    error: str | None = None
    """One line, which begins with the file's name."""

    @property
    def ranks(self) -> list[int]:
        """The digits, the most probable first."""
        assert self.chances is not None
        return [int(digit) for digit in self.chances.argsort()[::-1]]

    def chance(self, rank: int) -> float:
        """The probability of the digit of that rank, 0 the first."""
        assert self.chances is not None
        return float(self.chances[self.ranks[rank]])

    def to_dict(self) -> dict[str, Any]:
        """The answer as plain values, ready for JSON."""
        if self.chances is None:
            return {"file": str(self.file), "error": self.error}
        digit, runner_up = self.ranks[:2]
        return {
            "file": str(self.file),
            "digit": digit,
            "confidence": self.chance(0),
            "runner_up": runner_up,
            "probabilities": [float(chance) for chance in self.chances],
        }


def predict(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE", help="Pictures, one digit each, of any size; - is standard input.")
    ],
    model: Annotated[str, typer.Option(help=MODELS, autocompletion=completion.models)] = "pretrained",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", "-p", help="Show the probability of every digit.")
    ] = False,
    show: Annotated[
        bool, typer.Option("--show", help="Show what the network saw: here, and in a window where there is a screen.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="Draw what it saw, step by step, into this file, a .png or .svg.", show_default=False),
    ] = None,
    json: options.Json = False,
) -> None:
    """Read pictures of single digits: photos, scans, drawings, in any size and colour, dark on light or light on dark.

    The digit is told from its paper and brought into the form of MNIST's. A
    picture of 28 × 28 pixels, light ink on dark paper, has that form already and
    is taken as it is. A file that cannot be read is reported, and the others are
    read all the same (exit status 2).

    Examples:
      inkling predict photo.jpg --show

      inkling predict *.png --probabilities --model runs/20260101T120000-default

      inkling predict photo.jpg --out what-it-saw.png

    """
    if out is not None and out.suffix not in (".png", ".svg"):
        raise InklingError(f"--out {out}: the name must end in .png or .svg")
    network = load_reader(model)
    answers = [ask(network, image) for image in images]
    if json:
        print_json([answer.to_dict() for answer in answers])
    else:
        say(answers, probabilities)
        advise(answers, shown=show or out is not None)
    if show:
        print_seen(results(aside=json), answers)
    if show or out is not None:
        draw_seen(answers, out, in_window=show, quiet=json)
    if any(answer.error for answer in answers):
        raise typer.Exit(2)


def ask(network: Network, image: Path) -> Answer:
    """What the network says of one picture; or why it could not be asked."""
    from inkling.data import to_mnist

    try:
        prepared = to_mnist(standard_input() if str(image) == "-" else image)
    except DataError as error:
        return Answer(image, error=str(error))
    return Answer(image, prepared, network.predict_proba(prepared.image[None])[0])


def standard_input() -> io.BytesIO:
    """The picture that is piped in."""
    file = io.BytesIO(sys.stdin.buffer.read() if sys.stdin else b"")
    file.name = "standard input"
    return file


def say(answers: list[Answer], probabilities: bool) -> None:
    """A row for each picture that could be read, a line for each that could not."""
    read = [answer for answer in answers if not answer.error]
    for answer in answers:
        if answer.error:
            complain(answer.error)
    if read:
        results().print(answers_table(read))
    if read and probabilities:
        results().print(probabilities_table(read))


def advise(answers: list[Answer], *, shown: bool) -> None:
    """A line for each answer that the network is not sure of, and how to see what it saw."""
    advice = "" if shown else "; --show shows what the network saw"
    for answer in answers:
        if not answer.error and answer.chance(0) < UNSURE:
            first, second = (
                f"{a_digit(digit)} ({percent(answer.chance(rank))})" for rank, digit in enumerate(answer.ranks[:2])
            )
            report(f"{answer.file}: not sure: {first}, or {second}{advice}")


def answers_table(answers: list[Answer]) -> Table:
    """What each picture was read as, and how surely."""
    from rich.table import Table

    table = Table()
    table.add_column("file", overflow="fold")
    for column in ("digit", "confidence", "runner-up"):
        table.add_column(column, justify="right", no_wrap=True)
    for answer in answers:
        digit, runner_up = answer.ranks[:2]
        second = f"{runner_up} ({percent(answer.chance(1))})"
        table.add_row(plain(answer.file), f"[bold]{digit}[/]", percent(answer.chance(0)), second)
    return table


def probabilities_table(answers: list[Answer]) -> Table:
    """The probability of every digit, in per cent: narrow enough for 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="probability of each digit, %", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("file", overflow="fold")
    for digit in range(10):
        table.add_column(str(digit), justify="right", no_wrap=True)
    for answer in answers:
        assert answer.chances is not None
        best = answer.ranks[0]
        cells = (f"[{'bold' if k == best else 'none'}]{100 * p:.1f}[/]" for k, p in enumerate(answer.chances))
        table.add_row(plain(answer.file), *cells)
    return table


def print_seen(console: Console, answers: list[Answer]) -> None:
    """The 28 × 28 pixels of each picture as characters."""
    from inkling.data import ascii_digit

    for answer in answers:
        if answer.prepared is None:
            continue
        how = "taken as it is" if answer.prepared.unchanged else "brought into MNIST's form"
        console.print(
            f"\n[bold]{plain(answer.file)}[/], {how}: {a_digit(answer.ranks[0])}", highlight=False, soft_wrap=True
        )
        drawn = ascii_digit(answer.prepared.image, blocks=not console.options.ascii_only)
        console.print(drawn, highlight=False, markup=False)


def draw_seen(answers: list[Answer], out: Path | None, *, in_window: bool, quiet: bool) -> None:
    """Draw the steps from picture to answer into a file, or a window where there is a screen, or both."""
    import numpy as np

    from inkling.cli.figures import hang, windows_open
    from inkling.figures import seeing
    from inkling.figures.files import save

    in_window = in_window and windows_open()
    read = [answer for answer in answers if answer.prepared is not None and answer.chances is not None]
    if not read or not (in_window or out):
        return
    chances = np.stack([answer.chances for answer in read if answer.chances is not None])
    figure = seeing([answer.prepared for answer in read if answer.prepared], chances, [str(a.file) for a in read])
    if out is not None:
        (file,) = save(figure, out.with_suffix(""), (out.suffix.removeprefix("."),))
        if not quiet:
            results().print(plain(file), highlight=False, soft_wrap=True)
    if in_window:
        import matplotlib.pyplot as plt

        hang("What the network saw", figure)
        plt.show()
        plt.close("all")
