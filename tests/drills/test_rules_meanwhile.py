"""Rules that change while a drill runs: it goes on by those that it began with, also after a restart."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.core.drill.log import Stage
from tests.drills.hall import ANA, START, Hall
from tests.drills.test_phases import Phase, asked, fired, hall

__all__ = ["hall"]  # the fixture


def rewrite(name: str, *pairs: tuple[str, str]) -> Callable[[Path], None]:
    """Write a file of the rules anew, with one text in place of another."""

    def change(rules: Path) -> None:
        text = (rules / name).read_text()
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after)
        (rules / name).write_text(text)

    return change


def without_its_rule(rules: Path) -> None:
    for path in (rules / "drills").glob("*.yaml"):
        if "alert: LoginFailing" in path.read_text():
            path.unlink()
    shutil.rmtree(rules / "tests")
    rewrite("rollback.yaml", ("alert: LoginFailing", "alert: SignInFailing"))(rules)


LOGIN = "drills/login.yaml"
CHANGES: dict[str, Callable[[Path], None]] = {
    "another scenario": rewrite(LOGIN, ("value: 62%", "value: 1%"), ("rolled_back ", "acknowledged ")),
    "no scenario": lambda rules: (rules / LOGIN).unlink(),
    "no rule": without_its_rule,
    "another limit": rewrite("rollback.yaml", ("above: 20%", "above: 95%")),
    "another channel": rewrite(
        "routing.yaml", ("shadow_report:", "drills: {channel: C0X, responders: [U0X]}\nshadow_report:")
    ),
    "a broken file": rewrite(LOGIN, ("version: 1", "version: [")),
}


@pytest.mark.parametrize("phase", [asked, fired], ids=lambda one: one.__name__)
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_drill_goes_on_by_the_rules_that_it_began_with(
    hall: Hall, phase: Phase, change: Callable[[Path], None]
) -> None:
    drill = phase(hall)
    before = hall.stage.side.book.now
    change(hall.rules)
    taken = hall.app.folder.reload().report is not None
    assert taken is (change is not CHANGES["a broken file"])
    hall.walk(45)
    for _ in range(2):
        assert hall.stage.side.book.now.rules.groups == before.rules.groups
        assert hall.stage.side.book.now.rules.routing == before.rules.routing
        (incident,) = hall.stage.side.store.incidents()
        assert [(one.fired_at - START).total_seconds() for one in incident.alerts if one.active] == [25.0]
        if taken:  # else nothing begins anew with what this world takes for the last good rules
            hall.end()
            hall.begin()
            hall.walk(5)
    hall.app.conductor.finish(ANA)
    assert (hall.drill(drill.id).stage, hall.incident(drill.id).is_open) == (Stage.FINISHED, False)
