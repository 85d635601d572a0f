"""From a recipe to a run folder: everything is there, it is right, and nothing is lost on the way."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from inkling.data import Digits, load_data
from inkling.errors import InklingError, RecipeError
from inkling.nn import Network
from inkling.recipes import Recipe, load_recipe, run_recipe
from inkling.storage import RunFolder, load_model, read_arrays
from inkling.training import Callback, TrainingDiverged, evaluate

SMALL = {"network.hidden": [8], "training.batch_size": 32, "training.threads": 1, "figures.predictions": 0}
FILES = {
    "recipe.toml",
    "history.csv",
    "vitals.csv",
    "metrics.json",
    "model.safetensors",
    "checkpoint.safetensors",
}


@pytest.fixture(scope="module")
def digits() -> Digits:
    """300 bundled digits to train on, 60 to validate with and 60 to test on."""
    whole = load_data("digits")
    parts = whole.train.take(slice(300)), whole.validation.take(slice(60)), whole.test.take(slice(60))
    return Digits(*parts, "digits", "a few of the bundled digits")


@pytest.fixture(autouse=True)
def in_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder is an empty one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def small(name: str = "default", **changes) -> Recipe:
    """A recipe shrunk to a hidden layer of 8; `training__epochs=3` changes training.epochs."""
    return load_recipe(name, SMALL | {key.replace("__", "."): value for key, value in changes.items()})


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class PressCtrlC(Callback):
    """Sends this process a signal after the given step."""

    def __init__(self, step: int, times: int = 1) -> None:
        self.step, self.times = step, times

    def on_batch_end(self, trainer):
        if trainer.step == self.step:
            for _ in range(self.times):
                signal.raise_signal(signal.SIGINT)


def test_a_run_leaves_everything_in_its_folder(digits):
    run = run_recipe(small(training__epochs=3), data=digits)
    folder = run.folder
    assert folder.path.parent == Path("runs")
    assert folder.path.name.endswith("-default")
    assert {path.name for path in folder.path.iterdir()} == FILES
    table = pd.read_csv(folder.history)
    assert table["epoch"].tolist() == [1, 2, 3]
    # Older versions of pandas round the last bit.
    assert table["train_loss"].tolist() == pytest.approx(run.history["train_loss"], rel=1e-15)
    assert load_recipe(folder.path) == run.recipe
    for model in (folder.path, folder.model, "latest"):
        np.testing.assert_array_equal(load_model(model).parameters, run.network.parameters)


def test_metrics_say_how_good_the_saved_network_is(digits):
    run = run_recipe(small(training__epochs=3), data=digits, out="here")
    metrics = json.loads(Path("here/metrics.json").read_text(encoding="utf-8"))
    assert metrics == run.metrics
    assert {
        *("recipe", "dataset", "parameters", "epochs", "seed", "seconds", "wall_seconds", "samples_per_second"),
        *("peak_memory_mb", "train_accuracy", "train_loss", "validation_accuracy", "validation_loss"),
        *("test_accuracy", "test_loss"),
    } <= metrics.keys()
    counts = {name: metrics["dataset"][name] for name in ("source", "train", "validation", "test")}
    assert counts == {"source": "digits", "train": 300, "validation": 60, "test": 60}
    assert metrics["recipe"] == "default"
    assert metrics["parameters"] == 784 * 8 + 8 + 8 * 10 + 10
    assert (metrics["epochs"], metrics["seed"], metrics["outcome"]) == (3, 0, "finished")
    assert 0 < metrics["seconds"] <= metrics["wall_seconds"]
    assert metrics["samples_per_second"] == pytest.approx(3 * 300 / metrics["seconds"])
    assert metrics["peak_memory_mb"] > 10
    for name in ("train", "validation", "test"):
        found = evaluate(load_model("here"), getattr(digits, name))
        assert metrics[f"{name}_accuracy"] == found.accuracy
        assert metrics[f"{name}_loss"] == pytest.approx(found.loss, rel=1e-6)
    assert metrics["validation_loss"] == pytest.approx(run.history.last.validation_loss, rel=1e-6)
    assert metrics["first_epoch_validation_accuracy"] == run.history["validation_accuracy"][0]


def test_a_split_that_is_not_there_is_null(digits):
    alone = Digits(digits.train, None, None, "digits", "training images alone")
    run = run_recipe(small("sigmoid-mse", training__epochs=1, figures__predictions=10), data=alone, out="here")
    metrics = json.loads(Path("here/metrics.json").read_text(encoding="utf-8"))
    for name in ("validation", "test"):
        assert metrics[f"{name}_accuracy"] is metrics[f"{name}_loss"] is None
        assert metrics["dataset"][name] == 0
    assert set(run.evaluations) == {"train"}
    assert not run.folder.figures.exists()


def test_the_old_school_draws_ten_test_images(digits):
    run = run_recipe(small("sigmoid-mse", training__epochs=1, figures__predictions=10), data=digits)
    with Image.open(run.folder.figures / "predictions.png") as picture:
        assert min(picture.size) > 300
        assert len(picture.convert("RGB").getcolors(maxcolors=2**20)) > 50
    assert [path.name for path in run.folder.figures.iterdir()] == ["predictions.png"]


def test_the_same_seed_gives_the_same_weights_and_another_other_ones(digits):
    first, same = (run_recipe(small(training__epochs=2), data=digits) for _ in range(2))
    other = run_recipe(small(training__epochs=2, training__seed=1), data=digits)
    assert first.folder.path != same.folder.path
    np.testing.assert_array_equal(first.network.parameters, same.network.parameters)
    assert np.any(first.network.parameters != other.network.parameters)


def test_the_recipe_decides_how_the_data_is_divided(digits):
    run = run_recipe(small("kaggle-64-64", data__source="digits", training__epochs=1))
    assert run.digits.source == "digits"
    assert len(run.digits.validation) == run.metrics["dataset"]["validation"]
    assert load_recipe(run.folder.path).data == run.recipe.data


def test_a_recipe_can_be_named_and_no_epochs_are_no_training(digits):
    run = run_recipe(small(training__epochs=0), data=digits)
    assert (run.metrics["epochs"], run.metrics["first_epoch_validation_loss"]) == (0, None)
    np.testing.assert_array_equal(run.network.parameters, Network.from_config(run.network.config()).parameters)


def test_early_stopping_saves_the_best_weights(digits):
    recipe = small(
        training__epochs=50, training__early_stopping=2, optimizer__learning_rate=0.05, schedule__name="constant"
    )
    run = run_recipe(recipe, data=digits, out="here")
    best = run.history.best
    assert run.metrics["outcome"] == "stopped"
    assert best.epoch == len(run.history) - 2
    assert run.metrics["validation_loss"] == pytest.approx(best.validation_loss, rel=1e-6)
    assert run.metrics["validation_loss"] < run.history.last.validation_loss
    before = contents(Path("here"))
    with pytest.raises(InklingError, match=r"here was stopped early, .*it is finished"):
        run_recipe(recipe, data=digits, resume="here")
    assert contents(Path("here")) == before


# Interrupted and resumed.


@pytest.mark.parametrize("step", [3, 10, 15])  # ten steps an epoch
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"optimizer.name": "sgd", "optimizer.momentum": 0.9, "schedule.name": "constant"},
        {"training.early_stopping": 50, "network.dropout": 0.0},
    ],
    ids=["adam, dropout, one cycle", "momentum", "early stopping"],
)
def test_ctrl_c_and_resume_reach_the_bits_of_an_undisturbed_run(digits, step, changes):
    recipe = small(training__epochs=4, **changes)
    whole = run_recipe(recipe, data=digits, out="whole")
    cut = run_recipe(recipe, data=digits, out="cut", callbacks=[PressCtrlC(step)])
    assert cut.metrics["outcome"] == "interrupted"
    assert {path.name for path in Path("cut").iterdir()} == FILES
    assert load_model("cut").parameters.any()

    resumed = run_recipe(load_recipe("cut"), data=digits, resume="cut")
    assert resumed.metrics["outcome"] == "finished"
    np.testing.assert_array_equal(load_model("cut").parameters, load_model("whole").parameters)
    tables = [pd.read_csv(f"{name}/history.csv").drop(columns="seconds") for name in ("cut", "whole")]
    pd.testing.assert_frame_equal(*tables)
    arrays, others = (read_arrays(f"{name}/checkpoint.safetensors")[0] for name in ("cut", "whole"))
    assert arrays.keys() == others.keys()
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, others[name], err_msg=name)
    for name in ("train", "validation", "test"):
        assert resumed.metrics[f"{name}_loss"] == whole.metrics[f"{name}_loss"]
    assert resumed.metrics["seconds"] > cut.metrics["seconds"]


def test_a_finished_run_goes_on_with_more_epochs(digits):
    changes = {"schedule.name": "constant"}
    longer = run_recipe(small(training__epochs=5, **changes), data=digits)
    run_recipe(small(training__epochs=2, **changes), data=digits, out="run")
    run_recipe(load_recipe("run", {"training.epochs": 5}), data=digits, resume="run")
    np.testing.assert_array_equal(load_model("run").parameters, longer.network.parameters)
    assert pd.read_csv("run/history.csv")["epoch"].tolist() == [1, 2, 3, 4, 5]
    assert load_recipe("run").training.epochs == 5


def test_the_same_images_from_another_place_are_the_same_data(digits):
    run_recipe(small(training__epochs=2), data=digits, out="run", callbacks=[PressCtrlC(3)])
    moved = load_recipe("run", {"data.source": "elsewhere"})
    assert run_recipe(moved, data=digits, resume="run").metrics["outcome"] == "finished"


def test_a_run_called_like_a_recipe_is_still_a_run(digits):
    recipe = small(training__epochs=2)
    run_recipe(recipe, data=digits, out="default", callbacks=[PressCtrlC(3)])
    assert run_recipe(recipe, data=digits, resume="default").metrics["outcome"] == "finished"


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), r"holds no checkpoint\.safetensors: there is nothing to resume from"),
        (lambda path: path.write_bytes(path.read_bytes()[:-9]), "is damaged"),
        (damage, "is damaged"),
        (lambda path: path.write_text("hello"), "is damaged"),
        (lambda path: path.write_bytes(path.with_name("model.safetensors").read_bytes()), "is no checkpoint"),
    ],
    ids=["missing", "cut", "one bit", "text", "a model"],
)
def test_without_a_good_checkpoint_there_is_no_resuming(digits, spoil, said):
    recipe = small(training__epochs=2)
    run_recipe(recipe, data=digits, out="run", callbacks=[PressCtrlC(3)])
    spoil(Path("run/checkpoint.safetensors"))
    assert_refused(recipe, digits, said)


def assert_refused(recipe: Recipe, digits: Digits, said: str) -> None:
    """Resuming fails with one line, and the folder is as it was."""
    before = contents(Path("run"))
    with pytest.raises(InklingError, match=said) as caught:
        run_recipe(recipe, data=digits, resume="run")
    assert "\n" not in str(caught.value)
    assert contents(Path("run")) == before


def test_what_does_not_fit_the_run_is_refused(digits):
    recipe = small(training__epochs=2)
    run_recipe(recipe, data=digits, out="run", callbacks=[PressCtrlC(3)])
    other = Digits(digits.train.take(slice(None, None, -1)), digits.validation, digits.test, "digits", "turned round")
    assert_refused(recipe, other, "run was trained on other data: name the same with --data")
    for change in ({"training.seed": 3}, {"network.hidden": [9]}, {"training.batch_size": 16}, {"loss.l2": 0.1}):
        changed = small(**{"training__epochs": 2, **change})
        assert_refused(changed, digits, r"another recipe: only training\.epochs can change")
    run_recipe(recipe, data=digits, resume="run")
    assert_refused(recipe, digits, "has finished its 2 epochs: to train on, say --epochs with a larger number")
    with pytest.raises(InklingError, match="there is no run folder at nowhere"):
        run_recipe(recipe, data=digits, resume="nowhere")


def test_a_second_ctrl_c_ends_it_at_once(digits):
    with pytest.raises(KeyboardInterrupt):
        run_recipe(small(training__epochs=2), data=digits, out="run", callbacks=[PressCtrlC(3, times=2)])
    assert not Path("run").exists(), "nothing was saved yet, so nothing is left"


def test_a_killed_process_leaves_a_checkpoint_to_go_on_from(in_tmp, digits):
    """kill -9, in the middle of anything: what stands in the folder is whole."""
    program = """
import inkling.training.callbacks as callbacks
from inkling.data import load_data
from inkling.recipes import load_recipe, run_recipe

callbacks.Checkpoint.__init__.__kwdefaults__["every_seconds"] = 0.0
recipe = load_recipe("default", {"network.hidden": [8], "training.epochs": 100_000, "training.threads": 1})
run_recipe(recipe, data=load_data("digits"), out="run")
"""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen([sys.executable, "-c", program], env=environment)
    history = in_tmp / "run" / "history.csv"
    try:
        until = time.monotonic() + 60
        while not (history.exists() and history.read_text().count("\n") > 20) and time.monotonic() < until:
            assert process.poll() is None
            time.sleep(0.01)
    finally:
        process.kill()
        process.wait()
    _, metadata = read_arrays("run/checkpoint.safetensors")
    reached = metadata["checkpoint"]["epoch"]
    assert reached >= 19
    recipe = load_recipe("run")
    assert recipe.training.epochs == 100_000

    run_recipe(
        recipe, data=load_data("digits"), resume="run", callbacks=[PressCtrlC(metadata["checkpoint"]["step"] + 30)]
    )
    epochs = pd.read_csv(history)["epoch"].tolist()
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > reached


# Failing cleanly.


def test_a_training_that_fails_leaves_no_folder(digits):
    with pytest.raises(TrainingDiverged):
        run_recipe(small(optimizer__learning_rate=1e35, optimizer__name="sgd"), data=digits)
    assert not Path("runs").exists()


def test_nothing_is_made_before_everything_is_known_to_be_good(digits):
    Path("used").mkdir()
    Path("used/thesis.txt").write_text("mine")
    without = Digits(digits.train, None, digits.test, "digits", "no validation")
    with pytest.raises(RecipeError, match="this data has no validation split"):
        run_recipe(small(training__early_stopping=3), data=without)
    with pytest.raises(InklingError, match="used exists already"):
        run_recipe(small(), data=digits, out="used")
    with pytest.raises(InklingError, match="no such file"):
        run_recipe(small(data__source="nowhere.csv"))
    with pytest.raises(RecipeError, match="no recipe called"):
        run_recipe("nothing", data=digits)
    assert [path.name for path in Path().iterdir()] == ["used"]
    assert [path.name for path in Path("used").iterdir()] == ["thesis.txt"]


def test_callbacks_watch_and_on_data_comes_before_the_folder(digits):
    seen = []

    class Watch(Callback):
        def on_train_begin(self, trainer):
            seen.append("begin")

        def on_epoch_end(self, trainer):
            # What is written already can be relied on.
            seen.append(len(pd.read_csv("run/history.csv")))

    def on_data(found: Digits) -> None:
        seen.append(found is digits and not Path("run").exists())

    run_recipe(small(training__epochs=2), data=digits, out="run", callbacks=[Watch()], on_data=on_data)
    assert seen == [True, "begin", 1, 2]


def test_the_engine_is_chosen_in_the_recipe_and_named_in_the_metrics(digits):
    named, found = small(training__engine="reference"), small()
    for recipe, engine in ((named, "reference"), (found, "numpy")):  # the training is too short for compiled code
        metrics = run_recipe(recipe, data=digits).metrics
        assert (metrics["engine"], metrics["threads"]) == (engine, recipe.training.threads)
    with pytest.raises(RecipeError, match=r"training\.engine"):
        small(training__engine="steam")


# How good they get.


def test_the_default_recipe_reads_the_bundled_digits():
    run = run_recipe(load_recipe("default", {"data.source": "digits", "training.threads": 1}))
    assert run.metrics["test_accuracy"] >= 0.95
    assert not math.isnan(run.metrics["test_loss"])


@pytest.mark.mnist
@pytest.mark.parametrize(
    ("name", "epochs", "split", "low", "high"),
    [
        ("default", 1, "test", 0.95, 1.0),
        ("kaggle-64-64", 1, "validation", 0.70, 0.83),
        ("sigmoid-mse", 3, "test", 0.90, 1.0),
        ("full-batch", 20, "test", 0.80, 1.0),
        ("float32-15k", 100, "validation", 0.85, 1.0),
    ],
)
def test_on_the_real_mnist_the_first_epochs_are_as_good_as_they_should_be(mnist_folder, name, epochs, split, low, high):
    run = run_recipe(
        load_recipe(name, {"data.source": str(mnist_folder), "training.epochs": epochs, "training.threads": 1})
    )
    assert low <= run.metrics[f"{split}_accuracy"] <= high
    assert RunFolder.open("latest").path == run.folder.path
