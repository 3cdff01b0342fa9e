"""What a signal's series say of each instance at every grid time at once: `core.judging.observe` for whole ranges.

What it does not cover (two series of one instance) it says, and then points are read one by one.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from monitor.core.judging.latency import bound_of, quantile
from monitor.core.model import Labels, labels_of, pick
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query, Signal, TimeUnit
from monitor.workbench.replay.history import Flags, Floats, Reading, Series


class UncoveredError(Exception):
    """Something that only `monitor.core.judging.observe` can tell, point by point."""


@dataclass(frozen=True, slots=True)
class Observed:
    """One instance over a grid; the fields are those of an `Observation`, not a number standing for None.

    `present`: at which times there is an observation at all.
    """

    present: Flags
    value: Floats
    requests: Floats | None = None
    failures: Floats | None = None
    problem: Flags | None = None
    buckets: "Buckets | None" = None


@dataclass(frozen=True, slots=True)
class Buckets:
    """The cumulative buckets of one instance: a row for each upper bound, in order."""

    bounds: tuple[float, ...]
    counts: Floats
    present: Flags

    def at(self, index: int) -> dict[float, float]:
        """Give the buckets at one time, as far as they are there."""
        return {
            bound: float(self.counts[row, index]) for row, bound in enumerate(self.bounds) if self.present[row, index]
        }


def observed(signal: Signal, parts: Mapping[str, Reading], count: int) -> dict[Labels, Observed]:
    """Give what was read of each instance over `count` grid times. Raises `UncoveredError`."""
    nothing = Series(np.full(count, np.nan), np.zeros(count, dtype=bool))
    match signal:
        case ErrorRatio(by=by):
            return _ratios(_single(parts["requests"], by), _single(parts["failures"], by), nothing)
        case Latency(by=by, quantile=q, unit=unit):
            found = _by_bound(parts["buckets"], by, unit)
            return {labels: _latency(q, one, count) for labels, one in found.items()}
        case Availability(by=by):
            return _plain(_single(parts["up"], by))
        case Count(by=by):
            return _counts(by, parts, nothing)
        case Condition(by=by):
            return _plain(_single(parts["value"], by or None))
        case Query(by=by, absent=absent):
            plain = _plain(_single(parts["value"], by or None))
            return plain if absent is None else _with_absent(plain, pick((), by), absent, nothing)


def _plain(series: Mapping[Labels, Series]) -> dict[Labels, Observed]:
    return {labels: Observed(one.present, np.where(one.present, one.values, np.nan)) for labels, one in series.items()}


def _single(reading: Reading, by: tuple[str, ...] | None) -> dict[Labels, Series]:
    found: dict[Labels, Series] = {}
    for labels, series in reading.series.items():
        kept = (pair for pair in labels if pair[0] != "__name__")
        instance = labels_of(kept) if by is None else pick(labels, by)
        if instance in found:
            raise UncoveredError
        found[instance] = series
    return found


def _ratios(
    requests: Mapping[Labels, Series], failures: Mapping[Labels, Series], nothing: Series
) -> dict[Labels, Observed]:
    return {
        labels: _ratio(requests.get(labels, nothing), failures.get(labels, nothing))
        for labels in {**requests, **failures}
    }


def _ratio(requests: Series, failures: Series) -> Observed:
    n, k = requests.values, np.where(failures.present, failures.values, 0.0)
    usable = requests.present & np.isfinite(n) & np.isfinite(k)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        value = np.where(usable & (n > 0), np.minimum(1.0, k / n), np.nan)
    return Observed(requests.present | failures.present, value, n, k, failures.present & ~requests.present)


def _counts(by: tuple[str, ...], parts: Mapping[str, Reading], nothing: Series) -> dict[Labels, Observed]:
    seen, grown, born = (_single(parts[part], by) for part in ("seen", "grown", "born"))
    watched = _any_over_zero(parts["watched"], nothing)
    found = {
        labels: Observed(one.present, _sum(grown.get(labels, nothing), born.get(labels, nothing), watched))
        for labels, one in seen.items()
    }
    if by:
        return found
    alive = _any_over_zero(parts["alive"], nothing) & ~_any((one.present for one in seen.values()), nothing)
    known = found.get((), Observed(nothing.present, nothing.values))
    return {**found, (): Observed(known.present | alive, np.where(known.present, known.value, 0.0))}


def _sum(grown: Series, born: Series, watched: Flags) -> Floats:
    first = np.where(grown.present, grown.values, 0.0)
    return first + np.where(born.present & watched, born.values, 0.0)


def _any_over_zero(reading: Reading, nothing: Series) -> Flags:
    return _any((one.present & (one.values > 0) for one in reading.series.values()), nothing)


def _any(flags: Iterable[Flags], nothing: Series) -> Flags:
    found = nothing.present.copy()
    for one in flags:
        found |= one
    return found


def _with_absent(
    found: dict[Labels, Observed], instance: Labels, absent: float, nothing: Series
) -> dict[Labels, Observed]:
    """Give an empty answer its value, where it is the whole answer that is empty."""
    empty = ~_any((one.present for one in found.values()), nothing)
    known = found.get(instance, Observed(nothing.present, nothing.values))
    value = np.where(known.present, known.value, absent)
    return {**found, instance: Observed(known.present | empty, value)}


# --- latencies --------------------------------------------------------------------------------------------------------


def _by_bound(reading: Reading, by: tuple[str, ...], unit: TimeUnit) -> dict[Labels, dict[float, Series]]:
    found: dict[Labels, dict[float, Series]] = {}
    for labels, series in reading.series.items():
        bound = bound_of(labels, unit)
        if bound is None:
            continue
        buckets = found.setdefault(pick(labels, by), {})
        if bound in buckets:
            raise UncoveredError
        buckets[bound] = series
    return found


def _latency(q: float, series: Mapping[float, Series], count: int) -> Observed:
    bounds = tuple(sorted(series))
    counts = np.stack([series[bound].values for bound in bounds])
    present = np.stack([series[bound].present for bound in bounds])
    buckets = Buckets(bounds, counts, present)
    whole: Flags = np.logical_and.reduce(present)
    some: Flags = np.logical_or.reduce(present)
    value = np.where(whole, _quantiles(q, bounds, counts), np.nan) if count else np.zeros(0)
    for index in np.flatnonzero(some & ~whole):
        one = quantile(q, buckets.at(int(index)))
        value[index] = math.nan if one is None else one
    infinite = bounds[-1] == math.inf
    requests = np.where(present[-1], counts[-1], np.nan) if infinite else np.full(count, np.nan)
    return Observed(some, value, requests, buckets=buckets)


def _quantiles(q: float, bounds: tuple[float, ...], counts: Floats) -> Floats:
    """Give `monitor.core.judging.latency.quantile` of every column, by the same operations on the same doubles."""
    if len(bounds) < 2 or bounds[-1] != math.inf:  # noqa: PLR2004  # one finite bucket and the infinite one
        return np.full(counts.shape[1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        grown, last = np.maximum.accumulate(counts, axis=0), len(bounds) - 1
        rank = q * grown[-1]
        reached = grown[:-1] >= rank
        found = np.where(reached.any(axis=0), reached.argmax(axis=0), last)
        columns, upper = np.arange(counts.shape[1]), np.array(bounds)
        below = np.where(found > 0, grown[found - 1, columns], 0.0)
        start = np.where(found > 0, upper[found - 1], 0.0)
        inside = grown[found, columns] - below
        value = start + (upper[found] - start) * ((rank - below) / inside)
        value = np.where(inside > 0, value, np.nan)
        if bounds[0] <= 0:
            value = np.where(found == 0, bounds[0], value)
        value = np.where(found == last, bounds[-2], value)
        usable = np.isfinite(grown[-1]) & (grown[-1] > 0) & ~np.isnan(counts).any(axis=0)
    return np.where(usable, value, np.nan)
