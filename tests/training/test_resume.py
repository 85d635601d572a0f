"""Ctrl-C loses nothing: what was interrupted goes on to the same bits as what never was."""

from __future__ import annotations

import signal
import threading

import numpy as np
import pytest

from inkling import nn
from inkling.errors import InklingError
from inkling.storage import read_arrays
from inkling.training import Callback, Checkpoint, EarlyStopping, Trainer


class PressCtrlC(Callback):
    """Sends this process a signal after the given step."""

    def __init__(self, *steps: int, number: int = signal.SIGINT) -> None:
        self.steps = steps
        self.number = number

    def on_batch_end(self, trainer):
        for _ in range(self.steps.count(trainer.step)):
            signal.raise_signal(self.number)


SAMPLES, BATCH, EPOCHS = 50, 8, 5  # seven steps an epoch
BATCHES = 7

TRAININGS = {
    "sgd": {},
    "momentum": {"optimizer": lambda: nn.SGD(0.05, momentum=0.9)},
    "nesterov": {"optimizer": lambda: nn.SGD(0.05, momentum=0.9, nesterov=True, clip_norm=1.0)},
    "rmsprop": {"optimizer": lambda: nn.RMSprop(0.002)},
    "adam": {"optimizer": lambda: nn.Adam(0.01)},
    "adamw": {"optimizer": lambda: nn.AdamW(0.01)},
    "dropout": {"optimizer": lambda: nn.Adam(0.01), "dropout": 0.4},
    "schedule": {"optimizer": lambda: nn.SGD(nn.WarmUp(nn.OneCycle(0.3), 1.5), momentum=0.5)},
    "early stopping": {"optimizer": lambda: nn.Adam(0.01), "dropout": 0.2, "patience": 100},
    "float64": {"optimizer": lambda: nn.Adam(0.01), "dtype": np.float64},
}


def make(make_network, path, *extra, optimizer=lambda: nn.SGD(0.1), patience=None, threads=1, engine="auto", **network):
    callbacks = [EarlyStopping(patience)] if patience else []
    callbacks += [Checkpoint(path), *extra]
    return Trainer(make_network(**network), optimizer(), callbacks=callbacks, threads=threads, engine=engine)


def rows(history):
    """The history without its times."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in history.to_list()]


def assert_same_state(one: Trainer, other: Trainer) -> None:
    (arrays, values), (others, other_values) = one.state(), other.state()
    assert arrays.keys() == others.keys()
    for name in arrays:
        np.testing.assert_array_equal(arrays[name], others[name], err_msg=name)
    for name in ("epoch", "batch", "step", "optimizer_steps", "shuffler", "network_step"):
        assert values[name] == other_values[name], name
    assert rows(one.history) == rows(other.history)


@pytest.mark.parametrize("step", [1, 10, BATCHES, 3 * BATCHES - 1, 3 * BATCHES], ids="step {}".format)
@pytest.mark.parametrize("training", TRAININGS)
def test_interrupted_and_resumed_is_never_interrupted(patterns, make_network, tmp_path, training, step):
    settings, data = TRAININGS[training], patterns(SAMPLES)
    fit = {"validation": patterns(20, 1), "epochs": EPOCHS, "batch_size": BATCH}
    whole = make(make_network, tmp_path / "whole", **settings)
    whole.fit(data, **fit)

    first = make(make_network, tmp_path / "cut", PressCtrlC(step), **settings)
    with pytest.raises(KeyboardInterrupt):
        first.fit(data, **fit)
    assert (first.step, first.outcome) == (step, "interrupted")
    assert len(first.history) == step // BATCHES

    resumed = make(make_network, tmp_path / "resumed", **settings)
    resumed.restore(*checkpoint(tmp_path / "cut"))
    history = resumed.fit(data, **fit)
    assert rows(history) == rows(whole.history)
    np.testing.assert_array_equal(resumed.network.parameters, whole.network.parameters)
    assert_same_state(resumed, whole)
    # What went before counts.
    assert resumed.seconds > first.seconds
    assert resumed.wall_seconds > checkpoint(tmp_path / "cut")[1]["seconds"][2]


@pytest.mark.parametrize("batch_size", [500, None])
def test_it_resumes_with_the_engine_and_the_threads_it_began_with(
    patterns, make_network, tmp_path, computing, batch_size
):
    data, fit = patterns(2200), {"epochs": 4, "batch_size": batch_size}
    settings = {"optimizer": lambda: nn.Adam(0.01), "dropout": 0.3}
    whole = make(make_network, tmp_path / "whole", **computing, **settings)
    whole.fit(data, **fit)
    with pytest.raises(KeyboardInterrupt):
        make(make_network, tmp_path / "cut", PressCtrlC(2), **computing, **settings).fit(data, **fit)
    # Whatever is there now, the bits are those of the engine and the number of threads that it began with.
    resumed = make(make_network, tmp_path / "resumed", engine="auto", threads=4, **settings)
    resumed.restore(*checkpoint(tmp_path / "cut"))
    resumed.fit(data, **fit)
    assert_same_state(resumed, whole)
    assert (resumed.plan.name, resumed.threads) == tuple(computing.values())


class Keep(Callback):
    """Keeps the state of the training after the given step."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, trainer):
        if trainer.step == self.step:
            self.kept = trainer.state()


@pytest.mark.parametrize("step", [1, BATCHES - 1, BATCHES, BATCHES + 1], ids="step {}".format)
def test_the_state_between_any_two_steps_is_enough_to_go_on_to_the_same_bits(
    patterns, make_network, tmp_path, computing, step
):
    """The last step of an epoch has two samples, so some workers have nothing to do."""
    settings = {"optimizer": lambda: nn.SGD(0.1, 0.9, clip_norm=0.1), "dropout": 0.3}
    keep, fit = Keep(step), {"epochs": 2, "batch_size": BATCH}
    whole = make(make_network, tmp_path / "whole", keep, **computing, **settings)
    whole.fit(patterns(SAMPLES), **fit)
    resumed = make(make_network, tmp_path / "resumed", **settings)
    resumed.restore(*keep.kept)
    resumed.fit(patterns(SAMPLES), **fit)
    assert_same_state(resumed, whole)


def test_callbacks_get_back_what_is_theirs_whoever_stands_before_them(patterns, make_network, tmp_path):
    class Count(Callback):
        def __init__(self):
            self.steps = 0

        def on_batch_end(self, trainer):
            self.steps += 1

        def state(self):
            return {"steps": np.array(self.steps)}, {"steps": self.steps}

        def restore(self, arrays, values):
            assert arrays["steps"] == values["steps"]
            self.steps = values["steps"]

    class Other(Count):
        pass

    fit = {"epochs": 2, "batch_size": BATCH}
    first = [Count(), Count(), PressCtrlC(3)]
    first[1].steps = 100
    with pytest.raises(KeyboardInterrupt):
        make(make_network, tmp_path / "cut", *first).fit(patterns(SAMPLES), **fit)
    counts = [Count(), Count(), Other()]
    resumed = make(make_network, tmp_path / "resumed", counts[2], *counts[:2])
    resumed.restore(*checkpoint(tmp_path / "cut"))
    resumed.fit(patterns(SAMPLES), **fit)
    assert [count.steps for count in counts] == [2 * BATCHES, 100 + 2 * BATCHES, 2 * BATCHES - 3]


def test_interrupted_again_and_again(patterns, make_network, tmp_path):
    settings, data = TRAININGS["dropout"], patterns(SAMPLES)
    fit = {"epochs": EPOCHS, "batch_size": BATCH}
    whole = make(make_network, tmp_path / "whole", **settings)
    whole.fit(data, **fit)
    path = tmp_path / "cut"
    for step in (2, 3, 9, 14, 15, 30):
        trainer = make(make_network, path, PressCtrlC(step), **settings)
        if path.exists():
            trainer.restore(*checkpoint(path))
        with pytest.raises(KeyboardInterrupt):
            trainer.fit(data, **fit)
        assert trainer.step == step
    last = make(make_network, path, **settings)
    last.restore(*checkpoint(path))
    last.fit(data, **fit)
    assert_same_state(last, whole)


def test_resuming_past_the_best_epoch_still_stops_and_restores_it(patterns, make_network, tmp_path):
    # A rate so high that the first epochs are the best ones.
    settings = {"optimizer": lambda: nn.SGD(1.2, momentum=0.9), "patience": 3}
    data, fit = patterns(SAMPLES), {"validation": patterns(30, 1), "epochs": 60, "batch_size": BATCH}
    whole = make(make_network, tmp_path / "whole", **settings)
    whole.fit(data, **fit)
    assert whole.outcome == "stopped"
    stopped_at, best = whole.epoch, whole.callbacks[0].best_epoch
    assert stopped_at == best + 3

    for step in ((stopped_at - 1) * BATCHES + 2, (stopped_at - 1) * BATCHES):
        cut = make(make_network, tmp_path / "cut", PressCtrlC(step), **settings)
        with pytest.raises(KeyboardInterrupt):
            cut.fit(data, **fit)
        resumed = make(make_network, tmp_path / "resumed", **settings)
        resumed.restore(*checkpoint(tmp_path / "cut"))
        resumed.fit(data, **fit)
        assert (resumed.outcome, resumed.epoch, resumed.callbacks[0].best_epoch) == ("stopped", stopped_at, best)
        np.testing.assert_array_equal(resumed.network.parameters, whole.network.parameters)


def test_more_epochs_of_a_constant_rate_are_one_longer_training(patterns, make_network, tmp_path):
    settings, data = TRAININGS["dropout"], patterns(SAMPLES)
    longer = make(make_network, tmp_path / "longer", **settings)
    longer.fit(data, epochs=6, batch_size=BATCH)
    make(make_network, tmp_path / "short", **settings).fit(data, epochs=2, batch_size=BATCH)
    more = make(make_network, tmp_path / "more", **settings)
    more.restore(*checkpoint(tmp_path / "short"))
    more.fit(data, epochs=6, batch_size=BATCH)
    assert_same_state(more, longer)


def test_ctrl_c_in_the_last_step_takes_nothing_from_a_training_that_is_over(patterns, make_network, tmp_path):
    data, fit = patterns(SAMPLES), {"validation": patterns(30, 1), "epochs": 2, "batch_size": BATCH}
    trainer = make(make_network, tmp_path / "c", PressCtrlC(2 * BATCHES), patience=5)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(data, **fit)
    assert (trainer.outcome, len(trainer.history)) == ("finished", 2)
    np.testing.assert_array_equal(trainer.network.parameters, trainer.callbacks[0].best["parameters"])


def test_fewer_epochs_than_were_trained_are_no_training(patterns, make_network, tmp_path):
    make(make_network, tmp_path / "c").fit(patterns(SAMPLES), epochs=3, batch_size=BATCH)
    resumed = make(make_network, tmp_path / "d")
    resumed.restore(*checkpoint(tmp_path / "c"))
    assert len(resumed.fit(patterns(SAMPLES), epochs=2, batch_size=BATCH)) == 3
    assert (resumed.outcome, resumed.step) == ("finished", 3 * BATCHES)


def test_stopped_within_an_epoch_by_ctrl_c_it_can_still_go_on(patterns, make_network, tmp_path):
    class Enough(Callback):
        def on_batch_end(self, trainer):
            trainer.stop()

    trainer = make(make_network, tmp_path / "c", Enough(), PressCtrlC(3))
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(patterns(SAMPLES), epochs=3, batch_size=BATCH)
    assert (trainer.outcome, trainer.batch) == ("interrupted", 3)


def test_the_state_is_a_copy_that_training_on_does_not_change(patterns, make_network):
    trainer = Trainer(make_network(), nn.Adam(0.01), threads=1)
    trainer.fit(patterns(SAMPLES), batch_size=BATCH)
    arrays, _ = trainer.state()
    before = {name: array.copy() for name, array in arrays.items()}
    trainer.fit(patterns(SAMPLES), batch_size=BATCH)
    for name, array in arrays.items():
        np.testing.assert_array_equal(array, before[name])
    assert {"parameters", "optimizer.m", "optimizer.v"} <= arrays.keys()


def test_other_data_or_another_network_is_refused(patterns, make_network, tmp_path):
    make(make_network, tmp_path / "c").fit(patterns(SAMPLES), batch_size=BATCH)
    for count, batch_size in ((SAMPLES + 1, BATCH), (SAMPLES, BATCH + 1)):
        other = make(make_network, tmp_path / "d")
        other.restore(*checkpoint(tmp_path / "c"))
        with pytest.raises(InklingError, match="50 samples in batches of 8"):
            other.fit(patterns(count), epochs=2, batch_size=batch_size)
    wider = Trainer(nn.Network([nn.Dense(4)], input_shape=(6, 6)), nn.SGD(0.1), threads=1)
    wider.restore(*checkpoint(tmp_path / "c"))
    with pytest.raises(InklingError, match="another shape"):
        wider.fit(patterns(SAMPLES), epochs=2, batch_size=BATCH)


def test_another_optimizer_is_refused(patterns, make_network, tmp_path):
    make(make_network, tmp_path / "c", optimizer=nn.Adam).fit(patterns(SAMPLES), batch_size=BATCH)
    before = Trainer(make_network(), nn.SGD(0.1, momentum=0.9), threads=1)
    before.restore(*checkpoint(tmp_path / "c"))
    with pytest.raises(InklingError, match=r"another optimizer, which remembers m and v; SGD.*velocity"):
        before.fit(patterns(SAMPLES), epochs=2, batch_size=BATCH)


def test_a_second_ctrl_c_interrupts_at_once_and_leaves_the_checkpoint_of_before(patterns, make_network, tmp_path):
    class EveryEpoch(Checkpoint):
        def on_epoch_end(self, trainer):
            self.save(trainer)

    path = tmp_path / "c"
    network, impatient = make_network(), PressCtrlC(10, 10)
    trainer = Trainer(network, nn.SGD(0.1), callbacks=[EveryEpoch(path), impatient], threads=1)
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(patterns(SAMPLES), epochs=3, batch_size=BATCH)
    # A step that was broken off may have moved some parameters and not others: nothing of it is saved.
    assert trainer.outcome == "failed"
    assert read_arrays(path)[1]["checkpoint"]["step"] == BATCHES


def test_a_polite_kill_is_like_ctrl_c(patterns, make_network, tmp_path):
    trainer = make(make_network, tmp_path / "c", PressCtrlC(4, number=signal.SIGTERM))
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(patterns(SAMPLES), batch_size=BATCH)
    assert (trainer.outcome, trainer.step) == ("interrupted", 4)
    assert checkpoint(tmp_path / "c")[1]["step"] == 4


def test_signals_mean_what_they_meant_before_once_training_is_over(patterns, make_network):
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    during = []

    class Look(Callback):
        def on_batch_end(self, trainer):
            during.append(signal.getsignal(signal.SIGINT))

    Trainer(make_network(), nn.SGD(0.1), callbacks=[Look()], threads=1).fit(patterns(4))
    assert during[0] != before[signal.SIGINT]
    assert {number: signal.getsignal(number) for number in before} == before


def test_training_outside_the_main_thread_touches_no_signals(patterns, make_network):
    outcomes = []

    def train() -> None:
        trainer = Trainer(make_network(), nn.SGD(0.1), threads=1)
        trainer.fit(patterns(20), epochs=2)
        outcomes.append((trainer.outcome, trainer.epoch))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert outcomes == [("finished", 2)]
    assert signal.getsignal(signal.SIGINT) is before


def checkpoint(path):
    """What a Checkpoint wrote, as `Trainer.restore` takes it."""
    arrays, metadata = read_arrays(path)
    return arrays, metadata["checkpoint"]
