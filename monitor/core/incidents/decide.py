"""What becomes of what people ask of an incident: a command is decided against the state. Pure.

`decide` gives events, or a refusal that says who, what and why; events change an incident in `core.incidents.incident`.
"""

from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.actor import same_person
from monitor.core.incidents.asks import (
    Acknowledge,
    CallFalse,
    Command,
    DealWith,
    EndCommand,
    FixAnotherWay,
    No,
    Note,
    PageCommand,
    Refusal,
    SayGone,
    SayStillOnIt,
    StartProcedure,
    StepCommand,
    Summon,
    WatchByHand,
)
from monitor.core.incidents.closing import close
from monitor.core.incidents.events import (
    Acknowledged,
    DealtWith,
    Ended,
    EndReason,
    Event,
    Firing,
    ProcedureStarted,
    StillOnIt,
)
from monitor.core.incidents.incident import Incident, apply
from monitor.core.incidents.leading import changed, lead
from monitor.core.incidents.procedureevents import (
    FalseAlarm,
    FixingAnotherWay,
    GoneForGood,
    Noted,
    Summoned,
    WatchingByHand,
)
from monitor.core.incidents.response import Response
from monitor.core.incidents.rights import not_commanding, not_helping
from monitor.core.model import AlertKey, Presence, Tier
from monitor.core.procedures.progress import observed
from monitor.core.rules.rule import Resolve
from monitor.core.words import clock

Decided: TypeAlias = tuple[Event, ...] | Refusal

WATCHES = timedelta(minutes=30)
"""For how long "watching by hand" is good."""


def decide(incident: Incident, command: Command, at: datetime) -> Decided:
    """Decide `command` against the state: the events it yields, or a refusal that says who, what and why.

    Steps of the procedure that are seen to be done after it are ticked with it.
    """
    decided = _decide(incident, command, at)
    return decided if isinstance(decided, Refusal) else with_ticks(incident, decided, at)


def with_ticks(incident: Incident, events: tuple[Event, ...], at: datetime) -> tuple[Event, ...]:
    """Give `events` and, behind them, the ticks of the steps that the monitor sees to be done because of them."""
    after = incident
    for event in events:
        after = apply(after, event)
    running = after.running
    return (*events, *observed(running, at)) if running else events


def _decide(incident: Incident, command: Command, at: datetime) -> Decided:
    if isinstance(command, EndCommand):
        return close(incident, command, at)
    if isinstance(command, Note):
        return _noted(command, at)
    if incident.ended_at is not None:
        sentence = f"{incident.id} ended at {clock(incident.ended_at)}; there is nothing left to do on it."
        return Refusal(No.ENDED, sentence)
    if isinstance(command, StepCommand):
        return lead(incident, command, at)
    return _page(incident, command, at)


def _page(incident: Incident, command: PageCommand, at: datetime) -> Decided:
    match command:
        case Acknowledge():
            return _acknowledge(incident, command, at)
        case SayStillOnIt():
            return _still_on_it(incident, command, at)
        case StartProcedure():
            return _start(incident, command, at)
        case WatchByHand():
            return _watch(incident, command, at)
        case Note():
            return _noted(command, at)
        case _:
            return not_helping(incident, command.by) or _helped(incident, command, at)


def _helped(
    incident: Incident, command: DealWith | SayGone | FixAnotherWay | CallFalse | Summon, at: datetime
) -> Decided:
    match command:
        case DealWith():
            return _deal_with(incident, command, at)
        case SayGone():
            return _gone(incident, command, at)
        case FixAnotherWay():
            return _fix(incident, command, at)
        case CallFalse():
            return _false(incident, command, at)
        case Summon():
            return (Summoned(at, command.by, command.people, command.note),) if command.people else _nobody()


def _nobody() -> Refusal:
    return Refusal(No.WORDS_MISSING, "Say whom to page: a user or a user group.")


def _noted(command: Note, at: datetime) -> Decided:
    words = command.note.strip()
    return (Noted(at, command.by, words),) if words else Refusal(No.WORDS_MISSING, "A note needs words.")


# --- who has it -----------------------------------------------------------------------------------------------------


def _acknowledge(incident: Incident, command: Acknowledge, at: datetime) -> Decided:
    by, since = incident.acknowledged_by, incident.acknowledged_at
    if by is not None and since is not None and not _outranks(incident, command):
        who = "you" if same_person(by, command.by) else by.name
        sentence = f"{incident.id} is already acknowledged by {who}, since {clock(since)}."
        return Refusal(No.ALREADY_ACKNOWLEDGED, sentence)
    return (Acknowledged(at, command.by),)


def _outranks(incident: Incident, command: Acknowledge) -> bool:
    """Whether a responder acknowledges over somebody from outside, whose word holds for minutes only."""
    outside = incident.acknowledged_by is not None and incident.acknowledged_by.outside
    return outside and incident.commander is None and not command.by.outside


def _still_on_it(incident: Incident, command: SayStillOnIt, at: datetime) -> Decided:
    if refused := not_helping(incident, command.by):
        return refused
    if incident.acknowledged_by is None:
        return Refusal(No.NOTHING_EXPIRES, f"Nobody has acknowledged {incident.id} (any more): acknowledge it.")
    if not expires(incident):
        return Refusal(No.NOTHING_EXPIRES, f"The acknowledgement of {incident.id} does not expire; nothing to say.")
    return (StillOnIt(at, command.by),)


def expires(incident: Incident) -> bool:
    """Whether whoever has it is asked from time to time whether they are still on it."""
    if incident.commander is not None or incident.recovered_at is not None:
        return False
    care = incident.care
    return incident.tier is Tier.ROLLBACK or care.fixing is not None or care.watching_until is not None


def _watch(incident: Incident, command: WatchByHand, at: datetime) -> Decided:
    if not incident.blind:
        return Refusal(No.NOT_BLIND, f"The monitor sees what {incident.id} is about; acknowledge it.")
    return not_helping(incident, command.by) or (WatchingByHand(at, command.by, at + WATCHES),)


def _start(incident: Incident, command: StartProcedure, at: datetime) -> Decided:
    if incident.blind:
        return Refusal(No.BLIND, f"{incident.id} says that the monitor cannot see; there is nothing to roll back.")
    if refused := not_helping(incident, command.by):
        return refused
    if incident.commander is not None and incident.started_at is not None:
        return Refusal(No.ALREADY_STARTED, _commanded(incident, command, clock(incident.started_at)))
    return (ProcedureStarted(at, command.by, command.procedure, command.steps, command.plan),)


def _commanded(incident: Incident, command: StartProcedure, since: str) -> str:
    commander = incident.commander
    if commander is None or same_person(commander, command.by):
        return f"You command {incident.id} since {since}; the checklist is in the thread."
    return (
        f"{commander.name} commands {incident.id} since {since}. Offer your help in the thread, where the checklist "
        "is, or ask for command there."
    )


# --- what it was ----------------------------------------------------------------------------------------------------


def _firing(incident: Incident, key: AlertKey) -> Firing | Refusal:
    firing = next((one for one in incident.active if one.key == key), None)
    return firing or Refusal(No.NO_SUCH_ALERT, f"{key.alert} does not fire in {incident.id} (any more).")


def _deal_with(incident: Incident, command: DealWith, at: datetime) -> Decided:
    firing = _firing(incident, command.key)
    if isinstance(firing, Refusal):
        return firing
    if firing.resolve is not Resolve.BY_PERSON:
        return Refusal(No.BY_SIGNAL, f"{command.key.alert} clears by its own signal; nobody needs to say so.")
    return (DealtWith(at, command.by, command.key, command.note),)


def _gone(incident: Incident, command: SayGone, at: datetime) -> Decided:
    firing = _firing(incident, command.key)
    if isinstance(firing, Refusal):
        return firing
    if firing.key.tier is Tier.BLIND:
        return Refusal(No.BLIND, f"{firing.key.alert} is unseen: that ends when it is seen again, or with its rule.")
    if command.presence is not Presence.VANISHED:
        return Refusal(No.NOT_GONE, _not_gone(firing, command.presence))
    return (GoneForGood(at, command.by, command.key, command.note),)


def _not_gone(firing: Firing, presence: Presence) -> str:
    """Only what was looked for and not found has vanished; else it would be proof of what nobody has seen."""
    other = "a false alarm, or an end without proof, ends what cannot be waited for."
    if presence is Presence.THERE:
        return f"{firing.summary}: it was in the data when they were read last, so it ends when it is clear; {other}"
    return f"Whether {firing.key.alert} vanished is not known: the monitor has not looked for it lately; {other}"


def _fix(incident: Incident, command: FixAnotherWay, at: datetime) -> Decided:
    if incident.commander is not None:
        sentence = f"{incident.commander.name} rolls back already; abort the procedure first, or add a note."
        return Refusal(No.ALREADY_STARTED, sentence)
    if incident.blind:
        return Refusal(No.BLIND, f"{incident.id} says that the monitor cannot see: acknowledge it or watch by hand.")
    return (FixingAnotherWay(at, command.by, command.note),)


def _false(incident: Incident, command: CallFalse, at: datetime) -> Decided:
    """Retire what fires; nothing is left then but to end, unless something was changed already."""
    if incident.commander is not None and (refused := not_commanding(incident, command.by)):
        return refused
    if not command.reason.strip():
        return Refusal(No.WORDS_MISSING, "Say why it is a false alarm: whoever tunes the rule needs to know.")
    if incident.blind:
        return Refusal(No.BLIND, f"{incident.id} says that the monitor cannot see; that is no alarm to call false.")
    keys = tuple(one.key for one in incident.signals)
    if not keys:
        return Refusal(No.NO_SUCH_ALERT, f"Nothing fires in {incident.id} (any more); it ends by itself or by End.")
    said = FalseAlarm(at, command.by, command.reason, keys)
    moved = incident.running is not None and bool(changed(incident.running))
    return (said,) if moved else (said, Ended(at, command.by, EndReason.FALSE_ALARM, command.reason))


def retired(response: Response) -> tuple[AlertKey, ...]:
    """Give the alerts that what happened takes from the rules' state: a breach after that is a new one."""
    keys: list[AlertKey] = []
    for event in response.events:
        match event:
            case DealtWith() | GoneForGood():
                keys.append(event.key)
            case FalseAlarm():
                keys += event.keys
            case Ended(reason=EndReason.FORCED) if response.before is not None:
                keys += [one.key for one in response.before.signals]
    return tuple(dict.fromkeys(keys))
