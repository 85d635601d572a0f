"""The training loop does what its few lines of mathematics say, and the same thing every time."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from inkling import nn
from inkling.data import Split
from inkling.errors import InklingError
from inkling.training import Callback, EarlyStopping, Trainer, TrainingDiverged, TrainingWarning


def by_hand(network, optimizer, images, labels, *, epochs, batch_size, seed):
    """What the trainer promises, written out: shuffle, cut into batches, gradients, step."""
    shuffler = nn.random_stream(seed, "shuffle")
    batches = -(-len(images) // batch_size)
    rows = []
    for epoch in range(epochs):
        order = shuffler.permutation(len(images))
        losses, rights = [], 0
        for batch in range(batches):
            picked = order[batch * batch_size : (batch + 1) * batch_size]
            loss, right = network.compute_gradients(images[picked], labels[picked])
            rate = optimizer.rate_at(epoch + batch / batches, epochs)
            optimizer.step(network.parameters, network.gradients, rate, network.weight_count)
            losses.append((loss, len(picked)))
            rights += right
        rows.append((sum(loss * n for loss, n in losses) / len(images), rights / len(images)))
    return rows


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: nn.SGD(0.1),
        lambda: nn.SGD(0.1, 0.9, nesterov=True, clip_norm=0.5),
        lambda: nn.Adam(nn.Cosine(0.01)),
        lambda: nn.AdamW(nn.OneCycle(0.01)),
        lambda: nn.RMSprop(1e-3),
    ],
)
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_training_is_the_hand_written_loop_bit_for_bit(patterns, make_network, make_optimizer, dropout):
    images, labels = patterns(107)  # 107 = 6 · 16 + 11: the last batch is a shorter one
    network, twin = make_network(dropout=dropout, l2=1e-3), make_network(dropout=dropout, l2=1e-3)
    optimizer = make_optimizer()
    optimizer.reset(twin.parameters)
    rows = by_hand(twin, optimizer, images, labels, epochs=3, batch_size=16, seed=0)

    trainer = Trainer(network, make_optimizer(), engine="reference")
    history = trainer.fit((images, labels), epochs=3, batch_size=16)

    np.testing.assert_array_equal(network.parameters, twin.parameters)
    assert history["train_loss"] == pytest.approx([loss for loss, _ in rows], rel=1e-12)
    assert history["train_accuracy"] == pytest.approx([accuracy for _, accuracy in rows], rel=1e-12)
    assert history["epoch"] == [1, 2, 3]


def test_the_seed_of_the_trainer_decides_the_order_alone(patterns, make_network):
    images, labels = patterns(50)
    network, twin = make_network(seed=1), make_network(seed=1)
    by_hand(twin, nn.SGD(0.1), images, labels, epochs=1, batch_size=8, seed=7)
    Trainer(network, nn.SGD(0.1), seed=7, engine="reference").fit((images, labels), batch_size=8)
    np.testing.assert_array_equal(network.parameters, twin.parameters)


def test_the_last_shorter_batch_is_trained_on(patterns, make_network):
    sizes = []

    class Sizes(Callback):
        def on_batch_end(self, trainer):
            sizes.append(trainer.seen)

    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[Sizes()], threads=1)
    trainer.fit(patterns(10), batch_size=4)
    assert sizes == [4, 8, 10]
    assert (trainer.batches, trainer.step) == (3, 3)


def test_without_shuffling_the_batches_come_in_order(patterns, make_network):
    images, labels = patterns(20)
    network, twin = make_network(), make_network()
    Trainer(network, nn.SGD(0.1), engine="reference").fit((images, labels), batch_size=8, shuffle=False)
    optimizer = nn.SGD(0.1)
    for start in (0, 8, 16):
        twin.compute_gradients(images[start : start + 8], labels[start : start + 8])
        optimizer.step(twin.parameters, twin.gradients, 0.1)
    np.testing.assert_array_equal(network.parameters, twin.parameters)


@pytest.mark.parametrize("count", [200, 2048, 3684])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_full_batch_is_plain_gradient_descent_however_it_is_walked(
    patterns, make_network, computing, count, reduction
):
    images, labels = patterns(count)
    rate = 0.2 if reduction == "mean" else 0.2 / count
    settings = {"dtype": np.float64, "l2": 1e-3 if reduction == "mean" else 0.0}
    network = make_network(loss=nn.SoftmaxCrossEntropy(reduction), **settings)
    twin = make_network(loss=nn.SoftmaxCrossEntropy(reduction), **settings)
    rows = []
    for _ in range(4):
        rows.append(twin.compute_gradients(images, labels))
        twin.parameters -= rate * twin.gradients

    history = Trainer(network, nn.SGD(rate), **computing).fit((images, labels), epochs=4, batch_size=None)

    np.testing.assert_allclose(network.parameters, twin.parameters, rtol=1e-9, atol=1e-12)
    assert history["train_loss"] == pytest.approx([loss for loss, _ in rows], rel=1e-9)
    assert history["train_accuracy"] == [right / count for _, right in rows]


def test_large_batches_walk_the_shorter_last_one_too(patterns, make_network, computing):
    images, labels = patterns(4196)
    network, twin = make_network(dtype=np.float64), make_network(dtype=np.float64)
    by_hand(twin, nn.SGD(0.1), images, labels, epochs=2, batch_size=2048, seed=0)
    Trainer(network, nn.SGD(0.1), **computing).fit((images, labels), epochs=2, batch_size=2048)
    np.testing.assert_allclose(network.parameters, twin.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_size", [16, None])
def test_the_same_seed_engine_and_threads_give_the_same_bits(patterns, make_network, computing, batch_size):
    data = patterns(2348)

    def trained(seed: int) -> np.ndarray:
        network = make_network(dropout=0.3, seed=seed)
        Trainer(network, nn.Adam(0.01), **computing).fit(data, epochs=2, batch_size=batch_size)
        return network.parameters

    first = trained(3)
    np.testing.assert_array_equal(first, trained(3))
    assert np.any(first != trained(4))


def test_another_seed_of_the_trainer_shuffles_in_another_way(patterns, make_network):
    data, one, other = patterns(40), make_network(), make_network()
    Trainer(one, nn.SGD(0.1), seed=1, threads=1).fit(data, batch_size=8)
    Trainer(other, nn.SGD(0.1), seed=2, threads=1).fit(data, batch_size=8)
    assert np.any(one.parameters != other.parameters)


def test_validation_is_measured_after_the_epoch_with_dropout_off(patterns, make_network):
    network, validation = make_network(dropout=0.5), patterns(300, seed=1)
    measured = []

    class Measure(Callback):
        def on_epoch_end(self, trainer):
            read = network.predict(validation[0]) == validation[1]
            chances = network.predict_proba(validation[0])[np.arange(300), validation[1]]
            measured.append((-np.log(chances).mean(), read.mean()))

    trainer = Trainer(network, nn.SGD(0.1), callbacks=[Measure()], threads=1)
    history = trainer.fit(patterns(100), validation=validation, epochs=3, batch_size=16)
    assert history["validation_loss"] == pytest.approx([loss for loss, _ in measured], rel=1e-5)
    assert history["validation_accuracy"] == [accuracy for _, accuracy in measured]


def test_without_validation_its_columns_are_none(patterns, make_network):
    history = Trainer(make_network(), nn.SGD(0.1), threads=1).fit(patterns(20))
    assert history["validation_loss"] == history["validation_accuracy"] == [None]


def test_validating_changes_nothing(patterns, make_network):
    data, watched, alone = patterns(100), make_network(dropout=0.5), make_network(dropout=0.5)
    Trainer(watched, nn.Adam(), threads=1).fit(data, validation=patterns(50, 1), epochs=2, batch_size=16)
    Trainer(alone, nn.Adam(), threads=1).fit(data, epochs=2, batch_size=16)
    np.testing.assert_array_equal(watched.parameters, alone.parameters)


def test_a_split_and_a_pair_of_arrays_are_the_same(patterns):
    random = np.random.default_rng(0)
    split = Split(random.integers(0, 256, (30, 28, 28), dtype=np.uint8), random.integers(0, 10, 30))

    def trained(data) -> np.ndarray:
        network = nn.Network([nn.Dense(10)])
        Trainer(network, nn.SGD(0.1), threads=1).fit(data, validation=data, batch_size=8)
        return network.parameters

    np.testing.assert_array_equal(trained(split), trained((split.images, split.labels)))
    np.testing.assert_array_equal(trained(split), trained((split.images.reshape(30, 784), split.labels)))


def test_fitting_twice_goes_on_where_the_first_ended(patterns, make_network):
    data, twice, once = patterns(50), make_network(dropout=0.2), make_network(dropout=0.2)
    trainer = Trainer(twice, nn.Adam(0.01), threads=1)
    trainer.fit(data, epochs=2, batch_size=8)
    second = trainer.fit(data, epochs=3, batch_size=8)
    longer = Trainer(once, nn.Adam(0.01), threads=1).fit(data, epochs=5, batch_size=8)
    np.testing.assert_array_equal(twice.parameters, once.parameters)
    assert second["train_loss"] == longer["train_loss"][2:]


def test_no_epochs_change_nothing(patterns, make_network):
    network = make_network()
    before = network.parameters.copy()
    trainer = Trainer(network, nn.Adam(), threads=1)
    history = trainer.fit(patterns(20), validation=patterns(5), epochs=0)
    assert len(history) == 0
    assert trainer.outcome == "finished"
    np.testing.assert_array_equal(network.parameters, before)


def test_a_batch_may_be_one_sample_or_larger_than_the_data(patterns, make_network):
    data = patterns(9)
    trainer = Trainer(make_network(), nn.SGD(0.05), threads=1)
    trainer.fit(data, batch_size=1)
    assert trainer.step == 9
    larger, whole = make_network(), make_network()
    Trainer(larger, nn.SGD(0.1), threads=1).fit(data, batch_size=1000)
    Trainer(whole, nn.SGD(0.1), threads=1).fit(data, batch_size=None)
    np.testing.assert_array_equal(larger.parameters, whole.parameters)


def test_a_network_learns_the_patterns(patterns, make_network):
    history = Trainer(make_network(), nn.Adam(0.01), threads=1).fit(
        patterns(400), validation=patterns(200, 1), epochs=10, batch_size=32
    )
    assert history.last.validation_accuracy > 0.98
    assert history.last.train_loss < history.epochs[0].train_loss / 4


def test_seconds_are_counted_and_add_up(patterns, make_network):
    trainer = Trainer(make_network(), nn.SGD(0.1), threads=1)
    history = trainer.fit(patterns(100), epochs=3, batch_size=8)
    assert all(seconds > 0 for seconds in history["seconds"])
    assert trainer.seconds == pytest.approx(sum(history["seconds"]))
    assert trainer.seconds <= trainer.wall_seconds


def test_what_training_leaves_undone_to_the_data(patterns, make_network):
    images, labels = patterns(60)
    before = images.copy(), labels.copy()
    Trainer(make_network(), nn.SGD(0.1), threads=1).fit((images, labels), epochs=2, batch_size=7)
    np.testing.assert_array_equal(images, before[0])
    np.testing.assert_array_equal(labels, before[1])


def test_threads_are_at_least_one(make_network):
    with pytest.raises(ValueError, match="threads is 0"):
        Trainer(make_network(), nn.SGD(), threads=0)


NAN_PIXEL = np.zeros((5, 6, 6), np.float32)
NAN_PIXEL[3, 2, 2] = np.nan
GOOD = np.zeros((5, 6, 6), np.uint8), np.array([0, 1, 2, 3, 0])


@pytest.mark.parametrize(
    ("images", "labels", "said"),
    [
        (GOOD[0], np.array([0, 1, 2, 3, 4]), r"labels run from 0 to 4, but the network has 4 classes: 0…3"),
        (GOOD[0], np.array([0, 1, -2, 3, 3]), r"labels run from -2 to 3"),
        (GOOD[0], GOOD[1].astype(float), "labels must be integers 0…3, but they are float64"),
        (GOOD[0], np.array(list("01230")), "labels must be integers"),
        (GOOD[0], GOOD[1][:4], r"5 \w+ images need as many labels"),
        (GOOD[0], np.eye(5, dtype=int), r"labels have shape \(5, 5\)"),
        (NAN_PIXEL, GOOD[1], "not finite"),
        (np.zeros((5, 7, 6), np.uint8), GOOD[1], r"wants a batch of samples of 6×6, but got an array of shape"),
        (np.zeros(36, np.uint8), np.zeros(36, int), "wants a batch of samples"),
        (np.zeros((0, 6, 6), np.uint8), np.zeros(0, int), "there are no"),
    ],
)
@pytest.mark.parametrize("part", ["training", "validation"])
def test_bad_data_is_refused_in_one_line_before_anything_happens(make_network, images, labels, said, part):
    network = make_network()
    before = network.parameters.copy()
    bad = images, labels
    told = []

    class Witness(Callback):
        def on_train_begin(self, trainer):
            told.append(trainer)

    trainer = Trainer(network, nn.SGD(0.1), callbacks=[Witness()], threads=1)
    with pytest.raises((InklingError, nn.ShapeError), match=said) as caught:
        trainer.fit(bad if part == "training" else GOOD, validation=bad if part == "validation" else None)
    assert "\n" not in str(caught.value)
    if isinstance(caught.value, InklingError):
        assert part in str(caught.value)
    assert not told
    np.testing.assert_array_equal(network.parameters, before)


@pytest.mark.parametrize(
    ("settings", "said"), [({"batch_size": 0}, "batch_size is 0"), ({"epochs": -1}, "epochs is -1")]
)
def test_impossible_settings_are_refused(make_network, settings, said):
    with pytest.raises(InklingError, match=said):
        Trainer(make_network(), nn.SGD(0.1), threads=1).fit(GOOD, **settings)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32])
def test_pixels_that_nobody_scaled_are_warned_of(patterns, make_network, dtype):
    images, labels = patterns(20)
    with pytest.warns(TrainingWarning, match=r"not normalised.*255") as caught:
        Trainer(make_network(), nn.SGD(1e-4), threads=1).fit((images.astype(dtype), labels))
    assert caught[0].filename == __file__, "the warning should point at the line that called fit"
    Trainer(make_network(), nn.SGD(1e-4), threads=1).fit((images / 255, labels))


def test_a_callback_may_stop_the_training_in_the_middle_of_an_epoch(patterns, make_network):
    class StopAt(Callback):
        def __init__(self, step):
            self.step = step

        def on_batch_end(self, trainer):
            if trainer.step == self.step:
                trainer.stop(now=True)

    whole, first = Trainer(make_network(), nn.Adam(0.01)), Trainer(make_network(), nn.Adam(0.01), callbacks=[StopAt(9)])
    whole.fit(patterns(100), epochs=2, batch_size=16)
    first.fit(patterns(100), epochs=2, batch_size=16)
    assert (first.epoch, first.batch, first.step, first.outcome) == (1, 2, 9, "interrupted")
    rest = Trainer(make_network(), nn.Adam(0.01))
    rest.restore(*first.state())
    rest.fit(patterns(100), epochs=2, batch_size=16)
    assert (rest.step, rest.outcome) == (14, "finished")
    np.testing.assert_array_equal(rest.network.parameters, whole.network.parameters)


# Whatever computes, callbacks see what is learned, and what they change is gone on from.


class Call(Callback):
    """Calls `begin`, `batch_end`, `epoch_end` or `end` with the trainer."""

    def __init__(self, **functions):
        self.functions = functions

    def call(self, name, trainer):
        self.functions.get(name, lambda _: None)(trainer)

    def on_train_begin(self, trainer):
        self.call("begin", trainer)

    def on_batch_end(self, trainer):
        self.call("batch_end", trainer)

    def on_epoch_end(self, trainer):
        self.call("epoch_end", trainer)

    def on_train_end(self, trainer):
        self.call("end", trainer)


class Kept:
    """The arrays of a trainer, to see that they are the same ones afterwards."""

    def __init__(self, trainer):
        self.network, self.optimizer = trainer.network, trainer.optimizer
        self.parameters, self.state = self.network.parameters, dict(self.optimizer.state)
        self.before, self.views = self.parameters.copy(), dict(self.network.named_parameters())

    def check(self):
        assert self.network.parameters is self.parameters
        assert self.optimizer.state.keys() == self.state.keys()
        assert all(self.optimizer.state[name] is vector for name, vector in self.state.items())
        for name, values in self.network.named_parameters():
            assert np.shares_memory(values, self.parameters)
            np.testing.assert_array_equal(self.views[name], values)


def test_afterwards_everything_lies_where_it_did_and_holds_what_was_learned(patterns, make_network, computing):
    trainer, last = Trainer(make_network(), nn.Adam(0.01), **computing), []
    kept = Kept(trainer)
    trainer.callbacks = [Call(epoch_end=lambda trainer: last.append(trainer.state()[0]))]
    trainer.fit(patterns(97), epochs=2, batch_size=24)
    assert (trainer.plan.name, trainer.threads) == tuple(computing.values())
    kept.check()
    np.testing.assert_array_equal(kept.parameters, last[-1]["parameters"])
    np.testing.assert_array_equal(kept.state["m"], last[-1]["optimizer.m"])
    assert kept.state["m"].any()


@pytest.mark.parametrize("moment", ["begin", "batch_end", "epoch_end", "end"])
def test_after_an_error_in_a_callback_too(patterns, make_network, computing, moment):
    def fail(trainer):
        raise ZeroDivisionError

    trainer = Trainer(make_network(), nn.Adam(0.01), callbacks=[Call(**{moment: fail})], **computing)
    kept = Kept(trainer)
    with pytest.raises(ZeroDivisionError):
        trainer.fit(patterns(97), epochs=2, batch_size=24)
    kept.check()
    assert np.any(kept.parameters != kept.before) == (moment != "begin")
    trainer.callbacks = []
    trainer.fit(patterns(97), batch_size=24)
    assert trainer.outcome == "finished"


def test_callbacks_see_the_parameters_of_every_step(patterns, make_network, computing):
    def seen(**how):
        pages = []
        watch = Call(batch_end=lambda trainer: pages.append(trainer.network.parameters.copy()))
        network = make_network(dropout=0.3, dtype=np.float64, l2=0.05)
        Trainer(network, nn.SGD(0.1, clip_norm=0.05), callbacks=[watch], **how).fit(patterns(97), batch_size=24)
        return pages

    np.testing.assert_allclose(seen(**computing), seen(engine="reference"), rtol=1e-9, atol=1e-12)


def test_replicas_made_at_the_start_follow_the_training(patterns, make_network, computing):
    twins, (images, labels) = [], patterns(97)

    def compare(trainer):
        np.testing.assert_array_equal(twins[0].predict_proba(images), trainer.network.predict_proba(images))
        assert np.any(twins[0].parameters != make_network().parameters)

    watch = Call(begin=lambda trainer: twins.append(trainer.network.replica()), batch_end=compare)
    Trainer(make_network(), nn.SGD(0.1), callbacks=[watch], **computing).fit((images, labels), batch_size=24)
    assert twins


CHANGES = {
    "parameters after an epoch": Call(
        epoch_end=lambda t: np.multiply(t.network.parameters, 0.5, out=t.network.parameters)
    ),
    "parameters after a step": Call(
        batch_end=lambda t: np.clip(t.network.parameters, -0.2, 0.2, out=t.network.parameters)
    ),
    "parameters at the start": Call(begin=lambda t: t.network.parameters.fill(0.01)),
    "what the optimizer remembers": Call(epoch_end=lambda t: t.optimizer.state["m"].fill(0)),
    "the optimizer reset": Call(epoch_end=lambda t: t.optimizer.reset(t.network.parameters)),
    "the count of steps": Call(epoch_end=lambda t: setattr(t.optimizer, "steps", 100)),
    "the learning rate": Call(epoch_end=lambda t: setattr(t.optimizer, "learning_rate", 1e-4)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_callback_changes_is_gone_on_from(patterns, make_network, computing, change):
    def trained(callbacks, **how):
        network = make_network(dropout=0.2, dtype=np.float64)
        trainer = Trainer(network, nn.Adam(0.01), callbacks=callbacks, **how)
        trainer.fit(patterns(97), epochs=3, batch_size=24)
        return trainer

    ours, theirs = (trained([CHANGES[change]], **how) for how in (computing, {"engine": "reference"}))
    np.testing.assert_allclose(ours.network.parameters, theirs.network.parameters, rtol=1e-8, atol=1e-11)
    for name, vector in theirs.optimizer.state.items():
        np.testing.assert_allclose(ours.optimizer.state[name], vector, rtol=1e-8, atol=1e-11, err_msg=name)
    assert ours.optimizer.steps == theirs.optimizer.steps
    assert np.any(trained([], **computing).network.parameters != ours.network.parameters)


def test_what_early_stopping_restores_stays(patterns, make_network, computing):
    stopping = EarlyStopping(2)
    trainer = Trainer(make_network(), nn.SGD(3.0), callbacks=[stopping], **computing)
    kept = Kept(trainer)
    trainer.fit(patterns(97), validation=patterns(50, 1), epochs=40, batch_size=24)
    assert trainer.outcome == "stopped"
    kept.check()
    np.testing.assert_array_equal(kept.parameters, stopping.best["parameters"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_loss_that_is_not_finite_ends_it_and_teaches_nothing(patterns, make_network, computing, dtype):
    network = make_network(dtype=dtype)
    trainer, last = Trainer(network, nn.SGD(1e10 if dtype == np.float32 else 1e80), **computing), []
    kept = Kept(trainer)
    trainer.callbacks = [Call(batch_end=lambda trainer: last.append(trainer.network.parameters.copy()))]
    with pytest.raises(TrainingDiverged, match="training diverged in epoch 1, step"):
        trainer.fit(patterns(97), epochs=20, batch_size=24)
    kept.check()
    assert last
    np.testing.assert_array_equal(kept.parameters, last[-1])


class Faulty(nn.Identity):
    """Fails the fourth time that it is asked in training."""

    def __init__(self):
        self.times = 0

    def forward(self, x, *, training):
        self.times += training
        if self.times == 4:
            raise ArithmeticError("two and two are five")
        return x


@pytest.mark.parametrize("engine", ["auto", "numpy", "reference"])
def test_a_layer_that_fails_ends_the_training_with_the_reason_and_moves_nothing(patterns, engine):
    network = nn.Network([nn.Dense(12), Faulty(), nn.Dense(4)], input_shape=(6, 6))
    trainer, last = Trainer(network, nn.Adam(0.01), threads=3, engine=engine), []
    kept = Kept(trainer)
    trainer.callbacks = [Call(batch_end=lambda trainer: last.append(trainer.network.parameters.copy()))]
    with pytest.raises(ArithmeticError, match="two and two are five"):
        trainer.fit(patterns(97), epochs=2, batch_size=24)
    kept.check()
    np.testing.assert_array_equal(kept.parameters, last[-1])
    assert (trainer.outcome, len(last)) == ("failed", 3)


# In a process of its own, as on a terminal.

needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="Numba is not installed")
ON_A_TERMINAL = pytest.mark.skipif(os.name == "nt", reason="Windows has no process groups to send a signal to")
THREADS = pytest.mark.parametrize(("engine", "threads"), [("numpy", 2), pytest.param("compiled", 3, marks=needs_numba)])
PROGRAM = """
import os, sys
import numpy as np
from inkling import nn
from inkling.training import Callback, Trainer

random = np.random.default_rng(0)
images, labels = random.random((240, 36)), random.integers(0, 4, 240)

class Say(Callback):
    def on_batch_end(self, trainer):
        if trainer.step == 1:
            print("training", flush=True)

layers = [nn.Dense(12), nn.ReLU(), nn.Dropout(0.3), nn.Dense(4)]
engine, threads = sys.argv[1], int(sys.argv[2])
network = nn.Network(layers, input_shape=36)
trainer = Trainer(network, nn.Adam(1e-4), callbacks=[Say()], engine=engine, threads=threads)

def fit(epochs=10**6):
    trainer.fit((images, labels), epochs=epochs, batch_size=24)
"""


def python(program: str, *, engine: str, threads: int) -> subprocess.Popen[str]:
    """A Python of its own that trains, and says so after the first step."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROGRAM + program, engine, str(threads)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@ON_A_TERMINAL
@THREADS
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_ctrl_c_ends_it_between_two_steps(engine, threads, number):
    """Also where a service manager ends a service."""
    program = """
try:
    fit()
except KeyboardInterrupt:
    print(trainer.outcome, trainer.step == trainer.optimizer.steps, np.isfinite(network.parameters).all())
    sys.exit(130)
"""
    with python(program, engine=engine, threads=threads) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "training\n"
        os.killpg(process.pid, number)
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said.split(), complaints) == (130, ["interrupted", "True", "True"], "")


@ON_A_TERMINAL
@THREADS
def test_a_second_ctrl_c_ends_it_at_once(engine, threads):
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
    with python(program, engine=engine, threads=threads) as process:
        said, complaints = process.communicate(timeout=60)
    assert (process.returncode, said.split(), complaints) == (130, ["training", "failed"], "")


def blas_threads() -> int:
    return max((library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"), default=1)


def test_blas_may_use_as_many_threads_afterwards_as_before(patterns, make_network, computing):
    with threadpool_limits(2, user_api="blas"):
        before = blas_threads()
        Trainer(make_network(), nn.SGD(0.1), **computing).fit(patterns(97), batch_size=24)
        assert blas_threads() == before
