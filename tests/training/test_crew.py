"""Several hands do what one would have done; whatever happens to one of them, the network stays whole.

All trainings here are shared between processes, however small they are, but where a test says otherwise.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from inkling import nn
from inkling.errors import InklingError
from inkling.training import Callback, EarlyStopping, Trainer, TrainingDiverged, crew
from inkling.training.crew import Crew, can_fork
from inkling.training.memory import own_memory_mb, shared
from inkling.training.samples import Arrays

pytestmark = [
    pytest.mark.usefixtures("eager_hands"),
    pytest.mark.skipif(not can_fork(), reason="here one hand does all the work"),
]

DEFAULTS = {name: getattr(crew, name) for name in ("WORTH_FORKING", "WORTH_MEETING")}
MAIN = os.getpid()
SEVERAL = [2, 3]


@pytest.fixture(autouse=True)
def processes(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The processes that were started; when the test is over, none of them exists, not even as a zombie."""
    started: list[int] = []
    original = crew.Worker.__init__

    def noting(worker: crew.Worker, *arguments: Any) -> None:
        original(worker, *arguments)
        started.append(worker.process.pid)

    monkeypatch.setattr(crew.Worker, "__init__", noting)
    yield started
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.fixture
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hands look after each other often, so that tests of accidents are quick."""
    monkeypatch.setattr(crew, "AWAKE", 0.05)


class Call(Callback):
    """Calls `batch_end`, `epoch_end`, … with the trainer."""

    def __init__(self, **functions: Any) -> None:
        for name, function in functions.items():
            setattr(self, f"_{name}", function)

    def on_train_begin(self, trainer: Trainer) -> None:
        getattr(self, "_begin", lambda _: None)(trainer)

    def on_batch_end(self, trainer: Trainer) -> None:
        getattr(self, "_batch_end", lambda _: None)(trainer)

    def on_epoch_end(self, trainer: Trainer) -> None:
        getattr(self, "_epoch_end", lambda _: None)(trainer)

    def on_train_end(self, trainer: Trainer) -> None:
        getattr(self, "_end", lambda _: None)(trainer)


def deep(*first: nn.Layer, dropout: float = 0.0, last: tuple[nn.Layer, ...] = (), **settings: Any) -> nn.Network:
    """36-12-8-4 in float64."""
    layers = [*first, nn.Dense(12), nn.ReLU(), nn.Dropout(dropout), nn.Dense(8), nn.Tanh(), nn.Dropout(dropout)]
    return nn.Network([*layers, nn.Dense(4), *last], input_shape=(6, 6), **{"dtype": np.float64, **settings})


def train(
    data: tuple[np.ndarray, np.ndarray],
    threads: int,
    *callbacks: Callback,
    network: Any = deep,
    optimizer: Any = lambda: nn.SGD(0.1),
    **fit: Any,
) -> Trainer:
    trainer = Trainer(network(), optimizer(), callbacks=callbacks, threads=threads)
    trainer.fit(data, **{"epochs": 2, "batch_size": 24, **fit})
    assert trainer.crew.hands == threads
    return trainer


def assert_alike(one: Trainer, other: Trainer, rtol: float = 1e-10, atol: float = 1e-12) -> None:
    """Parameters, gradients, what the optimizer remembers, history: but for rounding, all the same."""
    close = {"rtol": rtol, "atol": atol}
    np.testing.assert_allclose(other.network.parameters, one.network.parameters, **close)
    np.testing.assert_allclose(other.network.gradients, one.network.gradients, **close)
    assert other.optimizer.state.keys() == one.optimizer.state.keys()
    for name, vector in one.optimizer.state.items():
        np.testing.assert_allclose(other.optimizer.state[name], vector, **close, err_msg=name)
    assert other.optimizer.steps == one.optimizer.steps == one.step == other.step
    assert other.network.random_state() == one.network.random_state()
    assert other.history["train_loss"] == pytest.approx(one.history["train_loss"], rel=rtol)
    assert other.history["train_accuracy"] == one.history["train_accuracy"]
    if one.validation is not None:
        assert other.history["validation_loss"] == pytest.approx(one.history["validation_loss"], rel=rtol)


# How many there are makes no difference.

OPTIMIZERS = [
    lambda: nn.SGD(0.1),
    lambda: nn.SGD(0.05, momentum=0.9),
    lambda: nn.SGD(nn.WarmUp(nn.Cosine(0.05), 1), momentum=0.9, nesterov=True),
    lambda: nn.RMSprop(1e-3),
    lambda: nn.Adam(0.01),
    lambda: nn.AdamW(0.01, weight_decay=0.3),
    lambda: nn.SGD(0.1, clip_norm=0.05),
    lambda: nn.SGD(0.1, clip_norm=1e6),
    lambda: nn.AdamW(0.01, clip_norm=0.3),
]


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda make: repr(make()))
def test_with_every_optimizer(patterns, optimizer, threads):
    settings = {"network": lambda: deep(dropout=0.3, l2=1e-3), "optimizer": optimizer}
    assert_alike(*(train(patterns(107), hands, **settings) for hands in (1, threads)))


NETWORKS = {
    "plain": deep,
    "dropout": lambda: deep(dropout=0.5),
    "l2": lambda: deep(l2=0.05),
    "sums": lambda: deep(loss=nn.SoftmaxCrossEntropy("sum"), l2=0.1),
    "label smoothing": lambda: deep(loss=nn.SoftmaxCrossEntropy(label_smoothing=0.2)),
    "sigmoid and squares": lambda: deep(last=(nn.Sigmoid(),), loss=nn.MeanSquaredError("sum")),
    "yes or no": lambda: deep(loss=nn.SigmoidBinaryCrossEntropy()),
    "flatten first": lambda: deep(nn.Flatten()),
    "tanh first": lambda: deep(nn.Tanh()),
    "dropout first": lambda: deep(nn.Dropout(0.2), dropout=0.3),
    "a single layer": lambda: nn.Network([nn.Dense(4)], input_shape=(6, 6), dtype=np.float64),
    "fewer parameters than a part holds": lambda: nn.Network([nn.Dense(4)], input_shape=2, dtype=np.float64),
}


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("kind", NETWORKS)
def test_with_every_kind_of_network(patterns, kind, threads):
    network, (images, labels) = NETWORKS[kind], patterns(107)
    if network().input_shape == (2,):
        images = images.reshape(107, 36)[:, :2]
    rate = 0.005 if network().loss.reduction == "sum" else 0.1
    settings = {"network": network, "optimizer": lambda: nn.SGD(rate, momentum=0.5)}
    assert_alike(*(train((images, labels), hands, **settings) for hands in (1, threads)))


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("count", "batch_size"),
    [(96, 24), (97, 24), (98, 24), (119, 24), (100, 100), (100, None), (2600, None), (2600, 1500), (2600, 2599)],
)
def test_with_every_size_of_batch_and_rest(patterns, count, batch_size, shuffle, threads):
    """97: the last batch is a single sample, and some hands have nothing to do. 2600: several blocks a hand."""
    settings = {"network": lambda: deep(dropout=0.4), "batch_size": batch_size, "shuffle": shuffle}
    assert_alike(*(train(patterns(count), hands, **settings) for hands in (1, threads)))


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("images", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shuffle", [True, False])
def test_with_every_dtype(patterns, dtype, images, shuffle, threads):
    pixels, labels = patterns(97)
    data = (pixels if images == np.uint8 else (pixels / 255).astype(images)), labels
    settings = {"network": lambda: deep(dropout=0.2, dtype=dtype), "shuffle": shuffle, "validation": patterns(40, 1)}
    one, several = (train(data, hands, optimizer=lambda: nn.SGD(0.1, 0.5), **settings) for hands in (1, threads))
    assert several.network.parameters.dtype == dtype
    assert_alike(one, several, *((1e-4, 1e-6) if dtype == np.float32 else (1e-10, 1e-12)))


def test_images_that_do_not_lie_in_one_piece(patterns):
    images, labels = patterns(107)
    wide = np.zeros((107, 8, 9), np.uint8)
    wide[:, 1:7, 2:8] = images
    assert_alike(*(train((wide[:, 1:7, 2:8], labels), hands) for hands in (1, 2)))


def test_at_most_as_many_hands_as_have_something_to_do(patterns):
    trainer = Trainer(deep(), nn.SGD(0.1), threads=50)
    trainer.fit(patterns(64), batch_size=32)
    assert trainer.crew.hands == 32 // crew.SMALLEST_SHARE
    trainer.fit(patterns(64), batch_size=crew.SMALLEST_SHARE)
    assert trainer.crew.hands == 1


# The same bits.


@pytest.mark.parametrize("threads", SEVERAL)
def test_as_many_hands_give_the_same_bits(patterns, threads):
    settings = {"network": lambda: deep(dropout=0.3, dtype=np.float32), "optimizer": lambda: nn.Adam(0.01)}
    one, other = (train(patterns(215), threads, **settings) for _ in range(2))
    np.testing.assert_array_equal(one.network.parameters, other.network.parameters)
    assert one.history["train_loss"] == other.history["train_loss"]


@pytest.mark.parametrize("step", [1, 4, 5, 7], ids="step {}".format)
@pytest.mark.parametrize("optimizer", [lambda: nn.Adam(0.01), lambda: nn.SGD(0.1, 0.9, clip_norm=0.1)])
def test_stopped_between_any_two_steps_and_resumed_it_gives_the_same_bits(patterns, optimizer, step):
    """Five steps an epoch, the last one with a single sample."""
    data, settings = patterns(97), {"network": lambda: deep(dropout=0.3), "optimizer": optimizer}
    kept = []

    def keep(trainer: Trainer) -> None:
        if trainer.step == step:
            kept.append(trainer.state())

    whole = train(data, 3, Call(batch_end=keep), **settings)
    resumed = Trainer(deep(dropout=0.3), optimizer(), threads=1)
    resumed.restore(*kept[0])
    resumed.fit(data, epochs=2, batch_size=24)
    assert resumed.crew.hands == 3
    (arrays, values), (others, other_values) = whole.state(), resumed.state()
    for name, array in arrays.items():
        np.testing.assert_array_equal(others[name], array, err_msg=name)
    assert (other_values["layers"], other_values["shuffler"]) == (values["layers"], values["shuffler"])


def test_training_twice_goes_on_where_the_first_ended(patterns):
    trainer = train(patterns(97), 2, network=lambda: deep(dropout=0.3), optimizer=lambda: nn.Adam(0.01))
    trainer.fit(patterns(97), epochs=2, batch_size=24)
    longer = train(patterns(97), 2, network=lambda: deep(dropout=0.3), optimizer=lambda: nn.Adam(0.01), epochs=4)
    np.testing.assert_array_equal(trainer.network.parameters, longer.network.parameters)


# What is left when it is over.


class Kept:
    """The arrays of a trainer, to see that they are the same ones afterwards."""

    def __init__(self, trainer: Trainer) -> None:
        self.network, self.optimizer = trainer.network, trainer.optimizer
        self.parameters, self.gradients = self.network.parameters, self.network.gradients
        self.state = dict(self.optimizer.state)
        self.before = self.parameters.copy()
        self.windows = dict(self.network.named_parameters())

    def check(self) -> None:
        assert self.network.parameters is self.parameters
        assert self.network.gradients is self.gradients
        assert self.optimizer.state.keys() == self.state.keys()
        assert all(self.optimizer.state[name] is vector for name, vector in self.state.items())
        for layer in self.network.layers:
            for name in layer.parameter_shapes():
                assert np.shares_memory(getattr(layer, name), self.parameters)
                assert np.shares_memory(getattr(layer, f"d{name}"), self.gradients)
        for name, window in self.network.named_parameters():
            np.testing.assert_array_equal(
                self.windows[name], window, err_msg="what was held before shows the new values"
            )


def test_afterwards_everything_lies_where_it_did_and_holds_what_was_learned(patterns, processes):
    trainer = Trainer(deep(), nn.Adam(0.01), threads=3)
    kept, last = Kept(trainer), []
    trainer.callbacks = [Call(epoch_end=lambda trainer: last.append(trainer.state()[0]))]
    trainer.fit(patterns(97), epochs=2, batch_size=24)
    kept.check()
    np.testing.assert_array_equal(kept.parameters, last[-1]["parameters"])
    np.testing.assert_array_equal(kept.state["mean"], last[-1]["optimizer.mean"])
    assert kept.state["mean"].any()
    assert len(processes) == 2


@pytest.mark.parametrize("moment", ["begin", "batch_end", "epoch_end", "end"])
def test_after_an_error_in_a_callback_too(patterns, processes, moment):
    def fail(trainer: Trainer) -> None:
        raise ZeroDivisionError

    trainer = Trainer(deep(), nn.Adam(0.01), callbacks=[Call(**{moment: fail})], threads=3)
    kept = Kept(trainer)
    with pytest.raises(ZeroDivisionError):
        trainer.fit(patterns(97), epochs=2, batch_size=24)
    kept.check()
    assert np.any(kept.parameters != kept.before) == (moment != "begin")
    assert len(processes) == 2


# Callbacks see, and are heeded.


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("clip_norm", [None, 0.05])
def test_callbacks_see_the_parameters_and_the_whole_gradient_of_every_step(patterns, clip_norm, threads):
    def seen(hands: int) -> list[np.ndarray]:
        pages: list[np.ndarray] = []
        watch = Call(batch_end=lambda t: pages.append(np.stack([t.network.parameters, t.network.gradients])))
        settings = {"network": lambda: deep(l2=0.05), "optimizer": lambda: nn.SGD(0.1, clip_norm=clip_norm)}
        train(patterns(97), hands, watch, **settings)
        return pages

    np.testing.assert_allclose(seen(threads), seen(1), rtol=1e-10, atol=1e-12)


def test_replicas_made_at_the_start_follow_the_training(patterns):
    twins: list[nn.Network] = []
    images, labels = patterns(97)

    def compare(trainer: Trainer) -> None:
        np.testing.assert_array_equal(twins[0].predict_proba(images), trainer.network.predict_proba(images))
        assert np.any(twins[0].parameters != deep().parameters)

    train((images, labels), 2, Call(begin=lambda t: twins.append(t.network.replica()), batch_end=compare))


CHANGES = {
    "parameters after an epoch": Call(
        epoch_end=lambda t: np.multiply(t.network.parameters, 0.5, out=t.network.parameters)
    ),
    "parameters after a step": Call(
        batch_end=lambda t: np.clip(t.network.parameters, -0.2, 0.2, out=t.network.parameters)
    ),
    "parameters at the start": Call(begin=lambda t: t.network.parameters.fill(0.01)),
    "what the optimizer remembers": Call(epoch_end=lambda t: t.optimizer.state["mean"].fill(0)),
    "the optimizer reset": Call(epoch_end=lambda t: t.optimizer.reset(t.network.parameters)),
    "the count of steps": Call(epoch_end=lambda t: setattr(t.optimizer, "steps", 100)),
    "the learning rate": Call(epoch_end=lambda t: setattr(t.optimizer, "learning_rate", 1e-4)),
}


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("change", CHANGES)
def test_what_a_callback_changes_all_hands_follow(patterns, change, threads):
    def trained(hands: int) -> Trainer:
        trainer = Trainer(deep(dropout=0.2), nn.Adam(0.01), callbacks=[CHANGES[change]], threads=hands)
        trainer.fit(patterns(97), epochs=3, batch_size=24)
        return trainer

    one, several = trained(1), trained(threads)
    np.testing.assert_allclose(several.network.parameters, one.network.parameters, rtol=1e-9, atol=1e-11)
    for name, vector in one.optimizer.state.items():
        np.testing.assert_allclose(several.optimizer.state[name], vector, rtol=1e-9, atol=1e-11, err_msg=name)
    assert several.optimizer.steps == one.optimizer.steps
    plain = train(patterns(97), 1, network=lambda: deep(dropout=0.2), optimizer=lambda: nn.Adam(0.01), epochs=3)
    assert np.any(plain.network.parameters != one.network.parameters)


def test_what_early_stopping_restores_stays(patterns):
    stopping = EarlyStopping(2)
    trainer = Trainer(deep(), nn.SGD(3.0), callbacks=[stopping], threads=2)
    kept = Kept(trainer)
    trainer.fit(patterns(97), validation=patterns(50, 1), epochs=40, batch_size=24)
    assert trainer.outcome == "stopped"
    kept.check()
    np.testing.assert_array_equal(kept.parameters, stopping.best["parameters"])


# Accidents.


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize("victim", [0, 1])
def test_a_hand_that_is_killed_ends_the_training_in_one_line(patterns, processes, victim):
    trainer = Trainer(deep(), nn.Adam(0.01), threads=3)
    kept, then = Kept(trainer), []

    def kill(trainer: Trainer) -> None:
        if trainer.step == 3:
            then.append(trainer.network.parameters.copy())
            os.kill(processes[victim], signal.SIGKILL)

    trainer.callbacks = [Call(batch_end=kill)]
    with pytest.raises(
        InklingError, match=r"process that helped .* ended .*; training\.threads=1 does without"
    ) as caught:
        trainer.fit(patterns(97), epochs=2, batch_size=24)
    assert "\n" not in str(caught.value)
    assert (trainer.outcome, trainer.step) == ("failed", 3)
    kept.check()
    np.testing.assert_array_equal(kept.parameters, then[0], err_msg="the step that failed has moved nothing")


class Faulty(nn.Identity):
    """Fails when `where` says so, the fourth time it is asked."""

    def __init__(self, where: str) -> None:
        self.where, self.times = where, 0

    def forward(self, x: np.ndarray, *, training: bool) -> np.ndarray:
        self.times += training
        if self.times == 4 and self.where in ("anywhere", "here" if os.getpid() == MAIN else "elsewhere"):
            raise ArithmeticError("two and two are five")
        return x


@pytest.mark.usefixtures("awake")
@pytest.mark.parametrize(
    ("where", "raised"), [("elsewhere", InklingError), ("here", ArithmeticError), ("anywhere", ArithmeticError)]
)
def test_a_hand_that_fails_ends_the_training_with_the_reason(patterns, processes, capfd, where, raised):
    trainer = Trainer(deep(Faulty(where)), nn.Adam(0.01), threads=3)
    kept, last = Kept(trainer), []
    trainer.callbacks = [Call(batch_end=lambda t: last.append(t.network.parameters.copy()))]
    with pytest.raises(raised, match="two and two are five") as caught:
        trainer.fit(patterns(97), epochs=2, batch_size=24)
    if where == "elsewhere":
        assert "training.threads=1 does without" in str(caught.value)
    assert "\n" not in str(caught.value)
    kept.check()
    np.testing.assert_array_equal(kept.parameters, last[-1], err_msg="the step that failed has moved nothing")
    assert (trainer.outcome, len(last), len(processes)) == ("failed", 3, 2)
    assert capfd.readouterr().err == ""


@pytest.mark.usefixtures("awake")
def test_a_hand_that_dies_after_the_last_step_is_not_missed(patterns, processes):
    def kill(trainer: Trainer) -> None:
        os.kill(processes[0], signal.SIGKILL)

    trainer = train(patterns(97), 3, Call(end=kill))
    assert trainer.outcome == "finished"
    assert_alike(train(patterns(97), 1), trainer)


@pytest.mark.parametrize("threads", SEVERAL)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_that_is_not_finite_ends_it_as_with_one_hand(patterns, capfd, dtype, threads):
    layers = [nn.Dense(12), nn.ReLU(), nn.Dense(8), nn.ReLU(), nn.Dense(4)]
    network = nn.Network(layers, input_shape=(6, 6), dtype=dtype)
    trainer = Trainer(network, nn.SGD(1e10 if dtype == np.float32 else 1e80), threads=threads)
    kept, last = Kept(trainer), [trainer.network.parameters.copy()]
    trainer.callbacks = [Call(batch_end=lambda t: last.append(t.network.parameters.copy()))]
    with pytest.raises(TrainingDiverged, match="training diverged in epoch 1, step"):
        trainer.fit(patterns(97), epochs=20, batch_size=24)
    kept.check()
    assert len(last) > 1
    np.testing.assert_array_equal(kept.parameters, last[-1])
    assert capfd.readouterr().err == ""


def python(program: str, **settings: Any) -> subprocess.Popen[str]:
    """A Python of its own that trains with three hands, and says after the first step who they are."""
    begin = """
import os, sys, time
import numpy as np
from inkling import nn
from inkling.training import Callback, Trainer, crew

crew.WORTH_FORKING = crew.WORTH_MEETING = 0
random = np.random.default_rng(0)
images, labels = random.random((240, 36)), random.integers(0, 4, 240)

class Say(Callback):
    def on_batch_end(self, trainer):
        if trainer.step == 1:
            print(*(worker.process.pid for worker in trainer.crew.workers), flush=True)

layers = [nn.Dense(12), nn.ReLU(), nn.Dropout(0.3), nn.Dense(4)]
trainer = Trainer(nn.Network(layers, input_shape=36), nn.Adam(1e-4), callbacks=[Say()], threads=3)

def fit(epochs=10**6):
    trainer.fit((images, labels), epochs=epochs, batch_size=24)
"""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", begin + program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "2"},
        **settings,
    )


def runs(pid: int) -> bool:
    """Whether the process is there and no zombie (which of an orphan only the system's first process can remove)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@needs_proc
def test_when_the_first_is_killed_the_others_go_too():
    with python("fit()") as process:
        assert process.stdout is not None
        others = [int(pid) for pid in process.stdout.readline().split()]
        assert len(others) == 2
        assert all(runs(pid) for pid in others)
        process.kill()
    until = time.monotonic() + 20
    while any(runs(pid) for pid in others) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(runs(pid) for pid in others)


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_ctrl_c_for_all_processes_ends_it_between_two_steps(number):
    """As on a terminal, where Ctrl-C reaches the whole group, or when a service manager ends a service."""
    program = """
try:
    fit()
except KeyboardInterrupt:
    print(trainer.outcome, trainer.step == trainer.optimizer.steps, np.isfinite(trainer.network.parameters).all())
    sys.exit(130)
"""
    with python(program, start_new_session=True) as process:
        assert process.stdout is not None
        others = [int(pid) for pid in process.stdout.readline().split()]
        os.killpg(process.pid, number)
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said.split(), complaints) == (130, ["interrupted", "True", "True"], "")
    assert not any(runs(pid) for pid in others)


@needs_proc
def test_a_second_ctrl_c_ends_it_at_once_and_leaves_nobody():
    program = """
class Twice(Callback):
    def on_batch_end(self, trainer):
        if trainer.step == 5:
            os.killpg(0, 2)
            os.killpg(0, 2)
trainer.callbacks.append(Twice())
try:
    fit()
except KeyboardInterrupt:
    print(trainer.outcome)
    sys.exit(130)
"""
    with python(program, start_new_session=True) as process:
        assert process.stdout is not None
        others = [int(pid) for pid in process.stdout.readline().split()]
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said.split(), complaints) == (130, ["failed"], "")
    assert not any(runs(pid) for pid in others)


# Where one hand must do.


def alone(trainer: Trainer, data: tuple[np.ndarray, np.ndarray]) -> None:
    """Train, and see that one hand did it, and did it rightly."""
    trainer.fit(data, epochs=2, batch_size=24)
    assert (trainer.crew.hands, trainer.crew.workers, trainer.crew.memory_mb) == (1, [], 0)
    np.testing.assert_array_equal(trainer.network.parameters, train(data, 1).network.parameters)


def test_in_a_thread_other_than_the_main_one_one_hand_does_all(patterns, processes):
    done: list[bool] = []

    def work() -> None:
        alone(Trainer(deep(), nn.SGD(0.1), threads=2), patterns(97))
        done.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert (done, processes) == ([True], [])


def test_in_a_process_of_a_pool_one_hand_does_all():
    program = """
from multiprocessing import get_context
def work(_):
    fit(2)
    return trainer.crew.hands
with get_context("fork").Pool(1) as pool:
    print("hands", pool.map(work, [0]))
"""
    with python(program) as process:
        said, complaints = process.communicate(timeout=60)
    assert (said.splitlines()[-1], complaints) == ("hands [1]", "")


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_where_forking_is_not_safe_one_hand_does_all(patterns, processes, monkeypatch, platform):
    monkeypatch.setattr(crew.sys, "platform", platform)
    assert Crew(deep(), nn.SGD(0.1), Arrays(*patterns(97)), 24, 2, 1).hands == 1


class NoSemaphores:
    def Semaphore(self, value: int) -> None:  # noqa: N802
        raise OSError(38, "Function not implemented")


def test_without_semaphores_one_hand_does_all(patterns, processes, monkeypatch):
    monkeypatch.setattr("multiprocessing.get_context", lambda _: NoSemaphores())
    trainer = Trainer(deep(), nn.SGD(0.1), threads=2)
    kept = Kept(trainer)
    alone(trainer, patterns(97))
    kept.check()
    assert not processes


@pytest.mark.parametrize("error", [BlockingIOError(11, "Resource temporarily unavailable"), KeyboardInterrupt()])
def test_where_the_second_process_cannot_be_started_the_first_is_sent_home(patterns, processes, monkeypatch, error):
    original = crew.Worker.__init__

    def second_fails(worker: crew.Worker, *arguments: Any) -> None:
        if processes:
            raise error
        original(worker, *arguments)

    monkeypatch.setattr(crew.Worker, "__init__", second_fails)
    trainer = Trainer(deep(), nn.SGD(0.1), threads=3)
    kept, before = Kept(trainer), threadpool_info()
    if isinstance(error, OSError):
        alone(trainer, patterns(97))
    else:
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(patterns(97), batch_size=24)
    assert len(processes) == 1
    kept.check()
    assert threadpool_info() == before


def mnist_like(count: int) -> Arrays:
    return Arrays(np.zeros((count, 784), np.uint8), np.zeros(count, np.int64))


@pytest.mark.parametrize(
    ("hidden", "count", "batch_size", "epochs", "hands"),
    [
        ((128,), 60_000, 128, 5, 2),
        ((128, 64), 60_000, 64, 10, 2),
        ((800,), 60_000, 256, 1, 2),
        ((128, 64), 1_500, 32, 5, 1),  # the bundled digits: over before the others had begun
        ((128,), 60_000, 8, 10, 1),  # a batch too small to be shared
        ((8,), 60_000, 128, 10, 1),  # steps too short to wait for anybody
        ((128,), 60_000, 128, 0, 1),
    ],
)
def test_processes_are_started_only_where_they_pay(monkeypatch, hidden, count, batch_size, epochs, hands):
    for name, value in DEFAULTS.items():
        monkeypatch.setattr(crew, name, value)
    layers = [layer for units in hidden for layer in (nn.Dense(units), nn.ReLU())]
    network = nn.Network([*layers, nn.Dense(10)], input_shape=784)
    assert Crew(network, nn.SGD(0.1), mnist_like(count), batch_size, 2, epochs).hands == hands


def test_a_small_training_starts_no_process(patterns, processes, monkeypatch):
    for name, value in DEFAULTS.items():
        monkeypatch.setattr(crew, name, value)
    trainer = Trainer(deep(), nn.SGD(0.1), threads=4)
    trainer.fit(patterns(500), epochs=3, batch_size=32)
    assert (trainer.crew.hands, processes) == (1, [])


# Cores and memory.


class Count(nn.Identity):
    """Notes how many threads BLAS may use, where the first hand is and elsewhere."""

    seen = shared(np.zeros(2))

    def forward(self, x: np.ndarray, *, training: bool) -> np.ndarray:
        if training:
            self.seen[int(os.getpid() != MAIN)] = blas_threads()
        return x


def blas_threads() -> int:
    return max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)


def test_each_of_several_hands_uses_one_blas_thread_and_afterwards_all_is_as_before(patterns):
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        train(patterns(97), 2, network=lambda: deep(Count()))
        assert Count.seen.tolist() == [1, 1]
        assert blas_threads() == before


def test_a_hand_alone_lets_blas_use_the_threads_if_the_work_is_worth_it(patterns, monkeypatch):
    def used(threads: int) -> int:
        seen: list[int] = []
        Trainer(
            deep(), nn.SGD(0.1), callbacks=[Call(begin=lambda _: seen.append(blas_threads()))], threads=threads
        ).fit(patterns(50), batch_size=4)
        return seen[0]

    with threadpool_limits(2, user_api="blas"):
        most = blas_threads()
        assert used(2) == 1
        monkeypatch.setattr(crew, "WORTH_SHARING", 0)
        assert used(2) == most
        assert used(1) == 1


@pytest.mark.skipif(not own_memory_mb(), reason="the system does not tell")
def test_what_the_others_held_of_their_own_is_counted(patterns):
    assert train(patterns(97), 1).crew.memory_mb == 0
    small = train(patterns(97), 2).crew.memory_mb
    # A step takes 2000 samples a hand through 1500 neurons: three blocks of floats (z, ReLU's output and the way back).
    large = train(
        patterns(4000),
        2,
        network=lambda: nn.Network([nn.Dense(1500), nn.ReLU(), nn.Dense(4)], input_shape=(6, 6)),
        batch_size=None,
        epochs=1,
    ).crew.memory_mb
    floats = 512 * 1500 * 4 / 1e6
    assert small > 0
    assert 2 * floats < large - small < 20 * floats
