"""`inkling explain` walks one digit through the network in numbers that are true."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from stripes import Inkling, stripes, write_csv

from inkling import nn
from inkling.data import load_data
from inkling.recipes import build_plan, load_recipe
from inkling.storage import load_model, save_model


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


def test_one_pixel_of_each_convolution_can_be_checked_with_a_calculator(inkling: Inkling, convolved: Path) -> None:
    text = inkling("explain", convolved).out
    network = load_model(convolved)
    for name, size, others in (("conv2d_1", 5, 0), ("conv2d_2", 3, 2)):
        part = text.split(f"\n{name}  ")[1].split("\nbatchnorm")[0]
        channel = int(re.search(r"channel (\d+), row \d+, column \d+ sees rows", part)[1])  # type: ignore[index]
        rows = re.findall(r"^ +(-?\d[-\d. ]*)  ·  +(-?\d[-\d. ]*)  = +(-?[\d.]+)$", part, flags=re.MULTILINE)
        assert len(rows) == size
        kernel = np.array([row[1].split() for row in rows], float)
        window = np.array([row[0].split() for row in rows], float)
        W = dict(network.named_parameters())[f"{name}.W"]
        assert any(np.allclose(kernel, W[:, :, k, channel], atol=1e-4) for k in range(W.shape[2]))
        np.testing.assert_allclose((window * kernel).sum(axis=1), [float(row[2]) for row in rows], atol=0.01)
        total, rest, bias, z = re.search(  # type: ignore[union-attr]
            r"z = (-?[\d.]+)(?: \+ \((-?[\d.]+) from \d+ other channels\))? \+ b \((-?[\d.]+)\) = (-?[\d.]+)$",
            part,
            re.M,
        ).groups()
        assert (rest is not None) == bool(others)
        assert float(total) == pytest.approx(sum(float(row[2]) for row in rows), abs=0.0005)
        assert float(total) + float(rest or 0) + float(bias) == pytest.approx(float(z), abs=0.0002)


def test_normalization_and_pooling_go_on_from_there(inkling: Inkling, convolved: Path) -> None:
    text = inkling("explain", convolved).out
    z = float(re.search(r"z = .* = (-?[\d.]+)$", text, re.M)[1])  # type: ignore[index]
    gamma, came, mean, variance, beta, normed = map(
        float,
        re.search(  # type: ignore[union-attr]
            r"gamma (-?[\d.]+) · \((-?[\d.]+) − mean (-?[\d.]+)\) / √\(variance ([\d.]+) \+ 0.00001\) "
            r"\+ beta (-?[\d.]+) = (-?[\d.]+)$",
            text,
            re.M,
        ).groups(),
    )
    assert came == z
    assert gamma * (came - mean) / math.sqrt(variance + 1e-5) + beta == pytest.approx(normed, rel=0.01)
    network = load_model(convolved)
    state = dict(network.named_state())
    assert np.abs(state["batchnorm_1.running_mean"] - mean).min() < 1e-4
    listed, largest = re.search(r"the largest of (.*) is (-?[\d.]+), in row", text).groups()  # type: ignore[union-attr]
    assert len(listed.split(", ")) == 4
    assert max(map(float, listed.split(", "))) == float(largest) == normed


def test_the_gradient_of_a_kernel_is_a_sum_over_places(inkling: Inkling, convolved: Path) -> None:
    text = inkling("explain", convolved).out
    sums = re.findall(r"dW\[\d,\d,\d,\d\] = Σ x · dz = (.*) = (-?[\d.]+)$", text, re.M)
    assert len(sums) == 2
    for terms, total in sums:
        products = [float(x) * float(dz) for x, dz in re.findall(r"(-?[\d.]+)·(-?[\d.]+)", terms)]
        rest = [float(rest) for rest in re.findall(r"\((-?[\d.]+) from", terms)]
        assert sum(products) + sum(rest) == pytest.approx(float(total), abs=0.0005)


def test_every_gradient_of_a_normalized_convolution_is_proved(inkling: Inkling, convolved: Path) -> None:
    told = inkling("explain", convolved, "--json").json
    assert {proof["parameter"].partition("[")[0] for proof in told["gradient_check"]} == {
        name for name, _ in load_model(convolved).named_parameters()
    }
    for proof in told["gradient_check"]:
        assert proof["analytic"] == pytest.approx(proof["numerical"], rel=1e-5, abs=1e-9)
    recipe = load_recipe(convolved)
    test = load_data(recipe.data.source, plan=build_plan(recipe.data, recipe.training.seed)).test
    assert test is not None
    # Normalization goes by what the network remembers of its training: that must come along.
    expected = load_model(convolved).predict_proba(test.images[:1])[0]
    np.testing.assert_allclose(told["probabilities"], expected, atol=1e-5)


def test_it_says_which_split_the_digit_is_from(inkling: Inkling, trained: Path) -> None:
    assert "Test image 2, a " in inkling("explain", trained, "--sample", 2).out
    write_csv(Path("mine.csv"), stripes(30, 9))
    assert "Training image 2, a " in inkling("explain", trained, "--data", "mine.csv", "--sample", 2).out


def test_an_image_that_is_not_there_is_refused(inkling: Inkling, trained: Path) -> None:
    answer = inkling("explain", trained, "--sample", 60)
    assert answer.status == 2
    assert "there are only 60 images, 0 … 59" in answer.err


def test_one_is_not_called_several(inkling: Inkling) -> None:
    layers = [nn.Conv2D(2, 1), nn.AveragePool2D(2), nn.Conv2D(1, 1), nn.Flatten(), nn.Dense(10)]
    text = inkling("explain", save_model(nn.Network(layers), "small.safetensors"), "--data", "digits").out
    assert re.search(r"sees row \d+, column \d+ of 2 channels; of channel", text)
    assert re.search(r"from 1 other channel\)", text)
    assert not re.search(r"(\d+) … \1\b|from 1 others|\b1 other \w+s\b", text)
    listed, total, mean = re.search(r"the mean of (.*): (-?[\d.]+) / 4 = (-?[\d.]+)$", text, re.M).groups()  # type: ignore[union-attr]
    assert sum(map(float, listed.split(", "))) == pytest.approx(float(total), abs=0.001)
    assert float(total) / 4 == pytest.approx(float(mean), abs=0.001)


def test_a_layer_and_its_shapes_are_one_line(inkling: Inkling, convolved: Path) -> None:
    heads = [line for line in inkling("explain", convolved).out.splitlines() if line.startswith("conv2d")]
    assert re.search(r"W\[i, j\] \+ b   28×28×1 → 24×24×3$", heads[0])
