"""The same words give the same split, for everybody; and the split a recipe's source used can be had exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split
from stand_ins import some_digits

from inkling.data import Digits, Split, SplitPlan, divide
from inkling.errors import DataError


def numbered(count: int, begin: int = 0) -> Split:
    """Digits that carry their number in their first three pixels, so that one can tell where each went."""
    images = np.zeros((count, 28, 28), np.uint8)
    number = np.arange(begin, begin + count)
    for place in range(3):
        images[:, 0, place] = number >> 8 * place & 255
    return Split(images, number % 10)


def numbers(split: Split | None) -> np.ndarray:
    assert split is not None
    return split.images[:, 0, :3].astype(np.int64) @ (1, 256, 65536)


def source(train: int, test: int | None = None) -> Digits:
    return Digits(numbered(train), None, None if test is None else numbered(test, train), "here", "some digits")


def test_a_split_knows_its_size_and_what_was_taken_from_it() -> None:
    split = some_digits(50)
    assert len(split) == 50
    assert split.labels.dtype == np.int64
    taken = split.take([3, 1])
    np.testing.assert_array_equal(taken.images, split.images[[3, 1]])
    np.testing.assert_array_equal(taken.labels, [3, 1])
    assert np.shares_memory(split.take(slice(10, 20)).images, split.images)
    assert split.take(slice(None, None, 2)).images.flags.c_contiguous


@pytest.mark.parametrize(
    ("images", "labels", "says"),
    [
        (np.zeros((2, 28, 28)), [0, 1], "uint8"),
        (np.zeros((2, 27, 28), np.uint8), [0, 1], r"\(2, 27, 28\)"),
        (np.zeros((2, 28, 28), np.uint8), [0, 1, 2], "2 images but 3 labels"),
        (np.zeros((2, 28, 28), np.uint8), [0.0, 1.0], "integers"),
        (np.zeros((2, 28, 28), np.uint8), [0, 10], "label 10 of image 1"),
        (np.zeros((2, 28, 28), np.uint8), [-1, 1], "label -1 of image 0"),
    ],
)
def test_what_is_no_digits_is_refused(images: np.ndarray, labels: list[Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        Split(images, np.array(labels))


def test_without_a_plan_the_last_5000_are_for_validation_and_the_test_set_stays() -> None:
    digits = divide(source(20_000, 300))
    assert (numbers(digits.train) == np.arange(15_000)).all()
    assert (numbers(digits.validation) == np.arange(15_000, 20_000)).all()
    assert (numbers(digits.test) == np.arange(20_000, 20_300)).all()
    assert digits.note == "Some digits."


def test_without_a_plan_one_part_becomes_three_in_proportion() -> None:
    digits = divide(source(1_000))
    assert [len(part or ()) for part in (digits.train, digits.validation, digits.test)] == [800, 100, 100]
    for part in (digits.validation, digits.test):
        assert (np.bincount(part.labels) == 10).all()  # type: ignore[union-attr]
    together = [*numbers(digits.train), *numbers(digits.validation), *numbers(digits.test)]
    assert sorted(together) == list(range(1_000))
    again = divide(source(1_000))
    assert (numbers(again.test) == numbers(digits.test)).all()


def test_exactly_scikit_learns_train_test_split() -> None:
    digits = divide(source(600, 100), SplitPlan(pool="all", test=0.2, seed=42))
    train, test = train_test_split(np.arange(700), test_size=0.2, random_state=42)
    assert (numbers(digits.train) == train).all()
    assert (numbers(digits.test) == test).all()
    assert digits.validation is None


@settings(deadline=None)
@given(
    count=st.integers(2, 300),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 2**32 - 1),
)
def test_scikit_learns_split_at_any_size(count: int, fraction: float, seed: int) -> None:
    plan = SplitPlan(pool="all", test=fraction, seed=seed)
    try:
        train, test = train_test_split(np.arange(count), test_size=fraction, random_state=seed)
    except ValueError:  # it would leave nothing to train on
        with pytest.raises(DataError):
            divide(source(count), plan)
        return
    digits = divide(source(count), plan)
    assert (numbers(digits.train) == train).all()
    assert (numbers(digits.test) == test).all()


@pytest.mark.mnist
def test_the_full_batch_recipes_split_of_the_real_mnist(mnist_folder: Any) -> None:
    from inkling.data import load_data, read_path

    whole = read_path(mnist_folder)
    digits = load_data(mnist_folder, plan=SplitPlan(pool="all", test=0.2, seed=42))
    images = np.concatenate([whole.train.images, whole.test.images])  # type: ignore[union-attr]
    labels = np.concatenate([whole.train.labels, whole.test.labels])  # type: ignore[union-attr]
    train, test = train_test_split(np.arange(70_000), test_size=0.2, random_state=42)
    assert (digits.train.labels == labels[train]).all()
    assert (digits.test.images == images[test]).all()  # type: ignore[union-attr]
    assert (len(digits.train), len(digits.test or ())) == (56_000, 14_000)


@pytest.mark.parametrize("method", ["last", "shuffle", "stratified"])
@settings(deadline=None)
@given(data=st.data())
def test_every_image_lands_in_exactly_one_part(method: Any, data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 200))
    validation = data.draw(st.one_of(st.integers(1, count // 2), st.floats(0.01, 0.5)))
    plan = SplitPlan(validation=validation, method=method, seed=data.draw(st.integers(0, 1000)))
    digits = divide(source(count), plan)
    assert sorted([*numbers(digits.train), *numbers(digits.validation)]) == list(range(count))
    wanted = validation if isinstance(validation, int) else np.ceil(validation * count)
    assert len(digits.validation or ()) == wanted
    assert digits.test is None
    again = divide(source(count), plan)
    assert (numbers(again.train) == numbers(digits.train)).all()
    assert (numbers(again.validation) == numbers(digits.validation)).all()


def test_last_holds_out_the_last() -> None:
    digits = divide(source(100), SplitPlan(validation=10))
    assert (numbers(digits.train) == np.arange(90)).all()


def test_shuffle_holds_out_the_first_after_shuffling() -> None:
    digits = divide(source(42_000), SplitPlan(first=42_000, validation=1_000, method="shuffle", seed=3))
    order = np.random.default_rng(3).permutation(42_000)
    assert (numbers(digits.validation) == order[:1_000]).all()
    assert (numbers(digits.train) == order[1_000:]).all()
    assert digits.note == "Some digits."  # Kaggle's file is used as it is, and there is nothing to remark
    other = divide(source(42_000), SplitPlan(first=42_000, validation=1_000, method="shuffle", seed=4))
    assert (numbers(other.validation) != numbers(digits.validation)).any()


@settings(deadline=None)
@given(
    labels=st.lists(st.integers(0, 9), min_size=20, max_size=300),
    fraction=st.floats(0.05, 0.9),
    seed=st.integers(0, 99),
)
def test_stratified_is_within_one_image_of_the_exact_proportion(labels: list[int], fraction: float, seed: int) -> None:
    split = Split(numbered(len(labels)).images, np.array(labels))
    digits = divide(
        Digits(split, None, None, "here", "x"), SplitPlan(validation=fraction, method="stratified", seed=seed)
    )
    drawn = np.bincount(digits.validation.labels, minlength=10)  # type: ignore[union-attr]
    exact = np.bincount(labels, minlength=10) * (drawn.sum() / len(labels))
    assert (np.abs(drawn - exact) < 1).all()


def test_stratified_training_images_are_shuffled_so_that_a_cut_is_a_fair_sample() -> None:
    labels = np.repeat(np.arange(10), 100)
    split = Digits(Split(numbered(1_000).images, labels), None, None, "here", "x")
    digits = divide(split, SplitPlan(validation=100, method="stratified", max_train_samples=200))
    assert set(digits.train.labels) == set(range(10))


def test_first_keeps_the_beginning_and_the_test_set_stays() -> None:
    digits = divide(source(600, 50), SplitPlan(first=420, validation=10))
    assert (numbers(digits.train) == np.arange(410)).all()
    assert (numbers(digits.validation) == np.arange(410, 420)).all()
    assert (numbers(digits.test) == np.arange(600, 650)).all()


def test_max_train_samples_cuts_after_everything_else_and_the_callers_comes_first() -> None:
    plan = SplitPlan(validation=100, max_train_samples=300)
    digits = divide(source(1_000), plan)
    assert (numbers(digits.train) == np.arange(300)).all()
    assert (numbers(digits.validation) == np.arange(900, 1_000)).all()
    assert len(divide(source(1_000), plan, max_train_samples=20).train) == 20
    assert len(divide(source(1_000), plan, max_train_samples=5_000).train) == 900


def test_digits_divided_once_can_be_divided_again_as_if_they_never_were() -> None:
    once = divide(source(20_000, 300))
    again = divide(once, SplitPlan(pool="all", test=0.2, seed=1))
    fresh = divide(source(20_000, 300), SplitPlan(pool="all", test=0.2, seed=1))
    assert (numbers(again.train) == numbers(fresh.train)).all()
    assert (numbers(again.test) == numbers(fresh.test)).all()


@pytest.mark.parametrize(
    ("count", "plan", "held_out", "remark"),
    [
        (1_437, SplitPlan(first=42_000, validation=1_000, method="shuffle"), 34, "became 34 of 1,437"),
        (1_437, SplitPlan(validation=10_000), 240, "meant for 60,000, became 240 of 1,437"),
        (1_500, SplitPlan(pool="all", test=0.2, validation=10_000), 214, "meant for 56,000, became 214"),
        (1_437, SplitPlan(validation=500), 500, None),  # it leaves more than half
        (15_000, SplitPlan(validation=5_000), 5_000, None),
        (41_000, SplitPlan(first=42_000, validation=1_000), 1_000, "these are 41,000"),
        (60_000, SplitPlan(validation=40_000), 40_000, None),  # as many as expected: it is meant so
        (10, SplitPlan(validation=1_000), 1, "became 1 of 10"),
        (1_437, SplitPlan(validation=0), 0, None),
    ],
)
def test_a_count_written_for_more_images_is_scaled_and_that_is_said(
    count: int, plan: SplitPlan, held_out: int, remark: str | None
) -> None:
    digits = divide(source(count), plan)
    assert len(digits.validation or ()) == held_out
    if remark is None:
        assert digits.note == "Some digits."
    else:
        assert remark in digits.note
        assert digits.note.endswith(".")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"pool": "both"}, "pool is 'both'; it can be 'train' or 'all'"),
        ({"method": "random"}, "method is 'random'"),
        ({"first": 0}, "first is 0"),
        ({"first": 2.5}, "first is 2.5"),
        ({"max_train_samples": -1}, "max_train_samples is -1"),
        ({"validation": -5}, "validation is -5"),
        ({"validation": 1.0}, "validation is 1.0"),
        ({"validation": float("nan")}, "validation is nan"),
        ({"validation": True}, "validation is True"),
        ({"validation": "some"}, "validation is 'some'"),
        ({"pool": "all", "test": 1.0}, "test is 1.0"),
        ({"pool": "all", "test": "0.2"}, "test is '0.2'"),
        ({"pool": "all", "test": -0.1}, "test is -0.1"),
        ({"test": 0.2}, "needs pool"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 1.5}, "seed is 1.5"),
    ],
)
def test_a_plan_that_cannot_be_meant_is_refused_when_it_is_made(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(DataError, match=says):
        SplitPlan(**wrong)


@pytest.mark.parametrize(
    ("count", "plan", "says"),
    [
        (10, SplitPlan(validation=0.999), "10 images for validation leaves none of 10"),
        (2, SplitPlan(pool="all", test=0.9), "leaves none of 2"),
        (1, SplitPlan(validation=1), "leaves none of 1"),
        (2, None, "too few"),
    ],
)
def test_a_plan_that_leaves_nothing_to_train_on_is_refused(count: int, plan: SplitPlan, says: str) -> None:
    with pytest.raises(DataError, match=says):
        divide(source(count), plan)


def test_an_impossible_cut_is_refused() -> None:
    with pytest.raises(DataError, match="max_train_samples is 0"):
        divide(source(10, 5), max_train_samples=0)
