"""Where the network looked: what more ink at each place would do to its answer, and what covering the place does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from inkling.engine import predict_proba
from inkling.errors import InklingError
from inkling.figures.cells import frame, heat, limit
from inkling.figures.notation import brief
from inkling.figures.page import LINE, MARGIN, SMALL, Page, ink
from inkling.figures.stages import image_shape
from inkling.figures.style import INK, MUTED, ORANGE, RIGHT, WRONG, notice, percent, share, styled
from inkling.nn import Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PATCH = 5
"""Pixels: the side of what covers a part of the image."""
TOP, WORDS, TILE, GAP = 1.35, 2.0, 1.42, 0.24
"""Inches: the head of the page, the words on the left, the images and the space between them."""
PITCH = TILE + 0.62
LEAST = 3
"""The page is as wide as for so many digits, or its words would not fit."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What is known of one digit."""

    image: Array
    """(height, width), 0 to 1 as the network takes it."""
    label: int
    chances: Array
    """The probability of each class."""
    gradient: Array
    """∂loss/∂pixel."""
    drop: Array
    """How much less probable the right class becomes when the patch around a pixel is covered."""
    covered: Array
    """The image, covered where that matters most: where a digit that is read rightly loses most by it, one that is
    misread gains most."""
    corner: tuple[int, int]
    """Row and column where the patch on it begins."""
    chances_covered: Array


def saliency(network: Network, images: Array, labels: Array) -> Figure:
    """Where the network looked, for a few digits: two maps of each, and its most telling part.

    The first map is the gradient of the loss on the pixels; the second, how much the probability of the right class
    drops when a patch of 5 × 5 pixels of paper covers that place. They differ: a gradient tells of very small changes,
    also where there is no ink yet; covering takes away ink that is there. Last comes the digit with its most telling
    part covered: the one by which it is known, or the one that led the network astray.
    Shapes: images (n, 28, 28), or n of the network's input shape; labels (n,). Up to about six can be read.
    Raises InklingError if the network's input is no image.
    Sources: Simonyan, Vedaldi and Zisserman, 2013, "Deep inside convolutional networks"; Zeiler and Fergus, 2014,
    "Visualizing and understanding convolutional networks".
    """
    shape = image_shape(network)
    if shape is None:
        raise InklingError("the network takes no images of one channel, so it cannot be seen where it looks")
    if not len(images):
        return notice("Nothing to look at", "There are no images here.")
    seen = look(network, np.asarray(images), np.asarray(labels), shape)
    with styled():
        width = 2 * MARGIN + WORDS + max(len(seen), LEAST) * (TILE + GAP)
        right = sum(each.chances.argmax() == each.label for each in seen)
        page = Page(
            width, TOP + 4 * PITCH + 0.15, f"Where the network looked: {right} of {len(seen)} digits read rightly"
        )
        for place, (head, lines) in enumerate(EXPLAINED):
            top = TOP + PITCH * place
            page.text(MARGIN, top + 0.1, head, weight="bold")
            page.lines(MARGIN, top + 0.1 + 1.1 * LINE, lines, size=SMALL, color=MUTED)
        for place, each in enumerate(seen):
            draw_digit(page, MARGIN + WORDS + place * (TILE + GAP), each)
    return page.figure


EXPLAINED = (
    ("The digit", ["what the network reads,", "and how sure it is"]),
    ("Gradient", ["more ink here would …", "… lower the loss (blue)", "… raise the loss (orange)"]),
    (
        "Covering",
        [
            "with 5 × 5 pixels of paper",
            "around here, the right",
            "digit becomes …",
            "… less probable (orange)",
            "… more so (blue)",
        ],
    ),
    ("The telling patch", ["covered where the right", "digit loses most; if it is", "misread, gains most"]),
)
"""What stands in each row."""


def look(network: Network, images: Array, labels: Array, shape: tuple[int, int]) -> list[Looked]:
    """Gradients and coverings of all the digits."""
    x = network.enter(images).reshape(-1, *shape)
    gradients = network.input_gradient(x, labels).reshape(x.shape)
    chances = network.predict_proba(x)
    found = []
    for image, label, mine, gradient in zip(x, labels, chances, gradients, strict=True):
        corners, others = cover(image)
        after = predict_proba(network, others) if len(others) else np.empty((0, len(mine)))
        drop = np.zeros(shape)
        drop[tuple((corners + PATCH // 2).T)] = mine[label] - after[:, label]
        if len(others):
            most = int((np.argmin if mine.argmax() == label else np.argmax)(after[:, label]))
            shown = others[most], tuple(corners[most].tolist()), after[most]
        else:
            shown = image, (0, 0), mine
        found.append(Looked(image, int(label), mine, gradient, drop, *shown))
    return found


def cover(image: Array) -> tuple[Array, Array]:
    """The image (height, width) with a patch of paper on it, once for each place where that covers any ink.

    Shapes: the patches' first rows and columns, which may lie off the image (n, 2); images (n, height, width).
    """
    half = PATCH // 2
    padded = np.pad(image != 0, half)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (PATCH, PATCH))
    # Covering paper with paper changes nothing, so there the network need not be asked.
    centres = np.argwhere(windows.any(axis=(2, 3)))
    covered = np.repeat(image[None], len(centres), axis=0)
    for other, (row, column) in zip(covered, centres, strict=True):
        other[max(row - half, 0) : row + half + 1, max(column - half, 0) : column + half + 1] = 0
    return centres - half, covered


def draw_digit(page: Page, left: float, looked: Looked) -> None:
    """One digit: a column of four images."""
    tops = [TOP + PITCH * place for place in range(4)]
    say(page, left, tops[0], looked.chances, looked.label)
    ink(page.axes(left, tops[0], TILE, TILE), looked.image)
    draw_map(page, left, tops[1], looked.gradient, looked.image, brief)
    draw_map(page, left, tops[2], looked.drop, looked.image, lambda value: percent(value, 1))
    say(page, left, tops[3], looked.chances_covered, looked.label)
    axes = page.axes(left, tops[3], TILE, TILE)
    ink(axes, looked.covered)
    if looked.covered is not looked.image:
        row, column = looked.corner
        frame(axes, column, row, PATCH, PATCH, colour=ORANGE)


def say(page: Page, left: float, top: float, chances: Array, label: int) -> None:
    """What the network reads, above the image."""
    digit = int(chances.argmax())
    is_right = digit == label
    words = f"{digit} ✓" if is_right else f"{digit} ✗ true: {label}"
    page.text(left, top - 0.13, words, color=RIGHT if is_right else WRONG, weight="bold", size=SMALL)
    page.text(left + TILE, top - 0.13, share(float(chances[digit])), size=SMALL, ha="right")


def draw_map(page: Page, left: float, top: float, values: Array, image: Array, words: Callable[[float], str]) -> None:
    """A map on the pixels with the outline of the digit, and the limit of its colours above."""
    largest = limit(values)
    page.text(left + TILE, top - 0.13, f"±{words(largest)}", size=SMALL, color=MUTED, ha="right")
    axes = page.axes(left, top, TILE, TILE)
    heat(axes, values, largest)
    outline(axes, image)


def outline(axes: Axes, image: Array) -> None:
    """The line between ink and paper."""
    if image.min() < image.max():
        axes.contour(image, levels=[float(image.min() + image.max()) / 2], colors=INK, linewidths=1.1)
