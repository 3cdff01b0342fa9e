"""Days of a small shop as Prometheus would have scraped them: every series that the shipped rules read.

Times of a day are seconds after its beginning. It must not know the rules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.time_rules.histories import Points, counter, gauge, histogram, seen, without

HOUR = 3600
REQUESTS = {
    ("auth", "/login"): 60.0,
    ("auth", "/session"): 180.0,
    ("transactions", "/transfer"): 75.0,
    ("partner-registry", "/partners"): 30.0,
}
"""Requests of a service's route that each scrape adds."""

EVERYDAY_FAILURES = 0.002
WRONG_PASSWORDS = 0.05
INVOICES, TRANSITIONS = "invoice_generations_total", "invoice_status_transitions_total"
INVOICES_EACH = 3.0
SERVICES = ("auth", "transactions", "partner-registry", "billing", "admin", "agent-service", "web")
PROBES = (("auth", "/login"), ("billing", "/invoices"), ("admin", "/plans"))
APIS = ("auth", "transactions", "partner-registry")
USUAL_LATENCY = 0.2
"""The bucket, in seconds, that healthy requests fall into."""


@dataclass(frozen=True)
class Fault:
    """What is wrong in the scrapes from `first` to `last`.

    `failing` are shares of a route or of an invoice counter; `slow` the bucket, in seconds, that all requests of a
    service fall into; `down` the probed endpoints; `violations` what the integrity check finds.
    """

    first: int
    last: int
    failing: Mapping[str, float] = field(default_factory=dict)
    slow: Mapping[str, float] = field(default_factory=dict)
    down: tuple[str, ...] = ()
    violations: float = 0.0


@dataclass(frozen=True)
class Day:
    """One day of the shop: its faults, and what else befalls it.

    `known`: latencies have a past of a day. `traffic` is the share of the usual requests. At `restart` every counter
    begins again from 0; the scrape at `missed` did not happen.
    """

    name: str
    end: int
    faults: tuple[Fault, ...]
    known: bool = False
    traffic: float = 1.0
    restart: int | None = None
    missed: int | None = None


def past(day: Day, begin: int) -> dict[str, Points]:
    """Every series of `day`, which begins at `begin` (seconds after the start of all histories)."""
    series = _Recorded(day, begin).series()
    gap = [] if day.missed is None else [begin + day.missed]
    return {name: without(points, gap) for name, points in series.items()}


class _Recorded:
    """The series of a day, kind by kind."""

    def __init__(self, day: Day, begin: int) -> None:
        self._day, self._begin = day, begin
        self._times = seen(begin - 300, begin + day.end)
        self._restarts = [] if day.restart is None else [begin + day.restart]

    def series(self) -> dict[str, Points]:
        return {**self._requests(), **self._latencies(), **self._invoices(), **self._gauges()}

    def _worst(self, of: Callable[[Fault], float], at: int) -> float:
        """The largest that a fault of that moment says."""
        now = [fault for fault in self._day.faults if fault.first <= at - self._begin <= fault.last]
        return max(map(of, now), default=0.0)

    def _failing(self, what: str, at: int) -> float:
        return self._worst(lambda fault: fault.failing.get(what, 0.0), at)

    def _requests(self) -> dict[str, Points]:
        series: dict[str, Points] = {}
        for (job, route), usual in REQUESTS.items():
            wrong = WRONG_PASSWORDS if route == "/login" else 0.0
            shares = {"200": 1 - wrong, "401": wrong}
            name = f'http_requests_total{{job="{job}",route="{route}",code="%s"}}'
            each = usual * self._day.traffic
            series |= {name % code: self._answered(route, each * share) for code, share in shares.items()}
            series[name % "500"] = self._failed(route, each)
        return series

    def _share(self, route: str, at: int) -> float:
        return max(EVERYDAY_FAILURES, self._failing(route, at))

    def _answered(self, route: str, each: float) -> Points:
        return counter(self._times, lambda at: each * (1 - self._share(route, at)), restarts=self._restarts)

    def _failed(self, route: str, each: float) -> Points:
        return counter(self._times, lambda at: each * self._share(route, at), restarts=self._restarts)

    def _latencies(self) -> dict[str, Points]:
        before = seen(self._begin - 27 * HOUR, self._begin - 600, 300) if self._day.known else ()
        times = [*before, *self._times]

        def bucket(job: str, at: int) -> float:
            return max(USUAL_LATENCY, self._worst(lambda fault: fault.slow.get(job, 0.0), at))

        series: dict[str, Points] = {}
        for job in APIS:
            labels = f'job="{job}",route="/"'
            each = 150.0 * self._day.traffic
            within = {at: bucket(job, at) for at in times}
            series |= histogram(
                "http_request_duration_seconds", labels, times, within.__getitem__, each=each, restarts=self._restarts
            )
        return series

    def _invoices(self) -> dict[str, Points]:
        """Both outcomes exist from the start, the failures at 0."""
        series: dict[str, Points] = {}
        for name in (INVOICES, TRANSITIONS):
            failed = {at: self._failing(name, at) for at in self._times}
            outcomes = {"success": {at: 1 - share for at, share in failed.items()}, "failure": failed}
            for outcome, shares in outcomes.items():
                each = {at: INVOICES_EACH * share for at, share in shares.items()}
                points = counter(self._times, each.__getitem__, first=0.0, restarts=self._restarts)
                series[f'{name}{{job="billing",outcome="{outcome}"}}'] = points
        return series

    def _gauges(self) -> dict[str, Points]:
        def up(endpoint: str) -> Points:
            return gauge(self._times, lambda at: 1.0 - self._worst(lambda fault: endpoint in fault.down, at))

        probes = {
            f'probe_success{{job="probe",service="{service}",endpoint="{endpoint}"}}': up(endpoint)
            for service, endpoint in PROBES
        }
        found = gauge(self._times, lambda at: self._worst(lambda fault: fault.violations, at))
        versions = {
            f'app_build_info{{job="{service}",version="1.0.0"}}': gauge(self._times, lambda _at: 1.0)
            for service in SERVICES
        }
        return {**probes, **versions, 'data_integrity_violations{job="transactions",check="ledger"}': found}
