"""Drills by the slash command: who may do what, and what they are answered."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.core.actor import Actor, Role, Source
from monitor.core.drill.log import Stage
from monitor.drills.conductor import Asked
from monitor.drills.pressed import Pressed
from monitor.drills.spoken import Spoken
from monitor.drills.switchboard import Switchboard
from tests.drills.hall import EVA, GUEST, ROOT, Hall

BEN = Actor("U0BEN", "Ben", Source.SLACK, frozenset({Role.COMMANDER}))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which drills are held."""
    made = Hall(tmp_path)
    yield made
    made.end()


def test_a_drill_is_held_by_words_alone(hall: Hall) -> None:
    speak = Spoken(hall.app.conductor, hall.app.duty)
    assert speak(("report",), GUEST) == "No drill was ever held."
    assert speak((), GUEST).startswith("No drill runs.\nThe next drill is due in 92 days, by Tue 02 Jun 2026")
    assert (
        speak(("start", "login"), EVA)
        == "DRILL (not real): DRILL-0001, Logins fail for production users (tabletop): injected"
    )
    assert speak(("status",), GUEST).startswith("DRILL (not real): DRILL-0001, Logins fail")
    assert "runs since" in speak(("start", "errors"), EVA)
    assert speak(("report",), GUEST).endswith(
        "injected. It still runs. Signed by nobody. The report: rollback-monitor drill report DRILL-0001"
    )
    assert speak(("finish",), EVA).endswith(": finished")
    assert "finished. Incomplete so far: T1" in speak(("report", "drill-0001"), GUEST)
    assert speak(("report", "DRILL-0009"), GUEST) == "There is no drill DRILL-0009."
    assert speak(("sign-off", "drill-0001"), EVA).endswith(": finished")
    assert speak(("sign-off", "drill-0001", "well", "done"), BEN).endswith(": signed off")
    assert hall.drill("DRILL-0001").signed[1].note == "well done"


def test_who_takes_part_is_named_as_slack_hands_it_on(hall: Hall) -> None:
    speak = Spoken(hall.app.conductor, hall.app.duty)
    assert "with @ana @ben" in speak(("start", "login", "U0ANA"), EVA)
    assert "with @ana @ben" in speak(("start", "login", "with"), EVA)
    assert "'@ana' is no id of Slack's" in speak(("start", "login", "with", "@ana"), EVA)
    assert hall.app.conductor.records.drills() == ()
    speak(("start", "login", "With", "<@U0BEN|ben>,", "<!subteam^S0DUTY|@duty>", "U0CLEO"), EVA)
    assert hall.drill("DRILL-0001").started.participants == ("U0BEN", "S0DUTY", "U0CLEO")


def test_a_stranger_begins_nothing_and_may_stop_everything(hall: Hall) -> None:
    speak = Spoken(hall.app.conductor, hall.app.duty)
    assert speak(("start", "login"), GUEST).startswith("Only responders and commanders")
    assert hall.app.conductor.records.drills() == ()
    speak(("start", "login"), EVA)
    for words in (("finish",), ("inject",), ("sign-off", "DRILL-0001")):
        assert speak(words, GUEST).startswith("Only responders and commanders")
    assert "Say why" in speak(("abort",), GUEST)
    speak(("abort", "is", "this", "real?"), GUEST)
    assert hall.drill("DRILL-0001").stage is Stage.ABORTED


def test_who_takes_part_in_drills_may_speak_of_them_and_of_nothing_else(tmp_path: Path) -> None:
    rules = tmp_path / "rules"
    shutil.copytree(ROOT / "rules", rules)
    (rules / "routing.yaml").write_text(
        "environment: production\ndefault: {channel: C0OPS, responders: [U0REAL]}\n"
        "routes: [{matchers: ['team=\"billing\"'], channel: C0BILL, responders: [U0BILL]}]\n"
        "drills: {channel: C0DRILL, responders: [U0EVA], commanders: [U0BEN]}\n"
    )
    hall = Hall(tmp_path, rules)
    board = Switchboard(hall.clock, hall.app.production, hall.app.hall, Pressed(hall.app.conductor))
    assert board.rights("").responders == ("U0REAL", "U0BILL", "U0EVA")
    assert board.rights("").commanders == ("U0BEN",)
    assert board.rights("INC-0001").responders == ("U0REAL",)
    hall.app.conductor.start(Asked("login", EVA, participants=("U0GUS",)))
    assert "U0GUS" in board.rights("").responders
    assert board.rights("DRILL-0001").responders == ("U0GUS",)
    hall.end()


def test_what_is_not_understood_does_nothing(hall: Hall) -> None:
    assert Spoken(hall.app.conductor, hall.app.duty)(("begin",), EVA).startswith("Not understood")
    assert Spoken(hall.app.conductor, hall.app.duty)(("start",), EVA).startswith("Not understood")
    assert hall.app.conductor.records.drills() == ()
