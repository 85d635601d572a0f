"""`inkling exercise` as a learner meets it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from stripes import Inkling

from inkling.exercises import EXERCISES

RELU = "import numpy as np\n\ndef relu(z):\n    return np.maximum(z, 0)\n"
NEURON = "def neuron(x, w, b):\n    return x @ w + b\n"
HALF = "def softmax(z):\n    print('so far')\n    return np.exp(z) / np.exp(z).sum(axis=0)\n"


def test_all_exercises_are_listed_by_chapter(inkling: Inkling) -> None:
    shown = inkling("exercise", "list")
    assert (shown.status, shown.err) == (0, "")
    places = [shown.out.index(f" {each.name} ") for each in EXERCISES]
    assert places == sorted(places)
    assert "7  Backpropagation by hand" in shown.out
    assert f"0 of {len(EXERCISES)} done" in shown.out
    told = inkling("exercise", "list", "--json").json
    assert [row["name"] for row in told] == [each.name for each in EXERCISES]
    assert told[0] == {
        "number": 1,
        "name": "scale_pixels",
        "chapter": 1,
        "chapter_title": "What a digit is to a computer",
        "title": "From ink to numbers between 0 and 1",
        "done": False,
    }


@pytest.mark.parametrize("name", ["softmax", "7"])
def test_the_text_of_one_is_shown(inkling: Inkling, name: str) -> None:
    shown = inkling("exercise", "show", name)
    assert shown.status == 0
    for word in ("Softmax", "Scores to probabilities", "What comes in", "0.0900, 0.2447, 0.6652", "Hint:"):
        assert word in shown.out
    assert inkling("exercise", "show", name, "--json").json["signature"] == "softmax(z)"


def test_an_answer_is_printed_and_passes_the_check(inkling: Inkling) -> None:
    shown = inkling("exercise", "answer", "backpropagation")
    assert (shown.status, shown.err) == (0, "")
    Path("answer.py").write_text(shown.out)
    assert inkling("exercise", "check", "answer.py", "--exercise", "backpropagation").status == 0
    assert inkling("exercise", "answer", "soft").status == 2


def test_a_beginning_is_written_and_never_over_anything(inkling: Inkling, tmp_path: Path) -> None:
    assert "inkling exercise check relu.py" in inkling("exercise", "start", "relu").out
    Path("relu.py").write_text(RELU)
    again = inkling("exercise", "start", "relu")
    assert again.status == 2
    assert "is there already" in again.err
    assert Path("relu.py").read_text() == RELU
    Path("mine").mkdir()
    inkling("exercise", "start", "relu", "--out", "mine")
    inkling("exercise", "start", "relu", "--out", "new/other.py")
    assert Path("mine/relu.py").read_text() == Path("new/other.py").read_text()
    Path("link.py").symlink_to("nowhere.py")
    assert inkling("exercise", "start", "relu", "--out", "link.py").status == 2
    assert not Path("nowhere.py").exists()


def test_from_the_beginning_to_the_end(inkling: Inkling) -> None:
    inkling("exercise", "start", "neuron")
    fresh = inkling("exercise", "check", "neuron.py")
    assert (fresh.status, fresh.err) == (1, "")
    assert "still to be written" in fresh.out
    Path("neuron.py").write_text(NEURON.replace(" + b", ""))
    wrong = inkling("exercise", "check", "neuron.py")
    assert wrong.status == 1
    for word in ("✗ neuron", "neuron(x, w, b)", "expected", "came", "the bias is not in it", "→ "):
        assert word in wrong.out
    assert "done" not in wrong.out
    Path("neuron.py").write_text(NEURON)
    right = inkling("exercise", "check", "neuron.py")
    assert (right.status, right.err) == (0, "")
    assert "✓ neuron  right on all 6 inputs" in right.out
    assert "next: inkling exercise start relu" in right.out
    assert f"✓  3  neuron {'':>24}" in inkling("exercise", "list").out
    assert [row["name"] for row in inkling("exercise", "list", "--json").json if row["done"]] == ["neuron"]


def test_several_in_one_file_and_prints_set_apart(inkling: Inkling) -> None:
    Path("all.py").write_text(RELU + "\n" + NEURON + "\n" + HALF)
    shown = inkling("exercise", "check", "all.py")
    assert shown.status == 1
    for word in ("✓ neuron", "✓ relu", "✗ softmax", "The columns add up to 1", "your file printed:", "│ so far"):
        assert word in shown.out
    assert "2 of 3 right" in shown.out
    assert inkling("exercise", "check", "all.py", "--exercise", "relu").status == 0
    told = inkling("exercise", "check", "all.py", "--json")
    assert told.status == 1
    assert [(row["exercise"], row["status"]) for row in told.json["exercises"]] == [
        ("neuron", "right"), ("relu", "right"), ("softmax", "not yet"),
    ]  # fmt: skip
    (finding,) = told.json["exercises"][2]["findings"]
    assert finding["kind"] == "wrong-axis+more"
    assert told.json["exercises"][2]["printed"].startswith("so far\n")


def test_an_exception_is_shown_with_the_learners_line_only(inkling: Inkling) -> None:
    Path("relu.py").write_text("def relu(z):\n    return nosuch.maximum(z, 0)\n")
    shown = inkling("exercise", "check", "relu.py")
    assert "NameError: name 'nosuch' is not defined" in shown.out
    assert "your line 2  return nosuch.maximum(z, 0)" in shown.out
    assert "Traceback" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("check nowhere.py", "there is no file nowhere.py"),
        ("check .", "is a folder"),
        ("check broken.py", "broken.py, line 2: '(' was never closed, in: return (z"),
        ("check empty.py", "no function of any exercise"),
        ("check misspelt.py", "does sofmax mean softmax?"),
        ("check right.py --exercise nosuch", "there is no exercise 'nosuch'"),
        ("check right.py --exercise softmaxx", "did you mean softmax?"),
        ("show sofmax", "did you mean softmax?"),
        ("start sofmax", "did you mean softmax?"),
        ("start relu --out right.py", "is there already"),
        ("start relu --out right.py/x.py", "right.py"),
    ],
)
def test_what_makes_no_sense_is_one_line(inkling: Inkling, words: str, says: str) -> None:
    Path("right.py").write_text(RELU)
    Path("broken.py").write_text("def relu(z):\n    return (z\n")
    Path("empty.py").write_text("")
    Path("misspelt.py").write_text("def sofmax(z): ...\n")
    answer = inkling("exercise", *words.split())
    assert (answer.status, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    assert says in line


@pytest.mark.parametrize("colour", [True, False])
def test_it_reads_well_on_a_narrow_screen(inkling: Inkling, monkeypatch: pytest.MonkeyPatch, colour: bool) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    if colour:
        monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("inkling.cli.terminal.PIPED_WIDTH", 80)
    Path("all.py").write_text("import numpy as np\n" + HALF + "\ndef relu(z):\n    z[z < 0] = 0\n    return z\n")
    out = inkling("exercise", "check", "all.py").out
    assert ("\x1b[" in out) == colour
    if not colour:
        assert max(map(len, out.splitlines())) <= 80
        assert all(line == line.rstrip() for line in out.splitlines())


def test_what_a_file_prints_cannot_paint_the_screen(inkling: Inkling) -> None:
    Path("relu.py").write_text(RELU + "print('\\x1b[2J\\x1b[31m[bold]red[/]')\nprint('line\\n' * 100)\n")
    out = inkling("exercise", "check", "relu.py").out
    assert "\x1b" not in out
    assert "[bold]red[/]" in out
    assert "… and more" in out
    assert out.count("│ line") < 30


def test_a_damaged_tick_list_is_no_reason_to_stop(inkling: Inkling, own_house: Path) -> None:
    (own_house / "exercises.json").write_text("{")
    Path("relu.py").write_text(RELU)
    assert inkling("exercise", "check", "relu.py").status == 0
    assert "1 of" in inkling("exercise", "list").out


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
def test_ctrl_c_ends_it_and_what_it_runs(inkling: Inkling) -> None:
    mark = Path("pid").resolve()
    body = f"import os\ndef relu(z):\n    open({str(mark)!r}, 'w').write(str(os.getpid()))\n    while True: pass\n"
    Path("relu.py").write_text(body)
    words = [sys.executable, "-m", "inkling", "exercise", "check", "relu.py"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        while not (mark.exists() and mark.read_text()) and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in err
    status = Path(f"/proc/{mark.read_text()}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"
