"""The site, built once, and a reader with a browser."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from site_pages import Reader, Site

if TYPE_CHECKING:
    from playwright.sync_api import Browser

HOME = Path(__file__).resolve().parents[2]
collect_ignore_glob = [] if (HOME / "docs" / "conf.py").exists() else ["test_*"]  # a source package has no docs/
LONGEST = 1500  # seconds that the build may take


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The built site; whoever of several test processes comes first builds it, the others wait.

    $INKLING_SITE names one that is built already (a folder with index.html), for use while writing.
    """
    pytest.importorskip("sphinx", reason="what the site is built with is not installed")
    pytest.importorskip("myst_nb", reason="what the site is built with is not installed")
    built = os.environ.get("INKLING_SITE")
    if built:
        return Site(Path(built).resolve(), "")
    shared = tmp_path_factory.getbasetemp()
    shared = shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared
    folder, log = shared / "site", shared / "site.log"
    try:
        folder.mkdir()
    except FileExistsError:
        until = time.monotonic() + LONGEST
        while not log.exists() and time.monotonic() < until:
            time.sleep(1)
    else:
        complaints = build(folder)
        log.with_suffix(".part").write_text(complaints, encoding="utf-8")
        log.with_suffix(".part").rename(log)
    return Site(folder, log.read_text(encoding="utf-8"))


def build(folder: Path) -> str:
    """Build the site as `make docs` does, and return all that Sphinx complains of."""
    sphinx = [sys.executable, "-m", "sphinx", "--quiet", "-W", "--keep-going", "-n", "-j", "auto", "-b", "html"]
    environment = {name: value for name, value in os.environ.items() if name not in ("INKLING_CACHE", "INKLING_DATA")}
    done = subprocess.run(
        [*sphinx, "-d", str(folder.with_name("doctrees")), str(HOME / "docs"), str(folder)],
        env={**environment, "NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    return f"{done.stdout}\nSphinx ended with status {done.returncode}" if done.returncode else ""


@pytest.fixture
def reader(browser: Browser, site: Site) -> Iterator[Reader]:
    """Opens pages from the disk; afterwards no console has complained, and nothing was asked of the network."""
    reader = Reader(browser, site)
    yield reader
    reader.leave()
    assert reader.troubles == []
    assert [url for url in reader.asked if not url.startswith(("file:", "data:", "blob:"))] == []
