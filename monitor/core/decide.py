"""What people ask of an incident, and what becomes of it: a command is decided against the state. Pure.

`decide` gives events, or a refusal that says who, what and why; events change an incident in `monitor.core.incident`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from monitor.core.actor import Actor, Role
from monitor.core.events import Acknowledged, DealtWith, Event, ProcedureStarted, StillOnIt
from monitor.core.incident import Incident
from monitor.core.model import AlertKey, Tier
from monitor.core.rule import Resolve
from monitor.core.words import clock


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
