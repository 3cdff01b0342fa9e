"""Verdicts of readings, one row a case, by the table "Verdicts" of the design."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judge import Observation, judge, observe, unreadable, unseen
from monitor.core.model import Labels, Reference, Sample, Tier, Verdict, labels_of
from monitor.core.rule import (
    Availability,
    Baseline,
    Condition,
    ErrorRatio,
    Guards,
    Latency,
    Query,
    ReferenceKind,
    Signal,
    TierRule,
)

RATIO = ErrorRatio("r", "f", ("job",), 60)
UP = Availability("probe_success", ("instance",), 60)
NUMBER = Query("queue_depth", ("queue",))
SLOW = Latency("h", 0.95, ("job",), 60, Baseline((ReferenceKind.TRAILING,)))
CAPPED = Latency("h", 0.95, ("job",), 60, Baseline((ReferenceKind.TRAILING,), ceiling=2.0))
FIXED = Latency("h", 0.95, ("job",), 60, Baseline((), fixed=0.25))


def tier(above: float | None = None, below: float | None = None, **more: object) -> TierRule:
    return TierRule(Tier.PREPARE, above, below, 300, **more)  # type: ignore[arg-type]


def over(limit: float, *, clear: float | None = None, requests: float = 0, failures: float = 0) -> TierRule:
    return tier(limit, clear=clear, guards=Guards(requests, failures))


def trailing(seconds: float | None, why: str = "") -> tuple[Reference, ...]:
    return (Reference("trailing", seconds, why),)


def of(value: float | None, n: float | None = None, k: float | None = None) -> Observation:
    return Observation(value, n, k)


BREACH, BETWEEN, CLEAR = Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR
INSUFFICIENT, NO_DATA, ERROR = Verdict.INSUFFICIENT, Verdict.NO_DATA, Verdict.ERROR

RATIOS: list[tuple[str, TierRule, Observation, Verdict, str]] = [
    ("over the limit", over(0.02), of(0.62, 310, 192.2), BREACH, "62 % of 310 requests failed"),
    ("exactly at the limit is no breach", over(0.02), of(0.02, 300, 6), CLEAR, "2 % of 300 requests failed"),
    (
        "at the limit but for float dust is no breach",
        over(0.02),
        of(0.02 + 1e-15, 300, 6),
        CLEAR,
        "2 % of 300 requests failed",
    ),
    ("a millionth over the limit is a breach", over(0.02), of(0.02002, 1e6, 20020), BREACH, "2 % of 1000000"),
    ("over clear, not over the limit", over(0.02, clear=0.015), of(0.016, 1000, 16), BETWEEN, "1.6 % of 1000"),
    ("exactly at clear is clear", over(0.02, clear=0.015), of(0.015, 1000, 15), CLEAR, "1.5 %"),
    ("no failure", over(0.02), of(0.0, 50, 0), CLEAR, "0 % of 50 requests failed"),
    ("too few requests, all failing", over(0.02, requests=50), of(1.0, 7.4, 7.4), INSUFFICIENT, "7 of 50 requests"),
    ("too few requests, none failing", over(0.02, requests=50), of(0.0, 7, 0), INSUFFICIENT, "7 of 50 requests"),
    ("the very number of requests needed", over(0.02, requests=50), of(0.5, 50, 25), BREACH, "50 % of 50"),
    ("that number but for float dust", over(0.02, requests=50), of(0.5, 50 - 1e-9, 25), BREACH, "50 % of 50"),
    ("one request fewer", over(0.02, requests=50), of(0.5, 49.9, 25), INSUFFICIENT, "49 of 50 requests needed"),
    ("no request at all", over(0.02), of(None, 0, 0), INSUFFICIENT, "no request in the window"),
    (
        "too few failures",
        over(0.02, failures=5),
        of(0.04, 50, 2),
        INSUFFICIENT,
        "2 of 5 failures needed (4 % of 50 requests failed)",
    ),
    ("too few failures, not over the limit", over(0.02, failures=5), of(0.01, 200, 2), CLEAR, "1 % of 200"),
    ("one request, failing", over(0.25), of(1.0, 1, 1), BREACH, "100 % of 1 request failed"),
    ("a part of a request", over(0.25), of(1.0, 0.5, 0.5), INSUFFICIENT, "0 of 1 request needed"),
    ("all requests fail", over(0.25), of(1.0, 20, 20), BREACH, "100 % of 20 requests failed"),
    ("NaN", over(0.02), of(math.nan, 10, 1), NO_DATA, "no data (the value is nan)"),
    ("endless requests", over(0.02), of(0.5, math.inf, 1), NO_DATA, "no data"),
    ("nothing", over(0.02), of(None), NO_DATA, "no data"),
    ("a part is missing", over(0.02), Observation(problem="gone"), ERROR, "gone"),
]


@pytest.mark.parametrize(
    ("rule", "seen", "verdict", "why"), [row[1:] for row in RATIOS], ids=[row[0] for row in RATIOS]
)
def test_a_ratio(rule: TierRule, seen: Observation, verdict: Verdict, why: str) -> None:
    judged = judge(RATIO, rule, seen)
    assert judged.verdict is verdict
    assert why in judged.why
    assert judged.limit == rule.limit


OTHERS: list[tuple[str, Signal, TierRule, Observation, Verdict, str]] = [
    ("below the share", UP, tier(below=0.5), of(0.25), BREACH, "25 % up"),
    ("exactly at the share", UP, tier(below=0.5), of(0.5), CLEAR, "50 % up"),
    ("under clear, not under the limit", UP, tier(below=0.5, clear=0.9), of(0.75), BETWEEN, "75 % up"),
    ("exactly at clear", UP, tier(below=0.5, clear=0.9), of(0.9), CLEAR, "90 % up"),
    ("all up", UP, tier(below=0.5, clear=0.9), of(1.0), CLEAR, "100 % up"),
    ("a number over", NUMBER, tier(100), of(101.5), BREACH, "101.5"),
    ("a number under a negative limit", NUMBER, tier(below=-3), of(-4.0), BREACH, "-4"),
    ("zero exactly at zero", NUMBER, tier(0), of(0.0), CLEAR, "0"),
    ("guards do not touch a number", NUMBER, over(1, requests=50, failures=5), of(2.0), BREACH, "2"),
    ("infinity", NUMBER, tier(100), of(math.inf), NO_DATA, "no data (the value is inf)"),
    ("minus infinity", NUMBER, tier(below=1), of(-math.inf), NO_DATA, "no data (the value is -inf)"),
]


@pytest.mark.parametrize(
    ("signal", "rule", "seen", "verdict", "why"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS]
)
def test_shares_and_numbers(signal: Signal, rule: TierRule, seen: Observation, verdict: Verdict, why: str) -> None:
    judged = judge(signal, rule, seen)
    assert (judged.verdict, judged.why) == (verdict, why)


LATENCIES: list[tuple[str, Latency, Observation, tuple[Reference, ...], Verdict, float | None, str]] = [
    ("slower", SLOW, of(0.82, 900), trailing(0.41), BREACH, 1.0, "p95 820 ms, baseline 410 ms (trailing 24 h)"),
    ("exactly half slower", SLOW, of(0.6, 900), trailing(0.4), BETWEEN, 0.5, "p95 600 ms, baseline 400 ms"),
    ("over clear", SLOW, of(0.56, 900), trailing(0.4), BETWEEN, 0.4, "p95 560 ms"),
    ("faster", SLOW, of(0.2, 900), trailing(0.4), CLEAR, -0.5, "p95 200 ms"),
    ("too few", SLOW, of(1.0, 3), trailing(0.4), INSUFFICIENT, 1.5, "3 of 20 requests needed"),
    (
        "no baseline",
        SLOW,
        of(9.0, 900),
        trailing(None, "only 3 of 24 hours had 20 requests"),
        INSUFFICIENT,
        None,
        "p95 9 s, but no baseline: only 3 of 24 hours had 20 requests",
    ),
    ("a new instance", SLOW, of(9.0, 900), (), INSUFFICIENT, None, "but no baseline: nothing was read for it"),
    ("over the ceiling", CAPPED, of(2.4, 900), (), BREACH, 0.8, "p95 2.4 s, ceiling 2 s (no baseline)"),
    ("exactly at the ceiling", CAPPED, of(2.0, 900), trailing(None, "x"), BETWEEN, 0.5, "p95 2 s, ceiling 2 s"),
    (
        "a baseline before a ceiling",
        CAPPED,
        of(0.7, 900),
        trailing(0.4),
        BREACH,
        0.75,
        "baseline 400 ms (trailing 24 h)",
    ),
    ("a fixed baseline", FIXED, of(0.4, 900), (), BREACH, 0.6, "p95 400 ms, baseline 250 ms (fixed)"),
    ("no quantile", SLOW, of(None, 900), trailing(0.4), NO_DATA, None, "no data"),
    ("idle", SLOW, of(None, 0), trailing(0.4), INSUFFICIENT, None, "no request in the window"),
]


@pytest.mark.parametrize(
    ("signal", "seen", "read", "verdict", "value", "why"),
    [row[1:] for row in LATENCIES],
    ids=[row[0] for row in LATENCIES],
)
def test_a_latency(
    signal: Latency,
    seen: Observation,
    read: tuple[Reference, ...],
    verdict: Verdict,
    value: float | None,
    why: str,
) -> None:
    judged = judge(signal, over(0.5, clear=0.35, requests=20), seen, read)
    assert judged.verdict is verdict
    assert why in judged.why
    assert judged.value == (None if value is None else pytest.approx(value))


_ANY = st.floats() | st.none()


@given(_ANY, _ANY, _ANY, st.floats(0, 1), st.integers(0, 100), st.integers(0, 10))
def test_a_breach_is_always_proven(
    value: float | None, n: float | None, k: float | None, limit: float, needed: int, failing: int
) -> None:
    judged = judge(RATIO, over(limit, requests=needed, failures=failing), of(value, n, k))
    assert judged.why
    assert all(math.isfinite(one) for one in (judged.value, judged.requests, judged.failures) if one is not None)
    if judged.verdict is BREACH:
        assert judged.value is not None
        assert judged.value > limit
        assert k is not None or failing == 0
        assert (k or 0) >= failing * (1 - 1e-9)
    if judged.verdict in (BREACH, BETWEEN, CLEAR):
        assert judged.value is not None
        assert math.isfinite(judged.value)
        assert n is None or n >= max(1, needed) * (1 - 1e-9)


def test_every_reference_is_shown() -> None:
    judged = judge(CAPPED, over(0.5), of(2.4, 900), trailing(None, "only 3 hours"))
    assert [one.name for one in judged.baseline] == ["trailing", "ceiling"]


def a(**labels: str) -> Labels:
    return labels_of(labels)


def samples(*pairs: tuple[Labels, float]) -> tuple[Sample, ...]:
    return tuple(Sample(labels, value) for labels, value in pairs)


def test_failures_are_zero_where_only_requests_exist() -> None:
    parts = {"requests": samples((a(job="x"), 40.0), (a(job="y"), 10.0)), "failures": samples((a(job="y"), 5.0))}
    seen = observe(RATIO, parts)
    assert seen == {a(job="x"): of(0.0, 40.0, 0.0), a(job="y"): of(0.5, 10.0, 5.0)}


def test_a_missing_part_is_an_error_and_never_zero() -> None:
    seen = observe(RATIO, {"requests": samples((a(job="x"), 40.0))})
    judged = judge(RATIO, over(0.02), seen[a(job="x")])
    assert (judged.verdict, judged.why) == (ERROR, "the reading of failures is missing")


def test_failures_without_requests_are_an_error() -> None:
    seen = observe(RATIO, {"requests": (), "failures": samples((a(job="x"), 4.0))})
    assert judge(RATIO, over(0.02), seen[a(job="x")]).verdict is ERROR


def test_more_failures_than_requests_count_as_all_of_them() -> None:
    parts = {"requests": samples((a(job="x"), 40.0)), "failures": samples((a(job="x"), 40.5))}
    assert observe(RATIO, parts)[a(job="x")].value == 1.0


@pytest.mark.parametrize("strange", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("part", ["requests", "failures"])
def test_a_count_that_is_no_number_is_no_data(part: str, strange: float) -> None:
    parts = {"requests": samples((a(job="x"), 40.0)), "failures": samples((a(job="x"), 4.0))}
    seen = observe(RATIO, parts | {part: samples((a(job="x"), strange))})
    assert judge(RATIO, over(0.02), seen[a(job="x")]).verdict is NO_DATA


def test_a_label_that_the_series_lacks_reads_as_empty() -> None:
    assert list(observe(RATIO, {"requests": samples(((), 4.0)), "failures": ()})) == [a(job="")]


def test_a_query_without_by_is_told_apart_by_all_labels_but_the_name() -> None:
    signal = Query("x", ())
    seen = observe(signal, {"value": samples((a(__name__="x", pod="1", job="j"), 3.0))})
    assert seen == {a(job="j", pod="1"): of(3.0)}


def test_two_series_of_one_instance_are_an_error() -> None:
    seen = observe(NUMBER, {"value": samples((a(queue="q", pod="1"), 3.0), (a(queue="q", pod="2"), 4.0))})
    assert judge(NUMBER, tier(1), seen[a(queue="q")]).verdict is ERROR


@pytest.mark.parametrize(
    ("absent", "answer", "expected"),
    [
        (0.0, (), {a(queue=""): of(0.0)}),
        (None, (), {}),
        (0.0, samples((a(queue="q"), 3.0)), {a(queue="q"): of(3.0)}),
    ],
    ids=["empty takes the value", "empty without a value is nothing", "an answer is taken as it is"],
)
def test_an_absent_value(absent: float | None, answer: tuple[Sample, ...], expected: dict[Labels, Observation]) -> None:
    assert observe(Query("x", ("queue",), absent), {"value": answer}) == expected


def test_an_absent_value_does_not_stand_in_for_a_missing_part() -> None:
    assert observe(Query("x", (), 0.0), {}) == {}


def test_a_latency_is_observed_by_its_buckets() -> None:
    parts = {
        "buckets": samples((a(job="x", le="0.1"), 90.0), (a(job="x", le="0.2"), 100.0), (a(job="x", le="+Inf"), 100.0))
    }
    seen = observe(SLOW, parts)[a(job="x")]
    assert seen.value == pytest.approx(0.15)
    assert seen.requests == 100.0


@pytest.mark.parametrize(
    ("buckets", "verdict"),
    [
        ({"+Inf": 100.0}, NO_DATA),
        ({"0.1": 5.0, "+Inf": math.nan}, NO_DATA),
        ({"0.1": 5.0, "1": 100.0}, NO_DATA),
        ({"0.1": 0.0, "+Inf": 0.0}, INSUFFICIENT),
    ],
    ids=["only the infinite bucket", "NaN", "no infinite bucket", "no request"],
)
def test_buckets_that_give_no_quantile(buckets: dict[str, float], verdict: Verdict) -> None:
    parts = {"buckets": samples(*((a(job="x", le=le), count) for le, count in buckets.items()))}
    seen = observe(FIXED, parts)[a(job="x")]
    assert judge(FIXED, over(0.5), seen).verdict is verdict


def test_judgements_of_instances_that_were_not_read() -> None:
    assert (unreadable("bad query").verdict, unreadable("bad query").why) == (ERROR, "bad query")
    assert unseen(RATIO, 0.02) == judge(RATIO, over(0.02), of(None))
    assert unseen(Condition("absent(x)")).verdict is Verdict.CLEAR, "no result of a condition is health"
