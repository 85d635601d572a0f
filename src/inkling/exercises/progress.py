"""Which exercises were once right: a small file beside the cache, so that `inkling exercise list` can tick them off."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from inkling.data import cache_folder
from inkling.errors import InklingError
from inkling.storage import write_json


def progress_file() -> Path:
    """Where it is kept; it may not exist yet."""
    return cache_folder() / "exercises.json"


def done() -> set[str]:
    """The names of the exercises that were once right; none if the file is missing or damaged."""
    try:
        names = json.loads(progress_file().read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return set()
    return {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()


def remember(names: set[str]) -> None:
    """Tick these off, too. Where nothing can be written, nothing is: it is no reason to stop."""
    before = done()
    if not names <= before:
        with contextlib.suppress(InklingError):
            write_json(progress_file(), sorted(before | names))
