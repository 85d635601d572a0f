from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from stripes import Inkling, picture

from inkling.cli import figures, predict
from inkling.data import ascii_digit, read_image, to_mnist
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
    good = picture(Path("good.png"))
    Path("empty.png").touch()
    Path("cut.png").write_bytes(good.read_bytes()[:60])
    Path("text.png").write_text("a letter")
    Path("folder.png").mkdir()
    Path("photo.heic").write_bytes(b"\0\0\0\x24ftypheic\0\0\0\0mif1heic")
    Image.new("L", (300, 200), 255).save("blank.png")
    bad = ["empty.png", "cut.png", "text.png", "folder.png", "photo.heic", "blank.png", "missing.png"]
    answer = inkling("predict", *bad[:3], "good.png", *bad[3:], "--model", trained, "--json")
    assert answer.status == 2
    assert [found["file"] for found in answer.json] == [*bad[:3], "good.png", *bad[3:]]
    for found in answer.json:
        assert ("digit" in found) == (found["file"] == "good.png")
        assert list(found) == ["file", "error"] or found["file"] == "good.png"
        assert "error" not in found or found["file"] in found["error"]
    assert "save it as JPEG or PNG" in answer.json[5]["error"]
    assert "there is nothing on it" in answer.json[6]["error"]

    shown = inkling("predict", *bad, "good.png", "--model", trained)
    assert shown.status == 2
    assert "good.png" in shown.out
    complaints = [line for line in shown.err.splitlines() if line.startswith("inkling:")]
    assert [line.split(":")[1] for line in complaints] == [f" {name}" for name in bad]


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


def photo(path: Path, pen: int = 20, paper: int = 240) -> Path:
    """A thick stroke from the lower left to the upper right, on a sheet of 320 × 240 pixels."""
    drawing = Image.new("L", (320, 240), paper)
    ImageDraw.Draw(drawing).line([(120, 190), (190, 60)], fill=pen, width=14)
    drawing.save(path)
    return path


def test_a_photo_is_read_as_the_network_sees_it(inkling: Inkling, trained: Path) -> None:
    files = [photo(Path("dark.jpg")), photo(Path("light.png"), 240, 20)]
    answer = inkling("predict", *files, "--model", trained, "--json")
    assert answer.status == 0
    images = np.stack([to_mnist(file).image for file in files])
    for found, chances in zip(answer.json, load_model(trained).predict_proba(images), strict=True):
        assert found["probabilities"] == pytest.approx(chances.tolist(), rel=1e-5)


@pytest.fixture
def no_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "windows_open", lambda: False)


def test_show_prints_what_the_network_saw(inkling: Inkling, trained: Path, no_screen: None) -> None:
    file = photo(Path("photo.png"))
    text = inkling("predict", file, "--show", "--model", trained).out
    assert ascii_digit(to_mnist(file).image) in text
    assert "photo.png, brought into MNIST's form: a " in text
    assert "photo.png, taken as it is: a " in inkling("predict", picture(file), "--show", "--model", trained).out


def test_beside_json_it_prints_on_standard_error(inkling: Inkling, trained: Path, no_screen: None) -> None:
    file = photo(Path("photo.png"))
    answer = inkling("predict", file, "--show", "--out", "saw.png", "--json", "--model", trained)
    assert len(answer.json) == 1
    assert ascii_digit(to_mnist(file).image) in answer.err
    assert Path("saw.png").is_file()


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_out_draws_every_step(inkling: Inkling, trained: Path, kind: str) -> None:
    files = [photo(Path("a $x^ 二.png")), picture(Path("seven.png")), Path("missing.png")]
    answer = inkling("predict", *files, "--out", f"saw.{kind}", "--model", trained)
    assert answer.status == 2
    assert answer.out.splitlines()[-1] == f"saw.{kind}"
    assert Path(f"saw.{kind}").stat().st_size > 5000


def test_a_window_opens_where_there_is_a_screen(
    inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(figures, "windows_open", lambda: True)
    monkeypatch.setattr(figures, "hang", lambda title, _: opened.append(title))
    monkeypatch.setattr("matplotlib.pyplot.show", lambda: opened.append("shown"))
    inkling("predict", photo(Path("photo.png")), "--show", "--model", trained)
    assert opened == ["What the network saw", "shown"]


def test_out_must_be_a_picture(inkling: Inkling, trained: Path) -> None:
    answer = inkling("predict", picture(Path("seven.png")), "--out", "saw.gif", "--model", trained)
    assert (answer.status, answer.out) == (2, "")
    assert "the name must end in .png or .svg" in answer.err


def test_an_unsure_answer_comes_with_a_hint(
    inkling: Inkling, trained: Path, no_screen: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = picture(Path("seven.png"))
    (found,) = inkling("predict", file, "--model", trained, "--json").json
    monkeypatch.setattr(predict, "UNSURE", found["confidence"] - 0.001)
    assert inkling("predict", file, "--model", trained).err == ""
    monkeypatch.setattr(predict, "UNSURE", found["confidence"] + 0.001)
    (hint,) = inkling("predict", file, "--model", trained).err.splitlines()
    confidence = f"{found['confidence']:.2%}".replace("%", " %")
    assert hint.startswith(f"seven.png: not sure: a {found['digit']} ({confidence}), or a {found['runner_up']} (")
    assert hint.endswith("; --show shows what the network saw")
    assert "--show" not in inkling("predict", file, "--show", "--model", trained).err


def test_a_picture_may_be_piped_in(inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = picture(Path("7.png"), 7)
    for content, status in ((file.read_bytes(), 0), (b"", 2), (b"no picture", 2)):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        answer = inkling("predict", "-", "--model", trained, "--json")
        assert answer.status == status
        if status:
            assert answer.json[0]["error"].startswith("standard input: ")
        else:
            named = inkling("predict", file, "--model", trained, "--json").json[0]
            assert answer.json == [{**named, "file": "-"}]
