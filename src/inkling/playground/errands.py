"""What the server asks of a session's process on its own account, besides passing on what the page says."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Errand:
    """Something that wants an answer, which repeats its number."""

    number: int


@dataclass(frozen=True)
class Greet(Errand):
    """A page has come (or come back): what must it know?"""


@dataclass(frozen=True)
class Save(Errand):
    """Write the network to this file."""

    path: Path


@dataclass(frozen=True)
class Load(Errand):
    """Go on with the network in this file."""

    path: Path


@dataclass(frozen=True)
class WriteRun(Errand):
    """Write what is known of the training into this folder, for a report."""

    folder: Path


@dataclass(frozen=True)
class Sample(Errand):
    """One image of a split."""

    split: str
    index: int


@dataclass(frozen=True)
class Uploaded(Errand):
    """There are new images: their name, and where they are kept."""

    name: str
    folder: Path


@dataclass(frozen=True)
class Share:
    """From now on this session may use so many cores."""

    threads: int
