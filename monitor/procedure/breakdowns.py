"""Where it fails, and what else is slow, read from metrics within a deadline: what is told where no change explains it.

Two requests for the routes, and one for the latencies of every rule that has some. It must not know of incidents; what
it gives is theirs to keep. What cannot be read is left out, and said.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.core.incidents.firing import service_of
from monitor.core.model import AlertKey, Judgement, Verdict, utc
from monitor.core.releases.breakdown import ROUTE_LABELS, Breakdown, ByRoute, RouteShare, SlowService, route_name
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import ErrorRatio, Latency
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Reader
from monitor.ports.metrics import Answer, MetricsSource, Samples
from monitor.queries.routequeries import RouteQueries, telling, worst
from monitor.rulebook import InForce

MOST_ALERTS = 2
"""Alerts that are told by route: a page has no room for more."""

MOST_RULES = 20
"""Latency rules that are looked at for other slow services."""

MOST_SLOW = 10
"""Slow services that are kept, the slowest first."""

CLEARLY = 0.25
"""A service counts as slow too from a quarter over its baseline on: less is noise, more may page by itself."""


class NotAnsweredError(Exception):
    """Something was not answered; the sentence says why."""


class BreakdownWatch:
    """Breaks alerts down by route, and finds other services that are slower than usual."""

    def __init__(self, source: MetricsSource, reader: Reader) -> None:
        self._source, self._reader = source, reader

    def look(self, book: InForce, keys: Sequence[AlertKey], at: int, deadline: Deadline) -> Breakdown | None:
        """Give what is seen at grid time `at` of the alerts `keys`, the worst first. Never raises.

        None where there is nothing to ask: no alert counts requests, and no rule watches a latency.
        """
        alerts, rules = list(_countable(book, keys)), _latencies(book)
        if not alerts and not rules:
            return None
        problems: dict[str, None] = {}
        by_route: tuple[ByRoute, ...] = ()
        try:
            by_route = tuple(self._by_route(alerts, at, deadline.halfway))
        except (NotAnsweredError, ValueError) as problem:
            problems[str(problem)] = None
        found = self._others(book, rules, at, deadline).without(_services(book, keys))
        problems |= found.problems
        slowest = sorted(found.slow, key=lambda one: (-one.slower, one.service))[:MOST_SLOW]
        return Breakdown(utc(at), by_route, tuple(slowest), found.compared, "; ".join(problems))

    # --- routes -------------------------------------------------------------------------------------------------------

    def _by_route(self, alerts: Sequence["_Alert"], at: int, deadline: Deadline) -> Iterator[ByRoute]:
        told = self._labelled(alerts, at, deadline)
        queries = {one: worst(one.rule, one.key, label, one.window) for one, label in told.items()}
        exprs = [expr for each in queries.values() for expr in (each.worst, each.requests)]
        answers = self._asked(exprs, at, deadline)
        for one, label in told.items():
            routes = tuple(_routes(one, label, queries[one], answers))
            if routes:
                quantile = one.rule.signal.quantile if isinstance(one.rule.signal, Latency) else None
                yield ByRoute(one.key, service_of(one.rule, one.key), label, routes, quantile)

    def _labelled(self, alerts: Sequence["_Alert"], at: int, deadline: Deadline) -> Mapping["_Alert", str]:
        """Give the label of each alert's routes: the first that tells several apart, or none where none does."""
        asked = {(one, label): telling(one.rule, one.key, label) for one in alerts for label in one.labels}
        answers = self._asked(list(asked.values()), at, deadline)
        found: dict[_Alert, str] = {}
        for (one, label), expr in asked.items():
            if one not in found and any(sample.value > 1 for sample in answers[expr].samples):
                found[one] = label
        return found

    def _asked(self, exprs: Sequence[str], at: int, deadline: Deadline) -> Mapping[str, Samples]:
        """Give the answers to `exprs`. Raises `NotAnsweredError` where one is missing."""
        answers: Mapping[str, Answer] = self._source.instants(exprs, at, deadline=deadline.left) if exprs else {}
        found = {expr: answer for expr, answer in answers.items() if isinstance(answer, Samples)}
        for answer in answers.values():
            if not isinstance(answer, Samples):
                raise NotAnsweredError(answer.why)
        return found

    # --- other services -----------------------------------------------------------------------------------------------

    def _others(self, book: InForce, rules: Sequence[Rule], at: int, deadline: Deadline) -> "_Others":
        """Hold the services of latency rules against their baselines."""
        others = _Others()
        for alert, (point, *_) in self._reader.together(book.plan, rules, at, deadline).items():
            rule = book.rules.rule(alert)
            if not isinstance(point, Judged) or point.error:
                others.problems[point.error if isinstance(point, Judged) else point.why] = None
            elif rule is not None:
                others.add((service_of(rule, key), one) for key, one in point.judgements.items())
        return others


def _latencies(book: InForce) -> Sequence[Rule]:
    return [one for group in book.rules.groups for one in group.rules if isinstance(one.signal, Latency)][:MOST_RULES]


def _services(book: InForce, keys: Sequence[AlertKey]) -> set[str]:
    """Give the services that the alerts speak of."""
    known = [(book.rules.rule(key.alert), key) for key in keys]
    return {service_of(rule, key) for rule, key in known if rule is not None}


@dataclass(frozen=True, slots=True)
class _Alert:
    """An alert that counts requests, with its rule and the window (seconds) that it was judged by."""

    rule: Rule = field(hash=False)
    key: AlertKey
    window: int

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that may tell its routes apart."""
        return (self.rule.route_label,) if self.rule.route_label else ROUTE_LABELS


def _countable(book: InForce, keys: Iterable[AlertKey]) -> Iterator[_Alert]:
    """Give the first alerts that can be told by route; an alert in both tiers is one."""
    found: dict[tuple[str, object], _Alert] = {}
    for key in keys:
        rule = book.rules.rule(key.alert)
        tier = rule.tier(key.tier, key.labels) if rule is not None else None
        if rule is not None and tier is not None and isinstance(rule.signal, ErrorRatio | Latency):
            found.setdefault((key.alert, key.labels), _Alert(rule, key, tier.window))
    yield from list(found.values())[:MOST_ALERTS]


def _routes(one: _Alert, label: str, queries: RouteQueries, answers: Mapping[str, Samples]) -> Iterator[RouteShare]:
    """Give the worst routes, worst first; what was counted is rounded, as `increase` extrapolates."""
    requests = {dict(sample.labels).get(label, ""): sample.value for sample in answers[queries.requests].samples}
    for sample in sorted(answers[queries.worst].samples, key=lambda each: (-each.value, each.labels)):
        route = dict(sample.labels).get(label, "")
        count = requests.get(route, 0.0)
        if not math.isfinite(sample.value) or not math.isfinite(count):
            continue
        if isinstance(one.rule.signal, Latency):
            yield RouteShare(route_name(route), round(count), seconds=one.rule.signal.unit.seconds(sample.value))
        elif round(sample.value) > 0:
            yield RouteShare(route_name(route), max(round(count), round(sample.value)), round(sample.value))


@dataclass(slots=True)
class _Others:
    """What was found of other services, by service the slowest of its readings; and what could not be read."""

    worst: dict[str, Judgement] = field(default_factory=dict)
    problems: dict[str, None] = field(default_factory=dict)

    def add(self, judged: Iterable[tuple[str, Judgement]]) -> None:
        """Take readings in; those without enough requests or a baseline say nothing."""
        for service, one in judged:
            if one.value is None or one.verdict in (Verdict.INSUFFICIENT, Verdict.NO_DATA, Verdict.ERROR):
                continue
            known = self.worst.get(service)
            if known is None or (known.value or 0.0) < one.value:
                self.worst[service] = one

    def without(self, services: set[str]) -> "_Others":
        """Give the same without `services`."""
        return _Others({name: one for name, one in self.worst.items() if name not in services}, self.problems)

    @property
    def compared(self) -> int:
        """How many services were held against a baseline."""
        return len(self.worst)

    @property
    def slow(self) -> Iterator[SlowService]:
        """Those that are clearly slower than usual."""
        for service, one in self.worst.items():
            if one.value is not None and one.value > CLEARLY:
                yield SlowService(service, round(one.value, 3), one.why)
