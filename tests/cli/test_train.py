from __future__ import annotations

import csv
import json
import signal
import tomllib
from pathlib import Path

import numpy as np
import pytest
from stripes import Inkling

from inkling.storage import load_model
from inkling.training import Callback, Trainer


def toml(path: Path) -> dict:
    return tomllib.loads((path / "recipe.toml").read_text())


def test_every_flag_lands_in_the_recipe_that_the_run_keeps(inkling: Inkling, tiny: Path) -> None:
    words = "--epochs 1 --batch-size 64 --learning-rate 0.05 --hidden 24,12 --activation tanh --optimizer sgd"
    more = "--dropout 0.1 --l2 0.001 --seed 3 --set optimizer.momentum=0.5 --set loss.label_smoothing=0.1 --out run"
    assert inkling("train", "--data", tiny, *words.split(), *more.split()).status == 0
    kept = toml(Path("run"))
    assert kept["training"] == {"epochs": 1, "batch_size": 64, "seed": 3, "engine": "auto", "average": 0.0}
    assert kept["network"]["hidden"] == [24, 12]
    assert (kept["network"]["activation"], kept["network"]["dropout"]) == ("tanh", 0.1)
    assert (kept["optimizer"]["name"], kept["optimizer"]["learning_rate"]) == ("sgd", 0.05)
    assert kept["optimizer"]["momentum"] == 0.5
    assert (kept["loss"]["l2"], kept["loss"]["label_smoothing"]) == (0.001, 0.1)
    assert kept["data"]["source"] == str(tiny)


def test_the_run_folder_is_whole_and_the_table_says_what_the_metrics_say(train: Inkling) -> None:
    answer = train("--out", "a run")
    assert answer.status == 0
    assert {path.name for path in Path("a run").iterdir()} >= {
        "recipe.toml",
        "history.csv",
        "metrics.json",
        "model.safetensors",
        "checkpoint.safetensors",
    }
    metrics = json.loads(Path("a run/metrics.json").read_text())
    for name, count in {"train": 160, "validation": 40, "test": 60}.items():
        accuracy = f"{metrics[f'{name}_accuracy']:.2%}".replace("%", " %")
        row = next(line for line in answer.out.splitlines() if f"│ {name} " in line)
        assert [cell.strip() for cell in row.split("│")[2:5]] == [
            str(count),
            accuracy,
            f"{metrics[f'{name}_loss']:.4f}",
        ]
    assert "160 train, 40 validation, 60 test" in answer.out
    assert "run folder a run" in answer.out
    rows = list(csv.DictReader(Path("a run/history.csv").read_text().splitlines()))
    assert [row["epoch"] for row in rows] == ["1", "2"]


def test_the_run_folder_has_a_name_of_its_own_by_default(train: Inkling) -> None:
    train()
    train()
    first, second = sorted(Path("runs").iterdir())
    assert first.name.split("-")[1] == second.name.split("-")[1] == "default"


def test_json_has_standard_output_to_itself(train: Inkling) -> None:
    answer = train("--out", "run", "--json")
    assert answer.json == {**json.loads(Path("run/metrics.json").read_text()), "run": "run"}
    assert "epoch 2/2" in answer.err


def test_quiet_says_nothing(train: Inkling) -> None:
    answer = train("--quiet")
    assert (answer.status, answer.out, answer.err) == (0, "", "")


def test_no_hidden_layer_is_a_network_too(train: Inkling) -> None:
    assert train("--hidden", "0", "--out", "run").status == 0
    assert len(load_model("run").parameters) == 7850


def test_a_full_batch_is_one_step_an_epoch(train: Inkling) -> None:
    assert train("--batch-size", "full", "--out", "run").status == 0
    assert toml(Path("run"))["training"]["batch_size"] == "full"


def test_without_an_epoch_the_first_weights_are_saved(train: Inkling) -> None:
    assert train("--epochs", 0, "--json").json["epochs"] == 0


def test_data_named_from_here_is_found_from_anywhere(train: Inkling, tiny: Path) -> None:
    Path("my digits.npz").write_bytes(tiny.read_bytes())
    train("--data", "my digits.npz", "--out", "run")
    assert toml(Path("run"))["data"]["source"] == str(Path("my digits.npz").absolute())


@pytest.mark.parametrize("recipe", ["mine.toml", "first", "first/recipe.toml"])
def test_a_recipe_can_be_a_file_or_another_run(train: Inkling, inkling: Inkling, recipe: str) -> None:
    train("--out", "first")
    Path("mine.toml").write_text(Path("first/recipe.toml").read_text())
    assert inkling("train", recipe, "--out", "again").status == 0
    np.testing.assert_array_equal(load_model("again").parameters, load_model("first").parameters)


def test_where_nothing_can_be_downloaded_the_bundled_digits_are_used_and_it_says_why(inkling: Inkling) -> None:
    answer = inkling("train", "--epochs", 0, "--hidden", 0, "--set", "figures.predictions=0")
    assert answer.status == 0
    assert "scikit-learn" in answer.out
    assert "no network" in answer.out
    assert "127.0.0.1" in answer.err


def test_what_is_not_as_the_recipe_has_it_is_said(train: Inkling) -> None:
    answer = train("--dropout", "0", "--set", "schedule.name=cosine")
    (line,) = [line for line in answer.out.splitlines() if line.startswith("changed")]
    assert "network.dropout = 0.0" in line
    assert "schedule.name = cosine" in line


def test_titles_and_paths_are_no_markup(train: Inkling) -> None:
    answer = train("--set", 'title="[/red] and [bold]"', "--set", 'name="[x]"', "--out", "[red]run")
    assert answer.status == 0
    assert "[x]  [/red] and [bold]" in answer.out
    assert "[x]: results" in answer.out
    assert "run folder [red]run" in answer.out


class PressCtrlC(Callback):
    """Press Ctrl-C in the middle of the second epoch."""

    def __init__(self, *_: object, **__: object) -> None:
        pass

    def on_batch_end(self, trainer: Trainer) -> None:
        if trainer.step == 6:
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_saves_everything_says_how_to_go_on_and_resuming_reaches_the_same_bits(
    train: Inkling, inkling: Inkling, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = ("--epochs", 3, "--dropout", 0.2)  # four steps an epoch
    train(*wanted, "--out", "whole")
    with monkeypatch.context() as patch:
        patch.setattr("inkling.training.Progress", PressCtrlC)
        answer = train(*wanted, "--out", "a cut run")
    assert answer.status == 130
    assert "inkling train --resume 'a cut run'" in answer.out
    assert json.loads(Path("a cut run/metrics.json").read_text())["outcome"] == "interrupted"
    assert not np.array_equal(load_model("a cut run").parameters, load_model("whole").parameters)
    assert inkling("train", "--resume", "a cut run").status == 0
    np.testing.assert_array_equal(load_model("a cut run").parameters, load_model("whole").parameters)
    assert json.loads(Path("a cut run/metrics.json").read_text())["outcome"] == "finished"
    assert len(Path("a cut run/history.csv").read_text().splitlines()) == 4


def test_a_finished_run_goes_on_with_more_epochs(train: Inkling, inkling: Inkling) -> None:
    train("--set", "schedule.name=constant", "--out", "run")
    again = inkling("train", "--resume", "run")
    assert again.status == 2
    assert "--epochs" in again.err
    train("--set", "schedule.name=constant", "--epochs", 3, "--out", "whole")
    assert inkling("train", "--resume", "run", "--epochs", 3).status == 0
    np.testing.assert_array_equal(load_model("run").parameters, load_model("whole").parameters)


def test_a_run_goes_on_where_its_data_has_been_moved(train: Inkling, inkling: Inkling, tiny: Path) -> None:
    Path("here.npz").write_bytes(tiny.read_bytes())
    train("--data", "here.npz", "--out", "run")
    Path("here.npz").rename("there.npz")
    assert "here.npz" in inkling("train", "--resume", "run", "--epochs", 3).err
    assert inkling("train", "--resume", "run", "--epochs", 3, "--data", "there.npz").status == 0


@pytest.mark.parametrize("words", [["--seed", "1"], ["--out", "other"], ["--hidden", "5"], ["--set", "loss.l2=1.0"]])
def test_resuming_changes_nothing_else(train: Inkling, inkling: Inkling, words: list[str]) -> None:
    train("--out", "run")
    before = Path("run/checkpoint.safetensors").read_bytes()
    answer = inkling("train", "--resume", "run", "--epochs", 3, *words)
    assert answer.status == 2
    assert (
        "--resume goes on as the run began: only --epochs, --data, --report and --tensorboard go with it" in answer.err
    )
    assert Path("run/checkpoint.safetensors").read_bytes() == before
