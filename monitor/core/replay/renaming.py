"""An outcome under other names: what a renamed rule did is told under its new name, to be compared. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from monitor.core.model import AlertKey
from monitor.core.replay.outcome import KnownIncident, Replayed
from monitor.core.rules.comparison import compare
from monitor.core.rules.ruleset import RuleSet

Names = Mapping[str, str]
"""The new name of an alert by the one that it had."""


def names_taken(old: RuleSet, new: RuleSet) -> Names:
    """Give what the alerts of `old` are called in `new`, where `renamed_from` of either says so."""
    forth = {one.before: one.alert for one in compare(old, new).rules if one.before not in ("", one.alert)}
    back = {one.alert: one.before for one in compare(new, old).rules if one.before not in ("", one.alert)}
    return {**back, **forth}


def renamed(outcome: Replayed, names: Names) -> Replayed:
    """Give `outcome` with every alert of `names` under its new name."""
    if not names:
        return outcome

    def called(alert: str) -> str:
        return names.get(alert, alert)

    def key(one: AlertKey) -> AlertKey:
        return replace(one, alert=called(one.alert))

    def keys(some: Iterable[AlertKey]) -> tuple[AlertKey, ...]:
        return tuple(map(key, some))

    return replace(
        outcome,
        alerts=tuple(replace(one, key=key(one.key)) for one in outcome.alerts),
        pages=tuple(replace(one, alerts=keys(one.alerts)) for one in outcome.pages),
        blind=tuple(replace(one, alert=called(one.alert)) for one in outcome.blind),
        insufficient=tuple(replace(one, key=key(one.key)) for one in outcome.insufficient),
        unread=tuple(replace(one, alert=called(one.alert)) for one in outcome.unread),
        traces=tuple(replace(one, key=key(one.key)) for one in outcome.traces),
        cases=tuple(replace(one, alerts=keys(one.alerts)) for one in outcome.cases),
        shadowed=tuple(map(called, outcome.shadowed)),
    )


def under_all_names(incident: KnownIncident, rules: Iterable[RuleSet]) -> KnownIncident:
    """Give a known incident that names an alert under the names that it has, and had, in any of `rules`."""
    named = dict.fromkeys(incident.alerts)
    for one in (rule for each in rules for group in each.groups for rule in group.rules):
        if one.renamed_from and (one.renamed_from in named or one.alert in named):
            named |= {one.alert: None, one.renamed_from: None}
    return replace(incident, alerts=tuple(named))
