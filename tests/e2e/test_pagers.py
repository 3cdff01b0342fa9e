"""The daemon as a process, a Slack that refuses its page, and who is called instead."""

import hashlib
import hmac
import json
import urllib.request
from pathlib import Path

from tests.e2e.running import Monitor, eventually, rules_with
from tests.servers.alertmanager import Alertmanager
from tests.servers.prometheus import Prometheus
from tests.servers.receiver import Receiver
from tests.servers.slack import SlackServer

ALWAYS = """
groups:
  - name: apis
    interval: 1s
    query_offset: 1s
    rules:
      - alert: LoginFailing
        service: auth
        signal: {query: {expr: 'vector(1)', by: []}}
        rollback: {above: 0}
        annotations: {summary: "login fails"}
"""


HOOKS = "H00KSCANARY"


def acknowledges_in_pagerduty(monitor: Monitor, key: str) -> None:
    """Somebody acknowledges in PagerDuty, which tells the monitor so."""
    agent = {"id": "PXPGF42", "type": "user_reference", "summary": "Earline Greenholt"}
    event = {"id": "01E", "event_type": "incident.acknowledged", "agent": agent, "data": {"incident_key": key}}
    body = json.dumps({"event": event}).encode()
    signature = hmac.new(HOOKS.encode(), body, hashlib.sha256).hexdigest()
    request = urllib.request.Request(
        f"{monitor.url}/pagerduty/webhooks", body, {"X-PagerDuty-Signature": f"v1={signature}"}
    )
    with urllib.request.urlopen(request, timeout=5) as answer:
        assert answer.status == 200


def test_a_page_that_slack_refuses_reaches_the_others_and_they_hear_of_the_acknowledgement(tmp_path: Path) -> None:
    with Prometheus() as prometheus, SlackServer() as slack, Receiver() as duty, Alertmanager() as alertmanager:
        slack.channels[slack.channel] = "is_archived"
        env = {
            "MONITOR_PAGERDUTY__ROUTING_KEY": "R0UT1NGKEYCANARY",
            "MONITOR_PAGERDUTY__API_URL": duty.url,
            "MONITOR_PAGERDUTY__WEBHOOK_SECRET": HOOKS,
            "MONITOR_ALERTMANAGER__URL": alertmanager.url,
        }
        rules = rules_with(tmp_path, ALWAYS)
        with (rules / "routing.yaml").open("a") as routing:
            routing.write("page: {blind: [slack, webhook]}\n")
        with Monitor(tmp_path, rules, prometheus.url, slack, **env) as monitor:
            eventually(lambda: duty.received, 30, "PagerDuty is called")
            assert duty.received[0].json["event_action"] == "trigger"
            assert "login fails" in duty.received[0].json["payload"]["summary"]
            eventually(alertmanager.alerts, 30, "Alertmanager is told")
            acknowledges_in_pagerduty(monitor, duty.received[0].json["dedup_key"])
            late = monitor.command("incident", "ack", "INC-0001")
            assert late.returncode == 1
            assert "already acknowledged by Earline Greenholt (PagerDuty)" in late.stderr
            eventually(lambda: len(duty.received) > 1, 30, "PagerDuty hears of the acknowledgement")
            assert duty.received[-1].json["event_action"] == "acknowledge"
            eventually(alertmanager.silences, 30, "Alertmanager is still")
            assert monitor.metric("rollback_monitor_calls_total") >= 2
            code, _ = monitor.stop()
        assert code == 0
        events = [json.loads(line) for line in monitor.log.splitlines() if line.startswith("{")]
        handed = next(one for one in events if one["event"] == "page.handed_on")
        assert sorted(handed["to"]) == ["alertmanager", "pagerduty"]
        assert "archived" in handed["why"]
        missing = next(one for one in events if one["event"] == "pager.missing")
        assert (missing["pager"], missing["setting"]) == ("webhook", "MONITOR_WEBHOOK__URL")
        assert "R0UT1NGKEYCANARY" not in monitor.log
        assert HOOKS not in monitor.log
