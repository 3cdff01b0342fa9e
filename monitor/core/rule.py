"""What people ask to be watched: groups, rules, signals, tiers, guards, baselines. Frozen; state is never kept here.

Durations are whole seconds; ratios are fractions (2 % is 0.02); latencies are seconds.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from monitor.core.model import Labels, Tier
from monitor.core.procedure import Procedure


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


@dataclass(frozen=True, slots=True)
class FixedBaseline:
    """A latency that somebody decided on."""

    seconds: float


@dataclass(frozen=True, slots=True)
class TrailingBaseline:
    """The median of the quantiles of the 24 full clock hours that ended at least 1 h ago.

    `ceiling` (seconds) stands in where it is missing.
    """

    ceiling: float | None = None


Baseline: TypeAlias = FixedBaseline | TrailingBaseline


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


Signal: TypeAlias = ErrorRatio | Latency | Availability | Query


def unit_of(signal: Signal) -> Unit:
    """Give the unit of `signal`'s value."""
    match signal:
        case ErrorRatio():
            return Unit.RATIO
        case Latency():
            return Unit.SLOWER
        case Availability():
            return Unit.UP
        case Query():
            return Unit.NUMBER


@dataclass(frozen=True, slots=True)
class Guards:
    """How much traffic a verdict needs."""

    min_requests: float = 0
    min_failures: float = 0


@dataclass(frozen=True, slots=True)
class TierRule:
    """One tier of a rule.

    Exactly one of `above` and `below` is set; `clear` is the limit of recovery (None: the limit itself).
    `window` is the tier's own or the signal's, in seconds (0 for queries, which carry their windows inside).
    """

    tier: Tier
    above: float | None
    below: float | None
    hold: int
    clear: float | None = None
    window: int = 0
    guards: Guards = Guards()

    @property
    def limit(self) -> float:
        """The threshold, whichever side it is on."""
        limit = self.above if self.above is not None else self.below
        assert limit is not None, "a tier has a threshold"  # noqa: S101  # the file reader gives one to each
        return limit


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

    `gap_tolerance` None: max(2 intervals, 1 minute).
    """

    alert: str
    signal: Signal
    tiers: tuple[TierRule, ...]
    service: str = ""
    suspects: tuple[str, ...] = ()
    keep_firing_for: int = 0
    no_data: NoData = NoData.HOLD
    resolve: Resolve = Resolve.BY_SIGNAL
    optional: bool = False
    gap_tolerance: int | None = None
    labels: Labels = ()
    annotations: Labels = ()
    links: Labels = ()
    procedure: str = "rollback"
    place: Place = field(default=Place("", 1, 1), compare=False)

    def tier(self, tier: Tier) -> TierRule | None:
        """Give the rule of `tier`, or None where the rule does not have it."""
        return next((one for one in self.tiers if one.tier is tier), None)


@dataclass(frozen=True, slots=True)
class Group:
    """Rules evaluated together on one grid: multiples of `interval` since the epoch, `query_offset` behind now."""

    name: str
    rules: tuple[Rule, ...]
    interval: int = 15
    query_offset: int = 10
    blind_after: int = 300


@dataclass(frozen=True, slots=True)
class Route:
    """Where a page goes and who may act on it: Slack channel, user or user-group ids."""

    channel: str
    responders: tuple[str, ...] = ()
    commanders: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Routing:
    """What rules/routing.yaml says.

    `reopen_within`: seconds in which a breach after recovery belongs to the same incident.
    """

    environment: str
    default: Route
    reopen_within: int = 1800


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything in the rules folder, as one value; `digest` names its content."""

    groups: tuple[Group, ...]
    routing: Routing
    procedures: Mapping[str, Procedure]
    digest: str = ""

    def rule(self, alert: str) -> Rule | None:
        """Give the rule named `alert`, or None."""
        return next((rule for group in self.groups for rule in group.rules if rule.alert == alert), None)
