"""Chapter 7, backpropagation by hand: the stations on the way, from the loss to the scores and through a bend."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.activations import softmax
from inkling.nn.part import Array


def hot(labels: Array, like: Array) -> Array:
    """The labels as rows."""
    return np.eye(like.shape[1], dtype=like.dtype)[labels]


def softmax_cross_entropy_backward(p: Array, labels: Array) -> Array:
    """∂loss/∂z."""
    return (p - hot(labels, p)) / len(p)


def judgements(random: np.random.Generator) -> Iterator[Case]:
    """Probabilities and labels."""
    yield Case((softmax(random.normal(size=(4, 3))), np.array([2, 0, 0, 1])))
    yield Case((softmax(random.normal(size=(1, 5))), np.array([4])), "a batch of one")
    yield Case((np.eye(3)[[1, 2]], np.array([1, 0])), "one answer certain and right, one certain and wrong")
    yield Case((softmax(random.normal(size=(3, 3))), np.array([1, 1, 2])), "as many samples as classes")
    yield Case(float32(softmax(random.normal(size=(32, 10))), random.integers(0, 10, 32)), "float32")


def relu_backward(da: Array, z: Array) -> Array:
    """What gets through a bend on the way back."""
    return np.where(z > 0, da, 0)


def bends(random: np.random.Generator) -> Iterator[Case]:
    """Gradients and scores, a score of exactly 0 among them."""
    yield Case((random.normal(size=(3, 4)), random.normal(size=(3, 4)) * 2))
    yield Case((np.array([[1.5, -2.5, 3.5]]), np.array([[0.0, 0.0, 1.0]])), "a score of exactly 0")
    yield Case((random.normal(size=(2, 2)), -np.ones((2, 2))), "neurons that are all silent")
    yield Case((random.normal(size=(2, 3)), np.full((2, 3), 0.25)), "neurons that are all awake")
    yield Case(float32(random.normal(size=(4, 5)), random.normal(size=(4, 5))), "float32")


EXERCISES = (
    Exercise(
        name="softmax_cross_entropy_backward",
        chapter=7,
        title="From the loss to the scores: p − y",
        task="""
        The way back begins at the loss. How fast does it grow when a score grows? For softmax with cross-entropy the
        derivative could not be simpler: probability minus truth, pₖ − yₖ, where y is 1 at the right class and else 0.
        The loss is the mean over the batch, so each row is divided by the number of samples.
        """,
        arguments={"p": "(n, classes)  probabilities: softmax of the scores", "labels": "(n,)  the right classes"},
        returns={"dz": "(n, classes)  ∂loss/∂z, where the loss is the mean over the n samples"},
        example=(np.array([[0.2, 0.8], [0.5, 0.5]]), np.array([1, 0])),
        worked="First row (0.2 − 0, 0.8 − 1) / 2 = (0.1, −0.1). The score of the wrong class should fall, the right "
        "one rise.",
        hint="Work on a copy of p: somebody may still want to look at the probabilities.",
        reference=softmax_cross_entropy_backward,
        make=judgements,
        mistakes=(
            Mistake(
                "sign",
                lambda p, labels: (hot(labels, p) - p) / len(p),
                "Every number has the right size and the wrong sign: this is y − p.",
                "If the score of a wrong class grows, does the loss grow or shrink?",
            ),
            Mistake(
                "only-p",
                lambda p, labels: p / len(p),
                "The probabilities are there, the truth is not: nothing is taken off at the right class.",
                "What should the gradient be where the network is certain and right?",
            ),
            Mistake(
                "divided-by-classes",
                lambda p, labels: (p - hot(labels, p)) / p.shape[1],
                "It is divided by the number of classes; the mean is over the samples.",
                "Which axis counts the samples?",
            ),
            Mistake(
                "divided-by-both",
                lambda p, labels: (p - hot(labels, p)) / p.size,
                "It is divided by the number of all entries of p: samples times classes.",
                "Over what is the loss a mean?",
            ),
            Mistake(
                "all-columns",
                lambda p, labels: (p - np.isin(np.arange(p.shape[1]), labels)) / len(p),
                "The 1 is taken off in every row for every label of the batch.",
                "p[:, labels] means all rows. How do you name one place in each row?",
            ),
            Mistake(
                "softmax-slope",
                lambda p, labels: (p - hot(labels, p)) * p * (1 - p) / len(p),
                "There is a factor p·(1 − p) too many, as with a sigmoid and squared error. With softmax and "
                "cross-entropy "
                "it cancels.",
                "What does −log e^z become before you take its derivative?",
            ),
            Mistake(
                "only-the-right-class",
                lambda p, labels: (p - 1) * hot(labels, p) / len(p),
                "Only the right class has a gradient. But when another score grows, the right class loses, too.",
                "On which scores does p[right] depend?",
            ),
            Mistake(
                "one-over-p",
                lambda p, labels: -hot(labels, p) / np.maximum(p, 1e-12) / len(p),
                "This is ∂loss/∂p. Softmax is still to be walked back through.",
                "Is it the probabilities or the scores whose gradient was asked?",
            ),
        ),
        sizes=lambda p, labels: {"the size of the batch": len(p), "the number of classes": p.shape[1]},
    ),
    Exercise(
        name="relu_backward",
        chapter=7,
        title="Back through ReLU",
        task="""
        da says how fast the loss grows with each activation. Where z was positive, a ReLU passed it on as it was, so
        the gradient gets through as it is. Where z was negative the neuron was silent, and a silent neuron that is
        made a little less negative stays silent: nothing gets through. At z = 0 there is a corner; we agree on
        nothing there, too.
        """,
        arguments={"da": "any shape  ∂loss/∂a", "z": "the same shape  the scores on the way forward"},
        returns={"dz": "the same shape  ∂loss/∂z"},
        example=(np.array([[0.5, -2.0, 3.0]]), np.array([[1.0, 4.0, -1.0]])),
        worked="The first two neurons were awake, so 0.5 and −2 get through. The third was silent.",
        hint="It is z that decides, and da that gets through.",
        reference=relu_backward,
        make=bends,
        mistakes=(
            Mistake(
                "everything-through",
                lambda da, z: da.copy(),
                "The gradient gets through everywhere, as if no neuron were silent.",
                "What is the slope of max(0, z) where z is negative?",
            ),
            Mistake(
                "open-at-zero",
                lambda da, z: np.where(z >= 0, da, 0),
                "All is right but at z = 0 exactly: there the gradient gets through.",
                "Is it > or >= ?",
            ),
            Mistake(
                "only-the-mask",
                lambda da, z: (z > 0).astype(da.dtype),
                "This is the slope of ReLU, 0 or 1; the gradient that comes from behind is not in it.",
                "What does the chain rule do with the two factors?",
            ),
            Mistake(
                "inverted",
                lambda da, z: np.where(z < 0, da, 0),
                "It gets through just where the neurons were silent.",
                "Where does ReLU have the slope 1?",
            ),
            Mistake(
                "inverted-with-zero",
                lambda da, z: np.where(z <= 0, da, 0),
                "It gets through just where the neurons were silent.",
                "Where does ReLU have the slope 1?",
            ),
            Mistake(
                "relu-of-the-gradient",
                lambda da, z: np.maximum(da, 0),
                "ReLU has been applied to the gradient itself: negative gradients are lost, whatever z was.",
                "Which of the two, da or z, decides, and which one gets through?",
            ),
            Mistake(
                "times-a",
                lambda da, z: da * np.maximum(z, 0),
                "The gradient is multiplied by the activation, instead of by the slope of the activation.",
                "What is the derivative of max(0, z), for z = 5?",
            ),
            Mistake(
                "times-z",
                lambda da, z: da * z,
                "The gradient is multiplied by z.",
                "What is the derivative of max(0, z), for z = 5?",
            ),
            Mistake(
                "exchanged",
                lambda da, z: np.where(da > 0, z, 0),
                "da and z have changed places.",
                "Which of the two decides, and which one gets through?",
            ),
        ),
        sizes=lambda da, z: {"the size of the batch": len(da)},
    ),
)
