"""`inkling report`: the page of one run once more, or several runs side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import completion, options
from inkling.cli.evaluate import find_digits
from inkling.cli.terminal import Loading, plain, print_json, results
from inkling.cli.terminal import report as mention
from inkling.errors import InklingError

if TYPE_CHECKING:
    from inkling.report import Record
    from inkling.storage import RunFolder


def report(
    runs: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="RUN…",
            help="Run folders, or latest.",
            show_default="latest",
            autocompletion=completion.run_folders,
        ),
    ] = None,
    data: options.Data = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The file to write.", show_default="report.html in the run folder, or runs/comparison.html"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Write the report of a run again, or one page that sets several runs side by side.

    The page is a single file that needs no network. What it shows of the images
    is read from the data that the run was trained on; where that is gone, the
    report does without, and says so.

    Examples:
      inkling report latest

      inkling report runs/sgd runs/adam --out sgd-or-adam.html

    """
    from inkling.report import write_comparison, write_report
    from inkling.storage import RUNS

    if out is not None and out.is_dir():
        raise InklingError(f"--out {out} is a folder: name the file to write")
    folders = list({folder.path.resolve(): folder for folder in map(run_folder, runs or ["latest"])}.values())
    records = [read(folder, data) for folder in folders]
    if len(records) > 1:
        page = write_comparison(records, out or RUNS / "comparison.html")
    else:
        page = write_report(records[0], out=out)
    if json:
        measured = [{"run": str(record.folder.path), "missing": record.missing or None} for record in records]
        print_json({"report": str(page), "runs": measured})
        return
    results().print(f"[bold]{plain(page)}[/]", highlight=False, soft_wrap=True)


def run_folder(run: str) -> RunFolder:
    """The run folder that `run` means: itself, the one that holds this model, or the newest."""
    from inkling.storage import RunFolder

    return RunFolder.open(Path(run).parent if run.endswith(".safetensors") else run)


def read(folder: RunFolder, data: str | None) -> Record:
    """What the folder holds, with the run's images: those that `data` names, or those that it was trained on.

    Where these cannot be found any more, that is mentioned, and the record does without them. Raises InklingError
    if the folder is no run's, or if what `data` names are not the run's images.
    """
    from inkling.data import load_data
    from inkling.recipes import build_plan, load_recipe
    from inkling.report import read_record

    if data is not None:
        recipe = load_recipe(folder.recipe)
        with Loading() as progress:
            plan = build_plan(recipe.data, recipe.training.seed)
            digits = load_data(data, plan=plan, progress=progress, report=mention)
        record = read_record(folder, digits)
        if record.missing:
            raise InklingError(f"--data {data}: these are not the images of {folder.path}, for {record.missing}")
        return record
    # Before the images are looked for, which may take long: is this a run that can be reported at all?
    record = read_record(folder)
    try:
        digits = find_digits(str(folder.path), None)
    except InklingError as error:
        mention(f"{folder.path}: drawn without its images, because {error}")
        return record.without(str(error))
    return read_record(folder, digits, network=record.network)
