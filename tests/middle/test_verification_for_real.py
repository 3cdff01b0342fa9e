"""A whole verification through the composition root: a real Prometheus, a real HTTP server, real processes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.memory.world import ManualClock
from monitor.bootstrap.sides import verifier
from monitor.core.incidents.events import Firing
from monitor.core.model import AlertKey, Tier, utc
from monitor.core.procedures.beforeafter import before_and_after
from monitor.core.procedures.procedure import Step
from monitor.core.procedures.verification import CheckResult, Outcome, verdict
from monitor.core.procedures.verifying import Context
from monitor.core.rules.ruleset import RuleSet
from monitor.core.rules.signal import Unit
from monitor.evaluation.baselines import Baselines
from monitor.evaluation.reading import Reader
from monitor.files import load as load_files
from monitor.rulebook import RuleBook
from monitor.settings.loading import load
from monitor.sourcing import source_of
from tests.servers.hostile import Hostile, hang, reply
from tests.servers.prometheus import Prometheus, steady

THREE = 1_741_057_200
"""2025-03-04 03:00 UTC: the login breaks; at 03:10 it is rolled back."""
MENDED, QUIET_FROM = THREE + 600, THREE + 3600
UNTIL = THREE + 7200
CANARY = "canary-7f3a"

RULES = """
groups:
  - name: rollback
    interval: 5s
    query_offset: 5s
    rules:
      - alert: LoginFailing
        signal:
          error_ratio: {requests: 'logins', failures: 'code="500"', by: [service], window: 1m}
        rollback: {above: 20%, for: 0s, confidence: 99%, guards: {min_requests: 10}}
        annotations: {summary: "login"}
"""
PROCEDURE = """
title: Roll back
verify_for: 10m
steps:
  - id: verify
    title: Verify
    checks:
      - {title: The signals that paged are clear, signals: true}
      - {title: Login works, promql: 'min(login_up)', above: 0.9}
      - {title: Export answers, http: 'EXPORT/health?token=canary-7f3a', deadline: 1s}
      - {title: Preflight, command: [python3, tools/release_preflight.py, --quick], deadline: 20s}
"""
PREFLIGHT = """
import os, pathlib, sys
print(sys.argv[1:], sorted(os.environ))
print("password=hunter2")
print("the console is open to canary-7f3a")
sys.exit(int(pathlib.Path("exit").read_text()))
"""


def history() -> dict[str, list[tuple[float, float]]]:
    """Ten logins a second, six of ten failing until 03:10; after 04:00 there are none at all."""
    well = [(t, 4.0 * min(t - THREE, 600) + 10.0 * max(0, min(t, QUIET_FROM) - MENDED)) for t in every(5)]
    failed = [(t, 6.0 * min(t - THREE, 600)) for t in every(5)]
    return {
        'logins{service="auth",code="200"}': well,
        'logins{service="auth",code="500"}': failed,
        'login_up{instance="a"}': [(t, float(t > MENDED)) for t in every(5)],
        'login_up{instance="b"}': [(t, 1.0) for t in every(5)],
        "elsewhere": [(at, value) for at, value in steady(THREE, UNTIL, 60, rate=1)],
    }


def every(step: int) -> list[float]:
    return [float(at) for at in range(THREE, UNTIL + 1, step)]


@pytest.fixture(scope="module")
def prometheus() -> Iterator[Prometheus]:
    with Prometheus(history=history()) as running:
        yield running


class Shop:
    """An incident in a shop that was rolled back at 03:10, verified by the parts that the daemon has."""

    def __init__(self, folder: Path, prometheus: Prometheus, export: Hostile, **settings: str) -> None:
        self.folder = folder
        self.write("tools/release_preflight.py", PREFLIGHT)
        self.write("exit", "0")
        self.write("rules/routing.yaml", "environment: production\n")
        self.write("rules/login.yaml", RULES)
        self.write("rules/procedures/rollback.yaml", PROCEDURE.replace("EXPORT", export.url))
        rules = self.rules()
        given = {"PROMETHEUS__URL": prometheus.url, "ALLOW_COMMAND_CHECKS": "true", "CONSOLE_TOKEN": CANARY, **settings}
        given["COMMAND_CHECKS_DIRECTORY"] = str(folder)
        configured = load({f"MONITOR_{name}": value for name, value in given.items()})[0]
        self.clock = ManualClock(utc(MENDED))
        book, source = RuleBook(rules), source_of(configured)
        self.verifier = verifier(configured, self.clock, book, source, Reader(source, Baselines(source)))
        procedure = rules.procedures["rollback"]
        self.step: Step = procedure.steps[0]
        key = AlertKey("LoginFailing", (("service", "auth"),), Tier.ROLLBACK)
        fired = Firing(key, "auth", "login", utc(THREE + 60), utc(THREE + 65), 0.6, 0.2, unit=Unit.RATIO)
        self.context = Context("INC-0001", (fired,), procedure.verify_for)

    def rules(self) -> RuleSet:
        loaded = load_files(self.folder / "rules", fallback_channel="C0OPS")
        assert loaded.rules is not None, loaded.findings
        return loaded.rules

    def write(self, name: str, text: str) -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def at(self, seconds: int) -> "Shop":
        self.clock.advance((utc(THREE + seconds) - self.clock.now()) / timedelta(seconds=1))
        return self

    def run(self) -> tuple[CheckResult, ...]:
        return self.verifier.run(self.step, self.context)

    def outcomes(self) -> list[str]:
        return [str(one.outcome) for one in self.run()]


@pytest.fixture
def export() -> Iterator[Hostile]:
    with Hostile(reply(b"ok")) as server:
        yield server


@pytest.fixture
def shop(tmp_path: Path, prometheus: Prometheus, export: Hostile) -> Iterator[Shop]:
    one = Shop(tmp_path, prometheus, export)
    yield one
    assert one.verifier.stop(20)


def test_it_fails_once_then_waits_then_holds(shop: Shop, export: Hostile) -> None:
    assert shop.at(604).outcomes() == ["failed", "failed", "passed", "passed"]
    export.behaviour = reply(b"", 503)
    shop.write("exit", "3")
    assert shop.at(900).outcomes() == ["waiting", "passed", "failed", "failed"]
    export.behaviour = reply(b"ok")
    shop.write("exit", "0")
    signals, *_ = shop.run()
    assert signals.said.startswith("clear 4 of 10 min: 0 % of ")
    found = shop.at(1300).run()
    assert verdict(found).green
    assert verdict(found).sentence == "4 of 4 checks passed"
    rows = [(row.what, row.before, row.now) for row in before_and_after(shop.context.signals, found).rows]
    assert rows == [
        ("login", "60 % when it fired", "0 %, clear"),
        ("Login works", "0", "1, more than 0.9 is asked for"),
        ("Export answers", "-", f"{export.url}/health?… answered 200"),
        ("Preflight", "-", "exit 0"),
    ]


def test_what_is_told_holds_no_secret(shop: Shop) -> None:
    found = shop.at(1300).run()
    assert CANARY not in repr(found)
    assert "hunter2" not in repr(found)
    printed = found[3].detail.splitlines()
    assert printed[0].startswith("['--quick'] [")
    assert not {"MONITOR_CONSOLE_TOKEN", "MONITOR_PROMETHEUS__URL"} & set(printed[0].split("'"))
    assert printed[1:] == ["password=[redacted]", "the console is open to [redacted]"]


def test_at_night_too_little_traffic_counts_beside_a_check_that_passes(shop: Shop, export: Hostile) -> None:
    signals, *_ = shop.at(4400).run()
    assert signals.outcome is Outcome.PASSED
    assert "too little traffic to tell" in signals.said
    export.behaviour = reply(b"", 503)
    shop.write("exit", "3")
    shop.step = replace(shop.step, checks=tuple(one for one in shop.step.checks if one.kind != "promql"))
    signals, *_ = shop.run()
    assert signals.outcome is Outcome.WAITING
    assert "count only beside a check that passes" in signals.said


def test_prometheus_gone_in_the_middle(tmp_path: Path, export: Hostile) -> None:
    with Prometheus(history=history()) as prometheus:
        shop = Shop(tmp_path, prometheus, export)
        held = shop.at(900).run()[0].held_for
        assert 120 < held <= 300
        prometheus.kill()
        signals, login, *_ = shop.at(1200).run()
        assert (signals.outcome, signals.held_for) == (Outcome.WAITING, held)
        assert signals.said.startswith("cannot see: the connection is refused; clear ")
        assert (login.outcome, login.said) == (Outcome.UNKNOWN, "cannot see: the connection is refused")
        prometheus.start()
        assert shop.at(1205).run()[0].held_for == held
        assert shop.at(1200 + HOLD - held).run()[0].outcome is Outcome.WAITING
        assert shop.at(1210 + HOLD - held).run()[0].outcome is Outcome.PASSED
        assert shop.verifier.stop(20)


HOLD = 600


def test_a_server_that_hangs_is_given_its_second_and_no_more(shop: Shop, export: Hostile) -> None:
    export.behaviour = hang
    found = shop.at(1300).run()
    assert (found[2].outcome, found[2].said) == (
        Outcome.FAILED,
        f"{export.url}/health?…: no answer within 1 s; 200 is asked for",
    )


def test_where_commands_are_not_allowed_nothing_is_run(tmp_path: Path, prometheus: Prometheus, export: Hostile) -> None:
    shop = Shop(tmp_path, prometheus, export, ALLOW_COMMAND_CHECKS="false")
    shop.write("tools/release_preflight.py", "open('ran', 'w')")
    found = shop.at(1300).run()
    assert (found[3].outcome, found[3].detail) == (
        Outcome.NOT_RUN,
        "python3 tools/release_preflight.py --quick",
    )
    assert not (tmp_path / "ran").exists()
    assert shop.verifier.stop(20)
