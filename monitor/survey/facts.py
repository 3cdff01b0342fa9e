"""What a survey has read: answers by their expression, asked in few requests and within one deadline.

It must not know what an answer means. After the first failure nothing more is asked: the rest would fail too.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from monitor.core.model import Sample
from monitor.core.rules.signal import Latency
from monitor.evaluation.baselines import Baselines, References
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import BadQuery, MetricsSource, Samples


@dataclass(frozen=True, slots=True)
class Means:
    """What a survey reads with.

    `baselines` are best shared with whoever judges, so that hours are read once. `keeps`: how long the source keeps
    data, in its own words, where it tells.
    """

    source: MetricsSource
    baselines: Baselines
    deadline: Deadline
    keeps: str = ""


@dataclass(slots=True)
class Facts:
    """What was read at the time `at`; `problem` says why not everything was."""

    means: Means
    at: int
    problem: str = ""
    _answers: dict[str, tuple[Sample, ...]] = field(default_factory=dict)
    _references: dict[tuple[Latency, float], References] = field(default_factory=dict)

    def read(self, exprs: Iterable[str]) -> None:
        """Read every one of `exprs` that was not read yet; one that the source calls wrong stays unknown."""
        wanted = [expr for expr in dict.fromkeys(exprs) if expr not in self._answers]
        if not wanted or self._over():
            return
        answers = self.means.source.instants(wanted, self.at, deadline=self.means.deadline.left)
        for expr, answer in answers.items():
            if isinstance(answer, Samples):
                self._answers[expr] = answer.samples
            elif not isinstance(answer, BadQuery):
                self.problem = self.problem or answer.why

    def of(self, expr: str) -> tuple[Sample, ...] | None:
        """Give what `expr` read, or None where that is not known."""
        return self._answers.get(expr)

    def refer(self, signal: Latency, min_requests: float) -> None:
        """Read what a latency is held against."""
        if (signal, min_requests) in self._references or self._over():
            return
        left = self.means.deadline.left
        found = self.means.baselines.references(signal, min_requests, self.at, deadline=left)
        if isinstance(found, References):
            self._references[signal, min_requests] = found
        elif not isinstance(found, BadQuery):
            self.problem = found.why

    def references(self, signal: Latency, min_requests: float) -> References | None:
        """Give what a latency is held against, or None where that is not known."""
        return self._references.get((signal, min_requests))

    def _over(self) -> bool:
        if not self.problem and self.means.deadline.left <= 0:
            self.problem = "no time was left to ask"
        return bool(self.problem)
