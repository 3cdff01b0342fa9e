"""Evidence on real parts: a daemon, a Prometheus, a strict Slack; exported while it runs and when it does not."""

import io
import json
import time
import urllib.request
import zipfile
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from monitor.cli.evidence import check
from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

SECRET = "canary-7f3a-canary"


def act(monitor: Monitor, action: str, name: str, **words: str) -> dict[str, Any]:
    body = json.dumps({"as": name, **words}).encode()
    asked = urllib.request.Request(f"{monitor.url}/api/v1/incidents/INC-0001/{action}", body, method="POST")
    asked.add_header("Authorization", f"Bearer {SECRET}")
    with urllib.request.urlopen(asked, timeout=10) as answer:
        done: dict[str, Any] = json.loads(answer.read())
    return done


def test_a_record_that_is_complete_is_in_the_thread_and_exported_with_and_without_the_daemon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (
        Shop() as shop,
        Prometheus(scrape={"auth": [shop.exporter.target]}, interval=1.0) as prometheus,
        SlackServer() as slack,
    ):
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        rules = rules_with(tmp_path, FAST)
        with Monitor(tmp_path, rules, prometheus.url, slack, MONITOR_CONSOLE_TOKEN=SECRET) as monitor:
            shop.failing["login"] = 0.9
            page = slack.wait_for_message(slack.channel, within=30)
            act(monitor, "start", "ana")
            act(monitor, "note", "ana", note=f"the password is {SECRET} | not a cell")
            act(monitor, "false_alarm", "ana", reason="this is a test")
            act(
                monitor,
                "complete",
                "ana",
                root_cause="the shop was told to fail",
                follow_ups="tell it; ben; 2026-12-31",
            )

            def shared() -> list[Any]:
                return [one for one in slack.shared(page) if one.name.endswith((".md", ".zip"))]

            report, everything = eventually(lambda: shared() if len(shared()) == 2 else [], 90, "report and bundle")
            assert b"# INC-0001: report" in report.content
            assert "report.md" in zipfile.ZipFile(io.BytesIO(everything.content)).namelist()
            told = monitor.command("incident", "export", "INC-0001", "--out", "running", "--format", "json")
            assert told.returncode == 0, told.stderr
            stored = monitor.incident("INC-0001")
            assert monitor.metric("rollback_monitor_reports_total") == 2
            assert monitor.command("incident", "export", "INC-9999", "--out", "x").stderr.count("no incident") == 1
            monitor.stop()
        assert stored["ended_at"]
        there = tmp_path / "running"
        holds_everything(there, slack.channel)
        offline = monitor.command("incident", "export", "inc-0001", "--out", "stopped")
        assert offline.returncode == 0, offline.stderr
        holds_everything(tmp_path / "stopped", slack.channel)
        for name in ("timeline.jsonl", "decisions.jsonl", "commands.md", "followups.json", "verification.json"):
            assert (there / name).read_bytes() == (tmp_path / "stopped" / name).read_bytes(), name
    whole = monitor.command("incident", "verify", "running", "--format", "json")
    assert (whole.returncode, json.loads(whole.stdout)["whole"]) == (0, True), whole.stderr
    assert json.loads(whole.stdout)["sha256"] == json.loads(told.stdout)["sha256"]
    (there / "report.md").write_text("nothing happened\n")
    (there / "decisions.jsonl").unlink()
    assert check(there, "text") == 1
    assert capsys.readouterr().out == "changed: report.md\nmissing: decisions.jsonl\n"
    assert check(tmp_path / "nowhere", "text") == 2


def holds_everything(folder: Path, channel: str) -> None:
    """The signals are those that Prometheus has, drawn; and the token of the console is nowhere."""
    files = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert all(SECRET.encode() not in content for content in files.values())
    (signal,) = json.loads(files["signals.json"])["signals"]
    assert signal["problem"] == signal["plot_problem"] == ""
    assert set(signal["queries"]) == {"failures", "requests"}
    rows = [line.split(",") for line in files[signal["csv"]].decode().splitlines()]
    assert rows[0][:4] == ["time", "verdict", "value", "limit"]
    assert rows[0][-2:] == ["raw failures", "raw requests"]
    breaching = [row for row in rows if row[1] == "breach"]
    assert breaching
    for row in breaching:
        assert float(row[2]) == float(row[-2]) / float(row[-1]), "what was judged is what Prometheus answered"
    with Image.open(io.BytesIO(files[signal["plot"]])) as picture:
        assert picture.width >= 800
    (root,) = [one for one in json.loads(files["slack.json"])["posts"] if one["kind"] == "root"]
    assert root["permalink"].startswith(f"https://example.slack.com/archives/{channel}/p")
    assert b"T3 | Slack accepted the page | 20" in files["report.md"]
