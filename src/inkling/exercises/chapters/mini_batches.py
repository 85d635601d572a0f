"""Chapter 8, mini-batches and noise: a little of the data at a time, in an order drawn by lot."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake
from inkling.nn.part import Array


def mini_batches(order: Array, size: int) -> list[Array]:
    """One epoch's batches."""
    return [order[start : start + size] for start in range(0, len(order), size)]


def epochs(random: np.random.Generator) -> Iterator[Case]:
    """Orders that fill their batches, and orders that leave a rest."""
    yield Case((random.permutation(7), 3), "a last batch of one")
    yield Case((random.permutation(6), 2), "batches that all are full")
    yield Case((random.permutation(5), 8), "a batch larger than the data")
    yield Case((random.permutation(4), 1), "batches of one")
    yield Case((random.permutation(10), 4))
    yield Case((random.permutation(5), 5), "one batch of everything")


def averaged_gradient(gradients: Array, size: int) -> Array:
    """The gradient of each batch."""
    return np.stack([batch.mean(axis=0) for batch in mini_batches(gradients, size)])


def gradients(random: np.random.Generator) -> Iterator[Case]:
    """Gradients of single samples."""
    yield Case((random.normal(size=(6, 3)), 2))
    yield Case((random.normal(size=(7, 2)), 3), "a shorter last batch")
    yield Case((random.normal(size=(4, 3)), 1), "batches of one")
    yield Case((random.normal(size=(3, 4)), 3), "one batch of everything")
    yield Case((random.normal(size=(9, 2)).astype(np.float32), 4), "float32")


EXERCISES = (
    Exercise(
        name="mini_batches",
        chapter=8,
        title="An epoch in small bites",
        task="""
        In one epoch every image is used once, in an order that is drawn by lot, a few at a time. Given that order,
        cut it into batches. The last one is shorter where they do not come out even: no image is left out, and none
        comes twice.
        """,
        arguments={"order": "(n,)  the numbers of the images, shuffled", "size": "how many make a full batch"},
        returns={"batches": "a list of arrays, one a batch"},
        example=(np.array([3, 0, 4, 1, 2]), 2),
        worked="5 images in batches of 2: two full ones, and the last image alone.",
        hint="range(0, n, size) gives the places where the batches begin; a slice may reach over the end.",
        reference=mini_batches,
        make=epochs,
        mistakes=(
            Mistake(
                "last-dropped",
                lambda order, size: [order[i * size : (i + 1) * size] for i in range(len(order) // size)],
                "All full batches are right; the shorter last one is missing, and with it some images.",
                "How many batches do 5 images in twos make?",
            ),
            Mistake(
                "not-shuffled",
                lambda order, size: mini_batches(np.arange(len(order)), size),
                "The batches have the right sizes, but go through the images as they lie, not in the order that was "
                "drawn.",
                "What does `order` do in your function?",
            ),
            Mistake(
                "sorted",
                lambda order, size: [np.sort(batch) for batch in mini_batches(order, size)],
                "The right images are in each batch, but sorted.",
                "Why should the order within a batch change?",
            ),
            Mistake(
                "number-of-batches",
                lambda order, size: list(np.array_split(order, size)),
                "It looks as if `size` were the number of batches; it is how many images are in one.",
                "How many images should the first batch have?",
            ),
            Mistake(
                "evened-out",
                lambda order, size: list(np.array_split(order, -(-len(order) // size))),
                "The batches are evened out: asked were full ones, and a shorter last one.",
                "How many images should every batch but the last have?",
            ),
            Mistake(
                "filled-up",
                lambda order, size: [
                    np.take(order, range(start, start + size), mode="wrap") for start in range(0, len(order), size)
                ],
                "The last batch is filled up from the beginning, so some images come twice in one epoch.",
                "How often should each image be seen?",
            ),
            Mistake(
                "overlapping",
                lambda order, size: [order[start : start + size] for start in range(len(order))],
                "A batch begins at every image, so that they overlap.",
                "How far is it from the beginning of one batch to that of the next?",
            ),
            Mistake(
                "one-too-many",
                lambda order, size: [order[start : start + size + 1] for start in range(0, len(order), size)],
                "Every batch has one image too many, which comes again as the first of the next one.",
                "Does order[0:2] have two or three entries?",
            ),
            Mistake(
                "one-too-few",
                lambda order, size: [order[start : start + size - 1] for start in range(0, len(order), size)],
                "Every full batch has one image too few.",
                "Does order[0:2] have two entries or one?",
            ),
            Mistake(
                "empty-at-the-end",
                lambda order, size: [order[i * size : (i + 1) * size] for i in range(len(order) // size + 1)],
                "Where the batches come out even, there is an empty one at the end.",
                "How many batches do 6 images in twos make, and what is 6 // 2 + 1?",
            ),
            Mistake(
                "backwards",
                lambda order, size: mini_batches(order[::-1], size),
                "The order is walked from its end.",
                "Which image should come first?",
            ),
            Mistake(
                "starts-only",
                lambda order, size: list(range(0, len(order), size)),
                "These are the places where the batches begin.",
                "How do you get from the place to the images?",
            ),
        ),
    ),
    Exercise(
        name="batch_gradients",
        chapter=8,
        title="What a batch thinks",
        task="""
        Every sample has its own opinion of where downhill is: its gradient. A batch goes where its samples go on
        average, and that is why large batches tremble less. Given the gradients of all samples, in order, return the
        mean gradient of each batch. The last batch may be shorter; its mean is over the samples that it has.
        """,
        arguments={"gradients": "(n, parameters)  one sample's gradient a row", "size": "how many make a full batch"},
        returns={"means": "(batches, parameters)  one batch's mean gradient a row"},
        example=(np.array([[1.0, 0.0], [3.0, 2.0], [-1.0, 4.0]]), 2),
        worked="The first two rows have the mean (2, 1). The third is a batch of its own.",
        hint="mean(axis=0) averages the rows of one batch; np.stack puts rows below each other.",
        reference=averaged_gradient,
        make=gradients,
        mistakes=(
            Mistake(
                "summed",
                lambda gradients, size: np.stack([batch.sum(axis=0) for batch in mini_batches(gradients, size)]),
                "The gradients of a batch are added up, not averaged; a batch twice as large would take a step twice "
                "as long.",
                "What makes a sum a mean?",
            ),
            Mistake(
                "last-divided-by-size",
                lambda gradients, size: np.stack([batch.sum(axis=0) / size for batch in mini_batches(gradients, size)]),
                "All full batches are right. The last one is shorter, and has been divided by the full size all the "
                "same.",
                "How many samples are there really in the last batch?",
            ),
            Mistake(
                "last-dropped",
                lambda gradients, size: np.stack(
                    [batch.mean(axis=0) for batch in mini_batches(gradients, size) if len(batch) == size]
                ),
                "All full batches are right; the shorter last one is missing.",
                "Should its samples never be heard?",
            ),
            Mistake(
                "over-parameters",
                lambda gradients, size: np.stack(
                    [np.full(gradients.shape[1], batch.mean()) for batch in mini_batches(gradients, size)]
                ),
                "The mean is taken over the parameters as well, so that all numbers of a batch are alike.",
                "Which axis counts the samples?",
            ),
            Mistake(
                "one-number-a-batch",
                lambda gradients, size: np.array([batch.mean() for batch in mini_batches(gradients, size)]),
                "There is a single number for each batch: the mean is taken over the parameters as well.",
                "Which axis counts the samples?",
            ),
            Mistake(
                "whole-mean",
                lambda gradients, size: gradients.mean(axis=0),
                "This is the mean over all samples, as if they were one batch.",
                "What does `size` do in your function?",
            ),
            Mistake(
                "running",
                lambda gradients, size: np.stack(
                    [gradients[: end + size].mean(axis=0) for end in range(0, len(gradients), size)]
                ),
                "From the second batch on, the samples of the batches before are still in it.",
                "Where does each batch begin?",
            ),
        ),
        sizes=lambda gradients, size: {"the size of the batch": size},
    ),
)
