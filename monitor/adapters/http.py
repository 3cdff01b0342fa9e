"""One HTTP exchange with a server, bounded in time and size whatever the server does; shared by the adapters.

Time: connect, TLS, headers and body share one deadline, checked before every single read from the socket. Size: what
comes over the wire and what it unpacks to are both capped. This module must not know what a query or a sample is.
"""

import base64
import http.client
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import orjson
import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

MAX_BYTES = 16 * 1024 * 1024
CHUNK = 64 * 1024
_HEADERS_ALLOWANCE = 256 * 1024


class TooLargeError(Exception):
    """The answer is larger than we are willing to hold."""


class Reply:
    """A whole answer, as prometheus-api-client and this adapter read it; parsed once, however often it is looked at."""

    def __init__(self, status_code: int, headers: Mapping[str, str], content: bytes) -> None:
        self.status_code = status_code
        self.headers = headers
        self.content = content
        self._parsed: list[Any] = []

    def json(self) -> Any:  # noqa: ANN401  # JSON is anything until it is looked at
        """Give the parsed body; `ValueError` where it is no JSON."""
        if not self._parsed:
            self._parsed.append(orjson.loads(self.content))
        return self._parsed[0]


@dataclass(frozen=True, slots=True)
class Access:
    """How a server is spoken to: extra headers, a bearer token or basic credentials, and TLS files; all optional."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    bearer_token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""

    def secrets(self) -> tuple[str, ...]:
        """Give every text that must not appear in a sentence, longest first."""
        pair = base64.b64encode(f"{self.username}:{self.password}".encode()).decode() if self.password else ""
        found = {self.bearer_token, self.password, pair, *self.headers.values()}
        return tuple(sorted((one for one in found if one), key=len, reverse=True))


class BoundedSession(requests.Session):
    """A `requests.Session` that reads every answer whole, within its deadline and the size cap.

    A POST carries its parameters in the form body. No redirects, no cookies, no environment (proxies, .netrc), no
    retries. `reply` is the last answer: a session belongs to one thread, its connections (`adapter`) to all.
    """

    def __init__(self, adapter: HTTPAdapter, access: Access) -> None:
        super().__init__()
        self.reply: Reply | None = None
        self.trust_env = False
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.headers = {"Accept": "application/json", "Accept-Encoding": "identity", **access.headers}
        if access.bearer_token:
            self.headers["Authorization"] = f"Bearer {access.bearer_token}"
        elif access.username:
            self.auth = (access.username, access.password)
        self.verify = access.ca_file or True
        if access.cert_file:
            self.cert = (access.cert_file, access.key_file) if access.key_file else access.cert_file
        self._adapter = adapter

    def get_adapter(self, url: str) -> HTTPAdapter:
        """Give the shared connections, whatever a library has mounted."""
        del url
        return self._adapter

    def get_redirect_target(self, resp: requests.Response) -> None:
        """Follow nobody elsewhere."""
        del resp

    def request(  # type: ignore[override]  # what the library and this adapter pass, and nothing else
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        timeout: float | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        read: bool = True,
        **_defaults: object,
    ) -> Reply:
        """Make one exchange of at most `timeout` seconds in all. Raises what requests raises, and `TooLargeError`.

        `body` is sent as it stands, in place of a form. Without `read` the answer ends with its headers: nothing of
        its body is taken, and the connection is let go.
        """
        self.reply = None
        form: Any = body
        query = params
        if method == "POST" and body is None:
            form, query = params, None
        total: Any = urllib3.Timeout(total=timeout)  # requests hands it on to urllib3
        with super().request(
            method, url, params=query, data=form, headers=headers, timeout=total, stream=True, allow_redirects=False
        ) as response:
            self.reply = Reply(response.status_code, response.headers, _body(response) if read else b"")
        return self.reply


def _body(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(CHUNK):
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLargeError
    return bytes(body)


class BoundedAdapter(HTTPAdapter):
    """Connections that keep to a deadline, shared by all threads; nothing is retried."""

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=2, pool_maxsize=connections, max_retries=urllib3.Retry(0, read=False))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # passed on
        """Make the pools with our own connections."""
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}


class _BoundedReads(io.RawIOBase):
    """The reading end of a socket: ends at the deadline, and after so many bytes of one answer."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._ends = time.monotonic() + (sock.gettimeout() or 0.0)
        self._left = MAX_BYTES + _HEADERS_ALLOWANCE
        self._file = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401  # a buffer has no narrower type before 3.12
        left = self._ends - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        if self._left <= 0:
            raise TooLargeError
        self._sock.settimeout(left)
        count = self._file.readinto(buffer)
        self._left -= count or 0
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


class _Wire:
    """What `HTTPResponse` takes for a socket: something that makes it a file to read from."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_BoundedReads(self._sock), CHUNK)


class _BoundedResponse(http.client.HTTPResponse):
    """A response that reads its headers and body through `_BoundedReads`."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401  # passed on
        super().__init__(_Wire(sock), *args, **kwargs)  # type: ignore[arg-type]  # it only calls makefile


class _Deadline:
    """Mixed into a connection: `timeout`, once set, counts down, so that its phases share it.

    urllib3 sets it when a request begins and again, to what is left of the total, before the answer is read; at both
    times it gives the socket what is left.
    """

    response_class = _BoundedResponse
    sock: socket.socket | None
    host: str
    port: int
    _ends: float | None = None

    @property
    def timeout(self) -> float | None:
        """Give the seconds left (at least a millisecond: 0 would mean "do not block")."""
        return None if self._ends is None else max(0.001, self._ends - time.monotonic())

    @timeout.setter
    def timeout(self, seconds: object) -> None:
        self._ends = time.monotonic() + seconds if isinstance(seconds, int | float) else None

    def _new_conn(self) -> socket.socket:
        """Connect to the first address that answers, each being given its share of the time that is left."""
        try:
            addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as problem:
            raise NameResolutionError(self.host, self, problem) from problem  # type: ignore[arg-type]  # as above
        failed: OSError = OSError("no address")
        for still, (family, kind, protocol, _, address) in zip(range(len(addresses), 0, -1), addresses, strict=True):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.settimeout(None if self.timeout is None else self.timeout / still)
                sock.connect(address)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(self.timeout)
            except OSError as problem:
                sock.close()
                failed = problem
            else:
                return sock
        if isinstance(failed, TimeoutError):
            raise ConnectTimeoutError(self, "no address answered in time") from failed
        raise NewConnectionError(self, failed.strerror or str(failed)) from failed  # type: ignore[arg-type]  # as above


class _Connection(_Deadline, urllib3.connection.HTTPConnection):  # type: ignore[misc]  # timeout counts down
    pass


class _TlsConnection(_Deadline, urllib3.connection.HTTPSConnection):  # type: ignore[misc]  # timeout counts down
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection
