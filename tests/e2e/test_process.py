"""The daemon as a process: starting, refusing to start, stopping, reloading, dying and coming back."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from monitor.adapters.store import open_store, opening
from tests.e2e.running import MEASURED, Monitor, Shop, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.hostile import Hostile, hang
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer, hangs

SLOW = FAST.replace("for: 8s", "for: 20s")
BLIND = FAST.replace("    query_offset: 1s\n", "    query_offset: 1s\n    blind_after: 6s\n")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def prometheus(shop: Shop) -> Iterator[Prometheus]:
    with Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


REFUSALS = [
    ({"MONITOR_PROMETEUS__URL": "http://x"}, "MONITOR_PROMETEUS__URL", "did you mean MONITOR_PROMETHEUS__URL?"),
    ({"MONITOR_PROMETHEUS__URL": "localhost:9090"}, "MONITOR_PROMETHEUS__URL", "write it with its scheme"),
    ({"MONITOR_SLACK__BOT_TOKEN_FILE": "empty"}, "MONITOR_SLACK__BOT_TOKEN_FILE", "is empty"),
    ({"MONITOR_LISTEN": "9911"}, "MONITOR_LISTEN", "write host:port"),
    ({"MONITOR_DATABASE_URL": "sqlite:////nowhere/at/all.db"}, "/nowhere/at", "does not exist"),
    ({"MONITOR_RULES": "norules"}, "norules", "cannot be read"),
]


@pytest.mark.parametrize(
    ("env", "where", "mend"), REFUSALS, ids=[next(iter(row[0])) + " " + row[2] for row in REFUSALS]
)
def test_what_keeps_it_from_starting_is_a_sentence_and_exit_78(
    tmp_path: Path, env: dict[str, str], where: str, mend: str
) -> None:
    (tmp_path / "empty").touch()
    monitor = Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9", MONITOR_CONSOLE_TOKEN="canary-7f3a")
    monitor.env |= env
    refused = monitor.command("run")
    assert refused.returncode == 78
    assert where in refused.stderr
    assert mend in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert "canary-7f3a" not in refused.stderr + refused.stdout


def test_a_rule_file_that_is_wrong_is_refused_with_its_place(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, FAST.replace("min_requests", "min_request"))
    refused = Monitor(tmp_path, rules, "http://127.0.0.1:9").command("run")
    assert refused.returncode == 78
    assert "fast.yaml:14:18" in refused.stderr
    assert "min_requests" in refused.stderr


def test_a_second_daemon_on_the_same_database_is_told_who_holds_it(tmp_path: Path) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9") as monitor:
        second = monitor.command("run")
        assert monitor.process is not None
        assert second.returncode == 78
        assert f"locked by pid {monitor.process.pid}" in second.stderr


def test_when_a_drill_is_due_is_known_at_once_and_a_migration_moves_it(tmp_path: Path) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9") as monitor:
        due = "rollback_monitor_drill_due_timestamp_seconds"
        eventually(lambda: monitor.metric(due), 10, "it looks at what is due when it starts")
        quarter = monitor.metric(due)
        told = monitor.command("drill", "due", "--after-migration", "invoices moved")
        assert (told.returncode, "after the migration invoices moved" in told.stdout) == (0, True), told.stderr
        migration = monitor.metric(due)
        assert 15 * 86_400 > migration - time.time() > 13 * 86_400
        assert quarter > migration
        assert not list(tmp_path.glob("*drills.db"))


def newer(database: Path) -> None:
    open_store(f"sqlite:///{database}").close()
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("update alembic_version set version_num = '9999'")


def notes(database: Path) -> None:
    database.write_text("notes of somebody who mistyped the path\n" * 100)


DATABASES = [
    (
        "written by a newer version",
        newer,
        f"was written by a newer version (schema 9999, this program knows {opening.HEAD})",
    ),
    ("no database", notes, "cannot be used: file is not a database"),
]


@pytest.mark.parametrize(("make", "why"), [row[1:] for row in DATABASES], ids=[row[0] for row in DATABASES])
def test_a_database_that_cannot_be_used_is_a_sentence_and_exit_78(
    tmp_path: Path, make: Callable[[Path], None], why: str
) -> None:
    database = tmp_path / "monitor.db"
    make(database)
    held = database.read_bytes()
    refused = Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9").command("run")
    assert refused.returncode == 78
    assert refused.stderr.startswith(f"rollback-monitor: the database {database} {why}")
    assert len(refused.stderr.splitlines()) == 1
    assert database.read_bytes() == held


def test_a_disk_without_room_is_a_sentence_and_worth_another_try(tmp_path: Path) -> None:
    monitor = Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9")
    command = ["prlimit", "--fsize=0", sys.executable, "-m", "monitor", "run"]
    env = {name: value for name, value in monitor.env.items() if name != MEASURED}  # which wants to write a file itself
    refused = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert refused.returncode == 75
    assert refused.stderr == f"rollback-monitor: the database {tmp_path}/monitor.db cannot be written: File too large\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
def test_it_stops_in_time_while_prometheus_and_slack_hang(tmp_path: Path, number: signal.Signals) -> None:
    with SlackServer() as slack, Hostile(hang) as sick:
        for method in ("chat.postMessage", "apps.connections.open", "auth.test"):
            slack.fault(method, *[hangs(60)] * 50)
        rules = rules_with(tmp_path, BLIND)
        with Monitor(tmp_path, rules, sick.url, slack) as monitor:
            eventually(lambda: "blind.began" in monitor.log, 25, "it is blind, and owes a page to a Slack that hangs")
            time.sleep(0.5)
            code, seconds = monitor.stop(number)
            print(f"\n{number.name}: exit {code} after {seconds:.1f} s")
            assert code == 0, monitor.log[-2000:]
            assert seconds < 10
            assert "Traceback" not in monitor.log


def test_an_idle_daemon_stops_at_once(tmp_path: Path) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9") as monitor:
        code, seconds = monitor.stop()
        assert (code, seconds < 3) == (0, True)


def test_sighup_reloads_and_refuses_what_is_wrong(tmp_path: Path, shop: Shop, prometheus: Prometheus) -> None:
    rules = rules_with(tmp_path, SLOW)
    with Monitor(tmp_path, rules, prometheus.url) as monitor:
        assert monitor.process is not None
        (rules / "fast.yaml").write_text(SLOW.replace("above: 2%", "abov: 2%"))
        monitor.process.send_signal(signal.SIGHUP)
        eventually(lambda: "rules.refused" in monitor.log, 5, "the wrong set is refused")
        refused = next(json.loads(line) for line in monitor.log.splitlines() if "rules.refused" in line)
        assert "above" in refused["why"]
        assert "rollback_monitor_rules_reload_success 0.0" in monitor.get("/metrics")
        (rules / "fast.yaml").write_text(SLOW.replace("above: 20%", "above: 99%"))
        monitor.process.send_signal(signal.SIGHUP)
        eventually(lambda: "rules.reloaded" in monitor.log, 5, "the right set is taken")
        assert "rollback_monitor_rules_reload_success 1.0" in monitor.get("/metrics")
        shop.failing["login"] = 0.9
        time.sleep(8)
        assert not monitor.incidents(), "the new limit is in force"


def test_a_kill_neither_moves_the_clock_of_a_breach_nor_pages_twice(
    tmp_path: Path, shop: Shop, prometheus: Prometheus
) -> None:
    with SlackServer() as slack, Monitor(tmp_path, rules_with(tmp_path, SLOW), prometheus.url, slack) as monitor:
        shop.failing["api"] = 0.1
        eventually(lambda: '"after": "pending"' in monitor.log, 15, "the breach is seen")
        time.sleep(5)
        assert monitor.stop(signal.SIGKILL)[0] == -signal.SIGKILL
        time.sleep(4)
        monitor.start()
        page = slack.wait_for_message(slack.channel, within=30)
        (incident,) = monitor.incidents()
        (alert,) = json.loads(monitor.get(f"/api/v1/incidents/{incident['id']}"))["incident"]["alerts"]
        held = _seconds(alert["fired_at"]) - _seconds(alert["since"])
        print(f"\nfired {held} s after the first breach, across a kill (for: 20 s)")
        assert 20 <= held <= 21
        monitor.stop(signal.SIGKILL)
        monitor.start()
        time.sleep(4)
        assert [one.ts for one in slack.everything()] == [page.ts]


def _seconds(time_text: str) -> int:
    return int(time.mktime(time.strptime(time_text, "%Y-%m-%dT%H:%M:%SZ")) - time.timezone)


def test_blind_and_sighted_are_told(tmp_path: Path, shop: Shop, prometheus: Prometheus) -> None:
    del shop
    with SlackServer() as slack, Monitor(tmp_path, rules_with(tmp_path, BLIND), prometheus.url, slack) as monitor:
        eventually(lambda: "daemon.started" in monitor.log, 5, "it runs")
        time.sleep(3)
        prometheus.stop()
        page = slack.wait_for_message(slack.channel, within=25)
        assert page.text.startswith("⚫ BLIND production: ")
        assert 'rollback_monitor_blind{group="apis"} 1.0' in monitor.get("/metrics")
        prometheus.start()
        eventually(lambda: any("seen again" in one.text for one in slack.thread(page)), 25, "sighted is told")
        eventually(lambda: "ENDED" in slack.message(page.ts).text, 5, "the page ends")
        assert 'rollback_monitor_blind{group="apis"} 0.0' in monitor.get("/metrics")


def test_a_slack_that_is_down_never_stands_in_the_way(tmp_path: Path, shop: Shop, prometheus: Prometheus) -> None:
    with SlackServer() as slack:
        slack.down()
        with Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url, slack) as monitor:
            shop.failing["login"] = 0.9
            eventually(monitor.incidents, 20, "it evaluates and opens the incident")
            assert "rollback_monitor_outbox_pending 1.0" in monitor.get("/metrics")
            slack.up()
            page = slack.wait_for_message(slack.channel, within=35)
            assert page.text.startswith("🔴 ROLLBACK NOW")
            time.sleep(2)
            assert len(slack.messages()) == 1


def test_health_does_not_depend_on_prometheus(tmp_path: Path) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9") as monitor:
        assert monitor.get("/-/healthy") == "ok\n"
        eventually(monitor.ready, 5, "ready once everything was tried")


def test_no_secret_is_told_anywhere(tmp_path: Path, shop: Shop, prometheus: Prometheus) -> None:
    with SlackServer() as slack:
        secrets = {"MONITOR_CONSOLE_TOKEN": "canary-console-51", "MONITOR_PROMETHEUS__BEARER_TOKEN": "canary-bearer-52"}
        rules = rules_with(tmp_path, FAST)
        with Monitor(tmp_path, rules, prometheus.url, slack, MONITOR_LOG_LEVEL="debug", **secrets) as monitor:
            shop.failing["login"] = 0.9
            slack.wait_for_message(slack.channel, within=20)
            told = monitor.log + monitor.pages + monitor.get("/metrics") + monitor.get("/api/v1/incidents")
            told += monitor.command("config", "show").stdout + monitor.command("doctor").stdout
        held = b"".join(path.read_bytes() for path in tmp_path.glob("monitor.db*") if not path.name.endswith(".lock"))
        for secret in (*secrets.values(), slack.bot_token, slack.app_token):
            assert secret not in told
            assert secret.encode() not in held


def test_a_closed_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monitor = Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9")
        monitor.env["MONITOR_LISTEN"] = f"127.0.0.1:{taken.getsockname()[1]}"
        refused = monitor.command("run")
        assert refused.returncode == 78
        assert "cannot be listened on" in refused.stderr


def test_a_reader_of_its_output_that_goes_away_does_not_stop_it(
    tmp_path: Path, shop: Shop, prometheus: Prometheus
) -> None:
    monitor = Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url)
    reading, writing = os.pipe()
    command = [sys.executable, "-m", "monitor", "run"]
    monitor.process = subprocess.Popen(command, env=monitor.env, cwd=tmp_path, stdout=writing, stderr=writing)
    os.close(writing)
    os.close(reading)
    try:
        eventually(monitor.listens, 15, "it listens all the same")
        shop.failing["login"] = 0.9
        eventually(monitor.incidents, 20, "it goes on evaluating")
        refused = 'rollback_monitor_slack_requests_total{method="post",outcome="rejected"} 1.0'
        eventually(lambda: refused in monitor.get("/metrics"), 5, "it goes on delivering, in vain")
        assert monitor.stop()[0] == 0
    finally:
        monitor.process.kill()
        monitor.process.wait()


def test_the_error_of_a_rule_is_shown_and_told_with_the_first_evaluation(tmp_path: Path) -> None:
    why = "the connection is refused"
    with Monitor(tmp_path, rules_with(tmp_path, FAST), "http://127.0.0.1:9") as monitor:
        (told,) = eventually(lambda: monitor.told("evaluation.incomplete"), 10, "it is told")
        assert (told["why"], told["failed"], told["rules"]) == (why, 2, ["ApiErrors", "LoginFailing"])
        shown = json.loads(monitor.get("/api/v1/rules"))["data"]["groups"][0]["rules"]
        assert [rule.get("lastError") for rule in shown] == [why] * len(shown)


def test_states_that_are_derived_from_history_are_told_once(tmp_path: Path, prometheus: Prometheus) -> None:
    with Monitor(tmp_path, rules_with(tmp_path, FAST), prometheus.url) as monitor:
        eventually(lambda: monitor.told("evaluation.derived"), 15, "it is told")
        time.sleep(3)
        assert [one["rules"] for one in monitor.told("evaluation.derived")] == [["ApiErrors", "LoginFailing"]]
