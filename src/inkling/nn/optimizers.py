"""Optimizers: how the gradient becomes a step.

All parameters of a network are one flat vector p, all gradients another, g, so an optimizer is a few lines
over whole vectors. What it remembers from step to step (velocity, moments) are vectors of the same length.

The vectors are walked in blocks that stay in the processor's cache: an optimizer makes several passes over
each number, and for wide layers the way to memory and back would take longer than the arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from copy import copy

import numpy as np

from inkling.nn.part import Array, Part, check_between
from inkling.nn.schedules import Constant, Schedule

Rate = float | Schedule
BLOCK = 65536
"""Numbers a block: 256 kB of float32. Smaller ones fit a cache better, but the calls then cost more than that saves."""


class Optimizer(Part):
    """Takes steps against the gradient.

    `learning_rate` is a number or a schedule (schedules.py). With `clip_norm`, a gradient vector longer
    than that is shortened to it (Pascanu et al., 2013). A subclass names in `memory` the vectors it
    remembers and moves one block of parameters in `update`.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, learning_rate: Rate, *, clip_norm: float | None = None) -> None:
        owner = type(self).__name__
        if not isinstance(learning_rate, Schedule):
            check_between(owner, "learning_rate", learning_rate, 0, float("inf"), open_end=True)
        if clip_norm is not None and not clip_norm > 0:
            raise ValueError(f"{owner}: clip_norm is {clip_norm!r}, but must be above 0 (or None)")
        self.learning_rate, self.clip_norm = learning_rate, clip_norm
        self.steps, self.size = 0, -1
        self.state: dict[str, Array] = {}

    @property
    def schedule(self) -> Schedule:
        """The learning rate over time, also where it is the same all the time."""
        rate = self.learning_rate
        return rate if isinstance(rate, Schedule) else Constant(rate)

    def reset(self, parameters: Array) -> None:
        """Forget everything: the next step is the first one for a vector like `parameters`."""
        self.dtype, self.size = parameters.dtype, len(parameters)
        self.steps = 0
        self.state = {name: np.zeros_like(parameters) for name in self.memory}

    def step(
        self,
        parameters: Array,
        gradients: Array,
        learning_rate: float,
        decayed: int | None = None,
        length: float | None = None,
    ) -> None:
        """Change `parameters` in place; with `clip_norm`, `gradients` are shortened in place first.

        The first `decayed` parameters are weights, which weight decay acts on; the rest are biases. Of gradients that
        are only a part, `length` is the length of the whole vector.
        """
        if self.size != len(parameters) or self.dtype != parameters.dtype:
            self.reset(parameters)
        self.steps += 1
        self.clip(gradients, length)
        self.begin(learning_rate)
        self.decay(parameters if decayed is None else parameters[:decayed], learning_rate)
        vectors = [self.state[name] for name in self.memory]
        for start in range(0, len(parameters), BLOCK):
            block = slice(start, start + BLOCK)
            self.update(parameters[block], gradients[block], [vector[block] for vector in vectors])

    def clip(self, gradients: Array, length: float | None = None) -> None:
        """Shorten the vector to the length `clip_norm` if it is longer, in place, keeping its direction."""
        if self.clip_norm is not None:
            length = float(np.linalg.norm(gradients)) if length is None else length
            if length > self.clip_norm:
                gradients *= gradients.dtype.type(self.clip_norm / length)

    def part(self, part: slice) -> Optimizer:
        """A twin for one part of the parameters, which remembers in this one's vectors.

        With `clip_norm`, its `step` must be told how long the whole gradient is.
        """
        twin = copy(self)
        twin.__dict__.pop("_work", None)
        twin.state = {name: vector[part] for name, vector in self.state.items()}
        twin.size = len(range(self.size)[part])
        return twin

    def begin(self, learning_rate: float) -> None:
        """Work out, once a step, the constants that `update` needs. Default: `self.rate`."""
        self.rate = self.dtype.type(learning_rate)

    def decay(self, weights: Array, learning_rate: float) -> None:
        """Pull the weights towards zero, apart from the gradient. Only AdamW does."""

    def update(self, p: Array, g: Array, memory: Sequence[Array]) -> None:
        """Move the parameters p, in place; g is their gradient and must stay as it is."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − rate · g.

    With momentum μ the steps gather speed: v ← μ·v + g, then p ← p − rate · v; with `nesterov`,
    p ← p − rate · (g + μ·v), which looks one step ahead.
    The rate stands outside the velocity, as in PyTorch: when a schedule lowers it, it slows what has gathered too.
    Sources: Polyak, 1964; Nesterov, 1983; Sutskever et al., 2013, "On the importance of initialization and momentum".
    """

    def __init__(
        self,
        learning_rate: Rate = 0.1,
        momentum: float = 0.0,
        nesterov: bool = False,
        *,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clip_norm=clip_norm)
        check_between("SGD", "momentum", momentum, 0, 1, open_end=True)
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov looks ahead along the momentum, so it needs momentum above 0")
        self.momentum, self.nesterov = momentum, nesterov
        self.memory = ("velocity",) if momentum else ()

    def update(self, p: Array, g: Array, memory: Sequence[Array]) -> None:
        change = self.work("change", p.shape)
        if self.momentum:
            (v,) = memory
            v *= self.momentum
            v += g
            if self.nesterov:
                np.multiply(v, self.momentum, out=change)
                change += g
                g = change
            else:
                g = v
        np.multiply(g, self.rate, out=change)
        p -= change


class RMSprop(Optimizer):
    """Divide each gradient by its own recent size: s ← ρ·s + (1 − ρ)·g², p ← p − rate · g / (√s + ε).

    Source: Tieleman and Hinton, 2012, "Neural networks for machine learning", lecture 6.5.
    """

    memory = ("square",)

    def __init__(
        self, learning_rate: Rate = 1e-3, rho: float = 0.9, epsilon: float = 1e-8, *, clip_norm: float | None = None
    ) -> None:
        super().__init__(learning_rate, clip_norm=clip_norm)
        check_between("RMSprop", "rho", rho, 0, 1, open_end=True)
        check_between("RMSprop", "epsilon", epsilon, 0, float("inf"))
        self.rho, self.epsilon = rho, epsilon

    def update(self, p: Array, g: Array, memory: Sequence[Array]) -> None:
        (s,) = memory
        change = np.multiply(g, g, out=self.work("change", p.shape))
        change *= 1 - self.rho
        s *= self.rho
        s += change
        np.sqrt(s, out=change)
        change += self.epsilon
        np.divide(g, change, out=change)
        change *= self.rate
        p -= change


class Adam(Optimizer):
    """Momentum and RMSprop together: m̂ / (√v̂ + ε) is a step of about one learning rate for every parameter.

    m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g² are running means of the gradient and its square. They
    begin at zero, so the first ones are too small, which m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) set right.
    Source: Kingma and Ba, 2015, "Adam: a method for stochastic optimization".

    What is kept is M = m / (1 − β₁) and V = v / (1 − β₂). That saves passes over the vectors (M ← β₁·M + g),
    and the constants meet again in `begin`:
    rate · m̂ / (√v̂ + ε)  =  [rate · (1 − β₁)/(1 − β₁ᵗ) · r] · M / (√V + ε·r)  with r = √((1 − β₂ᵗ)/(1 − β₂)).
    """

    memory = ("mean", "square")

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, clip_norm=clip_norm)
        check_between(type(self).__name__, "beta1", beta1, 0, 1, open_end=True)
        check_between(type(self).__name__, "beta2", beta2, 0, 1, open_end=True)
        check_between(type(self).__name__, "epsilon", epsilon, 0, float("inf"))
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon

    def begin(self, learning_rate: float) -> None:
        t = self.steps
        r = math.sqrt((1 - self.beta2**t) / (1 - self.beta2))
        self.rate = self.dtype.type(learning_rate * (1 - self.beta1) / (1 - self.beta1**t) * r)
        self.floor = self.dtype.type(self.epsilon * r)

    def update(self, p: Array, g: Array, memory: Sequence[Array]) -> None:
        m, v = memory
        m *= self.beta1
        m += g
        change = np.multiply(g, g, out=self.work("change", p.shape))
        v *= self.beta2
        v += change
        np.sqrt(v, out=change)
        change += self.floor
        np.divide(m, change, out=change)
        change *= self.rate
        p -= change


class AdamW(Adam):
    """Adam with weight decay that the division does not touch: first W ← W − rate · weight_decay · W.

    Source: Loshchilov and Hutter, 2019, "Decoupled weight decay regularization".
    """

    def __init__(
        self,
        learning_rate: Rate = 1e-3,
        weight_decay: float = 0.01,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        *,
        clip_norm: float | None = None,
    ) -> None:
        super().__init__(learning_rate, beta1, beta2, epsilon, clip_norm=clip_norm)
        check_between("AdamW", "weight_decay", weight_decay, 0, float("inf"))
        self.weight_decay = weight_decay

    def decay(self, weights: Array, learning_rate: float) -> None:
        weights *= self.dtype.type(1 - learning_rate * self.weight_decay)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
