"""Several recipes side by side: the table of their results, and how each got there."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.figures.curves import columns as numbers_of
from inkling.figures.curves import looks, scale_accuracies, scale_epochs, scale_losses
from inkling.figures.style import BLUE, MUTED, new_figure, notice, styled, tidy
from inkling.nn.part import Array
from inkling.training import History
from inkling.training.spread import FIGURES, spread

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.34
"""The height of a row of the table, in inches."""


def comparison(rows: Sequence[Mapping[str, Any]], histories: Mapping[str, Sequence[History]]) -> Figure:
    """The table that `inkling compare` prints, with the best of each column marked, and the curves under it.

    `rows`: the metrics of every run (as in metrics.json); runs of one recipe are its seeds. `histories`: by recipe,
    one a seed. A line is the mean over the seeds, the band around it one standard deviation to either side, as far
    as all seeds were trained.
    """
    if not rows:
        return notice("Nothing to compare", "No run has ended yet.")
    recipes = list(dict.fromkeys(str(row["recipe"]) for row in rows))
    drawn = {name: list(histories[name]) for name in recipes if any(map(len, histories.get(name, ())))}
    table_height = ROW * (len(recipes) + 2)
    with styled():
        figure = new_figure(13, table_height + (5.4 if drawn else 1))
        figure.suptitle(headline(rows, recipes), fontsize=14)
        table, *below = figure.subplots(
            2 if drawn else 1, 1, height_ratios=(table_height, 4) if drawn else None, squeeze=False
        )[:, 0]
        draw_table(table, rows, recipes)
        if below:
            parts = below[0].get_subplotspec().subgridspec(1, 2)
            below[0].remove()
            draw_curves(figure.add_subplot(parts[0]), figure.add_subplot(parts[1]), drawn, recipes)
    return figure


def headline(rows: Sequence[Mapping[str, Any]], recipes: Sequence[str]) -> str:
    """Which recipe reads best, and how sure that is."""
    for key, what in (("test_accuracy", "test"), ("validation_accuracy", "validation"), ("train_accuracy", "training")):
        winners = best(key, rows, recipes)
        if len(winners) == 1:
            (name,) = winners
            return f"{name} reads the {what} images best: {spread(key, values_of(rows, name, key))} right"
    if len(recipes) == 1:
        return f"{recipes[0]}, trained {'once' if len(rows) == 1 else f'{len(rows)} times'}"
    return f"{len(recipes)} recipes compared"


def values_of(rows: Sequence[Mapping[str, Any]], recipe: str, key: str) -> list[float]:
    """The figures of a recipe's runs that exist."""
    found = (row.get(key) for row in rows if row["recipe"] == recipe)
    return [float(value) for value in found if value is not None]


def best(key: str, rows: Sequence[Mapping[str, Any]], recipes: Sequence[str]) -> set[str]:
    """The recipes with the best mean: of accuracies the highest, of losses and seconds the lowest."""
    means = {name: statistics.fmean(values) for name in recipes if (values := values_of(rows, name, key))}
    if len(means) < 2:
        return set()
    aim = max(means.values()) if "accuracy" in key else min(means.values())
    return {name for name, mean in means.items() if mean == aim}


def draw_table(axes: Axes, rows: Sequence[Mapping[str, Any]], recipes: Sequence[str]) -> None:
    """A line a recipe, with its curve's colour and marker; the best of a column is bold and shaded."""
    keys = [key for key in FIGURES if any(values_of(rows, name, key) for name in recipes)]
    heads = ["recipe", "seeds", *(FIGURES[key] for key in keys)]
    cells = [
        [name, str(sum(row["recipe"] == name for row in rows)), *(spread(k, values_of(rows, name, k)) for k in keys)]
        for name in recipes
    ]
    # Columns as wide as their longest cell; the first also holds the piece of line that is the curve's key.
    widths = [max(len(cell) for cell in column) + 2.5 for column in zip(heads, *cells, strict=True)]
    widths[0] += 5
    ends = np.cumsum(widths) / sum(widths)
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(len(recipes) + 1.5, -0.6))
    left = 5 / sum(widths)
    for column, (head, end) in enumerate(zip(heads, ends, strict=True)):
        place = {"x": left, "ha": "left"} if column == 0 else {"x": end, "ha": "right"}
        axes.text(y=0, s=head, color=MUTED, fontsize=10, va="center", **place)
    axes.hlines([0.5], 0, 1, color=MUTED, linewidth=0.8)
    marked: dict[str, Any] = {"weight": "bold", "bbox": {"facecolor": BLUE, "alpha": 0.13, "linewidth": 0, "pad": 2.5}}
    winners = {key: best(key, rows, recipes) for key in keys}
    for number, (row, (name, colour, marker)) in enumerate(zip(cells, looks(recipes), strict=True), 1):
        axes.plot([0.2 * left, 0.5 * left, 0.8 * left], [number] * 3, color=colour, marker=marker, markevery=[1])
        axes.text(left, number, name, va="center", fontsize=10, fontweight="bold")
        axes.text(ends[1], number, row[1], va="center", ha="right", fontsize=9)
        for key, cell, end in zip(keys, row[2:], ends[2:], strict=True):
            look: dict[str, Any] = marked if name in winners[key] else {}
            axes.text(end, number, cell, va="center", ha="right", fontsize=9, **look)
    remarks = ["mean ± standard deviation over the seeds"] if any("±" in cell for row in cells for cell in row) else []
    remarks += ["the best of each column is shaded"] if any(winners.values()) else []
    axes.text(1, len(recipes) + 1.1, "; ".join(remarks), color=MUTED, fontsize=9, va="center", ha="right")


def draw_curves(left: Axes, right: Axes, drawn: Mapping[str, Sequence[History]], recipes: Sequence[str]) -> None:
    """Loss and accuracy of every recipe: validation's if there is any, else training's."""
    everything = {f"{name} {i}": history for name, runs in drawn.items() for i, history in enumerate(runs)}
    validated = all(value is not None for history in everything.values() for value in history["validation_loss"])
    part, said = ("validation", "validation") if validated else ("train", "training")
    for axes, what in ((left, "loss"), (right, "accuracy")):
        for number, (name, colour, marker) in enumerate(looks(recipes)):
            if name in drawn:
                epochs, values = together(drawn[name], f"{part}_{what}")
                draw_mean(axes, epochs, values, colour, marker, number, name)
        axes.set_title(f"{said} {what}")
        axes.set_xlabel("epoch")
        scale_epochs(axes, max(history.last.epoch for history in everything.values() if len(history)))
        tidy(axes)
        axes.grid(axis="y", color=MUTED, alpha=0.2, linewidth=0.8)
    scale_losses(left, numbers_of(everything, "loss", (part,)))
    scale_accuracies(right, numbers_of(everything, "accuracy", (part,)))


def together(runs: Sequence[History], column: str) -> tuple[list[int], Array]:
    """A column of all runs as far as all of them go: epochs (n,), and values (runs, n)."""
    trained = [run for run in runs if len(run)]
    shortest = min(map(len, trained))
    return trained[0]["epoch"][:shortest], np.array([run[column][:shortest] for run in trained], dtype=float)


def draw_mean(
    axes: Axes, epochs: Sequence[int], values: Array, colour: str, marker: str, number: int, name: str
) -> None:
    """The mean over the seeds, and a band one standard deviation wide to either side."""
    mean = values.mean(axis=0)
    every = max(len(epochs) // 8, 1)
    axes.plot(epochs, mean, color=colour, marker=marker, markevery=(number % every, every), linewidth=1.8, label=name)
    if len(values) > 1:
        around = values.std(axis=0, ddof=1)
        axes.fill_between(epochs, mean - around, mean + around, color=colour, alpha=0.18, linewidth=0)
