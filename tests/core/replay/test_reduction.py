"""However long a row is, the lowest and the highest of every bucket are left of it."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.replay.reduction import MOST, Grid, Range, extremes, grid, reduced

WEEK = 7 * 86400
VALUES = st.none() | st.floats(-1e9, 1e9)
ROWS = st.tuples(st.integers(0, 10**6), st.sampled_from([1, 7, 15, 60]), st.lists(VALUES, min_size=1, max_size=400))


@given(ROWS, st.integers(2, 50))
def test_the_extremes_of_every_bucket_survive(row: tuple[int, int, list[float | None]], most: int) -> None:
    begin, interval, values = row
    times = range(begin, begin + interval * len(values), interval)
    buckets = grid(begin, times[-1], interval, most)
    found = reduced(times, values, buckets)
    inside: list[list[float]] = [[] for _ in range(buckets.count)]
    for at, value in zip(times, values, strict=True):
        if value is not None:
            inside[(at - begin) // buckets.step].append(value)
    assert len(found) == buckets.count <= most
    assert list(found) == [Range(min(some), max(some)) if some else None for some in inside]
    known = [value for value in values if value is not None]
    assert extremes(found) == (Range(min(known), max(known)) if known else None)


@pytest.mark.parametrize(
    ("seconds", "interval", "step"),
    [
        pytest.param(3600, 15, 15, id="an hour is drawn as it was read"),
        pytest.param((MOST - 1) * 15, 15, 15, id="as many readings as buckets"),
        pytest.param(MOST * 15, 15, 30, id="one reading more"),
        pytest.param(WEEK, 15, 600, id="a week in steps of ten minutes"),
        pytest.param(WEEK, 45, 900, id="a round length that holds whole intervals"),
        pytest.param(WEEK, 7, 602, id="whole intervals where no round length holds them"),
        pytest.param(30 * 86400, 60, 3600, id="a month in hours"),
        pytest.param(0, 15, 15, id="a single reading"),
    ],
)
def test_the_length_of_a_bucket(seconds: int, interval: int, step: int) -> None:
    found = grid(0, seconds, interval)
    assert found.step == step
    assert found.count <= MOST
    assert found.end > seconds


def test_what_is_no_number_and_what_lies_outside_is_left_out() -> None:
    row = (1.0, math.nan, math.inf, 2.0, 3.0)
    assert reduced((-15, 0, 15, 30, 45), row, Grid(0, 15, 3)) == (None, None, Range(2.0, 2.0))
