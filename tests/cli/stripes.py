"""What the tests of the command line share: stripes that stand in for digits, as arrays, tables and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from inkling.data import Split


@dataclass(frozen=True)
class Answer:
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Inkling = Callable[..., Answer]


def stripes(count: int, seed: int = 0) -> Split:
    """Images that are easy to tell apart: digit k is a bright stripe at row 2k + 4, in some noise."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = random.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[2 * label + 4 : 2 * label + 6, 4:24] = 255
    return Split(images, labels)


def write_csv(path: Path, split: Split, *, labelled: bool = True) -> Path:
    """Kaggle's kind of table."""
    head = [*(["label"] if labelled else []), *(f"pixel{i}" for i in range(784))]
    rows = [",".join(head)]
    for image, label in zip(split.images, split.labels, strict=True):
        rows.append(",".join(map(str, [*([label] if labelled else []), *image.ravel()])))
    path.write_text("\n".join(rows) + "\n")
    return path


def picture(path: Path, digit: int = 7) -> Path:
    """One of the stripes as a PNG."""
    Image.fromarray(stripes(10).images[digit]).save(path)
    return path
