"""Who may talk to the server: pages that it has served itself, and nobody else's.

A browser tells with every WebSocket and every POST which page it comes from (`Origin`), and with everything which host
it believes to talk to (`Host`). Another site's page has another origin. A site that lets its own name point to this
machine (DNS rebinding) has its name in both; so a host must be an address, which nobody can re-point, or a name that is
known. What goes out says what a page may do: load from here alone, and run no script but files from here.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",
}


class Guard:
    """Lets through what comes from a page of this server's own, and dresses what goes out."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self.app, self.names = app, {"localhost", *names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        problem = self.problem(scope)
        if problem and scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": problem[:120]})
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if problem:
            await JSONResponse({"ok": False, "error": problem}, 403)(scope, receive, dressed)
            return
        await self.app(scope, receive, dressed)

    def problem(self, scope: Scope) -> str:
        """Why this request is refused; empty if it isn't."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self.known(host):
            return "this host name is not the playground's; use http://127.0.0.1 or http://localhost with its port"
        asks = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if asks and headers.get("origin", "").partition("://")[2].lower() != host.lower():
            return "only the playground's own page may do this: the Origin header is another's, or missing"
        return ""

    def known(self, host: str) -> bool:
        """Whether a Host header names this server: an address, or one of the names that it goes by."""
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        name = name.lower().removesuffix(".")
        if name in self.names:
            return True
        try:
            ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
        except ValueError:
            return False
        return True
