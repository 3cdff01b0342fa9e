"""Where the card leaves it to people which way to go."""

from dataclasses import replace

from monitor.core.actor import MONITOR
from monitor.core.incidents.asks import Choose, FinishStep, Pin, SayRolledBack, SkipStep
from monitor.core.incidents.events import AlertFired
from monitor.core.pages.card import card
from monitor.core.pages.crossroads import Crossroads, crossroads, ways_out
from monitor.core.pages.page import ActionKind, Card, CardStep, Scene
from tests.core.procedural import ANA, AUTH, WEB, Driven, firing


def at_services() -> Driven:
    driven = Driven().start()
    for command in (Pin(ANA, (AUTH, WEB)), FinishStep(ANA, "flags"), Choose(ANA, "migrations", "none")):
        assert driven.do(command) == ""
    return driven.sees("auth", "2.14.0").sees("web", "1.9.1")


def drawn(driven: Driven, *, buttons: bool = True) -> Card:
    found = card(Scene(driven.incident, driven.at, {}, buttons=buttons))
    assert found is not None
    return found


def services(driven: Driven) -> CardStep:
    return next(one for one in drawn(driven).steps if one.title == "Roll back the services")


def offered(driven: Driven) -> list[str]:
    return [one.label for one in ways_out(driven.incident)]


MIXED = ["Go on to verify…", "Stop here…"]
BREACHING = ["Roll back suspects too…", "Fix forward: allow one deploy…", "Escalate: page somebody else…"]


def test_clear_before_anything_moved_is_no_crossroads() -> None:
    assert offered(at_services().clears()) == []


def test_clear_with_mixed_versions_asks_which_way() -> None:
    driven = at_services().sees("auth", "2.13.4")
    assert offered(driven) == [], "it breaches: the waves go on"
    driven.clears()
    assert drawn(driven).next_for == (
        "Ana: all signals are clear, versions are mixed (auth 2.13.4, web 1.9.1): go on to verify, finish this wave "
        "(Frontend), or stop here"
    )
    assert [one.label for one in drawn(driven).actions[:2]] == MIXED
    assert drawn(driven, buttons=False).actions == ()
    (onwards, stop) = ways_out(driven.incident)
    assert (onwards.kind, onwards.value.split("|")[2]) == (ActionKind.SKIP, "services")
    assert stop.kind is ActionKind.ABORT


def test_whoever_goes_on_to_verify_or_finishes_the_wave_is_asked_no_more() -> None:
    onwards = at_services().sees("auth", "2.13.4").clears()
    assert onwards.do(SkipStep(ANA, "services", "web is fine")) == ""
    assert offered(onwards) == []
    finished = at_services().sees("auth", "2.13.4").clears().sees("web", "1.9.0")
    assert offered(finished) == []


def test_what_breaches_again_goes_on_with_its_waves() -> None:
    driven = at_services().sees("auth", "2.13.4").clears()
    driven.add(AlertFired(driven.at, MONITOR, firing(at=driven.at)))
    assert crossroads(driven.incident) is Crossroads.NONE


def test_rolled_back_and_still_breaching_asks_which_way_and_again_after_more_was_rolled_back() -> None:
    driven = at_services().sees("auth", "2.13.4").sees("web", "1.9.0")
    assert driven.later(minutes=9).waits() == ()
    assert offered(driven) == []
    assert driven.later(minutes=1).waits() == ("still_breaching",)
    assert "rolled back and still breaching at 03:12 UTC: roll back suspects too" in drawn(driven).next_for
    assert [one.label for one in drawn(driven).actions[:3]] == BREACHING
    assert driven.later(minutes=30).waits() == (), "it is said once"
    more = Pin(ANA, (AUTH, WEB, *(type(AUTH)("billing", "4.0.0", "4.1.0", "r/b", "there", ()),)))
    assert driven.do(more) == ""
    assert offered(driven) == [], "that way was taken"
    driven.sees("billing", "4.0.0")
    assert driven.later(minutes=10).waits() == ("still_breaching",)
    assert offered(driven) == BREACHING
    driven.clears()
    assert offered(driven) == []


def test_a_suspect_that_stands_in_no_wave_is_rolled_back_after_them_with_a_button_of_its_own() -> None:
    driven = at_services()
    assert driven.do(Pin(ANA, (replace(AUTH, service="search", target="7.0.0", current="7.1.0"),))) == ""
    driven.sees("auth", "2.13.4")
    assert [one.text for one in services(driven).waves][2] == "Others: search runs 7.1.0, goes to 7.0.0"
    assert [one.label for one in services(driven).actions][:1] == ["Skip…"], "the frontend, which is seen, comes first"
    driven.sees("web", "1.9.0")
    assert drawn(driven).next_for == "Ana: Roll back the services (Others)"
    assert next(one.label for one in services(driven).actions) == "search is at 7.0.0"
    assert driven.do(SayRolledBack(ANA, "search")) == ""
    assert drawn(driven).next_for == "Ana: Verify"
