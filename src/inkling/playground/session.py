"""A session as the server sees it: the process that trains, and what waits to be sent to the page.

Replies wait in a row; of ticks only the newest is worth sending, so a slow page sees fewer of them and nothing piles
up. The session outlives its connection by a while: a page that comes back finds its training where it is.
"""

from __future__ import annotations

import asyncio
import json
import math
import multiprocessing
import secrets
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from time import monotonic
from typing import Any

from inkling.errors import InklingError
from inkling.playground import errands
from inkling.playground.messages import AnyCommand, Drawing, Refused
from inkling.playground.worker import work

UNANSWERED = 64
"""Messages that may wait for their answer; who sends more is told to wait."""
WAITING = 2000
"""Texts and frames that may wait to be sent: a page that takes none for so long is not there any more."""
PATIENCE = 120.0
"""Seconds that the server waits for an answer of its own."""


def context() -> Any:
    """How processes are started: from one that has all modules loaded and does nothing else, where there is such."""
    kinds = multiprocessing.get_all_start_methods()
    found = multiprocessing.get_context("forkserver" if "forkserver" in kinds else "spawn")
    if "forkserver" in kinds:
        found.set_forkserver_preload(["__main__", "inkling.playground.preload"])
    return found


def warm_up() -> None:
    """Have that one process ready before the first visitor comes: loading the modules takes a second or two."""
    if context().get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        ensure_running()


class Session:
    """One browser tab's training."""

    def __init__(self, folder: Path, data: Path, threads: int, on_change: Callable[[], None]) -> None:
        self.token = secrets.token_urlsafe(18)
        self.folder, self.on_change = folder / self.token, on_change
        self.folder.mkdir()
        self.loop = asyncio.get_running_loop()
        self.texts: deque[tuple[str, bytes]] = deque()
        self.newest: bytes | None = None
        self.something = asyncio.Event()
        self.unanswered = 0
        self.awaited: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.errand = 0
        self.playing, self.threads = False, threads
        self.uploads: dict[str, Path] = {}  # by name, where they are kept
        self.uploading = asyncio.Lock()
        self.ended: str | None = None
        self.page = 0  # which connection is the session's: a newer one takes over
        self.connected = False
        self.left_at = math.inf  # nobody can have left before it has begun
        self.asked_at = monotonic()
        self.outbox: SimpleQueue[Any] = SimpleQueue()
        self.ours, theirs = multiprocessing.Pipe()
        self.process = context().Process(target=work, args=(theirs, data, threads), daemon=False)
        self.theirs, self.starting = theirs, threading.Lock()

    def start(self) -> None:
        """Start the process. Called beside the event loop, because it takes a moment."""
        with self.starting:
            try:
                if self.ended is None:  # the server may have been told to end meanwhile
                    self.process.start()
            finally:
                self.theirs.close()
        for target in (self.listen, self.talk):
            threading.Thread(target=target, daemon=True, name=f"{target.__name__} {self.token[:4]}").start()

    # Two threads of its own, because a pipe makes whoever uses it wait.

    def listen(self) -> None:
        """Take in what the process sends, until it ends."""
        with suppress(EOFError, OSError, TypeError):  # the last is what a pipe says that is closed in mid-word
            while True:
                content = self.ours.recv_bytes()
                self.loop.call_soon_threadsafe(self.received, content[:1], content[1:])
        with suppress(RuntimeError):  # the loop may be gone by now
            self.loop.call_soon_threadsafe(self.died)

    def talk(self) -> None:
        """Send what waits for the process."""
        with suppress(OSError, ValueError):
            while (message := self.outbox.get()) is not None:
                self.ours.send(message)

    # In the event loop.

    def received(self, kind: bytes, content: bytes) -> None:
        """Something came from the process."""
        if kind == b"k":
            self.newest = content
        elif kind == b"i":
            answer = json.loads(content)
            waiting = self.awaited.pop(answer["number"], None)
            if waiting is not None and not waiting.done():
                waiting.set_result(answer)
            return
        else:
            if kind == b"b" or content.startswith(b'{"type": "reply"'):
                self.unanswered = max(self.unanswered - 1, 0)
            if kind == b"t" and content.startswith(b'{"type": "status"'):
                playing = json.loads(content)["state"] == "playing"
                if playing != self.playing:
                    self.playing = playing
                    self.on_change()
            if self.connected:  # who is not there is told everything on coming back
                self.texts.append(("text" if kind == b"t" else "bytes", content))
        self.something.set()

    def died(self) -> None:
        """The process is gone."""
        if self.ended is None:
            self.process.join(1)
            status = self.process.exitcode
            self.end(f"the process that trained here has ended (exit status {status}, perhaps for want of memory)")

    def command(self, command: AnyCommand | tuple[Drawing, Any]) -> None:
        """Pass on what the page wants. Raises Refused if it has asked for too much at once."""
        self.asked_at = monotonic()
        number = command[0].id if isinstance(command, tuple) else command.id
        if self.unanswered >= UNANSWERED:
            raise Refused(f"{UNANSWERED} messages wait for their answers: wait for these first", "", number)
        self.unanswered += 1
        self.outbox.put(command)

    async def ask(self, errand: Callable[[int], errands.Errand]) -> dict[str, Any]:
        """Have an errand done, and return the answer. Raises InklingError if it could not be, or the session ended."""
        if self.ended is not None:
            raise InklingError(self.ended)
        self.errand += 1
        number = self.errand
        answer: asyncio.Future[dict[str, Any]] = self.loop.create_future()
        self.awaited[number] = answer
        self.outbox.put(errand(number))
        try:
            found = await asyncio.wait_for(answer, PATIENCE)
        except TimeoutError:
            raise InklingError(f"the training did not answer for {PATIENCE:.0f} seconds") from None
        finally:
            self.awaited.pop(number, None)
        if not found.pop("ok"):
            raise InklingError(found["error"])
        return found

    async def greet(self) -> dict[str, Any]:
        """What a page must know that has just come."""
        found = await self.ask(errands.Greet)
        found.pop("number")
        return found

    def share(self, threads: int) -> None:
        """Use so many cores from now on."""
        if threads != self.threads:
            self.threads = threads
            self.outbox.put(errands.Share(threads))

    def arrive(self) -> int:
        """A page has connected; returns the number of its connection, which ends any earlier one."""
        self.page += 1
        self.connected = True
        self.texts.clear()
        self.newest = None
        self.something.set()  # so that an earlier one notices
        return self.page

    def leave(self, page: int) -> None:
        """A page's connection is over."""
        if page == self.page:
            self.connected, self.left_at = False, monotonic()
            self.texts.clear()

    @property
    def slow(self) -> bool:
        """Whether too much waits to be sent."""
        return len(self.texts) > WAITING

    def end(self, reason: str) -> None:
        """End it, and say why."""
        if self.ended is not None:
            return
        self.ended, self.playing = reason, False
        self.texts.append(("text", json.dumps({"type": "ended", "reason": reason}).encode()))
        for waiting in self.awaited.values():
            if not waiting.done():
                waiting.set_exception(InklingError(reason))
        self.something.set()
        self.outbox.put(None)
        self.on_change()

    def close(self, seconds: float = 1.0) -> None:
        """Have the process gone. Called beside the event loop: it waits until it is."""
        with self.starting:
            if self.process.pid is None:
                self.ours.close()
                return
        if sys.platform != "win32":
            self.process.terminate()
        self.process.join(seconds)
        self.process.kill()
        self.process.join(1)
        self.ours.close()
