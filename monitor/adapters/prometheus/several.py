"""Several servers with the same data: each is asked for what those before it did not answer.

It must not know what is asked. An answer that the first server did not give names the server that gave it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from monitor.adapters.prometheus.source import PrometheusSource
from monitor.ports.metrics import (
    Answer,
    BadQuery,
    ColumnAnswer,
    Partial,
    RangeAnswer,
    RangeColumns,
    RangeSamples,
    Samples,
    Unanswered,
)

_Given = TypeVar("_Given", Answer, RangeAnswer, ColumnAnswer)


class SeveralSources:
    """The metrics port over `sources` (at least one), in their order of preference."""

    def __init__(self, sources: Sequence[PrometheusSource]) -> None:
        self._sources = tuple(sources)
        self._last = self._sources[0]

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at` from the first that answers. Never raises."""
        return self.instants([expr], at, deadline=deadline)[expr]

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Read every one of `exprs`, each from the first that answers it. Never raises."""
        ends = time.monotonic() + deadline
        answers: dict[str, Answer] = {}
        open_ones: Sequence[str] = list(dict.fromkeys(exprs))
        for number, source in enumerate(self._sources):
            given = source.instants(open_ones, at, deadline=self._share(number, ends))
            answers |= {expr: _both(answers.get(expr), _named(source, number, one)) for expr, one in given.items()}
            open_ones = [expr for expr in open_ones if isinstance(answers[expr], Unanswered | Partial)]
            if not open_ones:
                self._last = source
                break
        return answers

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Read a stretch from the first that answers. Never raises."""

        def ask(source: PrometheusSource, seconds: float) -> RangeAnswer:
            return source.range(expr, start, end, step, deadline=seconds)

        return self._first(ask, deadline) or Unanswered("there is no server to ask")

    def columns(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> ColumnAnswer:
        """Read a stretch by series from the first that answers. Never raises."""

        def ask(source: PrometheusSource, seconds: float) -> ColumnAnswer:
            return source.columns(expr, start, end, step, deadline=seconds)

        return self._first(ask, deadline) or Unanswered("there is no server to ask")

    def _first(self, ask: Callable[[PrometheusSource, float], _Given], deadline: float) -> _Given | None:
        ends = time.monotonic() + deadline
        answer: _Given | None = None
        for number, source in enumerate(self._sources):
            given = ask(source, self._share(number, ends))
            answer = _both(answer, _named(source, number, given))
            if not isinstance(answer, Unanswered | Partial):
                self._last = source
                break
        return answer

    def clock(self) -> datetime | None:
        """Give the time of the server that answered last."""
        return self._last.clock()

    def close(self) -> None:
        """Let go of every connection."""
        for source in self._sources:
            source.close()

    def _share(self, number: int, ends: float) -> float:
        """Give the seconds for a server: one that hangs must leave the others their time."""
        return (ends - time.monotonic()) / (len(self._sources) - number)


def _named(source: PrometheusSource, number: int, answer: _Given) -> _Given:
    """Give `answer` with the name of the server, where it is not the first.

    One that stands in may be older and not know what the first one does: what it refuses is not answered, and waits.
    """
    if number and isinstance(answer, Samples | RangeSamples | RangeColumns):
        return replace(answer, source=source.url)
    if number and isinstance(answer, BadQuery):
        return Unanswered(f"{answer.why} ({source.url})")
    return answer


def _both(before: object, answer: _Given) -> _Given:
    """Give `answer`; where nobody answered, with what the servers before it said."""
    if isinstance(before, Unanswered | Partial) and isinstance(answer, Unanswered | Partial):
        return type(answer)(f"{before.why}; {answer.why}")
    return answer
