"""Where it fails, and what else is slow, read from a real Prometheus by rules with any metric names."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from monitor import files
from monitor.adapters.memory.world import ManualClock, ScriptedSource
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import AlertKey, Labels, Tier, labels_of, utc
from monitor.core.releases.breakdown import Breakdown
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Reader
from monitor.ports.metrics import Answer, MetricsSource, RangeAnswer, Unanswered
from monitor.procedure.breakdowns import BreakdownWatch
from monitor.rulebook import InForce, RuleBook
from tests.servers.prometheus import Prometheus

HOUR = 3600
T = 20_000 * 86_400 + 3 * HOUR
BEGUN = T - 600

RULES = """\
version: 1
groups:
  - name: critical
    rules:
      - alert: Errors
        service: '{{ $labels.app }}'
        signal:
          error_ratio: {requests: http_server_requests_count, failures: 'status=~"5.."', by: [app], window: 2m}
        rollback: {above: 20%}
      - alert: Slow
        service: '{{ $labels.app }}'
        signal:
          latency: {histogram: took_seconds, by: [app], window: 2m, ceiling: 2s}
        guards: {min_requests: 10}
        prepare: {above: 50%, for: 5m}
      - alert: Login
        service: auth
        signal:
          error_ratio:
            requests: 'http_server_requests_count{app="auth", uri="/login"}'
            failures: 'status=~"5.."'
            window: 2m
        rollback: {above: 20%}
      - alert: Nodes
        signal: {query: {expr: 'min(up)'}}
        rollback: {below: 1}
"""

FAILING = {"/login": 6.0, "/refresh": 0.2, "/logout": 0.0, "/<!channel>?token=hunter2": 0.1}
"""Failures a second of ten requests a second, by route, once it has begun."""

ELSEWHERE = 'http_server_requests_count{app="shop",handler="default",method="GET",uri="/cart",status="500"}'
"""Another service fails more."""

SLOW = {"auth": (1.0, 0.5), "billing": (0.1, 0.9), "web": (1.0, 0.98)}
"""The share of requests within 0.2 s before it began and since; the others take up to 1 s."""


def grown(at: int, before: float, since: float) -> float:
    """A counter of `before` a second until it began, and `since` a second from then on."""
    return before * min(at, BEGUN) + since * max(0, at - BEGUN) - before * (T - 26 * HOUR)


def times() -> list[int]:
    return [*range(T - 26 * HOUR, BEGUN - 300, 300), *range(BEGUN - 300, T + 31, 15)]


def history() -> dict[str, list[tuple[float, float]]]:
    made: dict[str, list[tuple[float, float]]] = {}
    for route, failing in FAILING.items():
        inside = f'app="auth",handler="default",method="GET",uri="{route}"'
        made[f'http_server_requests_count{{{inside},status="200"}}'] = [
            (at, grown(at, 10, 10 - failing)) for at in times()
        ]
        made[f'http_server_requests_count{{{inside},status="500"}}'] = [(at, grown(at, 0, failing)) for at in times()]
    made[ELSEWHERE] = [(at, grown(at, 0, 50)) for at in times()]
    for app, (before, since) in SLOW.items():
        for route, per_second in (("/a", 8.0), ("/b", 2.0)):
            for bound, was, now in (("0.2", before, since if route == "/a" else 0.0), ("1", 1, 1), ("+Inf", 1, 1)):
                made[f'took_seconds_bucket{{app="{app}",endpoint="{route}",le="{bound}"}}'] = [
                    (at, grown(at, per_second * was, per_second * now)) for at in times()
                ]
    return {name: [(float(at), value) for at, value in points] for name, points in made.items()}


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Prometheus(history=history()) as running:
        yield running


class Counting:
    """A source that counts the times it is asked, and answers nothing once it is `away`."""

    def __init__(self, inner: MetricsSource) -> None:
        self.inner, self.asked, self.away = inner, 0, False

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        return self.instants([expr], at, deadline=deadline)[expr]

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        self.asked += 1
        if self.away:
            return dict.fromkeys(exprs, Unanswered("it is away"))
        return self.inner.instants(exprs, at, deadline=deadline)

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        return self.inner.range(expr, start, end, step, deadline=deadline)

    def clock(self) -> None:
        return None


@pytest.fixture
def source(prometheus: Prometheus) -> Iterator[Counting]:
    inner = PrometheusSource(prometheus.url)
    yield Counting(inner)
    inner.close()


def rules(folder: Path, text: str = RULES) -> InForce:
    (folder / "rules.yaml").write_text(text)
    (folder / "routing.yaml").write_text("environment: production\n")
    (folder / "procedures").mkdir()
    (folder / "procedures" / "rollback.yaml").write_text("title: Back\nsteps: [{id: go, title: Go}]\n")
    loaded = files.load(folder, fallback_channel="C0OPS")
    assert loaded.rules is not None, loaded.findings
    return RuleBook(loaded.rules).now


def key(alert: str, tier: Tier = Tier.ROLLBACK, **labels: str) -> AlertKey:
    named: Labels = labels_of(labels)
    return AlertKey(alert, named, tier)


ERRORS = key("Errors", app="auth")


def look(source: MetricsSource, book: InForce, *keys: AlertKey, seconds: float = 60) -> Breakdown | None:
    clock = ManualClock(utc(T))
    watch = BreakdownWatch(source, Reader(source, Baselines(source)))
    return watch.look(book, keys, T, Deadline(clock, clock.monotonic() + seconds))


def test_the_failing_routes_are_found_by_the_label_that_tells_them_apart(source: Counting, tmp_path: Path) -> None:
    found = look(source, rules(tmp_path), ERRORS)
    assert found is not None
    (one,) = found.by_route
    assert (one.service, one.label, found.problem) == ("auth", "uri", ""), "handler is the same for all"
    assert [(route.route, round(route.share, 2)) for route in one.routes] == [
        ("/login", 0.6),
        ("/refresh", 0.02),
        ("/<!channel>", 0.01),
    ], "the worst first; a query string may hold anything"
    login = one.routes[0]
    assert login.failures == pytest.approx(720, abs=2)
    assert login.requests == pytest.approx(1200, abs=2)


def test_other_services_that_are_clearly_slower_are_named_and_the_failing_one_is_not(
    source: Counting, tmp_path: Path
) -> None:
    found = look(source, rules(tmp_path), ERRORS)
    assert found is not None
    assert [one.service for one in found.slow] == ["web"], "billing is as slow as ever, auth fires itself"
    assert found.slow[0].slower > 2
    assert "baseline" in found.slow[0].why
    assert found.compared == 2


def test_it_takes_few_requests_and_one_route_alone_is_not_told(source: Counting, tmp_path: Path) -> None:
    book = rules(tmp_path)
    assert look(source, book, ERRORS) is not None
    assert source.asked == 3, "labels, routes, latencies"
    found = look(source, book, key("Login"))
    assert found is not None
    assert (found.by_route, found.problem) == ((), "")


def test_a_latency_is_told_by_its_slowest_routes(source: Counting, tmp_path: Path) -> None:
    found = look(source, rules(tmp_path), key("Slow", Tier.PREPARE, app="web"))
    assert found is not None
    (one,) = found.by_route
    assert (one.label, one.quantile, [route.route for route in one.routes]) == ("endpoint", 0.95, ["/b", "/a"])
    assert one.routes[0].seconds == pytest.approx(0.96, abs=0.01)
    assert [one.service for one in found.slow] == ["auth"]


def test_a_label_of_an_instance_cannot_break_out_of_its_place(source: Counting, tmp_path: Path) -> None:
    found = look(source, rules(tmp_path), key("Errors", app='auth"} or {uri!="\\'))
    assert found is not None
    assert (found.by_route, found.problem) == ((), "")


def test_a_rule_may_say_which_label_it_is(source: Counting, tmp_path: Path) -> None:
    text = RULES.replace("      - alert: Errors\n", "      - alert: Errors\n        route_label: method\n")
    found = look(source, rules(tmp_path, text), ERRORS)
    assert found is not None
    assert found.by_route == (), "there is one method only"


def test_what_is_not_answered_is_said_and_the_rest_is_told(source: Counting, tmp_path: Path) -> None:
    source.away = True
    found = look(source, rules(tmp_path), ERRORS)
    assert found is not None
    assert (found.by_route, found.slow, found.problem) == ((), (), "it is away")
    out_of_time = look(Counting(ScriptedSource(lambda _expr, _at: Unanswered("late"))), rules_of(tmp_path), ERRORS)
    assert out_of_time is not None
    assert out_of_time.problem == "late"


def rules_of(folder: Path) -> InForce:
    loaded = files.load(folder, fallback_channel="C0OPS")
    assert loaded.rules is not None
    return RuleBook(loaded.rules).now


def test_where_nothing_counts_requests_nothing_is_asked(source: Counting, tmp_path: Path) -> None:
    only_nodes = RULES[: RULES.index("      - alert: Errors")] + RULES[RULES.index("      - alert: Nodes") :]
    assert look(source, rules(tmp_path, only_nodes), key("Nodes")) is None
    assert source.asked == 0
