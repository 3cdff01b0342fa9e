"""Socket Mode with the real SDK against the strict server: clicks, refreshes, drops, outages, a clean end."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from monitor.adapters.slack import socket as socket_module
from monitor.adapters.slack.clicks import Typed
from monitor.adapters.slack.client import SlackPager
from monitor.adapters.slack.directory import SlackDirectory
from monitor.adapters.slack.forms import view_of
from monitor.adapters.slack.interactions import Dispatcher, Press, Speaker
from monitor.adapters.slack.socket import SlackSocket, _Connection
from monitor.core.pages.forms import Ask, Form
from monitor.core.pages.page import Action, ActionKind, Page, Tone
from monitor.core.rules.routing import Route
from monitor.ports.pager import Message, Sent
from monitor.ports.store import Post, PostKind
from tests.servers.slack import SlackServer, Stored, answers, error, hangs, wait

ACTIONS = (
    Action(ActionKind.ACKNOWLEDGE, "Acknowledge", "INC-0001|4"),
    Action(ActionKind.START, "Start rollback…", "INC-0001|4", danger=True),
)
PAGE = Page("INC-0001", Tone.ROLLBACK, "ROLLBACK NOW production: login 62 % failing", (), actions=ACTIONS)


class MonotonicClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


@dataclass
class Desk:
    """The first acknowledgement wins; `pause` is how long a commit takes; `fails` makes it raise."""

    done: list[tuple[ActionKind, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    pause: float = 0.0
    fails: bool = False

    def __call__(self, press: Press) -> str | None:
        time.sleep(self.pause)
        if self.fails:
            raise RuntimeError("the store is gone")
        with self.lock:
            first = next((name for what, name in self.done if what is press.command), None)
            self.done.append((press.command, press.by.name))
        return f"{press.incident} was acknowledged by {first}" if first else None


def said(typed: Typed, by: Speaker) -> str:  # noqa: ARG001  # the contract
    return f"{typed.name}: {' '.join(typed.words)}"


@contextmanager
def running(
    slack: SlackServer,
    desk: Desk,
    *,
    connections: int = 2,
    **more: Any,  # noqa: ANN401  # what the transport takes
) -> Iterator[SlackSocket]:
    """Run Socket Mode in a thread, as the daemon does; ends within two seconds and leaves nothing behind."""
    directory = SlackDirectory(slack.bot_token, MonotonicClock(), base_url=slack.url)
    dispatcher = Dispatcher(desk, directory, lambda _incident: Route(slack.channel, ("S0ONCALL",)), said)
    more = {"ping_every": 1, "connections": connections} | more
    socket = SlackSocket(slack.app_token, slack.bot_token, dispatcher, base_url=slack.url, **more)
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    left: list[asyncio.Task[object]] = []

    async def run() -> None:
        await socket.run(stop)
        left.extend(task for task in asyncio.all_tasks() if task is not asyncio.current_task())

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    try:
        yield socket
    finally:
        began = time.monotonic()
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        took = time.monotonic() - began
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    assert took < 2, f"it took {took:.1f} s to end"
    assert left == []


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with SlackServer() as slack:
        yield slack


@pytest.fixture
def slack(server: SlackServer) -> SlackServer:
    server.clear()
    return server


def page_in(slack: SlackServer) -> Stored:
    post = Post("INC-0001", slack.channel, PostKind.ROOT, 1, "rollback_opened", datetime.now(UTC))
    sent = SlackPager(slack.bot_token, base_url=slack.url).deliver(Message(post, page=PAGE))
    assert isinstance(sent, Sent)
    return slack.message(sent.ts)


def test_a_click_is_committed_then_acknowledged_quickly(slack: SlackServer) -> None:
    desk, message = Desk(), page_in(slack)
    with running(slack, desk) as socket:
        slack.wait_connected(2)
        wait(lambda: socket.connected, 2, "a connection")
        clicked = slack.click("U0ANA", message, "acknowledge")
        assert clicked.acked
        assert clicked.seconds < 1
        assert desk.done == [(ActionKind.ACKNOWLEDGE, "ana")]
        assert slack.told == []
    assert not socket.connected


def test_two_people_at_once_are_both_acknowledged_and_the_second_is_told(slack: SlackServer) -> None:
    desk, message = Desk(pause=0.05), page_in(slack)
    with running(slack, desk):
        slack.wait_connected(2)
        threads = [
            threading.Thread(target=slack.click, args=(who, message, "acknowledge")) for who in ("U0ANA", "U0BOB")
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        first, second = (name for _, name in desk.done)
        assert slack.wait_for_words(f"U0{second.upper()}") == f"INC-0001 was acknowledged by {first}"
        assert [one["user"] for one in slack.told] == [f"U0{second.upper()}"]


def test_an_envelope_sent_twice_has_one_effect_and_two_acknowledgements(slack: SlackServer) -> None:
    desk, message = Desk(), page_in(slack)
    with running(slack, desk):
        clicked = slack.click("U0ANA", message, "acknowledge")
        again = slack.send_payload(clicked.payload)
        assert (clicked.acked, again.acked, len(desk.done)) == (True, True, 1)


def test_a_handler_that_fails_is_acknowledged_and_said(slack: SlackServer) -> None:
    desk, message = Desk(fails=True), page_in(slack)
    with running(slack, desk):
        assert slack.click("U0ANA", message, "acknowledge").acked
        assert "look whether the message changed" in slack.wait_for_words("U0ANA")


def test_a_click_that_nobody_can_judge_is_not_acknowledged_and_said(slack: SlackServer) -> None:
    desk, message = Desk(), page_in(slack)
    slack.fault("auth.test", answers(500))
    with running(slack, desk) as socket:
        assert not slack.click("U0ANA", message, "acknowledge").acked
        assert "Slack could not be asked which workspace this is" in slack.wait_for_words("U0ANA")
        assert (desk.done, socket.failures) == ([], 0)


def test_a_commit_that_takes_too_long_is_not_acknowledged_and_counted(slack: SlackServer) -> None:
    desk, message = Desk(pause=2.8), page_in(slack)
    with running(slack, desk) as socket:
        assert not slack.click("U0ANA", message, "acknowledge").acked
        assert socket.failures == 1


def test_an_ephemeral_that_fails_is_let_go(slack: SlackServer) -> None:
    desk, message = Desk(), page_in(slack)
    slack.fault("chat.postEphemeral", error("user_not_in_channel"))
    with running(slack, desk):
        slack.click("U0ANA", message, "acknowledge")
        slack.click("U0BOB", message, "acknowledge")
        wait(lambda: slack.made("chat.postEphemeral"), 2, "the words")
        assert slack.click("U0ANA", message, "start").acked
        assert len(slack.made("chat.postEphemeral")) == 1


def test_envelopes_of_other_kinds_are_acknowledged(slack: SlackServer) -> None:
    with running(slack, Desk()) as socket:
        assert slack.send_payload({"type": "event_callback"}, kind="events_api").acked
        assert socket.failures == 0


@pytest.mark.parametrize("what", ["refresh", "drop"])
def test_clicks_come_through_after_the_connections_are_replaced(slack: SlackServer, what: str) -> None:
    desk, message = Desk(), page_in(slack)
    with running(slack, desk):
        slack.wait_connected(2)
        old = list(slack.sockets)
        (slack.ask_to_refresh if what == "refresh" else slack.drop_sockets)()
        wait(lambda: len(slack.sockets) == 2 and not set(slack.sockets) & set(old), 8, "new connections")
        assert slack.click("U0ANA", message, "acknowledge").acked


def test_a_click_during_a_refresh_is_acknowledged(slack: SlackServer) -> None:
    """Slack asks both connections to be replaced at once: they take clicks until the new ones are open."""
    desk, message = Desk(), page_in(slack)
    with running(slack, desk) as socket:
        slack.wait_connected(2)
        slack.click("U0ANA", message, "acknowledge")
        old = list(slack.sockets)
        slack.ask_to_refresh()
        clicked = [slack.click(user, message, "acknowledge") for user in ("U0ANA", "U0BOB", "U0EVE") * 2]
        assert all(one.acked for one in clicked)
        open_at_once = set[int]()

        def replaced() -> bool:
            open_at_once.add(len(slack.sockets))
            return len(slack.sockets) == 2 and not set(slack.sockets) & set(old)

        wait(replaced, 8, "new connections")
        assert min(open_at_once) >= 2, "there was always one to take a click"
        clicked.append(slack.click("U0ANA", message, "acknowledge"))
        assert clicked[-1].acked
        assert (len(desk.done), socket.failures) == (8, 0)
    worst = max(one.seconds for one in clicked)
    print(f"clicks during a socket refresh: acknowledged within {worst * 1000:.0f} ms")


def test_the_slash_command_is_answered_with_its_acknowledgement(slack: SlackServer) -> None:
    with running(slack, Desk()):
        typed = {"command": "/rbm", "user_id": "U0ANA", "team_id": "T0TEAM", "api_app_id": "A0APP", "trigger_id": "1"}
        sent = slack.send_payload(typed | {"text": "help"}, kind="slash_commands")
        assert sent.acked
        assert slack.acks[sent.envelope]["payload"] == {"response_type": "ephemeral", "text": "/rbm: help"}
        assert slack.told == []


def test_what_is_wrong_with_a_form_goes_back_with_its_acknowledgement(slack: SlackServer) -> None:
    desk = Desk()
    with running(slack, desk):
        view = view_of(Form("Note", "", (Ask("note", "What?"),), "Add"), ActionKind.NOTE, "INC-0001|4")
        opened = view | {"id": "V1", "hash": "1"}
        first, second = slack.submit("U0ANA", opened, {"note": "x"}), slack.submit("U0BOB", opened, {"note": "y"})
        assert first.acked
        assert second.acked
        assert "payload" not in slack.acks[first.envelope]
        assert slack.acks[second.envelope]["payload"] == {
            "response_action": "errors",
            "errors": {"note": "INC-0001 was acknowledged by ana"},
        }
        assert desk.done[0] == (ActionKind.NOTE, "ana")


def test_a_frozen_server_is_noticed_in_seconds(slack: SlackServer) -> None:
    """With the settings of production; nothing is said on the wire, only pongs stay away."""
    with running(slack, Desk(), ping_every=socket_module.PING_EVERY) as socket:
        slack.wait_connected(2)
        wait(lambda: socket.connected, 2, "a connection")
        time.sleep(1)
        slack.frozen = True
        slack.hangs_up = False
        began = time.monotonic()
        try:
            wait(lambda: not all(socket._alive), 30, "the silence to be noticed")
        finally:
            slack.frozen = False
        print(f"frozen server noticed after {time.monotonic() - began:.1f} s")
        wait(lambda: all(socket._alive), 30, "new connections")


def test_the_age_of_a_pong_is_told_by_the_clock_that_never_jumps() -> None:
    async def failing(told: float | None, ago: float) -> bool:
        connection = _Connection("xapp-x", AsyncWebClient(token="xoxb-x"), ping_every=5)
        connection.last_ping_pong_time = connection._pong = told
        connection._heard_at = time.monotonic() - ago
        answer = await connection.is_ping_pong_failing()
        await connection.shut()
        return answer

    a_year_ago = time.time() - 365 * 86_400
    assert not asyncio.run(failing(a_year_ago, ago=1))
    assert not asyncio.run(failing(None, ago=6))
    assert asyncio.run(failing(time.time(), ago=7))


def test_it_tells_when_it_is_deaf_and_when_it_hears_again() -> None:
    """At the first connection, since pages may still say that it is deaf; not for a short loss; until it is taken."""
    heard: list[tuple[bool, float]] = []
    troubles = [RuntimeError("the database is locked")]

    def hears(now: bool) -> None:  # noqa: FBT001  # the contract
        if not now and troubles:
            raise troubles.pop()
        heard.append((now, time.monotonic()))

    with SlackServer() as slack, running(slack, Desk(), heard=hears, deaf_after=3, ping_every=0.3):
        wait(lambda: heard, 5, "the first connection")
        slack.drop_sockets()
        time.sleep(1.5)
        slack.wait_connected(2)
        slack.down()
        gone = time.monotonic()
        try:
            wait(lambda: len(heard) == 2, 15, "the deafness to be told")
        finally:
            slack.up()
        wait(lambda: len(heard) == 3, 20, "the hearing to be told")
    assert heard[1][1] - gone > 2
    assert [now for now, _ in heard] == [True, False, True]
    assert troubles == []


def test_who_greets_every_new_connection_and_then_falls_silent_is_not_heard() -> None:
    heard: list[bool] = []
    with SlackServer() as slack, running(slack, Desk(), heard=heard.append, deaf_after=3, ping_every=0.3):
        wait(lambda: heard, 5, "the first connection")
        slack.frozen = True
        wait(lambda: len(heard) == 2, 15, "the deafness to be told")
        time.sleep(1)
        assert heard == [True, False], "a greeting is no sign of life"
        slack.frozen = False
        wait(lambda: len(heard) == 3, 20, "the hearing to be told")
    assert heard == [True, False, True]


def test_slack_down_at_the_start_and_again_later_is_survived() -> None:
    desk, slack = Desk(), SlackServer()
    with slack:
        slack.down()
        with running(slack, desk) as socket:
            time.sleep(0.3)
            assert not socket.connected
            slack.up()
            slack.wait_connected(2)
            slack.down()
            wait(lambda: not socket.connected, 8, "the loss to be noticed")
            slack.up()
            slack.wait_connected(1)
            assert slack.click("U0ANA", page_in(slack), "acknowledge").acked


@pytest.mark.parametrize(
    "fault",
    [answers(500), answers(200, "<html>"), error("invalid_auth"), error("ratelimited")],
    ids=lambda one: one.body or "500",
)
def test_a_refused_connection_is_tried_again(slack: SlackServer, fault: object) -> None:
    slack.fault("apps.connections.open", fault)  # type: ignore[arg-type]  # a fault
    with running(slack, Desk(), connections=1) as socket:
        wait(lambda: socket.connected, 5, "a connection")


def test_it_ends_at_once_while_slack_keeps_it_waiting(slack: SlackServer) -> None:
    slack.fault("apps.connections.open", hangs(3))
    with running(slack, Desk(), connections=1):
        time.sleep(0.2)


def test_a_frozen_server_is_noticed_and_does_not_hold_up_the_end() -> None:
    with SlackServer() as slack, running(slack, Desk(), connections=1):
        slack.wait_connected(1)
        frozen = slack.sockets[0]
        slack.frozen = True
        wait(lambda: slack.sockets and frozen not in slack.sockets, 10, "a new connection")


def test_a_server_that_hangs_up_at_once_is_not_hammered() -> None:
    with SlackServer() as slack:
        slack.hangs_up = True
        with running(slack, Desk(), connections=1):
            time.sleep(1.5)
            assert 2 <= len(slack.made("apps.connections.open")) <= 4
