"""What was committed survives the end of power: the monitor's own workload, cut at any moment.

The statements of a night on a real database are recorded and run again on a VFS that logs every write and sync; disks
as a cut may leave them are opened by the driver that the monitor uses. Some hundred cuts here; CUTS=5000 makes it so
many.
"""

import hashlib
import os
import random
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.pool import Pool

from monitor.adapters.store import open_store
from monitor.core.pages.page import ActionKind
from tests.faults.powercut import Acknowledged, Disk, Happened, Sync, Write, replayed
from tests.middle.house import ANA, BAD, QUIET, WORST, House, group, rule, rule_set

CUTS = int(os.environ.get("CUTS", "300"))
FULL, NORMAL = "PRAGMA synchronous=FULL", "PRAGMA synchronous=NORMAL"


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Every statement that any connection runs meanwhile, with its values."""
    statements: list[str] = []

    def trace(connection: sqlite3.Connection, _entry: object) -> None:
        connection.set_trace_callback(statements.append)

    event.listen(Pool, "connect", trace)
    try:
        yield statements
    finally:
        event.remove(Pool, "connect", trace)


@pytest.fixture(scope="module")
def workload(tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """A night: breaches at both tiers, recovery and return, clicks, pages, blindness, rules taken over."""
    rules = rule_set(group("critical", rule("Login", rollback=0), rule("Errors", prepare=60)))
    with recorded() as statements:
        store = open_store(f"sqlite:///{tmp_path_factory.mktemp('night') / 'monitor.db'}")
        house = House(*rules.groups)
        house.build(rules, store)
        house.store = store  # type: ignore[assignment]  # what the house is asked for is read from it
        for login, errors in [(QUIET, QUIET), (WORST, QUIET), (WORST, BAD), (QUIET, BAD), (None, None), (WORST, QUIET)]:
            house.says("Login", login)
            house.says("Errors", errors)
            house.walk(420)
            for incident in store.incidents(open_only=True):
                house.ask(ActionKind.ACKNOWLEDGE, number=int(incident.id[4:]))
        house.ask(ActionKind.START, ANA)
        house.walk(60)
        store.close()
    return [one for one in statements if not one.startswith("--")]


class Night:
    """The workload, run again: what happened to the files, and what the database held after each commit."""

    def __init__(self, statements: Sequence[str], folder: Path) -> None:
        folder.mkdir()
        self.held = [_state(sqlite3.connect(":memory:"))]
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as beside:
            waiting = iter(statements)

            def committed() -> None:
                """The same statements beside it, in memory, tell what must be found."""
                for statement in waiting:
                    if not statement.startswith("PRAGMA"):
                        beside.execute(statement).fetchall()
                    if statement == "COMMIT":
                        break
                self.held.append(_state(beside))

            self.log: list[Happened] = replayed(statements, folder, committed)

    @property
    def commits(self) -> int:
        return len(self.held) - 1

    def cut(self, cuts: int, folder: Path) -> list[str]:
        """Cut the power so often, at random; give what was lost, in words."""
        folder.mkdir()
        chance = random.Random(20260301)  # to be the same each time
        moments = sorted(chance.randrange(len(self.log) + 1) for _ in range(cuts))
        disk, done, lost = Disk(), 0, []
        for moment in moments:
            for one in self.log[done:moment]:
                disk.happen(one)
            done = moment
            found = _found(disk.after_a_cut(chance), folder)
            after = [number for number, held in enumerate(self.held) if held == found]
            if not after or max(after) < disk.acknowledged:
                shows = f"shows commit {max(after)}" if after else f"is none of its states: {found[:60]}"
                lost.append(f"cut at {moment} of {len(self.log)}, commit {disk.acknowledged} was done: it {shows}")
        return lost


def _state(connection: sqlite3.Connection) -> str:
    """What a database holds, as one text."""
    return hashlib.sha256("\n".join(connection.iterdump()).encode()).hexdigest()


def _found(files: dict[str, bytes], folder: Path) -> str:
    """What the driver finds on a disk; the words of its error where it finds none."""
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    with closing(sqlite3.connect(folder / "monitor.db")) as connection:
        try:
            return _state(connection)
        except sqlite3.DatabaseError as error:
            return str(error)


@pytest.mark.timeout(1800)
def test_nothing_committed_is_lost_and_a_weaker_setting_would_lose_it(workload: Sequence[str], tmp_path: Path) -> None:
    assert FULL in workload, "what the monitor asks for"
    full = Night(workload, tmp_path / "full")
    assert full.commits > 50
    checkpoints = [one for one in full.log[len(full.log) // 2 :] if isinstance(one, Write) and one.file == "monitor.db"]
    assert checkpoints, "the log was brought into the database in between"
    lost = full.cut(CUTS, tmp_path / "cut")
    weaker = Night([NORMAL if one == FULL else one for one in workload], tmp_path / "normal")
    fewer = weaker.cut(min(CUTS, 300), tmp_path / "cut-normal")
    print(f"\n{full.commits} commits, {len(full.log)} writes and syncs")
    print(f"| synchronous | cuts | lost |\n|---|---|---|\n| FULL | {CUTS} | {len(lost)} |")
    print(f"| NORMAL | {min(CUTS, 300)} | {len(fewer)} |")
    assert lost == []
    assert len(fewer) > min(CUTS, 300) // 10, "the test finds what it looks for"


def test_the_disk_forgets_what_was_not_synced() -> None:
    """The simulation itself: of what is written without a sync everything may be gone, and after one nothing."""
    disk, chance = Disk(), random.Random(1)  # to be the same each time
    disk.happen(Write("a", 0, b"x" * 2048))
    found = {disk.after_a_cut(chance)["a"].count(b"x") for _ in range(200)}
    assert min(found) == 0
    assert max(found) == 2048
    assert all(count % 512 == 0 for count in found)
    disk.happen(Sync("a"))
    disk.happen(Acknowledged(1))
    assert {disk.after_a_cut(chance)["a"] for _ in range(20)} == {b"x" * 2048}
    assert disk.acknowledged == 1
