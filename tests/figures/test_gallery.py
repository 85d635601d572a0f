from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from inkling.data import Augment, Split
from inkling.figures.gallery import LOOKED_AT, Subject, gallery, hesitant, telling
from inkling.nn import SGD, BatchNorm, Conv2D, Dense, Dropout, Network, ReLU
from inkling.training import Epoch, Evaluation, History, Sign, evaluate

EVERYTHING = [
    "samples",
    "learning_curves",
    "vital_signs",
    "confusion",
    "predictions",
    "mistakes",
    "saliency",
    "architecture",
    "first_layer_weights",
    "activation_functions",
    "forward_pass",
    "backward_pass",
    "weights_since_start",
    "weight_update",
]


@pytest.fixture(scope="module")
def subject() -> Subject:
    random = np.random.default_rng(0)
    train, unseen = (
        Split(random.integers(0, 256, (count, 28, 28), dtype=np.uint8), np.arange(count) % 10) for count in (40, 30)
    )
    network = Network([Dense(12), ReLU(), Dropout(0.1), Dense(10)])
    history = History([Epoch(1, 0.5, 0.1, 2.0, 0.2, 2.1, 0.1), Epoch(2, 0.5, 0.1, 1.5, 0.5, 1.9, 0.3)])
    signs = [
        Sign(epoch, layer.name, 0.1, 1.0, 0.01, 0.5, 1, 0.1, 0.01) for epoch in range(3) for layer in network.layers
    ]
    return Subject(network, history, signs, train, unseen, evaluate(network, unseen), SGD(0.1), count=4)


def names(subject: Subject) -> list[str]:
    return [picture.name for picture in gallery(subject)]


def test_all_pictures_hang_there_in_the_order_of_the_story(subject: Subject) -> None:
    assert names(subject) == EVERYTHING


def test_each_has_a_title_a_caption_and_a_description(subject: Subject) -> None:
    pictures = gallery(subject)
    for picture in pictures:
        assert re.fullmatch("[a-z_]+", picture.name)
        assert picture.title
        assert picture.caption.endswith(".")
        assert len(picture.alt) > 20
    for words in ("title", "caption", "alt"):
        assert len({getattr(picture, words) for picture in pictures}) == len(pictures)


@pytest.mark.parametrize(
    ("lacking", "gone"),
    [
        ({"train": None}, {"samples", "weight_update"}),
        ({"optimizer": None}, {"weight_update"}),
        ({"signs": []}, {"vital_signs"}),
        ({"history": History()}, {"learning_curves"}),
        ({"count": 0}, {"predictions", "mistakes"}),
        (
            {"unseen": None, "evaluation": None},
            {
                "confusion",
                "predictions",
                "mistakes",
                "saliency",
                "activation_functions",
                "forward_pass",
                "backward_pass",
            },
        ),
        ({"network": Network([Dense(10)])}, {"activation_functions"}),
    ],
)
def test_what_there_is_nothing_to_draw_of_is_left_out(
    subject: Subject, lacking: dict[str, object], gone: set[str]
) -> None:
    assert set(EVERYTHING) - set(names(replace(subject, **lacking))) == gone


def test_distortions_hang_beside_the_images_if_there_were_any(subject: Subject) -> None:
    distorted = replace(subject, augment=Augment(rotate=15))
    assert names(distorted)[:2] == ["samples", "distortions"]
    assert names(replace(distorted, train=None)) == names(replace(subject, train=None))
    (picture,) = (each for each in gallery(distorted) if each.name == "distortions")
    assert "rotate" in picture.alt
    assert "±15°" in [text.get_text().split()[-1] for text in picture.draw().texts if text.get_text()]


def test_the_digit_to_follow_is_read_rightly_but_not_with_certainty(subject: Subject) -> None:
    assert subject.unseen is not None
    labels = np.array([3, 3, 3, 3])
    chances = np.full((4, 10), 0.01)
    chances[0, 3] = 0.95  # certain
    chances[1, 5] = 0.70  # wrong
    chances[2, 3] = 0.60
    chances[3, 3] = 0.50
    assert hesitant(replace(subject, evaluation=Evaluation(0.1, labels, chances))) == 2
    assert hesitant(replace(subject, evaluation=Evaluation(0.1, labels[:1], chances[:1]))) == 0
    assert hesitant(replace(subject, evaluation=None)) == 0


def test_a_network_with_convolutions_shows_its_kernels_and_feature_maps(subject: Subject) -> None:
    network = Network([Conv2D(2, 3), BatchNorm(), ReLU(), Dense(10)])
    assert subject.unseen is not None
    hung = replace(subject, network=network, evaluation=evaluate(network, subject.unseen))
    expected = [name for name in EVERYTHING if name != "first_layer_weights"]
    expected.insert(expected.index("architecture") + 1, "kernels")
    expected.insert(expected.index("forward_pass") + 1, "feature_maps")
    assert names(hung) == expected
    for picture in gallery(hung):
        assert picture.draw() is not None


def test_where_a_network_of_mere_numbers_looked_cannot_be_shown(subject: Subject) -> None:
    lacking = replace(subject, network=Network([Dense(10)], input_shape=20), unseen=None, evaluation=None)
    assert "saliency" not in names(lacking)
    assert "first_layer_weights" not in names(lacking)


def test_the_digits_that_show_where_it_looked_are_some_right_ones_and_the_surest_mistakes(subject: Subject) -> None:
    labels = np.array([1, 1, 2, 3, 4, 5, 6, 7])
    chances = np.full((8, 10), 0.01)
    for index, (answer, sure) in enumerate(
        [(1, 0.95), (1, 0.5), (9, 0.6), (3, 0.95), (9, 0.9), (9, 0.7), (9, 0.8), (7, 0.95)]
    ):
        chances[index, answer] = sure
    judged = replace(subject, evaluation=Evaluation(0.1, labels, chances))
    chosen = telling(judged).tolist()
    assert chosen == [1, 3, 7, 4, 6, 5]  # the one that is followed, other digits; then 0.9, 0.8, 0.7
    assert len(chosen) == LOOKED_AT
    assert telling(replace(subject, evaluation=None)).tolist() == list(range(LOOKED_AT))
