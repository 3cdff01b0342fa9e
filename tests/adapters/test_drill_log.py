"""Both logs of drills keep what happened, in order, and settle who was first."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from monitor.adapters.memory.store import MemoryDrillLog
from monitor.adapters.store import open_store
from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.drill.log import (
    Drill,
    DrillAborted,
    DrillEvent,
    DrillFinished,
    DrillRefused,
    DrillStarted,
    Injected,
    SignedOff,
    Stage,
    fold_drill,
)
from monitor.core.drill.scenario import Kind
from monitor.ports.store import ConflictError, DrillLog

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ANA = Actor("U1", "Ana", Source.SLACK, frozenset({Role.COMMANDER}))
CLEO = Actor("U2", "Cleo", Source.SLACK)
BEN = Actor("ben", "ben", Source.CLI, verified=False)


@pytest.fixture(params=["memory", "sqlite"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DrillLog]:
    """Each log in turn."""
    if request.param == "memory":
        yield MemoryDrillLog()
        return
    store = open_store(f"sqlite:///{tmp_path}/drills.db")
    yield store
    store.close()


def _started(at: datetime = NOON) -> DrillStarted:
    return DrillStarted(
        at, ANA, "login", "Login fails", Kind.STAGING, "We are back in 15 min.", ("U1", "S2"), 900, ("x",)
    )


EVERY: tuple[DrillEvent, ...] = (
    _started(),
    Injected(NOON + timedelta(minutes=1), BEN, "by hand"),
    DrillAborted(NOON + timedelta(minutes=2), MONITOR, "a real page", "INC-0146"),
    DrillFinished(NOON + timedelta(minutes=3), ANA),
    SignedOff(NOON + timedelta(minutes=4), ANA, "seen"),
    SignedOff(NOON + timedelta(minutes=5), CLEO, "seen too"),
    DrillRefused(NOON + timedelta(minutes=6), BEN, "finish", "it is over"),
)


def test_every_event_comes_back_as_it_was_written(log: DrillLog) -> None:
    for rev, event in enumerate(EVERY):
        log.append_drill("DRILL-0001", rev, event)
    assert tuple(log.drill_events("DRILL-0001")) == EVERY
    assert log.drill_events("DRILL-0002") in ((), [])


def test_of_two_that_add_to_the_same_drill_one_is_told_that_it_moved_on(log: DrillLog) -> None:
    log.append_drill("DRILL-0001", 0, _started())
    with pytest.raises(ConflictError):
        log.append_drill("DRILL-0001", 0, _started())
    with pytest.raises(ConflictError):
        log.append_drill("DRILL-0001", 2, EVERY[1])
    assert len(log.drill_events("DRILL-0001")) == 1


def test_drills_come_newest_first(log: DrillLog) -> None:
    for number in range(1, 4):
        log.append_drill(f"DRILL-{number:04d}", 0, _started(NOON + timedelta(days=number)))
    assert [one.id for one in log.drills()] == ["DRILL-0003", "DRILL-0002", "DRILL-0001"]


def _after(*events: DrillEvent) -> Drill:
    return fold_drill("DRILL-0001", (_started(), *events))


def test_a_drill_stands_where_its_events_left_it() -> None:
    injected, aborted, finished, signed, second, refused = EVERY[1:]
    assert _after().stage is Stage.STARTED
    assert _after(injected).stage is Stage.INJECTED
    assert _after(injected, aborted).stage is Stage.ABORTED
    assert _after(injected, finished).stage is Stage.FINISHED
    assert _after(injected, finished, signed).stage is Stage.FINISHED
    assert _after(injected, finished, signed, signed).stage is Stage.FINISHED
    assert _after(injected, finished, signed, second).stage is Stage.SIGNED_OFF
    assert (_after(injected, refused).stage, _after(injected, refused).refused) == (Stage.INJECTED, (refused,))
    assert [_after(injected).running, _after(injected, finished).running] == [True, False]


def test_a_drill_begins_with_its_start() -> None:
    with pytest.raises(ValueError, match="begins with injected"):
        fold_drill("DRILL-0001", EVERY[1:])
    with pytest.raises(ValueError, match="no events"):
        fold_drill("DRILL-0001", ())
