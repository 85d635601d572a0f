"""Learning curves: how loss and accuracy went, epoch after epoch, with the learning rate under them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.figures.predictions import rows_and_columns
from inkling.figures.style import BLUE, INK, MARKERS, MUTED, ORANGE, SERIES, new_figure, notice, percent, styled, tidy
from inkling.nn.part import Array
from inkling.training import History

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DECADES = 1.3
"""A loss that spans more powers of ten than this is drawn on a logarithmic scale."""


def learning_curves(histories: History | Mapping[str, History]) -> Figure:
    """Loss and accuracy of one run, or of several by name, with the learning rate in a narrow panel below.

    Validation is a solid line, training a dashed one; a ring marks each run's best epoch (`History.best`). The
    loss is drawn on a logarithmic scale where it spans more than 20-fold.
    """
    runs = {"": histories} if isinstance(histories, History) else dict(histories)
    runs = {name: history for name, history in runs.items() if len(history)}
    if not runs:
        return notice("Nothing learned yet", "The first epoch has not ended: there is no curve to draw.")
    validated = any(seen(history, "validation_loss") for history in runs.values())
    with styled():
        figure = new_figure(10, 7.4 if len(runs) == 1 else 7.8)
        figure.suptitle(headline(runs), fontsize=14)
        loss, accuracy, rate = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 1))
        for number, (name, history) in enumerate(runs.items()):
            draw_run(loss, history, "loss", number, len(runs), name)
            draw_run(accuracy, history, "accuracy", number, len(runs), name)
            # Coinciding rates stay visible when each line is thinner than the one under it.
            rate.plot(
                history["epoch"],
                history["learning_rate"],
                color=INK if len(runs) == 1 else SERIES[number % len(SERIES)],
                linewidth=max(4 - number, 1) if len(runs) > 1 else 1.6,
                marker="o" if len(history) == 1 else None,
            )
        loss.set_ylabel("loss")
        scale_losses(loss, columns(runs, "loss"))
        accuracy.set_ylabel("accuracy")
        scale_accuracies(accuracy, columns(runs, "accuracy"))
        rate.set_ylabel("learning\nrate")
        scale_rates(rate, [value for history in runs.values() for value in history["learning_rate"]])
        rate.set_xlabel("epoch")
        scale_epochs(rate, max(history.last.epoch for history in runs.values()))
        figure.align_ylabels([loss, accuracy, rate])
        for axes in (loss, accuracy, rate):
            tidy(axes)
            axes.grid(axis="y", color=MUTED, alpha=0.2, linewidth=0.8)
        draw_legend(loss, runs, validated)
    return figure


def headline(runs: Mapping[str, History]) -> str:
    """What the curves say, in one sentence."""
    if len(runs) > 1:
        name, history = max(runs.items(), key=lambda item: best_accuracy(item[1]))
        part = "training" if history.best.validation_accuracy is None else "validation"
        return f"{name} reads most digits: {percent(best_accuracy(history), 1)} of the {part} images"
    (history,) = runs.values()
    best, last = history.best, history.last
    if last.epoch == 1:
        return f"After one epoch: {best_loss(history)}"
    if best.epoch == last.epoch:
        return f"Still improving after {last.epoch} epochs: {best_loss(history)}"
    return f"Best after epoch {best.epoch} of {last.epoch}: {best_loss(history)}"


def best_loss(history: History) -> str:
    """Loss and accuracy of the best epoch, in words."""
    best = history.best
    if best.validation_loss is None or best.validation_accuracy is None:
        return f"training loss {best.train_loss:.3g}, {percent(best.train_accuracy, 1)} right"
    return f"validation loss {best.validation_loss:.3g}, {percent(best.validation_accuracy, 1)} right"


def best_accuracy(history: History) -> float:
    """Validation's accuracy (else training's) at the best epoch."""
    best = history.best
    return best.train_accuracy if best.validation_accuracy is None else best.validation_accuracy


def draw_run(axes: Axes, history: History, what: str, number: int, of: int, name: str) -> None:
    """Training and validation of one run, and a ring at its best epoch."""
    epochs = history["epoch"]
    colours = (BLUE, ORANGE) if of == 1 else (SERIES[number % len(SERIES)],) * 2
    # A few markers along the line tell runs apart; each run has them at other epochs.
    every = max(len(epochs) // 8, 1)
    marker: dict[str, Any] = (
        {} if of == 1 else {"marker": MARKERS[number % len(MARKERS)], "markevery": (number * every // of, every)}
    )
    width = 1.8 if len(epochs) <= 200 else 1.2
    if len(epochs) == 1:
        marker = {"marker": MARKERS[number % len(MARKERS)], "markersize": 8}
    series = (("train", colours[0], "--"), ("validation", colours[1], "-"))
    best = history.best
    for part, colour, style in series:
        values = seen(history, f"{part}_{what}")
        if not values:
            continue
        hollow: dict[str, Any] = {"markerfacecolor": "white"} if part == "train" and marker else {}
        label = f"{name} {part}".strip()
        axes.plot(epochs, values, color=colour, linestyle=style, linewidth=width, label=label, **marker, **hollow)
    watched = "train" if best.validation_loss is None else "validation"
    axes.plot(
        [best.epoch],
        [getattr(best, f"{watched}_{what}")],
        linestyle="none",
        marker="o",
        markersize=13,
        markerfacecolor="none",
        markeredgecolor=INK if of == 1 else colours[1],
        markeredgewidth=1.6,
        label=f"{name} best".strip(),
        zorder=5,
    )


def columns(
    runs: Mapping[str, History], what: str, parts: Iterable[str] = ("train", "validation")
) -> list[list[float | None]]:
    """The losses or accuracies of all runs."""
    return [history[f"{part}_{what}"] for history in runs.values() for part in parts]


def seen(history: History, column: str) -> list[float]:
    """A column with NaN where there is no number; empty if there is none at all."""
    values = [math.nan if value is None else float(value) for value in history[column]]
    return [] if all(map(math.isnan, values)) else values


def draw_legend(axes: Axes, runs: Mapping[str, History], validated: bool) -> None:
    """What the lines mean: above the panel, where it can cover nothing; the runs over the kinds of lines."""
    from matplotlib.lines import Line2D

    one = len(runs) == 1
    # A run of one epoch has no line, only its two points.
    dot = "o" if all(len(history) == 1 for history in runs.values()) else None
    kinds = [Line2D([], [], color=BLUE if one else MUTED, ls="--", marker=dot, mfc="white", label="training")]
    if validated:
        kinds.append(Line2D([], [], color=ORANGE if one else MUTED, marker=dot, label="validation"))
    kinds.append(
        Line2D([], [], ls="none", marker="o", ms=11, mfc="none", mec=INK if one else MUTED, label="best epoch")
    )
    look: dict[str, Any] = {"loc": "lower center", "frameon": False, "fontsize": 11, "borderaxespad": 0.3}
    below = axes.legend(handles=kinds, bbox_to_anchor=(0.5, 1), ncols=len(kinds), **look)
    if not one:
        axes.add_artist(below)
        names = [Line2D([], [], color=colour, marker=marker, label=name) for name, colour, marker in looks(runs)]
        fitting = max(int(9 / (0.09 * max(map(len, runs)) + 0.9)), 1)
        axes.legend(handles=names, bbox_to_anchor=(0.5, 1.11), ncols=rows_and_columns(len(names), fitting)[1], **look)


def looks(names: Iterable[str]) -> list[tuple[str, str, str]]:
    """Each run's name, colour and marker."""
    return [(name, SERIES[i % len(SERIES)], MARKERS[i % len(MARKERS)]) for i, name in enumerate(names)]


def scale_losses(axes: Axes, numbers: Iterable[Iterable[float | None]]) -> None:
    """A logarithmic scale if the losses span decades, else a linear one from zero."""
    from matplotlib.ticker import MaxNLocator

    values = finite(value for column in numbers for value in column)
    values = values[values > 0]
    if len(values) and np.log10(values.max() / values.min()) > DECADES:
        label_decades(axes, values)
    else:
        axes.set_ylim(0, 1.06 * values.max(initial=0) or 1)
        axes.yaxis.set_major_locator(MaxNLocator(5))
        axes.yaxis.set_major_formatter("{x:g}")


def scale_rates(axes: Axes, rates: Iterable[float]) -> None:
    """Few ticks, for a panel that is narrow; a logarithmic scale if the rates span decades."""
    values = finite(rates)
    values = values[values > 0]
    if len(values) and np.log10(values.max() / values.min()) > DECADES:
        label_decades(axes, values, most=3)
        return
    top = values.max(initial=0)
    axes.set_ylim(0, 1.3 * top or 1)
    axes.set_yticks([0, top], ["0", f"{top:.3g}"])


def label_decades(axes: Axes, values: Array, most: int = 8) -> None:
    """A logarithmic scale with plain numbers beside it, at most about `most` of them."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    low, high = math.floor(np.log10(values.min())), math.ceil(np.log10(values.max()))
    axes.set_yscale("log")
    for steps in ((1, 1.5, 2, 3, 4, 6, 8), (1, 2, 5), (1, 3), (1,)):
        ticks = [s * 10.0**d for d in range(low, high + 1) for s in steps]
        ticks = [tick for tick in ticks if values.min() / 1.3 <= tick <= values.max() * 1.3]
        if len(ticks) <= most:
            break
    else:
        ticks = ticks[:: -(-len(ticks) // most)]
    axes.set_ylim(values.min() / 1.5, values.max() * 1.5)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def scale_accuracies(axes: Axes, numbers: Iterable[Iterable[float | None]]) -> None:
    """Percent, never above 100, with room for the rings."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    values = finite(value for column in numbers for value in column)
    low, high = values.min(initial=1), values.max(initial=0)
    room = max(0.1 * (high - low), 0.005)
    axes.set_ylim(low - room, high + room)
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{100 * value:.4g}\u00a0%" if value < 1.0001 else "")
    )


def scale_epochs(axes: Axes, last: int, first: int = 1, ticks: int = 10) -> None:
    """About so many whole epochs, the first among them, with a little room at both ends."""
    room = max(0.02 * (last - first), 0.3)
    axes.set_xlim(first - room, last + room)
    step = next(s * 10**d for d in range(12) for s in (1, 2, 5) if last <= ticks * s * 10**d)
    axes.set_xticks(sorted({first, *range(step, last + 1, step)}))


def finite(values: Iterable[float | None]) -> Array:
    """The numbers among them, as an array."""
    array = np.array([math.nan if value is None else value for value in values], dtype=float)
    return np.asarray(array[np.isfinite(array)])
