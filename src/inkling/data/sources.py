"""One door for all data: `load_data` takes what a user may say after `--data` and returns divided digits.

What is asked for by name is looked for in this order: `$INKLING_DATA`, the cache, the network, and, for
`auto` alone, the digits that come with scikit-learn. What is asked for by path is told apart by what lies
there and by its ending.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from inkling.data.archives import read_npz
from inkling.data.bundled import bundled_digits
from inkling.data.cache import mnist_cache
from inkling.data.files import cause
from inkling.data.idx import MNIST_SHA256, find_idx, read_idx_folder
from inkling.data.images import is_image_folder, read_image_folder
from inkling.data.mirrors import DownloadError, fetch_mnist
from inkling.data.splits import Digits, Split, SplitPlan, divide
from inkling.data.tables import read_csv
from inkling.errors import DataError

Progress = Callable[[str, int, int | None], None]
Report = Callable[[str], None]
KNOWN = "auto, mnist, digits, a folder (IDX files, or pictures sorted into 0/ to 9/), a .csv, .csv.gz or .zip, an .npz"


def load_data(
    source: str | Path = "auto",
    *,
    plan: SplitPlan | None = None,
    max_train_samples: int | None = None,
    progress: Progress | None = None,
    report: Report | None = None,
) -> Digits:
    """Load digits and divide them.

    source: "auto": `$INKLING_DATA`, else the cache, else a download, else (no network) scikit-learn's bundled
        digits. "mnist": the same without the bundled digits. "digits": those. Or a path: a folder of IDX
        files (plain or .gz), a folder of pictures sorted into `0/` … `9/`, a `.csv`, plain or in a `.gz` or `.zip`,
        an `.npz`.
    plan: how to divide (see `SplitPlan`); without one, see `divide`.
    max_train_samples: at most so many training images, whatever the plan says.
    progress: called as `progress(what, done, total or None)` while something takes long.
    report: called with a line for each mirror that fails, as it happens.

    Raises `DataError`, in one line that says what is wrong, where, and what would work.
    """
    return divide(_find(source, progress, report), plan, max_train_samples=max_train_samples)


def read_path(path: str | Path, progress: Progress | None = None) -> Digits:
    """Read digits from a file or a folder, not yet divided. Raises `DataError` where there are none."""
    if not str(path).strip():
        raise DataError(f"the data source is an empty text; it can be {KNOWN}")
    path = Path(path).expanduser()
    try:
        if path.is_dir():
            return _read_folder(path, progress)
        found = path.exists()
    except OSError as error:
        raise DataError(f"{path}: {cause(error)}") from None
    if not found:
        raise DataError(f"{path}: there is no such file or folder; a data source can be {KNOWN}")
    name = path.name.lower()
    if name.endswith(".npz"):
        return read_npz(path)
    if name.endswith((".csv", ".csv.gz", ".zip")):
        images, labels = read_csv(path, labelled=True, progress=progress)
        assert labels is not None
        return Digits(Split(images, labels), None, None, f"csv:{path.name}", f"the table {path}")
    if "ubyte" in name:
        raise DataError(f"{path}: this is one of MNIST's four files; name the folder they are in")
    raise DataError(f"{path}: no known ending; a data source can be {KNOWN}")


def _find(source: str | Path, progress: Progress | None, report: Report | None) -> Digits:
    if source == "digits":
        return bundled_digits()
    if source not in ("auto", "mnist"):
        return read_path(source, progress)
    if place := os.environ.get("INKLING_DATA"):
        try:
            digits = read_path(place, progress)
        except DataError as error:
            raise DataError(f"$INKLING_DATA: {error}") from None
        return replace(digits, note=f"{digits.note}, where $INKLING_DATA points")
    if (cached := _cached()) is not None:
        return cached
    try:
        fetch_mnist(progress=progress, report=report)
        if (cached := _cached()) is not None:
            return cached
        raise DataError(f"{mnist_cache()}: the files just stored cannot be read back")
    except DataError as error:
        if source == "mnist":
            raise
        offline = isinstance(error, DownloadError) and error.offline
        why = "there is no network to download MNIST" if offline else str(error)
        digits = bundled_digits()
        return replace(digits, note=f"{digits.note}, because {why}")


def _cached() -> Digits | None:
    """MNIST from the cache, or None unless all of it is there and is what was published."""
    folder = mnist_cache()
    if any(find_idx(folder, name) is None for name in MNIST_SHA256):
        return None
    try:
        digits = read_idx_folder(folder)
    except DataError:
        return None
    return replace(digits, note=f"the real MNIST from the cache {folder}") if digits.source == "mnist" else None


def _read_folder(path: Path, progress: Progress | None) -> Digits:
    if any(find_idx(path, name) for name in MNIST_SHA256):
        return read_idx_folder(path)
    if is_image_folder(path):
        return read_image_folder(path, progress)
    raise DataError(
        f"{path}: this folder holds neither IDX files (train-images-idx3-ubyte …, plain or .gz) nor folders 0 to 9 of "
        "pictures"
    )
