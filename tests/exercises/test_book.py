"""The exercises themselves: complete, readable, always the same, and right by Inkling's own network."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from trying import tried

import inkling as ik
from inkling.errors import InklingError
from inkling.exercises import CHAPTERS, EXERCISES, Exercise, answer, exercise_named, exercise_names
from inkling.exercises.seen import see

each = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)


def test_every_chapter_has_its_exercises_in_order():
    assert [e.chapter for e in EXERCISES] == sorted(e.chapter for e in EXERCISES)
    assert {e.chapter for e in EXERCISES} == set(range(1, len(CHAPTERS) + 1))
    assert len(set(exercise_names())) == len(EXERCISES) >= 15


@each
def test_it_is_written_for_a_narrow_screen(exercise: Exercise):
    assert max(map(len, exercise.starter().splitlines())) <= 80
    assert not any(line != line.rstrip() for line in exercise.starter().splitlines())


@each
def test_the_starter_is_python_with_the_text_for_a_docstring(exercise: Exercise):
    function = ast.parse(exercise.starter()).body[-1]
    assert isinstance(function, ast.FunctionDef)
    assert function.name == exercise.name
    assert [argument.arg for argument in function.args.args] == list(exercise.arguments)
    words = (ast.get_docstring(function) or "").split()
    assert words == exercise.text().split()


@each
def test_nothing_that_is_shown_holds_the_solution(exercise: Exercise):
    source = ast.parse(inspect.getsource(exercise.reference)).body[0]
    assert isinstance(source, ast.FunctionDef)
    last = source.body[-1]
    assert isinstance(last, ast.Return)
    assert last.value is not None
    solution = ast.unparse(last.value)
    shown = [exercise.starter(), *(m.looks_like + m.question for m in exercise.mistakes)]
    assert len(solution) < 12 or not any(solution in text for text in shown)


@each
def test_the_answer_that_one_may_ask_for_is_a_whole_file_that_passes(exercise: Exercise):
    names: dict[str, Any] = {}
    exec(compile(answer(exercise), "answer.py", "exec"), names)
    assert tried(exercise, names[exercise.name]).status == "right"
    assert "inkling" not in answer(exercise)
    assert ": Array" not in answer(exercise)


@each
def test_the_words_are_sentences(exercise: Exercise):
    for mistake in exercise.mistakes:
        assert mistake.looks_like.rstrip(")").endswith((".", "?"))
        assert "?" in mistake.question
    assert len({mistake.name for mistake in exercise.mistakes}) == len(exercise.mistakes) >= 6


@each
def test_the_inputs_are_the_same_every_time_and_nobody_can_spoil_them(exercise: Exercise):
    first, second = exercise.cases(), exercise.cases()
    assert len(first) >= 5
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one.args, other.args, strict=True):
            if isinstance(a, np.ndarray):
                assert_array_equal(a, b)
                a[...] = 0
    for one, other in zip(second, exercise.cases(), strict=True):
        for a, b in zip(one.args, other.args, strict=True):
            assert_array_equal(a, b)


@each
def test_float32_stays_float32(exercise: Exercise):
    notes = [case.note for case in exercise.cases()]
    for case in exercise.cases():
        types = {arg.dtype for arg in case.args if isinstance(arg, np.ndarray) and arg.dtype.kind == "f"}
        if types != {np.dtype(np.float32)}:
            continue
        seen = see(exercise.reference(*case.args))
        for part in seen.items or (seen,):
            assert part.kind == "number" or part.dtype == "float32"
    kinds = {arg.dtype.kind for arg in exercise.example if isinstance(arg, np.ndarray)}
    if "f" in kinds and not callable(exercise.example[0]):
        assert any(note.startswith("float32") for note in notes)


def test_an_exercise_is_found_by_name_and_by_number():
    for number, name in enumerate(exercise_names(), 1):
        assert exercise_named(name) is exercise_named(str(number))
    for wrong, hint in (("sofmax", "did you mean softmax"), ("Adam-Step", "did you mean adam_step"), ("x", "list")):
        with pytest.raises(InklingError, match=hint):
            exercise_named(wrong)


@each
def test_the_known_mistakes_are_told_apart_by_the_inputs(exercise: Exercise):
    """No two known mistakes give the same numbers, or one of them could never be named."""
    answers = []
    for mistake in exercise.mistakes:
        with np.errstate(all="ignore"):
            told = []
            for case in exercise.cases():
                try:
                    told.append(repr(see(mistake.function(*case.args)).to_json()))
                except Exception as error:
                    told.append(type(error).__name__)
        answers.append("".join(told))
    assert len(set(answers)) == len(answers)


def test_the_page_about_them_lists_them_all():
    page = Path(__file__).parents[2] / "docs" / "exercises.md"
    if not page.exists():
        pytest.skip("no docs beside these tests")
    text = " ".join(page.read_text(encoding="utf-8").split())
    for number, exercise in enumerate(EXERCISES, 1):
        assert f"| {number} | `{exercise.name}` | {exercise.title} |" in text
    assert f"{len(EXERCISES)} functions" in text
    assert f"{sum(len(exercise.mistakes) for exercise in EXERCISES)} known mistakes" in text


# The references beside Inkling's own network


def reference(name: str, *args: object):
    return exercise_named(name).reference(*args)


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


def test_layers_are_those_of_the_network():
    network = ik.nn.Network([ik.nn.Dense(4), ik.nn.ReLU(), ik.nn.Dense(3)], input_shape=5, dtype=np.float64, seed=1)
    one, _, two = network.layers
    one.b[...], two.b[...] = drawn(4), drawn(3)
    x, labels = drawn(6, 5), np.array([0, 2, 1, 1, 0, 2])
    assert_allclose(reference("two_layers", x, one.W, one.b, two.W, two.b), network.forward(x), rtol=1e-12)
    network.compute_gradients(x, labels)
    found = reference("backpropagation", x, labels, one.W, one.b, two.W, two.b)
    for mine, gradient in zip(found, (one.dW, one.db, two.dW, two.db), strict=True):
        assert_allclose(mine, gradient, rtol=1e-10)


@pytest.mark.parametrize(("name", "padding"), [("convolve", "valid"), ("convolve_same", "same")])
def test_convolutions_are_those_of_the_network(name: str, padding: str):
    image, kernel = drawn(6, 7), drawn(3, 5, seed=1)
    network = ik.nn.Network(
        [ik.nn.Conv2D(1, (3, 5), padding=padding), ik.nn.Flatten()], input_shape=(6, 7, 1), dtype=np.float64
    )
    network.layers[0].W[:, :, 0, 0] = kernel
    found = reference(name, image, kernel)
    assert_allclose(found.ravel(), network.forward(image[None, :, :, None])[0], rtol=1e-9)


def test_ways_back_are_right_by_experiment():
    image, kernel, dz = drawn(5, 4), drawn(2, 3, seed=1), drawn(4, 2, seed=2)
    found = reference("convolve_backward", dz, image, kernel)
    for mine, values in zip(found, (kernel, image), strict=True):
        measured = ik.nn.numerical_gradient(lambda: float(np.sum(dz * reference("convolve", image, kernel))), values)
        assert_allclose(mine, measured, rtol=1e-6, atol=1e-9)
    z, da = drawn(4, 6), drawn(2, 3, seed=3)
    pool = ik.nn.Network([ik.nn.MaxPool2D(2), ik.nn.Flatten()], input_shape=(4, 6), dtype=np.float64).layers[0]
    pool.forward(z[None, :, :, None], training=True)
    expected = pool.backward(da[None, :, :, None])
    assert_allclose(reference("max_pool_backward", da, z), expected.reshape(4, 6))


def test_optimizers_are_those_of_the_network():
    p, m, v = drawn(4), np.zeros(4), np.zeros(4)
    mine, adam = p.copy(), ik.nn.Adam(0.1, beta1=0.8, beta2=0.9, epsilon=1e-3)
    for t in range(1, 5):
        g = drawn(4, seed=t)
        mine, m, v = reference("adam_step", mine, g, m, v, t, 0.1, 0.8, 0.9, 1e-3)
        adam.step(p, g.copy(), 0.1)
        assert_allclose(mine, p, rtol=1e-9)
    p, v = drawn(4), np.zeros(4)
    mine, sgd = p.copy(), ik.nn.SGD(0.1, momentum=0.9)
    for t in range(4):
        g = drawn(4, seed=t)
        mine, v = reference("momentum_step", mine, g, v, 0.1, 0.9)
        sgd.step(p, g.copy(), 0.1)
        assert_allclose(mine, p, rtol=1e-9)


def test_losses_are_those_of_the_network():
    z, labels = drawn(5, 3), np.array([0, 1, 2, 2, 1])
    network = ik.nn.Network([ik.nn.Dense(3)], input_shape=3, dtype=np.float64)
    network.layers[0].W[...] = np.eye(3)
    p = network.predict_proba(z)
    assert_allclose(reference("softmax", z), p)
    loss = network.objective(z, labels)
    assert_allclose(reference("cross_entropy", p, labels), loss)
    assert_allclose(reference("cross_entropy_from_scores", z, labels), loss)
    squared = ik.nn.MeanSquaredError()
    y = ik.nn.one_hot(labels, 3)
    assert_allclose(reference("mean_squared_error", p, y), squared.sample_losses(p, y).mean())
