"""`inkling runs` as a user meets it."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import time
from pathlib import Path

import pytest
from stripes import Inkling


@pytest.fixture
def notebook(trained: Path) -> Path:
    """runs/ with five runs of two recipes, one of which died two days ago, and one that is damaged."""
    runs = Path("runs")
    kinds = [("20260101T100000", "a", 0.91), ("20260102T100000", "a", 0.95), ("20260103T100000", "b", 0.93)]
    for stamp, recipe, accuracy in [*kinds, ("20260104T100000", "a", 0.93)]:
        folder = runs / f"{stamp}-{recipe}"
        shutil.copytree(trained, folder)
        change(folder, recipe=recipe, validation_accuracy=accuracy)
    shutil.copytree(trained, runs / "dead")
    (runs / "dead/metrics.json").unlink()
    age(runs / "dead")
    shutil.copytree(trained, runs / "broken")
    (runs / "broken/metrics.json").write_text("{")
    return runs


def change(folder: Path, **changes: object) -> None:
    path = folder / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def age(folder: Path) -> None:
    then = time.time() - 200_000
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (then, then))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_runs_are_listed_whatever_state_they_are_in(inkling: Inkling, notebook: Path) -> None:
    shown = inkling("runs")
    assert (shown.status, shown.err) == (0, "")
    for name in names(notebook):
        assert name in shown.out
    for word in ("unfinished", "damaged", "95.00 %", "broken/metrics.json is damaged", "6 runs in runs"):
        assert word in shown.out
    assert "4 of 4" in shown.out  # the epochs of the one that died
    some = inkling("runs", "--where", "recipe=b").out
    assert "20260103T100000-b" in some
    assert "1 of 6 runs" in some


def test_they_are_filtered_and_sorted(inkling: Inkling, notebook: Path) -> None:
    words = ("--where", "validation>=93%", "--where", "state=finished", "--sort", "validation", "--sort", "-when")
    found = inkling("runs", *words, "--json").json
    assert [(row["recipe"], row["validation_accuracy"]) for row in found] == [("a", 0.95), ("b", 0.93), ("a", 0.93)]
    assert found[0]["network.hidden"] == "32"
    assert found[0]["when"] == "2026-01-02T10:00:00+00:00"


def test_as_a_table_for_other_programs(inkling: Inkling, notebook: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(inkling("runs", "--csv").out)))
    assert len(rows) == 6
    assert {row["state"] for row in rows} == {"finished", "unfinished", "damaged"}
    assert rows[-1]["training.epochs"] == "4"


@pytest.mark.parametrize("width", [40, 80, 120, 300])
def test_as_many_columns_as_fit_the_screen(
    inkling: Inkling, notebook: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setattr("inkling.cli.terminal.PIPED_WIDTH", width)
    table = [line for line in inkling("runs").out.splitlines() if "│" in line]
    assert ("when (UTC)" in inkling("runs").out) == (width == 300)
    assert all(line.count("│") >= 3 for line in table)


def test_one_run_is_shown(inkling: Inkling, notebook: Path) -> None:
    shown = inkling("runs", "show", "20260102T100000-a").out
    for word in ("finished", "784-32-10", "adam", "4 epochs", "95.00 %", "model.safetensors", "60 │"):
        assert word in shown
    told = inkling("runs", "show", "runs/dead", "--json").json
    assert told["state"] == "unfinished"
    assert [epoch["epoch"] for epoch in told["history"]] == [1, 2, 3, 4]
    assert "is damaged" in inkling("runs", "show", "broken").out
    age(notebook / "20260101T100000-a")
    os.utime(notebook / "20260103T100000-b/model.safetensors")
    assert "runs/20260103T100000-b  finished" in inkling("runs", "show").out  # the newest


def test_an_interrupted_run_tells_how_to_go_on(inkling: Inkling, notebook: Path) -> None:
    change(notebook / "20260101T100000-a", outcome="interrupted", epochs=2)
    shown = inkling("runs", "show", "20260101T100000-a").out
    assert "interrupted" in shown
    assert "inkling train --resume runs/20260101T100000-a" in shown


def test_runs_are_set_side_by_side(inkling: Inkling, notebook: Path) -> None:
    recipe = notebook / "20260103T100000-b/recipe.toml"
    recipe.write_text(recipe.read_text().replace("batch_size = 20", "batch_size = 40"))
    shown = inkling("runs", "compare", "20260102T100000-a", "runs/20260103T100000-b").out
    shown = shown.replace("\u00a0", " ")
    for word in ("95.00 %", "93.00 %", "training.batch_size", "20", "40", "chance"):
        assert word in shown
    told = inkling("runs", "compare", "20260102T100000-a", "20260103T100000-b", "--json").json
    assert told["differences"] == {"training.batch_size": ["20", "40"]}
    assert [run["name"] for run in told["runs"]] == ["a", "b"]


def test_layers_are_set_side_by_side_in_few_words(inkling: Inkling, notebook: Path) -> None:
    recipe = notebook / "20260103T100000-b/recipe.toml"
    layers = [
        '{channels = 8, kernel = 5, stride = 1, padding = "valid", pool = 2, dropout = 0.0}',
        '{channels = 16, padding = "same", batch_norm = true}',
    ]
    words = recipe.read_text().replace("convolutions = []", f"convolutions = [{', '.join(layers)}]")
    recipe.write_text(words.replace("    32,\n", '    20,\n    {units = 10, activation = "tanh"},\n'))
    told = inkling("runs", "compare", "20260102T100000-a", "20260103T100000-b", "--json").json
    assert told["differences"] == {
        "network.convolutions": ["none", "8 of 5×5, pool 2; 16 of 3×3, padding same, batch_norm true"],
        "network.hidden": ["32", "20; 10, activation tanh"],
    }
    shown = inkling("runs", "compare", "20260102T100000-a", "20260103T100000-b").out
    assert "8 of 5×5, pool 2" in shown


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("runs --in nowhere", "there is no folder nowhere of runs"),
        ("runs --where recipe", "is no condition"),
        ("runs --where tset>3", "did you mean test"),
        ("runs --sort tset", "did you mean test"),
        ("runs --sort -", "--sort: name what to sort by, such as test or -epochs"),
        ("runs --sort=", "--sort: name what to sort by, such as test or -epochs"),
        ("runs --where epochs=two", "epochs is a number"),
        ("runs prune --where state=finnished", "a run is finished, interrupted, unfinished or damaged"),
        ("runs --json --csv", "choose one"),
        ("runs --json prune", "stand behind its name"),
        ("runs show nosuch", "nosuch"),
        ("runs show latest --in empty", "there is no run in empty"),
        ("runs show empty", "empty holds no recipe.toml: it is no run folder"),
        ("runs compare latest empty", "empty holds no recipe.toml: it is no run folder"),
        ("runs compare dead", "it takes two runs"),
        ("runs compare dead dead", "it takes two runs"),
        ("runs compare dead broken", "metrics.json"),
        ("runs prune --best 1 --newest 1", "choose one"),
        ("runs prune --in nowhere", "nowhere"),
    ],
)
def test_what_makes_no_sense_is_one_line(inkling: Inkling, notebook: Path, words: str, says: str) -> None:
    Path("empty").mkdir()
    before = names(notebook)
    answer = inkling(*words.split())
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert says in line
    assert names(notebook) == before


def test_without_any_run_it_says_so(inkling: Inkling) -> None:
    assert "train one with `inkling train`" in inkling("runs").err
    Path("runs").mkdir()
    assert inkling("runs").out == "0 runs in runs\n"
    assert inkling("runs", "--json").json == []


def test_pruning_only_says_what_it_would_do(inkling: Inkling, notebook: Path) -> None:
    before = names(notebook)
    shown = inkling("runs", "prune").out
    assert "would remove runs/dead  unfinished, 4 of 4 epochs, could be resumed; " in shown
    assert "1 run folder" in shown
    assert "--yes" in shown
    inkling("runs", "prune", "--best", "1")
    assert names(notebook) == before


def test_pruning_removes_what_it_says_and_nothing_else(inkling: Inkling, notebook: Path) -> None:
    before = names(notebook)
    assert "remove runs/dead" in inkling("runs", "prune", "--yes").out
    assert names(notebook) == [name for name in before if name != "dead"]
    assert inkling("runs", "prune", "--yes").out.splitlines()[-1] == "there is nothing to remove"


@pytest.mark.parametrize(
    ("words", "gone"),
    [
        ("--best 1", ["20260101T100000-a", "20260104T100000-a"]),
        ("--best 2", ["20260101T100000-a"]),
        ("--newest 1", ["20260101T100000-a", "20260102T100000-a"]),
        ("--newest 1 --unfinished", ["20260101T100000-a", "20260102T100000-a", "dead"]),
        ("--best 1 --where recipe=b", []),
        ("--best 1 --where when<2026-01-03", ["20260101T100000-a"]),
        ("--newest 9", []),
    ],
)
def test_all_but_the_best_or_the_newest_of_each_recipe(
    inkling: Inkling, notebook: Path, words: str, gone: list[str]
) -> None:
    before = names(notebook)
    told = inkling("runs", "prune", *words.split(), "--yes", "--json").json
    assert sorted(Path(run["run"]).name for run in told["runs"]) == gone
    assert names(notebook) == [name for name in before if name not in gone]


def test_the_test_images_choose_nothing(inkling: Inkling, notebook: Path) -> None:
    change(notebook / "20260101T100000-a", validation_accuracy=None, test_accuracy=0.1)
    shown = inkling("runs", "prune", "--best", "1", "--yes").out
    assert "keep runs/20260101T100000-a: no validation images to judge it by" in shown
    assert (notebook / "20260101T100000-a").is_dir()
    assert not (notebook / "20260104T100000-a").exists()


def test_what_may_still_be_training_stays(inkling: Inkling, notebook: Path) -> None:
    (notebook / "dead/history.csv").touch()
    assert "it may still be training" in inkling("runs", "prune", "--yes").out
    assert (notebook / "dead").is_dir()


@pytest.mark.parametrize("words", [[], ["--best", 1], ["--newest", 1]])
def test_a_damaged_run_stays_and_pruning_says_why(inkling: Inkling, notebook: Path, words: list[object]) -> None:
    shown = inkling("runs", "prune", "--yes", *words)
    assert "keep runs/broken: damaged (runs/broken/metrics.json is damaged" in shown.out
    assert (notebook / "broken").is_dir()
    assert "broken" not in inkling("runs", "prune", *words, "--where", "state!=damaged").out


def test_a_folder_with_something_of_the_users_stays(inkling: Inkling, notebook: Path) -> None:
    note = notebook / "dead/figures/my notes.txt"
    note.parent.mkdir(exist_ok=True)
    note.write_text("do not lose me")
    age(notebook / "dead")
    assert "it holds figures/my notes.txt, which no run wrote" in inkling("runs", "prune", "--yes").out
    assert note.read_text() == "do not lose me"


@pytest.mark.skipif(os.name == "nt", reason="links need rights on Windows")
def test_nothing_is_removed_through_a_link(inkling: Inkling, notebook: Path) -> None:
    (notebook / "dead").rename("elsewhere")
    (notebook / "link").symlink_to(Path("elsewhere").resolve())
    assert "keep runs/link: it is a link" in inkling("runs", "prune", "--yes").out
    assert Path("elsewhere/recipe.toml").is_file()
