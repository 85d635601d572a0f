"""From `inkling play` to a page in the browser, and back to the prompt with nothing left behind."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import signal
import socket
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path

from inkling.data import Digits
from inkling.engine import available_threads
from inkling.errors import InklingError

LARGEST_MESSAGE = 2**18
"""Bytes of a WebSocket message that are taken in at all: a drawing has 160,000."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises InklingError in one line if that cannot be."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    except (OSError, UnicodeError) as error:
        raise InklingError(f"--host {host}: there is no such address ({error})") from None
    try:
        return socket.create_server(address[:2], family=family, backlog=128)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise InklingError(
                f"--port {port}: something listens there already, perhaps another playground; "
                "name another port, or 0 for any that is free"
            ) from None
        raise InklingError(f"cannot listen at {host}, port {port}: {error.strerror or error}") from None


def serve(
    listening: socket.socket,
    digits: Digits,
    *,
    host: str,
    sessions: int,
    ready: Callable[[str], None],
    browser: bool = False,
) -> None:
    """Serve the playground until Ctrl-C. `ready` is called with its address once it is there."""
    import uvicorn

    from inkling.playground.server import Playground, make_app
    from inkling.playground.session import warm_up

    names = [socket.gethostname().lower(), host.lower()]
    address = f"http://{shown(host)}:{listening.getsockname()[1]}/"

    class Server(uvicorn.Server):
        """Ends all trainings as soon as it is to go, not when their pages have."""

        def __init__(self, playground: Playground) -> None:
            self.playground = playground
            config = uvicorn.Config(
                make_app(playground, names),
                log_level="error",
                access_log=False,
                server_header=False,
                ws_max_size=LARGEST_MESSAGE,
                ws_per_message_deflate=False,
                timeout_graceful_shutdown=1,
                lifespan="on",
            )
            super().__init__(config)

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            ready(address)
            if browser:
                await asyncio.to_thread(webbrowser.open, address)

        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            await self.playground.end()
            await super().shutdown(sockets)

    async def run(folder: str) -> None:
        warm_up()
        playground = Playground(digits, Path(folder), sessions=sessions, threads=available_threads())
        await Server(playground).serve([listening])

    def end(*_: object) -> None:
        raise SystemExit(0)

    # A polite kill, or a terminal that is closed, is as good as Ctrl-C: all leave nothing behind.
    signal.signal(signal.SIGTERM, end)
    if hasattr(signal, "SIGHUP"):
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
    kept = tempfile.TemporaryDirectory(prefix="inkling-play-", ignore_cleanup_errors=True)
    with kept as folder, contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run(folder))


def shown(host: str) -> str:
    """The host as it stands in an address that this machine's browser can open."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return "127.0.0.1" if address.version == 4 else "[::1]"
    return host if address.version == 4 else f"[{host}]"
