"""What the network that comes along is good for on the command line, where nothing was ever trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stripes import Inkling

import inkling as ik
from inkling.data import bundled_digits


@pytest.fixture
def pictures() -> list[Path]:
    """Some bundled digits as files in the folder that the commands run in."""
    digits = bundled_digits().test
    files = []
    for index in range(5):
        files.append(Path(f"{index}.png"))
        Image.fromarray(digits.images[index]).save(files[-1])
    return files


def test_predict_asks_it_unless_told_otherwise(inkling: Inkling, pictures: list[Path]) -> None:
    answer = inkling("predict", *pictures, "--json")
    assert (answer.status, answer.err) == (0, "")
    images = bundled_digits().test.images[:5]
    expected = ik.load_pretrained().predict_proba(images)
    np.testing.assert_allclose([found["probabilities"] for found in answer.json], expected, atol=1e-4)
    assert inkling("predict", *pictures, "--json", "--model", "pretrained").out == answer.out


def test_predict_can_still_be_told_to_ask_the_latest_run(inkling: Inkling, pictures: list[Path]) -> None:
    answer = inkling("predict", *pictures, "--model", "latest")
    assert (answer.status, answer.out) == (2, "")
    assert "there is no run in" in answer.err
    assert "pretrained" in answer.err


def test_it_can_be_measured(inkling: Inkling) -> None:
    answer = inkling("evaluate", "pretrained", "--data", "digits", "--json")
    assert answer.json["model"] == "pretrained"
    assert answer.json["accuracy"] == ik.evaluate(ik.load_pretrained(), bundled_digits().test).accuracy


def test_it_can_be_explained(inkling: Inkling) -> None:
    answer = inkling("explain", "pretrained", "--data", "digits", "--json")
    assert (answer.status, answer.err) == (0, "")
    assert sum(answer.json["probabilities"]) == pytest.approx(1)


@pytest.mark.parametrize("command", ["figures", "report"])
def test_it_is_no_run_that_could_be_looked_back_on(inkling: Inkling, command: str) -> None:
    answer = inkling(command, "pretrained")
    assert (answer.status, answer.out) == (2, "")
    assert "pretrained is the network that comes along, and no run" in answer.err
    assert len(answer.err.splitlines()) == 1
