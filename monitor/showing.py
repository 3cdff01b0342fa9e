"""What the daemon shows over HTTP: health, readiness, metrics read at each scrape, and rules with their alerts."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from monitor.bootstrap.app import App
from monitor.core.model import Alert, AlertKey, Tier
from monitor.drills.gates import Gates
from monitor.evaluation.lookout import SOURCE, group_key
from monitor.ports.store import FILES, GroupState
from monitor.ruleset.rulesfolder import Outcome
from monitor.runtime.loops import Loops
from monitor.side import Side
from monitor.web import Evaluation, Health, Inside, View


@dataclass(slots=True)
class Progress:
    """How far the daemon is: its loops, groups evaluated at all, how that went last, and when it was last complete.

    `troubles` are those of rules, by the group's name.
    """

    loops: Loops = field(default_factory=Loops)
    tried: set[str] = field(default_factory=set)
    complete: dict[str, float] = field(default_factory=dict)
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    troubles: dict[str, Mapping[str, str]] = field(default_factory=dict)


class Showing:
    """Reads what is shown from the parts of the daemon. Thread-safe: it changes nothing."""

    def __init__(self, app: App, progress: Progress) -> None:
        self._app = app
        self._progress = progress

    def inside(self, reload: Callable[[], Outcome]) -> Inside:
        """Give what the HTTP application needs; `reload` is the daemon's."""
        return Inside(
            store=self._app.store,
            commands=self._app.production.commands,
            registry=self._app.metrics.registry,
            token=self._app.token,
            healthy=self.healthy,
            ready=self.ready,
            reload=reload,
            standing=lambda: self._app.folder.standing,
            gauges=self.gauges,
            view=self.view,
            scene=self._app.scene,
            doubts=lambda: self._app.surveyor.last.doubts,
            gate=Gates(self._app.production, self._app.hall).ask,
            slack=self._app.inbound.door if self._app.inbound else None,
            pagerduty=self._app.hooks,
            evidence=lambda name: self._side(name).evidence.bundle(name),
            side=self._side,
            drills=self._app.conductor,
            duty=self._app.duty,
        )

    def _side(self, incident: str) -> Side:
        return self._app.hall.of(incident, self._app.production)

    def healthy(self) -> Health:
        """Every loop goes round: nothing else, so that an outage elsewhere never restarts the monitor."""
        stalled = self._progress.loops.stalled(self._app.clock.monotonic())
        return Health(ok=not stalled, trouble=f"stalled: {', '.join(map(str, stalled))}")

    def complete_since(self, since: float) -> bool:
        """Whether every group was evaluated with every rule answered after monotonic time `since`, and all is well."""
        groups = self._app.production.book.now.rules.groups
        evaluated = all(self._progress.complete.get(group.name, -math.inf) > since for group in groups)
        return bool(groups) and evaluated and self._app.store.durable and self.healthy().ok

    def ready(self) -> Health:
        """Every group was tried, on the rules that stand on disk or once stood there while the daemon ran."""
        standing = self._app.folder.standing
        if standing.on_last_good:
            why = "; ".join(standing.problems)
            return Health(ok=False, trouble=f"the rules on disk cannot be used, the last good ones run: {why}")
        tried = self._progress.tried
        waiting = [group.name for group in self._app.production.book.now.rules.groups if group.name not in tried]
        return Health(ok=not waiting, trouble=f"not evaluated yet: {', '.join(waiting)}")

    def view(self) -> View:
        """Give rules and alerts as they are now."""
        return View(
            book=self._app.production.book.now,
            states={state.name: state for state in self._app.store.groups()},
            readings=dict(self._app.production.engine.readings),
            evaluations=dict(self._progress.evaluations),
            troubles=self._troubles(),
        )

    def _troubles(self) -> dict[str, str]:
        """Give what was wrong with rules when they were evaluated last, by their names."""
        kept = dict(self._progress.troubles)
        return {
            rule.alert: kept[group.name][rule.alert]
            for group in self._app.production.book.now.rules.groups
            for rule in group.rules
            if rule.alert in kept.get(group.name, {})
        }

    def gauges(self) -> None:
        """Set the metrics that are read from what is kept, at each scrape."""
        metrics, now = self._app.metrics, self._app.clock.now()
        metrics.durable.set(self._app.store.durable)
        metrics.held.set(self._app.store.waiting)
        metrics.incidents.clear()
        kept = {state.name: state for state in self._app.store.groups()}
        self._alert_gauges(kept)
        for tier in Tier:
            metrics.incidents.labels(str(tier)).set(0)
        for incident in self._app.store.incidents(open_only=True):
            metrics.incidents.labels(str(incident.tier)).inc()
        owed = [post for post in self._app.store.owed() if post.kind not in FILES]  # no page waits for a file
        metrics.outbox_pending.set(len(owed))
        oldest = min((post.decided_at for post in owed), default=now)
        metrics.outbox_oldest.set((now - oldest).total_seconds())
        self._drill_gauges(now)

    def _drill_gauges(self, now: datetime) -> None:
        """Show how the team stood at the last look; before the first one nothing is known."""
        metrics, stands = self._app.metrics, self._app.duty.last
        if stands is None:
            return
        ended = stands.counted.ended if stands.counted is not None else None
        metrics.drill_age.value = max(0.0, (now - ended).total_seconds()) if ended is not None else None
        metrics.drill_due.value = stands.due.ends(stands.cadence).timestamp()
        metrics.drill_overdue.value = 1.0 if stands.overdue(now) else 0.0

    def _alert_gauges(self, kept: Mapping[str, GroupState]) -> None:
        metrics, book = self._app.metrics, self._app.production.book.now
        metrics.alerts.clear()
        every: dict[AlertKey, Alert] = {key: one for state in kept.values() for key, one in state.alerts.items()}
        for key, alert in every.items():
            shadow = "shadow_" if key.tier is not Tier.BLIND and book.in_shadow(key.alert) else ""
            metrics.alerts.labels(key.alert, f"{shadow}{alert.state}").inc()
        blind = {key for key in every if key.tier is Tier.BLIND}
        for group in book.rules.groups:
            own, rules = group_key(group.name), {rule.alert for rule in group.rules}
            unseen = any(key in {own, SOURCE} or (key.alert in rules and key != group_key(key.alert)) for key in blind)
            metrics.blind.labels(group.name).set(1 if unseen else 0)
