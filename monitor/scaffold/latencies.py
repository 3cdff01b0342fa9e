"""How slow services usually are, and which limits the buckets of their histogram can tell."""

import math
from collections.abc import Mapping
from dataclasses import replace

from monitor.core.judging.latency import buckets_by_instance, resolution
from monitor.core.model import Labels
from monitor.core.rules.signal import Baseline, Latency, ReferenceKind
from monitor.evaluation.baselines import Baselines, References
from monitor.scaffold.asking import Asking
from monitor.scaffold.found import Slowness, Watched
from monitor.scaffold.traffic import guard, hold_of, kept, paced, service_of, typical, window_of

ENOUGH, FEWEST = 50, 20.0
ABOVE, MOST_ABOVE = 0.5, 3.0
"""The limit of the playbook, and the highest that still says something."""


def slowness(watched: Watched, asking: Asking, baselines: Baselines, scraped: float) -> Slowness:
    """Give what a rule about a slow histogram needs to know of it."""
    count = f"{watched.metric}_count"
    watched = replace(paced(replace(watched, metric=count), asking, scraped), metric=watched.metric)
    window = window_of(watched, 120)
    traffic = typical(watched, window, asking, counter=count)
    judged = kept(watched, traffic, FEWEST, f"{window} s")
    minimum = guard(traffic, judged, ENOUGH)
    kinds, usual = _history(judged, window, minimum, asking, baselines)
    now = {} if kinds else _measured(judged, asking)
    fixed = _rounded_up(max(now.values())) if now else None
    usual = usual or dict.fromkeys(now, fixed or 0.0)
    limits = _limits(judged, usual, asking)
    out = {name: why for name, why in limits.items() if isinstance(why, str)}
    judged = replace(
        judged,
        services=tuple(one for one in judged.services if one not in out),
        left_out={**judged.left_out, **out},
    )
    above = max((one for one in limits.values() if isinstance(one, float)), default=ABOVE)
    return Slowness(judged, window, hold_of(window), minimum, above, kinds, fixed, now or usual)


def _history(
    watched: Watched, window: int, minimum: int, asking: Asking, baselines: Baselines
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Give the kinds of baselines that there is history for, and the largest of each service."""
    kinds = tuple(ReferenceKind)
    signal = Latency(watched.selector, 0.95, watched.by, window, Baseline(kinds), watched.unit)
    found = baselines.references(signal, minimum, asking.at, deadline=asking.deadline.left)
    if not isinstance(found, References):
        asking.problems.append(f"the history of {watched.metric}: {found.why}")
        return (), {}
    known = {one.name for some in found.known.values() for one in some if one.seconds is not None}
    usual = {_named(watched, labels): _largest(found, labels) for labels in found.known}
    return tuple(str(kind) for kind in kinds if kind in known), {name: one for name, one in usual.items() if one > 0}


def _largest(found: References, labels: Labels) -> float:
    return max((one.seconds for one in found.of(labels) if one.seconds is not None), default=0.0)


def _named(watched: Watched, labels: Labels) -> str:
    return dict(labels).get(watched.label, "")


def _measured(watched: Watched, asking: Asking) -> dict[str, float]:
    """Give the p95 of each service over what there is of the last day."""
    by = ", ".join(("le", *watched.by))
    buckets = replace(watched, metric=f"{watched.metric}_bucket").selector
    found = asking.one(f"histogram_quantile(0.95, sum by ({by}) (rate({buckets}[1d])))")
    unit, known = watched.unit, (one for one in found if math.isfinite(one.value) and one.value > 0)
    return {service_of(watched, one): unit.seconds(one.value) for one in known}


def _rounded_up(value: float) -> float:
    """Give two significant digits that are not less."""
    size = 10.0 ** (math.floor(math.log10(value)) - 1)
    return round(math.ceil(value / size - 1e-9) * size, 12)


def _limits(watched: Watched, usual: Mapping[str, float], asking: Asking) -> dict[str, float | str]:
    """Give for each service the least limit that its buckets can tell from its baseline, or why there is none."""
    buckets = replace(watched, metric=f"{watched.metric}_bucket").selector
    by = ", ".join(("le", *watched.by))
    counted = asking.one(f"count by ({by}) ({buckets})")
    found = buckets_by_instance(counted, watched.by, watched.unit)
    bounds = {_named(watched, labels): tuple(edges) for labels, edges in found.items()}
    return {name: limit(bounds[name], base) for name, base in usual.items() if name in bounds}


def limit(bounds: tuple[float, ...], base: float) -> float | str:
    """Give the least share over `base` that buckets with these upper `bounds` tell from it, or why there is none."""
    above = ABOVE
    made = resolution(bounds, base, above)
    if made.acts_as is not None and made.acts_as > 1 + above:
        above = math.ceil((made.acts_as - 1) * 10 - 1e-9) / 10
        made = resolution(bounds, base, above)
    last = max((one for one in bounds if math.isfinite(one)), default=0.0)
    if made.never:
        return f"its p95 of {base:.3g} s is too near the last bucket, {last:g} s: add buckets above"
    if above > MOST_ABOVE:
        return f"its buckets are too coarse around its p95 of {base:.3g} s: add some there"
    return above
