"""`inkling predict`: read pictures of single digits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import options
from inkling.cli.models import load_reader
from inkling.cli.terminal import complain, percent, plain, print_json, results

if TYPE_CHECKING:
    from rich.table import Table

    from inkling.nn import Network


def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="PNG or JPEG files, one digit each.")],
    model: Annotated[str, typer.Option(help="A run folder, a .safetensors file, or latest.")] = "latest",
    probabilities: Annotated[
        bool, typer.Option("--probabilities", "-p", help="Show the probability of every digit.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Read pictures of single digits: 28 × 28 pixels, light ink on dark paper, as MNIST's are.

    A file that cannot be read is reported, and the others are read all the same (exit status 2).

    Examples:
      inkling predict seven.png

      inkling predict *.png --probabilities --model runs/20260101T120000-default

    """
    network = load_reader(model)
    answers = [answer(network, image) for image in images]
    if json:
        print_json(answers)
    else:
        show(answers, probabilities)
    if any("error" in found for found in answers):
        raise typer.Exit(2)


def answer(network: Network, image: Path) -> dict[str, Any]:
    """What the network says of one picture; or why it could not be asked."""
    from inkling.data import read_image
    from inkling.errors import InklingError

    try:
        chances = network.predict_proba(read_image(image)[None])[0]
    except InklingError as error:
        return {"file": str(image), "error": str(error)}
    digit, runner_up = (int(k) for k in chances.argsort()[::-1][:2])
    return {
        "file": str(image),
        "digit": digit,
        "confidence": float(chances[digit]),
        "runner_up": runner_up,
        "probabilities": [float(chance) for chance in chances],
    }


def show(answers: list[dict[str, Any]], probabilities: bool) -> None:
    """A row for each picture that could be read, a line for each that could not."""
    read = [found for found in answers if "error" not in found]
    for found in answers:
        if "error" in found:
            complain(found["error"])
    if read:
        results().print(answers_table(read))
    if read and probabilities:
        results().print(probabilities_table(read))


def answers_table(answers: list[dict[str, Any]]) -> Table:
    """What each picture was read as, and how surely."""
    from rich.table import Table

    table = Table()
    table.add_column("file", overflow="fold")
    for column in ("digit", "confidence", "runner-up"):
        table.add_column(column, justify="right", no_wrap=True)
    for found in answers:
        second = f"{found['runner_up']} ({percent(found['probabilities'][found['runner_up']])})"
        table.add_row(plain(found["file"]), f"[bold]{found['digit']}[/]", percent(found["confidence"]), second)
    return table


def probabilities_table(answers: list[dict[str, Any]]) -> Table:
    """The probability of every digit, in per cent: narrow enough for 80 columns."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="probability of each digit, %", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("file", overflow="fold")
    for digit in range(10):
        table.add_column(str(digit), justify="right", no_wrap=True)
    for found in answers:
        cells = (
            f"[{'bold' if k == found['digit'] else 'none'}]{100 * p:.1f}[/]"
            for k, p in enumerate(found["probabilities"])
        )
        table.add_row(plain(found["file"]), *cells)
    return table
