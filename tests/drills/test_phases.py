"""A drill in each of its phases: what becomes of it when something real happens, and when the monitor is killed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from monitor.core.actor import MONITOR
from monitor.core.drill.log import Drill, DrillStarted, Injected, Stage
from monitor.core.incidents.events import Opened
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind
from monitor.core.pages.posts import Notice
from monitor.drills.conductor import NoDrill
from monitor.ports.store import NO_INCIDENT, Change, NewEvents, Post, PostKind, StoreError
from tests.drills.hall import ANA, BEN, BOB, EVA, START, Hall, rules_with_staging
from tests.drills.test_conductor import compared, real_breach

PREEMPTED = "DRILL ABORTED by INC-0001, which is real. Leave this and look there"


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor with the shipped rules, and a drill that watches staging."""
    made = Hall(tmp_path, rules_with_staging(tmp_path))
    yield made
    made.end()


def written(hall: Hall) -> Drill:
    """Killed right after it was written down: nothing was said of it, and no rule is in force."""
    scenario = hall.app.production.book.now.rules.drills["login"]
    told = (scenario.name, scenario.title, scenario.kind, scenario.hypothesis, (), 900)
    started = DrillStarted(hall.clock.now(), ANA, *told, channel="console")
    hall.stage.log.append_drill("DRILL-0001", 0, started, Injected(hall.clock.now(), MONITOR, "played"))
    return hall.drill("DRILL-0001")


def asked(hall: Hall) -> Drill:
    return hall.start("login")


def waiting(hall: Hall) -> Drill:
    drill = hall.start("staging")
    hall.walk(5)
    return drill


def injected(hall: Hall) -> Drill:
    drill = waiting(hall)
    hall.app.conductor.inject(ANA)
    return drill


def fired(hall: Hall) -> Drill:
    drill = hall.start("login")
    hall.walk(40)
    return drill


def acknowledged(hall: Hall) -> Drill:
    drill = fired(hall)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    return drill


def commanded(hall: Hall) -> Drill:
    drill = acknowledged(hall)
    hall.act(drill.id, ActionKind.START)
    return drill


def under_way(hall: Hall) -> Drill:
    drill = commanded(hall)
    hall.act(drill.id, ActionKind.SKIP, subject=steps(hall)[1], reason="a tabletop")
    return drill


def cleared(hall: Hall) -> Drill:
    drill = commanded(hall)
    for step in steps(hall)[1:]:
        hall.act(drill.id, ActionKind.SKIP, subject=step, reason="a tabletop")
    hall.walk(240)
    assert hall.incident(drill.id).recovered_at is not None
    return drill


def ended(hall: Hall) -> Drill:
    """Its page was ended by somebody, and the monitor has not looked since."""
    drill = fired(hall)
    hall.act(drill.id, ActionKind.FALSE_ALARM, reason="it was only a drill")
    hall.clock.advance(0.5)
    return drill


def finished(hall: Hall) -> Drill:
    drill = fired(hall)
    hall.app.conductor.finish(ANA)
    return drill


def signed(hall: Hall) -> Drill:
    drill = finished(hall)
    hall.app.conductor.sign_off(drill.id, EVA)
    hall.app.conductor.sign_off(drill.id, BOB)
    return drill


def steps(hall: Hall) -> list[str]:
    return [one.id for one in hall.app.production.book.now.rules.procedures["rollback"].steps]


Phase = Callable[[Hall], Drill]
BEFORE_ITS_PAGE = (written, asked, waiting, injected)
WITH_ITS_PAGE = (fired, acknowledged, commanded, under_way, cleared)
OVER: dict[Phase, Stage] = {ended: Stage.FINISHED, finished: Stage.FINISHED, signed: Stage.SIGNED_OFF}


def deliver(hall: Hall) -> None:
    hall.stage.side.outbox.deliver_due()
    hall.app.production.outbox.deliver_due()


def delivered(hall: Hall) -> list[str]:
    """What the pager was given anew, edits left out."""
    deliver(hall)
    return [one.post.key for one in hall.delivered() if not one.post.ts]


@pytest.mark.parametrize("phase", [*BEFORE_ITS_PAGE, *WITH_ITS_PAGE], ids=lambda one: one.__name__)
def test_something_real_gives_it_up_in_each_phase_and_knows_nothing_of_it(hall: Hall, phase: Phase) -> None:
    drill = phase(hall)
    real_breach(hall)
    before = hall.app.production.store.incident("INC-0001")
    hall.walk(2)
    aborted = hall.drill(drill.id).aborted
    assert aborted is not None
    assert (aborted.by, aborted.incident) == (MONITOR, "INC-0001")
    notes = [one.said for one in hall.stage.side.store.posts(NO_INCIDENT)]
    if phase in WITH_ITS_PAGE:
        incident = hall.incident(drill.id)
        assert (incident.is_open, incident.end_note) == (False, PREEMPTED)
        assert len(notes) == 1, "its page told it"
    else:
        assert hall.stage.side.store.incident(drill.id) is None
        assert [PREEMPTED in one for one in notes] == [False] * (len(notes) - 1) + [True]
    assert hall.app.production.store.incident("INC-0001") == before
    assert not hall.app.production.gate.ask("auth", "1").incident.startswith("DRILL")
    assert len(delivered(hall)) == len(set(delivered(hall)))


def test_something_real_that_was_over_before_the_monitor_looked_gives_it_up_all_the_same(hall: Hall) -> None:
    drill = fired(hall)
    real_breach(hall)
    hall.act("INC-0001", ActionKind.FALSE_ALARM, reason="a probe that was wrong")
    hall.end()
    hall.begin()
    hall.walk(10)
    aborted = hall.drill(drill.id).aborted
    assert aborted is not None
    assert aborted.incident == "INC-0001"
    assert hall.start("login").id == "DRILL-0002"


@pytest.mark.parametrize("phase", list(OVER), ids=lambda one: one.__name__)
def test_what_was_over_before_something_real_came_is_not_given_up(hall: Hall, phase: Phase) -> None:
    drill = phase(hall)
    real_breach(hall)
    hall.walk(2)
    assert (hall.drill(drill.id).stage, hall.drill(drill.id).aborted) == (OVER[phase], None)
    assert "INC-0001" not in hall.incident(drill.id).end_note


@pytest.mark.parametrize("phase", [*BEFORE_ITS_PAGE, *WITH_ITS_PAGE, *OVER], ids=lambda one: one.__name__)
def test_a_monitor_that_was_killed_goes_on_in_each_phase_and_doubles_nothing(hall: Hall, phase: Phase) -> None:
    drill = phase(hall)
    deliver(hall)
    stage = hall.drill(drill.id).stage
    for _ in range(2):
        hall.end()
        hall.clock.advance(20)
        hall.begin()
        hall.walk(20)
    assert hall.drill(drill.id).stage is OVER.get(phase, stage)
    notes = [one.said for one in hall.stage.side.store.posts(NO_INCIDENT)]
    assert [f"{drill.id} begins" in one for one in notes].count(True) == 1
    incidents = list(hall.stage.side.store.incidents())
    if phase in (waiting, injected):
        assert incidents == []
        return
    (incident,) = incidents
    assert (incident.id, incident.tier) == (drill.id, Tier.ROLLBACK)
    assert [(one.fired_at - START).total_seconds() for one in incident.alerts] == [25.0]
    assert delivered(hall).count(f"{drill.id}/console/root/0") == 1
    assert len(delivered(hall)) == len(set(delivered(hall)))
    assert len([one for one in hall.stage.side.store.posts(drill.id) if one.kind is PostKind.ROOT]) == 1


def test_a_drill_that_paged_nobody_leaves_its_name_to_no_other(hall: Hall) -> None:
    asked(hall)
    hall.app.conductor.abort(ANA, "too early")
    hall.walk(1)
    drill = hall.start("login")
    hall.walk(40)
    assert [one.id for one in hall.stage.side.store.incidents()] == [drill.id] == ["DRILL-0002"]


def test_one_that_is_signed_while_another_is_played_leaves_that_as_it_is(hall: Hall) -> None:
    first = finished(hall)
    hall.walk(10)
    hall.start("login")
    hall.walk(30)
    play = hall.stage.source.play
    assert play is not None
    hall.app.conductor.sign_off(first.id, EVA)
    assert hall.stage.source.play == play


def test_a_clock_that_stepped_back_between_two_drills_hides_neither(hall: Hall) -> None:
    finished(hall)
    hall.walk(10)
    hall.clock.steps(-3600)
    second = hall.start("errors")
    hall.walk(5)
    hall.end()
    hall.begin()
    hall.walk(400)
    assert {one.key.alert for one in hall.incident(second.id).alerts} == {"CriticalApiErrors"}
    assert compared(hall, second.id) == ["DRILL-0001"]


def test_a_drill_that_is_over_is_never_blind(hall: Hall) -> None:
    drill = finished(hall)
    hall.walk(10)
    for _ in range(3):
        hall.clock.advance(86_400)
        hall.walk(6)
    assert [one.id for one in hall.stage.side.store.incidents()] == [drill.id]


def test_what_fires_while_a_drill_is_given_up_is_ended_with_it(hall: Hall) -> None:
    drill = asked(hall)
    hall.walk(29)
    hall.clock.advance(1)
    side = hall.stage.side
    assert hall.app.conductor.look()  # the evaluation behind this look reads, and writes after the drill is given up
    hall.app.conductor.abort(BEN, "staging is needed")
    side.engine.evaluate(drill.id, 10.0)
    assert hall.incident(drill.id).is_open
    hall.walk(1)
    assert not hall.incident(drill.id).is_open
    assert "staging is needed" in hall.incident(drill.id).end_note


@contextmanager
def unwritable(hall: Hall, table: str) -> Iterator[None]:
    """A table of the drills' database that is away, as where the disk fails."""
    for before, after in ((table, "away"), ("away", table)):
        with closing(sqlite3.connect(hall.folder / "monitor-drills.db")) as disk:
            disk.execute(f"ALTER TABLE {before} RENAME TO {after}")
        if after == "away":
            yield


def test_what_could_not_be_ended_at_once_is_ended_when_it_can_be(hall: Hall) -> None:
    drill = fired(hall)
    with unwritable(hall, "events"), pytest.raises(StoreError):
        hall.app.conductor.finish(ANA)
    assert hall.drill(drill.id).stage is Stage.FINISHED
    assert hall.incident(drill.id).is_open
    hall.walk(10)
    assert not hall.incident(drill.id).is_open
    assert hall.stage.side.store.evidence(drill.id) is not None


def test_what_could_not_be_said_at_once_is_said_when_it_can_be(hall: Hall) -> None:
    asked(hall)
    hall.app.conductor.abort(ANA, "too early")
    hall.walk(1)
    with unwritable(hall, "posts"), pytest.raises(StoreError):
        hall.start("login")
    assert hall.drill("DRILL-0002").running
    hall.walk(40)
    assert any("DRILL-0002 begins" in one.said for one in hall.stage.side.store.posts(NO_INCIDENT))
    assert hall.incident("DRILL-0002").is_open


@pytest.mark.parametrize("table", ["events", "posts"])
def test_what_could_not_be_ended_after_a_restart_keeps_no_later_drill_from_beginning(hall: Hall, table: str) -> None:
    fired(hall)
    with unwritable(hall, table), pytest.raises(StoreError):
        hall.app.conductor.finish(ANA)
    hall.end()
    with unwritable(hall, table), pytest.raises(StoreError):
        hall.begin()
    hall.walk(30)
    assert not hall.incident("DRILL-0001").is_open
    assert hall.start("login").id == "DRILL-0002"


def test_the_page_that_an_older_version_opened_for_no_drill_takes_no_ones_name(hall: Hall) -> None:
    finished(hall)
    hall.walk(10)
    stray = Opened(hall.clock.now(), MONITOR, "production", blind=True)
    hall.stage.side.store.commit(Change(events=(NewEvents("DRILL-0002", 0, (stray,)),)))
    drill = hall.start("login")
    hall.walk(40)
    assert drill.id == "DRILL-0003"
    assert hall.incident(drill.id).is_open
    assert hall.drill(drill.id).running


def test_what_a_signature_could_not_tell_is_told_with_the_next_press(hall: Hall) -> None:
    drill = finished(hall)
    hall.walk(10)
    with unwritable(hall, "posts"), pytest.raises(StoreError):
        hall.app.conductor.sign_off(drill.id, EVA)
    assert hall.drill(drill.id).unsigned == 1
    assert isinstance(hall.app.conductor.sign_off(drill.id, EVA), NoDrill)
    told = [one for one in hall.stage.side.store.posts(NO_INCIDENT) if one.reason == Notice.DRILL_SIGNED]
    assert len(told) == 1


def test_of_two_real_pages_the_one_before_its_end_gives_it_up(hall: Hall) -> None:
    drill, real = fired(hall), hall.app.production.store
    for number in ("INC-0001", "INC-0002"):
        hall.clock.advance(0.2)
        real.commit(Change(events=(NewEvents(number, 0, (Opened(hall.clock.now(), MONITOR, "production"),)),)))
        hall.clock.advance(0.2)
        hall.act(drill.id, ActionKind.FALSE_ALARM, reason="it was only a drill")  # its page is ended by the first one
    hall.walk(2)
    aborted = hall.drill(drill.id).aborted
    assert aborted is not None
    assert aborted.incident == "INC-0001"


class Address:
    """Something that knows where a message stands."""

    def permalink(self, channel: str, ts: str) -> str:
        return f"https://example.slack.com/archives/{channel}/p{ts}"


def test_a_channel_that_was_told_without_the_address_of_what_was_real_is_not_told_again(hall: Hall) -> None:
    drill = waiting(hall)
    real_breach(hall)
    page = Post("INC-0001", "C0OPS", PostKind.ROOT, 0, "opened", hall.clock.now(), ts="1.0")
    hall.app.production.store.commit(Change(posts=(page,)))
    hall.walk(2)
    before = hall.stage.side.store.posts(NO_INCIDENT)
    hall.end()
    hall.begin()
    hall.app.production.evidence.permalinks = Address()
    hall.app.conductor.resume()
    assert hall.stage.side.store.posts(NO_INCIDENT) == before
    assert before[-1].said == f"DRILL (not real): {PREEMPTED}. That was {drill.id}."
