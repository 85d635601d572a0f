from __future__ import annotations

import numpy as np
import pytest
from subjects import assert_readable, title, words

from inkling.data.handwriting import Prepared, prepare
from inkling.figures import seeing
from inkling.figures.seeing import MOST


def stroke(height: int = 120, width: int = 90) -> Prepared:
    """A thick vertical stroke, dark on light."""
    colours = np.full((height, width, 3), 240, np.float32)
    colours[height // 5 : -height // 5, width // 2 - 5 : width // 2 + 5] = 30
    return prepare(colours)


def in_form() -> Prepared:
    """A stroke in MNIST's form."""
    colours = np.zeros((28, 28, 3), np.float32)
    colours[4:24, 12:16] = 255
    return prepare(colours)


def chances(*best: int) -> np.ndarray:
    rows = np.full((len(best), 10), 0.01)
    rows[np.arange(len(best)), list(best)] = 0.91
    return rows


def test_a_row_for_each_picture_with_its_steps_and_the_answer():
    each = stroke()
    figure = seeing([each], chances(7), ["photo.jpg"])
    assert_readable(figure)
    assert title(figure) == "What the network saw"
    drawn = [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]
    for shown, step in zip(drawn, (each.picture, each.ink, each.cropped, each.image), strict=True):
        np.testing.assert_array_equal(shown, step)
    (frame,) = figure.axes[0].patches
    top, left, height, width = each.box
    x, y, w, h = *frame.get_xy(), frame.get_width(), frame.get_height()
    assert x < left < left + width < x + w
    assert y < top < top + height < y + h
    bars = [bar.get_width() for bar in figure.axes[-1].patches]
    assert bars == pytest.approx(list(chances(7)[0]))
    assert {"photo.jpg", "91.0\u00a0%", *map(str, range(10))} <= set(words(figure))


def test_what_was_taken_as_it_is_says_so():
    figure = seeing([in_form()], chances(1), ["one.png"])
    assert_readable(figure)
    assert len([axes for axes in figure.axes if axes.images]) == 2
    assert any("taken" in word for word in words(figure))


@pytest.mark.parametrize("size", [(40, 400), (400, 40), (90, 90)])
def test_pictures_of_all_proportions_fit(size: tuple[int, int]):
    assert_readable(seeing([stroke(*size), in_form()], chances(1, 2), ["a.png", "b.png"]))


def test_names_of_all_kinds_can_be_read():
    names = ["x" * 300 + ".png", "cash $1$ {}^_\\.png", "\u4e8c.png", "bad\udcff\n.png", ""]
    figure = seeing([stroke()] * len(names), chances(*range(len(names))), names)
    assert_readable(figure)
    assert "?.png" in words(figure)
    assert any(word.startswith("… x") and word.endswith("xx.png") for word in words(figure))


def test_none_and_many():
    assert "Nothing to see" in words(seeing([], np.empty((0, 10)), []))
    count = MOST + 5
    figure = seeing([in_form()] * count, chances(*[3] * count), [f"{k}.png" for k in range(count)])
    assert f"{MOST - 1}.png" in words(figure)
    assert f"{MOST}.png" not in words(figure)
