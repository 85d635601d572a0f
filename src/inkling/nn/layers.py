"""Layers: the steps that a batch of images takes through the network, and the way back.

Forward, a layer turns its input `x` into its output. Backward, it is told how the loss changes with
each of its outputs, `∂loss/∂output`, and answers two questions by the chain rule: how the loss changes
with its own parameters (kept in `dW`, `db`) and with its inputs (returned, for the layer before it).

The `Network` (network.py) puts the layers in a row, gives each its parameters as views into one long
vector, and calls `forward` from first to last and `backward` from last to first. Activations such as
ReLU are layers too, without parameters; they have a file of their own (activations.py).
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from inkling.nn.initializers import Initializer, initializer_named
from inkling.nn.part import Array, Part, Shape, ShapeError, check_between, check_whole
from inkling.nn.random import dropout_mask


class Layer(Part):
    """One step. Rows are samples: x is (batch, *input_shape), the output (batch, *output_shape).

    A new layer needs `forward` and `backward`, `connect` if it changes the shape or asks something of it,
    and `parameter_shapes` and `initialize` if it learns. `backward` speaks of the last batch that went `forward`.
    """

    name: str = ""
    input_shape: Shape = ()
    output_shape: Shape = ()
    decayed: ClassVar[tuple[str, ...]] = ()
    """The parameters that L2 and weight decay pull towards zero; biases are never among them."""
    key: int = 0
    """Where the layer's random numbers begin (random.py). The network sets it from its seed and the layer's name."""
    step: int = 0
    """The number of the training step, set by the network: each step draws other random numbers."""

    def connect(self, input_shape: Shape) -> Shape:
        """Check the shape that the layer before delivers, and return the shape of this one's output.

        Raises ShapeError when they don't fit.
        """
        return input_shape

    def parameter_shapes(self) -> dict[str, Shape]:
        """What the layer learns, by name; the network then sets `self.NAME` and its gradient `self.dNAME`."""
        return {}

    def state_shapes(self) -> dict[str, Shape]:
        """What the layer keeps beside, by name, and nobody learns: running means and the like. Saved all the same."""
        return {}

    def initialize(self, random: np.random.Generator) -> None:
        """Fill parameters and state with their first values."""

    def forward(self, x: Array, *, training: bool) -> Array:
        """The output for the batch x."""
        raise NotImplementedError

    def backward(self, dout: Array) -> Array:
        """From ∂loss/∂output: fill the gradients of the parameters, return ∂loss/∂x."""
        raise NotImplementedError


class Weighted(Layer):
    """A layer with weights W, whose last two axes are inputs and outputs, and biases b: Dense, Conv2D."""

    decayed = ("W",)
    initializer: str | Initializer
    W: Array
    b: Array
    dW: Array
    db: Array

    def initialize(self, random: np.random.Generator) -> None:
        # Inputs and outputs of a neuron; of a convolution, each times the area of its window.
        fan_in, fan_out = self.W.size // self.W.shape[-1], self.W.size // self.W.shape[-2]
        self.W[...] = initializer_named(self.initializer).draw(self.W.shape, fan_in, fan_out, random)
        self.b[...] = 0


class Dense(Weighted):
    """Every neuron sees every input: z = x @ W + b, with @ for the matrix product.

    Shapes: x (batch, inputs) → z (batch, units); W (inputs, units); b (units,). Images are flattened.
    With dz = ∂loss/∂z: ∂loss/∂W = xᵀ @ dz, ∂loss/∂b = Σ dz over the batch, ∂loss/∂x = dz @ Wᵀ.
    """

    def __init__(self, units: int, initializer: str | Initializer = "he") -> None:
        initializer_named(initializer)
        self.units = check_whole("Dense", "units", units)
        self.initializer = initializer

    def connect(self, input_shape: Shape) -> Shape:
        self.inputs = math.prod(input_shape)
        return (self.units,)

    def parameter_shapes(self) -> dict[str, Shape]:
        return {"W": (self.inputs, self.units), "b": (self.units,)}

    def forward(self, x: Array, *, training: bool) -> Array:
        self.x = x = x.reshape(len(x), self.inputs)
        return x @ self.W + self.b

    def backward(self, dz: Array) -> Array:
        self.dW[...] = self.x.T @ dz
        self.db[...] = dz.sum(axis=0)
        return (dz @ self.W.T).reshape(-1, *self.input_shape)


class Flatten(Layer):
    """Lay each sample out as one row: (batch, height, width, channels) → (batch, height · width · channels).

    Nothing is computed, so `backward` only restores the shape.
    """

    def connect(self, input_shape: Shape) -> Shape:
        return (math.prod(input_shape),)

    def forward(self, x: Array, *, training: bool) -> Array:
        return x.reshape(len(x), *self.output_shape)

    def backward(self, dout: Array) -> Array:
        return dout.reshape(len(dout), *self.input_shape)


class Dropout(Layer):
    """Zero each activation with probability `rate`, and scale the rest by 1 / (1 − rate), while training.

    Shapes: any → the same. The mask is 0 or 1 / (1 − rate), 1 on average, so at prediction time the layer does nothing
    ("inverted" dropout; the paper scales then, and its p is the chance to be kept, 1 − rate). The output is x times the
    mask, number by number, and so is the gradient.
    Source: Srivastava et al., 2014, "Dropout: a simple way to prevent neural networks from overfitting".
    """

    def __init__(self, rate: float) -> None:
        check_between("Dropout", "rate", rate, 0, 1, open_end=True)
        self.rate = float(rate)

    def forward(self, x: Array, *, training: bool) -> Array:
        if not training or self.rate == 0:
            self.mask = None
            return x
        self.mask = mask = dropout_mask(self.key, self.step, x.shape, self.rate).astype(x.dtype)
        return x * mask

    def backward(self, dout: Array) -> Array:
        return dout if self.mask is None else dout * self.mask


def describe_shape(shape: Shape) -> str:
    """`(28, 28, 1)` → "28×28×1"."""
    return "×".join(map(str, shape)) or "a single number"


def lay_out(vector: Array, entries: list[tuple[Layer, str, Shape]], prefix: str = "") -> dict[str, Array]:
    """Give the layers their views of a vector, one behind the other; return them by name ("dense_1.W")."""
    named: dict[str, Array] = {}
    start = 0
    for layer, name, shape in entries:
        view = vector[start : start + math.prod(shape)].reshape(shape)
        named[f"{layer.name}.{name}"] = view
        setattr(layer, f"{prefix}{name}", view)
        start += view.size
    return named


def misfit(layer: Layer, got: Shape, wanted: str) -> ShapeError:
    """The error of a layer that cannot work with the shape it is given."""
    return ShapeError(f"{layer.name or type(layer).__name__} got {describe_shape(got)}, but wants {wanted}")


def check_layers(layers: list[Layer]) -> None:
    """Raise ShapeError unless these are layer objects, none of which stands anywhere else."""
    if not layers:
        raise ShapeError("a network needs at least one layer")
    for place, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise ShapeError(f"layers[{place}] is {layer!r}, but must be a layer, such as Dense(10) or ReLU()")
        if layer.output_shape:
            raise ShapeError(f"layers[{place}], {layer!r}, belongs to another network already: make a new one for this")
    if len(set(map(id, layers))) < len(layers):
        raise ShapeError("the same layer object stands twice in the network: make a new one for each place")
