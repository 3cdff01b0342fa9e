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
from monitor.adapters.slack.clicks import Typed, click_of
from monitor.adapters.slack.interactions import Answer, Dispatcher, Home, Person, Press, Rights, Speaker
from monitor.core.actor import Actor, Role, Source
from monitor.core.pages.page import ActionKind
from monitor.core.rules.routing import Route

ROUTE = Route("C0OPS", responders=("U0ANA",))
OURS = Home("T0TEAM", "E0ORG", "A0APP")


@dataclass
class People:
    """A directory of made-up people."""

    at: Home | None = OURS
    unread: tuple[str, ...] = ()

    def rights(self, user: str, route: Route) -> Rights:
        return Rights(frozenset({Role.RESPONDER}) if user in route.responders else frozenset(), self.unread)

    def person(self, user: str, known_as: str) -> Person:
        assert user or known_as
        return Person(user.removeprefix("U0").lower(), "Bots may not." if user == "U0BOT" else "")

    def home(self) -> Home | None:
        return self.at


@dataclass
class Desk:
    """Takes commands and remembers them; the first acknowledgement wins."""

    done: list[Press] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    fails: int = 0

    def __call__(self, press: Press) -> str | None:
        with self.lock:
            if self.fails:
                self.fails -= 1
                raise RuntimeError("the store is gone")
            taken = [one.by.name for one in self.done if one.command is press.command]
            self.done.append(press)
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


def dispatcher(desk: Desk, people: People | None = None) -> Dispatcher:
    return Dispatcher(desk, people or People(), lambda _incident: ROUTE, answered)


def answered(typed: Typed, by: Speaker) -> str:
    words = by.ask(typed.words[0], ActionKind.ACKNOWLEDGE)
    return words or f"{typed.name} did it"


def test_a_click_reaches_the_handler_with_who_and_what() -> None:
    desk = Desk()
    assert dispatcher(desk).dispatch(payload()).ephemeral is None
    click = "U0ANA/acknowledge/1772334131.000100"
    ana = Actor("U0ANA", "ana", Source.SLACK, frozenset({Role.RESPONDER}), click=click)
    assert desk.done == [Press("INC-0001", ActionKind.ACKNOWLEDGE, ana, 4)]


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
    assert [(one.command, one.subject) for one in desk.done] == [(command, note)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action_id": "launch"}, "not one that the running version knows"),
        ({"value": "INC-0001"}, "not one that the running version knows"),
        ({"value": "INC-0001|4|5|6"}, "not one that the running version knows"),
        ({"value": "'; drop table|4"}, "not one that the running version knows"),
        ({"value": ""}, "not one that the running version knows"),
        ({"value": "INC-\u0660\u0660\u0660\u0661|4"}, "not one that the running version knows"),
        ({"team": None}, "Only members of the workspace"),
        ({"team": None, "is_enterprise_install": True, "enterprise": {"id": "E0ORG"}}, "Only members of the workspace"),
        ({"enterprise": {"id": "E0OTHER"}}, "Only members of the workspace"),
        ({"user": {"id": "U0BOT", "username": "bot", "team_id": "T0TEAM"}}, "Bots may not."),
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


def test_our_organisation_is_no_foreign_one() -> None:
    desk = Desk()
    assert dispatcher(desk).dispatch(payload(enterprise={"id": "E0ORG"})).ephemeral is None
    assert len(desk.done) == 1


def test_while_our_workspace_is_not_known_nothing_is_done_and_that_is_said() -> None:
    desk = Desk()
    answer = dispatcher(desk, People(None)).dispatch(payload())
    assert str(answer.ephemeral).startswith("Slack could not be asked which workspace this is")
    assert not answer.taken
    assert desk.done == []


def test_where_a_user_group_could_not_be_read_the_handler_hears_why() -> None:
    desk = Desk()
    dispatcher(desk, People(unread=("S0ONCALL",))).dispatch(payload())
    assert desk.done[0].doubt.startswith("Slack could not be asked who is in S0ONCALL, so this was not done")


THEIRS = {"INC-0001": ROUTE, "INC-0002": Route("C0BILL", responders=("U0BEN",))}


@pytest.mark.parametrize(
    ("incident", "user", "roles"),
    [
        ("INC-0001", "U0ANA", {Role.RESPONDER}),
        ("INC-0002", "U0ANA", set()),
        ("INC-0001", "U0BEN", set()),
        ("INC-0002", "U0BEN", {Role.RESPONDER}),
    ],
)
def test_rights_are_those_on_the_incident_that_is_meant(incident: str, user: str, roles: set[Role]) -> None:
    desk = Desk()
    door = Dispatcher(desk, People(), THEIRS.__getitem__, answered)
    who = {"id": user, "username": "x", "team_id": "T0TEAM"}
    door.dispatch(payload(value=f"{incident}|4", user=who))
    door.command(FORM | {"text": incident, "user_id": user})
    assert [(one.incident, one.by.roles) for one in desk.done] == [(incident, frozenset(roles))] * 2


def test_what_is_told_calls_nobody() -> None:
    desk = Desk(done=[Press("INC-0001", ActionKind.ACKNOWLEDGE, Actor("U", "<!channel> & co", Source.SLACK))])
    assert dispatcher(desk).dispatch(payload()).ephemeral == "already done by &lt;!channel&gt; &amp; co"


FORM = {
    "command": "/rbm",
    "text": "INC-0001 now",
    "user_id": "U0ANA",
    "user_name": "ana",
    "team_id": "T0TEAM",
    "api_app_id": "A0APP",
    "trigger_id": "13345224609.738474920",
}


def test_a_slash_command_acts_in_the_name_of_who_typed_it_once() -> None:
    desk = Desk()
    door = dispatcher(desk)
    assert door.command(FORM, "e1") == Answer("/rbm did it")
    assert door.command(FORM, "e2") == Answer()
    (press,) = desk.done
    assert (press.incident, press.by.name, press.by.click) == ("INC-0001", "ana", "U0ANA//rbm/13345224609.738474920")
    assert (press.rev, press.by.roles) == (None, frozenset({Role.RESPONDER}))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"team_id": "T0OTHER"}, "Only members of the workspace"),
        ({"enterprise_id": "E0OTHER"}, "Only members of the workspace"),
        ({"api_app_id": "A0OTHER"}, "another Slack app"),
        ({"user_id": ""}, ""),
        ({"command": "rbm"}, ""),
    ],
)
def test_a_slash_command_from_elsewhere_does_nothing(changes: dict[str, str], words: str) -> None:
    desk = Desk()
    with capture_logs():
        answer = dispatcher(desk).command(FORM | changes)
    assert words in (answer.ephemeral or "")
    assert desk.done == []


@pytest.mark.parametrize(
    ("second", "effects"),
    [
        (("e1", payload()), 1),
        (("e2", payload()), 1),
        (("e1", payload(action_ts="1772334139.000100")), 1),
        (("e2", payload(action_ts="1772334139.000100")), 2),
        (("e2", payload(user={"id": "U0BOB", "username": "bob", "team_id": "T0TEAM"})), 2),
    ],
    ids=["the same", "same click, new envelope", "same envelope", "another click", "another person"],
)
def test_a_repeated_click_has_one_effect(second: tuple[str, dict[str, Any]], effects: int) -> None:
    desk = Desk()
    door = dispatcher(desk)
    door.dispatch(payload(), "e1")
    door.dispatch(second[1], second[0])
    assert len(desk.done) == effects


def test_a_click_told_again_is_not_answered_before_the_first_one_is_committed() -> None:
    """Whoever carries it takes an answer for the promise that it counts, and tells it no more."""
    begun, commits, returned = threading.Event(), threading.Event(), threading.Event()

    def slow(press: Press) -> None:
        begun.set()
        assert commits.wait(5), press

    door = Dispatcher(slow, People(), lambda _incident: ROUTE)

    def again() -> None:
        begun.wait(5)
        door.dispatch(payload(), "e2")
        returned.set()

    threads = [threading.Thread(target=door.dispatch, args=(payload(), "e1")), threading.Thread(target=again)]
    for thread in threads:
        thread.start()
    assert not returned.wait(0.2)
    commits.set()
    assert returned.wait(5)
    for thread in threads:
        thread.join()


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
        answers[user] = door.dispatch(payload(user={"id": user, "username": user, "team_id": "T0TEAM"}))

    threads = [threading.Thread(target=press, args=(user,)) for user in ("U0ANA", "U0BOB")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    first = desk.done[0].by.name
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
        dispatcher(desk).command(anything)
        dispatcher(desk).command(FORM | changes)


def test_a_button_in_the_thread_knows_its_thread() -> None:
    click = click_of(payload(message={"ts": "2.0", "thread_ts": "1.0"}))
    assert click is not None
    assert (click.message_ts, click.thread, click.channel) == ("2.0", "1.0", "C0OPS")
