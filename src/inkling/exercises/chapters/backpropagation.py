"""Chapter 7, the second half: back through a layer, and all the way from the loss to every weight."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from inkling.exercises.chapters.probabilities import softmax
from inkling.exercises.chapters.stations import hot, relu_backward, softmax_cross_entropy_backward
from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array

Several = tuple[Any, ...]


def dense_backward(dz: Array, x: Array, W: Array) -> Several:
    """The three gradients of a layer."""
    return x.T @ dz, dz.sum(axis=0), dz @ W.T


def layers(random: np.random.Generator) -> Iterator[Case]:
    """Layers, a square one among them."""

    def layer(n: int, i: int, u: int) -> Several:
        return random.normal(size=(n, u)), random.normal(size=(n, i)), random.normal(size=(i, u))

    yield Case(layer(4, 3, 2))
    yield Case(layer(1, 3, 2), "a batch of one")
    yield Case(layer(3, 3, 3), "all sizes alike")
    yield Case(layer(2, 4, 1), "one neuron")
    yield Case(float32(*layer(5, 2, 4)), "float32")


def backpropagation(x: Array, labels: Array, W1: Array, b1: Array, W2: Array, b2: Array) -> Several:
    """All gradients of a network with one hidden layer."""
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    p = softmax(z2)
    dz2 = softmax_cross_entropy_backward(p, labels)
    dz1 = relu_backward(dz2 @ W2.T, z1)
    return x.T @ dz1, dz1.sum(axis=0), a1.T @ dz2, dz2.sum(axis=0)


def walk(
    x: Array, labels: Array, W1: Array, b1: Array, W2: Array, b2: Array,
    *, bend: str = "z1", turned: bool = True, mean: bool = True, sign: int = 1, before: str = "a1",
    scores: bool = False,
) -> Several:  # fmt: skip
    """The way there and back, with a place for each mistake."""
    z1 = x @ W1 + b1
    a1 = np.maximum(z1, 0)
    z2 = a1 @ W2 + b2
    p = softmax(z2)
    dz2 = sign * ((z2 if scores else p) - hot(labels, p)) / p.dtype.type(len(x) if mean else 1)
    da1 = dz2 @ (W2.T if turned else W2)
    awake = {"z1": z1 > 0, "none": np.ones_like(z1, bool), "da1": da1 > 0}[bend]
    dz1 = np.where(awake, da1, da1.dtype.type(0))
    into = {"a1": a1, "z1": z1}[before]
    return x.T @ dz1, dz1.sum(axis=0), into.T @ dz2, dz2.sum(axis=0)


def networks(random: np.random.Generator) -> Iterator[Case]:
    """Networks of 2-2-2 numbers, and some of other sizes."""

    def network(n: int, i: int, h: int, o: int) -> Several:
        x, W1, b1, W2, b2 = (random.normal(size=shape) for shape in ((n, i), (i, h), (h,), (h, o), (o,)))
        return x, random.integers(0, o, n), W1, b1, W2, b2

    yield Case(network(1, 2, 2, 2), "a batch of one")
    yield Case(network(3, 2, 2, 2))
    yield Case(network(4, 3, 3, 3))
    yield Case(network(5, 2, 2, 2))
    yield Case(float32(*network(8, 4, 3, 3)), "float32")


EXERCISES = (
    Exercise(
        name="dense_backward",
        chapter=7,
        title="Back through a layer",
        task="""
        On the way forward the layer computed z = x·W + b. Coming back, dz says how fast the loss grows with each
        score. Work out the same for the weights, the biases and what came in:

            ∂loss/∂W : each weight joins one input to one score, in every sample
            ∂loss/∂b : each bias is added to one score, in every sample
            ∂loss/∂x : each input went into every score, through the weights

        The loss was averaged already, so there is nothing to divide here. An array and its gradient have the same
        shape: that alone nearly writes the formulas.
        """,
        arguments={
            "dz": "(n, units)  ∂loss/∂z",
            "x": "(n, inputs)  what came in",
            "W": "(inputs, units)  the weights",
        },
        returns={
            "dW": "(inputs, units)  ∂loss/∂W",
            "db": "(units,)  ∂loss/∂b",
            "dx": "(n, inputs)  ∂loss/∂x",
        },
        example=(
            np.array([[1.0, -1.0], [0.5, 0.0]]),
            np.array([[2.0, 0.0, 1.0], [4.0, 1.0, 0.0]]),
            np.array([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]]),
        ),
        worked="""
        dW[0, 0] = 2·1 + 4·0.5 = 4: input 0 times error 0, summed over both samples. db[0] = 1 + 0.5. dx[0, 0] = 1·1 +
        (−1)·2 = −1: the errors of the first sample, back through the weights of input 0.
        """,
        hint="Write the three shapes down, and see which products of dz, x, W and their transposes have them.",
        reference=dense_backward,
        make=layers,
        mistakes=(
            Mistake(
                "dW-transposed",
                lambda dz, x, W: (dz.T @ x, dz.sum(axis=0), dz @ W.T),
                "dW has its rows and columns exchanged.",
                "W is (inputs, units). What shape has your dW, and which factor should come first?",
            ),
            Mistake(
                "x-not-transposed",
                lambda dz, x, W: (x @ dz, dz.sum(axis=0), dz @ W.T),
                "It looks like x·dz without a transpose: with square arrays it runs, and is wrong.",
                "Over which axis do the samples have to be summed, and where does it stand in x?",
            ),
            Mistake(
                "W-not-transposed",
                lambda dz, x, W: (x.T @ dz, dz.sum(axis=0), dz @ W),
                "It looks like dz·W without a transpose: with a square W it runs, and is wrong.",
                "On the way back the same weights are walked in the other direction. What becomes of rows and columns?",
            ),
            Mistake(
                "db-not-summed",
                lambda dz, x, W: (x.T @ dz, dz.copy(), dz @ W.T),
                "db is dz itself, with one row for each sample; but the layer has one bias for each neuron.",
                "Every sample pulls at the same bias. What becomes of these pulls?",
            ),
            Mistake(
                "db-over-neurons",
                lambda dz, x, W: (x.T @ dz, dz.sum(axis=1), dz @ W.T),
                "db is summed over the neurons: there is one for each sample instead of one for each neuron.",
                "What shape has b, and which axis has to go?",
            ),
            Mistake(
                "db-one-number",
                lambda dz, x, W: (x.T @ dz, dz.sum(), dz @ W.T),
                "db has become a single number.",
                "What shape has b, and which axis has to go?",
            ),
            Mistake(
                "db-averaged",
                lambda dz, x, W: (x.T @ dz, dz.mean(axis=0), dz @ W.T),
                "db is averaged over the batch. But the loss was averaged already, so dz carries the 1/n with it.",
                "How often should be divided by the size of the batch, all in all?",
            ),
            Mistake(
                "averaged-again",
                lambda dz, x, W: (x.T @ dz / len(x), dz.mean(axis=0), dz @ W.T),
                "dW and db are divided by the size of the batch. But the loss was averaged already, and dz carries "
                "the 1/n.",
                "How often should be divided by the size of the batch, all in all?",
            ),
            Mistake(
                "dW-averaged",
                lambda dz, x, W: (x.T @ dz / len(x), dz.sum(axis=0), dz @ W.T),
                "dW is divided by the size of the batch. But the loss was averaged already, and dz carries the 1/n.",
                "How often should be divided by the size of the batch, all in all?",
            ),
            Mistake(
                "dW-of-the-inputs-alone",
                lambda dz, x, W: (np.outer(x.sum(axis=0), dz.sum(axis=0)), dz.sum(axis=0), dz @ W.T),
                "For dW, inputs and errors are each summed over the batch first and multiplied afterwards. So one "
                "sample's "
                "input meets another one's error.",
                "Which comes first: the product of each sample, or the sum over the samples?",
            ),
            Mistake(
                "all-ones-for-x",
                lambda dz, x, W: (x.T @ dz, dz.sum(axis=0), x @ W @ W.T),
                "dx is made of x instead of dz.",
                "What has come back so far, and through what does it go next?",
            ),
        ),
        sizes=lambda dz, x, W: {"the size of the batch": len(x)},
    ),
    Exercise(
        name="backpropagation",
        chapter=7,
        title="The whole way back, on a network of 2-2-2",
        task="""
        Two inputs, two hidden neurons with ReLU, two classes: twelve numbers to learn. Go forward,

            z1 = x·W1 + b1,   a1 = max(0, z1),   z2 = a1·W2 + b2,   p = softmax(z2),

        and then back to all twelve. The loss is the mean cross-entropy over the batch. Your function will also be
        tried on networks of other sizes.
        """,
        arguments={
            "x": "(n, inputs)",
            "labels": "(n,)  the right classes",
            "W1": "(inputs, hidden)",
            "b1": "(hidden,)",
            "W2": "(hidden, classes)",
            "b2": "(classes,)",
        },
        returns={
            "dW1": "(inputs, hidden)",
            "db1": "(hidden,)",
            "dW2": "(hidden, classes)",
            "db2": "(classes,)",
        },
        example=(
            np.array([[0.5, 1.0]]),
            np.array([1]),
            np.array([[0.4, -0.2], [0.6, 0.1]]),
            np.array([0.1, -0.1]),
            np.array([[1.0, -0.5], [0.3, 0.8]]),
            np.array([0.0, 0.2]),
        ),
        worked="""
        Forward: z1 = (0.9, −0.1), a1 = (0.9, 0), z2 = (0.9, −0.25), p = (0.7595, 0.2405). The right class is 1.

        Backward: dz2 = p − y = (0.7595, −0.7595). da1 = (0.7595·1 + 0.7595·0.5, 0.7595·0.3 − 0.7595·0.8) = (1.1393,
        −0.3798); the second neuron was silent, so dz1 = (1.1393, 0).
        """,
        hint="You have written all four steps in this chapter and the ones before; now they stand behind each other.",
        reference=backpropagation,
        make=networks,
        mistakes=(
            Mistake(
                "no-relu-on-the-way-back",
                lambda *args: walk(*args, bend="none"),
                "Everything is right but for the hidden layer: there the gradient has got through silent neurons, too.",
                "What did ReLU do on the way forward where z1 was negative, and what does that mean on the way back?",
            ),
            Mistake(
                "relu-of-the-gradient",
                lambda *args: walk(*args, bend="da1"),
                "The last layer is right. At the ReLU the sign of the gradient has decided, instead of that of z1.",
                "Who was silent: the neurons with a negative gradient, or those with a negative score?",
            ),
            Mistake(
                "W2-not-transposed",
                lambda *args: walk(*args, turned=False),
                "The last layer is right. On its way to the hidden one, the error went through W2 without a transpose: "
                "with 2 × 2 weights that runs, and is wrong.",
                "da1[0] belongs to hidden neuron 0. Do its weights stand in a row or in a column of W2?",
            ),
            Mistake(
                "not-averaged",
                lambda *args: walk(*args, mean=False),
                "All gradients are those of the sum over the batch; with one sample they are right.",
                "The loss is a mean. Where does the 1/n come in?",
            ),
            Mistake(
                "sign",
                lambda *args: walk(*args, sign=-1),
                "All gradients have the right size and the wrong sign, so the mistake is at the beginning: y − p.",
                "If the score of a wrong class grows, does the loss grow or shrink?",
            ),
            Mistake(
                "z1-for-a1",
                lambda *args: walk(*args, before="z1"),
                "Only dW2 is off. It looks as if z1 came into the second layer, and not a1.",
                "What exactly did W2 multiply on the way forward?",
            ),
            Mistake(
                "no-softmax",
                lambda *args: walk(*args, scores=True),
                "The way back begins with scores minus truth, instead of probabilities minus truth.",
                "What happens to z2 before it is compared with the labels?",
            ),
        ),
        sizes=lambda x, *_: {"the size of the batch": len(x)},
    ),
)
