"""What every test may rely on: a private cache, nothing from outside, and the real MNIST where there is a copy."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

REAL_MNIST = os.environ.get("INKLING_DATA")


@pytest.fixture(autouse=True)
def own_house(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has its own cache and no $INKLING_DATA, so that none leans on what this machine happens to hold."""
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("INKLING_CACHE", str(cache))
    monkeypatch.delenv("INKLING_DATA", raising=False)
    return cache


@pytest.fixture
def mnist_folder() -> Path:
    """The folder of the real MNIST (named by $INKLING_DATA when the tests were started)."""
    if not REAL_MNIST:
        pytest.skip("no copy of the real MNIST: set INKLING_DATA to a folder of its IDX files")
    return Path(REAL_MNIST).resolve()


@pytest.fixture(autouse=True)
def reports_on_demand(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs write no report, which would take longer than the rest of the test; `@pytest.mark.report` has them do it."""
    if "report" not in request.keywords:
        monkeypatch.setattr("inkling.recipes.run.write_report", lambda *_, **__: None)
