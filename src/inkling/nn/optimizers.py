"""Optimizers: how the gradient becomes a step.

All parameters of a network are one flat vector p, all gradients another, g, so an optimizer is a few lines
over whole vectors. What it remembers from step to step (velocity, moments) are vectors of the same length.
"""

from __future__ import annotations

import numpy as np

from inkling.nn.part import Array, Part, check_between
from inkling.nn.schedules import Schedule

Rate = float | Schedule


class Optimizer(Part):
    """Takes steps against the gradient.

    `learning_rate` is a number or a schedule (schedules.py). With `clip_norm`, a gradient vector longer
    than that is shortened to it (Pascanu et al., 2013). A subclass names in `memory` the vectors it
    remembers, which begin at zero, and takes the step in `update`.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, learning_rate: Rate, *, clip_norm: float | None = None) -> None:
        owner = type(self).__name__
        if not isinstance(learning_rate, Schedule):
            learning_rate = check_between(owner, "learning_rate", learning_rate, 0, float("inf"), open_end=True)
        if clip_norm is not None and not clip_norm > 0:
            raise ValueError(f"{owner}: clip_norm is {clip_norm!r}, but must be above 0 (or None)")
        self.learning_rate, self.clip_norm = learning_rate, clip_norm
        self.steps = 0
        self.state: dict[str, Array] = {}

    def rate_at(self, epoch: float, epochs: float) -> float:
        """The learning rate after `epoch` of `epochs` epochs."""
        rate = self.learning_rate
        return rate(epoch, epochs) if isinstance(rate, Schedule) else rate

    def reset(self, parameters: Array) -> None:
        """Forget everything: the next step is the first one for a vector like `parameters`."""
        self.steps = 0
        self.state = {name: np.zeros_like(parameters) for name in self.memory}

    def fits(self, parameters: Array) -> bool:
        """Whether what is remembered belongs to this optimizer and to parameters like these."""
        alike = all((v.shape, v.dtype) == (parameters.shape, parameters.dtype) for v in self.state.values())
        return alike and set(self.state) == set(self.memory)

    def step(self, parameters: Array, gradients: Array, learning_rate: float, decayed: int | None = None) -> None:
        """Change `parameters` in place.

        The first `decayed` parameters (by default all) are weights, which weight decay acts on; the rest, biases and
        what batch normalization learns, is left alone.
        """
        if not self.fits(parameters):
            self.reset(parameters)
        self.steps += 1
        self.decay(parameters[:decayed], learning_rate)
        self.update(parameters, self.clipped(gradients), learning_rate)

    def clipped(self, gradients: Array) -> Array:
        """The gradient vector, shortened to the length `clip_norm` if it is longer; its direction stays."""
        if self.clip_norm is None:
            return gradients
        length = float(np.linalg.norm(gradients))
        return gradients * (self.clip_norm / length) if length > self.clip_norm else gradients

    def decay(self, weights: Array, learning_rate: float) -> None:
        """Pull the weights towards zero, apart from the gradient, in place. Only AdamW does."""

    def update(self, p: Array, g: Array, rate: float) -> None:
        """Move the parameters p, in place; g is their gradient and must stay as it is."""
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent: p ← p − rate · g.

    With momentum μ the steps gather speed: v ← μ·v + g, then p ← p − rate · v; with `nesterov`,
    p ← p − rate · (g + μ·v) with the new v. That is Nesterov's method where p is the point that the momentum leads to,
    at which the gradient is taken; textbooks keep the point before it.
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
        self.momentum, self.nesterov = check_between("SGD", "momentum", momentum, 0, 1, open_end=True), nesterov
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov looks ahead along the momentum, so it needs momentum above 0")
        self.memory = ("velocity",) if momentum else ()

    def update(self, p: Array, g: Array, rate: float) -> None:
        if not self.momentum:
            p -= rate * g
            return
        v = self.state["velocity"]
        v[...] = self.momentum * v + g
        p -= rate * ((g + self.momentum * v) if self.nesterov else v)


class RMSprop(Optimizer):
    """Divide each gradient by its own recent size: s ← ρ·s + (1 − ρ)·g², p ← p − rate · g / (√s + ε).

    Source: Tieleman and Hinton, 2012, "Neural networks for machine learning", lecture 6.5; ε, against a
    division by 0, stands outside the root as in PyTorch.
    """

    memory = ("square",)

    def __init__(
        self, learning_rate: Rate = 1e-3, rho: float = 0.9, epsilon: float = 1e-8, *, clip_norm: float | None = None
    ) -> None:
        super().__init__(learning_rate, clip_norm=clip_norm)
        self.rho = check_between("RMSprop", "rho", rho, 0, 1, open_end=True)
        self.epsilon = check_between("RMSprop", "epsilon", epsilon, 0, float("inf"))

    def update(self, p: Array, g: Array, rate: float) -> None:
        s = self.state["square"]
        s[...] = self.rho * s + (1 - self.rho) * g**2
        p -= rate * g / (np.sqrt(s) + self.epsilon)


class Adam(Optimizer):
    """Momentum and RMSprop together: p ← p − rate · m̂ / (√v̂ + ε), mostly a step of at most about `rate`.

    m ← β₁·m + (1 − β₁)·g and v ← β₂·v + (1 − β₂)·g² are running means of the gradient and its square. They begin at
    zero, so the first ones are too small, which in step t = 1, 2, … m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ) set right.
    Source: Kingma and Ba, 2015, "Adam: a method for stochastic optimization".
    """

    memory = ("m", "v")

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
        self.beta1 = check_between(type(self).__name__, "beta1", beta1, 0, 1, open_end=True)
        self.beta2 = check_between(type(self).__name__, "beta2", beta2, 0, 1, open_end=True)
        self.epsilon = check_between(type(self).__name__, "epsilon", epsilon, 0, float("inf"))

    def update(self, p: Array, g: Array, rate: float) -> None:
        m, v, t = self.state["m"], self.state["v"], self.steps
        m[...] = self.beta1 * m + (1 - self.beta1) * g
        v[...] = self.beta2 * v + (1 - self.beta2) * g**2
        m_hat = m / (1 - self.beta1**t)
        v_hat = v / (1 - self.beta2**t)
        p -= rate * m_hat / (np.sqrt(v_hat) + self.epsilon)


class AdamW(Adam):
    """Adam with weight decay that the division does not touch: first W ← W − rate · weight_decay · W.

    As in PyTorch, `rate` is the whole learning rate; the paper's decay leaves α out, so its λ is α · weight_decay.
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
        self.weight_decay = check_between("AdamW", "weight_decay", weight_decay, 0, float("inf"))

    def decay(self, weights: Array, learning_rate: float) -> None:
        weights -= learning_rate * self.weight_decay * weights


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
