"""Fetching the real MNIST: which mirrors there are, in which order they are asked, what each must deliver.

One mirror after another is asked until the cache holds all four files. Only content with the published
sha256 is let in, whatever it came packed in; each mirror that fails is reported in one line, and the next
one tried.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from inkling.data.archives import read_npz
from inkling.data.cache import alone, mnist_cache, remove, verify
from inkling.data.download import MirrorError, Patience, Progress, download, forget, knock
from inkling.data.files import written_beside
from inkling.data.idx import GZIP_MAGIC, MNIST_SHA256, content_sha256, find_idx, write_idx
from inkling.errors import DataError

BYTES = {
    "train-images-idx3-ubyte": 47_040_016,
    "train-labels-idx1-ubyte": 60_008,
    "t10k-images-idx3-ubyte": 7_840_016,
    "t10k-labels-idx1-ubyte": 10_008,
}
TRAINING_IMAGES = 60_000  # OpenML has them first, then the 10,000 of the test set
SLACK = 2**16  # what an archive may add to the content it holds
OWN_COPY = "to use a copy of your own, set INKLING_DATA=FOLDER or say --data FOLDER (with the four IDX files)"


@dataclass(frozen=True)
class Mirror:
    """A place that has MNIST.

    kind "idx": `url` is the folder of the four .gz files. "npz": Keras's single archive. "openml":
    scikit-learn's `fetch_openml`, where `url` only says which server has to be within reach.
    """

    url: str
    kind: Literal["idx", "npz", "openml"] = "idx"


# In order of how little can go wrong. The IDX files are what the hashes were published for, 11 MB that
# arrive with progress and can be taken up after a cut. Keras's archive has the same content in one piece.
# OpenML comes last: its ARFF file is parsed for many seconds in a gigabyte of memory, cannot be taken up
# after a cut, shows no progress, and has been down most often; but it is run by other people on other
# machines.
MIRRORS: tuple[Mirror, ...] = (
    Mirror("https://storage.googleapis.com/cvdf-datasets/mnist/"),
    Mirror("https://ossci-datasets.s3.amazonaws.com/mnist/"),
    Mirror("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz", "npz"),
    Mirror("https://www.openml.org/", "openml"),
)


class DownloadError(DataError):
    """MNIST could not be downloaded. `tried` has a line for each mirror; `offline`: none was within reach."""

    def __init__(self, tried: list[str], offline: bool) -> None:
        self.tried, self.offline = tried, offline
        why = "there seems to be no network" if offline else "no mirror delivered it"
        super().__init__(f"MNIST could not be downloaded: {why} ({'; '.join(tried)}); {OWN_COPY}")


def fetch_mnist(
    *,
    mirrors: Sequence[Mirror] | None = None,
    progress: Progress | None = None,
    report: Callable[[str], None] | None = None,
    patience: Patience | None = None,
) -> Path:
    """Download what is missing or damaged in the cache, and return the folder of MNIST's four files.

    `mirrors` (default `MIRRORS`) are asked in turn; `progress(file, bytes so far, bytes in all or None)` is
    called as bytes arrive, `report` with one line for each thing that goes wrong, as it happens. Raises
    `DownloadError` when no mirror is left, `DataError` where the cache cannot be written.
    """
    mirrors = MIRRORS if mirrors is None else mirrors
    patience = patience or Patience()
    folder = mnist_cache()
    tried: list[str] = []

    def say(line: str) -> None:
        if line not in tried:  # two mirrors on one dead server are one line
            tried.append(line)
            if report:
                report(line)

    with alone(folder):
        for state in verify():
            if state.state == "damaged" and state.path is not None:
                say(f"{state.path} was damaged ({state.detail}) and is downloaded again")
                remove(state.path)
        if not (missing := _missing(folder)):
            return folder
        out_of_reach = knock([mirror.url for mirror in mirrors], patience.connect)
        offline = True
        for mirror in mirrors:
            if why := out_of_reach(mirror.url):
                say(why)
                continue
            offline = False
            try:
                FETCH[mirror.kind](mirror.url, folder, missing, patience, progress)
            except MirrorError as error:
                say(f"{mirror.url}: {error}")
            if not (missing := _missing(folder)):
                for part in folder.glob("*.part"):  # of a mirror that was cut before another had everything
                    forget(part)
                return folder
    raise DownloadError(tried, offline)


def _missing(folder: Path) -> list[str]:
    return [name for name in MNIST_SHA256 if find_idx(folder, name) is None]


def _fetch_idx(url: str, folder: Path, names: list[str], patience: Patience, progress: Progress | None) -> None:
    for name in names:
        part = folder / f"{name}.gz.part"

        def store(part: Path = part, name: str = name) -> None:
            content = _unpacked(part, BYTES[name])
            if hashlib.sha256(content).hexdigest() != MNIST_SHA256[name]:
                raise MirrorError(f"{name}.gz is not MNIST's file (its sha256 is another one)")
            with written_beside(folder / name) as file:
                file.write(content)

        _fetch_and(store, f"{url}{name}.gz", part, name, BYTES[name] + SLACK, patience, progress)


def _fetch_npz(url: str, folder: Path, names: list[str], patience: Patience, progress: Progress | None) -> None:
    part = folder / "mnist.npz.part"

    def store() -> None:
        try:
            digits = read_npz(part)
        except DataError as error:
            raise MirrorError(str(error).removeprefix(f"{part}: ")) from None
        test = digits.test or digits.train
        arrays = digits.train.images, digits.train.labels, test.images, test.labels
        _store_arrays(folder, names, dict(zip(MNIST_SHA256, arrays, strict=True)))

    _fetch_and(store, url, part, "mnist.npz", sum(BYTES.values()) + SLACK, patience, progress)


def _fetch_openml(
    url: str,  # noqa: ARG001
    folder: Path,
    names: list[str],
    patience: Patience,
    progress: Progress | None,
) -> None:
    from inkling.data import openml

    if progress:
        progress("mnist_784 from OpenML", 0, None)
    images, labels = openml.fetch(patience.read)
    cut = TRAINING_IMAGES
    arrays = images[:cut], labels[:cut], images[cut:], labels[cut:]
    _store_arrays(folder, names, dict(zip(MNIST_SHA256, arrays, strict=True)))


FETCH: dict[str, Callable[[str, Path, list[str], Patience, Progress | None], None]] = {
    "idx": _fetch_idx,
    "npz": _fetch_npz,
    "openml": _fetch_openml,
}


def _fetch_and(
    store: Callable[[], None],
    url: str,
    part: Path,
    label: str,
    largest: int,
    patience: Patience,
    progress: Progress | None,
) -> None:
    """Download and store. What was pieced together and turns out wrong is fetched once more in one piece."""
    resumed = download(url, part, label=label, largest=largest, patience=patience, progress=progress)
    try:
        store()
    except MirrorError:
        forget(part)
        if not resumed:
            raise
        _fetch_and(store, url, part, label, largest, patience, progress)
    forget(part)


def _store_arrays(folder: Path, names: list[str], arrays: dict[str, NDArray[Any]]) -> None:
    for name in names:
        array = arrays[name].astype(np.uint8)
        if content_sha256(array) != MNIST_SHA256[name]:
            raise MirrorError(f"what it has for {name} is not MNIST (its sha256 is another one)")
        write_idx(folder / name, array)


def _unpacked(part: Path, size: int) -> bytes:
    """The `size` bytes of content of a file that may be gzip-compressed, never unpacking more than that."""
    content = part.read_bytes()
    if not content.startswith(GZIP_MAGIC):
        if content.lstrip()[:1] == b"<":
            raise MirrorError("answered with a web page instead of the file")
        if content[:2] != b"\0\0":
            raise MirrorError("sent a file that is neither gzip nor IDX")
    else:
        unpacker = zlib.decompressobj(wbits=31)
        try:
            content = unpacker.decompress(content, size + 1)
        except zlib.error:
            raise MirrorError("sent a damaged gzip file") from None
        if not unpacker.eof and len(content) <= size:
            raise MirrorError("sent a file that is cut short")
    if len(content) != size:
        raise MirrorError(f"sent a file of {'more than ' * (len(content) > size)}{min(len(content), size):,} bytes")
    return content
