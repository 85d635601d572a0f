from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stripes import Inkling, picture, stripes

from inkling.data import read_image
from inkling.storage import load_model


def test_json_holds_what_the_network_says_of_each_picture(inkling: Inkling, trained: Path) -> None:
    files = [picture(Path(f"{digit}.png"), digit) for digit in (7, 2)]
    answer = inkling("predict", *files, "--model", trained, "--json")
    assert (answer.status, answer.err) == (0, "")
    expected = load_model(trained).predict_proba(np.stack([read_image(file) for file in files]))
    for file, found, chances in zip(files, answer.json, expected, strict=True):
        assert list(found) == ["file", "digit", "confidence", "runner_up", "probabilities"]
        assert found["file"] == str(file)
        assert found["probabilities"] == pytest.approx(chances.tolist(), rel=1e-5)
        assert sum(found["probabilities"]) == pytest.approx(1, abs=1e-5)
        by_chance = np.argsort(chances)
        assert (found["digit"], found["runner_up"]) == (by_chance[-1], by_chance[-2])
        assert found["confidence"] == max(found["probabilities"])


def test_the_table_says_the_same(inkling: Inkling, trained: Path) -> None:
    picture(Path("seven.png"))
    (found,) = inkling("predict", "seven.png", "--model", trained, "--json").json
    text = inkling("predict", "seven.png", "--model", trained).out
    row = next(line for line in text.splitlines() if "seven.png" in line)
    confidence, second = (f"{p:.2%}".replace("%", " %") for p in sorted(found["probabilities"])[:-3:-1])
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "seven.png",
        str(found["digit"]),
        confidence,
        f"{found['runner_up']} ({second})",
    ]


def test_all_ten_probabilities_fit_an_old_terminal(inkling: Inkling, trained: Path) -> None:
    picture(Path("seven.png"))
    (found,) = inkling("predict", "seven.png", "--model", trained, "--json").json
    lines = inkling("predict", "seven.png", "-p", "--model", trained).out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[-2].split() == ["seven.png", *(f"{100 * p:.1f}" for p in found["probabilities"])]


def test_a_file_that_cannot_be_read_does_not_keep_the_others_from_being_read(inkling: Inkling, trained: Path) -> None:
    good, deep = picture(Path("good.png")), Path("deep.png")
    Path("empty.png").touch()
    Path("cut.png").write_bytes(good.read_bytes()[:60])
    Path("text.png").write_text("a letter")
    Path("folder.png").mkdir()
    Image.fromarray(stripes(1).images[0].astype(np.uint16) * 256).save(deep)
    Image.new("L", (300, 200)).save("large.png")
    bad = ["empty.png", "cut.png", "text.png", "folder.png", "deep.png", "large.png", "missing.png"]
    answer = inkling("predict", *bad[:3], "good.png", *bad[3:], "--model", trained, "--json")
    assert answer.status == 2
    assert [found["file"] for found in answer.json] == [*bad[:3], "good.png", *bad[3:]]
    for found in answer.json:
        assert ("digit" in found) == (found["file"] == "good.png")
        assert list(found) == ["file", "error"] or found["file"] == "good.png"
        assert "error" not in found or found["file"] in found["error"]
    assert "300 × 200" in answer.json[6]["error"]

    shown = inkling("predict", *bad, "good.png", "--model", trained)
    assert shown.status == 2
    assert "good.png" in shown.out
    assert [line.split(":")[:2] for line in shown.err.splitlines()] == [["inkling", f" {name}"] for name in bad]


def test_names_with_spaces_brackets_and_other_letters_are_shown_as_they_are(inkling: Inkling, trained: Path) -> None:
    Path("Schöne Bilder").mkdir()
    Path("[").mkdir()
    names = ["[red]x.png", "[/red].png", "Schöne Bilder/二 zwei.png"]
    for name in names:
        picture(Path(name))
    answer = inkling("predict", *names, "[/b]missing.png", "-p", "--model", trained)
    for name in names:
        assert answer.out.count(name) == 2  # in both tables
    assert "[/b]missing.png: there is no such file" in answer.err


@pytest.mark.skipif(os.name == "nt", reason="Windows has no file names that are no text")
def test_a_name_that_is_no_text_still_gives_json(inkling: Inkling, trained: Path) -> None:
    name = os.fsdecode(b"bad\xff.png")
    (found,) = inkling("predict", name, "--model", trained, "--json").json
    assert found["file"] == name


def test_hundreds_of_pictures_are_a_table_of_hundreds_of_rows(inkling: Inkling, trained: Path) -> None:
    names = [str(picture(Path(f"{number:03}.png"), number % 10)) for number in range(200)]
    rows = [line for line in inkling("predict", *names, "--model", trained).out.splitlines() if ".png" in line]
    assert [row.split()[1] for row in rows] == names
