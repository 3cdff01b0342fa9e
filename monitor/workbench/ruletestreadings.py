"""A reader for tests that give readings in place of series: no PromQL is asked, everything after it is the same.

What is given is put into the words of a source's answer, so that the core itself observes and judges it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from monitor.core.judging.judge import judge
from monitor.core.judging.observe import Observation, observe
from monitor.core.judging.point import completed
from monitor.core.model import AlertKey, Judgement, Labels, Sample
from monitor.core.rules.rule import Rule
from monitor.core.rules.ruletest import Gap, GivenReading, RuleTest, Step
from monitor.core.rules.signal import Availability, Baseline, Condition, Count, ErrorRatio, Latency, Query
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.ranges import Deadline
from monitor.evaluation.reading import Judged, Point, Reader
from monitor.ports.metrics import MetricsSource
from monitor.queries.plan import Plan

PLENTY = 1e9
"""Requests of a latency whose traffic is not given."""
AGAINST = Baseline((), fixed=1.0)
"""The baseline of a latency whose value is given: a value v is 1 + v seconds against one second."""


class GivenReader(Reader):
    """Gives the readings of `test`, which begins at `base`; `source` is never asked."""

    def __init__(self, test: RuleTest, base: int, source: MetricsSource) -> None:
        super().__init__(source, Baselines(source))
        self._test = test
        self._base = base

    def source_time(self) -> float | None:
        """No clock but the test's."""
        return None

    def together(
        self, planned: Plan, rules: Sequence[Rule], at: int, deadline: Deadline
    ) -> Mapping[str, Sequence[Point]]:
        """Give what is given of each of `rules` at `at`."""
        del planned, deadline  # nothing is asked
        return {rule.alert: [self._given(rule, at)] for rule in rules}

    def _given(self, rule: Rule, at: int) -> Point:
        index = (at - self._base) // self._test.interval
        mine = [one for one in self._test.readings if (one.alert or self._test.alerts[0].alert) == rule.alert]
        judgements = {key: one for given in mine for key, one in judged(rule, given, index)}
        if all(given.requires is None for given in mine):
            rule = replace(rule, requires=None)
        met = ((given.labels, _step(given.requires or (), index)) for given in mine)
        required = tuple(Sample(labels, value) for labels, value in met if value is not None)
        return Judged(completed(rule, judgements, required))


def judged(rule: Rule, given: GivenReading, index: int) -> Iterable[tuple[AlertKey, Judgement]]:
    """Give the judgement of each tier of an instance at a step; none where nothing is there."""
    observed = observed_of(rule, given, index)
    if observed is None:
        return
    signal = replace(rule.signal, baseline=AGAINST) if isinstance(rule.signal, Latency) else rule.signal
    for tier in rule.tiers_of(given.labels):
        yield AlertKey(rule.alert, given.labels, tier.tier), judge(signal, tier, observed)


def observed_of(rule: Rule, given: GivenReading, index: int) -> Observation | None:
    """Give what is observed of an instance at a step; None where nothing is there."""
    value, requests, failures = (_step(steps, index) for steps in (given.values, given.requests, given.failures))
    match rule.signal:
        case ErrorRatio():
            parts = {"requests": requests, "failures": failures}
        case Availability():
            parts = {"up": value}
        case Count():
            parts = {
                "seen": None if value is None else 1.0,
                "grown": value,
                "born": None,
                "watched": None,
                "alive": 1.0,
            }
        case Query() | Condition():
            parts = {"value": value}
        case Latency():
            if value is None:
                return None
            return Observation(1.0 + value, PLENTY if requests is None else requests)
    samples = {name: () if one is None else (Sample(given.labels, one),) for name, one in parts.items()}
    return observe(rule.signal, samples).get(_instance(rule, given.labels))


def _instance(rule: Rule, labels: Labels) -> Labels:
    return tuple(pair for pair in labels if not rule.signal.by or pair[0] in rule.signal.by)


def _step(steps: Sequence[Step], index: int) -> float | None:
    """Give a step's value; None where it has none, and after the last one."""
    found = steps[index] if index < len(steps) else None
    return None if isinstance(found, Gap) else found
