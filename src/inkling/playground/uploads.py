"""A visitor's own digits: a file from anywhere, read with suspicion.

The readers are those of `inkling.data`; what stands here sees to it that they are never handed more than they should
chew: how large a file may be, what an archive may unpack to, how many pixels a picture may have, and that nothing is
written outside the session's own folder. It runs as a job (jobs.py), so that the worst file ends nothing but itself.
"""

from __future__ import annotations

import gzip
import stat
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from inkling.data import Digits, divide, read_path, to_mnist
from inkling.data.images import ENDINGS
from inkling.errors import DataError
from inkling.playground import store
from inkling.playground.messages import LIMITS

CHUNK = 1 << 20
KNOWN = "a .csv, a .csv.gz, an .npz, or a .zip of pictures sorted into folders 0 to 9, of IDX files, or of a .csv"
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError)
"""What zipfile raises while it unpacks a file that is none."""
LEAST = 10
"""Images: fewer cannot be divided into those to learn from and those to judge by."""


def take_in(file: Path, name: str, folder: Path) -> None:
    """Read an uploaded file, called `name` by whoever sent it, and keep its digits in a new folder.

    Raises DataError in one line, which speaks of the file by that name.
    """
    beside = file.with_name(f"{folder.name}-unpacked")
    beside.mkdir()
    try:
        digits = read(file, name, beside)
    except DataError as error:
        told = str(error).replace(f"{beside}/", "").replace(str(beside), name)
        raise DataError(told if name in told else f"{name}: {told}") from None
    parts = [len(part) for part in (digits.train, digits.validation, digits.test) if part is not None]
    if sum(parts) > LIMITS["upload_images"]:
        raise DataError(f"{name}: it holds {sum(parts):,} images; {LIMITS['upload_images']:,} are the most here")
    if sum(parts) < LEAST:
        raise DataError(f"{name}: it holds {sum(parts)} images; {LEAST} are the least to learn from and to judge by")
    digits = divide(digits)
    store.keep(Digits(digits.train, digits.validation, digits.test, f"upload:{name}", f"Your file {name}."), folder)


def read(file: Path, name: str, beside: Path) -> Digits:
    """The digits in the file; what has to be unpacked first is unpacked into `beside`."""
    lower = name.lower()
    budget = Budget()
    if lower.endswith(".npz"):
        with opened(file, name) as archive:
            budget.promise(sum(member.file_size for member in archive.infolist()))
        place = beside / "digits.npz"
        in_small_letters(file, name, place)
    elif lower.endswith(".csv"):
        place = beside / "digits.csv"
        file.rename(place)
    elif lower.endswith(".csv.gz"):
        place = beside / "digits.csv"
        with gzip.open(file) as packed:
            write(packed, place, budget)
    elif lower.endswith(".zip"):
        with opened(file, name) as archive:
            unpack(archive, name, beside, budget)
        place = find(beside, name)
    else:
        raise DataError(f"{name}: no known ending; it can be {KNOWN}")
    try:
        return read_path(place)
    except DataError as error:
        raise DataError(str(error).replace(str(place), name)) from None


class Readable(Protocol):
    """A file that is open for reading, packed or not."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many."""


class Budget:
    """How many bytes may still be unpacked."""

    def __init__(self) -> None:
        self.left = LIMITS["unpacked_bytes"]

    def promise(self, size: int) -> None:
        """Raise DataError if an archive says itself that it holds more."""
        if size > self.left:
            raise DataError(f"unpacked it would be {size:,} bytes; {LIMITS['unpacked_bytes']:,} are the most here")

    def spend(self, size: int) -> None:
        """Raise DataError once more was unpacked, whatever was promised."""
        self.left -= size
        if self.left < 0:
            raise DataError(f"unpacked it is more than {LIMITS['unpacked_bytes']:,} bytes, the most here")


def opened(file: Path, name: str) -> zipfile.ZipFile:
    """The archive. Raises DataError if it is none."""
    try:
        return zipfile.ZipFile(file)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{name}: it is no zip archive, or damaged ({error})") from None


def in_small_letters(file: Path, name: str, place: Path) -> None:
    """Put an .npz at its place; arrays called X and y, as in scikit-learn, as the x and y that the reader knows."""
    with opened(file, name) as archive:
        members = {member.filename: member for member in archive.infolist()}
        if not {"X.npy", "y.npy"} <= members.keys():
            file.rename(place)
            return
        try:
            with zipfile.ZipFile(place, "w") as renamed:
                for letter in ("X", "y"):
                    renamed.writestr(f"{letter.lower()}.npy", archive.read(members[f"{letter}.npy"]))
        except DAMAGED as error:
            raise DataError(f"{name}: it cannot be unpacked ({error})") from None


def unpack(archive: zipfile.ZipFile, name: str, beside: Path, budget: Budget) -> None:
    """Unpack the archive, if all of it is harmless: looked at as a whole before the first byte is written."""
    members = list(harmless(archive, name))
    if len(members) > LIMITS["upload_images"]:
        raise DataError(f"{name}: it holds {len(members):,} files; {LIMITS['upload_images']:,} are the most here")
    budget.promise(sum(member.file_size for member in members))
    for member in members:
        place = beside.joinpath(*PurePosixPath(member.filename).parts)
        if not place.resolve().is_relative_to(beside.resolve()):
            raise DataError(f"{name}: {member.filename!r} lies outside of the archive; nothing was unpacked")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as packed:
                if place.suffix.lower() == ".gz":
                    with gzip.open(packed) as inner:
                        write(inner, place.with_suffix(""), budget)
                else:
                    write(packed, place, budget)
        except DataError:
            raise
        except DAMAGED as error:
            raise DataError(f"{name}: {member.filename[:80]!r} cannot be unpacked ({error})") from None


def harmless(archive: zipfile.ZipFile, name: str) -> Iterator[zipfile.ZipInfo]:
    """The files of an archive. Raises DataError for one that would be written elsewhere, or is no plain file."""
    for member in archive.infolist():
        path = member.filename
        parts = PurePosixPath(path).parts
        if path.startswith("/") or "\\" in path or ".." in parts or ":" in path or not path.isprintable() or not parts:
            raise DataError(f"{name}: {path[:80]!r} leads out of the archive; nothing was unpacked")
        mode = member.external_attr >> 16
        if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise DataError(f"{name}: {path[:80]!r} is a link or a device; nothing was unpacked")
        if member.flag_bits & 1:
            raise DataError(f"{name}: {path[:80]!r} is encrypted; nothing was unpacked")
        if not member.is_dir() and parts[0] != "__MACOSX" and not parts[-1].startswith("."):
            yield member


def write(packed: Readable, place: Path, budget: Budget) -> None:
    """Unpack one file, as long as the budget lasts."""
    try:
        with place.open("wb") as file:
            while chunk := packed.read(CHUNK):
                budget.spend(len(chunk))
                file.write(chunk)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{place.name}: it is damaged ({error})") from None


def find(folder: Path, name: str) -> Path:
    """Where the digits are in what was unpacked: its only table, or the folder of pictures or IDX files."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    if not files:
        raise DataError(f"{name}: the archive is empty")
    tables = [path for path in files if path.suffix.lower() in (".csv", ".npz")]
    if len(tables) == 1 and len(files) == 1:
        return tables[0]
    pictures = [path for path in files if path.suffix.lower() in ENDINGS]
    for path in pictures:
        as_mnist(path)
    while [path for path in folder.iterdir() if not path.is_file()] == list(folder.iterdir()) and not sorted_here(
        folder
    ):
        inner = list(folder.iterdir())
        if len(inner) != 1:
            break
        folder = inner[0]
    return folder


def sorted_here(folder: Path) -> bool:
    """Whether folders named after digits are here, or in train/."""
    return any((place / str(digit)).is_dir() for place in (folder, folder / "train") for digit in range(10))


def as_mnist(path: Path) -> None:
    """Bring a picture into MNIST's form, where it lies. Raises DataError if it is too large, before it is decoded."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; what counts is asked below
            with Image.open(path) as picture:
                width, height = picture.size
    except Image.DecompressionBombError:  # so many pixels that Pillow does not even look
        width = height = LIMITS["picture_pixels"]
    except Exception:
        raise DataError(f"{path}: it is no readable picture") from None
    most = LIMITS["picture_pixels"]
    if width * height > most:
        raise DataError(
            f"{path}: the picture has more than {most // 10**6} million pixels, the most here; make it smaller"
        )
    image = to_mnist(path).image
    path.unlink()
    Image.fromarray(image).save(path.with_name(f"{path.stem}.{path.suffix[1:]}.png"))
