"""What every test may rely on: a private cache, nothing from outside, a browser, and MNIST where there is a copy."""

from __future__ import annotations

import os
import shutil
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

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


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A real Chromium, one for all tests of a process: Playwright's synchronous API runs only once in each."""
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("no Chromium on this machine")
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    quiet = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync")
    silent = ("--disable-background-networking", "--disable-component-update")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*quiet, *silent])
        yield browser
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            browser.close()
