"""Quantiles from buckets, and the trailing baseline."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.latency import buckets_by_instance, enough, quantile, trailing, trailing_hours
from monitor.core.model import Sample, labels_of

INF = math.inf
HOUR = 3600
MIDNIGHT = 1_699_920_000

QUANTILES: list[tuple[str, float, dict[float, float], float | None]] = [
    ("within a bucket", 0.5, {0.1: 0, 0.2: 10, INF: 10}, 0.15),
    ("within the first bucket, from 0", 0.5, {0.1: 10, INF: 10}, 0.05),
    ("at a bucket's very end", 0.5, {0.1: 5, 0.2: 10, INF: 10}, 0.1),
    ("in the infinite bucket: the highest finite bound", 0.95, {0.1: 5, 0.2: 6, INF: 10}, 0.2),
    ("torn buckets are made monotonic", 0.5, {0.1: 6, 0.2: 5, 0.4: 10, INF: 10}, 0.1 * 5 / 6),
    ("a first bound below 0 is given as it is", 0.1, {-1.0: 5, 1.0: 10, INF: 10}, -1.0),
    ("only the infinite bucket", 0.5, {INF: 10}, None),
    ("no infinite bucket", 0.5, {0.1: 5, 0.2: 10}, None),
    ("no request", 0.5, {0.1: 0, INF: 0}, None),
    ("nothing", 0.5, {}, None),
    ("a count that is NaN", 0.5, {0.1: math.nan, INF: 10}, None),
    ("quantile 0 of an empty first bucket", 0.0, {0.1: 0, INF: 10}, None),
    ("quantile 1", 1.0, {0.1: 5, 0.2: 10, INF: 10}, 0.2),
]


@pytest.mark.parametrize(
    ("q", "buckets", "expected"), [row[1:] for row in QUANTILES], ids=[row[0] for row in QUANTILES]
)
def test_a_quantile(q: float, buckets: dict[float, float], expected: float | None) -> None:
    assert quantile(q, buckets) == (None if expected is None else pytest.approx(expected))


@given(
    st.dictionaries(st.floats(0.001, 60), st.floats(0, 1e6), min_size=1, max_size=12),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_higher_quantile_is_never_lower(counts: dict[float, float], one: float, two: float) -> None:
    buckets = counts | {INF: max(counts.values()) + 1}
    low, high = (quantile(q, buckets) for q in sorted((one, two)))
    assert low is None or high is None or low <= high * (1 + 1e-12)


def test_hours_are_full_and_ended_an_hour_ago() -> None:
    hours = trailing_hours(MIDNIGHT + 2 * HOUR + 59)
    assert len(hours) == 24
    assert hours[-1] == MIDNIGHT + HOUR
    assert hours[0] == MIDNIGHT + HOUR - 23 * HOUR


@pytest.mark.parametrize(
    ("seconds", "last"),
    [(2 * HOUR - 1, 0), (2 * HOUR, HOUR), (2 * HOUR + 1, HOUR)],
    ids=["59:59 past", "exactly an hour past", "a second more"],
)
def test_the_last_hour(seconds: int, last: int) -> None:
    assert trailing_hours(MIDNIGHT + seconds)[-1] == MIDNIGHT + last


@given(st.integers(0, 4_000_000_000))
def test_hours_always_follow_each_other(at: int) -> None:
    hours = trailing_hours(at)
    assert all(end % HOUR == 0 for end in hours)
    assert HOUR <= at - hours[-1] < 2 * HOUR
    assert {later - earlier for earlier, later in pairwise(hours)} == {HOUR}


def hour(seconds: float, n: float = 100) -> dict[float, float]:
    return {seconds: n, 2 * seconds: n, INF: n}


def test_the_reference_is_the_median_of_the_hours() -> None:
    reference = trailing(1.0, [hour(0.1)] * 11 + [hour(0.3)] * 2 + [hour(9.0)] * 11, 50)
    assert reference.seconds == pytest.approx(0.3)
    assert reference.why == "median of 24 of 24 hours"


@pytest.mark.parametrize(
    ("hours", "needed", "seconds", "why"),
    [
        ([hour(0.1)] * 12 + [None] * 12, 50, 0.1, "median of 12 of 24 hours"),
        ([hour(0.1)] * 11 + [None] * 13, 50, None, "only 11 of 24 hours had 50 requests"),
        ([hour(0.1)] * 11 + [hour(0.1, 49)] * 13, 50, None, "only 11 of 24 hours had 50 requests"),
        ([hour(0.1, 49)] * 24, 0, 0.1, "median of 24 of 24 hours"),
        ([hour(0.1, 0)] * 24, 0, None, "only 0 of 24 hours had a request"),
        ([{-1.0: 9.0, INF: 9.0}] * 24, 0, None, "the median of 24 hours is -1 s"),
        ([], 0, None, "only 0 of 0 hours had a request"),
    ],
    ids=["half", "less than half", "too few requests", "no minimum", "idle", "not above 0", "no hours"],
)
def test_a_reference_needs_half_of_its_hours(
    hours: list[dict[float, float] | None], needed: float, seconds: float | None, why: str
) -> None:
    reference = trailing(1.0, hours, needed)
    assert reference.seconds == (None if seconds is None else pytest.approx(seconds))
    assert reference.why == why


def test_bounds_that_are_no_numbers_are_passed_over_and_equal_ones_added() -> None:
    found = [("1", 2.0), ("1.0", 3.0), ("NaN", 9.0), ("fast", 9.0), ("+Inf", 5.0)]
    series = [Sample(labels_of({"job": "x", "le": le}), count) for le, count in found]
    series.append(Sample(labels_of({"job": "x"}), 9.0))
    assert buckets_by_instance(series, ("job",)) == {(("job", "x"),): {1.0: 5.0, INF: 5.0}}


@pytest.mark.parametrize(("count", "needed", "is_enough"), [(50, 50, True), (50 - 1e-9, 50, True), (49.99, 50, False)])
def test_enough(count: float, needed: float, *, is_enough: bool) -> None:
    assert enough(count, needed) is is_enough
