"""One expression over a stretch of grid times: cut so that no answer is too large, and halved where one is.

It owns how much is asked at once. It must not know what the expression means nor who needs it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.ports.metrics import Answer, BadQuery, MetricsSource, RangeSamples, Samples, TooMuch, Unanswered
from monitor.ports.world import Clock

MOST_SAMPLES = 200_000
"""Series times points of one answer: some 8 MB of JSON, and far below Prometheus's own limits."""

MOST_POINTS = 11_000
"""Prometheus refuses more than 11,000 points a series."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """The monotonic time by which everything must have been read."""

    clock: Clock
    by: float

    @property
    def left(self) -> float:
        """The seconds that are left; never negative."""
        return max(0.0, self.by - self.clock.monotonic())

    @property
    def halfway(self) -> "Deadline":
        """Half of the time that is left."""
        return Deadline(self.clock, self.by - self.left / 2)


@dataclass(frozen=True, slots=True)
class Stretched:
    """Reads `expr` at times that are `step` seconds apart; `series` is how many it is expected to give."""

    source: MetricsSource
    expr: str
    step: int
    series: int
    deadline: Deadline

    def read(self, times: Sequence[int]) -> Mapping[int, Answer]:
        """Give the answer of each of `times` (ascending)."""
        answers: dict[int, Answer] = {}
        for piece in _pieces(times, self.series):
            answers |= self._piece(piece)
        return answers

    def _piece(self, times: Sequence[int], *, probed: bool = False) -> Mapping[int, Answer]:
        if self.deadline.left <= 0:
            return dict.fromkeys(times, Unanswered("the evaluation ran out of time"))
        answer = self.source.range(self.expr, times[0], times[-1], self.step, deadline=self.deadline.left)
        if isinstance(answer, RangeSamples):
            return {at: Samples(answer.at.get(at, ()), answer.remarks, answer.source) for at in times}
        if not isinstance(answer, TooMuch):
            return dict.fromkeys(times, answer)
        if not probed or len(times) == 1:
            alone = self.source.instant(self.expr, times[-1], deadline=self.deadline.left)
            if isinstance(alone, BadQuery) or len(times) == 1:  # it is the query that is wrong, not its length
                return dict.fromkeys(times, alone)
        half = len(times) // 2
        return {**self._piece(times[:half], probed=True), **self._piece(times[half:], probed=True)}


def _pieces(times: Sequence[int], series: int) -> Iterator[Sequence[int]]:
    most = max(1, min(MOST_POINTS, MOST_SAMPLES // max(1, series)))
    for start in range(0, len(times), most):
        yield times[start : start + most]
