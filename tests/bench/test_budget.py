"""Start-up and memory, measured: the daemon lives beside production. `make bench` prints the same figures."""

import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.running import MEASURED, ROOT, Monitor, Shop, eventually, unmeasured
from tests.servers.prometheus import Prometheus
from tests.servers.slack import SlackServer

CPU = 0.4
RSS_MIB = 120


def cpu_of(*words: str) -> float:
    """The least CPU seconds of three runs of the command line: what it needs, without what else the machine does."""
    spent = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "monitor", *words]
        done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, check=False)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert done.returncode == 0, done.stderr
        spent.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(spent)


def rss_mib(pid: int) -> float:
    """The resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.alone
@pytest.mark.parametrize("words", [("--help",), ("check",), ("check", "--format", "json")], ids=" ".join)
def test_the_command_line_starts_lean(words: tuple[str, ...]) -> None:
    spent = cpu_of(*words)
    print(f"\nrollback-monitor {' '.join(words)}: {spent:.2f} s of CPU (allowed: {CPU} s)")
    assert spent < CPU


def test_neither_help_nor_check_loads_what_the_daemon_is_made_of() -> None:
    code = """
import sys
from pathlib import Path
import monitor.cli.main
from monitor.cli import check
check.run([Path("rules")], strict=False, format="json")
heavy = {"sqlalchemy", "alembic", "slack_sdk", "aiohttp", "uvicorn", "starlette", "requests", "pydantic", "apscheduler"}
sys.exit(", ".join(sorted(heavy & set(sys.modules))) or 0)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_idle_daemon_is_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MEASURED, raising=False)
    with (
        SlackServer() as slack,
        Shop() as shop,
        Prometheus(scrape={"auth": [shop.exporter.target]}) as prometheus,
        Monitor(tmp_path, ROOT / "rules", prometheus.url, slack) as monitor,
    ):
        slack.wait_connected()
        eventually(monitor.ready, 10, "ready")
        time.sleep(20)
        assert monitor.process is not None
        used = rss_mib(monitor.process.pid)
        print(f"\nidle daemon, shipped rules, Slack connected: {used:.0f} MiB resident (allowed: {RSS_MIB} MiB)")
        assert used < RSS_MIB
