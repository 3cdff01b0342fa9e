"""What an event means for an incident: which row of the table of posts it is. Pure."""

from collections.abc import Mapping

from monitor.core.actor import MONITOR
from monitor.core.events import (
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
from monitor.core.incident import Incident, apply
from monitor.core.model import Tier
from monitor.core.posts import Happening
from monitor.core.procedureevents import (
    Approved,
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
