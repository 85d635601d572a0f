"""The command as the shell sees it: processes, signals, pipes, encodings."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from inkling import __version__
from inkling.storage import load_model

HEAVY = ["numpy", "pandas", "sklearn", "scipy", "PIL", "matplotlib", "requests", "inkling.nn"]
COMMANDS = ["", "train", "evaluate", "predict", "submit", "compare", "recipes", "explain", "data", "data show"]


def environment(**more: str) -> dict[str, str]:
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return {**usual, "OPENBLAS_NUM_THREADS": "1", **more}


def inkling(*words: object, **more: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "inkling", *map(str, words)]
    return subprocess.run(command, capture_output=True, env=environment(**more), timeout=120, check=False)


def small(tiny: Path, *words: object) -> list[object]:
    settings = ["data.validation=40", "training.threads=1", "figures.predictions=0"]
    shown = [word for setting in settings for word in ("--set", setting)]
    return ["train", "--data", tiny, "--hidden", 32, "--batch-size", 50, *shown, *words]


def test_help_loads_nothing_heavy() -> None:
    code = f"""
import sys
from inkling.cli.app import app
for words in {COMMANDS}:
    sys.argv = ["inkling", *words.split(), "--help"]
    try:
        app()
    except SystemExit as end:
        assert end.code == 0, words
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment(), check=True)
    assert done.stderr.decode().strip() == "[]"
    assert done.stdout.count(b"Usage: inkling") == len(COMMANDS)


def test_it_tells_its_version_and_is_the_installed_command() -> None:
    assert inkling("--version").stdout.decode().strip() == f"inkling {__version__}"


def test_json_is_all_there_is_on_standard_output(tiny: Path) -> None:
    done = inkling(*small(tiny, "--epochs", 1, "--json"))
    assert done.returncode == 0
    assert json.loads(done.stdout)["epochs"] == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows sends Ctrl-C to all processes of a console")
def test_ctrl_c_and_resume_reach_the_bits_of_an_uninterrupted_run(tiny: Path) -> None:
    epochs = 3_000  # longer than it takes to press the keys; the resumed run stops at what came of it
    command = [sys.executable, "-m", "inkling", *map(str, small(tiny, "--epochs", epochs, "--out", "cut"))]
    # How long a training is decides on the engine, and engines round differently.
    steady = ["--set", "schedule.name=constant", "--set", "training.log_every=1", "--set", "training.engine=numpy"]
    with subprocess.Popen([*command, *steady], stdout=subprocess.PIPE, env=environment()) as process:
        assert process.stdout is not None
        history = Path("cut/history.csv")
        while not history.exists() or history.read_text().count("\n") < 2:  # an epoch is done
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
    assert process.returncode == 130
    assert b"inkling train --resume cut" in rest
    reached = json.loads(Path("cut/metrics.json").read_text())["epochs"]
    assert 0 < reached < epochs
    assert inkling("train", "--resume", "cut", "--epochs", reached + 2).returncode == 0
    assert inkling(*small(tiny, "--epochs", reached + 2, "--out", "whole"), *steady).returncode == 0
    np.testing.assert_array_equal(load_model("cut").parameters, load_model("whole").parameters)


@pytest.mark.parametrize("words", [["recipes"], ["recipes", "--json"], ["data", "--json"]])
def test_a_reader_who_has_left_is_no_error_worth_a_word(words: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "inkling", *words]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, env=environment(), check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", [["recipes"], ["recipes", "--json"]])
def test_a_full_disk_is_one_line(words: list[str]) -> None:
    command = [sys.executable, "-m", "inkling", *words]
    with open("/dev/full", "wb") as full:  # noqa: PTH123
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)
    assert done.returncode == 2
    assert done.stderr.decode() == "inkling: cannot write the output: No space left on device\n"


@pytest.mark.parametrize(
    "words", [["--help"], ["recipes"], ["data", "show", "--count", "1"], ["train", "--epochs", "0"], ["evaluate"]]
)
def test_a_terminal_without_unicode_shows_what_it_can(trained: Path, tiny: Path, words: list[str]) -> None:
    Path("runs").mkdir()
    Path("runs/é").symlink_to(trained)
    data = [] if words[0] in ("--help", "recipes") else ["--data", tiny]
    done = inkling(*words, *data, LC_ALL="C", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_json_arrives_whole_through_any_encoding(trained: Path) -> None:
    done = inkling("predict", "schön.png", "--model", trained, "--json", PYTHONIOENCODING="ascii", PYTHONUTF8="1")
    assert done.returncode == 2
    assert json.loads(done.stdout)[0]["file"] == "schön.png"


def test_a_closed_standard_output_hurts_nobody() -> None:
    code = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'inkling', 'recipes'])"
    done = subprocess.run([sys.executable, "-c", code], stderr=subprocess.PIPE, env=environment(), check=False)
    assert (done.returncode, done.stderr) == (0, b"")
