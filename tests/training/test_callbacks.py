"""Callbacks: what they are told, in which order, and what those that come with Inkling do."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from inkling import nn
from inkling.errors import InklingError
from inkling.storage import read_arrays
from inkling.training import Callback, Checkpoint, CSVLog, EarlyStopping, History, Trainer, WeightAverage
from inkling.training.history import COLUMNS


class Diary(Callback):
    """Writes down what it is told, and how far the training is."""

    def __init__(self, name: str, pages: list) -> None:
        self.name, self.pages = name, pages

    def on_train_begin(self, trainer):
        self.pages.append((self.name, "begin", trainer.epoch, trainer.batch))

    def on_batch_end(self, trainer):
        self.pages.append((self.name, "batch", trainer.epoch, trainer.batch))

    def on_epoch_end(self, trainer):
        assert trainer.history.last.epoch == trainer.epoch
        self.pages.append((self.name, "epoch", trainer.epoch, trainer.batch))

    def on_train_end(self, trainer):
        self.pages.append((self.name, trainer.outcome, trainer.epoch, trainer.batch))


def test_a_callback_hears_everything_in_order(patterns, make_network):
    pages = []
    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[Diary("a", pages)], threads=1)
    trainer.fit(patterns(10), epochs=2, batch_size=6)
    assert [page[1:] for page in pages] == [
        ("begin", 0, 0),
        ("batch", 0, 1),
        ("batch", 0, 2),
        ("epoch", 1, 0),
        ("batch", 1, 1),
        ("batch", 1, 2),
        ("epoch", 2, 0),
        ("finished", 2, 0),
    ]


def test_callbacks_are_told_in_their_order_and_of_the_end_in_reverse(patterns, make_network):
    pages = []
    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[Diary("a", pages), Diary("b", pages)], threads=1)
    trainer.fit(patterns(6), batch_size=6)
    assert [page[:2] for page in pages] == [
        ("a", "begin"),
        ("b", "begin"),
        ("a", "batch"),
        ("b", "batch"),
        ("a", "epoch"),
        ("b", "epoch"),
        ("b", "finished"),
        ("a", "finished"),
    ]


def test_a_callback_can_stop_the_training_after_the_epoch(patterns, make_network):
    class Enough(Callback):
        def on_batch_end(self, trainer):
            if trainer.step == 3:
                trainer.stop()

    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[Enough()], threads=1)
    history = trainer.fit(patterns(20), epochs=10, batch_size=10)
    assert (len(history), trainer.outcome) == (2, "stopped")


def test_when_a_callback_fails_those_that_began_are_told_and_the_error_arrives(patterns, make_network):
    class Clumsy(Callback):
        def __init__(self, event: str) -> None:
            setattr(self, event, self.fall)

        def fall(self, trainer):
            raise RuntimeError("a stone")

    for event, others in (("on_train_begin", ["a"]), ("on_epoch_end", ["b", "a"])):
        pages = []
        callbacks = [Diary("a", pages), Clumsy(event), Diary("b", pages)]
        with pytest.raises(RuntimeError, match="a stone"):
            Trainer(make_network(), nn.SGD(0.1), callbacks=callbacks, threads=1).fit(patterns(6), batch_size=6)
        assert [name for name, what, *_ in pages if what == "failed"] == others


# Early stopping.


class Scripted:
    """A validation split whose loss and accuracy follow a script, whatever the network is."""

    def __init__(self, monkeypatch, network, losses, accuracies=None):
        values = iter(zip(losses, accuracies or [0.5] * len(losses), strict=True))

        def score(images, labels, weights=None):
            loss, accuracy = next(values)
            return loss, accuracy * len(labels)

        monkeypatch.setattr(network, "score", score)


def stopped_by(stopping, network, data, losses, accuracies, monkeypatch):
    """The trainer after a training with such a validation, and the parameters after each epoch."""
    Scripted(monkeypatch, network, losses, accuracies)
    after = []

    class Keep(Callback):
        def on_epoch_end(self, trainer):
            after.append(trainer.network.parameters.copy())

    trainer = Trainer(network, nn.SGD(0.1), callbacks=[stopping, Keep()], engine="reference")
    trainer.fit(data, validation=data, epochs=len(losses), batch_size=8)
    return trainer, after


@pytest.mark.parametrize(
    ("losses", "patience", "min_delta", "epochs", "best"),
    [
        ([5, 4, 3, 3.5, 3.4, 3.3, 0, 0], 3, 0.0, 6, 3),  # three epochs without a better one
        ([5, 4, 4, 4, 4, 4], 2, 0.0, 4, 2),  # as good is not better
        ([5, 6, 4, 6, 3, 6], 2, 0.0, 6, 5),  # an improvement begins the count anew
        ([5, 4.95, 4.9, 4.85], 2, 0.2, 3, 1),  # too little is no improvement
        ([5, 4, 3, 2], 1, 0.0, 4, 4),  # never stops, ends with the best
        ([5, 4, 6, 6], 9, 0.0, 4, 2),  # ends before patience does: still the best weights
        ([float("nan"), 4, float("nan"), float("nan"), 1], 2, 0.0, 4, 2),  # NaN is never better
    ],
)
def test_early_stopping_waits_and_goes_back_to_the_best(
    patterns, make_network, monkeypatch, losses, patience, min_delta, epochs, best
):
    network = make_network()
    stopping = EarlyStopping(patience, min_delta=min_delta)
    trainer, after = stopped_by(stopping, network, patterns(30), losses, None, monkeypatch)
    assert len(trainer.history) == epochs
    assert trainer.outcome == ("stopped" if epochs < len(losses) else "finished")
    assert stopping.best_epoch == best
    np.testing.assert_array_equal(network.parameters, after[best - 1])
    assert np.any(after[best - 1] != after[best - 2])


def test_early_stopping_can_watch_accuracy(patterns, make_network, monkeypatch):
    network, stopping = make_network(), EarlyStopping(2, monitor="validation_accuracy")
    losses, accuracies = [3, 2, 1, 0.5, 0.4], [0.5, 0.8, 0.7, 0.8, 0.9]
    trainer, after = stopped_by(stopping, network, patterns(30), losses, accuracies, monkeypatch)
    assert (len(trainer.history), stopping.best_epoch) == (4, 2)
    np.testing.assert_array_equal(network.parameters, after[1])


def test_after_an_error_the_weights_are_left_where_they_were(patterns, make_network, monkeypatch):
    class Stumble(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 3:
                self.seen = trainer.network.parameters.copy()
                raise KeyboardInterrupt

    network, stumble = make_network(), Stumble()
    Scripted(monkeypatch, network, [1, 2, 3, 4])
    trainer = Trainer(network, nn.SGD(0.1), callbacks=[EarlyStopping(9), stumble], engine="reference")
    with pytest.raises(KeyboardInterrupt):
        trainer.fit(patterns(30), validation=patterns(5), epochs=4)
    np.testing.assert_array_equal(network.parameters, stumble.seen)


def test_early_stopping_needs_validation_and_sense(patterns, make_network):
    with pytest.raises(InklingError, match="validation_loss, but there is no validation split"):
        Trainer(make_network(), nn.SGD(0.1), callbacks=[EarlyStopping()], threads=1).fit(patterns(5))
    with pytest.raises(ValueError, match="monitor is 'loss'"):
        EarlyStopping(monitor="loss")
    with pytest.raises(ValueError, match="patience is 0"):
        EarlyStopping(0)


# Checkpoint.


def test_a_checkpoint_is_written_at_the_end_and_says_what_it_is_about(patterns, make_network, tmp_path):
    saver = Checkpoint(tmp_path / "c.safetensors", every_seconds=1e9, about={"who": "me"})
    trainer = Trainer(make_network(), nn.Adam(), callbacks=[saver], threads=1)
    trainer.fit(patterns(10), epochs=3)
    arrays, metadata = read_arrays(tmp_path / "c.safetensors")
    assert metadata["about"] == {"who": "me"}
    assert (metadata["checkpoint"]["epoch"], metadata["checkpoint"]["outcome"]) == (3, "finished")
    np.testing.assert_array_equal(arrays["parameters"], trainer.network.parameters)


@pytest.mark.parametrize(("every_seconds", "saved"), [(0.0, [1, 2, 3, 3]), (1e9, [3])])
def test_a_checkpoint_is_not_written_more_often_than_asked(patterns, make_network, tmp_path, every_seconds, saved):
    epochs = []

    class Count(Checkpoint):
        def save(self, trainer):
            super().save(trainer)
            epochs.append(trainer.epoch)

    saver = Count(tmp_path / "c", every_seconds=every_seconds)
    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[saver], threads=1)
    trainer.fit(patterns(10), epochs=3)
    assert epochs == saved


def test_a_second_fit_saves_as_often_as_the_first(patterns, make_network, tmp_path):
    saver = Checkpoint(tmp_path / "c", every_seconds=60)
    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[saver], threads=1)
    trainer.fit(patterns(10))
    saver.saved_at = 3600.0  # as after an hour
    trainer.fit(patterns(10))
    assert saver.saved_at < 60


def test_a_training_that_failed_leaves_the_last_good_checkpoint(patterns, make_network, tmp_path):
    class Poison(Callback):
        def on_epoch_end(self, trainer):
            if trainer.epoch == 2:
                trainer.network.parameters[0] = np.nan

    callbacks = [Checkpoint(tmp_path / "c", every_seconds=0), Poison()]
    with pytest.raises(InklingError, match="diverged"):
        Trainer(make_network(), nn.SGD(0.1), callbacks=callbacks, threads=1).fit(patterns(10), epochs=5)
    arrays, metadata = read_arrays(tmp_path / "c")
    assert metadata["checkpoint"]["epoch"] == 2
    assert np.isfinite(arrays["parameters"]).all()


# The history, and its file.


def test_history_csv_is_a_row_an_epoch_from_the_first_epoch_on(patterns, make_network, tmp_path):
    path, counts = tmp_path / "history.csv", []

    class Count(Callback):
        def on_epoch_end(self, trainer):
            counts.append(len(pd.read_csv(path)))

    trainer = Trainer(make_network(), nn.SGD(0.1), callbacks=[CSVLog(path), Count()], threads=1)
    history = trainer.fit(patterns(20), validation=patterns(9, 1), epochs=4, batch_size=5)
    table = pd.read_csv(path)
    assert list(table.columns) == [
        "epoch",
        "seconds",
        "learning_rate",
        "train_loss",
        "train_accuracy",
        "validation_loss",
        "validation_accuracy",
    ]
    assert counts == [1, 2, 3, 4]
    for column in COLUMNS:
        # Older versions of pandas round the last bit.
        assert table[column].tolist() == pytest.approx(history[column], rel=1e-15), column
    assert History.read(path) == history


def test_without_validation_the_cells_are_empty(patterns, make_network, tmp_path):
    path = tmp_path / "history.csv"
    history = Trainer(make_network(), nn.SGD(0.1), callbacks=[CSVLog(path)], threads=1).fit(patterns(20), epochs=2)
    assert pd.read_csv(path)["validation_loss"].isna().all()
    assert History.read(path) == history


def test_rows_written_after_the_last_checkpoint_are_not_there_twice(patterns, make_network, tmp_path):
    path, data = tmp_path / "history.csv", patterns(20)
    first = Trainer(make_network(), nn.SGD(0.1), callbacks=[CSVLog(path)], threads=1)
    first.fit(data, epochs=2)
    state = first.state()
    with path.open("a") as file:  # as after a crash: two more epochs, the second cut short
        file.write(path.read_text().splitlines()[-1].replace("2,", "3,", 1) + "\n4,0.1")
    seen = []

    class Look(Callback):
        def on_epoch_end(self, trainer):
            seen.append(History.read(path)["epoch"])

    resumed = Trainer(make_network(), nn.SGD(0.1), callbacks=[CSVLog(path), Look()], threads=1)
    resumed.restore(*state)
    resumed.fit(data, epochs=4)
    assert seen == [[1, 2, 3], [1, 2, 3, 4]]


def test_a_history_gives_columns_rows_and_the_best(patterns, make_network):
    history = Trainer(make_network(), nn.Adam(0.01), threads=1).fit(
        patterns(40), validation=patterns(20, 1), epochs=6, batch_size=8
    )
    assert [epoch.epoch for epoch in history] == history["epoch"] == [1, 2, 3, 4, 5, 6]
    assert history.last.train_loss == history["train_loss"][-1]
    assert history.best.validation_loss == min(history["validation_loss"])
    assert History.from_list(history.to_list()) == history
    with pytest.raises(KeyError, match="no column 'loss'; it has epoch, seconds"):
        history["loss"]


def test_the_learning_rate_in_the_history_is_that_of_the_last_step(patterns, make_network):
    schedule = nn.Cosine(0.1)
    history = Trainer(make_network(), nn.SGD(schedule), threads=1).fit(patterns(20), epochs=3, batch_size=10)
    assert history["learning_rate"] == [schedule(epoch + 0.5, 3) for epoch in range(3)]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello\n",
        b"epoch,loss\n1,2\n",
        b"\xff\xfe\x00",
        ",".join(COLUMNS).encode() + b"\n1,2\n",
        ",".join(COLUMNS).encode() + b"\nx,1,1,1,1,1,1\n",
        ",".join(COLUMNS).encode() + b'\n"' + b"9" * 200_000,
    ],
)
def test_what_is_no_history_is_refused_in_one_line(tmp_path, content):
    path = tmp_path / "history.csv"
    path.write_bytes(content)
    with pytest.raises(InklingError, match="no history of a training") as caught:
        History.read(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_missing_history_is_said_to_be_missing(tmp_path):
    with pytest.raises(InklingError, match=r"cannot read .*No such file"):
        History.read(tmp_path / "history.csv")


class Footprints(Callback):
    """Keeps the parameters after every step."""

    def __init__(self) -> None:
        self.steps: list[np.ndarray] = []

    def on_batch_end(self, trainer):
        self.steps.append(trainer.network.parameters.copy())


def test_the_moving_average_of_the_weights_is_what_remains(patterns, make_network):
    network, footprints = make_network(dtype=np.float64), Footprints()
    expected = network.parameters.copy()
    Trainer(network, nn.SGD(0.1), callbacks=[WeightAverage(0.8), footprints], threads=1).fit(
        patterns(100), epochs=2, batch_size=8
    )
    for step, parameters in enumerate(footprints.steps, 1):
        decay = min(0.8, (1 + step) / (10 + step))
        expected = decay * expected + (1 - decay) * parameters
    np.testing.assert_allclose(network.parameters, expected, rtol=1e-12)


def test_the_average_goes_on_where_an_interrupted_training_left_it(patterns, make_network):
    class Stop(Callback):
        def on_batch_end(self, trainer):
            if trainer.step == 11:
                raise KeyboardInterrupt

    whole = make_network()
    Trainer(whole, nn.Adam(), callbacks=[WeightAverage(0.9)], threads=1).fit(patterns(64), epochs=3, batch_size=8)
    broken = Trainer(make_network(), nn.Adam(), callbacks=[WeightAverage(0.9), Stop()], threads=1)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(patterns(64), epochs=3, batch_size=8)
    again = Trainer(make_network(), nn.Adam(), callbacks=[WeightAverage(0.9)], threads=1)
    again.restore(*broken.state())
    again.fit(patterns(64), epochs=3, batch_size=8)
    np.testing.assert_array_equal(again.network.parameters, whole.parameters)


def test_running_means_are_averaged_and_kept_with_the_weights(patterns):
    def network() -> nn.Network:
        return nn.Network([nn.Dense(6), nn.BatchNorm(), nn.ReLU(), nn.Dense(4)], input_shape=(6, 6))

    last, averaged = network(), network()
    Trainer(last, nn.SGD(0.1), threads=1).fit(patterns(64), epochs=2, batch_size=8)
    Trainer(averaged, nn.SGD(0.1), callbacks=[WeightAverage(0.9)], threads=1).fit(patterns(64), epochs=2, batch_size=8)
    assert np.any(last.state != averaged.state)
    stopped = network()
    stopping = EarlyStopping(1, min_delta=100)  # nothing is as much better as that, so the first epoch's are the best
    Trainer(stopped, nn.SGD(0.1), callbacks=[stopping], threads=1).fit(
        patterns(64), validation=patterns(8, 1), epochs=3, batch_size=8
    )
    once = network()
    Trainer(once, nn.SGD(0.1), threads=1).fit(patterns(64), epochs=1, batch_size=8)
    np.testing.assert_array_equal(stopped.state, once.state)


@pytest.mark.parametrize("decay", [0, 1, 1.5, -0.1])
def test_a_decay_that_averages_nothing_is_refused(decay):
    with pytest.raises(ValueError, match=r"WeightAverage: decay is .*, but must lie between 0 and 1"):
        WeightAverage(decay)
