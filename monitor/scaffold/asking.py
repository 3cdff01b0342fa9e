"""Questions to a Prometheus that nobody here has seen: few, each bounded, and one that fails costs only its answer."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.core.model import Sample
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import MetricsSource, Samples, Unanswered

TOGETHER = 8
"""Questions that travel together: more would be refused together."""


AT_ONCE = 30.0
"""Seconds for those: one that takes longer must leave time for the others."""


class Catalogue(Protocol):
    """What a server tells of its metrics without reading a sample."""

    def names(self, since: int, until: int, *, deadline: float) -> tuple[str, ...] | Unanswered:
        """Give the names of the metrics that had samples between two times. Never raises."""

    def types(self, *, deadline: float) -> Mapping[str, str]:
        """Give what kind each metric is, as far as the server tells; nothing where it does not. Never raises."""


@dataclass(slots=True)
class Asking:
    """Reads at the time `at`, until `deadline`; `problems` are the questions that were not answered, in a few words."""

    source: MetricsSource
    at: int
    deadline: Deadline
    problems: list[str] = field(default_factory=list)

    def each(self, exprs: Iterable[str]) -> dict[str, tuple[Sample, ...]]:
        """Give the answer of each of `exprs`; one without an answer is empty, and named among the problems."""
        wanted = list(dict.fromkeys(exprs))
        found: dict[str, tuple[Sample, ...]] = {}
        for start in range(0, len(wanted), TOGETHER):
            found |= self._together(wanted[start : start + TOGETHER])
        return found

    def one(self, expr: str) -> tuple[Sample, ...]:
        """Give the answer of `expr`."""
        return self.each([expr])[expr]

    def _together(self, exprs: Sequence[str]) -> dict[str, tuple[Sample, ...]]:
        answers = self.source.instants(exprs, self.at, deadline=min(self.deadline.left, AT_ONCE))
        for expr in exprs:
            answer = answers.get(expr)
            if not isinstance(answer, Samples):
                why = answer.why if answer is not None else "nothing was answered"
                self.problems.append(f"{expr}: {why}")
        return {expr: answer.samples if isinstance(answer := answers.get(expr), Samples) else () for expr in exprs}
