"""Everything that was read of a stretch of history, by expression: arrays over a grid, and rows for what looks back.

Read once, however many rule sets are tried on it. It must not know what an expression means.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from monitor.core.judging.latency import HOUR, SLOT
from monitor.core.model import Labels, Sample
from monitor.evaluation.deploys import GRID
from monitor.ports.metrics import BadQuery, RangeAnswer, RangeColumns, RangeSamples, Unanswered
from monitor.workbench.replay.fetching import Fetched, Fetcher, Task, in_parallel, tasks

Floats: TypeAlias = npt.NDArray[np.float64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Codes: TypeAlias = npt.NDArray[np.int8]

AHEAD = 288
"""Points of a slow grid that are read at once where one is asked for: a day of the same clock time."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Grid times: `count` of them from `first` on, `step` seconds apart."""

    first: int
    step: int
    count: int

    def time(self, index: int) -> int:
        """Give the time at `index`."""
        return self.first + index * self.step

    @property
    def last(self) -> int:
        """The last time."""
        return self.time(self.count - 1)

    def index(self, at: int) -> int:
        """Give the index of the first grid time that is not before `at`."""
        return -((self.first - at) // self.step)

    def times(self) -> range:
        """Give all times."""
        return range(self.first, self.first + self.count * self.step, self.step)


@dataclass(frozen=True, slots=True)
class Series:
    """One series over a grid; where it is not `present` its value means nothing."""

    values: Floats
    present: Flags


@dataclass(frozen=True, slots=True)
class Hole:
    """Grid indices from `begin` to before `end` that gave nothing, and why."""

    begin: int
    end: int
    why: str


@dataclass(slots=True)
class Reading:
    """What one expression gave over a grid: its series, and where the query was wrong or not answered."""

    series: dict[Labels, Series] = field(default_factory=dict)
    wrong: list[Hole] = field(default_factory=list)
    unread: list[Hole] = field(default_factory=list)

    def row(self, index: int) -> tuple[Sample, ...]:
        """Give the samples at one grid time."""
        return tuple(
            Sample(labels, float(one.values[index])) for labels, one in self.series.items() if one.present[index]
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far reading is: tasks done of all, grid points of an expression that were asked of the source, troubles."""

    done: int
    of: int
    asked: int
    troubles: int
    why: str = ""


class History:
    """Reads what is wanted in parallel, keeps it, and gives it; one for all variants of a replay."""

    def __init__(self, fetcher: Fetcher, jobs: int, told: Callable[[Progress], None] = lambda _progress: None) -> None:
        self._fetcher = fetcher
        self._jobs = jobs
        self._told = told
        self._wanted: dict[Task, bool] = {}
        self._fetched: dict[tuple[str, int], list[Fetched]] = {}
        self._readings: dict[tuple[str, Grid], Reading] = {}
        self._rows: dict[tuple[str, int], dict[int, tuple[Sample, ...]]] = {}

    def want(self, expr: str, step: int, start: int, end: int, *, first: bool = False) -> None:
        """Say that `expr` will be asked for at the grid times from `start` to `end`; some before all others."""
        for task in tasks(expr, step, start, end):
            self._wanted[task] = first or self._wanted.get(task, False)

    def read(self) -> None:
        """Read everything that is wanted, in the order of time, so that an interrupt leaves a whole beginning."""
        known = {one.task for some in self._fetched.values() for one in some}
        todo = sorted(
            (task for task in self._wanted if task not in known),
            key=lambda task: (not self._wanted[task], task.end, task.step, task.expr),
        )
        counts = [0, 0, 0]

        def done(one: Fetched) -> None:
            self._fetched.setdefault((one.task.expr, one.task.step), []).append(one)
            counts[0] += 1
            counts[1] += one.task.points if one.asked else 0
            counts[2] += len(one.troubles)
            why = one.troubles[0].why if one.troubles else ""
            self._told(Progress(counts[0], len(todo), counts[1], counts[2], why))

        try:
            in_parallel(todo, self._fetcher.fetch, self._jobs, done)
        finally:
            if counts[0] < len(todo):
                self._fetcher.stopped.set()

    def read_until(self, expr: str, step: int, start: int) -> int:
        """Give the last grid time up to which `expr` was read without a part left out, from `start` on."""
        last = start - step
        for one in sorted(self._fetched.get((expr, step), ()), key=lambda one: one.task.start):
            if one.task.start <= last + step and one.task.end >= start:
                last = max(last, one.task.end)
        return last

    def reading(self, expr: str, grid: Grid) -> Reading:
        """Give what `expr` gave over `grid`; what was never read is a hole."""
        kept = self._readings.get((expr, grid))
        if kept is None:
            kept = self._readings[expr, grid] = _assembled(self._fetched.get((expr, grid.step), ()), grid)
        return kept

    # --- what looks back ----------------------------------------------------------------------------------------------

    def range(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> RangeAnswer:
        """Give rows, as a `RangeSource`: those of a slow grid are read many at a time and kept."""
        del deadline
        base = _base(start, end, step)
        rows = self._rows.setdefault((expr, base), {})
        if (expr, base) in self._fetched and not rows:
            for one in self._fetched[expr, base]:
                _fill(rows, one)
        wanted = range(start, end + 1, step)
        missing = [at for at in wanted if at not in rows]
        for first, last in _stretches(missing, base):
            ahead = last if base == GRID or last > first else min(last + AHEAD * base, self.known_until)
            problem = self._more(expr, base, (first, max(last, ahead)), rows)
            if problem is not None and any(at not in rows for at in range(first, last + 1, base)):
                return problem
        return RangeSamples({at: rows.get(at, ()) for at in wanted})

    @property
    def known_until(self) -> int:
        """The newest second that can be read."""
        return int(self._fetcher.asked_at)

    def _more(
        self, expr: str, base: int, span: tuple[int, int], rows: dict[int, tuple[Sample, ...]]
    ) -> BadQuery | Unanswered | None:
        problem: BadQuery | Unanswered | None = None
        for task in tasks(expr, base, *span):
            one = self._fetcher.fetch(task)
            _fill(rows, one)
            for trouble in one.troubles:
                problem = BadQuery(trouble.why) if trouble.wrong else Unanswered(trouble.why)
        return problem


def _base(start: int, end: int, step: int) -> int:
    """Give the grid that the asked times stand on: hours, slots of 5 minutes, or their own."""
    if start % HOUR == 0 and step == HOUR:
        return HOUR
    if start % SLOT == 0 and (step % SLOT == 0 or start == end):
        return SLOT
    return GRID if start % GRID == 0 and step % GRID == 0 else 1 if start == end else step


def _stretches(times: Sequence[int], base: int) -> list[tuple[int, int]]:
    """Give the runs of neighbours on a grid, as (first, last)."""
    runs = (list(run) for _, run in groupby(enumerate(times), key=lambda one: one[1] - one[0] * base))
    return [(run[0][1], run[-1][1]) for run in runs]


def _fill(rows: dict[int, tuple[Sample, ...]], fetched: Fetched) -> None:
    for piece in fetched.pieces:
        found: list[list[Sample]] = [[] for _ in range(piece.count)]
        for column in piece.columns:
            for index, value in enumerate(column.values):
                if not column.present or column.present[index]:
                    found[index].append(Sample(column.labels, value))
        rows.update((piece.start + index * piece.step, tuple(samples)) for index, samples in enumerate(found))


# --- arrays -----------------------------------------------------------------------------------------------------------


def _assembled(fetched: Iterable[Fetched], grid: Grid) -> Reading:
    reading, known = Reading(), np.zeros(grid.count, dtype=bool)
    for one in fetched:
        for piece in one.pieces:
            _place(reading, piece, grid, known)
        for trouble in one.troubles:
            begin, end = max(0, grid.index(trouble.start)), min(grid.count, grid.index(trouble.end) + 1)
            if begin < end:
                known[begin:end] = True
                (reading.wrong if trouble.wrong else reading.unread).append(Hole(begin, end, trouble.why))
    reading.unread += [Hole(begin, end, "it was not read") for begin, end in runs(~known)]
    reading.wrong.sort(key=lambda hole: hole.begin)
    reading.unread.sort(key=lambda hole: hole.begin)
    return reading


def _place(reading: Reading, piece: RangeColumns, grid: Grid, known: Flags) -> None:
    """Put a piece into its place, as far as it stands on the grid."""
    begin, end = max(0, grid.index(piece.start)), min(grid.count, grid.index(piece.start) + piece.count)
    if begin >= end:
        return
    known[begin:end] = True
    skipped = begin - grid.index(piece.start)
    here, there = slice(begin, end), slice(skipped, skipped + end - begin)
    for column in piece.columns:
        series = reading.series.get(column.labels)
        if series is None:
            series = Series(np.full(grid.count, np.nan), np.zeros(grid.count, dtype=bool))
            reading.series[column.labels] = series
        series.values[here] = np.frombuffer(column.values, dtype=np.float64)[there]
        if column.present:
            series.present[here] = np.frombuffer(column.present, dtype=np.bool_)[there]
        else:
            series.present[here] = True


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Give the stretches of `flags` that are set, as (begin, end before which)."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
