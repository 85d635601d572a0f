from __future__ import annotations

import numpy as np
import pytest
from subjects import assert_readable, digits, title, words

from inkling.figures import samples
from inkling.figures.samples import GAP

STEP = 28 + GAP


def tile(picture, row, column):
    return picture[row * STEP : row * STEP + 28, column * STEP : column * STEP + 28]


@pytest.mark.parametrize("per_class", [1, 3, 10, 20])
def test_it_can_be_read_for_any_number_of_samples(per_class):
    assert_readable(samples(*digits(300), per_class))


def test_each_row_shows_the_first_of_its_digit():
    images, labels = digits(200)
    (picture,) = samples(images, labels, per_class=4).axes[0].images
    array = picture.get_array()
    assert array.shape == (10 * STEP - GAP, 4 * STEP - GAP)
    for digit in range(10):
        for column, index in enumerate(np.flatnonzero(labels == digit)[:4]):
            np.testing.assert_array_equal(tile(array, digit, column), images[index])
    assert picture.get_clim() == (0, 255)


def test_what_is_missing_stays_empty():
    images, _ = digits(3)
    figure = samples(images, np.array([0, 0, 7]), per_class=3)
    assert_readable(figure)
    array = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    assert np.isnan(tile(array, 0, 2)).all()
    assert np.isnan(tile(array, 1, 0)).all()
    np.testing.assert_array_equal(tile(array, 7, 0), images[2])
    assert words(figure).count("none") == 8


def test_it_counts_the_images_of_each_digit():
    images, _ = digits(30)
    labels = np.array([0] * 12 + [1] * 3 + [2, 3, 4, 5, 6, 7, 8] * 2 + [9])
    figure = samples(images, labels)
    counts = [text.get_text() for text in figure.axes[0].texts]
    assert counts == ["images", "12", "3", "2", "2", "2", "2", "2", "2", "2", "1"]
    assert title(figure) == "30 images: 0 is the most frequent digit, 9 the rarest"
    even = samples(images, np.arange(30) % 10)
    assert title(even) == "30 images, 3 of each digit"


def test_floats_are_drawn_from_zero_to_one():
    images, labels = digits(20)
    (picture,) = samples(images.reshape(20, 784) / 255, labels, per_class=2).axes[0].images
    assert picture.get_clim() == (0, 1)
    np.testing.assert_allclose(tile(picture.get_array(), labels[0], 0), images[0] / 255)


def test_no_images_are_no_error():
    figure = samples(np.empty((0, 28, 28), np.uint8), np.empty(0, int))
    assert_readable(figure)
    assert "No samples" in words(figure)
