"""Who is told: routes, what they page, escalation, maintenance and the daily reports."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from monitor.core.drill.cadence import Cadence
from monitor.core.model import Tier
from monitor.core.rules.rule import Matcher, Place


@dataclass(frozen=True, slots=True)
class Route:
    """Where a page goes and who may act on it: Slack channel, user or user-group ids.

    It takes the alerts that all its `matchers` fit; the default route has none and takes those that no other does.
    """

    channel: str
    responders: tuple[str, ...] = ()
    commanders: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    matchers: tuple[Matcher, ...] = ()
    place: Place = field(default=Place("", 1, 1), compare=False)


SLACK, PAGERDUTY, ALERTMANAGER, WEBHOOK = "slack", "pagerduty", "alertmanager", "webhook"


PAGERS = (SLACK, PAGERDUTY, ALERTMANAGER, WEBHOOK)
"""The pagers by the names that people write. Slack (the console, where it is not set) shows every incident."""


SETTING: Mapping[str, str] = {
    SLACK: "MONITOR_SLACK__BOT_TOKEN",
    PAGERDUTY: "MONITOR_PAGERDUTY__ROUTING_KEY",
    ALERTMANAGER: "MONITOR_ALERTMANAGER__URL",
    WEBHOOK: "MONITOR_WEBHOOK__URL",
}
"""The setting without which a pager is not there."""


@dataclass(frozen=True, slots=True)
class Pages:
    """Which pagers a page of each tier calls, all at once."""

    rollback: tuple[str, ...] = (SLACK,)
    blind: tuple[str, ...] = (SLACK,)
    prepare: tuple[str, ...] = (SLACK,)

    def others(self, tier: Tier) -> tuple[str, ...]:
        """Give the pagers beside Slack that a page of `tier` calls."""
        named = {Tier.ROLLBACK: self.rollback, Tier.BLIND: self.blind, Tier.PREPARE: self.prepare}[tier]
        return tuple(one for one in named if one != SLACK)

    @property
    def named(self) -> tuple[str, ...]:
        """Every pager beside Slack that is named for any tier."""
        return tuple(dict.fromkeys(one for tier in Tier for one in self.others(tier)))


@dataclass(frozen=True, slots=True)
class Escalation:
    """When people are called again who do not acknowledge, in seconds since the page; None: never.

    `channel` is told when a rollback was not acknowledged for `rollback_escalate`; without one nobody is.
    `acknowledgement_expires`: seconds that an acknowledgement stands in the rollback tier without a procedure.
    """

    rollback_again: tuple[int, ...] = (120, 240)
    rollback_escalate: int | None = 300
    blind_again: tuple[int, ...] = (300,)
    prepare_mention: int | None = 600
    channel: str = ""
    acknowledgement_expires: int | None = 600


@dataclass(frozen=True, slots=True)
class Maintenance:
    """A window that comes again, in which alerts of `tiers` that the matchers fit page nobody.

    It begins on `days` (0 is Monday) at `start` and lasts until `end` (minutes of the day in `zone`); where `end` is
    not after `start`, until the next day.
    """

    name: str
    matchers: tuple[Matcher, ...]
    start: int
    end: int
    tiers: tuple[Tier, ...] = (Tier.PREPARE,)
    days: tuple[int, ...] = (0, 1, 2, 3, 4, 5, 6)
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """When the default channel is told each day what rules in the shadow would have paged: at minute `at` in `zone`."""

    at: int = 540
    zone: str = "UTC"


ENVIRONMENT = "environment"
"""What stands in `group_by` for the environment that is watched."""


@dataclass(frozen=True, slots=True)
class DrillRouting:
    """Where drills take place and who may act in them, and how often they are due."""

    route: Route
    cadence: Cadence = field(default_factory=Cadence)


NO_DRILLS = DrillRouting(Route(""))


@dataclass(frozen=True, slots=True)
class Routing:
    """What rules/routing.yaml says.

    `reopen_within`: seconds in which a breach after recovery belongs to the same incident. An incident appears in the
    channel of every one of `routes` that its alerts fit. Alerts belong to one incident where they have the same values
    of the labels in `group_by`; `environment` is no label but the routing's own, and the same for all.
    """

    environment: str
    default: Route
    reopen_within: int = 1800
    escalation: Escalation = Escalation()
    maintenance: tuple[Maintenance, ...] = ()
    page: Pages = Pages()
    routes: tuple[Route, ...] = ()
    group_by: tuple[str, ...] = (ENVIRONMENT,)
    drills: DrillRouting = NO_DRILLS
    shadow_report: ShadowReport | None = ShadowReport()
