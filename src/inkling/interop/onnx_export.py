"""Networks as ONNX files, which hardly any program that runs networks cannot read: in the browser, on a phone, in C#.

A file holds everything between the pixels and the answer. Images go in as they come, uint8 from 0 (paper) to 255
(ink), and probabilities and digits come out; nobody has to know how Inkling scales pixels or what its loss makes of
outputs. What a layer becomes is said in onnx_layers.py.

The operators are those of opset 14 in a file of IR version 7, from 2021: the first in which all of them mean what they
mean today. (In opset 13, normalisation at prediction time was recognised by its number of outputs, and ONNX's own
reference implementation got it wrong.) So old runtimes read it, onnxruntime since 1.8, and new ones convert nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from inkling.errors import InklingError
from inkling.interop.onnx_layers import LAYERS, LOSSES, Draft, exact_sigmoid, nothing
from inkling.nn import MeanSquaredError, Network, Sigmoid
from inkling.nn.part import Shape
from inkling.storage import finite, write_atomically

if TYPE_CHECKING:
    import onnx

OPSET, IR_VERSION = 14, 7
SCALES = {"uint8": "0 (paper) … 255 (ink)", "float32": "0 (paper) … 1 (ink)"}
"""How pixels can be given, and what they then say."""
LARGEST = 2**31 - 2**20
"""Bytes of parameters that fit into one file: Protocol Buffers end at 2 GB."""


def to_onnx(
    network: Network, path: Path | str | None = None, *,
    input: str = "uint8",  # noqa: A002
    about: Mapping[str, Any] | None = None,
) -> onnx.ModelProto:  # fmt: skip
    """The network as an ONNX model that reads images; written to `path` too, if one is given.

    The model's one input is `images`, (batch, 28, 28) for a network of 28 × 28 pixels however it arranges them, else
    (batch, *input_shape) without a last axis of 1. `input` says how pixels are given: "uint8", 0 … 255, scaled to
    0 … 1 within the model; or "float32", taken as they are, so to be scaled before. Its outputs are `probabilities`
    (batch, classes) float32, and `digit` (batch,) int64, the most probable class. The batch may have any size.

    It computes in float32, also for a network of float64 (runtimes have no convolution for that), and agrees with
    `predict_proba` but for rounding. It is the network as it predicts: Dropout and Identity are left out. Nodes and
    tensors have the network's own names ("dense_1", "dense_1.W").
    `about` is anything worth knowing about the network (the recipe, the accuracy …), kept as the model's metadata.

    Raises InklingError if the package onnx is missing, a layer or loss is none of Inkling's own, a parameter is not
    finite, the network is too large for one file, or `path` cannot be written.
    """
    need_onnx()
    from onnx import checker, shape_inference

    if not isinstance(network, Network):
        raise InklingError(f"to_onnx takes a Network, but got {type(network).__name__}")
    if input not in SCALES:
        raise InklingError(f'input is {input!r}, but must be "uint8" or "float32"')
    if network.parameters.size * 4 > LARGEST:
        raise InklingError(f"{network.parameters.size:,} parameters are too many for one ONNX file, which ends at 2 GB")
    model = assemble(network, draw(network, input), input, dict(about or {}))
    # Shapes of all tensors go into the file, for whoever looks at it; and what the checker lets pass, all can read.
    model = shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
    checker.check_model(model, full_check=True)
    if path is not None:
        content = model.SerializeToString(deterministic=True)
        write_atomically(path, lambda beside: beside.write_bytes(content))
    return model


def need_onnx() -> None:
    """Raise InklingError, which says how to get it, unless the package onnx is installed."""
    try:
        import onnx  # noqa: F401
    except ImportError:
        raise InklingError("ONNX files need the package onnx: pip install onnx") from None


def image_shape(network: Network) -> Shape:
    """The shape of an image as a user of the file has it: 28 × 28 for a reader of digits."""
    shape = network.input_shape
    if math.prod(shape) == 28 * 28:
        return 28, 28
    return shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape


def draw(network: Network, pixels: str) -> Draft:
    """The graph from the images to the outputs `probabilities` and `digit`."""
    from onnx import TensorProto

    draft = Draft("images", image_shape(network))
    if pixels == "uint8":
        draft.add("Cast", "images.float", to=TensorProto.FLOAT)
        draft.add("Mul", "pixels", draft.constant("pixels.scale", np.float32(1 / 255)), says="0 … 255 → 0 … 1")
    last = [layer for layer in network.layers if LAYERS.get(type(layer)) is not nothing][-1:]
    for layer in network.layers:
        write = LAYERS.get(type(layer))
        if write is None:
            known = ", ".join(kind.__name__ for kind in LAYERS)
            kind = type(layer).__name__
            raise InklingError(
                f"{layer.name}: {kind} is no layer of Inkling's own, so it cannot be exported; {known} can"
            )
        if layer in last and type(layer) is Sigmoid and type(network.loss) is MeanSquaredError:
            exact_sigmoid(draft, layer.name, repr(layer))
        else:
            write(draft, layer)
    if type(network.loss) not in LOSSES:
        known = ", ".join(kind.__name__ for kind in LOSSES)
        kind = type(network.loss).__name__
        raise InklingError(f"{kind} is no loss of Inkling's own, so it cannot be exported; {known} can")
    draft.as_rows("outputs.rows")
    draft.restore_order()
    outputs = draft.now
    LOSSES[type(network.loss)](draft)
    draft.now = outputs  # as `Network.predict` does: where probabilities are rounded to 1, outputs still differ
    draft.add("ArgMax", "digit", axis=1, keepdims=0)
    return draft


def assemble(network: Network, draft: Draft, pixels: str, about: dict[str, Any]) -> onnx.ModelProto:
    """The draft with its inputs and outputs, and with everything that a reader of the file wants to know."""
    from onnx import TensorProto, helper

    from inkling import __version__

    end = helper.make_tensor_value_info
    kind = TensorProto.UINT8 if pixels == "uint8" else TensorProto.FLOAT
    images = end("images", kind, ["batch", *image_shape(network)], f"Pixels, row by row: {SCALES[pixels]}")
    classes = network.output_shape[0]
    probabilities = end("probabilities", TensorProto.FLOAT, ["batch", classes], "Of each class; a row adds up to 1")
    digit = end("digit", TensorProto.INT64, ["batch"], "The most probable class")
    name = str(about.get("recipe") or "digits")
    layers = "\n".join([f"{layer}: {what} → {shape}" for layer, what, shape, *_ in network.table()])
    graph = helper.make_graph(
        draft.nodes, name, [images], [probabilities, digit], draft.constants,
        doc_string=f"{layers}\nloss: {network.loss!r}",
    )  # fmt: skip
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION,
        producer_name="inkling", producer_version=__version__, doc_string=described(network, pixels),
    )  # fmt: skip
    facts = {key: value if isinstance(value, str) else json.dumps(finite(value)) for key, value in about.items()}
    helper.set_model_props(model, {**facts, "architecture": json.dumps(finite(network.config()))})
    return model


def described(network: Network, pixels: str) -> str:
    """What whoever opens the file has to know to use it."""
    shape = ", ".join(map(str, image_shape(network)))
    text = (
        "A neural network made with Inkling, for handwritten digits. "
        f"In: images, {pixels} (batch, {shape}), {SCALES[pixels]}. "
        f"Out: probabilities, float32 (batch, {network.output_shape[0]}), and digit, int64 (batch,)."
    )
    if image_shape(network) == (28, 28):
        text += " As in MNIST, ink is light on dark, and a digit fills 20 × 20 pixels around its centre of mass."
    silent = [layer.name for layer in network.layers if LAYERS[type(layer)] is nothing]
    return f"{text} Left out, doing nothing to a prediction: {', '.join(silent)}." if silent else text
