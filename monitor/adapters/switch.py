"""A dead-man's switch that is called over HTTP: one request, no redirects, bounded in time and in what is read.

No proxies and nothing else of the environment. The URL is a secret: it stands in no problem that is told.
"""

import contextlib
import http.client
import socket
import ssl
import threading
from urllib.parse import urlsplit

WITHIN = 10.0
"""Seconds that one call may take in all."""

WELL = range(200, 300)


class HttpSwitch:
    """Implements `monitor.ports.world.Switch`."""

    def __init__(self, url: str, method: str = "GET", within: float = WITHIN) -> None:
        self._url = urlsplit(url)
        self._method = method
        self._within = within

    def call(self) -> str:
        """Call it once; give what was wrong, or nothing."""
        late = threading.Event()
        connection = self._connection()

        def cut() -> None:
            """A server that drips keeps each single read alive: this ends them all."""
            late.set()
            if connection.sock is not None:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # that of TLS would talk first

        timer = threading.Timer(self._within, cut)
        timer.daemon = True
        timer.start()
        try:
            problem = self._asked(connection)
        except (OSError, http.client.HTTPException, ValueError) as error:
            problem = f"no answer: {_said(error)}"
        finally:
            timer.cancel()
            connection.close()
        return f"no answer within {self._within:.0f} s" if late.is_set() else problem

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._within / 2, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._within / 2)

    def _asked(self, connection: http.client.HTTPConnection) -> str:
        """The body is not read: only the status counts."""
        path = (self._url.path or "/") + (f"?{self._url.query}" if self._url.query else "")
        headers = {"User-Agent": "rollback-monitor", "Connection": "close"}
        connection.request(self._method, path, body=b"" if self._method == "POST" else None, headers=headers)
        status = connection.getresponse().status
        return "" if status in WELL else f"it answered {status}"


def _said(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or type(error).__name__
