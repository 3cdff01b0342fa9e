"""Samples to observations: what a reading says of each instance, and what becomes of that as a verdict."""

import math

import pytest

from monitor.core.judging.judge import judge
from monitor.core.judging.observe import Observation, observe
from monitor.core.model import Labels, Sample, Tier, Verdict, labels_of
from monitor.core.rules.rule import TierRule
from monitor.core.rules.signal import Baseline, Count, ErrorRatio, Latency, Query

RATIO = ErrorRatio("r", "f", ("job",), 60)
NUMBER = Query("queue_depth", ("queue",))
SLOW = Latency("h", 0.95, ("job",), 60, Baseline((), fixed=0.25))
EVENTS = Count("c", (), 60, "up")
INSUFFICIENT, NO_DATA, ERROR = Verdict.INSUFFICIENT, Verdict.NO_DATA, Verdict.ERROR


def over(limit: float) -> TierRule:
    return TierRule(Tier.PREPARE, limit, None, 300)


def of(value: float | None, n: float | None = None, k: float | None = None) -> Observation:
    return Observation(value, n, k)


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
    assert judge(NUMBER, over(1), seen[a(queue="q")]).verdict is ERROR


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
    seen = observe(SLOW, parts)[a(job="x")]
    assert judge(SLOW, over(0.5), seen).verdict is verdict


# --- counts -----------------------------------------------------------------------------------------------------------

ONE = (Sample((), 1.0),)
COUNTS: list[tuple[str, dict[str, tuple[Sample, ...]], float | None]] = [
    ("what grew and what was born", {"seen": ONE, "grown": samples(((), 3.0)), "born": samples(((), 2.0))}, 5.0),
    ("nothing grew and nothing was born", {"seen": ONE}, 0.0),
    ("born while nobody watched", {"seen": ONE, "born": ONE, "watched": ()}, 0.0),
    ("born while nobody watched all the time", {"seen": ONE, "born": ONE, "watched": samples(((), 0.0))}, 0.0),
    ("absent and alive", {}, 0.0),
    ("absent and down", {"alive": samples(((), 0.0))}, None),
    ("absent without anything alive", {"alive": ()}, None),
]


@pytest.mark.parametrize(("parts", "events"), [row[1:] for row in COUNTS], ids=[row[0] for row in COUNTS])
def test_a_count(parts: dict[str, tuple[Sample, ...]], events: float | None) -> None:
    whole = {"seen": (), "grown": (), "born": (), "watched": ONE, "alive": ONE} | parts
    assert observe(EVENTS, whole) == ({} if events is None else {(): of(events)})


def test_a_count_by_labels_knows_no_instance_that_was_never_seen() -> None:
    signal = Count("c", ("job",), 60, "up")
    assert observe(signal, {"seen": (), "grown": (), "born": (), "watched": ONE}) == {}


def test_a_count_by_labels_is_told_apart() -> None:
    both = samples((a(job="x"), 1.0), (a(job="y"), 1.0))
    parts = {"seen": both, "grown": samples((a(job="x"), 4.0)), "born": samples((a(job="y"), 1.0)), "watched": ONE}
    assert observe(Count("c", ("job",), 60, "up"), parts) == {a(job="x"): of(4.0), a(job="y"): of(1.0)}


@pytest.mark.parametrize("part", ["grown", "born", "watched", "alive"])
def test_a_missing_part_of_a_count_is_an_error(part: str) -> None:
    whole = {"seen": ONE, "grown": (), "born": (), "watched": ONE, "alive": ONE}
    seen = observe(EVENTS, {name: found for name, found in whole.items() if name != part})
    assert seen[()].problem == f"the reading of {part} is missing"


def test_nothing_seen_of_a_count_in_part_is_nothing() -> None:
    assert observe(EVENTS, {"seen": ()}) == {}
