"""What deploys the monitor is accepted by the programs that will read it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.runtime.supervisor import MEND_WITHIN
from monitor.settings import loading

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "rollback-monitor.service"


def said(*command: str, folder: Path = ROOT) -> str:
    """Run a program that must succeed; give what it said."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_accepts_the_unit_without_a_remark(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    text = UNIT.read_text()
    assert "ExecStart=/opt/rollback-monitor/bin/rollback-monitor run\n" in text
    # verify wants the program to exist, and it does not before it is installed
    unit.write_text(text.replace("/opt/rollback-monitor/bin/rollback-monitor", sys.executable))
    remarks = said("systemd-analyze", "verify", "--man=no", str(unit))
    assert [line for line in remarks.splitlines() if UNIT.name in line] == []


def test_the_unit_is_sandboxed() -> None:
    report = said("systemd-analyze", "security", "--offline=true", "--no-pager", str(UNIT))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", report)
    assert found
    assert float(found[1]) < 2


def test_the_unit_gives_the_monitor_time_to_stop_and_no_endless_restarts_over_bad_settings() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"TimeoutStopSec=15", "Restart=on-failure", "RestartPreventExitStatus=78"} <= set(lines)


def test_the_unit_lets_systemd_know_when_it_is_ready_and_when_it_is_not_well() -> None:
    """The watchdog waits longer than the supervisor tries to mend: it is for a supervisor that is gone itself."""
    lines = UNIT.read_text().splitlines()
    assert {"Type=notify", "NotifyAccess=main"} <= set(lines)
    (watchdog,) = [int(line.partition("=")[2]) for line in lines if line.startswith("WatchdogSec=")]
    assert MEND_WITHIN < watchdog <= 60


def test_prometheus_accepts_the_rules_about_the_monitor() -> None:
    assert "10 rules found" in said(
        "promtool", "check", "rules", str(DEPLOY / "prometheus/rollback-monitor.rules.yaml")
    )


def test_the_rules_about_the_monitor_fire_when_they_should() -> None:
    said("promtool", "test", "rules", "rollback-monitor.test.yaml", folder=DEPLOY / "prometheus")


def test_the_example_of_settings_names_only_settings(tmp_path: Path) -> None:
    text = (DEPLOY / "env.example").read_text()
    named = re.findall(r"^#?(MONITOR_[A-Z_]+)=", text, re.MULTILINE)
    assert len(named) > 10
    assert loading.unknown(dict.fromkeys(named, "env.example")) == []
    file = tmp_path / "env"
    file.write_text(text)
    effective, _ = loading.load({}, env_file=file)
    assert effective.prometheus.url == ("http://prometheus:9090",)


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_every_locked_package_has_hashes_and_no_address(name: str) -> None:
    text = (ROOT / name).read_text()
    pinned = re.findall(r"^[\w.-]+==\S+ \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", text, re.MULTILINE)
    assert len(pinned) == len(re.findall(r"^[\w.-]+==", text, re.MULTILINE)) > 40
    assert not re.search(r"://|^-|@ file", text, re.MULTILINE)


def test_the_locks_agree_with_each_other() -> None:
    runtime, dev = (
        set(re.findall(r"^([\w.-]+==\S+)", (ROOT / name).read_text(), re.MULTILINE))
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert runtime <= dev


def test_the_image_copies_only_what_its_context_lets_through() -> None:
    dockerfile = (DEPLOY / "Dockerfile").read_text()
    context = (DEPLOY / "Dockerfile.dockerignore").read_text()
    let_through = set(re.findall(r"^!(\S+)", context, re.MULTILINE))
    copied = [words.split()[:-1] for words in re.findall(r"^COPY (?!--from)(.+)$", dockerfile, re.MULTILINE)]
    assert {name for names in copied for name in names} == let_through
    assert re.search(r"^USER \d+:\d+$", dockerfile, re.MULTILINE)
    assert "/-/healthy" in dockerfile


def test_the_ci_script_and_the_makefile_can_be_read() -> None:
    said("bash", "-n", str(ROOT / ".ci/run"))
    planned = said("make", "--dry-run", "--no-print-directory", "test", "demo", "BREAK=billing", "FOR=90s")
    assert "demo --break billing --for 90s" in planned
    for step in ("ruff format --check", "ruff check", "mypy", "lint-imports", "bin/pytest"):
        assert step in planned
