"""Random distortions of digits, so that the network never sees quite the same image twice.

Handwriting varies in ways that leave a 7 a 7: where it stands, how it slants, how the pen moved and how wide it is.
`Augment` holds how much of each there may be, and gives a batch of images back with each of them distorted in a
way of its own. `warp` moves the ink and `strokes` changes it; here the random numbers become their amounts.

The numbers of a whole batch are drawn first, and then belong to its images: each is distorted by its own and nothing
else, so a batch may be divided between several workers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, TypeAlias

import numpy as np

from inkling.data import strokes
from inkling.data.random import image_keys
from inkling.data.warp import Floats, Images, affine, basis, off_canvas, on_canvas, warp
from inkling.errors import DataError

Draws: TypeAlias = Mapping[str, Any]
"""The random numbers of some images, by name: each array has a row an image."""

AT_ONCE = 128 * 28 * 28
"""Pixels: few enough to stay in the cache from step to step."""
DRAWN = (
    *("shift_x", "shift_y", "rotate", "scale_x", "scale_y", "shear", "thickness"),
    *("erase", "erase_aspect", "erase_x", "erase_y", "noise"),
)
"""The numbers that are drawn for every image, whether or not its distortions need them."""


def amount(most: float, unit: str, *, default: float = 0.0, least: float = 0.0) -> Any:
    """A field for how much of a distortion there may be."""
    return field(default=default, metadata={"least": least, "most": most, "unit": unit})


@dataclass(frozen=True)
class Augment:
    """How much each distortion may change an image; all are 0, which is off, unless said otherwise.

    Each image gets amounts of its own, drawn evenly from the whole range: a shift of 2 moves it by anything between
    −2 and 2 pixels. Raises ValueError, in one line, for an amount that is not in its range.

    >>> augment = Augment(shift=2, rotate=15, scale=0.15, elastic=1.2)
    >>> distorted = augment(images, np.random.default_rng(0))

    They happen in this order: thickness; then scale, shear, rotate, shift and elastic, as one map, so that ink is
    interpolated only once; then erase, blur and noise.
    """

    shift: float = amount(28, "pixels")
    """Pixels to the left or right, and up or down: each from −shift to shift. At most 28."""
    rotate: float = amount(180, "degrees")
    """Degrees, from −rotate to rotate, about the image's centre. At most 180."""
    scale: float = amount(1, "of the size")
    """Width and height each become between 1 / (1 + scale) and 1 + scale times as large. At most 1."""
    shear: float = amount(1, "pixels a pixel")
    """Pixels to the right for each pixel upwards, from −shear to shear: the slant of the hand. At most 1."""
    elastic: float = amount(10, "pixels")
    """Standard deviation, in pixels and along each axis, of how far a pixel is displaced, its neighbours nearly as
    far. At most 10. Source: Simard, Steinkraus, Platt, 2003; their σ = 4, α = 34 is an elastic of 1.4 here."""
    elastic_sigma: float = amount(28, "pixels", default=4.0, least=1.0)
    """Standard deviation, in pixels, of the Gaussian that smooths the displacements. From 1, where the pen trembles,
    to 28, where all of the digit moves together. It means nothing without `elastic`."""
    thickness: float = amount(1, "pixels")
    """Pixels by which the strokes' outlines move, from −thickness (thinner) to thickness. At most 1."""
    erase: float = amount(0.5, "of the area")
    """Fraction of the image's area that is covered with paper, from 0 to erase. At most 0.5."""
    blur: float = amount(5, "pixels")
    """Standard deviation, in pixels, of the Gaussian that blurs the image, from 0 to blur. At most 5."""
    noise: float = amount(1, "of full ink")
    """Standard deviation of noise on every pixel, as a fraction of full ink, from 0 to noise. At most 1."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value, least, most = getattr(self, each.name), each.metadata["least"], each.metadata["most"]
            if isinstance(value, bool) or not isinstance(value, Real) or not least <= value <= most:
                raise ValueError(
                    f"{each.name} is {value!r}, but must lie in [{least:g}, {most:g}] ({each.metadata['unit']})"
                )
            object.__setattr__(self, each.name, float(value))

    @property
    def kinds(self) -> tuple[str, ...]:
        """The names of the distortions that are on."""
        return tuple(each.name for each in fields(self) if each.name != "elastic_sigma" and getattr(self, each.name))

    def __call__(self, images: Images, random: np.random.Generator) -> Images:
        """The images, each distorted in a way of its own, as a new array of the same shape.

        images: uint8 (n, height, width), 0 (paper) to 255 (ink), any n. Raises DataError for anything else. The result
        is uint8 too: floats would hardly be quicker, and four times as large.

        The same state of `random` gives the same images. What happens to an image depends on its place in the batch
        but not on what follows it, so the first of many fare as they would alone.
        """
        images = np.asarray(images)
        if images.dtype != np.uint8 or images.ndim != 3:
            raise DataError(
                f"images must be uint8 of shape (n, height, width); these are {images.dtype} {images.shape}"
            )
        if not images.size or not self.kinds:
            return images.copy()
        return self.distort(images, self.draw(images, random))

    def draw(self, images: Images, random: np.random.Generator) -> dict[str, Any]:
        """Random numbers for each image.

        The named ones (n,) and `elastic` (n, 2 · modes) lie between −1 and 1; `noise_key` (n,), where there is noise,
        are 64 bits, which say what noise it is.
        """
        keys = {"noise_key": image_keys(random, len(images))} if self.noise else {}
        # Blur has its number only where it is on: it came later, and trainings without it shall see what they saw.
        names = (*DRAWN, "blur") if self.blur else DRAWN
        modes = len(basis(*images.shape[1:], self.elastic_sigma)) - 3 if self.elastic else 0
        numbers = random.random((len(images), len(names) + 2 * modes), dtype=np.float32)
        numbers *= 2
        numbers -= 1
        return {**dict(zip(names, numbers.T, strict=False)), "elastic": numbers[:, len(names) :], **keys}

    def distort(self, images: Images, draws: Draws) -> Images:
        """The images, distorted as the numbers of `draw` say, as a new array: −1 and 1 are the ends of each range.

        Some of the images with their rows of the draws become, bit for bit, what they become among all the others.
        """
        distorted = np.empty_like(images, order="C")
        size = max(1, AT_ONCE // images[0].size) if images.size else 1
        for start in range(0, len(images), size):
            rows = slice(start, start + size)
            distorted[rows] = self._distort(images[rows], rows_of(draws, rows))
        return distorted

    def _distort(self, images: Images, draws: Draws) -> Images:
        """The same, all at once."""
        if self.thickness or self.moves:
            canvas = on_canvas(images)
            if self.thickness:
                strokes.thicken(canvas, self.thickness * draws["thickness"])
            images = warp(canvas, self.coefficients(draws), self.sigma) if self.moves else off_canvas(canvas)
        distorted = images.copy()
        if self.erase:
            aspect, x, y = (share(draws[f"erase_{name}"]) for name in ("aspect", "x", "y"))
            strokes.erase(distorted, area=self.erase * share(draws["erase"]), aspect=aspect, x=x, y=y)
        if self.blur:
            strokes.blur(distorted, self.blur * share(draws["blur"]))
        if self.noise:
            strokes.speckle(distorted, self.noise * share(draws["noise"]), draws["noise_key"])
        return distorted

    def coefficients(self, draws: Draws) -> Floats:
        """The numbers as coefficients of `warp.basis`: (2, n, 3 + modes)."""
        moved = affine(
            shift_x=self.shift * draws["shift_x"],
            shift_y=self.shift * draws["shift_y"],
            angle=math.radians(self.rotate) * draws["rotate"],
            scale_x=(1 + self.scale) ** draws["scale_x"],
            scale_y=(1 + self.scale) ** draws["scale_y"],
            shear=self.shear * draws["shear"],
        )
        if not self.elastic:
            return moved
        # Even numbers from −√3 to √3 have variance 1. Many of them make each displacement, which is nearly normal.
        elastic = draws["elastic"] * np.float32(self.elastic * math.sqrt(3))
        both_axes = elastic.reshape(len(elastic), 2, -1).swapaxes(0, 1)
        return np.concatenate([moved, both_axes], axis=2)

    @property
    def moves(self) -> bool:
        """Whether any of the distortions moves ink."""
        return any((self.shift, self.rotate, self.scale, self.shear, self.elastic))

    @property
    def sigma(self) -> float | None:
        """Which elastic modes there are; None without any."""
        return self.elastic_sigma if self.elastic else None


def rows_of(draws: Draws, rows: Any) -> dict[str, Any]:
    """The numbers of some of the images, picked as NumPy picks rows."""
    return {name: numbers[rows] for name, numbers in draws.items()}


def share(drawn: Floats) -> Floats:
    """A number from −1 to 1 as one from 0 to 1, for amounts that have no other side."""
    return (drawn + np.float32(1)) / np.float32(2)
