"""Chapter 5, what is an error worth: three losses, each one number for a whole batch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.activations import softmax
from inkling.nn.part import Array

LEAST = 1e-12


def mean_squared_error(a: Array, y: Array) -> float:
    """Half the squared distance, averaged over the samples."""
    return float(0.5 * np.sum((a - y) ** 2) / len(a))


def outputs(random: np.random.Generator) -> Iterator[Case]:
    """Outputs and targets."""
    yield Case((random.uniform(size=(4, 3)), np.eye(3)[[0, 2, 1, 1]]))
    yield Case((random.uniform(size=(1, 2)), np.eye(2)[[1]]), "a batch of one")
    yield Case((np.eye(4)[[3, 0]], np.eye(4)[[3, 0]]), "answers that are all right")
    yield Case((random.normal(size=(5, 2)) * 3, np.eye(2)[[0, 1, 1, 0, 0]]), "outputs below 0 and above 1")
    yield Case(float32(random.uniform(size=(6, 10)), np.eye(10)[random.integers(0, 10, 6)]), "float32")


def cross_entropy(p: Array, labels: Array) -> float:
    """−log p of the right class, averaged over the samples."""
    return float(-np.mean(np.log(np.maximum(p[np.arange(len(p)), labels], LEAST))))


def picked(p: Array, labels: Array) -> Array:
    """The probabilities of the right classes."""
    return np.maximum(p[np.arange(len(p)), labels], LEAST)


def judgements(random: np.random.Generator) -> Iterator[Case]:
    """Probabilities, one of them exactly 0 for the right class."""
    yield Case((softmax(random.normal(size=(4, 3))), np.array([0, 2, 1, 1])))
    yield Case((softmax(random.normal(size=(1, 4))), np.array([3])), "a batch of one")
    yield Case((np.array([[0.0, 1.0], [0.5, 0.5]]), np.array([0, 1])), "a probability of exactly 0")
    yield Case((softmax(random.normal(size=(3, 3))), np.array([2, 2, 0])), "as many samples as classes")
    p, labels = softmax(random.normal(size=(6, 10))), random.integers(0, 10, 6)
    yield Case(float32(p, labels), "float32")


def cross_entropy_from_scores(z: Array, labels: Array) -> float:
    """The same straight from scores."""
    z = z - z.max(axis=1, keepdims=True)
    right = z[np.arange(len(z)), labels]
    return float(np.mean(np.log(np.exp(z).sum(axis=1)) - right))


def scores(random: np.random.Generator) -> Iterator[Case]:
    """Scores, some very large."""
    yield Case((random.normal(size=(4, 3)), np.array([0, 2, 1, 1])))
    yield Case((random.normal(size=(1, 4)) * 2, np.array([3])), "a batch of one")
    yield Case((np.array([[1000.0, 0.0], [-1000.0, -1001.0]]), np.array([1, 0])), "very large scores")
    yield Case((np.zeros((2, 10)), np.array([7, 0])), "scores that are all zero")
    yield Case((random.normal(size=(3, 3)) * 3, np.array([2, 2, 0])), "as many samples as classes")
    yield Case(float32(random.normal(size=(6, 10)), random.integers(0, 10, 6)), "float32")


def log_total(z: Array) -> Array:
    """The logarithm of Σ e^z in each row, safely."""
    largest = np.max(z, axis=1)
    return np.asarray(largest + np.log(np.sum(np.exp(z - largest[:, np.newaxis]), axis=1)))


def right(z: Array, labels: Array) -> Array:
    """The score of each right class."""
    return np.asarray(z[np.arange(len(z)), labels])


EXERCISES = (
    Exercise(
        name="mean_squared_error",
        chapter=5,
        title="How far off? Squared error",
        task="""
        The oldest way to put a price on an error: the distance, squared. For one sample it is ½ Σₖ (aₖ − yₖ)², summed
        over the outputs; the ½ is there so that the derivative becomes a − y. For a batch it is the mean over the
        samples.
        """,
        arguments={"a": "(n, outputs)  what the network says", "y": "(n, outputs)  what it should say"},
        returns={"loss": "one number: the mean of ½ Σ (a − y)² over the samples"},
        example=(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[1.0, 0.0], [1.0, 1.0]])),
        worked="First sample ½·(0.25 + 0.25) = 0.25, second ½·(0 + 1) = 0.5; their mean is 0.375.",
        hint="np.mean over everything would divide by the number of outputs as well.",
        reference=mean_squared_error,
        make=outputs,
        mistakes=(
            Mistake(
                "no-half",
                lambda a, y: np.sum((a - y) ** 2) / len(a),
                "It is exactly twice as large as it should be: the ½ is missing.",
                "What is the derivative of u², and what that of ½u²?",
            ),
            Mistake(
                "mean-of-everything",
                lambda a, y: np.mean((a - y) ** 2),
                "It is the mean over all numbers, outputs included, and without the ½.",
                "Over which axis is summed, and over which averaged?",
            ),
            Mistake(
                "half-mean-of-everything",
                lambda a, y: 0.5 * np.mean((a - y) ** 2),
                "It is averaged over the outputs too, not only over the samples.",
                "By what do you divide: the number of samples, or of all numbers?",
            ),
            Mistake(
                "not-averaged",
                lambda a, y: 0.5 * np.sum((a - y) ** 2),
                "It is the sum over all samples. A batch twice as large would count as an error twice as large.",
                "What is still to be divided by?",
            ),
            Mistake(
                "absolute",
                lambda a, y: 0.5 * np.sum(np.abs(a - y)) / len(a),
                "The distances are taken as they are, without the square.",
                "What is the square of 0.5?",
            ),
            Mistake(
                "root",
                lambda a, y: np.mean(np.sqrt(np.sum((a - y) ** 2, axis=1))),
                "This is the mean distance: there is a root that was not asked for.",
                "Which step undoes your square?",
            ),
            Mistake(
                "differences-cancel",
                lambda a, y: 0.5 * np.sum(a - y) ** 2 / len(a),
                "The differences are added up first and squared afterwards, so that +1 and −1 cancel.",
                "Which comes first, the square or the sum?",
            ),
            Mistake(
                "per-sample",
                lambda a, y: 0.5 * np.sum((a - y) ** 2, axis=1),
                "There is one loss for each sample; one for the batch was asked.",
                "What is still to be averaged?",
            ),
            Mistake(
                "squares-apart",
                lambda a, y: 0.5 * np.sum(a**2 - y**2) / len(a),
                "It looks like a² − y² instead of (a − y)².",
                "Can the square of anything be negative?",
            ),
        ),
        sizes=lambda a, y: {"the size of the batch": len(a), "the number of outputs": a.shape[1]},
    ),
    Exercise(
        name="cross_entropy",
        chapter=5,
        title="How surprised? Cross-entropy",
        task="""
        If the network gave the right class a probability of 1, there is nothing to complain about. The smaller it
        was, the greater the surprise: −log p, with the natural logarithm. Write the mean of it over the batch.

        A probability may be exactly 0, and log 0 is −∞. Treat every probability below 1e-12 as 1e-12.
        """,
        arguments={"p": "(n, classes)  probabilities, one sample a row", "labels": "(n,)  the right classes"},
        returns={"loss": "one number: the mean of −log p[right class]"},
        example=(np.array([[0.25, 0.75], [0.5, 0.5]]), np.array([1, 0])),
        worked="−log 0.75 = 0.288 and −log 0.5 = 0.693; their mean is 0.490.",
        hint="p[np.arange(n), labels] picks one number from each row.",
        reference=cross_entropy,
        make=judgements,
        mistakes=(
            Mistake(
                "sign",
                lambda p, labels: np.mean(np.log(picked(p, labels))),
                "It has the right size, but is negative: the logarithm of a number below 1 is.",
                "Should a worse answer have a larger or a smaller loss?",
            ),
            Mistake(
                "not-averaged",
                lambda p, labels: -np.sum(np.log(picked(p, labels))),
                "It is the sum over all samples. A batch twice as large would count as a loss twice as large.",
                "What is still to be divided by?",
            ),
            Mistake(
                "log-of-zero",
                lambda p, labels: -np.mean(np.log(p[np.arange(len(p)), labels])),
                "Right, until a probability is exactly 0: then log 0 = −∞ makes the whole batch infinite.",
                "What did the text say about probabilities below 1e-12?",
            ),
            Mistake(
                "averaged-over-classes",
                lambda p, labels: -np.sum(np.log(picked(p, labels))) / p.size,
                "It is divided by the number of samples and by that of the classes.",
                "How many numbers did you add up: one for each sample, or one for each entry of p?",
            ),
            Mistake(
                "each-with-each",
                lambda p, labels: -np.mean(np.log(np.maximum(p[:, labels], LEAST))),
                "p[:, labels] takes, from every row, the columns of all labels: n × n numbers instead of n.",
                "How do you name one column for each row?",
            ),
            Mistake(
                "entropy",
                lambda p, labels: -np.sum(p * np.log(np.maximum(p, LEAST))) / len(p),
                "This is −Σ p·log p, the network's own doubt. The right class does not come into it.",
                "What changes in your answer if a label changes?",
            ),
            Mistake(
                "all-classes",
                lambda p, labels: -np.sum(np.log(np.maximum(p, LEAST))) / len(p),
                "The logarithms of all classes are added up, not only those of the right ones.",
                "Which one number of each row counts?",
            ),
            Mistake(
                "base-two",
                lambda p, labels: -np.mean(np.log2(picked(p, labels))),
                "It is measured in bits: a logarithm to base 2 instead of the natural one.",
                "Which of np.log, np.log2, np.log10 is the natural logarithm?",
            ),
            Mistake(
                "base-ten",
                lambda p, labels: -np.mean(np.log10(picked(p, labels))),
                "It is a logarithm to base 10 instead of the natural one.",
                "Which of np.log, np.log2, np.log10 is the natural logarithm?",
            ),
            Mistake(
                "mean-first",
                lambda p, labels: -np.log(np.mean(picked(p, labels))),
                "The probabilities are averaged first, and the logarithm taken of that.",
                "Which comes first: the surprise of each sample, or the mean?",
            ),
            Mistake(
                "no-logarithm",
                lambda p, labels: 1 - np.mean(p[np.arange(len(p)), labels]),
                "It looks like 1 − p. That is 0 for a perfect answer too, but hardly worse for a hopeless one than "
                "for a bad.",
                "How bad should p = 0.01 be beside p = 0.1?",
            ),
            Mistake(
                "other-classes",
                lambda p, labels: -np.mean(np.log(np.maximum(1 - p[np.arange(len(p)), labels], LEAST))),
                "It looks like −log(1 − p): the price of the wrong classes.",
                "For which p should the loss be 0?",
            ),
            Mistake(
                "per-sample",
                lambda p, labels: -np.log(picked(p, labels)),
                "There is one loss for each sample; one for the batch was asked.",
                "What is still to be averaged?",
            ),
        ),
        sizes=lambda p, labels: {"the size of the batch": len(p), "the number of classes": p.shape[1]},
    ),
    Exercise(
        name="cross_entropy_from_scores",
        chapter=5,
        title="The same, straight from the scores",
        task="""
        Softmax takes e to the power of a score, cross-entropy takes the logarithm of that. Done at once, much of it
        cancels:

            −log p[right] = log(Σⱼ e^zⱼ) − z[right]

        Write it so that scores of ±1000 do no harm. Nothing has to be clipped, and nothing may be: a loss of 1000 is
        right where the network is that wrong.
        """,
        arguments={"z": "(n, classes)  scores, one sample a row", "labels": "(n,)  the right classes"},
        returns={"loss": "one number: the mean over the samples"},
        example=(np.array([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]]), np.array([2, 0])),
        worked="First sample log(1 + 2.718 + 7.389) − 2 = 0.408, second log(3·e³) − 3 = log 3 = 1.099. Mean 0.753.",
        hint="log Σ e^z = m + log Σ e^(z − m), for any number m.",
        reference=cross_entropy_from_scores,
        make=scores,
        mistakes=(
            Mistake(
                "overflow",
                lambda z, labels: np.mean(np.log(np.sum(np.exp(z), axis=1)) - right(z, labels)),
                "The formula is right, but e^1000 becomes ∞ and e^−1000 becomes 0, and the logarithms of these are "
                "no use.",
                "What could you take out of the sum before it grows too large, and put back after the logarithm?",
            ),
            Mistake(
                "largest-of-all",
                lambda z, labels: np.mean(np.max(z) + np.log(np.sum(np.exp(z - np.max(z)), axis=1)) - right(z, labels)),
                "The largest score of the whole batch is taken out of every row. A row with much smaller scores then "
                "has "
                "nothing but e^−2000 = 0 in it, and log 0 is −∞.",
                "Whose largest score should a row be measured by?",
            ),
            Mistake(
                "softmax-first",
                lambda z, labels: -np.mean(np.log(right(softmax(z), labels))),
                "Right for small scores. But a hopeless probability has become exactly 0 before its logarithm is "
                "taken.",
                "Can you do without the probabilities, and stay with the logarithm all the way?",
            ),
            Mistake(
                "clipped",
                lambda z, labels: -np.mean(np.log(np.maximum(right(softmax(z), labels), LEAST))),
                "Right for small scores; a large loss is cut off at 27.6, which is −log 1e-12.",
                "Can you do without the probabilities, so that there is nothing to clip?",
            ),
            Mistake(
                "largest-not-put-back",
                lambda z, labels: np.mean(log_total(z) - np.max(z, axis=1) - right(z, labels)),
                "The largest score was subtracted inside of the sum, but is not put back behind the logarithm.",
                "If m is taken out of the exponent, where does it come back?",
            ),
            Mistake(
                "sign",
                lambda z, labels: np.mean(right(z, labels) - log_total(z)),
                "It has the right size and the wrong sign: this is log p.",
                "Should a worse answer have a larger or a smaller loss?",
            ),
            Mistake(
                "not-averaged",
                lambda z, labels: np.sum(log_total(z) - right(z, labels)),
                "It is the sum over all samples. A batch twice as large would count as a loss twice as large.",
                "What is still to be divided by?",
            ),
            Mistake(
                "no-right-score",
                lambda z, labels: np.mean(log_total(z)),
                "This is log Σ e^z alone: the right class does not come into it.",
                "What changes in your answer if a label changes?",
            ),
            Mistake(
                "only-right-score",
                lambda z, labels: -np.mean(right(z, labels)),
                "This is −z of the right class alone.",
                "What do the other scores contribute?",
            ),
            Mistake(
                "whole-batch",
                lambda z, labels: np.mean(np.max(z) + np.log(np.sum(np.exp(z - np.max(z)))) - right(z, labels)),
                "One sum of powers has been taken over the whole batch, instead of one for each sample.",
                "Over which axis does Σⱼ run?",
            ),
            Mistake(
                "per-sample",
                lambda z, labels: log_total(z) - right(z, labels),
                "There is one loss for each sample; one for the batch was asked.",
                "What is still to be averaged?",
            ),
        ),
        sizes=lambda z, labels: {"the size of the batch": len(z), "the number of classes": z.shape[1]},
    ),
)
