"""What a real daemon records over a stretch of a real Prometheus is what `replay` says of it afterwards."""

import json
import time
from contextlib import closing
from datetime import datetime
from pathlib import Path

from monitor.adapters.memory.store import MemoryStore
from monitor.adapters.prometheus import PrometheusSource
from monitor.core.model import State, utc
from monitor.workbench.replay.cache import NoCache
from monitor.workbench.replay.fetching import Fetcher
from monitor.workbench.replay.history import History
from monitor.workbench.replay.replaying import Replay
from monitor.workbench.replay.world import World
from tests.e2e.running import Monitor, Shop, eventually, rules_with
from tests.servers.prometheus import Prometheus
from tests.time_rules.walk import load

RULES = """
groups:
  - name: apis
    interval: 1s
    query_offset: 2s
    rules:
      - alert: ApiErrors
        service: transactions
        signal:
          error_ratio: {requests: 'http_requests_total{route="/pay"}', failures: 'code=~"5.."', by: [job], window: 2s}
        guards: {min_requests: 20, min_failures: 1}
        keep_firing_for: 1s
        prepare: {above: 5%, for: 2s, clear: 1%}
      - alert: LoginFailing
        service: auth
        signal:
          error_ratio: {requests: 'http_requests_total{route="/login"}', failures: 'code=~"5.."', window: 2s}
        guards: {min_requests: 20, min_failures: 5}
        prepare: {above: 10%, for: 30s}
        rollback: {above: 20%, for: 1s, confidence: 90%}
      - alert: Down
        signal: {query: {expr: 'up{job="auth"}', by: [job]}}
        gap_tolerance: 2s
        rollback: {below: 1, for: 1s}
"""

Moves = list[tuple[object, ...]]


def recorded(monitor: Monitor, begin: int, end: int) -> Moves:
    told = json.loads(monitor.get("/api/v1/transitions?limit=1000"))["transitions"]
    moves = [
        (
            _seconds(one["at"]),
            one["alert"],
            tuple(sorted(one["labels"].items())),
            one["tier"],
            one["before"],
            one["after"],
            one["cause"],
            _seconds(one["since"]),
            one["value"],
        )
        for one in told
        if one["tier"] != "blind"
    ]
    return sorted(move for move in moves if begin < int(str(move[0])) <= end)


def _seconds(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def replayed(rules: Path, url: str, begin: int, end: int) -> tuple[Moves, list[str]]:
    with closing(PrometheusSource(url)) as source:
        replay = Replay(
            History(Fetcher(source, NoCache(), time.time()), 2), source, World(MemoryStore, source), begin, end
        )
        number = replay.want(load(rules))
        replay.read()
        moves = [
            (
                one.at,
                one.alert.key.alert,
                one.alert.key.labels,
                str(one.alert.key.tier),
                str(one.before),
                str(one.after),
                str(one.cause),
                one.alert.since,
                one.judgement.value if one.judgement else None,
            )
            for each in replay.folded(number)
            for one in each.transitions
            if begin < one.at <= end
        ]
        return sorted(moves), [f"{page.reason} {utc(page.at):%H:%M:%S}" for page in replay.outcome(number).pages]


def test_what_a_daemon_recorded_is_what_a_replay_says(tmp_path: Path) -> None:
    rules = rules_with(tmp_path, RULES)
    with Shop() as shop, Prometheus(scrape={"auth": [shop.exporter.target]}, interval=0.5) as prometheus:
        eventually(lambda: prometheus.query("http_requests_total", time.time()), 20, "Prometheus has scraped the shop")
        with Monitor(tmp_path, rules, prometheus.url) as monitor:
            eventually(monitor.ready, 20, "ready")
            time.sleep(1.5)
            begin = int(time.time())
            shop.failing.update(api=0.15)
            time.sleep(2)
            shop.failing.update(login=0.7)
            time.sleep(3)
            shop.failing.update(api=0.025, login=0.0)
            time.sleep(2)
            shop.exporter.down = True
            time.sleep(3)
            shop.exporter.down = False
            shop.failing.update(api=0.0)
            time.sleep(5.5)
            end = int(time.time()) - 3
            ours = recorded(monitor, begin, end)
            posted = [one["after"] for one in json.loads(monitor.get("/api/v1/transitions?limit=1000"))["transitions"]]
        theirs, pages = replayed(rules, prometheus.url, begin, end)
    assert posted
    assert {move[1] for move in ours} == {"ApiErrors", "LoginFailing", "Down"}
    assert {move[5] for move in ours} == {str(state) for state in State}
    assert theirs == ours
    assert any(page.startswith(("rollback_joins", "rollback_opens", "raised")) for page in pages)
