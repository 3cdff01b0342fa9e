"""One rule folded over a stretch of history: `core.judging.evaluate.step` where it can change something, nowhere else.

A step over a verdict that says the same as the one before mostly leaves an alert as it was: what is inactive stays so
until it breaches, what pends waits for its `for`, what fires stays until it is clear. Such stretches are passed over;
only the worst value within them is taken along. A property of the tests holds this to stepping point by point.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from monitor.core.judging.evaluate import Stepped, skip, step
from monitor.core.judging.point import within_limit
from monitor.core.model import Alert, AlertKey, Judgement, Labels, State, Tier, Transition, Verdict
from monitor.core.rules.rule import Group, NoData, Rule
from monitor.evaluation.reading import in_error
from monitor.workbench.replay.history import Codes, Flags, Floats, Grid, Hole
from monitor.workbench.replay.tracks import Case, NotJudgedError, Track
from monitor.workbench.replay.verdicts import Code

Alerts = Mapping[AlertKey, Alert]
Judge = Callable[[int, frozenset[Labels]], Mapping[AlertKey, Judgement]]
"""Gives the judgements of some instances at a grid index. Raises NotJudgedError where they were not read."""

NOTHING, CLEAR, BETWEEN, BREACH, MISSING, AS_BREACH, WRONG, UNREAD = range(8)
"""What alerts hear, as the columns of the state table, with what arrays must tell apart beside them.

NOTHING: no judgement. AS_BREACH: missing data that stand for a breach, and have no value. WRONG: nothing of what is
inactive, an error for what is not. UNREAD: no point at all.
"""

BREACHES = (BREACH, AS_BREACH)


def hears(no_data: NoData) -> Codes:
    """Give what each `Code` says, by its number, where missing data mean `no_data`."""
    found = np.full(len(Code), MISSING, dtype=np.int8)
    found[[Code.ABSENT, Code.CLEAR, Code.BETWEEN, Code.BREACH]] = NOTHING, CLEAR, BETWEEN, BREACH
    found[[Code.WRONG, Code.UNREAD]] = WRONG, UNREAD
    found[Code.NO_DATA] = {NoData.HOLD: MISSING, NoData.CLEAR: CLEAR, NoData.BREACH: AS_BREACH}[no_data]
    return found


@dataclass(frozen=True, slots=True)
class Folded:
    """What became of a rule: every transition in order, and its alerts at the end of the grid."""

    rule: Rule
    group: Group
    grid: Grid
    tracks: Mapping[AlertKey, Track]
    transitions: tuple[Transition, ...]
    alerts: Alerts
    unread: tuple[Hole, ...] = ()
    wrong: tuple[Hole, ...] = ()


@dataclass(slots=True)
class _Instance:
    """The tiers of one instance: what each hears, and where any of them hears something else than before."""

    heard: Mapping[AlertKey, Codes]
    changes: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    breaches: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    alerts: dict[AlertKey, Alert] = field(default_factory=dict)

    def same_until(self, index: int) -> int:
        """Give the first index after `index` at which it hears something else."""
        return int(self.changes[np.searchsorted(self.changes, index, side="right")])

    def next_breach(self, index: int) -> int | None:
        """Give the first index from `index` on at which a tier is in breach."""
        place = int(np.searchsorted(self.breaches, index))
        return int(self.breaches[place]) if place < len(self.breaches) else None


def fold(case: Case) -> Folded:
    """Give what becomes of a rule over its grid, beginning with no alert."""
    tracks = case.tracks()

    def judge(index: int, only: frozenset[Labels]) -> Mapping[AlertKey, Judgement]:
        return case.judgements(index, only)

    holes = tuple(sorted({*case.unread}, key=lambda hole: (hole.begin, hole.end)))
    wrong = tuple(sorted({*case.wrong}, key=lambda hole: (hole.begin, hole.end)))
    folding = Folding(case.rule, case.group, case.grid, tracks, judge, wrong)
    folding.run()
    return Folded(
        case.rule,
        case.group,
        case.grid,
        tracks,
        tuple(sorted(folding.transitions, key=lambda one: one.at)),
        folding.alerts,
        holes,
        wrong,
    )


class Folding:
    """Folds the instances of one rule together, from one index that matters to the next."""

    def __init__(
        self,
        rule: Rule,
        group: Group,
        grid: Grid,
        tracks: Mapping[AlertKey, Track],
        judge: Judge,
        wrong: Iterable[Hole] = (),
    ) -> None:
        self._rule, self._group, self._grid = rule, group, grid
        self._tracks = tracks
        self._judge = judge
        self._wrong = tuple(wrong)
        self._instances = _instances(rule, grid, tracks)
        self._crowd = _Crowd(rule, group.limit, grid, tracks)
        self._todo: list[tuple[int, Labels]] = []
        self.transitions: list[Transition] = []

    @property
    def alerts(self) -> Alerts:
        """The alerts that are not inactive."""
        return {key: alert for one in self._instances.values() for key, alert in one.alerts.items()}

    def run(self) -> None:
        """Fold everything."""
        for labels, one in self._instances.items():
            self._push(labels, one.next_breach(0))
        heapq.heapify(self._todo)
        while self._todo:
            index = self._todo[0][0]
            due = []
            while self._todo and self._todo[0][0] == index:
                due.append(heapq.heappop(self._todo)[1])
            self._at(index, due)

    def _push(self, labels: Labels, index: int | None) -> None:
        if index is not None and index < self._grid.count:
            heapq.heappush(self._todo, (index, labels))

    def _at(self, index: int, due: list[Labels]) -> None:
        """Step the instances for which `index` matters."""
        unread = self._unread(index, due)
        stepped = [labels for labels in due if labels not in unread and self._let_in(index, labels)]
        if not stepped:
            return
        alerts = {key: alert for labels in stepped for key, alert in self._instances[labels].alerts.items()}
        try:
            judgements = self._judgements(index, frozenset(stepped), alerts)
        except NotJudgedError:  # pragma: no cover  # the tracks hold such a point for unread
            judgements = in_error(alerts, "it was not judged")
        after = step(self._rule, self._group, alerts, judgements, self._grid.time(index))
        self.transitions += after.transitions
        self._move_on(index, stepped, after)

    def _judgements(self, index: int, only: frozenset[Labels], alerts: Alerts) -> Mapping[AlertKey, Judgement]:
        for hole in self._wrong:
            if hole.begin <= index < hole.end:
                return in_error(alerts, hole.why)
        return self._judge(index, only)

    def _move_on(self, index: int, stepped: list[Labels], after: Stepped) -> None:
        mine: dict[Labels, dict[AlertKey, Alert]] = {labels: {} for labels in stepped}
        for key, alert in after.alerts.items():
            mine[key.labels][key] = alert
        for labels, alerts in mine.items():
            one = self._instances[labels]
            one.alerts = alerts
            self._crowd.note(labels, active=bool(alerts))
            if alerts:
                following = self._quiet_until(one, index)
                self._with_peaks(one, index + 1, min(following, self._grid.count))
                self._push(labels, following)
            else:
                self._push(labels, one.next_breach(index + 1))

    # --- stretches over which nothing changes -----------------------------------------------------------------------

    def _quiet_until(self, one: _Instance, index: int) -> int:
        """Give the first index after `index` at which a step may do more than raise a peak."""
        until = one.same_until(index)
        for key, heard in one.heard.items():
            if index + 1 < until:
                until = min(until, self._alert_quiet_until(one, key, int(heard[index + 1]), index))
        return max(until, index + 1)

    def _alert_quiet_until(self, one: _Instance, key: AlertKey, heard: int, index: int) -> int:
        alert, track = one.alerts.get(key), self._tracks[key]
        heard = _when_active(heard, track, self._rule)
        if alert is None:
            return self._grid.count
        match alert.state:
            case State.PENDING if heard in BREACHES and alert.missing == 0:
                return self._grid.index(alert.since + alert.held + track.tier.hold)
            case State.FIRING:  # clear all the same: a rollback carries it, or a person ends it
                return self._grid.count
            case State.RECOVERING if heard == CLEAR and alert.missing == 0 and alert.clear_since is not None:
                return self._grid.index(alert.clear_since + alert.held + self._rule.keep_firing_for)
            case _:
                return index + 1

    def _with_peaks(self, one: _Instance, begin: int, end: int) -> None:
        """Take along the worst value of a stretch that is passed over; in it every point of a breach is one."""
        if begin >= end:
            return
        for key, alert in one.alerts.items():
            track = self._tracks[key]
            if one.heard[key][begin] == BREACH:
                values = track.values[begin:end]
                worst = _worst(values, above=track.tier.above is not None)
                worse = max if track.tier.above is not None else min
                if worst is not None:
                    peak = worst if alert.peak is None else worse(alert.peak, worst)
                    one.alerts[key] = replace(alert, peak=peak)

    # --- points that are none ---------------------------------------------------------------------------------------

    def _unread(self, index: int, due: list[Labels]) -> set[Labels]:
        """Pass over points that were never read, as the daemon does over those that are too old to be caught up."""
        found = set()
        for labels in due:
            one = self._instances[labels]
            if not any(heard[index] == UNREAD for heard in one.heard.values()):
                continue
            found.add(labels)
            end = min(one.same_until(index), self._grid.count)
            seconds = (end - index) * self._grid.step
            skipped = skip(self._rule, self._group, one.alerts, seconds, self._grid.time(end - 1))
            self.transitions += skipped.transitions
            one.alerts = dict(skipped.alerts)
            self._crowd.note(labels, active=bool(one.alerts))
            self._push(labels, end if one.alerts else one.next_breach(end))
        return found

    def _let_in(self, index: int, labels: Labels) -> bool:
        """Whether an instance is stepped: beyond the group's limit, what is inactive may have to stay outside."""
        one = self._instances[labels]
        if one.alerts or self._crowd.has_place(index, labels):
            return True
        self._push(labels, one.next_breach(index + 1))
        return False


def _when_active(heard: int, track: Track, rule: Rule) -> int:
    """Give what an alert that is not inactive hears: what is not in the data is unseen."""
    return int(hears(rule.no_data)[track.unseen]) if heard == NOTHING else heard


def _worst(values: Floats, *, above: bool) -> float | None:
    known = values[np.isfinite(values)]
    return (float(known.max()) if above else float(known.min())) if len(known) else None


def _instances(rule: Rule, grid: Grid, tracks: Mapping[AlertKey, Track]) -> dict[Labels, _Instance]:
    says = hears(rule.no_data)
    found: dict[Labels, _Instance] = {}
    ordered = sorted(tracks, key=lambda key: (key.labels, key.tier))
    for labels, keys in groupby(ordered, key=lambda key: key.labels):
        heard = {key: says[tracks[key].codes] for key in keys}
        changed, breach = np.zeros(grid.count, dtype=bool), np.zeros(grid.count, dtype=bool)
        for one in heard.values():
            changed[1:] |= np.diff(one) != 0
            breach |= (one == BREACH) | (one == AS_BREACH)
        changes = np.append(np.flatnonzero(changed), grid.count)
        found[labels] = _Instance(heard, changes, np.flatnonzero(breach))
    return found


class _Crowd:
    """Who is stepped where a rule has more instances than its group's limit: those that are active, then by label."""

    def __init__(self, rule: Rule, limit: int, grid: Grid, tracks: Mapping[AlertKey, Track]) -> None:
        self._limit = limit
        self._expected = frozenset(rule.expect)
        self._present: dict[Labels, Flags] = {}
        self._active: set[Labels] = set()
        self._counted, self._kept = -1, frozenset[Labels]()
        self._over = np.zeros(grid.count, dtype=bool)
        if len({key.labels for key in tracks}) <= limit:
            return
        for key, track in tracks.items():
            here = (track.codes != Code.ABSENT) & (track.codes < Code.WRONG)
            before = self._present.get(key.labels)
            self._present[key.labels] = here if before is None else here | before
        self._over = np.sum(list(self._present.values()), axis=0) > limit

    def note(self, labels: Labels, *, active: bool) -> None:
        """Hear of an instance that was stepped."""
        (self._active.add if active else self._active.discard)(labels)

    def has_place(self, index: int, labels: Labels) -> bool:
        """Whether an inactive instance is among those that are stepped at `index`."""
        if not self._over[index]:
            return True
        if self._counted != index:
            self._counted, self._kept = index, self._kept_at(index)
        return labels in self._kept

    def _kept_at(self, index: int) -> frozenset[Labels]:
        here = [one for one, present in self._present.items() if present[index]]
        everyone = {AlertKey("", one, Tier.PREPARE): Judgement(Verdict.NO_DATA) for one in here}
        known = [AlertKey("", one, Tier.PREPARE) for one in (*self._active, *self._expected)]
        kept, _ = within_limit(everyone, known, self._limit)
        return frozenset(key.labels for key in kept)
