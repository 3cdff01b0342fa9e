"""PagerDuty, a webhook and a real Alertmanager are told how an incident stands; every answer has its outcome."""

import hashlib
import hmac
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.alertmanager import Alertmanager as AlertmanagerPager
from monitor.adapters.http import Access
from monitor.adapters.pagerduty import PagerDuty
from monitor.adapters.webhook import Webhook
from monitor.core.model import Tier
from monitor.core.pages.calling import Call, Stance
from monitor.core.pages.page import Page, Tone, Why
from monitor.ports.pager import Ambiguous, Delivery, Message, Pager, Rejected, RetryAfter, Sent
from monitor.ports.store import Post, PostKind
from tests.servers.alertmanager import PASSWORD, USER, Alertmanager
from tests.servers.hostile import Hostile, drip, flood, hang
from tests.servers.receiver import LOST, Receiver

KEY, SECRET = "R0UT1NGKEY0CANARY", "canary-secret"
AT = datetime(2026, 3, 1, 3, 2, tzinfo=UTC)
WHY = Why("login 62 % failing", "62 % of 310 requests failed; pages over 25 %", AT, "rollback")
STATUS = ("Nobody has acknowledged this.", "Next: whoever reads this: Acknowledge.")
PAGE = Page(
    "INC-0142",
    Tone.ROLLBACK,
    "ROLLBACK NOW production: login 62 % failing since 03:02 UTC",
    (WHY,),
    status=STATUS,
    footer="INC-0142 · from a shell: rollback-monitor incident ack INC-0142",
)
CALL = Call("production/INC-0142", Stance.TRIGGERED, "INC-0142", "production", Tier.ROLLBACK, AT)
POST = Post("INC-0142", "pagerduty", PostKind.CALL, 0, "rollback_opens", AT)


def message(stance: Stance = Stance.TRIGGERED, **changes: Any) -> Message:  # noqa: ANN401  # any field
    return Message(POST, page=PAGE, call=replace(CALL, stance=stance, **changes))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


PAGERS: list[Any] = [
    pytest.param(lambda url, **more: PagerDuty(KEY, api_url=url, **more), id="pagerduty"),
    pytest.param(AlertmanagerPager, id="alertmanager"),
    pytest.param(lambda url, **more: Webhook(f"{url}/{KEY}?token={KEY}", SECRET, **more), id="webhook"),
]


@pytest.mark.parametrize("make", PAGERS)
@pytest.mark.parametrize(
    ("status", "headers", "outcome", "words"),
    [
        (200, {}, Sent, ""),
        (202, {}, Sent, ""),
        (429, {"Retry-After": "7"}, RetryAfter, "wait 7 s"),
        (429, {}, RetryAfter, "wait 30 s"),
        (429, {"Retry-After": "99999999"}, RetryAfter, "wait 300 s"),
        (500, {}, Ambiguous, "HTTP 500"),
        (503, {}, Ambiguous, "HTTP 503"),
        (LOST, {}, Ambiguous, "broke"),
        (302, {"Location": "http://127.0.0.1:1/"}, Rejected, "redirect"),
        (400, {}, Rejected, "HTTP 400"),
        (404, {}, Rejected, "HTTP 404"),
    ],
)
def test_every_answer_has_its_outcome(
    receiver: Receiver,
    make: Callable[..., Pager],
    status: int,
    headers: dict[str, str],
    outcome: type[Delivery],
    words: str,
) -> None:
    receiver.next(status, headers=headers)
    delivery = make(receiver.url).deliver(message())
    assert isinstance(delivery, outcome)
    assert len(receiver.received) == 1
    if not isinstance(delivery, Sent):
        assert words in delivery.why
        assert KEY not in delivery.why
        assert SECRET not in delivery.why


@pytest.mark.parametrize("make", PAGERS)
def test_nobody_there_is_retry_after(make: Callable[..., Pager]) -> None:
    delivery = make("http://127.0.0.1:1").deliver(message())
    assert isinstance(delivery, RetryAfter)
    assert "could not be reached" in delivery.why


@pytest.mark.parametrize("make", PAGERS)
@pytest.mark.parametrize(
    "behaviour",
    [hang, drip(b"HTTP/1.1 200 OK\r\n"), flood(b"HTTP/1.1 200 OK\r\n\r\n")],
    ids=["hangs", "drips", "floods"],
)
def test_no_whole_answer_in_time_is_ambiguous(make: Callable[..., Pager], behaviour: Any) -> None:  # noqa: ANN401  # a behaviour
    with Hostile(behaviour) as hostile:
        began = time.monotonic()
        assert isinstance(make(hostile.url, timeout=0.5).deliver(message()), Ambiguous)
        assert time.monotonic() - began < 5


@pytest.mark.parametrize("make", PAGERS)
def test_a_message_that_is_no_call_is_refused(receiver: Receiver, make: Callable[..., Pager]) -> None:
    assert isinstance(make(receiver.url).deliver(Message(POST)), Rejected)
    assert receiver.received == []


# --- PagerDuty -------------------------------------------------------------------------------------------------------


def test_pagerduty_is_told_in_events_of_one_key(receiver: Receiver) -> None:
    pager = PagerDuty(KEY, api_url=receiver.url)
    for stance in Stance:
        assert pager.deliver(message(stance)) == Sent("production/INC-0142")
    first = receiver.received[0].json
    assert [one.path for one in receiver.received] == ["/v2/enqueue"] * 3
    assert [one.json["event_action"] for one in receiver.received] == ["trigger", "acknowledge", "resolve"]
    assert {one.json["dedup_key"] for one in receiver.received} == {"production/INC-0142"}
    assert {one.json["routing_key"] for one in receiver.received} == {KEY}
    assert first["payload"]["summary"] == PAGE.headline
    assert first["payload"]["severity"] == "critical"
    assert first["payload"]["source"] == "production"
    assert first["payload"]["custom_details"]["signals"] == [f"{WHY.text} ({WHY.numbers})"]


def test_what_pagerduty_says_of_a_refusal_is_told(receiver: Receiver) -> None:
    told = {"status": "invalid event", "message": "Event object is invalid", "errors": ["Invalid routing key"]}
    receiver.next(400, json.dumps(told))
    delivery = PagerDuty(KEY, api_url=receiver.url).deliver(message())
    assert isinstance(delivery, Rejected)
    assert delivery.why.endswith(
        "HTTP 400: Event object is invalid Invalid routing key): see MONITOR_PAGERDUTY__ROUTING_KEY"
    )


def test_the_probe_of_pagerduty_pages_nobody(receiver: Receiver) -> None:
    assert PagerDuty(KEY, api_url=receiver.url).probe() == Sent("")
    assert [one.json["event_action"] for one in receiver.received] == ["resolve"]


# --- a webhook -------------------------------------------------------------------------------------------------------


def test_the_webhook_gets_the_documented_json(receiver: Receiver) -> None:
    docs = (Path(__file__).parents[2] / "docs" / "pagers.md").read_text()
    documented = re.search(r"```json\n(.*?)```", docs, re.DOTALL)
    assert documented is not None
    assert Webhook(receiver.url).deliver(message()) == Sent("production/INC-0142")
    assert receiver.received[0].json == json.loads(documented[1])
    assert "X-Rollback-Monitor-Signature" not in receiver.received[0].headers


def test_the_webhook_is_signed_over_time_and_body(receiver: Receiver) -> None:
    Webhook(receiver.url, SECRET, time=lambda: AT).deliver(message(Stance.ACKNOWLEDGED, by="Ana"))
    one = receiver.received[0]
    at = one.headers["X-Rollback-Monitor-Timestamp"]
    expected = hmac.new(SECRET.encode(), at.encode() + b"." + one.body, hashlib.sha256).hexdigest()
    assert one.headers["X-Rollback-Monitor-Signature"] == f"v1={expected}"
    assert at == str(int(AT.timestamp()))
    assert (one.json["event"], one.json["acknowledged_by"]) == ("acknowledged", "Ana")


# --- a real Alertmanager ---------------------------------------------------------------------------------------------


def until(found: Callable[[], object], within: float = 20) -> None:
    ends = time.monotonic() + within
    while not found():
        assert time.monotonic() < ends, "it did not happen in time"
        time.sleep(0.05)


def test_alertmanager_tells_people_is_still_once_acknowledged_and_ends(receiver: Receiver) -> None:
    with Alertmanager(receiver.url) as running:
        pager = AlertmanagerPager(running.url)
        assert pager.probe() == Sent("")
        assert pager.deliver(message()) == Sent("production/INC-0142")
        assert pager.deliver(message()) == Sent("production/INC-0142"), "again is harmless"
        until(lambda: receiver.received)
        (alert,) = receiver.received[0].json["alerts"]
        assert alert["status"] == "firing"
        assert alert["labels"] == {
            "alertname": "RollbackMonitor",
            "environment": "production",
            "incident": "INC-0142",
            "page": "production/INC-0142",
            "severity": "critical",
            "tier": "rollback",
        }
        assert alert["annotations"]["summary"] == PAGE.headline
        assert len(running.alerts()) == 1

        assert pager.deliver(message(Stance.ACKNOWLEDGED, by="Ana")) == Sent("production/INC-0142")
        other = message(key="production/INC-0143", incident="INC-0143")
        pager.deliver(other)
        until(lambda: "suppressed" in {one["status"]["state"] for one in running.alerts()})
        states = {one["labels"]["incident"]: one["status"]["state"] for one in running.alerts()}
        assert states["INC-0142"] == "suppressed"
        assert states["INC-0143"] != "suppressed", "the silence is of this page alone"
        (silence,) = running.silences()
        assert (silence["createdBy"], silence["comment"]) == ("Ana", "INC-0142 is acknowledged by Ana")

        pager.deliver(message(Stance.RESOLVED))
        until(lambda: [one["labels"]["incident"] for one in running.alerts()] == ["INC-0143"])


def test_alertmanager_tells_people_of_the_end(receiver: Receiver) -> None:
    with Alertmanager(receiver.url) as running:
        pager = AlertmanagerPager(running.url)
        pager.deliver(message())
        until(lambda: receiver.received)
        pager.deliver(message(Stance.RESOLVED))
        until(lambda: receiver.received[-1].json["status"] == "resolved")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A certificate that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    made = str(folder / "certificate"), str(folder / "key")
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", *kind, *names, "-out", made[0], "-keyout", made[1]]
    subprocess.run(command, check=True, capture_output=True)
    return made


def test_an_alertmanager_behind_a_login_and_a_certificate_of_ones_own(certificate: tuple[str, str]) -> None:
    trusted = Access(username=USER, password=PASSWORD, ca_file=certificate[0])
    with Alertmanager(guarded=True, certificate=certificate) as running:
        pager = AlertmanagerPager(running.url, trusted)
        assert pager.probe() == Sent("")
        assert pager.deliver(message(Stance.ACKNOWLEDGED, by="Ana")) == Sent("production/INC-0142")
        assert len(running.alerts()) == len(running.silences()) == 1

        for access in (replace(trusted, username="", password=""), replace(trusted, password=SECRET)):
            refused = AlertmanagerPager(running.url, access).deliver(message())
            assert isinstance(refused, Rejected)
            assert refused.why.endswith("see MONITOR_ALERTMANAGER__BEARER_TOKEN, or __USERNAME and __PASSWORD")
            assert SECRET not in refused.why

        stranger = AlertmanagerPager(running.url, replace(trusted, ca_file="")).deliver(message())
        assert stranger == Rejected("its certificate is not trusted: is MONITOR_ALERTMANAGER__URL right?")


def test_a_bearer_token_comes_along_and_is_not_told_where_it_is_echoed(receiver: Receiver) -> None:
    receiver.next(401, body=json.dumps({"message": f"no such token: {SECRET}"}))
    refused = AlertmanagerPager(receiver.url, Access(bearer_token=SECRET)).deliver(message())
    assert receiver.received[0].headers["Authorization"] == f"Bearer {SECRET}"
    assert isinstance(refused, Rejected)
    assert "no such token: ***" in refused.why
