"""How each layer is said in ONNX: the operators that do at prediction time what the layer does, and nothing more.

ONNX keeps images channel by channel, (n, channels, height, width), where Inkling keeps the channels of a pixel
together, (n, height, width, channels). Images of one channel are the same numbers in both, so MNIST's need only another
shape; others are transposed once, where the first layer wants images. They are never transposed back: where they become
rows, the numbers stand in another order, and the next layer's parameters are put into that order instead, once and for
all, when the file is written. So every file looks as if its network had been born in ONNX.

`Draft` is the graph while it is written; onnx_export.py begins and ends it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from inkling.errors import InklingError
from inkling.nn import (
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
    Loss,
    MaxPool2D,
    MeanSquaredError,
    ReLU,
    Sigmoid,
    SigmoidBinaryCrossEntropy,
    Softmax,
    SoftmaxCrossEntropy,
    Tanh,
)
from inkling.nn.part import Array, Shape
from inkling.nn.pooling import Pool2D
from inkling.nn.windows import Windowed


class Draft:
    """An ONNX graph while it is written, and how the samples stand in it after the last node.

    `now` is the tensor they are in; `axes` is its shape without the batch; `planes` says that these are channels,
    height, width. In rows, `order` tells for each place which of the network's own features stands there (None: each
    stands where it should).
    """

    def __init__(self, now: str, axes: Shape) -> None:
        self.now, self.axes = now, axes
        self.planes = False
        self.order: Array | None = None
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, name: str, *others: str, says: str = "", **attributes: Any) -> None:
        """A node that takes the samples (and other tensors) and hands them on, as a tensor of the node's name."""
        from onnx import helper

        said = says or None
        self.nodes.append(helper.make_node(operator, [self.now, *others], [name], name, said, **attributes))
        self.now = name

    def constant(self, name: str, values: Any, says: str = "") -> str:
        """Numbers that the file holds, floats as float32. Raises InklingError if one is not finite there."""
        from onnx import numpy_helper

        values = np.asarray(values)
        if values.dtype.kind == "f":
            with np.errstate(over="ignore"):
                values = values.astype(np.float32)
            if not np.isfinite(values).all():
                raise InklingError(f"{name} holds numbers that are not finite in float32, which ONNX files are made of")
        tensor = numpy_helper.from_array(np.asarray(values, order="C"), name)
        tensor.doc_string = says
        self.constants.append(tensor)
        return name

    def reshape(self, name: str, axes: Shape) -> None:
        """The same numbers with other axes. The batch keeps its size (that is what 0 says), even if it is empty."""
        self.add("Reshape", name, self.constant(f"{name}.shape", np.array([0, *axes], np.int64)))
        self.axes = axes

    def as_rows(self, name: str) -> None:
        """From here on, each sample is one row: if it takes a node, one of this name."""
        if len(self.axes) > 1:
            if self.planes and self.axes[0] > 1 and self.axes[1:] != (1, 1):
                channels, height, width = self.axes
                own = np.arange(math.prod(self.axes)).reshape(height, width, channels)
                self.order = own.transpose(2, 0, 1).ravel()
            self.add("Flatten", name, axis=1)
            self.axes = (math.prod(self.axes),)
        self.planes = False

    def as_planes(self, layer: Layer) -> None:
        """From here on, each sample is an image, channel by channel."""
        if self.planes:
            return
        height, width, channels = (*layer.input_shape, 1)[:3]
        if channels == 1:
            self.reshape(f"{layer.name}.planes", (1, height, width))
        else:
            self.as_the_network_has_them(layer)
            self.add("Transpose", f"{layer.name}.planes", perm=[0, 3, 1, 2])
            self.axes = (channels, height, width)
        self.planes = True

    def as_the_network_has_them(self, layer: Layer) -> None:
        """From here on, samples that came in another shape have the axes that the layer knows them by."""
        if not self.planes and self.axes != layer.input_shape:
            self.reshape(f"{layer.name}.samples", layer.input_shape)

    def in_order(self, values: Array) -> Array:
        """What belongs to the network's features, one along the first axis, as they stand in the rows here."""
        return values if self.order is None else values[self.order]

    def restore_order(self) -> None:
        """From here on, every feature stands in its own place."""
        if self.order is not None:
            self.add("Gather", "outputs", self.constant("outputs.order", np.argsort(self.order)), axis=1)
            self.order = None


def dense(draft: Draft, layer: Dense) -> None:
    """Gemm: z = x·W + b."""
    draft.as_rows(f"{layer.name}.rows")
    says = "(inputs, units)" + (
        ""
        if draft.order is None
        else "; inputs in the order channel, row, column (Inkling's own: row, column, channel)"
    )
    weights = draft.constant(f"{layer.name}.W", draft.in_order(layer.W), says)
    draft.add("Gemm", layer.name, weights, draft.constant(f"{layer.name}.b", layer.b), says=repr(layer))
    draft.axes, draft.order = layer.output_shape, None


def conv2d(draft: Draft, layer: Conv2D) -> None:
    """Conv, with the zeros of padding="same" counted out for each side."""
    draft.as_planes(layer)
    says = "(channels, inputs, kernel height, kernel width); Inkling's own: (…, inputs, channels)"
    weights = draft.constant(f"{layer.name}.W", layer.W.transpose(3, 2, 0, 1), says)
    # What a stride leaves over at the end needs no zeros, so this may be less than none.
    below = (layer.rows - 1) * layer.down + layer.kh - layer.height - layer.top
    beyond = (layer.columns - 1) * layer.across + layer.kw - layer.width - layer.left
    pads = [layer.top, layer.left, max(below, 0), max(beyond, 0)]
    padding = {"pads": pads} if any(pads) else {}
    biases = draft.constant(f"{layer.name}.b", layer.b)
    draft.add("Conv", layer.name, weights, biases, says=repr(layer), **window(layer), **padding)
    draft.axes = layer.channels, layer.rows, layer.columns


def pool2d(operator: str) -> Callable[[Draft, Pool2D], None]:
    """MaxPool or AveragePool: here as there, pixels that fill no window are left out."""

    def write(draft: Draft, layer: Pool2D) -> None:
        draft.as_planes(layer)
        draft.add(operator, layer.name, says=repr(layer), **window(layer))
        draft.axes = layer.inputs, layer.rows, layer.columns

    return write


def window(layer: Windowed) -> dict[str, list[int]]:
    """The size of a sliding window, and its steps down and across."""
    return {"kernel_shape": [layer.kh, layer.kw], "strides": [layer.down, layer.across]}


def global_average_pool2d(draft: Draft, layer: GlobalAveragePool2D) -> None:
    """GlobalAveragePool leaves images of one pixel, which Inkling calls rows."""
    draft.as_planes(layer)
    draft.add("GlobalAveragePool", layer.name, says=repr(layer))
    draft.axes = layer.inputs, 1, 1
    draft.as_rows(f"{layer.name}.rows")


def batch_norm(draft: Draft, layer: BatchNorm) -> None:
    """BatchNormalization, which wants features or channels first; for other shapes the same, multiplied out."""
    parameters = {name: getattr(layer, name) for name in ("gamma", "beta", "running_mean", "running_variance")}
    if len(layer.input_shape) in (1, 3):
        if len(layer.input_shape) == 1:
            draft.as_rows(f"{layer.name}.rows")
        else:
            draft.as_planes(layer)
        names = [draft.constant(f"{layer.name}.{name}", draft.in_order(v)) for name, v in parameters.items()]
        draft.add("BatchNormalization", layer.name, *names, says=repr(layer), epsilon=float(layer.epsilon))
        return
    draft.as_the_network_has_them(layer)
    gamma, beta, mean, variance = (values.astype(np.float64) for values in parameters.values())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    draft.add("Mul", f"{layer.name}.scaled", draft.constant(f"{layer.name}.scale", scale), says=repr(layer))
    draft.add("Add", layer.name, draft.constant(f"{layer.name}.shift", beta - mean * scale), says=repr(layer))


def elementwise(operator: str) -> Callable[[Draft, Layer], None]:
    """An activation that looks at each number alone, whatever the axes."""

    def write(draft: Draft, layer: Layer) -> None:
        draft.add(operator, layer.name, says=repr(layer))

    return write


def leaky_relu(draft: Draft, layer: LeakyReLU) -> None:
    """The slope is ONNX's alpha."""
    draft.add("LeakyRelu", layer.name, says=repr(layer), alpha=float(layer.slope))


def softmax(draft: Draft, layer: Layer) -> None:
    """Row by row."""
    draft.as_rows(f"{layer.name}.rows")
    draft.add("Softmax", layer.name, says=repr(layer), axis=1)


def flatten(draft: Draft, layer: Layer) -> None:
    """Under the layer's own name, so that it can be found in the graph."""
    draft.as_rows(layer.name)


def nothing(draft: Draft, layer: Layer) -> None:
    """What does nothing to a prediction has no node."""


def exact_sigmoid(draft: Draft, name: str, says: str = "") -> None:
    """1 / (1 + e^−z), written out.

    Runtimes compute their Sigmoid by formulas that are off by up to 0.0000001, whatever its size: nothing within a
    network, but everything to a probability that is one small activation divided by the sum of ten small ones.
    """
    draft.add("Neg", f"{name}.negative", says=says)
    draft.add("Exp", f"{name}.exponential", says=says)
    draft.add("Add", f"{name}.denominator", draft.constant(f"{name}.one", np.ones(1, np.float32)), says=says)
    draft.add("Reciprocal", name, says=says)


def by_softmax(draft: Draft) -> None:
    """Scores become probabilities."""
    draft.add("Softmax", "probabilities", says="e^z / Σ e^z", axis=1)


def by_share(draft: Draft) -> None:
    """Activations divided by their sum; a row of zeros becomes equal chances."""
    tiny = draft.constant("probabilities.tiny", np.array([np.finfo(np.float32).tiny]))
    draft.add("Max", "probabilities.positive", tiny)
    positive = draft.now
    axes = draft.constant("probabilities.axes", np.array([1], np.int64))
    draft.add("ReduceSum", "probabilities.sum", axes, keepdims=1)
    total, draft.now = draft.now, positive
    draft.add("Div", "probabilities", total, says="a / Σ a")


def by_sigmoid(draft: Draft) -> None:
    """Each class its own question; then as above."""
    exact_sigmoid(draft, "activations", says="a = 1 / (1 + e^−z)")
    by_share(draft)


# By the very type: a user's own subclass of Dense may do something else.
LAYERS: dict[type[Layer], Callable[[Draft, Any], None]] = {
    Dense: dense, Conv2D: conv2d, MaxPool2D: pool2d("MaxPool"), AveragePool2D: pool2d("AveragePool"),
    GlobalAveragePool2D: global_average_pool2d, BatchNorm: batch_norm, ReLU: elementwise("Relu"),
    LeakyReLU: leaky_relu, Sigmoid: elementwise("Sigmoid"), Tanh: elementwise("Tanh"), Softmax: softmax,
    Flatten: flatten, Dropout: nothing, Identity: nothing,
}  # fmt: skip
LOSSES: dict[type[Loss], Callable[[Draft], None]] = {
    SoftmaxCrossEntropy: by_softmax, MeanSquaredError: by_share, SigmoidBinaryCrossEntropy: by_sigmoid,
}  # fmt: skip
