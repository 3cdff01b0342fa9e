"""The buttons of a page, of its procedure card, and of what is told in its thread. Pure.

Their values carry no authority.
"""

from collections.abc import Callable, Mapping

from monitor.core.incidents.closing import REOPEN_WITHIN
from monitor.core.incidents.due import owes_record
from monitor.core.incidents.escalation import held_until
from monitor.core.incidents.events import EndReason, Firing
from monitor.core.incidents.incident import Incident
from monitor.core.model import AlertKey, Tier
from monitor.core.naming import GIVEN_UP, drill_named, is_drill
from monitor.core.pages.page import Action, ActionKind, Place
from monitor.core.pages.posts import Happening, Notice
from monitor.core.pages.shell import ASKS_FOR_ANOTHER, ASKS_FOR_TWO, SPELLINGS, typed
from monitor.core.procedures.procedure import Does, Step
from monitor.core.procedures.progress import Progress, blocked, current, last_settled, members, open_wave
from monitor.core.procedures.proposals import PROPOSED, proposed
from monitor.core.procedures.verification import Outcome
from monitor.core.rules.rule import Resolve

STILL = "Still on it, +15 min"

MOST_BUTTONS = 3
"""Alerts that have a button each; of more, a form asks which one is meant."""


def _value(incident: Incident, subject: str = "") -> str:
    """Give a button's value: it names the incident and the revision that was looked at, and what it is about."""
    return f"{incident.id}|{incident.rev}{f'|{subject}' if subject else ''}"


def under_question(incident: Incident) -> tuple[Action, ...]:
    """Give the button under the question whether somebody is still on it."""
    return (Action(ActionKind.STILL_ON_IT, STILL, _value(incident), place=Place.FIRST),)


def under_escalation(incident: Incident) -> tuple[Action, ...]:
    """Give the button under an escalation."""
    return (Action(ActionKind.ACKNOWLEDGE, "Acknowledge", _value(incident), place=Place.FIRST),)


def under_command_wish(incident: Incident) -> tuple[Action, ...]:
    """Give the button under the question for command."""
    wish = incident.care.wants_command
    if wish is None or incident.commander is None:
        return ()
    return (Action(ActionKind.GIVE_COMMAND, f"Hand over to {wish.by.name}", _value(incident)),)


def under_force(incident: Incident) -> tuple[Action, ...]:
    """Give the button under the question whether it may end without proof."""
    wish = incident.care.wants_end
    if wish is None or not incident.is_open:
        return ()
    confirm = (
        "End it without proof?",
        f"{wish.by.name} says: {wish.reason}. You agree as the second person, and it goes into the evidence.",
        "I agree",
        "Not yet",
    )
    return (Action(ActionKind.FORCE_END, "Agree to end it", _value(incident), confirm, danger=True),)


def under_approval(incident: Incident) -> tuple[Action, ...]:
    """Give the button under a decision that an approver must agree to."""
    progress = incident.running
    waits = next((one for one in progress.decisions if not one.counts), None) if progress else None
    return (_approve(incident, waits.step),) if waits is not None else ()


def _approve(incident: Incident, step: str) -> Action:
    confirm = ("Agree to it?", "You agree as an approver; what follows cannot be undone.", "I agree", "Not yet")
    return Action(ActionKind.APPROVE, "Approve", _value(incident, step), confirm, danger=True, place=Place.FIRST)


def under_notice(notice: str, said: str) -> tuple[Action, ...]:
    """Give the buttons under what the channel of drills is told of one that begins, is over or waits for a signature.

    One that waits for its fault names the command for that, and has its button.
    """
    drill = drill_named(said)
    value, waits = f"{drill}|1", typed(ActionKind.INJECT_FAULT, drill) in said
    if drill and notice in {Notice.DRILL_OVER, Notice.DRILL_SIGNED}:
        return sign_off(value, said)
    if not drill or notice != Notice.DRILL_STARTED:
        return ()
    inject = Action(ActionKind.INJECT_FAULT, "Fault injected now", value, place=Place.FIRST)
    return (*((inject,) if waits else ()), abort_drill(value))


def abort_drill(value: str) -> Action:
    """Give what ends a drill at once; anybody may, since it may frighten anybody."""
    return Action(ActionKind.ABORT_DRILL, "Abort drill…", value, place=Place.MORE, asks=True)


def sign_off(value: str, said: str) -> tuple[Action, ...]:
    """Give the button to stand by the result of a drill, where what is `said` of its end asks for it."""
    label = SPELLINGS[ActionKind.SIGN_OFF].button
    confirm = ("Sign it off?", "You stand by what the report says of this drill. Two people must.", label, "Not yet")
    asks = GIVEN_UP not in said and (ASKS_FOR_TWO in said or ASKS_FOR_ANOTHER in said)  # people's words stand in it too
    return (Action(ActionKind.SIGN_OFF, label, value, confirm),) if asks else ()


UNDER: Mapping[str, Callable[[Incident], tuple[Action, ...]]] = {
    Happening.ASKED: under_question,
    Happening.COMMAND_ASKED: under_command_wish,
    Happening.FORCE_ASKED: under_force,
    Happening.ASKS_APPROVER: under_approval,
}
"""The buttons under what asks for something, by what it is."""


# --- the page -------------------------------------------------------------------------------------------------------


def actions_of(incident: Incident) -> tuple[Action, ...]:
    """Give the buttons of the page."""
    if not incident.is_open:
        return _after_the_end(incident)
    return (*_owning(incident), *_starting(incident), *_dealing(incident), *_more(incident))


def _owning(incident: Incident) -> list[Action]:
    actions = []
    if incident.acknowledged_by is None or (held_until(incident) is not None and incident.commander is None):
        actions.append(Action(ActionKind.ACKNOWLEDGE, "Acknowledge", _value(incident), place=Place.FIRST))
    if incident.asked_at is not None and incident.commander is None:
        actions.append(Action(ActionKind.STILL_ON_IT, STILL, _value(incident), place=Place.FIRST))
    if incident.blind:
        actions.append(Action(ActionKind.WATCH_BY_HAND, "Watching by hand, 30 min", _value(incident)))
    return actions


def _starting(incident: Incident) -> list[Action]:
    if incident.commander is not None or incident.blind or incident.recovered_at is not None:
        return []
    unlikely = incident.changes is not None and incident.changes.nothing
    place = Place.MORE if unlikely else Place.ROW  # where nothing was released, a rollback will hardly help
    return [
        Action(
            ActionKind.START, "Start rollback…", _value(incident), _start_confirm(incident), danger=True, place=place
        )
    ]


def _dealing(incident: Incident) -> list[Action]:
    """Give a button for each alert that a person resolves; of many, one that asks which."""
    found = to_deal_with(incident)
    if len(found) > MOST_BUTTONS:
        return [Action(ActionKind.DEALT_WITH, f"Dealt with (one of {len(found)})…", _value(incident), asks=True)]
    return [
        Action(
            ActionKind.DEALT_WITH,
            f"Dealt with: {instance(firing.key)}",
            _value(incident, str(number)),
            _dealt_confirm(firing),
        )
        for number, firing in found
    ]


def to_deal_with(incident: Incident) -> tuple[tuple[int, Firing], ...]:
    """Give the alerts that end by a person's word, each with its number."""
    return tuple(
        (number, one)
        for number, one in enumerate(incident.alerts)
        if one.active and one.resolve is Resolve.BY_PERSON and one.key.tier is not Tier.BLIND
    )


def may_be_gone(incident: Incident) -> tuple[tuple[int, Firing], ...]:
    """Give the firing alerts of one instance among others, each with its number: such a one can be gone for good."""
    return tuple(
        (number, one)
        for number, one in enumerate(incident.alerts)
        if one.active and one.key.labels and one.key.tier is not Tier.BLIND
    )


def _more(incident: Incident) -> list[Action]:
    """Give what is wanted less often, behind ⋯."""
    value = _value(incident)
    more = [Action(ActionKind.SUMMON, "Page somebody else…", value, place=Place.MORE, asks=True)]
    more.append(Action(ActionKind.NOTE, "Note…", value, place=Place.MORE, asks=True))
    more += [abort_drill(value)] if is_drill(incident.id) else []
    if incident.blind:
        return more
    if incident.commander is None and incident.recovered_at is None:
        more.append(Action(ActionKind.FIX_ANOTHER_WAY, "Real, fixing another way…", value, place=Place.MORE, asks=True))
    if incident.signals:
        more.append(Action(ActionKind.FALSE_ALARM, "False alarm…", value, place=Place.MORE, asks=True))
    return [*more, *_gone(incident)]


def _gone(incident: Incident) -> list[Action]:
    """Give one button: a menu holds five things, so of several instances its form asks which."""
    found = may_be_gone(incident)
    if len(found) != 1:
        several = Action(ActionKind.GONE_FOR_GOOD, "Gone for good…", _value(incident), place=Place.MORE, asks=True)
        return [several] if found else []
    number, firing = found[0]
    label, about = f"Gone for good: {instance(firing.key)}…", _value(incident, str(number))
    return [Action(ActionKind.GONE_FOR_GOOD, label, about, place=Place.MORE, asks=True)]


def _after_the_end(incident: Incident) -> tuple[Action, ...]:
    """Give what is left to do: why it went away, what is to be written down, and whether it was too early."""
    value, actions = _value(incident), []
    if owes_record(incident):
        actions.append(Action(ActionKind.COMPLETE, "Complete the record…", value, asks=True))
    if incident.end_reason is EndReason.BY_ITSELF and not incident.care.explained:
        actions.append(Action(ActionKind.EXPLAIN, "Why did it go away?…", value, asks=True))
    early = incident.end_reason in {EndReason.BY_PERSON, EndReason.FORCED, EndReason.FALSE_ALARM}
    if early and not is_drill(incident.id):
        minutes = int(REOPEN_WITHIN.total_seconds() // 60)
        label = f"Open again (within {minutes} min)…"
        actions.append(Action(ActionKind.REOPEN, label, value, place=Place.MORE, asks=True))
    return (*actions, *(sign_off(value, incident.end_note) if is_drill(incident.id) else ()))


def instance(key: AlertKey) -> str:
    """Give the name of an alert with what tells its instance from others: DataIntegrityAtRisk (ledger_balance)."""
    where = ", ".join(value for _, value in key.labels if value)
    return f"{key.alert} ({where})" if where else key.alert


def _start_confirm(incident: Incident) -> tuple[str, str, str, str]:
    freezes = "" if is_drill(incident.id) else f" deploys of {incident.environment} freeze,"
    text = (
        f"Nothing is rolled back by this. You become incident commander,{freezes} and the checklist opens in the "
        "thread."
    )
    return "Start the rollback?", text, "Take command", "Not yet"


def _dealt_confirm(firing: Firing) -> tuple[str, str, str, str]:
    text = f"This ends the alert “{firing.summary}”. A breach after that pages anew."
    return "Is it dealt with?", text, "It is dealt with", "Not yet"


# --- the card -------------------------------------------------------------------------------------------------------


def step_actions(incident: Incident, progress: Progress, step: Step) -> tuple[Action, ...]:
    """Give the buttons of the step that is open."""
    value = _value(incident, step.id)
    actions = [*_settling(progress, step, value), *_own(incident, progress, step)]
    if step.collect:
        actions.append(Action(ActionKind.COLLECT, "Write down…", value, asks=True))
    if step.does is not Does.END:
        actions.append(Action(ActionKind.SKIP, "Skip…", value, place=Place.MORE, asks=True))
        actions.append(Action(ActionKind.NOT_RELEVANT, "Not relevant…", value, place=Place.MORE, asks=True))
    return tuple(actions)


def _settling(progress: Progress, step: Step, value: str) -> list[Action]:
    """Give the button that settles the step by a person's word, where the monitor does not see it for itself."""
    if step.does is Does.END or (step.does is Does.PIN and not progress.services):
        return []
    if step.choose or step.checks or (step.waves and progress.services):
        return []
    return [Action(ActionKind.DONE, "Done", value, place=Place.FIRST)]


def _own(incident: Incident, progress: Progress, step: Step) -> list[Action]:
    """Give the buttons that belong to what the step is about."""
    actions: list[Action] = []
    if step.does is Does.PIN and (offer := proposed(incident)):
        named = ", ".join(f"{one.service} {one.target}" for one in offer)
        about = _value(incident, PROPOSED)
        actions.append(Action(ActionKind.PIN, f"Pin {named}", about, place=Place.FIRST))
    if step.does is Does.PIN:
        label = "Pin or change targets…" if progress.services else "Pin targets…"
        actions.append(Action(ActionKind.PIN, label, _value(incident), asks=True))
    if step.does is Does.END:
        actions.append(_end(incident))
    for choice in step.choose:
        about = _value(incident, f"{step.id}/{choice.id}")
        actions.append(Action(ActionKind.CHOOSE, choice.title, about, danger=choice.needs_approver))
    if any(one.step == step.id and not one.counts for one in progress.decisions):
        actions.append(_approve(incident, step.id))
    wave = open_wave(progress, step) if step.waves else None
    for one in members(progress, wave) if wave else ():
        if not one.at_target and not one.seen_at and not blocked(progress, one):
            label = f"{one.service} is at {one.pinned.target}"
            actions.append(Action(ActionKind.SERVICE_DONE, label, _value(incident, one.service)))
    for result in progress.results if step.checks else ():
        if result.outcome is Outcome.NOT_RUN:
            about = _value(incident, result.id)
            actions.append(Action(ActionKind.ANSWER_CHECK, f"Result: {result.title}…", about, asks=True))
    return actions


def _end(incident: Incident) -> Action:
    text = "The page goes green and deploys open again. The record can be completed afterwards."
    confirm = ("Is it over?", text, "End it", "Not yet")
    return Action(ActionKind.END, "End incident", _value(incident), confirm, place=Place.FIRST)


def card_actions(incident: Incident) -> tuple[Action, ...]:
    """Give what may always be done while a procedure runs."""
    if incident.running is None:
        return ()
    value, last = _value(incident), _undoable(incident)
    more = [Action(ActionKind.TAKE_COMMAND, "Take command", value, place=Place.MORE)]
    if last:
        more.append(Action(ActionKind.UNDO, "Undo the last tick", _value(incident, last), place=Place.MORE))
    more.append(Action(ActionKind.ALLOW_DEPLOY, "Allow one deploy…", value, place=Place.MORE, asks=True))
    more.append(Action(ActionKind.FORCE_END, "End without proof…", value, place=Place.MORE, asks=True))
    more.append(Action(ActionKind.ABORT, "Give the procedure up…", value, place=Place.MORE, asks=True))
    return tuple(more)


def _undoable(incident: Incident) -> str:
    """Give the step that was settled last by a person, or nothing."""
    return last_settled(incident.progress) if incident.progress else ""


def everything(incident: Incident) -> tuple[Action, ...]:
    """Give everything that may be done on `incident` now, what is next first, each once: for who sees no buttons."""
    progress, step = incident.running, current(incident.running) if incident.running else None
    asked = [one for under in UNDER.values() for one in under(incident)] if incident.is_open else []
    if incident.asked_at is None:
        asked = [one for one in asked if one.kind is not ActionKind.STILL_ON_IT]
    steps = step_actions(incident, progress, step) if progress and step else ()
    found = (*under_approval(incident), *steps, *asked, *actions_of(incident), *card_actions(incident))
    return tuple({(one.kind, one.value, one.asks): one for one in found}.values())
