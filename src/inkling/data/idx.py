"""IDX, the format MNIST was published in: a short header, then the numbers, nothing else.

Bytes 0–1 are zero, byte 2 names the type of number, byte 3 the number of dimensions; then comes each
dimension as a big-endian 32-bit integer, then the numbers, big-endian, last dimension fastest. So a file's
length follows from its header, and a reader that insists on it notices every cut and every stray byte.
Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits".

MNIST is four such files under names that everybody kept, so a folder of them is a data set: ours, EMNIST's
digits, or anybody's own. Whether it is the real MNIST the published hashes say.
"""

from __future__ import annotations

import gzip
import hashlib
import math
import os
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from inkling.data.files import open_for_reading, written_beside
from inkling.data.splits import SIDE, Digits, Split
from inkling.errors import DataError

TYPES = {0x08: np.uint8, 0x09: np.int8, 0x0B: np.int16, 0x0C: np.int32, 0x0D: np.float32, 0x0E: np.float64}
GZIP_MAGIC = b"\x1f\x8b"
LARGEST = 2**31  # bytes in one file, 2.7 million images: a header (or a gzip bomb) that says more is damaged

# The four files and the sha256 of their uncompressed content, the same for every copy, however packed.
MNIST_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}


def read_idx(path: str | Path) -> NDArray[np.generic]:
    """Read an IDX file, plain or gzip-compressed (told by its first bytes, not by its name).

    Returns a writable array of the header's shape in the machine's byte order. Raises `DataError`, naming
    the file, what was found and what was expected, where magic, type, dimensions or length are not right.
    """
    path = Path(path)
    with open_for_reading(path) as file:
        packed = file.read(2) == GZIP_MAGIC
        file.seek(0)
        if not packed:
            return _read(file, path, size=os.fstat(file.fileno()).st_size)
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                return _read(cast(BinaryIO, stream), path, size=None)
        except EOFError:
            raise DataError(f"{path}: the compressed file ends too early (a cut download?)") from None
        except (gzip.BadGzipFile, zlib.error) as error:
            raise DataError(f"{path}: the compressed file is damaged ({error})") from None


def write_idx(path: str | Path, array: NDArray[np.generic]) -> None:
    """Write an array as a plain IDX file, beside and then renamed, so that no half-written file is ever seen.

    Raises `DataError` for a type of number that IDX doesn't know, or where the file cannot be written.
    """
    path = Path(path)
    with written_beside(path) as file:
        file.write(idx_header(array))
        file.write(_bytes(array))


def idx_header(array: NDArray[np.generic]) -> bytes:
    """The bytes that come before the numbers."""
    for code, kind in TYPES.items():
        if array.dtype == kind:
            return struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    known = ", ".join(np.dtype(kind).name for kind in TYPES.values())
    raise DataError(f"IDX files hold {known}; not {array.dtype}")


def find_idx(folder: Path, name: str) -> Path | None:
    """The file of this name in the folder, plain or .gz; `train-images.idx3-ubyte` is the same name, too."""
    for variant in (name, name.replace("-idx", ".idx")):
        for path in (folder / variant, folder / f"{variant}.gz"):
            if path.is_file():
                return path
    return None


def read_idx_folder(folder: Path) -> Digits:
    """Read a folder of MNIST's four files; without the two test files the test part is None.

    The source is `mnist` where the published hashes agree, else `idx:<folder>`. Raises `DataError` for a file that
    is missing or damaged, images that are not 28 × 28 bytes, labels that are not digits, counts that differ.
    """
    train, found = _read_pair(folder, "train")
    test = None
    if find_idx(folder, "t10k-images-idx3-ubyte") or find_idx(folder, "t10k-labels-idx1-ubyte"):
        test, more = _read_pair(folder, "t10k")
        found |= more
    same = [name for name, digest in found.items() if digest == MNIST_SHA256[name]]
    if len(same) == len(MNIST_SHA256):
        return Digits(train, None, test, "mnist", f"the real MNIST from {folder}")
    note = f"IDX files from {folder}"
    if same and len(same) < len(found):
        other = ", ".join(name for name in found if name not in same)
        note += f" (some are MNIST's, but not {other}: damaged or changed?)"
    return Digits(train, None, test, f"idx:{folder.resolve().name}", note)


def content_sha256(array: NDArray[np.generic]) -> str:
    """The sha256 of the plain IDX file that holds this array."""
    digest = hashlib.sha256(idx_header(array))
    digest.update(_bytes(array))
    return digest.hexdigest()


def _read_pair(folder: Path, part: str) -> tuple[Split, dict[str, str]]:
    """Images and labels of one part, and the hash of each file."""
    names = f"{part}-images-idx3-ubyte", f"{part}-labels-idx1-ubyte"
    arrays, paths = [], []
    for name in names:
        path = find_idx(folder, name)
        if path is None:
            raise DataError(f"{folder}: there is no {name} (plain or .gz) in this folder")
        paths.append(path)
        arrays.append(read_idx(path))
    images, labels = arrays
    if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
        raise DataError(
            f"{paths[0]}: images must be n × {SIDE} × {SIDE} bytes; these are "
            f"{' × '.join(map(str, images.shape))} of {images.dtype}"
        )
    if labels.dtype != np.uint8 or labels.ndim != 1:
        raise DataError(
            f"{paths[1]}: labels must be n bytes; these are {' × '.join(map(str, labels.shape))} of {labels.dtype}"
        )
    if len(images) != len(labels):
        raise DataError(
            f"{folder}: {paths[0].name} holds {len(images):,} images, {paths[1].name} {len(labels):,} labels"
        )
    if not len(images):
        raise DataError(f"{paths[0]}: the file holds no images")
    wrong = np.flatnonzero(labels.astype(np.uint8) > 9)
    if wrong.size:
        raise DataError(f"{paths[1]}: label {labels[wrong[0]]} of image {wrong[0]:,} is not a digit from 0 to 9")
    split = Split(images.view(np.uint8), labels.astype(np.int64))
    return split, {name: content_sha256(array) for name, array in zip(names, arrays, strict=True)}


def _read(stream: BinaryIO, path: Path, size: int | None) -> NDArray[np.generic]:
    magic = stream.read(4)
    if not magic:
        raise DataError(f"{path}: the file is empty")
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in TYPES or not 1 <= magic[3] <= 32:
        raise DataError(
            f"{path}: not an IDX file: it begins with {magic.hex(' ')}, and images begin with 00 00 08 03, labels "
            "with 00 00 08 01"
        )
    dimensions = stream.read(4 * magic[3])
    if len(dimensions) < 4 * magic[3]:
        raise DataError(f"{path}: the file ends within its header")
    shape = struct.unpack(f">{magic[3]}I", dimensions)
    kind = np.dtype(TYPES[magic[2]]).newbyteorder(">")
    length, header = math.prod(shape) * kind.itemsize, 4 + len(dimensions)
    promised = f"its header promises {' × '.join(map(str, shape))} numbers, {header + length:,} bytes"
    if math.prod(size or 1 for size in shape) * kind.itemsize > LARGEST:
        raise DataError(f"{path}: {promised}, more than any set of digits: the file is damaged")
    if size is not None and size != header + length:
        raise DataError(f"{path}: {promised}, but the file has {size:,}")
    numbers = np.empty(shape, kind)  # takes no memory yet: a header alone may promise what it likes
    view, filled = _bytes(numbers), 0
    while filled < length and (count := stream.readinto(view[filled : filled + 2**24])):  # type: ignore[attr-defined]
        filled += count
    if filled < length:
        raise DataError(f"{path}: {promised}, but the content ends after {header + filled:,}")
    if stream.read(1):  # at the end this also makes gzip compare its checksum
        raise DataError(f"{path}: {promised}, but the content goes on after them")
    return numbers.astype(kind.newbyteorder("="), copy=False)


def _bytes(array: NDArray[np.generic]) -> memoryview:
    """The array's numbers as they stand in a file: big-endian, one byte after the other. Copies only if it must."""
    return np.ascontiguousarray(array, dtype=array.dtype.newbyteorder(">")).reshape(-1).view(np.uint8).data
