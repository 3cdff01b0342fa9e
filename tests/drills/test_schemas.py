"""Migrations as metrics show them: what is new, once; what was there is none."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.memory.world import ManualClock, ScriptedSource
from monitor.core.drill.duty import DutyFact, Known, SchemaSeen, fold_duty
from monitor.core.model import Sample
from monitor.core.rules.service import Labelled, Releases, Service
from monitor.drills.schemas import EVERY, SchemaWatch
from monitor.ports.metrics import Answer, Samples, TooMuch, Unanswered

START = datetime(2026, 3, 2, 10, tzinfo=UTC)
RELEASES = Releases(
    (
        Service("auth", Labelled("build_info", "version"), migrations=Labelled("schema_info", "version")),
        Service("shop", Labelled("build_info", "version"), migrations=Labelled("migrations_total")),
        Service("blog", Labelled("build_info", "version"), migrations=Labelled("blog_info", "version"), major=False),
        Service("web", Labelled("build_info", "version")),
    )
)
Schemas = Mapping[str, tuple[str, ...]]


class World:
    """What metrics show from which time on, and what is kept of it."""

    def __init__(self, **at_first: tuple[str, ...]) -> None:
        self.clock = ManualClock(START)
        self.shown: list[tuple[float, Schemas]] = [(0.0, at_first)]
        self.kept: list[DutyFact] = [Known(START)]
        self.answer: Answer | None = None
        self.asked = 0
        self.begin()

    def begin(self) -> None:
        self.watch = SchemaWatch(ScriptedSource(self._said), self.clock)

    def _said(self, _expr: str, at: int) -> Answer:
        self.asked += 1
        if self.answer is not None:
            return self.answer
        shown = next(one for since, one in reversed(self.shown) if since <= at)
        numbers = {"auth": "0", "shop": "1", "blog": "2"}
        return Samples(tuple(_sample(name, numbers[name], one) for name, seen in shown.items() for one in seen))

    def shows(self, **schemas: tuple[str, ...]) -> None:
        """From now on."""
        self.shown.append((self.clock.now().timestamp(), schemas))

    def looks(self, after: timedelta = timedelta(minutes=11)) -> list[str]:
        """What is new, and whether it asks for a drill."""
        self.clock.advance(after.total_seconds())
        seen = self.watch.look(RELEASES, fold_duty(self.kept))
        self.kept += seen
        return [f"{one.service} {one.schema}{'!' if one.asks else ''}" for one in seen]


def _sample(name: str, number: str, seen: str) -> Sample:
    if name == "shop":
        return Sample((("__seen__", number),), float(seen))
    return Sample((("__seen__", number), ("version", seen)), 1.0)


def test_what_is_seen_first_is_no_migration_and_what_comes_later_is_one_once() -> None:
    world = World(auth=("42",), shop=("17",), blog=("1",))
    assert world.looks() == ["auth 42", "shop 17", "blog 1"]
    assert world.looks() == []
    world.shows(auth=("42", "43"), shop=("19",), blog=("2",))
    assert world.looks() == ["auth 43!", "shop 19!", "blog 2"]
    world.shows(auth=("43",), shop=("19",), blog=("2",))
    assert world.looks() == []
    world.begin()
    assert world.looks() == []


BACK = [
    ("rolled back and forward again", [("42",), ("43",)], []),
    ("gone for a while", [(), ("43",)], []),
    ("gone, and another is there", [(), ("44",)], ["auth 44!"]),
]


@pytest.mark.parametrize(("shown", "found"), [row[1:] for row in BACK], ids=[row[0] for row in BACK])
def test_a_schema_that_comes_back_is_nothing_new(shown: list[tuple[str, ...]], found: list[str]) -> None:
    world = World(auth=("42",))
    world.looks()
    for schemas in [("43",), *shown]:
        world.shows(auth=schemas)
        told = world.looks()
    assert told == found


def test_a_count_that_begins_anew_is_no_migration() -> None:
    world = World(shop=("17",))
    world.looks()
    for count, found in (("0", []), ("17", []), ("18", ["shop 18!"]), ("2", []), ("18", [])):
        world.shows(shop=(count,))
        assert world.looks() == found, count


def test_what_happened_while_nobody_ran_is_noticed_at_its_hour() -> None:
    world = World(auth=("42",))
    world.looks()
    world.clock.advance(3600)
    world.shows(auth=("42", "43"))
    made = world.clock.now()
    world.clock.advance(2 * 3600)
    world.shows(auth=("43",))
    world.clock.advance(3 * 86_400)
    world.begin()
    assert world.looks() == ["auth 43!"]
    seen = world.kept[-1]
    assert isinstance(seen, SchemaSeen)
    assert made <= seen.at <= made + timedelta(hours=1)


def test_what_was_made_before_the_monitor_knew_anybody_asks_for_nothing() -> None:
    world = World(auth=("42",))
    world.kept = [Known(START + timedelta(days=1)), SchemaSeen(START, "auth", "41", asks=False)]
    assert world.looks() == ["auth 42"]


@pytest.mark.parametrize("answer", [Unanswered("away"), TooMuch("too much")], ids=["no answer", "too much at once"])
def test_half_an_answer_tells_nothing_and_is_asked_for_again_with_the_next_look(answer: Answer) -> None:
    world = World(auth=("42",))
    world.looks()
    world.shows(auth=("43",))
    world.answer = answer
    assert world.looks() == []
    assert world.watch.why
    world.answer = None
    assert world.looks(timedelta(seconds=1)) == ["auth 43!"]
    assert world.watch.why == ""


def test_it_reads_every_few_minutes_and_not_at_all_where_nothing_is_to_be_seen() -> None:
    world = World(auth=("42",))
    world.looks()
    asked = world.asked
    assert world.looks(timedelta(seconds=EVERY - 1)) == []
    assert world.asked == asked
    assert SchemaWatch(ScriptedSource(world._said), world.clock).look(Releases(), fold_duty(())) == ()
    assert world.asked == asked
