"""The metrics port over Prometheus's HTTP API, read through prometheus-api-client; and nothing is ever raised.

It owns the way from an expression to a typed answer. It must not know what the expression means, nor when to ask
again: each call is one exchange, within its deadline.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
import urllib3
from prometheus_api_client.exceptions import PrometheusApiClientException
from prometheus_api_client.prometheus_connect import PrometheusConnect

from monitor.adapters.http import Access, BoundedAdapter, BoundedSession, Reply, TooLargeError
from monitor.adapters.prometheus import answers, catalogue, visit
from monitor.adapters.prometheus.joined import Joined
from monitor.core.model import utc
from monitor.ports.metrics import Answer, BadQuery, ColumnAnswer, Partial, RangeAnswer, Samples, TooMuch, Unanswered

UNPROCESSABLE = 422
"""What a server says of a query that it understands and cannot carry out, too many samples among the reasons."""

_Result = TypeVar("_Result")


class PrometheusSource:
    """One server to read from; calls may be made from any number of threads at once.

    `url` is the part before `/api/v1`; credentials in it are taken out and used as basic credentials. `connections`
    are kept open for as many threads. Raises `ValueError` where `url` is no http(s) address, or a TLS file is missing.
    """

    def __init__(self, url: str, access: Access | None = None, *, connections: int = 16) -> None:
        self.url, self._access = _apart(url, access or Access())
        _must_exist(self._access)
        self._adapter = BoundedAdapter(connections)
        self._mine = threading.local()
        self._joined = Joined()
        self._clock: tuple[datetime, float] | None = None

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at`; give up after `deadline` seconds in all. Never raises."""

        def ask(library: PrometheusConnect) -> None:
            library.custom_query(expr, params={"time": at, **_server_side(deadline)}, timeout=deadline)  # type: ignore[arg-type]  # it passes fractions on

        answer = self._asked(ask, answers.instant, deadline)
        return self._spoken(Unanswered(answer.why) if isinstance(answer, TooMuch) else answer)

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Read every one of `exprs` at grid time `at`, in few requests; `deadline` seconds in all. Never raises."""
        ends = time.monotonic() + deadline
        return self._joined.read(exprs, lambda expr: self.instant(expr, at, deadline=ends - time.monotonic()))

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Read `expr` at `start`, `start + step`, ... `end` (whole seconds, inclusive). Never raises."""
        return self._stretch(expr, (start, end, step), answers.ranged, deadline)

    def columns(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> ColumnAnswer:
        """Read what `range` reads, by series: for stretches of many points. Never raises."""
        return self._stretch(expr, (start, end, step), answers.columns, deadline)

    def _stretch(
        self,
        expr: str,
        times: tuple[int, int, int],
        means: Callable[[Reply, int, int, int], _Result | BadQuery | Unanswered],
        deadline: float,
    ) -> _Result | BadQuery | Unanswered | TooMuch:
        """Make one range query over start, end and step, and give what the answer means."""
        start, end, step = times

        def ask(library: PrometheusConnect) -> None:
            params = _server_side(deadline)
            library.custom_query_range(expr, utc(start), utc(end), str(step), params=params, timeout=deadline)  # type: ignore[arg-type]  # the same

        answer = self._asked(ask, lambda reply: means(reply, start, end, step), deadline)
        reply = self._session().reply
        if isinstance(answer, BadQuery) and reply is not None and reply.status_code == UNPROCESSABLE:
            answer = TooMuch(answer.why)  # too many samples are told no other way; less may be possible
        return self._spoken(answer)

    def clock(self) -> datetime | None:
        """Give the server's own time now, by its last answer (up to a second behind); None where none was told."""
        if self._clock is None:
            return None
        told, when = self._clock
        return told + timedelta(seconds=time.monotonic() - when)

    def describe(self, now: datetime, *, deadline: float) -> visit.Described:
        """Give what `doctor` tells of the server, `now` being our time at the call. Never raises.

        It takes four exchanges, of `deadline` seconds in all.
        """
        ends = time.monotonic() + deadline
        answered = self.instant("vector(1)", int(now.timestamp()), deadline=deadline)
        if not isinstance(answered, Samples):
            return visit.Described(reachable=False, problem=answered.why)
        return visit.described(self._getter(ends), self.clock(), now)

    def names(self, since: int, until: int, *, deadline: float) -> tuple[str, ...] | Unanswered:
        """Give the names of the metrics that had samples between two times. Never raises."""
        return catalogue.names(self._getter(time.monotonic() + deadline), since, until)

    def types(self, *, deadline: float) -> Mapping[str, str]:
        """Give what kind each metric is, as far as the server tells. Never raises."""
        return catalogue.types(self._getter(time.monotonic() + deadline))

    def _getter(self, ends: float) -> Callable[[str], Any]:
        """Give what fetches the data of a path, until `ends` on the monotonic clock."""

        def get(path: str) -> Any | Unanswered:  # noqa: ANN401  # JSON is anything until it is looked at
            def ask(_: PrometheusConnect) -> None:
                session.request("GET", f"{self.url}{path}", timeout=left)

            left = ends - time.monotonic()
            answer = self._asked(ask, visit.data, left)
            return self._spoken(Unanswered(answer.why) if isinstance(answer, TooMuch | BadQuery) else answer)

        session = self._session()
        return get

    def close(self) -> None:
        """Let go of every connection."""
        self._adapter.close()

    def _asked(
        self, ask: Callable[[PrometheusConnect], None], understood: Callable[[Reply], _Result], deadline: float
    ) -> _Result | BadQuery | Unanswered | TooMuch:
        """Make one exchange and give what it means; whatever goes wrong on the way is `Unanswered`."""
        if deadline <= 0:
            return Unanswered("no time was left to ask")
        session = self._session()
        session.reply = None
        try:
            ask(self._mine.library)
        except TooLargeError:
            return TooMuch("the answer is larger than 16 MiB")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as problem:
            return Unanswered(_transport(problem, deadline))
        except (PrometheusApiClientException, ValueError, LookupError, TypeError) as problem:
            # the library reads an answer more trustingly than we do: what it stumbles over is looked at below
            if session.reply is None:
                return Unanswered(f"the request could not be made ({type(problem).__name__})")
        reply = session.reply
        if reply is None:
            return Unanswered("nothing was answered")
        told = _date(reply)
        if told is not None:
            self._clock = told, time.monotonic()
        return understood(reply) if reply.status_code == requests.codes.ok else answers.refusal(reply)

    def _session(self) -> BoundedSession:
        """Give this thread's session; its connections are everybody's."""
        if not hasattr(self._mine, "session"):
            self._mine.session = BoundedSession(self._adapter, self._access)
            self._mine.library = PrometheusConnect(
                self.url, session=self._mine.session, method="POST", retry=urllib3.Retry(0, read=False)
            )
        session: BoundedSession = self._mine.session
        return session

    def _spoken(self, answer: _Result) -> _Result:
        """Give `answer` with every secret struck from its sentence: a server may echo what it was sent."""
        if not isinstance(answer, BadQuery | Partial | Unanswered | TooMuch):
            return answer
        why = answer.why
        for secret in self._access.secrets():
            why = why.replace(secret, "***")
        return type(answer)(why)


def _apart(url: str, access: Access) -> tuple[str, Access]:
    """Give `url` without credentials and trailing slash, and `access` with the credentials that stood in it."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("the address of Prometheus must look like http://prometheus:9090")
    host = parts.netloc.rpartition("@")[2]
    bare = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    if parts.username and not access.username and not access.bearer_token:
        access = Access(
            access.headers,
            username=unquote(parts.username),
            password=unquote(parts.password or ""),
            ca_file=access.ca_file,
            cert_file=access.cert_file,
            key_file=access.key_file,
        )
    return bare, access


def _must_exist(access: Access) -> None:
    for file in (access.ca_file, access.cert_file, access.key_file):
        if file and not Path(file).is_file():
            raise ValueError(f"the TLS file {file} for Prometheus does not exist")


def _server_side(deadline: float) -> dict[str, str]:
    """Ask the server to give up when we do, and VictoriaMetrics to answer for the very times that were asked."""
    return {"timeout": f"{deadline:.3f}", "nocache": "1"}


def _date(reply: Reply) -> datetime | None:
    try:
        return parsedate_to_datetime(reply.headers["Date"])
    except (KeyError, ValueError):
        return None


def _transport(problem: Exception, deadline: float) -> str:
    """Give a failure of the connection in words; texts of libraries are not quoted, since they carry addresses."""
    chain = [problem]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and isinstance(cause, Exception):
        chain.append(cause)
    kinds = {kind for one in chain for kind in type(one).__mro__}
    sentences: tuple[tuple[type, str], ...] = (
        (urllib3.exceptions.NameResolutionError, "its name cannot be resolved"),
        (requests.exceptions.SSLError, "its TLS certificate is not accepted, or it speaks no TLS"),
        (ConnectionRefusedError, "the connection is refused"),
        (TimeoutError, f"no complete answer within {deadline:g} s"),
        (urllib3.exceptions.NewConnectionError, "it cannot be reached"),  # urllib3 counts it among its timeouts
        (urllib3.exceptions.TimeoutError, f"no complete answer within {deadline:g} s"),
        (requests.exceptions.ContentDecodingError, "the answer cannot be unpacked"),
        (requests.exceptions.InvalidHeader, "a configured header holds characters that HTTP does not allow"),
    )
    found = next((sentence for kind, sentence in sentences if kind in kinds), None)
    return found or "the connection broke before the answer was complete"
