"""The store's newer shelves, in memory and on SQLite alike: the last rule set, the record of alerts, and notes."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import open_store, opening
from monitor.adapters.store.migrating import _config, known
from monitor.adapters.store.tables import metadata
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import Opened
from monitor.core.model import AlertKey, Cause, State, Tier
from monitor.ports.store import (
    NO_INCIDENT,
    Change,
    ConflictError,
    GroupState,
    KeptRules,
    NewEvents,
    Post,
    PostKind,
    PostState,
    Recorded,
    Store,
)

AT = datetime(2026, 3, 1, 3, 2, 11, 250_000, tzinfo=UTC)
KEY = AlertKey("LoginFailing", (("job", "auth"), ("zone", 'a "quoted" ü')), Tier.ROLLBACK)
FIRED = Recorded(1_772_334_120, "apis", KEY, State.PENDING, State.FIRING, Cause.BREACHED, 1_772_333_820, 0.62, 0.25)
RULES = KeptRules({"critical.yaml": b"groups: []\n", "procedures/rollback.yaml": b"\x00\xff not text"}, AT)
NOTE = Post(NO_INCIDENT, "C0OPS", PostKind.NOTE, 1, "rules_refused", AT, said="refused")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


# --- the last rule set ------------------------------------------------------------------------------------------------


def test_there_is_no_rule_set_at_first(store: Store) -> None:
    assert store.rules() is None


def test_a_rule_set_comes_back_as_it_was_and_replaces_the_one_before(store: Store) -> None:
    store.commit(Change(rules=RULES))
    assert store.rules() == RULES
    other = KeptRules({"other.yaml": b"groups: []\n"}, AT + timedelta(hours=1))
    store.commit(Change(rules=other))
    assert store.rules() == other
    store.commit(Change(groups=(GroupState("apis"),)))
    assert store.rules() == other


def test_a_change_that_loses_keeps_neither_rules_nor_record(store: Store) -> None:
    lost = Change(groups=(GroupState("apis", version=7),), rules=RULES, transitions=(FIRED,), posts=(NOTE,))
    with pytest.raises(ConflictError):
        store.commit(lost)
    assert store.rules() is None
    assert not store.transitions()
    assert not store.owed()


# --- the record -------------------------------------------------------------------------------------------------------


def test_what_alerts_did_is_told_in_order(store: Store) -> None:
    unread = replace(FIRED, at=FIRED.at + 30, value=None, limit=None, shadow=True)
    other = replace(FIRED, at=FIRED.at + 15, key=replace(KEY, alert="ApiErrors"))
    store.commit(Change(transitions=(FIRED, unread)))
    store.commit(Change(transitions=(other,)))
    assert list(store.transitions()) == [FIRED, other, unread]
    assert list(store.transitions("LoginFailing")) == [FIRED, unread]
    assert list(store.transitions(since=FIRED.at + 1)) == [other, unread]
    assert list(store.transitions(most=2)) == [other, unread]


def test_changes_at_one_time_keep_their_order(store: Store) -> None:
    resolved = replace(FIRED, before=State.FIRING, after=State.INACTIVE)
    store.commit(Change(transitions=(FIRED, resolved)))
    assert list(store.transitions()) == [FIRED, resolved]


def test_what_is_old_is_forgotten(store: Store) -> None:
    old, young = replace(FIRED, at=100), replace(FIRED, at=200)
    store.commit(Change(transitions=(old, young)))
    assert store.prune(200) == 1
    assert list(store.transitions()) == [young]
    assert store.prune(200) == 0


# --- notes ------------------------------------------------------------------------------------------------------------


def test_a_note_belongs_to_no_incident(store: Store) -> None:
    opened = NewEvents("INC-0001", 0, (Opened(AT, MONITOR, "production"),))
    root = Post("INC-0001", "C0OPS", PostKind.ROOT, 0, "rollback_opens", AT)
    store.commit(Change(events=(opened,), posts=(root, NOTE)))
    assert list(store.posts(NO_INCIDENT)) == [NOTE]
    assert list(store.posts("INC-0001")) == [root]
    store.record(replace(NOTE, sent=1, ts="1.0", state=PostState.SENT))
    assert list(store.owed()) == [root]
    assert NOTE.key == "monitor/C0OPS/note/1"


# --- the schema -------------------------------------------------------------------------------------------------------


def test_a_database_of_the_first_schema_is_brought_on_with_all_it_holds(tmp_path: Path) -> None:
    engine = opening._engine(tmp_path / "monitor.db")
    config = _config()
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    engine.dispose()
    with sqlite3.connect(tmp_path / "monitor.db") as old:
        old.execute("insert into incidents values ('INC-0001', 1, 'production', 0, '2026-03-01 03:02:11', null)")
        row = ("k", "INC-0001", "C0OPS", "line", 3, "raised", "2026-03-01 03:02:11", "x", "[]", 1, 0, None, 0, None)
        old.execute("insert into posts values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'owed', '')", row)
    old.close()
    store = open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    (kept,) = store.owed()
    assert (kept.incident, kept.n, kept.said) == ("INC-0001", 3, "x")
    store.commit(Change(posts=(NOTE,), rules=RULES, transitions=(FIRED,)))
    assert (list(store.posts(NO_INCIDENT)), store.rules(), list(store.transitions())) == ([NOTE], RULES, [FIRED])
    with pytest.raises(ConflictError):
        store.commit(Change(posts=(replace(NOTE, incident="INC-0002"),)))
    store.close()


def test_the_migrations_make_the_tables_that_are_used(tmp_path: Path) -> None:
    assert known()[0] == opening.HEAD
    store = open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    with store._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    store.close()
