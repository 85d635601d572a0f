"""Any picture of one digit: what is written counts, and neither its size, its colour, its place nor its paper."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photos import coloured, digits, likeness, photo, seen, sheet, strokes
from PIL import Image
from scipy import ndimage

from inkling import load_pretrained
from inkling.data import bundled_digits, to_mnist
from inkling.errors import DataError

some = st.integers(0, 39)
few = settings(deadline=None, max_examples=25)


def prepared(picture: Image.Image):
    file = io.BytesIO()
    picture.save(file, "PNG")
    return to_mnist(file)


# In MNIST's form already


@few
@given(index=some, mode=st.sampled_from(["L", "RGB", "RGBA", "LA", "P", "CMYK"]))
def test_what_is_in_mnists_form_passes_unchanged_bit_for_bit(index: int, mode: str) -> None:
    picture = Image.fromarray(digits()[index]).convert(mode)
    file = io.BytesIO()
    picture.save(file, "TIFF" if mode == "CMYK" else "PNG")
    result = to_mnist(file)
    np.testing.assert_array_equal(result.image, digits()[index])
    assert result.unchanged
    assert result.image.dtype == np.uint8


def test_every_grey_value_passes_unchanged() -> None:
    values = np.zeros((28, 28), np.uint8)
    values[6:22, 6:22] = np.arange(256).reshape(16, 16)
    np.testing.assert_array_equal(seen(Image.fromarray(values)), values)
    deep = Image.fromarray(values.astype(np.uint16) * 257)
    np.testing.assert_array_equal(seen(deep), values)
    bits = np.where(values > 127, 255, 0).astype(np.uint8)
    np.testing.assert_array_equal(seen(Image.fromarray(bits).convert("1")), bits)


def test_of_28_by_28_pixels_dark_on_light_is_turned_round() -> None:
    for index in range(10):
        image = seen(photo(index))
        result = prepared(Image.fromarray(255 - image))
        assert not result.unchanged
        np.testing.assert_array_equal(result.image, image)
        off_centre = np.roll(255 - image, (2, 3), (0, 1))
        assert likeness(seen(Image.fromarray(off_centre)), image) > 0.9


# Size, place, colour


@few
@given(index=some, side=st.integers(40, 500), across=st.floats(0, 1), down=st.floats(0, 1))
def test_size_and_place_do_not_count(index: int, side: int, across: float, down: float) -> None:
    small = strokes(digits()[index], side)
    place = (round(down * side), round(across * side))
    image = seen(coloured(sheet(2 * side, 2 * side, small, *place)))
    assert likeness(image, digits()[index]) > 0.85
    assert likeness(image, seen(photo(index))) > 0.9


@few
@given(index=some, pen=st.tuples(*[st.integers(0, 255)] * 3), paper=st.tuples(*[st.integers(0, 255)] * 3))
def test_colours_do_not_count_as_long_as_they_differ(index: int, pen: tuple, paper: tuple) -> None:
    apart = np.abs(np.subtract(pen, paper, dtype=float)).max()
    if apart < 70:
        return
    assert likeness(seen(photo(index, pen=pen, paper=paper)), seen(photo(index))) > 0.95


@few
@given(index=some, side=st.integers(60, 300))
def test_a_negative_gives_the_same(index: int, side: int) -> None:
    picture = photo(index, side)
    negative = Image.fromarray(255 - np.asarray(picture))
    assert likeness(seen(picture), seen(negative)) > 0.98


@few
@given(index=some)
def test_the_digit_fills_a_box_of_20_pixels_and_its_mass_is_centred(index: int) -> None:
    image = seen(photo(index)).astype(float)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    assert image.max() == 255
    places = np.arange(28)
    centre = np.array([image.sum(axis=1) @ places, image.sum(axis=0) @ places]) / image.sum()
    assert np.abs(centre - 14).max() <= 0.51


def test_it_keeps_its_proportions() -> None:
    tall = np.zeros((300, 200), np.float32)
    tall[50:250, 90:110] = 1
    image = seen(coloured(tall))
    assert np.ptp(np.flatnonzero(image.any(axis=1))) + 1 == 20
    assert np.ptp(np.flatnonzero(image.any(axis=0))) + 1 <= 4


# Paper and light


@few
@given(index=some, angle=st.floats(0, 6.28), dark=st.floats(0.35, 1), noise=st.floats(0, 8))
def test_a_shadow_across_the_sheet_does_not_count(index: int, angle: float, dark: float, noise: float) -> None:
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    slope = (np.cos(angle) * x + np.sin(angle) * y) / 1.5
    light = (dark + (1 - dark) * (0.5 + 0.5 * np.tanh(slope))).astype(np.float32)
    assert likeness(seen(photo(index, light=light, noise=noise)), seen(photo(index))) > 0.93


@pytest.mark.parametrize("index", range(10))
def test_the_corners_of_a_photo_may_be_dark(index: int) -> None:
    y, x = np.mgrid[-1:1:320j, -1:1:320j]
    vignette = (1 - 0.25 * (x**2 + y**2)).astype(np.float32)
    assert likeness(seen(photo(index, light=vignette, noise=3)), seen(photo(index))) > 0.93


def lines(picture: Image.Image, every: int, colour: tuple[int, int, int], *, squares: bool = False) -> Image.Image:
    """The picture on ruled or squared paper: the ink lies over the lines."""
    pixels = np.asarray(picture).copy()
    light = pixels.mean(axis=2) > 200
    for start in range(every // 2, len(pixels), every):
        for cut in (np.s_[start : start + 2], np.s_[:, start : start + 2])[: 1 + squares]:
            pixels[cut][light[cut]] = colour
    return Image.fromarray(pixels)


@pytest.mark.parametrize("index", range(8))
@pytest.mark.parametrize("squares", [False, True])
def test_ruled_and_squared_paper_stay_behind(index: int, squares: bool) -> None:
    picture = photo(index, 240, pen=(30, 40, 120))
    ruled = lines(picture, 45, (185, 205, 230), squares=squares)
    assert likeness(seen(ruled), seen(picture)) > 0.88
    with pytest.raises(DataError, match="nothing on it"):
        seen(lines(coloured(np.zeros((300, 300), np.float32)), 45, (185, 205, 230), squares=squares))


@pytest.mark.parametrize("side", [20, 40, 90, 300])
def test_a_picture_cut_out_closely_keeps_its_strokes(side: int) -> None:
    pen, width = max(side // 40, 2), round(0.7 * side)
    ink = np.zeros((side, width), np.float32)
    ink[1 : 1 + pen] = 1  # the bar of a 7, from edge to edge
    for row in range(1, side):
        right = round((1 - row / side) * (width - 2 * pen)) + 2 * pen
        ink[row, right - 2 * pen : right] = 1
    image = seen(coloured(ink))
    assert (image > 100).sum(axis=1).max() >= 12
    assert likeness(image, seen(coloured(np.pad(ink, side // 4)))) > 0.95


@pytest.mark.parametrize("index", range(6))
def test_a_sheet_on_a_table_is_looked_at_and_the_table_is_not(index: int) -> None:
    table = np.full((500, 600, 3), (90, 60, 45), np.uint8)
    table[70:430, 120:480] = np.asarray(photo(index, 200, margin=80))
    image = seen(Image.fromarray(table))
    assert likeness(image, seen(photo(index))) > 0.93


@pytest.mark.parametrize("index", range(4))
def test_a_sheet_may_reach_beyond_the_picture(index: int) -> None:
    picture = np.asarray(photo(index, 220, margin=100, light=np.linspace(1, 0.7, 420, dtype=np.float32)[None]))
    table = np.random.default_rng(1).normal((110, 75, 50), 8, (470, 520, 3))
    table[:420, 100:] = picture
    assert likeness(seen(Image.fromarray(np.clip(table, 0, 255).astype(np.uint8))), seen(photo(index))) > 0.93


@pytest.mark.parametrize("index", range(4))
def test_the_edge_of_a_shadow_may_cross_the_digit(index: int) -> None:
    light = np.ones((320, 320), np.float32)
    light[np.add.outer(np.arange(320), 0.4 * np.arange(320)) < 220] = 0.6
    assert likeness(seen(photo(index, light=light, noise=3)), seen(photo(index))) > 0.9


@pytest.mark.parametrize("dark", [0.35, 0.5])
@pytest.mark.parametrize("index", range(8))
def test_a_hard_shadow_may_cover_half_of_a_closely_cut_digit(index: int, dark: float) -> None:
    light = np.ones((220, 220), np.float32)
    light[:, :110] = dark
    image = seen(photo(index, margin=10, light=light))
    assert likeness(image, seen(photo(index, margin=10))) > 0.9


def test_the_pale_parts_of_a_stroke_are_part_of_the_digit() -> None:
    test, network = bundled_digits().test, load_pretrained()
    for index in (11, 30, 46, 53, 121, 166, 210, 291, 334, 354):  # strokes that are in part half as dark as elsewhere
        image, label = test.images[index], test.labels[index]
        large = Image.fromarray(image).resize((300, 300), Image.Resampling.BICUBIC)
        enlarged = seen(Image.fromarray(255 - np.asarray(large)))
        assert network.predict(np.stack([image, enlarged])).tolist() == [label, label]


def test_jpeg_does_not_count() -> None:
    for index in range(10):
        picture = photo(index, pen=(40, 60, 160), paper=(240, 232, 205))
        assert likeness(seen(picture, "JPEG", quality=30), seen(picture)) > 0.97


# Strokes


def pen_width(image: np.ndarray) -> float:
    """The width of the strokes, in pixels: twice the area over the outline."""
    drawn = np.kron(image, np.ones((4, 4))) > 127
    return 2 * drawn.sum() / (drawn & ~ndimage.binary_erosion(drawn)).sum() / 4


def circle(side: int, width: float) -> np.ndarray:
    """A 0 drawn by a pen of that width, in pixels."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.clip(width / 2 + 0.5 - np.abs(np.hypot(x, y) - 0.35 * side), 0, 1).astype(np.float32)


@pytest.mark.parametrize(("side", "width"), [(900, 3), (600, 3), (400, 6), (300, 20), (300, 50), (300, 80)])
def test_thin_and_thick_pens_give_strokes_like_mnists(side: int, width: float) -> None:
    image = seen(coloured(sheet(side + 100, side + 100, circle(side, width), 50, 50)))
    assert 1.5 < pen_width(image) < 4.6
    assert image[13:15, 13:15].max() < 60  # the ring is still open
    ring = image[14, :14].max(), image[14, 14:].max(), image[:14, 14].max(), image[14:, 14].max()
    assert min(ring) > 150


@pytest.mark.parametrize("width", [4, 15, 40, 70])
def test_a_thick_1_is_no_sheet_of_paper(width: int) -> None:
    ink = np.zeros((260, 200), np.float32)
    ink[30:230, 100 - width // 2 : 100 + width // 2] = 1
    image = seen(coloured(ink))
    assert np.ptp(np.flatnonzero(image.any(axis=1))) + 1 == 20
    assert image[14, 13:16].max() > 200


def test_a_detached_stroke_belongs_to_the_digit() -> None:
    ink = np.zeros((400, 400), np.float32)
    ink[120:140, 190:280] = 1  # the bar of a 5, apart from the rest
    ink[120:220, 150:170] = 1
    ink[205:225, 150:250] = 1
    ink[205:300, 235:255] = 1
    ink[285:305, 140:255] = 1
    result = prepared(coloured(ink))
    top, left, height, width = result.box
    assert (abs(top - 120), abs(left - 140), abs(height - 185), abs(width - 140)) < (4, 4, 6, 6)
    assert result.image[4:7, 15:19].max() > 200


def test_specks_and_holes_and_a_neighbours_stroke_are_left_out() -> None:
    random = np.random.default_rng(4)
    ink = sheet(500, 500, strokes(digits()[3], 240), 130, 130)
    clean = seen(coloured(ink))
    dusty = ink.copy()
    for y, x in random.integers(5, 490, (40, 2)):
        dusty[y : y + 3, x : x + 3] = 1
    assert likeness(seen(coloured(dusty)), clean) > 0.97
    y, x = np.mgrid[:500, :500]
    punched = np.where((np.hypot(y - 120, x - 40) < 18) | (np.hypot(y - 380, x - 40) < 18), 1, ink).astype(np.float32)
    assert likeness(seen(coloured(punched)), clean) > 0.97
    beside = ink.copy()
    beside[100:400, :15] = 1
    assert likeness(seen(coloured(beside)), clean) > 0.97


# What cannot be read


def blank(**how: object) -> Image.Image:
    return coloured(np.zeros((240, 320), np.float32), **how)


def textured(seed: int, sigma: float, side: int) -> Image.Image:
    """Paper with a soft texture."""
    texture = ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 1, (side, side)), sigma)
    return Image.fromarray((210 + 8 * texture / texture.std()).astype(np.uint8))


def half_in_shadow(dark: float, slant: float) -> Image.Image:
    y, x = np.mgrid[-1:1:200j, -1:1:260j]
    return Image.fromarray((245 * np.where(x + slant * y < 0, dark, 1)).astype(np.uint8))


@pytest.mark.parametrize(
    "picture",
    [
        blank(),
        blank(paper=(0, 0, 0)),
        blank(noise=6),
        blank(noise=3, light=np.linspace(0.5, 1, 320 * 240, dtype=np.float32).reshape(240, 320)),
        Image.new("L", (28, 28)),
        Image.new("L", (28, 28), 255),
        Image.new("RGBA", (100, 100), (0, 0, 0, 0)),
        Image.new("1", (64, 64), 1),
        Image.fromarray(np.eye(1, 784, 400, dtype=np.uint8).reshape(28, 28)),  # one pixel, which nobody sees
        Image.fromarray(np.random.default_rng(0).integers(0, 25, (28, 28), dtype=np.uint8)),
        *(textured(seed, sigma, side) for seed in range(3) for sigma in (1, 2) for side in (100, 300)),
        *(half_in_shadow(dark, slant) for dark in (0.3, 0.5, 0.7) for slant in (0, 0.4)),
    ],
)
def test_an_empty_sheet_is_said_to_be_empty(picture: Image.Image) -> None:
    with pytest.raises(DataError, match="there is nothing on it"):
        prepared(picture)


@pytest.mark.parametrize("gap", [20, 60, 150])
def test_several_digits_side_by_side_are_refused(gap: int) -> None:
    ink = np.zeros((320, 900), np.float32)
    for place in range(3):
        ink[60:260, 30 + place * (150 + gap) :][:, :200] = np.maximum(
            ink[60:260, 30 + place * (150 + gap) :][:, :200], strokes(digits()[place], 200)
        )
    with pytest.raises(DataError, match="3 digits side by side"):
        prepared(coloured(ink))


@few
@given(index=some)
def test_one_digit_is_not_taken_for_several(index: int) -> None:
    prepared(photo(index))


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_any_pixels_give_an_image_or_a_clear_error(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(8, 40)), data.draw(st.integers(8, 40))
    random = np.random.default_rng(data.draw(st.integers(0, 1000)))
    levels = data.draw(st.integers(1, 5))
    values = random.integers(0, 256, levels).astype(np.uint8)[random.integers(0, levels, (height, width))]
    try:
        result = prepared(Image.fromarray(values))
    except DataError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
    if message:
        return
    assert result.image.shape == (28, 28)
    assert result.image.dtype == np.uint8
    assert result.image.any()
    top, left, box_height, box_width = result.box
    assert 0 <= top <= top + box_height <= height
    assert 0 <= left <= left + box_width <= width


# The steps


def test_the_result_holds_every_step(tmp_path: Path) -> None:
    path = tmp_path / "nine.png"
    ink = sheet(300, 400, strokes(digits()[0], 160), 40, 200)
    coloured(ink, pen=(200, 30, 30)).save(path)
    result = to_mnist(path)
    assert result.picture.shape == (300, 400, 3)
    assert result.ink.shape == (300, 400)
    top, left, height, width = result.box
    assert result.cropped.shape == (height, width)
    np.testing.assert_array_equal(result.cropped, result.ink[top : top + height, left : left + width])
    rows, columns = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
    assert abs(top - rows[0]) <= 2
    assert abs(left - columns[0]) <= 2
    assert not result.ink[ink == 0][::7].mean() > 2
    assert {array.dtype for array in (result.picture, result.ink, result.cropped, result.image)} == {np.dtype(np.uint8)}
    np.testing.assert_array_equal(to_mnist(str(path)).image, result.image)
    with path.open("rb") as file:
        np.testing.assert_array_equal(to_mnist(file).image, result.image)


def test_the_error_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    Image.new("L", (90, 90), 255).save(path)
    with pytest.raises(DataError) as error:
        to_mnist(path)
    assert str(error.value).startswith(f"{path}: ")
