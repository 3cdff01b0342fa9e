"""What the store keeps of evidence: the contract of the shipped fake and of SQLite."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import Ended, EndReason, Event, Opened
from monitor.core.incidents.procedureevents import Reopened
from monitor.ports.store import Change, KeptEvidence, NewEvents, Store, StoreError
from monitor.runtime.writebehind import Held, WriteBehindStore

AT = datetime(2026, 3, 1, 3, 2, tzinfo=UTC)
FILES = {"signals.json": b"{}" * 5000, "signal-01.csv": b"time\n", "signal-01.png": bytes(range(256))}
ENDED = Ended(AT + timedelta(hours=1), MONITOR, EndReason.BY_ITSELF)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


def incident(store: Store, number: int, *events: Event) -> str:
    name = f"INC-{number:04d}"
    store.commit(Change(events=(NewEvents(name, 0, (Opened(AT, MONITOR, "production"), *events)),)))
    return name


def kept(name: str, hours: float, files: dict[str, bytes] | None = None) -> KeptEvidence:
    return KeptEvidence(name, AT + timedelta(hours=hours), FILES if files is None else files)


def unkept(store: Store, since: float = 0, before: float = 48) -> list[str]:
    return list(store.unkept(AT + timedelta(hours=since), AT + timedelta(hours=before)))


def test_files_come_back_as_they_were_and_newer_ones_replace_them(store: Store) -> None:
    name = incident(store, 1, ENDED)
    assert store.evidence(name) is None
    assert store.evidence_size() == 0
    store.keep(kept(name, 2))
    assert store.evidence(name) == kept(name, 2)
    assert store.evidence_size() > 256
    store.keep(kept(name, 3, {"signals.json": b"[]"}))
    assert store.evidence(name) == kept(name, 3, {"signals.json": b"[]"})


def test_what_has_ended_is_to_be_kept_once_and_again_after_it_was_opened_again(store: Store) -> None:
    first, second = incident(store, 1, ENDED), incident(store, 2, ENDED)
    incident(store, 3)
    assert unkept(store) == [first, second]
    store.keep(kept(first, 2))
    assert unkept(store) == [second]
    assert unkept(store, before=0.5) == unkept(store, since=2) == []
    reopened = Reopened(AT + timedelta(hours=3), MONITOR, "it is back")
    store.commit(Change(events=(NewEvents(first, 2, (reopened,)),)))
    assert unkept(store) == [second]
    assert first in [one.id for one in store.incidents(open_only=True)]
    again = Ended(AT + timedelta(hours=4), MONITOR, EndReason.BY_PERSON)
    store.commit(Change(events=(NewEvents(first, 3, (again,)),)))
    assert unkept(store) == [first, second]


def test_it_goes_with_the_record(store: Store) -> None:
    first, second = incident(store, 1, ENDED), incident(store, 2, ENDED)
    store.keep(kept(first, 2))
    store.keep(kept(second, 20))
    store.prune(int((AT + timedelta(hours=10)).timestamp()))
    assert store.evidence(first) is None
    assert store.evidence(second) is not None
    assert store.incident(first) is not None


def test_while_nothing_can_be_written_nothing_is_kept_and_somebody_tries_again() -> None:
    inner = MemoryStore()
    name = incident(inner, 1, ENDED)
    store = WriteBehindStore(inner)
    store._held = Held("the disk is full")
    with pytest.raises(StoreError, match="disk is full"):
        store.keep(kept(name, 2))
    assert inner.evidence(name) is None
    store._held = None
    store.keep(kept(name, 2))
    assert store.evidence(name) == kept(name, 2)
    assert (store.evidence_size(), unkept(store)) == (inner.evidence_size(), [])
