"""One rule over a whole stretch: what every alert hears at each grid time, and what exactly was judged at one of them.

Judgements at single times come from the very functions of the daemon; the arrays say where to look.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from monitor.core.judging.judge import base_of
from monitor.core.judging.latency import SLOT
from monitor.core.judging.observe import observe
from monitor.core.judging.point import completed
from monitor.core.model import AlertKey, Judgement, Labels, Reference, Tier
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.ruleset import VersionMetric
from monitor.core.rules.signal import Latency
from monitor.evaluation.baselines import Baselines, References
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.judging import Judging
from monitor.queries.plan import Plan
from monitor.workbench.replay.history import Codes, Flags, Floats, Grid, History, Hole, Reading
from monitor.workbench.replay.observing import Observed, UncoveredError, observed
from monitor.workbench.replay.verdicts import CODES, Code, under_condition, unseen_code, verdicts

FOREVER = 1e9
"""Seconds that are left: history is not read against a clock."""


class NotJudgedError(Exception):
    """Something that a judgement depends on was not read; the point is not answered."""


@dataclass(frozen=True, slots=True)
class Track:
    """One alert over the grid: its verdict, and the value that was judged (not a number: none).

    `unseen` is what it hears where it is not in the data; `base` the seconds that a latency was held against.
    """

    tier: TierRule
    codes: Codes
    values: Floats
    unseen: Code
    base: Floats | None = None


@dataclass(slots=True)
class Context:
    """What all rules of a replay share: what was read, and what looks back."""

    history: History
    plan: Plan
    baselines: Baselines
    deploys: Deploys
    judging: Judging
    slots: dict[tuple[object, ...], list[References | None]] = field(default_factory=dict)
    seen: dict[tuple[object, ...], dict[Labels, Observed]] = field(default_factory=dict)


@dataclass(slots=True)
class Case:
    """One rule over `grid`, and how to judge a point of it."""

    rule: Rule
    group: Group
    grid: Grid
    context: Context
    versions: tuple[VersionMetric, ...] = ()
    parts: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    unread: list[Hole] = field(default_factory=list)
    wrong: list[Hole] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find where the rule has no answer: one expression without is enough."""
        self.parts = self.context.plan.parts[self.rule.alert]
        self.versions = self.context.plan.versions
        readings = [self.reading(expr) for expr in self.context.plan.expressions(self.rule)]
        self.unread += [hole for one in readings for hole in one.unread]
        self.wrong += [hole for one in readings for hole in one.wrong]

    def reading(self, expr: str) -> Reading:
        """Give what an expression of the rule gave."""
        return self.context.history.reading(expr, self.grid)

    # --- one point --------------------------------------------------------------------------------------------------

    def judgements(self, index: int, only: Collection[Labels] | None = None) -> dict[AlertKey, Judgement]:
        """Give the judgements at a grid index, of some instances or of all. Raises NotJudgedError."""
        rows = {expr: self.reading(expr).row(index) for expr in self.context.plan.expressions(self.rule)}
        seen = {
            window: {
                labels: one
                for labels, one in observe(self.rule.signal, {part: rows[expr] for part, expr in parts.items()}).items()
                if only is None or labels in only
            }
            for window, parts in self.parts.items()
        }
        at = self.grid.time(index)
        judged = self.context.judging.judge(self.rule, self.versions, seen, at, lambda: FOREVER)
        if not isinstance(judged, Mapping):
            raise NotJudgedError(judged.why)
        required = rows[self.rule.requires.expr] if self.rule.requires is not None else ()
        found = completed(self.rule, judged, required)
        return found if only is None else {key: one for key, one in found.items() if key.labels in only}

    # --- all points -------------------------------------------------------------------------------------------------

    def tracks(self) -> dict[AlertKey, Track]:
        """Give what every alert hears. What cannot be judged for whole ranges is judged point by point."""
        try:
            found = self._covered()
        except UncoveredError:
            found = self._uncovered()
        for track in found.values():
            for holes, code in ((self.wrong, Code.WRONG), (self.unread, Code.UNREAD)):
                for hole in holes:
                    track.codes[hole.begin : hole.end] = code
        return found

    def _covered(self) -> dict[AlertKey, Track]:
        rule, found = self.rule, dict[AlertKey, Track]()
        nothing = Observed(np.zeros(self.grid.count, dtype=bool), np.full(self.grid.count, np.nan))
        for window in self.parts:
            seen = self._observed(window)
            for labels in (*seen, *(one for one in rule.expect if one not in seen)):
                for tier in rule.tiers_of(labels):
                    if tier.window == window:
                        key = AlertKey(rule.alert, labels, tier.tier)
                        found[key] = self._track(key, tier, seen.get(labels, nothing))
        return found

    def _observed(self, window: int) -> dict[Labels, Observed]:
        """Give what was observed; the same for every variant that asks for the same."""
        asked = (self.rule.signal, window, self.grid)
        if asked not in self.context.seen:
            parts = {part: self.reading(expr) for part, expr in self.parts[window].items()}
            self.context.seen[asked] = observed(self.rule.signal, parts, self.grid.count)
        return self.context.seen[asked]

    def _track(self, key: AlertKey, tier: TierRule, seen: Observed) -> Track:
        rule, base = self.rule, self._base(key, tier)
        codes, values = verdicts(rule.signal, tier, seen, base, lambda index: self._references(key, tier, index))
        if tier.tier is Tier.PREPARE and rule.after_deploy > 0:
            self._warm_up(key, codes)
        unseen = unseen_code(rule, tier)
        if key.labels in rule.expect:
            codes[codes == Code.ABSENT] = unseen
        if rule.requires is not None:
            under_condition(rule, rule.requires, key.labels, self.reading(rule.requires.expr), codes)
        return Track(tier, codes, values, unseen, base)

    def _uncovered(self) -> dict[AlertKey, Track]:
        """Judge point by point."""
        found: dict[AlertKey, Track] = {}
        silent = _flags((*self.unread, *self.wrong), self.grid.count)
        for index in np.flatnonzero(~silent).tolist():
            try:
                judged = self.judgements(index)
            except NotJudgedError as problem:
                self.unread.append(Hole(index, index + 1, str(problem)))
                continue
            for key, one in judged.items():
                if key not in found:
                    tier = self.rule.tier(key.tier, key.labels)
                    if tier is None:
                        continue
                    absent = np.zeros(self.grid.count, dtype=np.int8), np.full(self.grid.count, np.nan)
                    found[key] = Track(tier, *absent, unseen_code(self.rule, tier))
                found[key].codes[index] = CODES[one.verdict]
                if one.value is not None:
                    found[key].values[index] = one.value
        return found

    # --- what latencies are held against ------------------------------------------------------------------------------

    def _references(self, key: AlertKey, tier: TierRule, index: int) -> tuple[Reference, ...]:
        if not isinstance(self.rule.signal, Latency):
            return ()
        slots = self._slots(self.rule.signal, tier.guards.min_requests)
        found = slots[self.grid.time(index) // SLOT - self.grid.first // SLOT]
        return found.of(key.labels) if found is not None else ()

    def _base(self, key: AlertKey, tier: TierRule) -> Floats | None:
        """Give the seconds that a latency is held against at each grid time."""
        signal = self.rule.signal
        if not isinstance(signal, Latency):
            return None
        slots = self._slots(signal, tier.guards.min_requests)
        bases = [base_of(signal, tier, one.of(key.labels)) if one is not None else None for one in slots]
        each = np.array([np.nan if base is None else base for base in bases])
        where = np.arange(self.grid.first, self.grid.first + self.grid.count * self.grid.step, self.grid.step) // SLOT
        base: Floats = each[where - self.grid.first // SLOT]
        return base

    def _slots(self, signal: Latency, needed: float) -> Sequence[References | None]:
        """Give the references of each slot of the grid; those that were not read leave its points unread."""
        asked = (signal.histogram, signal.unit, signal.by, signal.quantile, signal.baseline.kinds, needed, self.grid)
        found = self.context.slots.get(asked)
        if found is None:
            slots = range(self.grid.first // SLOT * SLOT, self.grid.last + 1, SLOT)
            found = self.context.slots[asked] = [self._slot(signal, needed, slot) for slot in slots]
        for number, one in enumerate(found):
            if one is None:
                begin = max(0, self.grid.index((self.grid.first // SLOT + number) * SLOT))
                hole = Hole(
                    begin, min(self.grid.count, begin + SLOT // self.grid.step + 1), "its baseline was not read"
                )
                if hole not in self.unread:
                    self.unread.append(hole)
        return found

    def _slot(self, signal: Latency, needed: float, slot: int) -> References | None:
        answer = self.context.baselines.references(signal, needed, slot, deadline=FOREVER)
        return answer if isinstance(answer, References) else None

    def _warm_up(self, key: AlertKey, codes: Codes) -> None:
        """Hold breaches back after a release change, as the daemon's judging does."""
        for index in np.flatnonzero(codes == Code.BREACH).tolist():
            try:
                judged = self.judgements(index, {key.labels}).get(key)
            except NotJudgedError as problem:
                self.unread.append(Hole(index, index + 1, str(problem)))
                continue
            if judged is not None:
                codes[index] = CODES[judged.verdict]


def _flags(holes: Sequence[Hole], count: int) -> Flags:
    found = np.zeros(count, dtype=bool)
    for hole in holes:
        found[hole.begin : hole.end] = True
    return found
