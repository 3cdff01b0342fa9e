"""The daemon and vmalert on the same rules over the same Prometheus: CPU, memory and time, side by side.

`make bench` runs 1,000 rules at 15 s for two minutes each; the form in the tests is small, and holds only that the
measurement works.
"""

import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.running import ROOT, Monitor, eventually
from tests.servers.ports import free_port
from tests.servers.prometheus import Prometheus, steady

WHOLE = os.environ.get("BENCH") == "whole"
RULES, INTERVAL, ROUNDS = (1000, 15, 8) if WHOLE else (60, 1, 4)
A_GROUP = 100
TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Usage:
    """What a process has used: CPU seconds so far, and resident bytes."""

    cpu: float
    rss: int


@dataclass(frozen=True)
class Spent:
    """How many evaluations of a group there were so far, and the seconds that they took."""

    count: float
    seconds: float


@dataclass(frozen=True)
class Measured:
    """Microseconds of CPU a rule evaluation, of the evaluator and of its Prometheus; MiB resident; seconds a group."""

    own: float
    prometheus: float
    rss: float
    group: float


def usage(pid: int) -> Usage:
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return Usage((int(stat[11]) + int(stat[12])) / TICK, int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE)


def history(now: int) -> dict[str, list[tuple[float, float]]]:
    """Requests of as many jobs as there are rules, half an hour back and as long ahead as the measurement takes."""
    start, end = now - 1800, now + 1800
    return {
        f'http_requests_total{{job="j{number}",code="{code}"}}': steady(start, end, 15, rate=rate)
        for number in range(RULES)
        for code, rate in (("200", 9.9), ("500", 0.1))
    }


def rules(folder: Path) -> Path:
    """A rules folder with one error ratio a job."""
    shutil.copytree(ROOT / "rules" / "procedures", folder / "procedures")
    (folder / "routing.yaml").write_text("environment: bench\n")
    for first in range(0, RULES, A_GROUP):
        lines = ["groups:", f"  - name: g{first}", f"    interval: {INTERVAL}s", "    query_offset: 1s", "    rules:"]
        for number in range(first, min(first + A_GROUP, RULES)):
            selector = f"'http_requests_total{{job=\"j{number}\"}}'"
            signal = f"{{error_ratio: {{requests: {selector}, failures: 'code=~\"5..\"', by: [job], window: 1m}}}}"
            lines += [
                f"      - alert: Errors{number}",
                f"        signal: {signal}",
                "        guards: {min_requests: 20, min_failures: 3}",
                "        prepare: {above: 2%, for: 5m}",
            ]
        (folder / f"g{first}.yaml").write_text("\n".join(lines) + "\n")
    return folder


def measured(pid: int, prometheus: int, evaluations: Callable[[], Spent]) -> Measured:
    """Look twice, some rounds apart; `evaluations` tells what all evaluations of a group took so far."""
    before, before_there, before_spent = usage(pid), usage(prometheus), evaluations()
    time.sleep(ROUNDS * INTERVAL)
    after, after_there, spent = usage(pid), usage(prometheus), evaluations()
    done = RULES * ROUNDS
    return Measured(
        (after.cpu - before.cpu) / done * 1e6,
        (after_there.cpu - before_there.cpu) / done * 1e6,
        after.rss / 2**20,
        (spent.seconds - before_spent.seconds) / max(1.0, spent.count - before_spent.count),
    )


def of_the_daemon(folder: Path, there: Path) -> Measured:
    with Prometheus(history=history(int(time.time()))) as prometheus, Monitor(folder, there, prometheus.url) as monitor:
        eventually(monitor.ready, 60, "every group was evaluated")
        eventually(lambda: monitor.metric("rollback_monitor_evaluations_total") > 3 * RULES / A_GROUP, 90, "it is warm")
        assert monitor.process is not None
        return measured(monitor.process.pid, prometheus.pid, lambda: _ours(monitor))


def _ours(monitor: Monitor) -> Spent:
    name = "rollback_monitor_evaluation_duration_seconds"
    return Spent(monitor.metric(f"{name}_count"), monitor.metric(f"{name}_sum"))


@contextmanager
def vmalert(exported: Path, prometheus: str) -> Iterator[tuple[int, str]]:
    """Debian's vmalert on the exported rules; gives its pid and address."""
    port = free_port()
    command = [
        "vmalert",
        f"-rule={exported}",
        f"-datasource.url={prometheus}",
        f"-notifier.url=http://127.0.0.1:{free_port()}",  # nobody is told, as nothing fires
        f"-evaluationInterval={INTERVAL}s",
        f"-httpListenAddr=127.0.0.1:{port}",
        "-loggerLevel=ERROR",
    ]
    with subprocess.Popen(command) as process:
        try:
            yield process.pid, f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


def of_vmalert(exported: Path) -> Measured:
    with (
        Prometheus(history=history(int(time.time()))) as prometheus,
        vmalert(exported, prometheus.url) as (pid, address),
    ):
        time.sleep(3 * INTERVAL)
        return measured(pid, prometheus.pid, lambda: _theirs(address))


def _theirs(address: str) -> Spent:
    with urllib.request.urlopen(f"{address}/metrics", timeout=5) as reply:
        lines = reply.read().decode().splitlines()
    names = (f"vmalert_iteration_duration_seconds_{what}" for what in ("count", "sum"))
    return Spent(*(sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(name)) for name in names))


@pytest.mark.timeout(900)
def test_the_daemon_beside_vmalert(tmp_path: Path) -> None:
    there = rules(tmp_path / "rules")
    exported = tmp_path / "exported.yml"
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "export", "prometheus", str(there), "--alone", "--for-version", "2.41"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    exported.write_text(done.stdout)
    ours, theirs = of_the_daemon(tmp_path, there), of_vmalert(exported)
    rows = (
        ("own CPU a rule evaluation", ours.own, theirs.own, "µs"),
        ("Prometheus's CPU a rule evaluation", ours.prometheus, theirs.prometheus, "µs"),
        ("resident memory", ours.rss, theirs.rss, "MiB"),
        ("evaluation of a group", ours.group * 1000, theirs.group * 1000, "ms"),
    )
    print(f"\n{RULES} rules every {INTERVAL} s, {ROUNDS} rounds")
    print("| what | the monitor | vmalert | ratio |\n|---|---|---|---|")
    for what, mine, other, unit in rows:
        print(f"| {what} | {mine:.0f} {unit} | {other:.0f} {unit} | {mine / other if other else 0:.2f} |")
    if WHOLE:
        assert ours.own < theirs.own
        assert ours.prometheus < theirs.prometheus
