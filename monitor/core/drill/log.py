"""What can happen to a drill, and the drill as its events left it. The only place where a drill changes.

Its page, the clicks on it and its procedure are those of the incident of the same name. Times are aware UTC.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from monitor.core.actor import Actor, two_people
from monitor.core.drill.scenario import Kind


@dataclass(frozen=True, slots=True)
class DrillStarted:
    """A drill was begun. `participants` are Slack ids of users and user groups; `seconds` the recovery target.

    `channel` is where it takes place.
    """

    at: datetime
    by: Actor
    scenario: str
    title: str
    drill_kind: Kind
    hypothesis: str
    participants: tuple[str, ...]
    seconds: int
    abort_if: tuple[str, ...] = ()
    rehearsal: bool = False
    channel: str = ""
    kind: Literal["drill_started"] = "drill_started"

    @property
    def target(self) -> int | None:
        """The recovery target in seconds; None where it is held against none, since nothing is rolled back in it."""
        return self.seconds if self.drill_kind.mitigates else None


@dataclass(frozen=True, slots=True)
class Injected:
    """The fault was injected: T0. By the monitor where it plays a script, else somebody says so."""

    at: datetime
    by: Actor
    note: str = ""
    kind: Literal["injected"] = "injected"


@dataclass(frozen=True, slots=True)
class DrillAborted:
    """It was given up; `incident` is the real one that pre-empted it, where one did."""

    at: datetime
    by: Actor
    reason: str
    incident: str = ""
    kind: Literal["drill_aborted"] = "drill_aborted"


@dataclass(frozen=True, slots=True)
class DrillFinished:
    """It was brought to its end; what it proved stands in the result."""

    at: datetime
    by: Actor
    kind: Literal["drill_finished"] = "drill_finished"


@dataclass(frozen=True, slots=True)
class SignedOff:
    """Somebody stands by the result. Whether it counts towards the two is told by `Drill.vouched`."""

    at: datetime
    by: Actor
    note: str = ""
    kind: Literal["signed_off"] = "signed_off"


@dataclass(frozen=True, slots=True)
class DrillRefused:
    """Somebody asked something of the drill that was refused; kept as evidence, changes nothing else."""

    at: datetime
    by: Actor
    command: str
    why: str
    kind: Literal["drill_refused"] = "drill_refused"


DrillEvent: TypeAlias = DrillStarted | Injected | DrillAborted | DrillFinished | SignedOff | DrillRefused


class Stage(StrEnum):
    """Where a drill stands."""

    STARTED = "started"
    INJECTED = "injected"
    ABORTED = "aborted"
    FINISHED = "finished"
    SIGNED_OFF = "signed_off"


SIGNATURES = 2
"""People who must sign a result off, and whom somebody must have vouched for."""


@dataclass(frozen=True, slots=True)
class Drill:
    """A drill as its events left it; `id` is that of its incident too."""

    id: str
    started: DrillStarted
    injected: Injected | None = None
    aborted: DrillAborted | None = None
    finished: DrillFinished | None = None
    signed: tuple[SignedOff, ...] = ()
    refused: tuple[DrillRefused, ...] = ()
    rev: int = 1

    @property
    def stage(self) -> Stage:
        """Where it stands."""
        if self.aborted is not None:
            return Stage.ABORTED
        if self.finished is not None:
            return Stage.FINISHED if self.unsigned else Stage.SIGNED_OFF
        return Stage.INJECTED if self.injected is not None else Stage.STARTED

    @property
    def vouched(self) -> tuple[SignedOff, ...]:
        """The signatures that count: of people whom somebody vouched for, each once."""
        counted: tuple[SignedOff, ...] = ()
        for one in self.signed:
            if one.by.verified and all(two_people(one.by, other.by) for other in counted):
                counted = (*counted, one)
        return counted

    @property
    def unsigned(self) -> int:
        """How many signatures that count are missing."""
        return max(0, SIGNATURES - len(self.vouched))

    @property
    def running(self) -> bool:
        """Whether it has neither been finished nor given up."""
        return self.aborted is None and self.finished is None

    @property
    def over_at(self) -> datetime | None:
        """When it ended, either way."""
        over = self.aborted or self.finished
        return over.at if over is not None else None


def fold_drill(name: str, events: Iterable[DrillEvent]) -> Drill:
    """Give the drill named `name` as its `events` left it. Raises ValueError where they do not begin with a start."""
    folded: Drill | None = None
    for event in events:
        if folded is None:
            if not isinstance(event, DrillStarted):
                raise ValueError(f"{name} begins with {event.kind}, not with drill_started")  # their order is wrong
            folded = Drill(name, event)
        else:
            folded = moved(folded, event)
    if folded is None:
        raise ValueError(f"{name} has no events")
    return folded


def moved(drill: Drill, event: DrillEvent) -> Drill:
    """Give the drill as one more event leaves it."""
    after = replace(drill, rev=drill.rev + 1)
    match event:
        case Injected():
            return replace(after, injected=event)
        case DrillAborted():
            return replace(after, aborted=event)
        case DrillFinished():
            return replace(after, finished=event)
        case SignedOff():
            return replace(after, signed=(*drill.signed, event))
        case DrillRefused():
            return replace(after, refused=(*drill.refused, event))
        case DrillStarted():
            return after
