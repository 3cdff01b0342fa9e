"""An HTTP server asked for its status and nothing else: no redirect is followed, no body is read, nothing is kept.

The deadline covers name, connection, TLS and headers together. Addresses may hold a token: what is said of trouble
never holds one.
"""

import requests
import urllib3

from monitor.adapters.http import Access, BoundedAdapter, BoundedSession, TooLargeError
from monitor.ports.world import NoAnswer, Status

_HEADERS = {"Accept": "*/*", "User-Agent": "rollback-monitor"}


class HttpProber:
    """Implements `monitor.ports.world.Prober`. Thread-safe: every probe has a connection of its own."""

    def __init__(self, ca_file: str = "") -> None:
        self._access = Access(headers=_HEADERS, ca_file=ca_file)

    def status(self, url: str, *, deadline: float) -> Status | NoAnswer:
        """Ask `url` once, for at most `deadline` seconds in all, and give its status. Never raises."""
        if deadline <= 0:
            return NoAnswer("no time was left to ask")
        connections = BoundedAdapter(1)
        try:
            with BoundedSession(connections, self._access) as session:
                return Status(session.request("GET", url, timeout=deadline, read=False).status_code)
        except TooLargeError:
            return NoAnswer("its answer is too large to be read")
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError, ValueError) as problem:
            return NoAnswer(_words(problem, deadline))
        finally:
            connections.close()


def _words(problem: BaseException, deadline: float) -> str:
    """Give a failure in words; texts of libraries are not quoted, since they carry addresses."""
    kinds: set[type] = set()
    while problem is not None:
        reason = getattr(problem.args[0] if problem.args else None, "reason", None)
        kinds |= {kind for one in (problem, reason) if one is not None for kind in type(one).__mro__}
        cause = problem.__cause__ or problem.__context__
        if cause is None:
            break
        problem = cause
    sentences: tuple[tuple[type, str], ...] = (
        (urllib3.exceptions.NameResolutionError, "its name cannot be resolved"),
        (requests.exceptions.SSLError, "its TLS certificate is not accepted, or it speaks no TLS"),
        (ConnectionRefusedError, "the connection is refused"),
        (TimeoutError, f"no answer within {deadline:g} s"),
        (urllib3.exceptions.NewConnectionError, "it cannot be reached"),
        (urllib3.exceptions.TimeoutError, f"no answer within {deadline:g} s"),
    )
    found = next((sentence for kind, sentence in sentences if kind in kinds), None)
    return found or "the connection broke before the answer"
