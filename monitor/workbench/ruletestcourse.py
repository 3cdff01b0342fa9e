"""One rule test driven through the daemon's own engine, point by point, and what was seen at each.

The parts are those of the daemon, on a store in memory and a clock that is moved from one evaluation to the next. What
is expected is not known here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from monitor.core.model import Alert, AlertKey, Judgement, Tier
from monitor.core.pages.posts import Happening
from monitor.core.rules.routing import Escalation, Route, Routing
from monitor.core.rules.rule import Group
from monitor.core.rules.ruleset import RuleSet, VersionMetric
from monitor.core.rules.ruletest import RuleTest
from monitor.desk.desk import Desk
from monitor.evaluation.engine import Engine
from monitor.evaluation.lookout import Look, Lookout
from monitor.evaluation.reading import Reader
from monitor.evaluation.vigil import BLIND_GROUP, Vigil
from monitor.ports.store import Change, GroupState, Store
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook

ENOUGH = 60.0
"""Seconds that one evaluation may read; its clock stands still."""

TIERS: Mapping[str, Tier | None] = {
    Happening.PREPARE_OPENS: Tier.PREPARE,
    Happening.SERVICE_JOINS: Tier.PREPARE,
    Happening.ROLLBACK_OPENS: Tier.ROLLBACK,
    Happening.RAISED: Tier.ROLLBACK,
    Happening.ROLLBACK_JOINS: Tier.ROLLBACK,
    Happening.BLIND_OPENS: Tier.BLIND,
    Happening.BACK: None,
}
"""What counts as a page, and its tier; a return has that of what returned."""

NOBODY_AGAIN = Escalation((), None, (), None, acknowledgement_expires=None)
ROUTING = Routing("test", Route("C0TEST", responders=("S0TEST",)), escalation=NOBODY_AGAIN)


class MovedClock(Clock, Protocol):
    """A clock that is moved by hand."""

    def advance(self, seconds: float) -> None:
        """Let time pass."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a test is driven with: a clock that stands at `base`, an empty store, and what reads."""

    base: int
    clock: MovedClock
    store: Store
    reader: Reader


@dataclass(frozen=True, slots=True)
class Moment:
    """What one evaluation of a group left: its alerts, what was judged, what is wrong, and what is not seen."""

    alerts: Mapping[AlertKey, Alert]
    looks: Mapping[str, Look]
    blind: frozenset[AlertKey]

    def judgement(self, key: AlertKey) -> Judgement | None:
        """Give what was judged of `key`, or None."""
        look = self.looks.get(key.alert)
        return look.judgements.get(key) if look is not None else None


@dataclass(frozen=True, slots=True)
class Page:
    """One page: seconds since the beginning, and the tier."""

    at: int
    tier: Tier | None


@dataclass(frozen=True, slots=True)
class Course:
    """What a test went through: the moments of each group by seconds since its beginning, and the pages."""

    rules: RuleSet
    moments: Mapping[str, Mapping[int, Moment]]
    pages: tuple[Page, ...]

    def group_of(self, alert: str) -> Group | None:
        """Give the group of a rule, or None."""
        return next((one for one in self.rules.groups if any(rule.alert == alert for rule in one.rules)), None)


def rules_of(test: RuleTest, groups: Sequence[Group], versions: Sequence[VersionMetric]) -> RuleSet:
    """Give the rules that a test speaks of, in their groups; the others are not evaluated."""
    wanted = {one.alert for one in test.alerts}
    tested: list[Group] = []
    for group in groups:
        rules = tuple(rule for rule in group.rules if rule.alert.partition("{")[0] in wanted)
        if rules:
            tested.append(replace(group, rules=rules, max_catch_up=max(group.max_catch_up, 2 * group.interval)))
    return RuleSet(tuple(tested), ROUTING, {}, versions=tuple(versions))


def drive(test: RuleTest, rules: RuleSet, parts: Parts) -> Course:
    """Evaluate `rules` from the start of `test` to its end, each group on its own grid."""
    book, lookout = RuleBook(rules), _Noting()
    desk = Desk(parts.store, parts.clock, book, lambda: None)
    engine = Engine(parts.reader, desk, parts.clock, book, lookout)
    vigil = Vigil(engine, desk, parts.store, parts.clock, book, lookout)
    moments: dict[str, dict[int, Moment]] = {group.name: {} for group in rules.groups}
    parts.store.commit(Change(tuple(_untouched(group, test.evaluate_from, parts.base) for group in rules.groups)))
    now = 0
    for at in times(test, rules):
        parts.clock.advance(at - now)
        now = at
        due = [group for group in rules.groups if at % group.interval == 0]
        for group in due:
            engine.evaluate(group.name, ENOUGH)
        vigil.watch()
        blind = frozenset(desk.present(BLIND_GROUP).alerts)
        for group in due:
            moments[group.name][at] = Moment(desk.present(group.name).alerts, lookout.of(group), blind)
    return Course(rules, moments, _pages(parts))


def times(test: RuleTest, rules: RuleSet) -> list[int]:
    """Give the seconds at which any group is evaluated."""
    every = {at for group in rules.groups for at in grid(test, group)}
    return sorted(every)


def grid(test: RuleTest, group: Group) -> range:
    """Give the seconds at which `group` is evaluated: multiples of its interval, from the start on."""
    first = -(-test.evaluate_from // group.interval) * group.interval
    return range(first, test.end + 1, group.interval)


def _untouched(group: Group, start: int, base: int) -> GroupState:
    """Give a group whose rules were read up to just before the start, so that nothing is derived from before it."""
    cursor = base + -(-start // group.interval) * group.interval - group.interval
    return GroupState(group.name, cursors={rule.alert: cursor for rule in group.rules})


def _pages(parts: Parts) -> tuple[Page, ...]:
    found = [
        Page(round(post.decided_at.timestamp()) - parts.base, TIERS[post.reason])
        for incident in parts.store.incidents()
        for post in parts.store.posts(incident.id)
        if post.reason in TIERS
    ]
    return tuple(sorted(found, key=lambda one: one.at))


class _Noting(Lookout):
    """A lookout whose looks can be read."""

    def __init__(self) -> None:
        super().__init__()
        self._looks: dict[str, dict[str, Look]] = {}

    def note(self, group: Group, looks: Sequence[Look], now: float) -> None:
        super().note(group, looks, now)
        self._looks[group.name] = {look.rule.alert: look for look in looks}

    def of(self, group: Group) -> Mapping[str, Look]:
        return self._looks.get(group.name, {})
