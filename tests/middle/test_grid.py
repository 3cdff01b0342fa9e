"""The grid: which points are due, for any interval, cursor and passage of time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.rules.rule import Group
from monitor.evaluation.grid import Stretch, due_points, history, newest_point

GRID = Group("critical", (), interval=15, query_offset=10)
T = 1_741_057_200
MAX_CATCH_UP = GRID.max_catch_up

groups = st.builds(
    lambda interval, offset: Group("any", (), interval=interval, query_offset=offset),
    st.integers(1, 900),
    st.integers(0, 300),
)
moments = st.floats(T, T + 1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("cursor", "now", "due"),
    [
        pytest.param(T, T + 24.999, Stretch((), T), id="already folded=>nothing"),
        pytest.param(T, T + 25, Stretch((T + 15,), T), id="exactly query_offset later=>the next"),
        pytest.param(T, T + 60, Stretch((T + 15, T + 30, T + 45), T), id="a pause=>every point of it, in order"),
        pytest.param(T + 7, T + 40, Stretch((T + 15, T + 30), T), id="a cursor of another interval=>on the grid again"),
        pytest.param(
            T + 900, T + 10, Stretch((), T, ahead=900), id="a clock that went back=>nothing, and the cursor follows"
        ),
        pytest.param(T - 3615, T + 10, Stretch(tuple(range(T - 3600, T + 1, 15)), T - 3615), id="an hour=>all of it"),
        pytest.param(
            T - 3660, T + 10, Stretch(tuple(range(T - 3600, T + 1, 15)), T - 3615, 3), id="45 s more=>3 points skipped"
        ),
    ],
)
def test_due(cursor: int, now: float, due: Stretch) -> None:
    assert due_points(GRID, cursor, newest_point(GRID, now)) == due


@pytest.mark.parametrize(
    ("source", "newest"),
    [
        pytest.param(None, T, id="unknown=>by our own clock"),
        pytest.param(T + 10, T, id="the same=>the same"),
        pytest.param(T + 0.5, T, id="slow by less than query_offset=>the same"),
        pytest.param(T - 30, T - 30, id="slow by more=>nothing that lies in its future"),
        pytest.param(T + 500, T, id="fast=>by our own clock"),
    ],
)
def test_no_point_is_later_than_the_sources_own_clock(source: float | None, newest: int) -> None:
    assert newest_point(GRID, T + 10, source) == newest


@pytest.mark.parametrize(
    ("seconds", "points"),
    [(0, 1), (14, 1), (15, 2), (330, 23), (MAX_CATCH_UP, 241), (10 * MAX_CATCH_UP, 241)],
)
def test_history_ends_at_the_newest_point_and_is_no_longer_than_catching_up(seconds: int, points: int) -> None:
    stretch = history(GRID, seconds, T)
    assert (len(stretch.times), stretch.times[-1]) == (points, T)
    assert stretch.cursor == stretch.times[0] - 15


@given(groups, moments)
def test_the_newest_point_stands_on_the_grid_and_is_query_offset_behind(group: Group, now: float) -> None:
    newest = newest_point(group, now)
    assert newest % group.interval == 0
    assert newest <= now - group.query_offset < newest + group.interval + 1


@given(groups, st.integers(T - 10_000, T + 10_000), moments)
def test_due_points_stand_on_the_grid_and_go_on_from_the_cursor(group: Group, cursor: int, now: float) -> None:
    due = due_points(group, cursor, newest_point(group, now))
    assert all(at % group.interval == 0 and at <= now - group.query_offset for at in due.times)
    assert due.times == tuple(range(due.cursor + group.interval, newest_point(group, now) + 1, group.interval))
    assert due.times == () or due.times[-1] - due.times[0] <= MAX_CATCH_UP
    assert all(at > cursor for at in due.times)


@given(groups, st.integers(T, T + 10_000), st.lists(st.floats(0, 2 * MAX_CATCH_UP), max_size=12))
def test_no_point_is_given_twice_and_none_is_lost_unsaid(group: Group, began: int, passing: list[float]) -> None:
    now, cursor = float(began), newest_point(group, began)
    first, skipped = cursor, 0
    given_points: list[int] = []
    for seconds in passing:
        now += seconds
        due = due_points(group, cursor, newest_point(group, now))
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
    due = due_points(group, newest_point(group, now), newest_point(group, before))
    assert due.times == ()
    assert due.skipped == 0
    assert due.cursor == newest_point(group, before)
    after = due_points(group, due.cursor, newest_point(group, before + group.interval))
    assert len(after.times) == 1
