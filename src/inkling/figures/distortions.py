"""What augmentation does to digits: some of them distorted at random, and each kind of distortion alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from inkling.data import Augment
from inkling.figures.page import MARGIN, NORMAL, Page
from inkling.figures.style import MUTED, mosaic, notice, percent, styled
from inkling.nn.part import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 9
"""Distorted images a row; odd, so that the middle one of a row from end to end is not distorted."""
GAP = 4
"""Pixels between two images; four times as many set the originals apart."""
TILE, WORDS, HEAD = 0.62, 2.1, 1.0
"""Inches: the height of a row, the width of the words to its left, the title and the words above the first row."""
RANGES: dict[str, Callable[[Augment], str]] = {
    "shift": lambda a: f"±{a.shift:g} px",
    "rotate": lambda a: f"±{a.rotate:g}°",
    "scale": lambda a: f"×{1 / (1 + a.scale):.2f} to ×{1 + a.scale:.2f}",
    "shear": lambda a: f"±{a.shear:g}",
    "elastic": lambda a: f"{a.elastic:g} px, σ {a.elastic_sigma:g} px",
    "thickness": lambda a: f"±{a.thickness:g} px",
    "erase": lambda a: f"to {percent(a.erase, 0)}",
    "blur": lambda a: f"to σ {a.blur:g} px",
    "noise": lambda a: f"to {percent(a.noise, 0)}",
}
"""How far each kind of distortion goes, in a word or two."""
TOGETHER = {"shift": ("shift_x", "shift_y"), "scale": ("scale_x", "scale_y")}
"""The kinds that more than one number decides; of the others the number has the kind's own name."""


def distortions(images: Array, labels: Array, augment: Augment, *, seed: int = 0) -> Figure:
    """The first image of each digit, distorted at random again and again; below, each kind alone from end to end.

    Shapes: images uint8 (n, height, width), labels (n,).
    """
    if not len(labels):
        return notice("No distortions", "There are no images here.")
    if not augment.kinds:
        return notice("No distortions", "All amounts are 0: the network sees the images as they are.")
    shown, first = np.unique(labels, return_index=True)
    random = np.random.default_rng(seed)
    originals = images[first]
    at_random = augment(np.repeat(originals, COLUMNS, axis=0), random)
    kinds = {kind: end_to_end(images[0], kind, augment, random) for kind in augment.kinds}
    upper, lower = TILE * len(originals), TILE * len(kinds)
    with styled():
        width = 2 * MARGIN + WORDS + TILE * (COLUMNS + 1 + 0.5)
        page = Page(width, 2 * HEAD + upper + lower, "Distorted anew each time the network sees them")
        digits = [str(digit) for digit in shown]
        draw(page, HEAD, "as the network may see it", originals, at_random, digits, size=14)
        alone, words = np.repeat(images[:1], len(kinds), axis=0), [f"{kind}  {RANGES[kind](augment)}" for kind in kinds]
        swept = np.concatenate(list(kinds.values()))
        draw(page, HEAD + upper + 0.6, "each kind alone, from one end of its range to the other", alone, swept, words)
    return page.figure


def end_to_end(image: Array, kind: str, augment: Augment, random: np.random.Generator) -> Array:
    """The image (height, width) distorted in one way alone, from one end of its range to the other: (COLUMNS, …)."""
    others = {name: 0.0 for name in augment.kinds if name != kind}
    alone, same = replace(augment, **others), np.repeat(image[None], COLUMNS, axis=0)
    steps = np.linspace(-1, 1, COLUMNS, dtype=np.float32)
    draws = {name: np.zeros_like(numbers) for name, numbers in alone.draw(same, random).items()}
    if kind == "elastic":
        draws["elastic"] = alone.draw(same[:1], random)["elastic"] * steps[:, None]
    for name in TOGETHER.get(kind, (kind,)) if kind != "elastic" else ():
        draws[name] = steps
    return alone.distort(same, draws)


def draw(
    page: Page, top: float, head: str, originals: Array, distorted: Array, words: list[str], size: float = NORMAL
) -> None:
    """A row for each original: words, the image as it is, and its distorted ones."""
    left, right = mosaic(originals, 1, GAP), mosaic(distorted, COLUMNS, GAP)
    apart = np.full((len(left), 4 * GAP), np.nan)
    picture = np.concatenate([left, apart, right], axis=1)
    inch = TILE / (originals.shape[1] + GAP)
    axes = page.axes(MARGIN + WORDS, top, picture.shape[1] * inch, picture.shape[0] * inch)
    axes.imshow(picture, cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    axes.set_axis_off()
    page.text(MARGIN + WORDS, top - 0.2, "as it is", color=MUTED)
    page.text(MARGIN + WORDS + (left.shape[1] + 4 * GAP) * inch, top - 0.2, head, color=MUTED)
    for row, each in enumerate(words):
        page.text(MARGIN + WORDS - 0.2, top + TILE * row + (TILE - GAP * inch) / 2, each, size=size, ha="right")
