"""Clients that drip, wait or do not read: each is let go in time, there is room for others, and health is answered."""

import contextlib
import http.client
import select
import socket
import time
from collections.abc import Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.runtime.listening import BoundedProtocol
from monitor.runtime.serving import Serving

SOON = 3.0
HEAD = b"GET /-/healthy HTTP/1.1\r\nHost: a\r\n"


async def healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


async def huge(_request: Request) -> Response:
    return PlainTextResponse("x" * 32_000_000)


class Hasty(BoundedProtocol):
    """A connection with shorter times, and with fewer beside it."""

    head_within, whole_within, most = 1.0, 1.5, 20


@pytest.fixture
def port() -> Iterator[int]:
    """A listener of such connections."""
    application = Starlette(routes=[Route("/-/healthy", healthy), Route("/huge", huge)])
    serving = Serving(application, "127.0.0.1:0", None, connection=Hasty)
    url = serving.bind()
    serving.start()
    yield int(url.rpartition(":")[2])
    serving.stop()
    serving.join(5)


def connected(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def ask(port: int) -> float:
    """Ask for health; the seconds that it took."""
    began = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/-/healthy")
        assert connection.getresponse().read() == b"ok\n"
    return time.monotonic() - began


def gone(one: socket.socket) -> bool:
    """Whether the other end has let go of it."""
    if not select.select([one], [], [], 0)[0]:
        return False
    try:
        return one.recv(1 << 16) == b""
    except OSError:
        return True


def let_go(one: socket.socket, drip: bytes = b"") -> float:
    """Drip until the connection is let go; the seconds that it took."""
    began = time.monotonic()
    for byte in drip * 100:
        if gone(one):
            break
        with contextlib.suppress(OSError):
            one.sendall(bytes([byte]))
        time.sleep(0.05)
        assert time.monotonic() - began < 10, "it is held for ever"
    while not gone(one):
        time.sleep(0.02)
        assert time.monotonic() - began < 10, "it is held for ever"
    return time.monotonic() - began


def test_a_head_that_drips_is_let_go_in_time(port: int) -> None:
    with connected(port) as slow:
        assert let_go(slow, drip=HEAD) < SOON


def test_so_is_who_says_nothing(port: int) -> None:
    with connected(port) as slow:
        assert let_go(slow) < SOON


def test_so_is_who_drips_after_an_answer(port: int) -> None:
    with connected(port) as slow:
        slow.sendall(HEAD + b"\r\n")
        assert slow.recv(1000).startswith(b"HTTP/1.1 200")
        assert let_go(slow, drip=HEAD) < SOON


def test_so_is_who_does_not_read_the_answer(port: int) -> None:
    with connected(port) as slow:
        slow.sendall(b"GET /huge HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(2.5)
        read = 0
        with contextlib.suppress(OSError):
            while chunk := slow.recv(1 << 20):
                read += len(chunk)
        assert read < 32_000_000


def test_a_head_without_end_is_refused(port: int) -> None:
    with connected(port) as slow:
        slow.sendall(HEAD + b"X-Long: " + b"a" * 20_000)
        assert slow.recv(100).startswith(b"HTTP/1.1 400")


def test_many_that_drip_make_room_and_health_is_answered_meanwhile(port: int) -> None:
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(connected(port)) for _ in range(60)]
        took = []
        ends = time.monotonic() + 0.8
        while time.monotonic() < ends:
            for one in slow:
                with contextlib.suppress(OSError):
                    one.sendall(b"G")
            took.append(ask(port))
        assert max(took) < SOON
        assert sum(1 for one in slow if not gone(one)) <= 20


def test_who_asks_again_and_again_keeps_the_connection(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        for _ in range(4):
            connection.request("GET", "/-/healthy")
            assert connection.getresponse().read() == b"ok\n"
            kept = connection.sock
            time.sleep(0.5)
        assert connection.sock is kept
