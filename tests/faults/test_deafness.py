"""A real daemon whose Socket Mode stays connected and falls silent: open pages say so, and take it back.

The waits are shortened here; FAULTS=whole takes those of production, which is most of a minute.
"""

import os
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.running import Monitor, eventually, rules_with
from tests.e2e.test_pagers import ALWAYS
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

WHOLE = os.environ.get("FAULTS") == "whole"
DEAF_AFTER, PING_EVERY = (30.0, 5.0) if WHOLE else (6.0, 1.0)
WORDS = "Buttons unavailable, use the command line"


@pytest.mark.alone
def test_a_socket_that_is_open_and_silent_is_told_on_open_pages_and_taken_back(tmp_path: Path) -> None:
    with Prometheus() as prometheus, SlackServer() as slack:
        monitor = Monitor(tmp_path, rules_with(tmp_path, ALWAYS), prometheus.url, slack)
        if not WHOLE:
            monitor.program = [sys.executable, "-m", "tests.faults.deaf"]
        with monitor:
            ts = slack.wait_for_message(within=30).ts
            slack.wait_connected(2, within=30)
            time.sleep(2 * PING_EVERY)
            assert WORDS not in slack.message(ts).shown

            opened = len(slack.made("apps.connections.open"))
            slack.frozen = True
            silent = time.monotonic()
            eventually(lambda: WORDS in slack.message(ts).shown, DEAF_AFTER + 20, "the page says so")
            took = time.monotonic() - silent
            assert took > DEAF_AFTER - PING_EVERY - 1
            assert slack.message(ts).buttons == []
            assert len(slack.made("apps.connections.open")) > opened, "every new connection is greeted, and silent"
            assert monitor.metric("rollback_monitor_buttons_available") == 0
            done = monitor.command("incident", "ack", "INC-0001")
            assert done.returncode == 0, f"the command line goes on: {done.stderr}"

            slack.frozen = False
            again = time.monotonic()
            eventually(lambda: WORDS not in slack.message(ts).shown, 45, "the page takes it back")
            print(f"told after {took:.1f} s of silence, taken back after {time.monotonic() - again:.1f} s")
            assert monitor.metric("rollback_monitor_buttons_available") == 1
            clicked = slack.click("U0ANA", slack.message(ts), "start")
            assert clicked.acked
            assert monitor.stop()[0] == 0
        assert [one["event"] for one in [*monitor.told("buttons.unavailable")]] == ["buttons.unavailable"]
