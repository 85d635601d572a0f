"""A fitted classifier in a notebook: the network as a table, and how its loss fell, under scikit-learn's diagram.

Plain HTML and one small SVG, drawn here by hand, so that showing an estimator loads nothing and runs no script.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from inkling.interop.estimator import DigitsClassifier
    from inkling.nn import Network

WIDE, HIGH, LEFT, RIGHT, EDGE = 420, 130, 52, 60, 18
"""Of the picture, in pixels: width and height; the margins for the numbers beside the curves, and above and below."""
BLUE, ORANGE = "#0072b2", "#d55e00"
"""The house's colours (figures/style.py, which would bring matplotlib along)."""


def fitted_as_html(estimator: DigitsClassifier) -> str:
    """The network and the curves of a fitted classifier; nothing before it is fitted."""
    if not hasattr(estimator, "network_"):
        return ""
    accuracies = [score for score in estimator.validation_scores_ or [] if score is not None]
    return (
        '<div style="display:flex;flex-wrap:wrap;gap:24px;align-items:flex-start;margin:8px 0;'
        'font:12px/1.5 system-ui,sans-serif">'
        f"{table(estimator.network_)}{curves(estimator.loss_curve_, accuracies)}</div>"
    )


def table(network: Network) -> str:
    """A row a layer: what it is, what it delivers, how much it has to learn."""
    rows = [
        f"<tr>{cell(what)}{cell(shape)}{cell(f'{count:,}' if count else '', 'right')}</tr>"
        for _, what, shape, count, _ in network.table()
    ]
    first, total = "×".join(map(str, network.input_shape)), f"{len(network.parameters):,}"
    head = cell("layer") + cell("output") + cell("parameters", "right")
    return (
        f'<table style="border-collapse:collapse;font:inherit"><thead style="opacity:.6"><tr>{head}</tr></thead>'
        f"<tbody><tr>{cell('input')}{cell(first)}{cell('')}</tr>{''.join(rows)}"
        f'<tr style="border-top:1px solid">{cell("total")}{cell("")}{cell(total, "right")}</tr></tbody></table>'
    )


def cell(text: str, align: str = "left") -> str:
    """A cell of the table."""
    return f'<td style="padding:1px 10px;text-align:{align}">{escape(text)}</td>'


def curves(losses: Sequence[float], accuracies: Sequence[float]) -> str:
    """The training loss over the epochs, from 0 upwards, and the validation accuracy on a scale of its own."""
    words = f"training loss {losses[-1]:.4g} after {len(losses)} epoch{'s' if len(losses) > 1 else ''}"
    lines = line(losses, 0.0, max(losses), BLUE)
    lines += label(LEFT - 6, EDGE, f"{max(losses):.3g}", "end", BLUE) + label(LEFT - 6, HIGH - EDGE, "0", "end", BLUE)
    if accuracies:
        low, high = min(accuracies), max(accuracies)
        lines += line(accuracies, low, high, ORANGE)
        lines += label(WIDE - RIGHT + 6, EDGE, f"{high:.2%}", "start", ORANGE)
        lines += label(WIDE - RIGHT + 6, HIGH - EDGE, f"{low:.2%}", "start", ORANGE) if low < high else ""
        words += f"; validation accuracy {accuracies[-1]:.2%}, best {high:.2%}"
    axis = f"M{LEFT} {EDGE}V{HIGH - EDGE}H{WIDE - RIGHT}"
    return (
        f'<figure style="margin:0"><svg role="img" aria-label="{escape(words)}" width="{WIDE}" height="{HIGH}">'
        f'<path d="{axis}" fill="none" stroke="currentColor" opacity=".4"/>{lines}'
        f"{label(LEFT, HIGH - 2, 'epoch 1', 'start')}{label(WIDE - RIGHT, HIGH - 2, str(len(losses)), 'end')}</svg>"
        f"<figcaption>{escape(words)}</figcaption></figure>"
    )


def line(values: Sequence[float], low: float, high: float, colour: str) -> str:
    """Values from left to right, with `low` at the bottom of the picture and `high` at its top; one alone is a dot."""
    across, up = (WIDE - LEFT - RIGHT) / max(len(values) - 1, 1), (HIGH - 2 * EDGE) / ((high - low) or 1.0)
    points = [(LEFT + k * across, HIGH - EDGE - (value - low) * up) for k, value in enumerate(values)]
    if len(points) == 1:
        return f'<circle cx="{points[0][0]:.1f}" cy="{points[0][1]:.1f}" r="2.5" fill="{colour}"/>'
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>'


def label(x: float, y: float, text: str, anchor: str, colour: str = "currentColor") -> str:
    """A few words in the picture."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{colour}" font-size="11">{escape(text)}</text>'
