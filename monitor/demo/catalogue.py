"""What the demo shop is: its services, their traffic, and what each fault does to them. Values only.

The live shop and its history are both drawn from here, so that a baseline from the history fits the live
traffic. This module must not know how metrics are exported or processes started.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from monitor.core.model import Tier

BUCKETS = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0)
"""Upper bounds in seconds; close enough together that 50 % more always lies in another bucket."""

CODES = ("200", "500", "503")
OUTCOMES = ("success", "failure")
CHECKS = ("ledger_balance", "orphaned_transactions")
EVERYDAY_FAILURES = 0.001
"""The share of requests that fail in a healthy shop: nothing is ever at zero."""

SPREAD = 0.35
"""Sigma of the lognormal latencies: p95 is 1.78 times the median."""

DEPLOYED_BY = "ci"
"""Who deploys everything in the shop."""

PROBE_JOB = "probe"
INVOICES_PER_SECOND = 2.0
TRANSITIONS_PER_SECOND = 3.0


@dataclass(frozen=True, slots=True)
class Route:
    """One route with its requests a second and its median latency in seconds."""

    path: str
    per_second: float
    median: float

    def share_within(self, bound: float) -> float:
        """Give the share of healthy requests within `bound` seconds (the lognormal distribution function)."""
        return 0.5 * (1 + math.erf(math.log(bound / self.median) / (SPREAD * math.sqrt(2))))


@dataclass(frozen=True, slots=True)
class Service:
    """One service: the version that runs well, and the release that a fault comes with.

    `schema` and `release_schema` are the versions of its database under each ("": it has none); `flags` are on.
    """

    name: str
    version: str
    release: str
    routes: tuple[Route, ...]
    schema: str = ""
    release_schema: str = ""
    flags: tuple[str, ...] = ()

    @property
    def versions(self) -> tuple[str, str]:
        """Everything of it that was ever built."""
        return self.version, self.release


SERVICES = (
    Service(
        "auth",
        "2.13.4",
        "2.14.0",
        (Route("/login", 8, 0.060), Route("/session", 12, 0.020), Route("/logout", 2, 0.020)),
        schema="118",
        release_schema="118",
    ),
    Service(
        "transactions",
        "5.2.1",
        "5.3.0",
        (Route("/transactions", 15, 0.080), Route("/transfer", 5, 0.110)),
        schema="204",
        release_schema="205",
    ),
    Service("partner-registry", "1.8.0", "1.9.0", (Route("/partners", 8, 0.040),)),
    Service("billing", "3.4.2", "3.5.0", (Route("/invoices", 4, 0.090), Route("/invoices/export", 1, 0.250))),
    Service("admin", "4.0.7", "4.1.0", (Route("/plans", 2, 0.070),)),
    Service("agent-service", "0.9.3", "0.10.0", (Route("/actions", 3, 0.150),), flags=("AGENT_WRITE_ACTIONS_ENABLED",)),
    Service("web", "7.1.0", "7.2.0", (Route("/", 15, 0.030),)),
)
PROBES = (("auth", "/login"), ("billing", "/invoices"), ("billing", "/invoices/export"), ("admin", "/plans"))
"""What the synthetic prober calls: service and endpoint."""


def job_in(environment: str, name: str) -> str:
    """Give the job of a service or the prober in `environment` ("": production), so that two shops never mix."""
    return f"{environment}-{name}" if environment else name


def instance(job: str) -> str:
    """Give the instance label of `job`: the same in history and live, whatever port it got."""
    return f"{job}-1"


class Fault(StrEnum):
    """What can be wrong with the shop."""

    NONE = "none"
    LOGIN = "login"
    ERRORS = "errors"
    LATENCY = "latency"
    BILLING = "billing"
    INVOICES = "invoices"
    INTEGRITY = "integrity"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a fault does.

    `services` get their release, and the release fails wherever and as long as it runs: of their `routes` (none named:
    all) the share `failing` answers `code`, and requests take `slower` times as long. `invoices_failing` is a share,
    `violations` a count for each integrity check, which stays in the data whatever is deployed. `story` tells people
    what happens; `sign` selects the series whose next change is the first failing sample; `page` is the tier that the
    shipped rules page, and `within` the seconds in which that page is due.
    """

    story: str
    services: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    failing: float = 0.0
    code: str = "500"
    slower: float = 1.0
    invoices_failing: float = 0.0
    violations: int = 0
    sign: str = ""
    page: Tier | None = None
    within: float = 0.0

    def strikes(self, service: str, route: str) -> bool:
        """Tell whether requests of `route` at `service` suffer."""
        return service in self.services and (not self.routes or route in self.routes)


_ROLLBACK_WITHIN = 60.0
_PREPARE_WITHIN = 420.0

EFFECTS: Mapping[Fault, Effect] = MappingProxyType(
    {
        Fault.NONE: Effect("nothing is broken"),
        Fault.LOGIN: Effect(
            "auth 2.14.0 replaces 2.13.4, and 85 % of logins fail",
            services=("auth",),
            routes=("/login",),
            failing=0.85,
            sign='http_requests_total{job="auth",route="/login",code="500"}',
            page=Tier.ROLLBACK,
            within=_ROLLBACK_WITHIN,
        ),
        Fault.ERRORS: Effect(
            "a release of auth, transactions and partner-registry, and 6 % of their requests fail",
            services=("auth", "transactions", "partner-registry"),
            failing=0.06,
            sign='http_requests_total{job="transactions",route="/transactions",code="500"}',
            page=Tier.PREPARE,
            within=_PREPARE_WITHIN,
        ),
        Fault.LATENCY: Effect(
            "transactions 5.3.0 replaces 5.2.1, and requests take 2.5 times as long",
            services=("transactions",),
            slower=2.5,
            sign='http_request_duration_seconds_count{job="transactions",route="/transactions"}',
            page=Tier.PREPARE,
            within=_PREPARE_WITHIN,
        ),
        Fault.BILLING: Effect(
            "billing 3.5.0 replaces 3.4.2, and its endpoints answer 503 to everybody",
            services=("billing",),
            failing=1.0,
            code="503",
            sign='probe_success{service="billing",endpoint="/invoices"}',
            page=Tier.PREPARE,
            within=_PREPARE_WITHIN,
        ),
        Fault.INVOICES: Effect(
            "billing 3.5.0 replaces 3.4.2, and 90 % of invoices cannot be generated",
            services=("billing",),
            routes=("none of them",),
            invoices_failing=0.9,
            sign='invoice_generations_total{outcome="failure"}',
            page=Tier.ROLLBACK,
            within=_ROLLBACK_WITHIN,
        ),
        Fault.INTEGRITY: Effect(
            "transactions 5.3.0 replaces 5.2.1, and the ledger no longer balances",
            services=("transactions",),
            routes=("none of them",),
            violations=3,
            sign='data_integrity_violations{check="ledger_balance"}',
            page=Tier.ROLLBACK,
            within=_ROLLBACK_WITHIN,
        ),
    }
)
