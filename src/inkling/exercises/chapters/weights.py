"""Chapter 11, why initial weights matter: just so large that the signal neither dies out nor blows up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake
from inkling.nn.part import Array


def he_weights(normal: Array) -> Array:
    """Weights of the right size."""
    return normal * (2 / normal.shape[0]) ** 0.5


def draws(random: np.random.Generator) -> Iterator[Case]:
    """Layers of several shapes."""
    yield Case((random.normal(size=(3, 4)),))
    yield Case((random.normal(size=(5, 2)),))
    yield Case((random.normal(size=(4, 4)),), "as many inputs as units")
    yield Case((random.normal(size=(1, 3)),), "one input")
    yield Case((random.normal(size=(50, 10)).astype(np.float32),), "float32")
    yield Case((random.normal(size=(8, 3)),))


EXERCISES = (
    Exercise(
        name="he_weights",
        chapter=11,
        title="The right size to begin with",
        task="""
        A sum of many products grows with their number. If the weights do not make up for that, the signal blows up or
        dies out from layer to layer. He and others showed what keeps its size through a ReLU layer: weights with mean
        0 and variance 2 / inputs. (Variance: the square of the standard deviation.)

        You get numbers with mean 0 and standard deviation 1, already drawn. Make them initial weights.
        """,
        arguments={"normal": "(inputs, units)  numbers drawn with mean 0 and standard deviation 1"},
        returns={"W": "(inputs, units)  the same numbers, with variance 2 / inputs"},
        example=(np.array([[1.0], [-2.0], [0.5], [0.0], [1.0], [-1.0], [2.0], [-0.5]]),),
        worked="8 inputs: the variance should be 2/8 = ¼, so the standard deviation is ½ and every number is halved.",
        hint="If all numbers are multiplied by c, what happens to their variance?",
        reference=he_weights,
        make=draws,
        mistakes=(
            Mistake(
                "variance-for-deviation",
                lambda normal: normal * (2 / normal.shape[0]),
                "The numbers are multiplied by the variance itself, 2 / inputs.",
                "If all numbers are doubled, how does their variance change? What is still to be taken?",
            ),
            Mistake(
                "outputs",
                lambda normal: normal * np.sqrt(2 / normal.shape[1]),
                "It is measured by the number of units, instead of by the number of inputs.",
                "How many products are added up in one neuron? Which axis of W is that?",
            ),
            Mistake(
                "no-two",
                lambda normal: normal * np.sqrt(1 / normal.shape[0]),
                "The variance is 1 / inputs. That is right without ReLU; but ReLU silences half of the signal.",
                "What makes up for the half that ReLU takes away?",
            ),
            Mistake(
                "glorot",
                lambda normal: normal * np.sqrt(2 / (normal.shape[0] + normal.shape[1])),
                "The variance is 2 / (inputs + units): Glorot's, also called Xavier's, made for tanh.",
                "Whose rule was asked?",
            ),
            Mistake(
                "upside-down",
                lambda normal: normal * np.sqrt(normal.shape[0] / 2),
                "The more inputs, the larger the weights: the quotient is upside down.",
                "Should more inputs mean larger or smaller weights?",
            ),
            Mistake(
                "not-scaled",
                lambda normal: normal.copy(),
                "These are the numbers as they were drawn, with standard deviation 1.",
                "How large does a sum of 784 such products become?",
            ),
            Mistake(
                "all-entries",
                lambda normal: normal * np.sqrt(2 / normal.size),
                "It is divided by the number of all weights of the layer.",
                "How many products are added up in one neuron?",
            ),
            Mistake(
                "a-hundredth",
                lambda normal: normal * 0.01,
                "All layers get the same small factor, 0.01, whatever their size.",
                "What becomes of the signal after ten layers?",
            ),
            Mistake(
                "root-of-the-draws",
                lambda normal: np.sign(normal) * np.sqrt(np.abs(normal) * 2 / normal.shape[0]),
                "The root is drawn of the numbers as well, not only of 2 / inputs.",
                "What exactly stands under the root?",
            ),
            Mistake(
                "zeros",
                lambda normal: np.zeros_like(normal),
                "All weights are 0. Then all neurons of a layer are alike, and get the same gradient forever.",
                "What are the drawn numbers for?",
            ),
        ),
        sizes=lambda normal: {"the number of inputs": normal.shape[0], "the number of units": normal.shape[1]},
    ),
)
