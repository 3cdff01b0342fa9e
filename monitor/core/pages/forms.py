"""What an action asks for in words: the fields of its form, filled in as far as they are known. Pure.

The same fields are a modal in Slack, options of the command line and the body of an API request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.core.incidents.incident import Incident
from monitor.core.pages.actions import instance, may_be_gone, to_deal_with
from monitor.core.pages.page import Action, ActionKind
from monitor.core.procedures.proposals import PROPOSED, proposed


class Input(StrEnum):
    """How a field is filled in."""

    LINE = "line"
    TEXT = "text"
    CHOICE = "choice"
    PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class Ask:
    """One field: its name in requests, its label, and what stands in it beforehand.

    `choices` are (value, label); `hint` is one line under the field.
    """

    name: str
    label: str
    input: Input = Input.LINE
    optional: bool = False
    initial: str = ""
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """A form: its title, a sentence on what it will do, its fields, and the word on its button."""

    title: str
    text: str
    asks: tuple[Ask, ...]
    submit: str


NOTE = Ask("note", "What is to be remembered?", Input.TEXT)
REASON = Ask("reason", "Why?", Input.TEXT)

FORMS: Mapping[ActionKind, Form] = {
    ActionKind.DEALT_WITH: Form(
        "Dealt with",
        "This ends the alert; a breach after that pages anew.",
        (Ask("note", "What was done?", Input.TEXT),),
        "It is dealt with",
    ),
    ActionKind.FIX_ANOTHER_WAY: Form(
        "Fixing another way",
        "The incident stays open, and you are asked every 30 min whether you are still on it.",
        (Ask("note", "What are you doing about it?", Input.TEXT, optional=True),),
        "I am on it",
    ),
    ActionKind.FALSE_ALARM: Form(
        "False alarm",
        "What fires is retired and silenced for these very instances. Anything else pages as ever.",
        (
            Ask("reason", "Why is it none?", Input.TEXT, hint="Whoever tunes the rule reads this."),
            Ask("lasts", "Silenced for", initial="24h", hint="At most 24h, such as 2h."),
        ),
        "False alarm",
    ),
    ActionKind.GONE_FOR_GOOD: Form(
        "Gone for good",
        "An instance that fired and vanished will not come back; its alert ends.",
        (Ask("note", "What became of it?", Input.TEXT),),
        "It is gone",
    ),
    ActionKind.SUMMON: Form(
        "Page somebody else",
        "They are mentioned in the thread.",
        (
            Ask("people", "Whom?", Input.PEOPLE),
            Ask("note", "What for?", Input.TEXT, optional=True),
        ),
        "Page them",
    ),
    ActionKind.NOTE: Form("Note", "It goes into the record.", (NOTE,), "Add"),
    ActionKind.SKIP: Form("Skip this step", "It stays visible as skipped.", (REASON,), "Skip"),
    ActionKind.NOT_RELEVANT: Form("Not relevant", "The step does not apply here.", (REASON,), "Not relevant"),
    ActionKind.ANSWER_CHECK: Form(
        "Result of the check",
        "The monitor does not run it; you did.",
        (
            Ask("passed", "Did it pass?", Input.CHOICE, choices=(("yes", "It passed"), ("no", "It failed"))),
            Ask("note", "What did it say?", Input.TEXT, optional=True),
        ),
        "Enter",
    ),
    ActionKind.ALLOW_DEPLOY: Form(
        "Allow one deploy",
        "The gate lets the next deploy of this service through, once.",
        (Ask("service", "Service"),),
        "Allow it",
    ),
    ActionKind.ABORT: Form(
        "Give the procedure up",
        "Deploys open again. What was changed already stays changed, and is listed in the thread.",
        (REASON,),
        "Give up",
    ),
    ActionKind.FORCE_END: Form(
        "End without proof",
        "A second person must agree; if nobody does within 5 min, you may do it alone.",
        (
            Ask("reason", "Why may it end?", Input.TEXT),
            Ask("lasts", "Silence what still fires for", initial="1h", hint="At most 24h."),
        ),
        "Ask for it",
    ),
    ActionKind.REOPEN: Form("Open it again", "It was ended too early.", (REASON,), "Open again"),
    ActionKind.EXPLAIN: Form(
        "Why did it go away?",
        "One tap for whoever tunes the rule.",
        (
            Ask(
                "note",
                "What was it?",
                Input.CHOICE,
                choices=(
                    ("it healed by itself", "It healed by itself"),
                    ("somebody fixed it", "Somebody fixed it"),
                    ("a false alarm", "A false alarm"),
                    ("nobody knows", "Nobody knows"),
                ),
            ),
        ),
        "That is why",
    ),
    ActionKind.COMPLETE: Form(
        "Complete the record",
        "What is known now is enough; write it while it is remembered.",
        (
            Ask("root_cause", "Root cause", Input.TEXT),
            Ask(
                "follow_ups",
                "Follow-ups",
                Input.TEXT,
                optional=True,
                hint="One a line: what; owner; due date as 2026-12-31",
            ),
        ),
        "Complete",
    ),
    ActionKind.ABORT_DRILL: Form(
        "Abort the drill",
        "Its page ends, and the channel is told. Anybody may; that is a result too, and nobody is blamed for it.",
        (REASON,),
        "Abort it",
    ),
}
"""The forms whose fields are always the same."""

MOST_CHOICES = 100
"""Alerts that a form offers."""

TARGET = "target."
"""Before the name of a service: the field that holds its target version."""


def form(kind: ActionKind, incident: Incident, subject: str = "") -> Form | None:
    """Give the form of an action on `incident` about `subject` (a step, a check); None where it asks for nothing."""
    match kind:
        case ActionKind.PIN:
            return None if subject == PROPOSED else _pin(incident)
        case ActionKind.COLLECT:
            return _collect(incident, subject)
        case ActionKind.ALLOW_DEPLOY:
            return _allow(incident)
        case ActionKind.DEALT_WITH | ActionKind.GONE_FOR_GOOD if not subject:
            return _which(kind, incident)
        case ActionKind.FORCE_END if not incident.signals:
            return replace(FORMS[kind], asks=FORMS[kind].asks[:1])
        case _:
            return FORMS.get(kind)


def question(action: Action) -> Form:
    """Give the question of an action as a form without fields, for where nothing else can ask it."""
    title, text, yes, _ = action.confirm or (action.label, "", action.label, "")
    return Form(title, text, (), yes)


def _which(kind: ActionKind, incident: Incident) -> Form:
    """Ask which of several alerts is meant."""
    found = to_deal_with(incident) if kind is ActionKind.DEALT_WITH else may_be_gone(incident)
    if len(found) <= 1:
        return FORMS[kind]
    choices = tuple((str(number), instance(one.key)) for number, one in found[:MOST_CHOICES])
    return replace(FORMS[kind], asks=(Ask("alert", "Which one?", Input.CHOICE, choices=choices), *FORMS[kind].asks))


def _pin(incident: Incident) -> Form:
    known = incident.progress.services if incident.progress else ()
    asks = [
        Ask(f"{TARGET}{one.service}", one.service, initial=one.pinned.target, optional=True, hint=_runs(one.versions))
        for one in known
    ]
    offer = proposed(incident)
    asks += [
        Ask(f"{TARGET}{one.service}", one.service, initial=one.target, optional=True, hint=_runs((one.current,)))
        for one in offer
    ]
    services = dict.fromkeys(one.service for one in incident.alerts if one.service)
    named = {one.service for one in known} | {one.service for one in offer}
    asks += [Ask(f"{TARGET}{one}", one, optional=True) for one in services if one not in named]
    other = Ask("other", "Others", Input.TEXT, optional=True, hint="One a line: service version")
    text = "The version that each changed service goes back to. See that the image is there before you pin it."
    return Form("Rollback targets", text, (*asks[:20], other), "Pin")


def _runs(versions: tuple[str, ...]) -> str:
    return f"Runs {', '.join(versions)} now." if versions else ""


def _collect(incident: Incident, subject: str) -> Form | None:
    step = incident.progress.step(subject) if incident.progress else None
    state = incident.progress.state(subject) if incident.progress else None
    if step is None or not step.collect:
        return None
    before = dict(state.collected) if state else {}
    asks = tuple(
        Ask(one.id, one.title, Input.TEXT, optional=True, initial=before.get(one.id, "")) for one in step.collect
    )
    return Form(step.title, "Write down what is known.", asks, "Write down")


def _allow(incident: Incident) -> Form:
    services = [one.service for one in incident.progress.services] if incident.progress else []
    plain = FORMS[ActionKind.ALLOW_DEPLOY]
    hint = f"For example {services[0]}." if services else ""
    return replace(plain, asks=(replace(plain.asks[0], hint=hint),))
