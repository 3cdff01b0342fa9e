"""What one replay found: values that every report is made of.

Times are grid times (whole seconds since the epoch); an end that is None was not reached within the stretch.
This module must not know where readings come from nor how a report looks.
"""

from dataclasses import dataclass, field

from monitor.core.model import AlertKey, Labels, State, Tier
from monitor.core.rules.rule import Place
from monitor.core.rules.signal import Unit


@dataclass(frozen=True, slots=True)
class Stretch:
    """One alert from its first breaching grid time on.

    `fired_at` None: it never fired. `peak` is its worst value, in the signal's unit; `evaluations` counts the grid
    points from `since` to the end of the stretch.
    """

    group: str
    key: AlertKey
    since: int
    fired_at: int | None
    resolved_at: int | None
    peak: float | None
    evaluations: int


@dataclass(frozen=True, slots=True)
class Paged:
    """One page that would have been sent: when, why (the happening, such as `raised`), how bad, and of which alerts.

    `at` is when people would have got it: the grid time and the group's `query_offset`, or the end of what hid it.
    """

    at: int
    reason: str
    tier: Tier
    alerts: tuple[AlertKey, ...]
    incident: str


@dataclass(frozen=True, slots=True)
class Case:
    """One incident that would have been: nobody acts on it, so that it ends by its own rule.

    `recovered_at` None: something of it still fires; `ended_at` None: it is still open.
    """

    incident: str
    tier: Tier
    begin: int
    recovered_at: int | None
    ended_at: int | None
    alerts: tuple[AlertKey, ...]


@dataclass(frozen=True, slots=True)
class Blind:
    """A time in which the data left a rule (and one instance, where `labels` are given) unwatched."""

    group: str
    alert: str
    labels: Labels
    begin: int
    end: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Insufficient:
    """At how many grid points there was too little to judge an instance by."""

    group: str
    key: AlertKey
    evaluations: int


@dataclass(frozen=True, slots=True)
class Unread:
    """A part of history that the source did not answer, or answered only in part: nothing is known of it."""

    group: str
    alert: str
    begin: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Band:
    """A stretch of one state."""

    state: State
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Trace:
    """What an alert was judged by, for a plot: one number a grid time in each row; None where there was none.

    `values`, `limits` and `clears` are in `unit`; `baselines` in seconds, empty but for latencies.
    """

    key: AlertKey
    group: str
    unit: Unit
    times: tuple[int, ...]
    values: tuple[float | None, ...]
    limits: tuple[float | None, ...]
    clears: tuple[float | None, ...]
    baselines: tuple[float | None, ...]
    bands: tuple[Band, ...]


@dataclass(frozen=True, slots=True)
class Replayed:
    """The outcome of one rule set over `begin` to `end`.

    `interval` is the shortest interval of its groups in seconds; `complete` is false where somebody stopped it: what
    is there ends at `end` all the same. `traces` are there only where they were asked for. `cases` are the incidents.
    `shadowed` are the alerts that fired in the shadow, and so paged nobody.
    """

    begin: int
    end: int
    interval: int
    alerts: tuple[Stretch, ...]
    pages: tuple[Paged, ...]
    blind: tuple[Blind, ...]
    insufficient: tuple[Insufficient, ...]
    unread: tuple[Unread, ...]
    traces: tuple[Trace, ...] = ()
    complete: bool = True
    cases: tuple[Case, ...] = ()
    shadowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One rule set of a sweep: the changed keys in words (`CriticalApiErrorRate.prepare.above=1%`), and its outcome."""

    settings: tuple[str, ...]
    outcome: Replayed


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """An incident that people remember: alerts that should have paged of it, none meaning any.

    `place` is where these stand.
    """

    name: str
    begin: int
    end: int
    alerts: tuple[str, ...] = ()
    place: Place = field(default=Place("", 1, 1), compare=False)
