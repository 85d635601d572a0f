"""How many digits are lost on the way from a picture of paper to MNIST's form (`make bench-photos`).

Digits are laid on paper of several kinds, as a photo or a scan might show them, and read by the network that comes
along. Lost is what it reads rightly as it stands in the data, and not any more from the picture.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable

import numpy as np
from PIL import Image
from scipy import ndimage

from inkling import load_data, load_pretrained
from inkling.data import to_mnist
from inkling.errors import DataError
from inkling.nn.part import Array

random = np.random.default_rng(0)


def enlarged(image: Array, side: int) -> Array:
    """Ink from 0 to 1, of so many pixels."""
    large = Image.fromarray(image).resize((side, side), Image.Resampling.BICUBIC)
    return np.asarray(large, np.float32) / 255


def on(ink: Array, paper: Array | float = 230.0, pen: float = 30.0) -> Array:
    """Ink on paper, both in levels of grey, as an RGB picture of bytes."""
    grey = paper + (pen - paper) * ink
    return np.repeat(np.clip(np.rint(grey), 0, 255).astype(np.uint8)[:, :, np.newaxis], 3, axis=2)


def coloured(image: Array) -> Array:
    """Two random colours that differ in brightness."""
    ink = enlarged(image, 200)[:, :, np.newaxis]
    dark, light = random.integers(0, 90, 3), random.integers(150, 256, 3)
    return np.rint(light + (dark - light) * ink).clip(0, 255).astype(np.uint8)


def photo(image: Array) -> Array:
    """Light that fades across the sheet, a lens out of focus, noise, and JPEG."""
    ink = ndimage.gaussian_filter(enlarged(image, 300), 1.5)
    paper = 230 * np.linspace(1, 0.55, 300, dtype=np.float32)[np.newaxis, :] * np.ones((300, 1), np.float32)
    noisy = on(ink, paper, 40) + random.normal(0, 5, (300, 300, 3))
    file = io.BytesIO()
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=70)
    return np.asarray(Image.open(file))


def shadow(image: Array, shade: float) -> Array:
    """The left half lies in a shadow with a sharp edge, straight through the digit."""
    lit = np.where(np.arange(300) < 150, shade, 1)[np.newaxis, :, np.newaxis]
    return np.rint(on(enlarged(image, 300)) * lit).astype(np.uint8)


def ruled(image: Array) -> Array:
    """Lines every 40 pixels."""
    picture = on(enlarged(image, 300)).copy()
    picture[20::40] = np.minimum(picture[20::40], 170)
    return picture


KINDS: dict[str, Callable[[Array], Array]] = {
    "dark on light, 60 pixels": lambda image: on(enlarged(image, 60)),
    "dark on light, 300 pixels": lambda image: on(enlarged(image, 300)),
    "dark on light, 1,200 pixels": lambda image: on(enlarged(image, 1200)),
    "light on dark": lambda image: on(enlarged(image, 200), 40, 220),
    "two colours": coloured,
    "fading light, blur, noise, JPEG": photo,
    "a sharp shadow of 0.7 of the light through the digit": lambda image: shadow(image, 0.7),
    "a sharp shadow of half the light through the digit": lambda image: shadow(image, 0.5),
    "ruled paper": ruled,
}


def main() -> None:
    """Print a table: lost, of how many."""
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--data", default="auto")
    reader.add_argument("--count", type=int, default=100)
    asked = reader.parse_args()
    network = load_pretrained()
    digits = load_data(asked.data)
    held_out = digits.validation or digits.train
    images, labels = held_out.images[: asked.count], held_out.labels[: asked.count]
    right = network.predict(images) == labels
    images, labels = images[right], labels[right]
    print(f"{len(images)} validation images of {digits.source} that are read rightly as they are\n")
    print("| picture | lost |\n| --- | --- |")
    for name, make in KINDS.items():
        lost = sum(read(network, make(image)) != label for image, label in zip(images, labels, strict=True))
        print(f"| {name} | {lost} of {len(images)} |", flush=True)


def read(network: object, picture: Array) -> int:
    """The digit; −1 where the picture is refused."""
    try:
        return int(network.predict(to_mnist(picture).image[None])[0])  # type: ignore[attr-defined]
    except DataError:
        return -1


if __name__ == "__main__":
    main()
