"""Stand-ins: a few random digits for MNIST, and a real HTTP server on loopback that misbehaves on request."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from inkling.data import Split, cache, idx, mirrors
from inkling.data.download import Patience

IMPATIENT = Patience(connect=2.0, read=1.0)
COUNTS = {"train": 60, "t10k": 20}


def some_digits(count: int, seed: int = 0) -> Split:
    """Random images, and labels 0 to 9 in turn."""
    images = np.random.default_rng(seed).integers(0, 256, (count, 28, 28), dtype=np.uint8)
    return Split(images, np.arange(count) % 10)


def idx_bytes(array: np.ndarray) -> bytes:
    return idx.idx_header(array) + array.tobytes()


def put_into_cache(files: dict[str, bytes]) -> Path:
    folder = cache.mnist_cache()
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


Way = Callable[["Handler", bytes], None]


class Server(http.server.ThreadingHTTPServer):
    """`files`: path to content. `ways`: path to how it is served, once each, from the front of the list.

    `log`: for each request its path, the Range asked for, and the number of bytes of content sent.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ways: dict[str, list[Way]] = {}
        self.log: list[list[Any]] = []
        self.closing = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/"

    def serve_mnist(self, files: dict[str, bytes]) -> mirrors.Mirror:
        self.files |= {f"/{name}.gz": gzip.compress(content, mtime=0) for name, content in files.items()}
        return mirrors.Mirror(self.url)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is part of the plan."""


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.entry = [self.path, self.headers.get("Range"), 0]
        self.server.log.append(self.entry)
        content = self.server.files.get(self.path)
        ways = self.server.ways.get(self.path, [])
        if ways:
            ways.pop(0)(self, content or b"")
        elif content is None:
            status(404)(self, b"")
        else:
            whole(self, content)

    def start(self, status: int, length: int | None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def send(self, content: bytes) -> None:
        self.entry[2] += len(content)
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        pass


def etag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()[:16]}"'


def whole(handler: Handler, content: bytes, cut: int | None = None) -> None:
    """As a good server does: all of it, or the rest that was asked for; cut off after so many bytes."""
    begin = 0
    asked = handler.headers.get("Range")
    if asked and handler.headers.get("If-Range") in (None, etag(content)):
        begin = int(asked.removeprefix("bytes=").rstrip("-"))
        if begin >= len(content):
            return handler.start(416, 0)
        place = f"bytes {begin}-{len(content) - 1}/{len(content)}"
        handler.start(206, len(content) - begin, ETag=etag(content), Content_Range=place)
    else:
        handler.start(200, len(content), ETag=etag(content))
    handler.send(content[begin:][:cut])
    return None


def cut_after(count: int) -> Way:
    return lambda handler, content: whole(handler, content, cut=count)


def status(code: int) -> Way:
    return lambda handler, _: handler.start(code, 0)


def web_page(handler: Handler, _: bytes) -> None:
    page = b"<!DOCTYPE html><title>We moved</title>"
    handler.start(200, len(page), Content_Type="text/html; charset=utf-8")
    handler.send(page)


def without_range(handler: Handler, content: bytes) -> None:
    handler.start(200, len(content))
    handler.send(content)


def silent_after(count: int) -> Way:
    def way(handler: Handler, content: bytes) -> None:
        handler.start(200, len(content), ETag=etag(content))
        handler.send(content[:count])
        handler.wfile.flush()
        handler.server.closing.wait(20)

    return way


def endless(handler: Handler, _: bytes) -> None:
    handler.start(200, None)
    for _ in range(10_000):
        handler.send(bytes(2**16))
