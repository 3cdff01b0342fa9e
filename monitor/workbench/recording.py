"""A recording rule -> the series that Prometheus would have written by it.

A range query gives in one answer what one evaluation after the other gives, since what a rule records it does not read.
"""

from collections.abc import Sequence

from monitor.core.model import Labels, labels_of
from monitor.core.rules.ruletest import Gap, InputSeries, Recording, Step
from monitor.ports.metrics import BadQuery, MetricsSource, RangeSamples
from monitor.workbench.ownprometheus import NoPrometheusError

READS_FOR = 60.0


def recorded(rule: Recording, times: Sequence[int], source: MetricsSource) -> tuple[InputSeries, ...]:
    """Give the series that `rule` records at the grid `times`, marked as ended where it no longer gives them.

    A rule whose query is wrong records nothing, as in Prometheus. Raises `NoPrometheusError` where nothing answers.
    """
    step = times[1] - times[0] if len(times) > 1 else 1
    answer = source.range(rule.expr, times[0], times[-1], step, deadline=READS_FOR)
    if isinstance(answer, BadQuery):
        return ()
    if not isinstance(answer, RangeSamples):
        raise NoPrometheusError(f"the recording rule `{rule.record}` was not answered: {answer.why}")
    found: dict[Labels, list[Step]] = {}
    for index, at in enumerate(times):
        for sample in answer.at.get(at, ()):
            labels = labels_of({**dict(sample.labels), **dict(rule.labels), "__name__": rule.record})
            steps = found.setdefault(labels, [])
            steps += _between(len(steps), index)
            steps.append(sample.value)
    return tuple(InputSeries(labels, (*steps, *_ended(steps, len(times)))) for labels, steps in found.items())


def _between(known: int, index: int) -> list[Step]:
    """Give what stands between the last value and this one: the mark of the end, and nothing."""
    missing = index - known
    return [Gap.STALE if known and gap == 0 else Gap.OMITTED for gap in range(missing)]


def _ended(steps: Sequence[Step], length: int) -> list[Step]:
    return [Gap.STALE] if len(steps) < length else []
