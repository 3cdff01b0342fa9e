"""What a rule adds to the judgements of its signal at one point: expected instances, a condition, a limit. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from monitor.core.judging.judge import unseen
from monitor.core.judging.observe import Samples
from monitor.core.model import AlertKey, Judgement, Labels, Verdict
from monitor.core.rules.rule import NoData, Requires, Rule

NOT_MET, NO_CONDITION = "its condition is not met", "its condition (`requires`) gave no data"


def completed(rule: Rule, judgements: Mapping[AlertKey, Judgement], required: Samples) -> dict[AlertKey, Judgement]:
    """Give the judgements of one point with what the rule adds: expected instances, and its condition.

    `required` are the samples of the condition, where there is one.
    """
    expected = {
        AlertKey(rule.alert, labels, tier.tier): unseen(rule.signal, tier)
        for labels in rule.expect
        for tier in rule.tiers_of(labels)
    }
    found = {**expected, **judgements}
    if rule.requires is None:
        return found
    return {
        key: _without_data(rule, under_condition(one, rule.requires, key.labels, required))
        for key, one in found.items()
    }


def _without_data(rule: Rule, judgement: Judgement) -> Judgement:
    """A condition that is not met holds everything, also where missing data stand for a verdict: sight it is not."""
    if judgement.verdict is Verdict.NO_DATA and judgement.why.startswith(NOT_MET) and rule.no_data is not NoData.HOLD:
        return replace(judgement, verdict=Verdict.ERROR)
    return judgement


def under_condition(judgement: Judgement, requires: Requires, labels: Labels, samples: Samples) -> Judgement:
    """Give `judgement` where the condition is met; insufficient where it is not, no data where nothing tells.

    A sample speaks for the instances that carry all its labels (but the metric's name); one that is met is enough.
    """
    if judgement.verdict is Verdict.ERROR:
        return judgement
    own = dict(labels)
    values = [
        sample.value
        for sample in samples
        if math.isfinite(sample.value)
        and all(own.get(name) == value for name, value in sample.labels if name != "__name__")
    ]
    if not values:
        return replace(judgement, verdict=Verdict.NO_DATA, why=NO_CONDITION)
    if any(_met(value, requires) for value in values):
        return judgement
    side, limit = ("above", requires.above) if requires.above is not None else ("below", requires.below)
    why = f"{NOT_MET}: {values[0]:.4g}, and {side} {limit:.4g} is needed ({judgement.why})"
    seen = judgement.verdict is not Verdict.NO_DATA
    return replace(judgement, verdict=Verdict.INSUFFICIENT if seen else Verdict.NO_DATA, why=why)


def _met(value: float, requires: Requires) -> bool:
    if requires.above is not None:
        return value > requires.above
    return requires.below is not None and value < requires.below


def within_limit(
    judgements: Mapping[AlertKey, Judgement], known: Iterable[AlertKey], limit: int
) -> tuple[Mapping[AlertKey, Judgement], tuple[Labels, ...]]:
    """Give the judgements of at most `limit` instances, and the instances that are left out.

    The `known` ones (that pend or fire, or are expected) come first, all of them even where a reload made the limit
    smaller: one that is left out would read as gone. Then come the others in the order of their labels.
    """
    instances = {key.labels for key in judgements}
    first = {key.labels for key in known} & instances
    limit = max(limit, len(first))
    if len(instances) <= limit:
        return judgements, ()
    ordered = sorted(instances, key=lambda labels: (labels not in first, labels))
    kept = set(ordered[:limit])
    return {key: one for key, one in judgements.items() if key.labels in kept}, tuple(ordered[limit:])
