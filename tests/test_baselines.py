"""Trailing baselines: one read of 24 hours, each hour kept, failures handed on."""

import math
import threading
from collections.abc import Mapping

import pytest

from monitor.baselines import KEPT_HOURS, MAX_SIGNALS, Baselines
from monitor.core.latency import HOUR, trailing_hours
from monitor.core.model import Labels, Reference, Sample, labels_of
from monitor.core.rule import Baseline, Latency, ReferenceKind
from monitor.ports import Answer, BadQuery, Partial, RangeAnswer, RangeSamples, Unanswered

T = 1_699_920_000
SLOW = Latency("h", 0.5, ("job",), 60, Baseline((ReferenceKind.TRAILING,)))
AUTH = labels_of({"job": "auth"})


class Hours:
    """A source that knows one histogram: each hour's requests lie under 2 * (hours since `T`) ms."""

    def __init__(self, instead: RangeAnswer | None = None) -> None:
        self.instead = instead
        self.read: list[tuple[int, int]] = []

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        raise AssertionError(f"{expr} at {at} within {deadline} was not to be read")

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        assert (expr, step, deadline) == ("sum by (job, le) (increase(h_bucket[3600s]))", HOUR, 9.0)
        self.read.append((start, end))
        return self.instead or RangeSamples({at: self.buckets(at) for at in range(start, end + 1, step)})

    @staticmethod
    def buckets(at: int) -> tuple[Sample, ...]:
        seconds = (at - T) / HOUR / 500
        counts = {str(seconds): 100.0, "9": 100.0, "+Inf": 100.0}
        return tuple(Sample(labels_of({"job": "auth", "le": le}), count) for le, count in counts.items())


def references(baselines: Baselines, at: int, needed: float = 1) -> Mapping[Labels, tuple[Reference, ...]]:
    found = baselines.references(SLOW, needed, at, deadline=9.0)
    assert not isinstance(found, Partial | BadQuery | Unanswered)
    return found


def seconds(baselines: Baselines, at: int) -> float:
    ((reference,),) = references(baselines, at).values()
    assert reference.seconds is not None
    return reference.seconds


def test_a_day_is_read_at_once_and_kept() -> None:
    source = Hours()
    baselines = Baselines(source)
    at = T + 100 * HOUR + 7
    assert seconds(baselines, at) == pytest.approx((99 + 76) / 2 / 1000)
    assert seconds(baselines, at + 15) == seconds(baselines, at)
    assert source.read == [(T + 76 * HOUR, T + 99 * HOUR)]


def test_only_the_new_hour_is_read_later() -> None:
    source = Hours()
    baselines = Baselines(source)
    references(baselines, T + 100 * HOUR)
    references(baselines, T + 101 * HOUR)
    assert source.read[1:] == [(T + 100 * HOUR, T + 100 * HOUR)]


def test_references_are_a_function_of_the_time_alone() -> None:
    times = [T + hours * HOUR for hours in (100, 101, 170, 102, 100, 99, 300, 100)]
    one = Baselines(Hours())
    assert [seconds(one, at) for at in times] == [seconds(Baselines(Hours()), at) for at in times]


@pytest.mark.parametrize("failed", [Unanswered("down"), Partial("half"), BadQuery("wrong")])
def test_a_failed_read_is_handed_on_and_not_kept(failed: RangeAnswer) -> None:
    source = Hours(failed)
    baselines = Baselines(source)
    assert baselines.references(SLOW, 1, T, deadline=9.0) == failed
    source.instead = None
    assert AUTH in references(baselines, T + 50 * HOUR)


def test_a_fixed_baseline_reads_nothing() -> None:
    fixed = Latency("h", 0.5, ("job",), 60, Baseline((), fixed=0.2))
    assert Baselines(Hours()).references(fixed, 1, T, deadline=9.0) == {}


def test_an_hour_counts_with_its_own_requests() -> None:
    ((reference,),) = references(Baselines(Hours()), T + 100 * HOUR, needed=101).values()
    assert reference == Reference("trailing", None, "only 0 of 24 hours had 101 requests")


def test_an_hour_without_data_is_kept_too() -> None:
    hours = trailing_hours(T)
    source = Hours(RangeSamples(dict.fromkeys(hours, ())))
    baselines = Baselines(source)
    assert references(baselines, T) == references(baselines, T) == {}
    assert len(source.read) == 1


def test_what_is_kept_is_bounded() -> None:
    baselines = Baselines(Hours())
    for hours in range(100, 400):
        references(baselines, T + hours * HOUR)
    (kept,) = baselines._kept.values()
    assert len(kept) == KEPT_HOURS


def test_the_signals_that_are_kept_are_bounded() -> None:
    class Nothing(Hours):
        def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
            assert math.isfinite(deadline), expr
            return RangeSamples(dict.fromkeys(range(start, end + 1, step), ()))

    baselines = Baselines(Nothing())
    for n in range(MAX_SIGNALS + 5):
        baselines.references(Latency(f"h{n}", 0.5, (), 60, Baseline((ReferenceKind.TRAILING,))), 1, T, deadline=9.0)
    assert len(baselines._kept) == MAX_SIGNALS


def test_threads_get_the_same() -> None:
    baselines = Baselines(Hours())
    found: list[float] = []

    def work() -> None:
        found.extend(seconds(baselines, T + hours * HOUR) for hours in range(100, 130))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Baselines(Hours())
    assert sorted(found) == sorted([seconds(alone, T + hours * HOUR) for hours in range(100, 130)] * 4)
