"""Chapter 12, the second half: the way back through a convolution, and through max pooling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from inkling.exercises.chapters.convolutions import convolve
from inkling.exercises.exercise import Case, Exercise, Mistake, float32
from inkling.nn.part import Array

Several = tuple[Any, ...]


def convolve_backward(dz: Array, image: Array, kernel: Array) -> Several:
    """The gradients of the kernel and of the image."""
    dkernel, dimage = np.zeros_like(kernel), np.zeros_like(image)
    rows, columns = dz.shape
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            dkernel[i, j] = np.sum(dz * image[i : i + rows, j : j + columns])
            dimage[i : i + rows, j : j + columns] += dz * kernel[i, j]
    return dkernel, dimage


def ways_back(random: np.random.Generator) -> Iterator[Case]:
    """Images, kernels, and gradients of the shape that belongs to them."""

    def draw(height: int, width: int, kh: int, kw: int) -> Several:
        shapes = ((height - kh + 1, width - kw + 1), (height, width), (kh, kw))
        return tuple(random.normal(size=shape) for shape in shapes)

    yield Case(draw(4, 5, 2, 3))
    yield Case(draw(3, 3, 3, 3), "a kernel as large as the image")
    yield Case(draw(3, 4, 1, 1), "a kernel of one weight")
    yield Case(draw(5, 5, 3, 3))
    yield Case(float32(*draw(6, 5, 3, 2)), "float32")


def overwritten(dz: Array, image: Array, kernel: Array) -> Several:
    """The last window that saw a pixel is the only one that counts."""
    dimage = np.zeros_like(image)
    for y in range(dz.shape[0]):
        for x in range(dz.shape[1]):
            dimage[y : y + kernel.shape[0], x : x + kernel.shape[1]] = dz[y, x] * kernel
    return convolve_backward(dz, image, kernel)[0], dimage


def overwritten_by_weights(dz: Array, image: Array, kernel: Array) -> Several:
    """The last weight that met a pixel is the only one that counts."""
    dimage = np.zeros_like(image)
    for i in range(kernel.shape[0]):
        for j in range(kernel.shape[1]):
            dimage[i : i + dz.shape[0], j : j + dz.shape[1]] = dz * kernel[i, j]
    return convolve_backward(dz, image, kernel)[0], dimage


def image_of(dz: Array, image: Array, kernel: Array, of: Array) -> Several:
    """With the image's gradient by way of another kernel."""
    return convolve_backward(dz, image, kernel)[0], convolve_backward(dz, image, of)[1]


def kernel_by(change: Any) -> Any:
    """With the kernel's gradient changed."""

    def back(dz: Array, image: Array, kernel: Array) -> Several:
        dkernel, dimage = convolve_backward(dz, image, kernel)
        return change(dkernel, dz), dimage

    return back


def max_pool_backward(da: Array, z: Array) -> Array:
    """All of the gradient to the first of the largest."""
    dz = np.zeros_like(z)
    for y in range(da.shape[0]):
        for x in range(da.shape[1]):
            i, j = divmod(int(z[2 * y : 2 * y + 2, 2 * x : 2 * x + 2].argmax()), 2)
            dz[2 * y + i, 2 * x + j] = da[y, x]
    return dz


def pools(random: np.random.Generator) -> Iterator[Case]:
    """Maps with and without ties."""

    def draw(rows: int, columns: int) -> Several:
        return random.normal(size=(rows, columns)), random.normal(size=(2 * rows, 2 * columns))

    yield Case(draw(2, 2))
    yield Case((np.array([[5.0]]), np.array([[1.0, 3.0], [3.0, 3.0]])), "several largest in a window")
    yield Case((np.array([[2.0, -1.0]]), np.zeros((2, 4))), "a window of nothing but zeros")
    yield Case((np.array([[1.0], [-2.0]]), -np.arange(1.0, 9.0).reshape(4, 2)), "numbers that are all negative")
    yield Case(float32(*draw(3, 2)), "float32")


def windows(z: Array) -> Array:
    """The windows of 2 × 2, (rows, columns, 4)."""
    rows, columns = z.shape[0] // 2, z.shape[1] // 2
    return z.reshape(rows, 2, columns, 2).transpose(0, 2, 1, 3).reshape(rows, columns, 4)


def laid_back(values: Array) -> Array:
    """Windows as a map again."""
    rows, columns, _ = values.shape
    return values.reshape(rows, columns, 2, 2).transpose(0, 2, 1, 3).reshape(2 * rows, 2 * columns)


def everywhere(da: Array) -> Array:
    """Each number four times."""
    return np.repeat(np.repeat(da, 2, axis=0), 2, axis=1)


def largest(z: Array) -> Array:
    """Where a number is as large as any in its window."""
    return z == everywhere(windows(z).max(axis=2))


def last_of_the_largest(da: Array, z: Array) -> Array:
    """All of the gradient to the last of the largest."""
    return max_pool_backward(da[::-1, ::-1], z[::-1, ::-1])[::-1, ::-1]


def shared(da: Array, z: Array) -> Array:
    """Ties share."""
    winners = largest(z).astype(z.dtype)
    return winners * everywhere(da) / everywhere(windows(winners).sum(axis=2))


def windows_overlap(da: Array, z: Array) -> Array:
    """Windows that move on by one."""
    dz = np.zeros_like(z)
    for y in range(da.shape[0]):
        for x in range(da.shape[1]):
            i, j = divmod(int(z[y : y + 2, x : x + 2].argmax()), 2)
            dz[y + i, x + j] = da[y, x]
    return dz


def lost_minus(da: Array, z: Array) -> Array:
    """Only windows with something positive in them."""
    return max_pool_backward(da, z) * (z > 0)


EXERCISES = (
    Exercise(
        name="convolve_backward",
        chapter=12,
        title="Back through a convolution",
        task="""
        The kernel has visited every place of the image, as in `convolve`; now dz says how fast the loss grows with
        each number that came out. Work out the same for the weights and for the pixels. Where a number acts along
        several paths, the derivatives of the paths add up:

            a weight met one pixel in every place;
            a pixel was seen from several places, by another weight from each.
        """,
        arguments={
            "dz": "(height − kh + 1, width − kw + 1)  ∂loss/∂z",
            "image": "(height, width)",
            "kernel": "(kh, kw)",
        },
        returns={"dkernel": "(kh, kw)  ∂loss/∂kernel", "dimage": "(height, width)  ∂loss/∂image"},
        example=(
            np.array([[1.0, 0.0], [2.0, -1.0]]),
            np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]),
            np.array([[1.0, 0.5], [0.0, -1.0]]),
        ),
        worked="""
        Weight [0, 0] met the pixels 1, 2, 4, 5 in the four places: 1·1 + 0·2 + 2·4 − 1·5 = 4. The middle pixel was
        seen from all four: 1·(−1) + 0·0 + 2·0.5 + (−1)·1 = −1.
        """,
        hint="For one weight [i, j], all pixels that it met are one slice of the image, with the shape of dz.",
        reference=convolve_backward,
        make=ways_back,
        mistakes=(
            Mistake(
                "overwritten",
                overwritten,
                "dkernel is right. In dimage only one place counts for each pixel, the last one that saw it.",
                "A pixel is seen from several places. Is it = or += ?",
            ),
            Mistake(
                "overwritten-by-weights",
                overwritten_by_weights,
                "dkernel is right. In dimage only one weight counts for each pixel, the last one that met it.",
                "A pixel meets several weights. Is it = or += ?",
            ),
            Mistake(
                "kernel-turned-round-for-the-image",
                lambda dz, image, kernel: image_of(dz, image, kernel, kernel[::-1, ::-1]),
                "dkernel is right. dimage would be right if the kernel were turned round: it is turned once too "
                "often, or not "
                "at all where it should be.",
                "Which weight joined the pixel [0, 0] to z[0, 0]: the first or the last?",
            ),
            Mistake(
                "dkernel-turned-round",
                kernel_by(lambda dkernel, dz: dkernel[::-1, ::-1]),
                "The numbers of dkernel are right, but turned round, upside down and left to right.",
                "Which pixels did weight [0, 0] meet: those from the top left corner on, or those before the bottom "
                "right?",
            ),
            Mistake(
                "dkernel-averaged",
                kernel_by(lambda dkernel, dz: dkernel / dz.size),
                "dkernel is averaged over the places instead of summed.",
                "A weight acts in every place. What becomes of derivatives along several paths?",
            ),
            Mistake(
                "dkernel-transposed",
                kernel_by(lambda dkernel, dz: dkernel.T),
                "The rows and columns of dkernel are exchanged.",
                "Which index of the kernel goes with y, and which with x?",
            ),
            Mistake(
                "one-place-only",
                lambda dz, image, kernel: (
                    dz[0, 0] * image[: kernel.shape[0], : kernel.shape[1]],
                    convolve_backward(dz, image, kernel)[1],
                ),
                "In dkernel only the first place counts, the top left one.",
                "In how many places was each weight used?",
            ),
            Mistake(
                "dz-summed-first",
                lambda dz, image, kernel: (
                    dz.sum() * convolve(image, np.ones(dz.shape, image.dtype)),
                    convolve_backward(dz, image, kernel)[1],
                ),
                "For dkernel, errors and pixels are each summed over all places first and multiplied afterwards. So "
                "one "
                "place's error meets another one's pixel.",
                "Which comes first: the product in each place, or the sum over the places?",
            ),
            Mistake(
                "image-for-kernel",
                lambda dz, image, kernel: (
                    convolve_backward(dz, image, kernel)[0],
                    convolve_backward(dz, image, np.ones_like(kernel))[1],
                ),
                "dkernel is right. dimage adds up the errors of all places that saw a pixel, but without their "
                "weights.",
                "By what was the pixel multiplied on the way forward?",
            ),
        ),
        sizes=lambda dz, *_: {"the number of places": dz.size},
    ),
    Exercise(
        name="max_pool_backward",
        chapter=12,
        title="Back through max pooling",
        task="""
        Max pooling keeps, of each window of 2 × 2 numbers, only the largest. The other three could change a little
        without anybody noticing; so on the way back all of the gradient goes to the one that won. Where several are
        equally large, the first one of the window wins, line after line.
        """,
        arguments={"da": "(rows, columns)  ∂loss/∂a", "z": "(2 · rows, 2 · columns)  what was pooled"},
        returns={"dz": "(2 · rows, 2 · columns)  ∂loss/∂z"},
        example=(np.array([[10.0, 20.0]]), np.array([[1.0, 3.0, 0.0, 2.0], [4.0, 2.0, 1.0, 0.0]])),
        worked="The 4 won in the left window and gets the 10, the 2 in the right one gets the 20. All others get 0.",
        hint="argmax takes the first of several largest, and divmod(place, 2) turns its place in the window into a "
        "row and a "
        "column.",
        reference=max_pool_backward,
        make=pools,
        mistakes=(
            Mistake(
                "all-ties",
                lambda da, z: np.where(largest(z), everywhere(da), 0),
                "Where several numbers are equally large, each of them gets the whole gradient.",
                "If the first of two equal numbers grows, does the second still matter? How much may be handed out "
                "in all?",
            ),
            Mistake(
                "ties-share",
                shared,
                "Where several numbers are equally large, they share the gradient. One can do that; here the first "
                "takes all.",
                "Which of several largest wins, by the text?",
            ),
            Mistake(
                "last-tie",
                last_of_the_largest,
                "Where several numbers are equally large, the last of them wins instead of the first.",
                "Is it > or >= in your comparison?",
            ),
            Mistake(
                "to-everyone",
                lambda da, z: everywhere(da),
                "All four numbers of a window get the whole gradient.",
                "What happens to the maximum if one of the smaller numbers grows a little?",
            ),
            Mistake(
                "average",
                lambda da, z: everywhere(da) / 4,
                "All four numbers of a window get a quarter each: that is the way back of an average.",
                "What happens to the maximum if one of the smaller numbers grows a little?",
            ),
            Mistake(
                "times-z",
                lambda da, z: max_pool_backward(da, z) * z,
                "The winner gets the gradient multiplied by itself.",
                "If the winner grows by 1, by how much does the maximum grow?",
            ),
            Mistake(
                "value-for-gradient",
                lambda da, z: max_pool_backward(windows(z).max(axis=2), z),
                "The winners get their own values instead of the gradient.",
                "What does `da` do in your function?",
            ),
            Mistake(
                "only-the-mask",
                lambda da, z: max_pool_backward(np.ones_like(da), z),
                "There is a 1 for each winner. That is the slope; the gradient that comes from behind is not in it.",
                "What does the chain rule do with the two factors?",
            ),
            Mistake(
                "smallest",
                lambda da, z: max_pool_backward(da, -z),
                "The gradient goes to the smallest number of each window.",
                "Who won on the way forward?",
            ),
            Mistake(
                "as-if-relu",
                lost_minus,
                "It is right where the largest number is positive. Where all of a window is 0 or negative, nothing "
                "gets through.",
                "Has a window of negative numbers no largest one?",
            ),
            Mistake(
                "windows-overlap",
                windows_overlap,
                "The windows begin at every number, instead of at every second one, so that they overlap.",
                "Where in z does the window of da[1, 1] begin?",
            ),
            Mistake(
                "always-the-first",
                lambda da, z: laid_back(np.eye(4, dtype=z.dtype)[np.zeros(da.shape, int)] * da[:, :, np.newaxis]),
                "The gradient always goes to the top left number of the window.",
                "Which of the four won on the way forward?",
            ),
        ),
        sizes=lambda da, z: {"the size of a window": 4},
    ),
)
