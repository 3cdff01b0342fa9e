"""The outbox and the real Slack client on the strict Slack server: storms, refusals, and messages that go away."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.memory.world import RecordingPager
from monitor.adapters.slack.client import SlackPager
from monitor.core.actor import MONITOR
from monitor.core.incidents.events import AlertFired, Event, Firing, Opened
from monitor.core.model import AlertKey, Tier
from monitor.delivery.outbox import Bell, Destinations, Outbox
from monitor.desk.scenes import Scenes
from monitor.ports.store import Change, NewEvents, Post, PostKind
from monitor.rulebook import RuleBook
from tests.middle.house import group, rule, rule_set
from tests.servers.slack import OK, SlackServer, answers, lost_reply, rate_limited

BOOK = RuleBook(rule_set(group("critical", rule("Login", rollback=0))))


class WallClock:
    """The machine's clock, as in the composition root."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class House:
    """A store with things to tell, and an outbox that runs."""

    def __init__(self, slack: SlackServer, second: str = "") -> None:
        self.slack = slack
        self.store, self.bell, self.duty = MemoryStore(), Bell(), RecordingPager()
        self.failed: list[Exception] = []
        pager = SlackPager(slack.bot_token, base_url=slack.url, timeout=3)
        elsewhere = Destinations({"pagerduty": self.duty}, lambda: second)
        self.outbox = Outbox(self.store, pager, WallClock(), Scenes(BOOK, {}), self.bell, destinations=elsewhere)

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self.outbox.run, args=(self.failed.append,))
        thread.start()
        try:
            yield
        finally:
            self.outbox.stop()
            thread.join(10)
        assert not thread.is_alive()
        assert self.failed == []

    def owe(self, number: int = 1, kind: PostKind = PostKind.ROOT, n: int = 0, reason: str = "rollback_opens") -> None:
        """Owe a post of an incident, which opens with its root."""
        now, name = datetime.now(UTC), f"INC-{number:04d}"
        firing = Firing(AlertKey("Login", (), Tier.ROLLBACK), "auth", "login fails", since=now, fired_at=now)
        opened = (Opened(now, MONITOR, "production"), AlertFired(now, MONITOR, firing))
        events = () if self.store.events(name) else (NewEvents(name, 0, opened),)
        post = Post(name, self.slack.channel, kind, n, reason, now, said=f"line {n}" if n else "")
        self.store.commit(Change(events=events, posts=(post,)))
        self.bell.ring()

    def settle(self, within: float = 60) -> None:
        """Wait until nothing is owed."""
        until(lambda: not self.store.owed(), within)


def until(found: Callable[[], object], within: float = 30) -> None:
    ends = time.monotonic() + within
    while not found():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.02)


def keys(slack: SlackServer) -> list[str]:
    return [one.metadata["event_payload"]["key"] for one in slack.everything()]


def test_a_channel_that_takes_one_post_a_second_never_refuses_ours() -> None:
    with SlackServer(posts_a_second=1) as slack:
        house = House(slack)
        with house.running():
            for n in range(1, 4):
                house.owe(1, PostKind.LINE, n)
            house.owe(1)
            house.owe(2)
            house.settle()
        assert sorted(keys(slack)) == sorted({post.key for number in (1, 2) for post in posts(house, number)})
        assert {one.rpartition("/root")[1] for one in keys(slack)[:2]} == {"/root"}, "pages first"
        assert slack.refused == []


def posts(house: House, number: int) -> list[Post]:
    return list(house.store.posts(f"INC-{number:04d}"))


def test_a_storm_of_429_lost_replies_and_500_loses_and_doubles_nothing() -> None:
    with SlackServer() as slack:
        house = House(slack)
        slack.fault(
            "chat.postMessage", rate_limited("1"), lost_reply(), answers(500), OK, rate_limited("1"), lost_reply()
        )
        slack.fault("conversations.history", answers(500), rate_limited("1"))
        slack.fault("conversations.replies", rate_limited("1"))
        with house.running():
            house.owe(1)
            for n in range(1, 4):
                house.owe(1, PostKind.LINE, n)
            house.settle()
        assert sorted(keys(slack)) == sorted(post.key for post in posts(house, 1))


@pytest.mark.parametrize("state", ["is_archived", "not_in_channel", "channel_not_found"])
def test_a_page_that_is_refused_is_in_the_second_channel_at_once_and_in_the_first_when_mended(
    monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    monkeypatch.setattr("monitor.delivery.attempts.REJECTED_PAUSE", 1)
    with SlackServer() as slack:
        house = House(slack, second="C0DRILL")
        slack.channels[slack.channel] = state
        with house.running():
            house.owe()
            until(lambda: slack.messages("C0DRILL"))
            slack.channels[slack.channel] = "open"
            until(lambda: len(slack.everything(slack.channel)) == 2)
            house.settle()
        root, line = slack.everything(slack.channel)
        assert root.shown.startswith("# 🔴 ROLLBACK NOW production")
        assert line.thread_ts == root.ts
        assert line.text.startswith("This page could not be posted here for ")
        assert "Called meanwhile: C0DRILL at " in line.text
        assert house.duty.messages == []


def test_a_token_that_was_revoked_calls_the_other_pagers_at_once() -> None:
    with SlackServer() as slack:
        house = House(slack)
        slack.bot_token = "xoxb-another"
        with house.running():
            house.owe()
            until(lambda: house.duty.messages)
        assert house.duty.messages[0].call is not None
        assert [post.kind for post in house.store.owed()] == [PostKind.ROOT], "tried again later"


def test_a_root_that_somebody_deletes_is_there_again_and_says_so() -> None:
    with SlackServer() as slack:
        house = House(slack)
        with house.running():
            house.owe()
            house.settle()
            first = slack.wait_for_message(slack.channel)
            slack.delete(first.ts)
            house.owe(1, PostKind.LINE, 1)
            until(lambda: len(slack.everything()) == 2)
            house.settle()
        root, line = slack.everything()
        assert "The message before this one was deleted in Slack; this one takes its place." in root.shown
        assert line.thread_ts == root.ts


def test_two_hundred_endpoints_fit_a_message() -> None:
    with SlackServer() as slack:
        house = House(slack)
        now = datetime.now(UTC)
        one = Firing(AlertKey("Api", (), Tier.ROLLBACK), "auth", "x" * 300, since=now, fired_at=now)
        alerts = [replace(one, key=replace(one.key, labels=(("endpoint", f"/{n}"),))) for n in range(200)]
        events: tuple[Event, ...] = (Opened(now, MONITOR, "production"),)
        events += tuple(AlertFired(now, MONITOR, alert) for alert in alerts)
        post = Post("INC-0001", slack.channel, PostKind.ROOT, 0, "rollback_opens", now)
        house.store.commit(Change(events=(NewEvents("INC-0001", 0, events),), posts=(post,)))
        with house.running():
            house.settle()
        (root,) = slack.everything()
        assert "and 192 more" in root.shown
        assert slack.refused == []
