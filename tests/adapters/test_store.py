"""The contract of the store, held by the shipped fake and by SQLite alike."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.events import Acknowledged, AlertFired, Ended, EndReason, Event, Firing, Opened
from monitor.core.model import Alert, AlertKey, State, Tier
from monitor.ports.store import Change, ConflictError, GroupState, NewEvents, Post, PostKind, PostState, Store

AT = datetime(2026, 3, 1, 3, 2, 11, 250_000, tzinfo=UTC)
KEY = AlertKey("LoginFailing", (("job", "auth"), ("zone", 'a "quoted" ü')), Tier.ROLLBACK)
ALERT = Alert(KEY, State.FIRING, since=1_772_334_120, held=15, missing=30, fired_at=1_772_334_131, peak=0.62)
CURSORS = {"LoginFailing": 1_772_334_131, "ApiErrors": 1_772_334_120}
ANA = Actor("U0ANA", "Ana <ana>", Source.SLACK, frozenset({Role.RESPONDER, Role.COMMANDER}))
SHELL = Actor("root", "root", Source.CLI, verified=False)
OPENED = Opened(AT, MONITOR, "production")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    opened: Store = MemoryStore() if request.param == "memory" else open_store(f"sqlite:///{tmp_path / 'monitor.db'}")
    yield opened
    opened.close()


def firing(**changes: object) -> Firing:
    fired = Firing(KEY, "auth", "login: 62 % fail", since=AT, fired_at=AT)
    return replace(fired, **changes)  # type: ignore[arg-type]  # any field


def begun(number: int = 1, *events: Event, posts: tuple[Post, ...] = ()) -> Change:
    """An incident with its first events."""
    return Change(events=(NewEvents(name(number), 0, (OPENED, *events)),), posts=posts)


def name(number: int = 1) -> str:
    return f"INC-{number:04d}"


def post(n: int = 0, kind: PostKind = PostKind.LINE, *, number: int = 1, after: float = 0) -> Post:
    """A post decided so many seconds after the incident opened."""
    said = "" if kind is PostKind.ROOT else f"line {n} “ü”"
    decided_at = AT + timedelta(seconds=after)
    return Post(name(number), "C0OPS", kind, n, "raised", decided_at, said=said, mention=("S0ONCALL", "U0ANA"))


# --- groups ---------------------------------------------------------------------------------------------------------


def test_a_group_that_was_never_written_is_empty_at_version_0(store: Store) -> None:
    assert store.group("apis") == GroupState("apis")
    assert list(store.groups()) == []


def test_a_group_comes_back_as_it_was_written_one_version_on(store: Store) -> None:
    written = GroupState("apis", 0, CURSORS, {KEY: ALERT})
    store.commit(Change(groups=(written,)))
    assert store.group("apis") == replace(written, version=1)


def test_a_group_is_replaced_and_not_added_to(store: Store) -> None:
    other = replace(KEY, tier=Tier.PREPARE)
    store.commit(Change(groups=(GroupState("apis", 0, CURSORS, {KEY: ALERT}), GroupState("logins", 0, CURSORS))))
    moved = {KEY: replace(ALERT, state=State.RECOVERING, clear_since=9, peak=None), other: replace(ALERT, key=other)}
    after = GroupState("apis", 1, {"LoginFailing": 1_772_334_146}, moved)
    store.commit(Change(groups=(after,)))
    assert list(store.groups()) == [replace(after, version=2), GroupState("logins", 1, CURSORS)]
    store.commit(Change(groups=(GroupState("apis", 2),)))
    assert store.group("apis") == GroupState("apis", 3)


@pytest.mark.parametrize("version", [0, 2], ids=["behind", "ahead"])
def test_a_group_whose_version_moved_on_is_a_conflict(store: Store, version: int) -> None:
    kept = GroupState("apis", 0, CURSORS, {KEY: ALERT})
    store.commit(Change(groups=(kept,)))
    with pytest.raises(ConflictError, match="group apis"):
        store.commit(Change(groups=(GroupState("apis", version),)))
    assert store.group("apis") == replace(kept, version=1)


# --- incidents ------------------------------------------------------------------------------------------------------


def test_there_is_no_incident_before_the_first(store: Store) -> None:
    assert store.incident("INC-0001") is None
    assert list(store.events("INC-0001")) == []
    assert store.next_incident_number() == 1


def test_events_are_appended_in_order_and_folded(store: Store) -> None:
    store.commit(begun(1, AlertFired(AT, MONITOR, firing())))
    store.commit(Change(events=(NewEvents(name(), 2, (Acknowledged(AT, ANA), Acknowledged(AT, SHELL))),)))
    assert [event.kind for event in store.events(name())] == ["opened", "alert_fired", "acknowledged", "acknowledged"]
    incident = store.incident(name())
    assert incident is not None
    assert (incident.rev, incident.acknowledged_by, incident.alerts) == (4, SHELL, (firing(),))


@pytest.mark.parametrize("rev", [0, 1, 3], ids=["as if it were new", "behind", "ahead"])
def test_an_incident_whose_revision_moved_on_is_a_conflict(store: Store, rev: int) -> None:
    store.commit(begun(1, AlertFired(AT, MONITOR, firing())))
    with pytest.raises(ConflictError, match=name()):
        store.commit(Change(events=(NewEvents(name(), rev, (Acknowledged(AT, ANA),)),)))
    assert len(store.events(name())) == 2


def test_incidents_are_given_newest_first_and_their_numbers_go_on(store: Store) -> None:
    for number in (9, 10, 9_999, 10_000):
        store.commit(begun(number))
    store.commit(Change(events=(NewEvents(name(10), 1, (Ended(AT, MONITOR, EndReason.BY_ITSELF),)),)))
    assert [one.id for one in store.incidents()] == ["INC-10000", "INC-9999", "INC-0010", "INC-0009"]
    assert [one.id for one in store.incidents(open_only=True)] == ["INC-10000", "INC-9999", "INC-0009"]
    assert store.next_incident_number() == 10_001
    assert [one.id for one in store.incidents(since=AT)] == [one.id for one in store.incidents()]
    late = store.incidents(since=AT + timedelta(seconds=1))
    assert [one.id for one in late] == ["INC-10000", "INC-9999", "INC-0009"]


# --- all or nothing -------------------------------------------------------------------------------------------------

GOOD = Change(
    groups=(GroupState("apis", 0, CURSORS, {KEY: ALERT}),),
    events=(NewEvents(name(2), 0, (replace(OPENED, blind=True),)),),
    posts=(post(0, PostKind.ROOT, number=2), post(0, PostKind.ROOT)),
)
ONE_CONFLICT = [
    ("a group moved on", replace(GOOD, groups=(*GOOD.groups, GroupState("logins", 7)))),
    ("an incident moved on", replace(GOOD, events=(*GOOD.events, NewEvents(name(), 7, (Acknowledged(AT, ANA),))))),
]


@pytest.mark.parametrize("change", [row[1] for row in ONE_CONFLICT], ids=[row[0] for row in ONE_CONFLICT])
def test_where_one_part_conflicts_nothing_is_written(store: Store, change: Change) -> None:
    store.commit(begun(posts=(post(0, PostKind.ROOT),)))
    with pytest.raises(ConflictError):
        store.commit(change)
    assert store.group("apis") == GroupState("apis")
    assert store.incident(name(2)) is None
    assert [(one.key, one.wanted) for one in store.owed()] == [("INC-0001/C0OPS/root/0", 1)]
    store.commit(GOOD)
    assert store.group("apis").version == 1
    assert [(one.key, one.wanted) for one in store.owed()] == [
        ("INC-0001/C0OPS/root/0", 2),
        ("INC-0002/C0OPS/root/0", 1),
    ]


def test_of_many_who_commit_at_once_one_wins(store: Store) -> None:
    store.commit(begun())
    outcomes: list[str] = []
    ready = threading.Barrier(8)

    def acknowledge(who: int) -> None:
        mine = (Acknowledged(AT, replace(ANA, id=f"U{who}")),)
        ready.wait()
        try:
            store.commit(Change(events=(NewEvents(name(), 1, mine),), groups=(GroupState("apis"),)))
            outcomes.append("won")
        except ConflictError:
            outcomes.append("conflict")

    threads = [threading.Thread(target=acknowledge, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["conflict"] * 7 + ["won"]
    assert (len(store.events(name())), store.group("apis").version) == (2, 1)


# --- posts ----------------------------------------------------------------------------------------------------------


def test_a_post_comes_back_as_it_was_owed(store: Store) -> None:
    store.commit(begun(posts=(post(),)))
    assert list(store.posts(name())) == list(store.owed()) == [post()]
    assert list(store.posts(name(2))) == []


def test_a_post_owed_again_is_one_more_edit_and_its_words_stay(store: Store) -> None:
    root = post(0, PostKind.ROOT)
    store.commit(begun(posts=(root,)))
    sent = replace(root, ts="1.1", sent=1, state=PostState.SENT)
    store.record(sent)
    store.commit(Change(posts=(replace(root, reason="refreshed", mention=(), decided_at=AT + timedelta(hours=1)),)))
    assert list(store.owed()) == [replace(sent, wanted=2, state=PostState.OWED)]


RECORDED = [
    ("sent as wanted", {"sent": 2, "ts": "1.1", "state": PostState.SENT}, PostState.SENT),
    ("an older revision sent", {"sent": 1, "ts": "1.1", "state": PostState.SENT}, PostState.OWED),
    ("tried in vain", {"attempts": 3, "not_before": AT, "problem": "no answer “ü”"}, PostState.OWED),
    ("given up", {"attempts": 4, "state": PostState.FAILED, "problem": "is_archived"}, PostState.FAILED),
]


@pytest.mark.parametrize(("changes", "state"), [row[1:] for row in RECORDED], ids=[row[0] for row in RECORDED])
def test_what_became_of_a_post_is_kept(store: Store, changes: dict[str, object], state: PostState) -> None:
    store.commit(begun(posts=(post(), post())))
    taken = store.owed()[0]
    after: Post = replace(taken, **changes, wanted=1)  # type: ignore[arg-type]  # any field; `wanted` is left alone
    store.record(after)
    (kept,) = store.posts(name())
    assert kept == replace(after, wanted=2, state=state)
    assert list(store.owed()) == ([kept] if state is PostState.OWED else [])


def test_recording_a_post_that_nobody_owes_owes_nothing(store: Store) -> None:
    store.record(post())
    assert list(store.owed()) == []


def test_what_was_decided_first_is_owed_first(store: Store) -> None:
    """Equal times go by `n`; what is sent is no longer owed, and stands in its incident's posts all the same."""
    later, first, second, sent = post(1, after=0.5), post(7), post(9), post(3, after=0.25)
    store.commit(begun(1, posts=(later, second, sent)))
    store.commit(begun(2, posts=(replace(first, incident=name(2)),)))
    store.record(replace(sent, sent=1, ts="1.1", state=PostState.SENT))
    assert [one.n for one in store.owed()] == [7, 9, 1]
    assert [one.n for one in store.posts(name())] == [9, 3, 1]


@pytest.mark.parametrize("kind", PostKind)
def test_posts_of_a_kind_are_those_among_all(store: Store, kind: PostKind) -> None:
    posts = tuple(
        post(number, kind=one, after=1.0 - number / 100)
        for number, one in enumerate((*PostKind, PostKind.CALL, PostKind.ROOT))
    )
    store.commit(begun(1, posts=posts))
    store.commit(begun(2, posts=tuple(replace(one, incident=name(2), n=one.n + 100) for one in posts)))
    for incident in (name(), name(2), name(3)):
        among = [one for one in store.posts(incident) if one.kind is kind]
        assert list(store.posts(incident, kind=kind)) == among
    assert store.posts(name(), kind=kind)


def test_every_call_of_an_incident_is_wanted_once_more_and_nothing_else(store: Store) -> None:
    first, other = post(kind=PostKind.CALL), post(kind=PostKind.LINE, n=1)
    elsewhere = post(kind=PostKind.CALL, number=2)
    store.commit(begun(1, posts=(first, other)))
    store.commit(begun(2, posts=(elsewhere,)))
    for one in (first, other, elsewhere):
        store.record(replace(one, ts="1.0", sent=1, state=PostState.SENT))
    store.commit(Change(recalled=(name(),)))
    (owed,) = store.owed()
    assert (owed.key, owed.wanted, owed.sent) == (first.key, 2, 1)
    store.commit(Change(posts=(replace(first, channel="webhook"),), recalled=(name(),)))
    assert sorted((one.key, one.wanted) for one in store.owed()) == sorted(
        [(first.key, 3), (replace(first, channel="webhook").key, 1)]
    ), "a new call is wanted once"


def test_how_often_a_message_was_gone_is_kept(store: Store) -> None:
    store.commit(begun(1, posts=(post(),)))
    store.record(replace(post(), gone=2, problem="deleted"))
    (owed,) = store.owed()
    assert (owed.gone, owed.problem) == (2, "deleted")
