"""An alert by route, in PromQL: which label tells its requests apart, and which routes are the worst.

Selectors are the rule's own, narrowed to the alert's instance by `monitor.queries.promql`, which sees to it that no
label can break out of its place. This module must not know who asks, nor what the numbers mean.
"""

from dataclasses import dataclass

from monitor.core.model import AlertKey
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import ErrorRatio, Latency
from monitor.queries.promql import aggregated, buckets_selector, increase_expression, narrowed, requests_selector

MOST = 5
"""The worst routes that are asked for."""

FEWEST = 5
"""Requests that a route needs before its latency is told: a quantile of fewer says nothing."""


@dataclass(frozen=True, slots=True)
class RouteQueries:
    """What is asked of one alert once it is known by which label: the worst routes, and the requests of these."""

    worst: str
    requests: str


def telling(rule: Rule, key: AlertKey, label: str) -> str:
    """Give the PromQL of how many routes `label` tells apart. Raises ValueError where it cannot be composed."""
    series = rule.signal.requests if isinstance(rule.signal, ErrorRatio) else _requests(rule)
    return f"count({aggregated('group', (label,), narrowed(series, key.labels, label))})"


def _requests(rule: Rule) -> str:
    if not isinstance(rule.signal, Latency):
        raise ValueError(f"{rule.alert} counts no requests")  # noqa: TRY004  # it is the rule that is another one
    return requests_selector(rule.signal)


def worst(rule: Rule, key: AlertKey, label: str, window: int) -> RouteQueries:
    """Give the PromQL of the routes with the most failures, or the slowest ones. Raises as `telling`."""
    signal = rule.signal
    if isinstance(signal, ErrorRatio):
        failures = narrowed(signal.failures, key.labels, label)
        found = f"topk({MOST}, {increase_expression(failures, (label,), window)} > 0)"
        every = increase_expression(narrowed(signal.requests, key.labels, label), (label,), window)
        return RouteQueries(found, f"{every} and on ({label}) {found}")
    every = increase_expression(narrowed(_requests(rule), key.labels, label), (label,), window)
    assert isinstance(signal, Latency)  # noqa: S101  # or `_requests` would have raised
    buckets = narrowed(buckets_selector(signal), key.labels, label)
    slow = f"histogram_quantile({signal.quantile!r}, {increase_expression(buckets, ('le', label), window)})"
    found = f"topk({MOST}, {slow} > 0 and on ({label}) ({every} >= {FEWEST}))"
    return RouteQueries(found, f"{every} and on ({label}) {found}")
