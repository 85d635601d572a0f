"""Picture files: one digit from a PNG or JPEG, and a folder of them sorted into `0/` … `9/`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkling.data.files import cause
from inkling.data.pictures import GREY_ENOUGH, opened
from inkling.data.splits import SIDE, Digits, Split
from inkling.errors import DataError

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".pgm"}


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """Read one picture of a digit in MNIST's form: 28 × 28 pixels, light ink on dark paper.

    Returns uint8 (28, 28). A picture stored in colour is taken where its colours are greys and nothing is
    transparent. Raises `DataError`, naming the file, for anything that is not such a picture.
    """
    with opened(path) as picture:
        if picture.size != (SIDE, SIDE):  # asked before a single pixel is decoded
            width, height = picture.size
            raise DataError(f"the picture is {width} × {height} pixels; it must be {SIDE} × {SIDE}")
        if picture.mode in ("L", "1"):
            return np.array(picture.convert("L"))
        if picture.mode.startswith(("I", "F")):
            raise DataError("the picture has more than 8 bits a pixel; save it as 8-bit greyscale")
        colours = np.array(picture.convert("RGBA"))
        if colours[..., 3].min() < 255:
            raise DataError("the picture has transparent pixels; save it as greyscale without transparency")
        if np.ptp(colours[..., :3], axis=2).max() > GREY_ENOUGH:
            raise DataError("the picture is in colour; save it as greyscale")
        return np.array(picture.convert("L"))


def is_image_folder(folder: Path) -> bool:
    """Whether pictures are sorted into folders named after digits here, or in `train/`."""
    return any((place / str(digit)).is_dir() for place in (folder, folder / "train") for digit in range(10))


def read_image_folder(folder: Path, progress: Callable[[str, int, int | None], None] | None = None) -> Digits:
    """Read pictures sorted into `0/` … `9/`, or into `train/0/` … and, optionally, `test/0/` ….

    `progress(folder, done, total)` counts pictures. Raises `DataError` for a folder whose name is a number
    but no digit, for a picture `read_image` refuses, and where there are no pictures.
    """
    note = f"pictures from the folder {folder}"
    source = f"images:{folder.resolve().name}"
    if (folder / "train").is_dir():
        test = _read_sorted(folder / "test", progress) if (folder / "test").is_dir() else None
        return Digits(_read_sorted(folder / "train", progress), None, test, source, note)
    return Digits(_read_sorted(folder, progress), None, None, source, note)


def _read_sorted(folder: Path, progress: Callable[[str, int, int | None], None] | None) -> Split:
    try:
        places = sorted(place for place in folder.iterdir() if place.is_dir() and place.name.isdecimal())
        for place in places:
            if place.name not in tuple("0123456789"):
                raise DataError(f"{place}: a folder of pictures is named after its digit, 0 to 9")
        # One of each digit in turn, so that the first thousand of them are not all zeros.
        files = sorted(
            (turn, int(place.name), path)
            for place in places
            for turn, path in enumerate(
                sorted(Path(entry) for entry in os.scandir(place) if Path(entry).suffix.lower() in ENDINGS)
            )
        )
    except OSError as error:
        raise DataError(f"{error.filename or folder}: {cause(error)}") from None
    if not files:
        raise DataError(f"{folder}: there are no pictures in its folders 0 to 9 ({', '.join(sorted(ENDINGS))})")
    images = np.empty((len(files), SIDE, SIDE), dtype=np.uint8)
    for done, (_, _, path) in enumerate(files):
        images[done] = read_image(path)
        if progress and (done % 100 == 99 or done + 1 == len(files)):
            progress(folder.name, done + 1, len(files))
    return Split(images, np.array([digit for _, digit, _ in files], dtype=np.int64))
