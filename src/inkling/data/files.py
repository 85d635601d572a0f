"""Opening and writing files so that what goes wrong is said in one line, and nothing is left half-written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from inkling.errors import DataError


def open_for_reading(path: Path) -> BufferedReader:
    """Open a file as bytes, or raise a `DataError` that says why it cannot be."""
    try:
        return path.open("rb")
    except OSError as error:
        raise DataError(f"{path}: {cause(error)}") from None


@contextmanager
def written_beside(path: Path) -> Iterator[BinaryIO]:
    """A file to write that takes the place of `path` only when everything is in it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {cause(error)}") from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def cause(error: OSError) -> str:
    """What the operating system found wrong, in plain words."""
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "this is a folder, and a file belongs here"
    if isinstance(error, PermissionError):
        return "no permission to open it"
    return error.strerror or str(error)
