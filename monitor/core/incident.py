"""An incident: its events, their fold, and the decisions. The only place where an incident changes.

State is never stored on its own: `fold` of the events gives it. A command of a person is decided against the state by
`decide`, which
gives events or a refusal that says who, what and why; what the rules found is answered by `respond`. Times are aware
UTC.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeAlias

from monitor.core.model import AlertKey, Cause, Labels, Reference, Tier
from monitor.core.rule import Resolve, Unit
from monitor.core.words import clock


class Source(StrEnum):
    """Where an event came from."""

    MONITOR = "monitor"
    SLACK = "slack"
    CLI = "cli"
    CONSOLE = "console"
    API = "api"


class Role(StrEnum):
    """What somebody may do on an incident, by configured user group or id; nothing configured means nobody."""

    RESPONDER = "responder"
    COMMANDER = "commander"
    APPROVER = "approver"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something.

    `id` is Slack's user id or a login name; `verified` is False where nobody vouched for the name.
    """

    id: str
    name: str
    source: Source
    roles: frozenset[Role] = frozenset()
    verified: bool = True


MONITOR = Actor("monitor", "Rollback Monitor", Source.MONITOR)


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert as an incident remembers it: identity, words and numbers at the time it fired.

    `value` and `limit` are in `unit`; `summary` is the rule's rendered annotation; `why` the judgement's sentence;
    `expr` the
    PromQL that was read, for the evidence.
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

    @property
    def active(self) -> bool:
        """Whether it still fires."""
        return self.resolved_at is None


class EndReason(StrEnum):
    """How an incident ended."""

    BY_ITSELF = "by_itself"
    SIGHTED = "sighted"
    BY_PERSON = "by_person"


# --- events -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Opened:
    """An incident began."""

    at: datetime
    by: Actor
    environment: str
    blind: bool = False
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
    """An alert of the incident stopped firing."""

    at: datetime
    by: Actor
    key: AlertKey
    cause: Cause
    value: float | None = None
    kind: Literal["alert_resolved"] = "alert_resolved"


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


@dataclass(frozen=True, slots=True)
class ProcedureStarted:
    """Somebody became incident commander and opened the procedure."""

    at: datetime
    by: Actor
    procedure: str
    steps: int
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
    """The incident is over."""

    at: datetime
    by: Actor
    reason: EndReason
    kind: Literal["ended"] = "ended"


Event: TypeAlias = (
    Opened | AlertFired | AlertResolved | Snapshot | Acknowledged | ProcedureStarted | DealtWith | Refused | Ended
)


# --- the fold -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as its events left it.

    `rev` counts the events; `alerts` are in the order in which they first fired.
    """

    id: str
    environment: str
    opened_at: datetime
    blind: bool = False
    rev: int = 0
    tier: Tier = Tier.PREPARE
    alerts: tuple[Firing, ...] = ()
    acknowledged_by: Actor | None = None
    acknowledged_at: datetime | None = None
    commander: Actor | None = None
    started_at: datetime | None = None
    procedure: str = ""
    steps: int = 0
    recovered_at: datetime | None = None
    ended_at: datetime | None = None
    end_reason: EndReason | None = None

    @property
    def active(self) -> tuple[Firing, ...]:
        """The alerts that still fire."""
        return tuple(one for one in self.alerts if one.active)

    @property
    def signals(self) -> tuple[Firing, ...]:
        """The alerts that keep it from recovering.

        All that fire, but in a rollback not the banner that something is unseen.
        """
        return tuple(one for one in self.active if self.blind or one.key.tier is not Tier.BLIND)

    @property
    def is_open(self) -> bool:
        """Whether it has not ended."""
        return self.ended_at is None


BACK_KEEPS_ACKNOWLEDGEMENT = timedelta(minutes=15)
"""A breach that comes back keeps an acknowledgement younger than this."""


def fold(incident: str, events: Iterable[Event]) -> Incident:
    """Give the incident named `incident` as its `events` left it.

    Raises ValueError where they do not begin with `Opened`.
    """
    folded: Incident | None = None
    for event in events:
        folded = _begin(incident, event) if folded is None else apply(folded, event)
    if folded is None:
        raise ValueError(f"{incident} has no events")
    return folded


def _begin(incident: str, event: Event) -> Incident:
    if not isinstance(event, Opened):
        sentence = f"{incident} begins with {event.kind}, not with opened"
        raise ValueError(sentence)  # noqa: TRY004  # it is the order of the events that is wrong
    tier = Tier.BLIND if event.blind else Tier.PREPARE
    return Incident(incident, event.environment, event.at, blind=event.blind, rev=1, tier=tier)


def apply(incident: Incident, event: Event) -> Incident:
    """Give `incident` after one more event."""
    moved = replace(incident, rev=incident.rev + 1)
    match event:
        case AlertFired():
            return _fired(moved, event)
        case AlertResolved():
            return _resolved(moved, event.key, event.at, event.cause)
        case DealtWith():
            return _resolved(moved, event.key, event.at, f"dealt with by {event.by.name}: {event.note}")
        case Acknowledged():
            return replace(moved, acknowledged_by=event.by, acknowledged_at=event.at)
        case ProcedureStarted():
            return _started(moved, event)
        case Ended():
            return replace(moved, ended_at=event.at, end_reason=event.reason)
        case Opened() | Snapshot() | Refused():
            return moved


def _fired(incident: Incident, event: AlertFired) -> Incident:
    key = event.firing.key
    known = any(one.key == key for one in incident.alerts)
    alerts = _replaced(incident.alerts, event.firing) if known else (*incident.alerts, event.firing)
    raised = key.tier is Tier.ROLLBACK and incident.tier is Tier.PREPARE
    fired = replace(incident, alerts=alerts, tier=Tier.ROLLBACK if raised else incident.tier)
    if raised or (incident.recovered_at is not None and _stale(incident, event.at)):
        fired = replace(fired, acknowledged_by=None, acknowledged_at=None)
    return fired if key.tier is Tier.BLIND and not incident.blind else replace(fired, recovered_at=None)


def _stale(incident: Incident, at: datetime) -> bool:
    """Whether an acknowledgement is too old to speak for a breach that came back at `at`."""
    return incident.acknowledged_at is not None and at - incident.acknowledged_at >= BACK_KEEPS_ACKNOWLEDGEMENT


def _replaced(alerts: tuple[Firing, ...], firing: Firing) -> tuple[Firing, ...]:
    return tuple(firing if one.key == firing.key else one for one in alerts)


def _resolved(incident: Incident, key: AlertKey, at: datetime, why: str) -> Incident:
    alerts = tuple(
        replace(one, resolved_at=at, resolved_why=str(why)) if one.key == key and one.active else one
        for one in incident.alerts
    )
    resolved = replace(incident, alerts=alerts)
    if incident.recovered_at is None and not resolved.signals:
        return replace(resolved, recovered_at=at)
    return resolved


def _started(incident: Incident, event: ProcedureStarted) -> Incident:
    started = replace(incident, commander=event.by, started_at=event.at, procedure=event.procedure, steps=event.steps)
    if started.acknowledged_by is None:
        return replace(started, acknowledged_by=event.by, acknowledged_at=event.at)
    return started


# --- what people ask for ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """I have seen it and am on it."""

    by: Actor
    name: Literal["acknowledge"] = "acknowledge"


@dataclass(frozen=True, slots=True)
class StartProcedure:
    """I become incident commander; open the checklist. `steps` is the number of steps of `procedure`."""

    by: Actor
    procedure: str
    steps: int
    name: Literal["start"] = "start"


@dataclass(frozen=True, slots=True)
class DealWith:
    """What an alert that resolves by a person reported is dealt with."""

    by: Actor
    key: AlertKey
    note: str
    name: Literal["dealt_with"] = "dealt_with"


Command: TypeAlias = Acknowledge | StartProcedure | DealWith


class No(StrEnum):
    """Why a command was refused."""

    ENDED = "ended"
    NOT_ALLOWED = "not_allowed"
    ALREADY_ACKNOWLEDGED = "already_acknowledged"
    ALREADY_STARTED = "already_started"
    NO_SUCH_ALERT = "no_such_alert"
    BY_SIGNAL = "by_signal"
    BLIND = "blind"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A command that changes nothing, with the sentence for the person who asked."""

    why: No
    sentence: str


def decide(incident: Incident, command: Command, at: datetime) -> tuple[Event, ...] | Refusal:
    """Decide `command` against the state: the events it yields, or a refusal that says who, what and why."""
    if incident.ended_at is not None:
        return Refusal(
            No.ENDED, f"{incident.id} ended at {clock(incident.ended_at)}; there is nothing left to do on it."
        )
    match command:
        case Acknowledge():
            return _acknowledge(incident, command, at)
        case StartProcedure():
            return _start(incident, command, at)
        case DealWith():
            return _deal_with(incident, command, at)


def _acknowledge(incident: Incident, command: Acknowledge, at: datetime) -> tuple[Event, ...] | Refusal:
    if incident.acknowledged_by is not None and incident.acknowledged_at is not None:
        who = "you" if incident.acknowledged_by.id == command.by.id else incident.acknowledged_by.name
        since = clock(incident.acknowledged_at)
        return Refusal(No.ALREADY_ACKNOWLEDGED, f"{incident.id} is already acknowledged by {who}, since {since}.")
    return (Acknowledged(at, command.by),)


def _start(incident: Incident, command: StartProcedure, at: datetime) -> tuple[Event, ...] | Refusal:
    if incident.blind:
        return Refusal(No.BLIND, f"{incident.id} says that the monitor cannot see; there is nothing to roll back.")
    if not command.by.roles & {Role.RESPONDER, Role.COMMANDER}:
        return _not_allowed(incident, command)
    if incident.commander is not None and incident.started_at is not None:
        since = clock(incident.started_at)
        if incident.commander.id == command.by.id:
            return Refusal(
                No.ALREADY_STARTED,
                f"You command {incident.id} since {since}; the checklist is in the thread.",
            )
        sentence = (
            f"{incident.commander.name} commands {incident.id} since {since}. Offer your help in the thread; "
            "the checklist is there."
        )
        return Refusal(No.ALREADY_STARTED, sentence)
    return (ProcedureStarted(at, command.by, command.procedure, command.steps),)


def _deal_with(incident: Incident, command: DealWith, at: datetime) -> tuple[Event, ...] | Refusal:
    if not command.by.roles & {Role.RESPONDER, Role.COMMANDER}:
        return _not_allowed(incident, command)
    firing = next((one for one in incident.active if one.key == command.key), None)
    if firing is None:
        return Refusal(No.NO_SUCH_ALERT, f"{command.key.alert} does not fire in {incident.id} (any more).")
    if firing.resolve is not Resolve.BY_PERSON:
        return Refusal(No.BY_SIGNAL, f"{command.key.alert} clears by its own signal; nobody needs to say so.")
    return (DealtWith(at, command.by, command.key, command.note),)


def _not_allowed(incident: Incident, command: Command) -> Refusal:
    sentence = (
        f"{command.by.name} is not among the responders or commanders of {incident.environment}, so this was not done. "
        "Acknowledge is open to everybody; the people are named in routing.yaml."
    )
    return Refusal(No.NOT_ALLOWED, sentence)


# --- what the rules found -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that began to fire, with the evidence of what was read."""

    firing: Firing
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Cleared:
    """An alert that stopped firing."""

    key: AlertKey
    at: datetime
    cause: Cause
    value: float | None = None


Finding: TypeAlias = Fired | Cleared


@dataclass(frozen=True, slots=True)
class Response:
    """What happened to one incident: as it was (None: new), as it is, and the events between."""

    before: Incident | None
    after: Incident
    events: tuple[Event, ...]

    @property
    def expected_rev(self) -> int:
        """The number of events the incident had when this was decided."""
        return self.before.rev if self.before else 0


def follow(incident: Incident, events: tuple[Event, ...]) -> Response:
    """Give what `events`, decided against `incident`, make of it."""
    after = incident
    for event in events:
        after = apply(after, event)
    return Response(incident, after, events)


@dataclass(frozen=True, slots=True)
class Scope:
    """What incidents are opened with.

    The environment, the number of the next one, and how long a recovered one can come back (seconds).
    """

    environment: str
    next_number: int
    reopen_within: int


def incident_id(number: int) -> str:
    """Give the name of incident `number`: INC-0142."""
    return f"INC-{number:04d}"


def respond(
    open_incidents: Sequence[Incident], findings: Iterable[Finding], at: datetime, scope: Scope
) -> tuple[Response, ...]:
    """Give what `findings` do to the incidents, opening one where none takes them.

    One incident a scope takes all signals; *blind* has an incident of its own, unless a rollback is open, which then
    carries it as
    a banner.
    """
    desk = _Desk({one.id: one for one in open_incidents}, scope)
    for finding in findings:
        match finding:
            case Fired():
                desk.fired(finding, at)
            case Cleared():
                desk.cleared(finding)
    return desk.responses({one.id: one for one in open_incidents})


class _Desk:
    """The open incidents while findings are sorted into them."""

    def __init__(self, incidents: dict[str, Incident], scope: Scope) -> None:
        self._incidents = incidents
        self._events: dict[str, list[Event]] = {}
        self._scope = scope
        self._next = scope.next_number

    def fired(self, finding: Fired, at: datetime) -> None:
        firing = finding.firing
        home = self._home(firing, at) or self._open(at, blind=firing.key.tier is Tier.BLIND)
        self._add(home, AlertFired(at, MONITOR, firing))
        if finding.snapshot is not None:
            self._add(home, finding.snapshot)

    def cleared(self, finding: Cleared) -> None:
        for incident in list(self._incidents.values()):
            if any(one.key == finding.key for one in incident.active):
                self._add(incident.id, AlertResolved(finding.at, MONITOR, finding.key, finding.cause, finding.value))
                if incident.blind and not self._incidents[incident.id].active:
                    self._add(incident.id, Ended(finding.at, MONITOR, EndReason.SIGHTED))

    def _home(self, firing: Firing, at: datetime) -> str | None:
        takers = [one for one in self._incidents.values() if one.is_open and self._takes(one, firing, at)]
        takers.sort(key=lambda one: (one.blind, one.opened_at), reverse=firing.key.tier is not Tier.BLIND)
        return takers[0].id if takers else None

    def _takes(self, incident: Incident, firing: Firing, at: datetime) -> bool:
        if firing.key.tier is Tier.BLIND:
            return incident.blind or (incident.tier is Tier.ROLLBACK and incident.recovered_at is None)
        if incident.blind:
            return False
        recovered = incident.recovered_at
        return recovered is None or at - recovered < timedelta(seconds=self._scope.reopen_within)

    def _open(self, at: datetime, *, blind: bool) -> str:
        name = incident_id(self._next)
        self._next += 1
        opened = Opened(at, MONITOR, self._scope.environment, blind=blind)
        self._incidents[name] = fold(name, [opened])
        self._events[name] = [opened]
        return name

    def _add(self, incident: str, event: Event) -> None:
        self._incidents[incident] = apply(self._incidents[incident], event)
        self._events.setdefault(incident, []).append(event)

    def responses(self, before: dict[str, Incident]) -> tuple[Response, ...]:
        return tuple(
            Response(before.get(name), self._incidents[name], tuple(events)) for name, events in self._events.items()
        )


def due(incident: Incident, at: datetime, reopen_within: int) -> tuple[Event, ...]:
    """Give what time alone does to `incident` at `at`.

    Recovered for `reopen_within` seconds with nobody rolling back, it ends by itself.
    """
    if incident.ended_at is not None or incident.recovered_at is None or incident.commander is not None:
        return ()
    if at - incident.recovered_at < timedelta(seconds=reopen_within):
        return ()
    return (Ended(at, MONITOR, EndReason.BY_ITSELF),)
