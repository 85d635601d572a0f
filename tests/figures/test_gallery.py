from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from inkling.data import Split
from inkling.errors import InklingError
from inkling.figures.gallery import Picture, Subject, gallery, hesitant, redraw, save
from inkling.nn import SGD, Dense, Dropout, Network, ReLU
from inkling.training import Epoch, Evaluation, History, Sign, evaluate

EVERYTHING = [
    "samples",
    "learning_curves",
    "vital_signs",
    "confusion",
    "predictions",
    "mistakes",
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
            {"confusion", "predictions", "mistakes", "activation_functions", "forward_pass", "backward_pass"},
        ),
        ({"network": Network([Dense(10)])}, {"activation_functions"}),
    ],
)
def test_what_there_is_nothing_to_draw_of_is_left_out(
    subject: Subject, lacking: dict[str, object], gone: set[str]
) -> None:
    assert set(EVERYTHING) - set(names(replace(subject, **lacking))) == gone


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


def test_redrawing_writes_each_picture_in_each_format(subject: Subject, tmp_path: Path) -> None:
    few = replace(subject, train=None, unseen=None, evaluation=None, signs=[])
    told: list[tuple[str, int, int | None]] = []
    shown: list[tuple[str, Figure]] = []
    files = redraw(
        few,
        tmp_path / "figures",
        progress=lambda *words: told.append(words),
        show=lambda title, figure: shown.append((title, figure)),
    )
    expected = ["learning_curves", "architecture", "first_layer_weights", "weights_since_start"]
    assert [file.name for file in files] == [f"{name}.{kind}" for name in expected for kind in ("png", "svg")]
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())
    assert told == [("drawing", done, 4) for done in range(4)]
    assert [title for title, _ in shown] == [picture.title for picture in gallery(few)]


def test_the_same_picture_gives_the_same_file(subject: Subject, tmp_path: Path) -> None:
    picture: Picture = next(each for each in gallery(subject) if each.name == "architecture")
    once, again = (
        [file.read_bytes() for file in save(picture.draw(), tmp_path / name, ("png", "svg"))] for name in ("a", "b")
    )
    assert once == again


def test_a_folder_that_cannot_be_written_to_is_told_in_one_line(subject: Subject, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InklingError, match="cannot write"):
        redraw(subject, tmp_path / "file", formats=("png",))
