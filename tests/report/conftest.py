"""A small run on the bundled digits, its record and its report, and a browser to read it with."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from inkling.data import Digits, load_data
from inkling.recipes import build_plan, load_recipe, run_recipe
from inkling.report import Record, read_record, write_report
from inkling.training import Vitals

CHANGES = {
    "data.source": "digits",
    "network.hidden": [24, 12],
    "training.epochs": 4,
    "training.threads": 1,
    "figures.predictions": 6,
    "report.enabled": False,
}


@pytest.fixture(scope="session")
def digits() -> Digits:
    recipe = load_recipe("default", CHANGES)
    return load_data("digits", plan=build_plan(recipe.data, recipe.training.seed))


@pytest.fixture(scope="session")
def trained(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder that nobody changes."""
    folder = tmp_path_factory.mktemp("runs") / "first run"
    recipe = load_recipe("default", CHANGES)
    run_recipe(recipe, data=digits, out=folder, callbacks=[Vitals(folder / "vitals.csv")])
    return folder


@pytest.fixture(scope="session")
def other(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second run folder, of another optimizer, that nobody changes."""
    folder = tmp_path_factory.mktemp("runs") / "second run"
    changes = {**CHANGES, "optimizer.name": "sgd", "training.seed": 3, "figures.predictions": 0}
    run_recipe(load_recipe("default", changes), data=digits, out=folder)
    return folder


@pytest.fixture(scope="session")
def convolved(digits: Digits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run folder of a network with convolutions, trained on distorted images, that nobody changes."""
    folder = tmp_path_factory.mktemp("runs") / "convolved"
    changes = {
        **CHANGES,
        "network.convolutions": [{"channels": 4, "kernel": 5, "pool": 2}, {"channels": 6, "stride": 2}],
        "network.batch_norm": True,
        "network.hidden": [],
        "training.epochs": 1,
        "augment.shift": 1.0,
        "augment.rotate": 10.0,
    }
    run_recipe(load_recipe("default", changes), data=digits, out=folder)
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run folder, to be changed at will."""
    return Path(shutil.copytree(trained, tmp_path / "run"))


@pytest.fixture(scope="session")
def record(trained: Path, digits: Digits) -> Record:
    return read_record(trained, digits)


@pytest.fixture(scope="session")
def page(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole report, images and all."""
    return write_report(record, out=tmp_path_factory.mktemp("report") / "report.html")
