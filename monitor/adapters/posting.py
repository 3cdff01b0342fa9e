"""A JSON document posted to a server that carries pages, and what its answer means. Shared by the pagers on HTTP.

The deadline and the size are those of the bounded session; nothing is retried here, and no redirect is followed. An
address may hold a secret: what is said of trouble names the setting, never the address.
"""

import json
import threading
from collections.abc import Mapping
from typing import Any, TypeAlias

import requests
import urllib3

from monitor.adapters.http import Access, BoundedAdapter, BoundedSession, Reply, TooLargeError
from monitor.ports.pager import Ambiguous, Rejected, RetryAfter, Sent

Answer: TypeAlias = Sent | Rejected | Ambiguous | RetryAfter

TIMEOUT = 10.0
DEFAULT_WAIT, LONGEST_WAIT, UNREACHED_WAIT = 30.0, 300.0, 5.0
SHOWN = 200
NOBODY = Access()
"""How a server is spoken to that asks for no credentials of ours."""


class Poster:
    """Posts documents to one server.

    `setting` is where its address stands, `credentials` where those of `access` do. Thread-safe.
    """

    def __init__(
        self, setting: str, access: Access = NOBODY, *, timeout: float = TIMEOUT, credentials: str = ""
    ) -> None:
        self._setting = setting
        self._access = access
        self._credentials = credentials
        self._timeout = timeout
        self._connections = BoundedAdapter(2)
        self._own = threading.local()

    def post(self, url: str, document: object, headers: Mapping[str, str] | None = None) -> Answer:
        """Post `document` (JSON, or ready bytes) and give what became of it. Never raises."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.ask("POST", url, body, {"Content-Type": "application/json", **(headers or {})})

    def ask(self, method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Answer:
        """Make one exchange and give what became of it. Never raises."""
        session = self._session()
        try:
            reply = session.request(method, url, timeout=self._timeout, body=body, headers=headers)
        except TooLargeError:
            return Ambiguous("its answer is too large to be read")
        except requests.ConnectTimeout:
            return RetryAfter(UNREACHED_WAIT, f"no connection came about in time: is {self._setting} right?")
        except requests.ConnectionError as problem:
            return self._broken(problem)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            return Ambiguous(f"no complete answer ({type(problem).__name__})")
        except ValueError as problem:  # such as a header that cannot be written: its words may hold a secret
            return Rejected(f"the request could not be written ({type(problem).__name__}): is {self._setting} right?")
        return self._read(reply)

    def _session(self) -> BoundedSession:
        """Give this thread's session over the shared connections."""
        if not hasattr(self._own, "session"):
            self._own.session = BoundedSession(self._connections, self._access)
        session: BoundedSession = self._own.session
        return session

    def _broken(self, problem: requests.ConnectionError) -> Answer:
        """Where no connection came about nothing was taken; after that nobody knows."""
        reason = getattr(problem.args[0] if problem.args else None, "reason", None)
        if isinstance(reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
            return RetryAfter(UNREACHED_WAIT, f"it could not be reached: is {self._setting} right?")
        if isinstance(reason, urllib3.exceptions.SSLError):
            return Rejected(f"its certificate is not trusted: is {self._setting} right?")
        return Ambiguous(f"the connection broke before the answer ({type(problem).__name__})")

    def _read(self, reply: Reply) -> Answer:
        status = reply.status_code
        if 200 <= status < 300:  # noqa: PLR2004  # taken
            return Sent("")
        if status == 429:  # noqa: PLR2004  # too many requests
            seconds = wait_of(reply.headers.get("Retry-After", ""))
            return RetryAfter(seconds, f"it asks to wait {seconds:.0f} s")
        if status >= 500 or status == 408:  # noqa: PLR2004  # the server's own failures
            return Ambiguous(f"it failed while it answered (HTTP {status})")
        if 300 <= status < 400:  # noqa: PLR2004  # elsewhere
            return Rejected(f"it answers with a redirect (HTTP {status}), which is not followed: mend {self._setting}")
        see = self._credentials if status in {401, 403} and self._credentials else self._setting
        return Rejected(f"it refused (HTTP {status}{self._unspoken(_words(reply))}): see {see}")

    def _unspoken(self, words: str) -> str:
        """Give `words` without our secrets: a server may echo what it was sent."""
        for secret in self._access.secrets():
            words = words.replace(secret, "***")
        return words


def wait_of(header: str) -> float:
    """Give the seconds of `Retry-After`: 1 to 300, and 30 where it cannot be read."""
    text = header.strip()
    return min(max(float(text), 1.0), LONGEST_WAIT) if text.isascii() and text.isdecimal() else DEFAULT_WAIT


def _words(reply: Reply) -> str:
    """Give what a server says of its refusal, on one line, or nothing."""
    try:
        told: Any = reply.json()
    except ValueError:
        return ""
    found = told.get("message") or told.get("error") or "" if isinstance(told, dict) else told
    more = told.get("errors") if isinstance(told, dict) else None
    parts = [str(found), *(str(one) for one in more)] if isinstance(more, list) else [str(found)]
    text = " ".join(" ".join(parts).split())[:SHOWN]
    return f": {text}" if text else ""
