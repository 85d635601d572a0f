"""Any picture of one handwritten digit, brought into MNIST's form: light ink on dark, 20 × 20, centred by mass.

The steps are those that MNIST's makers took (LeCun et al., 1998, "Gradient-based learning applied to document
recognition"): a box of 20 × 20 that keeps the proportions, with grey edges, and the centre of mass in the middle of
28 × 28. What comes before, they had a form and a scanner for: `pictures` opens the file, `ink` tells ink from paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inkling.data.ink import find_ink
from inkling.data.paper import Levels
from inkling.data.pictures import GREY_ENOUGH, Colours, Picture, open_picture
from inkling.data.splits import SIDE
from inkling.errors import DataError

Grey = NDArray[np.uint8]

BOX = 20  # MNIST's digits fit into a box of this many pixels
THINNEST, THICKEST = 2.0, 3.5  # pixels of a stroke in the box: as it is for nine of ten digits of MNIST
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # how bright red, green and blue are: ITU-R BT.601
FAINTEST = 64  # of 255: the lightest pixel of a picture in MNIST's form is at least as light, or it is dark noise
OUTLINE = 0.12  # fraction of full ink from which on a pixel counts for the outline


@dataclass(frozen=True, eq=False)
class Prepared:
    """A picture on its way into MNIST's form, step by step; all uint8.

    picture: (height, width, 3), as it was opened. ink: (height, width), 0 (paper) to 255 (ink). cropped: the part of
    it with the digit. image: (28, 28), what the network gets. box: top, left, height and width of the digit in the
    picture. unchanged: whether the picture was in MNIST's form already, so that `image` holds its very pixels.
    """

    picture: Grey
    ink: Grey
    cropped: Grey
    image: Grey
    box: tuple[int, int, int, int]
    unchanged: bool


def to_mnist(picture: Picture) -> Prepared:
    """Bring a picture of one digit, of any size and colour, into MNIST's form.

    picture: a path, or a file open for reading in binary, in any format that Pillow reads; or pixels, uint8, of shape
    (height, width), (height, width, 3) or, with opacity, (height, width, 4).
    A picture that is in MNIST's form already is taken as it is: 28 × 28 pixels, grey, and along its edge dark (on
    average less than half of white). One that would be if it were not its negative, white around a digit in the
    middle, is turned round. Any other is read as ink on paper, dark on light or light on dark.
    Raises `DataError`, naming the file, for what is no picture, what has no digit on it, and what is too large.
    """
    colours = open_picture(picture)
    try:
        return prepare(colours)
    except DataError as error:
        name = picture if isinstance(picture, str | Path) else getattr(picture, "name", "the picture")
        raise DataError(f"{name}: {error}") from None


def prepare(colours: Colours) -> Prepared:
    """The same for colours (height, width, 3) from 0 to 255."""
    if float(np.ptp(colours, axis=(0, 1)).max()) < 1:
        raise DataError("there is nothing on it: all its pixels have the same colour")
    shown = np.rint(colours).astype(np.uint8)
    if is_mnist(colours):
        grey = np.rint(colours @ LUMA).astype(np.uint8)
        if grey.max() < FAINTEST:
            raise DataError(f"there is nothing on it: its lightest pixel is {grey.max()} of 255")
        return Prepared(shown, grey, grey, grey, (0, 0, SIDE, SIDE), True)
    ink = 1 - (colours @ LUMA) / np.float32(255)
    if is_mnist(255 - colours) and fills_the_box(ink):
        top, left, height, width = box = outline(ink)
        cropped = ink[top : top + height, left : left + width]
        return Prepared(shown, _bytes(ink), _bytes(cropped), _bytes(ink), box, False)
    ink = find_ink(colours)
    top, left, height, width = box = outline(ink)
    cropped = ink[top : top + height, left : left + width]
    image = centred(fitted(cut(evened(cropped))))
    return Prepared(shown, _bytes(ink), _bytes(cropped), _bytes(image), box, False)


def is_mnist(colours: Colours) -> bool:
    """Whether the picture is 28 × 28, grey, and dark along its edge."""
    if colours.shape != (SIDE, SIDE, 3) or np.ptp(colours, axis=2).max() > GREY_ENOUGH:
        return False
    edge = np.concatenate([colours[0], colours[-1], colours[1:-1, 0], colours[1:-1, -1]])
    return float(edge.mean()) < 128


def fills_the_box(ink: Levels) -> bool:
    """Whether a digit on 28 × 28 fits the box of 20 × 20, or nearly, with its centre of mass in the middle."""
    if not ink.any():
        return False
    _, _, height, width = outline(ink)
    y, x = centre_of_mass(ink)
    return bool(abs(max(height, width) - BOX) <= 1 and max(abs(y - SIDE / 2), abs(x - SIDE / 2)) < 1)


def outline(ink: Levels) -> tuple[int, int, int, int]:
    """Top, left, height and width of what is drawn."""
    drawn = ink > OUTLINE
    rows, columns = np.flatnonzero(drawn.any(axis=1)), np.flatnonzero(drawn.any(axis=0))
    if not len(rows):
        raise DataError("there is nothing on it: no ink that stands out from the paper")
    return int(rows[0]), int(columns[0]), int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def evened(ink: Levels) -> Levels:
    """The digit with strokes as wide as MNIST's are: unchanged where they are.

    If they would be too thin to stay visible in a box of 20, or so thick that they fill their own curves, the outline
    is moved outwards or inwards by half of what is missing or too much.
    """
    from scipy import ndimage

    depth = ndimage.distance_transform_edt(np.pad(ink > 0.5, 1))
    pen = max(4 * float(depth[depth > 0].mean()) - 2, 1.0)  # across a stroke of w pixels the mean is (w + 2) / 4
    pixel = max(ink.shape) / BOX
    out = (min(max(pen, THINNEST * pixel), THICKEST * pixel) - pen) / 2
    if out < 0:
        return np.asarray(np.clip(depth + out, 0, 1), dtype=np.float32)
    if out == 0:
        return ink
    padded = np.pad(ink, int(out) + 2)
    away = ndimage.distance_transform_edt(padded <= 0.5)
    return np.asarray(np.maximum(padded, np.clip(out + 1 - away, 0, 1)), dtype=np.float32)


def cut(ink: Levels) -> Levels:
    """The part with the digit, and nothing around it."""
    top, left, height, width = outline(ink)
    return ink[top : top + height, left : left + width]


def fitted(ink: Levels) -> Levels:
    """The digit in a box whose longer side is 20 pixels, the darkest ink full."""
    from PIL import Image

    scale = BOX / max(ink.shape)
    height, width = (max(round(side * scale), 1) for side in ink.shape)
    way = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    small = np.asarray(Image.fromarray(ink).resize((width, height), way))
    return np.clip(small / max(float(small.max()), 1e-6), 0, 1)


def centred(ink: Levels) -> Levels:
    """The digit on 28 × 28, its centre of mass in the middle."""
    height, width = ink.shape
    y, x = centre_of_mass(ink)
    top = min(max(round(SIDE / 2 - y), 0), SIDE - height)
    left = min(max(round(SIDE / 2 - x), 0), SIDE - width)
    image = np.zeros((SIDE, SIDE), dtype=np.float32)
    image[top : top + height, left : left + width] = ink
    return image


def centre_of_mass(ink: Levels) -> tuple[float, float]:
    """Row and column; whole numbers are the middles of pixels, as MNIST's makers counted."""
    rows, columns = ink.sum(axis=1), ink.sum(axis=0)
    mass = max(float(rows.sum()), 1e-6)
    return float(rows @ np.arange(len(rows))) / mass, float(columns @ np.arange(len(columns))) / mass


def _bytes(levels: Levels) -> Grey:
    return np.rint(255 * levels).astype(np.uint8)
