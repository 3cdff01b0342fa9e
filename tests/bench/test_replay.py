"""A replay beside vmalert's of the exported rules, over the same past of one Prometheus: time and CPU; then a sweep.

`BENCH=whole pytest tests/bench/test_replay.py -s` takes 7 days of 20 rules at 15 s; the form in the tests is small, and
holds only that the measurement works and that both find the same alerts firing.
"""

import calendar
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.running import ROOT, unmeasured
from tests.oracle import peer
from tests.oracle.timelines import export, folder_of
from tests.servers.prometheus import Prometheus
from tests.time_rules.histories import START

WHOLE = os.environ.get("BENCH") == "whole"
RULES, SECONDS = (20, 7 * 86400) if WHOLE else (5, 2 * 3600)
LEAD = 7200
SCRAPE = 15
TICK = os.sysconf("SC_CLK_TCK")
TEN = "1%,2%,3%,4%,5%,6%,7%,8%,9%,10%"


@dataclass(frozen=True)
class Cost:
    """Seconds of wall time, of CPU of the one that asks, and of CPU of the Prometheus that answers."""

    wall: float
    own: float
    prometheus: float

    @property
    def cpu(self) -> float:
        return self.own + self.prometheus


def failing(job: int, at: int) -> float:
    """Each job has a fault of its own every other day, and a spike that is over before it counts every day."""
    moment = (at + job * 8001) % 172800 if WHOLE else (at + job * 401) % 5000
    if WHOLE and moment > 86400:
        moment = max(900, moment - 86400)
    return 0.3 if moment < 900 else 0.06 if 2000 <= moment < 2120 else 0.002


def series() -> Iterator[str]:
    """The past as OpenMetrics: requests of each job on two routes, a probe, a queue."""
    times = range(-LEAD, SECONDS + 1, SCRAPE)
    for job in range(RULES):
        for route, rate in (("/a", 10.0), ("/b", 4.0)):
            good, bad = 0.0, 0.0
            lines: dict[str, list[str]] = {"200": [], "500": []}
            for at in times:
                failed = round(rate * SCRAPE * failing(job, at))
                good, bad = good + rate * SCRAPE - failed, bad + failed
                lines["200"].append(f"{good:g} {START + at - 8}")
                lines["500"].append(f"{bad:g} {START + at - 8}")
            for code, values in lines.items():
                labels = f'job="j{job}",route="{route}",code="{code}"'
                yield from (f"requests_total{{{labels}}} {value}\n" for value in values)
    for job in range(RULES):
        yield from (f'probe{{job="j{job}"}} {int(failing(job, at) < 0.2)} {START + at - 8}\n' for at in times)
    for job in range(RULES):
        yield from (f'queue{{job="j{job}"}} {1000 * failing(job, at):g} {START + at - 8}\n' for at in times)
    yield "# EOF\n"


def rules() -> str:
    """Three of five are error ratios with both tiers, one a probe, one a query."""
    lines = ["groups:", "  - name: bench", "    interval: 15s", "    query_offset: 10s", "    rules:"]
    for job in range(RULES):
        match job % 5:
            case 3:
                signal = f"availability: {{probe: 'probe{{job=\"j{job}\"}}', by: [job], window: 1m}}"
                tiers = ["prepare: {below: 50%, for: 5m}"]
            case 4:
                signal = f"query: {{expr: 'max by (job) (queue{{job=\"j{job}\"}})', by: [job]}}"
                tiers = ["prepare: {above: 50, for: 5m}"]
            case _:
                requests = f"requests: 'requests_total{{job=\"j{job}\"}}', failures: 'code=~\"5..\"'"
                signal = f"error_ratio: {{{requests}, by: [route], window: 1m}}"
                tiers = [
                    "guards: {min_requests: 20, min_failures: 3}",
                    "prepare: {above: 2%, for: 5m}",
                    "rollback: {above: 25%, for: 30s}",
                ]
        lines += [f"      - alert: Alert{job}", f"        signal: {{{signal}}}"]
        lines += [f"        {tier}" for tier in tiers]
    return "\n".join(lines) + "\n"


def cpu_of(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICK


class Measuring:
    """What a program costs, and what it costs its Prometheus."""

    def __init__(self, prometheus: Prometheus, folder: Path) -> None:
        self.prometheus, self.folder = prometheus, folder

    def replay(self, *options: str) -> tuple[Cost, str]:
        span = ["--from", _time(START), "--to", _time(START + SECONDS), "--format", "json"]
        command = [sys.executable, "-m", "monitor", "replay", str(self.folder / "rules"), *span, *options]
        environment = {**unmeasured(), "MONITOR_PROMETHEUS__URL": self.prometheus.url}
        before, there, began = _children(), cpu_of(self.prometheus.pid), time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
        cost = Cost(time.monotonic() - began, _children() - before, cpu_of(self.prometheus.pid) - there)
        assert done.returncode == 0, done.stderr
        return cost, done.stdout

    def vmalert(self, into: str) -> Cost:
        before, there, began = _children(), cpu_of(self.prometheus.pid), time.monotonic()
        peer.replay(self.folder / "exported.yml", self.prometheus.url, into, START, START + SECONDS)
        return Cost(time.monotonic() - began, _children() - before, cpu_of(self.prometheus.pid) - there)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _time(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


Fired = set[tuple[str, str, int]]
"""Each alert of the tier that nothing else carries, and when it began to fire."""


def alone(alert: str, tier: str) -> bool:
    """Whether no greater tier carries this one: Prometheus would not know."""
    return tier == ("rollback" if int(alert.removeprefix("Alert")) % 5 < 3 else "prepare")


def firing(document: str) -> Fired:
    return {
        (one["alert"], json.dumps(one["labels"], sort_keys=True), at)
        for one in json.loads(document)["alerts"]
        if one["fired_at"] and alone(one["alert"], one["tier"]) and (at := _seconds(one["fired_at"])) > START + 900
    }


def _seconds(text: str) -> int:
    return calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


def fired_at_the_peer(url: str) -> Fired:
    found = set()
    for labels, points in peer.written(url, "ALERTS"):
        if labels["alertstate"] == "firing" and alone(labels["alertname"], labels["tier"]):
            instance = json.dumps({name: labels[name] for name in ("job", "route") if name in labels}, sort_keys=True)
            times = sorted(points)
            begins = [at for before, at in zip([0, *times], times, strict=False) if at - before > SCRAPE]
            found |= {(labels["alertname"], instance, at) for at in begins if at > START + 900}
    return found


@pytest.mark.timeout(1800)
def test_a_replay_beside_vmalert_and_a_sweep_beside_a_replay(tmp_path: Path) -> None:
    rules_folder = folder_of(rules(), tmp_path / "rules")
    (tmp_path / "exported.yml").write_text(export(rules_folder, "--alone", "--for-version", "2.41"))
    cache = ["--cache", str(tmp_path / "cache")]
    sweep = ["--set", f"Alert0.prepare.above={TEN}"]
    with Prometheus(history="".join(series())) as prometheus, peer.victoria_metrics() as written_to:
        measuring = Measuring(prometheus, tmp_path)
        if WHOLE:
            measuring.replay("--no-cache")  # the blocks are in memory for whoever comes next
        once, document = measuring.replay("--no-cache")
        theirs = measuring.vmalert(written_to)
        ten, _ = measuring.replay("--no-cache", *sweep)
        measuring.replay(*cache)
        again, cached = measuring.replay(*cache)
        known = fired_at_the_peer(written_to)
    shares = once.wall / theirs.wall, once.cpu / theirs.cpu, ten.wall / once.wall, ten.cpu / once.cpu
    print(f"\n{RULES} rules every 15 s over {SECONDS / 86400:.2g} days")
    print("| what | wall | own CPU | Prometheus's CPU |\n|---|---|---|---|")
    for what, cost in (
        ("replay", once),
        ("vmalert -replay", theirs),
        ("ten thresholds", ten),
        ("from the disk", again),
    ):
        print(f"| {what} | {cost.wall:.2f} s | {cost.own:.2f} s | {cost.prometheus:.2f} s |")
    print("replay / vmalert: {:.2f} of the time, {:.2f} of the CPU; ten / one: {:.2f}, {:.2f}".format(*shares))
    assert json.loads(cached)["alerts"] == json.loads(document)["alerts"]
    assert known
    assert firing(document) == known
    if WHOLE:
        assert once.wall < theirs.wall
        assert ten.cpu < 1.3 * once.cpu
