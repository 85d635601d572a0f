from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from subjects import assert_readable, digits, title, words

from inkling.data import Augment
from inkling.figures import distortions
from inkling.figures.distortions import COLUMNS, GAP, RANGES

STEP = 28 + GAP
SOME = Augment(shift=2, rotate=15)
ALL = Augment(
    shift=2,
    rotate=15,
    scale=0.15,
    shear=0.2,
    elastic=1.2,
    thickness=0.5,
    erase=0.1,
    blur=1.2,
    noise=0.1,
    elastic_sigma=5,
)


def picture(figure, which):
    """The tiles of the upper (0) or lower (1) half: (rows, 1 + COLUMNS, 28, 28), the original first."""
    array = np.ma.filled(figure.axes[which].images[0].get_array(), np.nan)
    starts = [0, *(28 + 4 * GAP + STEP * column for column in range(COLUMNS))]
    rows = range(0, len(array), STEP)
    return np.array([[array[row : row + 28, left : left + 28] for left in starts] for row in rows])


@pytest.mark.parametrize("kind", [*ALL.kinds, "all"])
def test_it_can_be_read_for_any_kinds(kind):
    augment = ALL if kind == "all" else Augment(**{kind: getattr(ALL, kind)})
    assert_readable(distortions(*digits(100), augment))
    assert set(RANGES) == set(ALL.kinds)


def test_the_first_of_each_digit_stands_beside_random_distortions_of_it():
    images, labels = digits(60)
    figure = distortions(images, labels, SOME)
    tiles = picture(figure, 0)
    assert tiles.shape == (10, 1 + COLUMNS, 28, 28)
    for digit, row in enumerate(tiles):
        np.testing.assert_array_equal(row[0], images[np.argmax(labels == digit)])
        assert len({tile.tobytes() for tile in row}) == 1 + COLUMNS
    assert figure.axes[0].images[0].get_clim() == (0, 255)
    assert [word for word in words(figure) if word.isdigit()] == [str(digit) for digit in range(10)]


def test_each_kind_alone_goes_from_one_end_to_the_other_through_the_image_itself():
    images, labels = digits(40)
    figure = distortions(images, labels, replace(SOME, thickness=0.5, noise=0.2))
    shift, rotate, thickness, noise = picture(figure, 1)
    for row in (shift, rotate, thickness, noise):
        np.testing.assert_array_equal(row[0], images[0])
    for row in (shift, rotate, thickness):
        np.testing.assert_array_equal(row[1 + COLUMNS // 2], images[0])
    np.testing.assert_array_equal(shift[1][:-2, :-2], images[0][2:, 2:])
    np.testing.assert_array_equal(shift[-1][2:, 2:], images[0][:-2, :-2])
    np.testing.assert_array_equal(noise[1], images[0])
    ink = thickness[1:].sum(axis=(1, 2))
    assert (np.diff(ink) > 0).all()
    away = np.abs(noise[1:] - images[0]).mean(axis=(1, 2))
    assert (np.diff(away) > 0).all()


def test_elastic_deformation_bends_one_and_the_same_way_further_and_further():
    images, labels = digits(40)
    (row,) = picture(distortions(images, labels, Augment(elastic=2)), 1)
    away = np.abs(row[1:] - images[0]).mean(axis=(1, 2))
    middle = COLUMNS // 2
    assert away[middle] == 0
    assert (away[:middle] > 0).all()
    assert (away[middle + 1 :] > 0).all()


def test_it_says_how_far_each_kind_goes():
    said = words(distortions(*digits(20), ALL))
    for pattern in (
        r"shift  ±2 px",
        r"rotate  ±15°",
        r"scale  ×0.87 to ×1.15",
        r"elastic  1.2 px, σ 5 px",
        r"blur  to σ 1.2 px",
        r"noise  to 10\s%",
    ):
        assert any(re.fullmatch(pattern, word) for word in said), pattern


def test_the_same_seed_gives_the_same_picture():
    images, labels = digits(30)
    once, again, other = (picture(distortions(images, labels, ALL, seed=seed), 0) for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert (once != other).any()


def test_few_digits_and_none_are_no_error():
    images, _ = digits(3)
    figure = distortions(images, np.array([4, 4, 7]), SOME)
    assert_readable(figure)
    assert len(picture(figure, 0)) == 2
    for nothing in (
        distortions(np.empty((0, 28, 28), np.uint8), np.empty(0, int), SOME),
        distortions(images, np.array([0, 1, 2]), Augment()),
    ):
        assert_readable(nothing)
        assert "No distortions" in words(nothing)
    assert "network" in title(figure)
