"""`doctor`: a line for everything that must be in place, with the mend where it is not, against real servers."""

import json
import os
import re
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from monitor.adapters.prometheus.visit import Described
from monitor.adapters.store import open_store
from monitor.cli import doctor
from monitor.cli.doctor import in_seconds, offsets
from monitor.core.rules.routing import Route, Routing
from monitor.core.rules.rule import Group
from monitor.core.rules.ruleset import RuleSet
from monitor.survey import Surveyed
from tests.cli.folder import RULES, Folder
from tests.servers.alertmanager import Alertmanager
from tests.servers.hostile import Hostile, hang, reply, vector
from tests.servers.prometheus import Exporter, Prometheus
from tests.servers.receiver import Receiver
from tests.servers.slack import SlackServer

CANARY = "canary-7f3a"
SWALLOWED = "Do Not Disturb will swallow it on a phone at night; name another pager in page of rules/routing.yaml"


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    now = int(time.time())
    history = [(at, 0.0) for at in range(now - 1800, now + 600, 15)]
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
        lines[6],
        "note  heartbeat: none: set MONITOR_HEARTBEAT__URL, so that somebody else notices when the monitor is gone",
        "ok    Slack token: rollback-monitor in example",
        "ok    Slack scopes",
        "ok    Slack channel C0OPS",
        "ok    Slack user group S0ONCALL: 2 people",
        "ok    Slack Socket Mode",
        f"note  rollback pages Slack only: {SWALLOWED}",
    ]
    assert re.match(r"ok    drill due: The next drill is due in \d+ days, by ", lines[6])
    assert code == 0
    assert not slack.messages(), "it only looks"


def test_signed_http_is_as_good_as_socket_mode(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    told = {"SLACK__API_URL": slack.url, "SLACK__SIGNING_SECRET": CANARY}
    code, lines = house.examine(prometheus.url, None, SLACK__BOT_TOKEN=slack.bot_token, **told)
    assert "ok    Slack signed HTTP: POST /slack/interactions takes the buttons" in lines
    assert not [line for line in lines if "Socket Mode" in line]
    assert code == 0


def test_without_a_way_for_clicks_it_says_so(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    code, lines = house.examine(prometheus.url, SLACK__BOT_TOKEN=slack.bot_token, SLACK__API_URL=slack.url)
    (bad,) = [line for line in lines if line.startswith("BAD")]
    assert bad.startswith("BAD   Slack buttons: neither Socket Mode nor signed HTTP is set, so they do not work: ")
    assert bad.endswith("into MONITOR_SLACK__APP_TOKEN (or use MONITOR_SLACK__SIGNING_SECRET)")
    assert code == 1


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


ROUTED = """
default: {channel: C0OPS, responders: [S0ONCALL]}
routes:
  - {matchers: ['job="pay"'], channel: C0BILL, responders: [S0IC, S0ONCALL]}
  - {matchers: ['job="auth"'], channel: C0NONE, approvers: [S0EMPTY]}
"""


def test_every_channel_and_group_of_every_route_is_looked_at(
    house: House, prometheus: Prometheus, slack: SlackServer
) -> None:
    house.write("rules/routing.yaml", f"environment: production{ROUTED}")
    code, lines = house.examine(prometheus.url, slack)
    found = [line.partition(": ")[0] if "C0NONE: Slack" in line else line for line in lines if "Slack channel" in line]
    assert found == ["ok    Slack channel C0OPS", "ok    Slack channel C0BILL", "BAD   Slack channel C0NONE"]
    groups = [line.split(":")[0].split(" is ")[0] for line in lines if "Slack user group" in line]
    assert groups == [
        "ok    Slack user group S0ONCALL",
        "ok    Slack user group S0IC",
        "BAD   Slack user group S0EMPTY",
    ]
    whose = f"what goes to C0NONE by {house.path}/rules/routing.yaml:5:16"
    assert f"BAD   people: nobody may start a rollback of {whose}: name responders in rules/routing.yaml" in lines
    assert code == 1


CHOICES = """
title: Roll back
steps:
  - id: migrations
    title: Decide
    choose: [{id: keep, title: Keep}, {id: revert, title: Revert, needs_approver: true}]
"""


def test_an_answer_to_which_nobody_may_agree_is_told(house: House, prometheus: Prometheus, slack: SlackServer) -> None:
    house.write("rules/procedures/rollback.yaml", CHOICES)
    people = "responders: [U0ANA], approvers: [U0ANA]"
    route = "{matchers: ['job=\"pay\"'], channel: C0BILL, responders: [U0ANA]}"
    routing = f"environment: production\ndefault: {{channel: C0OPS, {people}}}\nroutes: [{route}]\n"
    house.write("rules/routing.yaml", routing)
    code, lines = house.examine(prometheus.url, slack)
    (told,) = [line for line in lines if "may agree" in line]
    assert told.startswith("note  people: nobody in Slack may agree to “Revert” of what goes to C0BILL by ")
    assert told.endswith(": name approvers in rules/routing.yaml")
    assert code == 0


def test_the_channels_that_only_the_settings_name_are_looked_at(
    house: House, prometheus: Prometheus, slack: SlackServer
) -> None:
    beside = {"SLACK__ESCALATION_CHANNEL": "C0NOSECOND", "SLACK__DRILL_CHANNEL": "C0NODRILL"}
    code, lines = house.examine(prometheus.url, slack, **beside)
    found = [line.split(": ")[0] for line in lines if line.startswith("BAD")]
    assert (code, found) == (1, ["BAD   Slack channel C0NOSECOND", "BAD   Slack channel C0NODRILL"])


@pytest.mark.parametrize(
    "scope", ["usergroups:read", "users:read", "files:write", "channels:history", "groups:history"]
)
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
    place = house.write("rules/apis.yaml", misspelt)
    code, lines = house.examine(prometheus.url)
    found = f"{place}:6:16 ApiErrors: `expr` matches no series: api_error: compare its name and labels with what"
    assert [line for line in lines if "ApiErrors" in line] == [f"BAD   {found} Prometheus has, or say `optional: true`"]
    assert code == 1
    house.write("rules/apis.yaml", misspelt.replace("prepare:", "optional: true\n        prepare:"))
    code, lines = house.examine(prometheus.url)
    assert [line for line in lines if "ApiErrors" in line] == [f"note  {found} Prometheus has"]
    assert code == 0


def test_what_the_data_say_against_a_rule_stands_with_its_place(house: House, prometheus: Prometheus) -> None:
    ratio = "error_ratio: {requests: 'api_errors', failures: 'job=\"pay\"', by: [job, zone], window: 20s}"
    place = house.write(
        "rules/apis.yaml", RULES.replace("query: {expr: 'api_errors', by: [job]}", ratio).replace("2,", "2%,")
    )
    code, lines = house.examine(prometheus.url)
    label = "no series of `requests` has the label `zone`: tell instances apart by what they have, such as `job`"
    pace = "the series of auth, pay come every 15 s, as the last 10 minutes tell: write 60s or more"
    assert [line for line in lines if line.startswith(f"BAD   {place}")] == [
        f"BAD   {place}:6:16 ApiErrors: {label}",
        f"BAD   {place}:6:16 ApiErrors: a window of 20s is less than 2 scrapes: {pace}",
    ]
    assert code == 1


def test_a_reading_that_is_empty_though_there_are_series(house: House, prometheus: Prometheus) -> None:
    place = house.write("rules/apis.yaml", RULES.replace("api_errors", "api_errors > 5"))
    code, lines = house.examine(prometheus.url)
    assert f"BAD   rule ApiErrors: its reading is empty; look at {place}:6:16, or say `optional: true`" in lines
    assert not [line for line in lines if line.startswith(f"BAD   {place}")]
    assert code == 1


def test_a_group_that_looks_before_scrapes_have_landed(house: House, prometheus: Prometheus) -> None:
    house.write("rules/apis.yaml", RULES.replace("interval: 15s", "interval: 15s\n    query_offset: 0s"))
    code, lines = house.examine(prometheus.url)
    what = "a query_offset of 0s is less than the scrape timeout and the clocks' difference, 1 s"
    assert f"note  group apis: {what}: late scrapes are missed; write query_offset: 1s" in lines
    assert code == 0


OFFSETS = [
    ("the timeout is told", Described(reachable=True, scrape_timeout="12s"), 30.0, "12 s"),
    ("the timeout, and clocks that differ", Described(reachable=True, scrape_timeout="10s", skew=-4.0), 30.0, "13 s"),
    ("the timeout is shorter than the offset", Described(reachable=True, scrape_timeout="9s500ms", skew=1.0), 30.0, ""),
    ("no timeout is told", Described(reachable=True), 30.0, "30 s"),
    ("no timeout is told, and scrapes are close together", Described(reachable=True), 5.0, ""),
]


@pytest.mark.parametrize(("told", "pace", "needed"), [row[1:] for row in OFFSETS], ids=[row[0] for row in OFFSETS])
def test_how_far_behind_a_group_must_look(told: Described, pace: float, needed: str) -> None:
    rules = RuleSet((Group("apis", ()),), Routing("test", Route("C0")), {})
    lines = [line.what for line in offsets(rules, told, Surveyed(paces={"apis": pace}))]
    assert [line.rpartition(", ")[2] for line in lines] == ([needed] if needed else [])


DURATIONS = [("1m30s", 90.0), ("500ms", 0.5), ("10s", 10.0), ("", None), ("10", None), ("s", None)]


@pytest.mark.parametrize(("written", "seconds"), DURATIONS)
def test_durations_as_prometheus_writes_them(written: str, seconds: float | None) -> None:
    assert in_seconds(written) == seconds


def test_all_groups_and_the_survey_share_one_patience(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    group = RULES.partition("groups:\n")[2]
    more = [group.replace("apis", f"apis-{n}").replace("ApiErrors", f"Api{n}Errors") for n in range(5)]
    house.write("rules/apis.yaml", f"groups:\n{''.join(more)}")
    monkeypatch.setattr(doctor, "PATIENCE", 1.5)
    asked: list[None] = []

    def four_answers(connection: socket.socket, ended: threading.Event) -> None:
        asked.append(None)
        behaviour = reply(vector()) if len(asked) <= 4 else hang
        behaviour(connection, ended)

    with Hostile(four_answers) as tired:
        began = time.monotonic()
        code, lines = house.examine(tired.url)
        assert time.monotonic() - began < 4
    assert len([line for line in lines if line.startswith("BAD   rule Api")]) == 5
    (told,) = [line for line in lines if "only data can tell" in line]
    assert told.startswith("note  what only data can tell was not all looked at: no time was left to ask: ")
    assert not [line for line in lines if "apis.yaml:" in line]
    assert code == 1


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


def test_a_query_that_is_refused_says_so_though_its_selector_matches_nothing_either(
    house: House, prometheus: Prometheus
) -> None:
    query = """label_replace(api_error, "x", "$1", "job", "(")"""
    place = house.write("rules/apis.yaml", RULES.replace("api_errors'", f"{query}'"))
    _, lines = house.examine(prometheus.url)
    assert "BAD   rule ApiErrors: invalid regular expression in label_replace(): (" in lines
    assert any(
        line.startswith(f"BAD   {place}:6:16 ApiErrors: `expr` matches no series: api_error: ") for line in lines
    )


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


def routed(house: House, page: str) -> None:
    routing = house.path / "rules" / "routing.yaml"
    routing.write_text(routing.read_text() + page)


def test_every_other_pager_has_a_line_and_nobody_is_paged(
    house: House, prometheus: Prometheus, slack: SlackServer
) -> None:
    routed(house, "page: {rollback: [slack, pagerduty]}\n")
    with Receiver() as duty, Alertmanager() as alertmanager, Receiver(status=403) as hook:
        settings = {
            "PAGERDUTY__ROUTING_KEY": CANARY,
            "PAGERDUTY__API_URL": duty.url,
            "ALERTMANAGER__URL": alertmanager.url,
            "WEBHOOK__URL": f"{hook.url}/{CANARY}",
        }
        code, lines = house.examine(prometheus.url, slack, **settings)
        assert alertmanager.alerts() == []
    assert lines[-3:] == [
        "ok    pager pagerduty: answers",
        "ok    pager alertmanager: answers",
        "BAD   pager webhook: it refused (HTTP 403): see MONITOR_WEBHOOK__URL",
    ]
    assert code == 1
    assert [one.json["event_action"] for one in duty.received] == ["resolve"]
    assert [one.json["event"] for one in hook.received] == ["test"]


def test_a_pager_that_is_named_and_not_configured_is_bad(
    house: House, prometheus: Prometheus, slack: SlackServer
) -> None:
    routed(house, "page: {rollback: [slack, pagerduty]}\n")
    code, lines = house.examine(prometheus.url, slack)
    named = "pager pagerduty: routing.yaml names it in page, and it is not configured"
    assert lines[-2:] == [
        f"BAD   {named}: set MONITOR_PAGERDUTY__ROUTING_KEY",
        f"note  rollback pages Slack only: {SWALLOWED}",
    ]
    assert code == 1


def test_a_pager_that_no_rollback_names_stands_in_only(
    house: House, prometheus: Prometheus, slack: SlackServer
) -> None:
    with Receiver() as hook:
        code, lines = house.examine(prometheus.url, slack, WEBHOOK__URL=hook.url)
    late = "rollback pages Slack only, and webhook only where Slack does not take them"
    assert lines[-2:] == ["ok    pager webhook: answers", f"note  {late}: {SWALLOWED}"]
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


CHECKED = """
title: Roll back
steps:
  - id: verify
    title: Verify
    checks:
      - {title: Preflight, command: [python3, tools/preflight.py, --token=canary-7f3a]}
      - {title: Migrated, command: [no-such-program]}
"""


ALLOWED = {"ALLOW_COMMAND_CHECKS": "true"}
BY_HAND = "a person runs it and enters its result; MONITOR_ALLOW_COMMAND_CHECKS=true lets the monitor do so"
NO_FOLDER = "there is no folder /nowhere: see MONITOR_COMMAND_CHECKS_DIRECTORY"
NO_PROGRAM = f"there is no program no-such-program; the monitor's PATH is {os.environ['PATH']}"
RUN = "python3 tools/preflight.py --token=[redacted]"
RUN_OR_SHOWN: list[tuple[str, dict[str, str], list[str]]] = [
    (
        "not allowed",
        {},
        [
            f"note  procedure rollback, check Preflight: {RUN} is shown only: {BY_HAND}",
            f"note  procedure rollback, check Migrated: no-such-program is shown only: {BY_HAND}",
        ],
    ),
    (
        "allowed",
        ALLOWED,
        [
            f"ok    procedure rollback, check Preflight: runs {RUN}",
            f"BAD   procedure rollback, check Migrated: {NO_PROGRAM}",
        ],
    ),
    (
        "allowed, in a folder that is not there",
        ALLOWED | {"COMMAND_CHECKS_DIRECTORY": "/nowhere"},
        [f"BAD   procedure rollback, check {name}: {NO_FOLDER}" for name in ("Preflight", "Migrated")],
    ),
]


@pytest.mark.parametrize(
    ("settings", "expected"), [case[1:] for case in RUN_OR_SHOWN], ids=[case[0] for case in RUN_OR_SHOWN]
)
def test_which_commands_are_run_and_which_are_shown_only(
    house: House, prometheus: Prometheus, settings: dict[str, str], expected: list[str]
) -> None:
    house.write("rules/procedures/rollback.yaml", CHECKED)
    _, lines = house.examine(prometheus.url, None, **settings)
    assert [line for line in lines if "procedure rollback" in line] == expected
