"""What a signal's samples say of each instance, before any threshold: counts, values, buckets.

Pure functions. This module must not know where samples come from, nor which value is bad.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.judging.latency import Buckets, buckets_by_instance, quantile
from monitor.core.model import Labels, Sample, labels_of, pick
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query, Signal

Samples: TypeAlias = tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Observation:
    """What one reading says of one instance, before any threshold.

    `value` is k/n, the share up, or the query's value; for a latency the quantile in seconds. None or a number that is
    not finite: no data. `requests` and `failures` are counts in the window where the signal has them. `problem` says
    why the reading cannot be used at all (a part is missing): it judges as an error. `buckets` are those of a latency.
    """

    value: float | None = None
    requests: float | None = None
    failures: float | None = None
    problem: str = ""
    buckets: Buckets | None = None


def observe(signal: Signal, parts: Mapping[str, Samples]) -> dict[Labels, Observation]:
    """Give what was read of each instance, `parts` holding the samples of each part that `promql` named.

    Instances are the values of the `by` labels; of a query without `by`, all labels but the metric's name. A part that
    is missing from `parts` makes every instance that is known from the others an error, never a zero; where none is
    known, nothing is given (`unreadable` and `unseen` are the judgements of instances that the caller knows).
    """
    match signal:
        case ErrorRatio(by=by):
            return _observe_ratio(by, parts)
        case Latency(by=by, quantile=q, unit=unit):
            found = buckets_by_instance(parts.get("buckets", ()), by, unit)
            return {
                labels: Observation(quantile(q, one), one.get(math.inf), buckets=one) for labels, one in found.items()
            }
        case Availability(by=by):
            return _single(parts.get("up", ()), by)
        case Count(by=by):
            return _observe_count(by, parts)
        case Condition(by=by):
            return _single(parts.get("value", ()), by or None)
        case Query(by=by, absent=absent):
            if absent is not None and parts.get("value") == ():
                return {pick((), by): Observation(absent)}
            return _single(parts.get("value", ()), by or None)


def _observe_ratio(by: tuple[str, ...], parts: Mapping[str, Samples]) -> dict[Labels, Observation]:
    missing = [part for part in ("requests", "failures") if part not in parts]
    requests = _single(parts.get("requests", ()), by)
    failures = _single(parts.get("failures", ()), by)
    if missing:
        return dict.fromkeys({**requests, **failures}, _missing(missing))
    strange = Observation(problem="failures without requests: do both selectors carry the same labels?")
    return {
        labels: _ratio(requests[labels], failures.get(labels, Observation(0.0))) if labels in requests else strange
        for labels in {**requests, **failures}
    }


def _ratio(requests: Observation, failures: Observation) -> Observation:
    problem, n, k = requests.problem or failures.problem, requests.value, failures.value
    if problem or n is None or k is None or not math.isfinite(n) or not math.isfinite(k):
        return Observation(requests=n, failures=k, problem=problem)
    # the two counts are extrapolated apart, so that k may come out a little above n
    return Observation(min(1.0, k / n) if n > 0 else None, n, k)


def _observe_count(by: tuple[str, ...], parts: Mapping[str, Samples]) -> dict[Labels, Observation]:
    """Give the events of each instance that was seen, and 0 for the only one of a counter that is not there yet.

    A series that was born inside the window counts from 0 only where its target was watched all the time: otherwise
    its first value may be old. Where nothing is seen, 0 needs a target that was up in the window: one that is down
    says nothing.
    """
    wanted = ("seen", "grown", "born", "watched", *(() if by else ("alive",)))
    seen, grown, born = (_single(parts.get(part, ()), by) for part in ("seen", "grown", "born"))
    missing = [part for part in wanted if part not in parts]
    if missing:
        return dict.fromkeys({**seen, **grown, **born}, _missing(missing))
    if not seen:
        alive = not by and any(sample.value > 0 for sample in parts["alive"])
        return {(): Observation(0.0)} if alive else {}
    watched = any(sample.value > 0 for sample in parts["watched"])
    return {labels: _sum(grown.get(labels), born.get(labels) if watched else None) for labels in seen}


def _sum(*counts: Observation | None) -> Observation:
    known = [one for one in counts if one is not None]
    wrong = next((one for one in known if one.problem), None)
    return wrong or Observation(sum((one.value or 0.0 for one in known), 0.0))


def _missing(parts: list[str]) -> Observation:
    return Observation(problem=f"the reading of {' and '.join(parts)} is missing")


def _single(samples: Samples, by: tuple[str, ...] | None) -> dict[Labels, Observation]:
    """Give one observation an instance; two samples of one instance are an error, since neither is the right one."""
    found: dict[Labels, Observation] = {}
    for sample in samples:
        kept = (pair for pair in sample.labels if pair[0] != "__name__")
        labels = labels_of(kept) if by is None else pick(sample.labels, by)
        two = Observation(problem="two series for one instance: aggregate the query by its `by` labels")
        found[labels] = two if labels in found else Observation(sample.value)
    return found
