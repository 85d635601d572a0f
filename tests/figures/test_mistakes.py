from __future__ import annotations

import numpy as np
import pytest
from subjects import assert_readable, digits, networks, title, words

from inkling.figures import mistakes
from inkling.figures.style import share

NETWORKS = networks()


@pytest.mark.parametrize("name", NETWORKS)
def test_it_can_be_read_for_any_network(name):
    assert_readable(mistakes(NETWORKS[name], *digits(60)))


def test_the_surest_mistakes_come_first_and_can_be_found_again():
    network = NETWORKS["two layers"]
    images, labels = digits(60)
    probabilities = network.predict_proba(images)
    read = probabilities.argmax(axis=1)
    wrong = [i for i in range(60) if read[i] != labels[i]]
    surest = sorted(wrong, key=lambda i: -probabilities[i, read[i]])[:8]
    figure = mistakes(network, images, labels, count=8)
    texts = words(figure)
    assert [text for text in texts if text.startswith("image ")] == [f"image {i}" for i in surest]
    assert [text for text in texts if text.startswith("read ")] == [f"read {read[i]}" for i in surest]
    assert [text for text in texts if text.startswith("true ")] == [f"true {labels[i]}" for i in surest]
    chances = [share(probabilities[i, k]) for i in surest for k in (read[i], labels[i])]
    assert [text for text in texts if text.endswith("%")] == chances
    for picture, index in zip(figure.axes[0].images, surest, strict=True):
        np.testing.assert_array_equal(picture.get_array(), images[index])
    assert title(figure) == f"The network misreads {len(wrong)} of 60 images; the 8 that it is surest of"
    bars = [bar for bars in figure.axes[0].containers for bar in bars][1::2]
    ratio = bars[0].get_width() / bars[1].get_width()
    assert ratio == pytest.approx(
        probabilities[surest[0], read[surest[0]]] / probabilities[surest[0], labels[surest[0]]]
    )


def test_a_network_without_mistakes_gets_a_friendly_picture():
    network = NETWORKS["one layer"]
    images, _ = digits(7)
    figure = mistakes(network, images, network.predict(images))
    assert_readable(figure)
    assert words(figure) == ["Not one mistake", "All 7 images are read rightly."]


def test_one_mistake_is_enough():
    network = NETWORKS["one layer"]
    images, _ = digits(7)
    labels = network.predict(images)
    labels[3] = (labels[3] + 5) % 10
    figure = mistakes(network, images, labels)
    assert_readable(figure)
    assert title(figure) == "The network misreads 1 of 7 images"
    assert "image 3" in words(figure)
