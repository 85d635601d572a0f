"""Made-up photos: a digit drawn with smooth edges, in any ink on any paper, in any light."""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import numpy as np
from PIL import Image

from inkling.data import bundled_digits, to_mnist

Picture = Image.Image
BLACK, WHITE = (20, 20, 25), (246, 245, 240)


@cache
def digits() -> np.ndarray:
    """A few digits, uint8 (40, 28, 28)."""
    return bundled_digits().train.images[:40]


def strokes(digit: np.ndarray, side: int) -> np.ndarray:
    """How much ink there is when the digit is drawn `side` pixels high, from 0 to 1: (side, side), edges smooth."""
    large = Image.fromarray(digit).resize((side, side), Image.Resampling.BICUBIC)
    return np.clip((np.asarray(large, np.float32) / 255 - 0.35) / 0.3, 0, 1)


def sheet(height: int, width: int, ink: np.ndarray, top: int = 0, left: int = 0) -> np.ndarray:
    """The ink (h, w) on an empty sheet (height, width)."""
    whole = np.zeros((height, width), np.float32)
    whole[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return whole


def coloured(ink: np.ndarray, pen: Any = BLACK, paper: Any = WHITE, light: Any = 1.0, noise: float = 0.0) -> Picture:
    """Ink (h, w) as a photo: colours of pen and paper, light falling on both (a number, or one for each pixel)."""
    amount = ink[..., None]
    colours = np.asarray(paper, np.float32) * (1 - amount) + np.asarray(pen, np.float32) * amount
    colours = colours * (light[..., None] if isinstance(light, np.ndarray) else light)
    if noise:
        colours = colours + np.random.default_rng(0).normal(0, noise, colours.shape)
    return Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8))


def photo(index: int = 0, side: int = 200, *, margin: int = 60, **how: Any) -> Picture:
    """One of the digits on a square sheet."""
    whole = side + 2 * margin
    return coloured(sheet(whole, whole, strokes(digits()[index], side), margin, margin), **how)


def seen(picture: Picture, kind: str = "PNG", **options: Any) -> np.ndarray:
    """What the network gets of the picture, once it is saved: (28, 28)."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    file.seek(0)
    return to_mnist(file).image


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The correlation of two images: 1 if they are the same but for contrast. A pixel of offset is forgiven."""
    return max(
        float(np.corrcoef(one.ravel(), np.roll(other, (y, x), (0, 1)).ravel())[0, 1])
        for y in (-1, 0, 1)
        for x in (-1, 0, 1)
    )
