"""Pictures as text: figures and digits made small and put into the page itself, so that it needs no other file."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.data import Split
from inkling.figures.gallery import Picture
from inkling.training import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 120
"""Enough for a sharp picture at its size on the page, and for one enlarged."""
PER_CELL = 8
"""So many of the mistakes behind each cell of the confusion matrix are shown, the most confident ones."""
COLUMNS = 24
SIDE = 28


@dataclass(frozen=True)
class Embedded:
    """A picture as an <img> needs it; width and height in CSS pixels keep its place while the page is laid out."""

    name: str
    title: str
    caption: str
    alt: str
    source: str
    width: int
    height: int


def embed(picture: Picture) -> Embedded:
    """Draw the picture and make it part of the page."""
    figure = picture.draw()
    width, height = (round(inches * 96) for inches in figure.get_size_inches())
    source = data_uri(webp(figure), "image/webp")
    return Embedded(picture.name, picture.title, picture.caption, picture.alt, source, width, height)


def webp(figure: Figure) -> bytes:
    """The figure as WebP without loss: half the size of a PNG, and every browser of the last years reads it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    from inkling.figures.style import styled

    # The pixels are taken from the canvas: `savefig` would go through the whole figure twice.
    figure.set_dpi(DPI)
    canvas, file = FigureCanvasAgg(figure), io.BytesIO()
    with styled():
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    # More effort would take twice the time to save a tenth of the bytes.
    Image.fromarray(pixels).convert("RGB").save(file, "webp", lossless=True, quality=0, method=1)
    return file.getvalue()


def mistaken_digits(split: Split, evaluation: Evaluation) -> dict[str, Any]:
    """The most confident mistakes behind each cell of the confusion matrix, all of them in one picture.

    `places` says for "truth,answer" where in it the cell's digits begin and how many there are; they stand in rows of
    `columns`, 28 pixels a side.
    """
    from PIL import Image

    wrong = np.flatnonzero(evaluation.predictions != evaluation.labels)
    certainty = evaluation.probabilities[wrong].max(axis=1)
    cells: dict[str, list[int]] = {}
    for index in wrong[np.argsort(-certainty, kind="stable")]:
        cell = cells.setdefault(f"{evaluation.labels[index]},{evaluation.predictions[index]}", [])
        if len(cell) < PER_CELL:
            cell.append(int(index))
    chosen = [index for cell in cells.values() for index in cell]
    places, start = {}, 0
    for name, cell in cells.items():
        places[name] = [start, len(cell)]
        start += len(cell)
    rows = max(-(-len(chosen) // COLUMNS), 1)
    digits = np.zeros((rows * COLUMNS, SIDE, SIDE), np.uint8)
    digits[: len(chosen)] = split.images[chosen]
    sheet = digits.reshape(rows, COLUMNS, SIDE, SIDE).swapaxes(1, 2).reshape(rows * SIDE, COLUMNS * SIDE)
    file = io.BytesIO()
    # Sixteen shades are as many as a digit of this size needs, and halve the bytes.
    Image.fromarray(255 - sheet // 17 * 17).save(file, "webp", lossless=True, quality=50, method=4)
    return {"sprite": data_uri(file.getvalue(), "image/webp"), "columns": COLUMNS, "places": places}


def data_uri(content: bytes, kind: str) -> str:
    """The bytes as a link that holds them."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
