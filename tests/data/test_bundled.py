"""The bundled digits look like MNIST's: same size, same box, same centre, about as much ink."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from inkling.data import bundled_digits, load_data, read_path
from inkling.data.bundled import in_mnist_form

DIGITS = bundled_digits()
EVERYTHING = DIGITS.train.joined(DIGITS.test)


def test_all_of_them_are_there_in_two_parts_with_each_digit_in_proportion() -> None:
    assert (len(DIGITS.train), len(DIGITS.test or ())) == (1_437, 360)
    assert EVERYTHING.images.shape == (1_797, 28, 28)
    assert EVERYTHING.images.dtype == np.uint8
    assert sorted(EVERYTHING.labels) == sorted(load_digits().target)
    share = np.bincount(DIGITS.test.labels) / np.bincount(EVERYTHING.labels)  # type: ignore[union-attr]
    assert (np.abs(share - 0.2) < 0.01).all()
    np.testing.assert_array_equal(bundled_digits().train.images, DIGITS.train.images)


def test_images_and_labels_stay_together() -> None:
    bunch = load_digits()
    drawn = in_mnist_form(bunch.images)
    by_image = {image.tobytes(): label for image, label in zip(drawn, bunch.target, strict=True)}
    assert all(
        by_image[image.tobytes()] == label for image, label in zip(EVERYTHING.images, EVERYTHING.labels, strict=True)
    )


def test_the_centre_of_mass_is_where_mnist_has_it() -> None:
    images = EVERYTHING.images.astype(float)
    mass = images.sum(axis=(1, 2))
    pixels = np.arange(28)
    np.testing.assert_allclose(images.sum(axis=2) @ pixels / mass, 14, atol=0.15)
    np.testing.assert_allclose(images.sum(axis=1) @ pixels / mass, 14, atol=0.15)


def test_each_digit_fills_a_box_of_twenty_pixels() -> None:
    ink = EVERYTHING.images > 20
    height = np.array([np.ptp(np.flatnonzero(rows)) + 1 for rows in ink.any(axis=2)])
    width = np.array([np.ptp(np.flatnonzero(columns)) + 1 for columns in ink.any(axis=1)])
    longer = np.maximum(height, width)
    assert longer.min() >= 18
    assert longer.max() <= 21
    assert (height > width).mean() > 0.95  # the proportions are kept: digits are taller than wide


def test_they_have_mnists_ink_and_smooth_edges() -> None:
    images = EVERYTHING.images / 255
    assert images.mean() == pytest.approx(0.1307, abs=0.015)
    assert images.std() == pytest.approx(0.3081, abs=0.015)
    between = ((images > 0.1) & (images < 0.9)).sum() / (images > 0.1).sum()
    assert 0.3 < between < 0.7  # neither blocks nor a blur; MNIST has 0.5
    steps = np.abs(np.diff(images, axis=2))
    assert (steps[:, :, 2:] == 0)[images[:, :, 3:] > 0.1].mean() < 0.4


def test_an_empty_image_stays_empty_and_a_dot_becomes_a_digits_size() -> None:
    cells = np.zeros((2, 8, 8))
    cells[1, 0, 7] = 16
    drawn = in_mnist_form(cells)
    assert not drawn[0].any()
    assert drawn[1, 14, 14] > 200


def test_they_are_a_source_like_mnist_with_a_test_part() -> None:
    digits = load_data("digits")
    assert digits.source == "digits"
    assert [len(part or ()) for part in (digits.train, digits.validation, digits.test)] == [1_317, 120, 360]
    assert "scikit-learn" in digits.note


@pytest.mark.mnist
def test_a_nearest_neighbour_among_them_reads_most_of_mnist(mnist_folder: Path) -> None:
    """The proof of the form: digits drawn by others on other paper are recognised far more often than without it."""
    some = read_path(mnist_folder).train.take(slice(1_000))
    bunch = load_digits()

    def accuracy(images: np.ndarray) -> float:
        a, b = images.reshape(len(images), -1) / 255, some.images.reshape(len(some), -1) / 255
        nearest = ((a**2).sum(axis=1) - 2 * b @ a.T).argmin(axis=1)
        return float((bunch.target[nearest] == some.labels).mean())

    only_enlarged = np.pad(np.kron(bunch.images * 255 / 16, np.ones((3, 3))), ((0, 0), (2, 2), (2, 2)))
    assert accuracy(in_mnist_form(bunch.images)) > accuracy(only_enlarged) + 0.15
