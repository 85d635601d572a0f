"""How all pictures look: one palette that the colour-blind can tell apart, one set of sizes, no clutter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK, PAPER, MUTED = "#1b1f24", "#ffffff", "#6b7280"
BLUE, ORANGE, GREEN, PURPLE, YELLOW, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
"""Okabe and Ito's palette, 2008, made to be told apart by everybody."""
RIGHT, WRONG = BLUE, ORANGE


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

    return Figure(figsize=(width, height), layout="constrained")
