"""One expression over one chunk of the grid: from the disk where it is kept, else from the source, cut and halved.

It owns how much is asked at once and what is worth keeping. It must not know what an expression means.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from monitor.evaluation.ranges import MOST_POINTS, MOST_SAMPLES
from monitor.ports.metrics import BadQuery, ColumnSource, Partial, RangeColumns, TooMuch, Unanswered
from monitor.workbench.replay.cache import NoCache
from monitor.workbench.replay.columns import cut, joined, last_of

POINTS = 5760
"""Grid points of a chunk: a day at 15 s. Chunks stand on multiples of it since the epoch, whatever was asked for."""

SETTLED_AFTER = 600
"""Seconds after which a reading no longer changes: late samples have landed, remote storage has caught up."""

SERIES = 20
"""How many series an expression is taken to have before it was read once."""

PATIENCE = 60.0
"""Seconds for one answer of history."""

HALVED, FEW = 4, 30
"""How often a part that was not answered is halved, and the fewest grid points that are."""

GIVE_UP_AFTER = 10
"""Answers that did not come, one after the other and none between, after which a part is read only once one of its
points is: a source that is gone is not asked for ever, and one that has lost a part is read after it."""

POINT_PATIENCE, POINTS_TRIED = 5.0, 30
"""Seconds for such a point, and how many of them in a row may stay unanswered before a source is asked no more."""

MOST_SERIES_KNOWN = 20_000


@dataclass(frozen=True, slots=True)
class Task:
    """One expression at the grid times from `start` to `end` (inclusive), all within one chunk."""

    expr: str
    step: int
    start: int
    end: int

    @property
    def points(self) -> int:
        """How many times are asked for."""
        return (self.end - self.start) // self.step + 1

    @property
    def chunk(self) -> int:
        """The number of the chunk since the epoch."""
        return self.start // (self.step * POINTS)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Times from `start` to `end` (inclusive) that gave nothing: the query is `wrong`, or it was not answered."""

    start: int
    end: int
    why: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of a task: the pieces that were read, in order, and the times that were not.

    `asked` counts the exchanges with the source; none where everything stood on disk.
    """

    task: Task
    pieces: tuple[RangeColumns, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    asked: int = 0


def tasks(expr: str, step: int, start: int, end: int) -> Iterator[Task]:
    """Give the tasks that read `expr` from `start` to `end`, multiples of `step`, one for each chunk."""
    span = step * POINTS
    while start <= end:
        last = min(end, start // span * span + span - step)
        yield Task(expr, step, start, last)
        start = last + step


class Fetcher:
    """Carries out tasks; safe to use from several threads at once. `now` is when history was asked for."""

    def __init__(self, source: ColumnSource, cache: NoCache, now: float, *, patience: float = PATIENCE) -> None:
        self._source = source
        self._cache = cache
        self.asked_at = now
        self._settled = int(now) - SETTLED_AFTER
        self._patience = patience
        self._series: dict[str, int] = {}
        self._failed = 0
        self._why = "it was stopped"
        self._dark: set[int] = set()
        self._lock, self._trying = threading.Lock(), threading.Lock()
        self.stopped = threading.Event()

    def fetch(self, task: Task) -> Fetched:
        """Give the readings of a task; from the source only what the disk does not hold."""
        kept = self._cache.get(task.expr, task.step, task.chunk)
        if kept is None or kept.start > task.end + task.step or last_of(kept) < task.start - task.step:
            return self._keep(task, None, self._read(task, task.start, task.end))
        asked = _Asked()
        if task.start < kept.start:
            asked.add(self._read(task, task.start, kept.start - task.step))
        first, last = max(task.start, kept.start), min(task.end, last_of(kept))
        if first <= last:
            asked.pieces.append(cut(kept, first, last))
        if task.end > last_of(kept):
            asked.add(self._read(task, last_of(kept) + task.step, task.end))
        return self._keep(task, kept, asked)

    def _keep(self, task: Task, kept: RangeColumns | None, read: "_Asked") -> Fetched:
        """Keep what is settled and whole, together with what was kept of the chunk before."""
        found = Fetched(task, tuple(read.pieces), tuple(read.troubles), read.count)
        if read.count and not read.troubles and not any(one.source for one in read.pieces):
            whole = joined(read.pieces)
            if kept is not None:
                whole = _around(whole, kept)
            end = min(last_of(whole), self._settled // task.step * task.step)
            if end >= whole.start:
                self._cache.put(task.expr, task.chunk, cut(whole, whole.start, end))
        return found

    # --- the source -------------------------------------------------------------------------------------------------

    def _read(self, task: Task, start: int, end: int) -> "_Asked":
        found = _Asked()
        series = self._series.get(task.expr, SERIES)
        most = max(1, min(MOST_POINTS, MOST_SAMPLES // max(1, series))) * task.step
        for begin in range(start, end + 1, most):
            self._piece(task, begin, min(end, begin + most - task.step), found)
        return found

    def _piece(
        self, task: Task, start: int, end: int, found: "_Asked", *, probed: bool = False, halved: int = 0
    ) -> None:
        """Read a piece; halve it where it is too much, as the daemon does, and where it was not answered."""
        if self.stopped.is_set() or (self._failed >= GIVE_UP_AFTER and not self._back(task, end, found)):
            found.troubles.append(Trouble(start, end, self._why))
            return
        found.count += 1
        answer = self._source.columns(task.expr, start, end, task.step, deadline=self._patience)
        match answer:
            case RangeColumns():
                self._answered(task.expr, len(answer.columns))
                found.pieces.append(answer)
            case BadQuery(why=why):
                self._answered(task.expr, 0)
                found.troubles.append(Trouble(start, end, why, wrong=True))
            case TooMuch():
                self._answered(task.expr, 0)
                self._too_much(task, start, end, found, probed=probed)
            case Partial(why=why) | Unanswered(why=why):
                self._unanswered(task, (start, end), why, found, halved)

    def _back(self, task: Task, at: int, found: "_Asked") -> bool:
        """Whether a source that was given up answers at `at`; no time is tried twice in vain."""
        with self._trying:  # one thread tries; the others wait for what comes of it
            if self._failed < GIVE_UP_AFTER:
                return True
            if self.stopped.is_set() or at in self._dark or len(self._dark) >= POINTS_TRIED:
                return False
            found.count += 1
            answer = self._source.columns(task.expr, at, at, task.step, deadline=min(self._patience, POINT_PATIENCE))
            if isinstance(answer, Partial | Unanswered):
                self._dark.add(at)
                return False
            self._answered(task.expr, 0)
            return True

    def _too_much(self, task: Task, start: int, end: int, found: "_Asked", *, probed: bool) -> None:
        if not probed or start == end:
            alone = self._source.instant(task.expr, end, deadline=self._patience)
            if isinstance(alone, BadQuery):  # it is the query that is wrong, not its length
                found.troubles.append(Trouble(start, end, alone.why, wrong=True))
                return
        if start == end:
            found.troubles.append(Trouble(start, end, "one point of it holds more than can be carried"))
            return
        for begin, last in _halves(start, end, task.step):
            self._piece(task, begin, last, found, probed=True)

    def _unanswered(self, task: Task, span: tuple[int, int], why: str, found: "_Asked", halved: int) -> None:
        """Ask once more, for half of it at a time: what is slow or partial as a whole may be whole in parts."""
        with self._lock:
            self._failed += 1
            self._why = why
        start, end = span
        if halved == HALVED or (end - start) // task.step < FEW or self.stopped.is_set():
            found.troubles.append(Trouble(start, end, why))
            return
        for begin, last in _halves(start, end, task.step):
            self._piece(task, begin, last, found, halved=halved + 1)

    def _answered(self, expr: str, series: int) -> None:
        with self._lock:
            self._failed = 0
            self._dark.clear()
            if len(self._series) > MOST_SERIES_KNOWN:
                self._series.clear()
            self._series[expr] = max(series, self._series.get(expr, 1))


@dataclass(slots=True)
class _Asked:
    """What was read so far."""

    pieces: list[RangeColumns] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    count: int = 0

    def add(self, other: "_Asked") -> None:
        self.pieces += other.pieces
        self.troubles += other.troubles
        self.count += other.count


def _halves(start: int, end: int, step: int) -> tuple[tuple[int, int], ...]:
    points = (end - start) // step + 1
    if points == 1:
        return ((start, end),)
    middle = start + (points // 2 - 1) * step
    return (start, middle), (middle + step, end)


def _around(read: RangeColumns, kept: RangeColumns) -> RangeColumns:
    """Give what was read, with what was kept before and after it."""
    pieces = [read]
    if kept.start < read.start:
        pieces.insert(0, cut(kept, kept.start, read.start - read.step))
    if last_of(kept) > last_of(read):
        pieces.append(cut(kept, last_of(read) + read.step, last_of(kept)))
    return joined(pieces)


# --- many tasks -------------------------------------------------------------------------------------------------------


def in_parallel(
    todo: Sequence[Task], fetch: Callable[[Task], Fetched], jobs: int, done: Callable[[Fetched], None]
) -> None:
    """Carry out tasks by `jobs` threads in their order; `done` hears of each in the calling thread.

    An interrupt leaves at once: threads that wait for an answer end with the process.
    """
    queue, results = list(reversed(todo)), _Results()

    def work() -> None:
        while True:
            with results.lock:
                task = queue.pop() if queue else None
            if task is None:
                return
            try:
                results.give(fetch(task))
            except BaseException as problem:  # noqa: BLE001  # raised again where somebody waits for it
                results.give(problem)
                return

    for _ in range(min(jobs, len(todo))):
        threading.Thread(target=work, daemon=True).start()
    for _ in todo:
        done(results.take())


class _Results:
    """What threads hand to the one that waits; waiting can be interrupted."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._given: list[Fetched | BaseException] = []
        self._there = threading.Condition(self.lock)

    def give(self, one: Fetched | BaseException) -> None:
        with self._there:
            self._given.append(one)
            self._there.notify()

    def take(self) -> Fetched:
        with self._there:
            while not self._given:
                self._there.wait(0.5)
            given = self._given.pop(0)
        if isinstance(given, BaseException):
            raise given
        return given
