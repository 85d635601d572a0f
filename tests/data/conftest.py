"""A small MNIST, a server that has it, and no way out of this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from stand_ins import COUNTS, Server, idx_bytes, some_digits

from inkling.data import idx, mirrors


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """Four small files whose hashes and sizes are, for this test, the published ones: name to plain content."""
    files = {}
    for seed, (part, count) in enumerate(COUNTS.items()):
        split = some_digits(count, seed)
        files[f"{part}-images-idx3-ubyte"] = idx_bytes(split.images)
        files[f"{part}-labels-idx1-ubyte"] = idx_bytes(split.labels.astype(np.uint8))
    for name, content in files.items():
        monkeypatch.setitem(idx.MNIST_SHA256, name, hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(mirrors.BYTES, name, len(content))
    return files


@pytest.fixture(autouse=True)
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mirror unless a test names one, OpenML never, and no proxy between a test and its own server."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(mirrors, "MIRRORS", (mirrors.Mirror("http://127.0.0.1:9/"),))
    monkeypatch.setattr("inkling.data.openml.fetch", lambda _: pytest.fail("asked OpenML"))


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.closing.set()
        server.shutdown()
        thread.join()
