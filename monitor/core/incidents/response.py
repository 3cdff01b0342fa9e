"""What the rules found, sorted into incidents: which one takes a firing alert, and when a new one is opened. Pure.

Incidents change in `monitor.core.incidents.incident`; here it is only decided which events they get.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.actor import MONITOR
from monitor.core.incidents.events import (
    AlertFired,
    AlertRenamed,
    AlertResolved,
    Ended,
    EndReason,
    Event,
    Firing,
    Opened,
    Snapshot,
)
from monitor.core.incidents.incident import Incident, apply, fold
from monitor.core.incidents.silence import as_seen
from monitor.core.model import AlertKey, Cause, Labels, Tier, labels_of
from monitor.core.naming import INCIDENT, incident_id
from monitor.core.rules.routing import ENVIRONMENT


@dataclass(frozen=True, slots=True)
class Fired:
    """An alert that began to fire, with the evidence of what was read.

    `heard_at` is when incidents hear of it, where that is later than it fired: a silence had hidden it until then.
    """

    firing: Firing
    snapshot: Snapshot | None = None
    heard_at: datetime | None = None

    @property
    def at(self) -> datetime:
        """When it happened."""
        return self.heard_at or self.firing.fired_at


@dataclass(frozen=True, slots=True)
class Cleared:
    """An alert that stopped firing; `worst` is its summary at its worst value, for those who read the page later."""

    key: AlertKey
    at: datetime
    cause: Cause
    value: float | None = None
    worst: str = ""


@dataclass(frozen=True, slots=True)
class Renamed:
    """A rule that is called `after` from now on; its alerts are the same."""

    before: str
    after: str

    def key(self, key: AlertKey) -> AlertKey:
        """Give the identity that an alert has from now on; one that is not of the rule keeps its own."""
        of_group = key.tier is Tier.BLIND and key.labels == (("group", key.alert),)
        return replace(key, alert=self.after) if key.alert == self.before and not of_group else key


Finding: TypeAlias = Fired | Cleared | Renamed


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

    The environment, the number of the next one, how long a recovered one can come back (seconds), the labels whose
    values part incidents, and what their names begin with.
    """

    environment: str
    next_number: int
    reopen_within: int
    group_by: tuple[str, ...] = ()
    prefix: str = INCIDENT

    def of(self, firing: Firing) -> Labels:
        """Give the labels that an alert shares with all others of its incident; what it does not have is left out."""
        seen = dict(as_seen(firing.key, firing.labels))
        return labels_of({name: seen[name] for name in self.group_by if name != ENVIRONMENT and seen.get(name)})


def respond(
    open_incidents: Sequence[Incident], findings: Iterable[Finding], at: datetime, scope: Scope
) -> tuple[Response, ...]:
    """Give what `findings` do to the incidents, opening one where none takes them.

    One incident a scope takes all signals; *blind* has an incident of its own for all scopes, unless a rollback is
    open, which then carries it as a banner (what is of another scope, it does not). A stretch that was caught up with
    gives the incidents that living through it would have given: everything is sorted in by when it happened. What is
    over by the end of it is recorded at its own times; what still fires asks for people from `at` on.
    """
    desk = _Desk({one.id: one for one in open_incidents}, at, scope)
    for finding, until in _in_order(findings):
        match finding:
            case Fired():
                desk.fired(finding, until)
            case Cleared():
                desk.cleared(finding)
            case Renamed():
                desk.renamed(finding)
    return desk.responses({one.id: one for one in open_incidents})


def _in_order(findings: Iterable[Finding]) -> list[tuple[Finding, datetime | None]]:
    """Give findings as they happened, what begins before what ends, each that fired with when it ended among them.

    Those of a takeover stay as they are: what a rule is called comes before what its alerts did.
    """
    ordered = list(findings)
    if not any(isinstance(one, Renamed) for one in ordered):
        ordered.sort(key=lambda one: (one.at, isinstance(one, Cleared)))  # type: ignore[union-attr]  # none is Renamed
    ended: dict[AlertKey, datetime] = {}
    found: list[tuple[Finding, datetime | None]] = []
    for one in reversed(ordered):
        if isinstance(one, Cleared):
            ended[one.key] = one.at
        found.append((one, ended.pop(one.firing.key, None) if isinstance(one, Fired) else None))
    return found[::-1]


class _Desk:
    """The open incidents while findings are sorted into them."""

    def __init__(self, incidents: dict[str, Incident], at: datetime, scope: Scope) -> None:
        self._incidents = incidents
        self._at = at
        self._events: dict[str, list[Event]] = {}
        self._scope = scope
        self._next = scope.next_number

    def fired(self, finding: Fired, until: datetime | None) -> None:
        firing = finding.firing
        told_at = self._at if until is None else finding.at
        home = self._home(finding, until) or self._open(firing, told_at)
        self._add(home, AlertFired(told_at, MONITOR, firing))
        if finding.snapshot is not None:
            self._add(home, finding.snapshot)

    def cleared(self, finding: Cleared) -> None:
        for incident in list(self._incidents.values()):
            if any(one.key == finding.key for one in incident.active):
                self._add(
                    incident.id,
                    AlertResolved(finding.at, MONITOR, finding.key, finding.cause, finding.value, finding.worst),
                )
                if incident.blind and not self._incidents[incident.id].active:
                    self._add(incident.id, Ended(finding.at, MONITOR, EndReason.SIGHTED))

    def renamed(self, finding: Renamed) -> None:
        for incident in list(self._incidents.values()):
            for key in dict.fromkeys(one.key for one in incident.alerts):
                to = finding.key(key)
                if to != key:
                    self._add(incident.id, AlertRenamed(self._at, MONITOR, key, to))

    def _home(self, finding: Fired, until: datetime | None) -> str | None:
        blind = finding.firing.key.tier is Tier.BLIND

        def takes(one: Incident) -> bool:
            return self._takes_blind(one, finding.firing) if blind else self._takes(one, finding, until)

        takers = [one for one in self._incidents.values() if one.is_open and takes(one)]
        takers.sort(key=lambda one: (one.blind, one.opened_at), reverse=not blind)
        return takers[0].id if takers else None

    def _takes_blind(self, incident: Incident, firing: Firing) -> bool:
        return incident.blind or self._carries(incident, firing)

    def _takes(self, incident: Incident, finding: Fired, until: datetime | None) -> bool:
        """Whether no more than the time for coming back lies between an incident and what fired until `until`.

        It may have been over before the incident began: another group was caught up with first.
        """
        if incident.blind or incident.scope != self._scope.of(finding.firing):
            return False
        within = timedelta(seconds=self._scope.reopen_within)
        began = min((one.fired_at for one in incident.alerts), default=incident.opened_at)
        if until is not None and began - until >= within:
            return False
        return incident.recovered_at is None or finding.at - incident.recovered_at < within

    def _carries(self, incident: Incident, firing: Firing) -> bool:
        """Whether a rollback shows as a banner that something is unseen: something of its own scope, or of none."""
        theirs = self._scope.of(firing) in {(), incident.scope}
        return theirs and incident.tier is Tier.ROLLBACK and incident.recovered_at is None

    def _open(self, firing: Firing, at: datetime) -> str:
        name = incident_id(self._next, self._scope.prefix)
        self._next += 1
        blind = firing.key.tier is Tier.BLIND
        scope = () if blind else self._scope.of(firing)
        opened = Opened(at, MONITOR, self._scope.environment, blind=blind, scope=scope)
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
