"""Eight named ways in which digits arrive worse than MNIST's, to measure how far a network can be trusted with them.

`augment` distorts for training, at random and by any amount. Here each corruption has one fixed strength, so that the
accuracy on it is a figure that can be set beside another network's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from inkling.data import strokes
from inkling.data.warp import Floats, Images, affine, on_canvas, warp
from inkling.errors import DataError

AT_ONCE = 1000
"""Images: as many are held as floats at a time."""


@dataclass(frozen=True)
class Corruption:
    """One way to make digits worse, always by the same amount. `words` say which, for people.

    Called with images, uint8 (n, height, width), and a source of random numbers, it gives new ones of that shape.
    """

    name: str
    words: str
    change: Callable[[Images, np.random.Generator], Images]

    def __call__(self, images: Images, random: np.random.Generator) -> Images:
        """The images, each corrupted; their number and shape stay."""
        corrupted = np.empty_like(images, order="C")
        for start in range(0, len(images), AT_ONCE):
            corrupted[start : start + AT_ONCE] = self.change(images[start : start + AT_ONCE], random)
        return corrupted


def corrupt(images: Images, name: str, *, seed: int = 0) -> Images:
    """The images as one of CORRUPTIONS leaves them: a new array of the same shape.

    images: uint8 (n, height, width), 0 (paper) to 255 (ink). The same images and seed give the same result, whatever
    else is corrupted before. Raises `DataError` for other images, and for a name that is none.

    >>> noisy = corrupt(digits.validation.images, "noise")
    """
    if name not in CORRUPTIONS:
        raise DataError(f"there is no corruption {name!r}; there are {', '.join(CORRUPTIONS)}")
    images = np.asarray(images)
    if images.dtype != np.uint8 or images.ndim != 3:
        raise DataError(f"images must be uint8 of shape (n, height, width); these are {images.dtype} {images.shape}")
    return CORRUPTIONS[name](images, np.random.default_rng([seed, list(CORRUPTIONS).index(name)]))


def either(images: Images, random: np.random.Generator, amount: float) -> Floats:
    """For each image the amount or its opposite, at random: (n,)."""
    signs = random.integers(0, 2, len(images)).astype(np.float32) * 2 - 1
    return signs * np.float32(amount)


def moved(images: Images, **amounts: Floats) -> Images:
    """The images after an affine map about their centre; what is not named stays as it is."""
    none, same = np.zeros(len(images), np.float32), np.ones(len(images), np.float32)
    still = {"shift_x": none, "shift_y": none, "angle": none, "scale_x": same, "scale_y": same, "shear": none}
    return warp(on_canvas(images), affine(**{**still, **amounts}))


def rotated(images: Images, random: np.random.Generator) -> Images:
    """Turned by 20°, half of them to the left."""
    return moved(images, angle=either(images, random, math.radians(20)))


def sheared(images: Images, random: np.random.Generator) -> Images:
    """Leaning by 0.4 pixels for each pixel upwards, half of them to the left."""
    return moved(images, shear=either(images, random, 0.4))


def shrunk(images: Images, _: np.random.Generator) -> Images:
    """0.8 times as high and wide."""
    size = np.full(len(images), 0.8, np.float32)
    return moved(images, scale_x=size, scale_y=size)


def shifted(images: Images, random: np.random.Generator) -> Images:
    """Three pixels to the left or right, and three up or down: pixels are moved, not interpolated."""
    return moved(images, shift_x=either(images, random, 3), shift_y=either(images, random, 3))


def noisy(images: Images, random: np.random.Generator) -> Images:
    """With normal noise of 0.25 of full ink on every pixel, cut at paper and at full ink."""
    noise = random.standard_normal(images.shape, np.float32)
    noise *= np.float32(0.25 * 255)
    noise += images
    noise += np.float32(0.5)  # rounds
    return np.clip(noise, 0, 255, out=noise).astype(np.uint8)


def blurred(images: Images, _: np.random.Generator) -> Images:
    """By a Gaussian of standard deviation 1.3 pixels."""
    soft = images.copy()
    strokes.blur(soft, np.full(len(images), 1.3, np.float32))
    return soft


def thinned(images: Images, _: np.random.Generator) -> Images:
    """Eroded by 2 × 2: each pixel becomes the palest of itself and its left and upper neighbours. Beyond is paper."""
    from scipy import ndimage

    return np.asarray(ndimage.grey_erosion(images, (1, 2, 2), mode="constant"))


def thickened(images: Images, _: np.random.Generator) -> Images:
    """Dilated by 2 × 2: each pixel becomes the darkest of itself and its right and lower neighbours."""
    from scipy import ndimage

    return np.asarray(ndimage.grey_dilation(images, (1, 2, 2), mode="constant"))


CORRUPTIONS: dict[str, Corruption] = {
    each.name: each
    for each in (
        Corruption("rotate", "±20°", rotated),
        Corruption("shear", "±0.4", sheared),
        Corruption("shrink", "×0.8", shrunk),
        Corruption("shift", "±3 px, both ways", shifted),
        Corruption("noise", "σ 0.25 of full ink", noisy),
        Corruption("blur", "σ 1.3 px", blurred),
        Corruption("thin", "eroded 2 × 2", thinned),
        Corruption("thick", "dilated 2 × 2", thickened),
    )
}
"""All of them by name, in the order in which they are shown."""
