"""An incident: the fold of its events. The only place where an incident changes.

State is never stored on its own: `fold` of the events gives it. Which events there are to be is decided elsewhere:
what people ask for in `core.incidents.decide`, what time brings in `core.incidents.due`. Times are aware UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.actor import Actor, same_person
from monitor.core.incidents.care import UNTENDED, Care, cared
from monitor.core.incidents.events import (
    Acknowledged,
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
    Snapshot,
    StillOnIt,
    Unacknowledged,
)
from monitor.core.incidents.procedureevents import (
    BreakdownFound,
    CareEvent,
    ChangesFound,
    CommandTaken,
    FalseAlarm,
    FixingAnotherWay,
    GoneForGood,
    ProcedureAborted,
    ProcedureEvent,
    Reopened,
    WatchingByHand,
)
from monitor.core.model import AlertKey, Labels, Tier
from monitor.core.procedures.advance import advance, begin
from monitor.core.procedures.progress import Progress
from monitor.core.releases.breakdown import Breakdown
from monitor.core.releases.release import WhatChanged

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
    `commander` is who leads the procedure (None: none runs), `spoken_at` when they last did anything; `progress` is the
    procedure as far as it is, also after it was given up; `changes` is what was found to have changed before it, and
    `breakdown` where it fails, where no change explains it; `scope` are the labels that all its alerts share.
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
    spoken_at: datetime | None = None
    progress: Progress | None = None
    care: Care = UNTENDED
    changes: WhatChanged | None = None
    breakdown: Breakdown | None = None
    recovered_at: datetime | None = None
    ended_at: datetime | None = None
    ended_by: Actor | None = None
    end_reason: EndReason | None = None
    end_note: str = ""
    single_handed: bool = False
    scope: Labels = ()

    @property
    def where(self) -> str:
        """What it is about: the environment, and the values of its scope."""
        return "/".join((self.environment, *(value for _, value in self.scope)))

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

    @property
    def running(self) -> Progress | None:
        """The procedure, while somebody commands it and it has not ended; deploys are frozen as long."""
        return self.progress if self.commander is not None and self.is_open else None


BACK_KEEPS_ACKNOWLEDGEMENT = timedelta(minutes=15)
"""A breach that comes back keeps an acknowledgement younger than this."""

PREPARE_KEEPS_ACKNOWLEDGEMENT = timedelta(hours=4)
"""While an incident fires at prepare, a new service keeps an acknowledgement younger than this."""


def fold(incident: str, events: Iterable[Event], known: Incident | None = None) -> Incident:
    """Give the incident named `incident` as its `events` left it; those after it, where it is `known` already.

    Raises ValueError where they do not begin with `Opened`.
    """
    folded = known
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
    return Incident(incident, event.environment, event.at, blind=event.blind, rev=1, tier=tier, scope=event.scope)


def apply(incident: Incident, event: Event) -> Incident:
    """Give `incident` after one more event."""
    after = _moved(replace(incident, rev=incident.rev + 1), event)
    if after.commander is not None and same_person(event.by, after.commander):
        return replace(after, spoken_at=event.at)
    return after


def _moved(moved: Incident, event: Event) -> Incident:
    match event:
        case AlertFired() | AlertResolved() | AlertRenamed() | DealtWith():
            return _alerted(moved, event)
        case Acknowledged():
            return _acknowledged(moved, event.by, event.at)
        case Called() | Asked() | StillOnIt() | Unacknowledged():
            return _escalated(moved, event)
        case ProcedureStarted():
            return _started(moved, event)
        case Ended():
            return _ended(moved, event)
        case Opened() | Snapshot() | Refused() | HiddenTold():
            return moved
        case _:
            return _tended(moved, event)


def _alerted(incident: Incident, event: AlertFired | AlertResolved | AlertRenamed | DealtWith) -> Incident:
    match event:
        case AlertFired():
            return _fired(incident, event)
        case AlertResolved():
            return _resolved(incident, event.key, event.at, event.cause, worst=event.worst)
        case AlertRenamed():
            return replace(incident, alerts=_renamed(incident.alerts, event.key, event.to))
        case DealtWith():
            return _resolved(incident, event.key, event.at, f"dealt with by {event.by.name}: {event.note}")


def _tended(incident: Incident, event: ProcedureEvent | CareEvent) -> Incident:
    """What people do: the procedure moves in its progress, the rest is kept, and some of it changes the incident."""
    if not isinstance(event, CareEvent):
        return replace(incident, progress=advance(incident.progress, event)) if incident.progress else incident
    tended = replace(incident, care=cared(incident.care, event))
    match event:
        case ChangesFound():
            return replace(tended, changes=event.found)
        case BreakdownFound():
            return replace(tended, breakdown=event.found)
        case ProcedureAborted():
            return replace(tended, commander=None)
        case CommandTaken():
            return replace(tended, commander=event.by, spoken_at=event.at)
        case FixingAnotherWay() | WatchingByHand():
            return replace(_acknowledged(tended, event.by, event.at), confirmed_at=event.at)
        case FalseAlarm() | GoneForGood():
            return _retired(tended, event)
        case Reopened():
            return _open_again(tended, event)
        case _:
            return tended


def _open_again(incident: Incident, event: Reopened) -> Incident:
    """A forced end took what still fired from the rules: a breach after that fires anew, and nothing else clears it."""
    forced = incident.end_reason is EndReason.FORCED
    for one in incident.signals if forced else ():
        incident = _resolved(incident, one.key, event.at, "no longer followed since the forced end")
    return replace(incident, ended_at=None, ended_by=None, end_reason=None, end_note="", single_handed=False)


def _retired(incident: Incident, event: FalseAlarm | GoneForGood) -> Incident:
    keys = event.keys if isinstance(event, FalseAlarm) else (event.key,)
    words = "false alarm" if isinstance(event, FalseAlarm) else "gone for good"
    for key in keys:
        incident = _resolved(incident, key, event.at, f"{words}, said by {event.by.name}: {event.note}")
    return incident


def _ended(incident: Incident, event: Ended) -> Incident:
    return replace(
        incident,
        ended_at=event.at,
        ended_by=event.by,
        end_reason=event.reason,
        end_note=event.note,
        single_handed=event.single_handed,
    )


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
    """Take an acknowledgement away: the page asks for one anew, and nobody mends or watches it any more."""
    care = replace(incident.care, fixing=None, watching_until=None)
    return replace(
        incident,
        acknowledged_by=None,
        acknowledged_at=None,
        confirmed_at=None,
        asked_at=None,
        clocks=(asks,),
        care=care,
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
    started = replace(
        incident,
        commander=event.by,
        started_at=event.at,
        spoken_at=event.at,
        procedure=event.procedure,
        steps=event.steps,
        progress=begin(event.plan) if event.plan else None,
        care=replace(incident.care, aborted=None, fixing=None),
    )
    return _acknowledged(started, event.by, event.at) if started.acknowledged_by is None else started
