"""Whether a button that was drawn earlier still means what it meant: the incident then against the incident now.

Pure. A button drawn at an older revision is good as long as what it asks for has not changed meanwhile.
"""

from monitor.core.actor import same_person
from monitor.core.incidents.asks import (
    Acknowledge,
    Approve,
    CallFalse,
    Choose,
    Command,
    DealWith,
    FinishStep,
    FixAnotherWay,
    ForceEnd,
    GiveCommand,
    No,
    Refusal,
    SkipStep,
    StartProcedure,
    StepCommand,
    UndoStep,
)
from monitor.core.incidents.incident import Incident
from monitor.core.model import AlertKey, Tier
from monitor.core.words import clock


def overtaken(then: Incident, now: Incident, command: Command) -> Refusal | None:
    """Give the refusal of `command`, asked for on a page that showed `then`, where it meant something else; or None.

    What ended or was taken meanwhile is no matter of this: `decide` has better words for it.
    """
    if not now.is_open:
        return None
    match command:
        case Acknowledge() | FixAnotherWay():
            why = _unseen(then, now)
        case CallFalse() | ForceEnd():
            why = _joined_since(then, now)
        case StartProcedure():
            why = _recovered(then, now)
        case DealWith():
            why = _fired_again(then, now, command.key)
        case _:
            why = _another_step(then, now, command) if isinstance(command, StepCommand) else ""
    return Refusal(No.OVERTAKEN, f"{why} Nothing was done: look at the page again.") if why else None


def _unseen(then: Incident, now: Incident) -> str:
    """An acknowledgement says "I have seen it": it does not cover what had not happened yet."""
    if then.tier is not Tier.ROLLBACK and now.tier is Tier.ROLLBACK:
        return f"{now.id} has become a rollback since the page that you acknowledged."
    if then.recovered_at is not None and now.recovered_at is None:
        return f"{now.id} is back since the page that you acknowledged: it showed clear signals."
    return ""


def _joined_since(then: Incident, now: Incident) -> str:
    """What is retired or silenced is what was seen to fire, and not what has joined it since."""
    seen = {(one.key, one.fired_at) for one in then.active}
    joined = [one for one in now.signals if (one.key, one.fired_at) not in seen]
    return f"{joined[0].summary} fires in {now.id} since the page that you looked at." if joined else ""


def _recovered(then: Incident, now: Incident) -> str:
    if then.recovered_at is None and now.recovered_at is not None and now.commander is None:
        return f"All signals of {now.id} are clear since {clock(now.recovered_at)}; there is nothing to roll back."
    return ""


def _fired_again(then: Incident, now: Incident, key: AlertKey) -> str:
    before = next((one for one in then.alerts if one.key == key), None)
    after = next((one for one in now.active if one.key == key), None)
    if before is None or after is None or before.fired_at == after.fired_at:
        return ""
    return f"{key.alert} fired again at {clock(after.fired_at)}, which is not the breach that the button meant."


def _another_step(then: Incident, now: Incident, command: StepCommand) -> str:
    return _another_procedure(then, now) or _turned(then, now, command) or _another_question(then, now, command)


def _turned(then: Incident, now: Incident, command: StepCommand) -> str:
    """A step that was settled and opened again meanwhile is not the one that was looked at, though it looks the same.

    Nor is a tick that is to be taken back, where it is another one. What is merely settled is said by `decide`.
    """
    if not isinstance(command, FinishStep | SkipStep | Choose | UndoStep) or not (then.progress and now.progress):
        return ""
    before, after, step = (
        then.progress.state(command.step),
        now.progress.state(command.step),
        now.progress.step(command.step),
    )
    if before is None or after is None or step is None or before.turns == after.turns:
        return ""
    if after.open is isinstance(command, UndoStep):
        return ""
    happened = "taken back and settled anew" if isinstance(command, UndoStep) else "settled and opened again"
    return f"“{step.title}” was {happened} since the page that you looked at."


def _another_procedure(then: Incident, now: Incident) -> str:
    """A card of a procedure that was given up says nothing of the one that was started after it."""
    if now.running is None or now.started_at is None or then.started_at in {None, now.started_at}:
        return ""
    return f"The procedure of {now.id} was started anew at {clock(now.started_at)}; the button was of the one before."


def _another_question(then: Incident, now: Incident, command: StepCommand) -> str:
    """Who agrees, agrees to what they read: to that decision, to that person."""
    match command:
        case Choose():
            before = then.progress.decision(command.step) if then.progress else None
            after = now.progress.decision(command.step) if now.progress else None
            if after is not None and after != before and not same_person(after.by, command.by):
                return f"{after.by.name} decided at {clock(after.at)}: {after.choice}."
        case Approve():
            before = then.progress.decision(command.step) if then.progress else None
            after = now.progress.decision(command.step) if now.progress else None
            if before and after and (before.choice, before.by, before.at) != (after.choice, after.by, after.at):
                return f"{after.by.name} decided anew at {clock(after.at)}: {after.choice} instead of {before.choice}."
        case GiveCommand():
            asked, asks = then.care.wants_command, now.care.wants_command
            if asked and asks and asked != asks:
                return f"It is {asks.by.name} who asks for command now, and no longer {asked.by.name}."
    return ""
