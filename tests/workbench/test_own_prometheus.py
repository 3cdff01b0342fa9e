"""The Prometheus of a run ends with it: after the run, on Ctrl-C, on SIGTERM, and when the run itself is killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.workbench.ownprometheus import OwnPrometheus, program

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
LONG = """
evaluation_interval: 1s
tests:
  - interval: 1m
    input_series: [{series: queue, values: 1x9}]
    alert_rule_test: [{alertname: Queue, eval_time: 99000s}]
"""


@pytest.fixture
def long(tmp_path: Path) -> Path:
    """A folder whose test would take minutes, and a program that writes its process down and becomes a Prometheus."""
    (tmp_path / "rules" / "tests").mkdir(parents=True)
    (tmp_path / "rules" / "a.yaml").write_text("groups: [{name: g, rules: [{alert: Queue, expr: queue > 5}]}]\n")
    (tmp_path / "rules" / "tests" / "a.yaml").write_text(LONG)
    program = tmp_path / "prometheus"
    program.write_text(
        f'#!/bin/sh\necho $$ > {tmp_path}/pid.new; mv {tmp_path}/pid.new {tmp_path}/pid\nexec prometheus "$@"\n'
    )
    program.chmod(0o755)
    return tmp_path


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _until_gone(pid: int) -> None:
    give_up = time.monotonic() + PATIENCE
    while _alive(pid) and time.monotonic() < give_up:
        time.sleep(0.02)
    assert not _alive(pid)


def test_it_ends_where_its_block_ends_and_leaves_nothing() -> None:
    with pytest.raises(KeyError), OwnPrometheus(program(None)) as server:  # noqa: PT012  # whatever happens inside
        pid = server.pid
        assert pid is not None
        folder = Path(f"/proc/{pid}/cmdline").read_text().partition("--config.file=")[2].partition("/prometheus.yml")[0]
        assert Path(folder).is_dir()
        raise KeyError
    assert pid is not None
    assert not _alive(pid)
    assert not Path(folder).exists()


@pytest.mark.parametrize(
    ("sent", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["Ctrl-C", "SIGTERM", "SIGKILL"],
)
def test_it_ends_with_the_run(long: Path, sent: int, code: int) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "monitor", "test", "--prometheus", str(long / "prometheus"), str(long / "rules")],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(long)},  # what is killed leaves its folder behind
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        give_up = time.monotonic() + PATIENCE
        while not (long / "pid").exists() and running.poll() is None and time.monotonic() < give_up:
            time.sleep(0.02)
        pid = int((long / "pid").read_text())
        assert _alive(pid)
        os.kill(running.pid, sent)
        said, _ = running.communicate(timeout=PATIENCE)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == code
    assert "Traceback" not in said
    _until_gone(pid)
