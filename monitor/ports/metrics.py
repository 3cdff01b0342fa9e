"""Where readings come from, and what a source can answer."""

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from monitor.core.model import Labels, Sample


@dataclass(frozen=True, slots=True)
class Samples:
    """A complete answer, possibly empty (no data).

    `remarks` are the engine's annotations, for people only; `source` names a server that stood in for the first one.
    """

    samples: tuple[Sample, ...]
    remarks: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class Partial:
    """An answer that the source itself calls incomplete; it must not be judged."""

    why: str


@dataclass(frozen=True, slots=True)
class BadQuery:
    """The source says that the query is wrong (400, 422, or a result that is no vector); asking again will not help."""

    why: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No answer: connection, deadline, 429, 5xx, or something that is not Prometheus's JSON; ask again."""

    why: str


Answer: TypeAlias = Samples | Partial | BadQuery | Unanswered


@dataclass(frozen=True, slots=True)
class RangeSamples:
    """A complete range answer: the samples of each asked grid time (a time without samples maps to an empty tuple)."""

    at: Mapping[int, tuple[Sample, ...]]
    remarks: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True, slots=True)
class TooMuch:
    """The range holds more than the source or we are willing to carry at once; ask for less."""

    why: str


RangeAnswer: TypeAlias = RangeSamples | Partial | BadQuery | Unanswered | TooMuch


@dataclass(frozen=True, slots=True)
class Column:
    """One series over a range: its value at each asked grid time.

    `present` has a byte for each of them, 0 where there was no sample (the value is then of no meaning); empty where
    there was one at every time.
    """

    labels: Labels
    values: "array[float]"
    present: bytes = b""


@dataclass(frozen=True, slots=True)
class RangeColumns:
    """A complete range answer by series: what `RangeSamples` says, in a tenth of its memory, for long stretches.

    The times are `start`, `start + step`, ..., `count` of them; `source` names a server that stood in for the first.
    """

    start: int
    step: int
    count: int
    columns: tuple[Column, ...]
    source: str = ""


ColumnAnswer: TypeAlias = RangeColumns | Partial | BadQuery | Unanswered | TooMuch


class RangeSource(Protocol):
    """Where stretches of history come from."""

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Read `expr` at `start`, `start + step`, ... `end` (whole seconds, inclusive). Never raises."""


class MetricsSource(RangeSource, Protocol):
    """Where readings come from."""

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at`; give up after `deadline` seconds in all. Never raises."""

    def instants(self, exprs: Sequence[str], at: int, *, deadline: float) -> Mapping[str, Answer]:
        """Read every one of `exprs` at grid time `at`, in as few requests as the source can. Never raises."""

    def clock(self) -> datetime | None:
        """Give the source's own time now, as far as its last answer told it (up to a second behind); None: unknown."""


class ColumnSource(Protocol):
    """Where long stretches of history come from, to be judged as a whole."""

    def columns(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> ColumnAnswer:
        """Read `expr` at `start`, `start + step`, ... `end` (whole seconds, inclusive), by series. Never raises."""

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        """Read `expr` at grid time `at`; give up after `deadline` seconds in all. Never raises."""
