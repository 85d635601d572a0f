"""Stages: a network told in the steps that people speak of.

To a network an activation is a layer like any other. In a picture, a layer that learns belongs together with what
its outputs go through before the next one: normalization, pooling, its activation, dropout, flattening. That is a
stage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

from inkling.nn import ACTIVATIONS, BatchNorm, Conv2D, Dense, Dropout, Flatten, GlobalAveragePool2D, Layer, Network
from inkling.nn.layers import Weighted
from inkling.nn.pooling import Pool2D

Passing = (Dropout, Flatten)
"""Layers that hand on the numbers they get, in a prediction."""
Followers = (*ACTIVATIONS.values(), BatchNorm, Pool2D, *Passing)


@dataclass(frozen=True, eq=False)
class Stage:
    """A layer and those that follow it without a step of their own."""

    head: Layer
    followers: list[Layer]

    @property
    def weighted(self) -> Weighted:
        """The head of a stage that learns weights W and biases b, as most do."""
        return cast(Weighted, self.head)

    @property
    def activation(self) -> Layer | None:
        """The last activation function of the stage, if it has one."""
        return next((layer for layer in reversed(self.followers) if is_activation(layer)), None)

    @property
    def outcome(self) -> Layer | None:
        """The last layer behind the head that changes numbers, so that its outputs are what the stage hands on."""
        return next((layer for layer in reversed(self.followers) if not isinstance(layer, Passing)), None)

    @property
    def dropout(self) -> Dropout | None:
        """The dropout of the stage, if it has one."""
        return next((layer for layer in self.followers if isinstance(layer, Dropout)), None)

    @property
    def parameters(self) -> int:
        """How many numbers the stage learns."""
        return sum(
            math.prod(shape) for layer in (self.head, *self.followers) for shape in layer.parameter_shapes().values()
        )


def stages(network: Network) -> tuple[list[Layer], list[Stage]]:
    """The layers that come before the first stage (Flatten, mostly), and the stages."""
    door: list[Layer] = []
    found: list[Stage] = []
    for layer in network.layers:
        if found and follows(layer):
            found[-1].followers.append(layer)
        elif follows(layer) and not layer.parameter_shapes() and not isinstance(layer, Pool2D):
            door.append(layer)
        else:
            found.append(Stage(layer, []))
    return door, found


def follows(layer: Layer) -> bool:
    """Whether the layer belongs to the one before it: it has no step of its own."""
    if isinstance(layer, Followers):
        return not isinstance(layer, GlobalAveragePool2D)
    return not isinstance(layer, Dense) and len(layer.output_shape) == 1 and layer.output_shape == layer.input_shape


def is_activation(layer: Layer) -> bool:
    """Whether the layer is one of the activation functions."""
    return isinstance(layer, tuple(ACTIVATIONS.values()))


def convolutions(network: Network) -> list[Conv2D]:
    """The network's convolutions, from the first to the last."""
    return [layer for layer in network.layers if isinstance(layer, Conv2D)]


def image_shape(network: Network) -> tuple[int, int] | None:
    """Height and width of the network's input if it can be drawn as one picture, else None."""
    shape = network.input_shape
    if len(shape) in (2, 3) and math.prod(shape[2:]) == 1:
        return shape[0], shape[1]
    side = math.isqrt(math.prod(shape))
    return (side, side) if len(shape) == 1 and side > 3 and side * side == shape[0] else None
