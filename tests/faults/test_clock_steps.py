"""The clock is stepped while the daemon runs: libfaketime under a real process, Prometheus and monotonic time are true.

A few steps here; CLOCK=whole takes all of them.
"""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Shop, Stepped, eventually, rules_with
from tests.e2e.test_main_job import FAST
from tests.servers.prometheus import Prometheus

WHOLE = os.environ.get("CLOCK") == "whole"
INTERVAL = 2
RULES = FAST.replace("interval: 1s\n", f"interval: {INTERVAL}s\n    blind_after: 2m\n")
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400
EVERY = [1, -1, 10, -10, 60, -60, HOUR, -HOUR, DAY, -DAY, 30 * DAY, -30 * DAY, YEAR, -YEAR]
FEW = [HOUR, -YEAR]
"""Each step is taken from the true time, and back to it again: two steps."""

STAYS = 8
"""Seconds that a wrong time stays, and the true one after it."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


class Watched(Stepped):
    """Such a daemon, whose evaluations are counted."""

    def __init__(self, folder: Path, prometheus: str) -> None:
        super().__init__(folder, rules_with(folder, RULES), prometheus)

    def evaluations(self, seconds: float) -> list[float]:
        """Watch for so long; give when evaluations were counted."""
        end, seen, at = time.monotonic() + seconds, self._counted(), []
        while time.monotonic() < end:
            time.sleep(0.1)
            counted = self._counted()
            at += [time.monotonic()] * round(counted - seen)
            seen = counted
        return at

    def _counted(self) -> float:
        return self.metric("rollback_monitor_evaluations_total")


@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_step_costs_one_evaluation_at_most_and_pages_nobody(tmp_path: Path, shop: Shop) -> None:
    scrape = {"auth": [shop.exporter.target]}
    with Prometheus(scrape=scrape, interval=1.0) as prometheus, Watched(tmp_path, prometheus.url) as monitor:
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        assert len(monitor.evaluations(10)) >= 3
        print("\n| step | evaluations missed | longest gap |\n|---|---|---|")
        for step in EVERY if WHOLE else FEW:
            for offset in (step, 0):
                monitor.step(offset)
                began = time.monotonic()
                at = monitor.evaluations(STAYS)
                missed = max(0, STAYS // INTERVAL - len(at))
                gap = max(after - before for before, after in zip([began, *at], [*at, began + STAYS], strict=True))
                print(f"| {offset or -step:+d} s | {missed} | {gap:.1f} s |")
                assert missed <= 1, f"{offset}: {monitor.log[-3000:]}"
                assert not monitor.incidents()
        assert "given_up" not in monitor.log
        shop.failing["login"] = 0.9
        eventually(monitor.incidents, 20, "and it pages what breaks then")
        assert monitor.stop()[0] == 0
