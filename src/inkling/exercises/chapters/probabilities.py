"""Chapter 4, scores to probabilities: softmax, and how often the most probable class is the right one."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array


def softmax(z: Array) -> Array:
    """Scores as probabilities."""
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def scores(random: np.random.Generator) -> Iterator[Case]:
    """Scores, some of them so large that e^z has no room in a float."""
    yield Case((random.normal(size=(4, 3)) * 2,))
    yield Case((random.normal(size=(1, 5)),), "a batch of one")
    yield Case((np.array([[1000.0, 1001.0, 999.0], [-1000.0, -1002.0, -1001.0]]),), "very large scores")
    yield Case((np.array([[1.0, 2.0], [-2000.0, -2001.0]]),), "rows of very different size")
    yield Case((np.zeros((2, 4)),), "scores that are all zero")
    yield Case((random.normal(size=(3, 3)),), "as many samples as classes")
    yield Case(float32(random.normal(size=(5, 10))), "float32")


def over_rows(z: Array, axis: int | None) -> Array:
    """Softmax along another axis."""
    e = np.exp(z - np.max(z, axis=axis, keepdims=True))
    return e / np.sum(e, axis=axis, keepdims=True)


def plain(z: Array) -> Array:
    """The formula as it stands."""
    return np.exp(z) / np.sum(np.exp(z), axis=1, keepdims=True)


def shifted_by_all(z: Array) -> Array:
    """The formula, with the largest score of all rows subtracted."""
    e = np.exp(z - np.max(z))
    return e / np.sum(e, axis=1, keepdims=True)


def not_divided(z: Array) -> Array:
    """What stands above the line."""
    return np.exp(z - np.max(z, axis=1, keepdims=True))


def accuracy(p: Array, labels: Array) -> float:
    """The fraction that is right."""
    return float(np.mean(np.argmax(p, axis=1) == labels))


def answers(random: np.random.Generator) -> Iterator[Case]:
    """Probabilities and labels: some right, all right, none right."""
    p = softmax(random.normal(size=(8, 3)))
    right = p.argmax(axis=1)
    yield Case((p, np.where(np.arange(8) < 3, right, (right + 1) % 3)))
    yield Case((p[:1], right[:1]), "a batch of one")
    yield Case((p[:4], (right[:4] + 1) % 3), "a batch with nothing right")
    yield Case((p, np.where(np.arange(8) < 6, right, (right + 2) % 3)))
    square = softmax(random.normal(size=(5, 5)) * 3)
    yield Case((square, np.where(np.arange(5) < 2, square.argmax(1), (square.argmax(1) + 1) % 5)), "five of each")
    yield Case(float32(softmax(random.normal(size=(30, 10))), random.integers(0, 10, 30)), "float32")


EXERCISES = (
    Exercise(
        name="softmax",
        chapter=4,
        title="Softmax",
        task="""
        Scores can be any numbers. Softmax makes probabilities of them: every one positive, every row adding up to 1.

            pₖ = e^zₖ / Σⱼ e^zⱼ     (the sum goes over the classes of one sample)

        Write it so that scores of 1000 do no harm, although e^1000 is more than a float can hold.
        """,
        arguments={"z": "(n, classes)  scores, one sample a row"},
        returns={"p": "(n, classes)  probabilities; each row adds up to 1"},
        example=(np.array([[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]]),),
        worked="e⁰ = 1, e¹ = 2.718, e² = 7.389, together 11.107. So p₀ = 1 / 11.107 = 0.09. Equal scores share "
        "equally.",
        hint="If all scores of a row change by the same amount, its probabilities do not. keepdims=True keeps a "
        "column.",
        reference=softmax,
        make=scores,
        mistakes=(
            Mistake(
                "overflow",
                plain,
                "The formula is right, and small scores come out right. But e^1000 is more than a float can hold: it "
                "becomes "
                "∞, and ∞/∞ is nan; and e^−1000 becomes 0, and 0/0 is nan.",
                "What could you subtract from all scores of a row so that the largest of them is harmless?",
            ),
            Mistake(
                "largest-of-all",
                shifted_by_all,
                "The largest score of the whole batch is subtracted everywhere. A row with much smaller scores then "
                "becomes e^−2000 = 0 throughout, and 0/0 is nan.",
                "Whose largest score should a row be measured by?",
            ),
            Mistake(
                "wrong-axis",
                lambda z: over_rows(z, 0),
                "The columns add up to 1, not the rows: the sum runs over the samples instead of the classes.",
                "Which axis counts the classes, 0 or 1?",
            ),
            Mistake(
                "whole-batch",
                lambda z: over_rows(z, None),
                "All numbers together add up to 1: one sum has been taken over the whole batch.",
                "What should each sample's probabilities add up to?",
            ),
            Mistake(
                "axis-lost",
                lambda z: not_divided(z) / np.sum(not_divided(z), axis=1),
                "The sums are right, but they lie in a row (n,) where a column (n, 1) is needed: with as many "
                "samples as "
                "classes each number is divided by another row's sum, and else the shapes do not fit.",
                "A sum along an axis takes that axis away. How can it be kept?",
            ),
            Mistake(
                "not-divided",
                not_divided,
                "The powers of e are there, but nothing makes them add up to 1.",
                "By what is each of them to be divided?",
            ),
            Mistake(
                "bare-powers",
                lambda z: np.exp(z),
                "This is e^z. It is positive, but it does not add up to 1.",
                "By what is each of them to be divided?",
            ),
            Mistake(
                "no-powers",
                lambda z: z / np.sum(z, axis=1, keepdims=True),
                "The scores are divided by their sum, without the e: negative scores stay negative.",
                "What makes any number positive?",
            ),
            Mistake(
                "minus",
                lambda z: softmax(-z),
                "The smallest score gets the largest probability: there is a minus in the exponent.",
                "Should e^z grow or shrink with z?",
            ),
            Mistake(
                "base-two",
                lambda z: softmax(z * np.log(2)),
                "These are powers of 2 instead of powers of e.",
                "Which function of NumPy's is e^z?",
            ),
            Mistake(
                "logarithm",
                lambda z: np.log(softmax(z)),
                "These are the logarithms of the probabilities.",
                "Can a probability be negative?",
            ),
            Mistake(
                "maximum",
                lambda z: (z == np.max(z, axis=1, keepdims=True)).astype(z.dtype),
                "Only the largest score is left, as a 1: that would be a hard maximum. This one should be soft.",
                "Should a score that is almost as large get almost as much?",
            ),
        ),
        sizes=lambda z: {"the size of the batch": len(z), "the number of classes": z.shape[1]},
    ),
    Exercise(
        name="accuracy",
        chapter=4,
        title="How often is it right?",
        task="""
        The network's answer is the class with the largest probability. Write a function that says for which fraction
        of the samples this is the right class.
        """,
        arguments={"p": "(n, classes)  probabilities, one sample a row", "labels": "(n,)  the right classes"},
        returns={"fraction": "one number between 0 and 1"},
        example=(np.array([[0.7, 0.3], [0.4, 0.6], [0.9, 0.1], [0.2, 0.8]]), np.array([0, 1, 1, 1])),
        worked="The answers are 0, 1, 0, 1. Three of the four are right: 0.75.",
        hint="np.argmax tells the place of the largest number, and the mean of True and False is the fraction of True.",
        reference=accuracy,
        make=answers,
        mistakes=(
            Mistake(
                "count",
                lambda p, labels: int(np.sum(np.argmax(p, axis=1) == labels)),
                "This is how many are right, not which fraction.",
                "What makes 3 of 4 comparable with 30 of 40?",
            ),
            Mistake(
                "percent",
                lambda p, labels: 100 * accuracy(p, labels),
                "It is right, in percent; a fraction between 0 and 1 was asked.",
                "What is 75 % as a fraction?",
            ),
            Mistake(
                "error-rate",
                lambda p, labels: 1 - accuracy(p, labels),
                "This is the fraction that is wrong.",
                "Is it == or != ?",
            ),
            Mistake(
                "whole-division",
                lambda p, labels: int(np.sum(np.argmax(p, axis=1) == labels)) // len(labels),
                "Only 0 and 1 come out: whole-number division (//) cuts off all that lies between.",
                "What is 3 / 4, and what is 3 // 4?",
            ),
            Mistake(
                "columns",
                lambda p, labels: float(np.mean(np.argmax(p, axis=0) == labels)),
                "The largest number of each column is looked for, instead of each row.",
                "Which axis counts the classes?",
            ),
            Mistake(
                "each-with-each",
                lambda p, labels: float(np.mean(np.argmax(p, axis=1)[:, np.newaxis] == labels)),
                "Every answer has been compared with every label: a column beside a row fills a square.",
                "What shapes do the two sides of your == have?",
            ),
            Mistake(
                "probability",
                lambda p, labels: float(np.mean(p[np.arange(len(p)), labels])),
                "This is the mean probability of the right class. It says how sure, not how often right.",
                "When does an answer count as right?",
            ),
            Mistake(
                "sample-by-sample",
                lambda p, labels: np.argmax(p, axis=1) == labels,
                "It says for each sample whether it is right, but not yet for which fraction.",
                "How do you get from True and False to one number?",
            ),
            Mistake(
                "how-large-for-where",
                lambda p, labels: float(np.mean(np.max(p, axis=1) == labels)),
                "Nothing is ever right: it looks as if the largest probability itself were compared with the label.",
                "np.max says how large it is. What says where it is?",
            ),
            Mistake(
                "one-half",
                lambda p, labels: float(np.mean(p[np.arange(len(p)), labels] > 0.5)),
                "An answer counts here only when its class has more than ½. With ten classes, 0.3 may already be the "
                "most.",
                "Does the right class have to beat ½, or the other classes?",
            ),
        ),
        sizes=lambda p, labels: {"the size of the batch": len(p), "the number of classes": p.shape[1]},
    ),
)
