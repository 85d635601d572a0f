"""Can every text of a picture be read? Draws the figure and compares the boxes of all the texts that were drawn."""

from __future__ import annotations

from itertools import combinations
from unittest.mock import patch

from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

TOLERANCE = 1.0
"""Pixels that two boxes may share: a line's box is a little higher than its letters."""


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """The pairs of texts that lie over each other; an empty list is what a picture wants."""
    return [
        (one, other)
        for (one, box), (other, other_box) in combinations(drawn_texts(figure), 2)
        if min(box.x1, other_box.x1) - max(box.x0, other_box.x0) > TOLERANCE
        and min(box.y1, other_box.y1) - max(box.y0, other_box.y0) > TOLERANCE
    ]


def clipped(figure: Figure) -> list[str]:
    """The texts that leave the figure, wholly or in part."""
    page = figure.bbox
    return [
        text
        for text, box in drawn_texts(figure)
        if box.x0 < page.x0 - TOLERANCE
        or box.y0 < page.y0 - TOLERANCE
        or box.x1 > page.x1 + TOLERANCE
        or box.y1 > page.y1 + TOLERANCE
    ]


def texts(figure: Figure) -> list[str]:
    """Every text that is drawn, tick labels too."""
    return [text for text, _ in drawn_texts(figure)]


def drawn_texts(figure: Figure) -> list[tuple[str, Bbox]]:
    """Every text that is really drawn (hidden ones and tick labels out of sight are not), with its box in pixels."""
    drawn: list[Text] = []
    draw = Text.draw

    def record(text: Text, renderer: RendererBase) -> None:
        if text.get_visible() and text.get_text().strip():
            drawn.append(text)
        draw(text, renderer)

    canvas = FigureCanvasAgg(figure)
    with patch.object(Text, "draw", record):
        canvas.draw()
    renderer = canvas.get_renderer()
    # Not text.get_window_extent: an annotation's would hold its arrow too.
    return [(text.get_text(), Text.get_window_extent(text, renderer)) for text in drawn]
