"""The dead-man's switch over HTTP, against servers that behave and that do not."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from monitor.adapters.memory.world import RecordingSwitch
from monitor.adapters.switch import HttpSwitch
from monitor.ports.world import Switch


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads one request after the other and lets `answer` have the connection."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    asked.append(connection.recv(65536))
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def says(text: str) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(text.encode())


def drips(connection: socket.socket) -> None:
    """Headers without end, a byte every tenth of a second."""
    try:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(100):
            connection.sendall(b"x")
            time.sleep(0.1)
    except OSError:
        return


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_call_is_one_request_to_the_whole_address(method: str) -> None:
    with server(says("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as (url, asked):
        switch: Switch = HttpSwitch(f"{url}/ping/canary-7f3a?rid=1", method)
        assert switch.call() == ""
    assert len(asked) == 1
    assert asked[0].startswith(f"{method} /ping/canary-7f3a?rid=1 HTTP/1.1\r\n".encode())
    assert asked[0].endswith(b"\r\n\r\n")


PROBLEMS = [
    ("an error", says("HTTP/1.1 503 No\r\n\r\n"), "it answered 503"),
    ("a redirect", says("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n"), "it answered 302"),
    ("no HTTP", says("hello\r\n"), "no answer: BadStatusLine"),
    ("nothing", lambda connection: connection.close(), "no answer: RemoteDisconnected"),
    ("headers that drip", drips, "no answer within 1 s"),
]


@pytest.mark.parametrize(("answer", "problem"), [row[1:] for row in PROBLEMS], ids=[row[0] for row in PROBLEMS])
def test_what_is_no_success_is_said_in_time(answer: Callable[[socket.socket], None], problem: str) -> None:
    with server(answer) as (url, asked):
        began = time.monotonic()
        assert HttpSwitch(f"{url}/ping/canary-7f3a", within=1).call() == problem
        assert time.monotonic() - began < 4
    assert len(asked) == 1


def test_a_closed_port_is_said_without_the_secret() -> None:
    assert HttpSwitch("http://127.0.0.1:9/ping/canary-7f3a").call() == "no answer: Connection refused"


def test_the_fake_answers_as_it_is_told() -> None:
    switch: Switch = RecordingSwitch(["it answered 503"])
    assert [switch.call(), switch.call()] == ["it answered 503", ""]
