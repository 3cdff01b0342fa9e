"""Whatever arrives at the listener: never a 5xx, never a traceback, and soon answered.

MONITOR_FUZZ=20000 (not read by the program) makes it the long form: so many requests of each kind.
"""

import http.client
import json
import logging
import os
import socket
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from tests.inbound.door import TOKEN, Door, opened
from tests.servers.slack import SlackServer

EXAMPLES = int(os.environ.get("MONITOR_FUZZ", "150"))
SOON = 5.0
LONG = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def door() -> Iterator[Door]:
    with capture_logs() as logs, SlackServer() as slack, opened(slack) as door:
        yield door
    assert not [one for one in logs if one.get("exc_info") or one["log_level"] == "error"], "a traceback"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """The libraries log no traceback either."""
    caplog.set_level(logging.WARNING)
    yield
    assert [one.getMessage() for one in caplog.get_records("call") if one.exc_info] == []


ROUTES = [
    "/-/healthy",
    "/-/ready",
    "/-/reload",
    "/metrics",
    "/api/v1/reload",
    "/api/v1/rules",
    "/api/v1/alerts",
    "/api/v1/transitions",
    "/api/v1/incidents",
    "/api/v1/incidents/INC-0001",
    "/api/v1/incidents/INC-0001/acknowledge",
    "/api/v1/incidents/INC-0001/start",
    "/api/v1/incidents/INC-0001/dealt_with",
    "/slack/interactions",
    "/slack/commands",
    "/pagerduty/webhooks",
]
METHODS = st.sampled_from(["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "BREW"])
PIECE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20) | st.sampled_from(
    ["%00", "%ff", "%2e%2e%2f", "..", "%F0%9F%94%A5", "INC-0001", "' or 1=1", "a" * 3000, "{id}", "%0d%0a"]
)
PATHS = st.one_of(
    st.sampled_from(ROUTES),
    st.builds(lambda route, piece: f"{route}/{piece}", st.sampled_from(ROUTES), PIECE),
    st.builds(lambda route, name, piece: f"{route}?{name}={piece}", st.sampled_from(ROUTES), PIECE, PIECE),
    st.builds(lambda pieces: "/" + "/".join(pieces), st.lists(PIECE, max_size=4)),
).map(lambda path: path.replace(" ", "+").replace("#", ""))
VALUE = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=40)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "Authorization",
            "Content-Type",
            "Origin",
            "Host",
            "Sec-Fetch-Site",
            "X-Slack-Signature",
            "X-Slack-Request-Timestamp",
            "Accept",
            "Cookie",
            "X-Forwarded-For",
            "Range",
        ]
    ),
    VALUE | st.sampled_from([f"Bearer {TOKEN}", "application/x-www-form-urlencoded", "abc", "v0=" + "0" * 64]),
    max_size=6,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["as", "note", "alert", "type", "user", "team", "id", "actions"]), inner)
    ),
    max_leaves=12,
)
BODIES = st.binary(max_size=300) | JSON.map(lambda one: json.dumps(one).encode()) | st.just(b"[" * 5000)


def asked(door: Door, method: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    """The status; what this side's library cannot send is none."""
    encoded = {name: value.encode("latin-1") for name, value in headers.items()}
    began = time.monotonic()
    try:
        status = door.ask(method, path, body, encoded)[0]  # type: ignore[arg-type]  # bytes are sent as they are
    except (ValueError, http.client.InvalidURL):
        return 0
    assert time.monotonic() - began < SOON
    return status


@LONG
@given(METHODS, PATHS, HEADERS, BODIES)
def test_anything_at_all(door: Door, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
    assert asked(door, method, path, body, headers) < 500


@LONG
@given(st.sampled_from(ROUTES), JSON)
def test_commands_with_the_token_and_any_json(door: Door, path: str, body: object) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    assert asked(door, "POST", path, json.dumps(body).encode(), headers) < 500


@LONG
@given(st.sampled_from(["/slack/interactions", "/slack/commands"]), BODIES, st.integers(-400, 400))
def test_any_body_that_is_signed(door: Door, path: str, body: bytes, off: int) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert asked(door, "POST", path, body, headers | door.slack.sign(body, int(time.time()) + off)) < 500


ACTION = st.fixed_dictionaries(
    {},
    optional={
        "action_id": st.sampled_from(["acknowledge", "start", "dealt_with", "dealt_with:2", ""]) | JSON,
        "value": st.sampled_from(["INC-0001|1", "INC-0001|3", "INC-0001|0|7", "INC-9999|1", "x"]) | JSON,
        "action_ts": st.text(max_size=20) | JSON,
    },
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "type": JSON,
        "user": st.fixed_dictionaries({"id": st.sampled_from(["U0ANA", "U0EVE"]) | st.text(max_size=9)}) | JSON,
        "team": st.fixed_dictionaries({"id": st.sampled_from(["T0TEAM", "T0OTHER"])}) | JSON,
        "enterprise": JSON,
        "channel": JSON,
        "message": JSON,
        "container": JSON,
        "actions": st.lists(ACTION, max_size=2) | JSON,
    },
)


@LONG
@given(CHANGES)
def test_genuine_clicks_of_any_shape(door: Door, changes: dict[str, object]) -> None:
    payload = door.payload("U0ANA", "acknowledge") | changes
    assert door.post(*door.slack.form({"payload": json.dumps(payload)})) in {200, 400, 413}


@LONG
@given(
    st.dictionaries(
        st.sampled_from(
            ["command", "text", "user_id", "user_name", "team_id", "trigger_id", "ssl_check", "api_app_id"]
        ),
        st.text(max_size=40) | st.sampled_from(["/rbm", "status", "ack", "ack INC-0001", "U0ANA", "T0TEAM", "A0APP"]),
    )
)
def test_slash_commands_of_any_shape(door: Door, fields: dict[str, str]) -> None:
    try:
        body, headers = door.slack.form(fields)
    except UnicodeEncodeError:
        return
    assert door.post(body, headers, "/slack/commands") in {200, 400}


@LONG
@given(st.binary(max_size=400))
def test_bytes_that_are_no_http(door: Door, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", door.port), timeout=SOON) as raw:
        raw.sendall(sent + b"\r\n\r\n")
        raw.shutdown(socket.SHUT_WR)
        answer = raw.recv(100)
    assert not answer.startswith(b"HTTP/1.1 5")


def test_afterwards_it_still_serves(door: Door) -> None:
    assert door.ask("GET", "/-/healthy")[0] == 200
    assert door.typed("help")[0] == 200
