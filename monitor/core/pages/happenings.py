"""What an event means for an incident: which row of the table of posts it is. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.actor import MONITOR
from monitor.core.incidents.events import (
    Acknowledged,
    AlertFired,
    AlertResolved,
    Asked,
    Call,
    Called,
    DealtWith,
    Ended,
    EndReason,
    Event,
    Firing,
    HiddenTold,
    ProcedureStarted,
    StillOnIt,
    Unacknowledged,
)
from monitor.core.incidents.incident import Incident, apply
from monitor.core.incidents.procedureevents import (
    Approved,
    BreakdownFound,
    ChangesFound,
    CheckAnswered,
    ChecksRun,
    Chosen,
    Collected,
    CommandAsked,
    CommandTaken,
    DeployAllowed,
    DeployAnswered,
    EndExplained,
    FalseAlarm,
    FixingAnotherWay,
    ForceAsked,
    GoneForGood,
    Noted,
    ProcedureAborted,
    RecordAsked,
    RecordCompleted,
    Reopened,
    ServiceDone,
    StepDone,
    StepSkipped,
    StepUndone,
    StillBreaching,
    Summoned,
    TargetsPinned,
    VersionsSeen,
    WatchingByHand,
)
from monitor.core.incidents.response import Response
from monitor.core.model import Tier
from monitor.core.pages.posts import Happening

CALLS: Mapping[Call, Happening] = {
    Call.MENTION: Happening.REMINDED,
    Call.AGAIN: Happening.CALLED_AGAIN,
    Call.ESCALATE: Happening.ESCALATED,
}
"""What a call of people who did not acknowledge is."""

ENDS: Mapping[EndReason, Happening] = {
    EndReason.SIGHTED: Happening.SIGHTED,
    EndReason.BY_ITSELF: Happening.ENDED_BY_ITSELF,
}
"""Ends that nobody brought about."""

ALWAYS: Mapping[type[Event], Happening] = {
    Acknowledged: Happening.ACKNOWLEDGED,
    Asked: Happening.ASKED,
    StillOnIt: Happening.STILL_ON_IT,
    Unacknowledged: Happening.UNACKNOWLEDGED,
    HiddenTold: Happening.HIDDEN_TOLD,
    ProcedureStarted: Happening.STARTED,
    ChangesFound: Happening.CHANGES_FOUND,
    BreakdownFound: Happening.BREAKDOWN_FOUND,
    StepDone: Happening.MOVED,
    StepSkipped: Happening.MOVED,
    StepUndone: Happening.MOVED,
    Collected: Happening.MOVED,
    Approved: Happening.MOVED,
    VersionsSeen: Happening.MOVED,
    ServiceDone: Happening.MOVED,
    ChecksRun: Happening.MOVED,
    CheckAnswered: Happening.MOVED,
    StillBreaching: Happening.STILL_BREACHING,
    CommandAsked: Happening.COMMAND_ASKED,
    CommandTaken: Happening.COMMAND_TAKEN,
    DeployAllowed: Happening.DEPLOY_ALLOWED,
    ProcedureAborted: Happening.ABORTED,
    FixingAnotherWay: Happening.FIXING_ANOTHER_WAY,
    FalseAlarm: Happening.FALSE_ALARM,
    Summoned: Happening.SUMMONED,
    Noted: Happening.NOTED,
    WatchingByHand: Happening.WATCHING_BY_HAND,
    ForceAsked: Happening.FORCE_ASKED,
    Reopened: Happening.REOPENED,
    EndExplained: Happening.EXPLAINED,
    RecordAsked: Happening.RECORD_ASKED,
    RecordCompleted: Happening.RECORD_COMPLETED,
}
"""Events that mean the same in whatever state an incident is."""


def happened(before: Incident, event: Event) -> Happening | None:
    """Give what `event` means for an incident that was `before`; None for what only goes into the record."""
    match event:
        case AlertFired():
            return _joined(before, event.firing)
        case AlertResolved() | DealtWith() | GoneForGood():
            return _resolved(before, event)
        case Ended():
            return ENDS.get(event.reason, Happening.ENDED)
        case TargetsPinned():
            return Happening.MOVED if event.by == MONITOR else Happening.TARGETS_PINNED
        case Chosen():
            return Happening.ASKS_APPROVER if event.asks else Happening.MOVED
        case DeployAnswered():
            return Happening.MOVED if event.allowed else Happening.DEPLOY_REFUSED
        case Called():
            return CALLS[event.call]
        case _:
            return ALWAYS.get(type(event))


def _joined(before: Incident, firing: Firing) -> Happening:
    if firing.key.tier is Tier.BLIND:
        return Happening.BLIND_JOINS if before.blind else Happening.BLIND_BANNER
    if _carried(before, firing):
        return Happening.CARRIED
    if before.recovered_at is not None:
        return Happening.BACK
    if firing.key.tier is Tier.ROLLBACK:
        return Happening.RAISED if before.tier is Tier.PREPARE else Happening.ROLLBACK_JOINS
    known = {one.service for one in before.alerts}
    return Happening.PREPARE_JOINS if firing.service in known else Happening.SERVICE_JOINS


def _carried(before: Incident, firing: Firing) -> bool:
    """A prepare alert whose rollback tier already fires says nothing new."""
    return firing.key.tier is Tier.PREPARE and any(
        one.key.tier is Tier.ROLLBACK and (one.key.alert, one.key.labels) == (firing.key.alert, firing.key.labels)
        for one in before.active
    )


def _resolved(before: Incident, event: AlertResolved | DealtWith | GoneForGood) -> Happening:
    after = apply(before, event)
    if before.recovered_at is None and after.recovered_at is not None and not after.blind:
        return Happening.RECOVERED
    return Happening.ONE_RESOLVES if isinstance(event, AlertResolved) else Happening.DEALT_WITH


def over(incident: Incident) -> bool:
    """Whether nobody needs to be called for an incident: it fired and ended in one stretch that was caught up with."""
    return incident.recovered_at is not None or not incident.is_open


@dataclass(frozen=True, slots=True)
class Happened:
    """What an event meant for the incident that it left as `incident`; `n` is the number of the event.

    `quiet` is what the page shows and nobody is told: it was over by the time that the monitor caught up with it.
    """

    what: Happening
    n: int
    event: Event
    incident: Incident
    quiet: bool = False


def happenings(response: Response) -> tuple[Happened, ...]:
    """Give what the events of `response` mean for an incident that was there before."""
    found: list[Happened] = []
    incident = response.before
    for number, event in enumerate(response.events):
        if incident is None:
            break
        meant = happened(incident, event)
        incident = apply(incident, event)
        if meant is not None:
            quiet = _quiet(response, meant, number)
            found.append(Happened(meant, (response.expected_rev + number + 1), event, incident, quiet=quiet))
    return tuple(found)


def _quiet(response: Response, meant: Happening, number: int) -> bool:
    event, later = response.events[number], response.events[number + 1 :]
    if meant is Happening.RECOVERED:  # told once, of an incident that people know to fire, and only if it is so
        known = response.before is not None and response.before.recovered_at is None
        return not known or not over(response.after)
    ended = isinstance(event, AlertFired) and any(
        isinstance(one, AlertResolved) and one.key == event.firing.key for one in later
    )
    return ended and (meant is not Happening.RAISED or over(response.after))  # what was raised stays raised
