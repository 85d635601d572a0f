"""A user's desk: an empty folder to work in, a few digits that anyone could tell apart, a network trained on them."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from stripes import Answer, Inkling, stripes

from inkling.cli import main
from inkling.data import mirrors
from inkling.recipes import load_recipe, run_recipe


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .npz with 200 training and 60 test images."""
    train, test = stripes(200, 1), stripes(60, 2)
    path = tmp_path_factory.mktemp("tiny") / "tiny.npz"
    np.savez(path, x_train=train.images, y_train=train.labels, x_test=test.images, y_test=test.labels)
    return path


@pytest.fixture(scope="session")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder; its network reads most of the stripes."""
    changes = {
        "data.source": str(tiny),
        "data.validation": 40,
        "network.hidden": [32],
        "network.dropout": 0.0,
        "training.epochs": 4,
        "training.batch_size": 20,
        "training.threads": 1,
        "figures.predictions": 0,
    }
    folder = tmp_path_factory.mktemp("runs") / "trained"
    run_recipe(load_recipe("default", changes), out=folder)
    return folder


@pytest.fixture(scope="session")
def convolved(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a network with two convolutions, normalization and pooling, trained on distorted images."""
    changes = {
        "data.source": str(tiny),
        "data.validation": 40,
        "augment.shift": 1.0,
        "network.convolutions": [{"channels": 3, "kernel": 5, "pool": 2}, {"channels": 4, "padding": "same"}],
        "network.batch_norm": True,
        "network.hidden": [],
        "training.epochs": 2,
        "training.batch_size": 20,
        "training.threads": 1,
        "report.enabled": False,
        "figures.predictions": 0,
    }
    folder = tmp_path_factory.mktemp("runs") / "convolved"
    run_recipe(load_recipe("default", changes), out=folder)
    return folder


@pytest.fixture(autouse=True)
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, no network beyond this machine, and a terminal of no particular width."""
    place = tmp_path / "desk"
    place.mkdir()
    monkeypatch.chdir(place)
    for name in ("COLUMNS", "FORCE_COLOR", "TTY_COMPATIBLE", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mirrors, "MIRRORS", (mirrors.Mirror("http://127.0.0.1:9/"),))
    return place


@pytest.fixture
def inkling(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inkling:
    """`inkling(…)` does what `inkling …` does in a shell."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)

    def run(*words: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["inkling", *map(str, words)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        captured = capsys.readouterr()
        return Answer(int(end.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def train(inkling: Inkling, tiny: Path) -> Inkling:
    """`inkling train` on the tiny data, one small hidden layer, two epochs, unless told otherwise."""

    def run(*words: object) -> Answer:
        small = ("--data", tiny, "--hidden", 32, "--dropout", 0, "--epochs", 2, "--batch-size", 50)
        settings = ("--set", "data.validation=40", "--set", "training.threads=1", "--set", "figures.predictions=0")
        return inkling("train", *small, *settings, *words)

    return run
