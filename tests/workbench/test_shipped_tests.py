"""The shipped rules have tests, all of the five kinds that a rule should have, and they pass quickly."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.core.rules.ruletest import RuleTest
from monitor.files import load
from monitor.files.testset import files_of_tests, read_test_set

ROOT = Path(__file__).parents[2]
KINDS = ("fires", "does not fire", "exact boundary", "low traffic", "missing data")
SECONDS = 30
"""Ten on a quiet machine; tests run on busy ones."""

LOADED = load(ROOT / "rules").rules
ALERTS = [rule.alert for group in LOADED.groups for rule in group.rules] if LOADED else []
TESTS = [
    test
    for path in files_of_tests(ROOT / "rules")
    for file in (read_test_set(path).file,)
    if file
    for test in file.tests
]


def _about(alert: str, kind: str) -> list[RuleTest]:
    return [test for test in TESTS if test.name.startswith(f"{alert}: {kind}")]


@pytest.mark.parametrize("alert", ALERTS)
def test_every_shipped_alert_has_the_five_tests(alert: str) -> None:
    assert [kind for kind in KINDS if not _about(alert, kind)] == []
    for kind in KINDS:
        assert all(one.alert == alert for test in _about(alert, kind) for one in test.alerts[-1:]), kind


@pytest.mark.parametrize("alert", ALERTS)
def test_the_tests_say_what_their_names_say(alert: str) -> None:
    fires = [one for test in _about(alert, "fires") for one in test.alerts if one.alerts or one.state == "firing"]
    quiet = [one for test in _about(alert, "does not fire") for one in test.alerts if one.pages == ()]
    exact = [one for test in _about(alert, "exact boundary") for one in test.alerts if one.value is not None]
    missing = {one.state for test in _about(alert, "missing data") for one in test.alerts}
    assert fires
    assert quiet
    assert exact
    assert {"no_data", "blind"} <= missing or {"firing", "blind"} <= missing


def test_they_pass_and_take_seconds() -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "test"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(TESTS)} passed in" in done.stdout
    assert time.monotonic() - began < SECONDS
