"""What people ask of a procedure that runs: steps, targets, decisions, command. Pure."""

from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.actor import Actor, Role, same_person
from monitor.core.incidents.asks import (
    Abort,
    AllowDeploy,
    AnswerCheck,
    Approve,
    Choose,
    Collect,
    FinishStep,
    GiveCommand,
    No,
    Pin,
    Refusal,
    SayRolledBack,
    SkipStep,
    StepCommand,
    TakeCommand,
    UndoStep,
)
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import (
    Approved,
    CheckAnswered,
    Chosen,
    Collected,
    CommandAsked,
    CommandTaken,
    DeployAllowed,
    ProcedureAborted,
    ServiceDone,
    StepDone,
    StepSkipped,
    StepUndone,
    TargetsPinned,
)
from monitor.core.incidents.rights import not_commanding, not_helping, not_started
from monitor.core.procedures.procedure import Does, Step
from monitor.core.procedures.progress import Progress, StepState, StepStatus, blocked, open_wave, stays
from monitor.core.words import clock, lasted

Decided: TypeAlias = tuple[Event, ...] | Refusal

UNDO_WITHIN = timedelta(seconds=60)
"""How long a tick can be taken back."""

SILENT_AFTER = timedelta(minutes=10)
"""A commander who did nothing for so long can be relieved by whoever takes command."""


def lead(incident: Incident, command: StepCommand, at: datetime) -> Decided:
    """Decide what is asked of the procedure of `incident`."""
    if incident.commander is None or incident.running is None:
        return not_helping(incident, command.by) or not_started(incident)
    match command:
        case TakeCommand():
            return _take(incident, incident.commander, command, at)
        case GiveCommand() | Abort() | AllowDeploy():
            return not_commanding(incident, command.by) or _commanded(incident, incident.running, command, at)
        case Approve():
            return _approve(incident, incident.running, command, at)
        case _:
            return not_helping(incident, command.by) or _stepped(incident.running, command, at)


def _stepped(
    progress: Progress,
    command: Pin | FinishStep | SkipStep | UndoStep | Collect | Choose | SayRolledBack | AnswerCheck,
    at: datetime,
) -> Decided:
    match command:
        case Pin():
            return _pin(command, at)
        case SayRolledBack():
            return _say_rolled_back(progress, command, at)
        case AnswerCheck():
            return _answer(progress, command, at)
        case _:
            return _of_step(progress, command, at)


def _of_step(progress: Progress, command: FinishStep | SkipStep | UndoStep | Collect | Choose, at: datetime) -> Decided:
    step, state = progress.step(command.step), progress.state(command.step)
    if step is None or state is None:
        names = ", ".join(one.id for one in progress.plan.steps)
        return Refusal(No.NO_SUCH_STEP, f"The procedure has no step {command.step}; its steps are {names}.")
    match command:
        case FinishStep():
            return _settled(step, state) or _unfinished(progress, step) or (StepDone(at, command.by, step.id),)
        case SkipStep():
            return _settled(step, state) or _undecided(progress, step) or _skip(command, at)
        case UndoStep():
            return _undo(step, state, command, at)
        case Collect():
            return _collect(step, command, at)
        case Choose():
            return _settled(step, state) or _choose(step, command, at)


# --- steps ----------------------------------------------------------------------------------------------------------


def _settled(step: Step, state: StepState) -> Refusal | None:
    if state.open or state.by is None or state.at is None:
        return None
    word = str(state.status).replace("_", " ")
    return Refusal(No.SETTLED, f"“{step.title}” is {word} already, by {state.by.name} at {clock(state.at)}.")


def _unfinished(progress: Progress, step: Step) -> Refusal | None:
    """Refuse to tick what the monitor sees is not done."""
    if step.choose:
        return Refusal(No.NOT_YET, f"“{step.title}” asks for a decision: choose one of its answers.")
    if step.checks and not progress.green:
        return Refusal(No.NOT_YET, f"“{step.title}” ticks itself once every check has passed; skip it with a reason.")
    if step.does is Does.END:
        return Refusal(No.NOT_YET, "This step is done by ending the incident.")
    left = [one for one in progress.services if not one.at_target and not stays(progress, one)] if step.waves else []
    if not left:
        return None
    runs = ", ".join(f"{one.service} runs {', '.join(one.versions) or 'an unknown version'}" for one in left)
    return Refusal(
        No.NOT_YET,
        f"Not rolled back yet: {runs}. It ticks itself when they are at their targets; say so by hand where "
        "nothing shows a version, or skip the step with a reason.",
    )


def _undecided(progress: Progress, step: Step) -> Refusal | None:
    """A decision that a service waits for is made, not left out."""
    waiting = [one.service for one in progress.services if blocked(progress, one)] if step.choose else []
    if not waiting:
        return None
    return Refusal(No.NOT_YET, f"{', '.join(waiting)} wait for this decision: choose one of its answers.")


def _skip(command: SkipStep, at: datetime) -> Decided:
    if not command.reason.strip():
        return Refusal(No.WORDS_MISSING, "Say why: a step that is left out needs a reason.")
    return (StepSkipped(at, command.by, command.step, command.reason.strip(), command.relevant),)


def _undo(step: Step, state: StepState, command: UndoStep, at: datetime) -> Decided:
    if state.open or state.at is None:
        return Refusal(No.NOTHING_ASKED, f"“{step.title}” is open; there is nothing to undo.")
    if state.observed:
        return Refusal(No.SETTLED, f"“{step.title}” was seen to be done, which nobody can take back.")
    if at - state.at > UNDO_WITHIN:
        ago = lasted(at - state.at)
        return Refusal(No.TOO_LATE, f"“{step.title}” was settled {ago} ago; only the first minute can be undone.")
    return (StepUndone(at, command.by, step.id),)


def _collect(step: Step, command: Collect, at: datetime) -> Decided:
    known = {field.id for field in step.collect}
    if unknown := [name for name, _ in command.fields if name not in known]:
        asked = ", ".join(sorted(known)) or "nothing"
        return Refusal(No.NO_SUCH_STEP, f"“{step.title}” asks for {asked}, not for {unknown[0]}.")
    if not any(value.strip() for _, value in command.fields):
        return Refusal(No.WORDS_MISSING, "Nothing was written down.")
    return (Collected(at, command.by, step.id, command.fields),)


# --- targets and decisions ------------------------------------------------------------------------------------------


def _pin(command: Pin, at: datetime) -> Decided:
    if not command.targets or any(not one.service or not one.target for one in command.targets):
        return Refusal(No.WORDS_MISSING, "Name a service and the version that it goes back to.")
    return (TargetsPinned(at, command.by, command.targets),)


def _say_rolled_back(progress: Progress, command: SayRolledBack, at: datetime) -> Decided:
    state = progress.service(command.service)
    if state is None:
        return Refusal(No.NO_SUCH_SERVICE, f"{command.service} has no rollback target: pin it first.")
    if state.at_target:
        return Refusal(No.SETTLED, f"{command.service} is at {state.pinned.target} already.")
    step = next((one for one in progress.plan.steps if any(state.service in wave.services for wave in one.waves)), None)
    wave = open_wave(progress, step) if step else None
    if wave is not None and state.service not in wave.services:
        return Refusal(No.NOT_YET, f"{wave.title} comes first, and is not at its target yet.")
    if blocked(progress, state):
        sentence = f"{command.service} waits for the decision about its migrations; make it first."
        return Refusal(No.NOT_YET, sentence)
    if state.seen_at is not None and state.versions:
        sentence = f"The monitor sees {command.service} run {', '.join(state.versions)}, not {state.pinned.target}."
        return Refusal(No.NOT_YET, sentence)
    return (ServiceDone(at, command.by, command.service),)


def _choose(step: Step, command: Choose, at: datetime) -> Decided:
    choice = next((one for one in step.choose if one.id == command.choice), None)
    if choice is None:
        answers = ", ".join(one.id for one in step.choose) or "no decision"
        return Refusal(No.NO_SUCH_STEP, f"“{step.title}” has the answers {answers}, not {command.choice}.")
    return (Chosen(at, command.by, step.id, choice.id, choice.needs_approver),)


def _approve(incident: Incident, progress: Progress, command: Approve, at: datetime) -> Decided:
    if Role.APPROVER not in command.by.roles:
        sentence = (
            f"{command.by.name} is not among the approvers of {incident.environment}, so this was not done; they are "
            "named in routing.yaml."
        )
        return Refusal(No.NOT_ALLOWED, sentence)
    decided = progress.decision(command.step)
    if decided is None or not decided.asks:
        return Refusal(No.NOTHING_ASKED, "Nothing waits for an approver here.")
    if decided.approved_by is not None:
        return Refusal(No.SETTLED, f"{decided.approved_by.name} agreed already.")
    if same_person(decided.by, command.by):
        return Refusal(No.SAME_PERSON, "You made this decision; a second person must agree to it.")
    return (Approved(at, command.by, command.step, decided.choice),)


def _answer(progress: Progress, command: AnswerCheck, at: datetime) -> Decided:
    checks = [check.id for step in progress.plan.steps for check in step.checks if check.kind == "command"]
    if command.check not in checks:
        return Refusal(No.NO_SUCH_STEP, f"No check {command.check} waits for an answer by a person.")
    return (CheckAnswered(at, command.by, command.check, command.passed, command.note),)


# --- command --------------------------------------------------------------------------------------------------------


def _take(incident: Incident, commander: Actor, command: TakeCommand, at: datetime) -> Decided:
    if refused := not_helping(incident, command.by):
        return refused
    if same_person(commander, command.by):
        return Refusal(No.ALREADY_STARTED, f"You command {incident.id} already.")
    spoken = incident.spoken_at or incident.started_at
    if spoken is None or at - spoken >= SILENT_AFTER:
        return (CommandTaken(at, command.by, commander),)
    wish = incident.care.wants_command
    if wish is not None and same_person(wish.by, command.by):
        free = clock(spoken + SILENT_AFTER)
        sentence = f"{commander.name} was asked already; without a sign of life command is free at {free}."
        return Refusal(No.NOTHING_ASKED, sentence)
    return (CommandAsked(at, command.by),)


def _commanded(
    incident: Incident, progress: Progress, command: GiveCommand | Abort | AllowDeploy, at: datetime
) -> Decided:
    match command:
        case GiveCommand():
            wish = incident.care.wants_command
            if wish is None:
                return Refusal(No.NOTHING_ASKED, "Nobody has asked for command.")
            return (CommandTaken(at, wish.by, command.by, given=True),)
        case Abort():
            if not command.reason.strip():
                return Refusal(No.WORDS_MISSING, "Say why the procedure is given up.")
            return (ProcedureAborted(at, command.by, command.reason.strip(), changed(progress)),)
        case AllowDeploy():
            if not command.service.strip():
                return Refusal(No.WORDS_MISSING, "Name the service that may be deployed once.")
            return (DeployAllowed(at, command.by, command.service.strip()),)


def changed(progress: Progress) -> tuple[str, ...]:
    """Give in words what a procedure has changed already."""
    services = [
        f"{one.service} runs {one.pinned.target} instead of {one.pinned.current or 'its release'}"
        for one in progress.services
        if one.at_target
    ]
    services += [
        f"{one.service} runs {' and '.join(one.versions)}, half way to {one.pinned.target}"
        for one in progress.services
        if not one.at_target and one.pinned.target in one.versions
    ]
    steps = zip(progress.plan.steps, progress.steps, strict=True)
    done = [
        f"“{step.title}” is done"
        for step, state in steps
        if step.commands and not step.waves and state.status is StepStatus.DONE
    ]
    return (*services, *done)
