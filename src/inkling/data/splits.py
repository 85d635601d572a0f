"""How digits are held, and how they are divided into training, validation and test.

Every reader in this room hands over the same thing: a `Digits` with a training part and, where the source has
one, a test part. `divide` then does what a `SplitPlan` says and nothing else, so that a recipe can describe
its split in a few plain words and two people who read those words get the same images in the same order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from inkling.errors import DataError

SIDE = 28  # height and width of every image, in pixels
Method = Literal["last", "shuffle", "stratified"]
Pool = Literal["train", "all"]

# What the counts in a plan are written for: MNIST's training images, and all its images.
WRITTEN_FOR: dict[str, int] = {"train": 60_000, "all": 70_000}


@dataclass(frozen=True, eq=False)
class Split:
    """Images and their labels, in order.

    images: uint8, shape (n, 28, 28), C-contiguous, 0 (paper) to 255 (ink). labels: int64, shape (n,), each 0
    to 9. Raises `DataError` where the arrays are anything else (labels of another integer type are
    converted).
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        images, labels = np.asarray(self.images), np.asarray(self.labels)
        if images.dtype != np.uint8 or images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
            raise DataError(
                f"images must be uint8 of shape (n, {SIDE}, {SIDE}); these are {images.dtype} {images.shape}"
            )
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(f"labels must be integers of shape (n,); these are {labels.dtype} {labels.shape}")
        if len(images) != len(labels):
            raise DataError(f"{len(images):,} images but {len(labels):,} labels: each image needs one label")
        wrong = np.flatnonzero((labels < 0) | (labels > 9))
        if wrong.size:
            raise DataError(f"label {labels[wrong[0]]} of image {wrong[0]:,} is not a digit from 0 to 9")
        object.__setattr__(self, "images", np.ascontiguousarray(images))
        object.__setattr__(self, "labels", np.ascontiguousarray(labels, dtype=np.int64))

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices_or_slice: slice | NDArray[Any] | list[int]) -> Split:
        """The images and labels at these places, in this order. A slice copies nothing (unless it skips)."""
        return Split(self.images[indices_or_slice], self.labels[indices_or_slice])

    def joined(self, other: Split | None) -> Split:
        """Join the other one to the end of this."""
        if other is None:
            return self
        return Split(np.concatenate([self.images, other.images]), np.concatenate([self.labels, other.labels]))


@dataclass(frozen=True, eq=False)
class Digits:
    """A data set: what to learn from, what to choose by, what to be judged on, and where it all comes from.

    `source` is a short stable name (`mnist`, `digits`, `csv:train.csv`, `npz:…`, `images:…`, `idx:…`);
    `note` is one plain sentence for the reader: which data this is, where from, and why.
    """

    train: Split
    validation: Split | None
    test: Split | None
    source: str
    note: str


@dataclass(frozen=True)
class SplitPlan:
    """How a recipe divides its data. Every field has a default, and the defaults leave the source as it is.

    pool: "train": the source's training images; its test images stay the test set.
        "all": both pooled, training images first (as OpenML orders them), and the test set drawn from them.
    first: keep at most so many of the pool, from its beginning.
    test: for pool "all", the fraction drawn as test set: what scikit-learn's
        `train_test_split(test_size=test, random_state=seed)` draws, image for image.
    validation: how much of the rest is held out: a count, a fraction (rounded up), or None (or 0).
    method: which images are held out. "last": the last ones. "shuffle": all are shuffled and the first ones
        held out. "stratified": shuffled, and of each digit its share. Both leave the training images shuffled.
    seed: of the test draw and of the shuffling.
    max_train_samples: cut the training images to the first so many, after everything else.

    `first` and `max_train_samples` say "at most". A validation *count* is written for the number of images
    the plan expects: `first`, or else MNIST's 60,000 (70,000 for pool "all"), less the test fraction. Where
    there are fewer images than that, and the count would leave less than half of them to train on, it is
    scaled in proportion: 1,000 of an expected 42,000 become 34 of 1,437. The note of the result says so.

    Raises `DataError` for values that cannot be meant.
    """

    pool: Pool = "train"
    first: int | None = None
    test: float = 0.0
    validation: int | float | None = None
    method: Method = "last"
    seed: int = 0
    max_train_samples: int | None = None

    def __post_init__(self) -> None:
        for name, allowed in (("pool", get_args(Pool)), ("method", get_args(Method))):
            if getattr(self, name) not in allowed:
                known = " or ".join(repr(word) for word in allowed)
                raise DataError(f"split: {name} is {getattr(self, name)!r}; it can be {known}")
        for name in ("first", "max_train_samples"):
            check_count(name, getattr(self, name))
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**32:
            raise DataError(f"split: seed is {self.seed!r}; it must be a whole number from 0 to 4,294,967,295")
        if not isinstance(self.test, (int, float)) or not 0 <= self.test < 1:
            raise DataError(f"split: test is {self.test!r}; it must be a fraction, at least 0 and below 1")
        if self.test and self.pool != "all":
            raise DataError('split: a test fraction is drawn from all images, so it needs pool = "all"')
        if isinstance(self.validation, float):
            if not 0 < self.validation < 1:
                raise DataError(
                    f"split: validation is {self.validation!r}; a fraction must lie between 0 and 1 (a count is "
                    "written without a point)"
                )
        elif self.validation is not None and (not _is_whole(self.validation) or self.validation < 0):
            raise DataError(f"split: validation is {self.validation!r}; it can be a count (1000) or a fraction (0.1)")


def check_count(name: str, value: object) -> None:
    """Raise `DataError` unless value is None or a whole number of at least 1."""
    if value is not None and (not _is_whole(value) or value < 1):  # type: ignore[operator]
        raise DataError(f"split: {name} is {value!r}; it must be a whole number of at least 1")


def divide(digits: Digits, plan: SplitPlan | None = None, *, max_train_samples: int | None = None) -> Digits:
    """Divide digits as the plan says. A validation part they already have first goes back where it came from.

    Without a plan: the last 5,000 training images are held out for validation (fewer of a smaller set, as
    `SplitPlan` says) and the test part stays; where there is none, a seeded stratified split of 80 / 10 / 10 %
    makes all three. `max_train_samples` takes precedence over the plan's. Raises `DataError` where nothing
    would be left to train on.
    """
    check_count("max_train_samples", max_train_samples)
    digits = replace(digits, train=digits.train.joined(digits.validation), validation=None)
    asked = plan is not None
    if plan is None and digits.test is None:
        digits, plan = _with_test(digits, 0.1), SplitPlan(validation=1 / 9, method="stratified")
    plan = plan or SplitPlan(validation=5_000)

    remarks = []
    rest, test = digits.train, digits.test
    if plan.pool == "all":
        rest, test = rest.joined(test), None
    if plan.first is not None:
        if plan.first > len(rest):
            remarks.append(f"the plan keeps the first {plan.first:,} images, and these are {len(rest):,}")
        rest = rest.take(slice(plan.first))
    if plan.test:
        count = math.ceil(plan.test * len(rest))
        order = np.random.RandomState(plan.seed).permutation(len(rest))  # scikit-learn's, so its old generator
        _leave_some(count, len(rest), "test")
        rest, test = rest.take(order[count:]), rest.take(order[:count])

    expected = round((plan.first or WRITTEN_FOR[plan.pool]) * (1 - plan.test))
    count = _held_out(plan.validation, len(rest), expected)
    if asked and not isinstance(plan.validation, float) and count != (plan.validation or 0):
        remarks.append(
            f"{plan.validation:,} validation images, meant for {expected:,}, became {count:,} of {len(rest):,}"
        )
    _leave_some(count, len(rest), "validation")
    train, validation = _hold_out(rest, count, plan)
    cut = max_train_samples or plan.max_train_samples
    if cut is not None:
        train = train.take(slice(cut))
    note = "; ".join([digits.note[:1].upper() + digits.note[1:].rstrip("."), *remarks]) + "."
    return Digits(train, validation, test, digits.source, note)


def stratified(labels: NDArray[np.int64], count: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw `count` of the labels so that each digit is represented in proportion.

    Returns the places of the others and of the drawn, both in shuffled order. Shares that are no whole
    number go to the digits with the largest remainders (Hamilton's method), so exactly `count` are drawn.
    """
    order = np.random.default_rng(seed).permutation(len(labels))
    quota, remainder = np.divmod(np.bincount(labels, minlength=10) * count, len(labels))
    quota[np.argsort(-remainder, kind="stable")[: count - quota.sum()]] += 1
    drawn = np.zeros(len(labels), dtype=bool)
    for digit in range(10):
        drawn[np.flatnonzero(labels[order] == digit)[: quota[digit]]] = True
    return order[~drawn], order[drawn]


def _with_test(digits: Digits, fraction: float) -> Digits:
    """Give digits that came in one part a test part: a stratified draw, the same one every time."""
    if len(digits.train) < 3:
        raise DataError(f"{digits.source} holds {len(digits.train)} images: too few for training, validation and test")
    others, drawn = stratified(digits.train.labels, math.ceil(fraction * len(digits.train)), seed=0)
    return replace(digits, train=digits.train.take(others), test=digits.train.take(drawn))


def _held_out(validation: int | float | None, available: int, expected: int) -> int:
    """How many images to hold out (the rule is in `SplitPlan`)."""
    if isinstance(validation, float):
        return math.ceil(validation * available)
    count = int(validation or 0)
    if count >= expected:
        raise DataError(f"split: {count:,} validation images cannot be taken from {expected:,}")
    if available < expected and 2 * count > available:
        return max(1, round(count * available / expected))
    return count


def _hold_out(rest: Split, count: int, plan: SplitPlan) -> tuple[Split, Split | None]:
    if count == 0:
        return rest, None
    if plan.method == "last":
        return rest.take(slice(len(rest) - count)), rest.take(slice(len(rest) - count, None))
    if plan.method == "shuffle":
        order = np.random.default_rng(plan.seed).permutation(len(rest))
        return rest.take(order[count:]), rest.take(order[:count])
    others, drawn = stratified(rest.labels, count, plan.seed)
    return rest.take(others), rest.take(drawn)


def _leave_some(count: int, available: int, part: str) -> None:
    if available == 0:
        raise DataError("there are no images to divide")
    if count >= available:
        raise DataError(f"split: holding out {count:,} images for {part} leaves none of {available:,} to train on")


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)
