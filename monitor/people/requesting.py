"""What somebody asks for, read: an action with its words becomes a command, or a sentence on what is missing.

The words come from a form, the command line or the API, all under the same names (`monitor.core.pages.forms`).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from monitor.core.actor import Actor
from monitor.core.incidents.asks import (
    Abort,
    Acknowledge,
    AllowDeploy,
    AnswerCheck,
    Approve,
    CallFalse,
    Choose,
    Collect,
    Command,
    CompleteRecord,
    DealWith,
    End,
    ExplainEnd,
    FinishStep,
    FixAnotherWay,
    ForceEnd,
    GiveCommand,
    Note,
    Pin,
    Reopen,
    SayGone,
    SayRolledBack,
    SayStillOnIt,
    SkipStep,
    StartProcedure,
    Summon,
    TakeCommand,
    UndoStep,
    WatchByHand,
)
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import FollowUp, Pinned
from monitor.core.model import AlertKey, Presence
from monitor.core.pages.actions import instance
from monitor.core.pages.forms import TARGET
from monitor.core.pages.page import OF_DRILLS, ActionKind
from monitor.core.pages.shell import typed
from monitor.core.procedures.procedure import Procedure
from monitor.core.procedures.progress import Progress, current, last_settled
from monitor.core.procedures.proposals import PROPOSED, proposed

LONGEST = 2_000
"""Characters that a field of a form may hold."""

MOST_SILENT = timedelta(hours=24)
"""For how long a false alarm may be silenced."""

_CALLABLE = re.compile(r"[SUW][A-Z0-9]{1,20}")
"""What a pager can call: a user or a user group by its id."""

_LASTS = re.compile(r"(\d{1,4})\s*(m|h)")


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody asks for.

    `subject` is what it is about: an alert by name or number, a step, a service, a check, or a step and its answer
    (`step/choice`). `words` are the fields of its form. `rev` is the revision of the page that was looked at (None: of
    no page). `doubt` says why the rights of `by` could not all be read.
    """

    incident: str
    action: ActionKind
    by: Actor
    subject: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    rev: int | None = None
    doubt: str = ""

    @property
    def silences(self) -> bool:
        """Whether what it retires shall not page for a while either."""
        return self.action in {ActionKind.FALSE_ALARM, ActionKind.FORCE_END}

    def word(self, name: str) -> str:
        """Give a field, or nothing where it was left empty."""
        return self.words.get(name, "").strip()[:LONGEST]


@dataclass(frozen=True, slots=True)
class NotDone:
    """Nothing changed; `sentence` says why, to the person who asked. `unknown`: there is no such incident or action."""

    sentence: str
    unknown: bool = False


Targets = Callable[[Incident, Mapping[str, str]], tuple[Pinned, ...]]
"""Gives what is known of the wanted targets (service to version): where the service is now, its image, migrations."""


def plain_targets(incident: Incident, wanted: Mapping[str, str]) -> tuple[Pinned, ...]:
    """Give targets of which nothing more is known than what was said."""
    known = {one.service: one.pinned for one in incident.progress.services} if incident.progress else {}
    return tuple(
        Pinned(service, target, known[service].current if service in known else "")
        for service, target in wanted.items()
    )


def unknown(_key: AlertKey) -> Presence:
    """Tell of no instance whether it is still in the data: nothing evaluates."""
    return Presence.UNKNOWN


@dataclass(frozen=True, slots=True)
class Requesting:
    """Reads requests; `procedures` gives the procedures in force, `targets` what is known of wanted targets.

    `presence` tells whether an alert's instance is still in the data; where nothing evaluates, nobody knows.
    """

    procedures: Callable[[], Mapping[str, Procedure]]
    targets: Targets = plain_targets
    presence: Callable[[AlertKey], Presence] = unknown

    def command(self, request: Request, incident: Incident) -> Command | NotDone:
        """Give the command that `request` means for `incident`."""
        match request.action:
            case kind if kind in OF_DRILLS:
                return NotDone(f"This is asked of the drill, not of its incident: {typed(kind, request.incident)}")
            case ActionKind.START:
                return self._start(request, incident)
            case ActionKind.PIN:
                return self._pin(request, incident)
            case ActionKind.DEALT_WITH | ActionKind.GONE_FOR_GOOD:
                return self._about_alert(request, incident)
            case ActionKind.DONE | ActionKind.SKIP | ActionKind.NOT_RELEVANT | ActionKind.UNDO | ActionKind.COLLECT:
                return _about_step(request, incident)
            case ActionKind.CHOOSE | ActionKind.APPROVE | ActionKind.SERVICE_DONE | ActionKind.ANSWER_CHECK:
                return _about_procedure(request, incident)
            case ActionKind.COMPLETE:
                return _complete(request)
            case ActionKind.SUMMON:
                return _summon(request)
            case _:
                return _plain(request)

    def _start(self, request: Request, incident: Incident) -> Command | NotDone:
        wanted = next((one.procedure for one in incident.alerts), "rollback")
        procedure = self.procedures().get(wanted)
        if procedure is None:
            return NotDone(f"The rules name a procedure {wanted}, but there is no such file (any more).")
        return StartProcedure(request.by, procedure.id, len(procedure.steps), procedure)

    def _pin(self, request: Request, incident: Incident) -> Command | NotDone:
        if request.subject == PROPOSED:
            return Pin(request.by, proposed(incident))
        wanted = {name.removeprefix(TARGET): request.word(name) for name in request.words if name.startswith(TARGET)}
        for line in request.word("other").splitlines():
            service, _, version = line.strip().replace("=", " ").partition(" ")
            if service and not version.strip():
                return NotDone(f"Write the service and the version that it goes back to, such as {service} 2.13.4.")
            wanted |= {service: version.strip()} if service else {}
        wanted = {service: version for service, version in wanted.items() if version}
        return Pin(request.by, self.targets(incident, wanted) if wanted else ())

    def _about_alert(self, request: Request, incident: Incident) -> Command | NotDone:
        key = _alert(request, incident)
        if isinstance(key, NotDone):
            return key
        note = request.word("note") or "no note"
        if request.action is ActionKind.GONE_FOR_GOOD:
            return SayGone(request.by, key, note, self.presence(key))
        return DealWith(request.by, key, note)


PLAIN: Mapping[ActionKind, Callable[[Request], Command]] = {
    ActionKind.ACKNOWLEDGE: lambda one: Acknowledge(one.by),
    ActionKind.STILL_ON_IT: lambda one: SayStillOnIt(one.by),
    ActionKind.FIX_ANOTHER_WAY: lambda one: FixAnotherWay(one.by, one.word("note")),
    ActionKind.FALSE_ALARM: lambda one: CallFalse(one.by, one.word("reason") or one.word("note")),
    ActionKind.NOTE: lambda one: Note(one.by, one.word("note")),
    ActionKind.WATCH_BY_HAND: lambda one: WatchByHand(one.by),
    ActionKind.ALLOW_DEPLOY: lambda one: AllowDeploy(one.by, one.subject or one.word("service")),
    ActionKind.TAKE_COMMAND: lambda one: TakeCommand(one.by),
    ActionKind.GIVE_COMMAND: lambda one: GiveCommand(one.by),
    ActionKind.ABORT: lambda one: Abort(one.by, one.word("reason")),
    ActionKind.END: lambda one: End(one.by),
    ActionKind.FORCE_END: lambda one: ForceEnd(one.by, one.word("reason")),
    ActionKind.REOPEN: lambda one: Reopen(one.by, one.word("reason")),
    ActionKind.EXPLAIN: lambda one: ExplainEnd(one.by, one.word("note")),
}
"""Actions whose words need no reading."""


def _plain(request: Request) -> Command | NotDone:
    if request.silences and silent_for(request) is None:
        return NotDone("Say how long it stays silenced as 30m or 2h, at most 24h.")
    return PLAIN[request.action](request)


def silent_for(request: Request) -> timedelta | None:
    """Give for how long what is retired shall not page; None where that cannot be read or is too long."""
    said = request.word("lasts") or ("24h" if request.action is ActionKind.FALSE_ALARM else "1h")
    found = _LASTS.fullmatch(said)
    if found is None:
        return None
    span = timedelta(minutes=int(found[1])) if found[2] == "m" else timedelta(hours=int(found[1]))
    return span if timedelta(0) < span <= MOST_SILENT else None


def _summon(request: Request) -> Command | NotDone:
    people = tuple(request.word("people").replace(",", " ").split())
    if unknown := [one for one in people if not _CALLABLE.fullmatch(one)]:
        return NotDone(
            f"{unknown[0][:40]} cannot be called: name people by their Slack ids (U0ANA, in their profile under “Copy "
            "member ID”) and user groups by theirs (S0ONCALL), as routing.yaml does."
        )
    return Summon(request.by, people, request.word("note"))


# --- alerts ---------------------------------------------------------------------------------------------------------


def _alert(request: Request, incident: Incident) -> AlertKey | NotDone:
    said = request.subject or request.word("alert")
    named = [one.key for number, one in enumerate(incident.alerts) if said in {one.key.alert, str(number)}]
    active = [one.key for one in incident.active if one.key in named]
    if len({one.labels for one in active}) > 1:
        numbers = [
            f"{number} is {instance(one.key)}" for number, one in enumerate(incident.alerts) if one.key in active
        ]
        return NotDone(f"{incident.id} has several alerts {said}; name one by its number: {', '.join(numbers)}.")
    if not named:
        return NotDone(f"{incident.id} has no alert {said}.", unknown=True)
    return (active or named)[0]


# --- steps ----------------------------------------------------------------------------------------------------------


def step_meant(request: Request, incident: Incident) -> str:
    """Give the step that is meant: by its name or number; where none is named, the one that it can only be."""
    progress, said = incident.progress, request.subject.partition("/")[0]
    if progress is None:
        return said
    if said.isdigit() and 0 < int(said) <= len(progress.plan.steps):
        return progress.plan.steps[int(said) - 1].id
    return said or _unnamed(request.action, progress)


def _unnamed(action: ActionKind, progress: Progress) -> str:
    """Give the step that is meant where none is named: the last one to undo, the decision that waits, or the next."""
    match action:
        case ActionKind.UNDO:
            return last_settled(progress)
        case ActionKind.APPROVE:
            waiting = [one.step for one in progress.decisions if not one.counts]
            return waiting[0] if len(waiting) == 1 else ""
        case _:
            now = current(progress)
            return now.id if now else ""


def _about_step(request: Request, incident: Incident) -> Command:
    step = step_meant(request, incident)
    match request.action:
        case ActionKind.DONE:
            return FinishStep(request.by, step)
        case ActionKind.UNDO:
            return UndoStep(request.by, step)
        case ActionKind.COLLECT:
            return Collect(request.by, step, tuple((name, request.word(name)) for name in sorted(request.words)))
        case _:
            return SkipStep(request.by, step, request.word("reason"), request.action is not ActionKind.NOT_RELEVANT)


def _about_procedure(request: Request, incident: Incident) -> Command | NotDone:
    match request.action:
        case ActionKind.CHOOSE:
            choice = request.subject.partition("/")[2] or request.word("choice")
            return Choose(request.by, step_meant(request, incident), choice)
        case ActionKind.APPROVE:
            return _approve(request, incident)
        case ActionKind.SERVICE_DONE:
            return SayRolledBack(request.by, request.subject or request.word("service"))
        case _:
            return AnswerCheck(request.by, request.subject, request.word("passed") == "yes", request.word("note"))


def _approve(request: Request, incident: Incident) -> Command | NotDone:
    step = step_meant(request, incident)
    waiting = [one.step for one in incident.progress.decisions if not one.counts] if incident.progress else []
    if not step and len(waiting) > 1:
        return NotDone(f"Several decisions wait for an approver; say which you agree to: {', '.join(waiting)}.")
    return Approve(request.by, step)


# --- the record -----------------------------------------------------------------------------------------------------


def _complete(request: Request) -> Command | NotDone:
    found: list[FollowUp] = []
    for line in request.word("follow_ups").splitlines():
        if not line.strip():
            continue
        parts = [part.strip() for part in line.split(";")]
        day = _day(parts[2]) if len(parts) == 3 else None  # noqa: PLR2004  # what, owner, due
        if day is None or not all(parts):
            return NotDone(f"Not understood: “{line.strip()[:80]}”. Write: what; owner; due date as 2026-12-31.")
        found.append(FollowUp(parts[0], parts[1], day))
    return CompleteRecord(request.by, request.word("root_cause"), tuple(found))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
