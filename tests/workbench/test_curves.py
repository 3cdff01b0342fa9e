"""What is drawn of a row of buckets is the row: every extreme to the pixel, every gap, and the read-out beside it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.replay.reduction import Buckets, Range
from monitor.workbench.report.curves import TENTHS, envelope, height_of, line, read_out, runs_over
from monitor.workbench.report.scale import Scale

HEIGHT = 150
SCALE = Scale(0, 100)
RANGES = st.builds(lambda low, more: Range(low, low + more), st.integers(0, 50), st.sampled_from([0, 0, 3, 50]))
BUCKETS = st.lists(st.none() | RANGES, min_size=1, max_size=60).map(tuple)


def points(path: str) -> list[tuple[int, int]]:
    """Every point of a path, in buckets and tenths of a pixel."""
    found: list[tuple[int, int]] = []
    x = y = 0
    for command, numbers in re.findall(r"([MlhVz])([-\d ]*)", path):
        written = [int(one) for one in re.findall(r"-?\d+", numbers)]
        match command:
            case "M":
                x, y = written
            case "l":
                x, y = x + written[0], y + written[1]
            case "h":
                found += [(one, y) for one in range(*sorted((x, x + written[0])))]
                x += written[0]
            case "V":
                (y,) = written
            case _:
                continue
        found.append((x, y))
    return found


@given(BUCKETS)
def test_the_extremes_of_every_bucket_are_drawn(buckets: Buckets) -> None:
    drawn = set(points(envelope(buckets, SCALE, HEIGHT)[0])) | set(points(envelope(buckets, SCALE, HEIGHT)[1]))
    for index, one in enumerate(buckets):
        if one is not None:
            assert {(index, height_of(value, SCALE, HEIGHT)) for value in (one.low, one.high)} <= drawn


@given(BUCKETS)
def test_nothing_is_drawn_in_a_gap(buckets: Buckets) -> None:
    lines, areas = envelope(buckets, SCALE, HEIGHT)
    for x, _ in points(lines) + points(areas):
        assert any(buckets[at] is not None for at in (x, x - 1) if 0 <= at < len(buckets))


@given(BUCKETS)
def test_a_line_goes_through_the_highest_values(buckets: Buckets) -> None:
    drawn = set(points(line(buckets, SCALE, HEIGHT)))
    assert all((at, height_of(one.high, SCALE, HEIGHT)) in drawn for at, one in enumerate(buckets) if one is not None)


@given(BUCKETS)
def test_the_read_out_says_every_bucket(buckets: Buckets) -> None:
    found: list[Range | None] = []
    for word in read_out(buckets).split(" "):
        written, _, times = word.partition("*")
        numbers = [float(number) for number in written.split(",")] if written != "-" else []
        found += [Range(numbers[0], numbers[-1]) if numbers else None] * int(times or 1)
    assert found == list(buckets)


def test_level_rows_are_written_in_a_few_letters() -> None:
    level = (Range(50, 50),) * 1000
    assert envelope(level, SCALE, HEIGHT) == (f"M0 {HEIGHT * TENTHS // 2}h999", "")
    assert read_out(level) == "50*1000"


@pytest.mark.parametrize(
    ("top", "runs"),
    [(9, [(0, 10), (3, 30)]), (10, [(3, 30)]), (40, [])],
)
def test_what_goes_beyond_is_found_where_it_is(top: float, runs: list[tuple[int, float]]) -> None:
    row = (Range(1, 10), None, Range(1, 20), Range(1, 30), Range(1, 5))
    assert list(runs_over(row, top)) == runs
