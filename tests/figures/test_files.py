from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from inkling.errors import InklingError
from inkling.figures.files import redraw, save
from inkling.figures.gallery import Picture, Subject, gallery
from inkling.nn import Dense, Network, ReLU
from inkling.training import Epoch, History


@pytest.fixture(scope="module")
def subject() -> Subject:
    """A run whose images are gone."""
    history = History([Epoch(1, 0.5, 0.1, 2.0, 0.2, 2.1, 0.1), Epoch(2, 0.5, 0.1, 1.5, 0.5, 1.9, 0.3)])
    return Subject(Network([Dense(12), ReLU(), Dense(10)]), history)


def test_redrawing_writes_each_picture_in_each_format(subject: Subject, tmp_path: Path) -> None:
    told: list[tuple[str, int, int | None]] = []
    shown: list[tuple[str, Figure]] = []
    files = redraw(
        subject,
        tmp_path / "figures",
        progress=lambda *words: told.append(words),
        show=lambda title, figure: shown.append((title, figure)),
    )
    expected = ["learning_curves", "architecture", "first_layer_weights", "weights_since_start"]
    assert [file.name for file in files] == [f"{name}.{kind}" for name in expected for kind in ("png", "svg")]
    assert sorted(files) == sorted((tmp_path / "figures").iterdir())
    assert told == [("drawing", done, 4) for done in range(4)]
    assert [title for title, _ in shown] == [picture.title for picture in gallery(subject)]


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
