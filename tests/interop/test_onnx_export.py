"""A network and its ONNX file say the same about every image; and the file tells whoever opens it what it is."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx.reference import ReferenceEvaluator

import inkling as ik
from inkling import nn
from inkling.errors import InklingError
from inkling.interop import to_onnx

CLOSE = 1e-5
sizes = st.integers(1, 4)
pairs = st.tuples(sizes, sizes)
around = st.sampled_from(["valid", "same"])
activations = st.one_of(
    st.sampled_from([nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Identity]).map(lambda kind: kind()),
    st.builds(nn.LeakyReLU, st.sampled_from([0, 0.01, 0.3])),
    st.builds(nn.Dropout, st.sampled_from([0.0, 0.5])),
    st.builds(nn.BatchNorm, epsilon=st.sampled_from([1, 1e-5, np.float32(1e-3)])),
)
windows = st.one_of(
    st.builds(nn.Conv2D, sizes, kernel=pairs, stride=pairs, padding=around),
    st.builds(nn.MaxPool2D, pairs, st.none() | pairs),
    st.builds(nn.AveragePool2D, pairs, st.none() | pairs),
)
endings = st.sampled_from(
    [
        (None, nn.SoftmaxCrossEntropy),
        (None, nn.SigmoidBinaryCrossEntropy),
        (nn.Sigmoid, nn.MeanSquaredError),
        (nn.Softmax, nn.MeanSquaredError),
        (nn.ReLU, nn.MeanSquaredError),
    ]
)
shapes = st.one_of(
    st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    st.tuples(st.integers(1, 9)),
    st.tuples(sizes, sizes, sizes, sizes),
    st.sampled_from([(28, 28, 1), (28, 28), (784,), (14, 14, 4), (1, 28, 28)]),
)


@st.composite
def networks(draw: Any) -> nn.Network:
    """Any network: layers that look at images as long as there are any, then others, with parameters as if learned."""
    shape = draw(shapes)
    layers: list[nn.Layer] = []

    def append(layer: nn.Layer) -> None:
        """Put the layer into the network if it fits there."""
        nonlocal out
        try:
            probe = nn.Network([layer, nn.Flatten()], input_shape=out)
        except nn.ShapeError:
            return
        out = probe.layers[0].output_shape
        layers.append(nn.from_config(layer.config()))

    out = shape
    for layer in draw(st.lists(windows | activations, max_size=5)):
        append(layer)
    if draw(st.booleans()):
        append(draw(st.sampled_from([nn.Flatten, nn.GlobalAveragePool2D]))())
    for layer in draw(st.lists(activations | st.builds(nn.Dense, st.integers(1, 6)), max_size=3)):
        append(layer)
    if len(out) > 1 or draw(st.booleans()):
        append(draw(st.sampled_from([nn.Flatten(), nn.Dense(draw(st.integers(1, 6)))])))
    last, loss = draw(endings)
    append(nn.Identity() if last is None else last())
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return as_if_learned(nn.Network(layers, input_shape=shape, loss=loss(), dtype=dtype, seed=draw(st.integers(0, 99))))


def as_if_learned(network: nn.Network) -> nn.Network:
    """No bias, mean or variance is left as simple as it began."""
    random = np.random.default_rng(network.seed)
    network.parameters += random.normal(0, 0.2, len(network.parameters)).astype(network.dtype)
    network.state += random.uniform(0, 1, len(network.state)).astype(network.dtype)
    return network


def images_for(network: nn.Network, count: int, kind: str = "uint8") -> np.ndarray:
    """Noise in the shape that the file wants."""
    shape = network.input_shape
    if np.prod(shape) == 784:
        shape = (28, 28)
    elif len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    pixels = np.random.default_rng(count).integers(0, 256, (count, *shape), dtype=np.uint8)
    return pixels if kind == "uint8" else pixels.astype(np.float32) / np.float32(255)


def ask(model: onnx.ModelProto | Path, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """onnxruntime's probabilities and digits."""
    source = str(model) if isinstance(model, Path) else model.SerializeToString()
    session = onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])
    probabilities, digits = session.run(None, {"images": images})
    assert (probabilities.dtype, digits.dtype) == (np.float32, np.int64)
    return probabilities, digits


def assert_same_answers(network: nn.Network, images: np.ndarray, answer: tuple[np.ndarray, np.ndarray]) -> None:
    """The same probabilities, and the same digits where two are not as good as equal."""
    probabilities, digits = answer
    expected, outputs = network.predict_proba(images), network.forward(images)
    assert probabilities.shape == expected.shape
    assert digits.shape == (len(images),)
    # The larger an output, the larger its rounding error; and a probability made of activations that hardly add up to
    # anything is made of such errors.
    room = CLOSE * (1 + np.abs(outputs).max(axis=1, keepdims=True))
    total = np.maximum(outputs, 0).sum(axis=1, keepdims=True)
    faint = isinstance(network.loss, nn.MeanSquaredError) and not isinstance(network.layers[-1], nn.Sigmoid)
    room = room / np.minimum(total + 1e-9, 1) if faint else room
    np.testing.assert_array_less(np.abs(probabilities - expected), np.broadcast_to(room, expected.shape))
    chosen = outputs[np.arange(len(images)), digits]
    np.testing.assert_array_less(outputs.max(axis=1) - chosen, CLOSE * (1 + np.abs(outputs).max(axis=1)))


@settings(deadline=None, max_examples=150)
@given(network=networks(), count=st.integers(0, 5), kind=st.sampled_from(["uint8", "float32"]))
def test_any_network_and_its_file_give_the_same_answers(network: nn.Network, count: int, kind: str) -> None:
    model = to_onnx(network, input=kind)
    onnx.checker.check_model(model, full_check=True)
    images = images_for(network, count, kind)
    assert_same_answers(network, images, ask(model, images))


@pytest.mark.parametrize("loss", [nn.SoftmaxCrossEntropy, nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy])
def test_another_runtime_gives_the_same_answers_too(loss: type[nn.Loss]) -> None:
    layers = [
        nn.BatchNorm(), nn.Conv2D(3, (3, 2), (2, 1), "same"), nn.LeakyReLU(), nn.MaxPool2D(2), nn.BatchNorm(),
        nn.AveragePool2D(2, 1), nn.Flatten(), nn.BatchNorm(), nn.Dense(7), nn.Tanh(), nn.Dense(5), nn.Sigmoid(),
    ]  # fmt: skip
    if loss is not nn.MeanSquaredError:
        layers.pop()
    network = as_if_learned(nn.Network(layers, input_shape=(9, 8, 2), loss=loss()))
    images = images_for(network, 4)
    reference = ReferenceEvaluator(to_onnx(network))
    assert_same_answers(network, images, tuple(reference.run(None, {"images": images})))


def test_a_row_that_comes_from_an_image_and_goes_out_as_it_is_keeps_its_order() -> None:
    layers = [nn.Conv2D(3, 2), nn.Flatten(), nn.BatchNorm(), nn.Dropout(0.5)]
    network = as_if_learned(nn.Network(layers, input_shape=(3, 4, 2)))
    images = images_for(network, 6)
    assert_same_answers(network, images, ask(to_onnx(network), images))


@pytest.mark.parametrize("loss", [nn.MeanSquaredError, nn.SigmoidBinaryCrossEntropy])
def test_a_network_that_is_sure_of_nothing_is_not_rounded_away(loss: type[nn.Loss]) -> None:
    last = [nn.Sigmoid()] if loss is nn.MeanSquaredError else []
    network = nn.Network([nn.Dense(10), *last], loss=loss())
    network.layers[0].b[...] = -15 - 7 * np.arange(10)  # activations from 3e-7 to 1e-34
    images = images_for(network, 3)
    assert_same_answers(network, images, ask(to_onnx(network), images))
    network.layers[0].b[...] = -1000  # all of them zero: ten equal chances
    np.testing.assert_allclose(ask(to_onnx(network), images)[0], 0.1, rtol=1e-6)


@pytest.mark.parametrize("count", [0, 1, 1000])
def test_a_batch_may_have_any_size(count: int) -> None:
    network = nn.Network([nn.Conv2D(2), nn.MaxPool2D(), nn.Dense(10)])
    images = images_for(network, count)
    assert_same_answers(network, images, ask(to_onnx(network), images))


@pytest.mark.parametrize("shape", [(28, 28, 1), (28, 28), (784,)])
def test_every_reader_of_digits_takes_the_same_images(shape: tuple[int, ...]) -> None:
    network = nn.Network([nn.Dense(10)], input_shape=shape)
    for kind, element in (("uint8", onnx.TensorProto.UINT8), ("float32", onnx.TensorProto.FLOAT)):
        (images,) = to_onnx(network, input=kind).graph.input
        assert images.name == "images"
        assert images.type.tensor_type.elem_type == element
        axes = [axis.dim_param or axis.dim_value for axis in images.type.tensor_type.shape.dim]
        assert axes == ["batch", 28, 28]


def test_it_can_be_opened_and_read() -> None:
    layers = [
        nn.Conv2D(4),
        nn.BatchNorm(),
        nn.ReLU(),
        nn.MaxPool2D(),
        nn.Dropout(0.3),
        nn.Dense(20),
        nn.ReLU(),
        nn.Dense(10),
    ]
    network = nn.Network(layers)
    model = to_onnx(network, about={"recipe": "conv-fast", "test_accuracy": np.float64(0.991), "seed": 3})
    graph = model.graph
    names = {node.name: node.op_type for node in graph.node}
    assert [names[layer.name] for layer in network.layers if layer.name != "dropout_1"] == [
        "Conv", "BatchNormalization", "Relu", "MaxPool", "Gemm", "Relu", "Gemm",
    ]  # fmt: skip
    assert "Transpose" not in names.values()
    assert "Dropout" not in names.values()
    numbers = {tensor.name for tensor in graph.initializer}
    assert numbers >= {name for name, _ in network.named_parameters()} | {name for name, _ in network.named_state()}
    assert {value.name for value in graph.value_info} >= {"pixels", "conv2d_1", "dense_1"}  # the shapes of all tensors
    assert [end.name for end in graph.output] == ["probabilities", "digit"]
    assert graph.name == "conv-fast"
    assert "conv2d_1: Conv2D(4) → 26×26×4" in graph.doc_string
    assert "uint8 (batch, 28, 28)" in model.doc_string
    assert "dropout_1" in model.doc_string
    assert (model.producer_name, model.producer_version) == ("inkling", ik.__version__)
    known = {entry.key: entry.value for entry in model.metadata_props}
    assert (known["recipe"], known["test_accuracy"], known["seed"]) == ("conv-fast", "0.991", "3")
    assert nn.Network.from_config(json.loads(known["architecture"])).config() == network.config()


def test_what_it_needs_is_old_enough_for_old_runtimes() -> None:
    model = to_onnx(nn.Network([nn.Dense(10)]))
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 14)]
    assert model.ir_version == 7


def test_the_weights_of_a_dense_network_are_its_own() -> None:
    network = nn.Network([nn.Dense(20), nn.ReLU(), nn.Dense(10)])
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in to_onnx(network).graph.initializer}
    for name, values in network.named_parameters():
        np.testing.assert_array_equal(tensors[name], values)


def test_a_file_is_written_whole_and_the_same_each_time(tmp_path: Path) -> None:
    network = nn.Network([nn.Dense(10)])
    one, two = tmp_path / "folder" / "one.onnx", tmp_path / "two.onnx"
    to_onnx(network, one, about={"b": 1, "a": 2})
    to_onnx(network, str(two), about={"b": 1, "a": 2})
    assert one.read_bytes() == two.read_bytes()
    images = images_for(network, 3)
    assert_same_answers(network, images, ask(one, images))
    with pytest.raises(InklingError, match="it is a folder"):
        to_onnx(network, tmp_path)


def test_the_network_is_left_as_it_was() -> None:
    network = as_if_learned(nn.Network([nn.Conv2D(2), nn.BatchNorm(), nn.Dense(10)]))
    parameters, state = network.parameters.copy(), network.state.copy()
    to_onnx(network)
    np.testing.assert_array_equal(network.parameters, parameters)
    np.testing.assert_array_equal(network.state, state)


class Doubled(nn.Dense):
    """A user's own layer."""

    def forward(self, x: np.ndarray, *, training: bool) -> np.ndarray:
        return 2 * super().forward(x, training=training)


class Peaked(nn.SoftmaxCrossEntropy):
    """A user's own loss."""


def test_what_onnx_has_no_words_for_is_named() -> None:
    with pytest.raises(InklingError, match=r"doubled_1: Doubled is no layer of Inkling's own.*Dense"):
        to_onnx(nn.Network([nn.Dense(10), Doubled(10)]))
    with pytest.raises(InklingError, match=r"Peaked is no loss of Inkling's own.*SoftmaxCrossEntropy"):
        to_onnx(nn.Network([nn.Dense(10)], loss=Peaked()))


def test_bad_input_is_told() -> None:
    network = nn.Network([nn.Dense(10)], dtype=np.float64)
    with pytest.raises(InklingError, match='input is \'float16\', but must be "uint8" or "float32"'):
        to_onnx(network, input="float16")
    with pytest.raises(InklingError, match="takes a Network, but got Dense"):
        to_onnx(nn.Dense(3))
    network.layers[0].W[3, 4] = 1e39
    with pytest.raises(InklingError, match=r"dense_1\.W holds numbers that are not finite in float32"):
        to_onnx(network)


def test_without_the_package_onnx_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InklingError, match="need the package onnx: pip install onnx"):
        to_onnx(nn.Network([nn.Dense(10)]))


MNIST_NETWORKS = {
    "dense": lambda: nn.Network([nn.Dense(64), nn.ReLU(), nn.Dropout(0.1), nn.Dense(10)]),
    "sigmoid": lambda: nn.Network([nn.Dense(30), nn.Sigmoid(), nn.Dense(10), nn.Sigmoid()], loss=nn.MeanSquaredError()),
    "conv": lambda: nn.Network(
        [
            nn.Conv2D(8, 5, padding="same"), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(2),
            nn.Conv2D(8, 3), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(2), nn.Dense(10),
        ]
    ),
}  # fmt: skip


@pytest.mark.mnist
@pytest.mark.parametrize("kind", MNIST_NETWORKS)
def test_all_test_images_are_read_alike(mnist_folder: Path, kind: str) -> None:
    digits = ik.load_data(mnist_folder)
    network = MNIST_NETWORKS[kind]()
    ik.Trainer(network, nn.Adam(3e-3), threads=1).fit(digits.train.take(slice(6_400)), epochs=1, batch_size=128)
    images = digits.test.images
    assert len(images) == 10_000
    probabilities, answers = ask(to_onnx(network), images)
    assert np.abs(probabilities - network.predict_proba(images)).max() < CLOSE
    np.testing.assert_array_equal(answers, network.predict(images))
