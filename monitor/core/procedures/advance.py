"""How far a procedure is after each of its events: the fold. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from monitor.core.incidents.procedureevents import (
    Approved,
    CheckAnswered,
    ChecksRun,
    Chosen,
    Collected,
    DeployAllowed,
    DeployAnswered,
    Pinned,
    ProcedureEvent,
    ServiceDone,
    StepDone,
    StepSkipped,
    StepUndone,
    StillBreaching,
    TargetsPinned,
    VersionsSeen,
)
from monitor.core.procedures.procedure import Procedure, Step
from monitor.core.procedures.progress import (
    Allowance,
    Answered,
    Decided,
    Progress,
    ServiceState,
    StepState,
    StepStatus,
    blocked,
    is_seen,
)


def begin(plan: Procedure) -> Progress:
    """Give a procedure of which nothing is done yet."""
    return Progress(plan, tuple(StepState(step.id) for step in plan.steps))


def advance(progress: Progress, event: ProcedureEvent) -> Progress:
    """Give `progress` after one more event."""
    match event:
        case StepDone() | StepSkipped() | StepUndone() | Collected():
            return _settled(progress, event)
        case TargetsPinned() | VersionsSeen() | ServiceDone():
            return _reopened(replace(progress, services=_serviced(progress.services, event)))
        case Chosen() | Approved():
            return replace(progress, decisions=_decided(progress.decisions, event))
        case DeployAllowed() | DeployAnswered():
            return _gated(progress, event)
        case ChecksRun():
            return _reopened(replace(progress, results=event.results, checked_at=event.at))
        case CheckAnswered():
            return _answered(progress, event)
        case StillBreaching():
            return replace(progress, still_breaching_at=event.at)


def _reopened(progress: Progress) -> Progress:
    """What was seen to be done and is not any more is open again: a version that drifts, a check that fails.

    So is a decision that a service waits for, whoever settled its step before that service was there.
    """
    steps = tuple(
        _opened(state) if not state.open and _is_undone(progress, step, state) else state
        for step, state in zip(progress.plan.steps, progress.steps, strict=True)
    )
    return replace(progress, steps=steps)


def _opened(state: StepState) -> StepState:
    return StepState(state.id, collected=state.collected, turns=state.turns + 1)


def _is_undone(progress: Progress, step: Step, state: StepState) -> bool:
    if step.choose:
        return any(blocked(progress, one) for one in progress.services)
    return state.observed and bool(step.waves or step.checks) and not is_seen(progress, step)


def _answered(progress: Progress, event: CheckAnswered) -> Progress:
    others = tuple(one for one in progress.answers if one.check != event.check)
    answer = Answered(event.check, event.passed, event.note, event.by, event.at)
    return replace(progress, answers=(*others, answer))


def _decided(decisions: tuple[Decided, ...], event: Chosen | Approved) -> tuple[Decided, ...]:
    if isinstance(event, Approved):
        return tuple(_approved(one, event) for one in decisions)
    others = tuple(one for one in decisions if one.step != event.step)
    return (*others, Decided(event.step, event.choice, event.by, event.at, event.asks))


def _settled(progress: Progress, event: StepDone | StepSkipped | StepUndone | Collected) -> Progress:
    steps = tuple(_step(one, event) if one.id == event.step else one for one in progress.steps)
    return replace(progress, steps=steps)


def _step(state: StepState, event: StepDone | StepSkipped | StepUndone | Collected) -> StepState:
    match event:
        case StepUndone():
            return _opened(state)
        case Collected():
            fields = {**dict(state.collected), **dict(event.fields)}
            return replace(state, collected=tuple(fields.items()))
        case StepDone():
            status, reason, observed = StepStatus.DONE, "", event.observed
        case StepSkipped():
            status = StepStatus.SKIPPED if event.relevant else StepStatus.NOT_RELEVANT
            reason, observed = event.reason, False
    settled = replace(state, status=status, by=event.by, at=event.at, reason=reason, observed=observed)
    return replace(settled, turns=state.turns + 1)


def _pinned(services: tuple[ServiceState, ...], targets: Iterable[Pinned], at: datetime) -> tuple[ServiceState, ...]:
    """Give the services with new targets; what was seen of one stays seen, what was said of its old target does not."""
    found = {one.service: one for one in services}
    for pinned in targets:
        before = found.get(pinned.service)
        if before is None or before.pinned.target != pinned.target:
            versions = before.versions if before else ((pinned.current,) if pinned.current else ())
            found[pinned.service] = ServiceState(pinned, at, versions, before.seen_at if before else None)
        else:
            found[pinned.service] = replace(before, pinned=pinned)
    return tuple(found.values())


def _serviced(
    services: tuple[ServiceState, ...], event: TargetsPinned | VersionsSeen | ServiceDone
) -> tuple[ServiceState, ...]:
    match event:
        case TargetsPinned():
            return _pinned(services, event.targets, event.at)
        case VersionsSeen():
            return tuple(_seen(one, event) if one.service == event.service else one for one in services)
        case ServiceDone():
            return tuple(_said(one, event) if one.service == event.service else one for one in services)


def _seen(state: ServiceState, event: VersionsSeen) -> ServiceState:
    there = event.versions == (state.pinned.target,)
    since = (state.at_target_since or event.at) if there else None
    return replace(state, versions=event.versions, seen_at=event.at, at_target_since=since, done_by=None)


def _said(state: ServiceState, event: ServiceDone) -> ServiceState:
    return replace(state, done_by=event.by, at_target_since=state.at_target_since or event.at)


def _approved(decided: Decided, event: Approved) -> Decided:
    if (decided.step, decided.choice) != (event.step, event.choice):
        return decided
    return replace(decided, approved_by=event.by, approved_at=event.at)


def _gated(progress: Progress, event: DeployAllowed | DeployAnswered) -> Progress:
    if isinstance(event, DeployAllowed):
        return replace(progress, allowances=(*progress.allowances, Allowance(event.service, event.by, event.at)))
    if not event.allowed:
        refused = dict.fromkeys((*progress.refused_deploys, (event.service, event.version)))
        return replace(progress, refused_deploys=tuple(refused))
    free = next((one for one in progress.allowances if one.service == event.service and not one.version), None)
    if free is None:
        return progress
    taken = replace(free, version=event.version, used_at=event.at)
    return replace(progress, allowances=tuple(taken if one is free else one for one in progress.allowances))
