"""A drill takes the whole path, from a played breach to its end, and touches nothing real."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.core.actor import MONITOR, Role
from monitor.core.drill.log import Stage
from monitor.core.incident import Incident
from monitor.core.model import Tier
from monitor.core.page import ActionKind
from monitor.drills.conductor import Asked, NoDrill
from tests.drills.hall import ANA, BEN, START, Hall


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which drills are held."""
    made = Hall(tmp_path)
    yield made
    made.end()


def test_nothing_is_made_for_drills_before_one_is_held(hall: Hall, tmp_path: Path) -> None:
    assert hall.app.hall.stage is None
    assert hall.app.conductor.running is None
    assert sorted(path.name for path in tmp_path.glob("*.db")) == ["monitor.db"]


def test_a_played_login_pages_by_the_rule_itself(hall: Hall) -> None:
    drill = hall.start("login")
    assert (drill.id, drill.stage) == ("DRILL-0001", Stage.INJECTED)
    hall.walk(60)
    incident = hall.incident("DRILL-0001")
    assert incident.tier is Tier.ROLLBACK
    assert [one.key.labels for one in incident.alerts] == [(("route", "/login"),)]
    since = min(one.since for one in incident.alerts)
    assert START < since < START + timedelta(seconds=45)


def test_what_is_real_knows_nothing_of_it(hall: Hall) -> None:
    hall.start("login")
    hall.walk(60)
    production = hall.app.production.store
    assert list(production.incidents()) == []
    assert list(production.transitions()) == []
    assert [state for state in production.groups() if state.alerts] == []
    assert list(production.posts("DRILL-0001")) == []


def test_a_played_signal_clears_when_the_services_are_rolled_back(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    assert hall.incident(drill.id).recovered_at is None
    steps = [one.id for one in hall.app.production.book.now.rules.procedures["rollback"].steps]
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.START)
    for step in steps[1:]:
        hall.act(drill.id, ActionKind.SKIP, subject=step, reason="a tabletop")
    hall.walk(240)  # the windows forget it, and the rule keeps firing for a while
    incident = hall.incident(drill.id)
    assert incident.recovered_at is not None


def test_one_drill_at_a_time(hall: Hall) -> None:
    hall.start("login")
    refused = hall.app.conductor.start(Asked("errors", BEN))
    assert isinstance(refused, NoDrill)
    assert "DRILL-0001 runs" in refused.sentence


def test_a_drill_that_is_not_there_is_told_with_those_that_are(hall: Hall) -> None:
    refused = hall.app.conductor.start(Asked("logn", BEN))
    assert isinstance(refused, NoDrill)
    assert "login" in refused.sentence


def test_given_up_it_ends_what_was_open(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    assert isinstance(hall.app.conductor.abort(ANA, " "), NoDrill)
    hall.app.conductor.abort(ANA, "somebody took it for real")
    assert hall.drill(drill.id).stage is Stage.ABORTED
    incident = hall.incident(drill.id)
    assert not incident.is_open
    assert "DRILL ABORTED by Ana: somebody took it for real" in incident.end_note
    hall.walk(30)
    assert hall.incident(drill.id).rev == incident.rev


def test_two_people_sign_a_result(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    assert isinstance(hall.app.conductor.sign_off(drill.id, ANA), NoDrill)
    hall.app.conductor.finish(ANA)
    hall.app.conductor.sign_off(drill.id, ANA)
    assert isinstance(hall.app.conductor.sign_off(drill.id, ANA), NoDrill)
    assert hall.drill(drill.id).stage is Stage.FINISHED
    hall.app.conductor.sign_off(drill.id, BEN)
    assert hall.drill(drill.id).stage is Stage.SIGNED_OFF


def test_restarted_in_the_middle_it_goes_on_where_it_was(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    before: Incident = hall.incident(drill.id)
    hall.end()
    hall.clock.advance(30)
    hall.begin()
    hall.walk(30)
    after = hall.incident(drill.id)
    assert [one.fired_at for one in after.alerts] == [one.fired_at for one in before.alerts]
    assert all(one.active for one in after.alerts)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE, BEN)
    assert hall.incident(drill.id).acknowledged_by == BEN


def test_one_that_runs_for_too_long_is_given_up(hall: Hall) -> None:
    drill = hall.start("rehearsal")
    hall.walk(60)
    hall.clock.advance(600)
    hall.walk(1)
    aborted = hall.drill(drill.id).aborted
    assert aborted is not None
    assert (aborted.by, aborted.reason) == (MONITOR, "it ran for longer than 10 min")


@pytest.mark.parametrize("scenario", ["errors", "latency", "billing", "integrity", "login", "invoices"])
def test_every_drill_that_is_shipped_pages_by_its_rule(hall: Hall, scenario: str) -> None:
    drill = hall.start(scenario)
    hall.walk(420)
    incident = hall.incident(drill.id)
    assert {one.key.alert for one in incident.alerts} == {hall.app.production.book.now.rules.drills[scenario].alert}
    assert Role.RESPONDER in ANA.roles


def test_a_report_tells_the_clock_from_what_was_seen_and_what_is_missing(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.walk(20)
    hall.act(drill.id, ActionKind.START)
    hall.walk(5)
    hall.app.conductor.finish(ANA)
    files = hall.app.conductor.report(drill.id)
    assert files is not None
    told = json.loads(files["drill.json"])
    assert told["result"] == "incomplete"
    assert "T10 Signals clear: not seen" in told["gaps"]
    incident = hall.incident(drill.id)
    assert incident.acknowledged_at is not None
    assert told["moments"]["T0"] == "2026-03-02T10:00:00.000Z"
    assert datetime.fromisoformat(told["moments"]["T4"]) == incident.acknowledged_at
    assert told["durations_s"]["Time to detect"] == 25.0  # at the grid time that was read 5 s later
    assert "DRILL (not real): DRILL-0001: INCOMPLETE" in files["drill.md"].decode()
