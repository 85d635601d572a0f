"""A page: a figure whose parts are placed in inches from its upper left corner.

Pictures that set numbers and formulas beside each other place everything by measure, so that nothing can run
into its neighbour; figures made of plain charts leave that to matplotlib's constrained layout.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from inkling.figures.style import INK, MUTED, diverging, new_figure
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

BIG, NORMAL, SMALL = 16, 10.5, 9.5
"""Points: a title, a text, a remark."""
LINE = 0.19
"""Inches from one line of text to the next."""
MARGIN = 0.4


class Page:
    """An empty page of `width` × `height` inches with a title. To be made and filled within `styled`."""

    def __init__(self, width: float, height: float, title: str) -> None:
        self.width, self.height = width, height
        self.figure = new_figure(width, height)
        self.figure.set_layout_engine("none")
        size = BIG * min(1, (width - 2 * MARGIN) / text_width(title, BIG))
        self.figure.suptitle(title, x=MARGIN / width, y=1 - 0.3 / height, ha="left", va="top", fontsize=size)

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Axes of that size; `left` and `top` are the place of their upper left corner."""
        lower = self.height - top - height
        return self.figure.add_axes(
            (left / self.width, lower / self.height, width / self.width, height / self.height),
        )

    def text(self, left: float, top: float, words: str, *, size: float = NORMAL, **style: Any) -> Text:
        """Words that begin there; `top` is the middle of their line unless `va` says otherwise."""
        style = {"color": INK, "va": "center_baseline", **style}
        return self.figure.text(left / self.width, 1 - top / self.height, words, fontsize=size, **style)

    def lines(self, left: float, top: float, lines: list[str], **style: Any) -> None:
        """One line below the other."""
        for index, line in enumerate(lines):
            self.text(left, top + LINE * index, line, **style)

    def scale(self, left: float, top: float, width: float, low: str, middle: str, high: str) -> None:
        """The diverging colours as a bar, with what they mean below its two ends and its middle."""
        bar = self.axes(left, top, width, 0.13)
        bar.imshow([[step / 100 for step in range(-100, 101)]], cmap=diverging(), vmin=-1, vmax=1, aspect="auto")
        bare(bar)
        for share, words, align in ((0, low, "left"), (0.5, middle, "center"), (1, high, "right")):
            self.text(left + share * width, top + 0.25, words, size=SMALL, color=MUTED, ha=align)


def bare(axes: Axes) -> None:
    """Leave a thin frame and nothing else around an image."""
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set_visible(True)
        spine.set_color("#c4c9d0")
        spine.set_linewidth(0.7)


def ink(axes: Axes, image: Array) -> None:
    """The pixels (height, width) of a digit from 0 to 1, as ink on paper."""
    axes.imshow(image, cmap="gray_r", vmin=0, vmax=1)
    bare(axes)


@lru_cache(maxsize=4096)
def text_width(words: str, size: float = NORMAL) -> float:
    """How many inches a line of text takes."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(words, FontProperties(size=size), ismath="$" in words)
    return float(width) / 72
