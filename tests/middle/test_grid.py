"""The grid: which points are due, for any interval, cursor and passage of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.rule import Group
from monitor.grid import MAX_CATCH_UP, Stretch, due_points, newest_point

GRID = Group("critical", (), interval=15, query_offset=10)
T = 1_741_057_200

groups = st.builds(
    lambda interval, offset: Group("any", (), interval=interval, query_offset=offset),
    st.integers(1, 900),
    st.integers(0, 300),
)
moments = st.floats(T, T + 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("cursor", "now", "due"),
    [
        pytest.param(None, T + 10, Stretch((T,), T - 15), id="never evaluated=>only the newest"),
        pytest.param(None, T + 24.999, Stretch((T,), T - 15), id="just before the next can be read=>the last one"),
        pytest.param(T, T + 24.999, Stretch((), T), id="already folded=>nothing"),
        pytest.param(T, T + 25, Stretch((T + 15,), T), id="exactly query_offset later=>the next"),
        pytest.param(T, T + 60, Stretch((T + 15, T + 30, T + 45), T), id="a pause=>every point of it, in order"),
        pytest.param(T + 7, T + 40, Stretch((T + 15, T + 30), T), id="a cursor of another interval=>on the grid again"),
        pytest.param(T + 900, T + 10, Stretch((), T), id="a clock that went back=>nothing, and the cursor follows"),
        pytest.param(T - 3615, T + 10, Stretch(tuple(range(T - 3600, T + 1, 15)), T - 3615), id="an hour=>all of it"),
        pytest.param(
            T - 3660, T + 10, Stretch(tuple(range(T - 3600, T + 1, 15)), T - 3615, 3), id="45 s more=>3 points skipped"
        ),
    ],
)
def test_due(cursor: int | None, now: float, due: Stretch) -> None:
    assert due_points(GRID, cursor, now) == due


@given(groups, moments)
def test_the_newest_point_stands_on_the_grid_and_is_query_offset_behind(group: Group, now: float) -> None:
    newest = newest_point(group, now)
    assert newest % group.interval == 0
    assert newest <= now - group.query_offset < newest + group.interval + 1


@given(groups, st.none() | st.integers(T - 10_000, T + 10_000), moments)
def test_due_points_stand_on_the_grid_and_go_on_from_the_cursor(group: Group, cursor: int | None, now: float) -> None:
    due = due_points(group, cursor, now)
    assert all(at % group.interval == 0 and at <= now - group.query_offset for at in due.times)
    assert due.times == tuple(range(due.cursor + group.interval, newest_point(group, now) + 1, group.interval))
    assert due.times == () or due.times[-1] - due.times[0] <= MAX_CATCH_UP
    assert cursor is None or all(at > cursor for at in due.times)


@given(groups, st.integers(T, T + 10_000), st.lists(st.floats(0, 2 * MAX_CATCH_UP), max_size=12))
def test_no_point_is_given_twice_and_none_is_lost_unsaid(group: Group, began: int, passing: list[float]) -> None:
    now, cursor = float(began), newest_point(group, began)
    first, skipped = cursor, 0
    given_points: list[int] = []
    for seconds in passing:
        now += seconds
        due = due_points(group, cursor, now)
        given_points += due.times
        skipped += due.skipped
        cursor = due.times[-1] if due.times else due.cursor
        if seconds < MAX_CATCH_UP:
            assert due.skipped == 0
    assert given_points == sorted(set(given_points))
    every = (newest_point(group, now) - first) // group.interval
    assert len(given_points) + skipped == every


@given(groups, moments, st.floats(1, 1e6))
def test_a_clock_that_jumps_back_gives_nothing_and_goes_on_from_there(group: Group, now: float, back: float) -> None:
    before = now - back
    due = due_points(group, newest_point(group, now), before)
    assert due.times == ()
    assert due.skipped == 0
    assert due.cursor == newest_point(group, before)
    after = due_points(group, due.cursor, before + group.interval)
    assert len(after.times) == 1
