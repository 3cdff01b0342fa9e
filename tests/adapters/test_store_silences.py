"""What the store keeps of silences and of what they hide: the contract of the shipped fake and of SQLite."""

import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.events import Firing, Snapshot
from monitor.core.incidents.silence import Cover, Hidden, HiddenBy, Silence
from monitor.core.model import AlertKey, Tier
from monitor.core.rules.rule import Matcher, MatchOp
from monitor.ports.store import Change, ConflictError, Store

AT = datetime(2026, 3, 1, 3, 2, 11, 250_000, tzinfo=UTC)
ANA = Actor("U0ANA", "Ana <ana>", Source.SLACK, frozenset({Role.RESPONDER}))
KEY = AlertKey("Errors", (("job", "web"), ("zone", 'a "quoted" ü')), Tier.PREPARE)
MATCHERS = (Matcher("job", MatchOp.MATCHES, 'we.|"x"'), Matcher("team", MatchOp.NOT_EQUAL, ""))
SILENCE = Silence(1, MATCHERS, AT, AT + timedelta(hours=2), ANA, "load test “ü”", (Tier.PREPARE, Tier.BLIND))
FIRING = Firing(KEY, "web", "2 % fail", AT, AT, value=math.inf, limit=0.02)
SNAPSHOT = Snapshot(AT, MONITOR, KEY, (("signal", "up == 0"),), math.inf, 0.02, 100.0, 2.0)
HIDDEN = Hidden("a", Cover(HiddenBy.SILENCE, "1", SILENCE.ends_at), AT, FIRING, SNAPSHOT)


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


def test_at_first_nothing_is_silenced_and_nothing_hidden(store: Store) -> None:
    assert (list(store.silences()), list(store.hidden())) == ([], [])


def test_a_silence_comes_back_as_it_was_written_one_version_on(store: Store) -> None:
    store.commit(Change(silences=(replace(SILENCE, id=2), SILENCE)))
    assert list(store.silences()) == [replace(SILENCE, version=1), replace(SILENCE, id=2, version=1)]


def test_of_two_new_silences_with_one_number_the_second_is_a_conflict(store: Store) -> None:
    store.commit(Change(silences=(SILENCE,)))
    with pytest.raises(ConflictError):
        store.commit(Change(silences=(replace(SILENCE, reason="mine"),), hidden=(HIDDEN,)))
    assert [one.reason for one in store.silences()] == ["load test “ü”"]
    assert list(store.hidden()) == []


def test_a_silence_is_replaced_where_its_version_still_stands(store: Store) -> None:
    store.commit(Change(silences=(SILENCE,)))
    ended = replace(SILENCE, version=1, expired_at=AT + timedelta(minutes=5), expired_by=ANA)
    store.commit(Change(silences=(ended,)))
    assert list(store.silences()) == [replace(ended, version=2)]
    with pytest.raises(ConflictError):
        store.commit(Change(silences=(ended,)))


def test_what_is_hidden_comes_back_as_it_was_written_and_is_replaced_by_its_id(store: Store) -> None:
    later = replace(HIDDEN, id="b", at=AT + timedelta(seconds=1), snapshot=None)
    store.commit(Change(hidden=(later, HIDDEN)))
    assert list(store.hidden()) == [HIDDEN, later]
    cleared = replace(HIDDEN, cleared_at=AT + timedelta(minutes=1), told=True)
    store.commit(Change(hidden=(cleared,)))
    assert list(store.hidden()) == [cleared, later]
    assert list(store.hidden(live_only=True)) == [later]


def test_what_is_released_is_hidden_no_longer(store: Store) -> None:
    store.commit(Change(hidden=(replace(HIDDEN, released_at=AT),)))
    assert list(store.hidden(live_only=True)) == []


def test_with_the_record_goes_what_was_hidden_and_is_no_more(store: Store) -> None:
    gone, live = replace(HIDDEN, cleared_at=AT), replace(HIDDEN, id="b")
    young = replace(gone, id="c", at=AT + timedelta(days=1))
    store.commit(Change(hidden=(gone, live, young)))
    store.prune(int((AT + timedelta(hours=1)).timestamp()))
    assert [one.id for one in store.hidden()] == ["b", "c"]
