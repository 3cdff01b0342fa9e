"""The daemon tells in Slack what a rule in the shadow would have paged, and opens no incident."""

import time
from datetime import UTC, datetime
from pathlib import Path

from tests.e2e.running import Monitor, eventually, rules_with
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

RULES = """\
groups:
  - name: apis
    interval: 5s
    query_offset: 1s
    rules:
      - alert: Queued
        signal: {query: {expr: 'jobs_waiting{job="api"}', by: [job]}}
        rollback: {above: 100}
        shadow: true
"""


def test_the_daemon_tells_what_the_shadow_hides(tmp_path: Path) -> None:
    now = int(time.time())
    waiting = [(t, 900.0 if t > now - 1500 else 3.0) for t in range(now - 3600, now + 300, 15)]
    rules = rules_with(tmp_path, RULES)
    with (rules / "routing.yaml").open("a") as routing:
        routing.write(f'shadow_report: {{at: "{datetime.now(UTC):%H:%M}"}}\n')
    with (
        Prometheus(history={'jobs_waiting{job="api"}': waiting}) as prometheus,
        SlackServer() as slack,
        Monitor(tmp_path, rules, prometheus.url, slack) as monitor,
    ):
        said = eventually(lambda: [one.text for one in slack.messages()], 30, "it is told in the channel")
        assert "would have paged in the last 24 h: Queued (rollback) once (for" in said[0]
        assert "reached 900; fires still" in said[0]
        assert monitor.incidents() == []
