"""How features become what a network likes to see: numbers near 0…1, or of mean 0 and deviation 1.

A network sees everything through sums of its inputs, so a column in the thousands drowns its neighbours. A scaling
is fitted once, to the samples that are trained on, and then applied to every sample that is asked about. The estimator
(estimator.py) chooses one by what the numbers look like:

- Pixels share one range, and how a pixel compares with its neighbours is what an image consists of: all are divided by
  one number, that of full ink.
- Other features have nothing to do with each other: each column gets a mean of 0 and a standard deviation of 1.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any, TypeAlias

import numpy as np

from inkling.errors import InklingError
from inkling.nn.network import blocks
from inkling.nn.part import Array

SCALES = ("auto", "pixels", "standard", None)
SMALLEST_IMAGE = 8
"""Pixels along the side of an image, below which a square number of columns is more likely a coincidence."""
ROWS = 4096
"""Samples that are looked at in one piece: a few megabytes."""


class AsTheyAre:
    """Leave the numbers alone; those of uint8 the network itself brings to 0…1."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype

    def __call__(self, x: Array) -> Array:
        return x if x.dtype == np.uint8 else x.astype(self.dtype, copy=False)

    def __repr__(self) -> str:
        return "AsTheyAre()"


class Pixels:
    """Divide all columns by one number, that of full ink: 255 for images of bytes."""

    dtype = np.dtype(np.float32)

    def __init__(self, full_ink: float) -> None:
        self.full_ink = full_ink

    def __call__(self, x: Array) -> Array:
        if x.dtype == np.uint8 and self.full_ink == 255:
            return x  # for the network to scale, batch by batch: so they take a quarter of the memory
        return np.multiply(x, self.dtype.type(1 / self.full_ink), dtype=self.dtype, casting="same_kind")

    def __repr__(self) -> str:
        return f"Pixels({self.full_ink:g})"


class Standard:
    """Give each column a mean of 0 and a standard deviation of 1; one that never changes becomes 0."""

    def __init__(self, mean: Array, deviation: Array, dtype: np.dtype[Any]) -> None:
        self.mean, self.deviation, self.dtype = mean, deviation, dtype

    def __call__(self, x: Array) -> Array:
        # In float64, and only then rounded: of a column far from 0, such as years, float32 would keep too little.
        moved = np.subtract(x, self.mean)
        return np.divide(moved, self.deviation, out=moved).astype(self.dtype, copy=False)

    def __repr__(self) -> str:
        return f"Standard({len(self.mean)} columns)"


Scaling: TypeAlias = AsTheyAre | Pixels | Standard


def fit_scaling(scale: str | None, x: Array, weights: Array | None, dtype: np.dtype[Any]) -> Scaling:
    """The scaling that is called so, for samples like x (n, features), each of which counts `weights` (n,).

    "auto" takes "pixels" for what looks like images, and "standard" for everything else. What comes out is of `dtype`;
    pixels are of float32, or stay uint8, which the network scales.
    Raises InklingError where there is none of that name.
    """
    if scale not in SCALES:
        raise InklingError(f"scale is {scale!r}; it can be {', '.join(map(repr, SCALES))}")
    if scale == "pixels" or (scale == "auto" and looks_like_images(x)):
        return Pixels(255 if x.dtype == np.uint8 else float(np.abs(x).max()) or 1.0)
    return AsTheyAre(dtype) if scale is None else standard(x, weights, dtype)


def looks_like_images(x: Array) -> bool:
    """Whether these are bytes, or whole numbers from 0 to 255 in as many columns as a square image has pixels."""
    return x.dtype == np.uint8 or (side(x.shape[1]) >= SMALLEST_IMAGE and holds_bytes(x))


def side(columns: int) -> int:
    """How many pixels high and wide a square image of so many is; 0 if there is none."""
    root = math.isqrt(columns)
    return root if root * root == columns else 0


def holds_bytes(x: Array) -> bool:
    """Whether all numbers are whole and lie between 0 and 255."""
    pieces = (x[rows] for rows in blocks(len(x), ROWS))
    return all(bool(((piece >= 0) & (piece <= 255) & (piece == np.trunc(piece))).all()) for piece in pieces)


def standard(x: Array, weights: Array | None, dtype: np.dtype[Any]) -> Standard:
    """The weighted mean and standard deviation of each column, added up in float64."""
    w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
    w = w / w.sum()
    mean = reduce(np.add, (w[rows] @ x[rows].astype(np.float64, copy=False) for rows in blocks(len(x), ROWS)))
    variance = reduce(np.add, (w[rows] @ np.square(x[rows] - mean) for rows in blocks(len(x), ROWS)))
    deviation = np.sqrt(variance)
    # What is left of a column that never changes is rounding, which must not be blown up to a deviation of 1.
    rounding = np.finfo(x.dtype if x.dtype.kind == "f" else dtype).eps
    deviation[deviation <= 10 * rounding * np.abs(mean)] = 1
    deviation[deviation == 0] = 1
    return Standard(mean, deviation, dtype)
