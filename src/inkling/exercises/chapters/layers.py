"""Chapter 3, a layer: many neurons that look at the same inputs, for many samples at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array


def dense(x: Array, W: Array, b: Array) -> Array:
    """One layer's scores."""
    return x @ W + b


def batches(random: np.random.Generator) -> Iterator[Case]:
    """Batches of several sizes, with a square W among them, which forgives a missing transpose its shapes."""
    yield Case((random.normal(size=(4, 3)), random.normal(size=(3, 2)), random.normal(size=2)))
    yield Case((random.normal(size=(1, 3)), random.normal(size=(3, 4)), random.normal(size=4)), "a batch of one")
    yield Case((random.normal(size=(3, 3)), random.normal(size=(3, 3)), random.normal(size=3)), "all sizes alike")
    yield Case((np.zeros((2, 3)), random.normal(size=(3, 2)), random.normal(size=2)), "inputs that are all zero")
    yield Case((random.normal(size=(5, 2)), random.normal(size=(2, 1)), random.normal(size=1)), "one neuron")
    yield Case(float32(random.normal(size=(3, 5)), random.normal(size=(5, 4)), random.normal(size=4)), "float32")


def two_layers(x: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Array:
    """A whole network's scores."""
    return np.maximum(x @ W1 + b1, 0) @ W2 + b2


def networks(random: np.random.Generator) -> Iterator[Case]:
    """Networks with a hidden layer."""

    def network(n: int, i: int, h: int, o: int) -> tuple[Array, ...]:
        return tuple(random.normal(size=shape) for shape in ((n, i), (i, h), (h,), (h, o), (o,)))

    yield Case(network(4, 3, 5, 2))
    yield Case(network(1, 2, 3, 2), "a batch of one")
    yield Case(network(3, 3, 3, 3), "all sizes alike")
    yield Case(float32(*network(6, 4, 8, 3)), "float32")
    x, W1, _, W2, b2 = network(2, 2, 2, 2)
    yield Case((np.abs(x), -np.abs(W1), np.zeros(2), W2, b2), "hidden neurons that are all silent")


EXERCISES = (
    Exercise(
        name="dense",
        chapter=3,
        title="A layer of neurons",
        task="""
        A dense layer is a row of neurons that all look at the same inputs. The weights of neuron k stand in column k
        of W. With one sample in each row of x, the scores of all neurons for all samples are one matrix product.
        Write it.
        """,
        arguments={
            "x": "(n, inputs)  one sample a row",
            "W": "(inputs, units)  one neuron a column",
            "b": "(units,)  one bias a neuron",
        },
        returns={"z": "(n, units)  the score of each neuron for each sample"},
        example=(
            np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 1.0]]),
            np.array([[1.0, 0.5], [0.0, -1.0], [2.0, 0.25]]),
            np.array([0.1, 0.2]),
        ),
        worked="First sample, second neuron: 1·0.5 + 2·(−1) + 0·0.25 + 0.2 = −1.3.",
        hint="The inner sizes of a matrix product have to meet: (n, inputs) times (inputs, units).",
        reference=dense,
        make=batches,
        mistakes=(
            Mistake(
                "no-bias",
                lambda x, W, b: x @ W,
                "The products are right, but the biases are missing.",
                "What should come out for a sample of zeros?",
            ),
            Mistake(
                "transposed-W",
                lambda x, W, b: x @ W.T + b,
                "It looks like W transposed: where W is square the numbers are wrong, elsewhere the shapes do not fit.",
                "Does a neuron have a row or a column of W here?",
            ),
            Mistake(
                "bias-down-the-rows",
                lambda x, W, b: x @ W + b[:, np.newaxis],
                "Every sample has got a bias, instead of every neuron.",
                "Which axis of z belongs to the neurons?",
            ),
            Mistake(
                "neurons-first",
                lambda x, W, b: (x @ W + b).T,
                "Rows and columns are exchanged: here each neuron has a row.",
                "What should a row stand for?",
            ),
            Mistake(
                "bias-subtracted",
                lambda x, W, b: x @ W - b,
                "The biases are taken away instead of added.",
                "If a bias grows, should z grow or shrink?",
            ),
            Mistake(
                "summed-over-samples",
                lambda x, W, b: np.sum(x @ W, axis=0) + b,
                "The samples are added up, so that one row is left for all of them.",
                "How many rows go in, and how many should come out?",
            ),
            Mistake(
                "averaged",
                lambda x, W, b: x @ W / x.shape[1] + b,
                "The products are averaged over the inputs instead of added up.",
                "Is there a mean where a sum should be?",
            ),
            Mistake(
                "relu",
                lambda x, W, b: np.maximum(x @ W + b, 0),
                "All negative scores have become 0: that is z after ReLU.",
                "Was the activation asked for already?",
            ),
        ),
        sizes=lambda x, W, b: {"the size of the batch": len(x), "the number of inputs": x.shape[1]},
    ),
    Exercise(
        name="two_layers",
        chapter=3,
        title="Two layers make a network",
        task="""
        Put two layers behind each other, with a ReLU in between. The hidden layer bends, the last one does not: its
        scores may be negative. This is a whole network, forwards.
        """,
        arguments={
            "x": "(n, inputs)  one sample a row",
            "W1": "(inputs, hidden)",
            "b1": "(hidden,)",
            "W2": "(hidden, classes)",
            "b2": "(classes,)",
        },
        returns={"z": "(n, classes)  the scores of the last layer"},
        example=(
            np.array([[0.5, 1.0]]),
            np.array([[0.4, -0.2], [0.6, 0.1]]),
            np.array([0.1, -0.1]),
            np.array([[1.0, -0.5], [0.3, 0.8]]),
            np.array([0.0, 0.2]),
        ),
        worked="""
        Hidden scores 0.5·0.4 + 1·0.6 + 0.1 = 0.9 and 0.5·(−0.2) + 1·0.1 − 0.1 = −0.1, after ReLU 0.9 and 0. Then
        0.9·1 + 0 = 0.9 and 0.9·(−0.5) + 0.2 = −0.25.
        """,
        hint="Write it in three lines: z1, a1, and the result.",
        reference=two_layers,
        make=networks,
        mistakes=(
            Mistake(
                "no-relu",
                lambda x, W1, b1, W2, b2: (x @ W1 + b1) @ W2 + b2,
                "It looks as if nothing were bent between the layers: the negative hidden scores get through.",
                "What becomes of a hidden neuron whose score is −0.1?",
            ),
            Mistake(
                "relu-at-the-end",
                lambda x, W1, b1, W2, b2: np.maximum(two_layers(x, W1, b1, W2, b2), 0),
                "The last scores are bent as well, so none is negative.",
                "How shall the network say that it believes in a class less than not at all?",
            ),
            Mistake(
                "relu-only-at-the-end",
                lambda x, W1, b1, W2, b2: np.maximum((x @ W1 + b1) @ W2 + b2, 0),
                "The bend is behind the second layer instead of behind the first.",
                "Which scores are to be bent, the hidden ones or the last?",
            ),
            Mistake(
                "relu-before-bias",
                lambda x, W1, b1, W2, b2: (np.maximum(x @ W1, 0) + b1) @ W2 + b2,
                "The first bias is added after the bend instead of before it.",
                "Is the bias part of the score that is bent?",
            ),
            Mistake(
                "no-first-bias",
                lambda x, W1, b1, W2, b2: np.maximum(x @ W1, 0) @ W2 + b2,
                "The biases of the hidden layer, b1, are not in it.",
                "What has b1 done by the end of your function?",
            ),
            Mistake(
                "no-second-bias",
                lambda x, W1, b1, W2, b2: np.maximum(x @ W1 + b1, 0) @ W2,
                "The biases of the last layer, b2, are not in it.",
                "What has b2 done by the end of your function?",
            ),
            Mistake(
                "no-biases",
                lambda x, W1, b1, W2, b2: np.maximum(x @ W1, 0) @ W2,
                "Neither of the biases is in it.",
                "What should come out for a sample of zeros?",
            ),
            Mistake(
                "only-hidden",
                lambda x, W1, b1, W2, b2: np.maximum(x @ W1 + b1, 0),
                "This is what the hidden layer gives out, a1.",
                "Where does it go on from there?",
            ),
            Mistake(
                "absolute",
                lambda x, W1, b1, W2, b2: np.abs(x @ W1 + b1) @ W2 + b2,
                "Hidden scores that are negative go on as positive ones.",
                "What does ReLU make of −0.1?",
            ),
        ),
        sizes=lambda x, *_: {"the size of the batch": len(x)},
    ),
)
