"""References of latencies: few reads, each hour kept, failures handed on, and nothing but the asked time counts."""

import threading
from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.judging.latency import DAY, HOUR, SLOT, WEEK, Hour, trailing_hours
from monitor.core.model import Reference, Sample, labels_of
from monitor.core.rules.signal import Baseline, Latency, ReferenceKind
from monitor.evaluation.baselines import AHEAD, KEPT_ANSWERS, KEPT_HOURS, MAX_SIGNALS, Baselines, References
from monitor.ports.metrics import Answer, BadQuery, Partial, RangeAnswer, RangeSamples, Unanswered

T = 1_699_920_000
TRAILING, SAME_TIME = ReferenceKind.TRAILING, ReferenceKind.SAME_TIME
SLOW = Latency("h", 0.5, ("job",), 60, Baseline((TRAILING,)))
WEEKLY = Latency("h", 0.5, ("job",), 60, Baseline((SAME_TIME,)))
BOTH = Latency("h", 0.5, ("job",), 60, Baseline())
AUTH = labels_of({"job": "auth"})

Seconds: TypeAlias = Callable[[int], float | None]


def by_age(end: int) -> float | None:
    """Each hour's requests lie under 2 ms for each hour since `T`."""
    return (end - T) / HOUR / 500


class Hours:
    """A source that knows one histogram: `seconds` gives the bound that the 100 requests of an hour lie under."""

    def __init__(self, seconds: Seconds = by_age, instead: RangeAnswer | None = None) -> None:
        self.seconds = seconds
        self.instead = instead
        self.read: list[tuple[int, int, int]] = []

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        raise AssertionError(f"{expr} at {at} within {deadline} was not to be read")

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        assert "_bucket[3600s]" in expr
        assert deadline == 9.0
        self.read.append((start, end, step))
        return self.instead or RangeSamples({at: self.buckets(at) for at in range(start, end + 1, step)})

    def buckets(self, end: int) -> tuple[Sample, ...]:
        seconds = self.seconds(end)
        counts = {} if seconds is None else {str(seconds): 100.0, "9": 100.0, "+Inf": 100.0}
        return tuple(Sample(labels_of({"job": "auth", "le": le}), count) for le, count in counts.items())


def references(baselines: Baselines, at: int, needed: float = 1, signal: Latency = SLOW) -> References:
    found = baselines.references(signal, needed, at, deadline=9.0)
    assert isinstance(found, References)
    return found


def seconds(baselines: Baselines, at: int, signal: Latency = SLOW) -> list[float | None]:
    return [reference.seconds for reference in references(baselines, at, signal=signal).of(AUTH)]


# --- trailing ---------------------------------------------------------------------------------------------------------


def test_a_day_is_read_at_once_and_kept() -> None:
    source = Hours()
    baselines = Baselines(source)
    at = T + 100 * HOUR + 7
    assert seconds(baselines, at) == [pytest.approx((99 + 76) / 2 / 1000)]
    assert seconds(baselines, at + 15) == seconds(baselines, at)
    assert source.read == [(T + 76 * HOUR, T + 99 * HOUR, HOUR)]


def test_only_the_new_hour_is_read_later() -> None:
    source = Hours()
    baselines = Baselines(source)
    references(baselines, T + 100 * HOUR)
    references(baselines, T + 101 * HOUR)
    assert source.read[1:] == [(T + 100 * HOUR, T + 100 * HOUR, HOUR)]


def test_an_hour_counts_with_its_own_requests() -> None:
    found = references(Baselines(Hours()), T + 100 * HOUR, needed=101)
    assert found.of(AUTH) == (Reference("trailing", None, "only 0 of 24 hours had 101 requests"),)


def test_an_instance_without_a_past_is_told_so() -> None:
    found = references(Baselines(Hours()), T + 100 * HOUR, signal=BOTH).of(labels_of({"job": "new"}))
    assert [(one.name, one.seconds, one.why) for one in found] == [
        ("same_time", None, "only 0 of 3 weeks had a request, nor did it 1 day ago"),
        ("trailing", None, "only 0 of 24 hours had a request"),
    ]


# --- the same time ----------------------------------------------------------------------------------------------------


def test_three_weeks_are_read_at_once_for_the_slot() -> None:
    source = Hours(lambda end: 0.1 * ((at - end) // WEEK + 1))
    baselines = Baselines(source)
    at = T + 10 * WEEK + 2 * SLOT
    assert seconds(baselines, at + 299, BOTH)[0] == pytest.approx(0.1)
    middle = at + HOUR // 2
    assert source.read[1:] == [(middle - 3 * WEEK, middle - WEEK, WEEK)]


def test_a_slot_is_read_once() -> None:
    source = Hours()
    baselines = Baselines(source)
    at = T + 10 * WEEK
    found = {tuple(seconds(baselines, at + second, BOTH)) for second in range(0, 300, 15)}
    assert len(found) == 1
    assert len(source.read) == 2
    assert tuple(seconds(baselines, at + 300, BOTH)) not in found
    assert len(source.read) == 3


def test_yesterday_is_read_only_for_want_of_weeks() -> None:
    at = T + 10 * WEEK
    source = Hours(lambda end: 0.3 if at - end < 2 * DAY else None)
    found = references(Baselines(source), at, signal=BOTH).of(AUTH)
    assert [(one.name, round(one.seconds or 0, 6)) for one in found] == [("same_time", 0.15), ("trailing", 0.15)]
    assert found[0].why == "1 day ago (only 0 of 3 weeks had a request)"
    assert source.read[2:] == [(at - DAY + HOUR // 2, at - DAY + HOUR // 2, HOUR)]


def test_without_trailing_hours_yesterday_alone_knows_young_instances() -> None:
    class Young(Hours):
        def buckets(self, end: int) -> tuple[Sample, ...]:
            job = "young" if at - end < 2 * DAY else "auth"
            counts = {"0.1": 100.0, "+Inf": 100.0}
            return tuple(Sample(labels_of({"job": job, "le": le}), count) for le, count in counts.items())

    at = T + 10 * WEEK
    found = references(Baselines(Young()), at, signal=WEEKLY)
    assert [one.seconds for one in found.of(labels_of({"job": "young"}))] == [pytest.approx(0.05)]
    assert [one.seconds for one in found.of(AUTH)] == [pytest.approx(0.05)]


def test_answers_are_kept_apart_by_what_was_asked() -> None:
    baselines = Baselines(Hours())
    at = T + 10 * WEEK
    for signal in (BOTH, SLOW, WEEKLY):
        for needed in (1, 101):
            alone = references(Baselines(Hours()), at, needed, signal)
            assert references(baselines, at, needed, signal) == alone


def test_the_same_time_alone() -> None:
    assert seconds(Baselines(Hours()), T + 10 * WEEK, WEEKLY) == [pytest.approx((8 * 168 + 0.5) / 1000)]


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signal", [SLOW, WEEKLY, BOTH], ids=["trailing", "same time", "both"])
@given(seconds_later=st.lists(st.integers(0, 3 * WEEK), min_size=1, max_size=12), ahead=st.booleans())
@settings(max_examples=40, deadline=None)
def test_references_are_a_function_of_the_time_alone(signal: Latency, seconds_later: list[int], *, ahead: bool) -> None:
    def patchy(end: int) -> float | None:
        return None if end // HOUR % 5 < 2 else (end % 997 + 1) / 1000

    warm = Baselines(Hours(patchy))
    for later in seconds_later:
        at = T + 10 * WEEK + later
        if ahead:
            warm.read_ahead(signal, at - 1800, at + 900, deadline=9.0)
        assert references(warm, at, signal=signal) == references(Baselines(Hours(patchy)), at, signal=signal)


def test_hours_are_shared_by_the_windows_and_guards_of_a_signal() -> None:
    source = Hours()
    baselines = Baselines(source)
    references(baselines, T, 1)
    references(baselines, T, 50)
    references(baselines, T, signal=Latency("h", 0.5, ("job",), 300, Baseline((TRAILING,))))
    assert len(source.read) == 1
    references(baselines, T, signal=Latency("h", 0.99, ("job",), 60, Baseline((TRAILING,))))
    assert len(source.read) == 2


@pytest.mark.parametrize("signal", [SLOW, WEEKLY, BOTH], ids=["trailing", "same time", "both"])
@pytest.mark.parametrize("failed", [Unanswered("down"), Partial("half"), BadQuery("wrong")])
def test_a_failed_read_is_handed_on_and_not_kept(failed: RangeAnswer, signal: Latency) -> None:
    source = Hours(instead=failed)
    baselines = Baselines(source)
    at = T + 10 * WEEK
    assert baselines.references(signal, 1, at, deadline=9.0) == failed
    assert baselines.hour(signal, at, deadline=9.0) == failed
    source.instead = None
    assert references(baselines, at, signal=signal) == references(Baselines(Hours()), at, signal=signal)


def test_a_fixed_baseline_reads_nothing() -> None:
    fixed = Latency("h", 0.5, ("job",), 60, Baseline((), fixed=0.2))
    source = Hours()
    baselines = Baselines(source)
    baselines.read_ahead(fixed, T, T + HOUR, deadline=9.0)
    assert references(baselines, T, signal=fixed).of(AUTH) == ()
    assert source.read == []


def test_an_hour_without_data_is_kept_too() -> None:
    source = Hours(instead=RangeSamples(dict.fromkeys(trailing_hours(T), ())))
    baselines = Baselines(source)
    assert references(baselines, T) == references(baselines, T + SLOT)
    assert references(baselines, T).known == {}
    assert len(source.read) == 1


def test_one_hour_by_its_end() -> None:
    source = Hours()
    baselines = Baselines(source)
    end = T + 100 * HOUR + 45
    assert baselines.hour(SLOW, end, deadline=9.0) == {AUTH: Hour(100.0, (end - T) / HOUR / 500 * 0.5)}
    assert baselines.hour(SLOW, end, deadline=9.0) == baselines.hour(SLOW, end, deadline=9.0)
    assert source.read == [(end, end, HOUR)]


# --- catching up ------------------------------------------------------------------------------------------------------


def test_an_hour_of_slots_is_read_ahead_by_a_query_a_week() -> None:
    source = Hours()
    baselines = Baselines(source)
    at = T + 10 * WEEK
    baselines.read_ahead(BOTH, at, at + 3585, deadline=9.0)
    assert [step for _, _, step in source.read] == [SLOT] * 3
    for point in range(at, at + 3600, 15):
        references(baselines, point, signal=BOTH)
    assert [step for _, _, step in source.read[3:]] == [HOUR]


def test_without_weeks_yesterday_is_read_ahead() -> None:
    at = T + 10 * WEEK
    source = Hours(lambda end: 0.3 if at - end < 2 * DAY else None)
    baselines = Baselines(source)
    baselines.read_ahead(BOTH, at, at + 3585, deadline=9.0)
    for point in range(at, at + 3600, 15):
        references(baselines, point, signal=BOTH)
    assert len(source.read) == 5


def test_nothing_is_read_ahead_for_one_slot_or_for_other_kinds() -> None:
    source = Hours()
    baselines = Baselines(source)
    baselines.read_ahead(BOTH, T, T + 299, deadline=9.0)
    baselines.read_ahead(SLOW, T, T + 3600, deadline=9.0)
    assert source.read == []


def test_reading_ahead_fails_in_silence() -> None:
    source = Hours(instead=Unanswered("down"))
    Baselines(source).read_ahead(BOTH, T, T + 3600, deadline=9.0)
    assert len(source.read) == 1


# --- bounds -----------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_bounded_and_enough_for_what_is_read_ahead() -> None:
    baselines = Baselines(Hours())
    for hours in range(100, 300):
        references(baselines, T + hours * HOUR + 7 * SLOT, signal=BOTH)
    (kept,) = baselines._kept.values()
    assert (len(kept.hours), len(kept.answers)) == (KEPT_HOURS, KEPT_ANSWERS)
    assert 24 + 4 * AHEAD < KEPT_HOURS


def test_the_signals_that_are_kept_are_bounded() -> None:
    baselines = Baselines(Hours(lambda _: None))
    for n in range(MAX_SIGNALS + 5):
        references(baselines, T, signal=Latency(f"h{n}", 0.5, (), 60, Baseline((TRAILING,))))
    assert len(baselines._kept) == MAX_SIGNALS


def test_threads_get_the_same() -> None:
    baselines = Baselines(Hours())
    found: list[list[float | None]] = []

    def work() -> None:
        found.extend(seconds(baselines, T + hours * HOUR, BOTH) for hours in range(100, 130))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alone = Baselines(Hours())
    expected = [seconds(alone, T + hours * HOUR, BOTH) for hours in range(100, 130)]
    assert sorted(map(str, found)) == sorted(map(str, expected * 4))
