"""The pictures of a run as files: all of them drawn, and each saved in the formats that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from inkling.figures.gallery import Subject, gallery
from inkling.figures.style import styled
from inkling.storage import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg")


def redraw(
    subject: Subject,
    folder: Path | str,
    *,
    formats: Sequence[str] = FORMATS,
    progress: Callable[[str, int, int | None], object] | None = None,
    show: Callable[[str, Figure], object] | None = None,
) -> list[Path]:
    """Draw all pictures into the folder and return the files.

    `progress(what, done, total)` is called before each picture. `show(title, figure)` gets each
    figure once it is saved. Raises InklingError if the folder cannot be written to.
    """
    pictures, files = gallery(subject), []
    for done, picture in enumerate(pictures):
        if progress is not None:
            progress("drawing", done, len(pictures))
        figure = picture.draw()
        files += save(figure, Path(folder) / picture.name, formats)
        if show is not None:
            show(picture.title, figure)
    return files


def save(figure: Figure, path: Path, formats: Sequence[str]) -> list[Path]:
    """Write the figure as `path` with each format's ending; the same figure gives the same bytes."""
    files = []
    for kind in formats:
        file = path.with_name(f"{path.name}.{kind}")
        metadata = {"Date": None} if kind == "svg" else {}
        with styled():
            write_atomically(file, partial(figure.savefig, format=kind, metadata=metadata))
        files.append(file)
    return files
