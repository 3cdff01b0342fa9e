"""An incident: the fold of its events, and what a person may do to it. The only place where an incident changes.

State is never stored on its own: `fold` of the events gives it. A command of a person is decided against the state by
`decide`,
which gives events or a refusal that says who, what and why. Times are aware UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from monitor.core.events import (
    MONITOR,
    Acknowledged,
    Actor,
    AlertFired,
    AlertRenamed,
    AlertResolved,
    DealtWith,
    Ended,
    EndReason,
    Event,
    Firing,
    Opened,
    ProcedureStarted,
    Refused,
    Role,
    Snapshot,
)
from monitor.core.model import AlertKey, Tier
from monitor.core.rule import Resolve
from monitor.core.words import clock

# --- the fold -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as its events left it.

    `rev` counts the events; `alerts` are in the order in which they first fired.
    """

    id: str
    environment: str
    opened_at: datetime
    blind: bool = False
    rev: int = 0
    tier: Tier = Tier.PREPARE
    alerts: tuple[Firing, ...] = ()
    acknowledged_by: Actor | None = None
    acknowledged_at: datetime | None = None
    commander: Actor | None = None
    started_at: datetime | None = None
    procedure: str = ""
    steps: int = 0
    recovered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    @property
    def active(self) -> tuple[Firing, ...]:
        """The alerts that still fire."""
        return tuple(one for one in self.alerts if one.active)

    @property
    def signals(self) -> tuple[Firing, ...]:
        """The alerts that keep it from recovering.

        All that fire, but in a rollback not the banner that something is unseen.
        """
        return tuple(one for one in self.active if self.blind or one.key.tier is not Tier.BLIND)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None


BACK_KEEPS_ACKNOWLEDGEMENT = timedelta(minutes=15)
"""A breach that comes back keeps an acknowledgement younger than this."""


def fold(incident: str, events: Iterable[Event]) -> Incident:
    """Give the incident named `incident` as its `events` left it.

    Raises ValueError where they do not begin with `Opened`.
    """
    folded: Incident | None = None
    for event in events:
        folded = _begin(incident, event) if folded is None else apply(folded, event)
    if folded is None:
        raise ValueError(f"{incident} has no events")
    return folded


def _begin(incident: str, event: Event) -> Incident:
    if not isinstance(event, Opened):
        sentence = f"{incident} begins with {event.kind}, not with opened"
        raise ValueError(sentence)  # noqa: TRY004  # it is the order of the events that is wrong
    tier = Tier.BLIND if event.blind else Tier.PREPARE
    return Incident(incident, event.environment, event.at, blind=event.blind, rev=1, tier=tier)


def apply(incident: Incident, event: Event) -> Incident:
    """Give `incident` after one more event."""
    moved = replace(incident, rev=incident.rev + 1)
    match event:
        case AlertFired():
            return _fired(moved, event)
        case AlertResolved():
            return _resolved(moved, event.key, event.at, event.cause, worst=event.worst)
        case AlertRenamed():
            return replace(moved, alerts=_renamed(incident.alerts, event.key, event.to))
        case DealtWith():
            return _resolved(moved, event.key, event.at, f"dealt with by {event.by.name}: {event.note}")
        case Acknowledged():
            return replace(moved, acknowledged_by=event.by, acknowledged_at=event.at)
        case ProcedureStarted():
            return _started(moved, event)
        case Ended():
            return replace(moved, ended_at=event.at, end_reason=event.reason)
        case Opened() | Snapshot() | Refused():
            return moved


def _fired(incident: Incident, event: AlertFired) -> Incident:
    key = event.firing.key
    known = any(one.key == key for one in incident.alerts)
    alerts = _replaced(incident.alerts, event.firing) if known else (*incident.alerts, event.firing)
    raised = key.tier is Tier.ROLLBACK and incident.tier is Tier.PREPARE
    fired = replace(incident, alerts=alerts, tier=Tier.ROLLBACK if raised else incident.tier)
    if raised or (incident.recovered_at is not None and _stale(incident, event.at)):
        fired = replace(fired, acknowledged_by=None, acknowledged_at=None)
    return fired if key.tier is Tier.BLIND and not incident.blind else replace(fired, recovered_at=None)


def _stale(incident: Incident, at: datetime) -> bool:
    """Whether an acknowledgement is too old to speak for a breach that came back at `at`."""
    return incident.acknowledged_at is not None and at - incident.acknowledged_at >= BACK_KEEPS_ACKNOWLEDGEMENT


def _replaced(alerts: tuple[Firing, ...], firing: Firing) -> tuple[Firing, ...]:
    return tuple(firing if one.key == firing.key else one for one in alerts)


def _renamed(alerts: tuple[Firing, ...], key: AlertKey, to: AlertKey) -> tuple[Firing, ...]:
    return tuple(replace(one, key=to) if one.key == key else one for one in alerts)


def _resolved(incident: Incident, key: AlertKey, at: datetime, why: str, *, worst: str = "") -> Incident:
    """End an alert; those who read the page later read how bad it was at its worst."""
    alerts = tuple(
        replace(one, resolved_at=at, resolved_why=str(why), summary=worst or one.summary)
        if one.key == key and one.active
        else one
        for one in incident.alerts
    )
    resolved = replace(incident, alerts=alerts)
    if incident.recovered_at is None and not resolved.signals:
        return replace(resolved, recovered_at=at)
    return resolved


def _started(incident: Incident, event: ProcedureStarted) -> Incident:
    started = replace(incident, commander=event.by, started_at=event.at, procedure=event.procedure, steps=event.steps)
    if started.acknowledged_by is None:
        return replace(started, acknowledged_by=event.by, acknowledged_at=event.at)
    return started


# --- what people ask for ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """I have seen it and am on it."""

    by: Actor
    name: Literal["acknowledge"] = "acknowledge"


@dataclass(frozen=True, slots=True)
class StartProcedure:
    """I become incident commander; open the checklist. `steps` is the number of steps of `procedure`."""

    by: Actor
    procedure: str
    steps: int
    name: Literal["start"] = "start"


@dataclass(frozen=True, slots=True)
class DealWith:
    """What an alert that resolves by a person reported is dealt with."""

    by: Actor
    key: AlertKey
    note: str
    name: Literal["dealt_with"] = "dealt_with"


Command: TypeAlias = Acknowledge | StartProcedure | DealWith


class No(StrEnum):
    """Why a command was refused."""

    ENDED = "ended"
    NOT_ALLOWED = "not_allowed"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    ALREADY_STARTED = "already_started"
    NO_SUCH_ALERT = "no_such_alert"
    BY_SIGNAL = "by_signal"
    BLIND = "blind"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that changes nothing, with the sentence for the person who asked."""

    why: No
    sentence: str


def decide(incident: Incident, command: Command, at: datetime) -> tuple[Event, ...] | Refusal:
    """Decide `command` against the state: the events it yields, or a refusal that says who, what and why."""
    if incident.ended_at is not None:
        return Refusal(
            No.ENDED, f"{incident.id} ended at {clock(incident.ended_at)}; there is nothing left to do on it."
        )
    match command:
        case Acknowledge():
            return _acknowledge(incident, command, at)
        case StartProcedure():
            return _start(incident, command, at)
        case DealWith():
            return _deal_with(incident, command, at)


def _acknowledge(incident: Incident, command: Acknowledge, at: datetime) -> tuple[Event, ...] | Refusal:
    if incident.acknowledged_by is not None and incident.acknowledged_at is not None:
        who = "you" if incident.acknowledged_by.id == command.by.id else incident.acknowledged_by.name
        since = clock(incident.acknowledged_at)
        return Refusal(No.ALREADY_ACKNOWLEDGED, f"{incident.id} is already acknowledged by {who}, since {since}.")
    return (Acknowledged(at, command.by),)


def _start(incident: Incident, command: StartProcedure, at: datetime) -> tuple[Event, ...] | Refusal:
    if incident.blind:
        return Refusal(No.BLIND, f"{incident.id} says that the monitor cannot see; there is nothing to roll back.")
    if not command.by.roles & {Role.RESPONDER, Role.COMMANDER}:
        return _not_allowed(incident, command)
    if incident.commander is not None and incident.started_at is not None:
        since = clock(incident.started_at)
        if incident.commander.id == command.by.id:
            return Refusal(
                No.ALREADY_STARTED,
                f"You command {incident.id} since {since}; the checklist is in the thread.",
            )
        sentence = (
            f"{incident.commander.name} commands {incident.id} since {since}. Offer your help in the thread; "
            "the checklist is there."
        )
        return Refusal(No.ALREADY_STARTED, sentence)
    return (ProcedureStarted(at, command.by, command.procedure, command.steps),)


def _deal_with(incident: Incident, command: DealWith, at: datetime) -> tuple[Event, ...] | Refusal:
    if not command.by.roles & {Role.RESPONDER, Role.COMMANDER}:
        return _not_allowed(incident, command)
    firing = next((one for one in incident.active if one.key == command.key), None)
    if firing is None:
        return Refusal(No.NO_SUCH_ALERT, f"{command.key.alert} does not fire in {incident.id} (any more).")
    if firing.resolve is not Resolve.BY_PERSON:
        return Refusal(No.BY_SIGNAL, f"{command.key.alert} clears by its own signal; nobody needs to say so.")
    return (DealtWith(at, command.by, command.key, command.note),)


def _not_allowed(incident: Incident, command: Command) -> Refusal:
    sentence = (
        f"{command.by.name} is not among the responders or commanders of {incident.environment}, so this was not done. "
        "Acknowledge is open to everybody; the people are named in routing.yaml."
    )
    return Refusal(No.NOT_ALLOWED, sentence)


def due(incident: Incident, at: datetime, reopen_within: int) -> tuple[Event, ...]:
    """Give what time alone does to `incident` at `at`.

    Recovered for `reopen_within` seconds with nobody rolling back, it ends by itself.
    """
    if incident.ended_at is not None or incident.recovered_at is None or incident.commander is not None:
        return ()
    if at - incident.recovered_at < timedelta(seconds=reopen_within):
        return ()
    return (Ended(at, MONITOR, EndReason.BY_ITSELF),)
