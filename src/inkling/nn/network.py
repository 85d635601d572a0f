"""The network: layers in a row, and one vector that holds everything they have learned.

The way forward calls each layer with the output of the one before; the loss compares the last output with the
labels; the way back calls them in reverse. What is learned lies in two flat vectors, `parameters` and
`gradients`, weights first and biases after them; each layer's `W`, `b`, `dW`, `db` are windows onto
these, so an optimizer never needs to know what a layer is.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from inkling.nn.layers import Layer, check_layers, describe_shape, lay_out
from inkling.nn.losses import Loss, SoftmaxCrossEntropy, check_labels
from inkling.nn.part import Array, Config, Part, Shape, ShapeError, check_between, from_config, random_stream
from inkling.nn.summary import layer_table, summary

ROWS_AT_ONCE = 512
"""How many samples a prediction takes through the layers at a time, at most: few enough to stay in the cache."""
NUMBERS_AT_ONCE = 2**21
"""How many numbers a prediction lets come out of a layer at a time: of samples that make many it takes fewer."""


class Network:
    """Layers from the input to the outputs, a loss, and their parameters.

    `layers`: in order; each object belongs to one place in one network, and stays there.
    `input_shape`: of one sample, (28, 28, 1) for MNIST; samples of that many numbers in any shape do.
    `loss`: SoftmaxCrossEntropy by default, which wants a last layer without activation. The network keeps a copy.
    `seed`: decides the first weights and what dropout drops.
    `dtype`: float32, or float64 for checking gradients.
    `l2`: λ, adds ½·λ·Σ W² to the objective and so λ·W to each dW; biases are left alone.

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
        self.layers = list(layers)
        self.input_shape: Shape = tuple(map(int, np.atleast_1d(input_shape)))
        self.loss: Loss = SoftmaxCrossEntropy() if loss is None else from_config(loss.config())
        self.seed = int(seed)
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        self.l2 = l2
        check_between("Network", "l2", l2, 0, float("inf"))
        if self.dtype not in (np.float32, np.float64):
            raise ValueError(f"Network: dtype is {self.dtype}, but must be float32 or float64")
        check_layers(self.layers)
        self._connect()
        self.adopt()
        self.initialize()
        self.reseed()

    def _connect(self) -> None:
        """Name the layers and check that each fits the one before it."""
        if not self.input_shape or min(self.input_shape) < 1:
            raise ShapeError(f"input_shape is {self.input_shape}, but needs whole numbers of at least 1")
        counts: dict[str, int] = {}
        shape = self.input_shape
        for layer in self.layers:
            kind = type(layer).__name__.lower()
            counts[kind] = counts.get(kind, 0) + 1
            layer.name = f"{kind}_{counts[kind]}"
            layer.dtype, layer.input_shape = self.dtype, shape
            layer.output_shape = shape = layer.connect(shape)
        self.output_shape = shape
        largest = max(math.prod(each) for each in (self.input_shape, *(layer.output_shape for layer in self.layers)))
        self.rows_at_once = max(min(ROWS_AT_ONCE, NUMBERS_AT_ONCE // largest), 1)
        self.own = Part()  # for work arrays that belong to no layer
        self.own.dtype = self.dtype
        self.loss.dtype = self.dtype
        self.loss.connect(self.layers[-1])

    def adopt(
        self, parameters: Array | None = None, gradients: Array | None = None, state: Array | None = None
    ) -> None:
        """Learn in these flat vectors from now on (by default new ones), and give every layer its windows on them.

        What they hold is taken as it is. A caller who wants them in a place of its own, such as memory that processes
        share, hands them in. `state`, which is kept but not learned, stays where it is by default.
        """
        learned = [(layer, name, shape) for layer in self.layers for name, shape in layer.parameter_shapes().items()]
        learned.sort(key=lambda entry: entry[1] not in entry[0].decayed)  # stable: weights first, in order
        kept = [(layer, name, shape) for layer in self.layers for name, shape in layer.state_shapes().items()]
        self.weight_count = sum(math.prod(shape) for layer, name, shape in learned if name in layer.decayed)
        size, kept_size = (sum(math.prod(shape) for *_, shape in entries) for entries in (learned, kept))
        self.parameters = np.zeros(size, self.dtype) if parameters is None else parameters
        self.gradients = np.zeros(size, self.dtype) if gradients is None else gradients
        self.state: Array = getattr(self, "state", np.zeros(kept_size, self.dtype)) if state is None else state
        self._parameters = lay_out(self.parameters, learned)
        self._gradients = lay_out(self.gradients, learned, "d")
        self._state = lay_out(self.state, kept)
        learners = [index for index, layer in enumerate(self.layers) if layer.parameter_shapes()]
        self._first_learner = learners[0] if learners else len(self.layers)

    def initialize(self) -> None:
        """Draw the first weights, from the seed. Whatever was learned is forgotten."""
        random = random_stream(self.seed, "weights")
        for layer in self.layers:
            layer.initialize(random)

    def reseed(self) -> None:
        """Start the layers' random numbers (dropout's) anew, from the seed."""
        for layer in self.layers:
            layer.reseed(random_stream(self.seed, layer.name))

    # The way forward.

    def forward(self, x: Array, *, training: bool = False) -> Array:
        """The outputs of the last layer for a batch, (batch, *output_shape), in a work array.

        They hold until the next call; `predict_proba` returns numbers that stay.
        Raises ShapeError if the samples have not the network's input shape.
        """
        x = self.enter(x)
        for layer in self.layers:
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
            return np.multiply(x, self.dtype.type(1 / 255), out=self.own.work("pixels", x.shape))
        return x if x.dtype == self.dtype else x.astype(self.dtype)

    # The way back.

    def compute_gradients(self, x: Array, labels: Array, weights: Array | None = None) -> tuple[float, float]:
        """Fill `gradients` with ∂objective/∂parameters; return (mean data loss, number right).

        With `weights` (batch,) the loss and the gradient of each sample are multiplied by its weight, and the number
        right is the sum of theirs. Weights whose mean is 1 leave the learning rate what it was.
        """
        loss, right = self.data_gradients(x, labels, weights=weights)
        self.add_l2_gradient()
        return loss, right

    def data_gradients(
        self, x: Array, labels: Array, batch: int | None = None, weights: Array | None = None
    ) -> tuple[float, float]:
        """As `compute_gradients`, without the L2 term.

        When these samples are only a block of a larger batch, `batch` is its size: the gradients of all
        blocks then add up to that of the whole. Who computes only some of the blocks skips the others.
        """
        check_labels(labels, len(x))
        outputs = self.forward(x, training=True)
        loss, right = self.loss.judge(outputs, labels, weights)
        dout = self.loss.backward(batch)
        if weights is not None:
            dout *= weights[:, np.newaxis]
        self.backward(dout)
        return loss, right

    def skip(self, samples: int) -> None:
        """Pass over so many samples of a batch: whoever computes them, those after them get the same dropout."""
        if samples:
            for layer in self.layers:
                layer.skip(samples)

    def backward(self, dout: Array) -> None:
        """From ∂objective/∂outputs of the last `forward`, fill `gradients`.

        The way back ends at the first layer that learns: how the loss changes with the pixels is nobody's business
        while training, and not asking spares the largest of the matrix products.
        """
        learners = self.layers[self._first_learner :]
        for layer in learners:
            layer.wants_dx = True
        if learners:
            learners[0].wants_dx = False
        for layer in reversed(learners):
            dout = layer.backward(dout)

    def input_gradient(self, x: Array, labels: Array) -> Array:
        """How the loss of each sample changes with each of its pixels, a fresh array of the input's shape.

        It is the loss that training descends, so against smoothed labels if the loss smooths them. Pixels count
        from 0 to 1 here. Dropout is off. `gradients` is overwritten.
        """
        outputs = self.forward(x, training=False)
        self.loss.forward(outputs, labels)
        dout = self.loss.backward(batch=1)
        for layer in reversed(self.layers):
            layer.wants_dx = True
            dout = layer.backward(dout)
        return dout.reshape(len(x), *self.input_shape).copy()

    def add_l2_gradient(self) -> None:
        """Add λ·W to the gradients of the weights."""
        self.add_l2_gradient_of(self.parameters[: self.weight_count], self.gradients[: self.weight_count])

    def add_l2_gradient_of(self, weights: Array, gradients: Array) -> None:
        """The same for some of the weights, with their gradients."""
        if self.l2:
            change = self.own.work("l2", weights.shape)
            np.multiply(weights, self.dtype.type(self.l2), out=change)
            gradients += change

    def objective(self, x: Array, labels: Array, weights: Array | None = None) -> float:
        """The number that training descends: loss against smoothed labels, mean or sum, weighted or not, plus ½·λ·Σ W².

        Dropout is on, as in training, and draws new numbers at each call.
        """
        W = self.parameters[: self.weight_count]
        outputs = self.forward(x, training=True)
        return self.loss.objective(outputs, labels, weights) + 0.5 * self.l2 * float(np.dot(W, W))

    # What it says.

    def predict_proba(self, x: Array) -> Array:
        """The probability of each class, (samples, classes), in a fresh array; each row adds up to 1."""
        x = np.asarray(x)
        if len(x) <= self.rows_at_once:  # one image is asked for more often than many: no detour for it
            return self.loss.probabilities(self.forward(x))
        probabilities = np.empty((len(x), *self.output_shape), self.dtype)
        for block in blocks(len(x), self.rows_at_once):
            self.loss.probabilities(self.forward(x[block]), out=probabilities[block])
        return probabilities

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
        """Each layer with its output for this batch, copied, dropout off."""
        x = self.enter(x)
        found = []
        for layer in self.layers:
            x = layer.forward(x, training=False)
            found.append((layer, x.copy()))
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
    def from_config(cls, config: Config) -> Network:
        """A new network as `config` describes it. Raises ValueError if the description makes no sense."""
        try:
            described = dict(config)
            layers = [from_config(layer) for layer in described.pop("layers")]
            loss = from_config(described.pop("loss"))
            if not (isinstance(loss, Loss) and all(isinstance(layer, Layer) for layer in layers)):
                raise TypeError("layers must be layers, and the loss a loss")
            return cls(layers, loss=loss, **described)
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"this describes no network: {error}") from error

    def replica(self) -> Network:
        """A twin that shares the parameters but owns its gradients and work arrays.

        For predicting in one thread while another trains. Its random numbers go on from where this one's stand.
        """
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.layers = [from_config(layer.config()) for layer in self.layers]
        twin.loss = from_config(self.loss.config())
        twin._connect()
        twin.adopt(self.parameters)
        twin.reseed()
        twin.set_random_state(self.random_state())
        return twin

    def random_state(self) -> dict[str, Any]:
        """Where each layer's random stream stands, by layer, as plain values."""
        return {layer.name: layer.random.bit_generator.state for layer in self.layers if hasattr(layer, "random")}

    def set_random_state(self, state: dict[str, Any]) -> None:
        """Put the layers' random streams back to where `random_state` saw them."""
        for layer in self.layers:
            if layer.name in state:
                layer.random.bit_generator.state = state[layer.name]

    table, summary = layer_table, summary
    """As rows of values, and as text (summary.py)."""

    def __repr__(self) -> str:
        return f"Network({self.layers!r}, input_shape={self.input_shape}, loss={self.loss!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return revive, (type(self), self.config(), self.parameters, self.state, self.random_state())


def revive(kind: type[Network], config: Config, parameters: Array, state: Array, random: dict[str, Any]) -> Network:
    """A network from what pickle and copy keep of it."""
    network = kind.from_config(config)
    network.parameters[...] = parameters
    network.state[...] = state
    network.set_random_state(random)
    return network


def blocks(count: int, size: int = ROWS_AT_ONCE) -> Iterator[slice]:
    """Consecutive slices of at most `size` that cover `count` samples."""
    return (slice(start, min(start + size, count)) for start in range(0, count, size))
