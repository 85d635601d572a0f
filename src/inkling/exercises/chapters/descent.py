"""Chapter 6, which way is down: a slope measured, and a step taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array

Function = Callable[[Array], float]


def cubes(p: Array) -> float:
    """p₀³ + 2·p₁³ + 3·p₂³ + …"""
    return float(np.sum((1 + np.arange(len(p))) * p**3))


def waves(p: Array) -> float:
    """Σ sin p, plus p₀·p₁"""
    return float(np.sum(np.sin(p)) + p[0] * p[-1])


def bowl(p: Array) -> float:
    """½ Σ p²"""
    return float(0.5 * np.sum(p * p))


def numerical_gradient(f: Function, p: Array, h: float) -> Array:
    """Central differences."""
    gradient = np.zeros_like(p)
    for i in range(len(p)):
        above, below = p.copy(), p.copy()
        above[i] += h
        below[i] -= h
        gradient[i] = (f(above) - f(below)) / (2 * h)
    return gradient


def landscapes(random: np.random.Generator) -> Iterator[Case]:
    """Functions and places; h is large enough to tell one quotient from another."""
    yield Case((cubes, random.normal(size=3), 0.1))
    yield Case((waves, random.normal(size=4), 0.05))
    yield Case((bowl, np.array([1.5]), 0.01), "a single number")
    yield Case((cubes, np.zeros(2), 0.1), "a place where all is zero")
    yield Case((waves, random.normal(size=2) * 3, 0.2))


def one_sided(f: Function, p: Array, h: float, side: int) -> Array:
    """The quotient to one side."""
    gradient = np.zeros_like(p)
    for i in range(len(p)):
        moved = p.copy()
        moved[i] += side * h
        gradient[i] = side * (f(moved) - f(p)) / h
    return gradient


def not_put_back(f: Function, p: Array, h: float) -> Array:
    """Each number stays where it was moved to."""
    moved, gradient = p.copy(), np.zeros_like(p)
    for i in range(len(p)):
        moved[i] += h
        above = f(moved)
        moved[i] -= 2 * h
        gradient[i] = (above - f(moved)) / (2 * h)
    return gradient


def all_at_once(f: Function, p: Array, h: float) -> Array:
    """One quotient for all of them."""
    return np.full_like(p, (f(p + h) - f(p - h)) / (2 * h))


def gradient_step(p: Array, g: Array, rate: float) -> Array:
    """Downhill."""
    return p - rate * g


def places(random: np.random.Generator) -> Iterator[Case]:
    """Places and gradients."""
    yield Case((random.normal(size=4), random.normal(size=4), 0.3))
    yield Case((random.normal(size=(2, 3)), random.normal(size=(2, 3)), 0.01), "a matrix of parameters")
    yield Case((random.normal(size=3), np.zeros(3), 0.1), "a gradient of zero")
    yield Case((np.zeros(2), random.normal(size=2), 0.5), "parameters that are all zero")
    yield Case(float32(random.normal(size=5), random.normal(size=5), 0.2), "float32")


EXERCISES = (
    Exercise(
        name="numerical_gradient",
        chapter=6,
        title="Which way is down? Measure it",
        task="""
        How fast does f change when one number changes? Move it a little up, then a little down, and look:

            slope ≈ (f(p + h) − f(p − h)) / 2h     (only one number moves at a time)

        Do this for every number of p. It is slow, but it cannot go wrong in the way a formula can, so we shall test
        all our formulas by it.
        """,
        arguments={
            "f": "a function that takes an array like p and returns one number",
            "p": "(numbers,)  where we stand; it must be unchanged at the end",
            "h": "how far to move",
        },
        returns={"gradient": "(numbers,)  the slope along each number of p"},
        example=(bowl, np.array([1.0, -2.0]), 0.1),
        worked="For ½ Σ p² the slope along each number is the number itself.",
        hint="Work on a copy of p, and put each number back before you move the next.",
        reference=numerical_gradient,
        make=landscapes,
        mistakes=(
            Mistake(
                "one-sided",
                lambda f, p, h: one_sided(f, p, h, 1),
                "It looks like (f(p + h) − f(p)) / h: only one side is looked at. On a curve that is much less exact.",
                "What if you also look in the other direction? By what do you divide then?",
            ),
            Mistake(
                "other-side",
                lambda f, p, h: one_sided(f, p, h, -1),
                "It looks like (f(p) − f(p − h)) / h: only one side is looked at. On a curve that is much less exact.",
                "What if you also look in the other direction? By what do you divide then?",
            ),
            Mistake(
                "divided-by-h",
                lambda f, p, h: 2 * numerical_gradient(f, p, h),
                "It is exactly twice as large as it should be: divided by h instead of 2h.",
                "How far apart are p + h and p − h?",
            ),
            Mistake(
                "times-h",
                lambda f, p, h: numerical_gradient(f, p, h) * 2 * h,
                "This is how much f changes, not how fast: it is not divided by the distance.",
                "How far apart are p + h and p − h?",
            ),
            Mistake(
                "brackets",
                lambda f, p, h: numerical_gradient(f, p, h) * (2 * h) / 2 * h,
                "It looks like (…) / 2 * h, which Python reads from left to right: divided by 2, then multiplied by h.",
                "Where are brackets missing?",
            ),
            Mistake(
                "sign",
                lambda f, p, h: -numerical_gradient(f, p, h),
                "The size is right and the sign is wrong: where f rises, this says that it falls.",
                "Which of the two values comes first?",
            ),
            Mistake(
                "not-put-back",
                not_put_back,
                "The first slope is right. After it the number stays moved, so that all others are measured from "
                "another place.",
                "Where should every number stand before the next one moves?",
            ),
            Mistake(
                "same-array",
                lambda f, p, h: np.zeros_like(p),
                "All slopes are 0, as if nothing had moved. In NumPy, q = p makes no copy, only a second name for "
                "the same "
                "array: what is added under one name is taken off again under the other.",
                "How do you get an array of your own?",
            ),
            Mistake(
                "all-at-once",
                all_at_once,
                "All numbers of p have been moved at once, so that all slopes are alike: it is their sum.",
                "How do you move one number and leave the others where they are?",
            ),
        ),
    ),
    Exercise(
        name="gradient_step",
        chapter=6,
        title="One step downhill",
        task="""
        The gradient points uphill: the way in which the loss grows fastest. So go the other way, by the gradient
        times the learning rate. Return the new parameters, and leave the old ones as they are.
        """,
        arguments={
            "p": "any shape  the parameters",
            "g": "the same shape  the gradient, ∂loss/∂p",
            "rate": "the learning rate, one number",
        },
        returns={"p": "the same shape  the parameters after the step"},
        example=(np.array([1.0, -2.0]), np.array([0.5, -1.0]), 0.1),
        worked="1 − 0.1·0.5 = 0.95 and −2 − 0.1·(−1) = −1.9.",
        hint="One line. -= would change the array of whoever called you.",
        reference=gradient_step,
        make=places,
        mistakes=(
            Mistake(
                "uphill",
                lambda p, g, rate: p + rate * g,
                "The step goes uphill: the gradient is added, so the loss will grow.",
                "Which way does the gradient point, and which way do you want to go?",
            ),
            Mistake(
                "no-rate",
                lambda p, g, rate: p - g,
                "The whole gradient is taken off: the learning rate is not in it.",
                "What does `rate` do in your function?",
            ),
            Mistake(
                "only-the-step",
                lambda p, g, rate: rate * g,
                "This is the step alone, not where it leads to.",
                "Where do you stand before the step?",
            ),
            Mistake(
                "only-minus-the-step",
                lambda p, g, rate: -rate * g,
                "This is the step alone, not where it leads to.",
                "Where do you stand before the step?",
            ),
            Mistake(
                "exchanged",
                lambda p, g, rate: g - rate * p,
                "Parameters and gradient have changed places.",
                "Which of the two is to be changed, and which says how?",
            ),
            Mistake(
                "divided",
                lambda p, g, rate: p - g / rate,
                "The gradient is divided by the learning rate: the smaller the rate, the larger the step.",
                "Should a small rate make small or large steps?",
            ),
            Mistake(
                "rate-outside",
                lambda p, g, rate: rate * (p - g),
                "It looks like rate · (p − g): the parameters themselves are multiplied by the rate.",
                "What should happen where the gradient is 0?",
            ),
            Mistake(
                "direction-only",
                lambda p, g, rate: p - rate * np.sign(g),
                "All steps have the same length: only the sign of the gradient is used.",
                "Should a steep slope make a longer step than a gentle one?",
            ),
        ),
    ),
)
