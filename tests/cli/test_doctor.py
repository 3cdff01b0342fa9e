"""`doctor`: a line for everything that must be in place, with the mend where it is not, against real servers."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from monitor.adapters.store import open_store
from tests.cli.folder import RULES, Folder
from tests.servers.hostile import Hostile, reply, vector
from tests.servers.prometheus import Exporter, Prometheus
from tests.servers.slack import SlackServer

CANARY = "canary-7f3a"


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    now = int(time.time())
    history = [(at, 0.0) for at in range(now - 600, now + 600, 15)]
    with Prometheus(history={'api_errors{job="pay"}': history, 'api_errors{job="auth"}': history}) as running:
        yield running


@pytest.fixture(scope="module")
def workspace() -> Iterator[SlackServer]:
    with SlackServer() as running:
        yield running


@pytest.fixture
def slack(workspace: SlackServer) -> SlackServer:
    workspace.clear()
    return workspace


class House(Folder):
    """A folder whose doctor is called."""

    def examine(self, prometheus: str, slack: SlackServer | None = None, **settings: str) -> tuple[int, list[str]]:
        """The exit code, and the lines."""
        set_up = {"PROMETHEUS__URL": prometheus}
        if slack is not None:
            set_up |= {"SLACK__BOT_TOKEN": slack.bot_token, "SLACK__APP_TOKEN": slack.app_token}
            set_up |= {"SLACK__API_URL": slack.url}
        said = self.run("doctor", **(set_up | settings))
        assert said.err == ""
        assert CANARY not in said.out
        return said.code, said.out.splitlines()


@pytest.fixture
def house(folder: Folder) -> House:
    return House(folder.path)


def test_everything_is_in_place(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    code, lines = house.examine(prometheus.url, slack)
    told = lines[2].partition("version ")[2]
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*, keeps 100y", told)
    assert lines == [
        "ok    settings: 6 given, the rest by default",
        f"ok    rules: 1 rules in 1 groups from {house.path}/rules",
        f"ok    Prometheus {prometheus.url}: version {told}",
        "ok    clocks agree",
        "ok    rule ApiErrors: 2 instances, now clear",
        f"ok    database {house.url}: writable, schema up to date",
        "note  heartbeat: none: set MONITOR_HEARTBEAT__URL, so that somebody else notices when the monitor is gone",
        "ok    Slack token: rollback-monitor in example",
        "ok    Slack scopes",
        "ok    Slack channel C0OPS",
        "ok    Slack user group S0ONCALL: 2 people",
        "ok    Slack Socket Mode",
        "note  rollback pages Slack only: Do Not Disturb will swallow it on a phone at night",
    ]
    assert code == 0
    assert not slack.messages(), "it only looks"


def test_programs_read_json(house: House, prometheus: Prometheus) -> None:
    said = house.run("doctor", "--format", "json", PROMETHEUS__URL=prometheus.url)
    told = json.loads(said.out)
    assert (said.code, told["version"]) == (0, 1)
    assert {"ok": True, "what": "clocks agree", "mend": ""} in told["lines"]
    assert [one["what"] for one in told["lines"] if one["ok"] is None] == ["heartbeat: none", "pager: console"]


# --- what it finds in Slack -----------------------------------------------------------------------------------------

IN_SLACK = [
    (
        "an unknown channel",
        "{channel: C0NONE, responders: [S0ONCALL]}",
        ["BAD   Slack channel C0NONE: Slack refused (channel_not_found): "],
    ),
    (
        "no responders",
        "{channel: C0OPS}",
        [
            "BAD   Slack responders: nobody is called and nobody may act: ",
            "BAD   people: nobody may start a rollback: name responders in rules/routing.yaml",
        ],
    ),
    (
        "an approver alone",
        "{channel: C0OPS, approvers: [U0ANA]}",
        ["BAD   people: nobody may start a rollback: name responders in rules/routing.yaml"],
    ),
    ("a commander alone, who may start", "{channel: C0OPS, commanders: [U0ANA]}", []),
    (
        "an unknown person",
        "{channel: C0OPS, responders: [U0GONE]}",
        ["BAD   Slack user U0GONE: Slack refused (user_not_found)"],
    ),
    (
        "an empty user group",
        "{channel: C0OPS, responders: [S0EMPTY]}",
        ["BAD   Slack user group S0EMPTY is empty: nobody is called: add the people on call to it"],
    ),
]


@pytest.mark.parametrize(("routing", "bad"), [row[1:] for row in IN_SLACK], ids=[row[0] for row in IN_SLACK])
def test_what_is_wrong_with_the_route(
    house: House, prometheus: Prometheus, slack: SlackServer, routing: str, bad: list[str]
) -> None:
    house.write("rules/routing.yaml", f"environment: production\ndefault: {routing}\n")
    code, lines = house.examine(prometheus.url, slack)
    found = [line for line in lines if line.startswith("BAD")]
    assert len(found) == len(bad)
    assert all(line.startswith(start) for line, start in zip(found, bad, strict=True)), found
    assert code == bool(bad)


@pytest.mark.parametrize("scope", ["usergroups:read", "users:read", "channels:history", "groups:history"])
def test_a_missing_scope_is_named(house: House, prometheus: Prometheus, slack: SlackServer, scope: str) -> None:
    slack.scopes.discard(scope)
    code, lines = house.examine(prometheus.url, slack)
    assert any(line.startswith(f"BAD   Slack scope {scope} is missing: ") for line in lines)
    assert code == 1


def test_a_token_that_slack_does_not_know(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    code, lines = house.examine(prometheus.url, slack, SLACK__BOT_TOKEN=f"xoxb-{CANARY}")
    assert any(line.startswith("BAD   Slack token: Slack refused (invalid_auth): ") for line in lines)
    assert code == 1


def test_slack_is_not_there(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    code, lines = house.examine(prometheus.url, slack, SLACK__API_URL="http://127.0.0.1:9/api/")
    assert any(line.startswith("BAD   Slack token: Slack could not be reached") for line in lines)
    assert code == 1


# --- what it finds in Prometheus ------------------------------------------------------------------------------------


def test_prometheus_is_not_there_and_the_rest_is_looked_at_all_the_same(house: House) -> None:
    code, lines = house.examine("http://127.0.0.1:9")
    (bad,) = [line for line in lines if line.startswith("BAD")]
    assert bad.startswith("BAD   Prometheus http://127.0.0.1:9: ")
    assert bad.endswith("; see MONITOR_PROMETHEUS__URL")
    assert f"ok    database {house.url}: writable, schema up to date" in lines
    assert code == 1


def test_something_else_listens_there(house: House) -> None:
    with Hostile(reply(b"<html>")) as other:
        code, lines = house.examine(other.url)
        assert any(line.startswith(f"BAD   Prometheus {other.url}: ") for line in lines)
        assert code == 1


def test_clocks_that_differ(house: House) -> None:
    then = datetime.now(UTC) - timedelta(hours=1)
    with Hostile(reply(vector(), headers={"Date": format_datetime(then, usegmt=True)})) as late:
        code, lines = house.examine(late.url)
        (bad,) = [line for line in lines if line.startswith("BAD   clocks")]
        assert re.fullmatch(r"BAD   clocks: Prometheus's differs by -36\d\d s: let both follow NTP", bad)
        assert code == 1


def test_a_rule_that_matches_no_series(house: House, prometheus: Prometheus) -> None:
    misspelt = RULES.replace("api_errors", "api_error")
    house.write("rules/apis.yaml", misspelt)
    code, lines = house.examine(prometheus.url)
    mend = f"its selectors match no series; look at {house.path}/rules/apis.yaml:6:16, or say `optional: true`"
    assert f"BAD   rule ApiErrors: {mend}" in lines
    assert code == 1
    house.write("rules/apis.yaml", misspelt.replace("prepare:", "optional: true\n        prepare:"))
    code, lines = house.examine(prometheus.url)
    assert f"note  rule ApiErrors: {mend}" in lines
    assert code == 0


def test_a_rule_whose_instances_cannot_be_told_apart(house: House, prometheus: Prometheus) -> None:
    house.write("rules/apis.yaml", RULES.replace("[job]", "[zone]"))
    code, lines = house.examine(prometheus.url)
    mend = "two series for one instance: aggregate the query by its `by` labels"
    assert f"BAD   rule ApiErrors: {mend}" in lines
    assert code == 1


def test_a_query_that_prometheus_refuses(house: House, prometheus: Prometheus) -> None:
    """What `check` cannot know: the query is well formed, and wrong."""
    query = """label_replace(api_errors, "x", "$1", "job", "(")"""
    house.write("rules/apis.yaml", RULES.replace("api_errors'", f"{query}'"))
    code, lines = house.examine(prometheus.url)
    assert "BAD   rule ApiErrors: invalid regular expression in label_replace(): (" in lines
    assert code == 1


def test_a_rule_that_breaches_now_says_so(house: House, prometheus: Prometheus) -> None:
    house.write("rules/apis.yaml", RULES.replace("above: 2", "above: -1"))
    code, lines = house.examine(prometheus.url)
    assert "ok    rule ApiErrors: 2 instances, now breach" in lines
    assert code == 0


# --- what it finds here ---------------------------------------------------------------------------------------------


def test_wrong_settings_are_a_line_each_and_nothing_else_is_looked_at(house: House) -> None:
    assert house.examine("prometheus:9090", LISTEN=CANARY) == (
        1,
        [
            "BAD   settings: MONITOR_PROMETHEUS__URL is no URL; write it with its scheme, such as http://prometheus:9090.",
            "BAD   settings: MONITOR_LISTEN is no address; write host:port, such as 127.0.0.1:9911.",
        ],
    )


def test_wrong_rules_are_told_with_their_place(house: House, prometheus: Prometheus) -> None:
    house.write("rules/apis.yaml", RULES.replace("above", "abov"))
    code, lines = house.examine(prometheus.url)
    assert any(line.startswith(f"BAD   rules: {house.path}/rules/apis.yaml:") for line in lines)
    assert any(line.startswith("ok    Prometheus") for line in lines)
    assert code == 1


def test_slack_without_a_channel(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    house.write("rules/routing.yaml", "environment: production\n")
    code, lines = house.examine(prometheus.url, slack)
    mend = "Slack is set, but no channel: name one in routing.yaml or in MONITOR_SLACK__CHANNEL."
    assert f"BAD   rules: {mend}" in lines
    assert code == 1


def test_without_slack_it_says_where_pages_go(house: House, prometheus: Prometheus) -> None:
    code, lines = house.examine(prometheus.url)
    assert lines[-1].startswith("note  pager: console: pages are printed where the daemon runs; ")
    assert code == 0


def test_a_database_that_cannot_be_used(house: House, prometheus: Prometheus) -> None:
    house.write("monitor.db", "notes" * 1000)
    code, lines = house.examine(prometheus.url)
    path = house.path / "monitor.db"
    assert f"BAD   database: the database {path} cannot be used: file is not a database" in lines
    assert code == 1


def test_a_database_that_a_daemon_holds_is_left_alone(house: House, prometheus: Prometheus) -> None:
    held = open_store(house.url)
    code, lines = house.examine(prometheus.url)
    held.close()
    assert any(line.startswith(f"ok    database {house.url}: in use by the daemon, pid ") for line in lines)
    assert code == 0


def test_a_daemon_that_cannot_write_is_told(house: House, prometheus: Prometheus) -> None:
    """Whoever asks the doctor while a daemon runs hears what that daemon holds in memory."""
    told = "rollback_monitor_storage_durable 0.0\nrollback_monitor_storage_held 12.0\n"
    with Exporter(told) as daemon:
        held = open_store(house.url)
        held.listening(f"http://{daemon.target}", "token")
        code, lines = house.examine(prometheus.url)
        held.close()
    assert any(line.startswith("BAD   evidence is not durable: 12 things are held in memory") for line in lines)
    assert code == 1


def test_a_database_that_was_set_aside_is_remembered(house: House, prometheus: Prometheus) -> None:
    house.write("monitor.db.corrupt-20260301T030211Z", "")
    code, lines = house.examine(prometheus.url)
    aside = house.path / "monitor.db.corrupt-20260301T030211Z"
    assert any(line.startswith(f"note  a corrupt database was set aside as {aside}: ") for line in lines)
    assert code == 0


def test_a_heartbeat_that_nobody_expects_is_recommended(house: House, prometheus: Prometheus) -> None:
    _, lines = house.examine(prometheus.url)
    assert any(line.startswith("note  heartbeat: none") for line in lines)
    _, lines = house.examine(prometheus.url, HEARTBEAT__URL=f"https://switch.example/{CANARY}")
    assert not any("heartbeat: none" in line for line in lines)
