"""`explain` beside a real daemon, its database and a real Prometheus: one alert in all three ways, and the curl."""

import json
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.running import Monitor, eventually, rules_with
from tests.servers.prometheus import Prometheus

STEP = 5
CANARY = "canary-93b1"
RULES = """
groups:
  - name: apis
    interval: 5s
    query_offset: 5s
    rules:
      - alert: ApiErrors
        signal:
          error_ratio:
            requests: 'http_requests_total{job=~"auth|pay"}'
            failures: 'code=~"5.."'
            by: [job]
            window: 30s
        guards: {min_requests: 20, min_failures: 3}
        prepare: {above: 2%, for: 30m}
        rollback: {above: 25%, for: 60s, confidence: 99%}
      - alert: ApiSlow
        signal:
          latency: {histogram: 'http_seconds', quantile: 0.9, by: [job], window: 30s, ceiling: 200ms}
        prepare: {above: 50%, for: 10s}
"""


def counter(first: int, last: int, rate: float, *, bad: int = 0, then: float = 0.0) -> list[tuple[float, float]]:
    """A counter that grows by `rate` a second, and by `then` from `bad` on."""
    found, value = [], 0.0
    for at in range(first, last, STEP):
        value += STEP * (then if bad and at > bad else rate)
        found.append((float(at), value))
    return found


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    """Auth fails by 40 % for some minutes now, and pay by 5 %; the history goes on into the near future."""
    now = int(time.time()) // STEP * STEP
    first, last, bad = now - 3600, now + 600, now - 240
    history = {
        'http_requests_total{job="auth",code="200"}': counter(first, last, 12),
        'http_requests_total{job="auth",code="500"}': counter(first, last, 0.01, bad=bad, then=8),
        'http_requests_total{job="pay",code="200"}': counter(first, last, 19),
        'http_requests_total{job="pay",code="500"}': counter(first, last, 0.01, bad=bad, then=1),
    }
    for bound, rate in (("0.1", 5.0), ("0.2", 8.0), ("0.5", 9.5), ("+Inf", 10.0)):
        history[f'http_seconds_bucket{{job="auth",le="{bound}"}}'] = counter(first, last, rate)
    with Prometheus(history=history) as running:
        yield running


def a_monitor(folder: Path, prometheus: Prometheus) -> Monitor:
    folder.mkdir(exist_ok=True)
    monitor = Monitor(folder, rules_with(folder, RULES), prometheus.url)
    monitor.env["MONITOR_PROMETHEUS__BEARER_TOKEN"] = CANARY
    monitor.env["MONITOR_PROMETHEUS__HEADERS"] = json.dumps({"X-Scope-OrgID": CANARY})
    return monitor


def explained(monitor: Monitor, *words: str) -> Any:  # noqa: ANN401  # any document
    done = monitor.command("explain", *words, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    assert CANARY not in done.stdout
    return json.loads(done.stdout)


def of(told: Mapping[str, Any], job: str, tier: str) -> Any:  # noqa: ANN401  # a part of one
    return next(one for one in told["alerts"] if (one["labels"], one["tier"]) == ({"job": job}, tier))


def asked(command: str) -> dict[str, float]:
    """What a printed command brings, in a shell that knows the secrets: the value of each series by its labels."""
    env = {"PATH": "/usr/bin:/bin", "TOKEN": "t", "X_SCOPE_ORGID": "o"}
    done = subprocess.run(["bash", "-c", command], env=env, capture_output=True, text=True, timeout=20, check=True)
    found = json.loads(done.stdout)["data"]["result"]
    return {json.dumps(one["metric"], sort_keys=True): float(one["value"][1]) for one in found if "value" in one}


def test_the_daemon_its_database_and_history_alone_tell_the_same(tmp_path: Path, prometheus: Prometheus) -> None:
    monitor = a_monitor(tmp_path, prometheus)
    with monitor:
        eventually(monitor.ready, 20, "everything was evaluated")
        live = explained(monitor, "ApiErrors")
        recorded = json.loads(monitor.get("/api/v1/transitions?alert=ApiErrors"))["transitions"]
        kept = json.loads(monitor.get("/api/v1/states"))["states"]
        slow = explained(monitor, "ApiSlow")
        text = monitor.command("explain", "ApiErrors")
    auth, pay = of(live, "auth", "rollback"), of(live, "pay", "prepare")
    assert (auth["state"]["state"], auth["state"]["from"]) == ("firing", "daemon")
    assert (pay["state"]["state"], pay["outlook"]["course"]) == ("pending", "fires")
    alerts = [one for state in kept for one in state["alerts"] if one["labels"] == {"job": "auth"}]
    (mine,) = [one for one in alerts if (one["alert"], one["tier"]) == ("ApiErrors", "rollback")]
    assert (auth["state"]["since"], auth["state"]["fired_at"]) == (mine["since"], mine["fired_at"])
    (fired,) = [one for one in recorded if (one["labels"], one["tier"]) == ({"job": "auth"}, "rollback")]
    assert auth["state"]["changes"][-1] == {name: fired[name] for name in ("at", "before", "after", "cause")}
    assert (text.returncode, CANARY in text.stdout) == (0, False)
    assert 'ApiErrors{job="auth"}  rollback  FIRING' in text.stdout

    after = of(explained(monitor, "ApiErrors"), "auth", "rollback")
    assert (after["state"]["from"], after["state"]["since"]) == ("database", mine["since"])
    alone = a_monitor(tmp_path / "alone", prometheus)
    derived = of(explained(alone, "ApiErrors"), "auth", "rollback")
    assert (derived["state"]["from"], derived["state"]["since"]) == ("history", mine["since"])
    assert derived["state"]["fired_at"] == mine["fired_at"]
    assert not (tmp_path / "alone" / "monitor.db").exists(), "who only asks makes no database"

    check_queries(live, slow)


def check_queries(live: Mapping[str, Any], slow: Mapping[str, Any]) -> None:
    """Every printed command returns what was judged."""
    auth = of(live, "auth", "rollback")
    found = {one["name"]: asked(one["curl"]) for one in live["queries"]}
    for name in ("requests", "failures"):
        assert found[name]['{"job": "auth"}'] == pytest.approx(auth[name])
    assert auth["failures"] / auth["requests"] == pytest.approx(auth["value"])
    buckets = {one["name"]: one["curl"] for one in slow["queries"]}
    (told,) = slow["alerts"]
    assert asked(buckets["buckets"])['{"job": "auth", "le": "+Inf"}'] == pytest.approx(told["requests"])
    assert [(one["name"], one["counts"]) for one in told["references"]] == [
        ("same_time", False),
        ("trailing", False),
        ("ceiling", True),
    ]
