"""A source of metrics that remembers what it answered, so that the numbers that are shown are those that were judged.

What was read once is not asked again. For one explanation, not for the life of a daemon.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.core.model import Sample
from monitor.ports.metrics import Answer, MetricsSource, RangeAnswer, Samples


class Overheard:
    """Asks `source`, and keeps every answer."""

    def __init__(self, source: MetricsSource) -> None:
        self._source = source
        self._instants: dict[tuple[str, int], Answer] = {}
        self._ranges: dict[tuple[str, int, int, int], RangeAnswer] = {}

    def samples(self, expr: str, at: int) -> tuple[Sample, ...] | None:
        """Give what `expr` was answered at grid time `at`; None where it was not asked, or not answered."""
        answer = self._instants.get((expr, at))
        return answer.samples if isinstance(answer, Samples) else None

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at `at`."""
        return self.instants([expr], at, deadline=deadline)[expr]

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Read every one of `exprs` at `at`; what was answered before is not asked again."""
        asked = [expr for expr in dict.fromkeys(exprs) if not isinstance(self._instants.get((expr, at)), Samples)]
        if asked:
            found = self._source.instants(asked, at, deadline=deadline)
            self._instants.update({(expr, at): answer for expr, answer in found.items()})
        return {expr: self._instants[expr, at] for expr in exprs}

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Read `expr` from `start` to `end`; the same again is not asked."""
        key = (expr, start, end, step)
        if key not in self._ranges:
            self._ranges[key] = self._source.range(expr, start, end, step, deadline=deadline)
        return self._ranges[key]

    def clock(self) -> datetime | None:
        """Give the source's own time."""
        return self._source.clock()
