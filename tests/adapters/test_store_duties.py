"""What the store keeps of the duty to hold drills: the contract of the shipped fake and of SQLite."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import open_store
from monitor.core.actor import Actor, Role, Source
from monitor.core.drill.duty import DutyFact, Known, MigrationTold, Reminded, SchemaSeen
from monitor.core.pages.posts import Notice
from monitor.ports.store import NO_INCIDENT, Change, ConflictError, Post, PostKind, Store

AT = datetime(2026, 3, 1, 3, 2, 11, 250_000, tzinfo=UTC)
ANA = Actor("U0ANA", "Ana <ana>", Source.SLACK, frozenset({Role.RESPONDER}))
EVERY: tuple[DutyFact, ...] = (
    Known(AT),
    SchemaSeen(AT + timedelta(seconds=1), "auth", "2026_03 “ü”", asks=True),
    MigrationTold(AT + timedelta(seconds=2), ANA, "invoices"),
    Reminded(AT + timedelta(seconds=3), date(2026, 6, 1), 14),
    Reminded(AT + timedelta(seconds=4), date(2026, 6, 1), -8),
)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


def test_every_fact_comes_back_as_it_was_written_in_order_of_time(store: Store) -> None:
    assert list(store.duties()) == []
    store.commit(Change(duties=EVERY[2:]))
    store.commit(Change(duties=EVERY[:2]))
    assert tuple(store.duties()) == EVERY


def test_a_fact_that_is_kept_already_is_a_conflict_and_nothing_is_owed(store: Store) -> None:
    store.commit(Change(duties=(EVERY[3],)))
    note = Post(NO_INCIDENT, "C0OPS", PostKind.NOTE, 1, Notice.DRILL_DUE, AT, said="due")
    with pytest.raises(ConflictError):
        store.commit(Change(posts=(note,), duties=(EVERY[3],)))
    assert list(store.posts(NO_INCIDENT)) == []


def test_nothing_of_it_is_forgotten_with_the_record(store: Store) -> None:
    store.commit(Change(duties=EVERY))
    store.prune(int(AT.timestamp()) + 400 * 86_400)
    assert tuple(store.duties()) == EVERY
