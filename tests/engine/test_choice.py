"""Which engine trains, what it says when it cannot, and that nothing but the time depends on it."""

from __future__ import annotations

import logging
import os
import subprocess
import sys

import numpy as np
import pytest
from tests.engine.conftest import needs_numba, some_images

from inkling import Trainer, nn
from inkling.engine import EngineError, choice, choose, code_cache, outputs, work_of
from inkling.errors import InklingError
from inkling.training import Callback, WeightAverage

ENGINES = ["reference", "numpy", pytest.param("compiled", marks=needs_numba)]


def small() -> nn.Network:
    return nn.Network([nn.Dense(8), nn.BatchNorm(), nn.ReLU(), nn.Dropout(0.1), nn.Dense(10)], input_shape=(6, 6))


def plan(engine: str, network: nn.Network, **settings):
    return choose(engine, network, nn.SGD(), some_images(50, network.input_shape), batch_size=10, **settings)


class Doubled(nn.Layer):
    """A layer of a user's own."""

    def forward(self, x, *, training):
        return 2 * x

    def backward(self, dout):
        return 2 * dout


@pytest.mark.parametrize(("told", "expected"), [("1", 1), ("0", 1), ("999", None), ("", None), ("many", None)])
def test_omp_num_threads_says_how_many_cores_to_use_at_most(told, expected, monkeypatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cores = choice.available_threads()
    monkeypatch.setenv("OMP_NUM_THREADS", told)
    assert choice.available_threads() == (cores if expected is None else expected)


def test_a_short_training_is_not_worth_loading_compiled_code() -> None:
    chosen = plan("auto", small())
    assert chosen.name == "numpy"
    assert "too short" in chosen.why


@needs_numba
def test_a_long_training_takes_compiled_code() -> None:
    chosen = plan("auto", small(), epochs=10**9)
    assert (chosen.name, chosen.why) == ("compiled", "")


@needs_numba
def test_nothing_is_compiled_for_a_training_that_is_over_sooner(monkeypatch) -> None:
    monkeypatch.setattr(code_cache, "holds", lambda *_, **__: False)
    epochs = int(choice.WORTH_LOADING / work_of(small()) / 50 * 2)
    assert "sooner than its code would be compiled" in plan("auto", small(), epochs=epochs).why
    monkeypatch.setattr(code_cache, "holds", lambda *_, **__: True)
    assert plan("auto", small(), epochs=epochs).name == "compiled"


def test_without_numba_one_line_says_what_it_would_bring(monkeypatch) -> None:
    monkeypatch.setattr(choice.importlib.util, "find_spec", lambda _: None)
    chosen = plan("auto", small(), epochs=10**9)
    assert chosen.name == "numpy"
    assert "pip install 'inkling-nn[fast]'" in chosen.why


@needs_numba
def test_a_layer_of_ones_own_falls_back_to_the_next_engine_by_name() -> None:
    network = nn.Network([nn.Dense(8), Doubled(), nn.Dense(10)], input_shape=(6, 6))
    chosen = plan("auto", network, epochs=10**9)
    assert chosen.name == "numpy"
    assert "Doubled" in chosen.why
    with pytest.raises(EngineError, match="Doubled"):
        plan("compiled", network)


def test_an_engine_that_cannot_is_refused_in_one_line() -> None:
    network = nn.Network([nn.Dense(8), Doubled(), nn.Dense(10)], input_shape=(6, 6))
    images = some_images(20, (6, 6))
    with pytest.raises(InklingError, match=r'engine "compiled" cannot train this network.*training.engine="auto"'):
        Trainer(network, nn.SGD(), engine="compiled").fit((images.images, images.labels))
    with pytest.raises(ValueError, match="engine is 'fast', but can be auto, compiled, numpy, reference"):
        Trainer(network, nn.SGD(), engine="fast")


@needs_numba
def test_a_cache_that_cannot_be_written_costs_the_compiled_engine_and_nothing_else(tmp_path) -> None:
    blocked = tmp_path / "cache"
    blocked.write_text("a file where a folder should be")
    code = (
        "from inkling.engine import choose; from inkling import nn; from tests.engine.conftest import some_images\n"
        "network = nn.Network([nn.Dense(8), nn.Dense(10)], input_shape=(6, 6))\n"
        "plan = choose('auto', network, nn.SGD(), some_images(9, (6, 6)), batch_size=3, epochs=10**11)\n"
        "print(plan.name, plan.why)"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(blocked), "LOCALAPPDATA": str(blocked), "HOME": str(blocked)}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.startswith("numpy not compiled: ")
    assert str(blocked) in said.stdout


@needs_numba
def test_compiling_is_said_in_one_line(monkeypatch, caplog) -> None:
    monkeypatch.setattr(code_cache, "holds", lambda *_, **__: False)
    with caplog.at_level(logging.INFO, "inkling"), plan("compiled", small()):
        pass
    assert [record.message for record in caplog.records] == [
        "compiling the engine for this machine, once: some ten seconds …"
    ]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("layers", ["dense", "convolutional"])
def test_every_engine_answers_the_same(engine, layers, monkeypatch) -> None:
    shape = (10, 10, 1)
    network = small() if layers == "dense" else nn.Network(
        [nn.Conv2D(5, 3, padding="same"), nn.BatchNorm(), nn.ReLU(), nn.MaxPool2D(), nn.Dense(10)], input_shape=shape
    )  # fmt: skip
    network.state[...] = np.linspace(0.5, 1.5, len(network.state))
    x = some_images(700, network.input_shape).images
    monkeypatch.setattr(choice, "WORTH_LOADING", 0 if engine == "compiled" else float("inf"))
    monkeypatch.setattr(code_cache, "holds", lambda *_, **__: True)
    np.testing.assert_allclose(outputs(network, x, 3), network.forward(x), rtol=1e-4, atol=1e-5)
    assert outputs(network, x[:1]).shape == (1, 10)


class Pause(Callback):
    """Stops a training in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, trainer) -> None:
        if trainer.step == self.step:
            trainer.stop(now=True)


@pytest.mark.parametrize("engine", ENGINES)
def test_resumed_in_the_middle_of_an_epoch_is_as_if_never_stopped(engine) -> None:
    images = some_images(50, (6, 6))

    def trainer(*more: Callback) -> Trainer:
        callbacks = [*more, WeightAverage(0.9)]
        return Trainer(small(), nn.Adam(), callbacks=callbacks, threads=3, engine=engine)

    def fit(which: Trainer) -> Trainer:
        which.fit((images.images, images.labels), epochs=3, batch_size=8)
        return which

    whole, paused = fit(trainer()), fit(trainer(Pause(9)))
    resumed = trainer()
    resumed.engine = "auto"
    resumed.restore(*paused.state())
    fit(resumed)
    assert resumed.plan.name == engine
    assert resumed.network.parameters.tobytes() == whole.network.parameters.tobytes()
    assert resumed.network.state.tobytes() == whole.network.state.tobytes()
    assert resumed.history["train_loss"] == whole.history["train_loss"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_training_in_another_thread_is_like_any_other(engine) -> None:
    import threading

    images, found = some_images(50, (6, 6)), []

    def train() -> None:
        trainer = Trainer(small(), nn.SGD(), threads=2, engine=engine)
        trainer.fit((images.images, images.labels), epochs=2, batch_size=10)
        found.append(trainer.network.parameters.tobytes())

    threads = [threading.Thread(target=train) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    train()
    assert len(found) == 4
    assert len(set(found)) == 1
