"""Where it fails, and what else is slow: what is looked at where no change explains a breach. The values that are kept.

Times are aware UTC. How they are read stands in `monitor.procedure.breakdowns`, in words they are in
`monitor.core.releases.breakdownwords`.
"""

from dataclasses import dataclass
from datetime import datetime

from monitor.core.model import AlertKey
from monitor.core.redaction import redacted
from monitor.core.words import shortened

ROUTE_LABELS = ("route", "http_route", "handler", "endpoint", "path", "uri", "url", "grpc_method", "rpc_method")
"""The labels that are tried for routes, the usual names first; a rule's `route_label` stands in for them."""

LONGEST = 60
"""Characters of a route that are kept: raw paths may be of any length."""


@dataclass(frozen=True, slots=True)
class RouteShare:
    """One route of an alert, in the window that it was judged by: its requests, and how many of them failed.

    Of a latency, `seconds` is its quantile instead, and `failures` is None.
    """

    route: str
    requests: int
    failures: int | None = None
    seconds: float | None = None

    @property
    def share(self) -> float:
        """The share of its requests that failed; 0 where that is not known."""
        return min(1.0, (self.failures or 0) / self.requests) if self.requests > 0 else 0.0


@dataclass(frozen=True, slots=True)
class ByRoute:
    """An alert by route, the worst route first. `label` tells routes apart; `quantile` is that of a latency."""

    key: AlertKey
    service: str
    label: str
    routes: tuple[RouteShare, ...]
    quantile: float | None = None


@dataclass(frozen=True, slots=True)
class SlowService:
    """A service that is clearly slower than usual, though nothing fires for it in this incident.

    `slower` is q/B - 1, and `why` says it in full.
    """

    service: str
    slower: float
    why: str


@dataclass(frozen=True, slots=True)
class Breakdown:
    """What was seen at `at`: the alerts that can be told `by_route`, and `slow` other services.

    `compared` counts the services that could be held against a baseline. `problem` says what could not be read.
    """

    at: datetime
    by_route: tuple[ByRoute, ...] = ()
    slow: tuple[SlowService, ...] = ()
    compared: int = 0
    problem: str = ""


def route_name(value: str) -> str:
    """Give a route as it may be kept and shown: without what a raw URL carries behind its path, and not too long."""
    return shortened(redacted(value.partition("?")[0].partition("#")[0].partition("\n")[0]), LONGEST)
