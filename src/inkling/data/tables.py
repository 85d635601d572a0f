"""CSV files of digits: Kaggle's Digit Recognizer and mnist-in-csv, told apart by their header.

Kaggle: `label,pixel0,pixel1,…,pixel783`. mnist-in-csv: `label,1x1,1x2,…,28x28`. Both row by row through the
image, both also without `label`. A file is read in blocks of lines: pandas parses a block at full speed, and
only when something in it is not right is the block read again, slowly, to say in which line and column.
How the file is packed is packing.py's affair.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from inkling.data.packing import unpacked
from inkling.data.splits import SIDE
from inkling.errors import DataError

PIXELS = SIDE * SIDE
LAYOUTS = (
    [f"pixel{i}" for i in range(PIXELS)],
    [f"{row}x{column}" for row in range(1, SIDE + 1) for column in range(1, SIDE + 1)],
)
LONGEST = 2**17  # bytes in a line; 785 numbers need 4,000
CHUNK_ROWS = 1_000
NUMBER = re.compile(r"\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*")

Block = tuple[NDArray[np.uint8], NDArray[np.int64] | None]
Progress = Callable[[str, int, int | None], None]


def read_csv(
    path: str | Path, labelled: bool | None = None, progress: Progress | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    """Read a whole CSV of digits: images uint8 (n, 28, 28), and labels int64 (n,), or None.

    path: a table, plain, compressed by gzip, or in a zip file; of several in a zip file train.csv is taken, or
        test.csv where labels are to be left out: then one that holds train.csv alone is refused.
    labelled: None takes the file as it is; True insists on labels; False leaves them out.
    Raises `DataError`, naming file, line (the header is line 1) and column, for whatever isn't right.
    """
    blocks = list(iter_csv(path, labelled=labelled, progress=progress))
    images = np.concatenate([images for images, _ in blocks])
    labels = [labels for _, labels in blocks if labels is not None]
    return images, np.concatenate(labels) if labels else None


def iter_csv(
    path: str | Path,
    chunk_rows: int = CHUNK_ROWS,
    *,
    labelled: bool | None = None,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
) -> Iterator[Block]:
    """Yield the images and labels of a CSV, `chunk_rows` lines at a time, for files larger than memory.

    As `read_csv` otherwise. `progress(file name, bytes read, bytes in all)` is called when the caller is done with a
    block and asks for the next. `report` is told, at the end and in one line, of labels that were left out.
    """
    path = Path(path)
    with unpacked(path, preferred="test.csv" if labelled is False else "train.csv") as table:
        columns = _header(table.path, table.stream.readline(LONGEST), labelled)
        line, empty = 2, True
        while block := list(itertools.islice(_lines(table.path, table.stream, line), chunk_rows)):
            numbers = _numbers(table.path, block, columns, line)
            line += len(block)
            if not len(numbers):
                continue
            empty = False
            yield _images_and_labels(numbers, columns, labelled)
            if progress:
                progress(table.path.name, table.position(), table.size)
    if empty:
        raise DataError(f"{table.path}: there are no rows below the header")
    if report and labelled is False and columns[0] == "label":
        report(f"{table.path}: its column label was passed over")


def _lines(path: Path, file: BinaryIO, number: int) -> Iterator[bytes]:
    for line in iter(lambda: file.readline(LONGEST), b""):
        if len(line) == LONGEST:
            raise DataError(f"{path}, line {number:,}: longer than {LONGEST:,} bytes; this is no row of pixels")
        number += 1
        yield line


def _header(path: Path, line: bytes, labelled: bool | None) -> list[str]:
    """The names of the columns, which must be those of one of the layouts."""
    if not line:
        raise DataError(f"{path}: the file is empty")
    try:
        names = next(csv.reader([line.decode("utf-8-sig").rstrip("\r\n")]), [])
    except (UnicodeDecodeError, csv.Error):
        raise DataError(f"{path}, line 1: this is not a line of text; is the file a CSV?") from None
    names = [name.strip() for name in names]
    if names and all(_is_number(name) for name in names):
        raise DataError(f"{path}, line 1: there is no header; put label,pixel0,…,pixel{PIXELS - 1} above the numbers")
    has_labels = names[:1] == ["label"]
    for layout in LAYOUTS:
        wanted = ["label", *layout] if has_labels else layout
        if names == wanted:
            if labelled and not has_labels:
                raise DataError(f"{path}, line 1: there is no column label, and labels are needed here")
            return names
    raise DataError(f"{path}, line 1{_misfit(names, has_labels)}")


def _misfit(names: list[str], has_labels: bool) -> str:
    """What is wrong with a header, measured by the layout that it agrees with for longest."""

    def agreement(wanted: list[str]) -> int:
        return next(
            (i for i, (a, b) in enumerate(zip(names, wanted, strict=False)) if a != b), min(len(names), len(wanted))
        )

    has_labels = has_labels or names[1:2] == ["label"]  # behind a stray index column
    wanted = max((["label", *layout] if has_labels else layout for layout in LAYOUTS), key=agreement)
    place = agreement(wanted)
    if place == len(names):
        last = place + 1 == len(wanted)
        missing = f"'{wanted[place]}' is" if last else f"'{wanted[place]}' to '{wanted[-1]}' are"
        return f": it ends after {len(names)} columns; {missing} missing"
    if place == len(wanted):
        return f", column {place + 1}: a stray column '{_shown(names[place])}' after '{wanted[-1]}'"
    stray = place + 1 < len(names) and names[place + 1] == wanted[place]
    found = f"a stray column '{_shown(names[place])}'" if stray else f"found '{_shown(names[place])}'"
    if place == 0:
        return f", column 1: {found}; wanted is label,pixel0,…,pixel{PIXELS - 1} or label,1x1,…,28x28 (label optional)"
    return f", column {place + 1}: {found} where '{wanted[place]}' belongs"


def _numbers(path: Path, block: list[bytes], columns: list[str], first: int) -> NDArray[np.int64]:
    """The numbers of a block of lines, (rows, columns); blank lines are left out."""
    import pandas as pd

    rows = sum(not line.isspace() for line in block)
    if rows == 0:
        return np.empty((0, len(columns)), dtype=np.int64)
    content = b"".join(block)
    if b"\0" in content:  # to some versions of pandas the end of a cell
        return _read_slowly(path, block, columns, first)
    try:
        frame = pd.read_csv(io.BytesIO(content), header=None, low_memory=False)
        numbers = frame.to_numpy() if frame.shape == (rows, len(columns)) else None
    except (ValueError, OverflowError):  # a ParserError is a ValueError, and so is text that is not UTF-8
        numbers = None
    if numbers is not None and numbers.dtype.kind in "uif":
        lowest, highest = numbers.min(axis=0), numbers.max(axis=0)
        largest = np.array([_largest(name) for name in columns])
        whole = numbers.dtype.kind != "f" or bool((numbers == np.floor(numbers)).all())
        if whole and (lowest >= 0).all() and (highest <= largest).all():
            return numbers.astype(np.int64, copy=False)
    return _read_slowly(path, block, columns, first)


def _read_slowly(path: Path, block: list[bytes], columns: list[str], first: int) -> NDArray[np.int64]:
    """Read a block cell by cell, to name the first that is wrong."""
    numbers = []
    for line, content in enumerate(block, start=first):
        if content.isspace():
            continue
        where = f"{path}, line {line:,}"
        try:
            cells = next(csv.reader([content.decode("utf-8").rstrip("\r\n")], strict=True), [])
        except (UnicodeDecodeError, csv.Error):
            raise DataError(f"{where}: this is not a line of numbers separated by commas") from None
        if len(cells) != len(columns):
            raise DataError(f"{where}: {len(cells)} values, and the header names {len(columns)} columns")
        numbers.append(
            [
                _number(cell, _largest(name), f"{where}, column {place} ({name})")
                for place, (cell, name) in enumerate(zip(cells, columns, strict=True), start=1)
            ]
        )
    return np.array(numbers, dtype=np.int64)


def _number(cell: str, largest: int, where: str) -> int:
    """The whole number in a cell, or a `DataError` that says what is there instead."""
    wanted = f"wanted is a whole number from 0 to {largest}"
    if not cell.strip():
        raise DataError(f"{where}: there is no value; {wanted}")
    if cell.strip().lower() == "nan":
        raise DataError(f"{where}: the value is missing (NaN); {wanted}")
    if not _is_number(cell):
        raise DataError(f"{where}: '{_shown(cell)}' is no number; {wanted}")
    value = float(cell)
    if not (0 <= value <= largest and value == int(value)):
        raise DataError(f"{where}: {_shown(cell.strip())} does not fit; {wanted}")
    return int(value)


def _images_and_labels(numbers: NDArray[np.int64], columns: list[str], labelled: bool | None) -> Block:
    has_labels = columns[0] == "label"
    images = numbers[:, has_labels:].astype(np.uint8).reshape(-1, SIDE, SIDE)
    return images, numbers[:, 0].copy() if has_labels and labelled is not False else None


def _largest(column: str) -> int:
    return 9 if column == "label" else 255


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None


def _shown(text: str) -> str:
    """The text as it may stand in a message: short, printable, on one line."""
    short = text if len(text) <= 30 else f"{text[:30]}…"
    return "".join(letter if letter.isprintable() else "�" for letter in short)
