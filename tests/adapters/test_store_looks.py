"""However often incidents are looked at while they go on, what is given is the fold of all that happened."""

import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, AlertResolved, Ended, EndReason, Event, Firing, Opened
from monitor.core.incidents.incident import Incident, fold
from monitor.core.incidents.procedureevents import Reopened
from monitor.core.model import AlertKey, Cause, Tier
from monitor.ports.store import Change, ConflictError, NewEvents, Store
from monitor.runtime.writebehind import WriteBehindStore

AT = datetime(2026, 3, 1, 3, 2, 11, tzinfo=UTC)
KEYS = [AlertKey("LoginFailing", (("job", job),), Tier.ROLLBACK) for job in ("auth", "web")]

HAPPENS = st.sampled_from(["fires", "resolves", "ends", "reopens"])
STEP = st.tuples(st.integers(1, 3), st.lists(HAPPENS, min_size=1, max_size=3), st.booleans())
"""The number of an incident, what comes to it in one change, and whether somebody looks afterwards."""


def event(what: str, at: datetime) -> Event:
    key = KEYS[at.minute % 2]
    events: dict[str, Event] = {
        "fires": AlertFired(at, MONITOR, Firing(key, "auth", "login: 62 % fail", since=at, fired_at=at)),
        "resolves": AlertResolved(at, MONITOR, key, Cause.BREACHED),
        "ends": Ended(at, MONITOR, EndReason.BY_PERSON),
        "reopens": Reopened(at, MONITOR, "too early"),
    }
    return events[what]


def name(number: int) -> str:
    return f"INC-{number:04d}"


@pytest.fixture(scope="module", params=["memory", "sqlite", "sqlite behind a mirror"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One for all examples, each of which has incidents of its own."""
    opened: Store = MemoryStore()
    if request.param != "memory":
        opened = open_store(f"sqlite:///{tmp_path_factory.mktemp('looks') / 'monitor.db'}")
    yield WriteBehindStore(opened) if "mirror" in request.param else opened
    opened.close()


@settings(max_examples=30, deadline=None)
@given(steps=st.lists(STEP, max_size=12))
def test_looks_between_changes_change_nothing(store: Store, steps: list[tuple[int, list[str], bool]]) -> None:
    before, told = store.next_incident_number() - 1, dict[str, tuple[Event, ...]]()
    for n, (number, happenings, looked) in enumerate(steps):
        at = AT + timedelta(minutes=n)
        mine = name(before + number)
        known = told.get(mine, ())
        events = tuple(event(what, at) for what in happenings)
        events = events if known else (Opened(at, MONITOR, "production"), *events)
        store.commit(Change(events=(NewEvents(mine, len(known), events),)))
        told[mine] = (*known, *events)
        if looked:
            agrees(store, told, at)
    agrees(store, told, AT + timedelta(minutes=len(steps)))


def agrees(store: Store, told: dict[str, tuple[Event, ...]], now: datetime) -> None:
    """Hold every look at `store` to the fold of what it was told."""
    folded = [fold(one, events) for one, events in sorted(told.items(), reverse=True)]
    since = now - timedelta(minutes=2)
    late = [one for one in folded if one.ended_at is None or one.ended_at >= since]

    def mine(found: Sequence[Incident]) -> list[Incident]:
        return [one for one in found if one.id in told]

    assert [store.incident(one.id) for one in folded] == folded
    assert mine(store.incidents()) == folded
    assert mine(store.incidents(open_only=True)) == [one for one in folded if one.is_open]
    assert mine(store.incidents(since=since)) == late


def test_where_the_database_is_behind_what_was_read_it_is_read_anew_after_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "monitor.db"
    store = open_store(f"sqlite:///{path}")
    opened = (Opened(AT, MONITOR, "production"), event("fires", AT), event("resolves", AT))
    store.commit(Change(events=(NewEvents(name(1), 0, opened),)))
    assert store.incident(name(1)) == fold(name(1), opened)
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM events WHERE seq > 2")
    with pytest.raises(ConflictError):
        store.commit(Change(events=(NewEvents(name(1), 3, (event("ends", AT),)),)))
    assert store.incident(name(1)) == fold(name(1), opened[:2])
    store.close()


def test_of_an_open_incident_only_what_has_come_since_is_read(tmp_path: Path) -> None:
    """What was read before is spoiled behind the store's back: nobody notices while it is open."""
    path = tmp_path / "monitor.db"
    store = open_store(f"sqlite:///{path}")
    store.commit(Change(events=(NewEvents(name(1), 0, (Opened(AT, MONITOR, "production"), event("fires", AT))),)))
    before = store.incident(name(1))
    with sqlite3.connect(path) as database:
        database.execute("UPDATE events SET body = 'spoiled'")
    store.commit(Change(events=(NewEvents(name(1), 2, (event("resolves", AT),)),)))
    assert before is not None
    assert store.incident(name(1)) == fold(name(1), [event("resolves", AT)], before)
    assert [one.id for one in store.incidents(open_only=True)] == [name(1)]
    store.commit(Change(events=(NewEvents(name(1), 3, (event("ends", AT),)),)))
    assert not list(store.incidents(open_only=True))
    with pytest.raises(ValueError, match="spoiled"):
        store.incident(name(1))
    store.close()
