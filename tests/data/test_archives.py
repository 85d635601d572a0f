"""NumPy archives in the usual layouts, and every mistake named by array and place."""

from __future__ import annotations

import io
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import some_digits

from inkling.data import load_data, read_npz
from inkling.errors import DataError

TRAIN, TEST = some_digits(30, 0), some_digits(10, 1)


def write(place: Path, **arrays: Any) -> Path:
    np.savez_compressed(place, **arrays)
    return place


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("npz") / "mine.npz"


def test_keras_archive_has_training_and_test_images(place: Path) -> None:
    write(place, x_train=TRAIN.images, y_train=TRAIN.labels, x_test=TEST.images, y_test=TEST.labels)
    digits = read_npz(place)
    np.testing.assert_array_equal(digits.train.images, TRAIN.images)
    np.testing.assert_array_equal(digits.test.labels, TEST.labels)  # type: ignore[union-attr]
    assert digits.source == "npz:mine.npz"


@pytest.mark.parametrize(("images", "labels"), [("images", "labels"), ("x", "y"), ("x_train", "y_train")])
def test_a_single_pair_of_arrays_has_no_test_part_until_it_is_divided(place: Path, images: str, labels: str) -> None:
    write(place, **{images: TRAIN.images, labels: TRAIN.labels})
    assert read_npz(place).test is None
    digits = load_data(place)
    assert [len(part or ()) for part in (digits.train, digits.validation, digits.test)] == [24, 3, 3]


@pytest.mark.parametrize("shape", [(30, 784), (30, 28, 28), (30, 28, 28, 1)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32])
def test_any_shape_and_type_that_means_the_same_is_taken(place: Path, shape: Any, dtype: Any) -> None:
    write(place, x=TRAIN.images.reshape(shape).astype(dtype), y=TRAIN.labels.astype(dtype))
    digits = read_npz(place)
    np.testing.assert_array_equal(digits.train.images, TRAIN.images)
    np.testing.assert_array_equal(digits.train.labels, TRAIN.labels)


def at(array: np.ndarray, place: Any, value: float) -> np.ndarray:
    changed = array.astype(float)
    changed[place] = value
    return changed


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"a": TRAIN.images}, "it holds a; wanted are x_train and y_train or images and labels"),
        ({}, "it holds nothing"),
        ({"x": TRAIN.images}, "it holds x; wanted"),
        ({"x": TRAIN.images[:, :8, :8], "y": TRAIN.labels}, r"x has the shape \(30, 8, 8\)"),
        ({"x": np.uint8(5), "y": TRAIN.labels}, r"x has the shape \(\)"),
        ({"x": TRAIN.images, "y": TRAIN.labels[:-1]}, r"y has the shape \(29,\); wanted is \(30,\)"),
        ({"x": TRAIN.images, "y": np.eye(10)[TRAIN.labels]}, r"y has the shape \(30, 10\)"),
        ({"x": TRAIN.images[:0], "y": TRAIN.labels[:0]}, "x holds no images"),
        ({"x": at(TRAIN.images, (3, 1, 2), np.nan), "y": TRAIN.labels}, r"x\[3, 1, 2\] is nan"),
        ({"x": at(TRAIN.images, (3, 1, 2), 256), "y": TRAIN.labels}, r"x\[3, 1, 2\] is 256.0; .* 0 to 255"),
        ({"x": TRAIN.images / 255, "y": TRAIN.labels}, r"x\[0, 0, 0\] is 0\.37"),
        ({"x": TRAIN.images, "y": at(TRAIN.labels, 4, 10)}, r"y\[4\] is 10.0; .* 0 to 9"),
        ({"x": TRAIN.images, "y": at(TRAIN.labels, 4, -1)}, r"y\[4\] is -1.0"),
        ({"x": TRAIN.images, "y": TRAIN.labels.astype(str)}, "y: its elements are <U"),
        (
            {"x_train": TRAIN.images, "y_train": TRAIN.labels, "x_test": TEST.images},
            "there is no array y_test",
        ),
    ],
)
def test_what_does_not_fit_is_named(place: Path, arrays: dict[str, Any], says: str) -> None:
    write(place, **arrays)
    with pytest.raises(DataError, match=says) as error:
        read_npz(place)
    assert str(error.value).startswith(str(place))


def test_nothing_is_ever_unpickled(place: Path) -> None:
    write(place, x=np.array([TRAIN, None], dtype=object), y=TRAIN.labels)
    with pytest.raises(DataError, match="not a readable"):
        read_npz(place)
    place.write_bytes(pickle.dumps(TRAIN.images))
    with pytest.raises(DataError, match="not a readable"):
        read_npz(place)


def test_what_is_no_archive_is_said_so(place: Path) -> None:
    place.write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        read_npz(place)
    bare = io.BytesIO()
    np.save(bare, TRAIN.images)
    place.write_bytes(bare.getvalue())
    with pytest.raises(DataError, match=r"not a readable \.npz archive"):
        read_npz(place)
    with pytest.raises(DataError, match="this is a folder"):
        read_npz(place.parent)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inkling.data.archives.LARGEST", 1_000_000)
    with zipfile.ZipFile(place, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(2_000_000))
    with pytest.raises(DataError, match="promises 2,000,000 bytes"):
        read_npz(place)


@settings(deadline=None)
@given(data=st.data())
def test_damaged_archives_give_a_clear_error_never_a_crash(place: Path, data: st.DataObject) -> None:
    np.savez(place, x=TRAIN.images[:2], y=TRAIN.labels[:2])
    content = bytearray(place.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        spots = st.one_of(st.integers(0, 160), st.integers(len(content) - 400, len(content) - 1))
        content[data.draw(spots)] = data.draw(st.integers(0, 255))
    place.write_bytes(content[: data.draw(st.one_of(st.just(len(content)), st.integers(0, len(content))))])
    try:
        digits = read_npz(place)
    except DataError as error:
        message = str(error)
    else:
        assert len(digits.train) <= 2
        return
    assert str(place) in message
    assert "\n" not in message
