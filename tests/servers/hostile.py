"""A server on loopback that misbehaves as it is told, byte by byte, and remembers what it was sent.

with Hostile(reply(b"<html>")) as hostile:
    PrometheusSource(hostile.url).instant("up", at, deadline=1)
    assert hostile.heads[0].startswith("POST /api/v1/query ")
"""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO, Self, TypeAlias

Behaviour: TypeAlias = Callable[[socket.socket, threading.Event], None]
"""What is done with a connection once its request was read; the event is set when the server is being ended."""


def reply(
    body: bytes | Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None, *, short: int = 0
) -> Behaviour:
    """Answer with `body` (a mapping is sent as JSON); `short` bytes more are promised, and then it is cut off."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = {"Content-Type": "application/json", "Content-Length": str(len(content) + short), **(headers or {})}
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())

    def answer(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(head.encode() + b"\r\n" + content)
        if short:
            connection.shutdown(socket.SHUT_RDWR)

    return answer


def vector(*samples: tuple[Mapping[str, str], Any], **more: object) -> dict[str, Any]:
    """Give the JSON of a successful instant query; `more` stands beside `status` (warnings, infos, isPartial)."""
    result = [{"metric": labels, "value": [1000, value]} for labels, value in samples]
    return {"status": "success", "data": {"resultType": "vector", "result": result}, **more}


def cut(connection: socket.socket, _: threading.Event) -> None:
    """Close the connection without a word."""
    connection.shutdown(socket.SHUT_RDWR)


def hang(_: socket.socket, ended: threading.Event) -> None:
    """Take the request and never answer."""
    ended.wait()


def drip(text: bytes, every: float = 0.2) -> Behaviour:
    """Answer with `text`, a byte every so many seconds, for ever."""

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        for byte in text + b"a" * 10_000:
            connection.sendall(bytes([byte]))
            if ended.wait(every):
                return

    return answer


def late(text: bytes, after: float) -> Behaviour:
    """Answer with `text` after so many seconds, and then hang."""

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        ended.wait(after)
        connection.sendall(text)
        ended.wait()

    return answer


def flood(head: bytes, chunk: bytes = b" " * 65536, size: int = 100_000_000) -> Behaviour:
    """Answer with `head` and then `size` bytes of `chunk`s as fast as they are taken."""

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        connection.sendall(head)
        for _ in range(size // len(chunk)):
            if ended.is_set():
                return
            connection.sendall(chunk)

    return answer


class Hostile:
    """Listens for the length of a `with` block and does `behaviour` to every request."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour
        self.tls = tls
        self.heads: list[str] = []
        self.bodies: list[str] = []
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        # small, so that a large question has to wait for being read
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self._connections: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._listen)]

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.address}"

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads[1:]:
            thread.join()

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, accepted: socket.socket) -> None:
        try:
            connection = self.tls.wrap_socket(accepted, server_side=True) if self.tls else accepted
        except OSError:
            accepted.close()
            return
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            while not self._ended.is_set() and self._read(lines):
                self.behaviour(connection, self._ended)

    def _read(self, lines: BinaryIO) -> bool:
        head = ""
        while (line := lines.readline().decode(errors="replace")) not in ("\r\n", ""):
            head += line
        if not head:
            return False
        sizes = [line for line in head.splitlines() if line.lower().startswith("content-length:")]
        self.heads.append(head)
        self.bodies.append(lines.read(int(sizes[0].split(":")[1]) if sizes else 0).decode())
        return True
