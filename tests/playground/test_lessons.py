"""Set-ups and the networks that they are; a training that is stopped, changed and goes on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn
from inkling.data import Digits
from inkling.playground.lesson import Lesson
from inkling.playground.messages import Change, Refused, Setup, read_setup
from inkling.playground.setups import (
    build,
    check_size,
    presets,
    recipe_of,
    same_layers,
    setup_of,
    setup_of_network,
)
from inkling.playground.watcher import Meter
from inkling.recipes import build_network, load_recipe, recipe_names
from inkling.training import Callback, Trainer

DENSE = st.fixed_dictionaries(
    {
        "kind": st.just("dense"),
        "units": st.integers(1, 40),
        "batch_norm": st.booleans(),
        "activation": st.sampled_from(["relu", "leaky_relu", "sigmoid", "tanh", "identity"]),
        "dropout": st.sampled_from([0.0, 0.2]),
    }
)
CONV = st.fixed_dictionaries(
    {
        "kind": st.just("conv"),
        "channels": st.integers(1, 6),
        "kernel": st.integers(1, 9),
        "stride": st.integers(1, 3),
        "padding": st.sampled_from(["valid", "same"]),
        "pool": st.integers(0, 3),
        "batch_norm": st.booleans(),
        "activation": st.sampled_from(["relu", "tanh"]),
        "dropout": st.sampled_from([0.0, 0.2]),
    }
)
LAYERS = st.tuples(st.lists(CONV, max_size=3), st.lists(DENSE, max_size=3)).map(lambda both: both[0] + both[1])


class StopAt(Callback):
    """Stops the training in the middle of wherever it is."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_batch_end(self, trainer: Trainer) -> None:
        if trainer.step >= self.step:
            trainer.stop(now=True)


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_as_a_setup_builds_the_recipes_network(name: str) -> None:
    recipe = load_recipe(name)
    network = build(setup_of(recipe))
    theirs = build_network(recipe)
    assert network.config() == theirs.config()
    np.testing.assert_array_equal(network.parameters, theirs.parameters)


def test_every_recipe_is_a_preset() -> None:
    assert [preset["name"] for preset in presets()] == ["first-look", *recipe_names()]


@given(LAYERS, st.sampled_from(["cross_entropy", "mean_squared_error", "binary_cross_entropy"]))
@settings(max_examples=60, deadline=None)
def test_a_setup_survives_the_way_through_recipe_and_network(layers: list[dict[str, object]], loss: str) -> None:
    setup = read_setup({"layers": layers, "loss": loss})
    try:
        check_size(setup)
    except Refused:
        with pytest.raises(ValueError, match=r"conv2d|maxpool2d"):
            build_network(recipe_of(setup))
        return
    network = build(setup)
    assert setup_of(recipe_of(setup)) == setup
    again = setup_of_network(network.config(), Setup())
    assert again.layers == setup.layers
    assert same_layers(build(again), network.config())


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Dense(10, "he"), nn.ReLU(), nn.Dense(7)],
        [nn.Conv2D(4), nn.AveragePool2D(2), nn.Flatten(), nn.Dense(10)],
        [nn.Conv2D(4, (3, 5)), nn.Flatten(), nn.Dense(10)],
        [nn.ReLU(), nn.Dense(10)],
        [nn.Dense(2000), nn.ReLU(), nn.Dense(10)],
    ],
)
def test_a_network_that_the_page_cannot_show_is_refused(layers: list[nn.Layer]) -> None:
    with pytest.raises(Refused):
        setup_of_network(nn.Network(layers).config(), Setup())


def test_layers_in_another_order_are_noticed() -> None:
    network = nn.Network([nn.Conv2D(4), nn.ReLU(), nn.MaxPool2D(2), nn.Flatten(), nn.Dense(10)])
    setup = setup_of_network(network.config(), Setup())
    assert not same_layers(build(setup), network.config())


@pytest.mark.parametrize(
    ("setup", "words"),
    [
        ({"layers": [{"kind": "dense", "units": 1024}] * 4}, "parameters"),
        (
            {"layers": [{"kind": "conv", "channels": 64, "padding": "same"}] * 2 + [{"kind": "dense", "units": 64}]},
            "par",
        ),
        ({"layers": [{"kind": "conv", "channels": 64, "padding": "same"}] * 8, "batch_size": 512}, "memory"),
    ],
)
def test_a_network_that_is_too_large_is_refused_before_it_is_built(setup: dict[str, object], words: str) -> None:
    with pytest.raises(Refused, match=words):
        build(read_setup(setup))


def small(digits: Digits, **setup: object) -> Lesson:
    layers = [{"kind": "dense", "units": 12, "dropout": 0.2}]
    return Lesson(read_setup({"layers": layers, "train_samples": 300, "batch_size": 32, **setup}), digits)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_stopping_and_going_on_gives_the_same_bits(digits: Digits, optimizer: str) -> None:
    whole, pieces = (small(digits, optimizer={"name": optimizer}, augment={"shift": 1.0}) for _ in range(2))
    whole.train([StopAt(23)], threads=1)
    for step in (1, 2, 10, 15, 23):  # the epoch has ten batches
        pieces.train([StopAt(step)], threads=1)
        assert pieces.step == step
    np.testing.assert_array_equal(pieces.network.parameters, whole.network.parameters)
    rows = [[row.epoch, row.train_loss, row.validation_loss] for row in pieces.history]
    assert rows == [[row.epoch, row.train_loss, row.validation_loss] for row in whole.history]
    assert [row[0] for row in rows] == [1, 2]


def test_after_the_schedules_end_its_last_rate_stays(digits: Digits) -> None:
    lesson = small(digits, schedule={"name": "cosine", "final": 0.01}, epochs=2)
    lesson.train([StopAt(35)], threads=1)
    assert lesson.trainer is not None
    assert lesson.trainer.learning_rate == pytest.approx(0.01)


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.02},
        {"momentum": 0.9},
        {"batch_size": 50},
        {"batch_size": "full"},
        {"l2": 0.001},
        {"dropout": 0.0},
        {"dropout": 0.5},
        {"label_smoothing": 0.1},
        {"augment": {"rotate": 10.0}},
    ],
)
def test_a_change_keeps_the_weights_and_training_goes_on(digits: Digits, change: dict[str, object]) -> None:
    lesson = small(digits)
    lesson.train([StopAt(13)], threads=1)
    before = lesson.network.parameters.copy()
    lesson.change(Change(id=1, type="change", **change))
    np.testing.assert_array_equal(lesson.network.parameters, before)
    lesson.train([StopAt(20)], threads=1)
    assert lesson.step == 20
    assert np.any(lesson.network.parameters != before)


def test_momentum_can_be_taken_away_and_given_back(digits: Digits) -> None:
    lesson = small(digits, optimizer={"name": "sgd", "momentum": 0.9})
    for step, momentum in ((5, 0.0), (9, 0.9), (14, 0.5)):
        lesson.train([StopAt(step)], threads=1)
        lesson.change(Change(id=1, type="change", momentum=momentum))
        assert lesson.step == step
    lesson.train([StopAt(20)], threads=1)
    assert lesson.step == 20
    assert lesson.optimizer.state.keys() == {"velocity"}


def test_what_the_momentum_has_gathered_is_forgotten_with_it_and_kept_while_there_is_some(digits: Digits) -> None:
    taken, changed = (small(digits, optimizer={"name": "sgd", "momentum": 0.9}) for _ in range(2))
    for lesson in (taken, changed):
        lesson.train([StopAt(5)], threads=1)
    assert taken.kept is not None
    gathered = taken.kept[0]["optimizer.velocity"].copy()
    assert gathered.any()
    taken.change(Change(id=1, type="change", momentum=0.0))
    taken.change(Change(id=2, type="change", momentum=0.9))
    changed.change(Change(id=1, type="change", momentum=0.8))
    assert "optimizer.velocity" not in taken.kept[0]
    assert changed.kept is not None
    np.testing.assert_array_equal(changed.kept[0]["optimizer.velocity"], gathered)


OPTIMIZERS = [
    {"name": "sgd"},
    {"name": "sgd", "momentum": 0.9},
    {"name": "sgd", "momentum": 0.9, "nesterov": True},
    {"name": "rmsprop"},
    {"name": "adam"},
    {"name": "adamw"},
]


@pytest.mark.parametrize("after", OPTIMIZERS)
@pytest.mark.parametrize("before", OPTIMIZERS)
def test_any_optimizer_may_take_over_from_any_other(
    digits: Digits, before: dict[str, object], after: dict[str, object]
) -> None:
    """It goes on from the same weights; of what an optimizer of another kind remembered it knows nothing."""
    lesson = small(digits, optimizer=before)
    lesson.train([StopAt(13)], threads=1)
    weights = lesson.network.parameters.copy()
    changed = lesson.setup.model_dump() | {"optimizer": after}
    lesson.go_on_with(read_setup(changed))
    np.testing.assert_array_equal(lesson.network.parameters, weights)
    lesson.train([StopAt(14)], threads=1)
    assert lesson.step == 14
    alike = before["name"] == after["name"] and bool(before.get("momentum")) == bool(after.get("momentum"))
    assert lesson.optimizer.steps == (14 if alike else 1)
    assert np.isfinite(lesson.network.parameters).all()
    assert np.any(lesson.network.parameters != weights)


def test_a_change_that_cannot_be_changes_nothing(digits: Digits) -> None:
    lesson = small(digits, optimizer={"name": "adam"})
    with pytest.raises(Refused, match="momentum"):
        lesson.change(Change(id=1, type="change", momentum=0.5, l2=0.1))
    assert lesson.setup.l2 == 0


def test_what_is_taught_is_learned(digits: Digits) -> None:
    lesson = small(digits, optimizer={"name": "adam"}, layers=[{"kind": "dense", "units": 32}])
    image = np.zeros((28, 28), np.uint8)
    image[13:15, 4:24] = 255  # a line that is no digit at all
    assert lesson.teach(image, 5) == 1
    lesson.train([StopAt(300)], threads=1)
    assert lesson.network.predict(image[np.newaxis]).tolist() == [5]


def test_a_drawing_that_is_taught_again_is_the_later_digit(digits: Digits) -> None:
    lesson = small(digits)
    one, other = np.zeros((2, 28, 28), np.uint8)
    one[4:24, 13:15] = other[13:15, 4:24] = 255
    before = len(lesson.train_split)
    for image, label in ((one, 1), (other, 4), (one, 7)):
        assert lesson.teach(image, label) == 1
    assert [label for _, label in lesson.taught] == [4, 7]
    assert lesson.train_split.labels[before:].tolist() == [4, 7]
    np.testing.assert_array_equal(lesson.train_split.images[before:], [other, one])


def test_a_point_of_the_curve_is_about_all_images_since_the_one_before(digits: Digits) -> None:
    lesson, meter = small(digits), Meter()

    class Reading(Callback):
        def on_train_begin(self, trainer: Trainer) -> None:
            meter.begin(trainer)

        def on_batch_end(self, trainer: Trainer) -> None:
            if trainer.step == 20:  # the end of the second epoch
                meter.read(trainer)

        def on_epoch_end(self, trainer: Trainer) -> None:
            meter.epoch_ended(trainer)

    lesson.train([Reading(), StopAt(20)], threads=1)
    ((step, loss, accuracy),) = meter.points
    assert step == 20
    assert loss == pytest.approx(np.mean([row.train_loss for row in lesson.history]))
    assert accuracy == pytest.approx(np.mean([row.train_accuracy for row in lesson.history]))


@given(st.integers(0, 5000))
@settings(max_examples=20, deadline=None)
def test_a_long_curve_is_thinned_but_reaches_the_last_point(count: int) -> None:
    meter = Meter()
    for step in range(1, count + 1):
        meter.keep((step, 1.0, 0.5))
    steps = [step for step, _, _ in meter.curve]
    assert len(steps) <= 1001
    assert steps == sorted(set(steps))
    assert steps[-1:] == ([count] if count else [])
    assert len(meter.new) == count


def test_training_that_diverges_says_why(digits: Digits) -> None:
    lesson = small(
        digits,
        optimizer={"name": "sgd", "learning_rate": 1e6},
        layers=[{"kind": "dense", "activation": "identity"}] * 3,
    )
    with pytest.raises(ValueError, match="diverged"):
        lesson.train([StopAt(500)], threads=1)
