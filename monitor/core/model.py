"""What the monitor knows of the world: labels, samples, judgements, alerts and their transitions.

Frozen values only. Grid times are whole seconds since the epoch (`at: int`); times that people see are aware UTC
datetimes.
This module must not know where samples come from nor whom a transition wakes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

Labels: TypeAlias = tuple[tuple[str, str], ...]
"""Label names and values, sorted by name; hashable, so that it can be an identity."""


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Give `pairs` as sorted `Labels`."""
    return tuple(sorted(dict(pairs).items()))


def pick(labels: Labels, names: Iterable[str]) -> Labels:
    """Give the labels whose names are in `names`; a missing label reads as the empty string, as in PromQL's `by`."""
    values = dict(labels)
    return labels_of({name: values.get(name, "") for name in names})


def utc(at: float) -> datetime:
    """Give `at` (seconds since the epoch) as an aware UTC time."""
    return datetime.fromtimestamp(at, UTC)


class Tier(StrEnum):
    """How bad it is: get ready, go back now, or we cannot see."""

    PREPARE = "prepare"
    ROLLBACK = "rollback"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Sample:
    """One series' value at one grid time."""

    labels: Labels
    value: float


class Verdict(StrEnum):
    """What a reading means for one tier of a rule."""

    BREACH = "breach"
    BETWEEN = "between"
    CLEAR = "clear"
    INSUFFICIENT = "insufficient"
    NO_DATA = "no_data"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Reference:
    """One baseline that a latency was held against; `seconds` is None where it was not available, and `why` says so."""

    name: str
    seconds: float | None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with the numbers that led to it.

    `value` and `limit` are in the signal's unit (see `core.rules.signal.Unit`); `requests` and `failures` are counts in
    the window;
    `why` is a short sentence for people, such as "7 of 50 requests".
    """

    verdict: Verdict
    value: float | None = None
    limit: float | None = None
    requests: float | None = None
    failures: float | None = None
    baseline: tuple[Reference, ...] = ()
    why: str = ""


class State(StrEnum):
    """The states of an alert; `inactive` alerts are not kept."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    RECOVERING = "recovering"


@dataclass(frozen=True, slots=True, order=True)
class AlertKey:
    """The identity of an alert: rule name, the values of its `by` labels, and the tier."""

    alert: str
    labels: Labels
    tier: Tier

    def __str__(self) -> str:
        inside = ", ".join(f'{name}="{value}"' for name, value in self.labels)
        return f"{self.alert}{{{inside}}}[{self.tier}]"


class Presence(StrEnum):
    """Whether an instance that fires is still in the data, as far as it was read."""

    THERE = "there"
    VANISHED = "vanished"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert as the last folded grid time left it.

    `since` is the first breaching grid time and never moves; `held` the seconds that the running clock (`for`, or
    `keep_firing_for`)
    was not credited; `missing` the seconds without a usable reading in a row; `clear_since` the grid time at which
    recovery began;
    `peak` the worst value seen since `since`; `open_ended` says that the breach was there before `since`, and that
    nobody knows for how long.
    """

    key: AlertKey
    state: State
    since: int
    held: int = 0
    missing: int = 0
    fired_at: int | None = None
    clear_since: int | None = None
    peak: float | None = None
    open_ended: bool = False


class Cause(StrEnum):
    """Why an alert changed its state."""

    BREACHED = "breached"
    HELD_LONG_ENOUGH = "held_long_enough"
    CARRIED_BY_ROLLBACK = "carried_by_rollback"
    BREACHED_AGAIN = "breached_again"
    NOT_OVER_LIMIT = "not_over_limit"
    NO_LONGER_OVER_LIMIT = "no_longer_over_limit"
    CLEAR_LONG_ENOUGH = "clear_long_enough"
    MISSING_TOO_LONG = "missing_too_long"
    UNSEEN = "unseen"
    SEEN_AGAIN = "seen_again"
    RULE_REMOVED = "rule_removed"
    RULE_CHANGED = "rule_changed"
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Transition:
    """One change of one alert: `before` to `after` at grid time `at`, and why; `alert` is the alert after it."""

    alert: Alert
    before: State
    after: State
    at: int
    cause: Cause
    judgement: Judgement | None = None
