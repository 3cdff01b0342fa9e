"""Signed HTTP and the slash command in the real process; Prometheus is away, which is none of their business."""

import json
import re
import urllib.error
import urllib.request
from pathlib import Path

from tests.cli.folder import RULES
from tests.e2e.running import Monitor, eventually, rules_with
from tests.servers.slack import SlackServer


def post(monitor: Monitor, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
    request = urllib.request.Request(monitor._owner()["url"] + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_daemon_takes_signed_requests_and_says_nothing_of_its_secret(tmp_path: Path) -> None:
    with SlackServer() as slack:
        monitor = Monitor(tmp_path, rules_with(tmp_path, RULES), "http://127.0.0.1:9", slack)
        del monitor.env["MONITOR_SLACK__APP_TOKEN"]
        monitor.env["SLACK_SIGNING_SECRET"] = slack.signing_secret
        with monitor:
            eventually(lambda: slack.made("usergroups.users.list"), 10, "user groups are asked for beforehand")
            fields = {
                "command": "/rbm",
                "text": "status",
                "user_id": "U0ANA",
                "team_id": "T0TEAM",
                "api_app_id": "A0APP",
            }
            body, headers = slack.form(fields)
            status, said = post(monitor, "/slack/commands", body, headers)
            assert (status, json.loads(said)["text"]) == (200, "No incident is open.")
            assert post(monitor, "/slack/commands", body, headers)[0] == 401, "replayed"
            forged = headers | {"X-Slack-Signature": "v0=" + "0" * 64}
            assert post(monitor, "/slack/interactions", body, forged)[0] == 401
            assert monitor.metric("rollback_monitor_buttons_available") == 1
            assert not slack.made("apps.connections.open")
            assert monitor.stop()[0] == 0
    assert slack.signing_secret not in monitor.log
    assert "Traceback" not in monitor.log
    assert len(re.findall("slack.request_refused", monitor.log)) == 2
