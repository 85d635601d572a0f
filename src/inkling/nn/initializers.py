"""Where a network begins: small random weights.

Zero weights would make all neurons of a layer the same forever, and weights of the wrong size make the
signal die out or blow up from layer to layer. Each initializer picks the size from `fan_in` and `fan_out`,
the numbers of connections that go into a neuron and out of it. Biases always begin at zero.

Numbers are drawn in float64 and rounded afterwards, so a float32 network begins where its float64 twin does.
"""

from __future__ import annotations

import numpy as np

from inkling.nn.part import Array, Part, Shape, check_between


class Initializer(Part):
    """Draws the first weights of a layer."""

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        """An array of `shape`, float64."""
        raise NotImplementedError


class HeNormal(Initializer):
    """N(0, 2 / fan_in): keeps the variance through ReLU, which silences half of its inputs.

    Source: He et al., 2015, "Delving deep into rectifiers".
    """

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        return random.normal(0, np.sqrt(2 / fan_in), shape)


class HeUniform(Initializer):
    """Uniform between ±√(6 / fan_in), the same variance as `HeNormal`. Source: He et al., 2015."""

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        limit = np.sqrt(6 / fan_in)
        return random.uniform(-limit, limit, shape)


class GlorotNormal(Initializer):
    """N(0, 2 / (fan_in + fan_out)), also called Xavier: a compromise between both ways through the layer.

    Derived for activations with slope 1 at 0, such as tanh.
    Source: Glorot and Bengio, 2010, "Understanding the difficulty of training deep feedforward neural networks".
    """

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        return random.normal(0, np.sqrt(2 / (fan_in + fan_out)), shape)


class GlorotUniform(Initializer):
    """Uniform between ±√(6 / (fan_in + fan_out)). Source: Glorot and Bengio, 2010."""

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        limit = np.sqrt(6 / (fan_in + fan_out))
        return random.uniform(-limit, limit, shape)


class ScaledNormal(Initializer):
    """std · N(0, 1), whatever the layer's size: the habit of the years before 2010."""

    def __init__(self, std: float = 0.01) -> None:
        self.std = check_between("ScaledNormal", "std", std, 0, float("inf"))

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        return random.normal(0, self.std, shape)


class Zeros(Initializer):
    """All zero. For seeing what goes wrong: every neuron of the layer learns the same thing."""

    def draw(self, shape: Shape, fan_in: int, fan_out: int, random: np.random.Generator) -> Array:
        return np.zeros(shape)


INITIALIZERS: dict[str, type[Initializer]] = {
    "he": HeNormal, "he_normal": HeNormal, "he_uniform": HeUniform,
    "glorot": GlorotUniform, "glorot_normal": GlorotNormal, "glorot_uniform": GlorotUniform,
    "scaled_normal": ScaledNormal, "zeros": Zeros,
}  # fmt: skip


def initializer_named(initializer: str | Initializer) -> Initializer:
    """The initializer of that name; an initializer is returned as it is."""
    if isinstance(initializer, Initializer):
        return initializer
    if initializer not in INITIALIZERS:
        raise ValueError(f"there is no initializer called {initializer!r}; known are {', '.join(INITIALIZERS)}")
    return INITIALIZERS[initializer]()
