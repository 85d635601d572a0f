"""The training loop does what its few lines of mathematics say, and the same thing every time."""

from __future__ import annotations

import numpy as np
import pytest

from inkling import nn
from inkling.data import Split
from inkling.errors import InklingError
from inkling.training import Callback, Trainer, TrainingWarning
from inkling.training.hands import BLOCK


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
            rate = optimizer.schedule(epoch + batch / batches, epochs)
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

    history = Trainer(network, make_optimizer(), threads=1).fit((images, labels), epochs=3, batch_size=16)

    np.testing.assert_array_equal(network.parameters, twin.parameters)
    assert history["train_loss"] == pytest.approx([loss for loss, _ in rows], rel=1e-12)
    assert history["train_accuracy"] == pytest.approx([accuracy for _, accuracy in rows], rel=1e-12)
    assert history["epoch"] == [1, 2, 3]


def test_the_seed_of_the_trainer_decides_the_order_alone(patterns, make_network):
    images, labels = patterns(50)
    network, twin = make_network(seed=1), make_network(seed=1)
    by_hand(twin, nn.SGD(0.1), images, labels, epochs=1, batch_size=8, seed=7)
    Trainer(network, nn.SGD(0.1), seed=7, threads=1).fit((images, labels), batch_size=8)
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
    Trainer(network, nn.SGD(0.1), threads=1).fit((images, labels), batch_size=8, shuffle=False)
    optimizer = nn.SGD(0.1)
    for start in (0, 8, 16):
        twin.compute_gradients(images[start : start + 8], labels[start : start + 8])
        optimizer.step(twin.parameters, twin.gradients, 0.1)
    np.testing.assert_array_equal(network.parameters, twin.parameters)


@pytest.mark.usefixtures("eager_hands")
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("count", [200, 4 * BLOCK, 7 * BLOCK + 100])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_full_batch_is_plain_gradient_descent_however_it_is_walked(patterns, make_network, threads, count, reduction):
    images, labels = patterns(count)
    rate = 0.2 if reduction == "mean" else 0.2 / count
    settings = {"dtype": np.float64, "l2": 1e-3 if reduction == "mean" else 0.0}
    network = make_network(loss=nn.SoftmaxCrossEntropy(reduction), **settings)
    twin = make_network(loss=nn.SoftmaxCrossEntropy(reduction), **settings)
    rows = []
    for _ in range(4):
        rows.append(twin.compute_gradients(images, labels))
        twin.parameters -= rate * twin.gradients

    history = Trainer(network, nn.SGD(rate), threads=threads).fit((images, labels), epochs=4, batch_size=None)

    np.testing.assert_allclose(network.parameters, twin.parameters, rtol=1e-9, atol=1e-12)
    assert history["train_loss"] == pytest.approx([loss for loss, _ in rows], rel=1e-9)
    assert history["train_accuracy"] == [right / count for _, right in rows]


@pytest.mark.usefixtures("eager_hands")
def test_large_batches_walk_the_shorter_last_one_too(patterns, make_network):
    images, labels = patterns(8 * BLOCK + 100)
    network, twin = make_network(dtype=np.float64), make_network(dtype=np.float64)
    by_hand(twin, nn.SGD(0.1), images, labels, epochs=2, batch_size=4 * BLOCK, seed=0)
    Trainer(network, nn.SGD(0.1), threads=2).fit((images, labels), epochs=2, batch_size=4 * BLOCK)
    np.testing.assert_allclose(network.parameters, twin.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.usefixtures("eager_hands")
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_size", [16, None])
def test_the_same_seed_and_threads_give_the_same_bits(patterns, make_network, threads, batch_size):
    data = patterns(4 * BLOCK + 300)

    def trained(seed: int) -> np.ndarray:
        network = make_network(dropout=0.3, seed=seed)
        Trainer(network, nn.Adam(0.01), threads=threads).fit(data, epochs=2, batch_size=batch_size)
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
