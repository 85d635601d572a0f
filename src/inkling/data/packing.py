"""A table's bytes, however they come: plain, gzip-compressed, or a member of a zip file, as Kaggle hands them out.

Nothing is unpacked to disk or held in memory: whoever reads (tables.py) takes line after line from the stream.
"""

from __future__ import annotations

import gzip
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from inkling.data.files import cause, open_for_reading
from inkling.data.idx import GZIP_MAGIC
from inkling.errors import DataError

ZIP_MAGIC = b"PK\x03\x04"


@dataclass(frozen=True)
class Unpacked:
    """The bytes of a table, and how far in the file one is."""

    path: Path
    """Where the table lies, for messages; a zip's member as if the zip were a folder: `all.zip/train.csv`."""
    stream: BinaryIO
    position: Callable[[], int]
    size: int | None
    """What `position` comes to at the end; None where nobody knows, as for a pipe."""


@contextmanager
def unpacked(path: Path, preferred: str) -> Iterator[Unpacked]:
    """Open a table. How it is packed is told by its first bytes, not by its name.

    Of several tables in a zip file the one called `preferred` is taken. Raises `DataError`, also while the stream is
    being read, where the file cannot be opened, is damaged, or holds no such table.
    """
    with open_for_reading(path) as file:
        try:
            magic = file.peek(len(ZIP_MAGIC))[: len(ZIP_MAGIC)]  # a pipe could not go back to its beginning
        except OSError as error:
            raise DataError(f"{path}: {cause(error)}") from None
        position, size = (file.tell, os.fstat(file.fileno()).st_size) if file.seekable() else (lambda: 0, None)
        if magic != ZIP_MAGIC and not magic.startswith(GZIP_MAGIC):
            yield Unpacked(path, file, position, size)
            return
        try:
            if magic == ZIP_MAGIC:
                member, content = open_member(path, file, preferred)
                stream = cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, content)))
                yield Unpacked(path / member.filename, stream, content.tell, member.file_size)
            else:
                stream = cast(BinaryIO, gzip.GzipFile(fileobj=file))
                yield Unpacked(path, stream, position, size)
        except EOFError:
            raise DataError(f"{path}: the compressed file ends too early (a cut download?)") from None
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError) as error:
            raise DataError(f"{path}: the compressed file is damaged ({error})") from None


def open_member(path: Path, file: BinaryIO, preferred: str) -> tuple[zipfile.ZipInfo, zipfile.ZipExtFile]:
    """The table in a zip file: what the file says of it, and its content as a stream."""
    try:
        archive = zipfile.ZipFile(file)
        member = choose(path, archive, preferred)
        return member, cast(zipfile.ZipExtFile, archive.open(member))
    except (DataError, zipfile.BadZipFile):
        raise
    except (RuntimeError, NotImplementedError) as error:  # a password; a way of packing that Python does not know
        raise DataError(f"{path}: cannot be unpacked here ({error}); unpack it and name the .csv") from None
    except (ValueError, OverflowError, struct.error) as error:
        raise DataError(f"{path}: the compressed file is damaged ({error})") from None


def choose(path: Path, archive: zipfile.ZipFile, preferred: str) -> zipfile.ZipInfo:
    """The member that is meant: the only table, or among several the one of the preferred name.

    A single table may have any name, but train.csv is never taken for test.csv.
    """
    # macOS puts shadows of the files beside them, called __MACOSX/._train.csv.
    names = [(PurePosixPath(member.filename).name, member) for member in archive.infolist()]
    tables = [(name, member) for name, member in names if name.lower().endswith(".csv") and not name.startswith("._")]
    meant = tables if len(tables) == 1 else [table for table in tables if table[0] == preferred]
    if preferred == "test.csv" and [name for name, _ in tables] == ["train.csv"]:
        raise DataError(f"{path}: it holds train.csv, and no test.csv; to read it all the same, unpack it and name it")
    if len(meant) == 1:
        return meant[0][1]
    if not tables:
        raise DataError(f"{path}: there is no .csv in this zip file")
    found = "".join(c if c.isprintable() else "?" for c in ", ".join(member.filename for _, member in tables))
    raise DataError(f"{path}: it holds {found[:200]}, and which is meant is not clear; unpack it and name one")
