"""Small pictures made while training: first-layer weights and mistakes, pixel by pixel, in a few milliseconds.

`inkling.figures` draws the same things with scales and captions to be read at leisure; that takes longer than an epoch.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from inkling.errors import InklingError
from inkling.figures.style import BLUE, ORANGE, PAPER, mosaic
from inkling.figures.weights import as_tiles, columns_for
from inkling.nn import Conv2D, Dense, Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from PIL.Image import Image

AT_MOST = 64
"""Neurons, kernels or mistakes in one picture."""
GAP = 255
"""The colour between the tiles; those before it go from the most negative weight to the most positive."""
STOPS = ("#003a5c", BLUE, PAPER, ORANGE, "#6b2f00")
"""Blue below zero, white at zero, orange above, as in `inkling.figures`."""
ENLARGED, CAPTION = 2, 12
"""How many times larger a digit is shown, and the height of the line below it, in pixels."""


def weights_picture(network: Network) -> Image | None:
    """The weights of the first layer that learns as tiles, on one scale of colours; None if they are no images.

    A neuron's are laid out as the pixels that they belong to; a convolution's are its kernels, enlarged, one for each
    channel that comes in. Of many those with the longest weight vectors are shown.
    """
    from PIL import Image

    layer = next((layer for layer in network.layers if isinstance(layer, (Dense, Conv2D))), None)
    gap = 2
    if isinstance(layer, Dense):
        try:
            tiles = as_tiles(layer.W, network.input_shape, layer.name)
        except InklingError:
            return None
    elif isinstance(layer, Conv2D):
        tiles = layer.W.reshape(*layer.W.shape[:2], -1).transpose(2, 0, 1).repeat(8, axis=1).repeat(8, axis=2)
        gap = 6
    else:
        return None
    strongest = np.argsort(-np.linalg.norm(tiles, axis=(1, 2)), kind="stable")[:AT_MOST]
    shown = mosaic(tiles[strongest], columns_for(len(strongest)), gap)
    limit = float(np.nanquantile(np.abs(shown), 0.998)) or 1.0
    middle = (GAP - 1) // 2
    colours = np.clip(np.rint(np.nan_to_num(shown) / limit * middle), -middle, middle) + middle
    picture = Image.fromarray(np.where(np.isnan(shown), GAP, colours).astype(np.uint8))
    picture.putpalette(palette())
    return picture


def mistakes_picture(network: Network, images: Array, labels: Array) -> Image | None:
    """The mistakes that the network is surest of, each with what it reads and what it is; None if there are none.

    Shapes: images (n, 28, 28) uint8, labels (n,).
    """
    from PIL import Image, ImageDraw

    probabilities = network.predict_proba(images)
    read = probabilities.argmax(axis=1)
    wrong = np.flatnonzero(read != labels)
    if not len(wrong):
        return None
    surest = wrong[np.argsort(-probabilities[wrong, read[wrong]], kind="stable")][:AT_MOST]
    columns = columns_for(len(surest))
    side = ENLARGED * images.shape[1]
    width, height = side + 4, side + CAPTION + 4
    page = Image.new("L", (columns * width, -(-len(surest) // columns) * height), 255)
    pen = ImageDraw.Draw(page)
    for place, index in enumerate(surest):
        left, top = place % columns * width + 2, place // columns * height + 2
        # Ink is dark on paper here, as it is on the other pictures of digits.
        digit = Image.fromarray(255 - images[index].reshape(images.shape[1], -1))
        page.paste(digit.resize((side, side), Image.Resampling.NEAREST), (left, top))
        pen.text((left + 2, top + side), f"{read[index]} (is {labels[index]})", fill=0)
    return page


def palette() -> list[int]:
    """The colours by their numbers, as red, green, blue, red, green …"""
    stops = np.array([[int(stop[i : i + 2], 16) for i in (1, 3, 5)] for stop in STOPS])
    places = np.linspace(0, len(STOPS) - 1, GAP)
    colours = np.stack([np.interp(places, range(len(STOPS)), stops[:, part]) for part in range(3)], axis=1)
    return [*np.rint(colours).astype(int).ravel().tolist(), 170, 177, 187]


def png(picture: Image) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    picture.save(file, format="PNG")
    return file.getvalue()
