"""IDX files come back as they were written, and a damaged one is named, never believed."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from stand_ins import idx_bytes, some_digits

from inkling.data import load_data, read_idx, write_idx
from inkling.data.idx import read_idx_folder
from inkling.errors import DataError


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("idx") / "file"


@settings(deadline=None)
@given(
    array=hnp.arrays(
        dtype=st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64]),
        shape=hnp.array_shapes(max_dims=4, min_side=0, max_side=6),
    ),
    packed=st.booleans(),
)
def test_what_was_written_is_read_back(place: Path, array: np.ndarray, packed: bool) -> None:
    write_idx(place, array)
    if packed:
        place.write_bytes(gzip.compress(place.read_bytes()))
    back = read_idx(place)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_the_bytes_are_the_published_formats(place: Path) -> None:
    write_idx(place, np.array([[1, 2, 3], [4, 5, 6]], np.uint8))
    assert place.read_bytes() == bytes.fromhex("00000802 00000002 00000003 010203040506")
    write_idx(place, np.array([1, -2], np.int16))
    assert place.read_bytes() == bytes.fromhex("00000b01 00000002 0001 fffe")


@settings(deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_a_clear_error_or_the_same_shape_never_a_crash(place: Path, data: st.DataObject) -> None:
    array = some_digits(2).images
    content = bytearray(idx_bytes(array))
    if data.draw(st.booleans()):
        content = bytearray(gzip.compress(bytes(content), mtime=0))
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, min(40, len(content) - 1)))] = data.draw(st.integers(0, 255))
    place.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        read = read_idx(place)
    except DataError as error:
        message = str(error)
    else:
        assert read.nbytes == array.nbytes
        return
    assert str(place) in message
    assert "\n" not in message


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"\0\0", "not an IDX file"),
        (b"\x89PNG\r\n", "not an IDX file: it begins with 89 50 4e 47"),
        (b"\0\0\x0a\x01" + bytes(4), "not an IDX file"),
        (b"\0\0\x08\x00", "not an IDX file"),
        (b"\0\0\x08\xff" + bytes(4 * 255), "not an IDX file"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (
            bytes.fromhex("00000803 0000000a 0000001c 0000001c") + bytes(7839),
            "10 × 28 × 28 .* 7,856 bytes, but the file has 7,855",
        ),
        (bytes.fromhex("00000801 00000002") + bytes(3), "10 bytes, but the file has 11"),
        (bytes.fromhex("00000803 ffffffff ffffffff ffffffff"), "more than any set of digits"),
        (bytes.fromhex("00000803 00000000 ffffffff ffffffff"), "more than any set of digits"),
        (packed(idx_bytes(np.zeros(100, np.uint8)))[:-12], "ends too early"),
        (packed(idx_bytes(np.zeros(100, np.uint8))[:-1]), "content ends after 107"),
        (packed(idx_bytes(np.zeros(100, np.uint8)) + b"?"), "content goes on"),
        (packed(idx_bytes(np.zeros(100, np.uint8)))[:-8] + bytes(8), "compressed file is damaged"),
    ],
    ids=lambda value: value if isinstance(value, str) else "bytes",
)
def test_each_damage_is_named(place: Path, content: bytes, says: str) -> None:
    place.write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        read_idx(place)
    assert str(error.value).startswith(str(place))


def test_a_gzip_bomb_stays_small(place: Path) -> None:
    """A header that promises 100 numbers gets 100 numbers into memory, whatever follows."""
    import tracemalloc

    place.write_bytes(gzip.compress(idx_bytes(np.zeros(100, np.uint8)) + bytes(200_000_000), 1))
    tracemalloc.start()
    with pytest.raises(DataError, match="goes on"):
        read_idx(place)
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


def test_no_file_a_folder_and_no_permission_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(DataError, match="this is a folder"):
        read_idx(tmp_path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match="no permission"):
        read_idx(tmp_path / "secret")


def test_a_failed_write_leaves_the_old_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write_idx(tmp_path / "file", np.arange(3, dtype=np.uint8))
    with pytest.raises(DataError, match="IDX files hold"):
        write_idx(tmp_path / "file", np.arange(3, dtype=np.complex128))
    assert read_idx(tmp_path / "file").tolist() == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
    with pytest.raises(DataError, match="cannot be written"):
        write_idx(tmp_path / "file" / "below", np.arange(3, dtype=np.uint8))


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_whoever_is_reading_a_file_while_it_is_written_anew_reads_the_old_one(tmp_path: Path) -> None:
    write_idx(tmp_path / "file", np.arange(3, dtype=np.uint8))
    with (tmp_path / "file").open("rb") as reader:
        write_idx(tmp_path / "file", np.arange(9, dtype=np.uint8))
        assert reader.read()[-3:] == b"\0\1\2"
    assert len(read_idx(tmp_path / "file")) == 9


def write_folder(folder: Path, parts: tuple[str, ...] = ("train", "t10k"), **names: str) -> None:
    for seed, part in enumerate(parts):
        split = some_digits(40, seed)
        write_idx(folder / f"{part}-images-idx3-ubyte", split.images)
        write_idx(folder / f"{part}-labels-idx1-ubyte", split.labels.astype(np.uint8))


def test_a_folder_of_four_files_is_a_data_set(tmp_path: Path) -> None:
    write_folder(tmp_path)
    digits = read_idx_folder(tmp_path)
    np.testing.assert_array_equal(digits.train.images, some_digits(40, 0).images)
    np.testing.assert_array_equal(digits.test.images, some_digits(40, 1).images)  # type: ignore[union-attr]
    assert digits.source == f"idx:{tmp_path.name}"


@pytest.mark.parametrize("packed", [False, True])
def test_names_with_a_dot_and_packed_files_are_known(tmp_path: Path, packed: bool) -> None:
    write_folder(tmp_path)
    for path in list(tmp_path.iterdir()):
        content = path.read_bytes()
        name = path.name.replace("-idx", ".idx") + ".gz" * packed
        (tmp_path / name).write_bytes(gzip.compress(content) if packed else content)
        path.unlink()
    assert len(read_idx_folder(tmp_path).train) == 40


def test_training_files_alone_are_enough(tmp_path: Path) -> None:
    write_folder(tmp_path, ("train",))
    assert read_idx_folder(tmp_path).test is None
    assert [len(part or ()) for part in vars(load_data(tmp_path)).values() if not isinstance(part, str)] == [32, 4, 4]


@pytest.mark.parametrize(
    ("name", "array", "says"),
    [
        ("train-labels-idx1-ubyte", None, "there is no train-labels-idx1-ubyte"),
        ("t10k-images-idx3-ubyte", None, "there is no t10k-images-idx3-ubyte"),
        ("train-labels-idx1-ubyte", np.full(40, 10, np.uint8), "label 10 of image 0"),
        ("train-labels-idx1-ubyte", np.zeros(39, np.uint8), "holds 40 images, .* 39 labels"),
        ("train-labels-idx1-ubyte", np.zeros((40, 2), np.uint8), "labels must be n bytes; these are 40 × 2"),
        ("train-images-idx3-ubyte", np.zeros((40, 8, 8), np.uint8), "n × 28 × 28 bytes; these are 40 × 8 × 8"),
        ("train-images-idx3-ubyte", np.zeros((40, 28, 28), np.float32), "float32"),
    ],
)
def test_a_folder_with_something_wrong_says_what(
    tmp_path: Path, name: str, array: np.ndarray | None, says: str
) -> None:
    write_folder(tmp_path)
    if array is None:
        (tmp_path / name).unlink()
    else:
        write_idx(tmp_path / name, array)
    with pytest.raises(DataError, match=says):
        read_idx_folder(tmp_path)


def test_empty_files_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", np.zeros((0, 28, 28), np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(0, np.uint8))
    with pytest.raises(DataError, match="holds no images"):
        read_idx_folder(tmp_path)


def test_mnist_with_a_changed_file_does_not_pass_for_mnist(tmp_path: Path, small_mnist: dict[str, bytes]) -> None:
    for name, content in small_mnist.items():
        (tmp_path / name).write_bytes(content)
    assert read_idx_folder(tmp_path).source == "mnist"
    changed = bytearray(small_mnist["train-images-idx3-ubyte"])
    changed[-1] ^= 1
    (tmp_path / "train-images-idx3-ubyte").write_bytes(changed)
    digits = read_idx_folder(tmp_path)
    assert digits.source.startswith("idx:")
    assert "not train-images-idx3-ubyte" in digits.note


@pytest.mark.mnist
def test_the_real_mnist_is_recognised(mnist_folder: Path) -> None:
    digits = read_idx_folder(mnist_folder)
    assert digits.source == "mnist"
    assert (len(digits.train), len(digits.test or ())) == (60_000, 10_000)
    assert digits.train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    pixels = digits.train.images / 255
    assert pixels.mean() == pytest.approx(0.1307, abs=1e-4)
    assert pixels.std() == pytest.approx(0.3081, abs=1e-4)
