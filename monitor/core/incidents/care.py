"""What people do with an incident beside its procedure: as its events left it. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.actor import Actor
from monitor.core.incidents.procedureevents import (
    CareEvent,
    CommandAsked,
    CommandTaken,
    EndExplained,
    FalseAlarm,
    FixingAnotherWay,
    FollowUp,
    ForceAsked,
    ProcedureAborted,
    RecordAsked,
    RecordCompleted,
    Reopened,
    WatchingByHand,
)


@dataclass(frozen=True, slots=True)
class Aborted:
    """A procedure that was given up: `changed` is what must be undone by hand."""

    by: Actor
    at: datetime
    reason: str
    changed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """What was written down when it was over."""

    by: Actor
    at: datetime
    root_cause: str
    follow_ups: tuple[FollowUp, ...] = ()


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that somebody asked for and that another person must answer."""

    by: Actor
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Care:
    """Who does what beside the procedure.

    `fixing` mends it by something else than a rollback, `watching_until` is how long somebody looks by hand,
    `wants_command` asked the commander for command, `wants_end` wants to end it without proof; `asked` counts the
    reminders to complete the record.
    """

    fixing: Wish | None = None
    watching_until: datetime | None = None
    wants_command: Wish | None = None
    wants_end: Wish | None = None
    aborted: Aborted | None = None
    false_alarm: Wish | None = None
    explained: str = ""
    record: Record | None = None
    asked: int = 0
    reopened_at: datetime | None = None


def cared(care: Care, event: CareEvent) -> Care:
    """Give `care` after one more event."""
    match event:
        case ProcedureAborted():
            aborted = Aborted(event.by, event.at, event.reason, event.changed)
            return replace(care, aborted=aborted, wants_command=None, wants_end=None)
        case CommandAsked():
            return replace(care, wants_command=Wish(event.by, event.at))
        case CommandTaken():
            return replace(care, wants_command=None)
        case FixingAnotherWay():
            return replace(care, fixing=Wish(event.by, event.at, event.note))
        case FalseAlarm():
            return replace(care, false_alarm=Wish(event.by, event.at, event.note))
        case WatchingByHand():
            return replace(care, watching_until=event.until)
        case ForceAsked():
            return replace(care, wants_end=Wish(event.by, event.at, event.reason))
        case _:
            return _after_the_end(care, event)


def _after_the_end(care: Care, event: CareEvent) -> Care:
    match event:
        case Reopened():
            return replace(care, reopened_at=event.at, record=None, wants_end=None, asked=0)
        case EndExplained():
            return replace(care, explained=event.note)
        case RecordCompleted():
            return replace(care, record=Record(event.by, event.at, event.root_cause, event.follow_ups))
        case RecordAsked():
            return replace(care, asked=care.asked + 1)
        case _:
            return care


UNTENDED = Care()
"""Nobody has done anything yet."""
