"""Networks, digits and histories to draw, and what every picture of them must keep."""

from __future__ import annotations

import io
import math

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text
from overlap import clipped, overlaps

from inkling import nn
from inkling.training import Epoch, History, Sign

SMALLEST = 9
"""Points: what can still be read on a slide."""


def assert_readable(figure: Figure) -> None:
    """No text over another or off the page, none too small, on the screen as in a file."""
    assert overlaps(figure) == []
    assert clipped(figure) == []
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert min(text.get_fontsize() for text in shown) >= SMALLEST
    file = io.StringIO()
    figure.savefig(file, format="svg")
    assert file.getvalue().startswith("<?xml")


def title(figure: Figure) -> str:
    return figure.get_suptitle()


def words(figure: Figure) -> list[str]:
    """All texts of the figure that are not ticks of an axis."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text().strip()]


def networks() -> dict[str, nn.Network]:
    """From one layer to six, both kinds of floats, each kind of loss and activation."""
    deep: list[nn.Layer] = []
    for _ in range(5):
        deep += [nn.Dense(6, "glorot"), nn.Sigmoid()]
    leaky: list[nn.Layer] = []
    for _ in range(5):
        leaky += [nn.Dense(8), nn.LeakyReLU(0.1), nn.Dropout(0.1)]
    return {
        "one layer": nn.Network([nn.Dense(10)]),
        "two layers": nn.Network([nn.Dense(12), nn.ReLU(), nn.Dense(10)], dtype=np.float64),
        "flat input": nn.Network([nn.Dense(9), nn.Tanh(), nn.Dense(10)], input_shape=784),
        "dropout": nn.Network([nn.Flatten(), nn.Dense(20), nn.ReLU(), nn.Dropout(0.2), nn.Dense(10)]),
        "softmax, squares": nn.Network(
            [nn.Dense(5), nn.Tanh(), nn.Dense(10), nn.Softmax()], loss=nn.MeanSquaredError()
        ),
        "deep sigmoid": nn.Network([*deep, nn.Dense(10), nn.Sigmoid()], loss=nn.MeanSquaredError(), dtype=np.float64),
        "six leaky layers": nn.Network([*leaky, nn.Dense(10)]),
    }


def digits(count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Blots instead of digits: images (count, 28, 28) of uint8, labels (count,)."""
    random = np.random.default_rng(seed)
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 6:22, 6:22] = random.integers(0, 256, (count, 16, 16))
    return images, random.integers(0, 10, count)


def history(epochs: int, *, validation: bool = True, best: int | None = None, fall: float = 10.0, rate=0.01) -> History:
    """Losses that fall `fall`-fold in training; validation's is lowest at epoch `best` (by default the last)."""
    best = best or epochs
    rows = []
    for epoch in range(1, epochs + 1):
        loss = 2.0 * fall ** (-(epoch - 1) / max(epochs - 1, 1))
        unseen = 0.3 + 0.5 * abs(epoch - best) / epochs
        rows.append(
            Epoch(
                epoch,
                1.0,
                rate(epoch) if callable(rate) else rate,
                loss,
                1 - loss / 10,
                unseen if validation else None,
                1 - unseen / 5 if validation else None,
            )
        )
    return History(rows)


def signs(layers: int, epochs: int, *, shrink: float = 1.0, activation: str = "relu", dead: int = 0) -> list[Sign]:
    """Vital signs of a network whose gradients shrink `shrink`-fold from each layer to the one before it."""
    found = []
    for epoch in range(epochs + 1):
        for layer in range(1, layers + 1):
            gradient = 0.01 * math.exp(-epoch / 10) * shrink ** (layer - layers)
            found.append(
                Sign(epoch, f"dense_{layer}", 0.0, 1.0 + layer / 10, gradient, 0.0, 0, 32, 0.05, gradient / 10)
            )
            if layer < layers:
                zeros = 0.5 - layer / 20 if activation == "relu" else 0.0
                name = f"{activation}_{layer}"
                found.append(Sign(epoch, name, 0.4, 0.6, gradient, zeros, dead if layer == 1 else 0, 32))
                found.append(Sign(epoch, f"dropout_{layer}", 0.4, 0.6, gradient, zeros, dead if layer == 1 else 0, 32))
    return found
