"""Predictions by the fastest engine: `outputs` and `predict_proba` once, a `Predictor` again and again.

`Network.predict_proba` says what they are. A single call loads compiled code only where that pays; a `Predictor` is
made ready beforehand, so that one image takes no longer than its arithmetic.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import numpy as np

from inkling.engine.choice import available_threads, check_worth, work_of
from inkling.engine.protocol import EngineError
from inkling.nn import Network
from inkling.nn.part import Array

if TYPE_CHECKING:
    from inkling.engine.compiled.plan import Answers

FEW = 2e7
"""Floating-point operations of a prediction, a millisecond, for which nobody calls other threads."""
FEW_SAMPLES = 128


def outputs(network: Network, x: Array, threads: int | None = None) -> Array:
    """The outputs of the last layer for any number of samples, dropout off, by the fastest engine there is.

    x (samples, …), uint8 or float; `threads`: how many cores to use, by default all. Returns (samples, *output_shape).
    Raises ShapeError if the samples have not the network's input shape.
    """
    return answer(network, x, threads, chances=False)


def predict_proba(network: Network, x: Array, threads: int | None = None) -> Array:
    """The probability of each class, (samples, classes), as `network.predict_proba`, by the fastest engine there is."""
    return answer(network, x, threads, chances=True)


def answer(network: Network, x: Array, threads: int | None, *, chances: bool, loaded: bool = False) -> Array:
    """Either of them. `loaded`: compiled code is there already, so that it always pays."""
    x = np.asarray(x)
    try:
        if not loaded:
            check_worth(work_of(network) // 3 * len(x), network, training=False)
        from inkling.engine.compiled.plan import answers

        return answers(network, x, available_threads() if threads is None else threads, chances=chances)
    except (EngineError, ImportError):
        from inkling.engine.buffered import outputs as buffered_outputs

        found = buffered_outputs(network, x)
        return network.loss.probabilities(found) if chances else found


class Predictor:
    """A network that is ready to answer, for programs that ask often: a server, a camera, a page that is drawn on.

    `threads`: how many cores to use for many samples at a time, by default all; few take the thread that asks.
    It follows the network's parameters, and several threads may ask at once. The first one on a machine takes some
    seconds, for compiling; without Numba it answers as `Network.predict_proba` does.

    >>> predictor = Predictor(network)
    >>> predictor.predict_proba(image[None])
    """

    def __init__(self, network: Network, threads: int | None = None) -> None:
        self.network, self.threads = network, threads
        self.few = max(1, min(FEW_SAMPLES, int(FEW * 3 / max(work_of(network), 1))))
        self.lock = threading.Lock()
        self.ready: Answers | None = None
        with suppress(EngineError, ImportError):
            from inkling.engine.compiled.plan import Answers

            self.ready = Answers(network, self.few)

    def outputs(self, x: Array) -> Array:
        """The outputs of the last layer, (samples, *output_shape), for x (samples, …), uint8 or float.

        Raises ShapeError if the samples have not the network's input shape.
        """
        return self._answer(x, chances=False)

    def predict_proba(self, x: Array) -> Array:
        """The probability of each class, (samples, classes); each row adds up to 1."""
        return self._answer(x, chances=True)

    def predict(self, x: Array) -> Array:
        """The most probable class of each sample, (samples,)."""
        return np.asarray(self._answer(x, chances=False).argmax(axis=1))

    def _answer(self, x: Array, *, chances: bool) -> Array:
        """What is asked for: few samples by this thread, many by all."""
        x = np.asarray(x)
        if len(x) > self.few:
            return answer(self.network, x, self.threads, chances=chances, loaded=self.ready is not None)
        if self.ready is None:
            return self.network.predict_proba(x) if chances else self.network.forward(x)
        with self.lock:
            return self.ready(x, chances=chances)
