"""Who is called again when nobody acknowledges, and what becomes of acknowledgements: the tables, hour by hour."""

import random
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.actor import Actor, Role, Source
from monitor.core.incidents.events import Call, Called
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind, Scene
from monitor.core.pages.render import render
from monitor.core.rules.routing import Escalation, Route
from monitor.people.commands import Done
from monitor.people.requesting import NotDone
from monitor.ports.metrics import Unanswered
from monitor.ports.store import Post, PostKind
from tests.middle.house import (
    ANA,
    BAD,
    BEN,
    BLIND_AFTER,
    GUEST,
    INTERVAL,
    QUIET,
    WORST,
    House,
    group,
    rule,
    rule_set,
)

LOGIN = rule("Login", rollback=0)
ERRORS, SLOW = rule("Errors", prepare=0), rule("Slow", prepare=0)
CRITICAL = group("critical", LOGIN, ERRORS, SLOW)
ROUTE = Route("C0OPS", ("S0ONCALL",), ("S0IC",))
ESCALATION = Escalation(channel="C0ESCAL")
ACK, STILL, START = ActionKind.ACKNOWLEDGE, ActionKind.STILL_ON_IT, ActionKind.START
SHELL = Actor("root", "root", Source.CLI, frozenset({Role.RESPONDER, Role.COMMANDER}), verified=False)


def house_with(escalation: Escalation = ESCALATION, **values: float) -> House:
    """A house whose incident opens at once; the page goes out at 0 s."""
    house = House(CRITICAL, escalation=escalation, route=ROUTE)
    for alert, value in values.items():
        house.says(alert, value)
    house.tick()
    return house


def calls(house: House, number: int = 1) -> list[tuple[int, str, tuple[str, ...]]]:
    """Every post that mentions somebody: seconds since the incident opened, the reason, and whom."""
    opened = house.incident(number).opened_at
    return [
        (int((post.decided_at - opened).total_seconds()), post.reason, post.mention)
        for post in house.store.posts(f"INC-{number:04d}")
        if post.mention
    ]


def posts(house: House, reason: str) -> list[Post]:
    return [post for post in house.store.posts("INC-0001") if post.reason == reason and post.kind is not PostKind.ROOT]


ON_CALL, EVERYBODY = ("S0ONCALL",), ("S0IC", "S0ONCALL")
OPENS = (0, "rollback_opens", ON_CALL)

# --- nobody has acknowledged ----------------------------------------------------------------------------------------


def test_prepare_calls_nobody_and_the_responders_once_after_10_min_in_the_thread() -> None:
    house = house_with(Errors=BAD)
    house.walk(600 - INTERVAL)
    assert calls(house) == []
    house.walk(3600)
    assert calls(house) == [(600, "reminded", ON_CALL)]
    assert [post.kind for post in posts(house, "reminded")] == [PostKind.LINE]


def test_rollback_pages_again_after_2_and_4_min_and_escalates_after_5() -> None:
    house = house_with(Login=WORST)
    house.walk(3600)
    assert calls(house) == [
        OPENS,
        (120, "called_again", ON_CALL),
        (240, "called_again", ON_CALL),
        (300, "escalated", EVERYBODY),
    ]
    again, _ = posts(house, "called_again")
    assert again.kind is PostKind.BROADCAST
    assert again.said == (
        "Still nobody has acknowledged INC-0001. ROLLBACK NOW production: Login (login), since 03:00 UTC."
    )


def test_an_escalation_stands_in_its_own_channel_with_the_way_to_the_page_and_a_button() -> None:
    house = house_with(Login=WORST)
    house.walk(300)
    (message,) = [one for one in house.pager.messages if one.post.kind is PostKind.ESCALATION]
    assert (message.post.channel, message.home, message.root_ts) == ("C0ESCAL", "C0OPS", None)
    assert message.post.said.startswith("ROLLBACK NOW production: Login (login), since 03:00 UTC.")
    assert [one.kind for one in message.actions] == [ACK]
    assert "Escalated to C0ESCAL at 03:05 UTC." in shown(house)


def test_an_escalation_does_not_wait_for_a_page_that_its_channel_does_not_take() -> None:
    house = house_with(Login=WORST)
    root = house.store.posts("INC-0001")[0]
    house.store.record(replace(root, ts=None, sent=0, not_before=house.clock.now() + timedelta(hours=1)))
    house.walk(300)
    assert "escalation" in [one.post.kind for one in house.pager.messages]


def test_without_a_channel_nothing_escalates() -> None:
    house = house_with(Escalation(), Login=WORST)
    house.walk(3600)
    assert [reason for _, reason, _ in calls(house)] == ["rollback_opens", "called_again", "called_again"]


def test_blind_pages_again_after_5_min_and_never_escalates() -> None:
    house = house_with()
    house.answer = lambda _expr, _at: Unanswered("timeout")
    house.walk(BLIND_AFTER + 3600)
    assert calls(house) == [(0, "blind_opens", ON_CALL), (300, "called_again", ON_CALL)]


def test_a_service_that_joins_at_prepare_has_its_own_10_min() -> None:
    house = house_with(Errors=BAD)
    house.walk(300)
    house.says("Slow", BAD)
    house.walk(3600)
    joined = int((house.incident().alerts[1].fired_at - house.incident().opened_at).total_seconds())
    assert calls(house) == [(600, "reminded", ON_CALL), (600 + joined + 10, "reminded", ON_CALL)]


def test_raised_to_rollback_the_clocks_begin_anew_and_the_mention_of_prepare_falls_away() -> None:
    house = house_with(Errors=BAD)
    house.walk(480)
    house.says("Login", WORST)
    house.walk(3600)
    reasons = [(at - calls(house)[0][0], reason) for at, reason, _ in calls(house)]
    assert reasons == [(0, "raised"), (120, "called_again"), (240, "called_again"), (300, "escalated")]


@pytest.mark.parametrize("action", [ACK, START])
def test_an_acknowledgement_or_a_start_stops_the_escalation(action: ActionKind) -> None:
    house = house_with(replace(ESCALATION, acknowledgement_expires=None), Login=WORST)
    house.walk(130)
    house.ask(action)
    house.walk(3600)
    assert [reason for _, reason, _ in calls(house)] == ["rollback_opens", "called_again"]


def test_recovery_stops_the_escalation_and_a_breach_that_is_back_begins_it_anew() -> None:
    house = house_with(Login=WORST)
    house.walk(60)
    house.says("Login", QUIET)
    house.walk(900)
    assert [reason for _, reason, _ in calls(house)] == ["rollback_opens"]
    house.says("Login", WORST)
    house.walk(600)
    first, *rest = calls(house)[1:]
    assert [first[1], *(reason for _, reason, _ in rest)] == ["back", "called_again", "called_again", "escalated"]
    assert [at - first[0] for at, _, _ in rest] == [120, 240, 300]


def test_a_prepare_breach_that_is_back_calls_nobody_before_its_10_min() -> None:
    house = house_with(Errors=BAD)
    house.walk(60)
    house.says("Errors", QUIET)
    house.walk(60)
    house.says("Errors", BAD)
    house.walk(3600)
    back = next(post.decided_at for post in posts(house, "back"))
    assert calls(house) == [(600 + int((back - house.incident().opened_at).total_seconds()), "reminded", ON_CALL)]


# --- a monitor that was away, and a reload ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("away", "told"),
    [
        pytest.param(90, ["called_again", "called_again", "escalated"], id="before the first=>each in its time"),
        pytest.param(130, ["called_again", "called_again", "escalated"], id="over the first=>it is late"),
        pytest.param(250, ["called_again", "escalated"], id="over two of a kind=>once"),
        pytest.param(900, ["escalated"], id="over all of them=>the gravest, once"),
    ],
)
def test_a_monitor_that_was_away_over_a_due_time(away: int, told: list[str]) -> None:
    house = house_with(Login=WORST)
    house.clock.advance(away)
    house.build(house.book.now.rules)
    house.walk(900)
    assert [reason for _, reason, _ in calls(house)[1:]] == told


def test_a_reload_keeps_the_clocks_and_takes_the_new_times() -> None:
    house = house_with(Login=WORST)
    house.walk(130)
    longer = Escalation((120, 360), None, channel="C0ESCAL")
    house.reloader.adopt(rule_set(CRITICAL, route=ROUTE, escalation=longer))
    house.walk(3600)
    assert [(at, reason) for at, reason, _ in calls(house)] == [
        (0, "rollback_opens"),
        (120, "called_again"),
        (360, "called_again"),
    ]


@pytest.mark.parametrize("seed", range(25))
def test_nobody_is_mentioned_twice_for_one_due_time_whatever_restarts_happen(seed: int) -> None:
    """Time passes in random steps, the process restarts at random, people act at random."""
    chance = random.Random(seed)  # a story, not a secret
    house = house_with(Errors=BAD, Login=chance.choice([WORST, QUIET]))
    for _ in range(150):
        house.clock.advance(chance.choice([5, 5, 15, 15, 15, 60, 200]))
        if chance.random() < 0.3:
            house.build(house.book.now.rules)
        if chance.random() < 0.1:
            house.ask(chance.choice([ACK, STILL]), chance.choice([ANA, BEN, GUEST]))
        if chance.random() < 0.05:
            house.says("Login", chance.choice([WORST, QUIET]))
        house.tick()
    for incident in house.incidents:
        events = house.store.events(incident.id)
        due = Counter(event.due for event in events if isinstance(event, Called))
        assert [at for at, count in due.items() if count > 1] == []
        assert all(event.due <= event.at for event in events if isinstance(event, Called))
        told = [
            post for post in house.store.posts(incident.id) if post.reason in {"called_again", "reminded", "escalated"}
        ]
        new = [post for post in told if post.kind is not PostKind.ROOT]
        assert len(new) == sum(isinstance(event, Called) for event in events)


# --- what clears an acknowledgement -----------------------------------------------------------------------------------


def test_another_prepare_alert_keeps_the_acknowledgement_and_its_service_is_not_called() -> None:
    house = house_with(Errors=BAD)
    house.ask(ACK)
    house.walk(300)
    house.says("Slow", BAD)
    house.walk(3600)
    assert house.incident().acknowledged_by == ANA
    assert calls(house) == []


@pytest.mark.parametrize(
    ("fires_for", "kept"),
    [pytest.param(3 * 3600, True, id="3 h=>kept"), pytest.param(4 * 3600, False, id="4 h of firing=>cleared")],
)
def test_a_new_service_at_prepare_after(fires_for: int, *, kept: bool) -> None:
    house = house_with(Errors=BAD)
    house.ask(ACK)
    house.walk(fires_for, step=300)
    house.says("Slow", BAD)
    house.walk(660)
    assert (house.incident().acknowledged_by == ANA) is kept
    assert [reason for _, reason, _ in calls(house)] == ([] if kept else ["reminded"])


def test_a_prepare_acknowledgement_does_not_expire_by_time_alone() -> None:
    house = house_with(Errors=BAD)
    house.ask(ACK)
    house.walk(6 * 3600, step=300)
    assert (house.incident().acknowledged_by, calls(house)) == (ANA, [])


# --- an acknowledgement in the rollback tier expires ------------------------------------------------------------------


def acknowledged(by: Actor = ANA) -> House:
    house = house_with(Login=WORST)
    house.ask(ACK, by)
    return house


def test_after_10_min_without_a_procedure_it_is_asked_in_the_thread() -> None:
    house = acknowledged()
    house.walk(600 - INTERVAL)
    assert posts(house, "asked") == []
    house.walk(INTERVAL)
    (asked,) = posts(house, "asked")
    assert (asked.kind, asked.mention) == (PostKind.LINE, ("U0ANA",))
    assert asked.said == (
        "Ana, are you still on it? No rollback was started. Without an answer within 5 min everybody is paged again. "
        "From a shell: rollback-monitor incident still-on-it INC-0001"
    )
    (message,) = [one for one in house.pager.messages if one.post.reason == "asked" and one.post.kind == "line"]
    assert [(one.kind, one.label) for one in message.actions] == [(STILL, "Still on it, +15 min")]
    assert house.incident().acknowledged_by == ANA


def test_5_min_later_it_is_unacknowledged_and_everybody_is_paged_again_from_the_beginning() -> None:
    house = acknowledged()
    house.walk(900)
    incident = house.incident()
    assert (incident.acknowledged_by, incident.lapsed) == (None, ANA)
    house.walk(600)
    assert [(at, reason, who) for at, reason, who in calls(house)] == [
        OPENS,
        (600, "asked", ("U0ANA",)),
        (900, "unacknowledged", ON_CALL),
        (1020, "called_again", ON_CALL),
        (1140, "called_again", ON_CALL),
        (1200, "escalated", EVERYBODY),
    ]
    assert posts(house, "unacknowledged")[0].said == (
        "Ana acknowledged INC-0001, started no rollback and did not answer. Paged again. "
        "ROLLBACK NOW production: Login (login), since 03:00 UTC."
    )


def test_still_on_it_is_good_for_15_min() -> None:
    house = acknowledged()
    house.walk(660)
    assert isinstance(house.ask(STILL), Done)
    house.walk(900 - INTERVAL)
    assert len(posts(house, "asked")) == 1
    house.walk(INTERVAL)
    assert len(posts(house, "asked")) == 2
    house.walk(300)
    assert house.incident().acknowledged_by is None


def test_another_responder_who_says_so_has_it_from_then_on() -> None:
    house = acknowledged()
    house.walk(660)
    house.ask(STILL, SHELL)
    assert house.incident().acknowledged_by == SHELL


def test_a_procedure_that_is_started_ends_the_asking() -> None:
    house = acknowledged()
    house.walk(660)
    house.ask(START)
    house.walk(3600)
    assert [reason for _, reason, _ in calls(house)] == ["rollback_opens", "asked"]
    assert house.incident().acknowledged_by == ANA


def test_recovery_ends_the_asking() -> None:
    house = acknowledged()
    house.walk(660)
    house.says("Login", QUIET)
    house.walk(900)
    assert (house.incident().acknowledged_by, house.incident().asked_at) == (ANA, None)


def test_a_monitor_that_was_away_asks_before_it_takes_an_acknowledgement_away() -> None:
    house = acknowledged()
    house.clock.advance(3600)
    house.build(house.book.now.rules)
    house.walk(285)
    assert house.incident().acknowledged_by == ANA
    house.walk(2 * INTERVAL)
    assert house.incident().acknowledged_by is None


@pytest.mark.parametrize(
    ("values", "asked", "by", "sentence"),
    [
        pytest.param({"Login": WORST}, [], ANA, "Nobody has acknowledged INC-0001 (any more)", id="nobody has it"),
        pytest.param({"Errors": BAD}, [ACK], ANA, "The acknowledgement of INC-0001 does not expire", id="prepare"),
        pytest.param({"Login": WORST}, [ACK, START], ANA, "The acknowledgement of INC-0001 does not", id="started"),
        pytest.param({"Login": WORST}, [ACK], GUEST, "Gus is not among the responders", id="somebody from outside"),
    ],
)
def test_still_on_it_is_refused(values: dict[str, float], asked: list[ActionKind], by: Actor, sentence: str) -> None:
    house = house_with(ESCALATION, **values)
    for action in asked:
        house.ask(action)
    before = house.incident()
    outcome = house.ask(STILL, by)
    assert isinstance(outcome, NotDone)
    assert outcome.sentence.startswith(sentence)
    assert replace(house.incident(), rev=before.rev) == before


# --- an acknowledgement from outside ----------------------------------------------------------------------------------


def test_somebody_from_outside_is_shown_and_holds_the_escalation_for_5_min_only() -> None:
    house = acknowledged(GUEST)
    house.walk(300 - INTERVAL)
    assert calls(house) == [OPENS]
    assert (
        "Acknowledged by Gus (not a known responder) at 03:00 UTC. It holds the escalation until 03:05 UTC."
        in shown(house)
    )
    house.walk(3600)
    assert calls(house) == [OPENS, (300, "escalated", EVERYBODY)]
    assert house.incident().acknowledged_by == GUEST


def test_a_responder_acknowledges_over_somebody_from_outside() -> None:
    house = acknowledged(GUEST)
    assert isinstance(house.ask(ACK, GUEST), NotDone)
    assert isinstance(house.ask(ACK, BEN), Done)
    assert isinstance(house.ask(ACK, ANA), NotDone)
    house.walk(600 - INTERVAL)
    assert calls(house) == [OPENS]
    assert house.incident().acknowledged_by == BEN


def test_another_reason_to_roll_back_calls_the_responders_over_somebody_from_outside() -> None:
    house = House(group("critical", LOGIN, rule("Data", rollback=0)), escalation=ESCALATION, route=ROUTE)
    house.says("Login", WORST)
    house.tick()
    house.ask(ACK, GUEST)
    house.says("Data", WORST)
    house.walk(2 * INTERVAL)
    assert [who for _, reason, who in calls(house) if reason == "rollback_joins"] == [ON_CALL]


def test_the_page_says_when_nobody_has_it_any_more() -> None:
    house = acknowledged()
    house.walk(600)
    assert "Ana was asked whether they are still on it; without an answer everybody is paged at 03:15 UTC." in shown(
        house
    )
    house.walk(300)
    assert "Nobody has acknowledged this. Ana had, and did not answer." in shown(house)
    house.ask(ACK, BEN)
    assert "Acknowledged by Ben at 03:15 UTC." in shown(house)


def shown(house: House) -> tuple[str, ...]:
    return render(Scene(house.incident(), house.clock.now(), {})).status


def test_the_calls_name_their_kind_and_their_time() -> None:
    house = house_with(Login=WORST)
    house.walk(300)
    made = [event for event in house.store.events("INC-0001") if isinstance(event, Called)]
    opened = house.incident().opened_at
    assert [(one.call, (one.due - opened).total_seconds(), one.channel) for one in made] == [
        (Call.AGAIN, 120, ""),
        (Call.AGAIN, 240, ""),
        (Call.ESCALATE, 300, "C0ESCAL"),
    ]
    assert house.incident().tier is Tier.ROLLBACK
