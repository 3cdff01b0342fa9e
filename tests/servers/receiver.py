"""An HTTP receiver on loopback that takes JSON as PagerDuty or a webhook does, and fails as it is told.

    with Receiver() as receiver:
        receiver.next(429, headers={"Retry-After": "7"})
        ...  # the program posts to receiver.url
        assert receiver.received[0].json["event_action"] == "trigger"

It must not know what is being tested.
"""

import json
import socket
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

LOST = 0
"""As a status: the request is taken, and its answer is lost."""


@dataclass(frozen=True, slots=True)
class Received:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    at: float = field(default_factory=time.time)

    @property
    def json(self) -> Any:  # noqa: ANN401  # any document
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Told:
    """What is answered."""

    status: int
    body: str = "{}"
    headers: Mapping[str, str] = field(default_factory=dict)


class _Server(ThreadingHTTPServer):
    """It says nothing of callers who left before they were answered, as those do that are killed."""

    def handle_error(self, *_: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(*_)  # type: ignore[arg-type]  # passed on


class Receiver:
    """A server for the length of a `with` block; it answers `status` unless told otherwise."""

    def __init__(self, status: int = 202) -> None:
        self.status = status
        self.received: list[Received] = []
        self._next: list[Told] = []
        self._server = _Server(("127.0.0.1", 0), self._handler())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def next(self, status: int, body: str = "{}", headers: Mapping[str, str] | None = None) -> None:
        """Answer the next request so."""
        self._next.append(Told(status, body, headers or {}))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:  # the library's name
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length)
                if len(body) < length:  # whoever sent it was cut off
                    self.close_connection = True
                    return
                receiver.received.append(Received(self.path, dict(self.headers.items()), body))
                told = receiver._next.pop(0) if receiver._next else Told(receiver.status)
                if told.status == LOST:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(told.status)
                content = told.body.encode()
                lines = {"Content-Type": "application/json", "Content-Length": str(len(content)), **told.headers}
                for name, value in lines.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST  # noqa: N815  # the library's name

            def log_message(self, *_: object) -> None:
                return

        return Handler
