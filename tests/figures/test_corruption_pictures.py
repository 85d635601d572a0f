from __future__ import annotations

import numpy as np
from subjects import assert_readable, digits, title, words

from inkling.data import CORRUPTIONS, corrupt
from inkling.figures import corruptions
from inkling.figures.corruptions import GAP


def tiles(figure, rows: int, columns: int) -> np.ndarray:
    """The images drawn: (rows, columns, 28, 28)."""
    picture = np.ma.filled(figure.axes[0].images[0].get_array(), np.nan)
    step = 28 + GAP
    return np.array([[picture[y * step :][:28, x * step :][:, :28] for x in range(columns)] for y in range(rows)])


def test_a_row_for_each_corruption_of_the_first_of_each_digit():
    images, labels = digits(60)
    figure = corruptions(images, labels, seed=3)
    assert_readable(figure)
    assert "corrupted" in title(figure)
    shown = tiles(figure, 1 + len(CORRUPTIONS), 10)
    firsts = images[[int(np.argmax(labels == digit)) for digit in range(10)]]
    np.testing.assert_array_equal(shown[0], firsts)
    for row, name in zip(shown[1:], CORRUPTIONS, strict=True):
        np.testing.assert_array_equal(row, corrupt(firsts, name, seed=3))
    assert {"as it is", *CORRUPTIONS} <= set(words(figure))
    assert {each.words for each in CORRUPTIONS.values()} <= set(words(figure))


def test_few_digits_and_none_are_no_error():
    images, _ = digits(3)
    assert_readable(corruptions(images, np.array([4, 4, 7])))
    nothing = corruptions(np.empty((0, 28, 28), np.uint8), np.empty(0, int))
    assert_readable(nothing)
    assert "No corruptions" in words(nothing)
