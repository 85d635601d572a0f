from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from readers import Page

from inkling.data import Digits
from inkling.errors import InklingError
from inkling.recipes import load_recipe, run_recipe
from inkling.report import Record, write_report
from inkling.training import Evaluation


def metrics_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text())


def change_metrics(folder: Path, **changes: object) -> None:
    (folder / "metrics.json").write_text(json.dumps(metrics_of(folder) | changes))


def test_the_numbers_are_those_of_the_run(page: Path, trained: Path, record: Record) -> None:
    read, metrics = Page.read(page), metrics_of(trained)
    assert read.one("div", id="score").text == f"{100 * metrics['test_accuracy']:.2f}\u00a0%"
    facts = dict(zip((e.text for e in read.all("dt")), (e.text for e in read.all("dd")), strict=True))
    assert facts["test loss"] == f"{metrics['test_loss']:.4f}"
    assert facts["parameters"] == f"{metrics['parameters']:,}"
    assert facts["epochs"] == "4"
    assert facts["training accuracy"] == f"{100 * metrics['train_accuracy']:.2f}\u00a0%"
    assert int(facts["wrong answers"]) == round((1 - metrics["test_accuracy"]) * metrics["dataset"]["test"])
    curves = read.data["charts"]
    for chart, column in (("loss", "validation_loss"), ("accuracy", "validation_accuracy"), ("rate", "learning_rate")):
        points = curves[chart]["series"][0]["points"]
        assert [epoch for epoch, _ in points] == [1, 2, 3, 4]
        assert [value for _, value in points] == pytest.approx(record.history[column], rel=1e-5)
    counts = np.array(read.data["confusions"][0]["counts"])
    assert counts.sum() == metrics["dataset"]["test"]
    assert counts.trace() / counts.sum() == pytest.approx(metrics["test_accuracy"])


def test_every_section_is_there_and_reached_from_the_contents(page: Path) -> None:
    read = Page.read(page)
    sections = [e.attributes["id"] for e in read.all("section")]
    expected = ["recipe", "learning", "confusion", "answers", "network", "walk", "change", "machine", "repeat"]
    assert sections == expected
    links = [e.attributes["href"] for e in read.all("a") if e.attributes["href"] != "#content"]
    assert links == [f"#{name}" for name in expected]
    assert [e.attributes["data-chart"] for e in read.elements if "data-chart" in e.attributes] == [
        "loss",
        "accuracy",
        "rate",
    ]
    levels = [int(e.tag[1]) for e in read.elements if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_says_how_to_read_it_and_what_it_shows(page: Path) -> None:
    read = Page.read(page)
    names = [e.attributes["id"].removeprefix("picture-") for e in read.all("figure")]
    assert names == [
        "predictions",
        "mistakes",
        "saliency",
        "architecture",
        "first_layer_weights",
        "activation_functions",
        "forward_pass",
        "backward_pass",
        "weights_since_start",
        "vital_signs",
        "samples",
    ]
    assert all(e.text.strip().endswith(".") for e in read.all("figcaption"))
    assert len(read.all("figcaption")) == len(read.all("img")) == len(names)
    for image in read.all("img"):
        assert len(image.attributes["alt"]) > 20
        assert int(image.attributes["width"]) > 300


def test_a_network_with_convolutions_shows_what_they_see(convolved: Path, digits: Digits, tmp_path: Path) -> None:
    page = write_report(convolved, digits, out=tmp_path / "report.html")
    read = Page.read(page)
    names = [e.attributes["id"].removeprefix("picture-") for e in read.all("figure")]
    assert names == [
        "predictions",
        "mistakes",
        "saliency",
        "architecture",
        "kernels",
        "activation_functions",
        "forward_pass",
        "feature_maps",
        "backward_pass",
        "weights_since_start",
        "samples",
        "distortions",
    ]
    assert page.stat().st_size < 2_500_000
    assert "Convolutions with 4 channels of 5×5 → 6 channels of 3×3, then 10 neurons, batch normalisation" in read.text
    assert "distorted anew whenever the network learns from it: shift ±1 px, rotate ±10°." in read.text


def test_it_is_one_small_file_that_asks_nobody_for_anything(page: Path) -> None:
    read, text = Page.read(page), page.read_text()
    assert page.stat().st_size < 1_500_000
    for element in read.elements:
        for name in ("src", "href", "srcset", "action", "poster"):
            link = element.attributes.get(name, "#")
            assert link.startswith(("data:", "#")), f"<{element.tag} {name}={link[:60]}>"
    assert not re.findall(r"url\((?!data:|\$)", text)
    assert not re.findall(r"^\s*import |@import|\bfetch\(|XMLHttpRequest|WebSocket", text, re.M)
    assert "default-src 'none'" in read.all("meta")[2].attributes["content"]


def test_the_command_repeats_the_run(page: Path, trained: Path) -> None:
    command = Page.read(page).one("pre", id="command").text
    assert command == f"inkling train '{trained / 'recipe.toml'}'"


def test_the_recipe_stands_there_in_words_and_whole(page: Path, trained: Path) -> None:
    read = Page.read(page)
    assert "784 → 24 → 12 → 10 neurons, ReLU after each hidden layer, dropout of 20" in read.text
    assert (trained / "recipe.toml").read_text() in read.one("section", id="recipe").text


def test_text_from_outside_stays_text(folder: Path, page: Path) -> None:
    evil = '</script><script>alert(1)</script><img src=x onerror="alert(2)">'
    recipe = (folder / "recipe.toml").read_text()
    (folder / "recipe.toml").write_text(re.sub("title = .*", lambda _: f"title = '''{evil}'''", recipe, count=1))
    change_metrics(folder, recipe=evil, dataset=metrics_of(folder)["dataset"] | {"note": evil, "source": evil})
    read = Page.read(write_report(folder, missing=evil))
    assert read.one("h1").text == evil
    assert len(read.all("script")) == len(Page.read(page).all("script"))
    assert not [e for e in read.elements if any(name.startswith("on") for name in e.attributes)]
    assert not [image for image in read.all("img") if not image.attributes["src"].startswith("data:")]


def test_without_the_images_it_draws_what_it_can_and_says_what_is_missing(folder: Path) -> None:
    written = write_report(folder, missing="the disk was given away")
    assert written == folder / "report.html"
    read = Page.read(written)
    assert "the disk was given away" in read.one("p", role="note").text
    names = [e.attributes["id"].removeprefix("picture-") for e in read.all("figure")]
    assert names == ["architecture", "first_layer_weights", "weights_since_start", "vital_signs"]
    assert read.data["confusions"] == []
    assert len(read.data["charts"]["loss"]["series"]) == 2
    assert read.one("div", id="score").text == f"{100 * metrics_of(folder)['test_accuracy']:.2f}\u00a0%"


def test_other_images_than_the_runs_are_not_taken_for_them(folder: Path, digits: Digits) -> None:
    assert digits.test is not None
    fewer = replace(digits, test=digits.test.take(slice(100)))
    note = Page.read(write_report(folder, fewer)).one("p", role="note").text
    assert f"the run had {len(digits.test)} test images, but now there are 100" in note
    note = Page.read(write_report(folder, replace(digits, source="csv:own.csv"))).one("p", role="note").text
    assert "trained on digits, but what was found is csv:own.csv" in note


def test_a_run_that_kept_no_vital_signs_has_no_picture_of_them(folder: Path) -> None:
    (folder / "vitals.csv").unlink()
    (folder / "recipe.toml").write_text((folder / "recipe.toml").read_text())
    names = [e.attributes["id"] for e in Page.read(write_report(folder)).all("figure")]
    assert "picture-weights_since_start" in names
    assert "picture-vital_signs" not in names


def test_a_network_that_never_trained_gets_a_report_as_well(digits: Digits, tmp_path: Path) -> None:
    changes = {"network.hidden": [], "network.dropout": 0.0, "training.epochs": 0, "figures.predictions": 0}
    run = run_recipe(load_recipe("default", changes), data=digits, out=tmp_path / "run")
    read = Page.read(write_report(run.folder, digits, network=run.network, evaluation=run.evaluations["test"]))
    assert "The network is untrained" in read.text
    assert "No epoch has been trained to its end" in read.text
    assert "picture-predictions" not in [e.attributes["id"] for e in read.all("figure")]


def test_without_a_test_set_validation_judges(folder: Path) -> None:
    metrics = metrics_of(folder)
    change_metrics(folder, test_accuracy=None, test_loss=None, dataset=metrics["dataset"] | {"test": 0})
    read = Page.read(write_report(folder))
    assert read.one("div", id="score").text == f"{100 * metrics['validation_accuracy']:.2f}\u00a0%"
    assert f"{metrics['dataset']['validation']} validation images" in read.text


def test_the_machine_of_the_training_is_named_if_the_run_noted_it(folder: Path) -> None:
    change_metrics(folder, environment=None)
    assert "versions and machine as they were when this report was written" in Page.read(write_report(folder)).text
    change_metrics(folder, environment={"processor": "Difference Engine No. 2"})
    text = Page.read(write_report(folder)).text
    assert "Difference Engine No. 2" in text
    assert "as they were when this report was written" not in text


def test_the_shelf_holds_the_mistakes_of_each_cell_and_no_others(page: Path, record: Record) -> None:
    confusion = Page.read(page).data["confusions"][0]
    places = confusion["samples"]["places"]
    for truth, row in enumerate(confusion["counts"]):
        for answer, count in enumerate(row):
            shown = places.get(f"{truth},{answer}", [0, 0])[1]
            assert shown == (0 if truth == answer else min(count, 8))
    evaluation = record.evaluation
    assert isinstance(evaluation, Evaluation)
    content = base64.b64decode(confusion["samples"]["sprite"].partition(",")[2])
    sheet = np.asarray(Image.open(io.BytesIO(content)).convert("L"), dtype=int)
    wrong = np.flatnonzero(evaluation.predictions != evaluation.labels)
    surest = wrong[evaluation.probabilities[wrong].max(axis=1).argmax()]
    first = places[f"{evaluation.labels[surest]},{evaluation.predictions[surest]}"][0]
    row, column = divmod(first, confusion["samples"]["columns"])
    shown_digit = sheet[28 * row : 28 * row + 28, 28 * column : 28 * column + 28]
    assert record.unseen is not None
    assert abs(255 - record.unseen.images[surest].astype(int) - shown_digit).max() <= 17
    ends = sorted((first, first + count) for first, count in places.values())
    assert [first for first, _ in ends] == [0, *(last for _, last in ends[:-1])]


@pytest.mark.parametrize(
    ("damage", "complaint"),
    [
        (lambda f: (f / "metrics.json").unlink(), "holds no metrics.json: its training is not over"),
        (lambda f: (f / "metrics.json").write_text("{"), "metrics.json is damaged"),
        (lambda f: (f / "metrics.json").write_text("[]"), "does not describe a run"),
        (lambda f: (f / "metrics.json").write_text('{"dataset": {}}'), "lacks recipe, parameters"),
        (lambda f: (f / "recipe.toml").write_text("= 1"), "recipe.toml is not TOML"),
        (lambda f: (f / "history.csv").unlink(), "cannot read"),
        (lambda f: (f / "model.safetensors").write_bytes(b"x"), "model.safetensors"),
    ],
)
def test_a_folder_that_is_no_whole_run_is_refused_in_one_line(folder: Path, damage: Any, complaint: str) -> None:
    damage(folder)
    with pytest.raises(InklingError) as error:
        write_report(folder)
    assert complaint in str(error.value)
    assert "\n" not in str(error.value)
    assert not (folder / "report.html").exists()
