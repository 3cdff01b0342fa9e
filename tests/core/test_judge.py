"""Verdicts of readings, one row a case, by the table "Verdicts" of the design."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.judging.judge import held_back, judge, unseen
from monitor.core.judging.latency import quantile
from monitor.core.judging.observe import Observation
from monitor.core.judging.proof import wilson_lower
from monitor.core.model import Reference, Tier, Verdict
from monitor.core.rules.rule import Guards, TierRule
from monitor.core.rules.signal import (
    Availability,
    Baseline,
    Condition,
    ErrorRatio,
    Latency,
    Query,
    ReferenceKind,
    Signal,
)

RATIO = ErrorRatio("r", "f", ("job",), 60)
UP = Availability("probe_success", ("instance",), 60)
NUMBER = Query("queue_depth", ("queue",))
SLOW = Latency("h", 0.95, ("job",), 60, Baseline((ReferenceKind.TRAILING,)))
CAPPED = Latency("h", 0.95, ("job",), 60, Baseline((ReferenceKind.TRAILING,), ceiling=2.0))
FIXED = Latency("h", 0.95, ("job",), 60, Baseline((), fixed=0.25))


def tier(above: float | None = None, below: float | None = None, **more: object) -> TierRule:
    return TierRule(Tier.PREPARE, above, below, 300, **more)  # type: ignore[arg-type]


def over(limit: float, *, clear: float | None = None, requests: float = 0, failures: float = 0) -> TierRule:
    return tier(limit, clear=clear, guards=Guards(requests, failures))


def trailing(seconds: float | None, why: str = "") -> tuple[Reference, ...]:
    return (Reference("trailing", seconds, why),)


def of(value: float | None, n: float | None = None, k: float | None = None) -> Observation:
    return Observation(value, n, k)


BREACH, BETWEEN, CLEAR = Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR
INSUFFICIENT, NO_DATA, ERROR = Verdict.INSUFFICIENT, Verdict.NO_DATA, Verdict.ERROR

RATIOS: list[tuple[str, TierRule, Observation, Verdict, str]] = [
    ("over the limit", over(0.02), of(0.62, 310, 192.2), BREACH, "62 % of 310 requests failed"),
    ("exactly at the limit is no breach", over(0.02), of(0.02, 300, 6), CLEAR, "2 % of 300 requests failed"),
    (
        "at the limit but for float dust is no breach",
        over(0.02),
        of(0.02 + 1e-15, 300, 6),
        CLEAR,
        "2 % of 300 requests failed",
    ),
    ("a millionth over the limit is a breach", over(0.02), of(0.02002, 1e6, 20020), BREACH, "2 % of 1000000"),
    ("over clear, not over the limit", over(0.02, clear=0.015), of(0.016, 1000, 16), BETWEEN, "1.6 % of 1000"),
    ("exactly at clear is clear", over(0.02, clear=0.015), of(0.015, 1000, 15), CLEAR, "1.5 %"),
    ("no failure", over(0.02), of(0.0, 50, 0), CLEAR, "0 % of 50 requests failed"),
    ("too few requests, all failing", over(0.02, requests=50), of(1.0, 7.4, 7.4), INSUFFICIENT, "7 of 50 requests"),
    ("too few requests, none failing", over(0.02, requests=50), of(0.0, 7, 0), INSUFFICIENT, "7 of 50 requests"),
    ("the very number of requests needed", over(0.02, requests=50), of(0.5, 50, 25), BREACH, "50 % of 50"),
    ("that number but for float dust", over(0.02, requests=50), of(0.5, 50 - 1e-9, 25), BREACH, "50 % of 50"),
    ("one request fewer", over(0.02, requests=50), of(0.5, 49.9, 25), INSUFFICIENT, "49 of 50 requests needed"),
    ("no request at all", over(0.02), of(None, 0, 0), INSUFFICIENT, "no request in the window"),
    (
        "too few failures",
        over(0.02, failures=5),
        of(0.04, 50, 2),
        INSUFFICIENT,
        "2 of 5 failures needed (4 % of 50 requests failed)",
    ),
    ("too few failures, not over the limit", over(0.02, failures=5), of(0.01, 200, 2), CLEAR, "1 % of 200"),
    ("one request, failing", over(0.25), of(1.0, 1, 1), BREACH, "100 % of 1 request failed"),
    ("a part of a request", over(0.25), of(1.0, 0.5, 0.5), INSUFFICIENT, "0 of 1 request needed"),
    ("all requests fail", over(0.25), of(1.0, 20, 20), BREACH, "100 % of 20 requests failed"),
    ("NaN", over(0.02), of(math.nan, 10, 1), NO_DATA, "no data (the value is nan)"),
    ("endless requests", over(0.02), of(0.5, math.inf, 1), NO_DATA, "no data"),
    ("nothing", over(0.02), of(None), NO_DATA, "no data"),
    ("a part is missing", over(0.02), Observation(problem="gone"), ERROR, "gone"),
]


@pytest.mark.parametrize(
    ("rule", "seen", "verdict", "why"), [row[1:] for row in RATIOS], ids=[row[0] for row in RATIOS]
)
def test_a_ratio(rule: TierRule, seen: Observation, verdict: Verdict, why: str) -> None:
    judged = judge(RATIO, rule, seen)
    assert judged.verdict is verdict
    assert why in judged.why
    assert judged.limit == rule.limit


OTHERS: list[tuple[str, Signal, TierRule, Observation, Verdict, str]] = [
    ("below the share", UP, tier(below=0.5), of(0.25), BREACH, "25 % up"),
    ("exactly at the share", UP, tier(below=0.5), of(0.5), CLEAR, "50 % up"),
    ("under clear, not under the limit", UP, tier(below=0.5, clear=0.9), of(0.75), BETWEEN, "75 % up"),
    ("exactly at clear", UP, tier(below=0.5, clear=0.9), of(0.9), CLEAR, "90 % up"),
    ("all up", UP, tier(below=0.5, clear=0.9), of(1.0), CLEAR, "100 % up"),
    ("a number over", NUMBER, tier(100), of(101.5), BREACH, "101.5"),
    ("a number under a negative limit", NUMBER, tier(below=-3), of(-4.0), BREACH, "-4"),
    ("zero exactly at zero", NUMBER, tier(0), of(0.0), CLEAR, "0"),
    ("guards do not touch a number", NUMBER, over(1, requests=50, failures=5), of(2.0), BREACH, "2"),
    ("infinity", NUMBER, tier(100), of(math.inf), NO_DATA, "no data (the value is inf)"),
    ("minus infinity", NUMBER, tier(below=1), of(-math.inf), NO_DATA, "no data (the value is -inf)"),
]


@pytest.mark.parametrize(
    ("signal", "rule", "seen", "verdict", "why"), [row[1:] for row in OTHERS], ids=[row[0] for row in OTHERS]
)
def test_shares_and_numbers(signal: Signal, rule: TierRule, seen: Observation, verdict: Verdict, why: str) -> None:
    judged = judge(signal, rule, seen)
    assert (judged.verdict, judged.why) == (verdict, why)


LATENCIES: list[tuple[str, Latency, Observation, tuple[Reference, ...], Verdict, float | None, str]] = [
    ("slower", SLOW, of(0.82, 900), trailing(0.41), BREACH, 1.0, "p95 820 ms, baseline 410 ms (trailing 24 h)"),
    ("exactly half slower", SLOW, of(0.6, 900), trailing(0.4), BETWEEN, 0.5, "p95 600 ms, baseline 400 ms"),
    ("over clear", SLOW, of(0.56, 900), trailing(0.4), BETWEEN, 0.4, "p95 560 ms"),
    ("faster", SLOW, of(0.2, 900), trailing(0.4), CLEAR, -0.5, "p95 200 ms"),
    ("too few", SLOW, of(1.0, 3), trailing(0.4), INSUFFICIENT, 1.5, "3 of 20 requests needed"),
    (
        "no baseline",
        SLOW,
        of(9.0, 900),
        trailing(None, "only 3 of 24 hours had 20 requests"),
        INSUFFICIENT,
        None,
        "p95 9 s, but no baseline: only 3 of 24 hours had 20 requests",
    ),
    ("a new instance", SLOW, of(9.0, 900), (), INSUFFICIENT, None, "but no baseline: nothing was read for it"),
    ("over the ceiling", CAPPED, of(2.4, 900), (), BREACH, 0.8, "p95 2.4 s, ceiling 2 s (no baseline)"),
    ("exactly at the ceiling", CAPPED, of(2.0, 900), trailing(None, "x"), BETWEEN, 0.5, "p95 2 s, ceiling 2 s"),
    (
        "a baseline before a ceiling",
        CAPPED,
        of(0.7, 900),
        trailing(0.4),
        BREACH,
        0.75,
        "baseline 400 ms (trailing 24 h)",
    ),
    ("a fixed baseline", FIXED, of(0.4, 900), (), BREACH, 0.6, "p95 400 ms, baseline 250 ms (fixed)"),
    ("no quantile", SLOW, of(None, 900), trailing(0.4), NO_DATA, None, "no data"),
    ("idle", SLOW, of(None, 0), trailing(0.4), INSUFFICIENT, None, "no request in the window"),
]


# --- proof ------------------------------------------------------------------------------------------------------------


def proven(limit: float, confidence: float, *, requests: float = 0, failures: float = 0) -> TierRule:
    return tier(limit, guards=Guards(requests, failures), confidence=confidence)


PROOFS: list[tuple[str, TierRule, Observation, Verdict, str]] = [
    ("3 of 3 prove 25 %", proven(0.25, 0.99), of(1.0, 3, 3), BREACH, "100 % of 3 requests failed"),
    ("1 of 1 does not", proven(0.25, 0.99), of(1.0, 1, 1), INSUFFICIENT, "1 of 1 failed: not proof of 25 % at 99 %"),
    (
        "28 of 100 do not",
        proven(0.25, 0.99),
        of(0.28, 100, 28),
        INSUFFICIENT,
        "28 of 100 failed: not proof of 25 % at 99 %",
    ),
    ("28 of 100 do without being asked", over(0.25), of(0.28, 100, 28), BREACH, "28 % of 100 requests failed"),
    ("40 of 100 do", proven(0.25, 0.99), of(0.4, 100, 40), BREACH, "40 % of 100 requests failed"),
    ("28 of 100 do at 70 %", proven(0.25, 0.7), of(0.28, 100, 28), BREACH, "28 % of 100 requests failed"),
    ("clear goes by the plain value", proven(0.25, 0.99), of(0.24, 100, 24), CLEAR, "24 % of 100 requests failed"),
    (
        "a guard speaks before the proof",
        proven(0.25, 0.99, failures=30),
        of(0.28, 100, 28),
        INSUFFICIENT,
        "28 of 30 failures needed",
    ),
    (
        "few requests speak before the proof",
        proven(0.25, 0.99, requests=50),
        of(1.0, 7, 7),
        INSUFFICIENT,
        "7 of 50 requests needed",
    ),
    (
        "proof below a limit is proof of the rest",
        tier(below=0.25, confidence=0.99),
        of(0.22, 100, 22),
        INSUFFICIENT,
        "22 of 100 failed: not proof of less than 25 % at 99 %",
    ),
    ("far below a limit", tier(below=0.25, confidence=0.99), of(0.05, 100, 5), BREACH, "5 % of 100 requests failed"),
]


@pytest.mark.parametrize(
    ("rule", "seen", "verdict", "why"), [row[1:] for row in PROOFS], ids=[row[0] for row in PROOFS]
)
def test_proof_of_a_ratio(rule: TierRule, seen: Observation, verdict: Verdict, why: str) -> None:
    judged = judge(RATIO, rule, seen)
    assert judged.verdict is verdict
    assert judged.why.startswith(why)
    assert judged.value == seen.value


def slow(n: int, late: float) -> Observation:
    """So many requests, of which a share took 1 to 2 s, the rest 0.1 s or less."""
    buckets = {0.1: n * (1 - late), 1.0: n * (1 - late), 2.0: float(n), math.inf: float(n)}
    return Observation(quantile(0.95, buckets), n, buckets=buckets)


@pytest.mark.parametrize(
    ("seen", "verdict", "why"),
    [
        (
            slow(20, 0.1),
            INSUFFICIENT,
            "2 of 20 slower than 600 ms: not proof of 5 % at 99 % (p95 1.5 s, baseline 400 ms",
        ),
        (slow(100, 0.1), INSUFFICIENT, "10 of 100 slower than 600 ms: not proof of 5 % at 99 %"),
        (slow(100, 0.15), BREACH, "p95 1.67 s, baseline 400 ms"),
        (slow(1000, 0.1), BREACH, "p95 1.5 s, baseline 400 ms"),
        (slow(1000, 0.04), CLEAR, "p95 99 ms, baseline 400 ms"),
    ],
    ids=["2 of 20", "10 of 100", "15 of 100", "100 of 1000", "40 of 1000 are not 5 %"],
)
def test_proof_of_a_latency(seen: Observation, verdict: Verdict, why: str) -> None:
    judged = judge(SLOW, proven(0.5, 0.99), seen, trailing(0.4))
    assert judged.verdict is verdict
    assert judged.why.startswith(why)


def test_proof_over_a_ceiling() -> None:
    judged = judge(CAPPED, proven(0.5, 0.99), slow(20, 0.1), ())
    assert judged.verdict is CLEAR
    judged = judge(replace(CAPPED, baseline=Baseline((), ceiling=1.2)), proven(0.5, 0.99), slow(20, 0.1), ())
    assert judged.why.startswith("2 of 20 slower than 1.2 s: not proof of 5 %")


@given(st.integers(0, 400), st.integers(1, 400), st.floats(0.01, 0.99), st.floats(0.5, 0.999))
def test_proof_only_takes_breaches_away(failed: int, n: int, limit: float, confidence: float) -> None:
    k = min(failed, n)
    plain = judge(RATIO, over(limit), of(k / n, n, k))
    asked = judge(RATIO, proven(limit, confidence), of(k / n, n, k))
    assert asked.verdict is plain.verdict or (plain.verdict, asked.verdict) == (BREACH, INSUFFICIENT)
    assert (asked.verdict is BREACH) == (wilson_lower(k, n, confidence) > limit and plain.verdict is BREACH)


# --- references -------------------------------------------------------------------------------------------------------


def test_the_larger_reference_counts_and_all_are_kept() -> None:
    read = (Reference("same_time", 0.5, "x"), Reference("trailing", 0.4, "y"), Reference("before_deploy", 0.9, "z"))
    judged = judge(SLOW, over(0.5), of(0.7, 900), read)
    assert judged.value == pytest.approx(0.4)
    assert judged.baseline == read
    assert "baseline 500 ms (same time)" in judged.why


def test_what_was_before_a_deploy_never_counts() -> None:
    before = Reference("before_deploy", 0.4, "the hour before auth 2")
    assert judge(SLOW, over(0.5), of(0.7, 900), (before,)).verdict is INSUFFICIENT
    capped = judge(CAPPED, over(0.5), of(2.4, 900), (before,))
    assert (capped.verdict, [one.name for one in capped.baseline]) == (BREACH, ["before_deploy", "ceiling"])


def test_why_there_is_no_baseline_names_every_reference_but_the_one_that_never_counts() -> None:
    read = (Reference("same_time", None, "no weeks"), Reference("trailing", None, "no hours"))
    judged = judge(SLOW, over(0.5), of(0.7, 900), (*read, Reference("before_deploy", None, "idle")))
    assert judged.why.endswith("but no baseline: no weeks; no hours")


def test_a_breach_is_held_back_and_anything_else_is_not() -> None:
    breach = judge(RATIO, over(0.02), of(0.62, 310, 192.2))
    held = held_back(breach, "warming up")
    assert (held.verdict, held.why) == (INSUFFICIENT, "warming up (62 % of 310 requests failed)")
    assert held.value == breach.value
    clear = judge(RATIO, over(0.02), of(0.0, 310, 0))
    assert held_back(clear, "warming up") == clear


@pytest.mark.parametrize(
    ("signal", "seen", "read", "verdict", "value", "why"),
    [row[1:] for row in LATENCIES],
    ids=[row[0] for row in LATENCIES],
)
def test_a_latency(
    signal: Latency,
    seen: Observation,
    read: tuple[Reference, ...],
    verdict: Verdict,
    value: float | None,
    why: str,
) -> None:
    judged = judge(signal, over(0.5, clear=0.35, requests=20), seen, read)
    assert judged.verdict is verdict
    assert why in judged.why
    assert judged.value == (None if value is None else pytest.approx(value))


_ANY = st.floats() | st.none()


@given(_ANY, _ANY, _ANY, st.floats(0, 1), st.integers(0, 100), st.integers(0, 10))
def test_a_breach_is_always_proven(
    value: float | None, n: float | None, k: float | None, limit: float, needed: int, failing: int
) -> None:
    judged = judge(RATIO, over(limit, requests=needed, failures=failing), of(value, n, k))
    assert judged.why
    assert all(math.isfinite(one) for one in (judged.value, judged.requests, judged.failures) if one is not None)
    if judged.verdict is BREACH:
        assert judged.value is not None
        assert judged.value > limit
        assert k is not None or failing == 0
        assert (k or 0) >= failing * (1 - 1e-9)
    if judged.verdict in (BREACH, BETWEEN, CLEAR):
        assert judged.value is not None
        assert math.isfinite(judged.value)
        assert n is None or n >= max(1, needed) * (1 - 1e-9)


def test_every_reference_is_shown() -> None:
    judged = judge(CAPPED, over(0.5), of(2.4, 900), trailing(None, "only 3 hours"))
    assert [one.name for one in judged.baseline] == ["trailing", "ceiling"]


def test_judgements_of_instances_that_were_not_read() -> None:
    assert unseen(RATIO, over(0.02)) == judge(RATIO, over(0.02), of(None))
    assert unseen(Condition("absent(x)")).verdict is Verdict.CLEAR, "no result of a condition is health"
