"""Pictures of digits: what is grey and 28 × 28 is read, and every other picture is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from stand_ins import some_digits

from inkling.data import load_data, read_image, read_path
from inkling.errors import DataError

DIGIT = some_digits(1).images[0]


def save(place: Path, picture: Image.Image) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    picture.save(place)
    return place


def sorted_folder(folder: Path, count: int = 40) -> np.ndarray:
    split = some_digits(count)
    for number, (image, label) in enumerate(zip(split.images, split.labels, strict=True)):
        save(folder / str(label) / f"{number:03}.png", Image.fromarray(image))
    return split.images


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P"])
@pytest.mark.parametrize("ending", ["png", "tiff"])
def test_a_grey_picture_is_read_however_it_is_stored(tmp_path: Path, mode: str, ending: str) -> None:
    place = save(tmp_path / f"digit.{ending}", Image.fromarray(DIGIT).convert(mode))
    image = read_image(place)
    np.testing.assert_array_equal(image, DIGIT)
    assert image.dtype == np.uint8
    assert image.flags.writeable


def test_black_and_white_and_jpeg(tmp_path: Path) -> None:
    bits = Image.fromarray(DIGIT > 127)
    assert set(np.unique(read_image(save(tmp_path / "bits.png", bits)))) == {0, 255}
    smooth = np.add.outer(np.arange(28), np.arange(28)).astype(np.uint8) * 4
    for mode in ("L", "RGB"):
        place = save(tmp_path / f"{mode}.jpg", Image.fromarray(smooth).convert(mode))
        assert np.abs(read_image(place).astype(int) - smooth).max() < 12


def see_through() -> Image.Image:
    picture = Image.fromarray(DIGIT).convert("RGBA")
    picture.putpixel((0, 0), (0, 0, 0, 0))
    return picture


@pytest.mark.parametrize(
    ("picture", "says"),
    [
        (Image.new("L", (28, 27)), "28 × 27 pixels; it must be 28 × 28"),
        (Image.new("L", (640, 480)), "640 × 480"),
        (Image.new("RGB", (28, 28), (255, 0, 0)), "in colour"),
        (see_through(), "transparent"),
        (Image.new("I;16", (28, 28)), "more than 8 bits"),
    ],
)
def test_a_picture_that_could_mean_several_things_is_refused(tmp_path: Path, picture: Image.Image, says: str) -> None:
    place = save(tmp_path / "digit.png", picture)
    with pytest.raises(DataError, match=says) as error:
        read_image(place)
    assert str(error.value).startswith(str(place))


def test_what_is_no_picture_is_said_so(tmp_path: Path) -> None:
    place = tmp_path / "digit.png"
    with pytest.raises(DataError, match="there is no such file"):
        read_image(place)
    place.write_bytes(b"")
    with pytest.raises(DataError, match="the file is empty"):
        read_image(place)
    place.write_text("a digit")
    with pytest.raises(DataError, match="not a picture of a known kind"):
        read_image(place)
    with pytest.raises(DataError, match="this is a folder"):
        read_image(tmp_path)


@settings(deadline=None)
@given(data=st.data())
def test_damaged_pictures_give_a_clear_error_never_a_crash(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    place = save(tmp_path_factory.mktemp("png") / "digit.png", Image.fromarray(DIGIT))
    content = bytearray(place.read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    place.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        image = read_image(place)
    except DataError as error:
        message = str(error)
    else:
        assert image.shape == (28, 28)
        return
    assert str(place) in message
    assert "\n" not in message


def test_a_folder_of_digits_is_a_data_set_with_the_digits_in_turn(tmp_path: Path) -> None:
    images = sorted_folder(tmp_path)
    (tmp_path / "3" / "notes.txt").write_text("not a picture")
    (tmp_path / "__MACOSX").mkdir()
    steps: list[tuple[str, int, int | None]] = []
    digits = read_path(tmp_path, progress=lambda *step: steps.append(step))
    np.testing.assert_array_equal(digits.train.images, images)
    np.testing.assert_array_equal(digits.train.labels, np.arange(40) % 10)
    assert digits.source == f"images:{tmp_path.name}"
    assert steps[-1] == (tmp_path.name, 40, 40)
    divided = load_data(tmp_path)
    assert [len(part or ()) for part in (divided.train, divided.validation, divided.test)] == [32, 4, 4]


def test_training_and_test_folders_are_kept_apart(tmp_path: Path) -> None:
    sorted_folder(tmp_path / "train", 30)
    assert read_path(tmp_path).test is None
    sorted_folder(tmp_path / "test", 20)
    digits = read_path(tmp_path)
    assert (len(digits.train), len(digits.test or ())) == (30, 20)


def test_a_folder_with_something_wrong_says_where(tmp_path: Path) -> None:
    sorted_folder(tmp_path)
    wrong = save(tmp_path / "7" / "large.png", Image.new("L", (32, 32)))
    with pytest.raises(DataError, match="32 × 32") as error:
        load_data(tmp_path)
    assert str(wrong) in str(error.value)
    wrong.unlink()
    save(tmp_path / "12" / "twelve.png", Image.fromarray(DIGIT))
    with pytest.raises(DataError, match="12: a folder of pictures is named after its digit"):
        load_data(tmp_path)


def test_folders_without_pictures_are_refused(tmp_path: Path) -> None:
    (tmp_path / "0").mkdir()
    with pytest.raises(DataError, match="there are no pictures"):
        load_data(tmp_path)
