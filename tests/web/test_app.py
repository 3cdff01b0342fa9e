"""The HTTP application behind its real listener: who may do what, and what is answered to whom."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest

from monitor.adapters.memory.store import MemoryStore
from monitor.core.incidents.incident import Incident
from monitor.core.model import AlertKey
from monitor.core.pages.page import ActionKind, Reading, Scene
from monitor.core.rules.comparison import compare
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.ruleset import RuleSet
from monitor.people.commands import Commands
from monitor.ports.store import Change, StoreError
from monitor.procedure.gatekeeping import Gatekeeper
from monitor.ruleset.reload import Report
from monitor.ruleset.rulesfolder import Outcome, Standing
from monitor.runtime.serving import Serving
from monitor.telemetry import Metrics
from monitor.web import Health, Inside, View, application
from tests.middle.house import ANA, WORST, House, group, rule

NOTHING = RuleSet((), Routing("test", Route("C0OPS")), {})
TOKEN = "canary-7f3a"
UNTRUSTED = "Changing something asks for the token: MONITOR_CONSOLE_TOKEN, or the one in the lock file."


@dataclass
class Around:
    """What the application is told of the daemon around it, and what it asked for."""

    health: Health = field(default_factory=lambda: Health(ok=True))
    readiness: Health = field(default_factory=lambda: Health(ok=True))
    rules_trouble: str = ""
    asked: list[str] = field(default_factory=list)
    readings: dict[AlertKey, Reading] = field(default_factory=dict)

    def reload(self) -> Outcome:
        self.asked.append("reload")
        if self.rules_trouble:
            return Outcome(problems=(self.rules_trouble,))
        return Outcome(Report("f" * 64, compare(NOTHING, NOTHING)))

    def gauges(self) -> None:
        self.asked.append("gauges")


@dataclass(frozen=True)
class Server:
    """The application as somebody outside sees it."""

    url: str
    around: Around
    house: House

    def ask(self, path: str, body: object = None, token: str | None = TOKEN, method: str = "") -> tuple[int, str]:
        """Status and body; a `body` is posted, as JSON where it is not bytes."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        status, _, said = self.full(path, data, headers, method)
        return status, said

    def full(
        self, path: str, data: bytes | None = None, headers: dict[str, str] | None = None, method: str = ""
    ) -> tuple[int, Mapping[str, str], str]:
        """Status, headers and body."""
        request = urllib.request.Request(self.url + path, data, headers or {}, method=method or None)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, dict(answer.headers), answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, dict(error.headers), error.read().decode()

    def read(self, path: str) -> Any:  # noqa: ANN401  # JSON
        status, body = self.ask(path, token=None)
        assert status == 200
        return json.loads(body)

    def refusal(self, path: str, body: object = None, token: str | None = TOKEN) -> tuple[int, str]:
        """Status and sentence of what was not done."""
        status, said = self.ask(path, {} if body is None else body, token)
        told = json.loads(said)
        assert {"version", "error"} <= told.keys()
        return status, told["error"]


def serve(house: House, commands: Commands, token: str = TOKEN) -> Iterator[Server]:
    around = Around()
    inside = Inside(
        store=house.store,
        commands=commands,
        registry=Metrics().registry,
        token=token,
        healthy=lambda: around.health,
        ready=lambda: around.readiness,
        reload=around.reload,
        standing=lambda: Standing("f" * 64, house.clock.now()),
        view=lambda: View(house.book.now),
        gauges=around.gauges,
        scene=lambda one: Scene(one, one.opened_at, around.readings),
        gate=lambda one, version, _: Gatekeeper(house.store, house.desk, house.clock).ask(one, version),
    )
    serving = Serving(application(inside), "127.0.0.1:0", None)
    url = serving.bind()
    serving.start()
    yield Server(url, around, house)
    serving.stop()
    serving.join(5)


@pytest.fixture
def house() -> House:
    """A login that fails, and its incident."""
    house = House(group("logins", rule("Login", rollback=0)))
    house.says("Login", WORST)
    house.walk(15)
    return house


@pytest.fixture
def server(house: House) -> Iterator[Server]:
    yield from serve(house, house.commands)


# --- how it is ------------------------------------------------------------------------------------------------------


def test_health_is_ok_or_a_sentence(server: Server) -> None:
    assert server.ask("/-/healthy") == server.ask("/-/ready") == (200, "ok\n")
    server.around.health = Health(ok=False, trouble="no tick for: apis")
    server.around.readiness = Health(ok=False, trouble="not evaluated yet: apis")
    assert server.ask("/-/healthy", token=None) == (503, "no tick for: apis\n")
    assert server.ask("/-/ready", token=None) == (503, "not evaluated yet: apis\n")


def test_metrics_are_brought_up_to_date_when_they_are_read(server: Server) -> None:
    status, text = server.ask("/metrics", token=None)
    assert status == 200
    assert "rollback_monitor_build_info{" in text
    assert server.around.asked == ["gauges"]


def test_a_reload_says_what_is_wrong_with_the_rules(server: Server) -> None:
    assert json.loads(server.ask("/-/reload", {})[1])["reloaded"] is True
    server.around.rules_trouble = "rules/apis.yaml:3:5: no such key"
    assert server.refusal("/-/reload") == (422, "rules/apis.yaml:3:5: no such key")
    assert server.around.asked == ["reload", "reload"]


# --- incidents ------------------------------------------------------------------------------------------------------


def test_the_list_and_one_incident_in_full(server: Server) -> None:
    listed = server.read("/api/v1/incidents")
    (short,) = listed["incidents"]
    assert (listed["version"], short["id"], short["tier"], short["state"]) == (1, "INC-0001", "rollback", "rollback")
    assert (short["opened_at"], short["acknowledged_by"], short["firing"]) == ("2025-03-04T03:00:25Z", None, 1)
    full = server.read("/api/v1/incidents/INC-0001")["incident"]
    assert full.items() >= short.items()
    assert [one["alert"] for one in full["alerts"]] == ["Login"]
    assert [one["kind"] for one in full["timeline"]] == server.house.kinds()


def test_an_incident_is_told_with_what_its_signals_say_now(server: Server) -> None:
    before = server.read("/api/v1/incidents/INC-0001")["incident"]["alerts"][0]
    (firing,) = server.house.incident().alerts
    server.around.readings[firing.key] = Reading(server.house.clock.now(), "61 % of logins fail", "over the limit")
    (short,), full = (
        server.read("/api/v1/incidents")["incidents"],
        server.read("/api/v1/incidents/INC-0001")["incident"],
    )
    assert "61 % of logins fail" in short["headline"]
    assert (full["headline"], full["alerts"][0]) == (short["headline"], before | {"now": "61 % of logins fail"})


def test_there_is_no_such_incident(server: Server) -> None:
    status, body = server.ask("/api/v1/incidents/INC-0009")
    assert (status, json.loads(body)["error"]) == (404, "There is no incident INC-0009.")


def test_acknowledging_is_a_command_in_a_name_that_nobody_vouched_for(server: Server) -> None:
    status, body = server.ask("/api/v1/incidents/INC-0001/acknowledge", {"as": "ana"})
    assert (status, json.loads(body)["incident"]["acknowledged_by"]) == (200, "ana")
    by = server.house.incident().acknowledged_by
    assert by is not None
    assert (by.id, str(by.source), by.verified) == ("ana", "cli", False)


def test_a_command_that_is_refused_is_a_conflict_with_its_sentence(server: Server) -> None:
    server.house.ask(ActionKind.ACKNOWLEDGE, ANA)
    status, sentence = server.refusal("/api/v1/incidents/INC-0001/acknowledge", {"as": "bob"})
    assert (status, sentence.partition(",")[0]) == (409, "INC-0001 is already acknowledged by Ana")


# --- who may not, and what is not understood ------------------------------------------------------------------------

ACK, RELOAD = "/api/v1/incidents/INC-0001/acknowledge", "/-/reload"


@pytest.mark.parametrize("path", [ACK, RELOAD])
@pytest.mark.parametrize("token", [None, "", "canary-7f3", "canary-7f3ab", "Bearer canary-7f3a", "ünïcode"])
def test_without_the_token_nothing_changes(server: Server, path: str, token: str | None) -> None:
    kept = server.house.kinds()
    assert server.refusal(path, {"as": "ana"}, token) == (401, UNTRUSTED)
    assert (server.house.kinds(), server.around.asked) == (kept, [])


def test_where_there_is_no_token_nobody_has_it(house: House) -> None:
    for server in serve(house, house.commands, token=""):
        assert server.refusal(ACK, {"as": "ana"}, "") == (401, UNTRUSTED)


NAMELESS = 'Say who you are: {"as": "your name"}, up to 64 letters.'
WRONG: list[tuple[str, str, object, int, str]] = [
    ("no such incident", "/api/v1/incidents/INC-0009/start", {"as": "ana"}, 404, "There is no incident INC-0009."),
    ("no such action", "/api/v1/incidents/INC-0001/explode", {"as": "ana"}, 400, "Not understood: "),
    ("no JSON", ACK, b"{", 400, "Not understood: "),
    ("a list", ACK, ["ana"], 400, "Not understood: the body is no JSON object."),
    ("too long a body", ACK, {"as": "ana", "note": "n" * 65_536}, 413, "Not understood: the body is over 64 KiB."),
    ("nobody", ACK, {}, 400, NAMELESS),
    ("a name that calls everybody", ACK, {"as": "<!channel>"}, 400, NAMELESS),
    ("a name on two lines", ACK, {"as": "ana\nbob"}, 400, NAMELESS),
    ("too long a name", ACK, {"as": "a" * 65}, 400, NAMELESS),
]


@pytest.mark.parametrize(("path", "body", "status", "why"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_is_wrong_is_answered_and_changes_nothing(
    server: Server, path: str, body: object, status: int, why: str
) -> None:
    kept = server.house.kinds()
    code, sentence = server.refusal(path, body)
    assert code == status
    assert sentence.startswith(why)
    assert server.house.kinds() == kept


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "{url}", "Sec-Fetch-Site": "same-origin"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({}, 200),
    ],
    ids=str,
)
def test_a_page_of_another_site_changes_nothing_even_with_the_token(
    server: Server, headers: dict[str, str], status: int
) -> None:
    given = {name: value.format(url=server.url) for name, value in headers.items()}
    code, _, said = server.full(ACK, b'{"as": "ana"}', {"Authorization": f"Bearer {TOKEN}", **given})
    assert code == status
    assert ("A page of another site may not change anything here." in said) == (status == 403)
    assert (server.house.incident().acknowledged_by is not None) == (status == 200)


@pytest.mark.parametrize("path", ["/-/healthy", "/metrics", "/api/v1/incidents", "/nothing", "/-/reload"])
def test_every_answer_carries_its_protection(server: Server, path: str) -> None:
    headers = {name.lower(): value for name, value in server.full(path)[1].items()}
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert (headers["x-frame-options"], headers["referrer-policy"]) == ("DENY", "no-referrer")


@pytest.mark.parametrize("path", ["/slack/interactions", "/slack/commands"])
def test_without_a_signing_secret_slack_has_no_door(server: Server, path: str) -> None:
    assert server.ask(path, {})[0] == 404


@pytest.mark.parametrize("path", [ACK, RELOAD])
def test_looking_changes_nothing(server: Server, path: str) -> None:
    assert server.ask(path)[0] == 405
    assert server.around.asked == []


class BrokenStore(MemoryStore):
    """A disk that is full, and then one that cannot be read either."""

    unreadable = False

    def commit(self, change: Change) -> None:
        raise StoreError(f"the database cannot be written: disk full ({len(change.events)})")

    def incidents(self, *, open_only: bool = False, since: datetime | None = None) -> Sequence[Incident]:
        if self.unreadable:
            raise StoreError("the database cannot be read: disk I/O error")
        return super().incidents(open_only=open_only, since=since)


def test_a_database_that_cannot_be_used_is_a_sentence(house: House) -> None:
    broken = BrokenStore()
    broken._events, broken._incidents = house.store._events, house.store._incidents
    house.build(house.book.now.rules, broken)
    house.store = broken  # type: ignore[assignment]  # nothing is recalled here
    for server in serve(house, house.commands):
        status, sentence = server.refusal(ACK, {"as": "ana"})
        assert status == 503
        assert sentence.startswith("It could not be written down, so it was not done: the database cannot be written")
        assert house.incident().acknowledged_by is None
        broken.unreadable = True
        status, body = server.ask("/api/v1/incidents")
        assert (status, json.loads(body)["error"]) == (503, "the database cannot be read: disk I/O error")
