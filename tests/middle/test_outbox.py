"""What is owed is posted: once, in order, again after trouble, and edited rather than posted twice."""

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.memory.world import RecordingPager
from monitor.core.pages.page import ActionKind, Tone
from monitor.delivery.attempts import BACKOFF, REJECTED_PAUSE, delivered
from monitor.delivery.lane import IDLE
from monitor.delivery.outbox import Bell, Delivered, Outbox
from monitor.delivery.pacing import ORDER, in_order
from monitor.desk.scenes import Scenes
from monitor.ports.pager import Ambiguous, Delivery, Message, Rejected, RetryAfter, Sent
from monitor.ports.store import Change, NewEvents, Post, PostKind, PostState, StoreError
from tests.middle.house import (
    BAD,
    BEN,
    INTERVAL,
    QUIET,
    ROUTE,
    START,
    WORST,
    House,
    RecallingStore,
    group,
    rule,
    rule_set,
)

LOGIN, ERRORS = rule("Login", rollback=0), rule("Errors", prepare=0)
CRITICAL = group("critical", LOGIN, ERRORS)
NOW = datetime.fromtimestamp(START, UTC)
POST = Post("INC-0001", "C0OPS", PostKind.ROOT, 0, "rollback_opens", NOW)


def paged(*replies: Delivery) -> House:
    """A house with a rollback to be told, and a pager that answers `replies` first. Nothing is delivered yet."""
    house = House(CRITICAL, pager=RecordingPager(replies))
    house.says("Login", WORST)
    house.evaluate_all()
    return house


def joined(house: House) -> House:
    """The same after another service joined, which owes a broadcast and an edit."""
    house.says("Errors", BAD, since=START + INTERVAL)
    house.clock.advance(INTERVAL)
    house.evaluate_all()
    return house


def keys(house: House) -> list[str]:
    return [message.post.key for message in house.pager.messages]


# --- one attempt, as a table ------------------------------------------------------------------------------------------

EDIT = replace(POST, ts="1.0", sent=1, wanted=2)


@pytest.mark.parametrize(
    ("post", "delivery", "state", "pause"),
    [
        pytest.param(POST, Sent("1.0"), PostState.SENT, None, id="sent"),
        pytest.param(POST, Ambiguous("reset"), PostState.OWED, BACKOFF[0], id="nobody knows=>again soon"),
        pytest.param(replace(POST, attempts=3), Ambiguous("reset"), PostState.OWED, BACKOFF[3], id="four times=>later"),
        pytest.param(
            replace(POST, attempts=99),
            Ambiguous("reset"),
            PostState.OWED,
            BACKOFF[-1],
            id="often=>no later",
        ),
        pytest.param(POST, RetryAfter(17.0, "429"), PostState.OWED, 17, id="told to wait=>as long as told"),
        pytest.param(POST, Rejected("not_in_channel"), PostState.OWED, REJECTED_PAUSE, id="a new post refused=>again"),
        pytest.param(EDIT, Ambiguous("reset"), PostState.OWED, BACKOFF[0], id="an edit nobody knows of=>again"),
        pytest.param(EDIT, Rejected("cant_update"), PostState.FAILED, None, id="an edit refused=>given up"),
    ],
)
def test_after(post: Post, delivery: Delivery, state: PostState, pause: int | None) -> None:
    after = delivered(post, delivery, NOW)
    assert after.state is state
    assert after.not_before == (None if pause is None else NOW + timedelta(seconds=pause))
    doubted = post.attempts > 0 or isinstance(delivery, Ambiguous)
    assert after.attempts == (0 if isinstance(delivery, Sent) or not doubted else post.attempts + 1)
    assert after.problem == (delivery.why if not isinstance(delivery, Sent) else "")
    assert after.key == post.key


def test_what_goes_out_first() -> None:
    posts = [
        Post("INC-0001", "C0OPS", kind, n, "", NOW + timedelta(seconds=at), ts=ts)
        for n, (kind, at, ts) in enumerate(
            [
                (PostKind.ROOT, 0, "1.0"),
                (PostKind.LINE, 1, None),
                (PostKind.CARD, 2, None),
                (PostKind.BROADCAST, 3, None),
                (PostKind.BROADCAST, 2, None),
                (PostKind.ROOT, 9, None),
            ]
        )
    ]
    assert [post.n for post in in_order(posts)] == [5, 4, 3, 2, 1, 0]
    assert set(ORDER) == set(PostKind)


# --- posted, then edited ----------------------------------------------------------------------------------------------


def test_a_page_is_posted_once_and_then_edited() -> None:
    house = paged()
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    assert house.told == ["root"]
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    first, second = house.pager.messages
    assert (first.post.key, first.post.ts) == (second.post.key, None)
    assert second.post.ts == "1.000000"
    assert second.page is not None
    assert "Acknowledged by Ana" in second.page.status[0]
    assert house.store.owed() == []


def test_several_changes_before_a_delivery_are_one_edit() -> None:
    house = paged()
    house.outbox.deliver_due()
    house.ask(ActionKind.ACKNOWLEDGE)
    house.says("Login", QUIET, since=START + INTERVAL)
    house.clock.advance(INTERVAL)
    house.evaluate_all()
    house.outbox.deliver_due()
    assert house.told.count("edit root") == 1


def test_a_page_that_waited_shows_the_present() -> None:
    house = paged()
    house.ask(ActionKind.START)
    house.outbox.deliver_due()
    (root,) = [message.page for message in house.pager.messages if message.page is not None]
    assert root.tone is Tone.IN_PROCEDURE
    assert house.told == ["root", "card"]


def test_an_edit_asked_for_while_one_is_under_way_is_made_too() -> None:
    house = paged()

    class Slow(RecordingPager):
        def deliver(self, message: Message) -> Delivery:
            if not self.messages:
                house.ask(ActionKind.ACKNOWLEDGE, BEN)
            return super().deliver(message)

    house.pager = Slow()
    house.build(house.book.now.rules)
    house.outbox.deliver_due()
    assert [post.state for post in house.store.owed()] == [PostState.OWED]
    house.outbox.deliver_due()
    assert house.told == ["root", "edit root"]
    assert house.store.owed() == []


def test_keys_are_the_same_in_every_try_and_different_in_every_post() -> None:
    house = joined(paged(Ambiguous("reset"), Ambiguous("reset")))
    for _ in range(4):
        house.outbox.deliver_due()
        house.clock.advance(BACKOFF[1])
    assert keys(house) == [*["INC-0001/C0OPS/root/0"] * 3, "INC-0001/C0OPS/broadcast/4"]
    assert len({post.key for post in house.store.posts("INC-0001")}) == 2


# --- trouble ----------------------------------------------------------------------------------------------------------


def test_a_reply_that_was_lost_is_tried_again_with_the_same_key_after_a_pause() -> None:
    house = paged(Ambiguous("reset by peer"), Ambiguous("timeout"))
    assert house.outbox.deliver_due() == BACKOFF[0]
    house.outbox.deliver_due()
    assert len(house.pager.messages) == 1
    house.clock.advance(BACKOFF[0])
    assert house.outbox.deliver_due() == BACKOFF[1]
    house.clock.advance(BACKOFF[1])
    assert house.outbox.deliver_due() == IDLE
    assert keys(house) == ["INC-0001/C0OPS/root/0"] * 3
    (root,) = house.store.posts("INC-0001")
    assert (root.ts, root.state, root.problem, root.attempts) == ("3.000000", PostState.SENT, "", 0)


def test_what_says_when_is_asked_then() -> None:
    house = paged(RetryAfter(3.5, "429"))
    assert house.outbox.deliver_due() == 3.5
    house.clock.advance(3)
    house.outbox.deliver_due()
    assert len(house.pager.messages) == 1
    house.clock.advance(0.5)
    house.outbox.deliver_due()
    assert house.store.owed() == []


def test_a_new_post_that_is_refused_stays_owed_and_is_tried_again_after_a_minute() -> None:
    house = paged(Rejected("not_in_channel"))
    house.outbox.deliver_due()
    house.clock.advance(REJECTED_PAUSE - 1)
    house.outbox.deliver_due()
    (root,) = house.store.owed()
    assert (len(house.pager.messages), root.problem) == (1, "not_in_channel")
    house.clock.advance(1)
    house.outbox.deliver_due()
    (told,) = house.store.owed()
    assert told.said == "This page could not be posted here for 60 s: not_in_channel. Nobody else was called."


def test_an_edit_that_is_refused_is_given_up_until_the_next_change() -> None:
    house = paged(Sent("1.0"), Rejected("cant_update_message"))
    house.outbox.deliver_due()
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    (root,) = house.store.posts("INC-0001")
    assert (root.state, root.problem) == (PostState.FAILED, "cant_update_message")
    house.clock.advance(3600)
    house.outbox.deliver_due()
    assert len(house.pager.messages) == 2
    house.ask(ActionKind.START)
    house.outbox.deliver_due()
    assert house.told == ["root", "edit root", "card", "edit root"]


def test_a_thread_waits_for_its_root() -> None:
    house = joined(paged(Rejected("not_in_channel")))
    house.outbox.deliver_due()
    assert house.told == ["root"]
    house.clock.advance(REJECTED_PAUSE)
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    assert [one.partition(":")[0] for one in house.told] == ["root", "root", "broadcast", "line"]
    assert house.pager.messages[-1].root_ts == "2.000000"


def test_trouble_with_one_incident_does_not_hold_up_another() -> None:
    house = paged(Ambiguous("reset"))
    house.outbox.deliver_due()
    other = replace(POST, incident="INC-0002")
    events = NewEvents("INC-0002", 0, tuple(house.store.events("INC-0001")))
    house.store.commit(Change(events=(events,), posts=(other,)))
    house.outbox.deliver_due()
    assert keys(house)[-1] == other.key


def test_a_page_that_is_decided_while_others_go_out_goes_before_the_rest() -> None:
    class Slow(RecordingPager):
        def deliver(self, message: Message) -> Delivery:
            if not self.messages:
                events = NewEvents("INC-0002", 0, tuple(house.store.events("INC-0001")))
                house.store.commit(Change(events=(events,), posts=(replace(POST, incident="INC-0002"),)))
                house.bell.ring()
            return super().deliver(message)

    house = joined(paged())
    house.pager = Slow()
    house.build(house.book.now.rules)
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    first, second, third = keys(house)
    assert (first, second) == ("INC-0001/C0OPS/root/0", "INC-0002/C0OPS/root/0")
    assert third.startswith("INC-0001/C0OPS/broadcast/")


def test_a_post_that_breaks_the_pager_does_not_hold_up_another() -> None:
    class Breaking(RecordingPager):
        def deliver(self, message: Message) -> Delivery:
            if message.post.incident == "INC-0001":
                raise ValueError("this page cannot be drawn")
            return super().deliver(message)

    house = House(CRITICAL, pager=Breaking())
    house.says("Login", WORST)
    house.evaluate_all()
    other = replace(POST, incident="INC-0002", decided_at=house.clock.now() + timedelta(seconds=1))
    events = NewEvents("INC-0002", 0, tuple(house.store.events("INC-0001")))
    house.store.commit(Change(events=(events,), posts=(other,)))
    with pytest.raises(ValueError, match="cannot be drawn"):
        house.outbox.deliver_due()
    assert keys(house) == [other.key]


def test_a_channel_that_changed_gets_its_own_root_and_the_old_one_goes_on() -> None:
    house = paged()
    house.outbox.deliver_due()
    house.reloader.adopt(rule_set(CRITICAL, route=replace(ROUTE, channel="C0NEW")))
    joined(house)
    house.outbox.deliver_due()
    told = [(message.post.channel, message.post.kind, message.root_ts) for message in house.pager.messages]
    assert told == [
        ("C0OPS", PostKind.ROOT, None),
        ("C0NEW", PostKind.ROOT, None),
        ("C0NEW", PostKind.BROADCAST, "2.000000"),
        ("C0OPS", PostKind.BROADCAST, "1.000000"),
        ("C0OPS", PostKind.ROOT, None),
    ]


def test_a_restart_goes_on_with_what_is_owed() -> None:
    house = paged(Ambiguous("killed"))
    house.outbox.deliver_due()
    house.build(house.book.now.rules)
    house.clock.advance(BACKOFF[0])
    house.outbox.deliver_due()
    house.outbox.deliver_due()
    assert keys(house) == ["INC-0001/C0OPS/root/0"] * 2


def test_what_an_earlier_process_left_may_have_gone_out_and_is_looked_for() -> None:
    house = paged()
    house.clock.advance(1)
    house.build(house.book.now.rules)  # killed between the pager's ok and writing it down: no attempt is on record
    house.says("Errors", BAD)
    house.walk(INTERVAL)
    told = [(message.post.kind, message.post.attempts) for message in house.pager.messages]
    assert told == [(PostKind.ROOT, 1), (PostKind.BROADCAST, 0)]


def test_what_went_out_and_could_not_be_written_down_is_looked_for() -> None:
    class Full(RecallingStore):
        full = True

        def record(self, post: Post) -> None:
            if self.full:
                raise StoreError("the disk is full")
            super().record(post)

    house = House(CRITICAL)
    store = house.store = Full()
    house.build(rule_set(CRITICAL))
    house.says("Login", WORST)
    house.evaluate_all()
    with pytest.raises(StoreError, match="full"):
        house.outbox.deliver_due()
    store.full = False
    house.outbox.deliver_due()
    assert [message.post.attempts for message in house.pager.messages] == [0, 1]
    assert not store.owed()


# --- the thread -------------------------------------------------------------------------------------------------------


def running(house: House, *, seen: list[Delivered], failed: list[Exception]) -> tuple[Outbox, threading.Thread]:
    scenes = Scenes(house.book, house.engine.readings)
    outbox = Outbox(house.store, house.pager, house.clock, scenes, house.bell, seen.append)
    thread = threading.Thread(target=outbox.run, args=(failed.append,))
    thread.start()
    return outbox, thread


def until(found: list[Delivered], count: int) -> float:
    """Wait for `count` deliveries; give the seconds that it took."""
    began = time.monotonic()
    while len(found) < count and time.monotonic() - began < 3:
        time.sleep(0.002)
    assert len(found) == count
    return time.monotonic() - began


def test_the_bell_wakes_it() -> None:
    house, seen = House(CRITICAL), list[Delivered]()
    outbox, thread = running(house, seen=seen, failed=[])
    time.sleep(0.05)
    house.says("Login", WORST)
    house.evaluate_all()
    assert until(seen, 1) < IDLE / 5
    house.ask(ActionKind.ACKNOWLEDGE)
    assert until(seen, 2) < IDLE / 5
    outbox.stop()
    thread.join(1)
    assert not thread.is_alive()
    assert [one.post.key for one in seen] == ["INC-0001/C0OPS/root/0"] * 2
    assert [type(one.delivery) for one in seen] == [Sent, Sent]


def test_a_bell_that_rang_before_anybody_listened_is_heard_once() -> None:
    bell = Bell()
    bell.ring()
    began = time.monotonic()
    bell.wait(2)
    assert time.monotonic() - began < 1
    began = time.monotonic()
    bell.wait(0.05)
    assert time.monotonic() - began >= 0.04


def test_a_store_that_fails_is_told_and_tried_again() -> None:
    class Failing(RecallingStore):
        troubles = 1

        def owed(self) -> list[Post]:
            if self.troubles:
                self.troubles -= 1
                raise StoreError("the disk is full")
            return list(super().owed())

    house, seen, failed = House(CRITICAL), list[Delivered](), list[Exception]()
    house.store = Failing()
    house.build(rule_set(CRITICAL))
    house.says("Login", WORST)
    outbox, thread = running(house, seen=seen, failed=failed)
    house.evaluate_all()
    until(seen, 1)
    outbox.stop()
    thread.join(1)
    assert [str(one) for one in failed] == ["the disk is full"]


def test_asked_to_stop_it_begins_no_other_delivery() -> None:
    house = joined(paged())

    class Stopping(RecordingPager):
        def deliver(self, message: Message) -> Delivery:
            house.outbox.stop()
            return super().deliver(message)

    house.pager = Stopping()
    house.build(house.book.now.rules)
    house.outbox.run(lambda _error: None)
    assert house.told == ["root"]
    assert [post.kind for post in house.store.owed()] == [PostKind.BROADCAST]


def test_how_long_a_page_took_is_told() -> None:
    house, seen = paged(Ambiguous("reset")), list[Delivered]()
    outbox = Outbox(
        house.store, house.pager, house.clock, Scenes(house.book, house.engine.readings), house.bell, seen.append
    )
    outbox.deliver_due()
    house.clock.advance(2)
    outbox.deliver_due()
    assert [(type(one.delivery), one.seconds) for one in seen] == [(Ambiguous, 0.0), (Sent, 2.0)]
