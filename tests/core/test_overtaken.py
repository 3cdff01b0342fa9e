"""A button drawn at an older revision is refused only where what it meant has changed."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.asks import (
    Acknowledge,
    CallFalse,
    Command,
    DealWith,
    FixAnotherWay,
    ForceEnd,
    StartProcedure,
)
from monitor.core.incidents.events import (
    Acknowledged,
    AlertFired,
    AlertResolved,
    Event,
    Firing,
    Opened,
    ProcedureStarted,
    Refused,
)
from monitor.core.incidents.incident import fold
from monitor.core.incidents.overtaken import overtaken
from monitor.core.model import AlertKey, Cause, Tier

AT = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ANA = Actor("U0ANA", "Ana", Source.SLACK, frozenset({Role.RESPONDER}))
SLOW, DOWN = AlertKey("Slow", (), Tier.PREPARE), AlertKey("Down", (), Tier.ROLLBACK)


def fired(key: AlertKey, minute: int) -> Event:
    at = AT + timedelta(minutes=minute)
    return AlertFired(at, MONITOR, Firing(key, "api", "it is bad", at, at))


def cleared(key: AlertKey, minute: int) -> Event:
    return AlertResolved(AT + timedelta(minutes=minute), MONITOR, key, Cause.CLEAR_LONG_ENOUGH)


OPENED = Opened(AT, MONITOR, "production")
ACK, START, DEALT = Acknowledge(ANA), StartProcedure(ANA, "rollback", 7), DealWith(ANA, DOWN, "mended")
FALSE, FORCE, FIX = CallFalse(ANA, "a test"), ForceEnd(ANA, "a test"), FixAnotherWay(ANA, "")
TAKEN = Acknowledged(AT, ANA)

ROWS: list[tuple[str, list[Event], list[Event], Command, str]] = [
    ("acknowledge, nothing new", [fired(SLOW, 0)], [], ACK, ""),
    ("acknowledge, another refusal on record", [fired(SLOW, 0)], [Refused(AT, ANA, "start", "no")], ACK, ""),
    ("acknowledge, more of the same tier", [fired(DOWN, 0)], [fired(SLOW, 1)], ACK, ""),
    ("acknowledge prepare=>rollback", [fired(SLOW, 0)], [fired(DOWN, 1)], ACK, "has become a rollback"),
    ("acknowledge recovered=>back", [fired(DOWN, 0), cleared(DOWN, 1)], [fired(DOWN, 2)], ACK, "is back since"),
    ("acknowledge, recovered meanwhile", [fired(DOWN, 0)], [cleared(DOWN, 1)], ACK, ""),
    ("start, raised meanwhile", [fired(SLOW, 0)], [fired(DOWN, 1)], START, ""),
    ("start, acknowledged meanwhile", [fired(DOWN, 0)], [TAKEN], START, ""),
    ("start, recovered meanwhile", [fired(DOWN, 0)], [cleared(DOWN, 5)], START, "clear since 03:05"),
    (
        "start, taken and recovered meanwhile",
        [fired(DOWN, 0)],
        [ProcedureStarted(AT, ANA, "rollback", 7), cleared(DOWN, 5)],
        START,
        "",
    ),
    ("false alarm, nothing new", [fired(SLOW, 0)], [TAKEN], FALSE, ""),
    (
        "false alarm, another alert joined",
        [fired(SLOW, 0)],
        [fired(DOWN, 1)],
        FALSE,
        "it is bad fires in INC-0001 since",
    ),
    ("forced end, it is back", [fired(DOWN, 0)], [cleared(DOWN, 1), fired(DOWN, 4)], FORCE, "it is bad fires in"),
    ("forced end, one less", [fired(DOWN, 0), fired(SLOW, 0)], [cleared(DOWN, 1)], FORCE, ""),
    ("fixing another way prepare=>rollback", [fired(SLOW, 0)], [fired(DOWN, 1)], FIX, "has become a rollback"),
    ("dealt with, still the same breach", [fired(DOWN, 0)], [fired(SLOW, 1)], DEALT, ""),
    ("dealt with, resolved meanwhile", [fired(DOWN, 0)], [cleared(DOWN, 1)], DEALT, ""),
    ("dealt with, another breach", [fired(DOWN, 0)], [cleared(DOWN, 1), fired(DOWN, 4)], DEALT, "fired again at 03:04"),
]


@pytest.mark.parametrize(("shown", "since", "command", "why"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_a_button_meant(shown: list[Event], since: list[Event], command: Command, why: str) -> None:
    then = fold("INC-0001", [OPENED, *shown])
    now = fold("INC-0001", [OPENED, *shown, *since])
    refused = overtaken(then, now, command)
    assert (refused is not None) == bool(why)
    if refused is not None:
        assert why in refused.sentence
        assert refused.sentence.endswith("Nothing was done: look at the page again.")
