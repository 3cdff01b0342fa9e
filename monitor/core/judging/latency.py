"""Latencies from histogram buckets: quantiles as Prometheus computes them, and the baselines to hold them against.

Pure functions of bucket counts and times. This module must not know where buckets come from, nor which latency is bad.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import median
from typing import TypeAlias

from monitor.core.model import Labels, Reference, Sample, pick
from monitor.core.rules.signal import TimeUnit

Buckets: TypeAlias = Mapping[float, float]
"""Upper bounds (seconds, the last one infinite) to the number of requests at or below each, in one window."""

HOUR = 3600
DAY = 24 * HOUR
WEEK = 7 * DAY
SLOT = 300
"""Seconds between two readings of the same clock time."""
TRAILING_HOURS = 24
SAME_TIME_WEEKS = 3
TRAILING = "trailing"
SAME_TIME = "same_time"
BEFORE_DEPLOY = "before_deploy"
FIXED = "fixed"
CEILING = "ceiling"


def buckets_by_instance(
    samples: Iterable[Sample], by: tuple[str, ...], unit: TimeUnit = TimeUnit.SECONDS
) -> dict[Labels, dict[float, float]]:
    """Give the buckets of each instance, told apart by the `by` labels, their bounds written in `unit`.

    A sample whose `le` is missing or no number is passed over, as Prometheus does; bounds that are the same number
    written in two ways ("1" and "1.0") are added up.
    """
    instances: dict[Labels, dict[float, float]] = {}
    for sample in samples:
        bound = bound_of(sample.labels, unit)
        if bound is not None:
            buckets = instances.setdefault(pick(sample.labels, by), {})
            buckets[bound] = buckets.get(bound, 0.0) + sample.value
    return instances


def bound_of(labels: Labels, unit: TimeUnit) -> float | None:
    """Give the upper bound (seconds) of the bucket with `labels`, or None where there is none.

    Here alone the unit of a histogram becomes seconds.
    """
    try:
        bound = unit.seconds(float(dict(labels)["le"]))
    except (KeyError, ValueError):
        return None
    return None if math.isnan(bound) else bound


def quantile(q: float, buckets: Buckets) -> float | None:
    """Give the `q` quantile (0..1) in seconds, or None where Prometheus's `histogram_quantile` would give NaN.

    That function's way with classic buckets: counts are first made monotonic (scrapes of the buckets may be torn),
    the rank `q * total` is looked for, and the value is interpolated linearly within its bucket, whose lower end is 0
    for the first. In the infinite bucket the highest finite bound is given; a first bound at or below 0 is given as is.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf:  # noqa: PLR2004  # one finite bucket and the infinite one
        return None
    counts = list(accumulate((buckets[bound] for bound in bounds), max))
    if not math.isfinite(counts[-1]) or counts[-1] <= 0 or any(math.isnan(buckets[bound]) for bound in bounds):
        return None
    rank = q * counts[-1]
    found = next((i for i, count in enumerate(counts[:-1]) if count >= rank), len(bounds) - 1)
    if found == len(bounds) - 1:
        return bounds[-2]
    if found == 0 and bounds[0] <= 0:
        return bounds[0]
    below, start = (counts[found - 1], bounds[found - 1]) if found else (0.0, 0.0)
    inside = counts[found] - below
    return start + (bounds[found] - start) * ((rank - below) / inside) if inside > 0 else None


def slower(buckets: Buckets, seconds: float) -> float:
    """Give how many requests took longer than `seconds`, interpolated as `quantile` does, so that the two agree.

    Those in the infinite bucket are slower than the highest finite bound; of anything above it nothing is known, and
    0 is given. Buckets without an infinite one give 0 too.
    """
    bounds = sorted(buckets)
    if len(bounds) < 2 or bounds[-1] != math.inf or seconds > bounds[-2]:  # noqa: PLR2004  # as in quantile
        return 0.0
    counts = list(accumulate((buckets[bound] for bound in bounds), max))
    found = bisect_left(bounds, seconds)
    below, start = (counts[found - 1], bounds[found - 1]) if found else (0.0, min(0.0, bounds[0]))
    width = bounds[found] - start
    within = min(1.0, max(0.0, (seconds - start) / width)) if width > 0 else 1.0
    return counts[-1] - (below + (counts[found] - below) * within)


# --- references -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of an instance, a part of a reference: its requests, and its quantile in seconds (None: not known)."""

    requests: float
    seconds: float | None


def hour_of(q: float, buckets: Buckets) -> Hour:
    """Give what a reference needs of one hour's buckets."""
    return Hour(buckets.get(math.inf, 0.0), quantile(q, buckets))


def trailing_hours(at: int) -> tuple[int, ...]:
    """Give the ends of the 24 full clock hours that ended at least 1 h before `at`, oldest first (grid times)."""
    last = (at - HOUR) // HOUR * HOUR
    return tuple(range(last - (TRAILING_HOURS - 1) * HOUR, last + 1, HOUR))


def same_time_hours(at: int) -> tuple[int, ...]:
    """Give the ends of the hours around the same clock time 3, 2 and 1 weeks before the 5-minute slot of `at`."""
    middle = at // SLOT * SLOT
    return tuple(middle - weeks * WEEK + HOUR // 2 for weeks in range(SAME_TIME_WEEKS, 0, -1))


def yesterday_hour(at: int) -> int:
    """Give the end of the hour around the same clock time a day before the 5-minute slot of `at`."""
    return at // SLOT * SLOT - DAY + HOUR // 2


def trailing(hours: Sequence[Hour | None], min_requests: float) -> Reference:
    """Give the median of the hours' quantiles, None in `hours` standing for an hour without data.

    An hour counts with at least `min_requests` (and 1) of its own; less than half of the hours give no reference.
    """
    return _median(TRAILING, "hours", hours, min_requests)


def same_time(weeks: Sequence[Hour | None], yesterday: Hour | None, min_requests: float) -> Reference:
    """Give the median of the same hour of the last weeks, or that of yesterday where weeks are not to be had.

    As with `trailing`, an hour counts with `min_requests` of its own, and half of the weeks are needed.
    """
    weekly = _median(SAME_TIME, "weeks", weeks, min_requests)
    if weekly.seconds is not None:
        return weekly
    daily = _median(SAME_TIME, "day", (yesterday,), min_requests)
    if daily.seconds is not None:
        return replace(daily, why=f"1 day ago ({weekly.why})")
    return replace(weekly, why=f"{weekly.why}, nor did it 1 day ago")


def before_deploy(hour: Hour | None, min_requests: float, after: str) -> Reference:
    """Give the quantile of the hour up to a release change; `after` names what was released, and when."""
    found = _median(BEFORE_DEPLOY, "hour", (hour,), min_requests)
    return replace(found, why=f"the hour before {after}" if found.seconds is not None else f"{found.why} ({after})")


def _median(name: str, parts: str, hours: Sequence[Hour | None], min_requests: float) -> Reference:
    needed = max(1.0, min_requests)
    usable = [one for one in hours if one is not None and enough(one.requests, needed)]
    quantiles = [one.seconds for one in usable if one.seconds is not None]
    if 2 * len(quantiles) < len(hours) or not quantiles:
        enough_is = f"{needed:g} requests" if needed > 1 else "a request"
        return Reference(name, None, f"only {len(quantiles)} of {len(hours)} {parts} had {enough_is}")
    seconds = median(quantiles)
    if seconds <= 0:
        return Reference(name, None, f"the median of {len(quantiles)} {parts} is {seconds:g} s")
    return Reference(name, seconds, f"median of {len(quantiles)} of {len(hours)} {parts}")


def enough(count: float, needed: float) -> bool:
    """Whether `count` reaches `needed`.

    Counts come from `increase`, which extrapolates in floating point: 50 requests may read 49.999999999. A billionth
    is therefore forgiven; the extrapolation itself (a few per cent at a window's edges) is not, as it goes both ways.
    """
    return count >= needed * (1 - 1e-9)


# --- what buckets can tell --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a histogram's buckets make of a limit.

    `seconds` is the limit itself. `acts_as` is set where the baseline and the limit fall into one bucket, so that what
    lies between them is interpolation only: the multiple of the baseline at the bucket's end, the first that is
    measured (1.93: "the limit acts as 1.93x"). `never` says that no quantile can be over the limit.
    """

    seconds: float
    acts_as: float | None = None
    never: bool = False


def resolution(bounds: Iterable[float], base: float, above: float) -> Resolution:
    """Give what buckets with these upper `bounds` (seconds) make of the limit `(1 + above) * base`.

    A quantile is never over the highest finite bound (see `quantile`), so that a limit at it or above it never fires.
    """
    limit = (1 + above) * base
    finite = sorted(bound for bound in set(bounds) if math.isfinite(bound))
    found = bisect_left(finite, limit * (1 - 1e-9))  # 1.5 * 0.2 is a little more than 0.3
    if found == len(finite) or math.isclose(limit, finite[-1], rel_tol=1e-9):
        return Resolution(limit, never=True)
    return Resolution(limit, finite[found] / base if bisect_left(finite, base) == found else None)
