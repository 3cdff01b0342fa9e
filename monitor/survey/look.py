"""One survey of a rule set: what is asked, in which order, and what the answers say against each rule."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain

from monitor.core.rules.rule import Rule
from monitor.core.rules.ruleset import RuleSet
from monitor.queries.plan import Plan
from monitor.survey.doubt import Doubt
from monitor.survey.facts import Facts, Means
from monitor.survey.latencies import latency_doubts, refer
from monitor.survey.series import (
    Named,
    named_by,
    pace_doubts,
    paces,
    series_doubts,
    values_of,
    version_doubts,
    version_of,
)
from monitor.survey.traffic import traffic_doubts, traffic_questions


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What a survey found, in the order of the rules.

    `problem` says why not everything could be looked at. `paces` are the seconds between two scrapes of each group's
    slowest series, estimated, where that can be told.
    """

    doubts: tuple[Doubt, ...] = ()
    problem: str = ""
    paces: Mapping[str, float] = field(default_factory=dict)


def survey(rules: RuleSet, planned: Plan, means: Means, at: int) -> Surveyed:
    """Look what the data at grid time `at`, and the day before it, say against `rules`. Never raises.

    Few requests: questions are joined, and what is costly comes last.
    """
    facts = Facts(means, at)
    every = tuple(rule for group in rules.groups for rule in group.rules)
    _read(rules, every, planned, facts)
    doubts = chain.from_iterable((*(_doubts(rule, planned, facts) for rule in every), *_versions(rules, facts)))
    slowest = {group.name: max(_paces(group.rules, facts), default=0.0) for group in rules.groups}
    return Surveyed(tuple(dict.fromkeys(doubts)), facts.problem, {name: pace for name, pace in slowest.items() if pace})


def _read(rules: RuleSet, every: tuple[Rule, ...], planned: Plan, facts: Facts) -> None:
    selected = [*chain.from_iterable(named_by(rule) for rule in every), *map(version_of, rules.versions)]
    facts.read([*_first(selected), *chain.from_iterable(values_of(rule, planned) for rule in every)])
    facts.read(one.once for one in selected if facts.of(one.lately) == ())
    for rule in every:
        refer(rule, facts)
    facts.read(question for rule in every for question in traffic_questions(rule, planned).values())


def _first(selected: list[Named]) -> Iterator[str]:
    for one in selected:
        yield one.lately
        if one.windowed:
            yield one.samples


def _doubts(rule: Rule, planned: Plan, facts: Facts) -> Iterator[Doubt]:
    yield from series_doubts(rule, planned, facts)
    yield from pace_doubts(rule, facts)
    yield from latency_doubts(rule, facts)
    yield from traffic_doubts(rule, planned, facts)


def _versions(rules: RuleSet, facts: Facts) -> Iterator[Iterator[Doubt]]:
    return (version_doubts(metric, facts) for metric in rules.versions)


def _paces(rules: tuple[Rule, ...], facts: Facts) -> list[float]:
    return [pace for rule in rules for pace in paces(rule, facts).values()]
