"""Who may do what in a drill: those whom routing.yaml names, each in their own part, or those who take part instead."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from monitor.core.drill.log import Drill
from monitor.core.rules.routing import Route
from monitor.drills.conductor import Asked
from tests.drills.hall import ANA, Hall, rules_with_staging

DRILLS = "\ndrills: {channel: C0D, responders: [U0ANA, U0BOB], commanders: [U0ANA], approvers: [U0CLEO]}\n"
AS_CONFIGURED = Route("C0D", ("U0ANA", "U0BOB"), ("U0ANA",), ("U0CLEO",))


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor whose drills have people of three parts."""
    rules = rules_with_staging(tmp_path)
    with (rules / "routing.yaml").open("a") as routing:
        routing.write(DRILLS)
    made = Hall(tmp_path, rules)
    yield made
    made.end()


ASKED = [
    ("nobody is named", (), AS_CONFIGURED),
    ("the configured ones are named", ("U0ANA", "U0BOB"), AS_CONFIGURED),
    ("one of them is named", ("U0BOB",), Route("C0D", ("U0BOB",), ("U0BOB",), ("U0BOB",))),
    ("others are named", ("U0GUS",), Route("C0D", ("U0GUS",), ("U0GUS",), ("U0GUS",))),
]


@pytest.mark.parametrize(("named", "wanted"), [row[1:] for row in ASKED], ids=[row[0] for row in ASKED])
def test_each_has_the_part_that_was_meant_also_after_a_restart(
    hall: Hall, named: tuple[str, ...], wanted: Route
) -> None:
    drill = hall.app.conductor.start(Asked("login", ANA, named))
    assert isinstance(drill, Drill)
    hall.walk(40)
    assert rights(hall, drill) == (wanted.responders, wanted.commanders, wanted.approvers)
    hall.end()
    hall.begin()
    assert rights(hall, drill) == (wanted.responders, wanted.commanders, wanted.approvers)


def rights(hall: Hall, drill: Drill) -> tuple[tuple[str, ...], ...]:
    """Who may respond, command and approve on the page of a drill."""
    found = hall.app.hall.of(drill.id, hall.app.production).ears.rights(drill.id)
    return found.responders, found.commanders, found.approvers
