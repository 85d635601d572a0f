"""Chapter 12, looking nearby: a small kernel that visits every place of an image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array

Several = tuple[Any, ...]


def convolve(image: Array, kernel: Array) -> Array:
    """The kernel's sum at every place where it lies wholly on the image."""
    windows = np.lib.stride_tricks.sliding_window_view(image, kernel.shape)
    return np.einsum("yxij,ij->yx", windows, kernel)


def pictures(random: np.random.Generator) -> Iterator[Case]:
    """Images and kernels, not all square."""

    def draw(*shapes: tuple[int, int]) -> Several:
        return tuple(random.normal(size=shape) for shape in shapes)

    yield Case(draw((4, 5), (2, 3)))
    yield Case(draw((3, 3), (3, 3)), "a kernel as large as the image")
    yield Case(draw((3, 4), (1, 1)), "a kernel of one weight")
    yield Case(draw((6, 5), (3, 2)))
    yield Case((np.eye(5), np.arange(9.0).reshape(3, 3)))
    yield Case(float32(*draw((5, 5), (3, 3))), "float32")


def flipped(image: Array, kernel: Array) -> Array:
    """The mathematicians' convolution."""
    return convolve(image, kernel[::-1, ::-1])


def one_short(image: Array, kernel: Array) -> Array:
    """Without the last row and column of places."""
    return convolve(image, kernel)[:-1, :-1]


def square(image: Array, kernel: Array) -> Array:
    """As many places down as across."""
    z = convolve(image, kernel)
    side = min(z.shape)
    return z[:side, :side]


def convolve_same(image: Array, kernel: Array) -> Array:
    """As large as the image, with zeros around it."""
    down, across = kernel.shape[0] // 2, kernel.shape[1] // 2
    return convolve(np.pad(image, ((down, down), (across, across))), kernel)


def odd_pictures(random: np.random.Generator) -> Iterator[Case]:
    """Images, and kernels with a middle."""

    def draw(*shapes: tuple[int, int]) -> Several:
        return tuple(random.normal(size=shape) for shape in shapes)

    yield Case(draw((4, 5), (3, 3)))
    yield Case(draw((3, 3), (1, 1)), "a kernel of one weight")
    yield Case(draw((5, 4), (1, 3)), "a kernel that is wider than high")
    yield Case(draw((5, 6), (5, 3)), "a kernel that is higher than wide")
    yield Case(draw((2, 2), (5, 5)), "a kernel larger than the image")
    yield Case(float32(*draw((5, 5), (3, 3))), "float32")


def padded(image: Array, kernel: Array, mode: str) -> Array:
    """With something else than zeros around the image."""
    down, across = kernel.shape[0] // 2, kernel.shape[1] // 2
    return convolve(np.pad(image, ((down, down), (across, across)), mode=mode), kernel)  # type: ignore[call-overload]


def one_sided(image: Array, kernel: Array, *, first: bool) -> Array:
    """With all zeros on one side."""
    down, across = kernel.shape[0] - 1, kernel.shape[1] - 1
    around = ((down, 0), (across, 0)) if first else ((0, down), (0, across))
    return convolve(np.pad(image, around), kernel)


def margin(image: Array, kernel: Array, *, down: int, across: int) -> Array:
    """With another margin."""
    return convolve(np.pad(image, ((down, down), (across, across))), kernel)


EXERCISES = (
    Exercise(
        name="convolve",
        chapter=12,
        title="A kernel visits every place",
        task="""
        Lay a small kernel on the image with its corner at row y, column x. Multiply each of its weights by the pixel
        below, and add up the products: that is one number of the result. Then go on to the next place, wherever the
        kernel lies wholly on the image:

            z[y, x] = Σ over i, j of image[y + i, x + j] · kernel[i, j]

        (Mathematicians turn the kernel round first, and call this one correlation. Networks learn their kernels, so
        it makes no difference, and nobody turns them.)
        """,
        arguments={"image": "(height, width)", "kernel": "(kh, kw)  kh rows, kw columns"},
        returns={"z": "(height − kh + 1, width − kw + 1)"},
        example=(
            np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
            np.array([[1.0, 0.0], [0.0, -1.0]]),
        ),
        worked="z[0, 0] = 1·1 + 2·0 + 4·0 + 5·(−1) = −4. A kernel of 2 × 2 fits in two places along 3 pixels.",
        hint="Two loops over places, or two over the weights of the kernel: the second are shorter, and quicker.",
        reference=convolve,
        make=pictures,
        mistakes=(
            Mistake(
                "kernel-turned-round",
                flipped,
                "The kernel is turned round, upside down and left to right: the convolution of mathematicians. Here "
                "it is laid "
                "on as it is.",
                "Which weight meets the pixel image[y, x]: the first or the last?",
            ),
            Mistake(
                "kernel-transposed",
                lambda image, kernel: convolve(image, kernel.T),
                "The rows and columns of the kernel are exchanged.",
                "Which index of the kernel goes with y, and which with x?",
            ),
            Mistake(
                "upside-down",
                lambda image, kernel: convolve(image, kernel[::-1]),
                "The kernel lies upside down on the image.",
                "Which row of the kernel meets row y of the image?",
            ),
            Mistake(
                "left-to-right",
                lambda image, kernel: convolve(image, kernel[:, ::-1]),
                "The kernel is mirrored left to right.",
                "Which column of the kernel meets column x of the image?",
            ),
            Mistake(
                "one-place-short",
                one_short,
                "The numbers are right, but the last row and the last column of places are missing.",
                "In how many places does a kernel of 2 fit along 3 pixels? Count them.",
            ),
            Mistake(
                "last-places-empty",
                lambda image, kernel: np.pad(one_short(image, kernel), ((0, 1), (0, 1))),
                "All is right but the last row and the last column, which are still 0: nobody has visited them.",
                "How far does range(3) count? In how many places does a kernel of 2 fit along 3 pixels?",
            ),
            Mistake(
                "averaged",
                lambda image, kernel: convolve(image, kernel) / kernel.size,
                "The products are averaged over the kernel instead of added up.",
                "Is there a mean where a sum should be?",
            ),
            Mistake(
                "same-size",
                convolve_same,
                "The result is as large as the image, as if there were zeros around it.",
                "Where does the kernel lie wholly on the image?",
            ),
            Mistake(
                "only-the-corner",
                lambda image, kernel: (
                    image[: image.shape[0] - kernel.shape[0] + 1, : image.shape[1] - kernel.shape[1] + 1] * kernel.sum()
                ),
                "Every pixel is multiplied by the sum of all weights: the kernel does not look at neighbours.",
                "Which pixels does z[0, 0] depend on?",
            ),
            Mistake(
                "square",
                square,
                "The result is square, although the image is not: one size is used for both directions.",
                "How many places are there down, and how many across?",
            ),
            Mistake(
                "sums-of-windows",
                lambda image, kernel: convolve(image, np.ones_like(kernel)),
                "These are the sums of the pixels below the kernel; its weights have no say.",
                "What changes in your answer if a weight changes?",
            ),
        ),
        sizes=lambda image, kernel: {"the number of weights in the kernel": kernel.size},
    ),
    Exercise(
        name="convolve_same",
        chapter=12,
        title="Zeros around the image",
        task="""
        The map that comes out is smaller than the image. To keep its size, put bare paper around the image: so many
        zeros that the *middle* of the kernel visits every pixel. The sizes of the kernel are odd, so it has a middle.
        """,
        arguments={"image": "(height, width)", "kernel": "(kh, kw)  both odd"},
        returns={"z": "(height, width)"},
        example=(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 2.0]])),
        worked="z[0, 0]: above and left of the 1 are zeros, below right is the 4, so 2·4 = 8. z[1, 1]: 2 above, 3 "
        "left: 5.",
        hint="np.pad puts zeros around. How far does a kernel of 5 reach beyond its middle?",
        reference=convolve_same,
        make=odd_pictures,
        mistakes=(
            Mistake(
                "no-zeros",
                convolve,
                "There are no zeros around the image: the result is smaller than it.",
                "On how many pixels can the middle of a 3 × 3 kernel stand without zeros?",
            ),
            Mistake(
                "one-zero-always",
                lambda image, kernel: margin(image, kernel, down=1, across=1),
                "There is always one row of zeros around, whatever the size of the kernel. For 3 × 3 that is right.",
                "How far does a kernel of 5 reach beyond its middle, and how far one of 1?",
            ),
            Mistake(
                "whole-kernel",
                lambda image, kernel: margin(image, kernel, down=kernel.shape[0] - 1, across=kernel.shape[1] - 1),
                "There are twice as many zeros as needed: the result has become larger than the image.",
                "How far does the kernel reach beyond its middle, on one side?",
            ),
            Mistake(
                "one-zero-too-many",
                lambda image, kernel: margin(
                    image, kernel, down=kernel.shape[0] // 2 + 1, across=kernel.shape[1] // 2 + 1
                ),
                "There is one row of zeros too many on each side.",
                "What is 3 // 2? How far does a kernel of 3 reach beyond its middle?",
            ),
            Mistake(
                "margins-exchanged",
                lambda image, kernel: margin(image, kernel, down=kernel.shape[1] // 2, across=kernel.shape[0] // 2),
                "The margins are exchanged: the width of the kernel has decided about the zeros above and below.",
                "Which size of the kernel reaches up and down?",
            ),
            Mistake(
                "zeros-behind",
                lambda image, kernel: one_sided(image, kernel, first=False),
                "The size is right, but all zeros are at the bottom and on the right: the corner of the kernel "
                "visits every "
                "pixel, not its middle.",
                "How do the zeros have to be shared between the two sides?",
            ),
            Mistake(
                "zeros-before",
                lambda image, kernel: one_sided(image, kernel, first=True),
                "The size is right, but all zeros are at the top and on the left.",
                "How do the zeros have to be shared between the two sides?",
            ),
            Mistake(
                "edge-repeated",
                lambda image, kernel: padded(image, kernel, "edge"),
                "Around the image are not zeros, but the pixels of its edge once more.",
                "What is beyond the edge of the paper?",
            ),
            Mistake(
                "wrapped",
                lambda image, kernel: padded(image, kernel, "wrap"),
                "What leaves the image on one side comes in on the other, as if it were a ring.",
                "What is beyond the edge of the paper?",
            ),
            Mistake(
                "kernel-turned-round",
                lambda image, kernel: convolve_same(image, kernel[::-1, ::-1]),
                "The margins are right, but the kernel is turned round. (scipy.signal.convolve does that.)",
                "Which weight meets the pixel above left of the middle?",
            ),
            Mistake(
                "inside-only",
                lambda image, kernel: np.pad(
                    convolve(image, kernel),
                    ((kernel.shape[0] // 2,) * 2, (kernel.shape[1] // 2,) * 2),
                ),
                "The zeros are put around the result instead of around the image: all its edge is 0.",
                "May the kernel not see the part of the image that it does lie on?",
            ),
        ),
        sizes=lambda image, kernel: {"the number of weights in the kernel": kernel.size},
    ),
)
