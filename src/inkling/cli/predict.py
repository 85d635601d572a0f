"""`inkling predict`: read pictures of single digits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from inkling.cli import options
from inkling.cli.terminal import errors, percent, print_json, results

if TYPE_CHECKING:
    from inkling.nn import Network


def predict(
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE…", help="PNG or JPEG files, one digit each.")],
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
    from inkling.storage import load_model

    network = load_model(model)
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
    from rich.markup import escape
    from rich.table import Table

    table = Table()
    for column in ("file", "digit", "confidence", "runner-up"):
        table.add_column(column, justify="left" if column == "file" else "right", overflow="fold")
    if probabilities:
        for digit in range(10):
            table.add_column(str(digit), justify="right")
    for found in answers:
        if "error" in found:
            errors().print(f"[bold red]inkling:[/] {escape(found['error'])}", soft_wrap=True, highlight=False)
            continue
        chances = found["probabilities"]
        second = f"{found['runner_up']} ({percent(chances[found['runner_up']])})"
        cells = [escape(found["file"]), f"[bold]{found['digit']}[/]", percent(found["confidence"]), second]
        table.add_row(*cells, *(f"{chance:.3f}" for chance in chances if probabilities))
    if table.row_count:
        results().print(table)
