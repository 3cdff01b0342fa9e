"""Watches the signals that paged until they have been clear for long enough: reads them, and moves their clocks.

The clocks are kept in memory, and begin anew from history after a restart. A grid time that was not answered when it
was asked for is never asked for again: what was not seen then does not count later. Readings and judgements are those
of the rules in force.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.core.judging.judge import unseen
from monitor.core.model import AlertKey, Judgement, Tier, Verdict
from monitor.core.procedures.clearance import Watched
from monitor.core.procedures.clearclock import ClearClock, Seen, seen, tick
from monitor.core.rules.rule import Group, Rule
from monitor.evaluation.grid import newest_point
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Point, Reader, Waiting
from monitor.ports.world import Clock
from monitor.rulebook import InForce, RuleBook

READ_WITHIN = 10.0
"""Seconds that reading the signals of one incident may take."""

MOST = 500
"""Grid times of one rule that are read at once; of a longer stretch the newest."""


@dataclass(slots=True)
class _Watch:
    """The rules of one incident: up to which grid time each was read, and its signals."""

    cursors: dict[str, int] = field(default_factory=dict)
    signals: dict[AlertKey, Watched] = field(default_factory=dict)


class SignalWatch:
    """Keeps the clocks of the incidents that verify. Thread-safe for different incidents."""

    def __init__(self, reader: Reader, book: RuleBook, clock: Clock) -> None:
        self._reader, self._book, self._clock = reader, book, clock
        self._watches: dict[str, _Watch] = {}
        self._lock = threading.Lock()

    def look(self, incident: str, keys: Sequence[AlertKey], hold: int) -> Mapping[AlertKey, Watched]:
        """Read what is new of the signals `keys`, for at most `READ_WITHIN` seconds, and give how each stands.

        Without what was read before it begins `hold` seconds back.
        """
        with self._lock:
            watch = self._watches.setdefault(incident, _Watch())
        book = self._book.now
        deadline = Deadline(self._clock, self._clock.monotonic() + READ_WITHIN)
        for alert in dict.fromkeys(key.alert for key in keys if key.tier is not Tier.BLIND):
            mine = [key for key in keys if key.alert == alert]
            found = _found(book, alert)
            if found is None:
                watch.signals |= dict.fromkeys(mine, Watched(cannot=f"the rule {alert} is not in force any more"))
            else:
                self._read(_Subject(book, *found), watch, mine, hold, deadline)
        return {key: watch.signals.get(key, Watched(cannot="it is no signal of a rule")) for key in keys}

    def forget(self, incident: str) -> None:
        """Let go of the clocks of an incident that is over."""
        with self._lock:
            self._watches.pop(incident, None)

    def _read(
        self, subject: "_Subject", watch: _Watch, keys: Sequence[AlertKey], hold: int, deadline: Deadline
    ) -> None:
        group, alert = subject.group, subject.rule.alert
        newest = newest_point(group, self._clock.now().timestamp(), self._reader.source_time())
        times = _due(group, watch.cursors.get(alert), newest, hold)
        if not times:
            return
        points = self._points(subject, times, deadline)
        if alert not in watch.cursors and isinstance(points[0], Waiting):
            watch.signals |= {key: Watched(blind=points[0].why) for key in keys}  # begins when something is answered
            return
        watch.cursors[alert] = newest
        for key in keys:
            watch.signals[key] = subject.moved(watch.signals.get(key, Watched()), key, times, points)

    def _points(self, subject: "_Subject", times: Sequence[int], deadline: Deadline) -> Sequence[Point]:
        if len(times) == 1:
            rules = [subject.rule]
            return self._reader.together(subject.book.plan, rules, times[0], deadline)[subject.rule.alert]
        return self._reader.points(subject.book.plan, subject.rule, times, deadline)


def _found(book: InForce, alert: str) -> tuple[Group, Rule] | None:
    pairs = ((group, rule) for group in book.rules.groups for rule in group.rules)
    return next((pair for pair in pairs if pair[1].alert == alert), None)


def _due(group: Group, cursor: int | None, newest: int, hold: int) -> Sequence[int]:
    """Give the grid times to read: those after the cursor, or as far back as a clock needs to be full at once."""
    back = newest - (hold // group.interval + 1) * group.interval
    first = back if cursor is None else max(back, (cursor // group.interval + 1) * group.interval)
    return range(first, newest + 1, group.interval)[-MOST:]


@dataclass(frozen=True, slots=True)
class _Subject:
    """One rule, in the rule set in which it is read."""

    book: InForce
    group: Group
    rule: Rule

    def moved(self, watched: Watched, key: AlertKey, times: Sequence[int], points: Sequence[Point]) -> Watched:
        """Give `watched` after `points`, those of the grid `times`."""
        for at, point in zip(times, points, strict=True):
            watched = self._after(replace(watched, cannot=""), key, at, point)
        return watched

    def _after(self, watched: Watched, key: AlertKey, at: int, point: Point) -> Watched:
        tier = self.rule.tier(key.tier, key.labels)
        if tier is None:
            return Watched(cannot=f"the rule {self.rule.alert} has no {key.tier} tier any more")
        if isinstance(point, Waiting):
            return replace(watched, clock=self._ticked(watched.clock, at, Seen.UNSEEN), blind=point.why)
        if point.error:
            judgement = Judgement(Verdict.ERROR, why=point.error)
        else:
            gone = replace(unseen(self.rule.signal, tier), why="the instance is no longer in the data")
            judgement = point.judgements.get(key) or gone
        clock = self._ticked(watched.clock, at, seen(judgement, self.rule, tier))
        return Watched(clock, judgement)

    def _ticked(self, clock: ClearClock, at: int, one: Seen) -> ClearClock:
        return tick(clock, at, one, self.group.interval)
