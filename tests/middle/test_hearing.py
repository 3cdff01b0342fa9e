"""Pages say when their buttons are not heard, and take it back."""

import pytest

from monitor.core.pages.page import ActionKind, Place
from monitor.delivery.outbox import Outbox
from monitor.desk.scenes import Scenes
from monitor.people.hearing import Hearing
from monitor.ports.pager import Message
from monitor.ports.store import PostKind, StoreError
from tests.middle.house import QUIET, WORST, House, group, rule

WORDS = "Buttons unavailable, use the command line: rollback-monitor incident ack INC-0001 (or start INC-0001)."


def rolling_back() -> tuple[House, Hearing, list[float]]:
    house, gauge = House(group("critical", rule("Login", rollback=0))), list[float]()
    house.says("Login", WORST)
    house.tick()
    hearing = Hearing(house.store, house.desk.refresh, gauge.append)
    scenes = Scenes(house.book, house.engine.readings, lambda: hearing.hears)
    house.outbox = Outbox(house.store, house.pager, house.clock, scenes, house.bell, tempo=house.tempo)
    return house, hearing, gauge


def shown(house: House) -> Message:
    """The root as it was last posted or edited."""
    house.outbox.deliver_due()
    return [one for one in house.pager.messages if one.post.kind is PostKind.ROOT][-1]


def test_an_open_page_says_so_and_takes_it_back() -> None:
    house, hearing, gauge = rolling_back()
    hearing.changed(hears=False)
    deaf = shown(house)
    assert deaf.post.ts is not None, "an edit, which calls nobody"
    assert deaf.page is not None
    assert (WORDS in deaf.page.notes, deaf.page.actions) == (True, ())
    hearing.changed(hears=True)
    hears = shown(house)
    assert hears.page is not None
    assert (hears.page.notes, [one.kind for one in hears.page.actions if one.place is not Place.MORE]) == (
        (),
        [ActionKind.ACKNOWLEDGE, ActionKind.START],
    )
    assert gauge == [1.0, 0.0, 1.0]


def test_a_page_that_opens_meanwhile_says_so_too_and_one_that_has_ended_does_not() -> None:
    house, hearing, _ = rolling_back()
    house.says("Login", QUIET)
    house.walk(3600, 60)
    assert not house.incident().is_open
    told = len(house.pager.messages)
    hearing.changed(hears=False)
    house.outbox.deliver_due()
    assert len(house.pager.messages) == told
    house.says("Login", WORST)
    house.walk(15)
    page = shown(house).page
    assert page is not None
    assert page.incident == "INC-0002"
    assert page.notes[-1].startswith("Buttons unavailable")


def test_what_could_not_be_owed_is_raised_and_can_be_told_anew() -> None:
    house, _, _ = rolling_back()
    troubles = [StoreError("disk full")]

    def refresh(incident: str) -> None:
        if troubles:
            raise troubles.pop()
        house.desk.refresh(incident)

    hearing = Hearing(house.store, refresh)
    with pytest.raises(StoreError):
        hearing.changed(hears=False)
    hearing.changed(hears=False)
    assert [one.reason for one in house.store.changes[-1].posts] == ["refreshed"]
