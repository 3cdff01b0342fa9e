"""Counts on recorded pasts: which events a window holds, to the one, as a real Prometheus answers.

Times are grid times after `START`; everything is scraped every 15 s, 8 s before a grid time. The window is 5 minutes
and ends at `END`, so that it holds the scrapes that the grid times from `END - 285` to `END` are the first to see.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

import pytest

from monitor.adapters.prometheus import PrometheusSource
from monitor.core.judging.observe import Observation, observe
from monitor.core.model import Labels, labels_of
from monitor.core.rules.signal import Count
from monitor.ports.metrics import RangeSamples, Samples
from monitor.queries.promql import expressions
from tests.servers.prometheus import Exporter, Prometheus
from tests.time_rules.histories import LAG, START, Points, seen

WINDOW, INTERVAL = 300, 15
END = 3600
FIRST, LAST = END - WINDOW + INTERVAL, END
"""The first and the last scrape in the window."""
LONG_AGO = -600
NOTHING = None


def values(points: Mapping[int, float], end: int = END) -> Points:
    """A series whose scrapes find the value that was last set; it begins with the first."""
    return [
        (START + at - LAG, [value for since, value in sorted(points.items()) if since <= at][-1])
        for at in seen(min(points), end)
    ]


def without(points: Points, gap: Iterable[int]) -> Points:
    lost = {START + at - LAG for at in gap}
    return [point for point in points if point[0] not in lost]


def stopping(points: Points, last: int) -> Points:
    return [point for point in points if point[0] <= START + last - LAG]


@dataclass(frozen=True)
class Case:
    """Counters and `up` series, and how many events the window at `END` holds; None: no data."""

    name: str
    counters: Sequence[Points]
    ups: Sequence[Points]
    events: float | None


UP = values({LONG_AGO: 1.0})
GAP = seen(FIRST + 60, LAST - 60)
"""180 s without a scrape, inside the window: Prometheus itself goes on knowing the series."""
OUTAGE = seen(FIRST - 900, FIRST + 30)
"""15 minutes without a scrape, until shortly after the window's beginning."""

CASES = [
    Case("a flat counter", [values({LONG_AGO: 7.0})], [UP], 0.0),
    Case("three more", [values({LONG_AGO: 7.0, FIRST + 60: 8.0, LAST - 30: 10.0})], [UP], 3.0),
    Case("a half more", [values({LONG_AGO: 7.0, FIRST + 60: 7.5})], [UP], 0.5),
    Case("many, to the one", [[(at, 3.0 * n) for n, (at, _) in enumerate(UP)]], [UP], 60.0),
    Case("the first failure", [values({LAST - 60: 1.0})], [UP], 1.0),
    Case("the first failure, just scraped", [values({LAST: 1.0})], [UP], 1.0),
    Case("the first failures, and more", [values({FIRST + 60: 2.0, LAST - 60: 5.0})], [UP], 5.0),
    Case("the first failure of one of two", [values({LONG_AGO: 7.0}), values({LAST - 60: 1.0})], [UP], 1.0),
    Case("growth at the window's first scrape", [values({LONG_AGO: 7.0, FIRST: 8.0})], [UP], 1.0),
    Case("growth one scrape before the window", [values({LONG_AGO: 7.0, FIRST - 15: 8.0})], [UP], 0.0),
    Case("growth at the window's last scrape", [values({LONG_AGO: 7.0, LAST: 8.0})], [UP], 1.0),
    Case("a birth at the window's first scrape", [values({FIRST: 2.0})], [UP], 2.0),
    Case("a birth one scrape before the window", [values({FIRST - 15: 2.0})], [UP], 0.0),
    Case("a restart", [values({LONG_AGO: 7.0, FIRST + 60: 9.0, FIRST + 120: 1.0})], [UP], 3.0),
    Case("a restart at 0", [values({LONG_AGO: 7.0, FIRST + 120: 0.0})], [UP], 0.0),
    Case("a restart right at the window's edge", [values({LONG_AGO: 7.0, FIRST: 1.0})], [UP], 1.0),
    Case(
        "a restart that soon counts more", [values({LONG_AGO: 0.0, FIRST: 3.0, LAST - 60: 1.0, LAST: 4.0})], [UP], 7.0
    ),
    Case("two restarts", [values({LONG_AGO: 5.0, FIRST: 6.0, FIRST + 60: 2.0, LAST: 1.0})], [UP], 4.0),
    Case(
        "a restart with a failed scrape",
        [without(values({LONG_AGO: 7.0, LAST - 60: 2.0}), [LAST - 75])],
        [values({LONG_AGO: 1.0, LAST - 75: 0.0, LAST - 60: 1.0})],
        2.0,
    ),
    Case(
        "a birth after a restart with a failed scrape",
        [values({LAST - 30: 1.0})],
        [values({LONG_AGO: 1.0, LAST - 75: 0.0, LAST - 60: 1.0})],
        1.0,
    ),
    Case(
        "a restart that lost the counter for 20 minutes",
        [[*stopping(values({LONG_AGO: 3.0}), FIRST - 1200), *values({LAST - 60: 1.0})]],
        [UP],
        1.0,
    ),
    Case("a gap inside the window", [without(values({LONG_AGO: 7.0}), GAP)], [without(UP, GAP)], 0.0),
    Case(
        "growth in a gap that is short",
        [without(values({LONG_AGO: 7.0, LAST - 90: 9.0}), GAP)],
        [without(UP, GAP)],
        2.0,
    ),
    Case("a flat counter after an outage", [without(values({LONG_AGO: 7.0}), OUTAGE)], [without(UP, OUTAGE)], 0.0),
    Case(
        "a flat counter whose target was away",
        [without(values({LONG_AGO: 7.0}), OUTAGE)],
        [[(at, 0.0 if at in {START + lost - LAG for lost in OUTAGE} else 1.0) for at, _ in UP]],
        0.0,
    ),
    Case(
        "growth in an outage is not of this window, growth after it is",
        [without(values({LONG_AGO: 7.0, FIRST - 60: 9.0, LAST: 10.0}), OUTAGE)],
        [without(UP, OUTAGE)],
        1.0,
    ),
    Case(
        "a birth in an outage: its first value is its base",
        [values({FIRST + 45: 4.0, LAST - 60: 5.0})],
        [without(UP, OUTAGE)],
        1.0,
    ),
    Case("a birth before anything was watched", [values({LAST - 60: 4.0})], [values({FIRST - 200: 1.0})], 0.0),
    Case("a birth, watched for just 5 minutes more", [values({LAST - 60: 4.0})], [values({FIRST - 315: 1.0})], 4.0),
    Case(
        "a birth after a gap inside the window",
        [values({LAST - 45: 4.0})],
        [without(UP, GAP)],
        0.0,
    ),
    Case("a birth after a missed scrape", [values({LAST - 45: 4.0})], [without(UP, [LAST - 60])], 4.0),
    Case("absent, with a target that is up", [], [UP], 0.0),
    Case("absent, with a target that is down", [], [values({LONG_AGO: 1.0, FIRST - 60: 0.0})], NOTHING),
    Case("absent, without a target", [], [], NOTHING),
    Case("absent, with a target that is gone", [], [stopping(UP, FIRST - 15)], NOTHING),
    Case("not scraped in the window", [stopping(values({LONG_AGO: 7.0}), FIRST - 15)], [], NOTHING),
    Case(
        "not scraped for want of a target that is up",
        [stopping(values({LONG_AGO: 7.0}), FIRST - 15)],
        [values({LONG_AGO: 1.0, FIRST: 0.0})],
        NOTHING,
    ),
]

HISTORY: Mapping[str, Points] = {
    **{
        f'failures_total{{case="{n}",job="billing",pod="{pod}"}}': points
        for n, case in enumerate(CASES)
        for pod, points in enumerate(case.counters)
    },
    **{
        f'up{{case="{n}",job="billing",instance="{pod}"}}': points
        for n, case in enumerate(CASES)
        for pod, points in enumerate(case.ups)
    },
}


def counting(case: int, *by: str, window: int = WINDOW) -> Count:
    return Count(f'failures_total{{case="{case}"}}', by, window, f'up{{case="{case}"}}')


def read(source: PrometheusSource, signal: Count, at: int, interval: int = INTERVAL) -> dict[Labels, Observation]:
    parts = {}
    for part, expr in expressions(signal, signal.window, interval).items():
        answer = source.instant(expr, START + at, deadline=5)
        assert isinstance(answer, Samples), answer
        parts[part] = answer.samples
    return observe(signal, parts)


@pytest.mark.parametrize("interval", [15, 10, 1])
@pytest.mark.parametrize("n", range(len(CASES)), ids=[case.name for case in CASES])
def test_the_events_of_a_window(source: PrometheusSource, n: int, interval: int) -> None:
    found = read(source, counting(n), END, interval)
    assert found == ({} if CASES[n].events is None else {(): Observation(CASES[n].events)})


@pytest.mark.parametrize("n", range(len(CASES)), ids=[case.name for case in CASES])
def test_the_events_of_each_instance(source: PrometheusSource, n: int) -> None:
    found = read(source, counting(n, "job"), END)
    known = CASES[n].counters and CASES[n].events is not None
    assert found == ({labels_of({"job": "billing"}): Observation(CASES[n].events)} if known else {})


@pytest.mark.parametrize("n", range(len(CASES)), ids=[case.name for case in CASES])
def test_a_range_of_points_holds_the_same(source: PrometheusSource, n: int) -> None:
    signal, times = counting(n), range(START + END - 600, START + END + 1, INTERVAL)
    ranges = {}
    for part, expr in expressions(signal, WINDOW, INTERVAL).items():
        answer = source.range(expr, times[0], times[-1], INTERVAL, deadline=5)
        assert isinstance(answer, RangeSamples), answer
        ranges[part] = answer.at
    for at in (times[0], times[-20], times[-1]):
        assert observe(signal, {part: found[at] for part, found in ranges.items()}) == read(source, signal, at - START)


def test_an_event_is_seen_for_exactly_the_window(source: PrometheusSource) -> None:
    n = next(n for n, case in enumerate(CASES) if case.name == "the first failure")
    born = LAST - 60
    counts = {at: read(source, counting(n, window=60), at)[()].value for at in range(born - 30, born + 91, 15)}
    assert [at - born for at, count in counts.items() if count] == [0, 15, 30, 45]
    assert set(counts.values()) == {0.0, 1.0}


def test_growth_and_a_restart_behind_failed_scrapes_are_seen_past_their_staleness_markers() -> None:
    signal = Count("failures_total", (), 60, "up")
    with Exporter("failures_total 3\n") as exporter:
        scrape = {"billing": [exporter.target]}
        with Prometheus(scrape=scrape, interval=0.5) as prometheus, closing(PrometheusSource(prometheus.url)) as source:
            at = scraped(prometheus, "failures_total == 3")
            for failures in (5, 1):
                exporter.down = True
                scraped(prometheus, "up == 0 unless on (instance) failures_total")
                exporter.text, exporter.down = f"failures_total {failures}\n", False
                at = scraped(prometheus, f"failures_total == {failures}")
            assert read(source, signal, at - START, 1) == {(): Observation(3.0)}


def scraped(prometheus: Prometheus, expr: str) -> int:
    """Wait until `expr` has a result, and give the grid time at which it has."""
    give_up = time.monotonic() + 20
    while time.monotonic() < give_up:
        at = int(time.time())
        if prometheus.query(expr, at):
            return at
        time.sleep(0.1)
    raise AssertionError(f"{expr} was never scraped")
