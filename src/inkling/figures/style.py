"""How all pictures look: one palette that the colour-blind can tell apart, one set of sizes, no clutter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

INK, PAPER, MUTED = "#1b1f24", "#ffffff", "#6b7280"
BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
"""Okabe and Ito's palette, 2008, made to be told apart by everybody."""
RIGHT, WRONG = BLUE, ORANGE
SERIES = (BLUE, ORANGE, GREEN, PURPLE, INK, YELLOW, SKY)
"""The colours of lines that stand side by side, and MARKERS with them: nobody has to trust colour alone."""
MARKERS = "osD^vPX*"


@contextmanager
def styled() -> Iterator[None]:
    """Within this context matplotlib draws in Inkling's style."""
    import matplotlib as mpl

    settings: dict[Any, Any] = {
        "figure.facecolor": PAPER,
        "figure.dpi": 100,
        "savefig.dpi": 150,
        "font.size": 11,
        "axes.titlesize": 12,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.edgecolor": MUTED,
        "text.color": INK,
        "axes.labelcolor": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "svg.hashsalt": "inkling",
    }
    with mpl.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of that size in inches, which needs no screen and no clean-up."""
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    # The pads are inches of air around everything.
    return Figure(figsize=(width, height), layout=ConstrainedLayoutEngine(w_pad=0.1, h_pad=0.12))


def diverging() -> Colormap:
    """Colours for numbers of both signs: blue below zero, white at zero, orange above."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("inkling", ["#003a5c", BLUE, PAPER, ORANGE, "#6b2f00"])


def tidy(axes: Axes) -> None:
    """Give the ticks their size and colour for good: matplotlib makes some when it draws, after `styled` has ended."""
    axes.tick_params(color=MUTED, labelcolor=MUTED, labelsize=10, which="both")


def notice(headline: str, words: str) -> Figure:
    """A picture that says in words why there is nothing to draw."""
    with styled():
        figure = new_figure(7, 2)
        figure.text(0.5, 0.62, headline, ha="center", va="center", fontsize=14)
        figure.text(0.5, 0.35, words, ha="center", va="center", color=MUTED)
    return figure


def mosaic(tiles: Array, columns: int, gap: int = 2) -> Array:
    """Tiles (n, height, width) row by row in one picture, with `gap` pixels of nothing (NaN) between them."""
    count, height, width = tiles.shape
    rows = -(-count // columns)
    picture = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap), np.nan)
    for index, tile in enumerate(tiles):
        top, left = index // columns * (height + gap), index % columns * (width + gap)
        picture[top : top + height, left : left + width] = tile
    return picture


def percent(fraction: float, digits: int = 2) -> str:
    """0.9812 → "98.12 %", with a space that does not break."""
    return f"{100 * fraction:.{digits}f}\u00a0%"


def share(fraction: float) -> str:
    """A probability in percent, which is "100 %" only when it is."""
    if 0.9995 <= fraction < 1:
        return ">" + percent(0.999, 1)
    if 0 < fraction < 0.0005:
        return "<" + percent(0.001, 1)
    return percent(1, 0) if fraction == 1 else percent(fraction, 1)
