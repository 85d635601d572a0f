"""Schedules: the learning rate at a point in time, by the formula, without jumps where none are promised."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inkling import nn

SMOOTH = [
    nn.Constant(0.2),
    nn.Cosine(0.2),
    nn.Cosine(0.2, 0.02),
    nn.OneCycle(0.2),
    nn.OneCycle(0.2, peak=0.5, divide=10, final_divide=100),
    nn.OneCycle(0.2, peak=0.0),
    nn.OneCycle(0.2, peak=1.0),
    nn.WarmUp(nn.Constant(0.2), 3),
    nn.WarmUp(nn.Cosine(0.2), 2.5),
]


def test_constant_never_changes() -> None:
    assert {nn.Constant(0.3)(epoch, 10) for epoch in (0, 0.1, 5, 10)} == {0.3}


@pytest.mark.parametrize(("epoch", "rate"), [(0, 1), (9.99, 1), (10, 0.5), (19.5, 0.5), (20, 0.25), (30, 0.125)])
def test_step_multiplies_after_every_so_many_epochs(epoch: float, rate: float) -> None:
    assert nn.Step(1.0, every=10, factor=0.5)(epoch, 40) == pytest.approx(rate)


@pytest.mark.parametrize("final", [0.0, 0.01])
def test_cosine_goes_down_half_a_wave(final: float) -> None:
    schedule = nn.Cosine(0.1, final)
    assert schedule(0, 8) == pytest.approx(0.1)
    assert schedule(4, 8) == pytest.approx((0.1 + final) / 2)
    assert schedule(2, 8) == pytest.approx(final + (0.1 - final) * (1 + math.sqrt(0.5)) / 2)
    assert schedule(8, 8) == pytest.approx(final, abs=1e-15)
    assert schedule(9, 8) == pytest.approx(final, abs=1e-15), "a training that goes on stays at the end"


def test_one_cycle_rises_to_its_peak_and_falls_to_the_end() -> None:
    schedule = nn.OneCycle(1.0, peak=0.25, divide=10, final_divide=1000)
    assert schedule(0, 20) == pytest.approx(0.1)
    assert schedule(2.5, 20) == pytest.approx(0.55), "halfway up is halfway between"
    assert schedule(5, 20) == pytest.approx(1.0)
    assert schedule(12.5, 20) == pytest.approx((1.0 + 0.001) / 2)
    assert schedule(20, 20) == pytest.approx(0.001)
    rates = [schedule(epoch / 10, 20) for epoch in range(201)]
    assert rates[:51] == sorted(rates[:51])
    assert rates[50:] == sorted(rates[50:], reverse=True)
    assert max(rates) == pytest.approx(1.0)


def test_one_cycle_may_be_all_descent_or_all_ascent() -> None:
    assert nn.OneCycle(1.0, peak=0.0)(0, 4) == pytest.approx(1.0)
    assert nn.OneCycle(1.0, peak=1.0)(4, 4) == pytest.approx(1.0)
    assert nn.OneCycle(1.0, peak=1.0)(0, 4) == pytest.approx(1 / 25)


def test_warm_up_grows_in_a_straight_line_and_then_follows() -> None:
    schedule = nn.WarmUp(nn.Step(1.0, every=6, factor=0.1), 4)
    assert [schedule(epoch, 10) for epoch in (1, 2, 3, 4, 5, 6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 0.1])
    assert 0 < schedule(0, 10) < 0.01, "the first step is small, but a step"


def test_warm_up_multiplies_what_the_schedule_says_at_that_time() -> None:
    inner = nn.Cosine(0.4)
    assert nn.WarmUp(inner, 2)(1, 10) == pytest.approx(0.5 * inner(1, 10))
    assert nn.WarmUp(inner, 0)(0, 10) == inner(0, 10)


@pytest.mark.parametrize("schedule", SMOOTH, ids=repr)
@settings(deadline=None, max_examples=40)
@given(epoch=st.floats(0, 10), epochs=st.just(10.0))
def test_rates_are_never_negative_never_above_the_top_and_never_jump(schedule, epoch, epochs) -> None:
    rate = schedule(epoch, epochs)
    assert 0 <= rate <= 0.2 * (1 + 1e-12)
    assert schedule(min(epoch + 1e-6, epochs), epochs) == pytest.approx(rate, abs=2e-4 if epoch < 1e-2 else 1e-6)


@pytest.mark.parametrize("schedule", SMOOTH, ids=repr)
def test_a_schedule_keeps_no_state(schedule) -> None:
    there = [schedule(epoch, 10) for epoch in (0, 2.5, 7, 10)]
    back = [schedule(epoch, 10) for epoch in (10, 7, 2.5, 0)]
    assert there == back[::-1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: nn.Constant(-1), "Constant: rate is -1"),
        (lambda: nn.Constant(float("nan")), "Constant: rate is nan"),
        (lambda: nn.Constant(float("inf")), "Constant: rate is inf"),
        (lambda: nn.Step(0.1, every=0), "Step: every is 0"),
        (lambda: nn.Step(0.1, factor=-0.5), "Step: factor is -0.5"),
        (lambda: nn.Cosine(0.1, final=-1), "Cosine: final is -1"),
        (lambda: nn.OneCycle(0.1, peak=1.5), "OneCycle: peak is 1.5"),
        (lambda: nn.OneCycle(0.1, divide=0.5), "OneCycle: divide is 0.5"),
        (lambda: nn.OneCycle(0.1, final_divide=0), "OneCycle: final_divide is 0"),
        (lambda: nn.WarmUp(nn.Constant(0.1), -1), "WarmUp: warm_epochs is -1"),
    ],
)
def test_a_setting_outside_its_range_is_refused_by_name(make, message) -> None:
    with pytest.raises(ValueError, match=message):
        make()
