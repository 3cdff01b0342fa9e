"""A source that has read expressions over a whole grid at once and answers single times from that.

So an engine that moves from one evaluation to the next costs a query an expression. What the expressions mean, and who
moves the engine, is not known here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from monitor.evaluation.ranges import Deadline, Stretched
from monitor.ports.metrics import Answer, MetricsSource, RangeAnswer
from monitor.ports.world import Clock

READS_FOR = 60.0
"""Seconds that one expression may take."""
SERIES = 20
"""How many series an expression is taken to have."""


class ReadAhead:
    """Answers from what was read ahead of `source`; what was not is asked for. `clock` measures how long reads take."""

    def __init__(self, source: MetricsSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._read: dict[str, dict[int, Answer]] = {}

    def read_ahead(self, expr: str, times: Sequence[int]) -> None:
        """Read `expr` at the grid `times` (ascending, one interval apart)."""
        step = times[1] - times[0] if len(times) > 1 else 1
        deadline = Deadline(self._clock, self._clock.monotonic() + READS_FOR)
        answers = Stretched(self._source, expr, step, SERIES, deadline).read(times)
        self._read.setdefault(expr, {}).update(answers)

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Give what was read of `expr` at `at`; ask for it where it was not."""
        known = self._read.get(expr, {}).get(at)
        return known if known is not None else self._source.instant(expr, at, deadline=deadline)

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Give what was read of each of `exprs` at `at`."""
        return {expr: self.instant(expr, at, deadline=deadline) for expr in dict.fromkeys(exprs)}

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Ask for a stretch: nobody knew of it before."""
        return self._source.range(expr, start, end, step, deadline=deadline)

    def clock(self) -> datetime | None:
        """Nothing limits what may be read: all of it is there."""
        return None
