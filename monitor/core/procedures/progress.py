"""How far a procedure is, and what that means: which step is next, what blocks it, what is rolled back. Pure.

`advance` makes it from events; what the monitor can see for itself it ticks itself: `observed` gives those events.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from monitor.core.actor import MONITOR, Actor
from monitor.core.incidents.procedureevents import (
    Pinned,
    ProcedureEvent,
    StepDone,
)
from monitor.core.model import Labels
from monitor.core.procedures.procedure import Choice, Does, Procedure, Step, Wave
from monitor.core.procedures.verification import CheckResult, verdict


class StepStatus(StrEnum):
    """Where a step stands."""

    OPEN = "open"
    DONE = "done"
    SKIPPED = "skipped"
    NOT_RELEVANT = "not_relevant"


@dataclass(frozen=True, slots=True)
class StepState:
    """A step with who settled it, when and why; `observed` where the monitor saw it for itself.

    `turns` counts how often it was settled or opened again: what looks as before may have been otherwise in between.
    """

    id: str
    status: StepStatus = StepStatus.OPEN
    by: Actor | None = None
    at: datetime | None = None
    reason: str = ""
    observed: bool = False
    collected: Labels = ()
    turns: int = 0

    @property
    def open(self) -> bool:
        """Whether it is still to be done."""
        return self.status is StepStatus.OPEN


@dataclass(frozen=True, slots=True)
class ServiceState:
    """A service to be rolled back: its target, which versions of it run as far as seen, and who says that it is done.

    `at_target_since` is since when nothing but the target runs, or since somebody said so; `pinned_at` is when it got
    this target: a decision about migrations that is older did not know of it.
    """

    pinned: Pinned
    pinned_at: datetime
    versions: tuple[str, ...] = ()
    seen_at: datetime | None = None
    done_by: Actor | None = None
    at_target_since: datetime | None = None

    @property
    def service(self) -> str:
        """Its name."""
        return self.pinned.service

    @property
    def at_target(self) -> bool:
        """Whether it is rolled back, as far as anybody knows."""
        return self.at_target_since is not None


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision of a step; it counts once it is `approved`, where it asks for that."""

    step: str
    choice: str
    by: Actor
    at: datetime
    asks: bool = False
    approved_by: Actor | None = None
    approved_at: datetime | None = None

    @property
    def counts(self) -> bool:
        """Whether it holds."""
        return not self.asks or self.approved_by is not None


@dataclass(frozen=True, slots=True)
class Allowance:
    """One deploy of a service that the commander lets through; the first `version` that asks takes it."""

    service: str
    by: Actor
    at: datetime
    version: str = ""
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A check that a person answered."""

    check: str
    passed: bool
    note: str
    by: Actor
    at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """A procedure under way. `steps` are in the order of `plan`; `results` are the checks as they came out last."""

    plan: Procedure
    steps: tuple[StepState, ...]
    services: tuple[ServiceState, ...] = ()
    decisions: tuple[Decided, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    refused_deploys: tuple[tuple[str, str], ...] = ()
    results: tuple[CheckResult, ...] = ()
    answers: tuple[Answered, ...] = ()
    checked_at: datetime | None = None
    still_breaching_at: datetime | None = None

    def step(self, name: str) -> Step | None:
        """Give the step named `name` as it was planned."""
        return next((one for one in self.plan.steps if one.id == name), None)

    def state(self, name: str) -> StepState | None:
        """Give where the step named `name` stands."""
        return next((one for one in self.steps if one.id == name), None)

    def service(self, name: str) -> ServiceState | None:
        """Give a service that has a target."""
        return next((one for one in self.services if one.service == name), None)

    def decision(self, step: str) -> Decided | None:
        """Give the last decision of a step."""
        return next((one for one in self.decisions if one.step == step), None)

    @property
    def number(self) -> int:
        """The number of the current step, from 1; that of the last one where all are settled."""
        step = current(self)
        return self.plan.steps.index(step) + 1 if step else len(self.plan.steps)

    @property
    def verifying(self) -> bool:
        """Whether what is left is to prove that it worked."""
        step = current(self)
        return step is not None and bool(step.checks)

    @property
    def proven(self) -> bool:
        """Whether nothing is left but to end it: every check passed, and no step before the end is open."""
        step = current(self)
        return bool(self.results) and self.green and (step is None or step.does is Does.END)

    @property
    def green(self) -> bool:
        """Whether every check passed when it was last looked at; nothing to check is nothing in the way."""
        return verdict(self.results).green if self.results else not any(step.checks for step in self.plan.steps)


def current(progress: Progress) -> Step | None:
    """Give the step that is next; None where all are settled.

    Where a service waits for a decision about its migrations, the decision comes first though it stands later.
    """
    opened = [step for step, state in zip(progress.plan.steps, progress.steps, strict=True) if state.open]
    if not opened:
        return None
    first, decision = opened[0], next((step for step in opened if step.choose), None)
    if first.waves and decision is not None and not _workable(progress, first):
        return decision
    return first


def last_settled(progress: Progress) -> str:
    """Give the step that a person settled last, or nothing."""
    steps = enumerate(progress.steps)
    settled = [(one.at, number, one.id) for number, one in steps if one.at is not None and not one.observed]
    return max(settled)[2] if settled else ""


def _workable(progress: Progress, step: Step) -> bool:
    """Whether something of the wave that is open may be rolled back now."""
    wave = open_wave(progress, step)
    return wave is None or any(not one.at_target and not blocked(progress, one) for one in members(progress, wave))


def members(progress: Progress, wave: Wave) -> tuple[ServiceState, ...]:
    """Give the services of a wave that have a target; the others stay as they are."""
    return tuple(one for one in progress.services if one.service in wave.services)


def open_wave(progress: Progress, step: Step) -> Wave | None:
    """Give the wave whose turn it is: the first with a service that is not at its target; None where none is left."""
    waves = waves_of(progress, step)
    return next((wave for wave in waves if any(_moves(progress, one) for one in members(progress, wave))), None)


OTHERS = "Others"
"""The wave of what has a target and stands in no wave of the file, such as a suspect that is rolled back too."""


def waves_of(progress: Progress, step: Step) -> tuple[Wave, ...]:
    """Give the waves of `step`, and behind them that of the services which no step names."""
    named = {service for one in progress.plan.steps for wave in one.waves for service in wave.services}
    others = tuple(one.service for one in progress.services if one.service not in named)
    return (*step.waves, Wave(OTHERS, others)) if step.waves and others else step.waves


def _moves(progress: Progress, state: ServiceState) -> bool:
    return not state.at_target and not stays(progress, state)


def blocked(progress: Progress, state: ServiceState) -> bool:
    """Whether a service must not be touched before it is decided about its migrations; unknown ones block too.

    A decision counts once it is made and agreed to, and for what had its target by then.
    """
    if state.pinned.migrations == ():
        return False
    return any(step.choose and not _decides(progress.decision(step.id), state) for step in progress.plan.steps)


def _decides(decided: Decided | None, state: ServiceState) -> bool:
    return decided is not None and decided.counts and decided.at >= state.pinned_at


def stays(progress: Progress, state: ServiceState) -> bool:
    """Whether a service is mended forward: a migration that cannot be undone ran since its target."""
    return state.pinned.migrations != () and any(choice.forward for choice in _chosen(progress))


def _chosen(progress: Progress) -> list[Choice]:
    found = []
    for decided in progress.decisions:
        step = progress.step(decided.step)
        if step is not None and decided.counts:
            found += [choice for choice in step.choose if choice.id == decided.choice]
    return found


def rolled_back(progress: Progress) -> bool:
    """Whether every service that has a target is there, and there is one."""
    moving = [one for one in progress.services if not stays(progress, one)]
    return bool(moving) and all(one.at_target for one in moving)


def mixed(progress: Progress) -> tuple[ServiceState, ...]:
    """Give the services with their versions where some are at their target and others are not yet; else nothing."""
    moving = tuple(one for one in progress.services if not stays(progress, one))
    there = [one.at_target for one in moving]
    return moving if any(there) and not all(there) else ()


def observed(progress: Progress, at: datetime) -> tuple[ProcedureEvent, ...]:
    """Give the steps that the monitor can tick now, because it sees that they are done."""
    return tuple(
        StepDone(at, MONITOR, step.id, observed=True)
        for step, state in zip(progress.plan.steps, progress.steps, strict=True)
        if state.open and is_seen(progress, step)
    )


def is_seen(progress: Progress, step: Step) -> bool:
    """Whether the monitor sees for itself that `step` is done."""
    if step.does is Does.FREEZE:
        return True
    if step.does is Does.PIN:
        return bool(progress.services) and all(one.pinned.confirmed for one in progress.services)
    if step.waves:
        return rolled_back(progress)
    if step.choose:
        decided = progress.decision(step.id)
        made = decided is not None and decided.counts
        return made and not any(blocked(progress, one) for one in progress.services)
    if step.checks:
        return bool(progress.results) and verdict(progress.results).green
    return False
