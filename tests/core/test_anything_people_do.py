"""Whatever people do in whatever order, and whatever happens meanwhile: what always holds of an incident."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.store.codec import event_of, event_text
from monitor.core.actor import MONITOR, Actor
from monitor.core.incidents.asks import (
    Abort,
    Acknowledge,
    AllowDeploy,
    AnswerCheck,
    Approve,
    CallFalse,
    Choose,
    Collect,
    Command,
    CompleteRecord,
    End,
    ExplainEnd,
    FinishStep,
    FixAnotherWay,
    ForceEnd,
    GiveCommand,
    Note,
    Pin,
    Refusal,
    Reopen,
    SayGone,
    SayRolledBack,
    SayStillOnIt,
    SkipStep,
    StartProcedure,
    Summon,
    TakeCommand,
    UndoStep,
    WatchByHand,
)
from monitor.core.incidents.decide import decide
from monitor.core.incidents.events import AlertFired, Ended, EndReason
from monitor.core.incidents.incident import fold
from monitor.core.incidents.procedureevents import StepDone, StepSkipped
from monitor.core.incidents.response import follow
from monitor.core.incidents.routes import Audience
from monitor.core.model import Presence, Tier
from monitor.core.pages.card import card
from monitor.core.pages.page import Scene
from monitor.core.pages.paging import owed
from monitor.core.pages.render import render
from monitor.core.procedures.verification import Outcome
from monitor.core.rules.routing import Route
from tests.core.procedural import ANA, AUTH, BEN, DBA, GUEST, PLAN, WEB, Driven, firing, key

STEPS = st.sampled_from([*(step.id for step in PLAN.steps), "nowhere"])
WORDS = st.sampled_from(["", "because"])
SERVICES = st.sampled_from(["auth", "web", "billing"])
PEOPLE = st.sampled_from([ANA, BEN, DBA, GUEST])


def commands(by: Actor) -> st.SearchStrategy[Command]:
    plain: list[Command] = [
        Acknowledge(by),
        SayStillOnIt(by),
        StartProcedure(by, PLAN.id, len(PLAN.steps), PLAN),
        FixAnotherWay(by, ""),
        WatchByHand(by),
        SayGone(by, key(), "gone"),
        SayGone(by, key(), "gone", Presence.VANISHED),
        Summon(by, ("U1",)),
        Pin(by, (AUTH, WEB)),
        Pin(by, ()),
        AnswerCheck(by, "preflight", passed=True, note=""),
        TakeCommand(by),
        GiveCommand(by),
        End(by),
        Collect(by, "close", (("cause", "x"),)),
        ExplainEnd(by, "x"),
        CompleteRecord(by, "x"),
    ]
    return st.one_of(
        st.sampled_from(plain),
        st.builds(FinishStep, st.just(by), STEPS),
        st.builds(UndoStep, st.just(by), STEPS),
        st.builds(SkipStep, st.just(by), STEPS, WORDS),
        st.builds(Choose, st.just(by), st.just("migrations"), st.sampled_from(["none", "forward", "what"])),
        st.builds(Approve, st.just(by), st.just("migrations")),
        st.builds(SayRolledBack, st.just(by), SERVICES),
        st.builds(AllowDeploy, st.just(by), SERVICES),
        st.builds(Note, st.just(by), WORDS),
        st.builds(Abort, st.just(by), WORDS),
        st.builds(ForceEnd, st.just(by), WORDS),
        st.builds(Reopen, st.just(by), WORDS),
        st.builds(CallFalse, st.just(by), WORDS),
    )


DEEDS = st.one_of(
    PEOPLE.flatmap(commands),
    st.sampled_from(["clears", "fires", "seen", "half seen", "green", "red", "waits"]),
)
GAPS = st.sampled_from([1, 30, 60, 300, 600, 3600, 86400])


def happen(driven: Driven, what: str) -> None:
    """What the world does."""
    match what:
        case "clears":
            driven.clears()
        case "fires":
            driven.add(AlertFired(driven.at, MONITOR, firing(at=driven.at)))
        case "seen":
            driven.sees("auth", "2.13.4").sees("web", "1.9.0")
        case "half seen":
            driven.sees("auth", "2.13.4", "2.14.0")
        case "green" | "red":
            driven.checked(signals=Outcome.PASSED, preflight=Outcome.PASSED if what == "green" else Outcome.FAILED)
        case _:
            driven.waits()


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(GAPS, DEEDS), max_size=40))
def test_what_always_holds(deeds: list[tuple[int, Command | str]]) -> None:
    driven, route = Driven(), Route("C0OPS", ("S0ONCALL",), ("S0IC",), ("S0DBA",))
    for gap, deed in deeds:
        driven.later(seconds=gap)
        before = driven.incident
        if isinstance(deed, str):
            if before.is_open or deed == "waits":
                happen(driven, deed)
            continue
        decided = decide(before, deed, driven.at)
        if isinstance(decided, Refusal):
            assert decided.sentence.strip()
            continue
        assert decided, "a command that is not refused does something"
        if not deed.by.roles:
            assert {one.kind for one in decided} <= {"acknowledged", "noted"}
        settled = [one.step for one in decided if isinstance(one, StepDone | StepSkipped)]
        assert before.running is not None or not settled or "procedure_started" in [one.kind for one in decided]
        for one in decided:
            if isinstance(one, Ended) and one.reason is EndReason.BY_PERSON:
                assert not before.signals
                assert before.running is None or before.running.green
            if isinstance(one, Ended) and one.reason is EndReason.FORCED:
                assert one.single_handed or (one.asked_by is not None and one.asked_by.id != one.by.id)
        response = follow(before, decided)
        assert all(one.said.strip() or one.post in {"edit", "card"} for one in owed(response, [Audience(route)]))
        driven.add(*decided)
    again = fold("INC-0001", [event_of(event_text(one)) for one in driven.events])
    assert again == driven.incident
    scene = Scene(driven.incident, driven.at, {}, buttons=True)
    page = render(scene)
    assert len(page.headline) <= 160
    drawn = card(scene)
    assert (drawn is None) == (driven.incident.progress is None)
    if drawn is not None:
        assert sum(one.current for one in drawn.steps) <= 1


def test_a_walk_through_everything_reads_back_from_the_store() -> None:
    driven = Driven(firing(), firing("Errors", Tier.PREPARE)).start()
    driven.do(Pin(ANA, (AUTH, WEB)))
    driven.at += timedelta(minutes=1)
    assert fold("INC-0001", [event_of(event_text(one)) for one in driven.events]) == driven.incident
