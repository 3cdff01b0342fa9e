"""How history is read: cut, halved, kept on disk, given up; and what is never kept."""

import os
import stat
import threading
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.core.model import Sample
from monitor.ports.metrics import (
    Answer,
    BadQuery,
    Column,
    ColumnAnswer,
    Partial,
    RangeColumns,
    Samples,
    TooMuch,
    Unanswered,
)
from monitor.workbench.replay.cache import DiskCache, NoCache, decoded, encoded
from monitor.workbench.replay.columns import cut, joined
from monitor.workbench.replay.fetching import (
    GIVE_UP_AFTER,
    POINTS,
    POINTS_TRIED,
    SETTLED_AFTER,
    Fetched,
    Fetcher,
    Task,
    in_parallel,
    tasks,
)

STEP = 15
CHUNK = POINTS * STEP
T = CHUNK * 20_000
NOW = float(T + 10 * CHUNK)


class Source:
    """Counts what it is asked; two series, one of them with a gap. `refuses` answers in its place."""

    def __init__(self, refuses: Callable[[int, int], ColumnAnswer | None] = lambda _start, _end: None) -> None:
        self.asked: list[tuple[int, int]] = []
        self.refuses = refuses
        self.alone: Answer = Samples((Sample((), 1.0),))

    def columns(self, expr: str, start: int, end: int, step: int, *, deadline: float) -> ColumnAnswer:
        del expr, deadline
        self.asked.append((start, end))
        return self.refuses(start, end) or readings(start, end, step)

    def instant(self, expr: str, at: int, *, deadline: float) -> Answer:
        del expr, at, deadline
        return self.alone


def readings(start: int, end: int, step: int = STEP) -> RangeColumns:
    times = range(start, end + 1, step)
    whole = Column((("job", "a"),), array("d", [at / 7 for at in times]))
    gap = bytes(at % 60 != 0 for at in times)
    return RangeColumns(
        start, step, len(times), (whole, Column((("job", "b"),), array("d", [at / 3 for at in times]), gap))
    )


def told(fetched: Fetched) -> dict[tuple[str, int], float]:
    return {
        (column.labels[0][1], piece.start + place * piece.step): column.values[place]
        for piece in fetched.pieces
        for column in piece.columns
        for place in range(piece.count)
        if not column.present or column.present[place]
    }


def fetch(source: Source, cache: NoCache, start: int, end: int, now: float = NOW) -> Fetched:
    return Fetcher(source, cache, now).fetch(Task("up", STEP, start, end))


@pytest.fixture
def cache(tmp_path: Path) -> DiskCache:
    return DiskCache(tmp_path / "cache", "here")


def files(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "cache").glob("*/*.readings"))


def test_tasks_stand_on_chunks_whatever_is_asked_for() -> None:
    found = list(tasks("up", STEP, T - 30, T + 2 * CHUNK))
    assert [(one.start, one.end) for one in found] == [
        (T - 30, T - STEP),
        (T, T + CHUNK - STEP),
        (T + CHUNK, T + 2 * CHUNK - STEP),
        (T + 2 * CHUNK, T + 2 * CHUNK),
    ]
    assert len({one.chunk for one in found}) == 4


def test_what_was_read_is_not_asked_again(cache: DiskCache) -> None:
    first = fetch(Source(), cache, T, T + CHUNK - STEP)
    source = Source()
    again = fetch(source, cache, T, T + CHUNK - STEP)
    assert source.asked == []
    assert told(again) == told(first)
    assert (first.asked, again.asked) == (1, 0)


def test_only_what_is_missing_is_asked_and_joins_what_is_kept(cache: DiskCache) -> None:
    fetch(Source(), cache, T + 3000, T + 6000)
    source = Source()
    wider = fetch(source, cache, T, T + 9000)
    assert source.asked == [(T, T + 3000 - STEP), (T + 6000 + STEP, T + 9000)]
    assert told(wider) == told(fetch(Source(), NoCache(), T, T + 9000))
    later = Source()
    assert told(fetch(later, cache, T + 1500, T + 7500)) == told(fetch(Source(), NoCache(), T + 1500, T + 7500))
    assert later.asked == []
    apart = Source()
    fetch(apart, cache, T + 30_000, T + 33_000)
    assert apart.asked == [(T + 30_000, T + 33_000)]


def test_what_may_still_change_is_not_kept(cache: DiskCache) -> None:
    now = float(T + 7200)
    fetch(Source(), cache, T, T + 7200, now)
    source = Source()
    fetch(source, cache, T, T + 7200, now)
    assert source.asked == [(T + 7200 - SETTLED_AFTER + STEP, T + 7200)]


@pytest.mark.parametrize("away", [Partial("a store is away"), Unanswered("it took too long")])
def test_a_part_that_is_away_is_found_by_halving_and_nothing_of_it_is_kept(
    cache: DiskCache, away: ColumnAnswer
) -> None:
    bad = range(T + 40_000, T + 41_000)
    source = Source(lambda start, end: away if start < bad.stop and end >= bad.start else None)
    found = fetch(source, cache, T, T + CHUNK - STEP)
    lost = [at for trouble in found.troubles for at in range(trouble.start, trouble.end + 1, STEP)]
    assert set(range(bad.start // STEP * STEP + STEP, bad.stop, STEP)) <= set(lost)
    assert len(lost) <= POINTS / 8
    assert {at for _, at in told(found)}.isdisjoint(lost)
    again = Source()
    fetch(again, cache, T, T + CHUNK - STEP)
    assert again.asked


def test_a_source_that_is_gone_is_not_asked_for_ever() -> None:
    source = Source(lambda *_: Unanswered("the connection is refused"))
    fetcher = Fetcher(source, NoCache(), NOW)
    found = [fetcher.fetch(task) for task in tasks("up", STEP, T, T + 9 * CHUNK)]
    assert len(source.asked) == GIVE_UP_AFTER + len(set(source.asked[GIVE_UP_AFTER:])), "no point is tried twice"
    assert all(start == end for start, end in source.asked[GIVE_UP_AFTER:])
    assert {trouble.why for one in found for trouble in one.troubles} == {"the connection is refused"}


def test_not_even_the_points_of_a_source_that_is_gone_are_asked_for_ever() -> None:
    source = Source(lambda *_: Unanswered("the connection is refused"))
    fetcher = Fetcher(source, NoCache(), NOW)
    for task in tasks("up", STEP, T, T + 200 * CHUNK):
        fetcher.fetch(task)
    assert len(source.asked) == GIVE_UP_AFTER + POINTS_TRIED


def test_what_comes_after_a_part_that_is_away_for_long_is_read() -> None:
    away = range(T + CHUNK, T + 4 * CHUNK)
    source = Source(lambda start, end: Unanswered("503") if start < away.stop and end >= away.start else None)
    fetcher = Fetcher(source, NoCache(), NOW)
    every = [f"up{{job='{number}'}}" for number in range(12)]
    wanted = [task for expr in every for task in tasks(expr, STEP, T, T + 8 * CHUNK - STEP)]
    found: list[Fetched] = []
    in_parallel(sorted(wanted, key=lambda task: (task.end, task.expr)), fetcher.fetch, 4, found.append)
    lost = [at for one in found for trouble in one.troubles for at in (trouble.start, trouble.end)]
    assert min(lost) == away.start
    assert max(lost) == away.stop - STEP


def test_too_much_is_halved_until_it_is_answered() -> None:
    source = Source(lambda start, end: TooMuch("16 MiB") if end - start > CHUNK // 8 else None)
    found = fetch(source, NoCache(), T, T + CHUNK - STEP)
    assert not found.troubles
    assert told(found) == told(fetch(Source(), NoCache(), T, T + CHUNK - STEP))


def test_too_much_of_a_wrong_query_is_a_wrong_query() -> None:
    source = Source(lambda *_: TooMuch("422"))
    source.alone = BadQuery("many-to-many matching")
    found = fetch(source, NoCache(), T, T + CHUNK - STEP)
    assert [(one.why, one.wrong) for one in found.troubles] == [("many-to-many matching", True)]
    assert len(source.asked) == 1


def test_many_series_are_cut_once_they_are_known() -> None:
    def many(start: int, end: int) -> RangeColumns:
        count = (end - start) // STEP + 1
        return RangeColumns(
            start, STEP, count, tuple(Column((("n", str(n)),), array("d", bytes(8 * count))) for n in range(100))
        )

    source = Source(many)
    fetcher = Fetcher(source, NoCache(), NOW)
    for task in tasks("up", STEP, T, T + 2 * CHUNK - STEP):
        fetcher.fetch(task)
    sizes = [((end - start) // STEP + 1) * 100 for start, end in source.asked]
    assert max(sizes[1:]) <= 200_000
    assert sum(sizes) == 2 * POINTS * 100


# --- the disk ---------------------------------------------------------------------------------------------------------


def test_nobody_else_may_read_the_files_and_they_hold_no_address(tmp_path: Path, cache: DiskCache) -> None:
    fetch(Source(), cache, T, T + 3000)
    (file,) = files(tmp_path)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert b"here" not in file.read_bytes()


def test_another_source_another_expression_and_another_step_are_others(tmp_path: Path, cache: DiskCache) -> None:
    cache.put("up", 7, readings(T, T + 3000))
    assert cache.get("up", STEP, 7) is not None
    assert cache.get("up", STEP, 8) is None
    assert cache.get("down", STEP, 7) is None
    assert cache.get("up", 30, 7) is None
    assert DiskCache(tmp_path / "cache", "elsewhere").get("up", STEP, 7) is None


def damaged(content: bytes) -> list[bytes]:
    middle = len(content) // 2
    flipped = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
    return [
        b"",
        content[:-1],
        content[:100],
        flipped,
        content + b"x",
        b"x" * len(content),
        content.replace(b" 1\n", b" 2\n", 1),
    ]


def test_a_damaged_file_is_none(tmp_path: Path, cache: DiskCache) -> None:
    fetch(Source(), cache, T, T + 3000)
    (file,) = files(tmp_path)
    for content in damaged(file.read_bytes()):
        file.write_bytes(content)
        source = Source()
        assert told(fetch(source, cache, T, T + 3000)) == told(fetch(Source(), NoCache(), T, T + 3000))
        assert source.asked, content[:20]


def test_a_folder_that_cannot_be_written_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = DiskCache(tmp_path / "file", "here")
    assert told(fetch(Source(), cache, T, T + 3000))
    cache.trim()


def test_the_longest_unused_are_let_go_of(tmp_path: Path) -> None:
    cache = DiskCache(tmp_path / "cache", "here", most_bytes=2 * len(encoded(readings(T, T + 3000))) + 10)
    for number in range(3):
        cache.put(f"expression {number}", 1, readings(T, T + 3000))
    for age, number in ((30, 0), (20, 2), (10, 1)):
        path = cache._path(f"expression {number}", STEP, 1)
        os.utime(path, (NOW - age, NOW - age))
    cache.trim()
    assert [cache.get(f"expression {number}", STEP, 1) is not None for number in range(3)] == [False, True, True]


def test_columns_are_cut_and_joined_without_loss() -> None:
    whole = readings(T, T + 3000)
    pieces = [cut(whole, T, T + 900), cut(whole, T + 915, T + 930), cut(whole, T + 945, T + 3000)]
    assert joined(pieces) == whole
    assert decoded(encoded(whole)) == whole


# --- in parallel ------------------------------------------------------------------------------------------------------


def test_tasks_are_done_by_several_threads_and_heard_of_in_one() -> None:
    todo, heard, together = list(tasks("up", STEP, T, T + 8 * CHUNK - STEP)), [], threading.Barrier(4)

    def slowly(task: Task) -> Fetched:
        together.wait(10)
        return Fetched(task)

    in_parallel(
        todo, slowly, 4, lambda one: heard.append((one.task, threading.current_thread() is threading.main_thread()))
    )
    assert {task for task, _ in heard} == set(todo)
    assert all(here for _, here in heard)


def test_what_goes_wrong_in_a_thread_is_raised() -> None:
    def wrong(_: Task) -> Fetched:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        in_parallel(list(tasks("up", STEP, T, T)), wrong, 4, lambda _: None)
