"""NumPy archives: Keras's `mnist.npz` and anybody's own."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkling.data.files import open_for_reading
from inkling.data.splits import SIDE, Digits, Split
from inkling.errors import DataError

NAMES = (("x_train", "y_train"), ("images", "labels"), ("x", "y"))
LARGEST = 2**32  # bytes of one array: a zip file that promises more is damaged, or a bomb


def read_npz(path: str | Path) -> Digits:
    """Read an .npz with `x_train`, `y_train` (and `x_test`, `y_test`), or `images`, `labels`, or `x`, `y`.

    Images: (n, 28, 28), (n, 28, 28, 1) or (n, 784), whole numbers 0 to 255; labels: (n,), whole numbers 0 to 9.
    Nothing is unpickled. Raises `DataError`, naming the file, the array and the place in it, for anything else.
    """
    path = Path(path)
    with open_for_reading(path) as file:
        try:
            with zipfile.ZipFile(file) as members:
                promised = sum(member.file_size for member in members.infolist())
            if promised > LARGEST:
                raise DataError(f"{path}: the archive promises {promised:,} bytes: it is damaged")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                pair = next((pair for pair in NAMES if set(pair) <= set(archive.files)), None)
                if pair is None:
                    wanted = " or ".join(" and ".join(pair) for pair in NAMES)
                    # A damaged archive may have anything in its names, line breaks too.
                    found = "".join(c if c.isprintable() else "?" for c in ", ".join(archive.files)) or "nothing"
                    raise DataError(f"{path}: it holds {found[:200]}; wanted are {wanted}")
                train, test = _split(path, archive, *pair), None
                if pair == NAMES[0] and {"x_test", "y_test"} & set(archive.files):
                    test = _split(path, archive, "x_test", "y_test")
        except DataError:
            raise
        except Exception as error:  # zipfile, zlib and NumPy's parser each stumble in their own ways
            reason = "the file is empty" if path.stat().st_size == 0 else f"not a readable .npz archive ({error})"
            raise DataError(f"{path}: {' '.join(reason.split())}") from None
    return Digits(train, None, test, f"npz:{path.name}", f"the archive {path}")


def whole_numbers(array: NDArray[Any], largest: int, where: str) -> NDArray[Any]:
    """The array, if all its numbers are whole and in 0 … largest; else a `DataError` for the first that isn't."""
    if array.dtype.kind not in "uifb":
        raise DataError(f"{where}: its elements are {array.dtype}, and whole numbers are needed")
    if array.dtype == np.uint8 and largest == 255:
        return array
    with np.errstate(invalid="ignore"):
        right = (array >= 0) & (array <= largest)
        if array.dtype.kind == "f":
            right &= array == np.floor(array)
    if not right.all():
        place = np.unravel_index(int(np.argmin(right)), array.shape)
        shown = ", ".join(str(int(index)) for index in place)
        raise DataError(f"{where}[{shown}] is {array[place]}; wanted are whole numbers from 0 to {largest}")
    return array


def _split(path: Path, archive: Any, images_name: str, labels_name: str) -> Split:
    for name in (images_name, labels_name):
        if name not in archive.files:
            raise DataError(f"{path}: there is no array {name}")
    images, labels = archive[images_name], archive[labels_name]
    if images.ndim < 2 or images.shape[1:] not in ((SIDE, SIDE), (SIDE, SIDE, 1), (SIDE * SIDE,)):
        raise DataError(
            f"{path}: {images_name} has the shape {images.shape}; wanted is (n, {SIDE}, {SIDE}) or (n, {SIDE * SIDE})"
        )
    if labels.ndim != 1 or len(labels) != len(images):
        raise DataError(
            f"{path}: {labels_name} has the shape {labels.shape}; wanted is ({len(images)},), a label for each image"
        )
    if not len(images):
        raise DataError(f"{path}: {images_name} holds no images")
    whole_numbers(labels, 9, f"{path}: {labels_name}")
    whole_numbers(images, 255, f"{path}: {images_name}")
    return Split(images.astype(np.uint8).reshape(-1, SIDE, SIDE), labels.astype(np.int64))
