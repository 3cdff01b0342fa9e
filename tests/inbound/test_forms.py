"""Forms over signed HTTP: opened from a button, sent, refused with words in the form, carried out once."""

import json
import time
from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs

from monitor.adapters.slack.client import SlackPager
from monitor.core.incidents.procedureevents import Summoned
from monitor.core.pages.card import card
from monitor.core.pages.page import Scene
from monitor.core.rules.routing import Route
from monitor.ports.pager import Message, Sent
from monitor.ports.store import Post, PostKind
from tests.inbound.door import Door, opened
from tests.servers.slack import SlackServer, Stored, error, hangs, pressed


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with SlackServer() as slack:
        yield slack


@pytest.fixture
def door(server: SlackServer) -> Iterator[Door]:
    server.clear()
    with opened(server) as door:
        yield door


def steps(door: Door) -> Stored:
    """The procedure card, posted as the outbox would."""
    house, slack = door.house, door.slack
    incident = house.incident()
    shown = card(Scene(incident, house.clock.now(), {}))
    post = Post("INC-0001", slack.channel, PostKind.CARD, 1, "started", house.clock.now())
    sent = SlackPager(slack.bot_token, base_url=slack.url).deliver(Message(post, card=shown, root_ts=door.page.ts))
    assert isinstance(sent, Sent)
    return slack.message(sent.ts)


def test_a_note_is_written_in_a_form_and_carried_out_once(door: Door) -> None:
    assert door.click("U0EVE", "note") == 200
    view = door.slack.wait_for_view("U0EVE")
    assert (view["callback_id"], view["private_metadata"]) == ("note", f"INC-0001|{door.house.incident().rev}")
    assert door.submit("U0EVE", view, note="the provider has trouble") == {}
    assert door.submit("U0EVE", view, note="the provider has trouble") == {}, (
        "sent again by a client that lost the answer"
    )
    assert door.house.kinds().count("noted") == 1


def test_what_is_refused_is_said_in_the_form_which_can_be_sent_again(door: Door) -> None:
    door.click("U0ANA", "false_alarm")
    view = door.slack.wait_for_view("U0ANA")
    back = door.submit("U0ANA", view, reason="a load test", lasts="a week")
    assert back == {
        "response_action": "errors",
        "errors": {"reason": "Say how long it stays silenced as 30m or 2h, at most 24h."},
    }
    assert door.submit("U0ANA", view, reason="a load test", lasts="2h") == {}
    assert not door.house.incident().is_open
    assert [one.keys for one in door.house.store.silences()] == [tuple(one.key for one in door.house.incident().alerts)]


def test_a_refusal_that_is_on_record_does_not_stand_in_the_way_of_the_next_try(door: Door) -> None:
    door.click("U0ANA", "start")
    shown = steps(door)
    body = json.dumps(door.slack.payload("U0ANA", shown, pressed(shown, "force_end")))
    assert door.post(*door.slack.form({"payload": body})) == 200
    view = door.slack.wait_for_view("U0ANA")
    assert door.submit("U0ANA", view, reason="the probe is wrong") == {}
    again = json.dumps(door.slack.payload("U0ANA", shown, pressed(shown, "force_end")))
    assert door.post(*door.slack.form({"payload": again})) == 200
    view = door.slack.wait_for_view("U0ANA") if len(door.slack.views["U0ANA"]) > 1 else _second(door)
    for _ in range(2):
        assert "A second person was asked" in door.submit("U0ANA", view, reason="really")["errors"]["reason"]
    assert door.house.incident().is_open


def _second(door: Door) -> dict[str, object]:
    until = time.monotonic() + 5
    while len(door.slack.views["U0ANA"]) < 2:
        assert time.monotonic() < until, "no second form"
        time.sleep(0.01)
    return door.slack.views["U0ANA"][-1]


def test_somebody_who_may_not_is_told_before_anything_is_typed(door: Door) -> None:
    door.click("U0EVE", "false_alarm")
    assert "eve is not among the responders or commanders" in door.slack.wait_for_words("U0EVE")
    assert door.slack.views == {}


def test_a_right_that_is_gone_when_the_form_is_sent_is_refused(door: Door) -> None:
    door.click("U0ANA", "false_alarm")
    view = door.slack.wait_for_view("U0ANA")
    assert "not among the responders" in door.submit("U0EVE", view, reason="x", lasts="1h")["errors"]["reason"]


def test_where_nobody_is_configured_that_is_said_instead_of_a_form(server: SlackServer) -> None:
    server.clear()
    with opened(server, Route("C0OPS")) as door:
        door.click("U0ANA", "false_alarm")
        assert "no responders and no commanders are configured" in door.slack.wait_for_words("U0ANA")
        assert door.slack.views == {}


@pytest.mark.parametrize("fault", [error("expired_trigger_id"), hangs(3.5)], ids=["expired", "hangs"])
def test_a_form_that_does_not_open_is_to_be_tapped_again_and_the_click_is_answered(door: Door, fault: object) -> None:
    door.slack.fault("views.open", fault)  # type: ignore[arg-type]  # a fault
    door.took.clear()
    assert door.click("U0ANA", "note") == 200
    assert max(door.took) < 1, "the acknowledgement does not wait for the form"
    told = door.slack.wait_for_words("U0ANA", within=8)
    assert "did not open, so nothing was done: tap again" in told
    assert "rollback-monitor incident --help" in told


def test_people_and_choices_come_through(door: Door) -> None:
    door.click("U0ANA", "summon")
    view = door.slack.wait_for_view("U0ANA")
    assert door.submit("U0ANA", view, people="U0BOB,U0EVE", note="the ledger") == {}
    (summoned,) = [one for one in door.house.store.events("INC-0001") if isinstance(one, Summoned)]
    assert (summoned.people, summoned.note) == (("U0BOB", "U0EVE"), "the ledger")


def test_a_step_is_skipped_with_its_reason_from_behind_the_menu(door: Door) -> None:
    door.click("U0ANA", "start")
    shown = steps(door)
    click = json.dumps(door.slack.payload("U0ANA", shown, pressed(shown, "skip")))
    assert door.post(*door.slack.form({"payload": click})) == 200
    view = door.slack.wait_for_view("U0ANA")
    assert door.submit("U0ANA", view, reason=" ") == {
        "response_action": "errors",
        "errors": {"reason": "Say why: a step that is left out needs a reason."},
    }
    assert door.submit("U0ANA", view, reason="nothing to declare") == {}
    running = door.house.incident().running
    assert running is not None
    assert (running.steps[0].reason, str(running.steps[0].status)) == ("nothing to declare", "skipped")


def test_a_form_of_another_workspace_or_version_does_nothing(door: Door) -> None:
    door.click("U0ANA", "note")
    view = door.slack.wait_for_view("U0ANA")
    assert (
        "not one that the running version knows"
        in door.submit("U0ANA", view | {"callback_id": "launch"}, note="x")["errors"]["note"]
    )
    with capture_logs():
        foreign = door.slack.submission("U0ANA", view, {"note": "x"}) | {"team": {"id": "T0OTHER"}}
        body, headers = door.slack.form({"payload": json.dumps(foreign)})
        said = json.loads(door.ask("POST", "/slack/interactions", body, headers)[2])
    assert "Only members of the workspace" in said["errors"]["note"]
    assert "noted" not in door.house.kinds()
