"""Chapter 1, what a digit is to a computer: numbers that say how much ink there is, and a number that says which."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake
from inkling.nn.part import Array


def scale_pixels(images: Array) -> Array:
    """Images as rows between 0 and 1."""
    return images.reshape(len(images), -1) / np.float32(255)


def images(random: np.random.Generator) -> Iterator[Case]:
    """Small pictures, among them one with no ink at all."""
    yield Case((random.integers(0, 256, (3, 2, 3), dtype=np.uint8),))
    yield Case((random.integers(0, 256, (1, 4, 4), dtype=np.uint8),), "a batch of one")
    yield Case((np.full((2, 2, 2), 255, np.uint8),), "images that are all ink")
    yield Case((np.stack([np.zeros((3, 2), np.uint8), np.full((3, 2), 100, np.uint8)]),), "an image without ink")
    yield Case((random.integers(0, 256, (5, 28, 28), dtype=np.uint8),), "images of 28 × 28 pixels")


def one_hot(labels: Array, classes: int) -> Array:
    """Labels as rows."""
    return np.eye(classes)[labels]


def labels(random: np.random.Generator) -> Iterator[Case]:
    """Labels, among them the first and the last class."""
    yield Case((np.array([3, 0, 9, 9, 1]), 10))
    yield Case((np.array([1]), 3), "a batch of one")
    yield Case((np.array([0, 1, 2, 3]), 4), "as many samples as classes")
    yield Case((np.array([2, 0, 1]), 5))
    yield Case((random.integers(0, 10, 7), 10))


def filled(labels: Array, classes: int) -> Array:
    """Ones in every row that any label stands for."""
    rows = np.zeros((len(labels), classes))
    rows[:, labels] = 1
    return rows


def whole_rows(labels: Array, classes: int) -> Array:
    """Ones all along the rows that have the labels' numbers."""
    rows = np.zeros((len(labels), classes))
    rows[labels] = 1
    return rows


def counted_from_one(labels: Array, classes: int) -> Array:
    """Ones a place too far to the left."""
    return np.eye(classes)[labels - 1]


EXERCISES = (
    Exercise(
        name="scale_pixels",
        chapter=1,
        title="From ink to numbers between 0 and 1",
        task="""
        A scanned digit is a table of whole numbers: 0 is bare paper, 255 is all the ink a pixel can hold. A network
        wants rows of small numbers. Write a function that lays out every image as one row, line after line, and turns
        0 … 255 into 0 … 1. The result is float32.
        """,
        arguments={"images": "(n, height, width)  uint8, how much ink there is in each pixel"},
        returns={"x": "(n, height · width)  float32, one row an image, between 0 and 1"},
        example=(np.array([[[0, 51], [102, 255]]], np.uint8),),
        worked="51 / 255 = 0.2 and 102 / 255 = 0.4. The second line of the image stands behind the first one.",
        hint="reshape(n, -1) lays out each image as a row; the -1 means: as many as there are.",
        reference=scale_pixels,
        make=images,
        mistakes=(
            Mistake(
                "not-scaled",
                lambda images: images.reshape(len(images), -1).astype(float),
                "The numbers still run from 0 to 255.",
                "By what do you have to divide so that full ink becomes 1?",
            ),
            Mistake(
                "whole-division",
                lambda images: images.reshape(len(images), -1) // 255,
                "Only 0 and 1 come out: whole-number division (//) cuts off all that lies between.",
                "What is 100 / 255, and what is 100 // 255?",
            ),
            Mistake(
                "256",
                lambda images: images.reshape(len(images), -1) / 256,
                "Full ink comes out as 0.996: it looks as if you divided by 256.",
                "There are 256 different values. But what is the largest of them?",
            ),
            Mistake(
                "one-row",
                lambda images: images.reshape(-1) / 255,
                "All images have become one single long row.",
                "How does one image know where it ends? Which axis has to stay?",
            ),
            Mistake(
                "column-by-column",
                lambda images: images.transpose(0, 2, 1).reshape(len(images), -1) / 255,
                "The pixels are right, but stand column after column instead of line after line.",
                'Is there a transpose, or order="F", that is not needed?',
            ),
            Mistake(
                "by-the-brightest",
                lambda images: images.reshape(len(images), -1) / images.max(),
                "It is divided by the largest pixel that happens to be there, so a pale digit looks like a dark one.",
                "What should a batch of pale digits come out as: the same numbers as dark ones?",
            ),
            Mistake(
                "stretched",
                lambda images: (images.reshape(len(images), -1) - images.min()) / float(images.max() - images.min()),
                "The numbers are stretched from the palest to the darkest pixel of the batch, so that what an image "
                "becomes "
                "depends on its neighbours (and on a batch of one colour it is 0/0).",
                "What should a pixel of 102 become, whatever else is there?",
            ),
            Mistake(
                "inverted",
                lambda images: 1 - images.reshape(len(images), -1) / 255,
                "Ink and paper are exchanged: no ink comes out as 1.",
                "What should bare paper be?",
            ),
        ),
    ),
    Exercise(
        name="one_hot",
        chapter=1,
        title="Which digit it is, as a row",
        task="""
        The label of an image is a whole number: 7. To compare it with the network's ten answers it is written as a
        row of ten numbers, all 0 but for a 1 at place 7. That is called one-hot. Write it for a whole batch.
        """,
        arguments={"labels": "(n,)  whole numbers from 0 to classes − 1", "classes": "how many classes there are"},
        returns={"y": "(n, classes)  floats, one row a label"},
        example=(np.array([2, 0]), 3),
        worked="Label 2 has its 1 at place 2, which is the third one, since counting begins with 0.",
        hint="Begin with np.zeros. Two lists of places, one for the rows and one for the columns, pick one number a "
        "row.",
        reference=one_hot,
        make=labels,
        mistakes=(
            Mistake(
                "all-rows",
                filled,
                "Every row has a 1 for every label of the batch.",
                "y[:, labels] means all rows. How do you name one place in each row?",
            ),
            Mistake(
                "whole-rows",
                whole_rows,
                "y[labels] = 1 fills whole *rows*, those of the numbers that the labels have; or there is no such "
                "row at all.",
                "Row i belongs to sample i. Which place in it does its label name?",
            ),
            Mistake(
                "counted-from-one",
                counted_from_one,
                "Every 1 stands one place too far to the left, and label 0 has gone round to the end.",
                "At which place does the row of label 0 have its 1?",
            ),
            Mistake(
                "one-cold",
                lambda labels, classes: 1 - np.eye(classes)[labels],
                "Zeros and ones are exchanged.",
                "How many ones should there be in a row?",
            ),
            Mistake(
                "classes-by-samples",
                lambda labels, classes: np.eye(classes)[labels].T,
                "There is one column for each label; asked was one row.",
                "Which axis should come first, samples or classes?",
            ),
            Mistake(
                "label-as-value",
                lambda labels, classes: np.eye(classes)[labels] * labels[:, np.newaxis],
                "At the right places stand the labels themselves, instead of a 1.",
                "Should a 9 count for more than a 1? And what becomes of the digit 0?",
            ),
            Mistake(
                "classes-guessed",
                lambda labels, classes: np.eye(int(labels.max()) + 1)[labels],
                "The rows are only as long as the largest label of this batch needs.",
                "What if there is no 9 in a batch? Where does the function learn how many classes there are?",
            ),
        ),
    ),
)
