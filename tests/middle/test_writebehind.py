"""Going on while the database cannot be written: real faults of real databases, on the house of real parts."""

import contextlib
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import SqlStore, open_store
from monitor.core.drill.duty import Reminded
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import Reopened
from monitor.core.pages.page import ActionKind
from monitor.core.pages.posts import Notice
from monitor.delivery.outbox import Outbox
from monitor.desk.scenes import Scenes
from monitor.ports.pager import RetryAfter
from monitor.ports.store import NO_INCIDENT, Change, ConflictError, Post, PostState, StoreError
from monitor.runtime.storagewatch import StorageWatch
from monitor.runtime.writebehind import WRITTEN_LATER, WriteBehindStore
from tests.middle.house import ANA, BAD, QUIET, REOPEN_WITHIN, ROUTE, WORST, House, group, rule, rule_set

RULES = rule_set(group("critical", rule("Login", rollback=0), rule("Errors", prepare=60)), route=ROUTE)


class Kept:
    """A house whose store is a database in `folder`, written behind."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "monitor.db"
        self.disk = open_store(f"sqlite:///{self.path}")
        with self.disk._engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=50")
        self.house = House(*RULES.groups)
        self.begin()

    def begin(self) -> None:
        """Put everything together, as a new process would."""
        self.store = WriteBehindStore(self.disk)
        self.house.build(RULES, self.store)
        self.house.store = self.store  # type: ignore[assignment]  # what the house is asked for is read from it
        self.watch = StorageWatch(self.house.desk)
        self.store.told = self.watch.hear
        house = self.house
        scenes = Scenes(house.book, house.engine.readings, undurable=lambda: self.store.trouble)
        house.outbox = Outbox(self.store, house.pager, house.clock, scenes, house.bell, tempo=house.tempo)

    def restart(self) -> None:
        """End, as a graceful stop does, and begin again."""
        self.store.close()
        self.disk = open_store(f"sqlite:///{self.path}")
        self.begin()

    def breaks(self, *alerts: str) -> None:
        for alert in alerts:
            self.house.says(alert, WORST if alert == "Login" else BAD)

    def told(self) -> list[str]:
        """The headline or words of everything new that was delivered, edits left out."""
        return [
            message.page.headline.partition(":")[0] if message.page else str(message.post.said)
            for message in self.house.pager.messages
            if not message.post.ts
        ]

    def everything(self) -> dict[str, object]:
        """What the database has, by a reader of its own."""
        disk = self.disk
        return {
            "events": {one.id: list(disk.events(one.id)) for one in disk.incidents()},
            "posts": [post for one in disk.incidents() for post in disk.posts(one.id)] + list(disk.posts(NO_INCIDENT)),
            "alerts": {state.name: dict(state.alerts) for state in disk.groups()},
            "transitions": list(disk.transitions()),
        }


@contextmanager
def read_only(disk: SqlStore, _path: Path) -> Iterator[None]:
    """Every connection refuses to write, as one on a file system that was remounted does."""

    def refuse(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute("PRAGMA query_only = ON")

    event.listen(disk._engine, "connect", refuse)
    disk._engine.dispose()
    yield
    event.remove(disk._engine, "connect", refuse)
    disk._engine.dispose()


@contextmanager
def full(_disk: SqlStore, path: Path) -> Iterator[None]:
    """No file of this process may grow beyond what the database has now: what a quota does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    most = max(one.stat().st_size for one in path.parent.glob("monitor.db*"))
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def locked(disk: SqlStore, path: Path) -> Iterator[None]:
    """Another process holds the write lock: a backup tool, somebody's shell."""

    def impatient(connection: sqlite3.Connection, _entry: object) -> None:
        connection.execute("PRAGMA busy_timeout = 50")

    event.listen(disk._engine, "connect", impatient)
    disk._engine.dispose()
    code = (
        f"import sqlite3, sys; c = sqlite3.connect({str(path)!r}, isolation_level=None); c.execute('BEGIN EXCLUSIVE')\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()
    event.remove(disk._engine, "connect", impatient)


@contextmanager
def no_descriptors(disk: SqlStore, _path: Path) -> Iterator[None]:
    """The process may open no more files, and the pool has none open."""
    disk._engine.dispose()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


Trouble = Callable[[SqlStore, Path], contextlib.AbstractContextManager[None]]
TROUBLES: list[tuple[str, Trouble, str]] = [
    ("read-only", read_only, "attempt to write a readonly database"),
    ("full", full, "disk"),
    ("locked by another process", locked, "database is locked"),
    ("no descriptors left", no_descriptors, "unable to open database file"),
]
every_trouble = pytest.mark.parametrize(
    ("trouble", "why"), [row[1:] for row in TROUBLES], ids=[row[0] for row in TROUBLES]
)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    made = Kept(tmp_path)
    made.house.walk(120)
    yield made
    made.store.close()


@every_trouble
def test_paging_goes_on_and_says_what_is_wrong_with_it(kept: Kept, trouble: Trouble, why: str) -> None:
    with trouble(kept.disk, kept.path):
        kept.breaks("Login")
        kept.house.walk(120)
        (page,) = [one.page for one in kept.house.pager.messages if one.page and not one.post.ts]
        assert page.headline.startswith("ROLLBACK NOW production")
        assert any("Evidence not durable" in note and why in note for note in page.notes)
        assert not kept.store.durable
        assert [one.id for one in kept.store.incidents(open_only=True)] == ["INC-0001"]


@every_trouble
def test_afterwards_nothing_is_lost_and_nothing_is_doubled(kept: Kept, trouble: Trouble, why: str) -> None:
    """What is written in the end is what a store without trouble has of the same night."""
    del why
    calm = House(*RULES.groups)
    calm.walk(120)
    with trouble(kept.disk, kept.path):
        for house in (kept.house, calm):
            house.says("Login", WORST)
            house.says("Errors", BAD)
            house.walk(120)
            house.ask(ActionKind.ACKNOWLEDGE)
            house.says("Login", QUIET)
            house.walk(60)
    kept.watch.look(kept.store)
    kept.house.walk(60)
    calm.walk(60)
    assert kept.store.durable
    words = [one for one in kept.told() if "DURABLE" not in one and "durable" not in one]
    new = [one for one in calm.pager.messages if not one.post.ts]
    assert words == [one.page.headline.partition(":")[0] if one.page else str(one.post.said) for one in new]
    assert [one.kind for one in kept.disk.events("INC-0001")] == calm.kinds()
    assert list(kept.disk.transitions()) == list(calm.store.transitions())
    assert kept.house.alerts().keys() == calm.alerts().keys()
    kept.restart()
    before = len(kept.told())
    kept.house.walk(120)
    assert len(kept.told()) == before, "a page that went out undurable is not sent again"


@every_trouble
def test_it_reads_the_same_before_and_after_it_is_written(kept: Kept, trouble: Trouble, why: str) -> None:
    del why
    with trouble(kept.disk, kept.path):
        kept.breaks("Login", "Errors")
        kept.house.walk(120)
        held = list(kept.store.incidents()), list(kept.store.posts("INC-0001")), list(kept.store.transitions())
        number = kept.store.next_incident_number()
    assert kept.store.flush()
    written = list(kept.store.incidents()), list(kept.store.posts("INC-0001")), list(kept.store.transitions())
    assert written == held
    assert kept.store.next_incident_number() == number
    assert (kept.disk.incident("INC-0001"), list(kept.disk.owed())) == (held[0][0], list(kept.store.owed()))


@pytest.mark.parametrize("trouble", [read_only, full])
def test_an_incident_that_ended_before_is_reopened_where_it_was_told(kept: Kept, trouble: Trouble) -> None:
    """Nothing of it is held in memory any more, and where it was told must be known: its thread hears of it."""
    calm = House(*RULES.groups)
    calm.walk(120)
    for house in (kept.house, calm):
        house.says("Login", WORST)
        house.walk(60)
        house.says("Login", QUIET)
        house.walk(REOPEN_WITHIN + 120, step=60)
        assert not house.incident().is_open
    with trouble(kept.disk, kept.path):
        kept.house.desk.note(Notice.STORAGE_TROUBLE, "nothing can be written")
        kept.house.desk.act("INC-0001", reopened)
        kept.house.walk(60)
        assert not kept.store.durable
    calm.desk.act("INC-0001", reopened)
    calm.walk(60)
    assert kept.store.flush()
    stored = [(one.key, one.reason) for one in kept.disk.posts("INC-0001")]
    assert stored == [(one.key, one.reason) for one in calm.store.posts("INC-0001")]
    assert [one.kind for one in kept.disk.events("INC-0001")] == calm.kinds()


def reopened(incident: Incident) -> tuple[Event, ...]:
    """What the click decides."""
    assert incident.ended_at is not None
    return (Reopened(incident.ended_at + timedelta(minutes=1), ANA, "it is back"),)


def test_what_is_refused_is_not_taken_for_unwritable(kept: Kept) -> None:
    """A conflict is settled as ever, and every group is evaluated on at the version that was written."""
    with read_only(kept.disk, kept.path):
        kept.breaks("Login")
        kept.house.walk(300)
    assert kept.store.flush()
    kept.house.says("Login", QUIET)
    kept.house.walk(120)
    assert kept.store.durable
    assert kept.house.incident().recovered_at is not None


def test_pages_rot_while_it_runs(tmp_path: Path) -> None:
    """Corruption at run time: nothing can be read or written, and pages go on from what is known."""
    kept = Kept(tmp_path)
    kept.breaks("Errors")
    kept.house.walk(120)
    kept.disk._engine.dispose()  # everything is in the file itself
    with kept.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (kept.path.stat().st_size - 4096))
    with pytest.raises(StoreError):
        kept.disk.groups()
    kept.breaks("Login")
    kept.house.walk(120)
    kept.watch.look(kept.store)
    kept.house.walk(30)
    words = kept.told()
    assert words[0] == "PREPARE production"
    assert any("ROLLBACK NOW" in one for one in words), words
    assert any("EVIDENCE NOT DURABLE: the database cannot be" in one for one in words), words
    assert [one.id for one in kept.store.incidents()] == ["INC-0001"]
    kept.store.close()


def test_what_was_owed_before_and_went_out_meanwhile_is_not_sent_again(kept: Kept) -> None:
    kept.house.pager._replies = [RetryAfter(60, "slow down")]
    kept.breaks("Login")
    kept.house.walk(15)
    assert [post.state for post in kept.disk.owed()] == [PostState.OWED], "decided and written, and still to be sent"
    with read_only(kept.disk, kept.path):
        kept.house.walk(90)
        assert not kept.store.durable
        assert kept.store.owed() == []
    assert kept.store.flush()
    assert list(kept.disk.owed()) == []
    kept.restart()
    sent = len(kept.house.pager.messages)
    kept.house.walk(60)
    assert len(kept.house.pager.messages) == sent


def test_an_edit_that_is_wanted_while_a_page_goes_out_stays_owed(kept: Kept) -> None:
    with read_only(kept.disk, kept.path):
        kept.breaks("Login")
        kept.house.evaluate_all()
        kept.house.clock.advance(15)
        kept.house.evaluate_all()
        (page,) = kept.store.owed()
        kept.house.desk.refresh("INC-0001")
        kept.store.record(replace(page, ts="1.0", sent=1, state=PostState.SENT))
        assert [(post.sent, post.wanted) for post in kept.store.owed()] == [(1, 2)]
    assert kept.store.flush()
    assert list(kept.disk.owed()) == list(kept.store.owed())
    assert [(post.sent, post.wanted, post.ts) for post in kept.disk.owed()] == [(1, 2, "1.0")]


def test_a_write_that_failed_and_was_written_all_the_same_is_not_written_twice(kept: Kept) -> None:
    """As after an error of the disk in the very end of a commit."""
    commit = kept.disk.commit

    def fails_after(change: Change) -> None:
        commit(change)
        raise StoreError("the database cannot be written: disk I/O error")

    kept.breaks("Login", "Errors")
    kept.disk.commit = fails_after  # type: ignore[method-assign]
    kept.house.walk(75)
    kept.disk.commit = commit  # type: ignore[method-assign]
    assert not kept.store.durable
    held = list(kept.store.events("INC-0001")), list(kept.store.posts("INC-0001")), list(kept.store.transitions())
    assert kept.store.flush()
    written = list(kept.disk.events("INC-0001")), list(kept.disk.posts("INC-0001")), list(kept.disk.transitions())
    assert written[:2] == held[:2]
    assert len(written[2]) == len(set(written[2]))


def test_the_trouble_is_told_in_the_channel_and_on_open_pages_and_so_is_its_end(kept: Kept) -> None:
    kept.breaks("Login")
    kept.house.walk(60)
    with read_only(kept.disk, kept.path):
        kept.breaks("Errors")
        kept.house.walk(120)
        kept.watch.look(kept.store)
        kept.house.walk(15)
        assert kept.told()[-1].startswith("EVIDENCE NOT DURABLE: the database cannot be written")
        assert any("Evidence not durable" in note for note in last_page(kept).notes)
    kept.watch.look(kept.store)
    kept.house.walk(15)
    kept.watch.look(kept.store)
    assert kept.told()[-1] == "Evidence is durable again: everything was written."
    assert last_page(kept).notes == ()
    assert [post.state for post in kept.disk.posts(NO_INCIDENT)] == [PostState.SENT] * 2


def last_page(kept: Kept):  # type: ignore[no-untyped-def]  # noqa: ANN201  # a page
    return next(one.page for one in reversed(kept.house.pager.messages) if one.page)


def test_what_is_held_is_bounded_and_what_is_dropped_is_counted(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.runtime.writebehind.MOST_TRANSITIONS", 8)
    with read_only(kept.disk, kept.path):
        for value in (WORST, QUIET) * 6:
            kept.house.says("Errors", value)
            kept.house.walk(90)
        assert kept.store._held is not None
        assert len(kept.store._held.transitions) == 8
    for _ in range(3):
        kept.store.flush()
    assert kept.store.dropped > 0


def test_every_part_of_a_change_is_written_later() -> None:
    """Whoever gives `Change` another part must say how it is held; this turns red until then."""
    assert {one.name for one in fields(Change)} == WRITTEN_LATER


def test_on_a_store_without_trouble_it_is_that_store() -> None:
    inner = MemoryStore()
    store = WriteBehindStore(inner)
    house = House(*RULES.groups)
    house.build(RULES, store)
    house.says("Login", WORST)
    house.walk(120)
    assert [list(inner.events("INC-0001")), list(inner.posts("INC-0001"))] == [
        list(store.events("INC-0001")),
        list(store.posts("INC-0001")),
    ]
    assert store.flush()
    assert isinstance(store.posts("INC-0001")[0], Post)


def test_a_reminder_that_could_not_be_written_is_owed_and_kept_once_it_can(tmp_path: Path) -> None:
    kept = Kept(tmp_path)
    fact = Reminded(kept.house.clock.now(), date(2026, 6, 2), 14)
    with read_only(kept.disk, kept.path):
        kept.house.desk.remind(Notice.DRILL_DUE, "DRILL DUE", "C0DRILL", fact)
        assert list(kept.store.duties()) == [fact]
        with pytest.raises(ConflictError):
            kept.house.desk.remind(Notice.DRILL_DUE, "DRILL DUE", "C0DRILL", fact)
        kept.house.outbox.deliver_due()
    assert kept.store.flush()
    assert (list(kept.disk.duties()), kept.told()) == ([fact], ["DRILL DUE"])
    kept.restart()
    kept.house.outbox.deliver_due()
    assert (list(kept.store.duties()), kept.told()) == ([fact], ["DRILL DUE"])
    later = replace(fact, at=fact.at + timedelta(days=13), days=1)
    with read_only(kept.disk, kept.path):
        kept.house.desk.remind(Notice.DRILL_DUE, "DRILL DUE in 1 day", "C0DRILL", later)
        assert list(kept.store.duties()) == [fact, later]
