"""What time alone brings: blindness and sight, calls that nobody answers, ends, and pages that must show the present.

Called every few seconds by the daemon, whatever the evaluations do; it reads nothing from Prometheus.
"""

import math
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.incidents.due import due
from monitor.core.incidents.escalation import overdue
from monitor.core.incidents.firing import blind_firing
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.response import Finding, Fired
from monitor.core.judging.evaluate import Stepped, look, retire
from monitor.core.model import Alert, AlertKey, Cause, State, Transition, utc
from monitor.core.pages.page import Reading
from monitor.desk.desk import Decision, Desk
from monitor.evaluation.engine import Engine, cleared
from monitor.evaluation.lookout import SOURCE, Lookout, group_key
from monitor.ports.store import GroupState, Store
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook

BLIND_GROUP = "(blind)"
"""The name under which blind alerts are kept; the file reader gives no group such a name."""

WATCH_EVERY = 5
"""Seconds between two looks."""

REMIND_EVERY, REMINDED_FOR = 600, timedelta(days=14)
"""Seconds between two looks at records that wait to be completed, and for how long after the end they are looked at."""

REFRESH_EVERY = 30
"""Seconds between two edits of a page that only bring it new readings."""


class Vigil:
    """Looks after what no evaluation would notice."""

    def __init__(
        self, engine: Engine, desk: Desk, store: Store, clock: Clock, book: RuleBook, lookout: Lookout
    ) -> None:
        self._engine = engine
        self._desk = desk
        self._store = store
        self._clock = clock
        self._book = book
        self._lookout = lookout
        self._shown: dict[str, tuple[float, dict[AlertKey, Reading]]] = {}
        self._reminded = -math.inf

    def watch(self) -> tuple[Transition, ...]:
        """Look once; give the changes of blind alerts. Raises StoreError where they cannot be written."""
        seen: list[Transition] = []

        def decide(state: GroupState) -> Decision:
            stepped = self._look(state)
            seen[:] = stepped.transitions
            # what begins is told before what ends: one blindness that gives way to another is one incident
            ordered = sorted(stepped.transitions, key=lambda one: one.after is not State.FIRING)
            findings = [self._finding(one) for one in ordered]
            told = tuple(one for one in findings if one is not None)
            alerts, transitions = replace(state, alerts=stepped.alerts), stepped.transitions
            return Decision(alerts, told, durable=bool(transitions), transitions=transitions)

        self._desk.settle(BLIND_GROUP, decide)
        self._desk.release()
        opened = self._store.incidents(open_only=True)
        self._shown = {one.id: self._shown[one.id] for one in opened if one.id in self._shown}
        for incident in opened:
            self._end(incident)
            self._call(incident)
            self._refresh(incident)
        self._remind()
        return tuple(seen)

    def _remind(self) -> None:
        """Ask for the records of what ended lately, where they wait to be completed."""
        now = self._clock.monotonic()
        if now - self._reminded < REMIND_EVERY:
            return
        self._reminded = now
        for incident in self._store.incidents(since=self._clock.now() - REMINDED_FOR):
            if not incident.is_open:
                self._end(incident)

    def _look(self, state: GroupState) -> Stepped:
        now, at = self._clock.monotonic(), int(self._clock.now().timestamp())
        alerts: dict[AlertKey, Alert] = {}
        transitions: list[Transition] = []
        told = {one.key for incident in self._store.incidents(open_only=True) for one in incident.active}
        told |= {one.firing.key for one in self._store.hidden(live_only=True)}
        left = {key: alert for key, alert in state.alerts.items() if key in told}  # a banner ends with its incident
        groups = self._book.now.rules.groups
        self._lookout.keep(groups)
        every = {SOURCE: left.pop(SOURCE)} if SOURCE in left else {}
        patience = min((group.blind_after for group in groups), default=0)
        everything = look(every, [self._lookout.source_sight(groups, now)] if groups else [], patience, at)
        alerts |= everything.alerts
        transitions += everything.transitions
        for group in groups:
            own, rules = group_key(group.name), {rule.alert for rule in group.rules}
            keys = [key for key in left if key == own or (key.alert in rules and key != group_key(key.alert))]
            mine = {key: left.pop(key) for key in keys}
            stepped = look(mine, self._lookout.sights(group, now, mine), group.blind_after, at)
            alerts |= stepped.alerts
            transitions += stepped.transitions
        return Stepped(alerts, (*transitions, *retire(left.values(), at, Cause.RULE_REMOVED)))

    def _finding(self, transition: Transition) -> Finding | None:
        if transition.after is not State.FIRING:
            return cleared(transition)
        rule = self._book.now.rules.rule(transition.alert.key.alert)
        return Fired(blind_firing(transition, rule.labels if rule is not None else ()))

    def _end(self, incident: Incident) -> None:
        """End what stayed clear for long enough; not while nobody has read whether it did."""
        reopen_within = self._book.now.rules.routing.reopen_within
        if due(incident, self._read_until(incident), reopen_within):
            self._desk.act(incident.id, lambda now: due(now, self._clock.now(), reopen_within))

    def _read_until(self, incident: Incident) -> datetime:
        """Give up to when the rules of an incident's alerts are read: after an outage that is not until now."""
        names = {one.key.alert for one in incident.alerts}
        groups = [one.name for one in self._book.now.rules.groups if names & {rule.alert for rule in one.rules}]
        states = [self._desk.present(name).cursors for name in groups] if incident.recovered_at else []
        return min(
            (utc(at) for each in states for name, at in each.items() if name in names), default=self._clock.now()
        )

    def _call(self, incident: Incident) -> None:
        """Call whoever must be called again, and take away acknowledgements that nobody stands by."""
        escalation = self._book.now.rules.routing.escalation
        if overdue(incident, self._clock.now(), escalation):
            self._desk.act(incident.id, lambda now: overdue(now, self._clock.now(), escalation))

    def _refresh(self, incident: Incident) -> None:
        """Owe an edit where what the page would say differs from what it said, at most every REFRESH_EVERY seconds."""
        now = self._clock.monotonic()
        found = ((one.key, self._engine.readings.get(one.key)) for one in incident.active)
        fresh = {key: reading for key, reading in found if reading is not None}
        at, shown = self._shown.setdefault(incident.id, (now, fresh))
        if now - at >= REFRESH_EVERY and _words(fresh) != _words(shown):
            self._shown[incident.id] = (now, fresh)
            self._desk.refresh(incident.id)


def _words(readings: dict[AlertKey, Reading]) -> dict[AlertKey, tuple[str, str]]:
    return {key: (one.summary, one.why) for key, one in readings.items()}
