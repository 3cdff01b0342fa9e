"""Readings to verdicts: what a signal's samples say of each instance, and what that means for one tier.

Pure functions. This module must not know where samples come from, nor what a verdict does to an alert: the state of
an alert is moved by `monitor.core.evaluate` alone.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeGuard

from monitor.core.latency import CEILING, FIXED, TRAILING, buckets_by_instance, enough, quantile
from monitor.core.model import Judgement, Labels, Reference, Sample, Verdict, labels_of, pick
from monitor.core.rule import (
    Availability,
    Condition,
    Count,
    ErrorRatio,
    Latency,
    Query,
    Signal,
    TierRule,
)

Samples: TypeAlias = tuple[Sample, ...]

REL_TOLERANCE = 1e-9
ABS_TOLERANCE = 1e-12
"""`increase` extrapolates in floating point, so that 6 of 300 may read 0.020000000000000004: that is "exactly 2 %"."""

_SHOWN_AS_SECONDS = 0.9995  # rounds to 1 s


@dataclass(frozen=True, slots=True)
class Observation:
    """What one reading says of one instance, before any threshold.

    `value` is k/n, the share up, or the query's value; for a latency the quantile in seconds. None or a number that is
    not finite: no data. `requests` and `failures` are counts in the window where the signal has them. `problem` says
    why the reading cannot be used at all (a part is missing): it judges as an error.
    """

    value: float | None = None
    requests: float | None = None
    failures: float | None = None
    problem: str = ""


def observe(signal: Signal, parts: Mapping[str, Samples]) -> dict[Labels, Observation]:
    """Give what was read of each instance, `parts` holding the samples of each part that `monitor.promql` named.

    Instances are the values of the `by` labels; of a query without `by`, all labels but the metric's name. A part that
    is missing from `parts` makes every instance that is known from the others an error, never a zero; where none is
    known, nothing is given (`unreadable` and `unseen` are the judgements of instances that the caller knows).
    """
    match signal:
        case ErrorRatio(by=by):
            return _observe_ratio(by, parts)
        case Latency(by=by, quantile=q):
            buckets = buckets_by_instance(parts.get("buckets", ()), by)
            return {labels: Observation(quantile(q, one), one.get(math.inf)) for labels, one in buckets.items()}
        case Availability(by=by):
            return _single(parts.get("up", ()), by)
        case Count(by=by):
            return _single(parts.get("events", ()), by)
        case Condition(by=by):
            return _single(parts.get("value", ()), by or None)
        case Query(by=by, absent=absent):
            if absent is not None and parts.get("value") == ():
                return {pick((), by): Observation(absent)}
            return _single(parts.get("value", ()), by or None)


def _observe_ratio(by: tuple[str, ...], parts: Mapping[str, Samples]) -> dict[Labels, Observation]:
    missing = [part for part in ("requests", "failures") if part not in parts]
    requests = _single(parts.get("requests", ()), by)
    failures = _single(parts.get("failures", ()), by)
    if missing:
        wrong = Observation(problem=f"the reading of {' and '.join(missing)} is missing")
        return dict.fromkeys({**requests, **failures}, wrong)
    strange = Observation(problem="failures without requests: do both selectors carry the same labels?")
    return {
        labels: _ratio(requests[labels], failures.get(labels, Observation(0.0))) if labels in requests else strange
        for labels in {**requests, **failures}
    }


def _ratio(requests: Observation, failures: Observation) -> Observation:
    problem, n, k = requests.problem or failures.problem, requests.value, failures.value
    if problem or n is None or k is None or not math.isfinite(n) or not math.isfinite(k):
        return Observation(requests=n, failures=k, problem=problem)
    # the two counts are extrapolated apart, so that k may come out a little above n
    return Observation(min(1.0, k / n) if n > 0 else None, n, k)


def _single(samples: Samples, by: tuple[str, ...] | None) -> dict[Labels, Observation]:
    """Give one observation an instance; two samples of one instance are an error, since neither is the right one."""
    found: dict[Labels, Observation] = {}
    for sample in samples:
        kept = (pair for pair in sample.labels if pair[0] != "__name__")
        labels = labels_of(kept) if by is None else pick(sample.labels, by)
        two = Observation(problem="two series for one instance: aggregate the query by its `by` labels")
        found[labels] = two if labels in found else Observation(sample.value)
    return found


def judge(
    signal: Signal, tier_rule: TierRule, observation: Observation, reference: tuple[Reference, ...] = ()
) -> Judgement:
    """Give the verdict of one reading for one tier, by the table in the documentation ("Verdicts").

    Limits are strict: a value exactly at the limit, give or take the last digits of a float, is no breach. `reference`
    are the baselines that were read for this instance; fixed ones and ceilings are known from the signal. The value of
    a latency is q/B - 1, B being the largest reference. With no reference but a ceiling, B is set so that the limit
    falls on the ceiling (`ceiling = (1 + limit) * B`): value, limit and clear stay comparable, and the sentence and
    `baseline` name the ceiling.
    """
    if observation.problem:
        return Judgement(Verdict.ERROR, limit=tier_rule.limit, why=observation.problem)
    if isinstance(signal, Condition):
        return _judgement(Verdict.BREACH, tier_rule, observation, _said(signal, observation))
    if isinstance(signal, Latency):
        return _judge_latency(signal, tier_rule, observation, reference)
    if _lacking(observation, tier_rule):
        return _judgement(Verdict.INSUFFICIENT, tier_rule, observation, _too_few(observation, tier_rule))
    if not _is_number(observation.value) or not _is_number(observation.requests or 0.0):
        return _judgement(Verdict.NO_DATA, tier_rule, observation, _nothing(observation.value))
    verdict = _compare(observation.value, tier_rule)
    if verdict is Verdict.BREACH and not enough(observation.failures or 0.0, _needed_failures(signal, tier_rule)):
        why = f"{observation.failures or 0:.0f} of {tier_rule.guards.min_failures:g} failures needed"
        return _judgement(Verdict.INSUFFICIENT, tier_rule, observation, f"{why} ({_said(signal, observation)})")
    return _judgement(verdict, tier_rule, observation, _said(signal, observation))


def unreadable(why: str, limit: float | None = None) -> Judgement:
    """Give the judgement of a reading that could not be made because its query is wrong."""
    return Judgement(Verdict.ERROR, limit=limit, why=why)


def unseen(signal: Signal, limit: float | None = None) -> Judgement:
    """Give the judgement of a known instance that a complete answer does not hold: no data; of a condition, clear."""
    if isinstance(signal, Condition):
        return Judgement(Verdict.CLEAR, why="the condition does not hold")
    return Judgement(Verdict.NO_DATA, limit=limit, why=_nothing(None))


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _lacking(observation: Observation, tier_rule: TierRule) -> bool:
    """Whether too few requests were counted to say anything; a count that is no number says nothing of that."""
    return _is_number(observation.requests) and not enough(observation.requests, _needed(tier_rule))


def _needed(tier_rule: TierRule) -> float:
    return max(1.0, tier_rule.guards.min_requests)


def _needed_failures(signal: Signal, tier_rule: TierRule) -> float:
    return tier_rule.guards.min_failures if isinstance(signal, ErrorRatio) else 0.0


def _judgement(verdict: Verdict, tier_rule: TierRule, observation: Observation, why: str) -> Judgement:
    requests = observation.requests if _is_number(observation.requests) else None
    failures = observation.failures if _is_number(observation.failures) else None
    value = observation.value if _is_number(observation.value) else None
    return Judgement(verdict, value, tier_rule.limit, requests, failures, why=why)


def _compare(value: float, tier_rule: TierRule) -> Verdict:
    """Give breach, between or clear."""
    if _over(value, tier_rule.limit, tier_rule):
        return Verdict.BREACH
    if tier_rule.clear is not None and _over(value, tier_rule.clear, tier_rule):
        return Verdict.BETWEEN
    return Verdict.CLEAR


def _over(value: float, limit: float | None, tier_rule: TierRule) -> bool:
    if limit is None or math.isclose(value, limit, rel_tol=REL_TOLERANCE, abs_tol=ABS_TOLERANCE):
        return False
    return value > limit if tier_rule.above is not None else value < limit


def _judge_latency(
    signal: Latency, tier_rule: TierRule, observation: Observation, read: tuple[Reference, ...]
) -> Judgement:
    references = _references(signal, read)
    base, seconds = _base(references, tier_rule.limit), observation.value
    judged = replace(observation, value=seconds / base - 1 if _is_number(seconds) and base is not None else None)
    if _lacking(observation, tier_rule):
        verdict, why = Verdict.INSUFFICIENT, _too_few(observation, tier_rule)
    elif not _is_number(seconds):
        verdict, why = Verdict.NO_DATA, _nothing(seconds)
    else:
        verdict = Verdict.INSUFFICIENT if judged.value is None else _compare(judged.value, tier_rule)
        why = _latency_said(signal, seconds, references)
    return replace(_judgement(verdict, tier_rule, judged, why), baseline=references)


def _references(signal: Latency, read: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """Give every reference that counts: those read, the fixed one, or the ceiling where nothing else is to be had."""
    baseline = signal.baseline
    if baseline.fixed is not None:
        return (*read, Reference(FIXED, baseline.fixed))
    if baseline.ceiling is None or any(one.seconds is not None for one in read):
        return read
    return (*read, Reference(CEILING, baseline.ceiling, "absolute, for want of a baseline"))


def _base(references: tuple[Reference, ...], limit: float | None) -> float | None:
    """Give B in seconds: the largest reference, or the one that puts the limit on the ceiling."""
    known = {one.name: one.seconds for one in references if one.seconds is not None and one.seconds > 0}
    ceiling = known.pop(CEILING, None)
    if known:
        return max(known.values())
    return None if ceiling is None or limit is None or limit <= -1 else ceiling / (1 + limit)


# --- sentences --------------------------------------------------------------------------------------------------------


def _nothing(value: float | None) -> str:
    return "no data" if value is None else f"no data (the value is {value})"


def _too_few(observation: Observation, tier_rule: TierRule) -> str:
    requests = observation.requests or 0.0
    if requests <= 0:
        return "no request in the window"
    needed = _needed(tier_rule)
    return f"{math.floor(requests)} of {needed:g} request{'' if needed == 1 else 's'} needed"


def _said(signal: Signal, observation: Observation) -> str:
    """Give the reading in words: "62 % of 310 requests failed", "25 % up", "3"."""
    value = observation.value or 0.0
    match signal:
        case ErrorRatio():
            requests = round(observation.requests or 0)
            return f"{_percent(value)} of {requests} request{'' if requests == 1 else 's'} failed"
        case Availability():
            return f"{_percent(value)} up"
        case _:
            return f"{value:.6g}"


def _percent(ratio: float) -> str:
    return f"{100 * ratio:.3g} %" if ratio < 1 else f"{100 * ratio:.0f} %"


def _latency_said(signal: Latency, seconds: float, references: tuple[Reference, ...]) -> str:
    """Give the quantile beside what it was held against: "p95 820 ms, baseline 390 ms (trailing 24 h)"."""
    known = [one for one in references if one.seconds is not None]
    reading = f"p{100 * signal.quantile:.4g} {_duration(seconds)}"
    if not known:
        reasons = "; ".join(one.why for one in references if one.why) or "nothing was read for it"
        return f"{reading}, but no baseline: {reasons}"
    used = max(known, key=lambda one: one.seconds or 0.0)
    held_against = _duration(used.seconds or 0.0)
    if used.name == CEILING:
        return f"{reading}, ceiling {held_against} (no baseline)"
    return f"{reading}, baseline {held_against} ({'trailing 24 h' if used.name == TRAILING else used.name})"


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= _SHOWN_AS_SECONDS else f"{1000 * seconds:.3g} ms"
