"""A rule set takes over from another: whole or not at all, and each alert's state follows its identity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from monitor.core.incidents.firing import worst_of
from monitor.core.incidents.response import Renamed
from monitor.core.judging.evaluate import retire
from monitor.core.model import Alert, AlertKey, Cause, Transition
from monitor.core.rules.comparison import Comparison, Fate, RuleChange, compare
from monitor.core.rules.ruleset import RuleSet
from monitor.desk.desk import Desk, Takeover, recorded
from monitor.evaluation.engine import cleared
from monitor.evaluation.vigil import BLIND_GROUP
from monitor.ports.store import GroupState, KeptRules
from monitor.ports.world import Clock
from monitor.rulebook import RuleBook


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one alert that pended or fired: under its new name, in which group, and why."""

    alert: Alert
    group: str
    fate: Fate
    why: str = ""


Kept: TypeAlias = Mapping[str, GroupState]


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where kept states belong under a rule set: by group, and what became of each alert.

    `alerts` that are dropped or removed stand under the group that held them.
    """

    groups: Kept
    alerts: tuple[Settled, ...]

    @property
    def gone(self) -> tuple[Settled, ...]:
        """The alerts that end with this."""
        return tuple(one for one in self.alerts if one.fate in {Fate.DROPPED, Fate.REMOVED})


def arrange(kept: Kept, comparison: Comparison, rules: RuleSet) -> Arrangement:
    """Sort the kept alerts and cursors of every group to where their rules stand now.

    A rule whose state is derived anew keeps its alerts, to be compared with what history says, and loses its cursor.
    """
    heirs = {change.before: change for change in comparison.rules if change.before}
    settled = [_settle(alert, name, heirs, rules) for name, state in kept.items() for alert in state.alerts.values()]
    alerts: dict[str, dict[AlertKey, Alert]] = {}
    for one in settled:
        if one.fate not in {Fate.DROPPED, Fate.REMOVED}:
            alerts.setdefault(one.group, {})[one.alert.key] = one.alert
    cursors = _cursors(kept, heirs, rules)
    states = {
        name: GroupState(name, kept[name].version if name in kept else 0, cursors.get(name, {}), alerts.get(name, {}))
        for name in dict.fromkeys((*kept, *alerts, *cursors))
    }
    return Arrangement(states, tuple(settled))


def _settle(alert: Alert, held_by: str, heirs: Mapping[str, RuleChange], rules: RuleSet) -> Settled:
    change = _heir(alert.key.alert, heirs, rules)
    if change is None or change.fate is Fate.REMOVED:
        return Settled(alert, held_by, Fate.REMOVED, "its rule is removed")
    if change.fate is Fate.DROPPED:
        return Settled(alert, held_by, Fate.DROPPED, "; ".join(change.words))
    renamed = replace(alert, key=replace(alert.key, alert=change.alert))
    rule = rules.rule(change.alert)
    if rule is None or rule.tier(alert.key.tier, alert.key.labels) is None:
        return Settled(alert, held_by, Fate.DROPPED, f"{alert.key.tier} is switched off for it")
    return Settled(renamed, change.group, change.fate, "; ".join(change.words))


def _heir(alert: str, heirs: Mapping[str, RuleChange], rules: RuleSet) -> RuleChange | None:
    """Give what became of the rule named `alert`; one that neither set knew before keeps what stands under its name."""
    if alert in heirs:
        return heirs[alert]
    home = next((group.name for group in rules.groups for rule in group.rules if rule.alert == alert), None)
    return RuleChange(alert, home, Fate.KEPT, alert) if home is not None else None


def _cursors(kept: Kept, heirs: Mapping[str, RuleChange], rules: RuleSet) -> dict[str, dict[str, int]]:
    cursors: dict[str, dict[str, int]] = {}
    for state in kept.values():
        for alert, cursor in state.cursors.items():
            change = _heir(alert, heirs, rules)
            if change is not None and change.fate is Fate.KEPT:
                cursors.setdefault(change.group, {})[change.alert] = cursor
    return cursors


def renames(comparison: Comparison) -> tuple[Renamed, ...]:
    """Give the rules whose state goes on under another name."""
    carried = {Fate.KEPT, Fate.REDERIVED}
    return tuple(
        Renamed(one.before, one.alert)
        for one in comparison.rules
        if one.fate in carried and one.before and one.before != one.alert
    )


@dataclass(frozen=True, slots=True)
class Report:
    """What a rule set that was put in force changed: rule by rule, and alert by alert."""

    digest: str
    comparison: Comparison
    alerts: tuple[Settled, ...] = ()

    @property
    def dropped(self) -> tuple[AlertKey, ...]:
        """The alerts that ended with it."""
        return tuple(one.alert.key for one in self.alerts if one.fate in {Fate.DROPPED, Fate.REMOVED})


class Reloader:
    """Puts rule sets in force through the desk."""

    def __init__(self, desk: Desk, clock: Clock, book: RuleBook) -> None:
        self._desk = desk
        self._clock = clock
        self._book = book

    def adopt(self, rules: RuleSet, before: RuleSet | None = None, files: Mapping[str, bytes] | None = None) -> Report:
        """Put `rules` in force in place of `before` (None: those in force) and keep `files` as the last good set.

        Raises ValueError where their PromQL cannot be composed, StoreError and ConflictError; the old set then stays.
        """
        old = before or self._book.now.rules
        comparison = compare(old, rules)
        told: list[Arrangement] = []

        def decide(states: Sequence[GroupState]) -> Takeover:
            told[:] = [arrange({one.name: one for one in states if one.name != BLIND_GROUP}, comparison, rules)]
            return self._takeover(told[0], states, comparison, old, files)

        self._desk.take_over(rules, decide)
        return Report(rules.digest, comparison, told[0].alerts)

    def _takeover(
        self,
        arrangement: Arrangement,
        states: Sequence[GroupState],
        comparison: Comparison,
        old: RuleSet,
        files: Mapping[str, bytes] | None,
    ) -> Takeover:
        ended = [(one.group, self._ended(one)) for one in arrangement.gone]
        findings = [cleared(one, _worst(old, one.alert)) for _, one in ended]
        return Takeover(
            groups=_changed(arrangement, states, comparison),
            findings=(*renames(comparison), *(one for one in findings if one is not None)),
            transitions=tuple(
                recorded(group, one, shadow=_in_shadow(old, one.alert.key.alert)) for group, one in ended
            ),
            rules=KeptRules(files, self._clock.now()) if files is not None else None,
        )

    def _ended(self, settled: Settled) -> Transition:
        cause = Cause.RULE_REMOVED if settled.fate is Fate.REMOVED else Cause.RULE_CHANGED
        (transition,) = retire([settled.alert], int(self._clock.now().timestamp()), cause)
        return transition


def _changed(arrangement: Arrangement, states: Sequence[GroupState], comparison: Comparison) -> tuple[GroupState, ...]:
    """Give the states that must be written.

    Those of rules that decide otherwise now too: what was read under the old rule must not be written after this.
    """
    kept = {one.name: one for one in states}
    touched = {change.group for change in comparison.rules if change.fate in {Fate.REDERIVED, Fate.DROPPED}}
    states_now = {name: arrangement.groups.get(name, GroupState(name)) for name in (*arrangement.groups, *touched)}
    groups = [state for name, state in states_now.items() if name not in kept or state != kept[name] or name in touched]
    blind = _renamed_blindness(kept.get(BLIND_GROUP), renames(comparison))
    return (*groups, *([blind] if blind is not None else []))


def _renamed_blindness(state: GroupState | None, renamed: Sequence[Renamed]) -> GroupState | None:
    """What is not seen stays so under the new name, and is not paged again."""
    if state is None:
        return None
    alerts = dict(state.alerts)
    for one in renamed:
        alerts = {one.key(key): replace(alert, key=one.key(key)) for key, alert in alerts.items()}
    return replace(state, alerts=alerts) if alerts.keys() != state.alerts.keys() else None


def _worst(old: RuleSet, alert: Alert) -> str:
    rule = old.rule(alert.key.alert)
    return worst_of(rule, alert) if rule is not None else ""


def _in_shadow(old: RuleSet, alert: str) -> bool:
    rule = old.rule(alert)
    return rule is not None and rule.shadow
