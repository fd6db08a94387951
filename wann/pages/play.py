"""The page on which a champion plays live: frames of the real environment, and controls while it plays."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from fractions import Fraction
from importlib.resources import files

import jinja2
from markupsafe import Markup
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from wann.champion import Champion
from wann.evolution.shared_weights import RANGE
from wann.pages.player import SPEEDS, Player, Wish

_IN_FLIGHT = 2  # pictures sent and not yet shown; a slow viewer gets the newest when it has shown one


def play_routes(player: Player) -> list[BaseRoute]:
    """What `wann.server.serving` needs to serve a player: the page, its websocket, its films."""

    async def page(_request: Request) -> Response:
        return HTMLResponse(render_page(player.champion))

    async def film(request: Request) -> Response:
        path = player.film(request.path_params["number"])
        if path is None:
            return PlainTextResponse("There is no such film any more.\n", 404)
        return FileResponse(path, filename=path.name)

    async def live(socket: WebSocket) -> None:
        await _serve_viewer(player, socket)

    return [Route("/", page), Route("/film/{number:int}", film), WebSocketRoute("/live", live)]


def render_page(champion: Champion) -> str:
    """The page on which a champion plays, an HTML document."""
    folder = files("wann.pages") / "templates"
    text = {
        name: (folder / name).read_text(encoding="utf-8") for name in ("style.css", "play.css", "play.js")
    }
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("wann.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )
    best, hidden = champion.best_weight, champion.genome.hidden_count
    return environment.get_template("play.html").render(
        champion=champion,
        size=f"{champion.genome.connection_count} connections, {hidden} hidden node{'s' * (hidden != 1)}",
        best=best,
        shown_best=f"{best:.2f}".replace("-", "−"),
        low=RANGE[0],
        high=RANGE[1],
        speeds=[(f"{speed:g}", f"{Fraction(speed)} ×") for speed in SPEEDS],
        style=Markup(text["style.css"] + text["play.css"]),  # noqa: S704  our own
        script=Markup(text["play.js"]),  # noqa: S704  our own
    )


async def _serve_viewer(player: Player, socket: WebSocket) -> None:
    """Send the newest shot whenever the viewer has shown the one before, and pass on what it asks for."""
    await socket.accept()
    loop, news = asyncio.get_running_loop(), asyncio.Event()
    sent = seen = in_flight = 0

    async def send_shots() -> None:
        nonlocal sent, in_flight
        while True:
            await news.wait()
            news.clear()
            shot = player.shot
            if shot.number > sent and in_flight < _IN_FLIGHT:
                sent, in_flight = shot.number, in_flight + 1
                await socket.send_bytes(shot.message())

    def tell() -> None:
        with suppress(RuntimeError):  # the loop may have ended
            loop.call_soon_threadsafe(news.set)

    sender = asyncio.create_task(send_shots())
    try:
        with player.viewed(tell):
            news.set()
            while True:
                text = await socket.receive_text()
                try:
                    wish = Wish.model_validate_json(text)
                except ValidationError as error:
                    await socket.send_json({"refused": _complaint(error)})
                    continue
                if wish.seen is not None:
                    if wish.seen > seen:
                        seen, in_flight = wish.seen, max(in_flight - 1, 0)
                    news.set()
                    continue
                try:
                    player.ask(wish)
                except ValueError as error:
                    await socket.send_json({"refused": str(error)})
    except (WebSocketDisconnect, KeyError):  # gone; or bytes, which a page of ours does not send
        pass
    finally:
        sender.cancel()
        with suppress(asyncio.CancelledError, WebSocketDisconnect, RuntimeError):
            await sender


def _complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, first['loc'])) or 'the message'}: {first['msg']}"
