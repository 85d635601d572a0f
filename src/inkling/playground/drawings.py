"""Drawings: strokes on the page become what MNIST's digits look like; the network's answer comes with its reasons."""

from __future__ import annotations

import numpy as np

from inkling.data.handwriting import centred, evened, fitted, outline
from inkling.errors import DataError
from inkling.nn import Network
from inkling.nn.part import Array

FAINT = 8
"""Of 255: ink below this is none."""


def in_mnists_form(ink: Array) -> Array | None:
    """Ink (height, width) uint8, 0 to 255, as an image (28, 28) uint8 in MNIST's form; None if nothing is drawn."""
    if ink.max(initial=0) < FAINT:
        return None
    levels = ink.astype(np.float32) / np.float32(255)
    try:
        top, left, height, width = outline(levels)
        # A box of 20 pixels is all that is left in the end: of a large drawing every second or third pixel will do.
        step = max(max(height, width) // 160, 1)
        drawn = levels[top : top + height : step, left : left + width : step]
        digit = evened(drawn)
        top, left, height, width = outline(digit)
        image = centred(fitted(digit[top : top + height, left : left + width]))
    except DataError:
        return None
    return np.rint(255 * image).astype(np.uint8)


def answer(network: Network, image: Array) -> tuple[Array, Array]:
    """The probabilities (10,) for an image (28, 28) uint8, and which ink spoke for the answer (28, 28).

    That is ink times gradient: how fast the answer's lead over the runner-up grows with the ink of each pixel, times
    the ink there is. Above 0 it speaks for the answer, below against it. Computed on `network`, which must be the
    caller's own replica: its gradients are overwritten.
    Source: Shrikumar et al., 2016, "Not just a black box: learning important features through propagating activation
    differences" (who compare with it).
    """
    x = network.enter(image[np.newaxis])
    outputs = network.forward(x)
    probabilities = network.loss.probabilities(outputs)[0]
    runner_up, digit = np.argsort(probabilities, kind="stable")[-2:]
    dout = np.zeros_like(outputs)
    dout[0, digit], dout[0, runner_up] = 1, -1
    dout = network.backward(dout, to_input=True)
    return probabilities, (dout.reshape(28, 28) * x.reshape(28, 28)).astype(np.float32)
