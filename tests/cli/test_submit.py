from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from stripes import Inkling, stripes, write_csv

from inkling import data as inkling_data
from inkling.storage import load_model


def answers(path: Path) -> list[int]:
    """The labels of a submission whose form is right."""
    head, *rows = path.read_bytes().decode("ascii").splitlines()
    assert head == "ImageId,Label"
    numbers = [tuple(map(int, row.split(","))) for row in rows]
    assert [number for number, _ in numbers] == list(range(1, len(rows) + 1))
    return [label for _, label in numbers]


def test_as_many_images_as_kaggle_has_are_answered_in_their_order(
    inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = stripes(40, 3)
    head, *rows = write_csv(Path("few.csv"), few, labelled=False).read_text().splitlines(keepends=True)
    with Path("test.csv").open("w") as file:
        file.writelines([head, *rows * 700])
    read, blocks = inkling_data.iter_csv, []

    def watched(*words: object, **more: object) -> object:
        for images, labels in read(*words, **more):
            blocks.append(len(images))
            yield images, labels

    monkeypatch.setattr(inkling_data, "iter_csv", watched)
    answer = inkling("submit", trained, "test.csv", "--json")
    assert answer.json == {"file": "submission.csv", "count": 28_000}
    assert answers(Path("submission.csv")) == load_model(trained).predict(few.images).tolist() * 700
    assert max(blocks) < 10_000  # never the whole table at once


def test_labels_in_the_table_are_passed_over(inkling: Inkling, trained: Path) -> None:
    split = stripes(20, 3)
    wrong = type(split)(split.images, (split.labels + 1) % 10)
    write_csv(Path("labelled.csv"), wrong)
    write_csv(Path("plain.csv"), split, labelled=False)
    shown = inkling("submit", trained, "labelled.csv", "--out", "one.csv")
    assert "20 answers in one.csv" in shown.out
    inkling("submit", trained / "model.safetensors", "plain.csv", "--out", "new folder/two.csv")
    assert answers(Path("one.csv")) == answers(Path("new folder/two.csv"))
    assert np.mean(np.array(answers(Path("one.csv"))) == split.labels) > 0.5


def test_a_row_that_is_wrong_leaves_the_old_file_and_nothing_else(inkling: Inkling, trained: Path) -> None:
    table = write_csv(Path("test.csv"), stripes(20), labelled=False)
    lines = table.read_text().splitlines()
    lines[15] = lines[15].replace(",", ",x", 1)
    table.write_text("\n".join(lines))
    Path("submission.csv").write_text("the old one")
    answer = inkling("submit", trained, "test.csv", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert "test.csv, line 16, column 2 (pixel1)" in answer.err
    assert Path("submission.csv").read_text() == "the old one"
    assert sorted(path.name for path in Path().iterdir()) == ["submission.csv", "test.csv"]


def test_nothing_but_a_file_is_ever_replaced(inkling: Inkling, trained: Path) -> None:
    table = write_csv(Path("test.csv"), stripes(10), labelled=False)
    before = table.read_text()
    Path("folder").mkdir()
    assert "is a folder" in inkling("submit", trained, "test.csv", "--out", "folder").err
    Path("same.csv").symlink_to("test.csv")
    for out in ("test.csv", "same.csv", "folder/../test.csv"):
        answer = inkling("submit", trained, "test.csv", "--out", out)
        assert answer.status == 2
        assert "is the file to be read" in answer.err
    assert table.read_text() == before
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe")
        Path("link").symlink_to("pipe")
        for out in ("pipe", "link"):
            answer = inkling("submit", trained, "test.csv", "--out", out)
            assert answer.status == 2
            assert "is a device or a pipe" in answer.err
        assert Path("pipe").is_fifo()
        assert Path("link").is_symlink()


def test_a_link_is_written_through(inkling: Inkling, trained: Path) -> None:
    write_csv(Path("test.csv"), stripes(10), labelled=False)
    Path("elsewhere").mkdir()
    Path("submission.csv").symlink_to("elsewhere/real.csv")
    assert inkling("submit", trained, "test.csv").status == 0
    assert Path("submission.csv").is_symlink()
    assert len(answers(Path("elsewhere/real.csv"))) == 10
