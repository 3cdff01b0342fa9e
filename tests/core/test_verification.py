"""What checks find, in words and outcomes, and whether that is enough to end an incident."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, TypeAdapter

from monitor.core.incidents.events import Firing
from monitor.core.model import AlertKey, Judgement, Sample, Tier, Verdict
from monitor.core.procedures.beforeafter import Row, before_and_after
from monitor.core.procedures.clearance import Watched, standing
from monitor.core.procedures.clearclock import ClearClock, Seen
from monitor.core.procedures.procedure import Check, Step
from monitor.core.procedures.verification import (
    GRAVITY,
    CheckResult,
    Entered,
    Finding,
    Outcome,
    SignalHeld,
    answered,
    compared,
    entered,
    progress,
    read_before,
    result_of,
    signals_result,
    verdict,
)
from monitor.core.procedures.verifying import LOOK, SIGNALS, Answers, Context, checks_of, results_of
from monitor.core.rules.rule import Resolve
from monitor.core.rules.signal import Unit

AT = datetime(2025, 3, 4, 3, 20, tzinfo=UTC)
ABOVE = Check("promql", "Login works", "x", above=0.9)
BELOW = Check("promql", "Queue is short", "x", below=5)
NAN, INF = float("nan"), float("inf")


def samples(*values: float) -> tuple[Sample, ...]:
    return tuple(Sample((("instance", f"i{number}"),), value) for number, value in enumerate(values))


COMPARED = [
    ("one that holds", ABOVE, (0.95,), Outcome.PASSED, "0.95, more than 0.9 is asked for"),
    ("exactly at the limit", ABOVE, (0.9,), Outcome.FAILED, "0.9, more than 0.9 is asked for"),
    ("one under it", ABOVE, (0.4,), Outcome.FAILED, "0.4, more than 0.9 is asked for"),
    ("the other side", BELOW, (4.0,), Outcome.PASSED, "4, less than 5 is asked for"),
    ("the other side, over it", BELOW, (6.0,), Outcome.FAILED, "6, less than 5 is asked for"),
    ("no data never passes", BELOW, (), Outcome.UNKNOWN, "no data, and less than 5 is asked for"),
    (
        "no number never passes",
        ABOVE,
        (NAN,),
        Outcome.UNKNOWN,
        "the value is no number, and more than 0.9 is asked for",
    ),
    (
        "every series must hold",
        ABOVE,
        (1.0, 0.5, 0.8),
        Outcome.FAILED,
        '0.5, more than 0.9 is asked for, the worst of 3 series: {instance="i1"}',
    ),
    (
        "one of them is no number",
        ABOVE,
        (1.0, NAN),
        Outcome.UNKNOWN,
        'the value is no number ({instance="i1"}), and more than 0.9 is asked for',
    ),
    (
        "one fails, another is no number",
        ABOVE,
        (0.1, NAN),
        Outcome.FAILED,
        '0.1, more than 0.9 is asked for, the worst of 2 series: {instance="i0"}',
    ),
    ("infinitely much", ABOVE, (INF,), Outcome.PASSED, "inf, more than 0.9 is asked for"),
]


@pytest.mark.parametrize(
    ("check", "values", "outcome", "said"), [case[1:] for case in COMPARED], ids=[case[0] for case in COMPARED]
)
def test_samples_are_compared(check: Check, values: tuple[float, ...], outcome: Outcome, said: str) -> None:
    found = compared(check, samples(*values))
    assert (found.outcome, found.said) == (outcome, said)


@given(st.lists(st.floats(allow_nan=True), max_size=6), st.booleans())
def test_it_passes_only_where_every_single_series_holds(values: list[float], over: bool) -> None:  # noqa: FBT001
    check = replace(ABOVE, above=0.0) if over else replace(BELOW, below=0.0)
    holds = [value > 0 if over else value < 0 for value in values]
    assert (compared(check, samples(*values)).outcome is Outcome.PASSED) == (bool(values) and all(holds))


def test_what_was_read_before_is_the_worst_of_it() -> None:
    assert read_before(ABOVE, samples(0.4, 0.2, NAN)) == "0.2"
    assert read_before(BELOW, samples(4, 6)) == "6"
    assert read_before(ABOVE, ()) == ""


HTTP = Check("http", "Export", "https://ana:pw@shop/export?token=x", status=200)
STATUS = [
    (200, 200, Outcome.PASSED, "https://shop/export?… answered 200"),
    (200, 503, Outcome.FAILED, "https://shop/export?… answered 503; 200 is asked for"),
    (
        200,
        302,
        Outcome.FAILED,
        "https://shop/export?… answered 302, a redirect, which is not followed; 200 is asked for",
    ),
    (302, 302, Outcome.PASSED, "https://shop/export?… answered 302"),
]


@pytest.mark.parametrize(("wanted", "status", "outcome", "said"), STATUS)
def test_a_status_is_compared(wanted: int, status: int, outcome: Outcome, said: str) -> None:
    found = answered(replace(HTTP, status=wanted), status)
    assert (found.outcome, found.said) == (outcome, said)


# --- the verdict --------------------------------------------------------------------------------------------------


def result(outcome: Outcome, title: str = "Login works", kind: str = "promql") -> CheckResult:
    return result_of(Check(kind, title, "x", above=0.9), Finding(outcome, "0.4"), AT, AT)


@given(st.lists(st.sampled_from(Outcome), max_size=6))
def test_only_passed_checks_are_green(outcomes: list[Outcome]) -> None:
    found = verdict([result(one) for one in outcomes])
    assert found.green == (bool(outcomes) and set(outcomes) == {Outcome.PASSED})
    assert found.outcome is max(outcomes, key=GRAVITY.index, default=Outcome.UNKNOWN)
    assert (found.passed, found.of) == (outcomes.count(Outcome.PASSED), len(outcomes))
    assert [one.outcome for one in found.blocking] == sorted(
        (one for one in outcomes if one is not Outcome.PASSED), key=GRAVITY.index, reverse=True
    )


SENTENCES = [
    ((), "nothing was checked"),
    ((Outcome.PASSED,), "1 of 1 check passed"),
    (
        (Outcome.WAITING, Outcome.PASSED, Outcome.FAILED),
        "1 of 3 checks passed; failed: Login works (0.4) (+1 more)",
    ),
    ((Outcome.NOT_RUN,), "0 of 1 check passed; not run: Login works (0.4)"),
]


@pytest.mark.parametrize(("outcomes", "sentence"), SENTENCES)
def test_the_verdict_says_what_stands_in_the_way(outcomes: tuple[Outcome, ...], sentence: str) -> None:
    assert verdict([result(one) for one in outcomes]).sentence == sentence


def test_a_person_enters_the_result_only_of_what_is_not_run_here() -> None:
    passes, fails = Entered(True, "Ana", AT, "exit 0"), Entered(False, "Ben", AT)  # noqa: FBT003
    one = entered(result(Outcome.NOT_RUN), passes)
    assert (one.outcome, one.said, one.by) == (Outcome.PASSED, "passed, says Ana: exit 0", "Ana")
    assert entered(result(Outcome.NOT_RUN), fails).outcome is Outcome.FAILED
    for outcome in set(Outcome) - {Outcome.NOT_RUN}:
        assert entered(result(outcome), passes) == result(outcome)


@pytest.mark.parametrize(
    ("held", "hold", "said"),
    [
        (0, 600, "clear 0 of 10 min"),
        (239, 600, "clear 3 of 10 min"),
        (900, 600, "clear 10 of 10 min"),
        (20, 45, "clear 20 of 45 s"),
        (60, 90, "clear 60 of 90 s"),
    ],
)
def test_progress_is_told_in_whole_units(held: int, hold: int, said: str) -> None:
    assert progress(held, hold) == said


# --- signals ------------------------------------------------------------------------------------------------------

KEY = AlertKey("LoginFailing", (("service", "auth"),), Tier.ROLLBACK)
FIRING = Firing(KEY, "auth", "login", AT - timedelta(minutes=18), AT - timedelta(minutes=17), 0.62, 0.25)
FIRING = replace(FIRING, unit=Unit.RATIO)
PERSON = replace(FIRING, resolve=Resolve.BY_PERSON)
CLEAR = Judgement(Verdict.CLEAR, 0.01, requests=400, why="1 % of 400 requests failed")
QUIET = Judgement(Verdict.INSUFFICIENT, 0.0, requests=3, why="3 of 50 requests needed")


def clock(clear: int = 0, quiet: int = 0, seen: Seen = Seen.CLEAR) -> ClearClock:
    return ClearClock(clear, quiet, since=0, last=900, seen=seen)


STANDING = [
    ("clear for long enough", FIRING, Watched(clock(600), CLEAR), Outcome.PASSED, 600, "clear 10 of 10 min"),
    ("not for long enough", FIRING, Watched(clock(599), CLEAR), Outcome.WAITING, 599, "clear 9 of 10 min"),
    ("a breach", FIRING, Watched(clock(0, seen=Seen.BREACH), CLEAR), Outcome.FAILED, 0, "still breaching"),
    ("unseen just now", FIRING, Watched(clock(600, seen=Seen.UNSEEN)), Outcome.WAITING, 600, "cannot see: nothing"),
    (
        "not answered",
        FIRING,
        Watched(clock(240), CLEAR, "the connection is refused"),
        Outcome.WAITING,
        240,
        "cannot see: the connection is refused; clear 4 of 10 min, and the clock stands",
    ),
    ("its rule is gone", FIRING, Watched(cannot="the rule is gone"), Outcome.UNKNOWN, 0, "the rule is gone"),
    ("never read", FIRING, Watched(), Outcome.WAITING, 0, "cannot see: nothing was read yet"),
    ("nobody has dealt with it", PERSON, Watched(clock(900), CLEAR), Outcome.WAITING, 0, "waits for somebody"),
    (
        "dealt with",
        replace(PERSON, resolved_at=AT, resolved_why="dealt with by Ana: restored"),
        Watched(),
        Outcome.PASSED,
        600,
        "dealt with by Ana: restored",
    ),
]


@pytest.mark.parametrize(
    ("firing", "watched", "outcome", "held", "why"), [case[1:] for case in STANDING], ids=[case[0] for case in STANDING]
)
def test_how_a_signal_stands(firing: Firing, watched: Watched, outcome: Outcome, held: int, why: str) -> None:
    found = standing(firing, watched, 600, proven=True)
    assert (found.outcome, found.held_for) == (outcome, held)
    assert found.why.startswith(why)


def test_quiet_readings_count_only_beside_a_check_that_passes_and_it_is_said() -> None:
    watched = Watched(clock(100, 500, Seen.QUIET), QUIET)
    alone, beside = (standing(FIRING, watched, 600, proven=proven) for proven in (False, True))
    assert (alone.outcome, beside.outcome) == (Outcome.WAITING, Outcome.PASSED)
    assert alone.why.endswith("500 s of too little traffic count only beside a check that passes")
    assert beside.why.endswith("too little traffic to tell for 500 s of it, beside a check that passes")


def test_a_signal_that_is_excused_is_not_waited_for() -> None:
    found = standing(FIRING, Watched(blind="gone"), 600, proven=False, excused="gone for good, says Ana")
    assert (found.outcome, found.why) == (Outcome.PASSED, "gone for good, says Ana")


def held(outcome: Outcome, seconds: int = 0, name: str = "login") -> SignalHeld:
    return SignalHeld(replace(KEY, alert=name), name, outcome, seconds, 0.01, 0.25, Unit.RATIO, f"{name} says why")


def test_the_signals_are_as_good_as_the_worst_of_them() -> None:
    signals = (held(Outcome.PASSED, 900), held(Outcome.WAITING, 240, "errors"), held(Outcome.WAITING, 60, "invoices"))
    found = signals_result(SIGNALS, signals, 600, AT, AT)
    assert (found.outcome, found.held_for, found.hold) == (Outcome.WAITING, 60, 600)
    assert found.said == "invoices: invoices says why (+1 more)"


def test_no_signal_at_all_is_no_pass() -> None:
    assert signals_result(SIGNALS, (), 600, AT, AT).outcome is Outcome.UNKNOWN


# --- a run --------------------------------------------------------------------------------------------------------


def test_the_signals_are_checked_whether_the_procedure_says_so_or_not() -> None:
    assert checks_of(Step("verify", "Verify", checks=(ABOVE,))) == (SIGNALS, ABOVE)
    own = Check("signals", "All clear")
    assert checks_of(Step("verify", "Verify", checks=(ABOVE, own))) == (ABOVE, own)


def test_a_check_without_a_result_is_unknown_and_says_why() -> None:
    answers = Answers(AT, AT, {}, {}, {ABOVE.id: "no result within 330 s", LOOK: "too slow"})
    signals, other = results_of((SIGNALS, ABOVE), Context("INC-0001", (FIRING,)), answers)
    assert (other.outcome, other.said) == (Outcome.UNKNOWN, "no result within 330 s")
    assert (signals.outcome, signals.signals[0].why[:21]) == (Outcome.WAITING, "cannot see: too slow;")


def test_a_banner_that_something_is_unseen_is_no_signal() -> None:
    banner = replace(FIRING, key=AlertKey("LoginFailing", (), Tier.BLIND))
    context = Context("INC-0001", (FIRING, banner))
    assert context.watched == (FIRING,)


def test_a_result_that_somebody_entered_proves_as_much_as_one_that_was_run() -> None:
    command = Check("command", "Preflight", argv=("true",))
    shown = result_of(command, Finding(Outcome.NOT_RUN, "shown only"), AT, AT)
    looked = {KEY: Watched(clock(0, 600, Seen.QUIET), QUIET)}
    answers = Answers(AT, AT, {command.id: shown}, looked)
    context = Context("INC-0001", (FIRING,), entered={command.id: Entered(True, "Ana", AT)})  # noqa: FBT003
    assert [one.outcome for one in results_of((SIGNALS, command), context, answers)] == [Outcome.PASSED] * 2
    nobody = replace(context, entered={})
    assert verdict(results_of((SIGNALS, command), nobody, answers)).outcome is Outcome.NOT_RUN


@given(st.floats(allow_nan=False), st.text(max_size=20))
def test_results_are_data(value: float, said: str) -> None:
    events = TypeAdapter(tuple[CheckResult, ...] | None, config=ConfigDict(ser_json_inf_nan="strings"))
    signals = (replace(held(Outcome.FAILED), value=value, why=said),)
    found = (signals_result(SIGNALS, signals, 600, AT, AT), replace(result(Outcome.PASSED), value=value, said=said))
    assert events.validate_json(events.dump_json(found)) == found


def test_before_and_after_stand_side_by_side() -> None:
    second = replace(FIRING, key=replace(KEY, alert="invoices"), value=None)
    signals = (held(Outcome.WAITING, 60, "invoices"), replace(held(Outcome.PASSED, 900), key=KEY))
    results = (
        replace(result(Outcome.FAILED), before="0.2"),
        signals_result(SIGNALS, signals, 600, AT, AT),
        result(Outcome.PASSED, "Preflight", "command"),
    )
    table = before_and_after((FIRING, second), results, {KEY: 0.7})
    assert table.rows == (
        Row("login", "70 % at its worst; 62 % when it fired", "1 %, clear", Outcome.PASSED),
        Row("invoices", "-", "1 %", Outcome.WAITING),
        Row("Login works", "0.2", "0.4", Outcome.FAILED),
        Row("Preflight", "-", "0.4", Outcome.PASSED),
    )
