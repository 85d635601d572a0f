"""The server: it serves the page, keeps a session for each tab, and passes messages between the two.

It computes nothing. Every message from a page is checked against its schema before it goes any further; whatever is
wrong with one is an answer, never an end.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import mimetypes
import secrets
import shutil
from collections.abc import AsyncIterator
from functools import partial
from importlib import resources
from pathlib import Path
from time import monotonic
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from inkling import __version__
from inkling.data import Digits
from inkling.errors import InklingError
from inkling.playground import errands, store
from inkling.playground.frames import read_drawing
from inkling.playground.guards import Guard
from inkling.playground.jobs import run_job
from inkling.playground.messages import LIMITS, Refused, read_command
from inkling.playground.reports import write_report
from inkling.playground.session import Session
from inkling.playground.setups import first_setup, presets
from inkling.playground.uploads import take_in
from inkling.storage import PRETRAINED

GRACE = 30.0
"""Seconds that a session waits for its page to come back."""
IDLE, IDLE_PLAYING = 30 * 60.0, 4 * 3600.0
"""Seconds without a word from the page until a session ends: paused, and while it trains."""
UPLOADS = 3
"""Files with images that a session may have at a time."""
JOBS = 2
"""Files that are read, and reports that are written, at a time."""
ENDED, FULL, TAKEN_OVER, TOO_SLOW = 4000, 4001, 4002, 4003
"""Why a connection was closed."""
LOADED_FROM_REPORT = ("charts.js", "charts.css")


class Playground:
    """All sessions. `folder` is for what they keep on disk while they last; `threads` are the cores they share."""

    def __init__(self, digits: Digits, folder: Path, *, sessions: int, threads: int, grace: float = GRACE) -> None:
        self.folder, self.limit, self.threads, self.grace = folder, sessions, threads, grace
        self.data = folder / "data"
        store.keep(digits, self.data)
        self.about_data = store.described("default", digits)
        self.presets = presets(first_setup(digits))
        self.sessions: dict[str, Session] = {}
        self.jobs = asyncio.Semaphore(JOBS)
        self.closing: set[asyncio.Task[None]] = set()

    async def session(self, token: str) -> tuple[Session, bool]:
        """The session of this token, and True; or a new one, and False. Raises InklingError if there are too many."""
        found = self.sessions.get(token)
        if found is not None and found.ended is None:
            return found, True
        if len(self.sessions) >= self.limit and not self.make_room():
            raise InklingError(
                f"there is no room for more here (places: {self.limit}): try again in a while "
                "(`inkling play --sessions` sets how many)"
            )
        session = Session(self.folder, self.data, self.threads, self.changed)
        self.sessions[session.token] = session
        try:
            await asyncio.to_thread(session.start)
        except OSError as error:
            session.end(f"no process could be started ({error})")
            raise InklingError(f"no process could be started for this page ({error.strerror or error})") from None
        session.left_at = session.asked_at = monotonic()
        return session, False

    def make_room(self) -> bool:
        """End the session whose page has been gone for longest, if there is one without a page."""
        gone = [session for session in self.sessions.values() if not session.connected and session.left_at < math.inf]
        if gone:
            min(gone, key=lambda session: session.left_at).end("its page had gone, and somebody else came")
        return bool(gone)

    def named(self, token: str) -> Session:
        """The session of this token. Raises InklingError if it is over."""
        session = self.sessions.get(token)
        if session is None or session.ended is not None:
            raise InklingError("this session is over: reload the page for a new one")
        return session

    def changed(self) -> None:
        """Somebody began to train, or stopped, or is gone: who trains alone may use all cores, many use one each."""
        for token, session in list(self.sessions.items()):
            if session.ended is not None:
                del self.sessions[token]
                task = asyncio.create_task(self.clear(session))
                self.closing.add(task)
                task.add_done_callback(self.closing.discard)
        playing = [session for session in self.sessions.values() if session.playing]
        for session in self.sessions.values():
            session.share(self.threads if len(playing) < 2 else 1)

    async def clear(self, session: Session) -> None:
        """See that the process is gone, and what it kept on disk."""
        await asyncio.to_thread(session.close)
        await asyncio.to_thread(remove, session.folder)

    async def watch(self) -> None:
        """End sessions whose page has gone, or whose visitor has."""
        while True:
            await asyncio.sleep(min(self.grace / 4, 1.0))
            now = monotonic()
            for session in list(self.sessions.values()):
                idle = now - session.asked_at
                if not session.connected and now - session.left_at > self.grace:
                    session.end("the page was closed")
                elif idle > (IDLE_PLAYING if session.playing else IDLE):
                    session.end(f"nothing was asked for in {idle / 60:.0f} minutes, so the training was ended")

    async def end(self) -> None:
        """End everything: no process is left."""
        for session in list(self.sessions.values()):
            session.end("the playground was closed")
        while self.closing:
            await asyncio.wait(self.closing)

    # The stream.

    async def stream(self, socket: WebSocket) -> None:
        """One page's connection, from the first word to the last."""
        await socket.accept()
        try:
            session, resumed = await self.session(socket.query_params.get("session", ""))
        except InklingError as error:
            await refuse(socket, str(error))
            return
        except asyncio.CancelledError:  # the server is to end
            return
        page = session.arrive()
        try:
            hello = await self.hello(session, resumed)
            await socket.send_text(json.dumps(hello))
            sender = asyncio.create_task(self.send(socket, session, page))
            try:
                await self.receive(socket, session)
            finally:
                sender.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await sender
        except InklingError as error:
            with contextlib.suppress(Exception):
                await socket.send_text(json.dumps({"type": "ended", "reason": str(error)}))
                await socket.close(ENDED)
        except (RuntimeError, OSError, asyncio.CancelledError):  # the page or the server went away in mid-word
            pass
        finally:
            session.leave(page)

    async def hello(self, session: Session, resumed: bool) -> dict[str, Any]:
        """The first message."""
        known = await session.greet()
        return {
            "type": "hello",
            "session": session.token,
            "version": __version__,
            "resumed": resumed,
            "limits": LIMITS,
            "presets": self.presets,
            "grace_seconds": self.grace,
            **known,
        }

    async def receive(self, socket: WebSocket, session: Session) -> None:
        """Check what the page says and pass it on, until the page is gone."""
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if message.get("text") is not None:
                    session.command(read_command(message["text"]))
                else:
                    session.command(read_drawing(message.get("bytes") or b""))
            except Refused as error:
                reply = {"type": "reply", "id": error.id, "ok": False, "error": str(error), "where": error.where}
                session.texts.append(("text", json.dumps(reply).encode()))
                session.something.set()

    async def send(self, socket: WebSocket, session: Session, page: int) -> None:
        """Send what waits: every reply, and of ticks the newest."""
        while True:
            await session.something.wait()
            session.something.clear()
            if session.page != page:
                session.something.set()  # it was meant for the newer connection
                await socket.close(TAKEN_OVER, "another page has taken over")
                return
            if session.slow:
                await socket.close(TOO_SLOW, "the page takes nothing")
                return
            while session.texts:
                kind, content = session.texts.popleft()
                await (socket.send_text(content.decode()) if kind == "text" else socket.send_bytes(content))
            if session.newest is not None:
                newest, session.newest = session.newest, None
                await socket.send_bytes(newest)
            if session.ended is not None and not session.texts:
                await socket.close(ENDED)
                return

    # The rest.

    async def upload(self, request: Request) -> Response:
        """A file with images."""
        session = self.named(request.query_params.get("session", ""))
        name = tidy(request.query_params.get("name", ""))
        mark = secrets.token_hex(8)
        file, kept = session.folder / mark, session.folder / f"{mark}-kept"
        async with session.uploading:  # one after the other: so many are the most that lie on the disk
            if len(session.uploads.keys() - {name}) >= UPLOADS:
                raise InklingError(
                    f"{UPLOADS} files are the most at a time: upload one under a name that is there already"
                )
            needless = [file, session.folder / f"{kept.name}-unpacked", kept]
            try:
                await receive_file(request, file, LIMITS["upload_bytes"])
                async with self.jobs:
                    await asyncio.to_thread(run_job, take_in, file, name, kept)
                found = await session.ask(partial(errands.Uploaded, name=name, folder=kept))
                needless[-1] = session.uploads.get(name, file)
                session.uploads[name] = kept
            finally:
                await asyncio.to_thread(remove, *needless)
        return JSONResponse({"ok": True, **found})

    async def save_model(self, request: Request) -> Response:
        """The network as a file."""
        session = self.named(request.query_params.get("session", ""))
        path = session.folder / f"{secrets.token_hex(8)}.safetensors"
        try:
            await session.ask(partial(errands.Save, path=path))
            content = await asyncio.to_thread(path.read_bytes)
        finally:
            remove(path)
        return download(content, "playground.safetensors", "application/octet-stream")

    async def load_model(self, request: Request) -> Response:
        """A network from a file, or the one that comes along with Inkling."""
        session = self.named(request.query_params.get("session", ""))
        if request.query_params.get("name") == "pretrained":
            return JSONResponse({"ok": True, **await session.ask(partial(errands.Load, path=PRETRAINED))})
        path = session.folder / f"{secrets.token_hex(8)}.safetensors"
        try:
            await receive_file(request, path, LIMITS["upload_bytes"])
            try:
                found = await session.ask(partial(errands.Load, path=path))
            except InklingError as error:
                raise InklingError(str(error).replace(str(path), "the file")) from None
        finally:
            remove(path)
        return JSONResponse({"ok": True, **found})

    async def report(self, request: Request) -> Response:
        """The page about the training so far."""
        session = self.named(request.query_params.get("session", ""))
        folder = session.folder / secrets.token_hex(8)
        try:
            await session.ask(partial(errands.WriteRun, folder=folder))
            async with self.jobs:
                path = await asyncio.to_thread(run_job, write_report, folder, self.data)
            content = await asyncio.to_thread(path.read_bytes)
        finally:
            await asyncio.to_thread(remove, folder)
        return download(content, "playground-report.html", "text/html")

    async def sample(self, request: Request) -> Response:
        """One image."""
        session = self.named(request.query_params.get("session", ""))
        split, index = request.query_params.get("split", "validation"), request.query_params.get("index", "0")
        if split not in ("train", "validation") or not (index.isascii() and index.isdecimal() and len(index) < 10):
            raise InklingError("split is train or validation, and index a whole number of at least 0")
        return JSONResponse({"ok": True, **await session.ask(partial(errands.Sample, split=split, index=int(index)))})


async def receive_file(request: Request, path: Path, most: int) -> None:
    """Write the request's body to a file. Raises InklingError once it is longer than `most` bytes."""
    said = request.headers.get("content-length", "0")
    size = 0
    with path.open("wb") as file:
        if not said.isdecimal() or int(said) > most:
            raise InklingError(f"the file is too large: {most // 10**6} MB are the most here")
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > most:
                    raise InklingError(f"the file is too large: {most // 10**6} MB are the most here")
                await asyncio.to_thread(file.write, chunk)
        except ClientDisconnect:
            raise InklingError("the file broke off on its way") from None
    if not size:
        raise InklingError("the file is empty")


def remove(*places: Path) -> None:
    """Files and folders, if they are there; what somebody still looks at goes with its session."""
    for place in places:
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                place.unlink(missing_ok=True)


def download(content: bytes, name: str, kind: str) -> Response:
    """A file for the browser to save."""
    return Response(content, media_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def tidy(name: str) -> str:
    """The name of a file as it may be shown. Raises InklingError if there is nothing left of it."""
    name = "".join(c for c in name.replace("\\", "/").rpartition("/")[2] if c.isprintable())[-100:].strip()
    if not name or name in (".", "..", "default"):
        raise InklingError("the file needs a name, such as digits.csv")
    return name


async def refuse(socket: WebSocket, reason: str) -> None:
    """Tell a page that there is no room for it."""
    await socket.send_text(json.dumps({"type": "ended", "reason": reason, "full": True}))
    await socket.close(FULL)


async def on_error(_: Request, error: Exception) -> Response:
    """What a visitor can put right, in one line."""
    return JSONResponse({"ok": False, "error": str(error)}, 400)


def make_app(playground: Playground, names: list[str]) -> Starlette:
    """The application. `names`: host names, besides addresses and localhost, that it answers to."""
    for ending, kind in ((".js", "text/javascript"), (".css", "text/css"), (".svg", "image/svg+xml")):
        mimetypes.add_type(kind, ending)  # a system's own table may say otherwise
    static = Path(str(resources.files("inkling.playground"))) / "static"
    charts = Path(str(resources.files("inkling.report"))) / "static"

    async def index(_: Request) -> Response:
        return FileResponse(static / "index.html")

    async def chart(request: Request) -> Response:
        return FileResponse(charts / request.url.path.rpartition("/")[2])

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(playground.watch())
        yield
        watching.cancel()
        await playground.end()

    return Starlette(
        routes=[
            Route("/", index),
            *(Route(f"/static/{name}", chart) for name in LOADED_FROM_REPORT),
            Mount("/static", StaticFiles(directory=static)),
            WebSocketRoute("/stream", playground.stream),
            Route("/api/upload", playground.upload, methods=["POST"]),
            Route("/api/model", playground.save_model, methods=["GET"]),
            Route("/api/model", playground.load_model, methods=["POST"]),
            Route("/api/report", playground.report),
            Route("/api/sample", playground.sample),
        ],
        middleware=[Middleware(Guard, names=names)],
        exception_handlers={InklingError: on_error},
        lifespan=lifespan,
    )
