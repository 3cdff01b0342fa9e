"""What people ask at the end of an incident: end it, force its end, complete its record, open it again. Pure."""

from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.actor import Actor, same_person, two_people
from monitor.core.incidents.asks import CompleteRecord, End, EndCommand, ExplainEnd, ForceEnd, No, Refusal, Reopen
from monitor.core.incidents.care import Wish
from monitor.core.incidents.events import Ended, EndReason, Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import EndExplained, ForceAsked, RecordCompleted, Reopened
from monitor.core.incidents.rights import not_commanding, not_helping
from monitor.core.naming import is_drill
from monitor.core.procedures.verification import Outcome
from monitor.core.rules.rule import Resolve
from monitor.core.words import clock, lasted

Decided: TypeAlias = tuple[Event, ...] | Refusal

ALONE_AFTER = timedelta(minutes=5)
"""How long a second person is waited for before an end may be forced single-handed."""

REOPEN_WITHIN = timedelta(minutes=60)
"""How long after its end an incident can be opened again."""

RESULTS_HOLD = timedelta(minutes=10)
"""For how long the results of checks speak for the present."""

VERIFY_FOR = timedelta(minutes=10)
"""How long signals must be clear where no procedure says otherwise."""


def close(incident: Incident, command: EndCommand, at: datetime) -> Decided:
    """Decide what is asked at the end of `incident`."""
    if refused := not_helping(incident, command.by):
        return refused
    match command:
        case End() | ForceEnd():
            return _ended(incident) or _ending(incident, command, at)
        case Reopen():
            return _reopen(incident, command, at)
        case ExplainEnd():
            return _explain(incident, command, at)
        case CompleteRecord():
            return _complete(incident, command, at)


def _ended(incident: Incident) -> Refusal | None:
    if incident.ended_at is None:
        return None
    return Refusal(No.ENDED, f"{incident.id} ended at {clock(incident.ended_at)}; there is nothing left to do on it.")


def _ending(incident: Incident, command: End | ForceEnd, at: datetime) -> Decided:
    if isinstance(command, ForceEnd):
        return _force(incident, command, at)
    if incident.commander is not None and (refused := not_commanding(incident, command.by)):
        return refused
    left = in_the_way(incident, at)
    if left:
        return Refusal(
            No.NOT_YET,
            f"{incident.id} cannot end yet: {'; '.join(left)}. Ending it all the same takes a reason and a "
            "second person (force).",
        )
    return (Ended(at, command.by, EndReason.BY_PERSON),)


def in_the_way(incident: Incident, at: datetime) -> tuple[str, ...]:
    """Give in words what keeps `incident` from ending at `at`; nothing where it may end."""
    left = []
    for one in incident.signals:
        by_person = one.resolve is Resolve.BY_PERSON
        left.append(f"{one.summary} {'(say that it is dealt with)' if by_person else 'still breaches'}")
    left += _unproven(incident, at)
    checked = incident.running is not None and any(step.checks for step in incident.running.plan.steps)
    if not left and not checked:
        left += _not_clear_for_long(incident, at)
    return tuple(left)


def outdated(incident: Incident, at: datetime) -> bool:
    """Whether the checks must be run again: none was since it last fired or was opened again, or for too long."""
    checked = incident.progress.checked_at if incident.progress else None
    if checked is None:
        return True
    moved = [one.fired_at for one in incident.alerts]
    moved += [incident.care.reopened_at] if incident.care.reopened_at else []
    return at - checked > RESULTS_HOLD or any(one > checked for one in moved)


def _unproven(incident: Incident, at: datetime) -> list[str]:
    progress = incident.running
    if progress is None or not any(step.checks for step in progress.plan.steps):
        return []
    if not progress.results:
        return ["no check has been run yet"]
    if progress.green:
        return ["the checks are to be run again, which happens by itself"] if outdated(incident, at) else []
    return [
        f"{one.title}: {one.said or str(one.outcome).replace('_', ' ')}"
        for one in progress.results
        if one.outcome is not Outcome.PASSED
    ]


def _not_clear_for_long(incident: Incident, at: datetime) -> list[str]:
    since = incident.recovered_at
    needed = timedelta(seconds=incident.progress.plan.verify_for) if incident.progress else VERIFY_FOR
    if since is None or at - since >= needed:
        return []
    return [f"the signals are clear for {lasted(at - since)} of {lasted(needed)}"]


def _force(incident: Incident, command: ForceEnd, at: datetime) -> Decided:
    wish = incident.care.wants_end
    if wish is not None and two_people(wish.by, command.by):
        return (Ended(at, command.by, EndReason.FORCED, wish.reason, asked_by=wish.by),)
    agrees = wish is not None and not same_person(wish.by, command.by)
    reason = command.reason.strip() or (wish.reason if wish is not None and agrees else "")
    if not reason:
        return Refusal(No.WORDS_MISSING, "Say why it may end though it is not proven to be over.")
    if incident.commander is not None and not agrees and (refused := not_commanding(incident, command.by)):
        return refused
    if wish is None:
        return (ForceAsked(at, command.by, reason),)
    if at < wish.at + ALONE_AFTER:
        return Refusal(No.NOT_YET, _not_alone_yet(wish, command.by))
    return (Ended(at, command.by, EndReason.FORCED, reason, asked_by=wish.by, single_handed=True),)


def _not_alone_yet(wish: Wish, by: Actor) -> str:
    asked, free = clock(wish.at), clock(wish.at + ALONE_AFTER)
    if same_person(wish.by, by):
        return f"A second person was asked at {asked}; if nobody agrees, you may end it alone at {free}."
    return (
        f"Nobody vouches that {by.name} and {wish.by.name} are two people: a name in a shell is only said. Ask and "
        f"agree in Slack, or end it from {free} on, which is marked as single-handed."
    )


def _reopen(incident: Incident, command: Reopen, at: datetime) -> Decided:
    if incident.ended_at is None:
        return Refusal(No.NOT_ENDED, f"{incident.id} has not ended.")
    if is_drill(incident.id):
        return Refusal(
            No.SETTLED, f"{incident.id} is over, and its result stands: a drill is held anew, not opened again."
        )
    if at - incident.ended_at > REOPEN_WITHIN:
        ago = lasted(at - incident.ended_at)
        sentence = f"{incident.id} ended {ago} ago; it can be reopened for {lasted(REOPEN_WITHIN)}. A new breach pages."
        return Refusal(No.TOO_LATE, sentence)
    if not command.reason.strip():
        return Refusal(No.WORDS_MISSING, "Say why it is not over.")
    return (Reopened(at, command.by, command.reason.strip()),)


def _explain(incident: Incident, command: ExplainEnd, at: datetime) -> Decided:
    if incident.ended_at is None:
        return Refusal(No.NOT_ENDED, f"{incident.id} has not ended.")
    if not command.note.strip():
        return Refusal(No.WORDS_MISSING, "Say what it was.")
    return (EndExplained(at, command.by, command.note.strip()),)


def _complete(incident: Incident, command: CompleteRecord, at: datetime) -> Decided:
    if incident.ended_at is None:
        return Refusal(No.NOT_ENDED, f"End {incident.id} first; its record is completed after that.")
    if not command.root_cause.strip():
        return Refusal(No.WORDS_MISSING, "Say what the root cause was, as far as it is known.")
    if any(not one.what.strip() or not one.owner.strip() for one in command.follow_ups):
        return Refusal(No.WORDS_MISSING, "Each follow-up needs what is to be done, an owner and a due date.")
    return (RecordCompleted(at, command.by, command.root_cause.strip(), command.follow_ups),)
