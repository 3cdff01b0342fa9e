"""The clock is stepped while the daemon runs: libfaketime under a real process, Prometheus and monotonic time are true.

A few steps here; CLOCK=whole takes all of them.
"""

import os
import time
from collections.abc import Iterator
from itertools import pairwise
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

PATIENCE = 20
"""Seconds beyond those within which one more evaluation must come."""


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


class Watched(Stepped):
    """Such a daemon, whose evaluations are counted."""

    def __init__(self, folder: Path, prometheus: str) -> None:
        super().__init__(folder, rules_with(folder, RULES), prometheus)

    def evaluations(self, seconds: float) -> list[float]:
        """Watch for so long, and then until one more is counted; give when evaluations were counted."""
        at: list[float] = []
        end, seen = time.monotonic() + seconds, self._counted()
        while not at or at[-1] < end:
            time.sleep(0.1)
            counted = self._counted()
            at += [time.monotonic()] * round(counted - seen)
            seen = counted
            assert time.monotonic() < end + PATIENCE, f"no evaluation for {PATIENCE} s: {self.why()}"
        return at

    def _counted(self) -> float:
        return self.metric("rollback_monitor_evaluations_total")

    def why(self) -> str:
        """What tells where evaluations went: the daemon's own count of those it missed, and its log."""
        missed = self.metric("rollback_monitor_missed_ticks_total")
        return f"{missed:.0f} ticks missed; {self.log[-3000:]}"


def gaps(at: list[float]) -> list[float]:
    """Give the seconds between one evaluation and the next."""
    return [after - before for before, after in pairwise(at)]


def missed(at: list[float]) -> int:
    """Give how many evaluations are missing between the first and the last.

    Both ends are evaluations, so that neither where a window was cut nor one that came late counts for a missed one.
    """
    return sum(max(0, round(gap / INTERVAL) - 1) for gap in gaps(at))


def test_a_late_evaluation_is_not_a_missed_one() -> None:
    assert missed([0.0, 2.0, 4.5, 6.0]) == 0
    assert missed([0.0, 2.0, 6.5, 8.0]) == 1
    assert missed([0.0, 6.0, 8.0]) == 2
    assert missed([0.0, 4.0, 6.0, 10.0]) == 2


@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_step_costs_one_evaluation_at_most_and_pages_nobody(tmp_path: Path, shop: Shop) -> None:
    scrape = {"auth": [shop.exporter.target]}
    with Prometheus(scrape=scrape, interval=1.0) as prometheus, Watched(tmp_path, prometheus.url) as monitor:
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        before = monitor.evaluations(10)
        assert len(before) >= 3
        print("\n| step | evaluations missed | longest gap |\n|---|---|---|")
        for step in EVERY if WHOLE else FEW:
            for offset in (step, 0):
                monitor.step(offset)
                at = [before[-1], *monitor.evaluations(STAYS)]
                print(f"| {offset or -step:+d} s | {missed(at)} | {max(gaps(at)):.1f} s |")
                assert missed(at) <= 1, f"{offset}: {monitor.why()}"
                assert not monitor.incidents()
                before = at
        assert "given_up" not in monitor.log
        shop.failing["login"] = 0.9
        eventually(monitor.incidents, 20, "and it pages what breaks then")
        assert monitor.stop()[0] == 0
