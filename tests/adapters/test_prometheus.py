"""The way from a real Prometheus to verdicts: every kind of signal, read from backfilled history and judged."""

import math
import resource
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.prometheus import PrometheusSource
from monitor.core.judging.judge import judge
from monitor.core.judging.latency import quantile
from monitor.core.judging.observe import observe
from monitor.core.model import Judgement, Sample, Tier, Verdict, labels_of, utc
from monitor.core.rules.rule import Guards, TierRule
from monitor.core.rules.signal import Availability, Baseline, ErrorRatio, Latency, Query, ReferenceKind, Signal
from monitor.evaluation.baselines import Baselines, References
from monitor.ports.metrics import BadQuery, RangeSamples, Samples, Unanswered
from monitor.queries.promql import expressions
from tests.servers.prometheus import Exporter, History, Prometheus, steady

T = 1_699_999_200  # a full hour
DAY = 86_400
STEP = 15
BUCKETS = ("0.1", "0.2", "0.4", "0.8", "+Inf")


def requests_of(job: str, code: str) -> str:
    return f'http_requests_total{{job="{job}", code="{code}"}}'


def counter(*stretches: tuple[int, int, float]) -> list[tuple[float, float]]:
    """Give a counter that starts anew at 0 at the beginning of each (start, end, rate a second)."""
    return [point for start, end, rate in stretches for point in steady(start, end, STEP, rate=rate)]


def latencies(job: str, start: int, end: int, shares: Sequence[float]) -> dict[str, list[tuple[float, float]]]:
    """Give a histogram of 10 requests a second, of which cumulative `shares` lie under each bound."""
    return {
        f'http_seconds_bucket{{job="{job}", le="{le}"}}': steady(start, end, STEP, rate=10 * share)
        for le, share in zip(BUCKETS, shares, strict=True)
    }


def history() -> History:
    hour = T - 3600
    slow = {
        f'http_seconds_bucket{{job="auth", le="{le}"}}': steady(T - 2 * DAY, T - 300, STEP, rate=10 * usual)
        + steady(T - 285, T, STEP, rate=10 * now, first=(2 * DAY - 285) * 10 * usual)
        for le, usual, now in zip(BUCKETS, (0.8, 0.95, 1, 1, 1), (0, 0, 0.8, 0.95, 1), strict=True)
    }
    return {
        # half of everything fails
        requests_of("auth", "200"): counter((hour, T, 5.0)),
        requests_of("auth", "500"): counter((hour, T, 5.0)),
        # restarted 30 s ago: the counter fell to 0, and what came in the 15 s before was never scraped
        requests_of("restarted", "200"): counter((hour, T - 45, 4.0), (T - 30, T, 4.0)),
        requests_of("restarted", "503"): counter((hour, T - 45, 0.4), (T - 30, T, 0.4)),
        # no failure was ever counted: the series does not exist
        requests_of("healthy", "200"): counter((hour, T, 10.0)),
        # two requests in the window
        requests_of("quiet", "200"): counter((hour, T, 1 / 30)),
        requests_of("quiet", "500"): counter((hour, T, 1 / 30)),
        # known, and nobody calls
        requests_of("idle", "200"): [(t, 100.0) for t in range(hour, T + 1, STEP)],
        # ended ten minutes ago
        requests_of("gone", "200"): counter((hour, T - 600, 10.0)),
        'probe_success{instance="a"}': [(t, 1.0) for t in range(hour, T + 1, STEP)],
        'probe_success{instance="b"}': [(t, float(t < T - 240)) for t in range(hour, T + 1, STEP)],
        'queue_depth{queue="mail", pod="1"}': [(T, 70.0)],
        'queue_depth{queue="mail", pod="2"}': [(T, 50.0)],
        'queue_depth{queue="strange", pod="1"}': [(T, math.nan)],
        **slow,
        **latencies("steady", T - 2 * DAY, T, (0.8, 0.95, 1, 1, 1)),
        **latencies("new", T - 1800, T, (0.8, 0.95, 1, 1, 1)),
    }


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Prometheus(history=history()) as running:
        yield running


@pytest.fixture(scope="module")
def source(prometheus: Prometheus) -> Iterator[PrometheusSource]:
    opened = PrometheusSource(prometheus.url)
    yield opened
    opened.close()


def read(source: PrometheusSource, signal: Signal, window: int, at: int = T) -> dict[str, tuple[Sample, ...]]:
    answers = {part: source.instant(expr, at, deadline=5) for part, expr in expressions(signal, window).items()}
    assert all(isinstance(answer, Samples) for answer in answers.values()), answers
    return {part: answer.samples for part, answer in answers.items() if isinstance(answer, Samples)}


NO_REFERENCES = References()


def judged(
    source: PrometheusSource,
    signal: Signal,
    rule: TierRule,
    references: References = NO_REFERENCES,
) -> dict[str, Judgement]:
    """Give the judgement of each instance by the value of its first label."""
    seen = observe(signal, read(source, signal, rule.window))
    return {labels[0][1]: judge(signal, rule, one, references.of(labels)) for labels, one in sorted(seen.items())}


RATIO = ErrorRatio("http_requests_total", 'http_requests_total{code=~"5.."}', ("job",), 60)
OVER_2_PERCENT = TierRule(Tier.PREPARE, 0.02, None, 300, clear=0.015, window=60, guards=Guards(50, 3))

RATIOS = {
    "auth": (Verdict.BREACH, "50 % of 600 requests failed"),
    "restarted": (Verdict.BREACH, "9.09 % of 198 requests failed"),
    "healthy": (Verdict.CLEAR, "0 % of 600 requests failed"),
    "quiet": (Verdict.INSUFFICIENT, "4 of 50 requests needed"),
    "idle": (Verdict.INSUFFICIENT, "no request in the window"),
}


def test_ratios(source: PrometheusSource) -> None:
    found = judged(source, RATIO, OVER_2_PERCENT)
    assert {job: (one.verdict, one.why) for job, one in found.items()} == RATIOS


def test_a_gap_in_the_data_is_no_instance(source: PrometheusSource) -> None:
    assert "gone" not in judged(source, RATIO, OVER_2_PERCENT)


def test_availability(source: PrometheusSource) -> None:
    signal = Availability("probe_success", ("instance",), 60)
    found = judged(source, signal, TierRule(Tier.PREPARE, None, 0.5, 300, window=60))
    assert {name: (one.verdict, one.why) for name, one in found.items()} == {
        "a": (Verdict.CLEAR, "100 % up"),
        "b": (Verdict.BREACH, "0 % up"),
    }


def test_a_query(source: PrometheusSource) -> None:
    signal = Query("sum by (queue) (queue_depth) # all pods", ("queue",))
    found = judged(source, signal, TierRule(Tier.ROLLBACK, 100.0, None, 0))
    assert {name: (one.verdict, one.why) for name, one in found.items()} == {
        "mail": (Verdict.BREACH, "120"),
        "strange": (Verdict.NO_DATA, "no data (the value is nan)"),
    }


def test_a_query_that_is_not_grouped_is_an_error(source: PrometheusSource) -> None:
    found = judged(source, Query("queue_depth", ("queue",)), TierRule(Tier.ROLLBACK, 100.0, None, 0))
    assert found["mail"].verdict is Verdict.ERROR


def test_latencies_against_a_real_day(source: PrometheusSource) -> None:
    signal = Latency("http_seconds", 0.95, ("job",), 60, Baseline((ReferenceKind.TRAILING,)))
    references = Baselines(source).references(signal, 50, T, deadline=5)
    assert isinstance(references, References)
    rule = TierRule(Tier.PREPARE, 0.5, None, 300, window=60, guards=Guards(50))
    found = judged(source, signal, rule, references)
    assert {job: (one.verdict, one.why) for job, one in found.items()} == {
        "auth": (Verdict.BREACH, "p95 800 ms, baseline 200 ms (trailing 24 h)"),
        "steady": (Verdict.CLEAR, "p95 200 ms, baseline 200 ms (trailing 24 h)"),
        "new": (Verdict.INSUFFICIENT, "p95 200 ms, but no baseline: only 0 of 24 hours had 50 requests"),
    }
    assert found["auth"].value == pytest.approx(3.0)


def test_two_series_that_cannot_be_told_apart_are_a_wrong_query(source: PrometheusSource) -> None:
    answer = source.instant("sum without (pod) (queue_depth) + on () queue_depth", T, deadline=5)
    assert isinstance(answer, BadQuery)
    assert "many-to-many" in answer.why


@pytest.mark.parametrize(
    ("expr", "kind"), [("sum(", BadQuery), ("queue_depth[5m]", BadQuery), ('"x"', BadQuery), ("1", Samples)]
)
def test_what_the_engine_makes_of_it(source: PrometheusSource, expr: str, kind: type) -> None:
    assert isinstance(source.instant(expr, T, deadline=5), kind)


def test_a_range_is_given_at_the_asked_times(source: PrometheusSource) -> None:
    answer = source.range('queue_depth{pod="2"}', T - 30, T + 330, 30, deadline=5)
    assert isinstance(answer, RangeSamples)
    assert list(answer.at) == list(range(T - 30, T + 331, 30))
    told = {at - T for at, samples in answer.at.items() if samples}
    assert told - {300} == set(range(0, 300, 30))  # whether 5 min old is too old differs between versions


def test_a_range_equals_its_instants(source: PrometheusSource) -> None:
    expr = expressions(RATIO, 60)["requests"]
    answer = source.range(expr, T - 120, T, 15, deadline=5)
    assert isinstance(answer, RangeSamples)
    for at, samples in answer.at.items():
        assert source.instant(expr, at, deadline=5) == Samples(samples)


def test_a_range_of_too_many_points_is_a_wrong_query(source: PrometheusSource) -> None:
    assert isinstance(source.range("queue_depth", T - 12_000, T, 1, deadline=5), BadQuery)


_COUNTS = st.floats(0, 1e6).map(lambda count: round(count, 3))
_BOUNDS = st.floats(-2, 100).map(lambda bound: round(bound, 3))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_BOUNDS, _COUNTS, max_size=10), _COUNTS, st.floats(0, 1).map(lambda q: round(q, 4)))
def test_quantiles_equal_those_of_the_engine(
    source: PrometheusSource, counts: dict[float, float], total: float, q: float
) -> None:
    buckets = counts | {math.inf: total}
    series = (
        f'label_replace(vector({count!r}), "le", "{"+Inf" if le == math.inf else repr(le)}", "", "")'
        for le, count in buckets.items()
    )
    answer = source.instant(f"histogram_quantile({q!r}, {' or '.join(series)})", T, deadline=5)
    assert isinstance(answer, Samples)
    (theirs,) = answer.samples
    ours = quantile(q, buckets)
    assert math.isnan(theirs.value) if ours is None else theirs.value == pytest.approx(ours, rel=1e-9, abs=1e-12)


def test_a_description(source: PrometheusSource) -> None:
    now = utc(time.time())
    found = source.describe(now + timedelta(seconds=40), deadline=5)
    assert (found.reachable, found.problem) == (True, "")
    assert found.version.startswith("2.")
    assert (found.retention, found.scrape_interval, found.scrape_timeout) == ("100y", "1s", "1s")
    assert found.skew == pytest.approx(-40, abs=2)
    assert abs((source.clock() or now) - now) < timedelta(seconds=3)


def test_a_description_of_nobody() -> None:
    source = PrometheusSource("http://127.0.0.1:1")
    found = source.describe(utc(T), deadline=1)
    assert (found.reachable, found.problem, found.skew) == (False, "the connection is refused", None)


def test_a_restart_of_the_server_is_survived() -> None:
    with Prometheus(history={"x": [(T, 1.0)]}) as server:
        source = PrometheusSource(server.url)
        assert source.instant("x", T, deadline=5) == Samples((Sample((("__name__", "x"),), 1.0),))
        server.stop()
        assert source.instant("x", T, deadline=5) == Unanswered("the connection is refused")
        server.start()
        assert source.instant("x", T, deadline=5) == Samples((Sample((("__name__", "x"),), 1.0),))
        source.close()


def test_a_live_target_is_scraped() -> None:
    with (
        Exporter("# TYPE jobs_waiting gauge\njobs_waiting 3\n") as exporter,
        Prometheus(scrape={"shop": [exporter.target]}, interval=0.2) as server,
    ):
        source = PrometheusSource(server.url)
        give_up = time.monotonic() + 15
        answer = source.instant("sum by (job) (jobs_waiting)", int(time.time()) + 1, deadline=2)
        while answer == Samples(()) and time.monotonic() < give_up:
            time.sleep(0.1)
            answer = source.instant("sum by (job) (jobs_waiting)", int(time.time()) + 1, deadline=2)
        names, kinds = source.names(int(time.time()) - 60, int(time.time()) + 1, deadline=2), source.types(deadline=2)
        source.close()
    assert answer == Samples((Sample(labels_of({"job": "shop"}), 3.0),))
    assert isinstance(names, tuple)
    assert {"jobs_waiting", "up"} <= set(names)
    assert kinds["jobs_waiting"] == "gauge"


def test_the_cost_of_a_query(source: PrometheusSource) -> None:
    expr, asked = expressions(RATIO, 60)["requests"], 300
    before = resource.getrusage(resource.RUSAGE_THREAD)
    for _ in range(asked):
        source.instant(expr, T, deadline=5)
    after = resource.getrusage(resource.RUSAGE_THREAD)
    spent = (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / asked
    print(f"client CPU of a query: {spent * 1e6:.0f} µs")
    assert spent < 0.005
