"""Several people who ask for something at the same moment, too late, or of a drill that is not there."""

from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Barrier, Thread
from typing import TypeVar

import pytest

from monitor.core.drill.log import Drill, Stage
from monitor.drills.conductor import Asked, NoDrill, Outcome
from monitor.drills.spoken import Spoken
from monitor.ports.store import NO_INCIDENT
from tests.drills.hall import ANA, BEN, EVA, Hall

Answer = TypeVar("Answer")


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    """A monitor in which drills are held."""
    made = Hall(tmp_path)
    yield made
    made.end()


def at_once(*works: Callable[[], Answer]) -> list[Answer]:
    """What each gave, all begun at the same moment."""
    gate, given = Barrier(len(works)), list[tuple[int, Answer]]()

    def work(number: int) -> None:
        gate.wait()
        given.append((number, works[number]()))

    threads = [Thread(target=work, args=(number,)) for number in range(len(works))]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return [one for _, one in sorted(given, key=lambda pair: pair[0])]


def test_of_starts_at_the_same_moment_one_begins_whoever_asks_where(hall: Hall) -> None:
    speak = Spoken(hall.app.conductor, hall.app.duty)
    shell: Callable[[], str | Outcome] = lambda: hall.app.conductor.start(Asked("login", ANA))  # noqa: E731
    slack: Callable[[], str | Outcome] = lambda: speak(("start", "errors"), EVA)  # noqa: E731
    given = at_once(shell, slack, shell, slack)
    (drill,) = hall.app.conductor.records.drills()
    refused = [
        one for one in given if f"{drill.id} runs since" in (one.sentence if isinstance(one, NoDrill) else str(one))
    ]
    assert len(refused) == 3
    assert len(hall.stage.side.store.posts(NO_INCIDENT)) == 1


def test_what_is_given_up_while_it_begins_is_given_up_or_nothing_ran(hall: Hall) -> None:
    hall.start("login")  # so that there is a database to write to
    hall.app.conductor.abort(ANA, "the first")
    hall.walk(1)
    begun, given_up = at_once(
        lambda: hall.app.conductor.start(Asked("login", ANA)), lambda: hall.app.conductor.abort(BEN, "a slip")
    )
    assert isinstance(begun, Drill)
    if isinstance(given_up, NoDrill):
        assert given_up.sentence == "No drill runs."
        assert hall.drill(begun.id).running
    else:
        assert hall.drill(begun.id).stage is Stage.ABORTED


def test_a_result_that_is_signed_while_another_begins_is_signed_once(hall: Hall) -> None:
    first = hall.start("login")
    hall.walk(40)
    hall.app.conductor.finish(ANA)
    hall.walk(10)
    sign: Callable[[], Outcome] = lambda: hall.app.conductor.sign_off(first.id, ANA)  # noqa: E731
    *signed, begun = at_once(sign, sign, lambda: hall.app.conductor.start(Asked("login", BEN)))
    assert [isinstance(one, NoDrill) for one in signed].count(True) == 1
    assert [one.by.id for one in hall.drill(first.id).signed] == ["ana"]
    assert isinstance(begun, Drill)
    hall.walk(40)
    assert hall.incident(begun.id).is_open


def test_what_is_over_is_not_finished_given_up_or_injected_again(hall: Hall) -> None:
    conductor = hall.app.conductor
    drill = hall.start("login")
    hall.walk(40)
    finish: Callable[[], Outcome] = lambda: conductor.finish(ANA)  # noqa: E731
    assert sorted(isinstance(one, NoDrill) for one in at_once(finish, finish)) == [False, True]
    before = hall.drill(drill.id)
    for again in (conductor.finish(BEN), conductor.abort(BEN, "too late"), conductor.inject(BEN)):
        assert again == NoDrill("No drill runs.")
    assert hall.drill(drill.id) == before


def test_of_what_never_was_there_is_nothing_to_tell_and_the_oldest_is_told_whole(hall: Hall) -> None:
    conductor = hall.app.conductor
    speak = Spoken(conductor, hall.app.duty)
    known, name = conductor.records, "DRILL-0001"
    assert (known.report(name), known.result(name), known.untold(name)) == (None, None, 0)
    assert conductor.sign_off("DRILL-0001", ANA) == NoDrill("There is no drill DRILL-0001.")
    assert speak(("report",), EVA) == "No drill was ever held."
    assert hall.app.hall.open is None, "no database is made for a question"
    drill = hall.start("login")
    hall.walk(40)
    while_it_runs = conductor.records.report(drill.id)
    assert while_it_runs is not None
    assert b"RUNNING" in while_it_runs["drill.md"]
    conductor.finish(ANA)
    hall.walk(10)
    hall.clock.advance(3 * 365 * 86_400)
    hall.stage.side.store.prune(int(hall.clock.now().timestamp()) - 400 * 86_400)
    much_later = conductor.records.report(drill.id)
    assert much_later is not None
    assert b"| T2 | Rule fired | 2026-03-02 10:00:25 |" in much_later["drill.md"]
    assert b"2026-03-02 10:00:40" in much_later["drill.md"]
