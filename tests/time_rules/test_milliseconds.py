"""One service measured twice, in seconds and in milliseconds: whatever is made of it is the same, against Prometheus.

Two days of 250 ms, and then 2.5 s. Times are seconds after `START`.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import ManualClock
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import AlertKey, Judgement, Tier, labels_of, utc
from monitor.core.replay.outcome import Replayed
from monitor.core.rules.rule import Group
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Latency
from monitor.evaluation.baselines import Baselines, References
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Reader
from monitor.ports.metrics import Samples
from monitor.procedure.breakdowns import BreakdownWatch
from monitor.queries.plan import plan
from monitor.rulebook import RuleBook
from monitor.ruleset.export import Peer, prometheus_rules
from monitor.survey import Means, survey
from monitor.workbench.replay.cache import NoCache
from monitor.workbench.replay.fetching import Fetcher
from monitor.workbench.replay.history import History
from monitor.workbench.replay.replaying import Replay
from monitor.workbench.replay.world import World
from tests.time_rules.histories import START, Points, histogram, seen
from tests.time_rules.walk import written

DAY, END = 86_400, 900
TIMES = [*range(-2 * DAY, -7200, 300), *seen(-7200, END)]
WAYS = ("{fixed: 200ms}", "trailing", "[same_time, trailing]", "same_time, ceiling: 400ms")


def in_milliseconds(series: dict[str, Points]) -> dict[str, Points]:
    """The same histogram with bounds a thousand times as high."""

    def renamed(name: str) -> str:
        head, bound = name.removesuffix('"}').split('le="')
        higher = "+Inf" if bound == "+Inf" else f"{1000 * float(bound):g}"
        return f'{head.replace("took_seconds", "took_milliseconds")}le="{higher}"}}'

    return {renamed(name): points for name, points in series.items()}


IN_SECONDS = {
    **histogram("took_seconds", 'job="auth",route="/login"', TIMES, lambda at: 2.5 if at >= 0 else 0.25),
    **histogram("took_seconds", 'job="auth",route="/cart"', TIMES, lambda _: 0.25, each=7.0),
}
HISTORY = {**IN_SECONDS, **in_milliseconds(IN_SECONDS)}


def rules_of(folder: Path, metric: str, unit: str = "") -> RuleSet:
    """A rule for each way to have a baseline."""
    rules = "".join(
        f"- alert: Slow{number}\n"
        f"  signal: {{latency: {{histogram: {metric}, by: [job], window: 1m, baseline: {way}{unit}}}}}\n"
        "  guards: {min_requests: 50}\n"
        "  prepare: {above: 50%, for: 5m, clear: 20%}\n"
        "  rollback: {above: 300%, confidence: 99%}\n"
        for number, way in enumerate(WAYS)
    )
    return written(folder, rules)


@pytest.fixture
def plain(tmp_path: Path) -> RuleSet:
    return rules_of(tmp_path / "plain", "took_seconds")


@pytest.fixture
def thousandfold(tmp_path: Path) -> RuleSet:
    return rules_of(tmp_path / "thousandfold", "took_milliseconds", ", unit: ms")


def judged(source: PrometheusSource, rules: RuleSet) -> Iterator[Judgement]:
    """Everything that the daemon's reader judges before and after the change."""
    reader = Reader(source, Baselines(source))
    for rule in rules.groups[0].rules:
        for point in reader.points(
            plan(rules), rule, list(range(START - 60, START + END, 60)), Deadline(ManualClock(utc(START)), 1030)
        ):
            assert isinstance(point, Judged)
            yield from point.judgements.values()


def replayed(source: PrometheusSource, rules: RuleSet) -> Replayed:
    history = History(Fetcher(source, NoCache(), START + 30 * DAY), 2)
    replay = Replay(history, source, World(MemoryStore, source), START - 60, START + END)
    number = replay.want(rules)
    replay.read()
    return replay.outcome(number, with_traces=True)


def test_every_judgement_is_the_same(source: PrometheusSource, plain: RuleSet, thousandfold: RuleSet) -> None:
    found = list(judged(source, plain))
    assert len({one.verdict for one in found}) > 1
    assert [one.why for one in judged(source, thousandfold)] == [one.why for one in found]
    assert list(judged(source, thousandfold)) == found


def test_hours_that_are_kept_are_those_of_their_unit(source: PrometheusSource, tmp_path: Path) -> None:
    baselines = Baselines(source)
    for unit, factor in (("", 1.0), (", unit: ms", 0.001)):
        rule = rules_of(tmp_path / str(factor), "took_seconds", unit).groups[0].rules[1]
        assert isinstance(rule.signal, Latency)
        found = baselines.references(rule.signal, 50, START, deadline=30)
        assert isinstance(found, References)
        (reference,) = found.of(labels_of({"job": "auth"}))
        assert reference.seconds == pytest.approx(0.2475 * factor)


def test_a_replay_is_the_same(source: PrometheusSource, plain: RuleSet, thousandfold: RuleSet) -> None:
    found, other = replayed(source, plain), replayed(source, thousandfold)
    assert {one.key.alert for one in found.alerts} == {f"Slow{number}" for number, _ in enumerate(WAYS)}
    assert other.alerts == found.alerts
    assert other.pages == found.pages
    assert other.traces == found.traces


def test_the_slowest_routes_are_told_in_seconds(source: PrometheusSource, thousandfold: RuleSet) -> None:
    watch, clock = BreakdownWatch(source, Reader(source, Baselines(source))), ManualClock(utc(START))
    rules = replace(thousandfold, groups=tuple(with_route_label(one) for one in thousandfold.groups))
    key = AlertKey("Slow0", labels_of({"job": "auth"}), Tier.PREPARE)
    found = watch.look(RuleBook(rules).now, [key], START + 600, Deadline(clock, clock.monotonic() + 30))
    assert found is not None
    assert [route.seconds for route in found.by_route[0].routes] == [pytest.approx(2.475), pytest.approx(0.2475)]


def with_route_label(group: Group) -> Group:
    return replace(group, rules=tuple(replace(rule, route_label="route") for rule in group.rules))


def test_what_is_exported_fires_alike(source: PrometheusSource, plain: RuleSet, thousandfold: RuleSet) -> None:
    fired = [list(firing(source, rules)) for rules in (plain, thousandfold)]
    assert any(fired[0])
    assert fired[1] == fired[0]


def firing(source: PrometheusSource, rules: RuleSet) -> Iterator[tuple[float, ...]]:
    """What each exported expression answers before the change and after it."""
    for rule in yaml.safe_load(prometheus_rules(rules, Peer((2, 42))).text)["groups"][0]["rules"]:
        for at in (START - 60, START + 600):
            answer = source.instant(rule["expr"], at, deadline=30)
            assert isinstance(answer, Samples)
            yield tuple(round(one.value, 9) for one in answer.samples)


def test_bounds_that_look_like_milliseconds_are_told(
    source: PrometheusSource, tmp_path: Path, plain: RuleSet, thousandfold: RuleSet
) -> None:
    forgotten = rules_of(tmp_path / "forgotten", "took_milliseconds")
    codes = [unit_doubts(source, rules) for rules in (plain, thousandfold, forgotten)]
    assert codes == [[], [], ["Slow0", "Slow1", "Slow2", "Slow3"]]


def unit_doubts(source: PrometheusSource, rules: RuleSet) -> list[str]:
    clock = ManualClock(utc(START + END))
    means = Means(source, Baselines(source), Deadline(clock, clock.monotonic() + 30), "15d")
    found = survey(rules, plan(rules), means, START + END)
    return [one.rule for one in found.doubts if one.code == "unit"]
