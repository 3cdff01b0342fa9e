"""What can happen to an incident: its events, and alerts as an incident remembers them. Frozen.

Times are aware UTC. What an event changes stands in `monitor.core.incidents.incident`.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Literal, TypeAlias

from monitor.core.actor import Actor
from monitor.core.incidents.procedureevents import CareEvent, ProcedureEvent
from monitor.core.model import AlertKey, Cause, Labels, Reference
from monitor.core.procedures.procedure import Procedure
from monitor.core.rules.rule import Resolve
from monitor.core.rules.signal import Unit


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert as an incident remembers it: identity, words and numbers at the time it fired.

    `value` and `limit` are in `unit`; `summary` is the rule's rendered annotation; `why` the judgement's sentence.
    `late` says that it fired while nothing could be read, and was found when the monitor caught up; `open_ended` that
    the breach was there before `since`; `labels` are its rule's.
    """

    key: AlertKey
    service: str
    summary: str
    since: datetime
    fired_at: datetime
    value: float | None = None
    limit: float | None = None
    above: bool = True
    unit: Unit = Unit.NUMBER
    why: str = ""
    baseline: tuple[Reference, ...] = ()
    links: Labels = ()
    procedure: str = "rollback"
    resolve: Resolve = Resolve.BY_SIGNAL
    resolved_at: datetime | None = None
    resolved_why: str = ""
    open_ended: bool = False
    late: bool = False
    labels: Labels = ()

    @property
    def begun(self) -> str:
        """The words before `since`: of a breach that was there earlier, nobody knows for how long."""
        return "since before" if self.open_ended else "since"

    @property
    def active(self) -> bool:
        """Whether it still fires."""
        return self.resolved_at is None


class EndReason(StrEnum):
    """How an incident ended."""

    BY_ITSELF = "by_itself"
    SIGHTED = "sighted"
    BY_PERSON = "by_person"
    FORCED = "forced"
    FALSE_ALARM = "false_alarm"
    DRILL_OVER = "drill_over"


# --- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident began. `scope` are the labels beside the environment that all its alerts share."""

    at: datetime
    by: Actor
    environment: str
    blind: bool = False
    scope: Labels = ()
    kind: Literal["opened"] = "opened"


@dataclass(frozen=True, slots=True)
class AlertFired:
    """An alert fired into the incident: the first, another, a worse tier, or one that came back."""

    at: datetime
    by: Actor
    firing: Firing
    kind: Literal["alert_fired"] = "alert_fired"


@dataclass(frozen=True, slots=True)
class AlertResolved:
    """An alert of the incident stopped firing. `worst` is its summary at its worst value."""

    at: datetime
    by: Actor
    key: AlertKey
    cause: Cause
    value: float | None = None
    worst: str = ""
    kind: Literal["alert_resolved"] = "alert_resolved"


@dataclass(frozen=True, slots=True)
class AlertRenamed:
    """The rule behind an alert of the incident has another name now; nothing else about the alert changed."""

    at: datetime
    by: Actor
    key: AlertKey
    to: AlertKey
    kind: Literal["alert_renamed"] = "alert_renamed"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Evidence: what was read for an alert when it changed (query text by part, numbers, baseline)."""

    at: datetime
    by: Actor
    key: AlertKey
    queries: Labels
    value: float | None
    limit: float | None
    requests: float | None
    failures: float | None
    baseline: tuple[Reference, ...] = ()
    why: str = ""
    kind: Literal["snapshot"] = "snapshot"


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Somebody has seen the page and is on it."""

    at: datetime
    by: Actor
    kind: Literal["acknowledged"] = "acknowledged"


class Call(StrEnum):
    """How people are called again whom the page did not bring, the gravest last."""

    MENTION = "mention"
    AGAIN = "again"
    ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Called:
    """Nobody had acknowledged when something was due at `due`, so people were called again.

    What was due before it and had not been told is told with it. `channel` is where it was escalated to.
    """

    at: datetime
    by: Actor
    call: Call
    due: datetime
    channel: str = ""
    kind: Literal["called"] = "called"


@dataclass(frozen=True, slots=True)
class Asked:
    """Whoever acknowledged was asked whether they are still on it."""

    at: datetime
    by: Actor
    kind: Literal["asked"] = "asked"


@dataclass(frozen=True, slots=True)
class StillOnIt:
    """Somebody says that they are (still) on it."""

    at: datetime
    by: Actor
    kind: Literal["still_on_it"] = "still_on_it"


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """An acknowledgement, that of `whose`, counts no longer: nobody started a procedure or answered."""

    at: datetime
    by: Actor
    whose: Actor
    kind: Literal["unacknowledged"] = "unacknowledged"


@dataclass(frozen=True, slots=True)
class HiddenTold:
    """What a silence or a maintenance window had kept from paging before this incident; `said` is the sentence."""

    at: datetime
    by: Actor
    said: str
    alerts: tuple[str, ...] = ()
    kind: Literal["hidden_told"] = "hidden_told"


@dataclass(frozen=True, slots=True)
class ProcedureStarted:
    """Somebody became incident commander and opened the procedure; deploys are frozen from here on.

    `plan` is the procedure as its file had it then: it stays the same until the end, whatever the file says later.
    """

    at: datetime
    by: Actor
    procedure: str
    steps: int
    plan: Procedure | None = None
    kind: Literal["procedure_started"] = "procedure_started"


@dataclass(frozen=True, slots=True)
class DealtWith:
    """Somebody said that an alert which resolves by a person is dealt with; the alert is retired."""

    at: datetime
    by: Actor
    key: AlertKey
    note: str
    kind: Literal["dealt_with"] = "dealt_with"


@dataclass(frozen=True, slots=True)
class Refused:
    """Somebody asked for something that was refused; kept as evidence, changes nothing else."""

    at: datetime
    by: Actor
    command: str
    why: str
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Ended:
    """The incident is over.

    Where it was forced, `asked_by` is who wanted it and `by` who agreed; `single_handed` where nobody did in time, or
    nobody whom anybody vouches for as a second person.
    """

    at: datetime
    by: Actor
    reason: EndReason
    note: str = ""
    asked_by: Actor | None = None
    single_handed: bool = False
    kind: Literal["ended"] = "ended"


Event: TypeAlias = (
    Opened
    | AlertFired
    | AlertResolved
    | AlertRenamed
    | Snapshot
    | Acknowledged
    | Called
    | Asked
    | StillOnIt
    | Unacknowledged
    | HiddenTold
    | ProcedureStarted
    | DealtWith
    | Refused
    | Ended
    | ProcedureEvent
    | CareEvent
)
