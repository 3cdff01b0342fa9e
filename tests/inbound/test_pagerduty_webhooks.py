"""PagerDuty's webhooks behind the real listener: who acknowledges there has it here; nothing else moves anything."""

import hashlib
import hmac
import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.adapters.memory.world import RecordingPager
from monitor.adapters.pagerdutyhooks import PagerDutyHooks
from monitor.core.actor import Actor, Role, Source
from monitor.core.incidents.escalation import overdue
from monitor.core.pages.calling import Stance
from monitor.core.pages.page import ActionKind, Scene
from monitor.core.rules.routing import Escalation, Pages
from monitor.delivery.outbox import Destinations
from monitor.people.answering import Answering
from monitor.people.commands import Done
from monitor.ports.store import Change, StoreError
from monitor.ruleset.rulesfolder import Outcome, Standing
from monitor.runtime.serving import Serving
from monitor.telemetry import Metrics
from monitor.web import Health, Inside, View, application
from tests.middle.house import BAD, WORST, House, group, rule

SECRET = "whsec-canary-19ab"
BOTH = ("slack", "pagerduty")
CALLING = Escalation(rollback_again=(120,), rollback_escalate=None, blind_again=(), prepare_mention=None)
EARLINE = {"id": "PXPGF42", "type": "user_reference", "summary": "Earline Greenholt"}


def acknowledged(key: str = "production/INC-0001", number: str = "01EVENT", **changes: Any) -> dict[str, Any]:  # noqa: ANN401  # any field
    """What PagerDuty sends when somebody acknowledges the page with `key`."""
    event = {
        "id": number,
        "event_type": "incident.acknowledged",
        "resource_type": "incident",
        "occurred_at": "2025-03-04T03:00:20Z",
        "agent": EARLINE,
        "client": None,
        "data": {"id": "PGR0VU2", "type": "incident", "number": 2, "status": "acknowledged", "incident_key": key},
    }
    return {"event": event | changes}


def signed(body: bytes, *secrets: str) -> dict[str, str]:
    made = [hmac.new(one.encode(), body, hashlib.sha256).hexdigest() for one in secrets or (SECRET,)]
    return {"Content-Type": "application/json", "X-PagerDuty-Signature": ",".join(f"v1={one}" for one in made)}


@dataclass
class Hooked:
    """What PagerDuty sees, behind a listener where there is one (`port`), and the house behind."""

    port: int
    hooks: PagerDutyHooks
    house: House
    duty: RecordingPager
    metrics: Metrics

    def post(self, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        if not self.port:
            reply = self.hooks.webhook(headers, body)
            return reply.status, dict(reply.body or {})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request("POST", "/pagerduty/webhooks", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            return answer.status, json.loads(said) if said.startswith(b"{") else {}
        finally:
            connection.close()

    def send(self, document: object) -> tuple[int, dict[str, Any]]:
        body = json.dumps(document).encode()
        return self.post(body, signed(body))

    @property
    def by(self) -> Actor | None:
        return self.house.incident().acknowledged_by


def opened(alert: str = "Login", value: float = WORST, *, called: bool = True) -> Hooked:
    """A house with one incident, which PagerDuty was called for unless not `called`."""
    duty, metrics = RecordingPager(), Metrics()
    house = House(
        group("critical", rule("Login", rollback=0), rule("Errors", prepare=0, rollback=60)),
        destinations=Destinations({"pagerduty": duty}, lambda: ""),
    )
    rules = house.book.now.rules
    pages = Pages(rollback=BOTH, prepare=BOTH) if called else Pages()
    house.build(replace(rules, routing=replace(rules.routing, page=pages)))
    house.says(alert, value)
    house.tick()
    answering = Answering(house.commands, house.store)

    def acknowledge(key: str, by: Actor) -> str:
        outcome = answering.acknowledge("pagerduty", key, by)
        return "" if isinstance(outcome, Done) else outcome.sentence

    hooks = PagerDutyHooks(SECRET, acknowledge, metrics.counted_webhook)
    return Hooked(0, hooks, house, duty, metrics)


@contextmanager
def served(hooked: Hooked, *, secret: bool = True) -> Iterator[Hooked]:
    """The same behind the real listener."""
    inside = Inside(
        store=hooked.house.store,
        commands=hooked.house.commands,
        registry=hooked.metrics.registry,
        token="",
        healthy=lambda: Health(ok=True),
        ready=lambda: Health(ok=True),
        reload=lambda: Outcome(problems=("no such rule",)),
        standing=lambda: Standing("f" * 64, hooked.house.clock.now()),
        gauges=lambda: None,
        view=lambda: View(hooked.house.book.now),
        scene=lambda one: Scene(one, one.opened_at, {}),
        pagerduty=hooked.hooks if secret else None,
    )
    serving = Serving(application(inside), "127.0.0.1:0", None)
    url = serving.bind()
    serving.start()
    try:
        yield replace(hooked, port=int(url.rpartition(":")[2]))
    finally:
        serving.stop()
        serving.join(5)


def stances(duty: RecordingPager) -> list[Stance]:
    return [one.call.stance for one in duty.messages if one.call is not None]


# --- what counts ------------------------------------------------------------------------------------------------------


def test_who_acknowledges_in_pagerduty_has_it_everywhere_and_holds_the_escalation() -> None:
    hooked = opened()
    assert hooked.send(acknowledged()) == (200, {"acknowledged": "production/INC-0001"})
    by = hooked.by
    assert by is not None
    assert (by.name, by.source, by.verified) == ("Earline Greenholt (PagerDuty)", Source.PAGERDUTY, True)
    assert (by.outside, by.roles) == (False, frozenset({Role.RESPONDER}))
    hooked.house.outbox.deliver_due()
    assert "edit root" in hooked.house.told, "the page in Slack shows it"
    assert stances(hooked.duty)[-1] is Stance.ACKNOWLEDGED
    later = hooked.house.clock.now().replace(minute=9)
    assert overdue(hooked.house.incident(), later, CALLING) == ()
    counted = {"status": "200"}
    assert hooked.metrics.registry.get_sample_value("rollback_monitor_pagerduty_inbound_total", counted) == 1


def test_while_the_secret_is_replaced_either_signature_counts() -> None:
    hooked = opened()
    body = json.dumps(acknowledged()).encode()
    assert hooked.post(body, signed(body, "the one before", SECRET))[0] == 200
    assert hooked.by is not None


def test_of_two_who_acknowledge_the_first_has_it() -> None:
    hooked = opened()
    hooked.house.ask(ActionKind.ACKNOWLEDGE)
    status, said = hooked.send(acknowledged())
    assert (status, said["passed_over"]) == (200, "INC-0001 is already acknowledged by Ana, since 03:00 UTC.")


def test_the_same_event_counts_once_whatever_happened_meanwhile() -> None:
    hooked = opened()
    for _ in range(3):
        assert hooked.send(acknowledged())[0] == 200
    hooked.house.build(hooked.house.book.now.rules)
    assert hooked.send(acknowledged())[0] == 200
    assert hooked.house.kinds().count("acknowledged") == 1
    assert "refused" not in hooked.house.kinds()


# --- what does not ----------------------------------------------------------------------------------------------------

NOT_OURS = "is no page of this monitor."
PASSED_OVER = [
    pytest.param({"event_type": "incident.triggered"}, "asks for nothing here", id="another event"),
    pytest.param({"event_type": "pagey.ping", "agent": None, "data": {"type": "ping"}}, "nothing here", id="a ping"),
    pytest.param(
        {"agent": EARLINE | {"type": "inbound_integration_reference"}}, "nothing here", id="our own, come back"
    ),
    pytest.param({"agent": None}, "nothing here", id="nobody"),
    pytest.param({"data": {"incident_key": ""}}, "nothing here", id="made by hand in PagerDuty"),
    pytest.param({"data": {"incident_key": "staging/INC-0001"}}, NOT_OURS, id="another monitor's environment"),
    pytest.param({"data": {"incident_key": "production/INC-0009"}}, NOT_OURS, id="an incident that never was"),
    pytest.param({"data": {"incident_key": "srv01/HTTP"}}, NOT_OURS, id="another tool's key"),
    pytest.param({"data": {"incident_key": "production/INC-0001/7"}}, "was not called for", id="a page never made"),
]


@pytest.mark.parametrize(("changes", "why"), PASSED_OVER)
def test_what_is_genuine_and_means_nothing_here_is_answered_well(changes: dict[str, Any], why: str) -> None:
    """Three refusals in a row would make PagerDuty rest for a day."""
    hooked = opened()
    status, said = hooked.send(acknowledged(**changes))
    assert status == 200
    assert why in said["passed_over"]
    assert hooked.by is None


def test_a_key_that_pagerduty_was_never_given_acknowledges_nothing() -> None:
    hooked = opened(called=False)
    assert "was not called for" in hooked.send(acknowledged())[1]["passed_over"]
    assert hooked.by is None


def test_the_acknowledgement_of_a_prepare_page_does_not_cover_the_rollback_that_it_has_become() -> None:
    hooked = opened("Errors", BAD)
    hooked.house.clock.advance(15)
    hooked.house.says("Login", WORST)
    hooked.house.tick()
    keys = {one.call.key for one in hooked.duty.messages if one.call is not None}
    (raised,) = keys - {"production/INC-0001"}
    assert "has become a rollback" in hooked.send(acknowledged(number="first"))[1]["passed_over"]
    assert hooked.by is None
    assert hooked.send(acknowledged(raised, number="second"))[1] == {"acknowledged": raised}
    assert hooked.by is not None


def test_a_word_from_before_it_lapsed_is_not_taken_a_second_time() -> None:
    hooked = opened()
    rules = hooked.house.book.now.rules
    asking = replace(CALLING, rollback_again=(), acknowledgement_expires=600)
    hooked.house.build(replace(rules, routing=replace(rules.routing, escalation=asking)))
    hooked.house.ask(ActionKind.ACKNOWLEDGE)
    hooked.house.walk(16 * 60, step=60)
    assert "unacknowledged" in hooked.house.kinds()
    assert "paged again" in hooked.send(acknowledged())[1]["passed_over"]
    assert hooked.by is None


# --- what is refused --------------------------------------------------------------------------------------------------

BODY = json.dumps(acknowledged()).encode()
REFUSED = [
    pytest.param(BODY, {}, 401, id="no signature"),
    pytest.param(BODY, signed(BODY, "another secret"), 401, id="another secret"),
    pytest.param(BODY, {"X-PagerDuty-Signature": "v1=" + "é" * 64}, 401, id="a signature that is no hex"),
    pytest.param(BODY, {"X-PagerDuty-Signature": signed(BODY)["X-PagerDuty-Signature"][3:]}, 401, id="no version"),
    pytest.param(BODY + b" ", signed(BODY), 401, id="a body that was changed on the way"),
    pytest.param(b"{", signed(b"{"), 400, id="no JSON"),
    pytest.param(b"[" * 5000, signed(b"[" * 5000), 400, id="brackets"),
    pytest.param(b'{"event": 7}', signed(b'{"event": 7}'), 400, id="no event"),
    pytest.param(b"x" * 70_000, signed(b"x" * 70_000), 413, id="over 64 KiB"),
]


@pytest.mark.parametrize(("body", "headers", "status"), REFUSED)
def test_what_is_not_pagerdutys_is_refused(body: bytes, headers: dict[str, str], status: int) -> None:
    with served(opened()) as hooked, capture_logs() as logs:
        latin = {name: value.encode("latin-1") for name, value in headers.items()}
        told, said = hooked.post(body, latin)  # type: ignore[arg-type]  # bytes are sent as they are
        assert told == status
        assert said["error"]
        assert hooked.by is None
    assert SECRET not in str(logs)


@pytest.mark.parametrize("missing", [{"id": ""}, {"agent": EARLINE | {"id": None}}, {"id": "x" * 101}])
def test_an_acknowledgement_that_lacks_what_it_must_have_is_refused(missing: dict[str, Any]) -> None:
    hooked = opened()
    assert hooked.send(acknowledged(**missing))[0] == 400


def test_without_a_secret_there_is_no_such_path() -> None:
    with served(opened(), secret=False) as hooked:
        assert hooked.send(acknowledged())[0] == 404


def test_what_cannot_be_written_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """PagerDuty tells it anew after a 5xx."""

    def full(_change: Change) -> None:
        raise StoreError("database or disk is full")

    hooked = opened()
    with monkeypatch.context() as patched:
        patched.setattr(hooked.house.store, "commit", full)
        assert hooked.send(acknowledged())[0] == 503
    assert hooked.send(acknowledged())[0] == 200
    assert hooked.by is not None


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["event", "id", "event_type", "agent", "type", "summary", "data", "incident_key"]), inner
        )
    ),
    max_leaves=10,
)
SHAPES = st.fixed_dictionaries(
    {},
    optional={
        "id": ANY,
        "event_type": st.sampled_from(["incident.acknowledged", "incident.resolved"]) | ANY,
        "agent": st.fixed_dictionaries({"type": st.just("user_reference"), "id": st.text(), "summary": ANY}) | ANY,
        "data": st.fixed_dictionaries({"incident_key": st.text(max_size=300) | ANY}) | ANY,
    },
)


def test_whatever_is_signed_is_answered_without_a_trace() -> None:
    with served(opened()) as hooked, capture_logs() as logs:

        @settings(max_examples=80, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        @given(SHAPES.map(lambda changes: {"event": acknowledged()["event"] | changes}) | ANY)
        def send(document: object) -> None:
            assert hooked.send(document)[0] in {200, 400}

        send()
    assert not [one for one in logs if one.get("exc_info") or one["log_level"] == "error"]
