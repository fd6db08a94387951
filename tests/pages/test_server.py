"""Pages for the user's own browser: the token, the Host, the Origin, the cookie."""

import socket
import sys
from contextlib import ExitStack

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from wann.pages.server import serving


async def page(_request):
    return PlainTextResponse("the page")


async def echo(websocket):
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


ROUTES = [Route("/", page), WebSocketRoute("/echo", echo)]


@pytest.fixture
def served():
    """Address of a page that nobody has opened yet: with its token, and without."""
    with serving(ROUTES) as address:
        yield address, address.partition("?")[0]


@pytest.fixture(scope="module")
def opened():
    """Port of a page that has been opened, the cookie that opens it, and the headers of the first answer."""
    with serving(ROUTES) as address, httpx.Client() as client:
        answer = client.get(address)
        assert answer.status_code == 200
        cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
        yield httpx.URL(address).port, cookie, answer.headers


@pytest.fixture
def client():
    with httpx.Client(timeout=120) as client:
        yield client


def test_the_token_opens_the_page_once_and_the_cookie_from_then_on(served, client):
    address, bare = served
    assert client.head(address).status_code == 403  # a link preview, for one, does not spend it
    first = client.get(address)
    assert (first.status_code, first.text) == (200, "the page")
    name, _, rest = first.headers["set-cookie"].partition("=")
    assert name.startswith("wann-")
    assert {part.strip() for part in rest.split(";")[1:]} == {"Path=/", "HttpOnly", "SameSite=Strict"}
    for again in (bare, address, bare):
        answer = client.get(again)
        assert answer.status_code == 200
        assert "set-cookie" not in answer.headers
    client.cookies.clear()
    spent = client.get(address)
    assert (spent.status_code, spent.text.count("\n")) == (403, 1)
    assert "works once" in spent.text


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=wrong", "?token=%ff", "?tokens={}", "favicon.ico?token={}"]
)
def test_nothing_but_the_token_opens_the_page(served, client, query):
    address, bare = served
    token = address.partition("token=")[2]
    assert client.get(bare + query.format(token)).status_code == 403
    assert client.get(bare, headers={"Cookie": f"wann-0={token}"}).status_code == 403
    assert client.get(address).status_code == 200  # the wrong ones did not spend it


def test_the_cookie_of_one_page_does_not_open_another(served, opened):
    assert httpx.get(served[1], headers={"Cookie": opened[1]}).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:{}", 200),
        ("LOCALHOST:{}", 200),
        ("127.0.0.1:{}", 200),
        ("localhost:9", 200),  # through a tunnel, whose end has another port
        ("[::1]:9", 200),
        ("evil.example", 403),
        ("evil.example:{}", 403),
        ("127.0.0.1.evil.example:{}", 403),
        ("evil.example@127.0.0.1:{}", 403),
        ("127.0.0.1:{}/x", 403),
        ("127.0.0.1:port", 403),
        ("127.0.0.2:{}", 403),
        ("", 403),
    ],
)
def test_a_foreign_host_is_refused_even_with_the_cookie(opened, host, status):
    port, cookie, _ = opened
    headers = {"Host": host.format(port), "Cookie": cookie}
    assert httpx.get(f"http://127.0.0.1:{port}/", headers=headers).status_code == status


def test_a_foreign_request_with_the_token_is_refused_and_does_not_spend_it(served, client):
    assert client.get(served[0], headers={"Host": "evil.example"}).status_code == 403
    assert client.get(served[0], headers={"Origin": "http://evil.example"}).status_code == 403
    assert client.get(served[0]).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://127.0.0.1:{}", 200),
        ("http://localhost:{}", 403),  # another origin than the Host's
        ("http://127.0.0.1:9", 403),
        ("https://127.0.0.1:{}", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
def test_a_foreign_origin_is_refused_of_pages_and_websockets(opened, origin, status):
    port, cookie, _ = opened
    headers = {"Cookie": cookie}
    answer = httpx.get(f"http://127.0.0.1:{port}/", headers=headers | {"Origin": origin.format(port)})
    assert answer.status_code == status
    address = f"ws://127.0.0.1:{port}/echo"
    if status == 200:
        with connect(address, additional_headers=headers, origin=origin.format(port), proxy=None) as live:
            live.send("there")
            assert live.recv(timeout=120) == "there"
    else:
        with (
            pytest.raises(InvalidStatus, match="403"),
            connect(address, additional_headers=headers, origin=origin.format(port), proxy=None),
        ):
            pass


@pytest.mark.parametrize("missing", ["cookie", "origin", "host"])
def test_a_websocket_needs_cookie_origin_and_host(opened, missing):
    port, cookie, _ = opened
    name = "evil.example" if missing == "host" else f"127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        lines = [
            "GET /echo HTTP/1.1",
            f"Host: {name}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
            "Sec-WebSocket-Version: 13",
        ]
        lines += [f"Cookie: {cookie}"] * (missing != "cookie")
        lines += [f"Origin: http://{name}"] * (missing != "origin")
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        connection.settimeout(10)
        assert connection.recv(100).startswith(b"HTTP/1.1 403 ")


def test_pages_may_not_be_framed_read_or_kept_by_others(opened):
    headers = opened[2]
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert "server" not in headers


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has all of 127.0.0.0/8 at hand")
def test_it_listens_on_one_loopback_address_only(opened):
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", opened[0]), timeout=60)


def test_a_port_that_is_taken_is_a_mistake_in_one_line(opened):
    port = opened[0]
    with (
        pytest.raises(ValueError, match=rf"^port {port} cannot be had \(.*\): choose another, or leave"),
        serving(ROUTES, port),
    ):
        pass


def test_leaving_ends_it_and_its_websockets():
    with ExitStack() as stack:
        with serving(ROUTES) as address, httpx.Client() as client:
            url = httpx.URL(address)
            client.get(url)
            cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
            live = stack.enter_context(
                connect(
                    f"ws://127.0.0.1:{url.port}/echo",
                    additional_headers={"Cookie": cookie},
                    origin=f"http://127.0.0.1:{url.port}",
                    proxy=None,
                )
            )
        with pytest.raises(ConnectionClosed):
            live.recv(timeout=120)
        with pytest.raises(httpx.ConnectError):
            httpx.get(url)


def test_the_chosen_port_is_used():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with serving(ROUTES, port) as address:
        assert address.startswith(f"http://127.0.0.1:{port}/?token=")
