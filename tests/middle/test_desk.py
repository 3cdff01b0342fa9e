"""Stories of incidents, from what the rules found to what was owed: together they reach every row of the table."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from monitor.core.actor import Actor
from monitor.core.incidents.asks import No, Refusal
from monitor.core.incidents.events import EndReason
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind
from monitor.core.pages.posts import POSTS, Happening, NewPost, Notice
from monitor.core.rules.routing import Escalation
from monitor.core.rules.rule import Resolve
from monitor.people.silencing import Wanted
from monitor.ports.metrics import Unanswered
from monitor.ports.store import NO_INCIDENT, Change, ConflictError, Post, PostKind
from tests.middle.house import (
    ANA,
    BAD,
    BEN,
    BLIND_AFTER,
    GUEST,
    INTERVAL,
    QUIET,
    REOPEN_WITHIN,
    WORST,
    House,
    RecallingStore,
    group,
    key,
    rule,
    rule_set,
)
from tests.middle.test_procedure import STORIES as PROCEDURES

LOGIN = rule("Login", prepare=0, rollback=0)
ERRORS = rule("Errors", prepare=0)
SLOW = rule("Slow", prepare=0)
DATA = rule("Data", rollback=0, resolve=Resolve.BY_PERSON)
CRITICAL = group("critical", LOGIN, ERRORS, SLOW, DATA)
BILLING = group("billing", rule("Invoices", rollback=0))


def house_with(**values: float) -> House:
    """A house in which the named metrics say something from the first point on."""
    house = House(CRITICAL, BILLING)
    for alert, value in values.items():
        house.says(alert, value)
    house.tick()
    return house


def later(house: House, seconds: int = INTERVAL, **values: float) -> House:
    """Let metrics say something else from the next point on, and time pass."""
    house.clock.advance(INTERVAL)
    for alert, value in values.items():
        house.says(alert, value)
    house.tick()
    house.walk(seconds - INTERVAL)
    return house


def unseen(house: House, *exprs: str) -> House:
    house.answer = lambda expr, _at: Unanswered("timeout") if expr in exprs else None
    house.walk(BLIND_AFTER + INTERVAL)
    return house


EVERY_CRITICAL = ("login", "errors", "slow", "data")


def asked(house: House, action: ActionKind, alert: str = "") -> House:
    house.ask(action, alert=alert)
    house.outbox.deliver_due()
    return house


def carried_by_reload() -> House:
    """A prepare tier is added to a rule whose rollback tier fires."""
    house = House(group("critical", rule("Login", rollback=0)))
    house.says("Login", WORST)
    house.tick()
    house.reloader.adopt(rule_set(group("critical", LOGIN)))
    return later(house)


STORIES: list[tuple[str, Callable[[], House], list[Happening]]] = [
    ("prepare opens", lambda: house_with(Errors=BAD), [Happening.PREPARE_OPENS]),
    ("rollback opens, with the prepare tier it carries", lambda: house_with(Login=WORST), [Happening.ROLLBACK_OPENS]),
    ("blind opens", lambda: unseen(house_with(), *EVERY_CRITICAL), [Happening.BLIND_OPENS]),
    (
        "a second group goes blind",
        lambda: unseen(unseen(house_with(), *EVERY_CRITICAL), "invoices", *EVERY_CRITICAL),
        [Happening.BLIND_OPENS, Happening.BLIND_JOINS],
    ),
    (
        "prepare, then rollback=>raised once, whatever the tiers",
        lambda: later(house_with(Errors=BAD), Login=WORST),
        [Happening.PREPARE_OPENS, Happening.RAISED],
    ),
    (
        "the same instance gets worse",
        lambda: later(house_with(Login=BAD), Login=WORST),
        [Happening.PREPARE_OPENS, Happening.RAISED],
    ),
    (
        "another reason to roll back",
        lambda: later(house_with(Login=WORST), Data=WORST),
        [Happening.ROLLBACK_OPENS, Happening.ROLLBACK_JOINS],
    ),
    (
        "another service at prepare",
        lambda: later(house_with(Errors=BAD), Slow=BAD),
        [Happening.PREPARE_OPENS, Happening.SERVICE_JOINS],
    ),
    ("rollback carries a prepare tier added later", carried_by_reload, [Happening.ROLLBACK_OPENS, Happening.CARRIED]),
    (
        "blind beside a rollback",
        lambda: unseen(house_with(Login=WORST), "invoices"),
        [Happening.ROLLBACK_OPENS, Happening.BLIND_BANNER],
    ),
    (
        "one of two clears",
        lambda: later(house_with(Errors=BAD, Slow=BAD), Slow=QUIET),
        [Happening.PREPARE_OPENS, Happening.ONE_RESOLVES],
    ),
    ("all clear", lambda: later(house_with(Errors=BAD), Errors=QUIET), [Happening.PREPARE_OPENS, Happening.RECOVERED]),
    (
        "back within half an hour",
        lambda: later(later(house_with(Login=WORST), REOPEN_WITHIN - 60, Login=QUIET), Login=WORST),
        [Happening.ROLLBACK_OPENS, Happening.ONE_RESOLVES, Happening.RECOVERED, Happening.BACK],
    ),
    (
        "clear for half an hour",
        lambda: later(house_with(Errors=BAD), REOPEN_WITHIN + 60, Errors=QUIET),
        [Happening.PREPARE_OPENS, Happening.RECOVERED, Happening.ENDED_BY_ITSELF],
    ),
    (
        "seen again",
        lambda: later(unseen(unseen(house_with(), *EVERY_CRITICAL), "none")),
        [Happening.BLIND_OPENS, Happening.ONE_RESOLVES, Happening.SIGHTED],
    ),
    (
        "somebody has seen it",
        lambda: asked(house_with(Login=WORST), ActionKind.ACKNOWLEDGE),
        [Happening.ROLLBACK_OPENS, Happening.ACKNOWLEDGED],
    ),
    (
        "somebody starts the procedure",
        lambda: asked(house_with(Login=WORST), ActionKind.START),
        [Happening.ROLLBACK_OPENS, Happening.STARTED],
    ),
    (
        "one of two is dealt with",
        lambda: asked(house_with(Login=WORST, Data=WORST), ActionKind.DEALT_WITH, "Data"),
        [Happening.ROLLBACK_OPENS, Happening.DEALT_WITH],
    ),
    (
        "the only one is dealt with",
        lambda: asked(house_with(Data=WORST), ActionKind.DEALT_WITH, "Data"),
        [Happening.ROLLBACK_OPENS, Happening.RECOVERED],
    ),
]


def joined_by_another_instance() -> House:
    """Two rules speak of one service, which is known by its job."""
    house = House(CRITICAL)
    house.says("Errors", {"web": BAD})
    house.says("Slow", {"web": QUIET})
    house.tick()
    house.clock.advance(INTERVAL)
    house.says("Slow", {"web": BAD})
    house.tick()
    return house


def told_anew() -> House:
    """The numbers on an open page change for a minute."""
    shown = replace(rule("Login", rollback=0), annotations=(("summary", "login fails at {{ $value }}"),))
    house = House(group("critical", shown))
    house.says("Login", WORST)
    house.tick()
    for number in range(3):
        house = later(house, Login=0.7 + number / 10)
    return house


STORIES += [
    (
        "another prepare alert of a known service",
        joined_by_another_instance,
        [Happening.PREPARE_OPENS, Happening.PREPARE_JOINS],
    ),
    ("new numbers after half a minute", told_anew, [Happening.ROLLBACK_OPENS, Happening.REFRESHED]),
]


def unanswered(escalation: Escalation, *actions: ActionKind, minutes: int, **values: float) -> House:
    """Nobody does more than `actions` for some minutes."""
    house = House(CRITICAL, escalation=escalation)
    for alert, value in values.items():
        house.says(alert, value)
    house.tick()
    for action in actions:
        house.ask(action)
        house.outbox.deliver_due()
    house.walk(60 * minutes)
    return house


def hidden_before() -> House:
    """A silence hides one alert; then another service rolls back."""
    house = House(CRITICAL)
    house.says("Slow", BAD)
    house.commands.silencing.add(Wanted(('job="slow"',), "2h", "load test", ANA))
    house.tick()
    return later(house, Login=WORST)


AGAIN = Escalation((120,), None)
EVERYTHING = Escalation((), 300, channel="C0ESCAL")
STORIES += [
    (
        "nobody answers a prepare page",
        lambda: unanswered(Escalation(), minutes=11, Errors=BAD),
        [Happening.PREPARE_OPENS, Happening.REMINDED],
    ),
    (
        "nobody answers a rollback page",
        lambda: unanswered(AGAIN, minutes=11, Login=WORST),
        [Happening.ROLLBACK_OPENS, Happening.CALLED_AGAIN],
    ),
    (
        "it escalates",
        lambda: unanswered(EVERYTHING, minutes=6, Login=WORST),
        [Happening.ROLLBACK_OPENS, Happening.ESCALATED],
    ),
    (
        "whoever acknowledged does not answer",
        lambda: unanswered(AGAIN, ActionKind.ACKNOWLEDGE, minutes=16, Login=WORST),
        [Happening.ROLLBACK_OPENS, Happening.ACKNOWLEDGED, Happening.ASKED, Happening.UNACKNOWLEDGED],
    ),
    (
        "somebody is still on it",
        lambda: unanswered(AGAIN, ActionKind.ACKNOWLEDGE, ActionKind.STILL_ON_IT, minutes=11, Login=WORST),
        [Happening.ROLLBACK_OPENS, Happening.ACKNOWLEDGED, Happening.STILL_ON_IT],
    ),
    ("what a silence hid is told", hidden_before, [Happening.ROLLBACK_OPENS, Happening.HIDDEN_TOLD]),
]


@pytest.mark.parametrize(("story", "happenings"), [pytest.param(*rest, id=name) for name, *rest in STORIES])
def test_story(story: Callable[[], House], happenings: list[Happening]) -> None:
    house = story()
    assert [one for one in house.store.reasons if one in happenings or one != Happening.REFRESHED] == happenings
    posted = [str(message.post.kind) for message in house.pager.messages if message.post.ts is None]
    owed = [str(POSTS[one].post) for one in happenings if POSTS[one].post is not NewPost.EDIT]
    assert posted == owed
    assert house.store.owed() == []


def test_the_stories_reach_every_row_of_the_table() -> None:
    every = [*STORIES, *PROCEDURES]
    assert {happening for _, _, happenings in every for happening in happenings} == set(Happening) == set(POSTS)


# --- the flow of an incident ------------------------------------------------------------------------------------------


def test_recovery_is_told_with_its_time_and_its_length() -> None:
    house = later(house_with(Errors=BAD), 345)
    later(house, Errors=QUIET)
    assert house.told[-2:] == ["broadcast: Recovered 03:06 UTC, after 6 min: all signals are clear.", "edit root"]


@pytest.mark.parametrize(
    ("clear_for", "numbers"),
    [
        pytest.param(60, 1, id="a minute=>the same incident"),
        pytest.param(REOPEN_WITHIN - INTERVAL, 1, id="just below half an hour=>the same incident"),
        pytest.param(REOPEN_WITHIN, 2, id="half an hour=>a new one"),
        pytest.param(3 * REOPEN_WITHIN, 2, id="later=>a new one"),
    ],
)
def test_a_breach_that_comes_back_after(clear_for: int, numbers: int) -> None:
    house = later(house_with(Errors=BAD), clear_for, Errors=QUIET)
    later(house, Errors=BAD)
    assert [one.id for one in house.incidents] == [f"INC-{number:04d}" for number in range(1, numbers + 1)]
    assert house.incidents[-1].active
    assert house.told.count("root") == numbers


def test_a_breach_long_after_recovery_is_a_new_incident_even_if_the_old_record_is_open() -> None:
    """A commander's incident does not end by itself."""
    house = asked(house_with(Login=WORST), ActionKind.START)
    later(house, REOPEN_WITHIN + 60, Login=QUIET)
    later(house, Login=WORST)
    assert [(one.id, one.is_open, bool(one.active)) for one in house.incidents] == [
        ("INC-0001", True, False),
        ("INC-0002", True, True),
    ]


@pytest.mark.parametrize(
    ("age", "kept"),
    [pytest.param(600, True, id="10 min=>kept"), pytest.param(1200, False, id="20 min=>cleared, everybody is called")],
)
def test_an_acknowledgement_when_a_breach_comes_back(age: int, *, kept: bool) -> None:
    house = asked(house_with(Login=WORST), ActionKind.ACKNOWLEDGE)
    later(house, age, Login=QUIET)
    later(house, Login=WORST)
    assert house.incident().acknowledged_by == (ANA if kept else None)
    (back,) = [message.post for message in house.pager.messages if message.post.said.startswith("BACK")]
    assert back.mention == ("S0ONCALL",)


def test_when_prepare_becomes_rollback_the_acknowledgement_is_cleared_and_everybody_called() -> None:
    house = asked(house_with(Errors=BAD), ActionKind.ACKNOWLEDGE)
    later(house, Login=WORST)
    assert house.incident().acknowledged_by is None
    (raised,) = [message.post for message in house.pager.messages if message.post.kind == "broadcast"]
    assert raised.mention == ("S0ONCALL",)


@pytest.mark.parametrize(
    ("actions", "mention"),
    [
        pytest.param([], ("S0ONCALL",), id="nobody has it=>the responders"),
        pytest.param([(ActionKind.ACKNOWLEDGE, BEN)], ("U0BEN",), id="acknowledged=>who did"),
        pytest.param(
            [(ActionKind.ACKNOWLEDGE, GUEST), (ActionKind.START, ANA)], ("U0ANA",), id="commanded=>the commander"
        ),
    ],
)
def test_another_reason_to_roll_back_calls(actions: list[tuple[ActionKind, Actor]], mention: tuple[str, ...]) -> None:
    house = house_with(Login=WORST)
    for action, by in actions:
        house.ask(action, by)
    later(house, Data=WORST)
    (joins,) = [message.post for message in house.pager.messages if message.post.kind == "broadcast"]
    assert joins.mention == mention


def test_prepare_calls_nobody() -> None:
    house = later(house_with(Errors=BAD), Slow=BAD)
    assert {message.post.mention for message in house.pager.messages} == {()}


def test_two_groups_in_one_tick_are_one_incident() -> None:
    house = house_with(Login=WORST, Invoices=WORST)
    assert [one.id for one in house.incidents] == ["INC-0001"]
    assert {one.key for one in house.incident().active} == {key("Login"), key("Login", Tier.PREPARE), key("Invoices")}
    assert house.store.reasons == [Happening.ROLLBACK_OPENS, Happening.ROLLBACK_JOINS]


def test_ended_by_itself_says_so() -> None:
    house = later(house_with(Errors=BAD), REOPEN_WITHIN + 60, Errors=QUIET)
    assert house.incident().end_reason is EndReason.BY_ITSELF


# --- the desk itself --------------------------------------------------------------------------------------------------


def test_acting_on_an_unknown_incident_gives_nothing() -> None:
    assert house_with().desk.act("INC-0099", lambda _incident: ()) is None


def test_acting_decides_anew_when_somebody_else_was_first() -> None:
    class Contended(RecallingStore):
        before: list[Callable[[], object]]

        def commit(self, change: Change) -> None:
            if self.before:
                self.before.pop()()
            super().commit(change)

    house = House(CRITICAL)
    store = Contended()
    store.before = []
    house.store = store
    house.build(rule_set(CRITICAL))
    house.says("Login", WORST)
    house.tick()
    store.before = [lambda: house.ask(ActionKind.ACKNOWLEDGE, BEN)]
    house.ask(ActionKind.START, ANA)
    assert (house.incident().acknowledged_by, house.incident().commander) == (BEN, ANA)


def test_a_decision_that_is_always_second_gives_up() -> None:
    class Taken(RecallingStore):
        taken = False

        def commit(self, change: Change) -> None:
            if self.taken:
                raise ConflictError("somebody else was first")
            super().commit(change)

    house = House(CRITICAL)
    store = Taken()
    house.store = store
    house.build(rule_set(CRITICAL))
    house.says("Login", WORST)
    house.tick()
    before = house.incident()
    store.taken = True
    with pytest.raises(ConflictError, match="INC-0001 was changed by others 8 times in a row"):
        house.ask(ActionKind.ACKNOWLEDGE)
    assert house.incident() == before


def test_a_refusal_is_given_back_and_writes_nothing() -> None:
    house = house_with(Login=WORST)
    before = len(house.store.changes)
    refusal = Refusal(No.NOT_ALLOWED, "not now")
    assert house.desk.act("INC-0001", lambda _incident: refusal) is refusal
    assert len(house.store.changes) == before


def test_notes_of_several_threads_have_a_number_each() -> None:
    house = House(CRITICAL)

    class Slow(RecallingStore):
        """A store in which somebody else comes in between reading and writing."""

        def posts(self, incident: str, *, kind: PostKind | None = None) -> Sequence[Post]:
            found = super().posts(incident, kind=kind)
            time.sleep(0.01)
            return found

    house.build(rule_set(CRITICAL), store := Slow())
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: house.desk.note(Notice.STORAGE_TROUBLE, f"note {n}"), range(8)))
    assert sorted(one.said for one in store.posts(NO_INCIDENT)) == [f"note {n}" for n in range(8)]
