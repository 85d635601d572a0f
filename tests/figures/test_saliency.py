from __future__ import annotations

import numpy as np
import pytest
from networks import NETWORKS, dense, digit, title
from subjects import assert_readable, digits, words

from inkling.errors import InklingError
from inkling.figures import saliency
from inkling.figures.saliency import PATCH, cover, look

IMAGES = [name for name in NETWORKS if name != "no image"]


def maps(figure):
    """The images of one digit after the other: itself, gradient, covering, and partly covered."""
    return np.array([np.ma.filled(axes.images[0].get_array(), np.nan) for axes in figure.axes]).reshape(-1, 4, 28, 28)


@pytest.mark.parametrize("name", IMAGES)
def test_it_can_be_read_for_any_network(name):
    network = NETWORKS[name]()
    image = digit(network)
    assert_readable(saliency(network, np.array([image, image]), np.array([3, 4])))


@pytest.mark.parametrize("count", [1, 3, 6])
def test_it_can_be_read_for_any_number_of_digits(count):
    assert_readable(saliency(dense([20]), *digits(count)))


def test_the_first_map_is_the_gradient_of_the_loss_on_the_pixels():
    network = NETWORKS["convolutions"]()
    images, labels = digits(3)
    shown = maps(saliency(network, images, labels))
    np.testing.assert_allclose(shown[:, 0] * 255, images, atol=1e-3)
    expected = network.input_gradient(images, labels)[..., 0]
    np.testing.assert_allclose(shown[:, 1], expected, rtol=1e-5, atol=1e-9)


def test_the_second_map_is_what_the_right_digit_loses_when_a_place_is_covered():
    network = dense([20])
    images, labels = digits(2)
    shown = maps(saliency(network, images, labels))
    for image, label, drop in zip(images, labels, shown[:, 2], strict=True):
        before = network.predict_proba(image[None])[0, label]
        for row, column in ((14, 14), (6, 6), (20, 9), (4, 10)):
            other = image.copy()
            other[row - 2 : row + 3, column - 2 : column + 3] = 0
            after = network.predict_proba(other[None])[0, label]
            assert drop[row, column] == pytest.approx(before - after, abs=1e-5)
        assert (drop[:3] == 0).all()  # no ink within reach


def test_every_place_is_covered_that_reaches_ink_also_at_the_edge():
    image = np.zeros((28, 28), np.float32)
    image[0, 0] = 1
    corners, covered = cover(image)
    assert sorted(map(tuple, corners.tolist())) == [(row, column) for row in (-2, -1, 0) for column in (-2, -1, 0)]
    assert not covered.any()
    image[:] = 1
    corners, covered = cover(image)
    assert len(corners) == 784
    paper = (covered == 0).sum(axis=(1, 2))
    assert paper.max() == PATCH**2
    assert paper.min() == 9
    assert image.all()


def test_the_telling_patch_harms_a_digit_that_is_read_and_helps_one_that_is_misread():
    network = dense([20])
    images, _ = digits(4)
    read = network.predict(images)
    labels = np.where(np.arange(4) < 2, read, (read + 1) % 10)
    for index, each in enumerate(look(network, images, labels, (28, 28))):
        covered = each.covered
        row, column = each.corner
        assert (covered[max(row, 0) : row + PATCH, max(column, 0) : column + PATCH] == 0).all()
        chance = network.predict_proba(covered[None])[0, each.label]
        assert chance == pytest.approx(each.chances_covered[each.label], abs=1e-5)
        change = each.chances[each.label] - chance
        assert change == pytest.approx(each.drop.max() if index < 2 else each.drop.min(), abs=1e-5)


def test_each_answer_is_said_before_and_after():
    network = dense([20])
    images, _ = digits(2)
    read = network.predict(images)
    labels = np.array([read[0], (read[1] + 1) % 10])
    figure = saliency(network, images, labels)
    assert title(figure) == "Where the network looked: 1 of 2 digits read rightly"
    assert f"{read[0]} ✓" in words(figure)
    assert f"{read[1]} ✗ true: {labels[1]}" in words(figure)


def test_an_empty_image_and_no_image_are_no_error():
    blank = saliency(dense([5]), np.zeros((1, 28, 28), np.uint8), np.array([3]))
    assert_readable(blank)
    assert not maps(blank)[0, 2].any()
    assert "Nothing to look at" in words(saliency(dense([5]), np.zeros((0, 28, 28), np.uint8), np.zeros(0, int)))


def test_a_network_that_sees_no_images_is_refused_in_one_line():
    network = NETWORKS["no image"]()
    with pytest.raises(InklingError, match="takes no images of one channel"):
        saliency(network, digit(network)[None], np.array([0]))
