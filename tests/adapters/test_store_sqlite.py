"""What only a database has: files of its own, a lock, a schema, and a sentence for whatever is wrong with them."""

import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from monitor.adapters.store import NewerSchemaError, SqlStore, migrating, open_store, opening, owner, tables
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, Firing, Opened
from monitor.core.model import AlertKey, Reference, Tier
from monitor.ports.store import Change, GroupState, NewEvents, Post, PostKind, Store, StoreError, StoreUnavailableError

AT = datetime(2026, 3, 1, 3, 2, 11, tzinfo=UTC)
FIRING = Firing(
    AlertKey("LoginFailing", (("job", "auth"),), Tier.ROLLBACK),
    "auth",
    "login: 62 % fail",
    since=AT,
    fired_at=AT,
    baseline=(Reference("trailing", None, "no hours"),),
)
WRITTEN = Change(
    groups=(GroupState("apis", 0, {"LoginFailing": 1_772_334_131}),),
    events=(NewEvents("INC-0001", 0, (Opened(AT, MONITOR, "production"), AlertFired(AT, MONITOR, FIRING))),),
    posts=(Post("INC-0001", "C0OPS", PostKind.ROOT, 0, "rollback_opens", AT),),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "monitor.db"


def opened(path: Path) -> SqlStore:
    return open_store(f"sqlite:///{path}")


def made(path: Path) -> Path:
    """A database with something in it that nobody holds."""
    store = opened(path)
    store.commit(WRITTEN)
    store.close()
    return path


def refusal(path: Path) -> str:
    """Why a database cannot be opened."""
    with pytest.raises(StoreError) as raised:
        opened(path)
    return str(raised.value)


LOOKS: list[tuple[str, Callable[[Store], object]]] = [
    ("groups", lambda store: list(store.groups())),
    ("incidents", lambda store: list(store.incidents())),
    ("events", lambda store: list(store.events("INC-0001"))),
    ("posts", lambda store: list(store.posts("INC-0001"))),
    ("what is owed", lambda store: list(store.owed())),
    ("the next number", lambda store: store.next_incident_number()),
]


@pytest.mark.parametrize("look", [row[1] for row in LOOKS], ids=[row[0] for row in LOOKS])
def test_a_database_that_is_opened_again_tells_the_same(path: Path, look: Callable[[Store], object]) -> None:
    before = opened(path)
    before.commit(WRITTEN)
    told = look(before)
    before.close()
    after = opened(path)
    assert told
    assert look(after) == told
    after.close()


def test_what_is_committed_survives_the_end_of_power(path: Path) -> None:
    store = opened(path)
    pragmas = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    with store._engine.connect() as one, store._engine.connect() as other:
        for connection in (one, other):
            told = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in pragmas}
            assert told == pragmas
    store.close()


def test_only_the_owner_may_read_it(path: Path) -> None:
    store = opened(path)
    store.listening("http://127.0.0.1:9911", "token")
    store.commit(WRITTEN)
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    store.close()
    assert modes.keys() >= {"monitor.db", "monitor.db-wal", "monitor.db.lock"}
    assert set(modes.values()) == {0o600}


# --- the lock -------------------------------------------------------------------------------------------------------


def test_a_second_daemon_is_refused_and_told_who_holds_it(path: Path) -> None:
    store = opened(path)
    assert refusal(path) == f"the database {path} is locked by pid {os.getpid()}: another daemon runs on it"
    store.close()
    opened(path).close()


def test_who_holds_it_and_where_it_listens_is_told_while_it_does(path: Path) -> None:
    url = f"sqlite:///{path}"
    assert owner(url) is None
    store = opened(path)
    store.listening("http://127.0.0.1:9911", "token")
    holding = owner(url)
    assert holding is not None
    assert (holding.pid, holding.url, holding.token) == (os.getpid(), "http://127.0.0.1:9911", "token")
    store.close()
    assert owner(url) is None
    assert "token" not in (path.parent / "monitor.db.lock").read_text()


def test_the_lock_goes_with_its_process_however_it_ends(path: Path) -> None:
    code = f"import os\nfrom monitor.adapters.store import open_store\nopen_store('sqlite:///{path}')\nos._exit(9)\n"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert json.loads((path.parent / "monitor.db.lock").read_text())["pid"] > 0, "what a killed process leaves behind"
    assert owner(f"sqlite:///{path}") is None
    opened(path).close()


# --- the schema -----------------------------------------------------------------------------------------------------


def test_the_newest_schema_is_that_of_the_migrations() -> None:
    assert migrating.known()[0] == opening.HEAD


def test_the_migrations_make_the_tables_that_are_read(path: Path) -> None:
    with sqlite3.connect(made(path)) as connection:
        for table in tables.metadata.sorted_tables:
            columns = connection.execute('select name, "notnull", pk > 0 from pragma_table_info(?)', (table.name,))
            assert columns.fetchall() == [(one.name, not one.nullable, one.primary_key) for one in table.columns]
    connection.close()


def test_a_newer_schema_is_refused_and_left_as_it_is(path: Path) -> None:
    with sqlite3.connect(made(path)) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    with pytest.raises(NewerSchemaError):
        opened(path)
    assert refusal(path) == (
        f"the database {path} was written by a newer version (schema 9999, this program knows {opening.HEAD}); "
        "install that version again"
    )


def test_a_migration_that_breaks_half_way_leaves_nothing(path: Path) -> None:
    """The last of the tables stands in its way; the others are not made either."""
    with sqlite3.connect(path) as connection:
        connection.execute("create table posts (of_somebody_else)")
    connection.close()
    assert refusal(path) == f"the database {path} cannot be used: table posts already exists"
    with sqlite3.connect(path) as connection:
        assert connection.execute("select name from sqlite_master").fetchall() == [("posts",)]
    connection.close()


# --- what is wrong --------------------------------------------------------------------------------------------------

URLS = [
    ("no URL", "monitor.db", "MONITOR_DATABASE_URL is no database URL; write sqlite:///rollback-monitor.db"),
    (
        "another database",
        "postgresql://ana:canary@db/x",
        "postgresql is not supported yet; use sqlite:///path/to/file.db",
    ),
    (
        "in memory",
        "sqlite://",
        "an SQLite database in memory would forget everything; name a file: sqlite:///path/to/file.db",
    ),
    (
        "no such folder",
        "sqlite:////nowhere/at/all.db",
        "the folder /nowhere/at of the database does not exist; make it for the daemon's user",
    ),
]


@pytest.mark.parametrize(("url", "sentence"), [row[1:] for row in URLS], ids=[row[0] for row in URLS])
def test_a_url_that_cannot_be_used(url: str, sentence: str) -> None:
    with pytest.raises(StoreError) as raised:
        open_store(url)
    assert str(raised.value) == sentence


def test_a_folder_is_no_database(path: Path) -> None:
    path.mkdir()
    assert refusal(path) == f"the database {path} cannot be written: Is a directory"
    assert owner(f"sqlite:///{path}") is None


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"these are the notes of somebody who mistyped the path\n" * 40)
    assert refusal(path) == f"the database {path} cannot be used: file is not a database"
    assert path.read_bytes().startswith(b"these are the notes")


def test_a_database_that_was_cut_short_is_a_sentence_wherever_it_is_read(path: Path) -> None:
    size = made(path).stat().st_size
    with path.open("r+b") as file:
        file.truncate(size // 2)
    assert refusal(path) == f"the database {path} cannot be used: database disk image is malformed"
    assert owner(f"sqlite:///{path}") is None, "the lock is let go of"


def test_a_database_whose_pages_rot_while_it_is_open_is_a_sentence(path: Path) -> None:
    made(path)
    store = opened(path)
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))
    with pytest.raises(StoreError, match=r"cannot be (read|written): database disk image is malformed"):
        store.commit(replace(WRITTEN, groups=(), events=()))
    store.close()


# --- set aside ------------------------------------------------------------------------------------------------------


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * 16384)


def begun_with_zeros(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\0" * 4096)


def of_another_page_only(path: Path) -> None:
    """Rot that only a look at every page finds: the last page, which holds rows of one table."""
    with path.open("r+b") as file:
        file.seek(-4096, os.SEEK_END)
        file.write(b"\xff" * 4096)


ROT = [cut_short, overwritten, begun_with_zeros, of_another_page_only]


@pytest.mark.parametrize("rot", ROT, ids=lambda one: one.__name__)
def test_a_corrupt_database_is_set_aside_and_a_new_one_begun(path: Path, rot: Callable[[Path], None]) -> None:
    rot(made(path))
    rotten = path.read_bytes()
    store = open_store(f"sqlite:///{path}", aside_as="20260301T030211Z")
    aside = path.with_name("monitor.db.corrupt-20260301T030211Z")
    assert store.set_aside == aside
    assert aside.read_bytes() == rotten
    assert list(store.groups()) == []
    store.commit(WRITTEN)
    store.close()
    again = open_store(f"sqlite:///{path}", aside_as="later")
    assert again.set_aside is None
    assert [one.name for one in again.groups()] == ["apis"]
    again.close()


def test_the_log_of_a_corrupt_database_goes_with_it(path: Path) -> None:
    code = (
        "import os\nfrom tests.adapters.test_store_sqlite import *\n"
        f"store = opened(Path({str(path)!r}))\nstore.commit(WRITTEN)\nos._exit(9)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    log = path.with_name("monitor.db-wal")
    assert log.stat().st_size > 0, "what a killed process leaves behind"
    path.write_bytes(b"\0" * 8192)
    log.write_bytes(b"\0" * 64)
    store = open_store(f"sqlite:///{path}", aside_as="x")
    assert path.with_name("monitor.db.corrupt-x").read_bytes() == b"\0" * 8192
    assert list(store.groups()) == []
    store.close()


def test_notes_of_somebody_who_mistyped_the_path_are_never_set_aside(path: Path) -> None:
    path.write_bytes(b"these are the notes\n" * 40)
    with pytest.raises(StoreError, match="file is not a database"):
        open_store(f"sqlite:///{path}", aside_as="x")
    assert path.read_bytes().startswith(b"these are the notes")


def test_a_newer_schema_is_never_set_aside(path: Path) -> None:
    with sqlite3.connect(made(path)) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
    connection.close()
    with pytest.raises(NewerSchemaError):
        open_store(f"sqlite:///{path}", aside_as="x")


def test_a_database_that_somebody_else_writes_is_left_alone(path: Path) -> None:
    with sqlite3.connect(made(path), isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        store = open_store(f"sqlite:///{path}", aside_as="x")
        assert store.set_aside is None
        assert [one.name for one in store.groups()] == ["apis"]
        store.close()
    other.close()


def test_a_connection_that_was_opened_in_bad_times_is_given_up(path: Path) -> None:
    """As one of a disk that was read-only then: the driver would refuse to write on it for good."""
    store = opened(made(path))
    with store._engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(StoreError, match="readonly"):
        store.commit(replace(WRITTEN, groups=(), events=()))
    store.probe()
    store.commit(replace(WRITTEN, groups=(), events=()))
    store.close()


def test_a_disk_without_room_at_the_start_may_have_some_later(path: Path) -> None:
    made(path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        with pytest.raises(StoreUnavailableError, match="cannot be written: File too large"):
            open_store(f"sqlite:///{path}", aside_as="x")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    opened(path).close()


def test_a_probe_finds_what_cannot_be_written_and_changes_nothing(path: Path) -> None:
    store = opened(made(path))
    told = LOOKS[1][1](store)
    store.probe()
    assert LOOKS[1][1](store) == told
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked"):
            store.probe()
        other.execute("ROLLBACK")
    other.close()
    store.probe()
    store.close()


def test_a_full_disk_is_a_sentence_and_nothing_is_written(path: Path) -> None:
    store = opened(path)
    store.commit(WRITTEN)
    with store._engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count = 1"))  # that is, no more than it has
    told = "\n".join(["a long sentence"] * 10_000)
    posts = (replace(WRITTEN.posts[0], n=1, said=told),)
    with pytest.raises(StoreError) as raised:
        store.commit(Change(groups=(GroupState("apis", 1),), posts=posts))
    assert str(raised.value) == "the database cannot be written: database or disk is full"
    assert store.group("apis") == replace(WRITTEN.groups[0], version=1)
    assert [one.n for one in store.owed()] == [0]
    store.close()
