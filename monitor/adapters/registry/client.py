"""One registry asked whether it has an image: a HEAD for its manifest, a token where it asks for one. Never raises.

Every question is bounded in time and size, redirects are followed on the same host only, and credentials go only to
the registry of the settings and to the token service that it names. It must not know why an image is asked for.
"""

import base64
import threading
import time
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from monitor.adapters.http import Access, BoundedAdapter, BoundedSession, Reply, TooLargeError
from monitor.adapters.registry.challenge import challenge, token_address
from monitor.adapters.registry.reference import reference
from monitor.ports.world import Availability, Missing, Present, Unknown

SETTING = "MONITOR_REGISTRY__URL"
MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""What an image may be: an index of several platforms, or the manifest of one; OCI's and Docker's."""

HOPS = 3
OK, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_MANY = 200, 401, 403, 404, 429
REDIRECTS = frozenset({301, 302, 303, 307, 308})
_VERSION = "Docker-Distribution-Api-Version"


class _NoAnswerError(Exception):
    """The registry, or its token service, gave no answer that can be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class _Within:
    """The monotonic time by which a question must be answered."""

    ends: float

    @property
    def left(self) -> float:
        return self.ends - time.monotonic()


class OciRegistry:
    """The registry at `url`; images name it by one of `hosts` (its own, where none is given). Thread-safe.

    `access` holds basic credentials and a CA file. Raises `ValueError` where `url` is no http(s) address.
    """

    def __init__(self, url: str, access: Access | None = None, *, hosts: tuple[str, ...] = ()) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} is no address of a registry")
        self._url = url.rstrip("/")
        self._hosts = hosts or (parts.netloc,)
        self._access = access or Access()
        self._tls = Access(ca_file=self._access.ca_file)
        self._connections = BoundedAdapter(4)
        self._own = threading.local()

    def available(self, image: str, *, deadline: float) -> Availability:
        """Say whether the registry has `image`; give up after `deadline` seconds in all. Never raises."""
        name = reference(image)
        if name is None:
            return Unknown(f"`{image[:200]}` is no name of an image")
        if name.host and name.host not in self._hosts:
            return Unknown(f"the image is of {name.host}, and only {self._hosts[0]} can be asked ({SETTING})")
        within = _Within(time.monotonic() + deadline)
        try:
            path = f"/v2/{name.repository}/manifests/{name.what}"
            reply = self._asked("HEAD", path, name.repository, within)
            return self._read(reply, within)
        except _NoAnswerError as problem:
            return Unknown(str(problem))

    def probe(self, *, deadline: float) -> str:
        """See whether it answers and takes our credentials; give what is wrong, or nothing. Never raises."""
        try:
            reply = self._asked("GET", "/v2/", "", _Within(time.monotonic() + deadline))
        except _NoAnswerError as problem:
            return str(problem)
        return "" if reply.status_code == OK and _is_registry(reply) else _refusal(reply)

    def _read(self, reply: Reply, within: _Within) -> Availability:
        """Give what the answer about a manifest means. Only a registry's own 404 says that it is not there."""
        status = reply.status_code
        if status == OK:
            if reply.headers.get("Content-Type", "").partition(";")[0].strip() not in MANIFESTS:
                return Unknown(f"it answered with something that is no image: is {SETTING} a registry?")
            return Present(reply.headers.get("Docker-Content-Digest", ""))
        if status == NOT_FOUND:
            if _VERSION in reply.headers or _is_registry(self._exchange("GET", f"{self._url}/v2/", "", within)):
                return Missing()
            return Unknown(f"no registry answers at {SETTING}")
        return Unknown(_refusal(reply))

    def _asked(self, method: str, path: str, repository: str, within: _Within) -> Reply:
        """Make one request, and once more with what a 401 asks for."""
        url = f"{self._url}{path}"
        reply = self._exchange(method, url, "", within)
        if reply.status_code != UNAUTHORIZED:
            return reply
        asked = challenge(reply.headers.get("WWW-Authenticate", ""))
        if asked is None:
            return reply
        if asked.scheme == "basic":
            return self._exchange(method, url, self._basic(), within) if self._access.username else reply
        if asked.scheme != "bearer":
            raise _NoAnswerError(f"it asks for credentials in a way that is not known ({asked.scheme})")
        address = token_address(asked, self._url, repository)
        if not address:
            raise _NoAnswerError("it names a token service that is no address to be trusted")
        return self._exchange(method, url, f"Bearer {self._token(address, within)}", within)

    def _basic(self) -> str:
        pair = f"{self._access.username}:{self._access.password}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"

    def _token(self, address: str, within: _Within) -> str:
        """Get a token, as ourselves where there are credentials."""
        reply = self._exchange("GET", address, self._basic() if self._access.username else "", within)
        if reply.status_code != OK:
            raise _NoAnswerError(
                f"its token service refused (HTTP {reply.status_code}): see MONITOR_REGISTRY__USERNAME"
            )
        try:
            told = reply.json()
        except ValueError:
            told = None
        token = (told.get("token") or told.get("access_token")) if isinstance(told, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
            raise _NoAnswerError("its token service gave no token")
        return token

    def _exchange(self, method: str, url: str, authorization: str, within: _Within) -> Reply:
        """Make one exchange, following redirects on the same host."""
        headers = {"Accept": ", ".join((*MANIFESTS, "application/json"))}
        if authorization:
            headers["Authorization"] = authorization
        for _ in range(HOPS):
            reply = self._once(method, url, headers, within)
            if reply.status_code not in REDIRECTS:
                return reply
            url = _same_host(url, reply.headers.get("Location", ""))
        raise _NoAnswerError("it redirects without an end")

    def _once(self, method: str, url: str, headers: dict[str, str], within: _Within) -> Reply:
        if within.left <= 0:
            raise _NoAnswerError("it did not answer in time")
        try:
            return self._session().request(method, url, timeout=within.left, headers=headers)
        except TooLargeError:
            raise _NoAnswerError("its answer is too large to be read") from None
        except requests.Timeout:
            raise _NoAnswerError("it did not answer in time") from None
        except requests.exceptions.SSLError:
            raise _NoAnswerError("its certificate is not trusted: see MONITOR_REGISTRY__CA_FILE") from None
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            late = within.left <= 0
            why = "it did not answer in time" if late else f"it could not be asked ({type(problem).__name__})"
            raise _NoAnswerError(f"{why}: is {SETTING} right?") from None

    def _session(self) -> BoundedSession:
        """Give this thread's session over the shared connections; who we are is said only where it is asked for."""
        if not hasattr(self._own, "session"):
            self._own.session = BoundedSession(self._connections, self._tls)
        session: BoundedSession = self._own.session
        return session


def _is_registry(reply: Reply) -> bool:
    """Whether a registry answered `/v2/`: it says so in a header, or, as OCI asks for no such header, by its JSON."""
    if _VERSION in reply.headers:
        return True
    return reply.status_code in (OK, UNAUTHORIZED) and "json" in reply.headers.get("Content-Type", "")


def _same_host(url: str, location: str) -> str:
    """Give where a redirect leads, on the same host."""
    target = urljoin(url, location)
    before, after = urlsplit(url), urlsplit(target)
    if not location or (before.scheme, before.netloc) != (after.scheme, after.netloc):
        raise _NoAnswerError("it redirects to another host, which is not followed")
    return target


def _refusal(reply: Reply) -> str:
    status = reply.status_code
    if status in (UNAUTHORIZED, FORBIDDEN):
        return f"it refuses us (HTTP {status}): see MONITOR_REGISTRY__USERNAME and __PASSWORD"
    if status == TOO_MANY:
        return "it asks to be asked less often (HTTP 429)"
    return f"it answered with HTTP {status}: is {SETTING} right?"
