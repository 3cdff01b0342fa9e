"""The shop's state and metrics: one registry a service, synthetic requests, and the fault that their releases have.

Chance and elapsed time are arguments. This module must not know of sockets, ports or the prober.
"""

from dataclasses import dataclass
from random import Random

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from monitor.demo.catalogue import (
    BUCKETS,
    CHECKS,
    CODES,
    DEPLOYED_BY,
    EFFECTS,
    EVERYDAY_FAILURES,
    INVOICES_PER_SECOND,
    OUTCOMES,
    PROBES,
    SERVICES,
    SPREAD,
    TRANSITIONS_PER_SECOND,
    Effect,
    Fault,
    Route,
    Service,
)


class NoSuchReleaseError(LookupError):
    """A service or a version of it does not exist; the sentence says which there are."""


class ServiceMetrics:
    """What one service exports; every label child exists from the start, so that the first failure counts."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.registry = CollectorRegistry()
        requests = Counter("http_requests", "Requests.", ["route", "code"], registry=self.registry)
        seconds = Histogram(
            "http_request_duration_seconds", "Latency.", ["route"], buckets=BUCKETS, registry=self.registry
        )
        self._build = Gauge(
            "app_build_info", "The version that runs.", ["version", "deployed_by"], registry=self.registry
        )
        self._schema = Gauge("db_schema_info", "The database's schema.", ["version"], registry=self.registry)
        flags = Gauge("feature_flag_enabled", "1 where the flag is on.", ["flag"], registry=self.registry)
        self.flags = {flag: flags.labels(flag) for flag in service.flags}
        for child in self.flags.values():
            child.set(1)
        paths = [route.path for route in service.routes]
        self._requests = {(path, code): requests.labels(path, code) for path in paths for code in CODES}
        self._seconds = {path: seconds.labels(path) for path in paths}
        self.version = ""
        self.deploy(service.version)

    @property
    def released(self) -> bool:
        """Whether its release runs, the one that a fault comes with."""
        return self.version == self.service.release

    def count(self, path: str, code: str, seconds: float) -> None:
        """Count one request that was answered `code` after `seconds`."""
        self._requests[path, code].inc()
        self._seconds[path].observe(seconds)

    def deploy(self, version: str) -> None:
        """Put `version` in the place of the one that runs; its migration stays, whatever is deployed later."""
        if version == self.version:
            return
        self._build.clear()
        self._build.labels(version, DEPLOYED_BY).set(1)
        self.version = version
        if self.released:
            self._schema.clear()
        schema = self.service.release_schema if self.released else self.service.schema
        if schema and not self._schemas():
            self._schema.labels(schema).set(1)

    def _schemas(self) -> int:
        """Give how many versions of the schema are exported: one, once it was."""
        return sum(len(family.samples) for family in self._schema.collect())


@dataclass(frozen=True, slots=True)
class Answer:
    """How one request went."""

    code: str
    seconds: float


def answer(chance: Random, effect: Effect, service: Service, route: Route) -> Answer:
    """Draw how a request of `route` goes under `effect`."""
    struck = effect.strikes(service.name, route.path)
    seconds = route.median * chance.lognormvariate(0, SPREAD) * (effect.slower if struck else 1.0)
    failing = effect.failing if struck else 0.0
    if chance.random() < failing:
        return Answer(effect.code, seconds)
    return Answer("500" if chance.random() < EVERYDAY_FAILURES else "200", seconds)


class Shop:
    """The services, the versions that run, their traffic, and the fault that is in the releases."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self.fault = Fault.NONE
        self.services = {service.name: ServiceMetrics(service) for service in SERVICES}
        billing, transactions = self.services["billing"].registry, self.services["transactions"].registry
        generations = Counter("invoice_generations", "Invoices generated.", ["outcome"], registry=billing)
        transitions = Counter("invoice_status_transitions", "Status changes.", ["outcome"], registry=billing)
        violations = Gauge("data_integrity_violations", "Rows that break it.", ["check"], registry=transactions)
        self._generations = {outcome: generations.labels(outcome) for outcome in OUTCOMES}
        self._transitions = {outcome: transitions.labels(outcome) for outcome in OUTCOMES}
        self._violations = {check: violations.labels(check) for check in CHECKS}
        self.probes = CollectorRegistry()
        probe = Gauge("probe_success", "1 when the endpoint answered.", ["service", "endpoint"], registry=self.probes)
        self._probes = {target: probe.labels(*target) for target in PROBES}
        for child in self._probes.values():
            child.set(1)

    @property
    def effect(self) -> Effect:
        """What the fault of the moment does where its releases run."""
        return EFFECTS[self.fault]

    @property
    def struck(self) -> tuple[str, ...]:
        """The services that fail now: those whose release has the fault, and runs."""
        return tuple(name for name in self.effect.services if self.services[name].released)

    def strike(self, fault: Fault) -> None:
        """Break the shop by `fault`, which comes as a release; the fault before it goes back, its data too.

        `none` goes back everywhere.
        """
        back = self.services if fault is Fault.NONE else self.effect.services
        self.fault = fault
        for name, metrics in self.services.items():
            if name in self.effect.services:
                metrics.deploy(metrics.service.release)
            elif name in back:
                metrics.deploy(metrics.service.version)
        for child in self._violations.values():
            child.set(self.effect.violations)

    def deploy(self, service: str, version: str) -> None:
        """Switch what runs of a service: going back to the good version heals it, shipping the bad one breaks it again.

        Raises `NoSuchReleaseError`.
        """
        if service not in self.services:
            raise NoSuchReleaseError(f"no service {service!r}; there are {', '.join(self.services)}")
        known = self.services[service].service.versions
        if version not in known:
            raise NoSuchReleaseError(f"{service} has no version {version!r}; there are {' and '.join(known)}")
        self.services[service].deploy(version)

    def request(self, service: str, path: str) -> Answer:
        """Answer one request and count it. Raises `KeyError` for a route that does not exist."""
        metrics = self.services[service]
        route = {one.path: one for one in metrics.service.routes}[path]
        drawn = answer(self._chance, self._effect_on(service), metrics.service, route)
        metrics.count(path, drawn.code, drawn.seconds)
        return drawn

    def probed(self, service: str, endpoint: str, *, success: bool) -> None:
        """Export what the prober found."""
        self._probes[service, endpoint].set(1 if success else 0)

    def pass_time(self, seconds: float) -> None:
        """Let the requests and invoices of `seconds` happen."""
        for metrics in self.services.values():
            for route in metrics.service.routes:
                for _ in range(self._arrivals(route.per_second * seconds)):
                    self.request(metrics.service.name, route.path)
        for _ in range(self._arrivals(INVOICES_PER_SECOND * seconds)):
            self._generations[self._invoice_outcome()].inc()
        for _ in range(self._arrivals(TRANSITIONS_PER_SECOND * seconds)):
            self._transitions["success"].inc()

    def _effect_on(self, service: str) -> Effect:
        return self.effect if service in self.struck else EFFECTS[Fault.NONE]

    def _invoice_outcome(self) -> str:
        return "failure" if self._chance.random() < self._effect_on("billing").invoices_failing else "success"

    def _arrivals(self, expected: float) -> int:
        """Round at random, so that the mean is `expected`."""
        return int(expected + self._chance.random())
