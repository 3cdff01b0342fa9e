"""Two rule sets compared: what becomes of each rule's alerts when one takes over from the other, and why, in words.

Pure, and the same for a reload, a start and a comparison by hand. What a difference means for the state of a rule
stands in `monitor.core.rules.ruledifference`; what is done about it is the reload's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType

from monitor.core.rules.changewords import value_words
from monitor.core.rules.restwords import procedure_words, releases_words, routing_words
from monitor.core.rules.rule import Group, Rule
from monitor.core.rules.ruledifference import AtReload, differences
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.rulewords import rule_words


class Fate(StrEnum):
    """What becomes of the state of a rule's alerts, as people read it."""

    NEW = "new"
    KEPT = "kept"
    REDERIVED = "re-derived"
    DROPPED = "dropped"
    REMOVED = "removed"


_GRAVEST = (AtReload.KEPT, AtReload.REDERIVED, AtReload.DROPPED)
_FATES = MappingProxyType(
    {AtReload.KEPT: Fate.KEPT, AtReload.REDERIVED: Fate.REDERIVED, AtReload.DROPPED: Fate.DROPPED}
)


@dataclass(frozen=True, slots=True)
class RuleChange:
    """One rule in both sets.

    `alert` and `group` are its names in the new set (in the old one where it is removed), `before` the name whose state
    it takes ("": none), and `words` what has changed about it.
    """

    alert: str
    group: str
    fate: Fate
    before: str = ""
    words: tuple[str, ...] = ()

    @property
    def told(self) -> bool:
        """Whether there is anything to tell of it."""
        return bool(self.words) or self.fate in {Fate.NEW, Fate.REMOVED}

    @property
    def sentence(self) -> str:
        """The change in a sentence."""
        match self.fate:
            case Fate.NEW:
                return f"{self.alert}: new in group {self.group}"
            case Fate.REMOVED:
                return f"{self.alert}: removed from group {self.group}"
            case _:
                return f"{self.alert}: {'; '.join(self.words) or 'unchanged'}, state {self.fate}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """Every rule of both sets, and what else differs (groups, routing, procedures) in a sentence each."""

    rules: tuple[RuleChange, ...]
    rest: tuple[str, ...] = ()

    @property
    def told(self) -> tuple[RuleChange, ...]:
        """The rules about which there is something to tell."""
        return tuple(change for change in self.rules if change.told)

    @property
    def sentences(self) -> tuple[str, ...]:
        """All that differs, a sentence each."""
        return (*(change.sentence for change in self.told), *self.rest)

    def counts(self) -> Mapping[Fate, int]:
        """Give how many rules met each fate; unchanged ones count as kept."""
        return {fate: sum(change.fate is fate for change in self.rules) for fate in Fate}


def compare(old: RuleSet, new: RuleSet) -> Comparison:
    """Compare two rule sets."""
    olds, news = _rules(old), _rules(new)
    changes = [_change(olds, news, rule.alert) for _, rule in news.values()]
    taken = {change.before for change in changes}
    removed = [
        RuleChange(alert, group.name, Fate.REMOVED, alert) for alert, (group, _) in olds.items() if alert not in taken
    ]
    return Comparison((*changes, *removed), tuple(_rest(old, new)))


def _rules(rules: RuleSet) -> dict[str, tuple[Group, Rule]]:
    return {rule.alert: (group, rule) for group in rules.groups for rule in group.rules}


def _change(olds: Mapping[str, tuple[Group, Rule]], news: Mapping[str, tuple[Group, Rule]], alert: str) -> RuleChange:
    group, rule = news[alert]
    before = _predecessor(olds, news, rule)
    if before is None:
        return RuleChange(alert, group.name, Fate.NEW)
    old_group, old = olds[before]
    moved = (f"moved from group {old_group.name} to {group.name}",) if old_group.name != group.name else ()
    return RuleChange(alert, group.name, _fate(old, rule), before, (*moved, *rule_words(old, rule)))


def _predecessor(
    olds: Mapping[str, tuple[Group, Rule]], news: Mapping[str, tuple[Group, Rule]], rule: Rule
) -> str | None:
    """Give the name in the old set whose state `rule` takes.

    Its own name counts first, so that `renamed_from` may stand for ever; a rule that goes on under its name keeps its
    state, and of two that claim one name the first gets it.
    """
    if rule.alert in olds:
        return rule.alert
    claims = [one.alert for _, one in news.values() if one.renamed_from == rule.renamed_from and one.alert not in olds]
    free = rule.renamed_from in olds and rule.renamed_from not in news
    return rule.renamed_from if free and claims[0] == rule.alert else None


def _fate(old: Rule, new: Rule) -> Fate:
    """A rule that goes into the shadow, or comes out of it, begins anew: incidents never heard of its shadow's alerts.

    Its state comes back from history, and pages if it must.
    """
    if old.shadow != new.shadow:
        return Fate.DROPPED
    return _FATES[max(differences(old, new).values(), key=_GRAVEST.index, default=AtReload.KEPT)]


def _rest(old: RuleSet, new: RuleSet) -> Iterable[str]:
    yield from _groups({one.name: one for one in old.groups}, {one.name: one for one in new.groups})
    yield from routing_words(old.routing, new.routing)
    yield from procedure_words(old.procedures, new.procedures)
    yield from releases_words(old.releases, new.releases)


def _groups(olds: Mapping[str, Group], news: Mapping[str, Group]) -> Iterable[str]:
    for name, group in news.items():
        if name not in olds:
            yield f"group {name}: new"
            continue
        words = [
            value_words(one.name, getattr(olds[name], one.name), getattr(group, one.name))
            for one in fields(group)
            if one.name not in {"name", "rules"} and getattr(olds[name], one.name) != getattr(group, one.name)
        ]
        if words:
            yield f"group {name}: {'; '.join(words)}"
    yield from (f"group {name}: removed" for name in olds if name not in news)
