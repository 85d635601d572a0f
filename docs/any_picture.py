"""Draw the figure of any_picture.md: three made-up photos of handwriting, and what the network sees of them.

`python docs/any_picture.py` writes docs/images/any-picture.png.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

import inkling as ik
from inkling.figures import seeing

HEIGHT, WIDTH = 720, 960
STROKES = {  # where a pen went, from 0 to 1, x before y
    5: [
        [(0.32, 0.12), (0.3, 0.3), (0.27, 0.48), (0.45, 0.42), (0.68, 0.52), (0.7, 0.75), (0.5, 0.9), (0.24, 0.84)],
        [(0.36, 0.1), (0.55, 0.1), (0.76, 0.06)],
    ],
    2: [[(0.24, 0.3), (0.3, 0.14), (0.52, 0.08), (0.68, 0.24), (0.58, 0.48), (0.26, 0.86), (0.5, 0.82), (0.82, 0.88)]],
    7: [[(0.2, 0.16), (0.5, 0.15), (0.78, 0.12), (0.6, 0.5), (0.42, 0.9)], [(0.36, 0.5), (0.72, 0.47)]],
}


def main() -> None:
    """Draw three photos, read them, and draw the steps."""
    random = np.random.default_rng(4)
    photos = [on_ruled_paper(5, random), on_a_board(2, random), on_a_note(7, random)]
    names = ["ballpoint on ruled paper, in a shadow", "chalk on a board", "a fineliner on a note on a table"]
    prepared = [ik.data.to_mnist(saved(photo)) for photo in photos]
    network = ik.load_pretrained()
    chances = network.predict_proba(np.stack([each.image for each in prepared]))
    figure = seeing(prepared, chances, names)
    file = Path(__file__).parent / "images" / "any-picture.png"
    figure.savefig(file, dpi=65)


def ink(digit: int, left: int, top: int, size: int, pen: float) -> NDArray[np.float32]:
    """How much ink there is on a sheet where the pen wrote the digit: (HEIGHT, WIDTH), 0 to 1."""
    sheet = Image.new("L", (2 * WIDTH, 2 * HEIGHT))
    draw = ImageDraw.Draw(sheet)
    for points in STROKES[digit]:
        for x, y in curve(np.array(points)) * size + (left, top):
            draw.ellipse([2 * x - pen, 2 * y - pen, 2 * x + pen, 2 * y + pen], fill=255)
    return np.asarray(sheet.resize((WIDTH, HEIGHT), Image.Resampling.BOX), np.float32) / 255


def curve(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places along a smooth line through the points (Catmull and Rom's)."""
    p = np.concatenate([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 200)[:, None]
    a, b, c, d = (p[k : len(p) - 3 + k, None] for k in range(4))
    line = b + t * (c - a) / 2 + t**2 * (a - 2.5 * b + 2 * c - d / 2) + t**3 * (1.5 * (b - c) + (d - a) / 2)
    return np.asarray(line.reshape(-1, 2))


def photo(
    colours: NDArray[np.floating], light: NDArray[np.floating] | float, random: np.random.Generator
) -> Image.Image:
    """Colours in that light, with a camera's noise."""
    lit = colours * (light[..., None] if isinstance(light, np.ndarray) else light)
    return Image.fromarray(np.clip(lit + random.normal(0, 5, lit.shape), 0, 255).astype(np.uint8))


def mixed(paper: NDArray[np.floating], pen: tuple[int, int, int], amount: NDArray[np.float32]) -> NDArray[np.floating]:
    """The colours of paper (height, width, 3) with so much ink on it."""
    return paper * (1 - amount[..., None]) + np.array(pen) * amount[..., None]


def on_ruled_paper(digit: int, random: np.random.Generator) -> Image.Image:
    """Blue ink, lines and a margin, and a shadow from the right."""
    paper = np.full((HEIGHT, WIDTH, 3), (246, 243, 232), np.float64)
    for row in range(50, HEIGHT, 75):
        paper[row : row + 3] = (170, 190, 225)
    paper[:, 150:153] = (225, 140, 140)
    y, x = np.mgrid[:HEIGHT, :WIDTH] / WIDTH
    light = 0.5 + 0.5 / (1 + np.exp((x + 0.3 * y - 0.85) / 0.08))
    return photo(mixed(paper, (35, 55, 150), ink(digit, 330, 200, 330, 15)), light, random)


def on_a_board(digit: int, random: np.random.Generator) -> Image.Image:
    """Chalk, which leaves gaps, on a board that was not wiped well."""
    cloud = Image.fromarray(random.integers(0, 256, (9, 12), dtype=np.uint8)).resize((WIDTH, HEIGHT))
    board = np.array((40, 62, 52)) + np.asarray(cloud, np.float64)[..., None] * 0.06
    grain = Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)).filter(
        ImageFilter.GaussianBlur(1)
    )
    rough = np.clip((np.asarray(grain, np.float32) - 90) / 45, 0, 1)
    return photo(mixed(board, (232, 232, 222), ink(digit, 240, 110, 500, 30) * rough), 1.0, random)


def on_a_note(digit: int, random: np.random.Generator) -> Image.Image:
    """A thin pen on a yellow note, which lies askew on a dark table."""
    note = mixed(np.full((HEIGHT, WIDTH, 3), (243, 224, 116), np.float64), (40, 40, 45), ink(digit, 330, 230, 230, 5))
    cut = Image.fromarray(note[170:520, 270:640].astype(np.uint8)).convert("RGBA")
    turned = cut.rotate(-7, Image.Resampling.BICUBIC, expand=True)
    grain = random.normal(0, 6, (HEIGHT, 1, 1)) + np.zeros((HEIGHT, WIDTH, 3)) + np.array((96, 68, 52))
    table = Image.fromarray(np.clip(grain, 0, 255).astype(np.uint8))
    table.paste(turned, (380, 180), turned)
    return photo(np.asarray(table, np.float64), 1.0, random)


def saved(picture: Image.Image) -> io.BytesIO:
    """The picture as a camera would save it."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return file


if __name__ == "__main__":
    main()
