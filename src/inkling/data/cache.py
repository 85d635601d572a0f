"""The cache: where downloaded MNIST is kept, and how we know that it is the real one.

The four files lie there uncompressed, because that is fastest to read, and a file enters only under its
published sha256. Each loading compares the hashes again (which costs less than reading the files), so that a
file damaged since then is noticed before anything is trained on it.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inkling.data.files import cause
from inkling.data.idx import MNIST_SHA256, content_sha256, find_idx, read_idx
from inkling.errors import DataError

LOCK = ".lock"


@dataclass(frozen=True)
class FileState:
    """One of MNIST's four files in some folder: whether it is there, and is what was published."""

    name: str
    path: Path | None
    state: Literal["ok", "damaged", "missing"]
    detail: str


@dataclass(frozen=True)
class CachedFile:
    """A file in the cache; `verified` means that its hash is the published one."""

    path: Path
    bytes: int
    verified: bool


def cache_folder() -> Path:
    """Where downloads are kept: $INKLING_CACHE, or else the system's place for caches. It may not exist yet."""
    if place := os.environ.get("INKLING_CACHE"):
        return Path(place).expanduser()
    import platformdirs

    return platformdirs.user_cache_path("inkling", appauthor=False)


def mnist_cache() -> Path:
    """The folder of MNIST's files within the cache. It may not exist yet."""
    return cache_folder() / "mnist"


def verify(folder: str | Path | None = None) -> list[FileState]:
    """Compare the four files of a folder (the cache, if none is named) with what was published.

    Raises `DataError` where a folder is named that does not exist.
    """
    if folder is not None and not Path(folder).expanduser().is_dir():
        raise DataError(f"{folder}: there is no such folder")
    place = mnist_cache() if folder is None else Path(folder).expanduser()
    return [_state(place, name) for name in MNIST_SHA256]


def cached_files() -> list[CachedFile]:
    """What is in the cache: MNIST's files, and parts of downloads that were cut."""
    found = [CachedFile(s.path, s.path.stat().st_size, s.state == "ok") for s in verify() if s.path is not None]
    return found + [CachedFile(part, part.stat().st_size, False) for part in sorted(mnist_cache().glob("*.part"))]


def clear_cache() -> list[Path]:
    """Remove what Inkling put into the cache, and nothing else. Returns the removed files."""
    removed = []
    folder = mnist_cache()
    for path in sorted(folder.iterdir()) if folder.is_dir() else []:
        if path.name == LOCK or path.name.lstrip(".").split(".")[0] in {*MNIST_SHA256, "mnist"}:
            remove(path)
            removed.append(path)
    with contextlib.suppress(OSError):  # somebody else's file is in it
        folder.rmdir()
    return removed


def remove(path: Path) -> None:
    """Remove a file, or raise a `DataError` that says why it cannot be."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{path}: cannot be removed: {cause(error)}") from None


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let one process at a time download: the others wait, and then find everything there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / LOCK).open("ab")
    except OSError as error:
        raise DataError(f"the cache {folder} cannot be written ({cause(error)}); set INKLING_CACHE") from None
    with lock:
        with contextlib.suppress(OSError):  # a network drive without locks
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
            else:
                import fcntl

                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _state(folder: Path, name: str) -> FileState:
    path = find_idx(folder, name)
    if path is None:
        return FileState(name, None, "missing", f"no such file in {folder}")
    try:
        digest = content_sha256(read_idx(path))
    except DataError as error:
        return FileState(name, path, "damaged", str(error).removeprefix(f"{path}: "))
    if digest != MNIST_SHA256[name]:
        return FileState(name, path, "damaged", "it is not the file that was published: its sha256 is another one")
    return FileState(name, path, "ok", "sha256 as published")
