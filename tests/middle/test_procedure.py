"""Procedures among real parts on the shipped fakes: what is told, who passes the gate, what is retired and silenced."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from monitor.core.actor import MONITOR, Actor, Role, Source
from monitor.core.incidents.decide import with_ticks
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import BreakdownFound, ChangesFound, VersionsSeen
from monitor.core.pages.page import ActionKind
from monitor.core.pages.posts import POSTS, Happening, NewPost
from monitor.core.procedures.gate import GateAnswer, gate, noted
from monitor.core.releases.breakdown import Breakdown
from monitor.core.releases.release import WhatChanged
from monitor.core.rules.routing import Route
from monitor.people.commands import Done
from monitor.people.requesting import Request
from monitor.procedure.gatekeeping import Gatekeeper
from tests.core.procedural import PLAN
from tests.middle.house import BEN, INTERVAL, QUIET, REOPEN_WITHIN, WORST, House, group, rule

IC = Actor("U0IC", "Iris", Source.SLACK, frozenset({Role.RESPONDER, Role.COMMANDER}))
DBA = Actor("U0DBA", "Dora", Source.SLACK, frozenset({Role.APPROVER}))
CRITICAL = group("critical", rule("Login", rollback=0), rule("Errors", prepare=0, rollback=0))
ROUTE = Route("C0OPS", responders=("S0ONCALL",), commanders=("S0IC",), approvers=("S0DBA",))


def firing(**values: float) -> House:
    house = House(CRITICAL, route=ROUTE, procedure=PLAN)
    for alert, value in (values or {"Login": WORST}).items():
        house.says(alert, value)
    house.tick()
    return house


def did(house: House, action: ActionKind, by: Actor = IC, about: str = "", **words: str) -> House:
    """Somebody does something that is not refused, and it is told."""
    outcome = house.commands.carry_out(Request("INC-0001", action, by, about, words))
    assert isinstance(outcome, Done), outcome
    house.outbox.deliver_due()
    return house


def seen(house: House, *events: Event) -> House:
    """The monitor sees something for itself."""

    def decide(now: Incident) -> tuple[Event, ...]:
        return with_ticks(now, events, house.clock.now())

    house.desk.act("INC-0001", decide)
    house.outbox.deliver_due()
    return house


def started() -> House:
    return did(firing(), ActionKind.START)


def pinned() -> House:
    return did(started(), ActionKind.PIN, other="auth 2.13.4\nweb 1.9.0")


def ended() -> House:
    """A false alarm is the shortest way to an end by a person."""
    return did(firing(), ActionKind.FALSE_ALARM, reason="a load test")


def forced() -> House:
    house = did(started(), ActionKind.FORCE_END, reason="the probe is broken")
    return did(house, ActionKind.FORCE_END, BEN)


def later(house: House, seconds: int, **values: float) -> House:
    for alert, value in values.items():
        house.says(alert, value, since=house.grid + INTERVAL)
    house.walk(seconds, step=min(seconds, 300))
    return house


def rolled_back_in_vain() -> House:
    house = pinned()
    for service, version in (("auth", "2.13.4"), ("web", "1.9.0")):
        seen(house, VersionsSeen(house.clock.now(), MONITOR, service, (version,)))
    return later(house, 600)


def changed() -> House:
    house = firing()
    now = house.clock.now()
    return seen(house, ChangesFound(now, MONITOR, WhatChanged(now, now)))


def broken_down() -> House:
    house = firing()
    now = house.clock.now()
    return seen(house, BreakdownFound(now, MONITOR, Breakdown(now)))


OPENED = [Happening.ROLLBACK_OPENS]
STARTED = [*OPENED, Happening.STARTED]
PINNED = [*STARTED, Happening.TARGETS_PINNED]
STORIES: list[tuple[str, Callable[[], House], list[Happening]]] = [
    ("targets are pinned", pinned, PINNED),
    ("a step is done", lambda: did(pinned(), ActionKind.DONE, BEN, "flags"), [*PINNED, Happening.MOVED]),
    (
        "a grave decision asks an approver",
        lambda: did(did(pinned(), ActionKind.CHOOSE, about="migrations/revert"), ActionKind.APPROVE, DBA, "migrations"),
        [*PINNED, Happening.ASKS_APPROVER, Happening.MOVED],
    ),
    ("rolled back, and it breaches still", rolled_back_in_vain, [*PINNED, Happening.MOVED, Happening.STILL_BREACHING]),
    (
        "command is asked for and given",
        lambda: did(did(started(), ActionKind.TAKE_COMMAND, BEN), ActionKind.GIVE_COMMAND),
        [*STARTED, Happening.COMMAND_ASKED, Happening.COMMAND_TAKEN],
    ),
    (
        "one deploy is allowed",
        lambda: did(started(), ActionKind.ALLOW_DEPLOY, service="agent"),
        [*STARTED, Happening.DEPLOY_ALLOWED],
    ),
    (
        "a deploy is stopped",
        lambda: asked_at_the_gate(started()),
        [*STARTED, Happening.DEPLOY_REFUSED],
    ),
    ("it is given up", lambda: did(started(), ActionKind.ABORT, reason="not it"), [*STARTED, Happening.ABORTED]),
    (
        "fixed another way",
        lambda: did(firing(), ActionKind.FIX_ANOTHER_WAY, BEN, note="more replicas"),
        [*OPENED, Happening.FIXING_ANOTHER_WAY],
    ),
    ("a false alarm", ended, [*OPENED, Happening.FALSE_ALARM, Happening.ENDED]),
    (
        "somebody else is paged",
        lambda: did(firing(), ActionKind.SUMMON, people="U0DBA", note="which index?"),
        [*OPENED, Happening.SUMMONED],
    ),
    ("a note", lambda: did(firing(), ActionKind.NOTE, note="it began with the sale"), [*OPENED, Happening.NOTED]),
    ("forced by two", forced, [*STARTED, Happening.FORCE_ASKED, Happening.ENDED]),
    (
        "opened again",
        lambda: did(ended(), ActionKind.REOPEN, reason="users still call"),
        [*OPENED, Happening.FALSE_ALARM, Happening.ENDED, Happening.REOPENED],
    ),
    (
        "what went away by itself is explained",
        lambda: did(later(firing(), REOPEN_WITHIN + 300, Login=QUIET), ActionKind.EXPLAIN, note="a cache filled up"),
        [*OPENED, Happening.RECOVERED, Happening.ENDED_BY_ITSELF, Happening.EXPLAINED],
    ),
    (
        "the record is completed",
        lambda: did(forced(), ActionKind.COMPLETE, root_cause="a bad index"),
        [*STARTED, Happening.FORCE_ASKED, Happening.ENDED, Happening.RECORD_COMPLETED],
    ),
    (
        "what changed is found",
        changed,
        [*OPENED, Happening.CHANGES_FOUND],
    ),
    (
        "where it fails is found",
        broken_down,
        [*OPENED, Happening.BREAKDOWN_FOUND],
    ),
]


def blind() -> House:
    """Nothing is seen, and somebody looks by hand."""
    house = House(CRITICAL, route=ROUTE, procedure=PLAN)
    house.tick()
    house.says("Login", None)
    house.says("Errors", None)
    house.walk(450)
    return did(house, ActionKind.WATCH_BY_HAND, BEN)


def reminded() -> House:
    """Nobody completes the record of a night from Monday to Tuesday."""
    house = forced()
    house.says("Login", QUIET)
    house.clock.advance(31 * 3600)
    house.tick()
    return house


STORIES += [
    ("watching by hand", blind, [Happening.BLIND_OPENS, Happening.WATCHING_BY_HAND]),
    (
        "the record is asked for",
        reminded,
        [*STARTED, Happening.FORCE_ASKED, Happening.ENDED, Happening.RECORD_ASKED],
    ),
]


def asked_at_the_gate(house: House) -> House:
    gatekeeper(house).ask("auth", "2.15.0")
    house.outbox.deliver_due()
    return house


def gatekeeper(house: House) -> Gatekeeper:
    return Gatekeeper(house.store, house.desk, house.clock)


@pytest.mark.parametrize(("story", "happenings"), [pytest.param(*rest, id=name) for name, *rest in STORIES])
def test_what_is_told_of(story: Callable[[], House], happenings: list[Happening]) -> None:
    house = story()
    told = [one for one in house.store.reasons if one not in {Happening.REFRESHED, Happening.BLIND_JOINS}]
    assert list(dict.fromkeys(told)) == happenings
    posted = [str(message.post.kind) for message in house.pager.messages if message.post.ts is None]
    for happening in happenings:
        assert POSTS[happening].post is NewPost.EDIT or str(POSTS[happening].post) in posted
    assert house.store.owed() == []


# --- the gate ---------------------------------------------------------------------------------------------------------


def test_the_gate_is_open_but_for_a_procedure_and_never_shut_for_its_own_target() -> None:
    house = firing()
    keeper = gatekeeper(house)
    assert keeper.ask("auth", "2.15.0").allowed
    did(house, ActionKind.START)
    refused = keeper.ask("auth", "2.15.0")
    assert (refused.allowed, refused.incident, refused.by) == (False, "INC-0001", "Iris")
    did(house, ActionKind.PIN, other="auth 2.13.4")
    assert keeper.ask("auth", "2.13.4").allowed
    assert not keeper.ask("web", "2.13.4").allowed
    did(house, ActionKind.ABORT, reason="not it")
    assert keeper.ask("auth", "2.15.0").allowed


def test_of_two_that_ask_for_one_allowance_one_is_let_through() -> None:
    for _ in range(5):
        house = did(started(), ActionKind.ALLOW_DEPLOY, service="agent")
        keeper, answers = gatekeeper(house), dict[str, GateAnswer]()
        ready = threading.Barrier(2)

        def ask(version: str, *, gate: Gatekeeper = keeper, answers: dict[str, GateAnswer] = answers) -> None:
            ready.wait()  # noqa: B023  # used up within the turn
            answers[version] = gate.ask("agent", version)

        threads = [threading.Thread(target=ask, args=(version,)) for version in ("1", "2")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert sorted(one.allowed for one in answers.values()) == [False, True]
        let = next(version for version, one in answers.items() if one.allowed)
        assert keeper.ask("agent", let).allowed, "asked again it is let through again"


def test_of_two_procedures_neither_stops_what_the_other_goes_back_to() -> None:
    one, other = pinned().incident(), replace(started().incident(), id="INC-0002")
    assert gate([one, other], "auth", "2.13.4").allowed
    assert gate([other, one], "auth", "2.13.4") == gate([one, other], "auth", "2.13.4")
    assert not gate([one, other], "auth", "2.15.0").allowed
    allowing = did(started(), ActionKind.ALLOW_DEPLOY, service="auth").incident()
    answer = gate([other, allowing, one], "auth", "2.13.4")
    assert answer.because == "2.13.4 is what auth is rolled back to in INC-0001"
    assert noted(allowing, "auth", "2.13.4", replace(answer, incident="INC-0003"), allowing.opened_at) == ()


def test_a_pipeline_that_asks_every_second_is_written_down_once() -> None:
    house = started()
    for _ in range(20):
        asked_at_the_gate(house)
    assert house.kinds().count("deploy_answered") == 1


# --- what people retire -----------------------------------------------------------------------------------------------


def test_a_false_alarm_is_quiet_for_these_instances_and_pages_anew_after_it() -> None:
    house = did(firing(), ActionKind.FALSE_ALARM, reason="a load test", lasts="30m")
    later(house, 1500)
    assert [one.id for one in house.incidents] == ["INC-0001"], "the rollback tier too, for these very instances"
    house.says("Errors", WORST, since=house.grid + INTERVAL)
    later(house, 60)
    assert [one.id for one in house.incidents] == ["INC-0001", "INC-0002"], "another alert pages"
    later(house, 600)
    pages = [one.key.alert for incident in house.incidents[1:] for one in incident.active]
    assert "Login" in pages, "when the silence is over it pages"


def test_how_long_a_false_alarm_is_quiet_has_a_limit() -> None:
    words = {"reason": "x", "lasts": "48h"}
    outcome = firing().commands.carry_out(Request("INC-0001", ActionKind.FALSE_ALARM, IC, "", words))
    assert "at most 24h" in getattr(outcome, "sentence", "")
