"""Chapter 10, overfitting, dropout and L2: two ways to keep a network from learning by heart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array

Several = tuple[Any, ...]


def dropout(a: Array, rate: float, chance: Array, training: bool) -> Array:
    """Silence some, scale the rest."""
    if not training:
        return a
    return np.where(chance >= rate, a / (1 - rate), 0)


def silences(random: np.random.Generator) -> Iterator[Case]:
    """Training and test, several rates."""

    def neurons(*shape: int) -> tuple[Array, Array]:
        return random.normal(size=shape), random.uniform(size=shape)

    def case(shape: tuple[int, ...], rate: float, training: bool) -> Several:
        a, chance = neurons(*shape)
        return a, rate, chance, training

    yield Case(case((3, 4), 0.3, True))
    yield Case(case((2, 3), 0.4, False), "prediction (training is False)")
    yield Case(case((1, 6), 0.8, True), "a high rate")
    yield Case(case((2, 2), 0.0, True), "a rate of 0")
    yield Case(float32(*case((4, 5), 0.2, True)), "float32")
    yield Case(
        (np.array([[1.0, -2.0, 3.0]]), 0.25, np.array([[0.25, 0.1, 0.9]]), True), "a chance that is just the rate"
    )


def l2_gradients(dW: Array, db: Array, W: Array, b: Array, strength: float) -> Several:  # noqa: ARG001
    """Gradients with a pull towards zero; b has no part in it."""
    return dW + strength * W, db.copy()


def pulls(random: np.random.Generator) -> Iterator[Case]:
    """Gradients and weights."""

    def layer(i: int, u: int) -> Several:
        return random.normal(size=(i, u)), random.normal(size=u), random.normal(size=(i, u)), random.normal(size=u)

    yield Case((*layer(3, 2), 0.1))
    yield Case((*layer(2, 4), 0.5))
    yield Case((*layer(2, 2), 0.0), "a strength of 0")
    yield Case((np.zeros((2, 3)), np.zeros(3), random.normal(size=(2, 3)), random.normal(size=3), 0.2), "no gradient")
    yield Case(float32(*layer(4, 3), 0.3), "float32")


EXERCISES = (
    Exercise(
        name="dropout",
        chapter=10,
        title="Dropout",
        task="""
        While the network learns, silence each neuron with probability `rate`, so that no neuron can lean on one
        other. Those that are left speak up, by 1 / (1 − rate), so that what arrives in the next layer is the same on
        average. When the network is used, nothing is dropped and nothing is scaled.

        So that we can compare, the lots are drawn for you: `chance` holds a number between 0 and 1 for each neuron,
        and those with chance < rate are silenced.
        """,
        arguments={
            "a": "any shape  activations",
            "rate": "the fraction to silence, from 0 to less than 1",
            "chance": "the same shape  a lot for each neuron, from 0 to 1",
            "training": "True while the network learns, else False",
        },
        returns={"out": "the same shape"},
        example=(np.array([[1.0, 2.0, 3.0, 4.0]]), 0.5, np.array([[0.9, 0.1, 0.5, 0.3]]), True),
        worked="0.1 and 0.3 are below 0.5, so these neurons are silent. The others are divided by 1 − 0.5, hence "
        "doubled.",
        hint="A comparison makes True and False, and these multiply as 1 and 0.",
        reference=dropout,
        make=silences,
        mistakes=(
            Mistake(
                "not-scaled",
                lambda a, rate, chance, training: np.where(chance >= rate, a, 0) if training else a,
                "The right neurons are silent, but the others do not speak up for them.",
                "If half of ten people are silent, how loud must the others be to be heard as before?",
            ),
            Mistake(
                "always",
                lambda a, rate, chance, training: np.where(chance >= rate, a / (1 - rate), 0),
                "In training it is right. But it drops neurons when the network is used as well.",
                "What does `training` do in your function?",
            ),
            Mistake(
                "scaled-at-test",
                lambda a, rate, chance, training: np.where(chance >= rate, a, 0) if training else a * (1 - rate),
                "The scaling happens when the network is used, not in training. It was done so at first (2012); "
                "today it is "
                "turned round, so that nothing has to be remembered later.",
                "When should the factor 1 / (1 − rate) come in?",
            ),
            Mistake(
                "scaled-twice",
                lambda a, rate, chance, training: (
                    np.where(chance >= rate, a / (1 - rate), 0) if training else a * (1 - rate)
                ),
                "It is scaled in training, which is right, and once more when the network is used.",
                "What is left to do when training is False?",
            ),
            Mistake(
                "kept-and-dropped",
                lambda a, rate, chance, training: np.where(chance < rate, a / (1 - rate), 0) if training else a,
                "Just the wrong neurons are silent: those below the rate are kept.",
                "With a rate of 0.8, how many of ten neurons should still speak?",
            ),
            Mistake(
                "rate-is-kept",
                lambda a, rate, chance, training: np.where(chance < rate, a / max(rate, 1e-9), 0) if training else a,
                "It looks as if `rate` were the fraction to keep; here it is the fraction to silence.",
                "What should a rate of 0 do?",
            ),
            Mistake(
                "divided-by-rate",
                lambda a, rate, chance, training: np.where(chance >= rate, a / np.float64(rate), 0) if training else a,
                "The right neurons are silent, but the others are divided by `rate` instead of by what is left.",
                "Which fraction of the neurons still speaks?",
            ),
            Mistake(
                "multiplied",
                lambda a, rate, chance, training: np.where(chance >= rate, a * (1 - rate), 0) if training else a,
                "The right neurons are silent, but the others have become quieter instead of louder.",
                "Multiply or divide by 1 − rate?",
            ),
            Mistake(
                "backwards",
                lambda a, rate, chance, training: np.where(chance >= rate, a / (1 - rate), 0) if not training else a,
                "It drops neurons when the network is used, and none in training.",
                "Is there a `not` too many, or one missing?",
            ),
            Mistake(
                "never",
                lambda a, rate, chance, training: a.copy(),
                "Nothing is dropped at all.",
                "What should become of a neuron whose chance is below the rate?",
            ),
            Mistake(
                "only-the-mask",
                lambda a, rate, chance, training: (chance >= rate) / (1 - rate) if training else np.ones_like(a),
                "This is the mask that the activations are to be multiplied by.",
                "Where do the activations come in?",
            ),
            Mistake(
                "limit",
                lambda a, rate, chance, training: np.where(chance > rate, a / (1 - rate), 0) if training else a,
                "Right, but for a chance that is exactly the rate: that neuron should speak.",
                "Is it > or >= ? (With a rate of 0 and a chance of 0, what should happen?)",
            ),
        ),
    ),
    Exercise(
        name="l2_gradients",
        chapter=10,
        title="L2: a pull towards zero",
        task="""
        Large weights make a network jumpy. L2 adds a price for them to the loss, ½·λ·Σ W², the sum going over all
        weights. A bias only shifts, so it costs nothing. Given the gradients of the loss alone, return those of loss
        and price together.
        """,
        arguments={
            "dW": "(inputs, units)  ∂loss/∂W",
            "db": "(units,)  ∂loss/∂b",
            "W": "(inputs, units)  the weights",
            "b": "(units,)  the biases",
            "strength": "λ, how high the price is",
        },
        returns={"dW": "(inputs, units)  with the price", "db": "(units,)  with the price"},
        example=(np.array([[0.5], [0.0]]), np.array([1.0]), np.array([[2.0], [-3.0]]), np.array([4.0]), 0.1),
        worked="0.5 + 0.1·2 = 0.7 and 0 + 0.1·(−3) = −0.3. A step against it pulls both weights towards zero.",
        hint="The derivative of ½·λ·w² is short. One of the two gradients does not change at all.",
        reference=l2_gradients,
        make=pulls,
        mistakes=(
            Mistake(
                "biases-too",
                lambda dW, db, W, b, strength: (dW + strength * W, db + strength * b),
                "dW is right. But the biases are pulled towards zero as well.",
                "Does a bias cost anything in ½·λ·Σ W²?",
            ),
            Mistake(
                "no-half",
                lambda dW, db, W, b, strength: (dW + 2 * strength * W, db.copy()),
                "The pull is twice as strong as it should be: that is the derivative of λ·W², without the ½.",
                "What is the derivative of ½·λ·w²?",
            ),
            Mistake(
                "half-too-many",
                lambda dW, db, W, b, strength: (dW + 0.5 * strength * W, db.copy()),
                "The pull is half as strong as it should be.",
                "What is the derivative of w²? What does the ½ make of it?",
            ),
            Mistake(
                "sign",
                lambda dW, db, W, b, strength: (dW - strength * W, db.copy()),
                "The pull has the wrong sign: a step against this gradient makes large weights larger.",
                "A step takes the gradient off. What has to be in it so that W shrinks?",
            ),
            Mistake(
                "squared",
                lambda dW, db, W, b, strength: (dW + 0.5 * strength * W**2, db.copy()),
                "The price itself is added, ½·λ·W², and not its derivative. So negative weights are pushed further "
                "down.",
                "What is the derivative of ½·λ·w²?",
            ),
            Mistake(
                "whole-price",
                lambda dW, db, W, b, strength: (dW + 0.5 * strength * np.sum(W**2), db.copy()),
                "The whole price is added to every number of dW.",
                "How fast does the price grow if only one weight grows?",
            ),
            Mistake(
                "no-strength",
                lambda dW, db, W, b, strength: (dW + W, db.copy()),
                "The pull is there, but λ is not in it.",
                "What does `strength` do in your function?",
            ),
            Mistake(
                "l1",
                lambda dW, db, W, b, strength: (dW + strength * np.sign(W), db.copy()),
                "All weights are pulled equally, however large they are: that is L1, the price λ·Σ |W|.",
                "What is the derivative of ½·λ·w²?",
            ),
            Mistake(
                "only-the-pull",
                lambda dW, db, W, b, strength: (strength * W, np.zeros_like(db)),
                "This is the gradient of the price alone.",
                "Where are the gradients of the loss?",
            ),
            Mistake(
                "only-the-pull-for-W",
                lambda dW, db, W, b, strength: (strength * W, db.copy()),
                "dW is the gradient of the price alone.",
                "Where is the gradient of the loss?",
            ),
            Mistake(
                "averaged",
                lambda dW, db, W, b, strength: (dW + strength * W / W.size, db.copy()),
                "The pull is divided by the number of weights.",
                "Is there a mean in ½·λ·Σ W²?",
            ),
            Mistake(
                "no-pull",
                lambda dW, db, W, b, strength: (dW.copy(), db.copy()),
                "Both gradients came back as they were: there is no pull.",
                "How fast does ½·λ·w² grow with w?",
            ),
        ),
    ),
)
