from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle
from subjects import assert_readable, digits, networks, title, words

from inkling.figures import predictions
from inkling.figures.predictions import rows_and_columns
from inkling.figures.style import RIGHT, WRONG, share

NETWORKS = networks()


@pytest.mark.parametrize("name", NETWORKS)
def test_it_can_be_read_for_any_network(name):
    assert_readable(predictions(NETWORKS[name], *digits(10)))


@pytest.mark.parametrize("count", [1, 2, 7, 12, 50])
def test_it_can_be_read_for_any_number_of_images(count):
    figure = predictions(NETWORKS["two layers"], *digits(count))
    assert_readable(figure)
    assert len(figure.axes[0].images) == count


def test_right_and_wrong_are_told_apart_by_word_sign_and_frame():
    network = NETWORKS["two layers"]
    images, _ = digits(6)
    labels = network.predict(images)
    labels[2] = (labels[2] + 1) % 10
    figure = predictions(network, images, labels)
    assert title(figure) == "What the network reads: 5 of 6 right"
    verdicts = [text for text in figure.axes[0].texts if "✓" in text.get_text() or "✗" in text.get_text()]
    for index, verdict in enumerate(verdicts):
        digit = (labels[index] - 1) % 10 if index == 2 else labels[index]
        expected = f"{digit} ✗  true: {labels[index]}" if index == 2 else f"{digit} ✓"
        assert verdict.get_text() == expected
        assert verdict.get_color() == (WRONG if index == 2 else RIGHT)
    frames = [p for p in figure.axes[0].patches if isinstance(p, Rectangle) and p.get_width() == p.get_height()]
    assert [frame.get_linewidth() for frame in frames] == [0.8, 0.8, 3.0, 0.8, 0.8, 0.8]


def test_the_bar_is_as_long_as_the_network_is_sure():
    network = NETWORKS["two layers"]
    images, labels = digits(4)
    figure = predictions(network, images, labels)
    sure = network.predict_proba(images).max(axis=1)
    bars = [bar for bars in figure.axes[0].containers for bar in bars]
    frames, filled = bars[::2], bars[1::2]
    lengths = [bar.get_width() / frame.get_width() for frame, bar in zip(frames, filled, strict=True)]
    np.testing.assert_allclose(lengths, sure, rtol=1e-6)
    assert [text for text in words(figure) if "sure" in text] == [f"{share(s)} sure" for s in sure]


@pytest.mark.parametrize("shape", [(28, 28), (28, 28, 1), (784,)])
def test_images_may_have_the_shape_that_the_network_takes(shape):
    images, labels = digits(2)
    given = (images / 255).astype(np.float32).reshape(2, *shape)
    drawn = predictions(NETWORKS["one layer"], given, labels).axes[0].images
    for picture, image in zip(drawn, images, strict=True):
        np.testing.assert_allclose(picture.get_array(), image / 255, atol=1e-6)
        assert picture.get_clim() == (0, 1)


@pytest.mark.parametrize(
    ("chance", "shown"),
    [
        (1.0, "100\u00a0%"),
        (0.99951, ">99.9\u00a0%"),
        (0.9994, "99.9\u00a0%"),
        (0.5, "50.0\u00a0%"),
        (0.0004, "<0.1\u00a0%"),
        (0.0, "0.0\u00a0%"),
    ],
)
def test_nearly_certain_is_not_called_certain(chance, shown):
    assert share(chance) == shown


def test_the_grid_is_even():
    assert rows_and_columns(12, 10) == (2, 6)
    assert rows_and_columns(50, 10) == (5, 10)
    assert rows_and_columns(1, 5) == (1, 1)
    assert rows_and_columns(0, 5) == (1, 1)


def test_the_file_is_small(tmp_path):
    path = tmp_path / "predictions.png"
    predictions(NETWORKS["two layers"], *digits(50)).savefig(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    assert path.stat().st_size < 300_000
