"""A rule: a signal, its tiers and guards, and what it says of missing data. Frozen; state is never kept here.

Durations are whole seconds; ratios are fractions (2 % is 0.02); latencies are seconds.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from monitor.core.model import Labels, Tier
from monitor.core.rules.signal import Signal


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
