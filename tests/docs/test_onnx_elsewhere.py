"""The network that the how-to page takes to JavaScript reads there what it reads here, in Node and in a browser."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from inkling import load_data, load_pretrained
from inkling.interop import to_onnx

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

HOME = Path(__file__).resolve().parents[2]
SCRIPTS = HOME / "docs" / "how_to" / "in_a_browser"
INSTALLED = HOME / "build" / "in_a_browser" / "node_modules"
SEVEN = [(70, 60), (210, 60), (120, 230)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What a reader of the page has in a folder: the four files, the network, and onnxruntime for JavaScript."""
    if not INSTALLED.is_dir():
        pytest.skip("onnxruntime-web is not installed: `make build/in_a_browser`, which needs npm")
    pytest.importorskip("onnx", reason="onnx is not installed")
    shutil.copytree(SCRIPTS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "node_modules").symlink_to(INSTALLED, target_is_directory=True)
    (tmp_path / "digits.onnx").write_bytes(to_onnx(load_pretrained()).SerializeToString())
    return tmp_path


def test_node_reads_the_same_digits(folder: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node.js on this machine")
    images = load_data("digits").test.images[:50]
    (folder / "images.json").write_text(json.dumps(images.reshape(-1, 784).tolist()))
    done = subprocess.run([node, "read.mjs"], cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout)
    expected = load_pretrained().predict_proba(images)
    assert [each["digit"] for each in answers] == expected.argmax(axis=1).tolist()
    np.testing.assert_allclose([each["probabilities"] for each in answers], expected, atol=1e-5)


def test_a_page_reads_what_is_drawn_on_it(served: Page) -> None:
    served.wait_for_function("document.querySelector('#answer').textContent === 'Draw a digit.'")
    box = served.locator("#pad").bounding_box()
    assert box
    served.mouse.move(box["x"] + SEVEN[0][0], box["y"] + SEVEN[0][1])
    served.mouse.down()
    for x, y in SEVEN[1:]:
        served.mouse.move(box["x"] + x, box["y"] + y, steps=10)
    served.mouse.up()
    served.wait_for_function("document.querySelector('#answer').textContent.endsWith('%)')")
    assert served.locator("#answer").inner_text().startswith("7 (")
    served.get_by_text("Clear").click()
    assert served.locator("#answer").inner_text() == "Draw a digit."


@pytest.fixture
def served(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page, from a server as simple as `python -m http.server`; afterwards its console has not complained."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Silent, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        troubles: list[str] = []
        page.on("console", lambda message: troubles.append(message.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(f"http://127.0.0.1:{server.server_port}/index.html")
        yield page
        page.close()
        server.shutdown()
    assert troubles == []


class Silent(SimpleHTTPRequestHandler):
    """Says nothing of requests."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the name it has in the library)
        """Keep it."""
