"""Shapes in a picture: what hangs together, and whether it is a digit's stroke, a line of the paper, or a sheet.

Nothing here knows a colour: `ink` has told what stands out, and asks which of it was written.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inkling.data.paper import Mask, edge_of
from inkling.errors import DataError

SLENDER = 0.5  # a rectangle that is narrower than this fraction of its length, and all ink, is a thick 1
ALONG = 0.35  # of an outline: a shape with more of it at the edge of the picture is not the digit
SHORTEST = 0.02  # of the picture's longer side: what is shorter is a speck
NEAR = 0.4  # of a digit's size: so far away a detached stroke of it may be
SPECK = 0.02  # of a digit's area: a detached stroke has more
SOLID = 0.28  # a shape this thick, as a fraction of its length, …
SQUARE = 0.88  # … that fills this much of a rectangle, is a sheet of paper or a patch, not a digit
STEEPEST = 0.08  # slope of ruled lines in a picture that was not taken quite straight
ACROSS = 0.4  # of the picture's width: a ruled line is visible along this much of it, …
FINE = 0.02  # … and no thicker than this
LINED = 100  # pixels: in a smaller picture strokes are as fine as lines, so nothing is taken for one
ALONE, OUTER = 0.8, 0.08  # a single line is visible along this much, and not so near the upper or lower edge
AS_HIGH = 0.75  # of a digit's height: what stands beside it and is as high is another digit, …
AS_THICK = 2.5  # … if its strokes are at most so many times as thick or thin, …
AS_LARGE = 0.15  # … and its area is at least this fraction of the digit's


@dataclass(frozen=True, eq=False)
class Shapes:
    """The shapes of a mask, with the measures of each: arrays (n,).

    `labels` (height, width) is 0 where there is nothing and k + 1 on shape k. `area`, `boundary` and `contact` count
    pixels: all, those beside paper, those at the edge of the region looked at. `tops`, `lefts`, `heights` and `widths`
    are the bounding boxes. `lined` says whether lines of the paper were taken away from the mask.
    """

    labels: NDArray[np.int32]
    area: NDArray[np.int64]
    boundary: NDArray[np.int64]
    contact: NDArray[np.int64]
    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    heights: NDArray[np.int64]
    widths: NDArray[np.int64]
    lined: bool = False

    @property
    def thickness(self) -> NDArray[np.float64]:
        """Twice the area over the boundary: the width of the pen, for a stroke."""
        return np.asarray(2 * self.area / np.maximum(self.boundary, 1))

    @property
    def length(self) -> NDArray[np.int64]:
        """The longer side of each box."""
        return np.maximum(self.heights, self.widths)

    @property
    def plausible(self) -> Mask:
        """Whether each is long enough to be a digit, (n,)."""
        return np.asarray(self.length >= max(SHORTEST * max(self.labels.shape), 4))

    @property
    def lines(self) -> Mask:
        """Whether each begins at the edge and goes most of the way across, as ruled lines do, (n,)."""
        height, width = self.labels.shape
        if max(height, width) < LINED:
            return np.zeros(len(self.area), dtype=bool)
        return np.asarray((self.contact > 0) & ((self.widths > ACROSS * width) | (self.heights > ACROSS * height)))

    @property
    def surroundings(self) -> Mask:
        """Whether each lies along the edge rather than touching it here and there, as a table does, (n,)."""
        return np.asarray(self.contact > ALONG * (self.contact + self.boundary))

    def mask(self, chosen: Mask) -> Mask:
        """Where the chosen ones (n,) are: (height, width)."""
        return np.concatenate([[False], chosen])[self.labels]


def shapes(mask: Mask, inside: Mask) -> Shapes:
    """Measure what hangs together in the mask; gaps of a pixel or two, as chalk has them, do not part a stroke."""
    from scipy import ndimage

    gap = max(mask.shape) // 400
    joined = ndimage.binary_dilation(mask, np.ones((3, 3)), iterations=gap) if gap else mask
    labels, count = ndimage.label(joined, np.ones((3, 3)))
    labels *= mask
    boundary = mask & ~ndimage.binary_erosion(mask, border_value=1)
    areas, boundaries, contacts = (
        np.bincount(labels[where], minlength=count + 1)[1:] for where in (mask, boundary, mask & edge_of(inside))
    )
    boxes = np.array(
        [(y.start, x.start, y.stop - y.start, x.stop - x.start) for y, x in ndimage.find_objects(labels, count)],
        dtype=np.int64,
    ).reshape(count, 4)
    return Shapes(labels, areas, boundaries, contacts, *boxes.T)


def pick(found: Shapes) -> Mask:
    """Which of the shapes (n,) are the digit: the largest, and what belongs to it.

    What touches the edge counts half, for it may be a piece of a neighbour; what lies along the edge does not count,
    unless there is nothing else.
    """
    plausible = found.plausible & ~found.surroundings
    size = np.where(plausible if plausible.any() else found.plausible, found.area, 0)
    return belongs(found, int(np.argmax(np.where(found.contact > 0, size / 2, size))))


def belongs(found: Shapes, main: int) -> Mask:
    """Strokes near the main one, not specks; at the edge of the picture only if the main one is there, too."""
    near = np.ones(len(found.area), dtype=bool)
    reach = NEAR * found.length[main]
    for starts, lengths in ((found.tops, found.heights), (found.lefts, found.widths)):
        near &= (starts <= starts[main] + lengths[main] + reach) & (starts + lengths >= starts[main] - reach)
    large = found.area >= max(SPECK * found.area[main], float(found.thickness[main]) ** 2)
    chosen = near & large & ((found.contact == 0) | (found.contact[main] > 0))
    chosen[main] = True
    return np.asarray(chosen)


def company(found: Shapes, digit: Mask) -> int:
    """How many others like the digit (n,) stand beside it, on its left or right, with paper in between.

    Strokes of one digit lie above each other or overlap: of 5,000 digits of MNIST, one falls into two parts of which
    neither has a column in common with the other and the lower is more than half as high.
    """
    main = int(np.argmax(np.where(digit, found.area, 0)))
    bottoms, rights = found.tops + found.heights, found.lefts + found.widths
    top, height = int(found.tops[digit].min()), int(np.ptp([found.tops[digit].min(), bottoms[digit].max()]))
    level = np.minimum(bottoms, top + height) - np.maximum(found.tops, top) > 0.5 * np.minimum(found.heights, height)
    ratio = found.thickness / found.thickness[main]
    alike = (ratio < AS_THICK) & (ratio > 1 / AS_THICK) & (found.area > AS_LARGE * found.area[main])
    standing = np.flatnonzero(level & (digit | (alike & found.plausible & (found.contact == 0))))
    standing = standing[np.argsort(found.lefts[standing])]
    reach = np.maximum.accumulate(rights[standing])
    apart = np.flatnonzero(found.lefts[standing][1:] > reach[:-1]) + 1
    heights = np.array([np.ptp([found.tops[k].min(), bottoms[k].max()]) for k in np.split(standing, apart)])
    return int((heights >= AS_HIGH * heights.max()).sum()) - 1


def without_lines(mask: Mask) -> Mask:
    """The mask without the lines of ruled paper: fine, parallel, about level, and most of the picture's width long.

    The mask is sheared until the lines are level and fill rows. What reaches beyond these rows, above or below, is a
    stroke that crosses the line, and stays.
    """
    from scipy import ndimage

    height, width = mask.shape
    thickest = max(round(FINE * width), 2)
    every = max(width // 200, 1)
    y, x = np.nonzero(mask[:, ::every])
    slopes = np.arange(-STEEPEST, STEEPEST, 2 / width)
    reach = round(STEEPEST * width) + 1
    shares = [np.bincount(y - np.rint(s * every * x).astype(int) + reach, minlength=height + 2 * reach) for s in slopes]
    filled = np.stack(shares) / mask[:, ::every].shape[1]
    straight = int(np.maximum(filled - ACROSS, 0).sum(axis=1).argmax())
    level = filled[straight]
    rows = level > np.maximum(ACROSS, 0.6 * ndimage.maximum_filter1d(level, thickest))
    starts, ends = (np.flatnonzero(np.diff(rows.astype(int), prepend=0, append=0) == way) for way in (1, -1))
    drop = np.rint(slopes[straight] * np.arange(width)).astype(int)
    kept = mask.copy()
    columns = np.arange(width)
    bands = [(start, end) for start, end in zip(starts - reach, ends - reach, strict=True) if end - start <= thickest]
    if len(bands) == 1:
        middle = sum(bands[0]) / 2 + drop[width // 2]
        if not OUTER * height < middle < (1 - OUTER) * height or level.max() < ALONE:
            return kept  # the bar of a 7 that was cut out closely is no ruled line
    for start, end in bands:
        crossed = np.zeros(width, dtype=bool)
        for row in (start - 2, end + 1):
            place = row + drop
            there = (place >= 0) & (place < height)
            crossed[there] |= mask[place[there], columns[there]]
        for row in range(start - 1, end + 1):
            place = row + drop
            there = (place >= 0) & (place < height) & ~crossed
            kept[place[there], columns[there]] = False
    return kept


def sheet_inside(shape: Mask) -> Mask | None:
    """The inside of a shape, if that is a sheet of paper on something else, or a frame; None if it may be ink.

    Both are thick once they are filled, and fill a rectangle, at whatever angle. Raises `DataError` for a patch that
    has nothing in it.
    """
    from scipy import ndimage
    from scipy.spatial import ConvexHull

    filled = ndimage.binary_fill_holes(shape)
    boundary = np.argwhere(filled & ~ndimage.binary_erosion(filled))
    area, sides = int(filled.sum()), np.ptp(boundary, axis=0) + 1
    if 2 * area < SOLID * sides.max() * len(boundary) or sides.min() < 4:
        return None
    corners = boundary[ConvexHull(boundary).vertices]
    turns = np.deg2rad(np.arange(0, 90, 2))
    spans = [
        np.ptp(np.stack(axis, axis=1) @ corners.T, axis=1) + 1
        for axis in ((np.cos(turns), np.sin(turns)), (-np.sin(turns), np.cos(turns)))
    ]
    best = int((spans[0] * spans[1]).argmin())
    short, long = sorted((float(spans[0][best]), float(spans[1][best])))
    if area < SQUARE * short * long:
        return None
    if area - int(shape.sum()) < 0.005 * area:
        if short < SLENDER * long:
            return None
        raise DataError("it is nearly all ink: there is no digit to be seen on it")
    return np.asarray(ndimage.binary_erosion(filled, iterations=max(int(sides.max()) // 60, 2)))


def hull(shape: Mask) -> Mask:
    """The inside of a shape's convex hull: of a sheet of paper that reaches beyond the picture, what is in it."""
    from PIL import Image, ImageDraw
    from scipy import ndimage
    from scipy.spatial import ConvexHull

    body = ndimage.binary_opening(shape, np.ones((3, 3)))  # specks of noise hang on its edge
    boundary = np.argwhere(body & ~ndimage.binary_erosion(body))
    if len(boundary) < 3 or np.ptp(boundary, axis=0).min() < 4:
        return shape
    corners = boundary[ConvexHull(boundary).vertices]
    drawn = Image.new("1", shape.shape[::-1])
    ImageDraw.Draw(drawn).polygon([(int(x), int(y)) for y, x in corners], fill=1)
    inside = np.array(drawn)
    return np.asarray(ndimage.binary_erosion(inside, iterations=max(max(shape.shape) // 100, 2), border_value=1))
