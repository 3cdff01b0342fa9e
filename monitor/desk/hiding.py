"""What silences and maintenance keep from paging, and what pages after all when they end.

Asked by the desk about everything that the rules found, inside its turn; it writes nothing itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog

from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, HiddenTold
from monitor.core.incidents.incident import apply
from monitor.core.incidents.response import Cleared, Finding, Fired, Renamed, Response
from monitor.core.incidents.silence import Cover, Hidden, HiddenBy, hidden, told_of
from monitor.core.model import AlertKey, Cause, State
from monitor.ports.store import Store
from monitor.rulebook import RuleBook

log = structlog.get_logger()

TOLD_WITHIN = timedelta(hours=24)
"""What a silence hid that ended longer ago says nothing about an incident that opens now."""


@dataclass(frozen=True, slots=True)
class Sorted:
    """The findings that incidents hear of, and the records that change with those that they do not."""

    findings: tuple[Finding, ...]
    kept: tuple[Hidden, ...] = ()


class Hiding:
    """Sorts findings. Not thread-safe: the desk asks in its turn."""

    def __init__(self, store: Store, book: RuleBook) -> None:
        self._store = store
        self._book = book

    def sort(self, findings: Sequence[Finding], now: datetime) -> Sorted:
        """Give what incidents hear of `findings` at `now`."""
        if not findings:
            return Sorted(())
        sorting = _Sorting({one.firing.key: one for one in self._store.hidden(live_only=True)}, now)
        for finding in findings:
            match finding:
                case Fired():
                    sorting.fired(finding, self.cover(finding.firing.key, now))
                case Cleared():
                    sorting.cleared(finding)
                case Renamed():
                    sorting.renamed(finding)
        return Sorted(tuple(sorting.heard), tuple(sorting.changed.values()))

    def cover(self, key: AlertKey, now: datetime) -> Cover | None:
        """Give what keeps an alert from paging at `now`, or None."""
        rules = self._book.now.rules
        rule = rules.rule(key.alert)
        labels = rule.labels if rule is not None else ()
        return hidden(key, labels, now, self._store.silences(), rules.routing.maintenance)

    def released(self, now: datetime) -> tuple[Finding, ...]:
        """Give what fires still and is covered no longer; and the end of what is no alert any more."""
        free = [one for one in self._store.hidden(live_only=True) if self.cover(one.firing.key, now) is None]
        if not free:
            return ()
        alerts = {key: alert for state in self._store.groups() for key, alert in state.alerts.items()}
        gone = [one.firing.key for one in free if one.firing.key not in alerts]
        firing = [one for one in free if one.firing.key in alerts and alerts[one.firing.key].state is State.FIRING]
        return (
            *(Fired(one.firing, one.snapshot, heard_at=now) for one in firing),
            *(Cleared(key, now, Cause.RULE_REMOVED) for key in gone),
        )

    def tell(
        self, responses: tuple[Response, ...], kept: tuple[Hidden, ...], now: datetime
    ) -> tuple[tuple[Response, ...], tuple[Hidden, ...]]:
        """Let the first incident that opens, or that takes what was hidden, tell what was; give both as they are then.

        What a cover hid that is still in force is told again by the next one.
        """
        released = {one.firing.key for one in kept if one.released_at is not None}
        hears = next((one for one in responses if _hears(one, released)), None)
        if hears is None:
            return responses, kept
        every = {one.id: one for one in (*self._store.hidden(), *kept)}
        ends = self._ends()
        untold = [one for one in every.values() if not one.told and now - _end(one, ends) < TOLD_WITHIN]
        if not untold:
            return responses, kept
        told = _with_told(hears, untold, now, ends)
        over = {one.id: replace(one, told=True) for one in untold if _end(one, ends) <= now}
        changed = {**{one.id: one for one in kept}, **over}
        return tuple(told if one is hears else one for one in responses), tuple(changed.values())

    def _ends(self) -> dict[str, datetime]:
        return {f"{HiddenBy.SILENCE} {one.id}": one.over_at for one in self._store.silences()}


class _Sorting:
    """Findings while they are sorted, one after the other."""

    def __init__(self, live: dict[AlertKey, Hidden], now: datetime) -> None:
        self._live = live
        self._now = now
        self.heard: list[Finding] = []
        self.changed: dict[str, Hidden] = {}

    def fired(self, finding: Fired, cover: Cover | None) -> None:
        key = finding.firing.key
        known = self._live.get(key)
        if cover is None:
            self.heard.append(finding)
            if known is not None:
                self._keep(replace(known, released_at=self._now))
        elif known is None:
            name = f"{key}@{self._now.isoformat()}"
            self._keep(Hidden(name, cover, self._now, finding.firing, finding.snapshot))

    def cleared(self, finding: Cleared) -> None:
        self.heard.append(finding)
        known = self._live.get(finding.key)
        if known is not None:
            self._keep(replace(known, cleared_at=finding.at))

    def renamed(self, finding: Renamed) -> None:
        self.heard.append(finding)
        for key, one in list(self._live.items()):
            to = finding.key(key)
            if to != key:
                del self._live[key]
                self._keep(replace(one, firing=replace(one.firing, key=to)))

    def _keep(self, one: Hidden) -> None:
        self.changed[one.id] = one
        if one.live:
            self._live[one.firing.key] = one
        else:
            self._live.pop(one.firing.key, None)


def _hears(response: Response, released: set[AlertKey]) -> bool:
    """Whether a response opens an incident about signals, or takes what was hidden until now."""
    if response.after.blind:
        return False
    fired = (one.firing.key for one in response.events if isinstance(one, AlertFired))
    return response.before is None or not released.isdisjoint(fired)


def _end(one: Hidden, ends: dict[str, datetime]) -> datetime:
    return ends.get(str(one.cover), one.cover.until)


def _with_told(response: Response, untold: Sequence[Hidden], now: datetime, ends: dict[str, datetime]) -> Response:
    alerts = tuple(dict.fromkeys(str(one.firing.key) for one in untold))
    event = HiddenTold(now, MONITOR, f"{'; '.join(told_of(untold, now, ends))}.", alerts)
    return replace(response, after=apply(response.after, event), events=(*response.events, event))


def say(kept: Iterable[Hidden]) -> None:
    """Log what was hidden, and what pages after all."""
    for one in kept:
        what = {"alert": str(one.firing.key), "by": str(one.cover)}
        if one.live:
            log.info("alert.hidden", until=one.cover.until.isoformat(), **what)
        elif one.released_at is not None:
            log.info("alert.released", **what)
