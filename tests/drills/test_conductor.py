"""A drill takes the whole path, from a played breach to its end, and touches nothing real."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from monitor.core.actor import MONITOR, Role
from monitor.core.drill.log import Drill, DrillAborted, DrillStarted, Injected, Stage
from monitor.core.drill.result import result, undocumented
from monitor.core.drill.scenario import Kind
from monitor.core.evidence import Case
from monitor.core.evidence.checklist import Item
from monitor.core.evidence.signals import SignalRead, files_of
from monitor.core.incidents.events import AlertFired, AlertResolved, Firing, Opened, Snapshot
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import RecordAsked
from monitor.core.model import AlertKey, Cause, Tier
from monitor.core.pages.actions import actions_of
from monitor.core.pages.page import ActionKind
from monitor.drills.conductor import Asked, NoDrill
from monitor.people.requesting import NotDone
from monitor.ports.store import Change, NewEvents
from tests.drills.hall import ANA, BEN, START, Hall


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which drills are held."""
    made = Hall(tmp_path)
    yield made
    made.end()


def test_nothing_is_made_for_drills_before_one_is_held(hall: Hall, tmp_path: Path) -> None:
    assert hall.app.hall.stage is None
    assert hall.app.conductor.records.running is None
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


def test_nobody_signs_before_its_end(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    assert isinstance(hall.app.conductor.sign_off(drill.id, ANA), NoDrill)
    assert hall.drill(drill.id).signed == ()


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
    files = hall.app.conductor.records.report(drill.id)
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


def real_breach(hall: Hall, ago: int = 0) -> None:
    """Let logins of production have failed so many seconds ago."""
    now = hall.clock.now() - timedelta(seconds=ago)
    key = AlertKey("LoginFailing", (("route", "/login"),), Tier.ROLLBACK)
    firing = Firing(key, "auth", "login: 62 % of logins fail", now, now, 0.62, 0.2)
    events = (Opened(now, MONITOR, "production"), AlertFired(now, MONITOR, firing))
    hall.app.production.store.commit(Change(events=(NewEvents("INC-0001", 0, events),)))


def test_something_real_gives_a_drill_up_at_once(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    real_breach(hall)
    hall.walk(1)
    aborted = hall.drill(drill.id).aborted
    assert aborted is not None
    assert (aborted.by, aborted.incident) == (MONITOR, "INC-0001")
    note = hall.incident(drill.id).end_note
    assert note == "DRILL ABORTED by INC-0001, which is real. Leave this and look there"
    assert "there is something real to do" in refused(hall, "login")


def test_what_was_caught_up_with_only_after_it_began_gives_it_up_too(hall: Hall) -> None:
    drill = hall.start("login")
    real_breach(hall, ago=30)
    hall.walk(1)
    assert hall.drill(drill.id).stage is Stage.ABORTED


def refused(hall: Hall, scenario: str) -> str:
    outcome = hall.app.conductor.start(Asked(scenario, ANA))
    assert isinstance(outcome, NoDrill)
    return outcome.sentence


def test_what_a_killed_monitor_left_unsaid_and_open_is_said_and_ended_once(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.stage.log.append_drill(drill.id, drill.rev, DrillAborted(hall.clock.now(), ANA, "killed right after this"))
    assert hall.incident(drill.id).is_open
    for _ in range(2):
        hall.end()
        hall.begin()
        assert not hall.incident(drill.id).is_open
    assert [one.reason for one in hall.stage.side.store.posts("")] == ["drill_started"], "its page told it"


def test_the_channel_is_told_once_what_no_page_could_tell(hall: Hall) -> None:
    drill = hall.start("login")
    hall.app.conductor.abort(ANA, "a mistake")
    for _ in range(2):
        hall.end()
        hall.begin()
    notes = [one.said for one in hall.stage.side.store.posts("")]
    assert notes[1:] == ["DRILL (not real): DRILL ABORTED by Ana: a mistake. That was DRILL-0001."]
    assert drill.id in notes[0]


def test_where_its_rule_is_gone_nothing_is_judged_and_nobody_real_is_called(hall: Hall, tmp_path: Path) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.end()
    hall.rules = shutil.copytree(hall.rules, tmp_path / "others")
    (hall.rules / "drills" / "login.yaml").unlink()
    hall.begin()
    assert hall.stage.side.book.now.rules.groups, "the rules that it began with are kept"
    hall.app.conductor.load = lambda _kept: None  # as where another version cannot read them
    hall.app.conductor.resume()
    book = hall.stage.side.book.now.rules
    assert (book.groups, book.routing.default.responders) == ((), ())
    hall.app.conductor.abort(ANA, "its scenario is gone")
    assert not hall.incident(drill.id).is_open


def test_of_what_is_really_rolled_back_no_item_may_lack_anything() -> None:
    partly = Item("Rollback commands and target versions", ("auth to 1",), ("auth: its image was not confirmed",))
    whole = Item("Validation results", ("passed",))
    for kind, gaps in ((Kind.STAGING, 1), (Kind.CANARY, 1), (Kind.TABLETOP, 0)):
        drill = Drill("DRILL-0001", DrillStarted(START, ANA, "login", "", kind, "", (), 900))
        assert len(list(undocumented(drill, (whole, partly)))) == gaps


def test_a_fault_that_is_told_of_after_it_is_felt_began_nobody_knows_when() -> None:
    drill = Drill("DRILL-0001", DrillStarted(START, ANA, "login", "", Kind.STAGING, "", (), 900))
    late = replace(drill, injected=Injected(START + timedelta(seconds=9), ANA))
    assert any(one.startswith("T0 ") and "nobody" not in one for one in result(drill, None).gaps)
    firing = Firing(AlertKey("A", (), Tier.ROLLBACK), "auth", "a", START, START, 1.0, 0.2)
    case = Case("DRILL-0001", (Opened(START, MONITOR, "staging"), AlertFired(START, MONITOR, firing)))
    told = [one for one in result(late, case).gaps if one.startswith("T0 ")]
    assert told == ["T0 Injected (drills only): said after the first breach, so it is not known when"]


def test_every_step_that_changes_something_says_what_becomes_of_its_commands(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.act(drill.id, ActionKind.START)
    progress = hall.incident(drill.id).progress
    assert progress is not None
    texts = {step.id: step.text for step in progress.plan.steps if step.waves or step.id == "flags"}
    assert len(texts) == 2
    for text in texts.values():
        assert text.startswith("Drill: nothing real is broken. Say what you would do, and *do not do it*.")
    real = hall.app.production.book.now.rules.procedures["rollback"]
    assert not any("Drill" in step.text for step in real.steps)


def test_nothing_is_rehearsed_while_people_roll_back_what_has_recovered(hall: Hall) -> None:
    real_breach(hall)
    hall.act("INC-0001", ActionKind.START)
    store = hall.app.production.store
    incident = store.incident("INC-0001")
    assert incident is not None
    resolved = AlertResolved(hall.clock.now(), MONITOR, incident.alerts[0].key, Cause.CLEAR_LONG_ENOUGH)
    store.commit(Change(events=(NewEvents("INC-0001", incident.rev, (resolved,)),)))
    after = store.incident("INC-0001")
    assert after is not None
    assert after.recovered_at is not None
    assert "INC-0001 is open: there is something real to do" in refused(hall, "login")


def test_signals_that_were_not_looked_for_are_no_gap_and_those_that_could_not_be_read_are_one() -> None:
    drill = Drill("DRILL-0001", DrillStarted(START, ANA, "login", "", Kind.STAGING, "", (), 900))
    key = AlertKey("LoginFailing", (), Tier.ROLLBACK)
    firing = Firing(key, "auth", "login", START, START, 1.0, 0.2)
    taken = Snapshot(START, MONITOR, key, (), 1.0, 0.2, 100.0, 62.0)
    case = Case("DRILL-0001", (Opened(START, MONITOR, "staging"), AlertFired(START, MONITOR, firing), taken))
    unread = files_of((SignalRead(key, problem="Prometheus did not answer"),))

    def gaps(one: Case) -> list[str]:
        return [gap for gap in result(drill, one).gaps if gap.startswith("Trigger metric snapshots")]

    assert gaps(case) == []
    assert gaps(replace(case, signals=unread)) == ["Trigger metric snapshots: LoginFailing: Prometheus did not answer"]


def test_what_was_played_is_kept_when_the_drill_is_over(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.app.conductor.finish(ANA)
    assert hall.stage.side.store.evidence(drill.id) is None
    hall.walk(10)
    kept = hall.stage.side.store.evidence(drill.id)
    assert kept is not None
    assert any(name.endswith(".csv") for name in kept.files)
    assert hall.start("errors").id == "DRILL-0002"


def test_the_next_drill_is_refused_at_once_while_what_the_last_one_played_is_kept(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.app.conductor.finish(ANA)
    refused = hall.app.conductor.start(Asked("errors", BEN))
    assert isinstance(refused, NoDrill)
    assert refused.sentence == f"What {drill.id} played is being kept: begin again in a moment."


def test_what_cannot_be_kept_blocks_the_next_drill_for_a_minute_only(hall: Hall) -> None:
    hall.start("login")
    hall.walk(60)
    hall.app.conductor.finish(ANA)
    hall.keeps_nothing()
    hall.walk(30)
    assert isinstance(hall.app.conductor.start(Asked("errors", BEN)), NoDrill)
    hall.walk(40)
    assert hall.start("errors").id == "DRILL-0002"


def test_a_drill_that_paged_nobody_leaves_nothing_to_keep(hall: Hall) -> None:
    hall.start("login")
    hall.app.conductor.abort(ANA, "too early")
    hall.walk(6)
    assert hall.start("errors").id == "DRILL-0002"


def test_nobody_is_reminded_of_the_record_of_a_drill_that_was_stopped(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(60)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.START)
    hall.app.conductor.finish(ANA)
    hall.walk(10)
    hall.clock.advance(8 * 86_400)
    hall.walk(700)
    assert not any(isinstance(one, RecordAsked) for one in hall.stage.side.store.events(drill.id))


def test_a_drill_that_was_called_a_false_alarm_keeps_the_next_one_from_nothing(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(40)
    hall.act(drill.id, ActionKind.FALSE_ALARM, reason="it was only a drill")
    hall.walk(70)
    assert hall.drill(drill.id).stage is Stage.FINISHED
    result = hall.app.conductor.records.result(drill.id)
    assert result is not None
    assert "T10 Signals clear: Ana said that it is a false alarm, nobody saw it" in result.gaps
    again = hall.start("login")
    hall.walk(40)
    assert hall.incident(again.id).is_open


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param({"recovery_target": 10**15}, "within 2 h", id="a target that no clock can hold"),
        pytest.param({"recovery_target": 7201}, "within 2 h", id="a target after the drill is given up"),
        pytest.param({"recovery_target": 0}, "within 2 h", id="a target that nobody can meet"),
        pytest.param({"participants": ("U0ANA", "ana")}, "'ana' is no id", id="a name instead of an id"),
        pytest.param({"participants": ("!channel",)}, "'!channel' is no id", id="everybody"),
        pytest.param({"scenario": ""}, "Say which drill. There are billing", id="no scenario"),
    ],
)
def test_what_no_drill_can_be_held_with_is_refused_before_anything_is_written(
    hall: Hall, asked: dict[str, object], told: str
) -> None:
    wanted: dict[str, object] = {"scenario": "login", **asked}
    refused = hall.app.conductor.start(Asked(by=ANA, **wanted))  # type: ignore[arg-type]  # as the table has it
    assert isinstance(refused, NoDrill)
    assert told in refused.sentence
    assert hall.app.conductor.records.drills() == ()


def test_a_drill_that_is_over_is_not_opened_again(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(40)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.FALSE_ALARM, reason="it was only a drill")
    hall.walk(2)
    assert ActionKind.REOPEN not in {one.kind for one in actions_of(hall.incident(drill.id))}
    refused = hall.act(drill.id, ActionKind.REOPEN, reason="a slip")
    assert isinstance(refused, NotDone)
    assert "its result stands" in refused.sentence
    assert not hall.incident(drill.id).is_open


def test_one_that_was_ended_while_no_monitor_ran_was_ended_then(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(40)
    ended = hall.clock.now()
    hall.act(drill.id, ActionKind.FALSE_ALARM, reason="it was only a drill")
    hall.end()
    hall.clock.advance(4 * 3600)
    hall.begin()
    hall.walk(1)
    assert (hall.drill(drill.id).stage, hall.drill(drill.id).over_at) == (Stage.FINISHED, ended)


def test_a_report_stands_beside_the_four_before_it_however_many_come_after(hall: Hall) -> None:
    for _ in range(11):
        hall.start("login")
        hall.walk(1)
        hall.app.conductor.abort(ANA, "the next")
        hall.walk(1)
    rows = {name: compared(hall, name) for name in ("DRILL-0002", "DRILL-0011")}
    assert rows["DRILL-0002"] == ["DRILL-0001"]
    assert rows["DRILL-0011"] == ["DRILL-0010", "DRILL-0009", "DRILL-0008", "DRILL-0007"]


def compared(hall: Hall, name: str) -> list[str]:
    """The drills beside one, as its report has them."""
    files = hall.app.conductor.records.report(name)
    assert files is not None
    return [one["name"] for one in json.loads(files["drill.json"])["compared"]]
