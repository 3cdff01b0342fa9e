"""The exported rules inside a real Prometheus, beside the daemon, while a shop breaks: they fire and end together.

Prometheus evaluates at moments of its own, the daemon on its grid, so that they may lie an interval apart, and as much
more as a scrape takes to land.
"""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.oracle.timelines import export
from tests.servers.prometheus import Prometheus

INTERVAL = 1
APART = INTERVAL + 0.25
"""Seconds that two moments may lie apart."""
LOOKED_BACK = 300

RULES = f"""
groups:
  - name: apis
    interval: {INTERVAL}s
    query_offset: 1s
    rules:
      - alert: ApiErrors
        service: transactions
        signal:
          error_ratio:
            requests: 'http_requests_total{{job="auth",route="/pay"}}'
            failures: 'code=~"5.."'
            by: [job]
            window: 2s
        guards: {{min_requests: 20, min_failures: 1}}
        prepare: {{above: 5%, for: 10s, clear: 1%}}
      - alert: LoginFailing
        service: auth
        signal:
          error_ratio:
            requests: 'http_requests_total{{job="auth",route="/login"}}'
            failures: 'code=~"5.."'
            window: 2s
        guards: {{min_requests: 20, min_failures: 5}}
        keep_firing_for: 2s
        rollback: {{above: 20%, for: 0s, confidence: 90%}}
"""
ALERTS = ("ApiErrors", "LoginFailing")


@dataclass(frozen=True)
class Move:
    """An alert became `state` at a time (seconds since the epoch); it breaches since another."""

    state: str
    at: float
    since: float


@pytest.fixture
def shop() -> Iterator[Shop]:
    with Shop() as running:
        yield running


@pytest.fixture
def monitor_rules(tmp_path: Path) -> Path:
    return rules_with(tmp_path, RULES)


@pytest.fixture
def prometheus(shop: Shop, monitor_rules: Path) -> Iterator[Prometheus]:
    exported = export(monitor_rules, "--for-version", "2.42")
    with Prometheus(scrape={"auth": [shop.exporter.target]}, interval=0.5, rules=exported) as running:
        eventually(lambda: running.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        yield running


def of_prometheus(prometheus: Prometheus, alert: str) -> list[Move]:
    """What Prometheus recorded of an alert of one instance, evaluation by evaluation."""
    now = time.time()
    of = f'{{alertname="{alert}"}}[{LOOKED_BACK}s]'
    states = {
        float(at): series["metric"]["alertstate"]
        for series in prometheus.query(f"ALERTS{of}", now)
        for at, _ in series["values"]
    }
    since = {
        float(at): float(value)
        for series in prometheus.query(f"ALERTS_FOR_STATE{of}", now)
        for at, value in series["values"]
    }
    times = sorted(states)
    moves = [Move(states[at], at, since[at]) for at in times]
    if times and now - times[-1] > 2 * INTERVAL:
        moves.append(Move("inactive", times[-1] + INTERVAL, moves[-1].since))
    return changes(moves)


def of_the_monitor(monitor: Monitor, alert: str) -> list[Move]:
    """What the daemon recorded; Prometheus knows no recovering, and says firing."""
    told = json.loads(monitor.get(f"/api/v1/transitions?{urlencode({'alert': alert})}"))["transitions"]
    moves = [
        Move(one["after"].replace("recovering", "firing"), seconds(one["at"]), seconds(one["since"])) for one in told
    ]
    return changes(sorted(moves, key=lambda move: move.at))


def changes(moves: Iterable[Move]) -> list[Move]:
    """Leave out what did not change the state."""
    found: list[Move] = []
    for move in moves:
        if not found or found[-1].state != move.state:
            found.append(move)
    return found


def seconds(told: str) -> float:
    """Give a time, of whose nanoseconds no more than `fromisoformat` takes."""
    whole, _, rest = told.rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole[:19]}+00:00").timestamp() + float(f"0.{rest.partition('+')[0] or 0}")


def states(moves: list[Move]) -> list[str]:
    return [move.state for move in moves]


@pytest.mark.alone
def test_a_real_prometheus_and_the_daemon_fire_and_end_together(
    tmp_path: Path, shop: Shop, prometheus: Prometheus, monitor_rules: Path
) -> None:
    with Monitor(tmp_path, monitor_rules, prometheus.url) as monitor:
        eventually(monitor.ready, 20, "ready")
        time.sleep(1.5)  # health
        shop.failing.update(api=0.1, login=0.7)
        eventually(lambda: active(prometheus.alerts()) == dict.fromkeys(ALERTS, "firing"), 30, "Prometheus fires")
        eventually(lambda: active(of_ours(monitor)) == dict.fromkeys(ALERTS, "firing"), 5, "the daemon fires")
        assert_active_since_the_same_time(prometheus, monitor)
        shop.failing.update(api=0.025, login=0.0)
        eventually(lambda: active(of_ours(monitor)) == {"ApiErrors": "firing"}, 20, "logins work again")
        time.sleep(2)  # between `clear` and the limit
        shop.failing.update(api=0.0)
        eventually(lambda: not prometheus.alerts() and not of_ours(monitor), 20, "both are over")
        time.sleep(2 * INTERVAL + 0.2)
        for alert in ALERTS:
            assert_alike(of_the_monitor(monitor, alert), of_prometheus(prometheus, alert))


def of_ours(monitor: Monitor) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(monitor.get("/api/v1/alerts"))["data"]["alerts"]
    return found


def active(alerts: Iterable[dict[str, object]]) -> dict[str, object]:
    """The state of each alert that Prometheus or the daemon tells as active."""
    return {name(one): one["state"] for one in alerts}


def name(alert: dict[str, object]) -> str:
    labels = alert["labels"]
    assert isinstance(labels, dict)
    return str(labels["alertname"])


def assert_active_since_the_same_time(prometheus: Prometheus, monitor: Monitor) -> None:
    theirs = {name(one): seconds(str(one["activeAt"])) for one in prometheus.alerts()}
    ours = {name(one): seconds(str(one["activeAt"])) for one in of_ours(monitor)}
    for alert in ALERTS:
        assert abs(ours[alert] - theirs[alert]) <= APART, alert


def assert_alike(ours: list[Move], theirs: list[Move]) -> None:
    told = f"\nthe daemon: {ours}\nPrometheus: {theirs}"
    assert states(ours) == states(theirs), told
    for mine, other in zip(ours, theirs, strict=True):
        assert abs(mine.at - other.at) <= APART, told
        assert abs(mine.since - other.since) <= APART, told
