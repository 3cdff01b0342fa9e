"""Rules that change under the running daemon: by HTTP, by themselves, wrongly, and while nobody runs."""

import json
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

TOKEN = "reload-token-1"
WRONG = FAST.replace("above: 20%", "abov: 20%")
MILDER = FAST.replace("above: 20%", "above: 99%")
NO_LOGIN = FAST[: FAST.index("      - alert: LoginFailing")]


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def prometheus(shop: Shop) -> Iterator[Prometheus]:
    with Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


def asked(monitor: Monitor, token: str = TOKEN) -> tuple[int, dict[str, Any]]:
    """POST /-/reload; give status and answer."""
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(monitor._owner()["url"] + "/-/reload", method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def ready(monitor: Monitor) -> tuple[int, str]:
    try:
        return 200, monitor.get("/-/ready")
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def lines(monitor: Monitor, event: str) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in monitor.log.splitlines() if line.startswith("{")]
    return [one for one in every if one.get("event") == event]


def texts(slack: SlackServer) -> list[str]:
    return [one.text for one in slack.everything()]


def test_a_reload_by_http_tells_what_it_changed(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, FAST)
    with Monitor(tmp_path, rules, "http://127.0.0.1:9", MONITOR_CONSOLE_TOKEN=TOKEN) as monitor:
        eventually(monitor.ready, 10, "ready")
        assert asked(monitor, "guessed")[0] == 401
        (rules / "fast.yaml").write_text(MILDER)
        status, told = asked(monitor)
        assert (status, told["reloaded"], told["counts"]["re-derived"], told["counts"]["kept"]) == (200, True, 1, 1)
        assert [one["sentence"] for one in told["changes"]] == [
            "LoginFailing: rollback above 20 % -> 99 %, state re-derived"
        ]
        assert [one["why"] for one in lines(monitor, "rule.changed")] == [told["changes"][0]["sentence"]]
        assert lines(monitor, "rules.reloaded")[-1]["rederived"] == 1
        (rules / "fast.yaml").write_text(WRONG)
        status, told = asked(monitor)
        assert (status, told["reloaded"]) == (422, False)
        assert any("fast.yaml:" in one and "abov" in one for one in told["problems"])
        standing = json.loads(monitor.get("/api/v1/reload"))
        assert standing["problems"] == told["problems"]
        assert not standing["on_last_good"]
        assert ready(monitor) == (200, "ok\n"), "the old set runs"


def test_a_change_on_disk_is_taken_and_a_wrong_one_is_told_once(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, FAST)
    with SlackServer() as slack, Monitor(tmp_path, rules, "http://127.0.0.1:9", slack) as monitor:
        before = json.loads(monitor.get("/api/v1/reload"))["rules"]
        (rules / "fast.yaml").write_text(WRONG)
        eventually(lambda: len(texts(slack)) == 1, 20, "the refusal is told in Slack")
        assert texts(slack)[0].startswith("RULES REFUSED")
        assert "rollback_monitor_rules_reload_success 0.0" in monitor.get("/metrics")
        time.sleep(11)
        assert monitor.stop(signal.SIGKILL)[0] == -signal.SIGKILL
        (rules / "fast.yaml").write_text(MILDER)
        monitor.start()
        eventually(lambda: len(texts(slack)) == 2, 20, "that they are good again is told, by the process after it")
        assert texts(slack)[1].startswith("Rules good again")
        assert len(lines(monitor, "rules.refused")) == 1
        assert [one["why"] for one in lines(monitor, "rule.changed")] == [
            "LoginFailing: rollback above 20 % -> 99 %, state re-derived"
        ]
        assert json.loads(monitor.get("/api/v1/reload"))["rules"] != before


def test_a_config_map_is_swapped_under_the_daemon(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, FAST)
    (rules / "fast.yaml").unlink()
    swap(rules, 1, FAST)
    (rules / "fast.yaml").symlink_to("..data/fast.yaml")
    with Monitor(tmp_path, rules, "http://127.0.0.1:9") as monitor:
        swap(rules, 2, MILDER)
        eventually(lambda: lines(monitor, "rules.reloaded"), 20, "the swap is seen")
        assert lines(monitor, "rules.reloaded")[0]["rederived"] == 1


def swap(rules: Path, version: int, text: str) -> None:
    """As the kubelet does it: a new folder, a link to it renamed over the old link."""
    folder = rules / f"..version_{version}"
    folder.mkdir()
    (folder / "fast.yaml").write_text(text)
    (rules / "..data_tmp").symlink_to(folder.name)
    (rules / "..data_tmp").rename(rules / "..data")


def test_a_start_with_unusable_rules_runs_on_the_last_good_ones_and_says_so(
    tmp_path: Path, shop: Shop, prometheus: Prometheus
) -> None:
    rules = rules_with(tmp_path, FAST)
    with SlackServer() as slack, Monitor(tmp_path, rules, prometheus.url, slack) as monitor:
        monitor.stop()
        (rules / "fast.yaml").write_text(WRONG)
        for _ in range(2):
            monitor.start()
            eventually(lambda: "abov" in ready(monitor)[1], 10, "not ready, with the reason")
            status, why = ready(monitor)
            assert status == 503
            assert "last good" in why
            monitor.stop(signal.SIGKILL)
        monitor.start()
        eventually(lambda: len(texts(slack)) == 1, 10, "it is told in Slack")
        shop.failing["login"] = 0.9
        eventually(lambda: len(monitor.incidents()) == 1, 20, "the last good rules are evaluated")
        (rules / "fast.yaml").write_text(FAST)
        eventually(monitor.ready, 20, "mended on disk, it is ready")
        eventually(lambda: any(one.startswith("Rules good again") for one in texts(slack)), 10, "and says so")
        assert sum(one.startswith("RULES REFUSED") for one in texts(slack)) == 1


def test_a_rule_that_was_removed_while_nobody_ran_ends_its_alert(
    tmp_path: Path, shop: Shop, prometheus: Prometheus
) -> None:
    rules = rules_with(tmp_path, FAST)
    with Monitor(tmp_path, rules, prometheus.url) as monitor:
        shop.failing["login"] = 0.9
        eventually(monitor.incidents, 20, "the login fails")
        assert firing(monitor) == {("LoginFailing", "rollback"): "firing"}
        monitor.stop(signal.SIGKILL)
        (rules / "fast.yaml").write_text(NO_LOGIN)
        monitor.start()
        (incident,) = monitor.incidents()
        (alert,) = json.loads(monitor.get(f"/api/v1/incidents/{incident['id']}"))["incident"]["alerts"]
        assert alert["resolved_why"] == "rule_removed"
        assert firing(monitor) == {}
        last = json.loads(monitor.get("/api/v1/transitions?alert=LoginFailing"))["transitions"][-1]
        assert (last["before"], last["after"], last["cause"]) == ("firing", "inactive", "rule_removed")
        assert [one["why"] for one in lines(monitor, "rule.changed")] == ["LoginFailing: removed from group apis"]


def firing(monitor: Monitor) -> dict[tuple[str, str], str]:
    found = json.loads(monitor.get("/api/v1/alerts"))["data"]["alerts"]
    return {(one["labels"]["alertname"], one["labels"]["tier"]): one["state"] for one in found}


def test_what_data_say_against_rules_is_told_once_and_again_only_where_it_is_new(
    tmp_path: Path, prometheus: Prometheus
) -> None:
    doubtful = FAST.replace('requests_total{job="auth",route="/pay"}', 'request_total{job="auth",route="/pay"}')
    rules = rules_with(tmp_path, doubtful)
    eventually(lambda: prometheus.query("http_requests_total", time.time() - 5), 20, "there is a past of 5 s")
    with Monitor(tmp_path, rules, prometheus.url, MONITOR_CONSOLE_TOKEN=TOKEN) as monitor:
        eventually(lambda: lines(monitor, "rule.doubtful"), 20, "the selector is told")
        told = lines(monitor, "rule.doubtful")
        assert [(one["rule"], one["code"], one["severity"], one["level"]) for one in told] == [
            ("ApiErrors", "no-series", "error", "warning")
        ]
        shown = json.loads(monitor.get("/api/v1/reload"))["doubts"]
        assert [(one["sentence"], one["mend"], one["place"]) for one in shown] == [
            (one["why"], one["mend"], one["place"]) for one in told
        ]
        (rules / "fast.yaml").write_text(doubtful.replace("above: 2%", "above: 3%"))
        assert asked(monitor)[0] == 200
        (rules / "fast.yaml").write_text(FAST)
        assert asked(monitor)[0] == 200
        eventually(lambda: not json.loads(monitor.get("/api/v1/reload"))["doubts"], 20, "nothing is doubtful any more")
        assert len(lines(monitor, "rule.doubtful")) == 1
