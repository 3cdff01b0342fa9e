"""From rules and grid times to judgements: asks the source for every expression and judges each point.

A point that was not answered has no verdict; it is told apart as `Waiting`, and nothing here decides what becomes of
it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

from monitor.core.judging.observe import observe
from monitor.core.judging.point import completed
from monitor.core.model import AlertKey, Judgement, Labels, Sample, Verdict
from monitor.core.rules.rule import Rule
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.deploys import Deploys
from monitor.evaluation.judging import Judging
from monitor.evaluation.ranges import Deadline, Stretched
from monitor.ports.metrics import Answer, BadQuery, MetricsSource, Partial, Samples, Unanswered
from monitor.queries.plan import Plan


@dataclass(frozen=True, slots=True)
class Judged:
    """One answered point.

    A judgement for each instance and tier, and what is wrong with the rule.
    """

    judgements: Mapping[AlertKey, Judgement]
    error: str = ""

    @property
    def instances(self) -> frozenset[Labels]:
        """The instances that gave something to judge."""
        return frozenset(key.labels for key, one in self.judgements.items() if one.verdict is not Verdict.NO_DATA)


@dataclass(frozen=True, slots=True)
class Waiting:
    """One point that was not answered, and why."""

    why: str


Point: TypeAlias = Judged | Waiting


SCRAPED = "count(up)"
"""What every Prometheus has from its first scrape on."""


KEPT = 20_000
"""Expressions whose number of series is remembered; after so many the reader begins anew."""


SERIES = 20
"""How many series an expression is taken to have before it was read once."""


class Reader:
    """Reads rules through a source; one for the life of the daemon."""

    def __init__(self, source: MetricsSource, baselines: Baselines, deploys: Deploys | None = None) -> None:
        self._source = source
        self._judging = Judging(baselines, deploys or Deploys(source))
        self._series: dict[str, int] = {}

    def source_time(self) -> float | None:
        """Give the source's own time (seconds since the epoch), or None where it told none."""
        told = self._source.clock()
        return told.timestamp() if told is not None else None

    def first_sample(self, times: Sequence[int], deadline: Deadline) -> int | None:
        """Give the first of the grid `times` at which the source had scraped anything; None where it never did."""
        step = times[1] - times[0] if len(times) > 1 else 1
        answers = Stretched(self._source, SCRAPED, step, 1, deadline).read(times)
        return next((at for at in times if isinstance(one := answers[at], Samples) and one.samples), None)

    def together(
        self, planned: Plan, rules: Sequence[Rule], at: int, deadline: Deadline
    ) -> Mapping[str, Sequence[Point]]:
        """Give the one point of each of `rules` at grid time `at`, all read together, by the rule's name."""
        if deadline.left <= 0:
            return {rule.alert: [Waiting("the evaluation ran out of time")] for rule in rules}
        wanted = list(dict.fromkeys(expr for rule in rules for expr in planned.expressions(rule)))
        answers = self._source.instants(wanted, at, deadline=deadline.left)
        if len(self._series) > KEPT:
            self._series.clear()
        self._series.update({expr: len(one.samples) for expr, one in answers.items() if isinstance(one, Samples)})
        return {rule.alert: [self._point(planned, rule, at, answers, deadline)] for rule in rules}

    def points(self, planned: Plan, rule: Rule, times: Sequence[int], deadline: Deadline) -> Sequence[Point]:
        """Give the points of `rule` at the grid `times` (ascending, one interval apart)."""
        step = times[1] - times[0] if len(times) > 1 else 1
        self._judging.read_ahead(rule, times[0], times[-1], lambda: deadline.left)
        answers: dict[str, Mapping[int, Answer]] = {}
        for expr in planned.expressions(rule):
            series = self._series.get(expr, SERIES)
            answers[expr] = Stretched(self._source, expr, step, series, deadline).read(times)
        return [self._point(planned, rule, at, {expr: answers[expr][at] for expr in answers}, deadline) for at in times]

    def raw(
        self, planned: Plan, rule: Rule, window: int, times: Sequence[int], deadline: Deadline
    ) -> Mapping[str, Mapping[int, Answer]]:
        """Give what the source answers to each part of `rule` at the grid `times`, as it stands, by the part's name."""
        step = times[1] - times[0] if len(times) > 1 else 1
        return {
            part: Stretched(self._source, expr, step, self._series.get(expr, SERIES), deadline).read(times)
            for part, expr in sorted(planned.parts[rule.alert][window].items())
        }

    def _point(self, planned: Plan, rule: Rule, at: int, answers: Mapping[str, Answer], deadline: Deadline) -> Point:
        samples: dict[str, tuple[Sample, ...]] = {}
        elsewhere = ""
        for expr in planned.expressions(rule):
            answer = answers[expr]
            match answer:
                case Samples():
                    samples[expr] = answer.samples
                    elsewhere = answer.source or elsewhere
                case BadQuery():
                    return Judged({}, answer.why)
                case Partial() | Unanswered():
                    return Waiting(answer.why)
        point = self._judged(planned, rule, at, samples, deadline)
        return _read_from(elsewhere, point) if elsewhere and isinstance(point, Judged) else point

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
                return Judged({}, judgements.why)
            case Partial() | Unanswered():
                return Waiting(judgements.why)
            case _:
                required = samples[rule.requires.expr] if rule.requires is not None else ()
                return Judged(completed(rule, judgements, required))


def _read_from(source: str, point: Judged) -> Judged:
    """Name the server that stood in for the first one, for the page."""
    return replace(
        point,
        judgements={key: replace(one, why=f"{one.why} (read from {source})") for key, one in point.judgements.items()},
    )


def in_error(keys: Iterable[AlertKey], why: str) -> dict[AlertKey, Judgement]:
    """Give what a wrong query means for the alerts that are known: an error each, never a change."""
    return {key: Judgement(Verdict.ERROR, why=why) for key in keys}
