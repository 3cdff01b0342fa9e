"""A stretch of history is read in answers that are not too large, and in smaller ones where one still is."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from monitor.adapters.memory.world import ManualClock, ScriptedSource
from monitor.core.model import Sample
from monitor.evaluation.ranges import MOST_POINTS, MOST_SAMPLES, Deadline, Stretched
from monitor.ports.metrics import Answer, BadQuery, RangeAnswer, RangeSamples, Samples, TooMuch, Unanswered

T = 1_741_057_200
TIMES = tuple(range(T, T + 64 * 15, 15))


class Limited(ScriptedSource):
    """A source that carries at most `most` points at once; `wrong` are times at which the query fails."""

    def __init__(self, most: int, wrong: Sequence[int] = ()) -> None:
        super().__init__(lambda _expr, at: BadQuery("many-to-many") if at in wrong else Samples((Sample((), at),)))
        self.most = most
        self.asked: list[int] = []

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        points = len(range(start, end + 1, step))
        self.asked.append(points)
        answer = super().range(expr, start, end, step, deadline=deadline)
        if points > self.most or isinstance(answer, BadQuery):
            return TooMuch("query processing would load too many samples into memory")
        return answer


def read(source: ScriptedSource, *, series: int = 1, times: Sequence[int] = TIMES, left: float = 10.0) -> object:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    return Stretched(source, "x", 15, series, Deadline(clock, clock.monotonic() + left)).read(times)


def whole(times: Sequence[int] = TIMES) -> dict[int, Answer]:
    return {at: Samples((Sample((), at),)) for at in times}


def test_a_short_stretch_is_one_request() -> None:
    source = Limited(most=1000)
    assert read(source) == whole()
    assert source.asked == [64]


@pytest.mark.parametrize(
    ("series", "asked"),
    [
        pytest.param(MOST_SAMPLES // 64, [64], id="as much as may be=>one"),
        pytest.param(MOST_SAMPLES // 32, [32, 32], id="twice as much=>two"),
        pytest.param(2 * MOST_SAMPLES, [1] * 64, id="more than that at one point=>point by point"),
    ],
)
def test_series_times_points_are_bounded(series: int, asked: list[int]) -> None:
    source = Limited(most=1000)
    assert read(source, series=series) == whole()
    assert source.asked == asked


def test_no_request_has_more_points_than_prometheus_allows() -> None:
    source = Limited(most=MOST_POINTS)
    times = range(T, T + 15 * (MOST_POINTS + 5), 15)
    assert read(source, times=times) == whole(times)
    assert source.asked == [MOST_POINTS, 5]


@pytest.mark.parametrize("most", [1, 3, 10, 63])
def test_what_is_too_much_is_halved(most: int) -> None:
    source = Limited(most=most)
    assert read(source) == whole()
    assert sum(points for points in source.asked if points <= most) == 64


def test_a_query_that_is_wrong_everywhere_is_asked_twice_and_no_more() -> None:
    source = Limited(most=1000, wrong=TIMES)
    assert read(source) == dict.fromkeys(TIMES, BadQuery("many-to-many"))
    assert source.asked == [64]


def test_a_query_that_is_wrong_at_one_point_is_wrong_there_alone() -> None:
    source = Limited(most=1000, wrong=[TIMES[5]])
    assert read(source) == whole() | {TIMES[5]: BadQuery("many-to-many")}


@pytest.mark.parametrize(
    "script", [lambda _e, _a: Unanswered("timeout"), lambda _e, _a: BadQuery("parse error")], ids=["away", "wrong"]
)
def test_any_other_answer_is_that_of_every_point(script: Callable[[str, int], Answer]) -> None:
    answer = script("", 0)
    assert read(ScriptedSource(script)) == dict.fromkeys(TIMES, answer)


def test_without_time_nothing_is_asked() -> None:
    source = Limited(most=1000)
    assert read(source, left=0.0) == dict.fromkeys(TIMES, Unanswered("the evaluation ran out of time"))
    assert source.asked == []


def test_a_time_without_samples_has_an_empty_answer() -> None:
    class Holes(ScriptedSource):
        def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
            del expr, start, end, step, deadline
            return RangeSamples({TIMES[0]: (Sample((), 1.0),)})

    answers = read(Holes(lambda _e, _a: Samples(())))
    assert answers == dict.fromkeys(TIMES, Samples(())) | {TIMES[0]: Samples((Sample((), 1.0),))}
