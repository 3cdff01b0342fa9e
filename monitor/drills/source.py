"""The source of a drill's readings: the played signal where one is played, and the real source for everything else."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.drill.played import Played, condition, healthy_hour, part
from monitor.core.model import Sample
from monitor.core.rules.rule import Rule
from monitor.core.rules.signal import Latency
from monitor.evaluation.reading import SCRAPED
from monitor.ports.metrics import Answer, MetricsSource, RangeAnswer, RangeSamples, Samples
from monitor.queries.plan import Plan
from monitor.queries.promql import baseline_expression

Answering = Callable[[Played, int], tuple[Sample, ...]]
"""What an expression answers of a played signal at a grid time."""


@dataclass(frozen=True, slots=True)
class Stageplay:
    """The expressions of a rule that are played, by their text, and what is played now."""

    answers: Mapping[str, Answering]
    played: Played

    def samples(self, expr: str, at: int) -> tuple[Sample, ...] | None:
        """Give what is played at grid time `at`; None for an expression that is not."""
        answer = self.answers.get(expr)
        return answer(self.played, at) if answer is not None else None


def staged(rule: Rule, planned: Plan, played: Played) -> Stageplay:
    """Give everything that is asked for one rule, played."""
    answers: dict[str, Answering] = {SCRAPED: lambda _one, _at: (Sample((), 1.0),)}
    for window, parts in planned.parts[rule.alert].items():
        for name, expr in parts.items():
            answers[expr] = lambda one, at, name=name, window=window: part(rule.signal, name, one, at, window)  # type: ignore[misc]  # bound at once
    if rule.requires is not None:
        met = condition(rule.requires)
        answers[rule.requires.expr] = lambda _one, _at: met
    signal = rule.signal
    if isinstance(signal, Latency):
        answers[baseline_expression(signal)] = lambda one, _at: healthy_hour(signal, one.script)
    return Stageplay(answers, played)


@dataclass(slots=True)
class DrillSource:
    """Answers what is played from `play`, and everything else from the real source. Thread-safe: `play` is swapped."""

    real: MetricsSource
    play: Stageplay | None = field(default=None)

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at`."""
        played = self._played(expr, at)
        return played if played is not None else self.real.instant(expr, at, deadline=deadline)

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Read every one of `exprs` at grid time `at`."""
        found: dict[str, Answer] = {expr: one for expr in exprs if (one := self._played(expr, at)) is not None}
        left = [expr for expr in exprs if expr not in found]
        return {**found, **self.real.instants(left, at, deadline=deadline)} if left else found

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Read `expr` at `start`, `start + step`, ... `end`."""
        play = self.play
        if play is None or play.samples(expr, start) is None:
            return self.real.range(expr, start, end, step, deadline=deadline)
        return RangeSamples({at: play.samples(expr, at) or () for at in range(start, end + 1, step)})

    def clock(self) -> datetime | None:
        """Give the real source's time; of what is played nobody else has one."""
        return self.real.clock() if self.play is None else None

    def _played(self, expr: str, at: int) -> Samples | None:
        play = self.play
        samples = play.samples(expr, at) if play is not None else None
        return Samples(samples) if samples is not None else None
