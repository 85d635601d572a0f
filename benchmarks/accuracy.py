"""The most accurate recipes on the real MNIST, several seeds each, and what they read together (`make accuracy`).

What is not yet in runs/accuracy is trained there, as `inkling train` does it: all of it takes some hours. The tables of
docs/accuracy.md are then printed, and its learning curves drawn. The test images are read here and nowhere else.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from inkling import Ensemble, evaluate, load_data, load_model, load_recipe
from inkling.figures.style import MARKERS, SERIES, new_figure, styled
from inkling.recipes import build_plan
from inkling.storage import RunFolder

SEEDS = {"conv-fast": 5, "dense-best": 3, "conv-best": 6}
"""How often each recipe is trained: with the seeds 0, 1, 2 …"""
TEAMS = [("conv-best",), ("conv-best", "dense-best")]
"""The networks of these recipes read together, as ensembles; the last one is the best on validation images."""
SHIFTS = 1
"""Pixels that an image is moved each way where it is read several times."""
FOLDER = Path("runs/accuracy")
CURVES = Path("docs/images/accuracy.png")


def main() -> None:
    """Train what is missing, print the tables, draw the curves."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--draw", action="store_true", help=f"write the learning curves to {CURVES}")
    draw = reader.parse_args().draw
    runs = {name: [trained(name, seed) for seed in range(count)] for name, count in SEEDS.items()}
    print_recipes(runs)
    print_readers(runs)
    if draw:
        draw_curves(runs)


def trained(recipe: str, seed: int) -> RunFolder:
    """The run folder of a recipe and a seed, trained if it isn't there yet, and to its end."""
    run = RunFolder(FOLDER / f"{recipe}-{seed}")
    if not run.metrics.exists():
        how = ["--resume", str(run.path)] if run.checkpoint.exists() else [recipe, "--out", str(run.path)]
        new = [] if run.checkpoint.exists() else ["--data", "mnist", "--seed", str(seed), "--no-report"]
        subprocess.run([sys.executable, "-m", "inkling", "train", *how, *new], check=True)
    return run


def print_recipes(runs: dict[str, list[RunFolder]]) -> None:
    """A row for each recipe: mean ± standard deviation over the seeds, and every seed's own figures."""
    print("| recipe | parameters | epochs | seconds | validation | test | every seed: test (validation) |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, folders in runs.items():
        every: list[dict[str, Any]] = [json.loads(run.metrics.read_text(encoding="utf-8")) for run in folders]
        seeds = ", ".join(f"{100 * one['test_accuracy']:.2f} ({100 * one['validation_accuracy']:.2f})" for one in every)
        threads = every[0]["threads"]
        print(
            f"| `{name}` | {every[0]['parameters']:,} | {every[0]['epochs']} "
            f"| {spread([one['seconds'] for one in every], 0 if every[0]['seconds'] > 100 else 1)} "
            f"on {threads} {'core' if threads == 1 else 'cores'} "
            f"| {spread([100 * one['validation_accuracy'] for one in every], 2)} % "
            f"| **{spread([100 * one['test_accuracy'] for one in every], 2)} %** | {seeds} |"
        )
    print()


def print_readers(runs: dict[str, list[RunFolder]]) -> None:
    """What networks read alone and together, each image once, and nine times, moved by a pixel each way."""
    recipe = load_recipe(TEAMS[-1][0])
    digits = load_data("mnist", plan=build_plan(recipe.data, 0))
    assert digits.validation is not None
    assert digits.test is not None
    print(f"| read by | images read | validation | test | 95 % interval |\n{'| --- ' * 5}|")
    singles = [(f"one `{name}`, mean of {len(runs[name])}", [[run] for run in runs[name]]) for name in TEAMS[-1]]
    teams = [(together(names, runs), [[run for name in names for run in runs[name]]]) for names in TEAMS]
    for title, readers in singles + teams:
        for shifts in (0, SHIFTS):
            both = [
                [
                    evaluate(Ensemble([load_model(run.path) for run in reader], shifts), split).accuracy
                    for reader in readers
                ]
                for split in (digits.validation, digits.test)
            ]
            validation, test = (100 * statistics.mean(part) for part in both)
            right = round(test / 100 * len(digits.test))
            low, high = binomtest(right, len(digits.test)).proportion_ci(method="wilson")
            times = "once" if shifts == 0 else f"{(2 * shifts + 1) ** 2} times, moved by {shifts} pixel"
            print(f"| {title} | {times} | {validation:.2f} % | **{test:.2f} %** | {100 * low:.2f}–{100 * high:.2f} % |")


def together(names: tuple[str, ...], runs: dict[str, list[RunFolder]]) -> str:
    """What an ensemble is called."""
    return " and ".join(f"{len(runs[name])} `{name}`" for name in names) + " together"


def spread(values: list[float], digits: int) -> str:
    """Mean ± standard deviation."""
    return f"{statistics.mean(values):.{digits}f} ± {statistics.stdev(values):.{digits}f}"


def draw_curves(runs: dict[str, list[RunFolder]]) -> None:
    """The share of validation images misread after every epoch: thin for each seed, thick for their mean."""
    with styled():
        figure = new_figure(9, 4.6)
        axes = figure.subplots()
        for (name, folders), colour, marker in zip(runs.items(), SERIES, MARKERS, strict=False):
            errors = np.array([100 * (1 - pd.read_csv(run.history)["validation_accuracy"]) for run in folders])
            epochs = np.arange(1, errors.shape[1] + 1)
            axes.plot(epochs, errors.T, color=colour, linewidth=0.6, alpha=0.5)
            axes.plot(epochs, errors.mean(axis=0), color=colour, marker=marker, markevery=0.12, label=name)
        axes.set(yscale="log", xlabel="epoch", ylabel="validation images misread, %")
        axes.set_yticks([0.3, 0.4, 0.5, 0.7, 1, 2, 3, 5], labels=["0.3", "0.4", "0.5", "0.7", "1", "2", "3", "5"])
        axes.set_yticks([], minor=True)
        axes.set_ylim(0.28, 6)
        axes.legend(frameon=False)
        axes.set_title("The more one trains, and the more one distorts, the fewer are misread", loc="left")
        figure.savefig(CURVES)
    print(f"\nwritten: {CURVES}")


if __name__ == "__main__":
    main()
