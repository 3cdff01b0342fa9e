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
    Asked,
    Called,
    DealtWith,
    Ended,
    EndReason,
    Event,
    Firing,
    HiddenTold,
    Opened,
    ProcedureStarted,
    Refused,
    Role,
    Snapshot,
    StillOnIt,
    Unacknowledged,
)
from monitor.core.model import AlertKey, Tier
from monitor.core.rule import Resolve
from monitor.core.words import clock

# --- the fold -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PageClock:
    """Since when a page of `tier` asks to be acknowledged; its calls are due so long after `since`."""

    tier: Tier
    since: datetime


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as its events left it.

    `rev` counts the events; `alerts` are in the order in which they first fired. `clocks` are the clocks of what
    was paged, and every call that was due up to `called_until` is told. `confirmed_at` is when whoever acknowledged
    last said that they are on it, `asked_at` when they were asked and have not answered; `lapsed` acknowledged before.
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
    confirmed_at: datetime | None = None
    asked_at: datetime | None = None
    lapsed: Actor | None = None
    clocks: tuple[PageClock, ...] = ()
    called_until: datetime | None = None
    escalated_at: datetime | None = None
    escalated_to: str = ""
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

PREPARE_KEEPS_ACKNOWLEDGEMENT = timedelta(hours=4)
"""While an incident fires at prepare, a new service keeps an acknowledgement younger than this."""


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
            return _acknowledged(moved, event.by, event.at)
        case Called() | Asked() | StillOnIt() | Unacknowledged():
            return _escalated(moved, event)
        case ProcedureStarted():
            return _started(moved, event)
        case Ended():
            return replace(moved, ended_at=event.at, end_reason=event.reason)
        case Opened() | Snapshot() | Refused() | HiddenTold():
            return moved


def _escalated(incident: Incident, event: Called | Asked | StillOnIt | Unacknowledged) -> Incident:
    match event:
        case Called():
            return _called(incident, event)
        case Asked():
            return replace(incident, asked_at=event.at)
        case StillOnIt():
            return _confirmed(incident, event)
        case Unacknowledged():
            return replace(_unacknowledged(incident, PageClock(incident.tier, event.at)), lapsed=event.whose)


def _fired(incident: Incident, event: AlertFired) -> Incident:
    key = event.firing.key
    known = any(one.key == key for one in incident.alerts)
    alerts = _replaced(incident.alerts, event.firing) if known else (*incident.alerts, event.firing)
    raised = key.tier is Tier.ROLLBACK and incident.tier is Tier.PREPARE
    fired = replace(incident, alerts=alerts, tier=Tier.ROLLBACK if raised else incident.tier)
    if key.tier is Tier.BLIND and not incident.blind:
        return fired
    return replace(_asks(incident, fired, event, raised=raised), recovered_at=None)


def _asks(before: Incident, fired: Incident, event: AlertFired, *, raised: bool) -> Incident:
    """Give `fired` with the clocks of what asks to be acknowledged: all of it anew, or what joins beside the rest."""
    clock_of_it = PageClock(event.firing.key.tier, event.at)
    if raised or _outlived(before, event):
        return _unacknowledged(fired, clock_of_it)
    if before.recovered_at is not None or not before.alerts:
        return replace(fired, clocks=(clock_of_it,))
    if _has_own_clock(before, event.firing):
        return replace(fired, clocks=(*fired.clocks, clock_of_it))
    return fired


def _outlived(incident: Incident, event: AlertFired) -> bool:
    """Whether an acknowledgement is too old to speak for what fires now: a breach that is back, or a new service."""
    spoken_at = incident.confirmed_at or incident.acknowledged_at
    if spoken_at is None:
        return False
    if incident.recovered_at is not None:
        return event.at - spoken_at >= BACK_KEEPS_ACKNOWLEDGEMENT
    spreads = incident.tier is Tier.PREPARE and _spreads(incident, event.firing)
    return spreads and event.at - spoken_at >= PREPARE_KEEPS_ACKNOWLEDGEMENT


def _spreads(incident: Incident, firing: Firing) -> bool:
    """Whether a service fires at prepare that is not yet in the incident."""
    return firing.key.tier is Tier.PREPARE and all(one.service != firing.service for one in incident.alerts)


def _has_own_clock(before: Incident, firing: Firing) -> bool:
    """Whether `firing` has a clock of its own in an incident that fires already."""
    if firing.key.tier is Tier.ROLLBACK:
        return all(one.tier is not Tier.ROLLBACK for one in before.clocks)
    return _spreads(before, firing)


def _unacknowledged(incident: Incident, asks: PageClock) -> Incident:
    """Take an acknowledgement away: the page asks for one anew."""
    return replace(
        incident, acknowledged_by=None, acknowledged_at=None, confirmed_at=None, asked_at=None, clocks=(asks,)
    )


def _acknowledged(incident: Incident, by: Actor, at: datetime) -> Incident:
    return replace(incident, acknowledged_by=by, acknowledged_at=at, confirmed_at=None, asked_at=None, lapsed=None)


def _confirmed(incident: Incident, event: StillOnIt) -> Incident:
    """Whoever says so has it from then on."""
    by = incident.acknowledged_by
    mine = incident if by is not None and by.id == event.by.id else _acknowledged(incident, event.by, event.at)
    return replace(mine, confirmed_at=event.at, asked_at=None)


def _called(incident: Incident, event: Called) -> Incident:
    called = replace(incident, called_until=event.due)
    if event.channel:
        return replace(called, escalated_at=event.at, escalated_to=event.channel)
    return called


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
        last = max((one.resolved_at for one in alerts if one.resolved_at is not None), default=at)
        return replace(resolved, recovered_at=last, asked_at=None, clocks=())
    return resolved


def _started(incident: Incident, event: ProcedureStarted) -> Incident:
    started = replace(incident, commander=event.by, started_at=event.at, procedure=event.procedure, steps=event.steps)
    return _acknowledged(started, event.by, event.at) if started.acknowledged_by is None else started


# --- what people ask for ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """I have seen it and am on it."""

    by: Actor
    name: Literal["acknowledge"] = "acknowledge"


@dataclass(frozen=True, slots=True)
class SayStillOnIt:
    """I am still on it, though no procedure runs yet."""

    by: Actor
    name: Literal["still_on_it"] = "still_on_it"


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


Command: TypeAlias = Acknowledge | SayStillOnIt | StartProcedure | DealWith


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
    NOTHING_EXPIRES = "nothing_expires"


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
        case SayStillOnIt():
            return _still_on_it(incident, command, at)
        case StartProcedure():
            return _start(incident, command, at)
        case DealWith():
            return _deal_with(incident, command, at)


def _acknowledge(incident: Incident, command: Acknowledge, at: datetime) -> tuple[Event, ...] | Refusal:
    if (
        incident.acknowledged_by is not None
        and incident.acknowledged_at is not None
        and not _outranks(incident, command)
    ):
        who = "you" if incident.acknowledged_by.id == command.by.id else incident.acknowledged_by.name
        since = clock(incident.acknowledged_at)
        return Refusal(No.ALREADY_ACKNOWLEDGED, f"{incident.id} is already acknowledged by {who}, since {since}.")
    return (Acknowledged(at, command.by),)


def _outranks(incident: Incident, command: Acknowledge) -> bool:
    """Whether a responder acknowledges over somebody from outside, whose word holds for minutes only."""
    outside = incident.acknowledged_by is not None and incident.acknowledged_by.outside
    return outside and incident.commander is None and not command.by.outside


def _still_on_it(incident: Incident, command: SayStillOnIt, at: datetime) -> tuple[Event, ...] | Refusal:
    if not command.by.roles & {Role.RESPONDER, Role.COMMANDER}:
        return _not_allowed(incident, command)
    if incident.acknowledged_by is None:
        return Refusal(No.NOTHING_EXPIRES, f"Nobody has acknowledged {incident.id} (any more): acknowledge it.")
    if incident.tier is not Tier.ROLLBACK or incident.commander is not None or incident.recovered_at is not None:
        return Refusal(No.NOTHING_EXPIRES, f"The acknowledgement of {incident.id} does not expire; nothing to say.")
    return (StillOnIt(at, command.by),)


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
