"""The judge: right is right, every known mistake is called by its name, and nothing that comes back can upset it."""

# ruff: noqa: ARG005 (a wrong answer need not look at its question)

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from trying import kinds, tried

from inkling.exercises import EXERCISES, Exercise, Mistake, exercise_named, judge
from inkling.exercises.outcome import Outcome, Raised
from inkling.exercises.seen import Seen, see

each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


@each
def test_the_reference_is_right(exercise: Exercise):
    verdict = tried(exercise, exercise.reference)
    assert verdict.status == "right"
    assert verdict.right == verdict.total == len(exercise.cases())
    assert not verdict.findings
    assert not verdict.remarks


@each
def test_the_starter_is_kindly_still_to_be_written(exercise: Exercise):
    written: dict[str, Any] = {}
    exec(exercise.starter(), written)
    verdict = tried(exercise, written[exercise.name])
    assert verdict.status == "not written"
    assert kinds(verdict) == ["not-written"]
    assert "still to be written" in verdict.findings[0].looks_like


def known() -> Iterator[Any]:
    for exercise in EXERCISES:
        for mistake in exercise.mistakes:
            yield pytest.param(exercise, mistake, id=f"{exercise.name}-{mistake.name}")


@pytest.mark.parametrize(("exercise", "mistake"), list(known()))
def test_every_known_mistake_is_recognised_with_its_own_words(exercise: Exercise, mistake: Mistake):
    verdict = tried(exercise, mistake.function)
    assert verdict.status == "not yet"
    (finding,) = verdict.findings
    assert (finding.kind, finding.looks_like, finding.question) == (
        mistake.name, mistake.looks_like, mistake.question,
    )  # fmt: skip
    assert finding.call == exercise.signature
    assert len(finding.asked) == len(exercise.arguments)
    assert finding.expected != finding.came


def changed(function: Callable[..., Any], change: Callable[[Any], Any]) -> Callable[..., Any]:
    """The function with every returned number or array changed."""

    def solution(*args: Any) -> Any:
        answer = function(*args)
        return tuple(map(change, answer)) if isinstance(answer, tuple) else change(answer)

    return solution


NUMERIC = [exercise for exercise in EXERCISES if exercise.name != "mini_batches"]
numeric = pytest.mark.parametrize("exercise", NUMERIC, ids=lambda exercise: exercise.name)
ANYWHERE: dict[str, Callable[[Any], Any]] = {
    "sign": lambda answer: -answer,
    "factor": lambda answer: 7.25 * answer,
    "nan": lambda answer: answer * np.nan,
    "infinite": lambda answer: answer + np.inf,
    "zeros": lambda answer: answer * 0,
    "constant": lambda answer: answer * 0 + 3.5,
    "offset": lambda answer: answer + 13.0,
    "squared": lambda answer: answer**2,
    "shape": lambda answer: np.zeros((2, 3, 4, 5)),
    "nothing": lambda answer: None,
    "kind": lambda answer: "many thanks",
}
ALMOST = {"sign": {"absolute"}, "squared": {"places"}, "nan": set(), "zeros": {"input", "constant"}}


@numeric
@pytest.mark.parametrize("kind", ANYWHERE)
def test_what_any_answer_may_suffer_from_is_read_from_its_numbers(exercise: Exercise, kind: str):
    verdict = tried(exercise, changed(exercise.reference, ANYWHERE[kind]))
    if verdict.status == "right":
        assert kind == "squared"  # zeros and ones are their own squares
        return
    own = {mistake.name for mistake in exercise.mistakes}
    assert verdict.findings
    for found in kinds(verdict):
        assert found in {kind} | own | ALMOST.get(kind, set())


@numeric
def test_a_python_list_is_told_from_an_array(exercise: Exercise):
    verdict = tried(exercise, changed(exercise.reference, lambda answer: np.asarray(answer).tolist()))
    if isinstance(exercise.reference(*exercise.cases()[0].args), (float, np.floating)):
        assert verdict.status == "right"  # a number is a number
    else:
        assert kinds(verdict) == ["list"]
        assert "the numbers in it are right" in verdict.findings[0].looks_like


@each
def test_an_input_that_was_changed_is_noticed_although_the_numbers_are_right(exercise: Exercise):
    def solution(*args: Any) -> Any:
        answer = exercise.reference(*(arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args))
        for arg in args:
            if isinstance(arg, np.ndarray):
                arg[...] = 1 - arg
        return answer

    verdict = tried(exercise, solution)
    assert kinds(verdict) == ["changed"]
    names = [
        name for name, arg in zip(exercise.arguments, exercise.example, strict=True) if isinstance(arg, np.ndarray)
    ]
    assert all(name in verdict.findings[0].looks_like for name in names)


@each
def test_the_right_numbers_in_double_precision_are_right_with_a_remark(exercise: Exercise):
    def widened(answer: Any) -> Any:
        return answer.astype(np.float64) if isinstance(answer, np.ndarray) and answer.dtype.kind == "f" else answer

    verdict = tried(exercise, changed(exercise.reference, widened))
    assert verdict.status == "right"
    for remark in verdict.remarks:
        assert "float64 where float32 is wanted" in remark


SEVERAL = [exercise for exercise in EXERCISES if len(exercise.returns) > 1]
several = pytest.mark.parametrize("exercise", SEVERAL, ids=lambda exercise: exercise.name)


@several
def test_several_answers_in_another_order(exercise: Exercise):
    verdict = tried(exercise, lambda *args: exercise.reference(*args)[::-1])
    assert kinds(verdict) == ["order"]
    assert ", ".join(reversed(exercise.returns)) in verdict.findings[0].looks_like


@several
def test_one_answer_instead_of_several(exercise: Exercise):
    verdict = tried(exercise, lambda *args: exercise.reference(*args)[0])
    assert kinds(verdict) == ["count"]
    assert f"only {next(iter(exercise.returns))} came" in verdict.findings[0].looks_like
    verdict = tried(exercise, lambda *args: exercise.reference(*args)[:1])
    assert kinds(verdict) == ["count"]


@several
def test_only_what_is_wrong_of_several_is_told(exercise: Exercise):
    for place, name in enumerate(exercise.returns):

        def solution(*args: Any, place: int = place) -> Any:
            answers = list(exercise.reference(*args))
            answers[place] = answers[place] + np.linspace(0.1, 0.7, answers[place].size).reshape(answers[place].shape)
            return tuple(answers)

        (finding,) = tried(exercise, solution).findings
        assert finding.part == name
        assert finding.kind == "unknown"


def test_the_size_of_the_batch_is_named_with_its_number():
    def solution(p: Any, labels: Any) -> Any:
        return p - np.eye(p.shape[1])[labels]

    verdict = tried("softmax_cross_entropy_backward", solution)
    assert kinds(verdict) == ["size"]
    said = verdict.findings[0].looks_like
    assert "Every number is exactly 2 times too large: 2 is the size of the batch." in said
    verdict = tried("softmax_cross_entropy_backward", lambda p, labels: -solution(p, labels))
    assert kinds(verdict) == ["size-and-sign"]


def test_two_mistakes_at_once_are_both_told():
    verdict = tried("two_layers", lambda x, W1, b1, W2, b2: -((x @ W1 + b1) @ W2 + b2))
    assert kinds(verdict) == ["no-relu+sign"]
    assert "Two things at once" in verdict.findings[0].looks_like

    def hasty(p: Any, labels: Any) -> Any:
        return np.sum(np.log(p[np.arange(len(p)), labels]))

    verdict = tried("cross_entropy", hasty)
    assert kinds(verdict) == ["log-of-zero+size-and-sign"]
    assert "2 is the size of the batch" in verdict.findings[0].looks_like
    verdict = tried("dense_backward", lambda dz, x, W: (dz.T @ x, dz.sum(axis=1), dz @ W.T))
    assert kinds(verdict) == ["dW-transposed", "db-over-neurons"]


def test_two_mistakes_at_once_in_several_arrays():
    def hasty(x: Any, labels: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        a1 = np.maximum(x @ W1 + b1, 0)
        e = np.exp(a1 @ W2 + b2)
        dz2 = e / e.sum(axis=1, keepdims=True) - np.eye(len(b2))[labels]
        dz1 = dz2 @ W2.T
        return x.T @ dz1, dz1.sum(axis=0), a1.T @ dz2, dz2.sum(axis=0)

    first, second = tried("backpropagation", hasty).findings
    assert (first.kind, first.part) == ("no-relu-on-the-way-back+size", "dW1")
    assert (second.kind, second.part) == ("not-averaged", "dW2")
    assert first.looks_like.endswith("(db1 likewise.)")
    assert second.looks_like.endswith("(db2 likewise.)")


def test_a_mistake_that_explains_most_of_it_is_told_first():
    verdict = tried("softmax", lambda z: np.exp(z) / np.exp(z).sum(axis=0))
    assert kinds(verdict) == ["wrong-axis+more"]
    assert "That explains 7 of the 8 wrong answers" in verdict.findings[0].looks_like
    assert "nan" not in verdict.findings[0].came


def test_what_goes_wrong_for_one_kind_of_input_only():
    softmax = exercise_named("softmax")

    def solution(z: Any) -> Any:
        return softmax.reference(z) if len(z) > 1 else np.full(z.shape, 1 / z.size) + z

    verdict = tried(softmax, solution)
    assert kinds(verdict) == ["special"]
    assert "only for a batch of one" in verdict.findings[0].looks_like
    assert verdict.findings[0].scope == "a batch of one"
    assert verdict.right == verdict.total - 1


@pytest.mark.parametrize(
    ("name", "solution", "kind"),
    [
        ("softmax", lambda z: exercise_named("softmax").reference(z).T, "transpose"),
        ("softmax", lambda z: exercise_named("softmax").reference(z).ravel(), "layout"),
        ("softmax", lambda z: exercise_named("softmax").reference(z).sum(axis=0), "folded"),
        ("softmax", lambda z: z.copy(), "input"),
        ("softmax", lambda z: exercise_named("softmax").reference(z)[:, ::-1], "reversed"),
        ("softmax", lambda z: z[:, :1] * z[:, :1].T, "shape"),
        ("accuracy", lambda p, labels: np.array([exercise_named("accuracy").reference(p, labels)]), "boxed"),
        ("accuracy", lambda p, labels: p @ p.T, "broadcast"),
        ("neuron", lambda x, w, b: x * w + b / len(x), "unfolded"),
        ("neuron", lambda x, w, b: np.trunc(x @ w + b), "cut"),
        ("relu", lambda z: np.sort(np.maximum(z, 0), axis=None).reshape(z.shape), "places"),
        ("relu", lambda z: (v for v in z), "kind"),
        ("relu", lambda z: max, "kind"),
        ("relu", lambda z: np.maximum(z, 0) + 0j, "kind"),
        ("relu", lambda z: np.zeros((1000, 1000)), "huge"),
        ("relu", lambda z: [[1.0], [2.0, 3.0]], "list"),
        ("mini_batches", lambda order, size: order, "kind"),
        ("mini_batches", lambda order, size: [order] * 7, "length"),
        ("mini_batches", lambda order, size: [["a"]] * -(-len(order) // size), "items"),
    ],
)
def test_what_is_read_from_shapes_and_numbers(name: str, solution: Callable[..., Any], kind: str):
    assert kinds(tried(name, solution)) == [kind]


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        (NameError("name 'np' is not defined"), "raised", "import numpy"),
        (ValueError("matmul: Input operand 1 has a mismatch in its core dimension"), "misfit", "transpose"),
        (TypeError("unsupported operand type(s) for +: 'NoneType' and 'int'"), "none", "return"),
        (RecursionError(), "raised", "end it"),
        (ValueError("The truth value of an array with more than one element is ambiguous."), "truth", "by itself"),
        (ValueError("operands could not be broadcast together with shapes (2,3) (2,)"), "misfit", "keepdims"),
        (ValueError("cannot reshape array of size 5 into shape (2)"), "reshape", "even"),
        (MemoryError(), "raised", "memory"),
        (ZeroDivisionError(), "raised", "What is 0"),
        (SystemExit(3), "exit", "return"),
        (ValueError("assignment destination is read-only"), "read-only", "new one"),
        (type("Odd", (Exception,), {"__str__": lambda self: 1 // 0})(), "raised", "message"),
    ],
)
def test_exceptions_are_explained(error: BaseException, kind: str, says: str):
    def solution(z: Any) -> Any:
        raise error

    (finding,) = tried("softmax", solution).findings
    assert finding.kind == kind
    assert says in f"{finding.looks_like} {finding.question}"


def by_loops(image: Any, kernel: Any) -> Any:
    z = np.zeros((image.shape[0] - kernel.shape[0] + 1, image.shape[1] - kernel.shape[1] + 1), image.dtype)
    for y in range(z.shape[0]):
        for x in range(z.shape[1]):
            z[y, x] = np.sum(image[y : y + kernel.shape[0], x : x + kernel.shape[1]] * kernel)
    return z


def moved_and_put_back(f: Any, p: Any, h: float) -> Any:
    slopes = []
    for i in range(len(p)):
        p[i] += h
        above = f(p)
        p[i] -= 2 * h
        slopes.append((above - f(p)) / (2 * h))
        p[i] += h
    return np.array(slopes)


def kernel_on_the_image_and_turned_on_the_error(dz: Any, image: Any, kernel: Any) -> Any:
    around = [(size - 1, size - 1) for size in kernel.shape]
    return by_loops(image, dz), by_loops(np.pad(dz, around), kernel[::-1, ::-1])


def adam_in_other_words(
    p: Any, g: Any, m: Any, v: Any, t: int, rate: float, beta1: float, beta2: float, epsilon: float
) -> Any:
    m = m + (1 - beta1) * (g - m)
    v = v + (1 - beta2) * (g**2 - v)
    step = rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return p - step * m / (np.sqrt(v) + epsilon * np.sqrt(1 - beta2**t)), m, v


@pytest.mark.parametrize(
    ("name", "solution"),
    [
        ("scale_pixels", lambda images: (images / 255.0).reshape(images.shape[0], -1).astype(np.float32)),
        ("one_hot", lambda labels, classes: (labels[:, None] == np.arange(classes)).astype(float)),
        ("neuron", lambda x, w, b: sum(a * c for a, c in zip(x, w, strict=True)) + b),
        ("relu", lambda z: z * (z > 0)),
        ("dense", lambda x, W, b: np.einsum("ni,iu->nu", x, W) + b),
        ("softmax", lambda z: np.exp(z - np.logaddexp.reduce(z, axis=1, keepdims=True))),
        ("accuracy", lambda p, labels: sum(row.argmax() == y for row, y in zip(p, labels, strict=True)) / len(p)),
        ("cross_entropy", lambda p, labels: -np.log(np.clip(p, 1e-12, 1))[np.arange(len(p)), labels].mean()),
        ("cross_entropy_from_scores", lambda z, y: np.mean(np.logaddexp.reduce(z, axis=1) - z[np.arange(len(z)), y])),
        ("mean_squared_error", lambda a, y: np.mean(np.sum((a - y) ** 2, axis=1) / 2)),
        ("numerical_gradient", moved_and_put_back),
        ("relu_backward", lambda da, z: da * (z > 0)),
        ("dense_backward", lambda dz, x, W: [x.T @ dz, np.ones(len(dz)) @ dz, (W @ dz.T).T]),
        ("mini_batches", lambda order, size: np.split(order, range(size, len(order), size))),
        ("adam_step", adam_in_other_words),
        ("he_weights", lambda normal: normal * np.sqrt(2 / len(normal))),
        ("convolve", by_loops),
        ("convolve_backward", kernel_on_the_image_and_turned_on_the_error),
    ],
)
def test_another_right_way_is_right(name: str, solution: Callable[..., Any]):
    verdict = tried(name, solution)
    assert (verdict.status, kinds(verdict)) == ("right", [])


def test_rounding_is_no_mistake():
    def solution(z: Any) -> Any:
        return (exercise_named("softmax").reference(z.astype(np.longdouble)) * (1 + 1e-9)).astype(z.dtype)

    assert tried("softmax", solution).status == "right"


class Hostile:
    """An object that fails whatever one does with it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)

    def __repr__(self) -> str:
        raise RuntimeError


numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.complex_numbers(), st.just(10**4000))
anything = st.recursive(
    st.one_of(
        st.none(),
        numbers,
        st.text(max_size=5),
        st.binary(max_size=5),
        st.builds(Hostile),
        st.sampled_from([print, object, sys, Ellipsis, np.float32, iter([]), {1: 2}, {3}]),
        arrays.arrays(arrays.scalar_dtypes(), arrays.array_shapes(min_dims=0, min_side=0)),
        arrays.arrays(
            np.dtype(object), arrays.array_shapes(min_dims=0, min_side=0), elements=st.one_of(st.none(), numbers)
        ),
        arrays.arrays(np.float64, st.sampled_from([(2, 3), (3, 3), (4, 3), (3,), (1, 1), ()])),
    ),
    lambda inside: st.one_of(
        st.lists(inside, max_size=4), st.tuples(inside, inside), st.tuples(inside, inside, inside)
    ),
    max_leaves=8,
)


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(EXERCISES), st.lists(anything, min_size=1, max_size=3))
@example(EXERCISES[0], [np.array([2**63 - 1])])
def test_nothing_that_comes_back_upsets_the_judge(exercise: Exercise, answers: list[Any]):
    with np.errstate(all="ignore"):
        seen = [see(answer) for answer in answers]
    again = [Seen.from_json(each.to_json()) for each in seen]
    outcomes = [Outcome(again[i % len(again)]) for i in range(len(exercise.cases()))]
    verdict = judge(exercise, outcomes)
    assert verdict.status == "not yet"
    assert verdict.findings
    for finding in verdict.findings:
        assert finding.looks_like
        assert finding.question
        assert len(finding.came) < 5000


@settings(deadline=None, max_examples=50)
@given(st.sampled_from(NUMERIC), st.data())
def test_arrays_of_the_right_shape_with_any_numbers_in_them_do_not_either(exercise: Exercise, data: st.DataObject):
    def noise(answer: Any) -> Any:
        shape = np.shape(answer)
        return data.draw(arrays.arrays(st.sampled_from([np.float32, np.float64, np.int64, np.bool_]), shape))

    verdict = tried(exercise, changed(exercise.reference, noise))
    assert verdict.findings or verdict.status == "right"


def test_an_end_in_the_middle_is_told_on_the_input_where_it_came():
    exercise = exercise_named("relu")
    first = Outcome(see(exercise.reference(*exercise.cases()[0].args)))
    verdict = judge(exercise, [first, Outcome(raised=Raised("endless", "10 s"))])
    assert kinds(verdict) == ["endless"]
    assert "within 10 s" in verdict.findings[0].looks_like
    assert verdict.findings[0].asked == ("z = [-2.5,  0.0,  2.5]",)
    assert verdict.right == 1
