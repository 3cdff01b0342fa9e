"""How long a signal has been clear: by any sequence of readings, and by judgements of every kind."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.model import Judgement, Tier, Verdict
from monitor.core.procedures.clearclock import NEVER_READ, ClearClock, Seen, seen, tick
from monitor.core.rules.rule import Guards, NoData, Rule, TierRule
from monitor.core.rules.signal import ErrorRatio

INTERVAL = 15
READINGS = st.lists(st.sampled_from(Seen), max_size=60)
WORDS = {"C": Seen.CLEAR, "q": Seen.QUIET, "-": Seen.UNSEEN, "B": Seen.BREACH}


def after(readings: Sequence[Seen], start: int = 0) -> ClearClock:
    clock = NEVER_READ
    for number, one in enumerate(readings):
        clock = tick(clock, start + number * INTERVAL, one, INTERVAL)
    return clock


CASES = [
    ("", 0, 0),
    ("C", 0, 0),
    ("CC", 15, 0),
    ("CCCCC", 60, 0),
    ("CCBCC", 15, 0),
    ("CCCB", 0, 0),
    ("CC-CC", 30, 0),
    ("C-C-C", 0, 0),
    ("CC-----", 15, 0),
    ("CqqC", 0, 45),
    ("CCqCC", 30, 30),
    ("qqBqq", 0, 15),
    ("-C", 0, 0),
]


@pytest.mark.parametrize(("text", "clear", "quiet"), CASES, ids=[case[0] or "nothing" for case in CASES])
def test_the_clock_counts_what_was_seen_between_two_readings(text: str, clear: int, quiet: int) -> None:
    clock = after([WORDS[one] for one in text])
    assert (clock.clear, clock.quiet) == (clear, quiet)


@given(READINGS)
def test_only_pairs_of_readings_since_the_last_breach_count(readings: list[Seen]) -> None:
    since = len(readings) - next((n for n, one in enumerate(reversed(readings)) if one is Seen.BREACH), len(readings))
    pairs = [pair for pair in pairwise(readings[since:]) if set(pair) <= {Seen.CLEAR, Seen.QUIET}]
    clear = sum(set(pair) == {Seen.CLEAR} for pair in pairs)
    clock = after(readings)
    assert (clock.clear, clock.quiet) == (clear * INTERVAL, (len(pairs) - clear) * INTERVAL)


@given(READINGS, READINGS)
def test_after_a_breach_nothing_before_it_counts(before: list[Seen], later: list[Seen]) -> None:
    counted = after([*before, Seen.BREACH, *later])
    alone = after(later)
    assert (counted.clear, counted.quiet) == (alone.clear, alone.quiet)


@given(READINGS, st.integers(min_value=1, max_value=20))
def test_the_clock_stands_while_nothing_is_seen(readings: list[Seen], unseen: int) -> None:
    before, later = after(readings), after([*readings, *[Seen.UNSEEN] * unseen])
    assert (later.clear, later.quiet, later.since) == (before.clear, before.quiet, before.since)
    resumed = tick(later, len([*readings, *range(unseen)]) * INTERVAL, Seen.CLEAR, INTERVAL)
    assert (resumed.clear, resumed.quiet) == (before.clear, before.quiet)


@given(READINGS)
def test_it_never_claims_more_than_has_passed_since_it_began(readings: list[Seen]) -> None:
    clock = after(readings)
    passed = clock.last - clock.since if clock.last is not None and clock.since is not None else 0
    assert 0 <= clock.held(proven=False) <= clock.held(proven=True) <= passed


@given(READINGS)
def test_without_proof_quiet_readings_never_make_it_longer(readings: list[Seen]) -> None:
    silent = [Seen.UNSEEN if one is Seen.QUIET else one for one in readings]
    assert after(readings).held(proven=False) == after(silent).held(proven=True)


@given(READINGS)
def test_a_reading_that_is_told_again_changes_nothing(readings: list[Seen]) -> None:
    clock = after(readings)
    for number, one in enumerate(readings):
        assert tick(clock, number * INTERVAL, one, INTERVAL) == clock


def test_another_word_about_the_same_time_is_nothing_new() -> None:
    clock = tick(NEVER_READ, 0, Seen.CLEAR, INTERVAL)
    assert tick(clock, 0, Seen.BREACH, INTERVAL) == clock


def test_a_hole_between_two_readings_does_not_count() -> None:
    clock = tick(tick(NEVER_READ, 0, Seen.CLEAR, INTERVAL), 2 * INTERVAL, Seen.CLEAR, INTERVAL)
    assert clock.held(proven=True) == 0


TIER = TierRule(Tier.ROLLBACK, above=0.2, below=None, hold=0, guards=Guards(min_requests=50))
RULE = Rule("LoginFailing", ErrorRatio("r", "f", ("service",), 60), (TIER,))
JUDGED = [
    ("clear", Judgement(Verdict.CLEAR, 0.01, requests=400), NoData.HOLD, Seen.CLEAR),
    ("breaching", Judgement(Verdict.BREACH, 0.5, requests=400), NoData.HOLD, Seen.BREACH),
    ("between clear and the limit", Judgement(Verdict.BETWEEN, 0.15, requests=400), NoData.HOLD, Seen.BREACH),
    ("too few requests at night", Judgement(Verdict.INSUFFICIENT, 0.0, requests=3), NoData.HOLD, Seen.QUIET),
    ("no request at all", Judgement(Verdict.INSUFFICIENT, None, requests=0), NoData.HOLD, Seen.QUIET),
    ("few requests that fail", Judgement(Verdict.INSUFFICIENT, 0.5, requests=4), NoData.HOLD, Seen.UNSEEN),
    ("a breach without proof", Judgement(Verdict.INSUFFICIENT, 0.3, requests=60), NoData.HOLD, Seen.UNSEEN),
    ("enough requests, no baseline", Judgement(Verdict.INSUFFICIENT, None, requests=60), NoData.HOLD, Seen.UNSEEN),
    ("too few, and not counted", Judgement(Verdict.INSUFFICIENT, 0.0), NoData.HOLD, Seen.UNSEEN),
    ("no data", Judgement(Verdict.NO_DATA), NoData.HOLD, Seen.UNSEEN),
    ("no data that stand for a breach", Judgement(Verdict.NO_DATA), NoData.BREACH, Seen.BREACH),
    ("no data that stand for clear", Judgement(Verdict.NO_DATA), NoData.CLEAR, Seen.CLEAR),
    ("an error, whatever no data stand for", Judgement(Verdict.ERROR), NoData.CLEAR, Seen.UNSEEN),
]


@pytest.mark.parametrize(
    ("judgement", "no_data", "expected"), [case[1:] for case in JUDGED], ids=[case[0] for case in JUDGED]
)
def test_what_a_judgement_says_to_the_clock(judgement: Judgement, no_data: NoData, expected: Seen) -> None:
    rule = Rule(RULE.alert, RULE.signal, RULE.tiers, no_data=no_data)
    assert seen(judgement, rule, TIER) is expected


def test_few_requests_under_a_lower_limit_are_not_quiet() -> None:
    tier = TierRule(Tier.PREPARE, above=None, below=0.5, hold=0, guards=Guards(min_requests=50))
    assert seen(Judgement(Verdict.INSUFFICIENT, 0.4, requests=3), RULE, tier) is Seen.UNSEEN
    assert seen(Judgement(Verdict.INSUFFICIENT, 0.6, requests=3), RULE, tier) is Seen.QUIET
