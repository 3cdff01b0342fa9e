import os
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from monitor.cli.demo import run
from monitor.demo import watched

STAND_IN = Path(__file__).with_name("stand_in.py")
PROGRAM = """
import sys
from pathlib import Path
from monitor.demo.catalogue import Fault
from monitor.demo.run import Plan, run
fault, scenario, seconds = sys.argv[2:5]
program = (sys.executable, sys.argv[1], scenario)
sys.exit(run(Plan(Fault(fault), Path("rules"), float(seconds), healthy_seconds=0.5, program=program)))
"""


def started(folder: Path, *words: str, path: str = os.environ["PATH"]) -> subprocess.Popen[str]:
    """Start the demo with the stand-in; everything it makes is made in `folder`."""
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(STAND_IN), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "TMPDIR": str(folder), "PATH": path, "MONITOR_HEARTBEAT__URL": "http://not.to.be.called"},
    )


def finished(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def running(folder: Path) -> list[str]:
    """Give the command lines that name `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in words:
            found.append(words)
    return found


def test_a_page_is_shown_with_its_timing_and_nothing_is_left(tmp_path: Path) -> None:
    code, said = finished(started(tmp_path, "login", "pages", "8"))
    assert code == 0, said
    assert "auth 2.14.0 replaces 2.13.4" in said
    assert "│ the stand-in listens" in said
    assert "INC-0001: login failing" in said
    assert "s after the break (" in said
    assert "s after its first failing sample)" in said
    assert "incident ack INC-0001" in said
    assert re.search(r"curl -X POST http://127\.0\.0\.1:\d+/version/auth/2\.13\.4 +# go back, and it heals\n", said)
    assert "nothing is left running" in said
    assert running(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_without_a_page_it_is_said_how_to_get_one(tmp_path: Path) -> None:
    code, said = finished(started(tmp_path, "none", "silent", "7"))
    assert code == 0, said
    assert "/fault/login     # break the login" in said
    assert "incident ack" not in said
    assert re.search(r" drill start --scenario login --env-file \S+ +# a drill", said)


def test_a_monitor_that_dies_is_said_with_its_last_words_and_nothing_is_left(tmp_path: Path) -> None:
    code, said = finished(started(tmp_path, "login", "dies", "8"))
    assert code == 1
    assert "monitor ended with exit code 78" in said
    assert "settings: the stand-in was told to die" in said
    assert running(tmp_path) == []


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=["SIGTERM", "Ctrl-C", "a closed terminal"]
)
def test_a_signal_ends_everything_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    process = started(tmp_path, "none", "silent", "60")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(number)
    code, said = finished(process)
    assert code == 0, said
    assert "Asked to stop; nothing is left running." in said
    assert running(tmp_path) == []


def test_a_missing_prometheus_is_named_with_what_to_install(tmp_path: Path) -> None:
    code, said = finished(started(tmp_path, "login", "pages", "8", path=str(tmp_path)))
    assert code == 1
    assert "prometheus and promtool not found on PATH" in said
    assert "apt-get install prometheus" in said


@pytest.mark.parametrize(
    ("break_", "rules", "sentence"),
    [
        pytest.param(
            "fire", None, "--break fire: no such fault; there are none, login, errors", id="a fault that does not exist"
        ),
        pytest.param("login", Path("nowhere"), "--rules nowhere: no such folder", id="a folder that does not exist"),
    ],
)
def test_what_cannot_be_shown_is_refused(
    capsys: pytest.CaptureFixture[str], break_: str, rules: Path | None, sentence: str
) -> None:
    assert run(break_, 1.0, rules=rules) == 2
    assert sentence in capsys.readouterr().err


def test_only_slack_passes_from_the_users_settings(tmp_path: Path) -> None:
    base: dict[str, str] = {
        "PATH": "/bin",
        "MONITOR_SLACK__BOT_TOKEN": "xoxb-1",
        "SLACK_APP_TOKEN": "xapp-1",
        "MONITOR_PAGERDUTY__ROUTING_KEY": "k",
        "MONITOR_DATABASE_URL": "postgresql://production",
    }
    seen = watched.environment(base, watched.settings(tmp_path, "http://127.0.0.1:1", tmp_path))
    assert seen["MONITOR_SLACK__BOT_TOKEN"] == "xoxb-1"
    assert seen["SLACK_APP_TOKEN"] == "xapp-1"
    assert "MONITOR_PAGERDUTY__ROUTING_KEY" not in seen
    assert seen["MONITOR_DATABASE_URL"] == f"sqlite:///{tmp_path}/rollback-monitor.db"
    assert watched.pages_slack(base)
    assert not watched.pages_slack({"PATH": "/bin"})


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]"], ids=["empty", "half", "without url", "a list"])
def test_a_half_written_lock_is_no_address(tmp_path: Path, text: str) -> None:
    (tmp_path / "rollback-monitor.db.lock").write_text(text)
    assert watched.address(tmp_path) is None


def test_the_env_file_can_be_read_by_a_shell(tmp_path: Path) -> None:
    file = tmp_path / "demo.env"
    ours = {"MONITOR_RULES": "/a folder/with 'quotes'", "MONITOR_PROMETHEUS__URL": "http://127.0.0.1:1"}
    watched.write_env_file(file, ours)
    words: Sequence[str] = ["sh", "-c", f'set -a; . {file}; printf "%s|%s" "$MONITOR_RULES" "$MONITOR_PROMETHEUS__URL"']
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert said == "|".join(ours.values())
