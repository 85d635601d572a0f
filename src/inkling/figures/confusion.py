"""The confusion matrix: which digit is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from inkling.figures.style import BLUE, INK, MUTED, PAPER, new_figure, percent, share, styled, tidy
from inkling.nn.part import Array
from inkling.training import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAMES = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def confusion(evaluation: Evaluation) -> Figure:
    """Counts of true class (rows) against read class (columns), with recall beside and precision below.

    Only the mistakes are shaded, on a scale of their own: the diagonal would drown them.
    """
    counts = evaluation.confusion
    classes = len(counts)
    with styled():
        figure = new_figure(8.8, 8.4)
        figure.suptitle(headline(evaluation), fontsize=14)
        axes = figure.subplots()
        draw_matrix(axes, counts)
        # Of a class that never occurs there is no recall, and of one that is never read no precision.
        recall = rates(np.diag(counts), counts.sum(axis=1))
        precision = rates(np.diag(counts), counts.sum(axis=0))
        beside = axes.inset_axes((1.03, 0, 0.2, 1), sharey=axes)
        below = axes.inset_axes((0, -0.22, 1, 0.17), sharex=axes)
        low = lowest(recall, precision)
        places = np.arange(classes)
        beside.hlines(places, low, recall, color=BLUE, alpha=0.35, linewidth=2)
        beside.plot(recall, places, "o", color=BLUE, clip_on=False)
        beside.set(xlim=(low, 1 + 0.05 * (1 - low)), title="recall in %: found\nof all there are")
        below.vlines(places, low, precision, color=BLUE, alpha=0.35, linewidth=2)
        below.plot(places, precision, "o", color=BLUE, clip_on=False)
        below.set(ylim=(low, 1 + 0.08 * (1 - low)))
        below.set_xlabel("precision in %: right among all that were read so", fontsize=12, color=INK, labelpad=8)
        label_rates(beside, below, recall, precision, low)
    return figure


def headline(evaluation: Evaluation) -> str:
    """How many are right, and what is mistaken for what most often."""
    counts = evaluation.confusion
    wrong = counts - np.diag(np.diag(counts))
    right = f"{percent(evaluation.accuracy)} of {evaluation.count:,} right"
    if not wrong.any():
        return f"All of {evaluation.count:,} right"
    true, read = np.unravel_index(wrong.argmax(), wrong.shape)
    times = "once" if wrong.max() == 1 else f"{wrong.max():,} times"
    return f"{right}; most often a {name(int(true))} is read as a {name(int(read))}, {times}"


def name(digit: int) -> str:
    """A digit as a word, which cannot be mistaken for a count."""
    return NAMES[digit] if digit < len(NAMES) else str(digit)


def draw_matrix(axes: Axes, counts: Array) -> None:
    """The counts, mistakes shaded from white to an orange that can be written on, the right ones in blue."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    classes = len(counts)
    right = np.eye(classes, dtype=bool)
    wrong = np.ma.masked_array(counts, right)
    most = max(int(counts[~right].max(initial=0)), 1)
    shades = LinearSegmentedColormap.from_list("mistakes", [PAPER, "#e98540"])
    axes.imshow(wrong, cmap=shades, vmin=0, vmax=most)
    for true in range(classes):
        for read in range(classes):
            count = int(counts[true, read])
            if true == read:
                square = Rectangle((read - 0.5, true - 0.5), 1, 1, facecolor=BLUE, alpha=0.13, edgecolor="none")
                axes.add_patch(square)
                axes.text(read, true, f"{count:,}", ha="center", va="center", color=BLUE, fontweight="bold")
            elif count:
                axes.text(read, true, f"{count:,}", ha="center", va="center")
    axes.set_xticks(range(classes))
    axes.set_yticks(range(classes))
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel("read as", fontsize=12, labelpad=8)
    axes.set_ylabel("true digit", fontsize=12, labelpad=8)
    axes.hlines(np.arange(classes - 1) + 0.5, -0.5, classes - 0.5, color=MUTED, alpha=0.15, linewidth=0.8)
    axes.vlines(np.arange(classes - 1) + 0.5, -0.5, classes - 0.5, color=MUTED, alpha=0.15, linewidth=0.8)
    for spine in axes.spines.values():
        spine.set_visible(True)
    tidy(axes)
    axes.tick_params(length=0, labelsize=12, labelcolor=INK)


def rates(right: Array, of: Array) -> Array:
    """One divided by the other, NaN where there is nothing to divide by."""
    return np.where(of > 0, right / np.maximum(of, 1), np.nan)


def lowest(*rates: Array) -> float:
    """Where the axis of the rates begins: a round number below all of them."""
    least = np.nanmin(np.concatenate(rates))
    return float(np.clip(np.floor(least * 20 - 0.2) / 20, 0, 0.95))


def label_rates(beside: Axes, below: Axes, recall: Array, precision: Array, low: float) -> None:
    """Each rate in figures at the far end of its line, and the ends of the scale."""
    for axes, values in ((beside, recall), (below, precision)):
        tidy(axes)
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.tick_params(length=0, left=False, labelleft=False, bottom=False, labelbottom=False)
        for place, value in enumerate(values):
            shown = "–" if np.isnan(value) else share(value).rstrip("\u00a0%")
            if axes is beside:
                axes.text(1.06, place, shown, transform=axes.get_yaxis_transform(), va="center", fontsize=10)
            else:
                axes.text(place, -0.1, shown, transform=axes.get_xaxis_transform(), ha="center", va="top", fontsize=10)
    beside.set_xticks([low, 1], [percent(low, 0), percent(1, 0)])
    beside.tick_params(bottom=True, labelbottom=True)
    below.set_yticks([low, 1], [percent(low, 0), percent(1, 0)])
    below.tick_params(left=True, labelleft=True)
    below.xaxis.labelpad = 24
