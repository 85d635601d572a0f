"""A digit in the terminal: 28 wide, 14 high, and still the same digit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inkling.data import ascii_digit
from inkling.errors import DataError


@given(seed=st.integers(0, 999), blocks=st.booleans())
def test_always_fourteen_lines_of_twenty_eight_characters(seed: int, blocks: bool) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (28, 28), dtype=np.uint8)
    lines = ascii_digit(image, blocks=blocks).split("\n")
    assert len(lines) == 14
    assert {len(line) for line in lines} == {28}
    assert blocks or ascii_digit(image, blocks=False).isascii()


def test_every_drawn_pixel_is_a_half_block_in_its_place() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4, 3] = image[9, 5] = image[20:22, 7] = 255
    lines = ascii_digit(image).split("\n")
    assert (lines[2][3], lines[4][5], lines[10][7]) == ("▀", "▄", "█")
    assert "".join(lines).strip(" ▀▄█") == ""
    assert sum(letter != " " for line in lines for letter in line) == 3


def test_faint_ink_is_shaded_and_paper_is_blank() -> None:
    image = np.zeros((28, 28), np.uint8)
    assert ascii_digit(image).replace("\n", "") == " " * 392
    image[:2] = 100
    image[2:4] = 40
    lines = ascii_digit(image).split("\n")
    assert (lines[0], lines[1]) == ("▒" * 28, "░" * 28)


def test_plain_characters_get_heavier_with_the_ink() -> None:
    image = np.repeat(np.arange(28, dtype=np.uint8) * 9, 28).reshape(28, 28).T.copy()
    row = ascii_digit(image, blocks=False).split("\n")[0]
    weights = [" .:-=+*#%@".index(letter) for letter in row]
    assert weights == sorted(weights)
    assert (weights[0], weights[-1]) == (0, 9)


@pytest.mark.parametrize("image", [np.zeros((8, 8), np.uint8), np.zeros((28, 28)), np.zeros((1, 28, 28), np.uint8)])
def test_what_is_no_image_is_refused(image: np.ndarray) -> None:
    with pytest.raises(DataError, match="uint8"):
        ascii_digit(image)
