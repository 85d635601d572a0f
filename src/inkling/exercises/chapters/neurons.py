"""Chapter 2, a neuron: weigh, add up, bend."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array


def neuron(x: Array, w: Array, b: float) -> float:
    """One neuron's sum."""
    return np.dot(x, w) + b


def inputs(random: np.random.Generator) -> Iterator[Case]:
    """Inputs and weights of a neuron."""
    yield Case((np.array([2.0]), np.array([-3.0]), 0.5), "a single input")
    yield Case((random.normal(size=4), random.normal(size=4), -0.3))
    yield Case((np.zeros(3), random.normal(size=3), 0.7), "inputs that are all zero")
    yield Case((random.normal(size=5), random.normal(size=5), 0.0), "a bias of zero")
    yield Case(float32(random.normal(size=6), random.normal(size=6), 2.0), "float32")


def relu(z: Array) -> Array:
    """What is positive."""
    return np.maximum(z, 0)


def scores(random: np.random.Generator) -> Iterator[Case]:
    """Scores of several shapes, zero among them."""
    yield Case((np.array([-2.5, 0.0, 2.5]),), "a zero")
    yield Case((random.normal(size=(3, 4)),), "a batch")
    yield Case((np.array([[-1.0, -2.0]]),), "scores that are all negative")
    yield Case((np.array([3000.0, -3000.0, 0.001]),), "large scores")
    yield Case(float32(random.normal(size=(2, 2, 2))), "float32, three axes")


EXERCISES = (
    Exercise(
        name="neuron",
        chapter=2,
        title="One neuron",
        task="""
        A neuron multiplies each input by a weight of its own, adds up the products, and adds one more number, its
        bias. Write it. What comes out is one number, the neuron's score z.
        """,
        arguments={
            "x": "(inputs,)  what comes in",
            "w": "(inputs,)  a weight for each input",
            "b": "the bias, one number",
        },
        returns={"z": "one number: x₀·w₀ + x₁·w₁ + … + b"},
        example=(np.array([0.5, 1.0, 2.0]), np.array([0.4, 0.6, -0.2]), 0.1),
        worked="0.5·0.4 = 0.2, 1·0.6 = 0.6, 2·(−0.2) = −0.4. Together 0.4, and with the bias 0.5.",
        hint="A loop over the inputs does it; NumPy also has a product for it. How often is the bias added?",
        reference=neuron,
        make=inputs,
        mistakes=(
            Mistake(
                "no-bias",
                lambda x, w, b: np.dot(x, w),
                "The sum is right, but the bias is not in it.",
                "What should come out if all inputs are 0?",
            ),
            Mistake(
                "not-summed",
                lambda x, w, b: x * w + b,
                "There is one number for each input: the products are not added up, and each has got the bias.",
                "How do several numbers become one?",
            ),
            Mistake(
                "products",
                lambda x, w, b: x * w,
                "These are the products, one for each input, not their sum.",
                "How do several numbers become one, and where does the bias go?",
            ),
            Mistake(
                "bias-for-each",
                lambda x, w, b: np.sum(x * w + b),
                "The bias is in it more than once: as often as there are inputs.",
                "Is the bias added inside of the sum or after it?",
            ),
            Mistake(
                "squared",
                lambda x, w, b: np.sum(x * x) + b,
                "It looks like x·x instead of x·w: the weights have no say in it.",
                "What changes in the answer if a weight changes?",
            ),
            Mistake(
                "bias-subtracted",
                lambda x, w, b: np.dot(x, w) - b,
                "The bias is taken away instead of added.",
                "If the bias grows, should z grow or shrink?",
            ),
            Mistake(
                "bias-multiplied",
                lambda x, w, b: np.dot(x, w) * b,
                "The sum is multiplied by the bias.",
                "What should come out for a bias of 0?",
            ),
            Mistake(
                "mean",
                lambda x, w, b: np.mean(x * w) + b,
                "The products are averaged instead of added up.",
                "Should a neuron with more inputs not get more to hear?",
            ),
            Mistake(
                "unweighted",
                lambda x, w, b: np.sum(x) + b,
                "The inputs are added up as they are, without their weights.",
                "Where does each input meet its weight?",
            ),
            Mistake(
                "every-pair",
                lambda x, w, b: np.sum(np.outer(x, w)) + b,
                "Every input has been multiplied by every weight, instead of each by its own.",
                "How many products are there for three inputs?",
            ),
            Mistake(
                "relu",
                lambda x, w, b: max(0.0, np.dot(x, w) + b),
                "Where z is positive it is right, and where it should be negative there is 0: that is z after ReLU.",
                "Was the activation asked for already?",
            ),
        ),
    ),
    Exercise(
        name="relu",
        chapter=2,
        title="A bend: ReLU",
        task="""
        However many sums one puts behind each other, the outcome is a sum again. What makes a network more than that
        is a bend in between. The simplest is ReLU: what is positive passes, what is negative becomes 0. Write it for
        arrays of any shape, and leave the array that comes in as it is.
        """,
        arguments={"z": "any shape  scores"},
        returns={"a": "the same shape  max(0, z), number by number"},
        example=(np.array([[-1.0, 2.0], [0.5, -3.0]]),),
        worked="2 and 0.5 pass; −1 and −3 become 0.",
        hint="np.maximum and np.max sound alike. One of them looks at two numbers at a time.",
        reference=relu,
        make=scores,
        mistakes=(
            Mistake(
                "absolute",
                lambda z: np.abs(z),
                "Negative numbers come out positive instead of 0.",
                "What is max(0, −1)?",
            ),
            Mistake(
                "minimum",
                lambda z: np.minimum(z, 0),
                "The negative numbers pass, and the positive ones become 0.",
                "Is it the larger or the smaller one of z and 0?",
            ),
            Mistake(
                "step",
                lambda z: (z > 0).astype(z.dtype),
                "Positive numbers come out as 1: this says where z is positive, not how much it is.",
                "What should become of a 2, and what of a 0.5?",
            ),
            Mistake(
                "largest",
                lambda z: np.maximum(0, z.max()),
                "Only one number came back: the largest of them all.",
                "Which function compares number by number?",
            ),
            Mistake(
                "leaky",
                lambda z: np.where(z > 0, z, 0.01 * z),
                "A hundredth of the negative numbers gets through: that is a leaky ReLU. (It exists, and has its "
                "merits.)",
                "What was asked for where z is negative?",
            ),
            Mistake(
                "clipped",
                lambda z: np.clip(z, 0, 1),
                "Right from 0 to 1, but nothing gets above 1.",
                "Is there an upper end?",
            ),
            Mistake(
                "selected",
                lambda z: z[z > 0],
                "Only the positive numbers are left, and all places are lost.",
                "How many numbers should come out if four come in?",
            ),
            Mistake(
                "sigmoid",
                lambda z: 1 / (1 + np.exp(-z)),
                "All numbers lie between 0 and 1, and 0 has become ½: that is the sigmoid.",
                "ReLU needs no e. What is the larger one of z and 0?",
            ),
            Mistake(
                "filtered-by-one",
                lambda z: np.where(z > 1, z, 0),
                "Small positive numbers are lost as well.",
                "From which number on does z pass?",
            ),
        ),
    ),
)
