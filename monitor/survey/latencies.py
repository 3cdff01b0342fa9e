"""What buckets and history make of latency rules: limits that cannot be measured, references that are not to be had."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitor.core.judging.judge import base_of
from monitor.core.judging.latency import buckets_by_instance, resolution
from monitor.core.model import Labels, Reference
from monitor.core.rules.rule import Rule, TierRule
from monitor.core.rules.signal import Latency, TimeUnit
from monitor.survey.doubt import Doubt, error, named, seconds, warning
from monitor.survey.facts import Facts
from monitor.survey.series import named_by

LONGEST = 1000.0
"""Seconds that no bucket of a request's latency needs to reach."""

NEAR = 1.05
"""A limit that acts as little more than what was written is none to mend."""

Bounds = Mapping[Labels, tuple[float, ...]]
"""The upper bounds of the buckets of each instance."""


def refer(rule: Rule, facts: Facts) -> None:
    """Read what the instances of `rule` are held against."""
    if isinstance(rule.signal, Latency) and _bounds(rule, rule.signal, facts):
        for tier in rule.every_tier:
            facts.refer(rule.signal, tier.guards.min_requests)


def latency_doubts(rule: Rule, facts: Facts) -> Iterator[Doubt]:
    """Give what is doubtful about limits, and about references."""
    if isinstance(rule.signal, Latency):
        bounds = _bounds(rule, rule.signal, facts)
        yield from _unit(rule, rule.signal, bounds)
        yield from _limits(rule, rule.signal, facts, bounds)
        yield from _references(rule, rule.signal, facts, tuple(bounds))


def _bounds(rule: Rule, signal: Latency, facts: Facts) -> Bounds:
    (histogram,) = (one for one in named_by(rule) if one.what == "histogram")
    found = buckets_by_instance(facts.of(histogram.lately) or (), signal.by, signal.unit)
    return {labels: tuple(buckets) for labels, buckets in found.items()}


def _unit(rule: Rule, signal: Latency, bounds: Bounds) -> Iterator[Doubt]:
    """Bounds of a quarter of an hour and more are rather those of milliseconds."""
    last = max((edge for edges in bounds.values() for edge in edges if math.isfinite(edge)), default=0.0)
    if signal.unit is TimeUnit.SECONDS and last > LONGEST:
        sentence = f"its buckets end at {last:g}, which is read as seconds and looks like milliseconds"
        yield warning(rule, "unit", sentence, "write `unit: ms` into its `latency`")


# --- limits -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Said:
    """What several instances may have in common."""

    tier: TierRule
    code: str
    figure: str
    last: str = ""


def _limits(rule: Rule, signal: Latency, facts: Facts, bounds: Bounds) -> Iterator[Doubt]:
    same: dict[_Said, list[Labels]] = {}
    for labels, edges in bounds.items():
        for tier in rule.tiers_of(labels):
            if (said := _said(signal, tier, labels, edges, facts)) is not None:
                same.setdefault(said, []).append(labels)
    yield from (_limit(rule, said, named(instances)) for said, instances in same.items())


def _said(signal: Latency, tier: TierRule, labels: Labels, edges: tuple[float, ...], facts: Facts) -> _Said | None:
    found = facts.references(signal, tier.guards.min_requests)
    read = found.of(labels) if found is not None else ()
    base = base_of(signal, tier, read) if found is not None else None
    if base is None or tier.above is None:
        return None
    made = resolution(edges, base, tier.above)
    if made.never:
        last = max((edge for edge in edges if edge < float("inf")), default=0.0)
        return _Said(tier, "never-fires", seconds(made.seconds), seconds(last))
    measured = signal.baseline.fixed is not None or any(one.seconds is not None for one in read)  # or a ceiling
    if not measured or made.acts_as is None or made.acts_as <= NEAR * (1 + tier.above):
        return None
    return _Said(tier, "one-bucket", f"{made.acts_as:.3g}")


def _limit(rule: Rule, said: _Said, whose: str) -> Doubt:
    tier, times = said.tier, 1 + (said.tier.above or 0.0)
    if said.code == "never-fires":
        sentence = (
            f"`{tier.tier}`{whose} can never fire: its limit of {said.figure} is not under the last finite bucket"
        )
        return error(rule, said.code, f"{sentence} ({said.last})", f"add buckets above {said.figure}")
    sentence = f"baseline and limit ({times:.3g}x)"
    acts = f"`{tier.tier}`{whose}: {sentence} fall into one bucket: the limit acts as {said.figure}x"
    return warning(rule, said.code, acts, "make the buckets finer there, or write the limit that it acts as")


# --- references -------------------------------------------------------------------------------------------------------


def _references(rule: Rule, signal: Latency, facts: Facts, instances: tuple[Labels, ...]) -> Iterator[Doubt]:
    needs = [tier.guards.min_requests for tier in rule.every_tier]
    found = facts.references(signal, min(needs)) if needs else None
    if found is None or not signal.baseline.kinds or not instances:
        return
    lacking: dict[str, str] = {}
    for kind in signal.baseline.kinds:
        whys = [_why(found.of(labels), str(kind)) for labels in instances]
        if all(whys):
            lacking[str(kind)] = f"`{kind}`: {whys[0]}"
    if lacking:
        yield _lacking(rule, signal, lacking, facts.means.keeps)


def _why(references: tuple[Reference, ...], kind: str) -> str:
    """Give why a kind is not to be had; nothing where it is."""
    return next((one.why or "not known" for one in references if one.name == kind and one.seconds is None), "")


def _lacking(rule: Rule, signal: Latency, lacking: Mapping[str, str], keeps: str) -> Doubt:
    why = f"{'; '.join(lacking.values())}{f'; Prometheus keeps {keeps}' if keeps else ''}"
    more = "let Prometheus keep more history"
    if len(lacking) < len(signal.baseline.kinds):
        rest = next(str(kind) for kind in signal.baseline.kinds if str(kind) not in lacking)
        return warning(
            rule,
            "no-reference",
            f"a reference is not to be had for any instance ({why})",
            f"{more}, or write `baseline: {rest}`",
        )
    if signal.baseline.ceiling is not None:
        sentence = (
            f"no reference is to be had for any instance, its ceiling of {seconds(signal.baseline.ceiling)} stands in"
        )
        return warning(rule, "no-reference", f"{sentence} ({why})", more)
    sentence = f"this rule can never judge: no reference is to be had for any instance ({why})"
    return error(rule, "no-baseline", sentence, f"{more}, or give it a `ceiling`")
