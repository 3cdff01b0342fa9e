"""Quantiles from buckets, and the trailing baseline."""

import math
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.latency import (
    DAY,
    WEEK,
    Hour,
    before_deploy,
    buckets_by_instance,
    enough,
    hour_of,
    quantile,
    resolution,
    same_time,
    same_time_hours,
    slower,
    trailing,
    trailing_hours,
    yesterday_hour,
)
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


def hour(seconds: float, n: float = 100) -> Hour:
    return hour_of(1.0, {seconds: n, 2 * seconds: n, INF: n})


def test_the_reference_is_the_median_of_the_hours() -> None:
    reference = trailing([hour(0.1)] * 11 + [hour(0.3)] * 2 + [hour(9.0)] * 11, 50)
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
        ([Hour(9.0, -1.0)] * 24, 0, None, "the median of 24 hours is -1 s"),
        ([], 0, None, "only 0 of 0 hours had a request"),
    ],
    ids=["half", "less than half", "too few requests", "no minimum", "idle", "not above 0", "no hours"],
)
def test_a_reference_needs_half_of_its_hours(
    hours: list[Hour | None], needed: float, seconds: float | None, why: str
) -> None:
    reference = trailing(hours, needed)
    assert reference.seconds == (None if seconds is None else pytest.approx(seconds))
    assert reference.why == why


def test_the_same_clock_time_lies_around_the_slot() -> None:
    for seconds in (0, 299):
        at = MIDNIGHT + 300 + seconds
        assert same_time_hours(at) == tuple(MIDNIGHT + 300 + HOUR // 2 - weeks * WEEK for weeks in (3, 2, 1))
        assert yesterday_hour(at) == MIDNIGHT + 300 + HOUR // 2 - DAY
    assert same_time_hours(MIDNIGHT + 600) != same_time_hours(MIDNIGHT + 599)


WEEKS: list[tuple[str, list[Hour | None], Hour | None, float | None, str]] = [
    ("three weeks", [hour(0.1), hour(0.9), hour(0.3)], hour(7), 0.3, "median of 3 of 3 weeks"),
    ("two weeks", [None, hour(0.1), hour(0.3)], hour(7), 0.2, "median of 2 of 3 weeks"),
    (
        "one week is less than half",
        [None, None, hour(0.3)],
        hour(0.4),
        0.4,
        "1 day ago (only 1 of 3 weeks had 50 requests)",
    ),
    ("idle weeks", [hour(0.3, 49)] * 3, hour(0.4), 0.4, "1 day ago (only 0 of 3 weeks had 50 requests)"),
    (
        "an idle day",
        [None] * 3,
        hour(0.4, 49),
        None,
        "only 0 of 3 weeks had 50 requests, nor did it 1 day ago",
    ),
    ("nothing", [None] * 3, None, None, "only 0 of 3 weeks had 50 requests, nor did it 1 day ago"),
]


@pytest.mark.parametrize(
    ("weeks", "yesterday", "seconds", "why"), [row[1:] for row in WEEKS], ids=[row[0] for row in WEEKS]
)
def test_the_same_time(weeks: list[Hour | None], yesterday: Hour | None, seconds: float | None, why: str) -> None:
    reference = same_time(weeks, yesterday, 50)
    assert (reference.name, reference.why) == ("same_time", why)
    assert reference.seconds == (None if seconds is None else pytest.approx(seconds))


def test_before_a_deploy() -> None:
    found = before_deploy(hour(0.3), 50, "auth 2.14.0 at 03:02 UTC")
    assert (found.name, found.seconds, found.why) == ("before_deploy", 0.3, "the hour before auth 2.14.0 at 03:02 UTC")
    idle = before_deploy(hour(0.3, 49), 50, "auth 2.14.0 at 03:02 UTC")
    assert (idle.seconds, idle.why) == (None, "only 0 of 1 hour had 50 requests (auth 2.14.0 at 03:02 UTC)")


SLOWER: list[tuple[str, dict[float, float], float, float]] = [
    ("at a bound", {0.1: 60, 0.2: 90, INF: 100}, 0.1, 40),
    ("at the last finite bound", {0.1: 60, 0.2: 90, INF: 100}, 0.2, 10),
    ("within a bucket", {0.1: 60, 0.2: 90, INF: 100}, 0.15, 25),
    ("within the first bucket", {0.1: 60, 0.2: 90, INF: 100}, 0.05, 70),
    ("above the last finite bound nothing is known", {0.1: 60, 0.2: 90, INF: 100}, 0.21, 0),
    ("torn buckets", {0.1: 60, 0.2: 50, 0.4: 90, INF: 100}, 0.2, 40),
    ("no infinite bucket", {0.1: 60, 0.2: 90}, 0.1, 0),
    ("nothing", {}, 0.1, 0),
]


@pytest.mark.parametrize(("buckets", "seconds", "count"), [row[1:] for row in SLOWER], ids=[row[0] for row in SLOWER])
def test_how_many_are_slower(buckets: dict[float, float], seconds: float, count: float) -> None:
    assert slower(buckets, seconds) == pytest.approx(count)


BUCKETS = st.lists(
    st.tuples(st.floats(0.001, 60), st.integers(0, 1000)), min_size=1, max_size=12, unique_by=lambda one: one[0]
)


def cumulative(inside: list[tuple[float, int]], beyond: int) -> dict[float, float]:
    counts = list(accumulate(count for _, count in sorted(inside)))
    return dict(zip(sorted(bound for bound, _ in inside), map(float, counts), strict=True)) | {INF: counts[-1] + beyond}


def quantile_by_search(q: float, buckets: dict[float, float]) -> float:
    """Where the piecewise linear distribution reaches `q`: found by bisection, not from the bucket."""
    finite = sorted(bound for bound in buckets if bound != INF)
    knots = [(0.0, 0.0), *((bound, buckets[bound]) for bound in finite)]

    def below(seconds: float) -> float:
        for (x0, y0), (x1, y1) in pairwise(knots):
            if seconds <= x1:
                return y0 + (y1 - y0) * (seconds - x0) / (x1 - x0)
        return buckets[INF]

    low, high = 0.0, finite[-1]
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if below(middle) >= q * buckets[INF] else (middle, high)
    return high


@given(BUCKETS, st.integers(0, 100), st.floats(0.01, 0.99))
def test_a_quantile_is_where_the_distribution_reaches_it(
    inside: list[tuple[float, int]], beyond: int, q: float
) -> None:
    buckets = cumulative(inside, beyond)
    found = quantile(q, buckets)
    if found is None:
        assert buckets[INF] == 0
    else:
        assert found == pytest.approx(quantile_by_search(q, buckets), rel=1e-6, abs=1e-9)


@given(BUCKETS, st.integers(0, 100), st.floats(0.01, 0.99), st.floats(0.001, 59))
def test_a_quantile_is_over_a_limit_just_where_enough_are_slower(
    inside: list[tuple[float, int]], beyond: int, q: float, limit: float
) -> None:
    buckets = cumulative(inside, beyond)
    found, share = quantile(q, buckets), slower(buckets, limit) / (buckets[INF] or 1)
    if found is not None and abs(found / limit - 1) > 1e-6 and abs(share - (1 - q)) > 1e-6:
        assert (found > limit) == (share > 1 - q)


RESOLUTIONS: list[tuple[str, list[float], float, float, float | None, bool]] = [
    ("apart", [0.1, 0.25, 0.5, 1.0, INF], 0.2, 0.5, None, False),
    ("in one bucket", [0.1, 0.25, 0.5, 1.0, INF], 0.259, 0.5, 1.93, False),
    ("the baseline at a bound, the limit above it", [0.1, 0.25, 0.5, INF], 0.25, 0.5, None, False),
    ("the limit at a bound", [0.1, 0.3, 0.5, INF], 0.2, 0.5, 1.5, False),
    ("the limit at the last finite bound", [0.1, 0.3, INF], 0.2, 0.5, None, True),
    ("the limit above it", [0.1, 0.25, INF], 0.2, 0.5, None, True),
    ("only the infinite bucket", [INF], 0.2, 0.5, None, True),
    ("bounds in any order, twice", [INF, 1.0, 0.5, 0.25, 0.5], 0.259, 0.5, 1.93, False),
]


@pytest.mark.parametrize(
    ("bounds", "base", "above", "acts_as", "never"),
    [row[1:] for row in RESOLUTIONS],
    ids=[row[0] for row in RESOLUTIONS],
)
def test_what_buckets_make_of_a_limit(
    bounds: list[float], base: float, above: float, acts_as: float | None, *, never: bool
) -> None:
    found = resolution(bounds, base, above)
    assert found.seconds == pytest.approx(1.5 * base)
    assert found.acts_as == (None if acts_as is None else pytest.approx(acts_as, abs=0.005))
    assert found.never is never


@given(BUCKETS, st.integers(0, 100), st.floats(0.01, 0.99), st.floats(0.001, 60), st.floats(0, 3))
def test_a_limit_that_never_fires_is_never_exceeded(
    inside: list[tuple[float, int]], beyond: int, q: float, base: float, above: float
) -> None:
    buckets = cumulative(inside, beyond)
    found, what = quantile(q, buckets), resolution(buckets, base, above)
    assert not (what.never and found is not None and found > what.seconds)


def test_bounds_that_are_no_numbers_are_passed_over_and_equal_ones_added() -> None:
    found = [("1", 2.0), ("1.0", 3.0), ("NaN", 9.0), ("fast", 9.0), ("+Inf", 5.0)]
    series = [Sample(labels_of({"job": "x", "le": le}), count) for le, count in found]
    series.append(Sample(labels_of({"job": "x"}), 9.0))
    assert buckets_by_instance(series, ("job",)) == {(("job", "x"),): {1.0: 5.0, INF: 5.0}}


@pytest.mark.parametrize(("count", "needed", "is_enough"), [(50, 50, True), (50 - 1e-9, 50, True), (49.99, 50, False)])
def test_enough(count: float, needed: float, *, is_enough: bool) -> None:
    assert enough(count, needed) is is_enough
