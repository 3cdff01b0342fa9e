"""What would have to change: applying what is said turns the verdict as it is said, and a step less does not."""

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.explanation.levers import Bound, Lever, levers
from monitor.core.explanation.whatif import Case, Quantity, moved
from monitor.core.judging.latency import quantile
from monitor.core.judging.observe import Observation
from monitor.core.model import Reference, Tier, Verdict
from monitor.core.rules.rule import Guards, TierRule
from monitor.core.rules.signal import Availability, Baseline, Condition, Count, ErrorRatio, Latency, Query, Signal

RATIO = ErrorRatio("r", "f", ("job",), 60)
SLOW = Latency("h", 0.95, ("job",), 60, Baseline())
NUMBER = Query("queue", ())
BREACH, BETWEEN, CLEAR, INSUFFICIENT = Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR, Verdict.INSUFFICIENT
COUNTS = frozenset({Quantity.REQUESTS, Quantity.FAILURES, Quantity.SLOW})


def tier(above: float | None = None, below: float | None = None, **more: Any) -> TierRule:  # noqa: ANN401  # any field
    return TierRule(Tier.PREPARE, above, below, 300, **more)


def ratio(failures: float, requests: float, rule: TierRule) -> Case:
    return Case(RATIO, rule, Observation(failures / requests if requests else None, requests, failures))


def slow(buckets: dict[float, float], rule: TierRule, base: float = 0.2) -> Case:
    seen = Observation(quantile(SLOW.quantile, buckets), buckets[math.inf], buckets=buckets)
    return Case(SLOW, rule, seen, (Reference("trailing", base),))


def said(case: Case) -> set[tuple[str, str, float, str]]:
    return {(one.quantity.value, one.bound.value, one.needed, one.verdict.value) for one in levers(case)}


ROWS: list[tuple[str, Case, set[tuple[str, str, float, str]]]] = [
    (
        "a clear ratio: over 2 % of 612 are 13",
        ratio(5, 612, tier(0.02)),
        {("failures", "at_least", 13, "breach"), ("limit", "under", 5 / 612, "breach")},
    ),
    (
        "exactly at the limit is no breach: one more",
        ratio(6, 300, tier(0.02)),
        {("failures", "at_least", 7, "breach"), ("limit", "under", 0.02, "breach")},
    ),
    (
        "a breach ends in between before it is clear",
        ratio(21, 612, tier(0.02, clear=0.015)),
        {
            ("failures", "at_most", 12, "between"),
            ("failures", "at_most", 9, "clear"),
            ("limit", "at_least", 21 / 612, "between"),
        },
    ),
    (
        "too few requests: as many as the guard asks for",
        ratio(0, 12, tier(0.02, guards=Guards(50))),
        {("requests", "at_least", 50, "clear")},
    ),
    (
        "too few failures: the guard",
        ratio(2, 50, tier(0.02, guards=Guards(10, 5))),
        {("failures", "at_least", 5, "breach"), ("requests", "at_least", 125, "breach")},
    ),
    (
        "28 of 100 do not prove 25 % at 99 %",
        ratio(28, 100, tier(0.25, confidence=0.99)),
        {("failures", "at_least", 36, "breach"), ("requests", "at_least", 1128, "breach")},
    ),
    (
        "a latency: its quantile, and the requests that are slower",
        slow({0.1: 80, 0.25: 98, 1.0: 100, math.inf: 100}, tier(0.5)),
        {
            ("slow_requests", "at_least", 6, "breach"),
            ("seconds", "over", 0.3, "breach"),
            ("limit", "under", 0.125, "breach"),
        },
    ),
    (
        "a number has its limit",
        Case(NUMBER, tier(1500, clear=1000), Observation(1200.0)),
        {("value", "over", 1500, "breach"), ("value", "at_most", 1000, "clear"), ("limit", "under", 1200, "breach")},
    ),
    (
        "a share up, from below",
        Case(Availability("p", (), 60), tier(below=0.5), Observation(0.75)),
        {("value", "under", 0.5, "breach"), ("limit", "over", 0.75, "breach")},
    ),
    ("no data: no number helps", Case(NUMBER, tier(1), Observation(None)), set()),
    (
        "a condition has no number",
        Case(Condition("up == 0"), TierRule(Tier.PREPARE, None, None, 0), Observation(0.0)),
        set(),
    ),
]


@pytest.mark.parametrize(("case", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_what_is_said(case: Case, expected: set[tuple[str, str, float, str]]) -> None:
    found, wanted = sorted(said(case)), sorted(expected)
    assert [(*row[:2], row[3]) for row in found] == [(*row[:2], row[3]) for row in wanted]
    assert [row[2] for row in found] == pytest.approx([row[2] for row in wanted])


def test_a_latency_without_a_baseline_has_no_lever() -> None:
    seen = Observation(0.3, 100, buckets={0.5: 100, math.inf: 100})
    assert levers(Case(SLOW, tier(0.5), seen, (Reference("trailing", None, "only 3 of 24 hours had a request"),))) == ()


# --- properties -------------------------------------------------------------------------------------------------------

limits = st.floats(0.001, 0.9)
counts = st.one_of(st.integers(0, 3000).map(float), st.floats(0, 3000))


@st.composite
def rules(draw: st.DrawFn) -> TierRule:
    limit, over = draw(limits), draw(st.booleans())
    clear = draw(st.none() | st.floats(0.3, 1.0))
    confidence = draw(st.none() | st.sampled_from([0.9, 0.95, 0.99]))
    guards = Guards(draw(st.sampled_from([0, 10, 50])), draw(st.sampled_from([0, 3, 20])))
    clear_limit = None if clear is None else limit * clear if over else min(1.0, limit / clear)
    return tier(
        limit if over else None, None if over else limit, clear=clear_limit, confidence=confidence, guards=guards
    )


@st.composite
def ratios(draw: st.DrawFn) -> Case:
    requests = draw(counts)
    return ratio(draw(st.floats(0, 1)) * requests, requests, draw(rules()))


@st.composite
def latencies(draw: st.DrawFn) -> Case:
    bounds = [0.1, 0.25, 0.5, 1.0, 2.0]
    grown = [float(draw(st.integers(0, 400))) for _ in range(len(bounds) + 1)]
    total, buckets = 0.0, {}
    for bound, count in zip([*bounds, math.inf], grown, strict=True):
        total += count
        buckets[bound] = total
    return slow(buckets, draw(rules()), draw(st.sampled_from([0.05, 0.2, 0.7])))


@st.composite
def numbers(draw: st.DrawFn) -> Case:
    signals: list[Signal] = [NUMBER, Count("c", (), 60, "up"), Availability("p", (), 60)]
    signal = draw(st.sampled_from(signals))
    return Case(signal, draw(rules()), Observation(draw(st.floats(0, 1))))


def just_beyond(lever: Lever) -> float:
    """A number that is as it would have to be, by a hair where the limit is strict."""
    hair = max(abs(lever.needed) * 1e-5, 1e-7)
    return lever.needed + {Bound.OVER: hair, Bound.UNDER: -hair}.get(lever.bound, 0.0)


def just_short(lever: Lever) -> float:
    """A number that falls short of it: by one of counts, by a hair of values."""
    step = 1.0 if lever.quantity in COUNTS else 0.0 if lever.bound in {Bound.OVER, Bound.UNDER} else 1e-5
    return lever.needed + (-step if lever.bound in {Bound.AT_LEAST, Bound.OVER} else step)


def direction(lever: Lever) -> bool:
    """Whether what there is lies on the other side of what is needed."""
    return lever.now < lever.needed if lever.bound in {Bound.AT_LEAST, Bound.OVER} else lever.now > lever.needed


def hold(case: Case) -> None:
    before = case.verdict
    for lever in levers(case):
        assert lever.verdict is not before, lever
        assert moved(case, lever.quantity, just_beyond(lever)).verdict is lever.verdict, lever
        short = just_short(lever)
        if lever.quantity in COUNTS and (lever.now < short) != (lever.now < lever.needed):
            continue  # a step less is what there is already
        assert moved(case, lever.quantity, short).verdict is not lever.verdict, lever


@settings(max_examples=300, deadline=None)
@given(ratios())
def test_of_ratios_what_is_said_turns_the_verdict_and_a_step_less_does_not(case: Case) -> None:
    hold(case)


@settings(max_examples=300, deadline=None)
@given(latencies())
def test_of_latencies_what_is_said_turns_the_verdict_and_a_step_less_does_not(case: Case) -> None:
    hold(case)


@settings(max_examples=300, deadline=None)
@given(numbers())
def test_of_numbers_what_is_said_turns_the_verdict_and_a_step_less_does_not(case: Case) -> None:
    hold(case)


@settings(max_examples=300, deadline=None)
@given(ratios())
def test_where_no_failures_are_named_no_number_of_them_would_do(case: Case) -> None:
    """An oracle that tries every count."""
    requests = case.seen.requests or 0.0
    if case.verdict is BREACH or requests > 400:
        return
    tried = {
        count for count in range(math.floor(requests) + 1) if moved(case, Quantity.FAILURES, count).verdict is BREACH
    }
    named = [one.needed for one in levers(case) if one.quantity is Quantity.FAILURES and one.verdict is BREACH]
    if not tried or not requests:
        assert not named
        return
    now = case.seen.failures or 0.0
    assert named, (case, tried)
    assert abs(named[0] - now) == min(abs(count - now) for count in tried)
