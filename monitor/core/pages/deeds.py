"""What people (and the procedure) did, as the thread tells it: a sentence for each event that is told. Pure."""

from datetime import timedelta

from monitor.core.actor import same_person
from monitor.core.evidence.summary import summary
from monitor.core.incidents.closing import ALONE_AFTER
from monitor.core.incidents.events import Ended, EndReason, Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.leading import SILENT_AFTER
from monitor.core.incidents.procedureevents import (
    Chosen,
    CommandAsked,
    CommandTaken,
    DeployAllowed,
    DeployAnswered,
    FalseAlarm,
    FixingAnotherWay,
    ForceAsked,
    Pinned,
    ProcedureAborted,
    RecordAsked,
    RecordCompleted,
    Reopened,
    StillBreaching,
    Summoned,
    TargetsPinned,
    WatchingByHand,
)
from monitor.core.pages.page import ActionKind
from monitor.core.pages.shell import typed
from monitor.core.words import clock, lasted


def deed(event: Event, incident: Incident) -> str:
    """Give the sentence that tells `event` of `incident` (as it is after it), or nothing where it is not told so."""
    who = event.by.name
    match event:
        case TargetsPinned(targets=targets):
            return f"{who} pinned what to roll back to: {'; '.join(_target(one) for one in targets)}."
        case Chosen():
            return _decision(event, incident)
        case StillBreaching():
            span = lasted(timedelta(seconds=incident.progress.plan.helps_within)) if incident.progress else "a while"
            return (
                f"Everything is rolled back for {span} and the signals still breach. Roll back suspects too, fix "
                "forward, or escalate; a rollback that has not helped by now will hardly help."
            )
        case DeployAllowed() | DeployAnswered():
            return _deploy(event, incident)
        case CommandAsked() | CommandTaken():
            return _command(event, incident)
        case Summoned(note=note):
            return f"{who} asks for you in {incident.id}{f': {note}' if note else ''}."
        case ProcedureAborted() | Ended() | ForceAsked() | Reopened():
            return _end(event, incident)
        case RecordAsked() | RecordCompleted():
            return _record(event, incident)
        case _:
            return _meaning(event)


def _target(pinned: Pinned) -> str:
    came = f" (runs {pinned.current})" if pinned.current else ""
    there = f", {pinned.confirmed}" if pinned.confirmed else ", image not confirmed yet"
    moved = f", migrations since: {', '.join(pinned.migrations)}" if pinned.migrations else ""
    return f"{pinned.service} to {pinned.target}{came}{there}{moved}"


def _decision(event: Chosen, incident: Incident) -> str:
    step = incident.progress.step(event.step) if incident.progress else None
    choice = next((one.title for one in step.choose if one.id == event.choice), event.choice) if step else event.choice
    return (
        f"{event.by.name} decided: “{choice}”. An approver must agree before it counts: the button is on the card, or "
        f"{typed(ActionKind.APPROVE, incident.id, event.step)}"
    )


def _deploy(event: DeployAllowed | DeployAnswered, incident: Incident) -> str:
    if isinstance(event, DeployAllowed):
        return f"{event.by.name} lets one deploy of {event.service} through the freeze."
    return f"A deploy of {event.service} {event.version} was stopped: deploys are frozen by {incident.id}."


def _command(event: CommandAsked | CommandTaken, incident: Incident) -> str:
    if isinstance(event, CommandAsked):
        commander = incident.commander.name if incident.commander else "The commander"
        return (
            f"{event.by.name} asks for command. {commander}: hand it over with the button below, or go on; without a "
            f"sign of life for {lasted(SILENT_AFTER)} command is free to take."
        )
    how = f"{event.whose.name} gave it" if event.given else f"{event.whose.name} was silent"
    return f"{event.by.name} is incident commander from now on ({how})."


def _end(event: ProcedureAborted | Ended | ForceAsked | Reopened, incident: Incident) -> str:
    who = event.by.name
    match event:
        case ProcedureAborted(reason=reason, changed=changed):
            undo = f" Changed already, and to be undone by hand: {'; '.join(changed)}." if changed else ""
            return f"{who} gave the procedure up: {reason}.{undo} Deploys are open again."
        case ForceAsked(reason=reason, at=at):
            return (
                f"{who} wants to end {incident.id} though it is not proven to be over: {reason}. A second person must "
                f"agree; if nobody does, {who} may do it alone at {clock(at + ALONE_AFTER)}."
            )
        case Reopened(reason=reason):
            return f"{who} opened {incident.id} again: {reason}."
        case Ended():
            return _over(event, incident)


def _over(event: Ended, incident: Incident) -> str:
    who = event.by.name
    gate = " Deploys are open again." if incident.started_at else ""
    record = f" Still to do: the record ({typed(ActionKind.COMPLETE, incident.id)})." if incident.started_at else ""
    match event.reason:
        case EndReason.BY_ITSELF | EndReason.SIGHTED:
            return ""  # nobody did anything
        case EndReason.FORCED if event.single_handed:
            said = f"{event.by.signed} ended {incident.id} single-handed, without proof: {event.note}."
            return f"{said}{_not_vouched_for(event)}{gate}{record}"
        case EndReason.FORCED:
            asked = event.asked_by.signed if event.asked_by else "Somebody"
            return f"{asked} and {event.by.signed} ended {incident.id} without proof: {event.note}.{gate}{record}"
        case EndReason.FALSE_ALARM:
            return f"{who} ended {incident.id}: a false alarm.{gate}"
        case EndReason.DRILL_OVER:
            return f"{event.note}. Nothing in this thread is real."
        case _:
            return f"{who} ended {incident.id}.{gate}{record}"


def _not_vouched_for(event: Ended) -> str:
    """Name the other one, where two names agreed and nobody vouches that they are two people."""
    if event.asked_by is None or same_person(event.asked_by, event.by):
        return ""
    return f" {event.asked_by.signed} had asked for it; nobody vouches that they are two people."


def _record(event: RecordAsked | RecordCompleted, incident: Incident) -> str:
    if isinstance(event, RecordCompleted):
        count = len(event.follow_ups)
        many = "no follow-up" if not count else "1 follow-up" if count == 1 else f"{count} follow-ups"
        lines = "\n".join(summary(incident)[:-1])
        return f"{event.by.name} completed the record: {event.root_cause} ({many}).\n{lines}"
    return (
        f"The record of {incident.id} still waits: root cause, and follow-ups with owner and due date. From a shell: "
        f"{typed(ActionKind.COMPLETE, incident.id)}"
    )


def _meaning(event: Event) -> str:
    who = event.by.name
    match event:
        case FixingAnotherWay(note=note):
            return f"{who}: it is real, and is mended another way{f': {note}' if note else ''}."
        case FalseAlarm(note=note, keys=keys):
            what = "the alert is" if len(keys) == 1 else f"{len(keys)} alerts are"
            return f"{who} says that it is a false alarm: {note}. {what.capitalize()} retired and silenced for a while."
        case WatchingByHand(until=until):
            return f"{who} watches by hand until {clock(until)}."
        case _:
            return ""
