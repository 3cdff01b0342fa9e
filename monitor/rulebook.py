"""The rule set in force: one value with the PromQL composed from it, swapped whole."""

from dataclasses import dataclass

from monitor.core.rules.rule import Group
from monitor.core.rules.ruleset import RuleSet
from monitor.queries.plan import Plan, plan


@dataclass(frozen=True, slots=True)
class InForce:
    """A rule set and its PromQL."""

    rules: RuleSet
    plan: Plan

    def group(self, name: str) -> Group | None:
        """Give the group named `name`, or None."""
        return next((one for one in self.rules.groups if one.name == name), None)

    def in_shadow(self, alert: str) -> bool:
        """Whether the rule of `alert` is evaluated without paging anybody."""
        rule = self.rules.rule(alert)
        return rule is not None and rule.shadow


class RuleBook:
    """Holds the rule set in force. Readers take `now` once and work with that value to their end."""

    def __init__(self, rules: RuleSet) -> None:
        self._now = InForce(rules, plan(rules))

    @property
    def now(self) -> InForce:
        """The rule set in force."""
        return self._now

    def swap(self, rules: RuleSet) -> None:
        """Put `rules` in force. Raises ValueError, and changes nothing, where their PromQL cannot be composed."""
        self._now = InForce(rules, plan(rules))

    def put_back(self, before: InForce) -> None:
        """Put in force again what `now` gave before, so that what was read under it counts."""
        self._now = before
