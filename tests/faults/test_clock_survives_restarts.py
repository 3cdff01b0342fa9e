"""The clock of a breach survives a kill: real daemons, killed at each moment of the hold and started again later.

Five minutes are scaled to 20 seconds by the rule file. A few cells here; `make faults` walks the whole matrix, with a
stock Prometheus that evaluates the same rule beside it, and prints the table.
"""

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

HOLD = 20
SCALE = HOLD / 300
INTERVAL = 1
WHOLE = os.environ.get("MATRIX") == "whole"
KILLED_AT = (10, 60, 120, 180, 240, 290) if WHOLE else (10, 290)
DOWN_FOR = (1, 30, 120) if WHOLE else (30,)
CELLS = [(at, down) for at in KILLED_AT for down in DOWN_FOR]

RULES = f"""
groups:
  - name: apis
    interval: {INTERVAL}s
    query_offset: 1s
    blind_after: 1m
    rules:
      - alert: ApiErrors
        service: transactions
        signal:
          error_ratio:
            requests: 'http_requests_total{{job="auth",route="/pay"}}'
            failures: 'code=~"5.."'
            window: 4s
        guards: {{min_requests: 20, min_failures: 1}}
        prepare: {{above: 2%, for: {HOLD}s}}
"""

STOCK = f"""
groups:
  - name: apis
    rules:
      - alert: ApiErrors
        expr: sum(increase(http_requests_total{{route="/pay",code=~"5.."}}[4s])) / sum(increase(http_requests_total{{route="/pay"}}[4s])) > 0.02
        for: {HOLD}s
"""  # noqa: E501  # one expression


@dataclass(frozen=True)
class Outcome:
    """One cell: seconds from the first breach to firing and to the page, and how often somebody was paged."""

    fired_after: float
    paged_after: float
    pages: int


def sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.time()))


def of_the_monitor(folder: Path, prometheus: str, breach: threading.Event, cell: tuple[int, int]) -> Outcome:
    """Run one daemon through one cell."""
    folder.mkdir()
    with SlackServer() as slack, Monitor(folder, rules_with(folder, RULES), prometheus, slack) as monitor:
        slack.wait_connected()
        breach.wait(60)
        began, (at, down) = time.time(), cell
        sleep_until(began + at * SCALE)
        monitor.stop(signal.SIGKILL)
        time.sleep(down * SCALE)
        monitor.start()
        eventually(slack.messages, 60, "it pages")
        paged = time.time()
        time.sleep(5)
        (incident,) = monitor.incidents()
        (alert,) = monitor.incident(incident["id"])["alerts"]
        since = _at(alert["since"])
        return Outcome(_at(alert["fired_at"]) - since, paged - since, len(slack.messages()))


def _at(told: str) -> float:
    return datetime.fromisoformat(told).timestamp()


def of_a_stock_prometheus(target: str, breach: threading.Event, cell: tuple[int, int]) -> Outcome:
    """Run one Prometheus with the same rule through one cell."""
    with Prometheus(scrape={"auth": [target]}, interval=INTERVAL, rules=STOCK) as prometheus:
        breach.wait(60)
        at, down = cell
        pending = eventually(prometheus.alerts, 60, "it breaches")
        began = min(_at(_seconds(one["activeAt"])) for one in pending)
        sleep_until(began + at * SCALE)
        prometheus.kill()
        time.sleep(down * SCALE)
        prometheus.start()
        eventually(lambda: _firing(prometheus), 90, "it fires")
        fired = time.time() - began
        return Outcome(fired, fired, 1)


def _seconds(told: str) -> str:
    """Cut the nanoseconds that fromisoformat does not take."""
    return f"{told[:19]}+00:00"


def _firing(prometheus: Prometheus) -> list[dict[str, Any]]:
    return [one for one in prometheus.alerts() if one["state"] == "firing"]


def side_by_side(cells: list[Any]) -> list[Outcome]:
    with ThreadPoolExecutor(len(cells)) as pool:
        return [one.result() for one in [pool.submit(*cell) for cell in cells]]


@pytest.mark.timeout(600)
def test_prepare_comes_on_time_whenever_it_is_killed(tmp_path: Path) -> None:
    for number, cells in enumerate([CELLS[n : n + 6] for n in range(0, len(CELLS), 6)]):
        breach = threading.Event()
        with Shop() as shop, Prometheus(scrape={"auth": [shop.exporter.target]}, interval=INTERVAL) as prometheus:
            eventually(lambda p=prometheus: p.query("http_requests_total", time.time()), 20, "it scrapes")  # type: ignore[misc]  # bound at once
            threading.Timer(15, lambda shop=shop, breach=breach: (shop.failing.update(api=0.03), breach.set())).start()
            calls: list[Any] = [
                (of_the_monitor, tmp_path / f"{number}-{at}-{down}", prometheus.url, breach, (at, down))
                for at, down in cells
            ]
            if WHOLE:
                calls += [(of_a_stock_prometheus, shop.exporter.target, breach, cell) for cell in cells]
            outcomes = side_by_side(calls)
        ours, stock = outcomes[: len(cells)], outcomes[len(cells) :]
        _print(cells, ours, stock)
        for cell, outcome in zip(cells, ours, strict=True):
            assert abs(outcome.fired_after - HOLD) <= INTERVAL, f"killed at {cell[0]} s, down for {cell[1]} s"
            assert outcome.pages == 1


def _print(cells: list[tuple[int, int]], ours: list[Outcome], stock: list[Outcome]) -> None:
    """Print in unscaled seconds; only what a program takes to start, to read and to page is told as it was."""
    print("\n| killed at | down for | the monitor fires at | pages at | pages | a stock Prometheus fires at |")
    print("|---|---|---|---|---|---|")
    for number, (at, down) in enumerate(cells):
        fired = f"{ours[number].fired_after / SCALE:.0f} s"
        paged = f"{unscaled(ours[number].paged_after, max(HOLD / SCALE, at + down)):.0f} s"
        beside = f"{unscaled(stock[number].fired_after, at + down + HOLD / SCALE):.0f} s" if stock else "-"
        print(f"| {at} s | {down} s | {fired} | {paged} | {ours[number].pages} | {beside} |")


def unscaled(took: float, planned: float) -> float:
    """Give the seconds planned by the story, and what came on top."""
    return planned + took - planned * SCALE
