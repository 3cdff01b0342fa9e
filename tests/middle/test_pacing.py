"""How fast posts follow each other, and what goes first, by the clock of the test."""

import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from monitor.adapters.memory.world import RecordingPager
from monitor.core.pages.page import ActionKind
from monitor.delivery.outbox import Tempo
from monitor.delivery.pacing import in_order
from monitor.ports.pager import Ambiguous, Delivery, Message, RetryAfter
from monitor.ports.store import Change, NewEvents, Post, PostKind, PostState
from tests.middle.house import BAD, START, WORST, House, group, rule

LOGIN, ERRORS = rule("Login", rollback=0), rule("Errors", prepare=0)
NOW = datetime.fromtimestamp(START, UTC)
POST = Post("INC-0001", "C0OPS", PostKind.ROOT, 0, "rollback_opens", NOW)


class TimedPager(RecordingPager):
    """Recalls when it was asked what."""

    house: House

    def deliver(self, message: Message) -> Delivery:
        self.at = [*getattr(self, "at", []), (self.house.clock.monotonic(), message.post)]
        return super().deliver(message)


def paced(*replies: Delivery) -> tuple[House, TimedPager]:
    """A house at the usual tempo, with a rollback to be told."""
    pager = TimedPager(replies)
    house = pager.house = House(group("critical", LOGIN, ERRORS), pager=pager, tempo=Tempo())
    house.says("Login", WORST)
    house.evaluate_all()
    return house, pager


def let_pass(house: House, seconds: float, step: float = 0.25) -> None:
    for _ in range(int(seconds / step)):
        house.outbox.deliver_due()
        house.clock.advance(step)


def another(house: House, number: int, channel: str = "C0OPS", kind: PostKind = PostKind.ROOT) -> Post:
    """Another incident is to be told."""
    name = f"INC-{number:04d}"
    post = replace(POST, incident=name, channel=channel, kind=kind, decided_at=house.clock.now())
    events = NewEvents(name, 0, tuple(house.store.events("INC-0001")))
    house.store.commit(Change(events=(events,), posts=(post,)))
    return post


def test_new_posts_of_a_channel_are_a_second_apart_and_others_do_not_wait() -> None:
    house, pager = paced()
    for number in (2, 3):
        another(house, number)
    another(house, 4, channel="C0OTHER")
    let_pass(house, 3)
    at = {post.incident: at - 1000 for at, post in pager.at}
    assert at == {"INC-0001": 0, "INC-0002": 1, "INC-0003": 2, "INC-0004": 0}


def test_what_is_asked_to_wait_holds_up_its_method_and_channel_alone() -> None:
    house, pager = paced()
    house.outbox.deliver_due()
    pager._replies.append(RetryAfter(20, "429"))
    another(house, 2)
    house.clock.advance(1)
    house.outbox.deliver_due()
    another(house, 3)
    another(house, 4, channel="C0OTHER")
    house.ask(ActionKind.ACKNOWLEDGE)
    began, before = house.clock.monotonic(), len(pager.at)
    let_pass(house, 25)
    after = {post.incident: at - began for at, post in pager.at[before:]}
    assert after["INC-0001"] == after["INC-0004"] == 0, "edits, and the other channel"
    assert 20 <= after["INC-0002"] < after["INC-0003"] <= 21.5
    assert house.store.owed() == []


def test_what_waits_alone_holds_up_nobody() -> None:
    house, pager = paced(RetryAfter(20, "reading is limited", alone=True))
    house.outbox.deliver_due()
    house.clock.advance(1)
    another(house, 2)
    house.outbox.deliver_due()
    assert [post.incident for _, post in pager.at] == ["INC-0001", "INC-0002"]


def test_refreshes_are_three_seconds_apart_and_a_new_stage_goes_at_once() -> None:
    house, pager = paced()
    house.outbox.deliver_due()
    for _ in range(16):  # 4 s of refreshes
        house.desk.refresh("INC-0001")
        house.outbox.deliver_due()
        house.clock.advance(0.25)
    edits = [at - 1000 for at, post in pager.at if post.ts]
    assert edits == [3], "the newest revision stands for all before"
    house.ask(ActionKind.ACKNOWLEDGE)
    house.outbox.deliver_due()
    assert [at - 1000 for at, post in pager.at if post.ts] == [3, 4]


def test_an_edit_that_fails_again_and_again_is_not_made_faster() -> None:
    house, pager = paced()
    house.outbox.deliver_due()
    pager._replies += [Ambiguous("reset")] * 3
    house.ask(ActionKind.ACKNOWLEDGE)
    let_pass(house, 9)
    edits = [at - 1000 for at, post in pager.at if post.ts]
    assert edits[:3] == [0, 3, 6]


def test_what_pages_or_calls_goes_before_the_thread() -> None:
    posts = [
        replace(POST, n=n, kind=kind, reason=reason, mention=mention, decided_at=NOW + timedelta(seconds=at))
        for n, (kind, reason, mention, at) in enumerate(
            [
                (PostKind.ROOT, "prepare_opens", (), 0),
                (PostKind.ROOT, "rollback_opens", ("S0",), 1),
                (PostKind.BROADCAST, "recovered", (), 0),
                (PostKind.BROADCAST, "raised", (), 5),
                (PostKind.LINE, "escalated", ("S0",), 6),
                (PostKind.CALL, "refused", ("S0",), 2),
            ]
        )
    ]
    assert [post.n for post in in_order(posts)] == [1, 5, 0, 4, 3, 2]


def test_two_hundred_rules_at_once_page_first_lose_nothing_and_post_once_a_second() -> None:
    rules = [rule(f"Rule{n}", prepare=0) for n in range(199)]
    pager = TimedPager([RetryAfter(1, "429")] * 20)
    groups = [group(f"g{n}", one) for n, one in enumerate(rules)]
    house = pager.house = House(*groups, group("last", LOGIN), pager=pager, tempo=Tempo())
    for one in rules:
        house.says(one.alert, BAD)
    house.says("Login", WORST)
    house.evaluate_all()
    assert len(house.store.owed()) == 201 - 1, "a root and a post of each that joined; edits are part of the root"
    for _ in range(2000):
        house.clock.advance(max(0.05, house.outbox.deliver_due()))
        if not house.store.owed():
            break
    assert not house.store.owed()
    assert all(post.state is PostState.SENT for post in house.store.posts("INC-0001"))
    new = [(at, post) for at, post in pager.at if post.ts is None]
    gaps = [after - before for (before, _), (after, _) in itertools.pairwise(new)]
    assert min(gaps) >= 1.0 - 1e-6
    done = list(dict.fromkeys(post.key for _, post in new))
    assert done[0] == "INC-0001/C0OPS/root/0"
    assert "broadcast" in done[1], "what raised it to a rollback does not wait for 198 lines"
    assert len(done) == 200
    seen = [(at, post) for at, post in pager.at if post.ts is not None]
    assert len(seen) < len(new), "the root is edited for many at once"
