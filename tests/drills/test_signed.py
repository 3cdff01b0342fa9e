"""Who signs a drill off: two people for whom somebody vouches, and what is said of every other signature."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.cli.drills import _print_moved
from monitor.core.actor import Actor, Role, Source
from monitor.core.drill.log import Drill, Stage
from monitor.core.drill.report import DATA, NAME
from monitor.core.drill.signing import signers
from monitor.drills.conductor import NoDrill
from monitor.drills.spoken import Spoken
from monitor.web.drills import drill_of
from tests.drills.hall import ANA, BEN, BOB, EVA, Hall

ANA_IN_SLACK = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.COMMANDER}))
UNCOUNTED = "does not count towards the two: nobody vouches for a name that is given in a shell"
HOW = (
    "press Sign off in Slack, where DRILL-0001 was said to be over "
    "(or, behind the slash command: drill sign-off DRILL-0001)"
)

STORIES = [
    ("nobody", [], [], 2),
    ("one in Slack", [EVA], [""], 1),
    ("two in Slack", [EVA, BOB], ["", ""], 0),
    ("two names in one shell", [ANA, BEN], ["", ""], 2),
    ("one in Slack, one in a shell", [EVA, BEN], ["", ""], 1),
    ("the same in Slack twice", [EVA, EVA], ["", "a second person must"], 1),
    ("the same name in a shell twice", [ANA, ANA], ["", "a second person must"], 2),
    ("in a shell, then the same person in Slack, so that it counts", [ANA, ANA_IN_SLACK], ["", ""], 1),
    ("in Slack, then the same name in a shell", [ANA_IN_SLACK, ANA], ["", "a second person must"], 1),
    ("two in Slack though two names in a shell came before", [ANA, BEN, ANA_IN_SLACK, EVA], [""] * 4, 0),
    ("a third, once it is signed", [EVA, BOB, ANA_IN_SLACK], ["", "", "is signed by Eva and Bob."], 0),
]


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which a drill has just been finished."""
    made = Hall(tmp_path)
    made.start("login")
    made.walk(30)
    made.app.conductor.finish(ANA)
    yield made
    made.end()


def signed(hall: Hall, *people: Actor) -> Drill:
    """The drill once these have signed it."""
    for one in people:
        assert not isinstance(hall.app.conductor.sign_off("DRILL-0001", one), NoDrill)
    return hall.drill("DRILL-0001")


@pytest.mark.parametrize(("people", "told", "missing"), [row[1:] for row in STORIES], ids=[row[0] for row in STORIES])
def test_two_people_are_two_for_whom_somebody_vouches(
    hall: Hall, people: list[Actor], told: list[str], missing: int
) -> None:
    for who, why in zip(people, told, strict=True):
        outcome = hall.app.conductor.sign_off("DRILL-0001", who)
        assert isinstance(outcome, NoDrill) == bool(why)
        assert why in (outcome.sentence if isinstance(outcome, NoDrill) else "")
    drill = hall.drill("DRILL-0001")
    assert drill.unsigned == missing
    assert drill.stage is (Stage.FINISHED if missing else Stage.SIGNED_OFF)


def test_a_report_shows_each_signature_as_what_it_is_and_what_is_missing(hall: Hall) -> None:
    signed(hall, ANA, BEN)
    files = hall.app.conductor.records.report("DRILL-0001") or {}
    verdict, _, end = files[NAME].decode().partition("## Signed off")
    assert "Sign-off incomplete: 2 of 2 signatures are missing." in verdict.partition("## What it proved")[2]
    assert f"({UNCOUNTED})" in end.partition("Ben (from a shell, unverified)")[2]
    assert (
        f"Sign-off incomplete: 2 of 2 signatures are missing. Those count that Slack vouches for, of two people: {HOW}"
        in (end.replace("\\", ""))
    )
    assert json.loads(files[DATA])["signatures_missing"] == 2
    signed(hall, EVA, BOB)
    files = hall.app.conductor.records.report("DRILL-0001") or {}
    assert "incomplete:" not in files[NAME].decode().partition("## Signed off")[2]
    assert "Sign-off" not in files[NAME].decode()
    data = json.loads(files[DATA])
    assert (data["signatures_missing"], len(data["signed"])) == (0, 4)


def test_whoever_signs_in_a_shell_is_told_that_it_does_not_count_and_how_it_would(
    hall: Hall, capsys: pytest.CaptureFixture[str]
) -> None:
    drill = signed(hall, EVA, BEN)
    capsys.readouterr()
    _print_moved({"drill": drill_of(drill)})
    assert capsys.readouterr().out.splitlines() == [
        "DRILL-0001: finished, signed by Eva, Ben (from a shell, unverified).",
        f"Ben's signature is kept, and {UNCOUNTED}.",
        f"Sign-off incomplete: 1 of 2 signatures is missing. Those count that Slack vouches for, of two people: {HOW}.",
        "What it proved: rollback-monitor drill report DRILL-0001",
    ]
    drill = signed(hall, BOB)
    capsys.readouterr()
    _print_moved({"drill": drill_of(drill)})
    assert capsys.readouterr().out.startswith(
        "DRILL-0001: signed off, signed by Eva, Ben (from a shell, unverified), Bob."
    )


def test_in_slack_it_is_told_who_signed_and_what_is_missing(hall: Hall) -> None:
    speak = Spoken(hall.app.conductor, hall.app.duty)
    signed(hall, BEN)
    told = speak(("report",), EVA)
    assert "Signed by Ben (from a shell, unverified), which does not count. Sign-off incomplete: 2 of 2" in told
    assert told.count("Signed by") == 1
    signed(hall, EVA, BOB)
    assert signers(hall.drill("DRILL-0001")) == "Ben (from a shell, unverified), which does not count; Eva; Bob"
    assert "Sign-off incomplete" not in speak(("report",), EVA)
