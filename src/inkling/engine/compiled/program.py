"""From a network to the list of instructions that the machine follows, and how much memory that takes.

Each layer becomes one instruction (machine.py says what stands in it). Its output gets a place in the workers' memory,
unless it can be written over the layer's input: activations are, where nobody needs the input any more.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from inkling.engine.compiled import dense, dense_operations, elementwise_operations, image_operations, lanes
from inkling.engine.compiled import table as t
from inkling.engine.compiled.operations import address_of
from inkling.engine.protocol import EngineError
from inkling.nn import (
    SGD,
    Adam,
    AdamW,
    AveragePool2D,
    BatchNorm,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePool2D,
    Identity,
    Layer,
    LeakyReLU,
    MaxPool2D,
    MeanSquaredError,
    Network,
    Optimizer,
    ReLU,
    RMSprop,
    Sigmoid,
    SigmoidBinaryCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)
from inkling.nn.part import Array
from inkling.nn.random import dropout_constants

OPERATIONS: dict[type[Layer], tuple[Any, Any]] = {
    Dense: (dense_operations.dense_forward, dense_operations.dense_backward),
    ReLU: (elementwise_operations.relu_forward, elementwise_operations.relu_backward),
    LeakyReLU: (elementwise_operations.leaky_relu_forward, elementwise_operations.leaky_relu_backward),
    Sigmoid: (elementwise_operations.sigmoid_forward, elementwise_operations.sigmoid_backward),
    Tanh: (elementwise_operations.tanh_forward, elementwise_operations.tanh_backward),
    Softmax: (elementwise_operations.softmax_forward, elementwise_operations.softmax_backward),
    Dropout: (elementwise_operations.dropout_forward, elementwise_operations.dropout_backward),
    Conv2D: (image_operations.convolution_forward, image_operations.convolution_backward),
    MaxPool2D: (image_operations.max_pool_forward, image_operations.max_pool_backward),
    AveragePool2D: (image_operations.average_pool_forward, image_operations.average_pool_backward),
    GlobalAveragePool2D: (image_operations.average_pool_forward, image_operations.average_pool_backward),
    BatchNorm: (image_operations.batch_norm_forward, image_operations.batch_norm_backward),
}
NOTHING: tuple[type[Layer], ...] = (Flatten, Identity)
"""Layers that compute nothing, and are no instruction."""
SIGNS, ALL = (ReLU, LeakyReLU), (Sigmoid, Tanh, Softmax)
"""Layers whose backward pass needs the signs of their outputs, which dropout leaves, or all of them."""
IN_PLACE = (*SIGNS, *ALL, Dropout)
LOSSES: dict[type, int] = {SoftmaxCrossEntropy: 0, MeanSquaredError: 1, SigmoidBinaryCrossEntropy: 2}
OPTIMIZERS: dict[type[Optimizer], int] = {SGD: 0, RMSprop: 1, Adam: 2, AdamW: 2}
WIDE = 2**15
"""Weights of a Dense layer from which on workers that learn divide its inputs instead of the samples: they would be far
to carry. So they do in the first layer."""
BLOCK = 128
"""Samples that the workers take through the layers at a time, at most; images of many channels take less (`CACHE`)."""
CACHE = 2**19
"""Numbers of a block that may come out of all layers, for each worker: 2 MB of float32, to stay in the cache."""


def check(network: Network, optimizer: Optimizer | None) -> None:
    """Raise EngineError, naming it, if there is a part that the machine does not know, such as a layer of your own."""
    parts: list[tuple[object, tuple[type, ...]]] = [(each, (*OPERATIONS, *NOTHING)) for each in network.layers]
    parts.append((network.loss, tuple(LOSSES)))
    if optimizer is not None:
        parts.append((optimizer, tuple(OPTIMIZERS)))
    for part, known in parts:
        if type(part) not in known:
            raise EngineError(f"it does not know {type(part).__name__}")


@dataclass
class Program:
    """The instructions of a network, and what the machine needs beside them. `rows`: of a block."""

    network: Network
    rows: int
    workers: int
    training: bool

    def __post_init__(self) -> None:
        layers = self.network.layers
        lines: list[list[int]] = []
        constants: list[list[float]] = []
        self.kept = self.places = self.statistics = self.sharpness = self.sums = 0
        self.most = -(-self.rows // self.workers)
        pixels = math.prod(self.network.input_shape)
        self.numbers, here, here_size = pixels * self.rows, 0, pixels
        self.room, self.largest = 1, pixels
        needed: tuple[type[Layer], ...] = ()  # who needs the numbers that lie here, on the way back
        on_pixels = True
        offsets, state_offsets = self.offsets()
        learner = self.network.first_learner
        for index, layer in enumerate(layers):
            if type(layer) in NOTHING:
                continue
            line, constant = [0] * t.INSTRUCTION, [0.0, 0.0]
            size = math.prod(layer.output_shape)
            forward, backward = OPERATIONS[type(layer)]
            if isinstance(layer, Dense) and (on_pixels or layer.W.size >= WIDE):
                line[t.PLACE] = max(self.most, dense.BAND) * 2 * (lanes.BYTES // self.network.dtype.itemsize)
                self.room = max(self.room, line[t.PLACE])
                if self.training:
                    forward, backward = dense_operations.divided_dense_forward, dense_operations.divided_dense_backward
                    line[t.DIVIDED], line[t.MASK], line[t.LIMIT] = True, self.take(size), self.take(here_size)
                    self.sums = max(self.sums, self.rows * size)
            line[t.FORWARD] = address_of(forward, self.network.dtype)
            if self.training and index >= learner:
                line[t.BACKWARD] = address_of(backward, self.network.dtype)
            line[t.INPUT], line[t.INPUTS], line[t.OUTPUTS] = here, here_size, size
            line[t.TO_INPUT] = index > learner
            line[t.ON_PIXELS] = on_pixels and skips_zeros(layer)
            on_pixels = False
            free = not needed or (needed == SIGNS and isinstance(layer, Dropout))
            if isinstance(layer, IN_PLACE) and free:
                line[t.OUTPUT] = here
            else:
                line[t.OUTPUT], needed = self.take(size), ()
            needed = next((group for group in (SIGNS, ALL) if isinstance(layer, group)), needed)
            self.describe(layer, line, constant, offsets, state_offsets)
            here, here_size = line[t.OUTPUT], size
            self.largest = max(self.largest, size)
            lines.append(line)
            constants.append(constant)
        self.lines = np.array(lines, np.int64).reshape(-1, t.INSTRUCTION)
        self.constants = np.array(constants, np.float64).reshape(-1, 2)
        self.outputs_at, self.classes, self.half = here, here_size, self.most * self.largest

    def parts(self) -> list[Array]:
        """Which parameters each worker moves, as table.py has it: its inputs of divided layers, a share of the rest."""
        found: list[list[list[int]]] = [[] for _ in range(self.workers)]
        divided = sorted(
            (line[t.W], line[t.INPUTS], line[t.OUTPUTS]) for line in self.lines.tolist() if line[t.DIVIDED]
        )
        whole, size, here = self.network.weight_count, len(self.network.parameters), 0
        for start, inputs, units in [*divided, (size, 0, 0)]:
            for first, last in ((here, min(start, whole)), (max(here, whole), start)):
                for worker in range(self.workers):
                    begin, end = dense.inputs_of(max(last - first, 0), worker, self.workers)
                    if end > begin:
                        found[worker].append([first + begin, end - begin, 1, first < whole])
            for worker in range(self.workers):
                begin, end = dense.inputs_of(inputs, worker, self.workers)
                if end > begin:
                    found[worker].append([start + begin * units, (end - begin) * units, 0, 1])
            here = start + inputs * units
        return [np.array(each, np.int64).reshape(-1, t.PART) for each in found]

    def cuts(self) -> Array:
        """The pixels where bands begin: each worker's inputs in as many bands, of at most `dense.BAND`."""
        pixels = math.prod(self.network.input_shape)
        shares = [dense.inputs_of(pixels, worker, self.workers) for worker in range(self.workers)]
        each = max(-(-(end - begin) // dense.BAND) for begin, end in shares)
        found = [min(begin + k * dense.BAND, end) for begin, end in shares for k in range(each)]
        return np.array([*found, pixels], np.int32)

    def take(self, size: int) -> int:
        """A place for so many numbers of each sample."""
        start = self.numbers
        self.numbers += -(-size * self.rows // 16) * 16
        return start

    def offsets(self) -> tuple[dict[str, int], dict[str, int]]:
        """Where every array begins in the parameters, and in the state, by name."""
        found = []
        for vector, named in (
            (self.network.parameters, self.network.named_parameters()),
            (self.network.state, self.network.named_state()),
        ):
            start = 0
            places = {}
            for name, array in named:
                places[name] = start
                start += array.size
            assert start == vector.size
            found.append(places)
        return found[0], found[1]

    def describe(
        self, layer: Layer, line: list[int], constant: list[float], offsets: dict[str, int], state: dict[str, int]
    ) -> None:
        """Write down what is particular to the layer."""
        name = layer.name
        if isinstance(layer, (Dense, Conv2D)):
            line[t.W], line[t.B] = offsets[f"{name}.W"], offsets[f"{name}.b"]
        if isinstance(layer, (Conv2D, MaxPool2D, AveragePool2D)):
            line[t.SHAPE :] = [
                layer.height, layer.width, layer.inputs, layer.kh, layer.kw, layer.down, layer.across, layer.top,
                layer.left, layer.rows, layer.columns,
            ]  # fmt: skip
        if isinstance(layer, Conv2D):
            line[t.FEATURES] = layer.channels
            line[t.PLACE] = room_for(layer, lanes.BYTES // self.network.dtype.itemsize)
            self.room = max(self.room, line[t.PLACE])
        elif isinstance(layer, MaxPool2D):
            line[t.PLACE] = self.places
            self.places += self.most * line[t.OUTPUTS]
        elif isinstance(layer, LeakyReLU):
            constant[0] = layer.slope
        elif isinstance(layer, Dropout):
            line[t.MASK], (line[t.LIMIT], constant[0]) = self.kept, dropout_constants(layer.rate)
            line[t.KEY] = int(np.uint64(layer.key).astype(np.int64))
            self.kept += self.most * line[t.OUTPUTS]
        elif isinstance(layer, BatchNorm):
            features = line[t.FEATURES] = layer.input_shape[-1]
            line[t.W], line[t.B] = offsets[f"{name}.gamma"], offsets[f"{name}.beta"]
            line[t.MASK] = self.take(line[t.OUTPUTS])
            line[t.PLACE], self.sharpness = self.sharpness, self.sharpness + features
            line[t.STATISTIC] = self.statistics
            self.statistics += 4 * features
            line[t.RUNNING] = state[f"{name}.running_mean"]
            assert state[f"{name}.running_variance"] == line[t.RUNNING] + features
            constant[:] = [layer.momentum, layer.epsilon]

    def own(self, ink: bool) -> dict[int, Array]:
        """Memory for one worker, by its place in the table; with room for lists of `ink` if those may be needed."""
        dtype, pixels = self.network.dtype, math.prod(self.network.input_shape)
        listed, rows, pixels = (self.most * pixels + 1, self.most, pixels) if ink else (1, 1, 1)
        return {
            t.SPARE: np.zeros(2 * self.half if self.training else 1, dtype),
            t.SHARPNESS: np.zeros(self.sharpness, dtype),
            t.KEPT: np.zeros(self.kept, np.uint8),
            t.PLACES: np.zeros(self.places, np.int32),
            t.ROOM: np.zeros(self.room, dtype),
            t.FIRST: np.zeros(rows * len(self.cuts()), np.int32),
            t.SUMS: np.zeros(self.sums, dtype),
            t.INK: np.zeros(listed, np.int32),
            t.AMOUNTS: np.zeros(listed, dtype),
            t.START: np.zeros(pixels + 2, np.int32),
            t.INKED: np.zeros(listed if self.training else 1, np.int32),
            t.SORTED_AMOUNTS: np.zeros(listed if self.training else 1, dtype),
        }


def skips_zeros(layer: Layer) -> bool:
    """Whether a layer that looks at pixels can pass over those that are 0."""
    return isinstance(layer, Dense) or (
        isinstance(layer, Conv2D) and layer.inputs == layer.down == layer.across == 1 and layer.kh * layer.kw > 1
    )


def room_for(layer: Conv2D, step: int) -> int:
    """How many numbers a convolution writes down on its way (convolution.py), in lanes of `step`."""

    def filled(count: int) -> int:
        return -(-count // step) * step

    wide, run, seen = filled(layer.channels), filled(layer.kw * layer.inputs), layer.kh * layer.kw * layer.inputs
    image = (layer.top + layer.height + layer.bottom) * (layer.left + layer.width + layer.right) * layer.inputs
    forward = (seen + 1) * wide + layer.columns * step + image
    backward = layer.rows * layer.columns * wide + image + run + seen * wide + layer.kh * layer.channels * run
    lines, line = layer.rows + 2 * (layer.kh - 1), (layer.columns + 2 * (layer.kw - 1)) * layer.channels
    reached = (layer.kh + 1) * filled(layer.kw * layer.channels) + lines * line
    return max(forward, backward, reached)


def rows_of_a_block(network: Network, samples: int, workers: int, *, training: bool) -> int:
    """How many samples of a batch the workers take through the layers at a time.

    While training, all of them where batch normalization couples them.
    """
    if training and any(isinstance(layer, BatchNorm) for layer in network.layers):
        return max(samples, 1)
    size = sum(math.prod(layer.output_shape) for layer in network.layers)
    return max(min(samples, BLOCK, workers * CACHE // size), 1)


def hyperparameters(optimizer: Optimizer) -> tuple[float, float, float, float]:
    """The optimizer's own constants, as optimizers.py wants them: weight decay and three more."""
    if isinstance(optimizer, SGD):
        return 0.0, float(optimizer.momentum), float(optimizer.nesterov), 0.0
    if isinstance(optimizer, RMSprop):
        return 0.0, float(optimizer.rho), 0.0, float(optimizer.epsilon)
    assert isinstance(optimizer, Adam)
    decay = optimizer.weight_decay if isinstance(optimizer, AdamW) else 0.0
    return float(decay), float(optimizer.beta1), float(optimizer.beta2), float(optimizer.epsilon)


def grey_values(dtype: Any) -> Array:
    """What each grey of uint8 counts in the network, as `Network.enter` says."""
    return np.arange(256, dtype=np.uint8) * np.dtype(dtype).type(1 / 255)
