"""`inkling submit`: the answers to Kaggle's test.csv, in the form that Kaggle wants.

The table goes through in pieces: read some rows (inkling.data), ask the network, write the answers. What stands in
the end is whole or was never there, because it is written beside its place and then renamed (inkling.storage).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import options
from inkling.cli.models import Model, load_reader
from inkling.cli.terminal import Loading, plain, print_json, report, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from inkling.nn import Network


def submit(
    model: Model,
    test: Annotated[
        Path, typer.Argument(metavar="TEST.CSV", help="Kaggle's test.csv (also .gz or .zip): pixel0 … pixel783.")
    ],
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("submission.csv"),
    json: options.Json = False,
) -> None:
    """Read Kaggle's test.csv and write the file to upload: a row ImageId,Label for each image, counted from 1.

    The table is read piece by piece, so it may be larger than memory. Kaggle's
    zip file need not be unpacked: test.csv is found in it. Labels are passed over.

    Examples:
      inkling submit latest test.csv

      inkling submit latest digit-recognizer.zip --out second-try.csv

    """
    from inkling.storage import write_atomically

    if "-" in (str(test), str(out)):
        raise InklingError(
            "- stands for no file here: /dev/stdin is standard input; the answers need a file of their own"
        )
    if out.exists() and test.exists() and out.samefile(test):
        raise InklingError(f"--out {out} is the file to be read: name another")
    if out.is_file():
        raise InklingError(f"{out} exists already: name another file with --out")
    network = load_reader(model)
    counts: list[int] = []
    with Loading() as progress:
        write_atomically(out, lambda beside: counts.append(write_answers(network, test, beside, progress)))
    if json:
        print_json({"file": str(out), "count": counts[0]})
    else:
        results().print(f"{counts[0]:,} answers in [bold]{plain(out)}[/]", highlight=False, soft_wrap=True)


def write_answers(network: Network, test: Path, out: Path, progress: Loading) -> int:
    """Write a line for each image of the table; return how many."""
    from inkling.data import iter_csv
    from inkling.engine import outputs

    count = 0

    def tell(table: str, done: int, total: int | None) -> None:
        progress(table, done, total, f"{count:,} rows")

    with out.open("w", encoding="ascii", newline="") as file:
        file.write("ImageId,Label\n")
        for images, _ in iter_csv(test, labelled=False, progress=tell, report=report):
            labels = outputs(network, images).argmax(axis=1)
            file.writelines(f"{number},{label}\n" for number, label in enumerate(labels.tolist(), count + 1))
            count += len(labels)
    return count
