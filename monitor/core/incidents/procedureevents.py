"""What can happen to an incident once people take care of it: the procedure, its proof, its end and its record. Frozen.

Times are aware UTC. What an event changes stands in `core.incidents.incident` and `core.procedures.progress`.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from monitor.core.actor import Actor
from monitor.core.model import AlertKey, Labels
from monitor.core.procedures.verification import CheckResult
from monitor.core.releases.breakdown import Breakdown
from monitor.core.releases.release import WhatChanged

# --- the procedure --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a service is rolled back to, and from what.

    `image` is what will be pulled; `confirmed` says who or what saw that it is there (nothing: nobody yet).
    `migrations` ran since the target; None where that is not known, so that nobody takes silence for "none".
    """

    service: str
    target: str
    current: str = ""
    image: str = ""
    confirmed: str = ""
    migrations: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class ChangesFound:
    """The monitor found what changed before the first breach, and what each changed service could go back to."""

    at: datetime
    by: Actor
    found: WhatChanged
    kind: Literal["changes_found"] = "changes_found"


@dataclass(frozen=True, slots=True)
class BreakdownFound:
    """The monitor found where it fails and what else is slow, since no change explains it."""

    at: datetime
    by: Actor
    found: Breakdown
    kind: Literal["breakdown_found"] = "breakdown_found"


@dataclass(frozen=True, slots=True)
class TargetsPinned:
    """Somebody said what to roll back to; a later one of a service replaces the one before."""

    at: datetime
    by: Actor
    targets: tuple[Pinned, ...]
    kind: Literal["targets_pinned"] = "targets_pinned"


@dataclass(frozen=True, slots=True)
class StepDone:
    """A step is done: said by a person, or `observed` by the monitor."""

    at: datetime
    by: Actor
    step: str
    observed: bool = False
    kind: Literal["step_done"] = "step_done"


@dataclass(frozen=True, slots=True)
class StepSkipped:
    """A step is left out for a reason; not `relevant`: it does not apply here."""

    at: datetime
    by: Actor
    step: str
    reason: str
    relevant: bool = True
    kind: Literal["step_skipped"] = "step_skipped"


@dataclass(frozen=True, slots=True)
class StepUndone:
    """A tick or skip was a mistake; the step is open again."""

    at: datetime
    by: Actor
    step: str
    kind: Literal["step_undone"] = "step_undone"


@dataclass(frozen=True, slots=True)
class Collected:
    """What a step asks to be written down; a field that was there before is replaced."""

    at: datetime
    by: Actor
    step: str
    fields: Labels
    kind: Literal["collected"] = "collected"


@dataclass(frozen=True, slots=True)
class Chosen:
    """A decision was made; one that `asks` for an approver does not count before somebody agreed."""

    at: datetime
    by: Actor
    step: str
    choice: str
    asks: bool = False
    kind: Literal["chosen"] = "chosen"


@dataclass(frozen=True, slots=True)
class Approved:
    """A second person agreed to a decision."""

    at: datetime
    by: Actor
    step: str
    choice: str
    kind: Literal["approved"] = "approved"


@dataclass(frozen=True, slots=True)
class VersionsSeen:
    """The monitor saw which versions of a service run; several while it is being deployed."""

    at: datetime
    by: Actor
    service: str
    versions: tuple[str, ...]
    kind: Literal["versions_seen"] = "versions_seen"


@dataclass(frozen=True, slots=True)
class ServiceDone:
    """Somebody says that a service is at its target, though nothing shows its version: "done, not observed"."""

    at: datetime
    by: Actor
    service: str
    kind: Literal["service_done"] = "service_done"


@dataclass(frozen=True, slots=True)
class StillBreaching:
    """Everything is at its target, and the signals breach all the same."""

    at: datetime
    by: Actor
    kind: Literal["still_breaching"] = "still_breaching"


@dataclass(frozen=True, slots=True)
class ProcedureAborted:
    """The procedure was given up; `changed` is what was changed already and must be undone by hand."""

    at: datetime
    by: Actor
    reason: str
    changed: tuple[str, ...] = ()
    kind: Literal["procedure_aborted"] = "procedure_aborted"


# --- command --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CommandAsked:
    """Somebody asked the commander for command."""

    at: datetime
    by: Actor
    kind: Literal["command_asked"] = "command_asked"


@dataclass(frozen=True, slots=True)
class CommandTaken:
    """`by` commands from now on: `whose` command it was ended, because that one gave it or was silent."""

    at: datetime
    by: Actor
    whose: Actor
    given: bool = False
    kind: Literal["command_taken"] = "command_taken"


# --- deploys --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeployAllowed:
    """The commander lets one deploy of a service through."""

    at: datetime
    by: Actor
    service: str
    kind: Literal["deploy_allowed"] = "deploy_allowed"


@dataclass(frozen=True, slots=True)
class DeployAnswered:
    """A pipeline asked whether it may deploy, and was answered; `because` is the sentence that it got."""

    at: datetime
    by: Actor
    service: str
    version: str
    allowed: bool
    because: str
    kind: Literal["deploy_answered"] = "deploy_answered"


# --- proof ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChecksRun:
    """The checks of the procedure came out otherwise than before."""

    at: datetime
    by: Actor
    results: tuple[CheckResult, ...]
    kind: Literal["checks_run"] = "checks_run"


@dataclass(frozen=True, slots=True)
class CheckAnswered:
    """Somebody told how a check came out that the monitor may not run; `check` is its id."""

    at: datetime
    by: Actor
    check: str
    passed: bool
    note: str
    kind: Literal["check_answered"] = "check_answered"


# --- what people make of it -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FixingAnotherWay:
    """It is real, and is mended by something else than a rollback."""

    at: datetime
    by: Actor
    note: str
    kind: Literal["fixing_another_way"] = "fixing_another_way"


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    """What fired is no trouble; these alerts are retired and silenced."""

    at: datetime
    by: Actor
    note: str
    keys: tuple[AlertKey, ...]
    kind: Literal["false_alarm"] = "false_alarm"


@dataclass(frozen=True, slots=True)
class GoneForGood:
    """An instance that fired and vanished will not come back; its alert is retired."""

    at: datetime
    by: Actor
    key: AlertKey
    note: str
    kind: Literal["gone_for_good"] = "gone_for_good"


@dataclass(frozen=True, slots=True)
class Summoned:
    """Somebody was called by a person; `people` are user or user-group ids."""

    at: datetime
    by: Actor
    people: tuple[str, ...]
    note: str = ""
    kind: Literal["summoned"] = "summoned"


@dataclass(frozen=True, slots=True)
class Noted:
    """Something worth remembering."""

    at: datetime
    by: Actor
    note: str
    kind: Literal["noted"] = "noted"


@dataclass(frozen=True, slots=True)
class WatchingByHand:
    """Somebody looks at the dashboards while the monitor cannot see."""

    at: datetime
    by: Actor
    until: datetime
    kind: Literal["watching_by_hand"] = "watching_by_hand"


# --- the end --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ForceAsked:
    """Somebody wants to end it though it is not proven to be over; a second person must agree."""

    at: datetime
    by: Actor
    reason: str
    kind: Literal["force_asked"] = "force_asked"


@dataclass(frozen=True, slots=True)
class Reopened:
    """It was ended too early."""

    at: datetime
    by: Actor
    reason: str
    kind: Literal["reopened"] = "reopened"


@dataclass(frozen=True, slots=True)
class EndExplained:
    """Somebody says why it went away by itself."""

    at: datetime
    by: Actor
    note: str
    kind: Literal["end_explained"] = "end_explained"


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Something to be done so that it does not happen again."""

    what: str
    owner: str
    due: date


@dataclass(frozen=True, slots=True)
class RecordCompleted:
    """Root cause and follow-ups are written down."""

    at: datetime
    by: Actor
    root_cause: str
    follow_ups: tuple[FollowUp, ...] = ()
    kind: Literal["record_completed"] = "record_completed"


@dataclass(frozen=True, slots=True)
class RecordAsked:
    """Whoever commanded was reminded to complete the record."""

    at: datetime
    by: Actor
    kind: Literal["record_asked"] = "record_asked"


ProcedureEvent: TypeAlias = (
    TargetsPinned
    | StepDone
    | StepSkipped
    | StepUndone
    | Collected
    | Chosen
    | Approved
    | VersionsSeen
    | ServiceDone
    | StillBreaching
    | DeployAllowed
    | DeployAnswered
    | ChecksRun
    | CheckAnswered
)
"""Events that move the procedure on; `monitor.core.procedures.progress` folds them."""

CareEvent: TypeAlias = (
    ChangesFound
    | BreakdownFound
    | ProcedureAborted
    | CommandAsked
    | CommandTaken
    | FixingAnotherWay
    | FalseAlarm
    | GoneForGood
    | Summoned
    | Noted
    | WatchingByHand
    | ForceAsked
    | Reopened
    | EndExplained
    | RecordCompleted
    | RecordAsked
)
"""Everything else that people do with an incident."""
