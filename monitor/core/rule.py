"""What people ask to be watched: groups, rules, signals, tiers, guards, baselines. Frozen; state is never kept here.

Durations are whole seconds; ratios are fractions (2 % is 0.02); latencies are seconds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from monitor.core.drill.cadence import Cadence
from monitor.core.model import Labels, Tier
from monitor.core.procedure import Procedure
from monitor.core.service import Releases

if TYPE_CHECKING:
    from monitor.core.drill.scenario import Scenario


class Unit(StrEnum):
    """How a signal's value is shown to people."""

    RATIO = "ratio"
    SLOWER = "slower"
    UP = "up"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class ErrorRatio:
    """Failures over requests in the window.

    `failures` is a whole selector (matchers are joined to `requests` when the file is read).
    """

    requests: str
    failures: str
    by: tuple[str, ...]
    window: int


class ReferenceKind(StrEnum):
    """What a latency can be held against.

    `same_time`: the median of the same clock time, give or take 30 minutes, 1, 2 and 3 weeks ago. `trailing`: the
    median of the quantiles of the 24 full clock hours that ended at least 1 h ago.
    """

    SAME_TIME = "same_time"
    TRAILING = "trailing"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a latency is held against: the largest of the `kinds`, or `fixed` seconds that somebody decided on.

    `ceiling` (seconds) is an absolute limit for as long as there is no reference.
    """

    kinds: tuple[ReferenceKind, ...] = (ReferenceKind.SAME_TIME, ReferenceKind.TRAILING)
    fixed: float | None = None
    ceiling: float | None = None


@dataclass(frozen=True, slots=True)
class Latency:
    """How much slower a quantile is than its baseline.

    Q/B - 1. `histogram` is a selector of the metric without `_bucket`.
    """

    histogram: str
    quantile: float
    by: tuple[str, ...]
    window: int
    baseline: Baseline


@dataclass(frozen=True, slots=True)
class Availability:
    """The share of probes that succeeded in the window, from a metric that is 1 for up and 0 for down."""

    probe: str
    by: tuple[str, ...]
    window: int


@dataclass(frozen=True, slots=True)
class Query:
    """Any PromQL that gives an instant vector; `absent` is the value of an empty answer."""

    expr: str
    by: tuple[str, ...]
    absent: float | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Events in the window; a series that is born inside it counts from 0, so that the first failure is seen.

    `alive` is the selector of an `up` that shows whether the counter was watched all the time.
    """

    counter: str
    by: tuple[str, ...]
    window: int
    alive: str


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression of a Prometheus rule that has no threshold to split off: a result is a breach, none is clear.

    Every label but the metric's name tells instances apart.
    """

    expr: str
    by: tuple[str, ...] = ()


Signal: TypeAlias = ErrorRatio | Latency | Availability | Count | Query | Condition


def unit_of(signal: Signal) -> Unit:
    """Give the unit of `signal`'s value."""
    match signal:
        case ErrorRatio():
            return Unit.RATIO
        case Latency():
            return Unit.SLOWER
        case Availability():
            return Unit.UP
        case Count() | Query() | Condition():
            return Unit.NUMBER


@dataclass(frozen=True, slots=True)
class Guards:
    """How much traffic a verdict needs."""

    min_requests: float = 0
    min_failures: float = 0


@dataclass(frozen=True, slots=True)
class TierRule:
    """One tier of a rule.

    Exactly one of `above` and `below` is set, and none of a `Condition`, which is its own limit; `clear` is the limit
    of recovery (None: the limit itself). `window` is the tier's own or the signal's, in seconds (0 for queries, which
    carry their windows inside). `confidence` (0..1, one-sided) asks for proof before a breach.
    """

    tier: Tier
    above: float | None
    below: float | None
    hold: int
    clear: float | None = None
    window: int = 0
    guards: Guards = Guards()
    confidence: float | None = None

    @property
    def limit(self) -> float | None:
        """The threshold, whichever side it is on; None where the signal is its own limit."""
        return self.above if self.above is not None else self.below


class MatchOp(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on a label, as in a selector; regular expressions match the whole value."""

    label: str
    op: MatchOp
    value: str

    def matches(self, labels: Labels) -> bool:
        """Whether `labels` meet it; a missing label reads as the empty string."""
        found = dict(labels).get(self.label, "")
        match self.op:
            case MatchOp.EQUAL:
                return found == self.value
            case MatchOp.NOT_EQUAL:
                return found != self.value
            case MatchOp.MATCHES:
                return re.fullmatch(self.value, found) is not None
            case MatchOp.NOT_MATCHES:
                return re.fullmatch(self.value, found) is None


@dataclass(frozen=True, slots=True)
class Override:
    """The tiers of the instances that `matchers` fit, merged over the rule's; a missing one is switched off."""

    matchers: tuple[Matcher, ...]
    tiers: tuple[TierRule, ...]


@dataclass(frozen=True, slots=True)
class Requires:
    """A condition beside the signal: while `expr` is not over its limit nothing starts, and what fires goes on.

    A sample speaks for the instances that carry all its labels; exactly one of `above` and `below` is set.
    """

    expr: str
    above: float | None = None
    below: float | None = None


class NoData(StrEnum):
    """What a missing reading means for a rule."""

    HOLD = "hold"
    CLEAR = "clear"
    BREACH = "breach"


class Resolve(StrEnum):
    """Who ends a firing alert."""

    BY_SIGNAL = "by_signal"
    BY_PERSON = "by_person"


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file that a person wrote; lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One alerting rule with its tiers (prepare, rollback or both).

    `gap_tolerance` None: max(2 intervals, 1 minute). `overrides`: the first one that fits an instance gives its tiers.
    `expect` are instances that must exist. `after_deploy` are seconds after a release change in which prepare does not
    start. A `shadow` rule is evaluated and recorded, and pages nobody. `renamed_from` is the name whose state it takes.
    `route_label` tells its requests apart by route (empty: the usual labels are tried).
    """

    alert: str
    signal: Signal
    tiers: tuple[TierRule, ...]
    service: str = ""
    suspects: tuple[str, ...] = ()
    route_label: str = ""
    keep_firing_for: int = 0
    no_data: NoData = NoData.HOLD
    resolve: Resolve = Resolve.BY_SIGNAL
    optional: bool = False
    gap_tolerance: int | None = None
    requires: Requires | None = None
    overrides: tuple[Override, ...] = ()
    expect: tuple[Labels, ...] = ()
    after_deploy: int = 0
    shadow: bool = False
    renamed_from: str = ""
    labels: Labels = ()
    annotations: Labels = ()
    links: Labels = ()
    procedure: str = "rollback"
    place: Place = field(default=Place("", 1, 1), compare=False)

    def tiers_of(self, labels: Labels) -> tuple[TierRule, ...]:
        """Give the tiers of the instance with `labels`: those of the first override that fits, or the rule's."""
        for override in self.overrides:
            if all(matcher.matches(labels) for matcher in override.matchers):
                return override.tiers
        return self.tiers

    def tier(self, tier: Tier, labels: Labels = ()) -> TierRule | None:
        """Give the rule of `tier` for the instance with `labels`, or None where it does not have it."""
        return next((one for one in self.tiers_of(labels) if one.tier is tier), None)

    @property
    def every_tier(self) -> tuple[TierRule, ...]:
        """All tiers, those of the overrides too."""
        return (*self.tiers, *(tier for override in self.overrides for tier in override.tiers))


@dataclass(frozen=True, slots=True)
class Group:
    """Rules evaluated together on one grid: multiples of `interval` since the epoch, `query_offset` behind now.

    At most `limit` instances of a rule are stepped. Points older than `max_catch_up` seconds are not caught up with.
    """

    name: str
    rules: tuple[Rule, ...]
    interval: int = 15
    query_offset: int = 10
    blind_after: int = 300
    limit: int = 500
    max_catch_up: int = 3600


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
