from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from stripes import Inkling, stripes, write_csv


def test_a_run_is_measured_as_it_was_after_training(inkling: Inkling, trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    for split in ("train", "validation", "test"):
        measured = inkling("evaluate", trained, "--split", split, "--json").json
        assert measured["accuracy"] == metrics[f"{split}_accuracy"]
        assert measured["loss"] == pytest.approx(metrics[f"{split}_loss"], rel=1e-6)
        assert measured["count"] == metrics["dataset"][split]
    assert inkling("evaluate", trained, "--json").json["split"] == "test"


def test_json_tells_of_each_digit_and_the_mistakes(inkling: Inkling, trained: Path) -> None:
    answer = inkling("evaluate", trained, "--json")
    found = answer.json
    assert answer.err == ""
    assert {"accuracy", "loss", "count", "per_class", "confusion"} <= found.keys()
    confusion = np.array(found["confusion"])
    assert confusion.shape == (10, 10)
    assert confusion.sum() == found["count"] == 60
    assert np.trace(confusion) / 60 == pytest.approx(found["accuracy"])
    for k, row in enumerate(found["per_class"]):
        assert row["class"] == k
        assert row["count"] == confusion[k].sum() == 6
        assert row["recall"] == pytest.approx(confusion[k, k] / 6)
        read_so = confusion[:, k].sum()
        assert row["precision"] == pytest.approx(confusion[k, k] / read_so if read_so else 0)


def test_the_tables_show_the_same(inkling: Inkling, trained: Path) -> None:
    found = inkling("evaluate", trained, "--json").json
    text = inkling("evaluate", trained).out
    wrong = round(60 * (1 - found["accuracy"]))
    percent = f"{found['accuracy']:.2%}".replace("%", " %")
    assert f"accuracy {percent} ({wrong} wrong), loss {found['loss']:.4f}" in text
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in text.splitlines() if line.startswith("│")]
    for k in range(10):
        scores = found["per_class"][k]
        shown = [f"{scores[name]:.2%}".replace("%", " %") for name in ("precision", "recall", "f1")]
        assert rows[k] == [str(k), *shown, "6"]
        assert rows[10 + k] == [str(k), *(str(n or "·") for n in found["confusion"][k])]


def test_other_data_can_be_named(inkling: Inkling, trained: Path) -> None:
    write_csv(Path("mine.csv"), stripes(30, 9))
    found = inkling("evaluate", trained / "model.safetensors", "--data", "mine.csv", "--json").json
    assert (found["count"], found["split"], found["data"]) == (30, "train", "csv:mine.csv")
    missing = inkling("evaluate", trained, "--data", "mine.csv", "--split", "test")
    assert missing.status == 2
    assert "no test split" in missing.err


def test_without_test_images_the_held_out_ones_are_measured(train: Inkling, inkling: Inkling) -> None:
    write_csv(Path("mine.csv"), stripes(80, 9))
    assert train("--data", "mine.csv", "--set", "data.validation=20", "--out", "mine").status == 0
    found = inkling("evaluate", "mine", "--json").json
    assert (found["split"], found["count"]) == ("validation", 20)


def test_the_newest_run_is_meant_where_none_is_named(inkling: Inkling, trained: Path) -> None:
    assert "inkling train" in inkling("evaluate").err
    shutil.copytree(trained, "runs/one")
    assert inkling("evaluate", "--json").json["model"] == "latest"


def test_a_run_whose_data_has_gone_says_which_and_what_to_do(train: Inkling, inkling: Inkling, tiny: Path) -> None:
    shutil.copy(tiny, "here.npz")
    train("--data", "here.npz", "--out", "run")
    Path("here.npz").unlink()
    answer = inkling("evaluate", "run", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert "here.npz" in answer.err
    assert "--data" in answer.err
    assert inkling("evaluate", "run", "--data", tiny).status == 0


def test_a_run_is_not_measured_on_other_data_behind_the_users_back(
    train: Inkling, inkling: Inkling, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("INKLING_DATA", str(tiny))
    train("--data", "auto", "--out", "run")
    assert inkling("evaluate", "run").status == 0
    monkeypatch.delenv("INKLING_DATA")  # from now on, auto finds the bundled digits
    answer = inkling("evaluate", "run", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert "trained on npz:tiny.npz, but auto now finds digits" in answer.err


def test_a_run_on_the_bundled_digits_stays_with_them(
    inkling: Inkling, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inkling("train", "--epochs", 0, "--hidden", 0, "--set", "figures.predictions=0", "--out", "run")
    monkeypatch.setenv("INKLING_DATA", str(tiny))  # better data has come along since
    assert inkling("evaluate", "run", "--json").json["data"] == "digits"


def test_several_models_answer_together(inkling: Inkling, trained: Path) -> None:
    from inkling import Ensemble, load_data, load_model, nn, save_model

    other = save_model(nn.Network([nn.Dense(10)], seed=5), "other.safetensors")
    found = inkling("evaluate", trained, other, "--ensemble", "--shifts", "1", "--data", "digits", "--json").json
    digits = load_data("digits").test
    together = Ensemble([load_model(trained), load_model(other)], shifts=1)
    assert found["accuracy"] == (together.predict(digits.images) == digits.labels).mean()
    assert (found["model"], found["shifts"]) == ([str(trained), str(other)], 1)
    alone = inkling("evaluate", trained, "--shifts", "1", "--data", "digits", "--json").json
    assert alone["accuracy"] == (Ensemble([load_model(trained)], 1).predict(digits.images) == digits.labels).mean()


def test_several_models_without_a_word_on_what_to_do_with_them_are_refused(inkling: Inkling, trained: Path) -> None:
    answer = inkling("evaluate", trained, trained)
    assert answer.status == 2
    assert "there are 2 models: say --ensemble" in answer.err


NAMES = ["clean", "rotate", "shear", "shrink", "shift", "noise", "blur", "thin", "thick"]


def test_corrupted_images_are_measured_model_by_model(inkling: Inkling, trained: Path, convolved: Path) -> None:
    answer = inkling("evaluate", trained, convolved, "--corrupted", "--split", "validation", "--json")
    assert (answer.status, answer.err) == (0, "")
    found = answer.json
    assert (found["split"], found["count"]) == ("validation", 40)
    assert [row["model"] for row in found["models"]] == [str(trained), str(convolved)]
    alone = inkling("evaluate", trained, "--split", "validation", "--json").json
    for row in found["models"]:
        assert list(row["accuracy"]) == NAMES
        assert all(0 <= accuracy <= 1 for accuracy in row["accuracy"].values())
    assert found["models"][0]["accuracy"]["clean"] == alone["accuracy"]
    assert inkling("evaluate", trained, convolved, "--corrupted", "--split", "validation", "--json").out == answer.out


def test_the_table_of_corruptions_has_a_row_for_each_model(inkling: Inkling, trained: Path, convolved: Path) -> None:
    found = inkling("evaluate", trained, convolved, "--corrupted", "--json").json
    text = inkling("evaluate", trained, convolved, "--corrupted").out
    assert "60 images (test)" in text
    lines = text.splitlines()
    head = next(line for line in lines if "clean" in line)
    assert head.split() == ["model", *NAMES]
    for row in found["models"]:
        values = " ".join(f"{100 * accuracy:.2f}" for accuracy in row["accuracy"].values())
        assert any(values in " ".join(line.split()) for line in lines)
    assert "rotate ±20°" in " ".join(text.split())


def test_an_ensemble_is_one_row(inkling: Inkling, trained: Path, convolved: Path) -> None:
    found = inkling("evaluate", trained, convolved, "--corrupted", "--ensemble", "--shifts", "1", "--json").json
    (row,) = found["models"]
    assert row["model"] == [str(trained), str(convolved)]
    assert found["shifts"] == 1


def test_several_models_want_to_know_what_for(inkling: Inkling, trained: Path) -> None:
    answer = inkling("evaluate", trained, trained)
    assert answer.status == 2
    assert "--ensemble" in answer.err
    assert "--corrupted" in answer.err


def test_an_ensemble_says_of_what_it_is_made(inkling: Inkling, trained: Path, convolved: Path) -> None:
    text = inkling("evaluate", trained, convolved, "--ensemble", "--shifts", "1").out
    assert f"{trained} + {convolved} together, each image read 9 times, moved by up to 1 px\n" in text
    assert f"\n{trained} + {convolved} together\n" in inkling("evaluate", trained, convolved, "--ensemble").out
    assert f"\n{trained}, each image read 25 times, moved" in inkling("evaluate", trained, "--shifts", "2").out
    assert "together" not in inkling("evaluate", trained).out


def test_a_model_does_not_answer_together_with_itself(inkling: Inkling, trained: Path) -> None:
    file = trained / "model.safetensors"
    answer = inkling("evaluate", trained, file, "--ensemble")
    assert (answer.status, answer.out) == (2, "")
    assert f"{trained} and {file} are the same model: name each once" in answer.err
