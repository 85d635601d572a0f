"""Corruptions: each does what its name says, by a fixed amount, and the same seed does it again."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from inkling.data import CORRUPTIONS, bundled_digits, corrupt
from inkling.errors import DataError

IMAGES = bundled_digits().train.images[:60]
NAMES = ["rotate", "shear", "shrink", "shift", "noise", "blur", "thin", "thick"]


def block(height: int = 4, width: int = 4, count: int = 40) -> np.ndarray:
    """A rectangle of full ink in the middle of each image."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 14 - height // 2 : 14 + height // 2, 14 - width // 2 : 14 + width // 2] = 255
    return images


def test_there_are_eight_in_the_order_in_which_they_are_shown() -> None:
    assert list(CORRUPTIONS) == NAMES
    assert all(each.name == name and each.words for name, each in CORRUPTIONS.items())


@settings(deadline=None)
@given(name=st.sampled_from(NAMES), count=st.integers(0, 5), seed=st.integers(0, 5))
def test_the_same_seed_gives_the_same_images_and_leaves_the_originals(name: str, count: int, seed: int) -> None:
    images = IMAGES[:count].copy()
    once, again = (corrupt(images, name, seed=seed) for _ in range(2))
    np.testing.assert_array_equal(once, again)
    np.testing.assert_array_equal(images, IMAGES[:count])
    assert once.shape == images.shape
    assert once.dtype == np.uint8
    assert count == 0 or (once != images).any(axis=(1, 2)).all()


@pytest.mark.parametrize("name", ["rotate", "shear", "shift", "noise"])
def test_another_seed_gives_others(name: str) -> None:
    assert (corrupt(IMAGES, name, seed=1) != corrupt(IMAGES, name, seed=2)).any()


def test_a_thousand_and_one_images_are_corrupted_like_any_other() -> None:
    many = np.repeat(IMAGES[:1], 2001, axis=0)
    for name in ("shrink", "blur", "thin", "thick"):
        changed = corrupt(many, name)
        assert (changed == changed[0]).all()
    shifted = corrupt(many, "shift")
    assert len(np.unique(shifted.reshape(2001, -1), axis=0)) == 4


def test_rotation_is_by_20_degrees_to_either_side() -> None:
    changed = corrupt(block(20, 2), "rotate").astype(float)
    y, x = np.mgrid[:28, :28] - 13.5
    angles = set()
    for image in changed:
        spread = [[(image * a * b).sum() for a in (x, y)] for b in (x, y)]
        main = np.linalg.eigh(spread)[1][:, -1]
        angles.add(round(float(np.degrees(np.arctan(main[0] / main[1])))))
    assert angles == {-20, 20}


def test_shear_moves_the_top_against_the_bottom() -> None:
    changed = corrupt(block(20, 2), "shear").astype(float)
    places = changed @ np.arange(28) / np.maximum(changed.sum(axis=2), 1)
    slopes = (places[:, 6] - places[:, 21]) / 15
    assert set(np.round(slopes, 2)) == {-0.4, 0.4}


def test_shrinking_leaves_four_fifths() -> None:
    changed = corrupt(block(20, 20, 1), "shrink")[0]
    assert changed.sum() / 255 == pytest.approx(16**2, rel=0.02)
    assert changed[14, :6].max() == 0
    assert changed[14, 6:22].min() == 255


def test_shifts_are_three_pixels_along_both_axes_in_all_four_combinations() -> None:
    images = np.repeat(IMAGES[:1], 50, axis=0)
    changed = corrupt(images, "shift")
    expected = {np.roll(IMAGES[0], (y, x), (0, 1)).tobytes() for y in (-3, 3) for x in (-3, 3)}
    assert {image.tobytes() for image in changed} == expected


def test_noise_has_a_quarter_of_full_ink_as_standard_deviation() -> None:
    grey = np.full((40, 28, 28), 128, np.uint8)
    noise = corrupt(grey, "noise").astype(float) - 128
    # Cut at two standard deviations, which is where paper and full ink are.
    assert noise.std() / 255 == pytest.approx(0.25 * 0.96, rel=0.02)
    assert abs(noise.mean()) < 1
    assert corrupt(np.zeros_like(grey), "noise").mean() > 20


def test_blur_is_a_gaussians() -> None:
    changed = corrupt(IMAGES, "blur")
    expected = ndimage.gaussian_filter(IMAGES.astype(float), (0, 1.3, 1.3), mode="reflect")
    assert np.abs(changed - expected).max() < 9
    assert np.abs(changed - expected).mean() < 1


def test_thin_and_thick_are_erosion_and_dilation_by_two_by_two() -> None:
    np.testing.assert_array_equal(corrupt(IMAGES, "thin"), ndimage.grey_erosion(IMAGES, (1, 2, 2), mode="constant"))
    np.testing.assert_array_equal(corrupt(IMAGES, "thick"), ndimage.grey_dilation(IMAGES, (1, 2, 2), mode="constant"))


def test_other_shapes_of_images_do() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 20, 31), dtype=np.uint8)
    for name in NAMES:
        assert corrupt(images, name).shape == (3, 20, 31)
        assert corrupt(images[:, ::2, ::-1], name).shape == (3, 10, 31)


def test_what_is_no_corruption_or_no_images_is_said_so() -> None:
    with pytest.raises(DataError, match="there is no corruption 'fog'; there are rotate, shear"):
        corrupt(IMAGES, "fog")
    with pytest.raises(DataError, match="uint8"):
        corrupt(IMAGES / 255, "noise")
    with pytest.raises(DataError, match="shape"):
        corrupt(IMAGES[0], "noise")
