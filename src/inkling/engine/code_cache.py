"""Where the compiled engine's code is kept, and what is there already.

Compiling takes some ten seconds, once: Numba keeps the result on disk, in the user's cache, in a folder that belongs to
exactly these source files. What has been compiled is noted by the kinds of layers, so that a short training need not
load Numba to know whether its code is there.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inkling.nn import Network

logger = logging.getLogger("inkling")
SOURCES = Path(__file__).with_name("compiled")


def folder() -> Path:
    """Where the code that is compiled from these files is kept."""
    from importlib.metadata import PackageNotFoundError, version

    from platformdirs import user_cache_path

    sources = hashlib.sha256()
    for file in sorted(SOURCES.glob("*.py")):
        sources.update(file.read_bytes())
    with suppress(PackageNotFoundError):
        sources.update(version("numba").encode())
    sources.update(f"{sys.version_info[:2]}".encode())
    return user_cache_path("inkling") / "compiled" / sources.hexdigest()[:16]


@contextmanager
def keeping_code() -> Iterator[None]:
    """Within, Numba notes of every function that is declared to be kept on disk that its place is `folder`.

    Raises ImportError if nothing can be written there: to compile anew in each process would take too long.
    """
    from numba import config

    place = folder()
    try:
        place.mkdir(parents=True, exist_ok=True)
        probe = place / f".{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ImportError(f"its code cannot be kept in {place}: {error.strerror or error}") from None
    forget_older(place)
    before = config.CACHE_DIR  # type: ignore[attr-defined]
    config.CACHE_DIR = str(place)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        config.CACHE_DIR = before  # type: ignore[attr-defined]


def forget_older(place: Path) -> None:
    """Remove what was compiled from earlier versions of these files, but for the latest one, which may be in use."""
    others = [other for other in place.parent.iterdir() if other != place and other.is_dir()]
    for other in sorted(others, key=lambda each: each.stat().st_mtime)[:-1]:
        shutil.rmtree(other, ignore_errors=True)


def note(network: Network, *, training: bool) -> Path:
    """The file that is there if code for such layers has been compiled, to learn or only to answer."""
    kinds = hashlib.sha256(" ".join(sorted({type(layer).__name__ for layer in network.layers})).encode())
    return folder() / f"{'learn' if training else 'answer'} {network.dtype.name} {kinds.hexdigest()[:16]}"


def holds(network: Network, *, training: bool = True) -> bool:
    """Whether code for such layers is there."""
    return note(network, training=training).exists()


@contextmanager
def compiling(network: Network, *, training: bool = True) -> Iterator[bool]:
    """Within, code for such layers is to be compiled, if this says so; that is told, and noted afterwards."""
    kinds = (True, False) if training else (False,)  # whoever has learned will be asked
    missing = [kind for kind in kinds if not holds(network, training=kind)]
    if missing:
        logger.info("compiling the engine for this machine, once: some ten seconds …")
    yield bool(missing)
    with suppress(OSError):
        for kind in missing:
            note(network, training=kind).touch()
