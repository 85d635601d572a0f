"""Ink: which pixels of a picture were written, and how much of them, whatever the colours and the light.

`paper` says what would be there without ink, `shapes` what a digit looks like; here the two come together.
`handwriting` brings what was found into MNIST's form.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from inkling.data.paper import Levels, Mask, brightness, contrast_to, in_patches, is_bright, paper
from inkling.data.pictures import Colours
from inkling.data.shapes import Shapes, company, hull, pick, shapes, sheet_inside, without_lines
from inkling.errors import DataError

FAINTEST = 0.07  # contrast, as a fraction of the paper's brightness, below which nothing counts as ink
NOISY = 0.2  # contrast up to which a pixel may be noisy paper
NOISES = 4.0  # how many times the ordinary noise of the paper ink must differ from it
PALER = 0.5  # of that threshold: what hangs together with a stroke and is as dark as this belongs to it
SCATTERED = 1.5  # times a pale digit's area: what has more in specks elsewhere is the texture of the paper
VAST, ALONG_EDGE = 0.1, 0.4  # of all pixels, of the longer side: a shape that large is another light, or a sheet
BEYOND = 0.1  # of a digit's area: if more lies on either side of a bright patch's edge, the patch is no sheet
SOFT = 0.5  # of a stroke's width: so far beyond where it is half as dark its edge may fade
SHARP = 2.0  # pixels: as far at least, and no further where rests of the paper's lines lie beside the strokes
PALEST, PALE = 0.02, 0.35  # of full ink: up to here all is paper, and from 1 − this all is full, as the paper demands
AROUND = 8.0  # times as far as strokes fade: the paper within is around the digit
MOST = 0.98  # of the paper around the digit is paler than that


class SeveralDigits(DataError):
    """There are several digits side by side, and nothing says which is meant."""


def find_ink(colours: Colours) -> Levels:
    """How much ink there is, float32 (height, width), 0 (paper) to 1 (full ink); edges of strokes are in between.

    Raises `DataError` where there is none, or nothing else, and where there are several digits.
    """
    return _find_inside(colours, np.ones(colours.shape[:2], dtype=bool), sheets=2)


def _find_inside(colours: Colours, inside: Mask, sheets: int) -> Levels:
    background = paper(colours, inside)
    contrast = contrast_to(background, colours)
    found = standing_out(contrast, inside)
    bright = is_bright(background, colours)
    largest = found.area == found.area.max()
    vast = found.contact[largest].max() > ALONG_EDGE * max(inside.shape) and found.area.max() > VAST * inside.sum()
    on_table = None if bright or not vast else hull(lit(colours, inside))
    if vast:
        in_shadow = contrast_to(in_patches(colours, background), colours)
        if on_table is None or crosses(in_shadow, on_table, inside):
            on_table, contrast, found = None, in_shadow, standing_out(in_shadow, inside)
            largest = found.area == found.area.max()
    sheet = sheet_inside(found.mask(largest)) if on_table is None else on_table
    if sheet is not None and sheets:
        try:
            return _find_inside(colours, inside & sheet, sheets - 1)
        except SeveralDigits:
            raise
        except DataError:
            if found.area.max() > 0.5 * sheet.sum():  # a sheet with nothing on it, not a square kind of 0
                raise
    return soft(contrast, *choose(found, contrast, inside), inside)


def crosses(contrast: Colours, sheet: Mask, inside: Mask) -> bool:
    """Whether the digit that is found goes on beyond the sheet: so its edge is that of a shadow on a larger sheet."""
    try:
        found = standing_out(contrast, inside)
    except DataError:
        return False
    digit = found.mask(pick(found))
    return bool(BEYOND < (digit & sheet).sum() / digit.sum() < 1 - BEYOND)


def lit(colours: Colours, inside: Mask) -> Mask:
    """The largest bright shape: a sheet on a dark table, in whatever light, when the table was taken for the paper."""
    light = brightness(colours)
    found = shapes(inside & (light > otsu(light[inside])), inside)
    return found.mask(found.area == found.area.max())


def standing_out(contrast: Colours, inside: Mask) -> Shapes:
    """What differs from the paper by more than noise does, and is of the stronger kind if there are two.

    Raises `DataError` if nothing does.
    """
    distance = length(contrast)
    ordinary = distance[inside & (distance < NOISY)]
    floor = max(FAINTEST, NOISES * float(np.median(ordinary))) if ordinary.size else FAINTEST
    strong = inside & (distance > floor)
    if np.any(strong):
        threshold = otsu(distance[strong])
        core = strong & (distance >= threshold)
        found = shapes(core, inside)
        if found.lines.any():
            found = replace(shapes(without_lines(without_lines(core).T).T, inside), lined=True)
        else:
            found = shapes(grown(core, strong & (distance >= PALER * threshold)), inside)
        if found.plausible.any():
            return found
    raise DataError("there is nothing on it: no ink that stands out from the paper")


def grown(core: Mask, among: Mask) -> Mask:
    """The core, and what hangs together with it `among` paler pixels: where a pen was lifted, its stroke is pale.

    Source: Canny, 1986, "A computational approach to edge detection", for the threshold with hysteresis.
    """
    from scipy import ndimage

    labels, count = ndimage.label(among, np.ones((3, 3)))
    held = np.zeros(count + 1, dtype=bool)
    held[labels[core]] = True
    held[0] = False
    return np.asarray(held[labels])


def length(contrast: Colours) -> Levels:
    """How far each pixel is from the paper, (height, width): the root of the mean square of its three contrasts."""
    return np.asarray(np.sqrt(np.einsum("yxc,yxc->yx", contrast, contrast) / np.float32(3)))


def otsu(values: Levels) -> float:
    """The threshold that divides values into two classes that differ most; the upper class begins with it.

    Source: Otsu, 1979, "A threshold selection method from gray-level histograms".
    """
    counts, edges = np.histogram(values, bins=256)
    below = np.cumsum(counts)[:-1]
    sums = np.cumsum(counts * (edges[1:] + edges[:-1]) / 2)
    above = len(values) - below
    parted = (below > 0) & (above > 0)
    between = np.zeros(len(below))
    means = sums[:-1][parted] / below[parted] - (sums[-1] - sums[:-1][parted]) / above[parted]
    between[parted] = below[parted] * above[parted] * means**2
    return float(edges[1:][between.argmax()] if parted.any() else edges[0])


def choose(found: Shapes, contrast: Colours, inside: Mask) -> tuple[Mask, float]:
    """Where the digit is, among what was found, and how many pixels beyond that its strokes fade into the paper.

    What is stronger than the digit but lies along the edge (a dark table) would set the threshold too high: if there
    is nothing else, it is left out, and the rest is looked at again. Raises `DataError` where there are several digits,
    and where it is one of many specks, as pale as paper may be.
    """
    from scipy import ndimage

    chosen = found, pick(found)
    for _ in range(3):
        digit = pick(found)
        if not found.surroundings[digit].any():
            chosen = found, digit
            break
        inside = inside & ~ndimage.binary_dilation(found.labels > 0, iterations=3)
        try:
            found = standing_out(contrast, inside)
        except DataError:
            break
    found, digit = chosen
    if others := company(found, digit):
        raise SeveralDigits(f"there are {1 + others} digits side by side on it, it seems; cut out one of them")
    ink = found.mask(digit)
    scattered = not found.lined and found.area.sum() > SCATTERED * ink.sum()
    if scattered and np.quantile(length(contrast)[ink], 0.75) < NOISY:
        raise DataError("there is nothing on it: no ink that stands out from the texture of the paper")
    pen = float(2 * found.area[digit].sum() / max(found.boundary[digit].sum(), 1))
    return ink, SHARP if found.lined else max(SOFT * pen, SHARP)


def soft(contrast: Colours, digit: Mask, reach: float, inside: Mask) -> Levels:
    """The digit's ink from 0 to 1: how far each pixel in and next to its strokes goes from the paper towards ink.

    Measured along the ink's own colour, which is what the strongest quarter of the strokes has, so that noise of other
    colours does not count; and what the paper around the digit has of it, its noise or pale lines, is cut off at both
    ends.
    """
    from scipy import ndimage

    strength = length(contrast)
    core = digit & (strength >= np.quantile(strength[digit], 0.75))
    colour = contrast[core].mean(axis=0)
    along = contrast @ (colour / np.float32(colour @ colour))
    away = ndimage.distance_transform_edt(~digit)
    near = away <= reach
    beside = along[inside & ~near & (away <= AROUND * reach)]
    pale = min(max(float(np.quantile(np.abs(beside), MOST)), PALEST), PALE) if beside.size else PALEST
    return np.where(near & inside, np.clip((along - pale) / (1 - 2 * pale), 0, 1), 0).astype(np.float32)
