"""`inkling explain` walks one digit through the network in numbers that are true."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from stripes import Inkling, stripes, write_csv

from inkling.data import load_data
from inkling.recipes import build_plan, load_recipe
from inkling.storage import load_model


def test_the_numbers_are_the_networks(inkling: Inkling, trained: Path) -> None:
    told = inkling("explain", trained, "--sample", 3, "--json").json
    recipe = load_recipe(trained)
    test = load_data(recipe.data.source, plan=build_plan(recipe.data, recipe.training.seed)).test
    assert test is not None
    probabilities = load_model(trained).predict_proba(test.images[3:4])[0]
    assert told["label"] == test.labels[3]
    assert told["digit"] == probabilities.argmax()
    np.testing.assert_allclose(told["probabilities"], probabilities, atol=1e-6)
    assert told["loss"] == pytest.approx(-math.log(told["probabilities"][told["label"]]))


def test_every_gradient_is_proved_to_six_digits(inkling: Inkling, trained: Path) -> None:
    proofs = inkling("explain", trained, "--json").json["gradient_check"]
    names = {name for name, _ in load_model(trained).named_parameters()}
    assert {proof["parameter"].partition("[")[0] for proof in proofs} == names
    for proof in proofs:
        assert proof["analytic"] != 0
        assert proof["analytic"] == pytest.approx(proof["numerical"], rel=1e-6)


def test_the_sums_that_are_written_out_add_up(inkling: Inkling, trained: Path) -> None:
    text = inkling("explain", trained).out
    sums = re.findall(r"z = (.*) = (-?[\d.]+)$", text, flags=re.MULTILINE)
    assert len(sums) == sum(name.endswith(".W") for name, _ in load_model(trained).named_parameters())
    for terms, z in sums:
        products = [float(w) * float(x) for w, x in re.findall(r"(-?[\d.]+)·(-?[\d.]+)", terms)]
        others = [float(rest) for rest in re.findall(r"\((-?[\d.]+) from", terms)]
        bias = float(re.search(r"b \((-?[\d.]+)\)", terms)[1])  # type: ignore[index]
        assert sum(products) + sum(others) + bias == pytest.approx(float(z), abs=0.02)


def test_it_says_which_split_the_digit_is_from(inkling: Inkling, trained: Path) -> None:
    assert "Test image 2, a " in inkling("explain", trained, "--sample", 2).out
    write_csv(Path("mine.csv"), stripes(30, 9))
    assert "Training image 2, a " in inkling("explain", trained, "--data", "mine.csv", "--sample", 2).out


def test_an_image_that_is_not_there_is_refused(inkling: Inkling, trained: Path) -> None:
    answer = inkling("explain", trained, "--sample", 60)
    assert answer.status == 2
    assert "there are only 60 images, 0 … 59" in answer.err
