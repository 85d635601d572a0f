"""The network that comes along: it reads digits at once, and its card says of it what its file says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import resources
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import inkling as ik
from inkling.data import bundled_digits, load_data
from inkling.recipes import build_network, build_plan, load_recipe
from inkling.storage import PRETRAINED, read_arrays
from inkling.training import corrupted_accuracies

ROOT = Path(__file__).resolve().parents[1]

STROKES = {
    # As one may write them on a sheet of 28 × 28: corners of lines, x to the right and y down.
    0: [[(14, 5), (9, 8), (8, 14), (9, 20), (14, 23), (19, 20), (20, 14), (19, 8), (14, 5)]],
    1: [[(14, 4), (14, 24)]],
    2: [[(9, 9), (11, 6), (15, 5), (19, 8), (18, 12), (9, 22), (20, 22)]],
    3: [[(9, 6), (14, 5), (18, 8), (13, 13), (18, 17), (15, 22), (9, 22)]],
    4: [[(11, 5), (9, 14), (19, 14)], [(18, 5), (17, 24)]],
    5: [[(19, 5), (11, 5), (10, 12), (15, 12), (18, 16), (16, 21), (9, 22)]],
    6: [[(16, 5), (11, 11), (9, 18), (13, 23), (18, 20), (17, 15), (10, 17)]],
    7: [[(8, 6), (19, 6), (12, 24)]],
    8: [[(14, 13), (10, 9), (14, 5), (18, 9), (14, 13), (9, 18), (14, 23), (19, 18), (14, 13)]],
    9: [[(18, 8), (14, 5), (10, 8), (12, 12), (18, 10), (18, 8), (17, 24)]],
}


def written(digit: int, pen: float = 1.3) -> np.ndarray:
    """The digit in strokes of that radius, in pixels, with soft edges."""
    y, x = np.mgrid[:28, :28].astype(float)
    nearest = np.full((28, 28), np.inf)
    for line in STROKES[digit]:
        for (x0, y0), (x1, y1) in pairwise(line):
            along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / ((x1 - x0) ** 2 + (y1 - y0) ** 2)
            along = np.clip(along, 0, 1)
            nearest = np.minimum(nearest, np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)))
    return np.rint(255 * np.clip(pen + 0.5 - nearest, 0, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def network() -> ik.nn.Network:
    return ik.load_pretrained()


@pytest.fixture(scope="module")
def about() -> dict:
    return read_arrays(PRETRAINED)[1]["about"]


@pytest.fixture(scope="module")
def card() -> str:
    return (PRETRAINED.parent / "model_card.md").read_text(encoding="utf-8")


# On a fresh machine.


def test_it_reads_digits_with_no_data_no_network_and_an_empty_home(tmp_path):
    home, work = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    work.mkdir()
    np.save(work / "images.npy", np.stack([written(digit) for digit in range(10)]))
    program = (
        "import socket\n"
        "def refuse(*_, **__): raise AssertionError('it wants a network')\n"
        "socket.socket = socket.create_connection = socket.getaddrinfo = refuse\n"
        "import inkling, numpy\n"
        "print(*inkling.load_pretrained().predict(numpy.load('images.npy')))"
    )
    kept = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "VIRTUAL_ENV")
    env = {name: os.environ[name] for name in kept if name in os.environ}
    home_as = dict.fromkeys(("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), str(home))
    ran = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=work, env=env | home_as, capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == list("0123456789")
    assert not list(home.iterdir())


def test_it_lies_in_the_package():
    for name in (PRETRAINED.name, "model_card.md"):
        assert (resources.files("inkling") / "pretrained" / name).is_file()


def test_it_is_small_and_stored_as_float16(network):
    assert PRETRAINED.stat().st_size < 500_000
    assert {array.dtype for array in load_file(PRETRAINED).values()} == {np.dtype(np.float16)}
    assert network.dtype == np.float32


def test_each_call_gives_a_network_of_ones_own():
    first, second = ik.load_pretrained(), ik.load_pretrained()
    first.parameters[...] = 0
    assert second.parameters.any()
    assert ik.load_pretrained().parameters.any()


def test_it_can_be_trained_on():
    network, digits = ik.load_pretrained(), bundled_digits()
    before = ik.evaluate(network, digits.test).loss
    ik.Trainer(network, ik.nn.Adam(1e-3), threads=1).fit(digits.train, epochs=1, batch_size=64)
    assert ik.evaluate(network, digits.test).loss < before


# It reads other hands than those it learned from.


def test_it_reads_plain_strokes_of_any_pen(network):
    for pen in (0.8, 1.3, 2.0):
        images = np.stack([written(digit, pen) for digit in range(10)])
        np.testing.assert_array_equal(network.predict(images), range(10))


def test_it_reads_the_bundled_digits_as_the_card_says(network, about):
    digits = bundled_digits()
    found = ik.evaluate(network, digits.train.joined(digits.test))
    assert found.count == about["bundled"]["count"]
    assert found.accuracy == pytest.approx(about["bundled"]["accuracy"], abs=2.5 / found.count)
    assert found.accuracy > 0.93


# What it says of itself.


def test_it_is_the_recipes_network(network, about):
    recipe = load_recipe(about["recipe"])
    assert PRETRAINED.stem == recipe.name
    assert network.config() == build_network(recipe).config()
    assert about["seed"] == recipe.training.seed
    assert about["validation"]["count"] == recipe.data.validation
    assert about["train"]["count"] == 60_000 - recipe.data.validation
    assert about["data"] == "mnist"


def percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def test_rounding_cost_nothing(about):
    validation = about["validation"]
    assert abs(validation["accuracy"] - validation["accuracy_before_rounding"]) * validation["count"] < 1.5


def test_the_card_gives_the_figures_of_the_file(about, card, network):
    test, validation = about["test"], about["validation"]
    low, high = test["interval"]
    assert low < test["accuracy"] < high
    assert f"| {validation['count']:,} | {percent(validation['accuracy'])} |" in card
    assert f"**{percent(test['accuracy'])}** ({percent(low)} to {percent(high)})" in card
    bundled = about["bundled"]
    assert f"| {bundled['count']:,} | {percent(bundled['accuracy'])} |" in card
    for words, accuracy in about["beyond"].items():
        assert f"| {words} | {percent(accuracy)} |" in card
    assert f"{len(network.parameters):,} parameters" in card
    assert f"seed {about['seed']}" in card
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+ %) \|$", card, flags=re.MULTILINE))
    assert rows == {name: percent(accuracy) for name, accuracy in about["corrupted"].items()}
    assert "{" not in card


def test_the_card_is_also_among_the_pages(card):
    assert (ROOT / "docs" / "model_card.md").read_text(encoding="utf-8") == card


# On the real MNIST.


@pytest.mark.mnist
def test_it_reads_as_many_validation_images_as_its_card_says(network, about, mnist_folder):
    recipe = load_recipe(about["recipe"])
    validation = load_data(mnist_folder, plan=build_plan(recipe.data, 0)).validation
    found = ik.evaluate(network, validation)
    assert found.count == about["validation"]["count"]
    # Another processor rounds sums otherwise, which may tip an image that lies on the border between two digits.
    assert found.accuracy == pytest.approx(about["validation"]["accuracy"], abs=2.5 / found.count)
    assert found.loss == pytest.approx(about["validation"]["loss"], rel=0.01)


@pytest.mark.mnist
def test_it_still_reads_corrupted_digits(network, about, mnist_folder):
    """A thousand of them, within two standard errors of what the card says of all."""
    validation = load_data(mnist_folder, plan=build_plan(load_recipe(about["recipe"]).data, 0)).validation
    first = validation.take(slice(1000))
    for name, accuracy in corrupted_accuracies(network, first).items():
        said = about["corrupted"][name]
        assert accuracy > said - 2 * (said * (1 - said) / len(first)) ** 0.5 - 0.001, name
        assert accuracy > 0.96, name
