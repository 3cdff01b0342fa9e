"""What was refused of a drill stands in its result: who asked, for what, and why not."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.adapters.slack.interactions import Press
from monitor.core.actor import Actor
from monitor.core.drill.report import DATA, NAME
from monitor.core.pages.page import ActionKind
from monitor.drills.pressed import ONLY_RESPONDERS, Pressed
from monitor.drills.spoken import Spoken
from monitor.drills.switchboard import Switchboard
from tests.drills.hall import ANA, BOB, EVA, GUEST, Hall, rules_with_staging

NAMED = "DRILL-0001"


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor with the shipped rules, and a drill that watches staging, which runs."""
    made = Hall(tmp_path, rules_with_staging(tmp_path))
    made.start("staging")
    yield made
    made.end()


def press(hall: Hall, kind: ActionKind, by: Actor, click: str, **words: str) -> None:
    board = Switchboard(hall.clock, hall.app.production, hall.app.hall, Pressed(hall.app.conductor))
    board.handle(Press(NAMED, kind, replace(by, click=click), 1, words=words))


def say(hall: Hall, words: str, by: Actor) -> str:
    return Spoken(hall.app.conductor, hall.app.duty)(tuple(words.split()), by)


def kept(hall: Hall) -> list[tuple[str, str, str]]:
    """What the result has: who, what, and the first words of why."""
    found = hall.app.conductor.records.result(NAMED)
    assert found is not None
    return [(one.by.name, one.command, " ".join(one.why.split()[:3])) for one in found.refused]


def test_a_refused_button_is_kept_with_who_and_why_and_once(hall: Hall) -> None:
    press(hall, ActionKind.INJECT_FAULT, GUEST, "c1")
    press(hall, ActionKind.INJECT_FAULT, GUEST, "c1")
    press(hall, ActionKind.INJECT_FAULT, EVA, "c2")
    press(hall, ActionKind.INJECT_FAULT, EVA, "c2")  # Slack hands on again what was done: nothing was refused to her
    press(hall, ActionKind.INJECT_FAULT, BOB, "c3")
    press(hall, ActionKind.ABORT_DRILL, GUEST, "c4", reason=" ")
    assert kept(hall) == [
        ("Gus", "inject_fault", "Only responders and"),
        ("Bob", "inject_fault", "The fault of"),
        ("Gus", "abort_drill", "Say why it"),
    ]


WORDS = [
    ("a stranger ends it", "finish", GUEST, [("Gus", "finish", "Only responders and")]),
    ("a stranger injects", "inject", GUEST, [("Gus", "inject", "Only responders and")]),
    ("another is begun while it runs", "start login", EVA, [("Eva", "start", "DRILL-0001 runs since")]),
    ("it is given up without a reason", "abort", EVA, [("Eva", "abort", "Say why it")]),
    ("it is signed before its end", "sign-off drill-0001", EVA, [("Eva", "sign-off", "DRILL-0001 has not")]),
    ("what is only read", "status", GUEST, []),
    ("what is not understood", "stop", EVA, []),
    ("who takes part is not understood", "start login U0EVA", EVA, []),
    ("what is not about it", "migrated invoices", GUEST, []),
    ("of another", "sign-off DRILL-0009", EVA, []),
]


@pytest.mark.parametrize(("words", "by", "told"), [row[1:] for row in WORDS], ids=[row[0] for row in WORDS])
def test_refused_words_are_kept(hall: Hall, words: str, by: Actor, told: list[tuple[str, str, str]]) -> None:
    say(hall, words, by)
    assert kept(hall) == told


def test_the_report_names_them_beside_those_of_its_page(hall: Hall) -> None:
    say(hall, "finish", GUEST)
    files = hall.app.conductor.records.report(NAMED) or {}
    assert "Refused clicks: 1" in files[NAME].decode()
    assert f"Refused to Gus at 10:00:00 UTC, finish: {ONLY_RESPONDERS}" in files[NAME].decode()
    data = json.loads(files[DATA])
    assert data["refused_clicks"] == 1
    assert [(one["by"]["name"], one["command"], one["why"]) for one in data["refused"]] == [
        ("Gus", "finish", ONLY_RESPONDERS)
    ]


def test_a_report_that_was_signed_is_changed_by_nobody(hall: Hall) -> None:
    hall.app.conductor.finish(ANA)
    press(hall, ActionKind.ABORT_DRILL, GUEST, "c1", reason="late")
    say(hall, "finish", GUEST)
    assert kept(hall) == []
    say(hall, f"sign-off {NAMED}", EVA)
    say(hall, f"sign-off {NAMED}", EVA)
    say(hall, f"sign-off {NAMED}", BOB)
    say(hall, f"sign-off {NAMED}", GUEST)
    assert kept(hall) == [("Eva", "sign-off", "Eva has signed")]
