"""A playground as a user starts it, and a page as the server sees one: it connects, says something, and reads."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from time import monotonic
from types import TracebackType
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from inkling.nn.part import Array
from inkling.playground.frames import unpack

Message = tuple[dict[str, Any], dict[str, Array]]


class Visitor:
    """One page. `say` sends a command and returns its answer; whatever else came meanwhile is kept in `heard`."""

    def __init__(self, address: str, token: str = "", *, origin: str | None = None) -> None:
        host = address.removeprefix("http://").rstrip("/")
        self.address, self.numbers = address.rstrip("/"), itertools.count(1)
        self.tab = ExitStack()
        self.socket: ClientConnection = self.tab.enter_context(
            connect(
                f"ws://{host}/stream?session={token}",
                origin=f"http://{host}" if origin is None else origin,  # type: ignore[arg-type]
                max_size=None,
                open_timeout=60,
                close_timeout=1,
                compression=None,
            )
        )
        self.heard: list[Message] = []
        self.hello = self.wait("hello")[0]
        self.token = self.hello["session"]

    def read(self, timeout: float = 30) -> Message:
        """The next message: its header and its arrays."""
        message = self.socket.recv(timeout=timeout)
        return unpack(message) if isinstance(message, bytes) else (json.loads(message), {})

    def wait(self, kind: str, such: Callable[[dict[str, Any]], bool] = lambda _: True, timeout: float = 30) -> Message:
        """The first message of this kind that is such, whether it comes or has come; it is taken out of `heard`."""
        for place, (header, _) in enumerate(self.heard):
            if header["type"] == kind and such(header):
                return self.heard.pop(place)
        until = monotonic() + timeout
        while monotonic() < until:
            message = self.read(max(until - monotonic(), 0.01))
            if message[0]["type"] == kind and such(message[0]):
                return message
            self.heard.append(message)
        raise TimeoutError(f"no {kind} came in {timeout} s")

    def answer(self, number: int, timeout: float = 60) -> Message:
        """The answer with this number."""
        until = monotonic() + timeout
        while True:
            for place, (header, _) in enumerate(self.heard):
                if header.get("id") == number:
                    return self.heard.pop(place)
            self.heard.append(self.read(max(until - monotonic(), 0.01)))

    def ask(self, kind: str, **fields: Any) -> Message:
        """Say something, and return the answer whole."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "type": kind, **fields}))
        return self.answer(number)

    def say(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Say something, and return the answer's fields."""
        return self.ask(kind, **fields)[0]

    def build(self, **setup: Any) -> dict[str, Any]:
        """Build a network that is small unless told otherwise."""
        reply = self.say("build", setup={"layers": [{"kind": "dense", "units": 16}], "train_samples": 500, **setup})
        assert reply["ok"], reply
        self.forget()
        return reply

    def draw(self, ink: Array, **fields: Any) -> Message:
        """Send a drawing, and return the answer."""
        number = next(self.numbers)
        height, width = ink.shape
        header = json.dumps({"id": number, "type": "drawing", "width": width, "height": height, **fields}).encode()
        self.socket.send(struct.pack("<I", len(header)) + header + ink.astype(np.uint8).tobytes())
        return self.answer(number)

    def forget(self) -> None:
        """Read and forget what has come so far."""
        self.say("view", every_ms=50)
        self.heard.clear()

    def steps(self, count: int) -> Message:
        """Take so many steps, and return the tick that shows the last."""
        self.forget()
        reply = self.say("step", count=count)
        assert reply["ok"], reply
        status = self.wait("status", lambda status: status["state"] == "paused", 60)[0]
        return self.wait("tick", lambda tick: tick["state"] == "paused" and tick["step"] == status["step"], 60)

    @property
    def points(self) -> list[list[float]]:
        """The points of the curve among what was heard: [step, loss, accuracy] each."""
        return [point for header, _ in self.heard if header["type"] == "points" for point in header["points"]]

    def last_words(self) -> ConnectionClosed:
        """Read until the server closes the connection, and return how it did."""
        while True:
            try:
                self.read()
            except ConnectionClosed as closed:
                return closed

    def close(self) -> None:
        """Close the tab."""
        self.tab.close()

    def __enter__(self) -> Visitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@contextmanager
def started(*options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`inkling play` with these options: its address and its process. It must end by itself after Ctrl-C."""
    command = [sys.executable, "-m", "inkling", "play", "--port", "0", "--no-browser", "--data", "digits", *options]
    environment = {name: value for name, value in os.environ.items() if name != "INKLING_DATA"}
    place = tempfile.mkdtemp()  # where one that is killed leaves what it had
    environment |= {"COLUMNS": "200", "TMPDIR": place}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    try:
        yield next(word for line in process.stdout for word in line.split() if word.startswith("http://")), process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            finally:
                process.kill()
        process.stdout.close()
        shutil.rmtree(place, ignore_errors=True)


__all__ = ["ConnectionClosed", "Visitor", "started"]
