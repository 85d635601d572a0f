"""`inkling figures`: all pictures of a run, drawn again, as files and in windows."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from inkling.cli import options
from inkling.cli.models import Run
from inkling.cli.report import read, run_folder
from inkling.cli.terminal import Loading, plain, print_json, results
from inkling.errors import InklingError

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Format(StrEnum):
    """What kind of files to write."""

    png = "png"
    svg = "svg"
    both = "both"


def figures(
    run: Run = "latest",
    data: options.Data = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write to.", show_default="figures/ in the run folder")
    ] = None,
    format: Annotated[Format, typer.Option(help="Pixels, drawings that can be enlarged, or both.")] = Format.both,  # noqa: A002
    show: Annotated[bool, typer.Option("--show", help="Open the pictures in windows, too.")] = False,
    json: options.Json = False,
) -> None:
    """Draw all pictures of a run: what it learned from, how it learned, what it answers, what goes on inside it.

    Pictures that need the images the run was trained on are left out where
    these are gone.

    Examples:
      inkling figures latest --show

      inkling figures runs/adam --out slides --format svg

    """
    from inkling.figures.files import FORMATS, redraw
    from inkling.recipes import build_optimizer, load_recipe
    from inkling.report.page import subject

    if out is not None and out.exists() and not out.is_dir():
        raise InklingError(f"--out {out} is a file: name a folder")
    if show:
        need_windows()
    folder = run_folder(run)
    record = read(folder, data)
    drawn = replace(subject(record), optimizer=build_optimizer(load_recipe(folder.recipe)))
    formats = FORMATS if format is Format.both else (format.value,)
    with Loading() as progress:
        files = redraw(
            drawn,
            folder.figures if out is None else out,
            formats=formats,
            progress=progress,
            show=hang if show else None,
        )
    if json:
        print_json({"run": str(folder.path), "files": [str(file) for file in files], "missing": record.missing or None})
    else:
        for file in files:
            results().print(plain(file), highlight=False, soft_wrap=True)
    if show:
        import matplotlib.pyplot as plt

        plt.show()
        plt.close("all")


def need_windows() -> None:
    """Raise InklingError unless matplotlib can open windows here."""
    if not windows_open():
        raise InklingError("--show needs a screen, and Tk or Qt to open windows on it; leave it out for files alone")


def windows_open() -> bool:
    """Whether matplotlib can open windows here."""
    import matplotlib.pyplot as plt
    from matplotlib.backends.registry import BackendFilter, backend_registry

    try:
        plt.switch_backend(plt.get_backend())
    except ImportError:
        return False
    return plt.get_backend().lower() not in backend_registry.list_builtin(BackendFilter.NON_INTERACTIVE)  # type: ignore[no-untyped-call]


def hang(title: str, figure: Figure) -> None:
    """Hang a figure in a window of its own, which appears with `pyplot.show`.

    The figures know no screen; each takes the place of the empty one that pyplot made a window for.
    """
    import matplotlib.pyplot as plt

    manager = plt.figure(title, figsize=tuple(figure.get_size_inches())).canvas.manager
    assert manager is not None
    figure.set_label(title)
    manager.canvas.figure = figure
    figure.set_canvas(manager.canvas)
