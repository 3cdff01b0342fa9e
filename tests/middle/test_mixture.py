"""Whatever the monitor goes through, its transitions are those of one pass over the same data.

`make faults` walks ten thousand histories.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.model import Transition
from monitor.core.rules.rule import Requires
from monitor.ports.metrics import Answer, Partial, Unanswered
from tests.middle.house import BAD, INTERVAL, QUIET, START, WORST, House, group, rule

EXAMPLES = int(os.environ.get("HISTORIES", "60"))
POINTS = 60
RULES = (
    replace(rule("Login", prepare=60, rollback=0, keep=45), gap_tolerance=30),
    rule("Errors", prepare=75, keep=30),
    replace(rule("Invoices", prepare=30, rollback=30), requires=Requires("traffic", above=1.0)),
)
METRICS = ("login", "errors", "invoices", "traffic")


class Happens(StrEnum):
    """What befalls the monitor when a grid point can be read."""

    TICK = "tick"
    PAUSE = "pause"
    RESTART = "restart"
    OUTAGE = "outage"
    ONE_AWAY = "one_away"
    PARTIAL = "partial"
    CLOCK_BACK = "clock_back"


@dataclass(frozen=True)
class Life:
    """The values of each metric by grid point, and what befalls the monitor at each."""

    values: tuple[tuple[float | None, ...], ...]
    events: tuple[Happens, ...]


def runs(values: st.SearchStrategy[float | None]) -> st.SearchStrategy[tuple[float | None, ...]]:
    """Values that last for a while, as faults do."""
    stretches = st.lists(st.tuples(values, st.integers(1, 12)), min_size=4, max_size=20)
    return stretches.map(lambda found: tuple(value for value, count in found for _ in range(count))[:POINTS])


signal = runs(st.sampled_from([QUIET, BAD, WORST, None]))
traffic = runs(st.sampled_from([0.5, 2.0, None]))
lives = st.builds(
    Life,
    st.tuples(signal, signal, signal, traffic),
    st.lists(st.sampled_from([*Happens, Happens.TICK, Happens.TICK]), min_size=POINTS, max_size=POINTS).map(tuple),
)


def living(life: Life) -> House:
    """A monitor in the first moment of `life`."""
    house = House(group("critical", *RULES))
    for metric, values in zip(METRICS, life.values, strict=True):
        house.says(metric, 2.0 if metric == "traffic" else QUIET, since=0)
        for point, value in enumerate(values, start=1):
            said = None if value is None else {"one": value}
            house.says(metric, said, since=START + point * INTERVAL)
    house.evaluate()
    return house


def away(answer: Answer, *metrics: str) -> Callable[[str, int], Answer | None]:
    return lambda expr, _at: answer if expr in metrics else None


ANSWERS = {
    Happens.OUTAGE: away(Unanswered("connection refused"), *METRICS),
    Happens.ONE_AWAY: away(Unanswered("timeout"), "errors"),
    Happens.PARTIAL: away(Partial("a store is away"), "login", "traffic"),
}


def befall(house: House, happens: Happens) -> tuple[Transition, ...]:
    """Let one thing happen; give what changed."""
    if happens is Happens.PAUSE:
        return ()
    if happens is Happens.RESTART:
        house.build(house.book.now.rules)
    if happens is Happens.CLOCK_BACK:
        house.clock.advance(-7)
    house.answer = ANSWERS.get(happens, lambda _expr, _at: None)
    changed = house.evaluate().transitions
    if happens is Happens.CLOCK_BACK:
        house.clock.advance(7)
    house.answer = lambda _expr, _at: None
    return changed


def told(transitions: list[Transition]) -> list[tuple[object, ...]]:
    return sorted(
        (one.at, str(one.alert.key), one.before, one.after, one.cause, one.alert.since, one.alert.held)
        for one in transitions
    )


@settings(max_examples=EXAMPLES, deadline=None)
@given(lives)
def test_any_mixture_of_ticks_restarts_pauses_and_outages_is_one_pass(life: Life) -> None:
    one_pass, mixed = living(life), living(life)
    seen: list[Transition] = []
    for happens in life.events:
        mixed.clock.advance(INTERVAL)
        seen += befall(mixed, happens)
    seen += mixed.evaluate().transitions
    one_pass.clock.advance(POINTS * INTERVAL)
    expected = list(one_pass.evaluate().transitions)
    assert told(seen) == told(expected)
    assert mixed.alerts() == one_pass.alerts()
