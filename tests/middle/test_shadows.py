"""The daily line about the shadow: told once, to the default channel, through restarts; and never without reason."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.core.model import utc
from monitor.core.pages.posts import Notice
from monitor.core.rules.routing import ShadowReport
from monitor.core.rules.ruleset import RuleSet
from monitor.ports.store import PostKind
from monitor.ruleset.shadows import Shadows
from tests.middle.house import BAD, QUIET, START, WORST, House, group, rule, rule_set

HEAD = "IN THE SHADOW, 04 Mar: would have paged in the last 24 h: "
NINE = utc(START + 6 * 3600)  # the house begins at 03:00 UTC


def rules(*, shadow: bool = True, report: ShadowReport | None = ShadowReport()) -> RuleSet:  # noqa: B008  # frozen
    shadowed = replace(rule("Api", prepare=300, rollback=0), shadow=shadow)
    found = rule_set(
        group("apis", shadowed, replace(rule("Web", prepare=300), shadow=shadow), rule("Login", prepare=0))
    )
    return replace(found, routing=replace(found.routing, shadow_report=report))


def shadows(house: House) -> Shadows:
    return Shadows(house.desk, house.store, house.clock, house.book)


def at(house: House, moment: datetime) -> None:
    house.clock.advance((moment - house.clock.now()).total_seconds())


@pytest.fixture
def house() -> House:
    house = House()
    house.build(rules())
    house.walk(60)
    house.says("Api", WORST)
    house.walk(120)
    house.says("Api", QUIET)
    house.walk(60)
    return house


def notes(house: House) -> list[str]:
    return [one.said for one in house.store.posts("") if one.reason == Notice.SHADOW_REPORT]


def test_it_is_told_at_nine_and_no_sooner(house: House) -> None:
    looking = shadows(house)
    at(house, NINE - timedelta(seconds=1))
    looking.look()
    assert notes(house) == []
    at(house, NINE)
    looking.look()
    assert notes(house) == [f"{HEAD}Api (rollback) once (for 2 min; reached 0.6), Web never."]


def test_it_is_posted_to_the_default_channel_and_nobody_is_mentioned(house: House) -> None:
    at(house, NINE)
    shadows(house).look()
    house.outbox.deliver_due()
    (message,) = house.pager.messages
    assert (message.post.channel, message.post.kind, message.post.mention) == ("C0OPS", PostKind.NOTE, ())


def test_it_is_told_once_whoever_looks_how_often_and_after_restarts(house: House) -> None:
    at(house, NINE)
    for _ in range(3):
        house.build(rules())
        looking = shadows(house)
        for _ in range(3):
            looking.look()
            house.clock.advance(60)
    assert len(notes(house)) == 1


def test_what_it_would_say_now_is_no_second_line(house: House) -> None:
    house.says("Web", BAD)
    house.walk(600)
    house.says("Web", WORST)
    house.walk(60)
    at(house, NINE)
    shadows(house).look()
    house.says("Web", QUIET)
    house.walk(600)
    house.build(rules())
    shadows(house).look()
    assert len(notes(house)) == 1
    assert "fires still" in notes(house)[0]


def test_what_paged_before_it_went_into_the_shadow_is_not_told(house: House) -> None:
    house.build(rules(shadow=False))
    house.says("Web", BAD)
    house.walk(600)
    house.build(rules())
    at(house, NINE)
    assert "Web never" in shadows(house).look()


def test_a_monitor_that_was_away_at_nine_tells_it_when_it_is_back(house: House) -> None:
    at(house, NINE + timedelta(hours=3))
    house.build(rules())
    shadows(house).look()
    assert len(notes(house)) == 1
    at(house, NINE + timedelta(days=1))
    shadows(house).look()
    assert len(notes(house)) == 1, "nothing would have paged since"


def test_the_same_day_again_is_another_line(house: House) -> None:
    at(house, NINE)
    shadows(house).look()
    house.says("Api", WORST)
    house.walk(120)
    house.says("Api", QUIET)
    house.walk(60)
    at(house, NINE + timedelta(days=1))
    shadows(house).look()
    assert len(notes(house)) == len(set(notes(house))) == 2


def test_what_fires_as_it_is_told_is_told_the_next_day(house: House) -> None:
    at(house, NINE - timedelta(seconds=20))
    house.says("Web", BAD, since=START + 6 * 3600 - 330)
    house.clock.advance(20)
    shadows(house).look()
    house.tick()  # it catches up with what the report could not know
    at(house, NINE + timedelta(days=1))
    shadows(house).look()
    assert ["Web (prepare) once" in one for one in notes(house)] == [False, True]


def test_a_quiet_day_is_not_told(house: House) -> None:
    at(house, NINE + timedelta(days=2))
    assert shadows(house).look() == ""
    assert notes(house) == []


def test_without_a_shadow_rule_nothing_is_told(house: House) -> None:
    house.build(rules(shadow=False))
    house.says("Login", BAD)
    house.walk(60)
    at(house, NINE)
    assert shadows(house).look() == ""
    assert notes(house) == []


def test_it_can_be_switched_off(house: House) -> None:
    house.build(rules(report=None))
    at(house, NINE)
    assert shadows(house).look() == ""


def test_a_change_of_the_time_tells_no_second_one(house: House) -> None:
    at(house, NINE)
    shadows(house).look()
    house.build(rules(report=ShadowReport(15 * 60)))
    at(house, NINE + timedelta(hours=6))
    shadows(house).look()
    assert len(notes(house)) == 1
