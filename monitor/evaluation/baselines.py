"""What latencies are held against: hours of buckets, each read once and kept.

It owns what was read; what a reference is stands in `core.judging.latency`. It must not know which rule asks, nor what
the present is: references are a function of the asked time alone, live and in replay.
"""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias, TypeVar

from monitor.core.judging.latency import (
    HOUR,
    SLOT,
    WEEK,
    Hour,
    buckets_by_instance,
    hour_of,
    same_time,
    same_time_hours,
    trailing,
    trailing_hours,
    yesterday_hour,
)
from monitor.core.model import Labels, Reference
from monitor.core.rules.signal import Latency, ReferenceKind
from monitor.ports.metrics import BadQuery, Partial, RangeSamples, RangeSource, TooMuch, Unanswered
from monitor.queries.promql import baseline_expression

Failed: TypeAlias = Partial | BadQuery | Unanswered
_Hours: TypeAlias = Mapping[Labels, Hour]
"""One hour of every instance."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

MAX_SIGNALS = 512
AHEAD = 12
"""The most slots that are read ahead at once: an hour of catching up."""
KEPT_HOURS = 96
"""Of each signal: the 24 trailing hours, and up to 4 for each of the slots that are read ahead."""
KEPT_ANSWERS = 8


@dataclass(frozen=True, slots=True)
class References:
    """The references of every instance that is known from the past, and what is said of one that is not."""

    known: Mapping[Labels, tuple[Reference, ...]] = field(default_factory=dict)
    unknown: tuple[Reference, ...] = ()

    def of(self, labels: Labels) -> tuple[Reference, ...]:
        """Give the references of one instance: each kind that was asked for, those that are not to be had too."""
        return self.known.get(labels, self.unknown)


class Baselines:
    """Gives the references of latency signals; safe to use from several threads at once.

    It keeps at most `KEPT_HOURS` hours of each of the `MAX_SIGNALS` signals that were asked for last. An hour is read
    when it has been over for an hour at least, so that it no longer changes. In steady state that is one query an
    hour, and one in 5 minutes for the three weeks together (and one more where weeks are not to be had).
    """

    def __init__(self, source: RangeSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()

    def references(self, signal: Latency, min_requests: float, at: int, *, deadline: float) -> References | Failed:
        """Give the references of each instance that had requests in the hours that they are made of.

        `min_requests` is what each hour needs to count. A baseline that is fixed needs no reading and gives nothing
        here (`core.judging.judge.judge` takes it from the signal). A read that fails is given as it came and is not
        kept: the point stays unanswered and is asked again.
        """
        if not signal.baseline.kinds:
            return References()
        kept, asked = self._of(signal), (signal.baseline.kinds, min_requests, at // SLOT)
        with self._lock:
            answer = kept.answers.get(asked)
        if answer is not None:
            return answer
        try:
            past = self._past(kept, signal, min_requests, at, deadline)
        except _NotReadError as failed:
            return failed.answer
        with self._lock:
            return _keep(kept.answers, asked, past.references(min_requests), KEPT_ANSWERS)

    def hour(self, signal: Latency, end: int, *, deadline: float) -> Mapping[Labels, Hour] | Failed:
        """Give the hour of each instance that ends at `end`, which must not lie in the future."""
        try:
            (found,) = self._read(self._of(signal), signal, (end,), HOUR, deadline)
        except _NotReadError as failed:
            return failed.answer
        return found

    def read_ahead(self, signal: Latency, first: int, last: int, *, deadline: float) -> None:
        """Read the same clock time of the slots from `first` to `last` (at most `AHEAD` of them) by a query a week.

        Nothing depends on it but the number of queries: what fails is read again when it is asked for.
        """
        slots = range(first // SLOT * SLOT, last + 1, SLOT)[:AHEAD]
        if ReferenceKind.SAME_TIME not in signal.baseline.kinds or len(slots) == 1:
            return
        kept, weeks = self._of(signal), list(zip(*map(same_time_hours, slots), strict=True))
        with contextlib.suppress(_NotReadError):
            found = [self._read(kept, signal, week, SLOT, deadline) for week in weeks]
            if not any(hours for week in found for hours in week):
                self._read(kept, signal, [yesterday_hour(slot) for slot in slots], SLOT, deadline)

    def forget(self) -> None:
        """Read everything anew: what is asked does not answer as it did."""
        with self._lock:
            self._kept.clear()

    def _of(self, signal: Latency) -> "_Kept":
        """Give what is kept of `signal`, the most recently used last; the windows of a rule share it."""
        key = (signal.histogram, signal.unit, signal.by, signal.quantile)
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None:
                self._kept.move_to_end(key)
                return kept
        new = _Kept(baseline_expression(signal))
        with self._lock:
            return _keep(self._kept, key, self._kept.get(key, new), MAX_SIGNALS)

    def _past(self, kept: "_Kept", signal: Latency, needed: float, at: int, deadline: float) -> "_Past":
        """Read what the references at `at` are made of; the day before only where some instance lacks its weeks."""
        kinds = signal.baseline.kinds
        past = _Past()
        if ReferenceKind.TRAILING in kinds:
            past.hours = self._read(kept, signal, trailing_hours(at), HOUR, deadline)
        if ReferenceKind.SAME_TIME in kinds:
            past.weeks = self._read(kept, signal, same_time_hours(at), WEEK, deadline)
            if past.hours is None or past.lacks_weeks(needed):
                (past.yesterday,) = self._read(kept, signal, (yesterday_hour(at),), HOUR, deadline)
        return past

    def _read(
        self, kept: "_Kept", signal: Latency, ends: Sequence[int], step: int, deadline: float
    ) -> Sequence[_Hours]:
        """Give the hours that end at `ends`, `step` apart, reading those that are not kept by one range query.

        The source is asked outside of the lock: two threads may read the same hour, and get the same.
        """
        with self._lock:
            found = {end: kept.hours[end] for end in ends if end in kept.hours}
        missing = [end for end in ends if end not in found]
        if missing:
            answer = self._source.range(kept.expression, missing[0], missing[-1], step, deadline=deadline)
            if isinstance(answer, TooMuch):
                raise _NotReadError(Unanswered(answer.why))
            if not isinstance(answer, RangeSamples):
                raise _NotReadError(answer)
            for end in missing:
                buckets = buckets_by_instance(answer.at.get(end, ()), signal.by, signal.unit)
                found[end] = {labels: hour_of(signal.quantile, one) for labels, one in buckets.items()}
        with self._lock:
            for end in ends:
                _keep(kept.hours, end, found[end], KEPT_HOURS)
        return [found[end] for end in ends]


@dataclass(slots=True)
class _Kept:
    """What is kept of one signal: its PromQL, hours by their ends, and the last answers by what was asked."""

    expression: str
    hours: OrderedDict[int, _Hours] = field(default_factory=OrderedDict)
    answers: OrderedDict[tuple[object, ...], References] = field(default_factory=OrderedDict)


class _NotReadError(Exception):
    """A read failed. It never leaves this module: whoever asked is given the answer itself."""

    def __init__(self, answer: Failed) -> None:
        super().__init__(answer.why)
        self.answer = answer


@dataclass(slots=True)
class _Past:
    """The hours that the references at one time are made of; None where a kind was not asked for."""

    hours: Sequence[_Hours] | None = None
    weeks: Sequence[_Hours] | None = None
    yesterday: _Hours = field(default_factory=dict)

    def references(self, needed: float) -> References:
        """Give the references of every instance."""
        return References({labels: self._of(labels, needed) for labels in self._instances()}, self._of(None, needed))

    def lacks_weeks(self, needed: float) -> bool:
        """Whether the weeks alone leave some instance, or everything, without a reference."""
        instances = self._instances()
        return not instances or any(self._same_time(labels, needed).seconds is None for labels in instances)

    def _instances(self) -> Mapping[Labels, None]:
        every = (*(self.hours or ()), *(self.weeks or ()), self.yesterday)
        return dict.fromkeys(labels for hours in every for labels in hours)

    def _of(self, labels: Labels | None, needed: float) -> tuple[Reference, ...]:
        found = () if self.weeks is None else (self._same_time(labels, needed),)
        return found if self.hours is None else (*found, trailing([_hour(one, labels) for one in self.hours], needed))

    def _same_time(self, labels: Labels | None, needed: float) -> Reference:
        weeks = [_hour(one, labels) for one in self.weeks or ()]
        return same_time(weeks, _hour(self.yesterday, labels), needed)


def _hour(hours: _Hours, labels: Labels | None) -> Hour | None:
    return None if labels is None else hours.get(labels)


def _keep(kept: OrderedDict[_Key, _Value], key: _Key, value: _Value, most: int) -> _Value:
    """Put `value` last, let go of the first where there are more than `most`, and give it back."""
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > most:
        kept.popitem(last=False)
    return value
