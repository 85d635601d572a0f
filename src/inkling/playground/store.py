"""Digits on disk, as arrays that any number of processes look at where they lie: loaded once, held in memory once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from inkling.data import Digits, Split
from inkling.errors import InklingError

SPLITS = ("train", "validation", "test")


def keep(digits: Digits, folder: Path) -> None:
    """Write digits into a new folder."""
    folder.mkdir(parents=True)
    for name in SPLITS:
        split = getattr(digits, name)
        if split is not None:
            np.save(folder / f"{name}_images.npy", split.images)
            np.save(folder / f"{name}_labels.npy", split.labels)
    (folder / "about.json").write_text(json.dumps({"source": digits.source, "note": digits.note}), encoding="utf-8")


def open_kept(folder: Path) -> Digits:
    """Digits that were kept there; their images are mapped, not read. Raises InklingError if there are none."""
    if not (folder / "about.json").is_file():
        raise InklingError("these images are not here any more: upload them again")
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    found: dict[str, Split | None] = {}
    for name in SPLITS:
        path = folder / f"{name}_images.npy"
        found[name] = None
        if path.exists():
            images = np.asarray(np.load(path, mmap_mode="r"))
            found[name] = Split(images, np.load(folder / f"{name}_labels.npy"))
    train = found["train"]
    assert train is not None
    return Digits(train, found["validation"], found["test"], about["source"], about["note"])


def described(name: str, digits: Digits) -> dict[str, str | int]:
    """What the page is told about digits: their name in a set-up, and how many there are."""
    counts = {split: len(getattr(digits, split) or ()) for split in SPLITS}
    return {"name": name, "note": digits.note, "source": digits.source, **counts}
