"""The daily line about rules in the shadow: once a day, durable, told to the default channel.

Called every few seconds by the daemon. What would have paged is read from the record; nothing is evaluated here.
"""

from datetime import datetime

from monitor.core.daily import DAY
from monitor.core.pages.posts import Notice
from monitor.core.rules.routing import ShadowReport
from monitor.core.rules.rule import Rule
from monitor.core.rules.shadowreport import Seen, due, told, unsent
from monitor.desk.desk import Desk
from monitor.ports.store import NO_INCIDENT, Recorded, Store
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook

SHADOWS_EVERY = 10
"""Seconds between two looks whether a report is due."""

SETTLED = 300
"""Seconds before its moment at which the day of a report ends: what came later may not have been evaluated yet."""

MOST = 20_000
"""Changes of a day that are looked at, the newest."""


class Shadows:
    """Tells what rules in the shadow would have paged."""

    def __init__(self, desk: Desk, store: Store, clock: Clock, book: RuleBook) -> None:
        self._desk = desk
        self._store = store
        self._clock = clock
        self._book = book
        self._looked: datetime | None = None
        """The newest moment whose report was told, or found to be empty: nothing is read until the next one."""

    def look(self) -> str:
        """Tell the report that is due, if any; give what was told. Raises StoreError and ConflictError."""
        rules, now = self._book.now.rules, self._clock.now()
        shadows = [rule for group in rules.groups for rule in group.rules if rule.shadow]
        report = rules.routing.shadow_report
        if report is None or not shadows:
            return ""
        moment = due(report, now, self._looked)
        if moment is None:
            return ""
        said = self._said(shadows, report, moment) if due(report, now, self._last()) else ""
        if said:
            self._desk.note(Notice.SHADOW_REPORT, said)
        self._looked = moment
        return said

    def _last(self) -> datetime | None:
        notes = self._store.posts(NO_INCIDENT)
        return max((one.decided_at for one in notes if one.reason == Notice.SHADOW_REPORT), default=None)

    def _said(self, shadows: list[Rule], report: ShadowReport, moment: datetime) -> str:
        end = int(moment.timestamp()) - SETTLED
        begin = end - int(DAY.total_seconds())
        record = self._store.transitions(since=begin, most=MOST)
        seen = [_seen(one) for one in record if one.shadow and one.at < end]
        alerts = [alert for state in self._store.groups() for alert in state.alerts.values()]
        return told(unsent(seen, alerts, shadows), shadows, report, moment)


def _seen(one: Recorded) -> Seen:
    return Seen(one.at, one.key, one.before, one.after, one.cause, one.value)
