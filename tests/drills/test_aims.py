"""What a drill is held against, as its page, its channel and its report say it: from the injection on, or nothing."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.core.drill.figures import of_drill
from monitor.core.drill.report import data, report, sentence
from monitor.core.drill.result import Proven, Result, result
from monitor.core.evidence.case import Posted
from monitor.core.pages.page import ActionKind
from monitor.desk.scenes import Scenes
from monitor.evidence.collecting import bare
from monitor.ports.store import NO_INCIDENT
from tests.drills.hall import ANA, START, Hall


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which drills are held."""
    made = Hall(tmp_path)
    yield made
    made.end()


def page(hall: Hall) -> str:
    """The page of the drill as it was posted last, and its card."""
    side = hall.stage.side
    side.desk.refresh("DRILL-0001")
    side.outbox.deliver_due()
    return "\n".join(str(one.page) for one in hall.delivered()[-2:])


def proven(hall: Hall) -> Result:
    """What the drill came to, had Slack taken its page."""
    case = bare(hall.stage.side.store, "DRILL-0001")
    assert case is not None
    taken = [replace(one, ts=f"{START.timestamp() + 30:.0f}.000100") for one in case.posted if one.kind == "root"]
    assert all(isinstance(one, Posted) for one in taken)
    return result(hall.drill("DRILL-0001"), replace(case, posted=tuple(taken)))


def test_a_page_counts_from_the_injection_as_the_report_does(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(40)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.START)
    assert "Recovery target: by 10:15 UTC, 15 min after the injection." in page(hall)
    hall.app.conductor.finish(ANA)
    assert "From the injection: detected after 25 s, acknowledged after 40 s" in page(hall)
    assert proven(hall).moments.fired == START.replace(second=25)


def test_a_pager_drill_is_held_against_no_target(hall: Hall) -> None:
    drill = hall.start("rehearsal")
    told = [one.said for one in hall.stage.side.store.posts(NO_INCIDENT)]
    assert "Acknowledge its page, and take command: nothing is rolled back in it." in told[0]
    assert "mitigated" not in told[0]
    hall.walk(40)
    hall.act(drill.id, ActionKind.ACKNOWLEDGE)
    hall.act(drill.id, ActionKind.START)
    assert "Recovery target" not in page(hall)
    assert "Incident commander: " in page(hall)
    assert "Deploys are frozen" not in page(hall)  # no pipeline is told to wait for it
    hall.walk(400)
    assert hall.incident(drill.id).recovered_at is not None  # what is played heals by itself
    hall.app.conductor.finish(ANA)
    assert "(target" not in page(hall)
    assert "mitigated" not in page(hall)
    assert "acknowledged after 40 s, clear after 4 min, ended after 7 min" in page(hall)
    came_to = proven(hall)
    assert came_to.proven is Proven.PASSED
    assert sentence(came_to) == "Passed: the page reached people, and they took it."
    assert came_to.within_target is None
    assert of_drill(came_to).target == 0
    written = report(came_to, (of_drill(came_to),)).decode()
    assert "| Recovery target | none: nothing is rolled back in it |" in written
    assert "| pager | passed |" in written
    assert json.loads(data(came_to, ()))["recovery_target_s"] is None


def test_without_slack_whoever_speaks_from_a_shell_may_start_a_rollback(hall: Hall) -> None:
    hall.start("login")
    hall.walk(40)
    assert "Nobody may start a rollback" not in page(hall)
    slack = Scenes(hall.stage.side.book, {})
    assert slack.of(hall.incident("DRILL-0001"), hall.clock.now()).nobody


def test_a_page_is_lost_only_once_nobody_is_about_to_post_it(hall: Hall) -> None:
    drill = hall.start("login")
    hall.walk(40)
    case = bare(hall.stage.side.store, drill.id)
    assert case is not None
    unposted = replace(case, posted=tuple(replace(one, ts=None) for one in case.posted))
    assert result(hall.drill(drill.id), unposted).lost == 0
    hall.app.conductor.finish(ANA)
    assert result(hall.drill(drill.id), unposted).lost == 1
