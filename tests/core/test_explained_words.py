"""An explanation in words: what was judged, why it fires or does not, what time will do, what would have to change."""

import math
from dataclasses import replace
from typing import Any

import pytest

from monitor.core.explanation.explainedfacts import changes, facts, lately
from monitor.core.explanation.explainedwords import in_a_line, reading, why
from monitor.core.explanation.explaining import (
    Change,
    Evidence,
    Explanation,
    Origin,
    Standing,
    Subject,
    Told,
    explain,
    spans,
    standing,
)
from monitor.core.judging.judge import held_back, judge
from monitor.core.judging.latency import quantile
from monitor.core.judging.observe import Observation
from monitor.core.model import Alert, AlertKey, Cause, Judgement, Reference, State, Tier, Verdict
from monitor.core.rules.rule import Group, Guards, Resolve, Rule, TierRule
from monitor.core.rules.signal import Baseline, Condition, ErrorRatio, Latency, Query, Signal

AT = 1_741_057_200  # 2025-03-04 03:00:00 UTC
GROUP = Group("apis", ())
RATIO = ErrorRatio("r", "f", ("job",), 60)
SLOW = Latency("h", 0.95, ("job",), 120, Baseline())
KEY = AlertKey("Errors", (("job", "auth"),), Tier.PREPARE)
PREPARE = TierRule(Tier.PREPARE, 0.02, None, 300, 0.015, 60, Guards(50))
BREACH = Observation(0.05, 600, 30)
CALM = Observation(0.01, 600, 6)
FEW = Observation(0.5, 12, 6)


def explained(
    seen: Observation | None = BREACH,
    alert: Alert | None = None,
    *,
    signal: Signal = RATIO,
    tier: TierRule = PREPARE,
    references: tuple[Reference, ...] = (),
    known: Standing | None = None,
    judgement: Judgement | None = None,
    **of_rule: Any,  # noqa: ANN401  # any field
) -> Explanation:
    rule = Rule("Errors", signal, (tier,), **of_rule)
    judged = judgement or judge(signal, tier, seen or Observation(), references)
    return explain(Subject(GROUP, rule, tier, KEY, AT), judged, seen, known or Standing(alert))


def pending(**more: Any) -> Alert:  # noqa: ANN401  # any field
    return replace(Alert(KEY, State.PENDING, AT - 195), **more)


def firing(state: State = State.FIRING, **more: Any) -> Alert:  # noqa: ANN401  # any field
    return replace(Alert(KEY, state, AT - 600, fired_at=AT - 300), **more)


NO_DATA = Observation(None)

WHY: list[tuple[str, Explanation, str]] = [
    (
        "held for a while",
        explained(BREACH, pending()),
        "It does not fire yet: over the limit since 02:56:45 UTC, held 3m15s of 5m; fires at 03:01:45 UTC if it stays.",
    ),
    (
        "held, less what was not credited",
        explained(BREACH, pending(held=30)),
        "It does not fire yet: over the limit since 02:56:45 UTC, held 2m45s of 5m; fires at 03:02:15 UTC if it stays.",
    ),
    (
        "pending without readings",
        explained(FEW, pending(held=30, missing=30)),
        (
            "It does not fire yet: over the limit since 02:56:45 UTC, but the last 30s gave no usable reading; if that "
            "stays it is dropped at 03:00:45 UTC (gap_tolerance 1m)."
        ),
    ),
    (
        "clear",
        explained(CALM),
        (
            "It does not fire: the reading is not over the limit; a breach from the next evaluation on fires at "
            "03:05:15 UTC."
        ),
    ),
    (
        "between",
        explained(Observation(0.018, 500, 9)),
        (
            "It does not fire: the reading is over what counts as clear, but not over the limit; a breach from the "
            "next evaluation on fires at 03:05:15 UTC."
        ),
    ),
    (
        "too few requests",
        explained(FEW, tier=replace(PREPARE, hold=0)),
        "It does not fire: only a breach starts an alert, and this is none.",
    ),
    (
        "firing",
        explained(BREACH, firing(), keep_firing_for=120),
        (
            "It fires: over the limit since 02:50:00 UTC, fired at 02:55:00 UTC after 5m; it resolves once it is clear "
            "for 2m."
        ),
    ),
    (
        "firing for longer than history goes back",
        explained(BREACH, firing(open_ended=True, fired_at=AT - 600)),
        "It fires: over the limit since before 02:50:00 UTC; it resolves once it is clear.",
    ),
    (
        "firing without data",
        explained(NO_DATA, firing()),
        (
            "It fires: over the limit since 02:50:00 UTC, fired at 02:55:00 UTC after 5m; missing data never resolve "
            "it: it resolves once it is clear."
        ),
    ),
    (
        "until a person says so",
        explained(CALM, firing(), resolve=Resolve.BY_PERSON),
        (
            "It fires: over the limit since 02:50:00 UTC, fired at 02:55:00 UTC after 5m; it ends when somebody says "
            "that it is dealt with (resolve: by_person)."
        ),
    ),
    (
        "recovering",
        explained(CALM, firing(State.RECOVERING, clear_since=AT - 30), keep_firing_for=120),
        (
            "It fires: over the limit since 02:50:00 UTC, fired at 02:55:00 UTC after 5m; clear for 30s of 2m, "
            "resolves at 03:01:30 UTC if that stays."
        ),
    ),
    (
        "recovering without data",
        explained(NO_DATA, firing(State.RECOVERING, clear_since=AT - 30), keep_firing_for=120),
        (
            "It fires: over the limit since 02:50:00 UTC, fired at 02:55:00 UTC after 5m; clear for 30s of 2m, and "
            "waits for readings."
        ),
    ),
    ("unknown", explained(CALM, known=Standing(unknown="timeout")), "Its state is not known: timeout."),
    (
        "ended by a person",
        explained(
            CALM,
            tier=replace(PREPARE, hold=0),
            known=Standing(changes=(Change(AT - 86400, State.FIRING, State.INACTIVE, Cause.RETIRED),)),
        ),
        (
            "It does not fire: the reading is not over the limit. It was firing until 2025-03-03 03:00:00 UTC (a "
            "person ended it)."
        ),
    ),
]


@pytest.mark.parametrize(("one", "words"), [row[1:] for row in WHY], ids=[row[0] for row in WHY])
def test_why_it_does_or_does_not(one: Explanation, words: str) -> None:
    assert why(one) == words


def test_the_reading_in_a_sentence() -> None:
    assert reading(explained(BREACH)) == "5 % of 600 requests failed: a breach (limit: above 2 %)."
    assert reading(explained(FEW)) == "Too little to judge: 12 of 50 requests needed."
    assert reading(explained(NO_DATA)) == "No data."
    assert reading(explained(Observation(math.nan))) == "No data (the value is nan)."


BUCKETS = {0.1: 400.0, 0.5: 900.0, 1.0: 990.0, math.inf: 1000.0}
LATENCY = Observation(quantile(0.95, BUCKETS), 1000.0, buckets=BUCKETS)
USUAL = (
    Reference("same_time", 0.39, "median of 3 of 3 weeks"),
    Reference("trailing", None, "only 8 of 24 hours had 50 requests"),
    Reference("before_deploy", 0.3, "the hour before auth 2.1 at 02:40 UTC"),
)


def test_everything_about_a_latency() -> None:
    tier = TierRule(Tier.PREPARE, 0.5, None, 300, 0.3, 120, Guards(50), 0.99)
    one = explained(LATENCY, pending(peak=1.0), signal=SLOW, tier=tier, references=USUAL)
    assert facts(one) == (
        ("requests", "1000 in 2m"),
        ("value", "p95 778 ms, 99.4 % slower"),
        ("limit", "above 50 % slower, 585 ms, for 5m; clear at 30 % slower, 507 ms or less"),
        ("min_requests", "50: met"),
        ("proof", "at 99 %, 85 of 1000 slower than the limit prove at least 6.64 % (Wilson), over 5 %: proven"),
        ("same_time", "390 ms, median of 3 of 3 weeks; it counts"),
        ("trailing", "none: only 8 of 24 hours had 50 requests"),
        ("before_deploy", "300 ms, the hour before auth 2.1 at 02:40 UTC; shown only"),
        ("state", "pending since 02:56:45 UTC, derived from Prometheus's history"),
        ("worst", "100 % slower"),
    )
    assert changes(one) == (
        "no breach: a p95 of 585 ms or less (now 778 ms)",
        "clear: a p95 of 507 ms or less (now 778 ms)",
        "no breach: a limit (prepare.above) of 99.4 % slower or more (now 50 % slower)",
    )


def test_of_several_references_the_largest_counts() -> None:
    both = (Reference("same_time", 0.39, "weeks"), Reference("trailing", 0.42, "hours"))
    told = dict(facts(explained(LATENCY, signal=SLOW, tier=replace(PREPARE, above=0.5, hold=0), references=both)))
    assert (told["same_time"], told["trailing"]) == ("390 ms, weeks", "420 ms, hours; the largest: it counts")
    assert told["limit"].startswith("above 50 % slower, 630 ms, at once")


def test_a_latency_without_any_baseline_says_what_is_lacking() -> None:
    one = explained(LATENCY, signal=SLOW, tier=replace(PREPARE, above=0.5), references=USUAL[1:])
    assert changes(one) == ("a baseline: trailing has none, only 8 of 24 hours had 50 requests",)


def test_a_ceiling_stands_in_and_nothing_is_said_of_a_baseline() -> None:
    capped = replace(SLOW, baseline=Baseline(ceiling=2.0))
    one = explained(LATENCY, signal=capped, tier=replace(PREPARE, above=0.5, clear=None), references=USUAL[1:])
    told = dict(facts(one))
    assert (told["value"], told["limit"]) == ("p95 778 ms", "above the ceiling, 2 s, for 5m")
    assert told["ceiling"] == "2 s, absolute, for want of a baseline; stands in as the limit"


def test_what_is_short_of_proof() -> None:
    tier = TierRule(Tier.ROLLBACK, 0.25, None, 0, None, 60, Guards(10, 5), 0.99)
    one = explained(Observation(0.28, 100, 28), tier=tier)
    told = dict(facts(one))
    assert told["proof"] == "at 99 %, 28 of 100 failed prove at least 18.9 % (Wilson), not over 25 %: not proven"
    assert told["min_failures"] == "5: met"
    assert changes(one) == (
        "a breach: 8 more failures (36 of 100 requests)",
        "a breach: 1028 more requests (1128), the same share of them failing",
    )


def test_what_a_release_holds_back() -> None:
    judged = held_back(judge(RATIO, PREPARE, BREACH), "auth warms up after 2.1 until 03:02 UTC")
    one = explained(BREACH, judgement=judged)
    assert changes(one)[0] == (
        "its reading is a breach, and does not count: auth warms up after 2.1 until 03:02 UTC "
        "(5 % of 600 requests failed)"
    )


def test_numbers_and_conditions() -> None:
    number = explained(Observation(1200.0), signal=Query("q", ()), tier=TierRule(Tier.PREPARE, 1500, None, 300))
    assert changes(number) == (
        "a breach: a value over 1500 (now 1200)",
        "a breach: a limit (prepare.above) under 1200 (now 1500)",
    )
    condition = explained(Observation(1.0), signal=Condition("up == 0"), tier=TierRule(Tier.PREPARE, None, None, 60))
    assert reading(condition) == "1: a breach (limit: any result)."
    assert changes(condition) == ()
    assert dict(facts(explained(None)))["reading"] == "nothing was read of this instance"


def test_verdicts_until_then() -> None:
    judged = [judge(RATIO, PREPARE, seen) for seen in (CALM, BREACH, Observation(0.03, 600, 18), FEW)]
    points = [*((AT - 75 + 15 * number, one) for number, one in enumerate(judged)), (AT, None)]
    one = replace(explained(), lately=spans(points))
    assert lately(one) == (
        ("02:58:45", "clear, 1 %"),
        ("02:59:00-02:59:15", "breach, 3 % to 5 %"),
        ("02:59:30", "insufficient, 50 %"),
        ("03:00:00", "not answered"),
    )


FIVE = "5 % of 600 requests failed; limit above 2 %"
LINES = [
    (explained(CALM), "1 % of 600 requests failed; limit above 2 %"),
    (
        explained(BREACH, pending()),
        f"{FIVE}; held 3m15s of 5m, fires at 03:01:45 UTC if it stays",
    ),
    (explained(BREACH, firing()), f"{FIVE}; since 02:50:00 UTC"),
    (
        explained(CALM, firing(State.RECOVERING, clear_since=AT), keep_firing_for=60),
        "1 % of 600 requests failed; limit above 2 %; clear for 0s of 1m, resolves at 03:01:00 UTC",
    ),
    (
        explained(FEW, pending(missing=15)),
        "12 of 50 requests needed; limit above 2 %; no usable reading for 15s, dropped at 03:01:00 UTC if that stays",
    ),
]


@pytest.mark.parametrize(("one", "line"), LINES, ids=["clear", "pending", "firing", "recovering", "gap"])
def test_in_a_line(one: Explanation, line: str) -> None:
    assert in_a_line(one) == line


# --- what is known of a state ---------------------------------------------------------------------------------------

BEGAN = Told(Change(AT - 300, State.INACTIVE, State.PENDING, Cause.BREACHED), AT - 300)
FIRED = Told(Change(AT, State.PENDING, State.FIRING, Cause.HELD_LONG_ENOUGH), AT - 300)


def test_what_is_kept_counts_before_the_record_and_that_before_history() -> None:
    kept = Alert(KEY, State.FIRING, AT - 300, fired_at=AT)
    derived = Alert(KEY, State.PENDING, AT - 60)
    known = Evidence(kept, (), (BEGAN, FIRED), Origin.DAEMON, from_kept=True)
    assert standing(KEY, known) == Standing(kept, Origin.DAEMON, (BEGAN.change, FIRED.change))
    told = standing(KEY, Evidence(derived, (), (BEGAN, FIRED), Origin.DATABASE))
    assert (told.alert, told.origin) == (kept, Origin.DATABASE)
    assert standing(KEY, Evidence(derived)) == Standing(derived, Origin.HISTORY)
    held = Alert(KEY, State.PENDING, AT - 300, held=15)
    assert standing(KEY, Evidence(held, (), (BEGAN,), Origin.DAEMON)).alert == held, "what the record does not know"


def test_no_data_has_no_lever() -> None:
    assert explained(NO_DATA).levers == ()
    assert explained(None).judgement.verdict is Verdict.NO_DATA
