"""Every piece of a network can describe itself, be made again from the description, and be cloned."""

from __future__ import annotations

import json

import numpy as np
import pytest

from inkling import nn
from inkling.nn.part import check_between

PARTS = [
    nn.Dense(7),
    nn.Dense(7, "glorot_uniform"),
    nn.Dense(7, nn.ScaledNormal(0.05)),
    nn.Dropout(0.25),
    nn.Flatten(),
    nn.Conv2D(8),
    nn.Conv2D(8, (5, 3), (1, 2), "same", nn.GlorotUniform()),
    nn.MaxPool2D(),
    nn.MaxPool2D((2, 1), 3),
    nn.AveragePool2D(3, stride=(2, 1)),
    nn.GlobalAveragePool2D(),
    nn.BatchNorm(momentum=0.99, epsilon=1e-3),
    nn.ReLU(),
    nn.LeakyReLU(0.2),
    nn.Sigmoid(),
    nn.Tanh(),
    nn.Identity(),
    nn.Softmax(),
    nn.SoftmaxCrossEntropy("sum", 0.1),
    nn.MeanSquaredError(),
    nn.SigmoidBinaryCrossEntropy(label_smoothing=0.2),
    nn.HeNormal(),
    nn.HeUniform(),
    nn.GlorotNormal(),
    nn.GlorotUniform(),
    nn.ScaledNormal(),
    nn.Zeros(),
    nn.SGD(0.1, momentum=0.9, nesterov=True, clip_norm=2.0),
    nn.RMSprop(nn.Step(0.1, every=3, factor=0.5)),
    nn.Adam(nn.WarmUp(nn.Cosine(0.1, 0.01), 2)),
    nn.AdamW(nn.OneCycle(0.1), weight_decay=0.1),
    nn.Constant(0.3),
]


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_a_part_is_made_again_from_its_description_in_json(part: nn.Part) -> None:
    twin = nn.from_config(json.loads(json.dumps(part.config())))
    assert type(twin) is type(part)
    assert twin.config() == part.config()
    assert repr(twin) == repr(part)


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_what_a_part_prints_is_the_python_that_makes_it(part: nn.Part) -> None:
    assert eval(repr(part), dict(vars(nn))).config() == part.config()


def test_a_description_shows_only_what_differs_from_the_defaults() -> None:
    assert repr(nn.Dense(5)) == "Dense(5)"
    assert repr(nn.SGD(0.1)) == "SGD()"
    assert repr(nn.LeakyReLU(slope=0.3)) == "LeakyReLU(slope=0.3)"
    assert nn.Dropout(0.5).config() == {"type": "Dropout", "rate": 0.5}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "Dens", "units": 3}, "no part called 'Dens'; known are .*Dense"),
        ({"units": 3}, "no part called None"),
        ({"type": "Dense"}, "Dense cannot be made from"),
        ({"type": "Dense", "units": 3, "colour": "red"}, "Dense cannot be made from .*colour"),
        ({"type": "Dropout", "rate": 1.5}, "rate is 1.5"),
        ({"type": "Dense", "units": 3, "initializer": {"type": "Hee"}}, "no part called 'Hee'"),
    ],
)
def test_a_description_that_makes_no_sense_says_what_is_wrong(config: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nn.from_config(config)


def test_a_class_of_your_own_is_known_by_its_name() -> None:
    class Doubling(nn.Layer):
        def __init__(self, times: int = 1) -> None:
            self.times = times

    twin = nn.from_config(Doubling(3).config())
    assert type(twin) is Doubling
    assert twin.times == 3


@pytest.mark.parametrize("part", PARTS, ids=repr)
def test_a_clone_is_a_new_part_of_the_same_type_and_arguments(part: nn.Part) -> None:
    clone = part.clone()
    assert clone is not part
    assert type(clone) is type(part)
    assert clone.config() == part.config()
    for name, value in part.arguments().items():
        assert not isinstance(value, nn.Part) or getattr(clone, name) is not value, "its parts are clones, too"


def test_a_clone_is_of_the_very_class_also_when_another_took_over_its_name() -> None:
    def a_class(times: int) -> type[nn.Layer]:
        class Scaling(nn.Layer):
            def forward(self, x, *, training):
                return times * x

        return Scaling

    older, newer = a_class(2), a_class(3)
    assert type(older().clone()) is older
    assert type(nn.from_config(older().config())) is newer, "a description has names only, and the newest counts"


@pytest.mark.parametrize("value", [0, 0.5, np.float32(0.25), np.int64(1), 1])
def test_numbers_inside_the_range_are_accepted(value: float) -> None:
    check_between("Thing", "size", value, 0, 1)


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf"), "0.5", None, [0.5]])
def test_numbers_outside_the_range_are_refused_by_name(value: object) -> None:
    with pytest.raises(ValueError, match=r"Thing: size is .*, but must lie in \[0, 1\]"):
        check_between("Thing", "size", value, 0, 1)  # type: ignore[arg-type]


def test_an_open_end_is_outside() -> None:
    with pytest.raises(ValueError, match=r"must lie in \[0, 1\)"):
        check_between("Thing", "size", 1, 0, 1, open_end=True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.ScaledNormal(float("inf")),
        lambda: nn.AdamW(weight_decay=float("inf")),
        lambda: nn.Adam(epsilon=float("inf")),
        lambda: nn.Network([nn.Dense(2)], input_shape=3, l2=float("inf")),
        lambda: nn.SGD(float("inf")),
    ],
)
def test_infinity_is_not_a_setting(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"is inf, but must lie in \[0, inf\)"):
        make()
