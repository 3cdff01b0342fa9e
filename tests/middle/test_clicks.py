"""Clicks on pages that were drawn earlier, and clicks told again: by the carrier, or after a restart."""

from dataclasses import replace

import pytest

from monitor.core.actor import Actor
from monitor.core.incidents.events import Refused
from monitor.core.pages.page import ActionKind
from monitor.core.rules.routing import Route
from monitor.people.commands import Done, Outcome
from monitor.people.requesting import NotDone, Request
from tests.middle.house import ANA, BEN, GUEST, QUIET, WORST, House, group, rule, rule_set

LOGIN = rule("Login", prepare=0, rollback=60)
ACK, START = ActionKind.ACKNOWLEDGE, ActionKind.START


def rolling_back() -> House:
    house = House(group("critical", rule("Login", rollback=0)))
    house.says("Login", WORST)
    house.tick()
    return house


def pressed(by: Actor, at: str) -> Actor:
    return replace(by, click=f"{by.id}/{at}")


def press(house: House, action: ActionKind, by: Actor, *, rev: int | None = None, alert: str = "") -> Outcome:
    return house.commands.carry_out(Request("INC-0001", action, by, alert, rev=rev))


def why(outcome: Outcome) -> str:
    assert isinstance(outcome, NotDone)
    return outcome.sentence


def restarted(house: House) -> House:
    """The same database in a new process."""
    house.build(house.book.now.rules)
    return house


def test_a_click_told_again_after_a_restart_has_one_effect() -> None:
    house, click = rolling_back(), pressed(ANA, "1.0")
    assert isinstance(press(house, ACK, click), Done)
    kinds = house.kinds()
    assert isinstance(press(restarted(house), ACK, click), Done)
    assert house.kinds() == kinds


def test_another_click_of_the_same_person_is_another_click() -> None:
    house = rolling_back()
    press(house, ACK, pressed(ANA, "1.0"))
    assert "already acknowledged by you" in why(press(house, ACK, pressed(ANA, "2.0")))


def test_a_refused_click_told_again_is_on_record_once() -> None:
    house, click = rolling_back(), pressed(GUEST, "1.0")
    assert "not among the responders" in why(press(house, START, click))
    assert isinstance(press(restarted(house), START, click), Done)
    assert house.kinds().count("refused") == 1
    assert house.incident().commander is None


def committed_by_another_first(house: House) -> None:
    """Another process commits the very same change between our look and our commit."""
    commit = house.store.commit
    others: list[object] = []

    def late(change: object) -> None:
        if not others:
            others.append(change)
            commit(change)  # type: ignore[arg-type]  # the other process's very same change
        commit(change)  # type: ignore[arg-type]  # the port's

    house.store.commit = late  # type: ignore[method-assign]  # a race that cannot be timed


def test_a_click_told_again_by_somebody_else_at_the_same_moment_has_one_effect() -> None:
    house, click = rolling_back(), pressed(ANA, "1.0")
    committed_by_another_first(house)
    assert isinstance(press(house, ACK, click), Done)
    assert house.kinds().count("acknowledged") == 1
    assert "refused" not in house.kinds()


def test_a_refusal_told_again_at_the_same_moment_is_on_record_once() -> None:
    house, click = rolling_back(), pressed(GUEST, "1.0")
    committed_by_another_first(house)
    assert "not among the responders" in why(press(house, START, click))
    assert house.kinds().count("refused") == 1


def test_an_acknowledgement_of_the_prepare_page_does_not_cover_the_rollback() -> None:
    house = House(group("critical", LOGIN))
    house.says("Login", WORST)
    house.tick()
    shown = house.incident().rev
    house.walk(75)
    assert "has become a rollback" in why(press(house, ACK, ANA, rev=shown))
    assert house.incident().acknowledged_by is None
    assert isinstance(press(house, ACK, ANA, rev=house.incident().rev), Done)


def test_a_click_on_an_old_revision_that_still_means_the_same_is_done() -> None:
    house = rolling_back()
    shown = house.incident().rev
    press(house, ACK, BEN)
    assert isinstance(press(house, START, ANA, rev=shown), Done)


@pytest.mark.parametrize("rev", [0, 99])
def test_a_revision_that_there_never_was_is_refused(rev: int) -> None:
    assert f"no revision {rev}" in why(press(rolling_back(), ACK, ANA, rev=rev))


def test_a_rollback_is_not_started_from_a_page_that_has_recovered_since() -> None:
    house = rolling_back()
    shown = house.incident().rev
    house.says("Login", QUIET)
    house.walk(60)
    assert "there is nothing to roll back" in why(press(house, START, ANA, rev=shown))
    assert isinstance(press(house, START, ANA), Done), "from a shell, on purpose"


# --- who may act --------------------------------------------------------------------------------------------------


def test_where_nobody_is_configured_the_answer_says_so() -> None:
    house = rolling_back()
    house.build(rule_set(*house.book.now.rules.groups, route=Route("C0OPS")))
    assert why(press(house, START, GUEST)).startswith("Nobody may do this: no responders and no commanders")
    assert isinstance(press(house, ACK, GUEST), Done)


def test_where_slack_cannot_be_asked_the_answer_says_so_and_it_is_on_record() -> None:
    house, doubt = rolling_back(), "Slack could not be asked who is in S0ONCALL."
    outcome = house.commands.carry_out(Request("INC-0001", START, GUEST, doubt=doubt))
    assert why(outcome) == doubt
    (refused,) = [one for one in house.store.events("INC-0001") if isinstance(one, Refused)]
    assert (refused.why, refused.by) == (doubt, GUEST)


def test_a_doubt_does_not_hide_another_reason() -> None:
    house = rolling_back()
    press(house, ACK, BEN)
    outcome = house.commands.carry_out(Request("INC-0001", ACK, GUEST, doubt="Slack could not be asked."))
    assert "already acknowledged by Ben" in why(outcome)


@pytest.mark.parametrize(("by", "shown"), [(GUEST, "Gus (not a known responder)"), (ANA, "Ana")])
def test_an_acknowledgement_by_somebody_outside_is_shown_as_such(by: Actor, shown: str) -> None:
    house = rolling_back()
    press(house, ACK, by)
    house.outbox.deliver_due()
    page = house.pager.messages[-1].page
    assert page is not None
    assert page.status[0].startswith(f"Acknowledged by {shown} at ")
    recorded = next(one for one in house.store.events("INC-0001") if one.kind == "acknowledged")
    assert recorded.by.outside == (by is GUEST)
