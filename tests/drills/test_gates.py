"""Deploys of what a drill rolls back are frozen by it; those of production never are."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.core.pages.page import ActionKind
from monitor.core.procedures.gate import UnknownEnvironmentError
from monitor.drills.gates import Gates
from tests.drills.hall import ANA, ROOT, Hall

STAGING = """
title: Logins fail on staging
trigger: login
alert: LoginFailing
kind: tabletop
hypothesis: the version before serves logins again
environment: staging
play: {healthy: {value: 0%}, broken: {value: 62%}}
"""


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor with a drill whose target is called staging."""
    rules = shutil.copytree(ROOT / "rules", tmp_path / "rules")
    (rules / "drills" / "staging.yaml").write_text(STAGING)
    made = Hall(tmp_path, rules)
    yield made
    made.end()


def test_without_a_drill_every_environment_that_is_known_is_open(hall: Hall) -> None:
    gates = Gates(hall.app.production, hall.app.hall)
    for environment in ("", "production", "staging"):
        assert gates.ask("auth", "2.14.1", environment).allowed
    assert hall.app.hall.stage is None, "nothing is made for a question"


def test_a_name_that_nobody_knows_is_no_permission(hall: Hall) -> None:
    with pytest.raises(UnknownEnvironmentError, match=r"a gate of stagign\. There are those of production, staging"):
        Gates(hall.app.production, hall.app.hall).ask("auth", "2.14.1", "stagign")


def test_a_drill_freezes_its_own_environment_from_start_to_end(hall: Hall) -> None:
    gates = Gates(hall.app.production, hall.app.hall)
    drill = hall.start("staging")
    hall.walk(60)
    assert gates.ask("auth", "2.14.1", "staging").allowed, "nobody has started the procedure"
    hall.act(drill.id, ActionKind.START)
    frozen = gates.ask("auth", "2.14.1", "staging")
    assert (frozen.allowed, frozen.incident) == (False, "DRILL-0001")
    assert frozen.because.startswith("DRILL (not real): deploys of staging are frozen")
    assert gates.ask("auth", "2.14.1").allowed
    assert gates.ask("auth", "2.14.1", "production").allowed
    hall.app.conductor.finish(ANA)
    assert gates.ask("auth", "2.14.1", "staging").allowed
