from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import time
import zipfile
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
    assert shown.err == "labelled.csv: its column label was passed over\n"
    inkling("submit", trained / "model.safetensors", "plain.csv", "--out", "new folder/two.csv")
    assert answers(Path("one.csv")) == answers(Path("new folder/two.csv"))
    assert np.mean(np.array(answers(Path("one.csv"))) == split.labels) > 0.5


def test_a_row_that_is_wrong_leaves_nothing(inkling: Inkling, trained: Path) -> None:
    table = write_csv(Path("test.csv"), stripes(20), labelled=False)
    lines = table.read_text().splitlines()
    lines[15] = lines[15].replace(",", ",x", 1)
    table.write_text("\n".join(lines))
    answer = inkling("submit", trained, "test.csv", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert "test.csv, line 16, column 2 (pixel1)" in answer.err
    assert [path.name for path in Path().iterdir()] == ["test.csv"]


def test_an_earlier_submission_is_never_lost(inkling: Inkling, trained: Path) -> None:
    write_csv(Path("test.csv"), stripes(20), labelled=False)
    Path("submission.csv").write_text("the old one")
    answer = inkling("submit", trained, "test.csv")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err == "inkling: submission.csv exists already: name another file with --out\n"
    assert Path("submission.csv").read_text() == "the old one"
    assert inkling("submit", trained, "test.csv", "--out", "second.csv").status == 0


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
    Path("submission.csv").symlink_to("elsewhere/real.csv")  # which is not there yet
    assert inkling("submit", trained, "test.csv").status == 0
    assert Path("submission.csv").is_symlink()
    assert len(answers(Path("elsewhere/real.csv"))) == 10


def test_kaggles_zip_file_need_not_be_unpacked(inkling: Inkling, train: Inkling) -> None:
    write_csv(Path("train.csv"), stripes(200, 1))
    few = stripes(40, 2)
    write_csv(Path("test.csv"), few, labelled=False)
    Path("sample_submission.csv").write_text("ImageId,Label\n1,0\n")
    with zipfile.ZipFile("digit-recognizer.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("sample_submission.csv", "test.csv", "train.csv"):
            archive.write(name)
    assert train("--data", "digit-recognizer.zip", "--epochs", 4, "--out", "run").status == 0
    shown = inkling("submit", "run", "digit-recognizer.zip")
    assert shown.out == "40 answers in submission.csv\n"
    assert np.mean(np.array(answers(Path("submission.csv"))) == few.labels) > 0.8


def test_the_images_to_train_on_are_not_answered_for_those_to_be_read(inkling: Inkling, trained: Path) -> None:
    write_csv(Path("train.csv"), stripes(20))
    with zipfile.ZipFile("half.zip", "w") as archive:
        archive.write("train.csv", "competition/train.csv")
    answer = inkling("submit", trained, "half.zip")
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("inkling: half.zip: it holds train.csv, and no test.csv;")
    with zipfile.ZipFile("any.zip", "w") as archive:
        archive.write("train.csv", "mine.csv")
    assert inkling("submit", trained, "any.zip").status == 0


@pytest.mark.parametrize("words", ["-", "test.csv --out -"])
def test_a_dash_is_no_file(inkling: Inkling, trained: Path, words: str) -> None:
    write_csv(Path("test.csv"), stripes(20), labelled=False)
    answer = inkling("submit", trained, *words.split())
    assert (answer.status, answer.out) == (2, "")
    assert answer.err.startswith("inkling: - stands for no file here: /dev/stdin is standard input")
    assert [path.name for path in Path().iterdir()] == ["test.csv"]


@pytest.mark.parametrize(("kept", "missing"), [(783, "'pixel783' is"), (782, "'pixel782' to 'pixel783' are")])
def test_columns_that_are_missing_are_named(inkling: Inkling, trained: Path, kept: int, missing: str) -> None:
    Path("test.csv").write_text(",".join(f"pixel{number}" for number in range(kept)) + "\n")
    said = inkling("submit", trained, "test.csv").err
    assert said == f"inkling: test.csv, line 1: it ends after {kept} columns; {missing} missing\n"


def test_on_a_screen_a_bar_tells_the_rows_done_and_elsewhere_none_does(
    inkling: Inkling, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_csv(Path("test.csv"), stripes(20), labelled=False)
    quiet = inkling("submit", trained, "test.csv", "--out", "one.csv")
    assert quiet.err == ""
    monkeypatch.setenv("FORCE_COLOR", "1")  # for Rich, a screen
    monkeypatch.setenv("COLUMNS", "80")
    shown = inkling("submit", trained, "test.csv", "--out", "two.csv")
    assert "test.csv" in shown.err
    assert "100%" in shown.err
    assert "20 rows" in shown.err
    assert Path("one.csv").read_bytes() == Path("two.csv").read_bytes()


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to all processes of a console")
def test_ctrl_c_leaves_nothing_half_written(trained: Path) -> None:
    head, *rows = write_csv(Path("few.csv"), stripes(40), labelled=False).read_text().splitlines(keepends=True)
    os.mkfifo("test.csv")  # a table that does not end before the keys are pressed
    command = [sys.executable, "-m", "inkling", "submit", str(trained), "test.csv"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        with Path("test.csv").open("w") as table:
            table.writelines([head, *rows * 150])  # 6,000 rows, several blocks
            table.flush()
            while not list(Path().glob(".submission.csv.*")):
                assert process.poll() is None
                time.sleep(0.05)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)
        assert b"Traceback" not in process.stderr.read()  # type: ignore[union-attr]
    assert process.returncode == 130
    assert sorted(path.name for path in Path().iterdir()) == ["few.csv", "test.csv"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
@pytest.mark.parametrize("packed", [False, True])
def test_a_pipe_is_read_like_a_file(trained: Path, packed: bool) -> None:
    plain = write_csv(Path("few.csv"), stripes(40), labelled=False).read_bytes()
    os.mkfifo("pipe")
    command = [sys.executable, "-m", "inkling", "submit", str(trained), "pipe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        Path("pipe").write_bytes(gzip.compress(plain) if packed else plain)
        assert process.stdout.read() == b"40 answers in submission.csv\n"  # type: ignore[union-attr]


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="this system does not tell how much was held at most"
)
def test_memory_does_not_grow_with_the_table(trained: Path) -> None:
    head, *rows = write_csv(Path("few.csv"), stripes(40), labelled=False).read_text().splitlines(keepends=True)
    os.mkfifo("pipe")
    program = (
        "import sys; from inkling.cli import main\n"
        "try: main()\n"
        "finally: print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
    )

    def most_held(count: int) -> float:
        """MB held at most while so many images were answered."""
        command = [sys.executable, "-c", program, "submit", str(trained), "pipe", "--out", f"{count}.csv"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            with Path("pipe").open("w") as table:
                table.write(head)
                for _ in range(count // 40):
                    table.writelines(rows)
            told = process.stdout.read().split()  # type: ignore[union-attr]
        assert len(answers(Path(f"{count}.csv"))) == count
        return int(told[-1]) / 1024

    # 40,000 rows are 80 MB of text, and 240 MB as the numbers that pandas makes of them.
    assert most_held(40_000) < most_held(8_000) + 25
