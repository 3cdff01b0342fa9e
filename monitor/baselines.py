"""The trailing baselines of latency signals: 24 full hours of buckets, each read once and kept.

It owns what was read; what a baseline is stands in `monitor.core.latency`. It must not know which rule asks, nor what
the present is: references are a function of the asked time alone, live and in replay.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from monitor.core.latency import HOUR, TRAILING_HOURS, Buckets, buckets_by_instance, trailing, trailing_hours
from monitor.core.model import Labels, Reference
from monitor.core.rule import Latency, ReferenceKind
from monitor.ports import BadQuery, Partial, RangeSamples, RangeSource, TooMuch, Unanswered
from monitor.promql import baseline_expression

_Hour = Mapping[Labels, Buckets]

MAX_SIGNALS = 512
KEPT_HOURS = 2 * TRAILING_HOURS


class Baselines:
    """Gives the references of latency signals; safe to use from several threads at once.

    It keeps at most `KEPT_HOURS` hours of each of the `MAX_SIGNALS` signals that were asked for last. An hour is read
    when it has been over for an hour at least, so that it no longer changes.
    """

    def __init__(self, source: RangeSource) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, tuple[str, ...]], dict[int, _Hour]] = OrderedDict()

    def references(
        self, signal: Latency, min_requests: float, at: int, *, deadline: float
    ) -> Mapping[Labels, tuple[Reference, ...]] | Partial | BadQuery | Unanswered:
        """Give the trailing reference of each instance that had requests in the 24 hours before `at`.

        `min_requests` is what each hour needs to count. A baseline that is fixed needs no reading and gives nothing
        here (`monitor.core.judge.judge` takes it from the signal). A read that fails is given as it came and is not
        kept: the point stays unanswered and is asked again.
        """
        if ReferenceKind.TRAILING not in signal.baseline.kinds:
            return {}
        hours = self._hours(signal, trailing_hours(at), deadline)
        if not isinstance(hours, list):
            return hours
        instances = dict.fromkeys(labels for hour in hours for labels in hour)
        return {
            labels: (trailing(signal.quantile, [hour.get(labels) for hour in hours], min_requests),)
            for labels in instances
        }

    def _hours(
        self, signal: Latency, ends: Sequence[int], deadline: float
    ) -> list[_Hour] | Partial | BadQuery | Unanswered:
        """Give the buckets of the hours that end at `ends`, reading those that are not kept by one range query.

        The source is asked outside of the lock: two threads may read the same hour, and get the same.
        """
        expression = baseline_expression(signal)
        key = (expression, signal.by)
        with self._lock:
            kept = dict(self._kept.get(key, {}))
            if kept:
                self._kept.move_to_end(key)
        missing = [end for end in ends if end not in kept]
        if missing:
            answer = self._source.range(expression, missing[0], missing[-1], HOUR, deadline=deadline)
            if isinstance(answer, TooMuch):
                return Unanswered(answer.why)
            if not isinstance(answer, RangeSamples):
                return answer
            new = {end: buckets_by_instance(answer.at.get(end, ()), signal.by) for end in missing}
            kept |= new
            self._keep(key, new)
        return [kept[end] for end in ends]

    def _keep(self, key: tuple[str, tuple[str, ...]], new: Mapping[int, _Hour]) -> None:
        """Keep what was read, and of each signal the hours nearest to it."""
        with self._lock:
            hours = {**self._kept.pop(key, {}), **new}
            near = sorted(hours, key=lambda end: abs(end - max(new)))
            self._kept[key] = {end: hours[end] for end in near[:KEPT_HOURS]}
            while len(self._kept) > MAX_SIGNALS:
                self._kept.popitem(last=False)
