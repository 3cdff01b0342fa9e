"""Latencies from histogram buckets: quantiles as Prometheus computes them, and the baselines to hold them against.

Pure functions of bucket counts and times. This module must not know where buckets come from, nor which latency is bad.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from statistics import median
from typing import TypeAlias

from monitor.core.model import Labels, Reference, Sample, pick

Buckets: TypeAlias = Mapping[float, float]
"""Upper bounds (seconds, the last one infinite) to the number of requests at or below each, in one window."""

HOUR = 3600
TRAILING_HOURS = 24
TRAILING = "trailing"
FIXED = "fixed"
CEILING = "ceiling"


def buckets_by_instance(samples: Iterable[Sample], by: tuple[str, ...]) -> dict[Labels, dict[float, float]]:
    """Give the buckets of each instance, told apart by the `by` labels.

    A sample whose `le` is missing or no number is passed over, as Prometheus does; bounds that are the same number
    written in two ways ("1" and "1.0") are added up.
    """
    instances: dict[Labels, dict[float, float]] = {}
    for sample in samples:
        bound = _bound(sample.labels)
        if bound is not None:
            buckets = instances.setdefault(pick(sample.labels, by), {})
            buckets[bound] = buckets.get(bound, 0.0) + sample.value
    return instances


def _bound(labels: Labels) -> float | None:
    try:
        bound = float(dict(labels)["le"])
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


def trailing_hours(at: int) -> tuple[int, ...]:
    """Give the ends of the 24 full clock hours that ended at least 1 h before `at`, oldest first (grid times)."""
    last = (at - HOUR) // HOUR * HOUR
    return tuple(range(last - (TRAILING_HOURS - 1) * HOUR, last + 1, HOUR))


def trailing(q: float, hours: Sequence[Buckets | None], min_requests: float) -> Reference:
    """Give the median of the hours' quantiles, None in `hours` standing for an hour without data.

    An hour counts with at least `min_requests` (and 1) of its own; less than half of the hours give no reference.
    """
    needed = max(1.0, min_requests)
    usable = [one for one in hours if one is not None and enough(one.get(math.inf, 0.0), needed)]
    quantiles = [value for value in (quantile(q, one) for one in usable) if value is not None]
    if 2 * len(quantiles) < len(hours) or not quantiles:
        enough_is = f"{needed:g} requests" if needed > 1 else "a request"
        return Reference(TRAILING, None, f"only {len(quantiles)} of {len(hours)} hours had {enough_is}")
    seconds = median(quantiles)
    if seconds <= 0:
        return Reference(TRAILING, None, f"the median of {len(quantiles)} hours is {seconds:g} s")
    return Reference(TRAILING, seconds, f"median of {len(quantiles)} of {len(hours)} hours")


def enough(count: float, needed: float) -> bool:
    """Whether `count` reaches `needed`.

    Counts come from `increase`, which extrapolates in floating point: 50 requests may read 49.999999999. A billionth
    is therefore forgiven; the extrapolation itself (a few per cent at a window's edges) is not, as it goes both ways.
    """
    return count >= needed * (1 - 1e-9)
