"""Pages served to the user's own browser: on loopback only, to whoever has the one-time token.

The printed address holds a token that opens the page once. The first request that brings it spends it and
gets a session cookie that scripts cannot read and other sites cannot send (HttpOnly, SameSite=Strict); from
then on the cookie opens the page, so that a reload works, and an address that is left over in a terminal, a
log or a list of processes is of no use to anyone.

A request passes only where its Host is a loopback name, so that no name of someone else's that is made to
point here gets in (DNS rebinding), and where its Origin, if it has one, is the page's own. Websockets, which
browsers open to anywhere, must have one.
"""

from __future__ import annotations

import secrets
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HOST = "127.0.0.1"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")  # any port: the user's end of a tunnel may have another
_LARGEST_MESSAGE = 4096  # bytes that a page may send at once
_LEAVING_SECONDS = 2  # what connections have to end


class Guard:
    """Lets a request through to an application where it may pass, and refuses it with 403 elsewhere."""

    def __init__(self, app: ASGIApp) -> None:
        self.token = secrets.token_urlsafe(24)
        self._app = app
        self._spent = False
        # A browser sends the cookies of one port to all of a host: a name for each session.
        self._cookie = f"wann-{secrets.token_hex(4)}", secrets.token_urlsafe(24)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or websocket."""
        request = HTTPConnection(scope)
        reason, welcome = _why_foreign(request), False
        if reason is None and not self._has_cookie(request):
            welcome = self._spend_token(request)
            if not welcome:
                reason = "this page opens with the address that was printed at the start, which works once"
        if reason is not None:
            await self._refuse(scope, receive, send, reason)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add_headers(MutableHeaders(scope=message), request.headers["host"], welcome)
            await send(message)

        await self._app(scope, receive, send_guarded)

    def _has_cookie(self, request: HTTPConnection) -> bool:
        name, value = self._cookie
        return _same(request.cookies.get(name, ""), value)

    def _spend_token(self, request: HTTPConnection) -> bool:
        """Whether this request brings the token, which is then spent."""
        if self._spent or request.scope.get("method") != "GET" or request.url.path != "/":
            return False
        self._spent = _same(request.query_params.get("token", ""), self.token)
        return self._spent

    def _add_headers(self, headers: MutableHeaders, host: str, welcome: bool) -> None:
        headers.setdefault("Cache-Control", "no-store")
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "no-referrer"
        headers["Cross-Origin-Resource-Policy"] = "same-origin"
        # Pages hold their scripts and styles themselves, and talk to this server only.
        headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
            "img-src data: blob:; media-src data: blob:; "
            f"connect-src 'self' ws://{host}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        if welcome:
            name, value = self._cookie
            headers.append("Set-Cookie", f"{name}={value}; Path=/; HttpOnly; SameSite=Strict")

    @staticmethod
    async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the answer is 403
        else:
            await PlainTextResponse(f"Refused: {reason}.\n", 403)(scope, receive, send)


def _why_foreign(request: HTTPConnection) -> str | None:
    """Why a request comes from somewhere else; None where it does not."""
    hosts, origins = (request.headers.getlist(name) for name in ("host", "origin"))
    if len(hosts) != 1 or _name_of(hosts[0]) not in _LOOPBACK:
        return "the Host of this request is not this machine"
    if origins != [f"http://{hosts[0]}"] and (origins or request.scope["type"] == "websocket"):
        return "the Origin of this request is another page"
    return None


def _name_of(host: str) -> str | None:
    """The name in a Host header, without the port; None if it is malformed."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port  # raises where it is no number
    except ValueError:
        return None
    return parts.hostname if parts.netloc == host and "@" not in host else None


def _same(one: str, other: str) -> bool:
    """Whether two secrets are equal, in a time that does not tell where they differ."""
    return secrets.compare_digest(one.encode(), other.encode())


@contextmanager
def serving(routes: Sequence[BaseRoute], port: int = 0) -> Iterator[str]:
    """Serve pages on 127.0.0.1, in a thread of its own, until the block ends.

    Args:
        routes: routes of the application; "/" is the page.
        port: port to listen on; 0 takes a free one.

    Yields:
        The address of the page, with its one-time token.

    Raises:
        ValueError: the port cannot be had.
    """
    guard = Guard(Starlette(routes=[*routes, Route("/favicon.ico", _no_icon)]))
    listener = _listen(port)
    config = uvicorn.Config(
        guard,
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,  # the first request holds the token
        server_header=False,
        proxy_headers=False,
        ws_max_size=_LARGEST_MESSAGE,
        timeout_graceful_shutdown=_LEAVING_SECONDS,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), name="wann pages", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the web server could not start")
            time.sleep(0.01)
        yield f"http://{HOST}:{listener.getsockname()[1]}/?token={guard.token}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):  # Windows, where reuse would let others share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or error
        raise ValueError(
            f"port {port} cannot be had ({reason}): choose another, or leave --port out"
        ) from None
    return listener


async def _no_icon(_request: object) -> Response:
    return Response(status_code=204)
