"""From a rule and grid times to judgements: asks the source for every expression of a rule and judges each point.

A point that was not answered has no verdict; it is told apart as `Waiting`, and nothing here decides what becomes of
it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from monitor import promql
from monitor.baselines import Baselines
from monitor.core.model import AlertKey, Judgement, Labels, Sample, Verdict
from monitor.core.observe import observe
from monitor.core.rule import Group, Rule, RuleSet, VersionMetric
from monitor.deploys import Deploys
from monitor.judging import Judging
from monitor.ports import Answer, BadQuery, Clock, MetricsSource, Partial, RangeSamples, Samples, Unanswered


@dataclass(frozen=True, slots=True)
class Judged:
    """One answered point.

    A judgement for each instance and tier, how many instances there are, and what is wrong with the rule.
    """

    judgements: Mapping[AlertKey, Judgement]
    instances: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """One point that was not answered, and why."""

    why: str


Point: TypeAlias = Judged | Waiting


@dataclass(frozen=True, slots=True)
class Deadline:
    """The monotonic time by which everything must have been read."""

    clock: Clock
    by: float

    @property
    def left(self) -> float:
        """The seconds that are left; never negative."""
        return max(0.0, self.by - self.clock.monotonic())


Parts: TypeAlias = Mapping[str, str]
"""The PromQL of a signal by part name, such as requests and failures."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The PromQL of every rule by window, composed once when a rule set is adopted."""

    parts: Mapping[str, Mapping[int, Parts]] = field(default_factory=dict)
    versions: tuple[VersionMetric, ...] = ()

    def queries(self, alert: str, window: int) -> Labels:
        """Give the PromQL of a rule's tier with that window, by part name."""
        return tuple(sorted(self.parts[alert][window].items()))


def plan(rules: RuleSet) -> Plan:
    """Compose the PromQL of every rule of `rules`. Raises ValueError where a signal cannot be composed."""
    return Plan(
        {
            rule.alert: {
                tier.window: promql.expressions(rule.signal, tier.window, group.interval) for tier in rule.every_tier
            }
            for group in rules.groups
            for rule in group.rules
        },
        rules.versions,
    )


class Reader:
    """Reads rules through a source; one for the life of the daemon."""

    def __init__(self, source: MetricsSource, baselines: Baselines, deploys: Deploys | None = None) -> None:
        self._source = source
        self._judging = Judging(baselines, deploys or Deploys(source))

    def points(
        self, planned: Plan, rule: Rule, group: Group, times: Sequence[int], deadline: Deadline
    ) -> Sequence[Point]:
        """Give the points of `rule` at the grid `times` (ascending, one interval apart)."""
        expressions = {expr for parts in planned.parts[rule.alert].values() for expr in parts.values()}
        self._judging.read_ahead(rule, times[0], times[-1], lambda: deadline.left)
        answers = {expr: self._answers(expr, group, times, deadline) for expr in sorted(expressions)}
        return [self._point(planned, rule, at, {expr: answers[expr][at] for expr in answers}, deadline) for at in times]

    def _answers(self, expr: str, group: Group, times: Sequence[int], deadline: Deadline) -> Mapping[int, Answer]:
        if deadline.left <= 0:
            return dict.fromkeys(times, Unanswered("the evaluation ran out of time"))
        if len(times) == 1:
            return {times[0]: self._source.instant(expr, times[0], deadline=deadline.left)}
        answer = self._source.range(expr, times[0], times[-1], group.interval, deadline=deadline.left)
        if isinstance(answer, RangeSamples):
            return {at: Samples(answer.at.get(at, ()), answer.remarks) for at in times}
        return dict.fromkeys(times, answer)

    def _point(self, planned: Plan, rule: Rule, at: int, answers: Mapping[str, Answer], deadline: Deadline) -> Point:
        samples: dict[str, tuple[Sample, ...]] = {}
        for expr, answer in answers.items():
            match answer:
                case Samples():
                    samples[expr] = answer.samples
                case BadQuery():
                    return Judged({}, 0, answer.why)
                case Partial() | Unanswered():
                    return Waiting(answer.why)
        return self._judged(planned, rule, at, samples, deadline)

    def _judged(
        self, planned: Plan, rule: Rule, at: int, samples: Mapping[str, tuple[Sample, ...]], deadline: Deadline
    ) -> Point:
        observed = {
            window: observe(rule.signal, {part: samples[expr] for part, expr in parts.items()})
            for window, parts in planned.parts[rule.alert].items()
        }
        judgements = self._judging.judge(rule, planned.versions, observed, at, lambda: deadline.left)
        match judgements:
            case BadQuery():
                return Judged({}, 0, judgements.why)
            case Partial() | Unanswered():
                return Waiting(judgements.why)
            case _:
                return Judged(judgements, len({labels for instances in observed.values() for labels in instances}))


def in_error(keys: Iterable[AlertKey], why: str) -> dict[AlertKey, Judgement]:
    """Give what a wrong query means for the alerts that are known: an error each, never a change."""
    return {key: Judgement(Verdict.ERROR, why=why) for key in keys}
