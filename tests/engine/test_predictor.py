"""Predictors: as the network says, for one image and for many, whoever asks and whatever it has learned meanwhile."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest
from tests.engine.conftest import HAS_NUMBA, some_images

from inkling import nn
from inkling.engine import Predictor, code_cache, predictor

LAYERS = {
    "dense": lambda: [nn.Dense(20), nn.ReLU(), nn.Dropout(0.5), nn.Dense(10)],
    "convolutional": lambda: [nn.Conv2D(5, 3), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(), nn.Dense(10)],
}
LOSSES = [nn.SoftmaxCrossEntropy(), nn.MeanSquaredError(), nn.SigmoidBinaryCrossEntropy()]


def network(layers: str = "dense", loss: nn.Loss | None = None, **settings) -> nn.Network:
    return nn.Network(LAYERS[layers](), input_shape=(10, 10, 1), loss=loss, **settings)


@pytest.fixture(params=["compiled", "without Numba"])
def everywhere(request, monkeypatch) -> None:
    """Run with compiled code and without."""
    if request.param == "compiled" and not HAS_NUMBA:
        pytest.skip("Numba is not installed: pip install 'inkling-nn[fast]'")
    if request.param != "compiled":
        monkeypatch.setitem(sys.modules, "inkling.engine.compiled.plan", None)


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("pixels", [np.uint8, np.float32, np.float64, np.int64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_says_of_any_number_of_images_what_the_network_says(layers, pixels, dtype) -> None:
    asked = network(layers, dtype=dtype)
    ready = Predictor(asked, threads=3)
    images = some_images(400, asked.input_shape).images.astype(pixels)
    if pixels != np.uint8:
        images = images / 255 if pixels != np.int64 else images % 2
    for count in (0, 1, 2, 9, ready.few, ready.few + 1, 400):
        x = images[:count]
        np.testing.assert_allclose(ready.predict_proba(x), asked.predict_proba(x), atol=1e-5)
        np.testing.assert_allclose(ready.outputs(x), asked.forward(x), atol=1e-5)
        np.testing.assert_array_equal(ready.predict(x), asked.predict(x))


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
@pytest.mark.parametrize("count", [1, 300])
def test_chances_are_those_of_the_loss(loss, count) -> None:
    asked = network(loss=loss)
    images = some_images(count, asked.input_shape).images
    asked.parameters[-10:] = np.linspace(-3, 3, 10)
    if isinstance(loss, nn.MeanSquaredError):
        asked.parameters[:] = 0  # a row that says nothing is equal chances
    chances = Predictor(asked).predict_proba(images)
    np.testing.assert_allclose(chances, asked.predict_proba(images), rtol=1e-5)
    np.testing.assert_allclose(chances.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.usefixtures("everywhere")
def test_it_follows_what_the_network_learns() -> None:
    asked = network()
    ready, images = Predictor(asked), some_images(5, asked.input_shape).images
    asked.parameters *= 2
    np.testing.assert_allclose(ready.predict_proba(images), asked.predict_proba(images), atol=1e-6)
    asked.adopt(asked.parameters + 1, state=asked.state)
    np.testing.assert_allclose(ready.predict_proba(images), asked.predict_proba(images), atol=1e-6)


@pytest.mark.usefixtures("everywhere")
def test_lists_are_images_too() -> None:
    asked = network()
    images = some_images(3, asked.input_shape).images
    np.testing.assert_array_equal(Predictor(asked).predict(list(images / 255)), asked.predict(images))


@pytest.mark.usefixtures("everywhere")
def test_outputs_that_are_no_numbers_are_no_chances() -> None:
    for loss in LOSSES:
        asked = network(loss=loss)
        asked.parameters[-1] = np.nan
        assert np.isnan(Predictor(asked).predict_proba(np.zeros((1, 10, 10, 1)))).any()


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("count", [1, 300])
def test_images_of_another_size_are_refused(count) -> None:
    ready = Predictor(network())
    with pytest.raises(nn.ShapeError, match="wants a batch of samples"):
        ready.predict_proba(np.zeros((count, 9, 10)))


def test_several_threads_may_ask_at_once() -> None:
    asked = network()
    ready, images = Predictor(asked), some_images(40, asked.input_shape).images
    expected, wrong = asked.predict_proba(images), []

    def ask(row: int) -> None:
        for _ in range(200):
            if not np.allclose(ready.predict_proba(images[row : row + 1])[0], expected[row], atol=1e-5):
                wrong.append(row)

    threads = [threading.Thread(target=ask, args=(row,)) for row in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_layer_of_ones_own_is_asked_itself() -> None:
    class Tripled(nn.Layer):
        def forward(self, x, *, training):
            return 3 * x

    asked = nn.Network([Tripled(), nn.Dense(10)], input_shape=(10, 10, 1))
    images = some_images(300, asked.input_shape).images
    np.testing.assert_allclose(Predictor(asked).predict_proba(images), asked.predict_proba(images), atol=1e-6)


@pytest.mark.skipif(not HAS_NUMBA, reason="Numba is not installed: pip install 'inkling-nn[fast]'")
def test_one_question_does_not_load_compiled_code(monkeypatch) -> None:
    class Loaded(AssertionError):
        def __getattr__(self, name: str) -> None:
            raise self

    asked = network()
    monkeypatch.setitem(sys.modules, "inkling.engine.compiled.plan", Loaded())
    monkeypatch.setattr(code_cache, "holds", lambda *_, **__: True)
    images = some_images(300, asked.input_shape).images
    with pytest.raises(Loaded):
        Predictor(asked)
    np.testing.assert_allclose(predictor.predict_proba(asked, images), asked.predict_proba(images), atol=1e-6)


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("kernel", [2, 3])
def test_pooling_does_not_hide_what_is_no_number(kernel) -> None:
    ready = Predictor(nn.Network([nn.MaxPool2D(kernel), nn.Dense(10)], input_shape=(6, 6, 1)))
    for down, across in np.ndindex(kernel, kernel):
        images = np.ones((20, 6, 6, 1), np.float32)
        images[3, down, across] = np.nan
        wrong = np.isnan(ready.outputs(images)).any(axis=1)
        np.testing.assert_array_equal(wrong.nonzero()[0], [3])
