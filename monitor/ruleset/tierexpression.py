"""One tier of a rule as one PromQL expression, for Prometheus's own alerting rules.

The expression has a result for an instance where the tier breaches, and, by looking at Prometheus's `ALERTS`, where it
fires and is not clear. What has no exact expression is refused with a sentence. This module must not know how rules are
written into a file.
"""

import re
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import TypeAlias, TypeVar

from monitor.core.model import Labels
from monitor.core.rules.rule import Matcher, MatchOp, NoData, Requires, Rule, TierRule
from monitor.core.rules.signal import Availability, Condition, ErrorRatio, Latency, Query, ReferenceKind, Signal
from monitor.files.expressions import kept_labels, quoted, written
from monitor.queries import promql

T = TypeVar("T", ErrorRatio, Latency, Availability)

Region: TypeAlias = tuple[Matcher, ...]
"""The instances that all of these fit."""

_FITS = 'label_replace(vector(1), "__fits__", "1", "", "")'


class InexpressibleError(Exception):
    """Prometheus has no expression for this; the text says for what."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is measured, as PromQL: the value, and the counts of requests and failures where there are some."""

    value: str
    requests: str = ""
    failures: str = ""


def expression(rule: Rule, tier: TierRule, region: Region, *, remembers: bool) -> str:
    """Give the expression of `tier` for the instances in `region`.

    `remembers`: what fires goes on until it is clear, as `ALERTS` tells. Raises InexpressibleError.
    """
    if isinstance(rule.signal, Condition):
        return _bracketed(rule.signal.expr)
    reading = _reading(rule.signal, tier, region)
    met = _met(rule.requires) if rule.requires else ""
    breach = _all(*_breach(rule.signal, tier, reading), met)
    parts = [breach, *(_missing(rule, tier, region) if rule.no_data is NoData.BREACH else ())]
    if remembers:
        parts.append(_going_on(rule, tier, region, reading, met))
    return "\nor\n".join(parts)


def _all(*conditions: str) -> str:
    """Give the conjunction, a line each; the first one gives the value."""
    return "(\n  " + "\n  and ".join(one for one in conditions if one) + "\n)"


def _bracketed(expr: str) -> str:
    """Give an expression that a person wrote, which may end in a comment, in brackets."""
    return f"(\n{expr}\n)" if "\n" in expr or "#" in expr else f"({expr})"


def _figure(number: float) -> str:
    return repr(float(number)).removesuffix(".0")


# --- what is measured ---------------------------------------------------------------------------------------------


def _reading(signal: Signal, tier: TierRule, region: Region) -> _Reading:
    match signal:
        case ErrorRatio():
            parts = promql.expressions(_selected(signal, region), tier.window)
            requests, failures = parts["requests"], parts["failures"]
            return _Reading(f"(({failures} or {requests} * 0) / {requests})", requests, failures)
        case Latency():
            return _latency(_selected(signal, region), tier)
        case Availability():
            return _Reading(promql.expressions(_selected(signal, region), tier.window)["up"])
        case Query():
            return _Reading(_fitting(_asked(signal), region))
        case _:
            raise InexpressibleError("a count, which is read in steps that its evaluations do not stand on")


def _selected(signal: T, region: Region) -> T:
    """Give `signal` for the instances in `region` alone."""
    match signal:
        case ErrorRatio(requests=requests, failures=failures):
            return replace(signal, requests=with_matchers(requests, region), failures=with_matchers(failures, region))
        case Latency(histogram=histogram):
            return replace(signal, histogram=with_matchers(histogram, region))
        case Availability(probe=probe):
            return replace(signal, probe=with_matchers(probe, region))


def with_matchers(selector: str, matchers: Region) -> str:
    """Give a canonical selector with more matchers."""
    if not matchers:
        return selector
    inside = ",".join(written(matcher) for matcher in matchers)
    return f"{selector[:-1]},{inside}}}" if selector.endswith("}") else f"{selector}{{{inside}}}"


def _asked(query: Query) -> str:
    """Give a query told apart by its `by`, with the value of an empty answer."""
    told_apart = not query.by or set(kept_labels(query.expr) or ()) == set(query.by)
    expr = _bracketed(query.expr) if told_apart else f"max by ({', '.join(query.by)}) {_bracketed(query.expr)}"
    return expr if query.absent is None else f"({expr} or on () vector({_figure(query.absent)}))"


def _fitting(vector: str, region: Region) -> str:
    """Give the samples of `vector` that all matchers of `region` fit: a computed vector takes no matchers."""
    for matcher in region:
        plain = matcher.op in (MatchOp.EQUAL, MatchOp.NOT_EQUAL)
        pattern = quoted(re.escape(matcher.value) if plain else matcher.value)
        word = "and" if matcher.op in (MatchOp.EQUAL, MatchOp.MATCHES) else "unless"
        marked = f'label_replace({vector}, "__fits__", "1", "{matcher.label}", {pattern})'
        vector = f'label_replace({marked} {word} on (__fits__) {_FITS}, "__fits__", "", "", "")'
    return vector


# --- latencies ----------------------------------------------------------------------------------------------------


def _latency(signal: Latency, tier: TierRule) -> _Reading:
    if tier.confidence is not None:
        raise InexpressibleError("proof that enough requests are slower than a limit between two buckets")
    quantile = _quantile(signal, promql.expressions(signal, tier.window)["buckets"])
    base = _base(signal, tier, quantile)
    return _Reading(f"({quantile} / {base} - 1)", _requests(signal, tier.window))


def _quantile(signal: Latency, buckets: str) -> str:
    """Give the quantile of `buckets` in seconds."""
    found = f"histogram_quantile({_figure(signal.quantile)}, {buckets})"
    return found if signal.unit.per_second == 1 else f"({found} / {_figure(signal.unit.per_second)})"


def _requests(signal: Latency, window: int) -> str:
    """Give the number of all requests: the infinite bucket."""
    name, brace, rest = signal.histogram.partition("{")
    everything = with_matchers(f"{name}_bucket{brace}{rest}", (Matcher("le", MatchOp.EQUAL, "+Inf"),))
    return promql.expressions(ErrorRatio(everything, everything, signal.by, window), window)["requests"]


def _base(signal: Latency, tier: TierRule, quantile: str) -> str:
    """Give what a latency is held against, exactly as `monitor.core.judging.latency` has it."""
    baseline = signal.baseline
    if baseline.fixed is not None:
        return _figure(baseline.fixed)
    if baseline.kinds != (ReferenceKind.TRAILING,):
        raise InexpressibleError("the baseline `same_time`, which depends on how far back the data reach")
    trailing = _trailing(signal, max(1.0, tier.guards.min_requests))
    if baseline.ceiling is None:
        return trailing
    return f"({trailing} or {quantile} * 0 + {_figure(baseline.ceiling / (1 + (tier.limit or 0.0)))})"


def _trailing(signal: Latency, needed: float) -> str:
    """Give the median of the quantiles of the 24 full hours that ended at least 1 h ago, of which half must count.

    The steps of a subquery stand on full hours since the epoch, as ours do; 86,399 seconds hold 24 of them.
    """
    hour = _quantile(signal, promql.baseline_expression(signal))
    counted = f"({hour} and {_requests(signal, promql.BASELINE_HOUR)} >= {_figure(needed)})"
    hours = f"{counted}[86399s:3600s] offset 3600s"
    return f"((quantile_over_time(0.5, {hours}) and count_over_time({hours}) >= 12) > 0)"


# --- verdicts -----------------------------------------------------------------------------------------------------


def _breach(signal: Signal, tier: TierRule, reading: _Reading) -> tuple[str, ...]:
    """Give the conditions of a breach: over the limit, enough traffic, and proof where it is asked for."""
    limit = _figure(tier.limit or 0.0)
    over = f"{reading.value} > {limit}" if tier.above is not None else f"{reading.value} < {limit}"
    failed = f"{reading.failures} >= {_figure(tier.guards.min_failures)}"
    return (
        over + _finite(signal, above=tier.above is not None),
        _enough(tier, reading),
        failed if reading.failures and tier.guards.min_failures > 0 else "",
        _proof(tier, reading) if tier.confidence is not None else "",
    )


def _enough(tier: TierRule, reading: _Reading) -> str:
    return f"{reading.requests} >= {_figure(max(1.0, tier.guards.min_requests))}" if reading.requests else ""


def _finite(signal: Signal, *, above: bool) -> str:
    """Give what keeps an endless value, which is no data, from counting; only queries can give one."""
    if not isinstance(signal, Query):
        return ""
    return " < Inf" if above else " > -Inf"


def _proof(tier: TierRule, reading: _Reading) -> str:
    """Give "the Wilson bound is beyond the limit".

    The bound is where the distance of the share p from a limit L is z standard errors of L; it lies beyond L exactly
    where p does and (p - L)² n > z² L (1 - L).
    """
    limit, z = tier.limit or 0.0, NormalDist().inv_cdf(tier.confidence or 0.5)
    distance = f"(clamp_max({reading.value}, 1) - {_figure(limit)})"
    return f"{distance} ^ 2 * {reading.requests} > {_figure(z * z * limit * (1 - limit))}"


def _clear(signal: Signal, tier: TierRule, reading: _Reading) -> tuple[str, ...]:
    limit = _figure((tier.limit or 0.0) if tier.clear is None else tier.clear)
    sign = "<=" if tier.above is not None else ">="
    return f"{reading.value} {sign} {limit}{_finite(signal, above=tier.above is None)}", _enough(tier, reading)


def _going_on(rule: Rule, tier: TierRule, region: Region, reading: _Reading, met: str) -> str:
    """Give what fires and is not clear: between `clear` and the limit, with too little traffic, without data."""
    firing = _firing(rule, tier, region)
    shown = f"{reading.value} and {firing}"
    if rule.no_data is not NoData.CLEAR:
        kept = f"{shown} or {firing}"
    elif reading.requests:
        kept = f"{shown} or {reading.requests} and {firing}"
    else:
        kept = f"{reading.value} > -Inf < Inf and {firing}"
    return f"(({kept}) unless {_all(*_clear(rule.signal, tier, reading), met)})"


def _firing(rule: Rule, tier: TierRule, region: Region) -> str:
    fixed = (
        Matcher("alertname", MatchOp.EQUAL, rule.alert),
        Matcher("alertstate", MatchOp.EQUAL, "firing"),
        Matcher("tier", MatchOp.EQUAL, tier.tier.value),
    )
    by = instance_labels(rule.signal)
    added = ", ".join(("alertname", "alertstate", "tier", *(name for name, _ in rule.labels if name != "tier")))
    grouping = f"without ({added})" if by is None else f"by ({', '.join(by)})"
    return f"max {grouping} ({with_matchers('ALERTS', (*fixed, *region))})"


def instance_labels(signal: Signal) -> tuple[str, ...] | None:
    """Give the labels that instances have; None where only the data can tell."""
    if isinstance(signal, Condition):
        return None
    return kept_labels(signal.expr) if isinstance(signal, Query) and not signal.by else signal.by


def _met(requires: Requires) -> str:
    kept = kept_labels(requires.expr)
    if kept is None:
        raise InexpressibleError("`requires` whose labels only the data can tell; aggregate it by the labels it is for")
    sign, limit = (">", requires.above) if requires.above is not None else ("<", requires.below)
    return f"on ({', '.join(kept)}) {_bracketed(requires.expr)} {sign} {_figure(limit or 0.0)}"


def _missing(rule: Rule, tier: TierRule, region: Region) -> tuple[str, ...]:
    """Give what `no_data: breach` adds: each instance that must exist and is not there."""
    expected = rule.expect or (((),) if instance_labels(rule.signal) == () else ())
    if not expected:
        raise InexpressibleError("`no_data: breach` for instances that are not named in `expect`")
    fitting = (labels for labels in expected if all(matcher.matches(labels) for matcher in region))
    return tuple(_absent(rule.signal, tier, labels) for labels in fitting)


def _absent(signal: Signal, tier: TierRule, labels: Labels) -> str:
    only = tuple(Matcher(label, MatchOp.EQUAL, value) for label, value in labels)
    reading = _reading(signal, tier, only)
    found = f"absent({reading.requests or reading.value})"
    for label, value in labels:
        found = f'label_replace({found}, "{label}", {quoted(value.replace("$", "$$"))}, "", "")'
    return found
