"""The network: layers in a row, and one vector that holds everything they have learned.

The forward pass calls each layer with the output of the one before; the loss compares the last output with the
labels; the backward pass calls them in reverse. What is learned lies in two flat vectors, `parameters` and
`gradients`, weights first and biases after them; each layer's `W`, `b`, `dW`, `db` are views of
these, so an optimizer never needs to know what a layer is.

This is what is computed. How it is computed fast, and by several cores, is the business of `inkling.engine`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inkling.nn.layers import Layer, check_layers, describe_shape, lay_out
from inkling.nn.losses import Loss, SoftmaxCrossEntropy, check_labels
from inkling.nn.part import Array, Config, Shape, ShapeError, check_between, from_config
from inkling.nn.random import random_key, random_stream
from inkling.nn.summary import layer_table, summary

ROWS_AT_ONCE = 512
"""How many samples a prediction takes through the layers at a time, at most: few enough to stay in the cache."""
NUMBERS_AT_ONCE = 2**21
"""How many numbers a prediction lets come out of a layer at a time: of samples that make many it takes fewer."""


class Network:
    """Layers from the input to the outputs, a loss, and their parameters.

    `layers`: in order; each object belongs to one place in one network, and stays there.
    `input_shape`: of one sample, (28, 28, 1) for MNIST; samples of that many numbers in any shape do.
    `loss`: SoftmaxCrossEntropy by default, which wants a last layer without activation.
    `seed`: decides the first weights and what dropout drops.
    `dtype`: float32, or float64 for checking gradients.
    `l2`: λ, adds ½·λ·Σ W² to the objective and so λ·W to each dW; biases are left alone.

    `step` counts the batches that the network has learned from: each of them draws random numbers of its own.
    Images of uint8 are scaled from 0…255 to 0…1 on their way in; floats are taken as they are.
    Raises ShapeError (a ValueError) if neighbours don't fit.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input_shape: Sequence[int] | int = (28, 28, 1),
        loss: Loss | None = None,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
        l2: float = 0.0,
    ) -> None:
        self._connect(layers, input_shape, loss, seed, dtype, l2)
        self.adopt()
        self.initialize()

    def _connect(
        self,
        layers: Sequence[Layer],
        input_shape: Sequence[int] | int = (28, 28, 1),
        loss: Loss | None = None,
        seed: int = 0,
        dtype: npt.DTypeLike = np.float32,
        l2: float = 0.0,
    ) -> None:
        """Name the layers, check that each fits the one before it, and see what each has to learn; no array is made."""
        self.layers = list(layers)
        self.input_shape: Shape = tuple(map(int, np.atleast_1d(input_shape)))
        self.loss: Loss = SoftmaxCrossEntropy() if loss is None else loss
        self.seed, self.step = int(seed), 0
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.l2 = check_between("Network", "l2", l2, 0, float("inf"))
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"Network: dtype is {self.dtype}, but must be float32 or float64")
        if not self.input_shape or min(self.input_shape) < 1:
            raise ShapeError(f"input_shape is {self.input_shape}, but needs whole numbers of at least 1")
        check_layers(self.layers)
        counts: dict[str, int] = {}
        shape = self.input_shape
        for layer in self.layers:
            kind = type(layer).__name__.lower()
            counts[kind] = counts.get(kind, 0) + 1
            layer.name = f"{kind}_{counts[kind]}"
            layer.key = random_key(self.seed, layer.name)
            layer.input_shape = shape
            layer.output_shape = shape = layer.connect(shape)
        self.output_shape = shape
        self.loss.connect(self.layers[-1])
        largest = max(math.prod(each) for each in (self.input_shape, *(layer.output_shape for layer in self.layers)))
        self.rows_at_once = max(min(ROWS_AT_ONCE, NUMBERS_AT_ONCE // largest), 1)
        self._learned = [
            (layer, name, shape) for layer in self.layers for name, shape in layer.parameter_shapes().items()
        ]
        self._learned.sort(key=lambda entry: entry[1] not in entry[0].decayed)  # stable: weights first, in order
        self._kept = [(layer, name, shape) for layer in self.layers for name, shape in layer.state_shapes().items()]
        self.weight_count = sum(math.prod(shape) for layer, name, shape in self._learned if name in layer.decayed)
        learners = [index for index, layer in enumerate(self.layers) if layer.parameter_shapes()]
        self.first_learner = learners[0] if learners else len(self.layers)

    def adopt(
        self, parameters: Array | None = None, gradients: Array | None = None, state: Array | None = None
    ) -> None:
        """Learn in these flat vectors from now on (by default new ones), and give every layer its views of them.

        What they hold is taken as it is. `state` is what layers keep beside, such as running means.
        """
        learned, kept = (sum(math.prod(shape) for *_, shape in group) for group in (self._learned, self._kept))
        self.parameters = np.zeros(learned, self.dtype) if parameters is None else parameters
        self.gradients = np.zeros(learned, self.dtype) if gradients is None else gradients
        self.state = np.zeros(kept, self.dtype) if state is None else state
        self._parameters = lay_out(self.parameters, self._learned)
        self._gradients = lay_out(self.gradients, self._learned, "d")
        self._state = lay_out(self.state, self._kept)

    def initialize(self) -> None:
        """Draw the first weights, from the seed. Whatever was learned is forgotten."""
        random = random_stream(self.seed, "weights")
        for layer in self.layers:
            layer.initialize(random)
        self.step = 0

    # Forward.

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The outputs of the last layer for a batch, (batch, *output_shape).

        Raises ShapeError if the samples have not the network's input shape.
        """
        x = self.enter(x)
        for layer in self.layers:
            layer.step = self.step
            x = layer.forward(x, training=training)
        return x

    def enter(self, x: Array) -> Array:
        """A batch as floats of the network's dtype and shape: uint8 becomes 0…1."""
        if x.shape[1:] != self.input_shape:
            if x.ndim < 2 or math.prod(x.shape[1:]) != math.prod(self.input_shape):
                ours = describe_shape(self.input_shape)
                raise ShapeError(f"the network wants a batch of samples of {ours}, but got an array of shape {x.shape}")
            x = x.reshape(len(x), *self.input_shape)
        if x.dtype == np.uint8:
            return x * self.dtype.type(1 / 255)
        return x if x.dtype == self.dtype else x.astype(self.dtype)

    # Backward.

    def compute_gradients(self, x: Array, labels: Array, weights: Array | None = None) -> tuple[float, float]:
        """Fill `gradients` with ∂objective/∂parameters for this batch; returns (mean data loss, number right).

        x (batch, …) uint8 or float; labels (batch,) integers. An L2 term is in the gradients, not in the loss.
        With `weights` (batch,) the loss and the gradient of each sample are multiplied by its weight, and the number
        right is the sum of theirs. Weights whose mean is 1 leave the learning rate what it was.
        """
        check_labels(labels, len(x))
        outputs = self.forward(x, training=True)
        self.step += 1
        self.backward(self.loss.gradient(outputs, labels, weights))
        self.gradients[: self.weight_count] += self.l2 * self.parameters[: self.weight_count]
        return self.loss.judge(outputs, labels, weights)

    def backward(self, dout: Array, *, to_input: bool = False) -> Array:
        """From ∂objective/∂outputs of the last `forward`, fill `gradients`, without the L2 term.

        Training stops at the first layer that learns: nobody asks how the loss changes with the pixels. With
        `to_input` it goes all the way; either way the gradient of where it ended is returned.
        """
        for layer in reversed(self.layers if to_input else self.layers[self.first_learner :]):
            dout = layer.backward(dout)
        return dout

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """How the loss of each sample changes with each of its pixels, an array of the input's shape.

        It is the loss that training descends, so against smoothed labels if the loss smooths them. Pixels count
        from 0 to 1 here. Dropout is off. `gradients` is overwritten.
        """
        dout = self.loss.gradient(self.forward(x), labels)
        if self.loss.reduction == "mean":
            dout = dout * len(x)  # each sample's own
        return self.backward(dout, to_input=True)

    def objective(self, x: Array, labels: Array, weights: Array | None = None) -> float:
        """The number that training descends: loss against smoothed labels, mean or sum, weighted or not, plus ½·λ·Σ W².

        Dropout is on, and drops what the next `compute_gradients` will drop.
        """
        W = self.parameters[: self.weight_count]
        outputs = self.forward(x, training=True)
        return self.loss.objective(outputs, labels, weights) + 0.5 * self.l2 * float(W @ W)

    # Predictions.

    def predict_proba(self, x: Array) -> Array:
        """The probability of each class, (samples, classes); each row adds up to 1."""
        x = np.asarray(x)
        if len(x) <= self.rows_at_once:  # one image is asked for more often than many: no detour for it
            return self.loss.probabilities(self.forward(x))
        parts = blocks(len(x), self.rows_at_once)
        return np.concatenate([self.loss.probabilities(self.forward(x[part])) for part in parts])

    def predict(self, x: Array) -> Array:
        """The most probable class of each sample, (samples,) int64."""
        x = np.asarray(x)
        found = [self.forward(x[block]).argmax(axis=1) for block in blocks(len(x), self.rows_at_once)]
        return np.concatenate([np.empty(0, np.int64), *found])

    def score(self, x: Array, labels: Array, weights: Array | None = None) -> tuple[float, float]:
        """(Mean data loss, number right) for any number of samples, dropout off; weighted as while training."""
        if len(x):
            check_labels(labels, len(x))
        total: float = 0
        right: float = 0
        for block in blocks(len(x), self.rows_at_once):
            outputs = self.forward(x[block])
            loss, hits = self.loss.judge(outputs, labels[block], None if weights is None else weights[block])
            total, right = total + loss * len(outputs), right + hits
        return total / max(len(x), 1), right

    def activations(self, x: Array) -> list[tuple[Layer, Array]]:
        """Each layer with its output for this batch, dropout off."""
        x = self.enter(x)
        found = []
        for layer in self.layers:
            x = layer.forward(x, training=False)
            found.append((layer, x))
        return found

    # What it is.

    def named_parameters(self) -> Iterator[tuple[str, Array]]:
        """("dense_1.W", its array), … in the order of the flat vector."""
        return iter(self._parameters.items())

    def named_gradients(self) -> Iterator[tuple[str, Array]]:
        """("dense_1.W", its gradient), … in the order of the flat vector."""
        return iter(self._gradients.items())

    def named_state(self) -> Iterator[tuple[str, Array]]:
        """("batchnorm_1.running_mean", its array), …: what is kept and saved like the parameters, but not learned."""
        return iter(self._state.items())

    def config(self) -> Config:
        """Everything but the numbers, as plain values: `Network.from_config` makes the like of it."""
        layers, loss = [layer.config() for layer in self.layers], self.loss.config()
        numbers = {"seed": self.seed, "dtype": self.dtype.name, "l2": self.l2}
        return {"layers": layers, "input_shape": list(self.input_shape), "loss": loss, **numbers}

    @classmethod
    def from_config(cls, config: Config, arrays: Mapping[str, Array] | None = None) -> Network:
        """A new network as `config` describes it, with its first weights; or with these `arrays`, by name.

        Raises ValueError if the description makes no sense, and ShapeError, before any memory is taken, if arrays
        are missing or have other shapes than the description says.
        """
        network = cls.__new__(cls)
        try:
            described = dict(config)
            layers = [from_config(layer) for layer in described.pop("layers")]
            loss = from_config(described.pop("loss"))
            if not (isinstance(loss, Loss) and all(isinstance(layer, Layer) for layer in layers)):
                raise TypeError("layers must be layers, and the loss a loss")
            network._connect(layers, loss=loss, **described)
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"this describes no network: {error}") from error
        if arrays is not None:
            network.check_arrays(arrays)
        network.adopt()
        if arrays is None:
            network.initialize()
        else:
            for name, values in {**network._parameters, **network._state}.items():
                values[...] = arrays[name]
        return network

    def check_arrays(self, arrays: Mapping[str, Array]) -> None:
        """Raise ShapeError unless the arrays hold everything that this network consists of, in its shapes."""
        expected = {f"{layer.name}.{name}": shape for layer, name, shape in (*self._learned, *self._kept)}
        if missing := expected.keys() - arrays.keys():
            raise ShapeError(f"there are no parameters {', '.join(sorted(missing))}")
        for name, shape in expected.items():
            if arrays[name].shape != shape:
                raise ShapeError(f"{name} has shape {arrays[name].shape}, the architecture says {shape}")

    def replica(self) -> Network:
        """A twin that shares parameters and state, but has gradients of its own.

        For looking into a network, forward and backward, while somebody else trains it.
        """
        twin = type(self).__new__(type(self))
        layers = [layer.clone() for layer in self.layers]
        twin._connect(layers, self.input_shape, self.loss, self.seed, self.dtype, self.l2)
        twin.adopt(self.parameters, state=self.state)
        twin.step = self.step
        return twin

    table, summary = layer_table, summary
    """As rows of values, and as text (summary.py)."""

    def __repr__(self) -> str:
        return f"Network({self.layers!r}, input_shape={self.input_shape}, loss={self.loss!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        parts = [(type(part), part.arguments()) for part in (*self.layers, self.loss)]
        described = {"input_shape": self.input_shape, "seed": self.seed, "dtype": self.dtype.name, "l2": self.l2}
        return revive, (type(self), parts, described, self.parameters, self.state, self.step)


def revive(
    kind: type[Network],
    parts: list[tuple[type[Any], Config]],
    described: Config,
    parameters: Array,
    state: Array,
    step: int,
) -> Network:
    """A network from what pickle and copy keep of it: by its very classes, whatever else is called as they are."""
    *layers, loss = (part(**arguments) for part, arguments in parts)
    network = kind.__new__(kind)
    network._connect(layers, loss=loss, **described)
    network.adopt(parameters.copy(), state=state.copy())
    network.step = step
    return network


def blocks(count: int, size: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover `count` samples."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
