"""Picture files of every kind, opened as what one sees on a screen; what is none, is damaged or too large is named."""

from __future__ import annotations

import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photos import coloured, likeness, photo, seen, sheet, strokes
from photos import digits as some_digits
from PIL import Image

from inkling.data import to_mnist
from inkling.data.pictures import LONGEST, open_picture
from inkling.errors import DataError

PHOTO = photo(4, 140, pen=(30, 40, 130))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "CMYK", "YCbCr", "HSV", "LAB", "RGBA", "LA", "I;16", "I", "F"])
def test_the_way_in_which_pixels_are_stored_does_not_count(mode: str, tmp_path: Path) -> None:
    if mode in ("I;16", "I", "F"):
        grey = np.asarray(PHOTO.convert("L"))
        kind = {"I;16": np.uint16, "I": np.int32, "F": np.float32}[mode]
        picture = Image.fromarray(grey.astype(kind) * kind(257) if mode != "F" else grey / kind(255))
    elif mode == "LAB":
        from PIL import ImageCms

        profiles = (ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"))
        picture = ImageCms.profileToProfile(PHOTO, *profiles, outputMode="LAB")
    elif mode == "HSV":  # no file holds it; a program may
        picture = PHOTO.convert("HSV").convert("RGB")
    else:
        picture = PHOTO.convert(mode)
    path = tmp_path / "photo.tiff"
    # Older versions of Pillow cannot read the YCbCr that they write uncompressed.
    picture.save(path, compression="tiff_lzw" if mode == "YCbCr" else None)
    assert likeness(to_mnist(path).image, seen(PHOTO)) > (0.8 if mode == "1" else 0.95)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO"])
def test_the_kind_of_file_does_not_count(kind: str) -> None:
    assert likeness(seen(PHOTO, kind), seen(PHOTO)) > 0.95


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_is_turned_as_the_camera_was_held(orientation: int) -> None:
    turned = {
        1: lambda p: p,
        2: lambda p: p.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        3: lambda p: p.transpose(Image.Transpose.ROTATE_180),
        4: lambda p: p.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
        5: lambda p: p.transpose(Image.Transpose.TRANSPOSE),
        6: lambda p: p.transpose(Image.Transpose.ROTATE_90),
        7: lambda p: p.transpose(Image.Transpose.TRANSVERSE),
        8: lambda p: p.transpose(Image.Transpose.ROTATE_270),
    }[orientation](PHOTO)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    turned.save(file, "JPEG", quality=95, exif=exif)
    assert likeness(to_mnist(file).image, seen(PHOTO)) > 0.98


@pytest.mark.parametrize("under", [0, 255])
@pytest.mark.parametrize("pen", [(0, 0, 0), (255, 255, 255), (200, 30, 30)])
def test_transparent_paper_shows_whatever_is_drawn_on_it(pen: tuple[int, int, int], under: int) -> None:
    ink = sheet(200, 200, strokes(some_digits()[4], 140), 30, 30)
    pixels = np.full((200, 200, 4), under, np.uint8)
    pixels[ink > 0, :3] = pen
    pixels[..., 3] = np.rint(255 * ink)
    assert likeness(seen(Image.fromarray(pixels)), seen(coloured(ink))) > 0.98


def test_of_an_animation_the_first_picture_counts() -> None:
    others = [photo(index, 140).convert("P") for index in (5, 6)]
    file = io.BytesIO()
    PHOTO.convert("P").save(file, "GIF", save_all=True, append_images=others)
    assert likeness(to_mnist(file).image, seen(PHOTO)) > 0.95


def test_damaged_metadata_do_not_make_the_pixels_unreadable() -> None:
    file = io.BytesIO()
    PHOTO.save(file, "JPEG", quality=95, exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert likeness(to_mnist(file).image, seen(PHOTO)) > 0.98


def test_large_pictures_are_reduced_and_small_ones_left_alone() -> None:
    file = io.BytesIO()
    Image.effect_noise((3000, 1500), 50).save(file, "JPEG")
    assert open_picture(file).shape == (LONGEST // 2, LONGEST, 3)
    random = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(random).save(file, "PNG")
    colours = open_picture(file)
    np.testing.assert_array_equal(colours, random)
    assert colours.dtype == np.float32


# What cannot be opened


def png_of(width: int, height: int) -> bytes:
    """A PNG that says it is that large; its pixels, were they there, would be a few thousand bytes of zeros."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(9999))) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"a letter", "not a picture of a known kind"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b"\0\0\0\x24ftypheic\0\0\0\0mif1heic", "a HEIC picture, which Pillow does not read; save it as JPEG or PNG"),
        (png_of(20_000, 20_000), "too many pixels: more than 80 million are not decoded; make it smaller"),
        (png_of(9_000, 9_000), "9,000 × 9,000 pixels: more than 80 million are not decoded; make it smaller"),
        (png_of(5, 7), "5 × 7 pixels; a digit needs at least 8"),
        (png_of(300, 300), "not a readable picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", "EPS files are programs that draw"),
    ],
)
def test_what_cannot_be_opened_is_named_in_one_line(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says) as error:
        to_mnist(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_no_digit_fits_into_a_strip() -> None:
    with pytest.raises(DataError, match="40,000 × 60 pixels: no digit fits into such a strip"):
        seen(Image.new("L", (40_000, 60), 255))


def test_what_is_no_file_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such file"):
        to_mnist(tmp_path / "photo.png")
    with pytest.raises(DataError, match="this is a folder"):
        to_mnist(tmp_path)
    with pytest.raises(DataError, match="null"):
        to_mnist("a\0b.png")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_is_refused_rather_than_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="a device or a pipe"):
        to_mnist(tmp_path / "pipe.png")


@settings(deadline=None, max_examples=60)
@given(kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]), data=st.data())
def test_damaged_pictures_give_a_clear_error_never_a_crash(kind: str, data: st.DataObject) -> None:
    file = io.BytesIO()
    photo(4, 60, margin=10).save(file, kind)
    content = bytearray(file.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    try:
        image = to_mnist(io.BytesIO(content[: data.draw(st.integers(0, len(content)))])).image
    except DataError as error:
        message = str(error)
    else:
        assert image.shape == (28, 28)
        return
    assert "\n" not in message
    assert message.startswith("the picture: ")


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_large_picture_is_held_in_memory_once(mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.BytesIO()
    PHOTO.convert(mode).save(file, "PNG")
    expected = np.asarray(PHOTO, np.float32)

    def copied(image: Image.Image) -> Image.Image:
        raise AssertionError("80 million pixels, once more")

    monkeypatch.setattr(Image.Image, "copy", copied)
    np.testing.assert_array_equal(open_picture(file), expected)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_pixels_in_an_array_are_a_picture_too(mode: str) -> None:
    picture = PHOTO.convert(mode)
    np.testing.assert_array_equal(to_mnist(np.asarray(picture)).image, seen(picture))
    np.testing.assert_array_equal(to_mnist(some_digits()[3]).image, some_digits()[3])
    turned = np.asarray(picture)[::-1]
    np.testing.assert_array_equal(to_mnist(turned).image, to_mnist(turned.copy()).image)


@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (np.zeros((28, 28)), "an array of float64 (28, 28) is no picture: it must be uint8, of shape (height, width)"),
        (np.zeros((28, 28, 2), np.uint8), "an array of uint8 (28, 28, 2) is no picture"),
        (np.zeros((1, 28, 28), np.uint8), "an array of uint8 (1, 28, 28) is no picture"),
        (np.zeros(784, np.uint8), "an array of uint8 (784,) is no picture"),
        (np.zeros((0, 28), np.uint8), "an array of uint8 (0, 28) is no picture"),
        (np.zeros((4, 4), np.uint8), "the picture is 4 × 4 pixels; a digit needs at least 8"),
        (np.zeros((28, 28), np.uint8), "the picture: there is nothing on it"),
        (5, "5 is no picture: give a path, a file open for reading in binary, or an array"),
        (None, "None is no picture"),
    ],
)
def test_what_is_no_picture_at_all_is_said_to_be_none(picture: object, said: str) -> None:
    with pytest.raises(DataError) as error:
        to_mnist(picture)  # type: ignore[arg-type]
    assert said in str(error.value)
