"""Everything that people wrote, as one value: rules, routing, releases, procedure, drills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from monitor.core.procedures.procedure import Procedure
from monitor.core.rules.routing import Routing
from monitor.core.rules.rule import Group, Place, Rule
from monitor.core.rules.service import Releases

if TYPE_CHECKING:
    from monitor.core.drill.scenario import Scenario


@dataclass(frozen=True, slots=True)
class VersionMetric:
    """Where the running version of a service is seen: the value of `label` on the series of `selector`."""

    service: str
    selector: str
    label: str
    place: Place = field(default=Place("", 1, 1), compare=False)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything in the rules folder, as one value; `digest` names its content."""

    groups: tuple[Group, ...]
    routing: Routing
    procedures: Mapping[str, Procedure]
    digest: str = ""
    versions: tuple[VersionMetric, ...] = ()
    releases: Releases = field(default_factory=Releases)
    drills: Mapping[str, "Scenario"] = field(default_factory=dict)

    def rule(self, alert: str) -> Rule | None:
        """Give the rule named `alert`, or None."""
        return next((rule for group in self.groups for rule in group.rules if rule.alert == alert), None)
