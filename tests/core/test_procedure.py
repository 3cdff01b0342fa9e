"""What people may do with an incident and its procedure, and what follows from it."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from monitor.core.actor import MONITOR, Actor
from monitor.core.incidents.asks import (
    Abort,
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
    No,
    Note,
    Pin,
    Reopen,
    SayGone,
    SayRolledBack,
    SkipStep,
    Summon,
    TakeCommand,
    UndoStep,
    WatchByHand,
)
from monitor.core.incidents.closing import in_the_way
from monitor.core.incidents.decide import retired
from monitor.core.incidents.escalation import expires_at
from monitor.core.incidents.events import AlertFired, Ended, EndReason
from monitor.core.incidents.procedureevents import ChangesFound, FollowUp, Pinned
from monitor.core.incidents.response import follow
from monitor.core.incidents.routes import Audience
from monitor.core.model import Presence, Tier
from monitor.core.pages.actions import actions_of
from monitor.core.pages.page import ActionKind, Place, Scene
from monitor.core.pages.paging import owed
from monitor.core.pages.posts import NewPost
from monitor.core.pages.render import render
from monitor.core.procedures.gate import gate
from monitor.core.procedures.progress import StepStatus, current, mixed, observed, open_wave
from monitor.core.procedures.verification import Outcome
from monitor.core.releases.release import Changed, What, WhatChanged
from monitor.core.rules.routing import Escalation, Route
from tests.core.procedural import ANA, AUTH, BEN, DBA, GUEST, PLAN, START, WEB, Driven, firing, key

GREEN = {"signals": Outcome.PASSED, "preflight": Outcome.PASSED}


def started() -> Driven:
    return Driven().start()


def pinned(*targets: Pinned) -> Driven:
    driven = started()
    assert driven.do(Pin(ANA, targets or (AUTH, WEB))) == ""
    return driven


def at_services(*targets: Pinned) -> Driven:
    driven = pinned(*targets)
    assert driven.do(FinishStep(ANA, "flags")) == ""
    return driven


def verifying() -> Driven:
    driven = at_services().sees("auth", "2.13.4").sees("web", "1.9.0")
    assert driven.do(Choose(ANA, "migrations", "none")) == ""
    return driven


def step(driven: Driven) -> str:
    assert driven.incident.progress is not None
    found = current(driven.incident.progress)
    return found.id if found else ""


def status(driven: Driven, name: str) -> StepStatus:
    state = driven.incident.progress.state(name) if driven.incident.progress else None
    assert state is not None
    return state.status


# --- steps that tick themselves ---------------------------------------------------------------------------------------


def test_starting_is_declaring_and_freezing() -> None:
    driven = started()
    assert (status(driven, "declare"), step(driven)) == (StepStatus.DONE, "target")
    assert driven.incident.commander == ANA
    assert driven.incident.running is not None


def test_confirmed_targets_finish_the_step_and_unconfirmed_ones_wait_for_a_person() -> None:
    assert step(pinned(AUTH, WEB)) == "flags"
    unsure = pinned(Pinned("auth", "2.13.4", migrations=()))
    assert step(unsure) == "target"
    assert unsure.do(FinishStep(BEN, "target")) == ""
    assert step(unsure) == "flags"


def test_a_wave_opens_when_the_one_before_is_at_its_target() -> None:
    driven = at_services()
    services = PLAN.steps[3]
    progress = driven.incident.progress
    assert progress is not None
    wave = open_wave(progress, services)
    assert wave is not None
    assert wave.title == "Backend"
    driven.sees("auth", "2.14.0", "2.13.4")
    assert driven.incident.progress is not None
    assert open_wave(driven.incident.progress, services) == wave
    driven.sees("auth", "2.13.4")
    assert driven.incident.progress is not None
    after = open_wave(driven.incident.progress, services)
    assert after is not None
    assert after.title == "Frontend"
    assert step(driven) == "services"
    driven.sees("web", "1.9.0")
    assert status(driven, "services") is StepStatus.DONE


def test_a_service_that_drifts_from_its_target_is_not_there_any_more() -> None:
    driven = at_services().sees("auth", "2.13.4")
    assert driven.incident.progress is not None
    assert [one.service for one in mixed(driven.incident.progress)] == ["auth", "web"]
    driven.sees("auth", "2.14.0")
    assert driven.incident.progress is not None
    assert mixed(driven.incident.progress) == ()


def test_verification_ticks_itself_when_every_check_passed_and_not_before() -> None:
    driven = verifying()
    assert step(driven) == "verify"
    assert driven.refused(FinishStep(ANA, "verify")) is No.NOT_YET
    driven.checked(signals=Outcome.WAITING, preflight=Outcome.PASSED)
    assert step(driven) == "verify"
    driven.checked(**GREEN)
    assert step(driven) == "close"


def test_nothing_is_ticked_twice() -> None:
    driven = verifying().checked(**GREEN)
    assert driven.incident.progress is not None
    assert observed(driven.incident.progress, driven.at) == ()
    assert driven.kinds.count("step_done") == 6


# --- migrations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("migrations", [("add_column",), None], ids=["migrations ran", "nobody knows"])
def test_the_decision_comes_before_a_service_with_migrations(migrations: tuple[str, ...] | None) -> None:
    driven = at_services(Pinned("auth", "2.13.4", "2.14.0", "", "there", migrations))
    assert step(driven) == "migrations"
    assert driven.refused(SayRolledBack(ANA, "auth")) is No.NOT_YET
    assert driven.do(Choose(ANA, "migrations", "none")) == ""
    assert step(driven) == "services"


def test_services_without_migrations_go_on_meanwhile() -> None:
    driven = at_services(Pinned("billing", "3.0", "3.1", "", "there", ("add_column",)), AUTH)
    assert step(driven) == "services"
    assert driven.do(SayRolledBack(BEN, "auth")) == ""
    assert step(driven) == "migrations"


MIGRATED = Pinned("auth", "2.13.4", "2.14.0", "", "there", ("drop_table",))


def test_a_decision_that_a_service_waits_for_is_not_left_out() -> None:
    driven = at_services(MIGRATED)
    assert "auth wait for this decision" in driven.do(SkipStep(ANA, "migrations", "no time"))
    assert "auth wait for this decision" in driven.do(SkipStep(ANA, "migrations", "no", relevant=False))
    assert at_services(AUTH).do(SkipStep(ANA, "migrations", "no migration")) == ""


@pytest.mark.parametrize("before", [Choose(ANA, "migrations", "none"), SkipStep(ANA, "migrations", "none")])
def test_a_service_that_is_pinned_after_the_decision_asks_for_it_anew(before: Command) -> None:
    driven = at_services(AUTH)
    assert driven.do(before) == ""
    driven.later(minutes=1).do(Pin(ANA, (Pinned("billing", "3.0", "3.1", "", "there", ("drop_table",)),)))
    assert status(driven, "migrations") is StepStatus.OPEN
    assert driven.refused(SayRolledBack(ANA, "billing")) is No.NOT_YET
    assert driven.do(SayRolledBack(ANA, "auth")) == ""
    assert step(driven) == "migrations"
    assert driven.do(Choose(ANA, "migrations", "none")) == ""
    assert step(driven) == "services"


def test_a_target_that_is_confirmed_later_keeps_the_decision() -> None:
    driven = at_services(replace(MIGRATED, confirmed=""))
    driven.do(FinishStep(ANA, "target"))
    driven.do(Choose(ANA, "migrations", "none"))
    driven.later(minutes=1).do(Pin(ANA, (MIGRATED,)))
    assert status(driven, "migrations") is StepStatus.DONE


def test_a_grave_decision_takes_a_second_person_with_that_right() -> None:
    driven = at_services(Pinned("auth", "2.13.4", "2.14.0", "", "there", ("drop_table",)))
    assert driven.do(Choose(ANA, "migrations", "forward")) == ""
    assert step(driven) == "migrations"
    assert driven.refused(Approve(BEN, "migrations")) is No.NOT_ALLOWED
    both = Actor(ANA.id, ANA.name, ANA.source, ANA.roles | DBA.roles)
    assert driven.refused(Approve(both, "migrations")) is No.SAME_PERSON
    assert driven.do(Approve(DBA, "migrations")) == ""
    assert status(driven, "migrations") is StepStatus.DONE
    assert driven.refused(Approve(DBA, "migrations")) is No.SETTLED


def test_what_is_fixed_forward_stays_where_it_is() -> None:
    driven = at_services(Pinned("auth", "2.13.4", "2.14.0", "", "there", ("drop_table",)), WEB)
    driven.do(Choose(ANA, "migrations", "forward"))
    driven.do(Approve(DBA, "migrations"))
    driven.sees("web", "1.9.0")
    assert step(driven) == "verify"


# --- what people say of steps -----------------------------------------------------------------------------------------


def test_of_two_ticks_the_second_is_told_of_the_first() -> None:
    driven = pinned()
    assert driven.do(FinishStep(BEN, "flags")) == ""
    assert driven.do(FinishStep(ANA, "flags")) == "“Flags first” is done already, by Ben at 03:02 UTC."


def test_a_tick_can_be_taken_back_for_a_minute() -> None:
    driven = pinned()
    driven.do(FinishStep(BEN, "flags"))
    driven.later(seconds=60)
    assert driven.do(UndoStep(ANA, "flags")) == ""
    assert step(driven) == "flags"
    driven.do(SkipStep(BEN, "flags", "no agents here", relevant=False))
    assert status(driven, "flags") is StepStatus.NOT_RELEVANT
    assert driven.later(seconds=61).refused(UndoStep(ANA, "flags")) is No.TOO_LATE
    assert driven.refused(UndoStep(ANA, "declare")) is No.SETTLED


def test_a_skip_needs_a_reason_and_shows_it() -> None:
    driven = pinned()
    assert driven.refused(SkipStep(ANA, "flags", " ")) is No.WORDS_MISSING
    assert driven.do(SkipStep(ANA, "flags", "no agents")) == ""
    assert step(driven) == "services"


def test_a_version_that_is_seen_is_believed_more_than_words() -> None:
    driven = at_services().sees("auth", "2.14.0")
    assert "sees auth run 2.14.0" in driven.do(SayRolledBack(ANA, "auth"))
    assert driven.do(SayRolledBack(BEN, "web")) == "Backend comes first, and is not at its target yet."
    assert "auth runs 2.14.0" in driven.do(FinishStep(ANA, "services"))


def test_what_a_step_asks_for_is_collected() -> None:
    driven = verifying().checked(**GREEN)
    assert driven.do(Collect(BEN, "close", (("cause", "a bad index"),))) == ""
    state = driven.incident.progress.state("close") if driven.incident.progress else None
    assert state is not None
    assert state.collected == (("cause", "a bad index"),)
    assert driven.refused(Collect(BEN, "close", (("colour", "red"),))) is No.NO_SUCH_STEP


@pytest.mark.parametrize(
    "command",
    [
        FinishStep(ANA, "nowhere"),
        SkipStep(ANA, "nowhere", "x"),
        UndoStep(ANA, "nowhere"),
        Choose(ANA, "migrations", "nothing"),
        AnswerCheck(ANA, "signals", passed=True, note=""),
    ],
)
def test_what_the_procedure_does_not_have(command: Command) -> None:
    assert started().refused(command) is No.NO_SUCH_STEP


# --- who may ----------------------------------------------------------------------------------------------------------

HELPING: list[Command] = [
    Pin(GUEST, (AUTH,)),
    FinishStep(GUEST, "flags"),
    SkipStep(GUEST, "flags", "x"),
    UndoStep(GUEST, "flags"),
    Collect(GUEST, "close", (("cause", "x"),)),
    Choose(GUEST, "migrations", "none"),
    Approve(GUEST, "migrations"),
    SayRolledBack(GUEST, "auth"),
    AllowDeploy(GUEST, "auth"),
    TakeCommand(GUEST),
    GiveCommand(GUEST),
    Abort(GUEST, "x"),
    End(GUEST),
    ForceEnd(GUEST, "x"),
    CallFalse(GUEST, "x"),
    FixAnotherWay(GUEST, "x"),
    SayGone(GUEST, key(), "x"),
    Summon(GUEST, ("U1",)),
]


@pytest.mark.parametrize("command", HELPING, ids=lambda one: one.name)
def test_somebody_without_a_right_does_nothing(command: Command) -> None:
    assert pinned().refused(command) is No.NOT_ALLOWED


@pytest.mark.parametrize(
    "command",
    [AllowDeploy(BEN, "auth"), GiveCommand(BEN), Abort(BEN, "x"), End(BEN), ForceEnd(BEN, "x"), CallFalse(BEN, "x")],
    ids=lambda one: one.name,
)
def test_what_only_the_commander_does(command: Command) -> None:
    driven = pinned()
    assert driven.refused(command) is No.NOT_COMMANDER
    assert "Ana commands INC-0001" in driven.do(command)


def test_anybody_may_add_a_note_even_afterwards() -> None:
    driven = started()
    assert driven.do(Note(GUEST, "I deployed that")) == ""
    driven.add(Ended(driven.at, ANA, EndReason.BY_PERSON))
    assert driven.do(Note(GUEST, "and I am sorry")) == ""
    assert driven.refused(Note(GUEST, " ")) is No.WORDS_MISSING


# --- command ----------------------------------------------------------------------------------------------------------


def test_command_is_given_by_who_has_it() -> None:
    driven = started().later(minutes=1)
    assert driven.refused(GiveCommand(ANA)) is No.NOTHING_ASKED
    assert driven.do(TakeCommand(BEN)) == ""
    assert driven.incident.commander == ANA
    assert driven.refused(TakeCommand(BEN)) is No.NOTHING_ASKED
    assert driven.do(GiveCommand(ANA)) == ""
    assert driven.incident.commander == BEN
    assert driven.incident.care.wants_command is None


def test_a_silent_commander_is_relieved() -> None:
    driven = started().later(minutes=5)
    driven.do(FinishStep(ANA, "target"))
    assert driven.later(minutes=9).do(TakeCommand(BEN)) == ""
    assert driven.incident.commander == ANA
    assert driven.later(minutes=1).do(TakeCommand(BEN)) == ""
    assert driven.incident.commander == BEN


def test_giving_up_says_what_stays_changed_and_opens_deploys() -> None:
    driven = at_services().sees("auth", "2.13.4")
    assert driven.refused(Abort(ANA, "")) is No.WORDS_MISSING
    assert driven.do(Abort(ANA, "the cause is elsewhere")) == ""
    assert driven.incident.running is None
    aborted = driven.incident.care.aborted
    assert aborted is not None
    assert aborted.changed == ("auth runs 2.13.4 instead of 2.14.0", "“Flags first” is done")
    assert driven.incident.is_open
    driven.start(BEN)
    assert driven.incident.care.aborted is None
    assert step(driven) == "target"


# --- what it was ------------------------------------------------------------------------------------------------------


def test_a_false_alarm_retires_what_fires_and_ends_it() -> None:
    driven = Driven()
    before = driven.incident
    assert driven.refused(CallFalse(ANA, "")) is No.WORDS_MISSING
    assert driven.do(CallFalse(ANA, "a load test")) == ""
    assert driven.incident.end_reason is EndReason.FALSE_ALARM
    assert driven.incident.active == ()
    assert retired(follow(before, tuple(driven.events[2:]))) == (key(),)


def test_a_false_alarm_after_something_was_rolled_back_leaves_the_end_to_people() -> None:
    driven = at_services().sees("auth", "2.13.4")
    assert driven.do(CallFalse(ANA, "it was the probe")) == ""
    assert driven.incident.is_open
    assert driven.incident.recovered_at == driven.at


def test_a_false_alarm_after_flags_were_switched_leaves_the_end_to_people() -> None:
    driven = at_services()
    assert driven.do(CallFalse(ANA, "it was the probe")) == ""
    assert driven.incident.is_open


def test_what_is_unseen_is_not_gone_for_good() -> None:
    blind = Driven(firing("logins", Tier.BLIND), blind=True)
    assert blind.refused(SayGone(ANA, key("logins", Tier.BLIND), "x")) is No.BLIND


def test_fixing_another_way_is_asked_about_every_half_hour() -> None:
    driven = Driven(firing(tier=Tier.PREPARE))
    assert driven.do(FixAnotherWay(BEN, "more replicas")) == ""
    assert driven.incident.acknowledged_by == BEN
    assert expires_at(driven.incident, Escalation()) == START + timedelta(minutes=30)


def test_watching_by_hand_is_for_blindness() -> None:
    assert Driven().refused(WatchByHand(ANA)) is No.NOT_BLIND
    blind = Driven(firing("logins", Tier.BLIND), blind=True)
    assert blind.do(WatchByHand(ANA)) == ""
    assert expires_at(blind.incident, Escalation()) == START + timedelta(minutes=30)


def test_an_instance_that_is_gone_for_good_fires_no_more() -> None:
    driven = Driven()
    assert driven.do(SayGone(ANA, key(), "scaled down", Presence.VANISHED)) == ""
    assert driven.incident.active == ()
    assert driven.refused(SayGone(ANA, key(), "scaled down", Presence.VANISHED)) is No.NO_SUCH_ALERT


@pytest.mark.parametrize(
    ("presence", "words"),
    [
        pytest.param(Presence.THERE, "it was in the data when they were read last", id="it is there=>refused"),
        pytest.param(Presence.UNKNOWN, "Whether Login vanished is not known", id="nobody looked=>refused"),
    ],
)
def test_what_has_not_vanished_is_not_gone_for_good(presence: Presence, words: str) -> None:
    driven = Driven()
    assert words in driven.do(SayGone(ANA, key(), "scaled down", presence))
    assert driven.refused(SayGone(ANA, key(), "scaled down", presence)) is No.NOT_GONE
    assert driven.incident.active


# --- the end ----------------------------------------------------------------------------------------------------------


def test_it_ends_when_everything_is_proven_and_not_before() -> None:
    driven = verifying()
    assert "still breaches" in driven.do(End(ANA))
    driven.clears()
    assert "no check has been run yet" in driven.do(End(ANA))
    driven.checked(signals=Outcome.WAITING, preflight=Outcome.PASSED)
    assert "signals: waiting" in driven.do(End(ANA))
    driven.checked(**GREEN)
    assert driven.do(End(ANA)) == ""
    assert driven.incident.end_reason is EndReason.BY_PERSON
    assert driven.incident.running is None
    assert driven.refused(End(ANA)) is No.ENDED


def test_results_that_are_too_old_or_older_than_a_breach_prove_nothing() -> None:
    again = "the checks are to be run again"
    driven = verifying().clears().checked(**GREEN)
    assert again in driven.later(minutes=11).do(End(ANA))
    driven.checked(**GREEN).later(minutes=1)
    driven.add(AlertFired(driven.at, MONITOR, firing("Errors", at=driven.at)))
    driven.later(minutes=1).clears("Errors")
    assert again in driven.do(End(ANA))
    driven.checked(**GREEN)
    assert driven.do(End(ANA)) == ""
    assert driven.later(minutes=2).do(Reopen(ANA, "users still call")) == ""
    assert again in driven.do(End(ANA))


def test_without_a_procedure_the_signals_must_have_been_clear_for_a_while() -> None:
    driven = Driven().clears()
    assert in_the_way(driven.incident, driven.at + timedelta(minutes=9)) == (
        "the signals are clear for 9 min of 10 min",
    )
    assert driven.later(minutes=10).do(End(BEN)) == ""


def test_forcing_the_end_takes_two() -> None:
    driven = verifying()
    assert driven.refused(ForceEnd(ANA, "")) is No.WORDS_MISSING
    assert driven.do(ForceEnd(ANA, "the probe is broken")) == ""
    assert driven.incident.is_open
    assert driven.do(ForceEnd(BEN, "")) == ""
    assert (driven.incident.end_reason, driven.incident.single_handed) == (EndReason.FORCED, False)


def test_alone_it_takes_five_minutes_and_is_marked() -> None:
    driven = verifying()
    driven.do(ForceEnd(ANA, "the probe is broken"))
    assert driven.later(minutes=4).refused(ForceEnd(ANA, "nobody here")) is No.NOT_YET
    assert driven.later(minutes=1).do(ForceEnd(ANA, "nobody here")) == ""
    assert driven.incident.single_handed
    assert retired(follow(verifying().incident, (driven.events[-1],))) == (key(),)


def ended() -> Driven:
    driven = verifying().clears().checked(**GREEN)
    assert driven.do(End(ANA)) == ""
    return driven


def test_it_can_be_opened_again_within_the_hour() -> None:
    driven = ended().later(minutes=60)
    assert driven.refused(Reopen(ANA, "")) is No.WORDS_MISSING
    assert driven.do(Reopen(ANA, "users still call")) == ""
    assert driven.incident.is_open
    assert driven.incident.running is not None
    assert ended().later(minutes=61).refused(Reopen(ANA, "x")) is No.TOO_LATE
    assert started().refused(Reopen(ANA, "x")) is No.NOT_ENDED


def test_after_a_forced_end_it_is_opened_again_without_what_nobody_follows_any_more() -> None:
    driven = verifying()
    driven.do(ForceEnd(ANA, "the probe is broken"))
    driven.do(ForceEnd(BEN, ""))
    assert driven.incident.signals, "nothing was clear when it ended"
    assert driven.later(minutes=5).do(Reopen(ANA, "users still call")) == ""
    assert driven.incident.signals == ()
    assert driven.incident.recovered_at == driven.at
    driven.checked(**GREEN)
    assert driven.do(End(ANA)) == ""


def test_the_record_is_asked_for_on_the_first_and_third_working_day_and_completed() -> None:
    driven = ended()  # a Tuesday at three in the night
    assert driven.later(hours=24).waits() == ()
    assert driven.later(hours=6).waits() == ("record_asked",)
    assert driven.waits() == ()
    assert driven.later(hours=48).waits() == ("record_asked",)
    assert driven.later(days=30).waits() == ()
    action = FollowUp("add the index", "Ben", date(2025, 3, 20))
    assert driven.refused(CompleteRecord(ANA, "")) is No.WORDS_MISSING
    assert driven.refused(CompleteRecord(ANA, "x", (FollowUp("y", "", date(2025, 3, 20)),))) is No.WORDS_MISSING
    assert driven.do(CompleteRecord(ANA, "a missing index", (action,))) == ""
    assert driven.incident.care.record is not None
    assert driven.incident.care.record.follow_ups == (action,)


def test_weekends_are_no_working_days() -> None:
    driven = ended()
    driven.incident = replace(driven.incident, ended_at=START + timedelta(days=3))  # a Friday
    driven.at = START + timedelta(days=5)  # Sunday
    assert driven.waits() == ()
    driven.later(days=1, hours=6)  # Monday, 09:02
    assert driven.waits() == ("record_asked",)


def test_what_went_away_by_itself_can_be_explained() -> None:
    driven = Driven().clears().later(minutes=30)
    assert driven.waits() == ("ended",)
    assert driven.do(ExplainEnd(BEN, "a cache filled up again")) == ""
    assert driven.incident.care.explained == "a cache filled up again"


def test_rolled_back_and_still_breaching_is_said_once() -> None:
    driven = at_services().sees("auth", "2.13.4").sees("web", "1.9.0")
    assert driven.later(minutes=9).waits() == ()
    assert driven.later(minutes=1).waits() == ("still_breaching",)
    assert driven.later(minutes=1).waits() == ()


# --- what the page offers and says ------------------------------------------------------------------------------------


def found(*changes: Changed) -> WhatChanged:
    return WhatChanged(START, START, changes, (), (What.RELEASE,))


def test_where_nothing_was_released_the_rollback_is_offered_behind_the_menu_and_the_page_says_why() -> None:
    driven = Driven()
    driven.add(ChangesFound(START, MONITOR, found()))
    (start,) = [one for one in actions_of(driven.incident) if one.kind is ActionKind.START]
    assert start.place is Place.MORE
    page = render(Scene(driven.incident, driven.at, {}))
    assert "No release in 24 h: a rollback is unlikely to help." in page.changes


def test_after_a_release_the_rollback_is_offered_on_the_page_and_the_first_line_names_it() -> None:
    driven = Driven()
    released = Changed("login", What.RELEASE, "1.0", "1.1", START - timedelta(minutes=2))
    driven.add(ChangesFound(START, MONITOR, found(released)))
    (start,) = [one for one in actions_of(driven.incident) if one.kind is ActionKind.START]
    assert start.place is Place.ROW
    headline = render(Scene(driven.incident, driven.at, {})).headline
    assert headline.startswith(
        "ROLLBACK NOW production: Login: 62 % fail since 03:02 UTC. login 1.1 deployed 2 min before"
    )
    started = render(Scene(driven.start().incident, driven.at, {})).headline
    assert started == "ROLLING BACK production · step 2/7: Login: 62 % fail since 03:02 UTC"


def test_signals_that_clear_in_mid_procedure_leave_mixed_versions_that_are_named() -> None:
    driven = at_services().sees("auth", "2.13.4").sees("web", "1.9.1")
    before = driven.incident
    driven.clears()
    response = follow(before, (driven.events[-1],))
    (told,) = [one for one in owed(response, [Audience(Route("C0OPS"))]) if one.post is NewPost.BROADCAST]
    assert "Versions are mixed (auth 2.13.4, web 1.9.1)" in told.said
    assert driven.incident.running is not None, "the procedure goes on"


def test_a_false_alarm_after_start_ends_it_and_opens_deploys() -> None:
    driven = pinned()
    assert driven.do(CallFalse(ANA, "a load test")) == ""
    assert driven.incident.end_reason is EndReason.FALSE_ALARM
    assert gate([driven.incident], "auth", "2.15.0").allowed
