"""Clicks: read, checked, deduplicated, handed on and answered; whatever is sent, nothing is raised."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.adapters.slack import interactions
from monitor.adapters.slack.interactions import Answer, Dispatcher, click_of
from monitor.core.events import Actor, Role, Source
from monitor.core.page import ActionKind
from monitor.core.rule import Route

ROUTE = Route("C0OPS", responders=("U0ANA",))


@dataclass
class People:
    """A directory of made-up people."""

    team: str = "T0TEAM"

    def roles(self, user: str, route: Route) -> frozenset[Role]:
        return frozenset({Role.RESPONDER}) if user in route.responders else frozenset()

    def name(self, user: str) -> str:
        return user.removeprefix("U0").lower()

    def team_id(self) -> str:
        return self.team


@dataclass
class Desk:
    """Takes commands and remembers them; the first acknowledgement wins."""

    done: list[tuple[str, ActionKind, Actor, str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    fails: int = 0

    def __call__(self, incident: str, command: ActionKind, actor: Actor, note: str) -> str | None:
        with self.lock:
            if self.fails:
                self.fails -= 1
                raise RuntimeError("the store is gone")
            taken = [by.name for _, what, by, _ in self.done if what is command]
            self.done.append((incident, command, actor, note))
        return f"already done by {taken[0]}" if taken else None


def payload(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
    action = {"action_id": "acknowledge", "value": "INC-0001|4", "type": "button", "action_ts": "1772334131.000100"}
    action |= {name: changes.pop(name) for name in ("action_id", "value", "action_ts") if name in changes}
    return {
        "type": "block_actions",
        "user": {"id": "U0ANA", "username": "ana", "team_id": "T0TEAM"},
        "api_app_id": "A0APP",
        "team": {"id": "T0TEAM"},
        "channel": {"id": "C0OPS"},
        "message": {"ts": "1772334100.000001"},
        "actions": [action],
    } | changes


def dispatcher(desk: Desk, *, team: str = "T0TEAM", app_id: str = "A0APP") -> Dispatcher:
    return Dispatcher(desk, People(team), lambda: ROUTE, app_id=app_id)


def test_a_click_reaches_the_handler_with_who_and_what() -> None:
    desk = Desk()
    assert dispatcher(desk).dispatch(payload()).ephemeral is None
    ana = Actor("U0ANA", "ana", Source.SLACK, frozenset({Role.RESPONDER}))
    assert desk.done == [("INC-0001", ActionKind.ACKNOWLEDGE, ana, "")]


@pytest.mark.parametrize(
    ("changes", "command", "note"),
    [
        ({"action_id": "start"}, ActionKind.START, ""),
        ({"action_id": "still_on_it"}, ActionKind.STILL_ON_IT, ""),
        ({"action_id": "dealt_with", "value": "DRILL-0007|12|3"}, ActionKind.DEALT_WITH, "3"),
        ({"action_id": "dealt_with:2", "value": "INC-0001|12|1"}, ActionKind.DEALT_WITH, "1"),
    ],
)
def test_every_button_has_its_command(changes: dict[str, str], command: ActionKind, note: str) -> None:
    desk = Desk()
    dispatcher(desk).dispatch(payload(**changes))
    assert [(what, words) for _, what, _, words in desk.done] == [(command, note)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action_id": "launch"}, "not one that the running version knows"),
        ({"value": "INC-0001"}, "not one that the running version knows"),
        ({"value": "INC-0001|4|5|6"}, "not one that the running version knows"),
        ({"value": "'; drop table|4"}, "not one that the running version knows"),
        ({"value": ""}, "not one that the running version knows"),
        ({"team": {"id": "T0OTHER"}}, "Only members of the workspace"),
        ({"user": {"id": "U0EVE", "team_id": "T0OTHER"}}, "Only members of the workspace"),
        ({"api_app_id": "A0OTHER"}, "another Slack app"),
    ],
)
def test_what_may_not_or_cannot_be_done_is_answered(changes: dict[str, Any], words: str) -> None:
    desk = Desk()
    answer = dispatcher(desk).dispatch(payload(**changes))
    assert answer.ephemeral is not None
    assert words in answer.ephemeral
    assert desk.done == []


def test_while_our_team_is_unknown_guests_of_another_team_are_refused_all_the_same() -> None:
    desk = Desk()
    answer = dispatcher(desk, team="").dispatch(payload(user={"id": "U0EVE", "team_id": "T0OTHER"}))
    assert answer.ephemeral is not None
    assert dispatcher(desk, team="").dispatch(payload()).ephemeral is None
    assert len(desk.done) == 1


@pytest.mark.parametrize(
    ("second", "effects"),
    [
        (("e1", payload()), 1),
        (("e2", payload()), 1),
        (("e1", payload(action_ts="1772334139.000100")), 1),
        (("e2", payload(action_ts="1772334139.000100")), 2),
        (("e2", payload(user={"id": "U0BOB", "team_id": "T0TEAM"})), 2),
    ],
    ids=["the same", "same click, new envelope", "same envelope", "another click", "another person"],
)
def test_a_repeated_click_has_one_effect(second: tuple[str, dict[str, Any]], effects: int) -> None:
    desk = Desk()
    door = dispatcher(desk)
    door.dispatch(payload(), "e1")
    door.dispatch(second[1], second[0])
    assert len(desk.done) == effects


def test_a_click_that_failed_is_answered_and_may_be_repeated() -> None:
    desk = Desk(fails=1)
    door = dispatcher(desk)
    with capture_logs() as logs:
        failed = door.dispatch(payload(), "e1")
    assert failed.ephemeral is not None
    assert "look whether the message changed" in failed.ephemeral
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["slack.click_failed"]
    assert door.dispatch(payload(), "e1").ephemeral is None
    assert len(desk.done) == 1


def test_two_people_at_once_both_get_an_answer_and_one_wins() -> None:
    desk = Desk()
    door = dispatcher(desk)
    together = threading.Barrier(2)
    answers: dict[str, Answer] = {}

    def press(user: str) -> None:
        together.wait()
        answers[user] = door.dispatch(payload(user={"id": user, "team_id": "T0TEAM"}))

    threads = [threading.Thread(target=press, args=(user,)) for user in ("U0ANA", "U0BOB")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = desk.done[0][2].name
    assert sorted(str(one.ephemeral) for one in answers.values()) == sorted(["None", f"already done by {first}"])


def test_memory_of_clicks_is_bounded() -> None:
    desk = Desk()
    door = dispatcher(desk)
    for number in range(interactions.REMEMBERED + 50):
        door.dispatch(payload(action_ts=str(number)), f"e{number}")
    assert len(door._seen) == interactions.REMEMBERED


BROKEN: list[tuple[str, Callable[[], object]]] = [
    ("nothing", lambda: None),
    ("a list", lambda: [payload()]),
    ("another type", lambda: payload(type="view_submission")),
    ("no actions", lambda: payload(actions=[])),
    ("an action that is no object", lambda: payload(actions=["x"])),
    ("no user", lambda: payload(user=None)),
    ("no team", lambda: payload(team=None)),
    ("a user that is a list", lambda: payload(user=["U0ANA"])),
]


@pytest.mark.parametrize("make", [make for _, make in BROKEN], ids=[name for name, _ in BROKEN])
def test_a_payload_that_is_no_click_is_dropped_with_a_log_line(make: Callable[[], object]) -> None:
    desk = Desk()
    with capture_logs() as logs:
        assert dispatcher(desk).dispatch(make()) == Answer()
    assert [one["event"] for one in logs] == ["slack.payload_dropped"]
    assert desk.done == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(payload())), inner, max_size=9),
    max_leaves=20,
)


@given(JSON, st.dictionaries(st.sampled_from(sorted(payload())), JSON, max_size=4))
def test_no_payload_raises(anything: object, changes: dict[str, Any]) -> None:
    desk = Desk()
    with capture_logs():
        dispatcher(desk).dispatch(anything)
        dispatcher(desk).dispatch(payload() | changes)


def test_a_button_in_the_thread_knows_its_thread() -> None:
    click = click_of(payload(message={"ts": "2.0", "thread_ts": "1.0"}))
    assert click is not None
    assert (click.message_ts, click.thread, click.channel) == ("2.0", "1.0", "C0OPS")
