"""Bad input: status 2, one clear line on standard error, nothing on standard output, nothing left behind."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file
from stripes import Answer, Inkling, picture, stripes, write_csv

from inkling import cli, nn
from inkling.cli import app
from inkling.cli.app import show_warning
from inkling.storage import save_model


def assert_one_clear_line(answer: Answer, *says: str) -> None:
    assert answer.status == 2
    assert answer.out == ""
    (line,) = answer.err.splitlines()
    assert line.startswith("inkling: ")
    for words in says:
        assert words in line


BAD_TRAINING = [
    ("nosuch", ["nosuch", "default"]),
    ("defalt", ["defalt", "did you mean default"]),
    ("", ["known are"]),
    ("nosuch.toml", ["nosuch.toml"]),
    ("broken.toml", ["broken.toml", "TOML"]),
    ("typo.toml", ["typo.toml", "network.hiden", "hidden"]),
    ("--data= ", ["auto"]),
    ("--data=nosuch", ["nosuch", "auto"]),
    ("--data=unlabelled.csv", ["unlabelled.csv", "line 1", "label"]),
    ("--data=wrong.csv", ["wrong.csv, line 3, column 1", "'x1'"]),
    ("--data=empty.csv", ["empty.csv", "empty"]),
    ("--data=folder", ["folder"]),
    ("--data=mnist", ["could not be downloaded", "INKLING_DATA"]),
    ("--hidden=abc", ["--hidden", "'abc'", "128,64"]),
    ("--hidden=10,,5", ["--hidden", "''"]),
    ("--hidden=10,0", ["network.hidden", "0"]),
    ("--hidden=-5", ["network.hidden", "-5"]),
    ("--batch-size=0", ["training.batch_size", "0"]),
    ("--batch-size=-1", ["training.batch_size", "-1"]),
    ("--batch-size=1e3", ["--batch-size", "'1e3'", "full"]),
    ("--learning-rate=nan", ["optimizer.learning_rate", "nan"]),
    ("--learning-rate=inf", ["optimizer.learning_rate", "inf"]),
    ("--learning-rate=-1", ["optimizer.learning_rate", "-1"]),
    ("--seed=-1", ["training.seed", "-1"]),
    ("--activation=foo", ["network.activation", "foo", "relu"]),
    ("--optimizer=foo", ["optimizer.name", "foo", "adam"]),
    ("--dropout=1", ["network.dropout", "1"]),
    ("--l2=-1", ["loss.l2", "-1"]),
    ("--set=training.epochs", ["training.epochs", "="]),
    ("--set=training.epochs=abc", ["training.epochs", "abc"]),
    ("--set=training.epoch=5", ["training.epoch", "epochs"]),
    ("--set=a.b.c=1", ["a.b.c", "section.key"]),
    ("--set=a=1", ["'a'", "section.key"]),
    ("--set==1", ["section.key"]),
    ("--resume=nosuch", ["nosuch"]),
    ("--resume=latest", ["inkling train"]),
    ("--resume=folder", ["folder", "recipe.toml"]),
    ("full-batch --resume=run", ["--resume"]),
    ("--out=file", ["file", "exists"]),
    ("--out=run", ["run", "exists"]),
    ("--out=file/below", ["file/below"]),
]


@pytest.fixture
def things(trained: Path) -> dict[str, bytes]:
    """Everything that is wrong, on one desk. Returns what lies there, by path."""
    Path("broken.toml").write_text("a = [")
    Path("typo.toml").write_text("[network]\nhiden = [3]\n")
    Path("file").touch()
    Path("empty.csv").touch()
    Path("folder").mkdir()
    Path("folder/note").write_text("not a run")
    shutil.copytree(trained, "run")
    table = write_csv(Path("unlabelled.csv"), stripes(5), labelled=False)
    lines = write_csv(Path("wrong.csv"), stripes(5)).read_text().splitlines()
    Path("wrong.csv").write_text("\n".join([*lines[:2], "x" + lines[2], *lines[3:]]))
    shutil.copy(table, "test.csv")
    picture(Path("seven.png"))
    return desk()


def desk() -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in Path().rglob("*")}


@pytest.mark.parametrize(("words", "says"), BAD_TRAINING, ids=[words for words, _ in BAD_TRAINING])
@pytest.mark.parametrize("json", [[], ["--json"]], ids=["shown", "json"])
def test_train(
    inkling: Inkling, tiny: Path, things: dict[str, bytes], words: str, says: list[str], json: list[str]
) -> None:
    data = [] if "--data" in words or "--resume" in words else ["--data", tiny]
    given = words.split(" ") if " --" in words else [words]
    answer = inkling("train", *given, *data, *json)
    if json or "--out" not in words:  # else the data are announced before the folder is made
        noise = [line for line in answer.err.splitlines() if not line.startswith("inkling: ")]
        if "--out" in words or words == "--data=mnist":
            answer = Answer(answer.status, answer.out, answer.err.splitlines()[-1])
        else:
            assert noise == []
        assert_one_clear_line(answer, *says)
    assert answer.status == 2
    assert desk() == things


def test_a_training_that_diverges_leaves_no_run(inkling: Inkling, train: Inkling) -> None:
    answer = train("--learning-rate", "1e30", "--out", "run", "--json")
    assert (answer.status, answer.out) == (2, "")
    assert "inkling: training diverged in epoch 1" in answer.err
    assert not Path("run").exists()


def networks() -> None:
    """Models that cannot read digits, or are none."""
    for name, shape, classes in (("eight", (8, 8, 1), 10), ("three", (28, 28, 1), 3)):
        save_model(nn.Network([nn.Dense(classes)], input_shape=shape, seed=0), f"{name}.safetensors")
    whole = Path("run/model.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(whole[:5000])
    Path("flipped.safetensors").write_bytes(whole[:-100] + bytes([whole[-100] ^ 1]) + whole[-99:])
    Path("garbage.safetensors").write_text("garbage")
    Path("none.safetensors").touch()
    save_file({"a": np.zeros(3)}, "foreign.safetensors")


BAD_MODELS = {
    "eight.safetensors": "8×8×1",
    "three.safetensors": "3",
    "cut.safetensors": "damaged",
    "flipped.safetensors": "damaged",
    "garbage.safetensors": "damaged",
    "none.safetensors": "damaged",
    "foreign.safetensors": "no Inkling network",
    "nosuch": "nosuch",
    "folder": "model.safetensors",
    "latest": "inkling train",
    "test.csv": "no safetensors file",
}


@pytest.mark.parametrize("model", BAD_MODELS)
def test_a_model_that_is_none(inkling: Inkling, tiny: Path, things: dict[str, bytes], model: str) -> None:
    networks()
    before = desk()
    for words in (
        ["evaluate", model, "--data", tiny],
        ["predict", "seven.png", "--model", model],
        ["submit", model, "test.csv"],
        ["explain", model, "--data", tiny],
    ):
        assert_one_clear_line(inkling(*words, "--json"), "" if model == "latest" else model, BAD_MODELS[model])
    assert desk() == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("evaluate run --split foo", ["--split foo", "validation"]),
        ("evaluate run --data nosuch", ["nosuch"]),
        ("evaluate run --data empty.csv", ["empty.csv"]),
        ("submit run nosuch.csv", ["nosuch.csv"]),
        ("submit run empty.csv", ["empty.csv"]),
        ("submit run folder", ["folder"]),
        ("submit run seven.png", ["seven.png"]),
        ("submit run wrong.csv", ["wrong.csv, line 3"]),
        ("submit run test.csv --out folder", ["folder"]),
        ("submit run test.csv --out file/below.csv", ["file/below.csv"]),
        ("compare default nosuch", ["nosuch"]),
        ("compare default --batch-size x", ["--batch-size", "'x'"]),
        ("compare default --set training.seed=1", ["--seeds"]),
        ("recipes nosuch", ["nosuch", "default"]),
        ("data verify nosuch", ["nosuch"]),
    ],
)
def test_the_other_commands(inkling: Inkling, things: dict[str, bytes], words: str, says: list[str]) -> None:
    assert_one_clear_line(inkling(*words.split(), "--json"), *says)
    assert desk() == things


@pytest.mark.parametrize(
    "words",
    [
        *("foo", "train --foo", "train --epochs -1", "train --epochs 1.5", "train --set", "predict", "submit run"),
        *("compare", "compare default --seeds 0", "data foo", "data show --count 0", "data show --digit 10"),
    ],
)
def test_what_typer_itself_refuses(inkling: Inkling, words: str) -> None:
    answer = inkling(*words.split())
    assert (answer.status, answer.out) == (2, "")
    assert "Error" in answer.err
    assert list(Path().iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="this user may write anywhere")
def test_a_folder_that_cannot_be_written(train: Inkling) -> None:
    Path("locked").mkdir(mode=0o500)
    for out in ("locked/run", "locked/deep/run"):
        answer = train("--out", out, "--json")
        assert (answer.status, answer.out) == (2, "")
        assert "locked" in answer.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device"), "inkling: cannot write the output: No space left on device"),
        (PermissionError(13, "Permission denied", "a/b"), "inkling: a/b: Permission denied"),
        (
            MemoryError("Unable to allocate 2.89 TiB"),
            "inkling: there is not enough memory: Unable to allocate 2.89 TiB",
        ),
        (
            nn.ShapeError("Dense wants\n  one thing, [and] gets another"),
            "inkling: Dense wants one thing, [and] gets another",
        ),
    ],
)
def test_what_the_machine_refuses_is_a_line_too(
    inkling: Inkling, monkeypatch: pytest.MonkeyPatch, error: Exception, line: str
) -> None:
    def fail() -> Any:
        raise error

    monkeypatch.setattr(app, "app", fail)
    answer = inkling()
    assert (answer.status, answer.out, answer.err) == (2, "", f"{line}\n")


def test_a_defect_is_not_hidden(inkling: Inkling, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise TypeError("a defect")

    monkeypatch.setattr(app, "app", fail)
    with pytest.raises(TypeError):
        cli.main()


def test_a_warning_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    show_warning(UserWarning("[bold] the\n learning rate"), UserWarning, "trainer.py", 12)
    assert capsys.readouterr().err == "warning: [bold] the learning rate\n"
