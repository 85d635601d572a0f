"""Chapter 9, from momentum to Adam: optimizers that remember."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array

Several = tuple[Any, ...]


def momentum_step(p: Array, g: Array, v: Array, rate: float, mu: float) -> Several:
    """A step that gathers speed."""
    v = mu * v + g
    return p - rate * v, v


def rolls(random: np.random.Generator) -> Iterator[Case]:
    """Places on the way, with and without speed."""

    def place(n: int) -> Several:
        return tuple(random.normal(size=n) for _ in range(3))

    yield Case((*place(4), 0.3, 0.8))
    yield Case((random.normal(size=3), random.normal(size=3), np.zeros(3), 0.1, 0.9), "the first step, without speed")
    yield Case((random.normal(size=2), np.zeros(2), random.normal(size=2), 0.2, 0.5), "a gradient of zero")
    yield Case((*place(3), 0.05, 0.0), "no momentum")
    yield Case(float32(*place(5), 0.25, 0.7), "float32")


def adam_step(
    p: Array, g: Array, m: Array, v: Array, t: int, rate: float, beta1: float, beta2: float, epsilon: float
) -> Several:
    """Adam."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return p - rate * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + epsilon), m, v


def walks(random: np.random.Generator) -> Iterator[Case]:
    """Steps early and late; ε is large enough to see where it stands."""

    def place(n: int) -> Several:
        p, g, m, v = (random.normal(size=n) for _ in range(4))
        return p, g, m, v**2

    yield Case((*place(3), 2, 0.1, 0.8, 0.9, 0.05))
    p, g, _, _ = place(4)
    yield Case((p, g, np.zeros(4), np.zeros(4), 1, 0.1, 0.9, 0.99, 0.01), "the first step")
    yield Case((*place(3), 500, 0.02, 0.9, 0.999, 0.1), "a late step")
    p, g, m, v = place(2)
    yield Case((p, np.zeros(2), m, v, 5, 0.1, 0.7, 0.95, 0.02), "a gradient of zero")
    yield Case(float32(*place(5), 3, 0.1, 0.9, 0.8, 0.03), "float32")
    p, g, _, _ = place(2)
    yield Case((p, 1e-3 * g, np.zeros(2), np.zeros(2), 1, 0.01, 0.9, 0.999, 1e-3), "a very small gradient")


def adam(
    *,
    gradient: str = "g", correct: str = "mv", inside: bool = False, root: bool = True, square: bool = True,
    sign: int = 1, shift: int = 0, swapped: bool = False, fresh: bool = True, rated: bool = True, keep: bool = True,
    epsilon_too: bool = True,
) -> Any:  # fmt: skip
    """Adam with one thing wrong."""

    def step(
        p: Array, g: Array, m: Array, v: Array, t: int, rate: float, beta1: float, beta2: float, epsilon: float
    ) -> Several:
        if swapped:
            beta1, beta2 = beta2, beta1
        new = (1 - beta1, 1 - beta2) if fresh else (1, 1)
        m = beta1 * m + new[0] * g
        v = beta2 * v + new[1] * (g * g if square else g)
        first = m / (1 - beta1 ** (t + shift)) if "m" in correct else m
        second = v / (1 - beta2 ** (t + shift)) if "v" in correct else v
        e = epsilon if epsilon_too else 0.0
        size = np.sqrt(second + e) if inside else (np.sqrt(second) if root else second) + e
        moved = p - sign * (rate if rated else 1) * (g if gradient == "g only" else first) / size
        return (moved, m, v) if keep else (moved, first, second)

    return step


def times_for_power(
    p: Array, g: Array, m: Array, v: Array, t: int, rate: float, beta1: float, beta2: float, epsilon: float
) -> Several:
    """With 1 − β·t in the place of 1 − βᵗ."""
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return p - rate * (m / (1 - beta1 * t)) / (np.sqrt(v / (1 - beta2 * t)) + epsilon), m, v


EXERCISES = (
    Exercise(
        name="momentum_step",
        chapter=9,
        title="Momentum",
        task="""
        A ball that rolls downhill keeps its speed. Remember a velocity v beside the parameters: in each step it keeps
        a part μ of itself and takes up the new gradient, and the parameters move against it, as far as the rate says:

            v ← μ·v + g
            p ← p − rate · v     (with the new v)

        (Other books put the rate into v. Here it stands outside, as in PyTorch.) Return both, and change no array in
        place.
        """,
        arguments={
            "p": "(numbers,)  the parameters",
            "g": "(numbers,)  the gradient",
            "v": "(numbers,)  the velocity so far",
            "rate": "the learning rate",
            "mu": "μ, how much of the velocity is kept",
        },
        returns={"p": "(numbers,)  the new parameters", "v": "(numbers,)  the new velocity"},
        example=(np.array([1.0, 2.0]), np.array([0.5, -1.0]), np.array([1.0, 0.0]), 0.1, 0.9),
        worked="v = 0.9·1 + 0.5 = 1.4 and 0.9·0 − 1 = −1, so p = 1 − 0.14 = 0.86 and 2 + 0.1 = 2.1.",
        hint="Two lines, and their order matters.",
        reference=momentum_step,
        make=rolls,
        mistakes=(
            Mistake(
                "old-velocity",
                lambda p, g, v, rate, mu: (p - rate * v, mu * v + g),
                "The velocity is right, but the parameters have been moved with the old one.",
                "Which of the two lines comes first?",
            ),
            Mistake(
                "uphill",
                lambda p, g, v, rate, mu: (p + rate * (mu * v + g), mu * v + g),
                "The velocity is right, but the step goes along with it, uphill.",
                "v is made of gradients. Which way do they point?",
            ),
            Mistake(
                "velocity-sign",
                lambda p, g, v, rate, mu: (p - rate * (mu * v - g), mu * v - g),
                "The gradient is taken off the velocity, although the velocity is taken off the parameters, too: two "
                "minuses.",
                "Where should the one minus stand?",
            ),
            Mistake(
                "both-signs",
                lambda p, g, v, rate, mu: (p + rate * (mu * v - g), mu * v - g),
                "Both signs are turned round. From rest that comes to the same, but this velocity v points uphill.",
                "What does the first line say, sign by sign?",
            ),
            Mistake(
                "momentum-sign",
                lambda p, g, v, rate, mu: (p - rate * (g - mu * v), g - mu * v),
                "The old velocity is taken off instead of added, so the ball brakes instead of rolling on.",
                "What should the velocity do when the gradient stays the same for many steps?",
            ),
            Mistake(
                "rate-inside",
                lambda p, g, v, rate, mu: (p - (mu * v + rate * g), mu * v + rate * g),
                "The rate is inside of the velocity. Many books do it so; here it stands outside: v has gradients "
                "only.",
                "Which of the two lines has the rate in it?",
            ),
            Mistake(
                "average",
                lambda p, g, v, rate, mu: (p - rate * (mu * v + (1 - mu) * g), mu * v + (1 - mu) * g),
                "The gradient is multiplied by 1 − μ: an average, as in Adam. Here the velocity is a sum.",
                "What does the first line say about g?",
            ),
            Mistake(
                "no-momentum",
                lambda p, g, v, rate, mu: (p - rate * g, g.copy()),
                "The velocity is forgotten: this is plain gradient descent.",
                "What do `v` and `mu` do in your function?",
            ),
            Mistake(
                "velocity-for-nothing",
                lambda p, g, v, rate, mu: (p - rate * g, mu * v + g),
                "The velocity is right, but the parameters move by the gradient alone.",
                "What is the velocity for?",
            ),
            Mistake(
                "no-rate",
                lambda p, g, v, rate, mu: (p - (mu * v + g), mu * v + g),
                "The velocity is right; the step forgets the learning rate.",
                "What does `rate` do in your function?",
            ),
            Mistake(
                "keeps-all",
                lambda p, g, v, rate, mu: (p - rate * (v + g), v + g),
                "All of the velocity is kept: μ is not in it, and the ball never slows down.",
                "What does `mu` do in your function?",
            ),
            Mistake(
                "mu-on-both",
                lambda p, g, v, rate, mu: (p - rate * mu * (v + g), mu * (v + g)),
                "μ multiplies the new gradient, too.",
                "Are there brackets too many?",
            ),
            Mistake(
                "nesterov",
                lambda p, g, v, rate, mu: (p - rate * (g + mu * (mu * v + g)), mu * v + g),
                "The velocity is right, and the step looks ahead along it: that is Nesterov's way, a good one, but "
                "not this.",
                "What exactly is taken off in the second line?",
            ),
            Mistake(
                "old-velocity-returned",
                lambda p, g, v, rate, mu: (p - rate * (mu * v + g), v.copy()),
                "The parameters are right, but the velocity came back as it was: the next step would know nothing of "
                "this one.",
                "Which v do you return?",
            ),
        ),
    ),
    Exercise(
        name="adam_step",
        chapter=9,
        title="Adam",
        task="""
        Adam remembers two running averages for each number: m of the gradient, and v of its square. Both begin at 0,
        so they are too small at first; dividing by 1 − βᵗ puts that right. Then each number takes a step of its own
        size:

            m ← β₁·m + (1 − β₁)·g                 v ← β₂·v + (1 − β₂)·g²
            p ← p − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

        t is the number of this step, and the first step is 1. Return p, and m and v as they are remembered (not
        corrected).
        """,
        arguments={
            "p": "(numbers,)  the parameters",
            "g": "(numbers,)  the gradient",
            "m": "(numbers,)  running average of g",
            "v": "(numbers,)  running average of g²",
            "t": "the number of this step, from 1",
            "rate": "the learning rate",
            "beta1": "β₁, how much of m is kept",
            "beta2": "β₂, how much of v is kept",
            "epsilon": "ε, keeps from dividing by 0",
        },
        returns={"p": "(numbers,)  new", "m": "(numbers,)  new", "v": "(numbers,)  new"},
        example=(
            np.array([1.0, 2.0]),
            np.array([0.5, -4.0]),
            np.zeros(2),
            np.zeros(2),
            1,
            0.1,
            0.9,
            0.99,
            0.1,
        ),
        worked="""
        m = 0.1·g = (0.05, −0.4), v = 0.01·g² = (0.0025, 0.16). Corrected they are g and g² themselves, so the step is
        0.1 · 0.5/(0.5 + 0.1) = 0.083 and −0.1 · 4/(4 + 0.1) = −0.098: nearly the same, although one slope is eight
        times the other.
        """,
        hint="Compute m and v first, the corrected ones under names of their own.",
        reference=adam_step,
        make=walks,
        mistakes=(
            Mistake(
                "no-correction",
                adam(correct=""),
                "m and v are right, but the step uses them uncorrected: in the first steps they are still far too "
                "small.",
                "What does `t` do in your function?",
            ),
            Mistake(
                "only-m-corrected",
                adam(correct="m"),
                "m and v are right, but in the step only m is corrected.",
                "Both averages begin at 0. What is true of v that is true of m?",
            ),
            Mistake(
                "only-v-corrected",
                adam(correct="v"),
                "m and v are right, but in the step only v is corrected.",
                "Both averages begin at 0. What is true of m that is true of v?",
            ),
            Mistake(
                "epsilon-inside",
                adam(inside=True),
                "m and v are right, and ε is there; but it stands under the root.",
                "Where does the root end in the formula?",
            ),
            Mistake(
                "epsilon-inside-and-no-correction",
                adam(inside=True, correct=""),
                "m and v are right. In the step two things are off: they are not corrected, and ε stands under the "
                "root.",
                "What does `t` do in your function? And where does the root end in the formula?",
            ),
            Mistake(
                "times-for-power",
                times_for_power,
                "m and v are right. It looks as if β were multiplied by t, instead of taken to the power of t.",
                "What is βᵗ in Python, for β = 0.9 and t = 2: 1.8 or 0.81?",
            ),
            Mistake(
                "no-epsilon",
                adam(epsilon_too=False),
                "m and v are right; ε is not in the step.",
                "What happens where v is 0?",
            ),
            Mistake(
                "no-root",
                adam(root=False),
                "m and v are right; the step divides by v itself instead of its root.",
                "v is an average of squares. What has the size of a gradient again?",
            ),
            Mistake(
                "not-squared",
                adam(square=False),
                "m is right. v averages the gradient itself, not its square, and may then be negative under the root.",
                "What is it that v remembers?",
            ),
            Mistake(
                "uphill",
                adam(sign=-1),
                "m and v are right; the step goes uphill.",
                "Which way does the gradient point, and which way do you want to go?",
            ),
            Mistake(
                "t-from-zero",
                adam(shift=1),
                "m and v are right. The correction is that of the step after this: t + 1, as if t counted from 0.",
                "What is 1 − β₁ᵗ in the first step, where t is 1?",
            ),
            Mistake(
                "betas-exchanged",
                adam(swapped=True),
                "β₁ and β₂ have changed places.",
                "Which of the two averages has the longer memory?",
            ),
            Mistake(
                "sums",
                adam(fresh=False),
                "The new gradient comes in with its full weight: the factors 1 − β₁ and 1 − β₂ are missing.",
                "If the gradient were always 3, what should m become after many steps?",
            ),
            Mistake(
                "gradient-only",
                adam(gradient="g only"),
                "m and v are right; the step goes along the gradient alone, without the average m. (That is "
                "RMSprop's way.)",
                "What is m remembered for?",
            ),
            Mistake(
                "no-rate",
                adam(rated=False),
                "m and v are right; the step forgets the learning rate.",
                "What does `rate` do in your function?",
            ),
            Mistake(
                "corrected-kept",
                adam(keep=False),
                "The new parameters are right. But m and v came back corrected, and would be corrected again in the "
                "next step.",
                "Under which names do you keep the corrected ones?",
            ),
            Mistake(
                "old-memory",
                lambda p, g, m, v, *rest: (adam_step(p, g, m, v, *rest)[0], m.copy(), v.copy()),
                "The new parameters are right. But m and v came back as they were: the next step would know nothing "
                "of this.",
                "Which m and v do you return?",
            ),
        ),
    ),
)
