"""scikit-learn's bundled handwritten digits, brought into MNIST's form: the data that is always there.

They are 1,797 images of 8 × 8 pixels, values 0 to 16: how much ink fell into each cell of a 4 × 4 grid on a
32 × 32 scan. MNIST's makers fitted each digit into a box of 20 × 20, keeping its proportions, and placed its
centre of mass in the middle of 28 × 28; the same is done here, so that one network, one page and one recipe
serve both.
Source of the digits: Alpaydin and Kaynak, 1998, "Optical Recognition of Handwritten Digits" (UCI).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inkling.data.splits import SIDE, Digits, Split, stratified
from inkling.errors import DataError

Array = NDArray[Any]  # float32, unless said otherwise

BOX = 20  # MNIST's digits fit into a box of this many pixels …
MIDDLE = 14  # … and have their centre of mass at this row and column
GRID = 8  # scikit-learn's digits are 8 × 8 …
FULL = 16  # … and a cell full of ink has this value
FINE = 48  # the digit's outline is found on a finer grid, to a sixth of a cell
EDGE_LOW, EDGE_HIGH = 0.28, 0.85  # the density up to which there is no ink, and from which there is full ink
VISIBLE = 0.07  # fainter ink than this is left out when the outline is fitted into the box


def bundled_digits() -> Digits:
    """The 1,797 bundled digits: 1,437 to train on and 360 to test on (stratified, the same draw every time).

    Raises `DataError` where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise DataError("the bundled digits come with scikit-learn: pip install scikit-learn") from None
    bunch = load_digits()
    everything = Split(in_mnist_form(bunch.images), bunch.target.astype(np.int64))
    others, drawn = stratified(everything.labels, math.ceil(0.2 * len(everything)), seed=0)
    note = "the 1,797 digits that come with scikit-learn, 8 × 8 pixels enlarged to 28 × 28"
    return Digits(everything.take(others), None, everything.take(drawn), "digits", note)


def in_mnist_form(images: Array) -> NDArray[np.uint8]:
    """Bring images (n, 8, 8) of ink densities 0 to 16 into MNIST's form: uint8 (n, 28, 28).

    Between cells the density follows a cubic, so enlarging an image is `rows @ image @ columnsᵀ`, with one
    small matrix an axis that says where each output pixel looks: scale and shift live in the matrices alone,
    and all images are enlarged in one product. A smooth step then turns density into ink. Its two ends are
    chosen so that mean and standard deviation come close to MNIST's (0.14 and 0.31 against 0.13 and 0.31).
    """
    cells = np.asarray(images, dtype=np.float32) / FULL
    fine = np.broadcast_to((np.arange(FINE, dtype=np.float32) + 0.5) * GRID / FINE - 0.5, (len(cells), FINE))
    outline = _ink(_enlarge(cells, fine, fine)) > VISIBLE
    top, bottom = _extent(np.any(outline, axis=2))
    left, right = _extent(np.any(outline, axis=1))
    scale = BOX / np.maximum(np.maximum(bottom - top, right - left), 1)

    # Turning density into ink moves the centre of mass, so it is measured on what was drawn, and drawn again.
    pixels = np.arange(SIDE, dtype=np.float32) - MIDDLE
    y, x = (top + bottom) / 2 - 0.5, (left + right) / 2 - 0.5
    for _ in range(3):
        drawn = _ink(_enlarge(cells, y + pixels / scale, x + pixels / scale))
        mass = np.maximum(drawn.sum(axis=(1, 2)), 1e-6)
        y = y + (drawn.sum(axis=2) @ pixels / mass)[:, None] / scale
        x = x + (drawn.sum(axis=1) @ pixels / mass)[:, None] / scale
    return np.asarray(np.rint(255 * drawn), dtype=np.uint8)


def _enlarge(cells: Array, y: Array, x: Array) -> Array:
    """The density (n, h, w) at rows y (n, h) and columns x (n, w), in cells from the first one's centre."""
    return np.asarray(_weights(y) @ cells @ _weights(x).transpose(0, 2, 1))


def _weights(places: Array) -> Array:
    """How much each cell counts at each place. (n, m) → (n, m, 8).

    Source: Keys, 1981, "Cubic convolution interpolation for digital image processing" (a = −1/2).
    """
    t = np.abs(places[:, :, None] - np.arange(GRID))
    near, far = 1 + t**2 * (1.5 * t - 2.5), 2 + t * (t * (2.5 - t / 2) - 4)
    return np.where(t < 1, near, np.where(t < 2, far, 0)).astype(np.float32)


def _ink(density: Array) -> Array:
    """A smooth step from paper to ink."""
    t = np.clip((density - EDGE_LOW) / (EDGE_HIGH - EDGE_LOW), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _extent(inked: Array) -> tuple[Array, Array]:
    """Where the ink begins and ends along one axis, in cells: from (n, FINE) flags, two arrays (n, 1)."""
    begin = inked.argmax(axis=1)
    end = np.where(inked.any(axis=1), FINE - inked[:, ::-1].argmax(axis=1), 0)
    return (begin * GRID / FINE)[:, None].astype(np.float32), (end * GRID / FINE)[:, None].astype(np.float32)
