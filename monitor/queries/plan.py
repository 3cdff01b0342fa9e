"""The PromQL of a whole rule set, composed once when it is adopted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor.core.model import Labels
from monitor.core.rules.rule import Rule
from monitor.core.rules.ruleset import RuleSet, VersionMetric
from monitor.queries import promql

Parts: TypeAlias = Mapping[str, str]
"""The PromQL of a signal by part name, such as requests and failures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The PromQL of every rule by window, composed once when a rule set is adopted."""

    parts: Mapping[str, Mapping[int, Parts]] = field(default_factory=dict)
    versions: tuple[VersionMetric, ...] = ()

    def queries(self, alert: str, window: int) -> Labels:
        """Give the PromQL of a rule's tier with that window, by part name."""
        return tuple(sorted(self.parts[alert][window].items()))

    def expressions(self, rule: Rule) -> tuple[str, ...]:
        """Give everything that must be read for one point of `rule`, each text once, in a fixed order."""
        found = [expr for parts in self.parts[rule.alert].values() for expr in parts.values()]
        if rule.requires is not None:
            found.append(rule.requires.expr)
        return tuple(sorted(set(found)))


def plan(rules: RuleSet) -> Plan:
    """Compose the PromQL of every rule of `rules`. Raises ValueError where a signal cannot be composed."""
    return Plan(
        {
            rule.alert: {
                tier.window: promql.expressions(rule.signal, tier.window, group.interval) for tier in rule.every_tier
            }
            for group in rules.groups
            for rule in group.rules
        },
        rules.versions,
    )
