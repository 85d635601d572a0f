"""Run folders as a table: every run has its row, whatever state its folder is in."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import inkling as ik
from inkling.errors import InklingError
from inkling.training.runs import COLUMNS, COUNTS, FIGURES, list_runs, read_run

METRICS: dict[str, Any] = {
    "recipe": "default",
    "dataset": {"source": "mnist", "train": 55_000, "validation": 5_000, "test": 10_000},
    "parameters": 1_000,
    "epochs": 2,
    "outcome": "finished",
    "seed": 3,
    "seconds": 1.5,
    "validation_accuracy": 0.98,
    "validation_loss": 0.05,
    "test_accuracy": 0.97,
    "test_loss": 0.06,
}
RECIPE = """name = "default"
[training]
epochs = 5
seed = 3
[network]
hidden = [256, 128]
batch_norm = false
"""
HISTORY = """epoch,seconds,learning_rate,train_loss,train_accuracy,validation_loss,validation_accuracy
1,0.5,0.1,0.4,0.9,0.3,0.91
2,0.25,0.1,0.2,0.95,0.1,0.96
"""


def make_run(path: Path, **changes: Any) -> Path:
    """A run folder; `changes` are those of metrics.json, and metrics=None leaves it out."""
    path.mkdir(parents=True)
    (path / "recipe.toml").write_text(RECIPE)
    (path / "history.csv").write_text(HISTORY)
    (path / "model.safetensors").write_text("not looked into")
    if changes.pop("metrics", METRICS) is not None:
        (path / "metrics.json").write_text(json.dumps(METRICS | changes))
    return path


def test_a_table_of_all_runs_the_newest_first(tmp_path: Path) -> None:
    make_run(tmp_path / "20260101T120000-old", test_accuracy=0.9)
    make_run(tmp_path / "20260301T120000-new")
    make_run(tmp_path / "sweep" / "20260201T120000-between", recipe="another")
    (tmp_path / "notes").mkdir()
    (tmp_path / "comparison.html").write_text("no run")
    table = ik.load_runs(tmp_path)
    assert list(table.columns[: len(COLUMNS)]) == list(COLUMNS)
    assert list(table["name"]) == [
        *("20260301T120000-new", str(Path("sweep/20260201T120000-between")), "20260101T120000-old")
    ]
    assert list(table["test_accuracy"]) == [0.97, 0.97, 0.9]
    assert list(table["recipe"]) == ["default", "another", "default"]
    assert table["when"][0] == pd.Timestamp("2026-03-01 12:00", tz="UTC")
    assert list(table["network.hidden"]) == ["256,128"] * 3
    assert table.groupby(["recipe", "network.hidden"])["test_accuracy"].max()["default", "256,128"] == 0.97
    for name in COUNTS:
        assert table[name].dtype == "Int64"
    for name in FIGURES:
        assert table[name].dtype == float


def test_history_and_metrics_load_with_one_pandas_call(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    history = pd.read_csv(run / "history.csv")
    assert list(history["validation_accuracy"]) == [0.91, 0.96]
    metrics = pd.read_json(run / "metrics.json", typ="series")
    assert metrics["test_accuracy"] == 0.97


def test_a_folder_without_runs_is_an_empty_table_and_none_is_an_error(tmp_path: Path) -> None:
    table = ik.load_runs(tmp_path)
    assert len(table) == 0
    assert list(table.columns) == list(COLUMNS)
    with pytest.raises(InklingError, match=r"there is no folder .*nowhere of runs"):
        ik.load_runs(tmp_path / "nowhere")


def test_a_run_folder_itself_is_a_table_of_one(tmp_path: Path) -> None:
    table = ik.load_runs(make_run(tmp_path / "run"))
    assert list(table["name"]) == ["run"]


def test_an_unfinished_run_tells_how_far_it_came(tmp_path: Path) -> None:
    row = read_run(make_run(tmp_path / "run", metrics=None))
    assert (row.state, row.problem) == ("unfinished", "")
    assert row.figures["epochs"] == 2
    assert row.figures["seconds"] == 0.75
    assert row.figures["validation_accuracy"] == 0.96
    assert (row.figures["recipe"], row.figures["seed"]) == ("default", 3)
    assert row.settings["training.epochs"] == 5
    (row.folder.history).write_text(HISTORY[:-10])  # a row is just being written
    assert read_run(row.folder.path).state == "unfinished"
    row.folder.history.unlink()
    assert read_run(row.folder.path).state == "unfinished"


def test_an_interrupted_run_has_its_figures(tmp_path: Path) -> None:
    row = read_run(make_run(tmp_path / "run", outcome="interrupted"))
    assert row.state == "interrupted"
    assert row.figures["test_accuracy"] == 0.97


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("recipe.toml", None, "cannot read .*recipe.toml"),
        ("recipe.toml", "a = [", "recipe.toml is not TOML"),
        ("recipe.toml", b"\xff\xfe", "recipe.toml is not TOML"),
        ("metrics.json", "{", "metrics.json is damaged"),
        ("metrics.json", "[]", "does not describe a run"),
        ("metrics.json", '{"dataset": {}}', "lacks recipe, parameters"),
        ("metrics.json", json.dumps(METRICS | {"seconds": "long"}), "seconds is 'long'"),
        ("metrics.json", json.dumps(METRICS | {"epochs": 1.5}), "epochs is '1.5'"),
        ("metrics.json", json.dumps(METRICS | {"seed": 10**400}), "seed is '1000"),
        ("metrics.json", json.dumps(METRICS | {"test_loss": float("nan")}), "test_loss is nan"),
        ("metrics.json", json.dumps(METRICS | {"test_accuracy": [1]}), "test_accuracy is"),
        ("metrics.json", "[" * 100_000, "metrics.json"),
        ("model.safetensors", None, "model.safetensors is missing"),
    ],
)
def test_a_damaged_run_says_what_is_wrong_with_it(
    tmp_path: Path, file: str, content: str | bytes | None, says: str
) -> None:
    run = make_run(tmp_path / "run")
    if content is None:
        (run / file).unlink()
    else:
        (run / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    row = read_run(run)
    assert row.state == "damaged"
    with pytest.raises(InklingError, match=says):
        raise InklingError(row.problem)
    assert ik.load_runs(tmp_path)["state"].tolist() == ["damaged"]


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_nothing_that_a_run_folder_may_hold_is_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    run = make_run(tmp_path_factory.mktemp("runs") / "run")
    values = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    metrics = METRICS | data.draw(st.dictionaries(st.sampled_from([*METRICS, *COLUMNS]), values, max_size=4))
    (run / "metrics.json").write_text(json.dumps(metrics))
    table = ik.load_runs(run.parent)
    assert len(table) == 1
    assert table["state"][0] in ("finished", "interrupted", "damaged")


def test_a_time_comes_from_the_folder_or_else_from_its_files(tmp_path: Path) -> None:
    named = make_run(tmp_path / "20260229T120000-no-such-day")
    plain = make_run(tmp_path / "plain")
    for run in (named, plain):
        os.utime(run / "metrics.json", (1_700_000_000, 1_700_000_000))
    assert read_run(named).when == read_run(plain).when == datetime.fromtimestamp(1_700_000_000, UTC)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may read anything")
def test_a_folder_that_may_not_be_read_is_passed_over(tmp_path: Path) -> None:
    make_run(tmp_path / "run")
    (tmp_path / "locked").mkdir(mode=0o000)
    assert len(list_runs(tmp_path)) == 1
