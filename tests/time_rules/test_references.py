"""References and release changes on a recorded month, through the reader, as a real Prometheus answers.

Times are seconds after `START`. Auth answers within 200 ms; on Tuesdays around 03:00 a batch makes that 500 ms, which
no other hour of the day knows. At 02:58 on the last day auth 2 begins to replace auth 1, and needs a minute for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import pytest

from monitor.adapters.memory.world import ManualClock
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.judging.latency import DAY, HOUR, WEEK
from monitor.core.model import AlertKey, Judgement, Tier, Verdict, labels_of, utc
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.rule import Group, Guards, Rule, TierRule
from monitor.core.rules.ruleset import RuleSet, VersionMetric
from monitor.core.rules.signal import Baseline, Latency
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Reader
from monitor.ports.metrics import Answer, RangeAnswer
from monitor.queries.plan import plan
from tests.time_rules.histories import START, Points, gauge, histogram, seen

USUAL, BATCH, NOW = 0.2, 0.5, 1.0
ROLLOUT, ROLLED_OUT, END = -120, -60, 900


def within(at: int) -> float:
    """The bucket that auth's requests fall into."""
    if at >= 0:
        return NOW
    return BATCH if (at + HOUR // 2) % WEEK < HOUR else USUAL


def times(first: int) -> list[int]:
    """Every 15 s on the last day, every 5 minutes before it."""
    return [*range(first, -2 * HOUR, 300), *seen(max(first, -2 * HOUR), END)]


def latencies(job: str, first: int, bucket: Callable[[int], float]) -> Mapping[str, Points]:
    return histogram("slow", f'job="{job}"', times(first), bucket)


def running(first: int, last: int) -> Points:
    return gauge(seen(first, last), lambda _: 1.0)


HISTORY = {
    **latencies("auth", -25 * DAY, within),
    **latencies("young", -2 * DAY, lambda at: NOW if at >= 0 else 0.25),
    **latencies("new", -HOUR, lambda at: NOW if at >= 0 else 0.25),
    'build_info{job="auth",version="1"}': running(-DAY, ROLLED_OUT - 300),  # the last sample is known for 5 minutes
    'build_info{job="auth",version="2"}': running(ROLLOUT, END),
}

OVER = TierRule(Tier.PREPARE, 0.5, None, 300, window=60, guards=Guards(50))
RULE = Rule("Slow", Latency("slow", 0.95, ("job",), 60, Baseline()), (OVER,), after_deploy=180)
GROUP = Group("slow", (RULE,))
RULES = RuleSet((GROUP,), Routing("test", Route("C0")), {}, versions=(VersionMetric("auth", "build_info", "version"),))


class Counted:
    """The source, and how many queries it was asked."""

    def __init__(self, source: PrometheusSource) -> None:
        self._source = source
        self.queries = 0

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        self.queries += 1
        return self._source.instant(expr, at, deadline=deadline)

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        self.queries += 1
        return self._source.instants(exprs, at, deadline=deadline)

    def clock(self) -> datetime | None:
        return self._source.clock()

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        self.queries += 1
        return self._source.range(expr, start, end, step, deadline=deadline)


def judged(source: Counted, reader: Reader, at: Iterable[int]) -> list[dict[str, Judgement]]:
    clock = ManualClock(utc(START))
    points = reader.points(plan(RULES), RULE, [START + one for one in at], Deadline(clock, 1030.0))
    found = []
    for point in points:
        assert isinstance(point, Judged), (point, source.queries)
        assert len({one.labels for one in point.judgements}) == 3
        found.append({job: point.judgements[key(job)] for job in ("auth", "young", "new")})
    return found


def key(job: str) -> AlertKey:
    return AlertKey("Slow", labels_of({"job": job}), Tier.PREPARE)


@pytest.fixture
def counted(source: PrometheusSource) -> Counted:
    return Counted(source)


@pytest.fixture
def reader(counted: Counted) -> Reader:
    return Reader(counted, Baselines(counted))


def shown(judgement: Judgement) -> list[tuple[str, float | None, str]]:
    return [(one.name, one.seconds and round(one.seconds, 4), one.why) for one in judgement.baseline]


def test_every_reference(counted: Counted, reader: Reader) -> None:
    ((found),) = judged(counted, reader, [60])
    assert shown(found["auth"]) == [
        ("same_time", pytest.approx(0.4875, rel=0.01), "median of 3 of 3 weeks"),
        ("trailing", 0.195, "median of 24 of 24 hours"),
        ("before_deploy", pytest.approx(0.4875, rel=0.05), "the hour before auth 2 at 02:58 UTC"),
    ]
    assert shown(found["young"]) == [
        ("same_time", 0.2475, "1 day ago (only 0 of 3 weeks had 50 requests)"),
        ("trailing", 0.2475, "median of 24 of 24 hours"),
    ]
    assert shown(found["new"]) == [
        ("same_time", None, "only 0 of 3 weeks had 50 requests, nor did it 1 day ago"),
        ("trailing", None, "only 0 of 24 hours had 50 requests"),
    ]
    assert found["new"].verdict is Verdict.INSUFFICIENT


def test_a_batch_of_every_week_is_no_breach_of_that_hour(counted: Counted, reader: Reader) -> None:
    (found,) = judged(counted, reader, [-15])
    assert (found["auth"].verdict, found["auth"].why) == (
        Verdict.CLEAR,
        "p95 488 ms, baseline 488 ms (same time)",
    )


def test_prepare_waits_for_the_deploy_to_warm_up(counted: Counted, reader: Reader) -> None:
    times = range(60, END + 1, 15)
    found = judged(counted, reader, times)
    said = {at: (one["auth"].verdict, one["auth"].why.partition(" (")[0]) for at, one in zip(times, found, strict=True)}
    begun, ended = {at for at, one in said.items() if one[0] is Verdict.BREACH}, ROLLED_OUT
    assert min(begun) == ended + 180
    assert begun == set(range(ended + 180, END + 1, 15))
    assert said[60] == (Verdict.INSUFFICIENT, "warming up after auth 2 until 03:02 UTC")
    assert {one["young"].verdict for one in found} == {Verdict.BREACH}, "another service is not held back"


def test_caught_up_or_point_by_point_the_same(counted: Counted, reader: Reader) -> None:
    times = range(-600, END + 1, 15)
    ahead = judged(counted, reader, times)
    live = Reader(counted, Baselines(counted))
    assert ahead == [one for at in times for one in judged(counted, live, [at])]


def test_what_it_costs(counted: Counted, reader: Reader) -> None:
    judged(counted, reader, [0])
    assert counted.queries == 6, "the reading, 24 hours, 3 weeks, yesterday, a day of versions, the hour before"
    counted.queries = 0
    for at in range(15, 300, 15):
        judged(counted, reader, [at])
    assert counted.queries == 2 * 19, "the reading and the version, at each point"
    judged(counted, reader, [300])
    assert counted.queries == 2 * 19 + 4, "a new slot: 3 weeks and yesterday beside them"


def test_what_catching_up_costs(counted: Counted, reader: Reader) -> None:
    judged(counted, reader, range(-600, END + 1, 15))
    slots = (600 + END) // 300 + 1
    assert counted.queries == 1 + 1 + 2 + 3 + slots + 1, "readings, versions, hours (twice), weeks, yesterdays, before"
