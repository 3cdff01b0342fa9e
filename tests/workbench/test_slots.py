"""Which Prometheus answers a test, and when it begins there."""

from itertools import pairwise

import pytest

from monitor.workbench.ruletestslots import MARGIN, WEEK, Slot, Wanted, reach, reads_clock, slots

LATEST = 1_800_000_000


def wanted(*expressions: str, length: int = 600, intervals: tuple[int, ...] = (15,)) -> Wanted:
    return Wanted(length, intervals, expressions)


def test_tests_share_a_server_and_lie_further_apart_than_any_query_reaches() -> None:
    found = slots([wanted("up"), wanted("rate(x[5m])"), wanted("up")], LATEST)
    assert [one.server for one in found] == [0, 0, 0]
    assert found[0].base == 0
    for before, after in pairwise(found):
        assert after.base - (before.base + 600) >= MARGIN


def test_a_query_that_looks_back_for_long_is_given_more() -> None:
    near, far = (slots([wanted("up"), wanted(expr)], LATEST)[1].base for expr in ("up", "x offset 90d + y[4w2d:1h]"))
    assert far - near >= 90 * 86_400
    assert reach(["x[1h30m] offset 1w"]) == MARGIN + 5400 + WEEK


def test_every_beginning_is_a_whole_week_and_on_every_grid() -> None:
    bases = [one.base for one in slots([wanted("up", intervals=(7, 11)) for _ in range(3)], LATEST)]
    assert all(base % WEEK == 0 and base % 11 == 0 for base in bases)


def test_a_test_that_reads_the_clock_begins_at_the_epoch_of_a_server_of_its_own() -> None:
    found = slots([wanted("up"), wanted("time() - x"), wanted("up"), wanted("hour()")], LATEST)
    assert found[1] == Slot(1, 0)
    assert found[3] == Slot(2, 0)
    assert found[2].server == 0


def test_no_sample_lies_in_the_future() -> None:
    many = [wanted("x offset 400d", length=WEEK) for _ in range(60)]
    found = slots(many, LATEST)
    assert all(one.base + WEEK <= LATEST for one in found)
    assert {one.server for one in found} == {0, 1}


@pytest.mark.parametrize(
    ("expr", "reads"),
    [
        ("time() - x", True),
        ("x @ 600", True),
        ("x @ end()", True),
        ("day_of_week() == 6", True),
        ("timestamp(x)", True),
        ('rate(time_total{hour="3"}[5m])', False),
        ('x{a="time()"}', False),
        ("x # time()", False),
    ],
)
def test_which_queries_read_the_clock(expr: str, reads: bool) -> None:  # noqa: FBT001  # a row of the table
    assert reads_clock(expr) is reads
