"""One grid point of one rule: what was read -> a judgement for every instance and tier. Pure.

The signal is judged by `monitor.core.judge`; here stand what a rule adds to it: overrides, expected instances, and the
condition beside the signal.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from monitor.core.judge import Observation, Samples, judge, observe, unseen
from monitor.core.model import AlertKey, Judgement, Labels, Reference, Verdict
from monitor.core.rule import Requires, Rule, TierRule

References = Mapping[Labels, tuple[Reference, ...]]
"""The baselines of each instance."""


@dataclass(frozen=True, slots=True)
class Read:
    """What was read for one point of one rule.

    `parts` by the window of a tier, then by part name; `required` the samples of the condition; `references` the
    baselines, by the `min_requests` that each of their parts needed.
    """

    parts: Mapping[int, Mapping[str, Samples]]
    required: Samples = ()
    references: Mapping[float, References] = field(default_factory=dict)


def judged(rule: Rule, read: Read) -> dict[AlertKey, Judgement]:
    """Give the judgement of every instance that was read or is expected, for each tier that it has."""
    observed = {window: observe(rule.signal, parts) for window, parts in read.parts.items()}
    instances = {*rule.expect, *(labels for one in observed.values() for labels in one)}
    return {
        AlertKey(rule.alert, labels, tier.tier): _judged(rule, tier, labels, observed[tier.window].get(labels), read)
        for labels in instances
        for tier in rule.tiers_of(labels)
    }


def _judged(rule: Rule, tier: TierRule, labels: Labels, seen: Observation | None, read: Read) -> Judgement:
    if seen is None:
        found = unseen(rule.signal, tier.limit)
    else:
        references = read.references.get(tier.guards.min_requests, {})
        found = judge(rule.signal, tier, seen, references.get(labels, ()))
    return found if rule.requires is None else under_condition(found, rule.requires, labels, read.required)


def under_condition(judgement: Judgement, requires: Requires, labels: Labels, samples: Samples) -> Judgement:
    """Give `judgement` where the condition is met; insufficient where it is not, no data where nothing tells.

    A sample speaks for the instances that carry all its labels (but the metric's name); one that is met is enough.
    """
    if judgement.verdict in {Verdict.ERROR, Verdict.NO_DATA}:
        return judgement
    own = dict(labels)
    values = [
        sample.value
        for sample in samples
        if math.isfinite(sample.value)
        and all(own.get(name) == value for name, value in sample.labels if name != "__name__")
    ]
    if not values:
        return replace(judgement, verdict=Verdict.NO_DATA, why="its condition (`requires`) gave no data")
    if any(_met(value, requires) for value in values):
        return judgement
    side, limit = ("above", requires.above) if requires.above is not None else ("below", requires.below)
    why = f"its condition is not met: {values[0]:.4g}, and {side} {limit:.4g} is needed ({judgement.why})"
    return replace(judgement, verdict=Verdict.INSUFFICIENT, why=why)


def _met(value: float, requires: Requires) -> bool:
    if requires.above is not None:
        return value > requires.above
    return requires.below is not None and value < requires.below


def within_limit(
    judgements: Mapping[AlertKey, Judgement], known: Mapping[AlertKey, object], limit: int
) -> tuple[Mapping[AlertKey, Judgement], tuple[Labels, ...]]:
    """Give the judgements of at most `limit` instances, and the instances that are left out.

    The `known` ones (that pend or fire) come first, then the others in the order of their labels.
    """
    instances = {key.labels for key in judgements}
    if len(instances) <= limit:
        return judgements, ()
    first = {key.labels for key in known}
    ordered = sorted(instances, key=lambda labels: (labels not in first, labels))
    kept = set(ordered[:limit])
    return {key: one for key, one in judgements.items() if key.labels in kept}, tuple(ordered[limit:])
