"""Signed HTTP: a click and its effect, and everything that somebody who is not Slack, or may not, could try."""

import json
import logging
import socket
import statistics
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from structlog.testing import capture_logs

from monitor.adapters.slack import signed
from monitor.adapters.slack.signed import Replays
from monitor.core.rules.routing import Route
from tests.inbound.door import Door, opened
from tests.middle.house import ANA, QUIET
from tests.servers.slack import SlackServer, answers, hangs, wait


@pytest.fixture(scope="module")
def server() -> Iterator[SlackServer]:
    with SlackServer() as slack:
        yield slack


@pytest.fixture
def slack(server: SlackServer) -> SlackServer:
    server.clear()
    return server


@pytest.fixture
def door(slack: SlackServer, caplog: pytest.LogCaptureFixture) -> Iterator[Door]:
    caplog.set_level(logging.WARNING)
    with capture_logs() as logs, opened(slack) as door:
        yield door
    assert not [one for one in caplog.get_records("call") if one.exc_info], "a traceback"
    assert not [one for one in logs if one.get("exc_info") or one["log_level"] == "error"], "a traceback"


def kinds(door: Door) -> list[str]:
    """What people did, on record."""
    return [one for one in door.house.kinds() if one in {"acknowledged", "procedure_started", "refused", "dealt_with"}]


# --- as it should be ------------------------------------------------------------------------------------------------


def test_a_click_is_committed_and_then_answered(door: Door) -> None:
    assert door.click("U0ANA", "acknowledge") == 200
    by = door.house.incident().acknowledged_by
    assert by is not None
    assert (by.id, by.name, str(by.source), by.verified) == ("U0ANA", "ana", "slack", True)
    assert door.slack.told == []


@pytest.mark.alone
def test_a_click_is_answered_within_300_ms(door: Door) -> None:
    door.click("U0BOB", "acknowledge")
    door.took.clear()
    for _ in range(30):
        assert door.click("U0BOB", "acknowledge") == 200
    worst = max(door.took)
    print(f"signed click to answer: median {statistics.median(door.took) * 1000:.0f} ms, worst {worst * 1000:.0f} ms")
    assert statistics.median(door.took) < 0.3


def test_what_only_one_person_should_read_comes_by_itself(door: Door) -> None:
    door.click("U0ANA", "acknowledge")
    door.slack.fault("chat.postEphemeral", hangs(1))
    door.took.clear()
    assert door.click("U0BOB", "acknowledge") == door.click("U0EVE", "acknowledge") == 200
    assert max(door.took) < 1, "the answer does not wait for it"
    assert "already acknowledged by ana" in door.slack.wait_for_words("U0EVE", within=8)
    assert [one["user"] for one in door.slack.told] == ["U0EVE"], "what was not shown is not tried again"


@pytest.mark.parametrize("words", ["", "help", "HELP"])
def test_help_names_the_command_as_the_workspace_does(door: Door, words: str) -> None:
    status, said = door.typed(words, command="/rollback")
    assert (status, said.splitlines()[0]) == (200, "/rollback status: what is open, and who has it")


def test_status_and_ack(door: Door) -> None:
    assert door.typed("status")[1].startswith("• INC-0001: ROLLBACK NOW production: ")
    assert door.typed("ack") == (200, "You have acknowledged INC-0001.")
    assert "already acknowledged by you" in door.typed("ack inc-0001")[1]
    assert door.typed("ack") == (200, "No incident waits for an acknowledgement.")
    assert door.typed("ack INC-0009") == (200, "There is no incident INC-0009.")
    assert kinds(door) == ["acknowledged", "refused"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("drill", "Not understood; nothing was done."),
        ("drill login --now", "Not understood; nothing was done."),
        ("start INC-0001", "Not understood; nothing was done."),
        ("ack INC-0001 INC-0002", "Not understood; nothing was done."),
        ("ack <!channel>", "&lt;!CHANNEL&gt; is no incident; they look like INC-0001. Nothing was done."),
    ],
)
def test_words_that_do_nothing_say_so(door: Door, words: str, said: str) -> None:
    status, told = door.typed(words)
    assert (status, told.splitlines()[0]) == (200, said)
    assert kinds(door) == []


def test_slack_checks_the_address_of_the_slash_command(door: Door) -> None:
    body, headers = door.slack.form({"ssl_check": "1", "token": "t"})
    assert door.ask("POST", "/slack/commands", body, headers)[::2] == (200, b"")


def test_requests_are_counted_by_what_became_of_them(door: Door) -> None:
    door.click("U0ANA", "acknowledge")
    door.typed("status")
    unsigned(door)
    text = door.ask("GET", "/metrics")[2].decode()
    for kind, status in (("interaction", 200), ("interaction", 401), ("command", 200)):
        assert f'rollback_monitor_slack_inbound_total{{kind="{kind}",status="{status}"}} 1.0' in text


# --- the table of attacks -------------------------------------------------------------------------------------------


def twice(door: Door) -> int:
    again = door.payload("U0ANA", "acknowledge")
    form = {"payload": json.dumps(again)}
    assert door.post(*door.slack.form(form)) == 200
    return door.post(*door.slack.form(form, int(time.time()) + 1))


def by_two_at_once(door: Door) -> int:
    statuses: list[int] = []
    together = threading.Barrier(2)

    def press(user: str) -> None:
        together.wait(5)
        statuses.append(door.click(user, "acknowledge"))

    threads = [threading.Thread(target=press, args=(user,)) for user in ("U0ANA", "U0BOB")]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert len(statuses) == 2
    return max(statuses)


def after_the_end(door: Door) -> int:
    door.house.says("Login", QUIET)
    door.house.walk(3600, 60)
    return door.click("U0ANA", "acknowledge")


def on_an_old_revision(door: Door) -> int:
    door.house.says("Login", QUIET)
    door.house.walk(60)
    return door.click("U0ANA", "start")


def by_somebody_not_allowed(door: Door) -> int:
    return door.click("U0EVE", "start")


def from_another_team(door: Door) -> int:
    return door.click("U0ANA", "acknowledge", team={"id": "T0OTHER"})


def by_a_guest_of_another_team(door: Door) -> int:
    return door.click("U0EVE", "acknowledge", user={"id": "U0EVE", "username": "eve", "team_id": "T0OTHER"})


def by_a_bot(door: Door) -> int:
    door.slack.traits["U0EVE"] = {"is_bot": True}
    return door.click("U0EVE", "acknowledge")


def from_another_app(door: Door) -> int:
    return door.click("U0ANA", "acknowledge", api_app_id="A0OTHER")


def with_a_button_that_there_never_was(door: Door) -> int:
    return door.click("U0ANA", "acknowledge", actions=[{"action_id": "launch", "value": "x", "action_ts": "1.0"}])


def with_a_revision_to_come(door: Door) -> int:
    action = {"action_id": "acknowledge", "value": "INC-0001|999999999", "action_ts": "1.0"}
    return door.click("U0ANA", "acknowledge", actions=[action])


ANSWERED: list[tuple[Callable[[Door], int], list[str], str, str]] = [
    (twice, ["acknowledged"], "", ""),
    (by_two_at_once, ["acknowledged", "refused"], "", "already acknowledged by"),
    (after_the_end, [], "U0ANA", "INC-0001 ended at"),
    (on_an_old_revision, ["refused"], "U0ANA", "there is nothing to roll back"),
    (by_somebody_not_allowed, ["refused"], "U0EVE", "eve is not among the responders or commanders"),
    (from_another_team, [], "U0ANA", "Only members of the workspace"),
    (by_a_guest_of_another_team, [], "U0EVE", "Only members of the workspace"),
    (by_a_bot, [], "U0EVE", "bots may not use them"),
    (from_another_app, [], "U0ANA", "another Slack app"),
    (with_a_button_that_there_never_was, [], "U0ANA", "not one that the running version knows"),
    (with_a_revision_to_come, [], "U0ANA", "has no revision 999999999"),
]


@pytest.mark.parametrize(
    ("attack", "effects", "user", "words"), ANSWERED, ids=[row[0].__name__.replace("_", " ") for row in ANSWERED]
)
def test_a_genuine_click_that_may_not_or_cannot_is_acknowledged_and_answered(
    door: Door, attack: Callable[[Door], int], effects: list[str], user: str, words: str
) -> None:
    assert attack(door) == 200
    assert kinds(door) == effects
    if words:
        told = wait(lambda: [one for one in door.slack.told if not user or one["user"] == user], 5, "an answer")
        assert words in told[-1]["text"]
    else:
        assert door.slack.told == []


def genuine(door: Door, at: int | None = None) -> tuple[bytes, dict[str, str]]:
    return door.slack.form({"payload": json.dumps(door.payload("U0ANA", "acknowledge"))}, at)


def forged(door: Door) -> int:
    body, headers = genuine(door)
    return door.post(body, headers | {"X-Slack-Signature": "v0=" + "0" * 64})


def with_another_body(door: Door) -> int:
    body, headers = genuine(door)
    return door.post(body.replace(b"U0ANA", b"U0BOB"), headers)


def replayed(door: Door) -> int:
    body, headers = genuine(door)
    assert door.post(body, headers) == 200
    return door.post(body, headers)


def too_old(door: Door) -> int:
    return door.post(*genuine(door, int(time.time()) - signed.WINDOW - 5))


def from_the_future(door: Door) -> int:
    return door.post(*genuine(door, int(time.time()) + signed.WINDOW + 5))


def with_the_timestamp(value: str) -> Callable[[Door], int]:
    def attack(door: Door) -> int:
        body, headers = genuine(door)
        return door.post(body, headers | {"X-Slack-Request-Timestamp": value})

    attack.__name__ = f"with_the_timestamp {value[:20]!r}"
    return attack


def with_the_signature(value: str) -> Callable[[Door], int]:
    def attack(door: Door) -> int:
        body, headers = genuine(door)
        return door.post(body, headers | {"X-Slack-Signature": value})

    attack.__name__ = f"with_the_signature {value[:20]!r}"
    return attack


def unsigned(door: Door) -> int:
    body, _ = genuine(door)
    return door.post(body, {"Content-Type": "application/x-www-form-urlencoded"})


def not_utf_8(door: Door) -> int:
    body = b"payload=\xff\xfe"
    return door.post(body, {"Content-Type": signed.FORM} | door.slack.sign(body, int(time.time())))


def as_json(door: Door) -> int:
    body = json.dumps({"payload": "{}"}).encode()
    return door.post(body, {"Content-Type": "application/json"} | door.slack.sign(body, int(time.time())))


def without_a_payload(door: Door) -> int:
    return door.post(*door.slack.form({"text": "hello"}))


def with_a_payload_that_is_no_json(door: Door) -> int:
    return door.post(*door.slack.form({"payload": "{"}))


def with_nested_brackets(door: Door) -> int:
    return door.post(*door.slack.form({"payload": "[" * 20_000}))


def with_a_thousand_fields(door: Door) -> int:
    return door.post(*door.slack.form({f"f{number}": "x" for number in range(1000)}))


def with_10_mb(door: Door) -> int:
    body = b"payload=" + b"x" * 10_000_000
    return door.post(body, {"Content-Type": signed.FORM} | door.slack.sign(body, int(time.time())))


def with_65_537_bytes(door: Door) -> int:
    body = b"payload=" + b"x" * (65_537 - 8)
    return door.post(body, {"Content-Type": signed.FORM} | door.slack.sign(body, int(time.time())))


def from_a_web_page(door: Door) -> int:
    body, headers = genuine(door)
    return door.post(body, headers | {"Origin": "https://evil.example"})


TURNED_AWAY: list[tuple[Callable[[Door], int], int]] = [
    (forged, 401),
    (with_another_body, 401),
    (too_old, 401),
    (from_the_future, 401),
    (with_the_timestamp("abc"), 401),
    (with_the_timestamp(""), 401),
    (with_the_timestamp("1e9"), 401),
    (with_the_timestamp("1_0"), 401),
    (with_the_timestamp("-1"), 401),
    (with_the_timestamp("9" * 5000), 401),
    (with_the_timestamp("\xb2"), 401),
    (with_the_signature("v0=abc"), 401),
    (with_the_signature("\xe9"), 401),
    (with_the_signature(""), 401),
    (unsigned, 401),
    (not_utf_8, 401),
    (as_json, 400),
    (without_a_payload, 400),
    (with_a_payload_that_is_no_json, 400),
    (with_nested_brackets, 400),
    (with_a_thousand_fields, 400),
    (with_10_mb, 413),
    (with_65_537_bytes, 413),
    (from_a_web_page, 403),
]


@pytest.mark.parametrize(
    ("attack", "status"), TURNED_AWAY, ids=[row[0].__name__.replace("_", " ") for row in TURNED_AWAY]
)
def test_what_is_not_slacks_is_turned_away_and_does_nothing(
    door: Door, attack: Callable[[Door], int], status: int
) -> None:
    assert attack(door) == status
    assert kinds(door) == []
    assert door.slack.told == []
    assert max(door.took) < 5


def test_replayed_it_has_one_effect_and_is_turned_away(door: Door) -> None:
    assert replayed(door) == 401
    assert kinds(door) == ["acknowledged"]


def test_replayed_after_a_restart_it_has_one_effect(slack: SlackServer) -> None:
    """The new process knows no signature, but the record knows the click."""
    with opened(slack) as door:
        body, headers = genuine(door)
        assert door.post(body, headers) == 200
        events = door.house.store.events("INC-0001")
    with opened(slack) as door:
        door.house.store._events["INC-0001"] = tuple(events)
        assert door.post(body, headers) == 200
        assert door.house.store.events("INC-0001") == tuple(events)


def test_a_slow_body_is_given_up(door: Door) -> None:
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as slow:
        slow.sendall(b"POST /slack/interactions HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\npay")
        answer = slow.recv(1000)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 6
    with socket.create_connection(("127.0.0.1", door.port), timeout=10) as broken:
        broken.sendall(b"POST /slack/interactions HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\npay")
    assert door.click("U0ANA", "acknowledge") == 200, "the others are served"
    time.sleep(0.3)  # for a traceback of what was broken off, which must not come


# --- who may act, when Slack cannot be asked ------------------------------------------------------------------------


def test_while_user_groups_cannot_be_read_nobody_starts_and_is_told_why(door: Door) -> None:
    door.click("U0EVE", "acknowledge")
    door.house.incident()
    door.slack.fault("usergroups.users.list", *[answers(500)] * 2)
    with opened(door.slack) as fresh:
        assert fresh.click("U0ANA", "start") == 200
        assert "Slack could not be asked who is in S0ONCALL" in fresh.slack.wait_for_words("U0ANA")
        assert kinds(fresh) == ["refused"]
        assert fresh.click("U0ANA", "acknowledge") == 200
        assert kinds(fresh) == ["refused", "acknowledged"], "that is open to everybody"


def test_while_our_workspace_is_not_known_nothing_is_done(slack: SlackServer) -> None:
    slack.fault("auth.test", answers(500))
    with opened(slack) as door:
        assert door.click("U0ANA", "acknowledge") == 503, (
            "Slack shows that it did not work, should the words not arrive"
        )
        assert "Slack could not be asked which workspace this is" in slack.wait_for_words("U0ANA")
        assert kinds(door) == []


def test_where_nobody_is_configured_the_button_says_so(slack: SlackServer) -> None:
    with opened(slack, Route("C0OPS")) as door:
        door.click("U0ANA", "start")
        assert slack.wait_for_words("U0ANA").startswith("Nobody may do this: no responders and no commanders")


# --- the memory of signatures ---------------------------------------------------------------------------------------


def test_a_signature_is_remembered_for_as_long_as_it_would_pass_and_no_more_than_so_many() -> None:
    replays = Replays(most=2)
    assert replays.first("a", until=300, now=0)
    assert not replays.first("a", until=300, now=299)
    assert replays.first("b", until=400, now=100)
    assert not replays.first("c", until=500, now=200), "nothing more can be remembered: fail closed"
    assert replays.first("c", until=601, now=301), "the first has gone"
    assert len(replays) == 2


def test_a_click_by_a_shell_and_one_by_slack_are_the_same_command(door: Door) -> None:
    headers = {"Authorization": "Bearer canary-7f3a", "Content-Type": "application/json"}
    body = json.dumps({"as": "ops"}).encode()
    assert door.ask("POST", "/api/v1/incidents/INC-0001/acknowledge", body, headers)[0] == 200
    door.click(ANA.id, "acknowledge")
    assert "already acknowledged by ops" in door.slack.wait_for_words(ANA.id)
