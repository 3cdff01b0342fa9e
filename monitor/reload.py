"""A rule set takes over from another: whole or not at all, and each alert's state follows its identity."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import structlog

from monitor.core.evaluate import retire
from monitor.core.model import Alert, AlertKey, Cause, State
from monitor.core.rule import RuleSet
from monitor.desk import Decision, Desk
from monitor.engine import cleared
from monitor.ports import Clock, GroupState, Store
from monitor.rulebook import RuleBook
from monitor.vigil import BLIND_GROUP

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrangement:
    """Where kept states belong under a rule set.

    By group, and the alerts whose rule or tier is gone, by the group that held them.
    """

    groups: Mapping[str, GroupState]
    dropped: Mapping[str, tuple[Alert, ...]]


def arrange(kept: Mapping[str, GroupState], rules: RuleSet) -> Arrangement:
    """Sort the kept `alerts` and cursors of every group to where their rules stand now."""
    home = {rule.alert: (group.name, rule) for group in rules.groups for rule in group.rules}
    alerts: dict[str, dict[AlertKey, Alert]] = {}
    cursors: dict[str, dict[str, int]] = {}
    dropped: dict[str, tuple[Alert, ...]] = {}
    for name, state in kept.items():
        for key, alert in state.alerts.items():
            group, rule = home.get(key.alert, ("", None))
            if rule is not None and rule.tier(key.tier, key.labels) is not None:
                alerts.setdefault(group, {})[key] = alert
            else:
                dropped[name] = (*dropped.get(name, ()), alert)
        for rule_name, cursor in state.cursors.items():
            if rule_name in home:
                cursors.setdefault(home[rule_name][0], {})[rule_name] = cursor
    names = {*kept, *alerts, *cursors}
    return Arrangement(
        {
            name: GroupState(
                name, kept[name].version if name in kept else 0, cursors.get(name, {}), alerts.get(name, {})
            )
            for name in names
        },
        dropped,
    )


class Reloader:
    """Puts rule sets in force.

    `stores` and the desk hold what must follow; evaluations in flight lose their compare-and-set.
    """

    def __init__(self, desk: Desk, store: Store, clock: Clock, book: RuleBook) -> None:
        self._desk = desk
        self._store = store
        self._clock = clock
        self._book = book

    def adopt(self, rules: RuleSet) -> tuple[AlertKey, ...]:
        """Put `rules` in force; give the alerts that were dropped because their rule is gone.

        Raises ValueError where their PromQL cannot be composed, and StoreError; the old set then stays.
        """
        kept = {state.name: state for state in self._store.groups() if state.name != BLIND_GROUP}
        arrangement = arrange(kept, rules)
        self._book.swap(rules)
        self._desk.forget()
        dropped: list[AlertKey] = []
        for name, target in arrangement.groups.items():
            gone = arrangement.dropped.get(name, ())
            if not gone and name in kept and target == kept[name]:
                continue
            self._desk.settle(name, self._keeper(target, gone))
            dropped += [alert.key for alert in gone]
        return tuple(dropped)

    def _keeper(self, target: GroupState, gone: tuple[Alert, ...]) -> Callable[[GroupState], Decision]:
        at = int(self._clock.now().timestamp())
        findings = [cleared(one) for one in retire(gone, at, Cause.RULE_REMOVED) if one.before is not State.PENDING]

        def decide(state: GroupState) -> Decision:
            return Decision(replace(target, version=state.version), tuple(one for one in findings if one is not None))

        return decide
