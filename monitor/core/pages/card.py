"""The procedure card of an incident as it reads now. Pure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import Pinned
from monitor.core.naming import marked
from monitor.core.pages.actions import card_actions, step_actions
from monitor.core.pages.crossroads import ways_out
from monitor.core.pages.page import Card, CardCommand, CardLine, CardStep, Mark, Scene
from monitor.core.pages.status import commander_lines
from monitor.core.procedures.beforeafter import NOTHING, before_and_after
from monitor.core.procedures.filling import blocks
from monitor.core.procedures.nextstep import next_step
from monitor.core.procedures.procedure import Check, Choice, Does, Step, Wave
from monitor.core.procedures.progress import (
    Progress,
    ServiceState,
    StepState,
    StepStatus,
    blocked,
    current,
    members,
    open_wave,
    stays,
    waves_of,
)
from monitor.core.procedures.verification import CheckResult, Outcome
from monitor.core.procedures.verifying import checks_of
from monitor.core.releases.release import Availability, Target
from monitor.core.words import clock

MARKS = {
    StepStatus.OPEN: Mark.OPEN,
    StepStatus.DONE: Mark.DONE,
    StepStatus.SKIPPED: Mark.SKIPPED,
    StepStatus.NOT_RELEVANT: Mark.SKIPPED,
}

OUTCOMES = {
    Outcome.PASSED: Mark.DONE,
    Outcome.FAILED: Mark.FAILED,
    Outcome.WAITING: Mark.WAITING,
    Outcome.UNKNOWN: Mark.WAITING,
    Outcome.NOT_RUN: Mark.OPEN,
}


def card(scene: Scene) -> Card | None:
    """Give the procedure card of an incident, or None where no procedure was ever started."""
    incident, progress = scene.incident, scene.incident.progress
    if progress is None:
        return None
    now = current(progress) if incident.running else None
    steps = [
        _ended(incident, step, _step(scene, progress, number, step, state, now))
        for number, (step, state) in enumerate(zip(progress.plan.steps, progress.steps, strict=True), start=1)
    ]
    return Card(
        incident=incident.id,
        title=marked(incident.id, f"{progress.plan.title} · {incident.environment}"),
        next_for=next_step(incident),
        status=(*commander_lines(scene), *_over(incident)),
        steps=tuple(steps if scene.buttons else [replace(one, actions=()) for one in steps]),
        actions=(*ways_out(incident), *card_actions(incident)) if scene.buttons else (),
        compared=_compared(scene, progress),
    )


def _compared(scene: Scene, progress: Progress) -> tuple[tuple[str, str, str], ...]:
    results = scene.results or progress.results
    if not results:
        return ()
    table = before_and_after(scene.incident.alerts, results)
    return tuple((row.what, row.before, row.now) for row in table.rows if row.before != NOTHING)[:12]


def _over(incident: Incident) -> list[str]:
    aborted = incident.care.aborted
    if aborted is not None:
        return [f"Given up by {aborted.by.name} at {clock(aborted.at)}: {aborted.reason}."]
    if incident.ended_at is not None:
        return [f"Ended {clock(incident.ended_at)}."]
    return []


# --- one step -------------------------------------------------------------------------------------------------------


def _step(scene: Scene, progress: Progress, number: int, step: Step, state: StepState, now: Step | None) -> CardStep:
    is_current, incident = step is now, scene.incident
    return CardStep(
        number=number,
        title=step.title,
        mark=Mark.NEXT if is_current else MARKS[state.status],
        state=_decision(progress, step, state) or _state(state),
        current=is_current,
        text=step.text,
        tasks=tuple(task.text for task in step.tasks),
        collected=_collected(step, state),
        targets=tuple(_target(incident, one) for one in progress.services) if step.does is Does.PIN else (),
        waves=tuple(_wave(progress, step, wave) for wave in waves_of(progress, step)),
        commands=tuple(_commands(incident, progress, step)) if is_current else (),
        choices=tuple(_choice(progress, step, one) for one in step.choose),
        checks=_checks(scene.results or progress.results, step) if step.checks else (),
        actions=step_actions(incident, progress, step) if is_current else (),
    )


def _ended(incident: Incident, step: Step, shown: CardStep) -> CardStep:
    """Give the step that ending is as done, once it has ended."""
    if step.does is not Does.END or incident.ended_at is None or incident.ended_by is None:
        return shown
    return replace(shown, mark=Mark.DONE, state=f"ended by {incident.ended_by.name} at {clock(incident.ended_at)}")


def _state(state: StepState) -> str:
    if state.open or state.by is None or state.at is None:
        return ""
    if state.observed:
        return f"seen {clock(state.at)}"
    word = str(state.status).replace("_", " ")
    reason = f": {state.reason}" if state.reason else ""
    return f"{word} by {state.by.name} at {clock(state.at)}{reason}"


def _decision(progress: Progress, step: Step, state: StepState) -> str:
    """Give what was decided and by whom, where that is what settled the step."""
    decided = progress.decision(step.id)
    chosen = next((one for one in step.choose if decided is not None and one.id == decided.choice), None)
    if decided is None or chosen is None or not state.observed or state.at is None:
        return ""
    agreed = f", agreed by {decided.approved_by.name}" if decided.approved_by else ""
    return f"{chosen.title}: decided by {decided.by.name}{agreed} at {clock(state.at)}"


def _collected(step: Step, state: StepState) -> tuple[str, ...]:
    said = dict(state.collected)
    return tuple(f"{field.title}: {said.get(field.id, '').strip() or '…'}" for field in step.collect)


def _target(incident: Incident, state: ServiceState) -> CardLine:
    pinned = state.pinned
    text = f"{state.service}: {pinned.current or 'unknown version'} → {pinned.target}"
    text += f", {pinned.confirmed or _unconfirmed(incident, pinned)}"
    return CardLine(text + _migrations(pinned), Mark.DONE if pinned.confirmed else Mark.OPEN)


def _unconfirmed(incident: Incident, pinned: Pinned) -> str:
    """Say that nobody has seen the image; where the registry said that it has none, that."""
    target = incident.changes.target(pinned.service) if incident.changes else None
    if target is not None and target.image == pinned.image and target.available is Availability.NO:
        return "ITS IMAGE WAS NOT THERE: look before any command"
    return "image not confirmed: look before any command"


def _migrations(pinned: Pinned) -> str:
    if pinned.migrations is None:
        return "; whether migrations ran since is not known"
    return f"; migrations since: {', '.join(pinned.migrations)}" if pinned.migrations else "; no migration since"


def _wave(progress: Progress, step: Step, wave: Wave) -> CardLine:
    states = members(progress, wave)
    text = ", ".join(_service(progress, one) for one in states) or "nothing to roll back"
    if all(one.at_target or stays(progress, one) for one in states):
        mark = Mark.DONE if states else Mark.SKIPPED
    else:
        mark = Mark.NEXT if wave is open_wave(progress, step) else Mark.WAITING
    return CardLine(f"{wave.title}: {text}", mark)


def _service(progress: Progress, state: ServiceState) -> str:
    if stays(progress, state):
        return f"{state.service} stays (fixed forward)"
    if state.done_by is not None:
        return f"{state.service} at {state.pinned.target}, says {state.done_by.name}, not observed"
    if state.at_target:
        return f"{state.service} at {state.pinned.target}"
    if blocked(progress, state):
        return f"{state.service} waits for the decision about migrations"
    runs = "+".join(state.versions) or "unknown version"
    return f"{state.service} runs {runs}, goes to {state.pinned.target}"


def _choice(progress: Progress, step: Step, choice: Choice) -> CardLine:
    decided = progress.decision(step.id)
    text = f"{choice.title}{' (needs an approver)' if choice.needs_approver else ''}"
    if decided is None or decided.choice != choice.id:
        return CardLine(text, Mark.OPEN)
    agreed = f", agreed by {decided.approved_by.signed}" if decided.approved_by else ""
    return CardLine(f"{text}: {decided.by.name}{agreed}", Mark.DONE if decided.counts else Mark.WAITING)


def _checks(results: tuple[CheckResult, ...], step: Step) -> tuple[CardLine, ...]:
    return tuple(_check(results, check) for check in checks_of(step))


def _check(results: tuple[CheckResult, ...], check: Check) -> CardLine:
    result = next((one for one in results if one.id == check.id), None)
    if result is None:
        return CardLine(check.title, Mark.OPEN)
    return CardLine(f"{check.title}: {_said(result)}", OUTCOMES[result.outcome])


def _said(result: CheckResult) -> str:
    return result.said or str(result.outcome).replace("_", " ")


# --- commands -------------------------------------------------------------------------------------------------------


def _commands(incident: Incident, progress: Progress, step: Step) -> Iterator[CardCommand]:
    """Give the commands to copy: one block a service of the open wave, or as they stand where they are for none.

    What waits for a decision is not rolled back yet; to look whether its image is there does no harm.
    """
    wave = open_wave(progress, step)
    states = [one for one in members(progress, wave) if not one.at_target] if wave else list(progress.services)
    free = [one for one in states if not (step.waves and (blocked(progress, one) or stays(progress, one)))]
    plain = [one for one in step.commands if one.service or "$" not in one.run or not free]
    yield from (CardCommand(one.run, one.service) for one in plain)
    targets = [_as_target(one.pinned, incident.opened_at) for one in free]
    about = [one for one in step.commands if one not in plain]
    for block in blocks(about, [one.service for one in free], targets):
        yield CardCommand(block.text, block.service, block.problem)


def _as_target(pinned: Pinned, at: datetime) -> Target:
    return Target(pinned.service, pinned.current, at, version=pinned.target, image=pinned.image)
