from __future__ import annotations

import io
import json
import signal
import statistics
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from stripes import Answer, Inkling

from inkling.cli.compare import tables
from inkling.training import Callback, Trainer
from inkling.training.spread import FIGURES, spread

SMALL = ["--epochs", "1", "--batch-size", "50", "--set", "network.hidden=[16]"]
SETTINGS = ["--set", "training.threads=1", "--set", "figures.predictions=0"]


@pytest.fixture
def compare(inkling: Inkling, tiny: Path) -> Inkling:
    def run(*words: object) -> Answer:
        return inkling("compare", *words, "--data", tiny, *SMALL, *SETTINGS)

    return run


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("│")[1:-1]]


def test_the_table_holds_mean_and_standard_deviation_over_the_seeds(compare: Inkling) -> None:
    answer = compare("default", "sigmoid-mse", "--seeds", 3, "--out", "out")
    assert answer.status == 0
    rows = json.loads(Path("out/compare.json").read_text())
    assert [(row["recipe"], row["seed"]) for row in rows] == [
        (name, seed) for name in ("default", "sigmoid-mse") for seed in range(3)
    ]
    assert Path("out/comparison.png").read_bytes().startswith(b"\x89PNG")
    lines = answer.out.splitlines()
    for name in ("default", "sigmoid-mse"):
        first = next(number for number, line in enumerate(lines) if line.startswith(f"│ {name} "))
        means, deviations = cells(lines[first]), cells(lines[first + 1])
        assert means[:2] == [name, "3"]
        for column, key in enumerate(FIGURES, start=2):
            values = [row[key] for row in rows if row["recipe"] == name]
            if values[0] is None:
                assert means[column] == "–"
                continue
            scale, form = (
                (100, "{:.2f}\u00a0%") if "accuracy" in key else (1, "{:.1f}" if key == "seconds" else "{:.4f}")
            )
            assert means[column] == form.format(scale * sum(values) / 3).removesuffix("\u00a0%")
            mean = sum(values) / 3
            deviation = (sum((value - mean) ** 2 for value in values) / 2) ** 0.5
            assert deviations[column] == "± " + form.format(scale * deviation)


def test_json_has_the_metrics_of_every_run(compare: Inkling) -> None:
    answer = compare("default", "--seeds", 2, "--out", "out", "--json")
    assert answer.json == json.loads(Path("out/compare.json").read_text())
    for row in answer.json:
        assert {**json.loads((Path(row["run"]) / "metrics.json").read_text()), "run": row["run"]} == row
    assert "default, seed 1 (2 of 2)" in answer.err
    assert "tiny.npz" in answer.err  # on what data


def test_the_networks_of_a_recipe_read_together_as_evaluate_lets_them(compare: Inkling, inkling: Inkling) -> None:
    answer = compare("conv-fast", "--seeds", 3, "--out", "out", "--ensemble", "--shifts", 1, "--json").json
    (team,) = answer["ensembles"]
    assert team["runs"] == [row["run"] for row in answer["runs"]]
    assert team["seconds"] == pytest.approx(sum(row["seconds"] for row in answer["runs"]))
    told = inkling("evaluate", *team["runs"], "--ensemble", "--shifts", 1, "--json").json
    assert told["split"] == "test"
    assert team["test_accuracy"] == told["accuracy"]
    assert team["test_loss"] == pytest.approx(told["loss"])
    assert team["validation_accuracy"] is not None


def test_what_others_have_learned_validates_no_ensemble(compare: Inkling) -> None:
    told = compare("kaggle-64-64", "--seeds", 2, "--ensemble", "--json").json["ensembles"]
    assert [team["validation_accuracy"] for team in told] == [None]


def test_an_ensemble_is_one_line_below_the_table(compare: Inkling) -> None:
    answer = compare("default", "--seeds", 2, "--ensemble", "--set", "data.seed=0")
    assert answer.out.splitlines()[-1].startswith("default, 2 networks together: validation ")


@pytest.mark.parametrize(("words", "why"), [(["--ensemble"], "--seeds"), (["--shifts", 1], "goes with --ensemble")])
def test_one_network_makes_no_ensemble(compare: Inkling, words: list[object], why: str) -> None:
    answer = compare("default", *words)
    assert answer.status == 2
    assert why in answer.err


def test_the_runs_lie_in_runs_where_no_folder_is_named(compare: Inkling) -> None:
    assert compare("default", "--quiet").out.count("default") == 1  # the table, and nothing else
    (folder,) = Path("runs").iterdir()
    assert (folder / "metrics.json").is_file()


def test_a_recipe_named_twice_is_trained_once(compare: Inkling) -> None:
    assert len(compare("default", "default", "--json").json) == 1


def test_different_recipes_of_one_name_stay_apart(compare: Inkling) -> None:
    Path("my recipes").mkdir()
    Path("my recipes/mine.toml").write_text('name = "default"\n[network]\nactivation = "tanh"\n')
    rows = compare("default", "my recipes/mine.toml", "--out", "out", "--json").json
    assert [row["recipe"] for row in rows] == ["default", "my recipes/mine.toml"]
    assert [row["run"] for row in rows] == [
        str(Path("out") / name) for name in ("default-seed0", "my-recipes-mine.toml-seed0")
    ]
    assert rows[0]["test_loss"] != rows[1]["test_loss"]


def test_nothing_is_trained_before_everything_is_known_to_fit(compare: Inkling) -> None:
    compare("default", "--out", "out", "--quiet")
    for words in (["sigmoid-mse", "default"], ["sigmoid-mse", "nosuch"], ["sigmoid-mse", "--set", "training.seed=1"]):
        answer = compare(*words, "--out", "out", "--json")
        assert (answer.status, answer.out) == (2, "")
        assert not Path("out/sigmoid-mse-seed0").exists()


def test_ctrl_c_shows_what_there_is(compare: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    from inkling import recipes

    train, trainings = recipes.run_recipe, []

    def second_is_interrupted(*words: object, callbacks: object, **more: object) -> object:
        trainings.append(words)

        class CtrlC(Callback):
            def on_batch_end(self, trainer: Trainer) -> None:
                if len(trainings) == 2 and trainer.step == 2:
                    signal.raise_signal(signal.SIGINT)

        return train(*words, callbacks=[CtrlC()], **more)

    monkeypatch.setattr(recipes, "run_recipe", second_is_interrupted)
    answer = compare("default", "--seeds", 3, "--out", "out", "--json")
    assert answer.status == 130
    assert [row["outcome"] for row in answer.json] == ["finished", "interrupted"]
    assert "1 are missing" in answer.err


def made_up(recipe: str, seed: int) -> dict[str, Any]:
    return {"recipe": recipe, **dict.fromkeys(FIGURES, 0.9 + seed / 100)}


@pytest.mark.parametrize("width", [80, 100, 120, 200])
@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("seeds", [1, 3])
def test_every_figure_can_be_read_at_any_width(width: int, count: int, seeds: int) -> None:
    names = [f"dropout-l2-recipe-{number}" for number in range(count)]
    rows = [made_up(name, seed) for name in names for seed in range(seeds)]
    screen = Console(width=width, file=io.StringIO())
    for table in tables(rows, width):
        screen.print(table)
    text = screen.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    for name in names:
        assert name in text
    expected = spread("test_accuracy", [0.9 + seed / 100 for seed in range(seeds)])
    assert text.replace("\n", " ").count(expected.split(" ±")[0]) >= 4 * count
    assert text.count("±") >= (8 * count if seeds > 1 else 0)


def test_a_spread_is_that_of_a_sample() -> None:
    values = [0.975, 0.977, 0.9791]
    deviation = 100 * statistics.stdev(values)
    assert spread("test_accuracy", values) == f"97.70 ± {deviation:.2f}\u00a0%"
    assert spread("seconds", [1.0, None, 3.0]) == "2.0 ± 1.4"
    assert spread("test_loss", [0.5]) == "0.5000"
    assert spread("validation_loss", [None, None]) == "–"
