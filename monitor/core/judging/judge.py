"""Observations to verdicts: what the reading of an instance means for one tier.

Pure functions. This module must not know where samples come from, nor what a verdict does to an alert: the state of
an alert is moved by `monitor.core.judging.evaluate` alone.
"""

import math
from dataclasses import dataclass, replace
from typing import TypeGuard

from monitor.core.judging.latency import BEFORE_DEPLOY, CEILING, FIXED, SAME_TIME, TRAILING, enough, slower
from monitor.core.judging.observe import Observation
from monitor.core.judging.proof import wilson_lower
from monitor.core.model import Judgement, Reference, Verdict
from monitor.core.rules.rule import TierRule
from monitor.core.rules.signal import Availability, Condition, ErrorRatio, Latency, Query, Signal

REL_TOLERANCE = 1e-9
ABS_TOLERANCE = 1e-12
"""`increase` extrapolates in floating point, so that 6 of 300 may read 0.020000000000000004: that is "exactly 2 %"."""

_SHOWN_AS_SECONDS = 0.9995  # rounds to 1 s
_REFERENCES = {TRAILING: "trailing 24 h", SAME_TIME: "same time"}


def judge(
    signal: Signal, tier_rule: TierRule, observation: Observation, reference: tuple[Reference, ...] = ()
) -> Judgement:
    """Give the verdict of one reading for one tier, by the table in the documentation ("Verdicts").

    Limits are strict: a value exactly at the limit, give or take the last digits of a float, is no breach. `reference`
    are the baselines that were read for this instance; fixed ones and ceilings are known from the signal. The value of
    a latency is q/B - 1, B being the largest reference. With no reference but a ceiling, B is set so that the limit
    falls on the ceiling (`ceiling = (1 + limit) * B`): value, limit and clear stay comparable, and the sentence and
    `baseline` name the ceiling. A tier with `confidence` asks for proof: the Wilson bound must be over the limit too.
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
        return _judgement(Verdict.NO_DATA, tier_rule, observation, nothing(observation.value))
    verdict = _compare(observation.value, tier_rule)
    if verdict is Verdict.BREACH and not enough(observation.failures or 0.0, needed_failures(signal, tier_rule)):
        why = f"{observation.failures or 0:.0f} of {tier_rule.guards.min_failures:g} failures needed"
        return _judgement(Verdict.INSUFFICIENT, tier_rule, observation, f"{why} ({_said(signal, observation)})")
    if verdict is Verdict.BREACH and (why := _unproven_ratio(signal, tier_rule, observation)):
        return _judgement(Verdict.INSUFFICIENT, tier_rule, observation, why)
    return _judgement(verdict, tier_rule, observation, _said(signal, observation))


def held_back(judgement: Judgement, why: str) -> Judgement:
    """Give `judgement` with a breach made insufficient, for the reason `why`; any other verdict stays as it is."""
    if judgement.verdict is not Verdict.BREACH:
        return judgement
    return replace(judgement, verdict=Verdict.INSUFFICIENT, why=f"{why} ({judgement.why})")


def unseen(signal: Signal, tier_rule: TierRule | None = None) -> Judgement:
    """Give the judgement of a known instance that a complete answer does not hold.

    No data; of a condition, clear; of a query that gives absence a value, the judgement of that value.
    """
    if isinstance(signal, Condition):
        return Judgement(Verdict.CLEAR, why="the condition does not hold")
    if isinstance(signal, Query) and signal.absent is not None and tier_rule is not None:
        return judge(signal, tier_rule, Observation(signal.absent))
    return Judgement(Verdict.NO_DATA, limit=tier_rule.limit if tier_rule else None, why=nothing(None))


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _lacking(observation: Observation, tier_rule: TierRule) -> bool:
    """Whether too few requests were counted to say anything; a count that is no number says nothing of that."""
    return _is_number(observation.requests) and not enough(observation.requests, needed_requests(tier_rule))


def needed_requests(tier_rule: TierRule) -> float:
    """Give how many requests a reading needs before it can be judged."""
    return max(1.0, tier_rule.guards.min_requests)


def needed_failures(signal: Signal, tier_rule: TierRule) -> float:
    """Give how many failures a breach needs; none of a signal that counts no failures."""
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
        verdict, why = Verdict.NO_DATA, nothing(seconds)
    else:
        verdict = Verdict.INSUFFICIENT if judged.value is None else _compare(judged.value, tier_rule)
        why = _latency_said(signal, seconds, references)
        if verdict is Verdict.BREACH and (unproven := _unproven_latency(signal, tier_rule, observation, base)):
            verdict, why = Verdict.INSUFFICIENT, f"{unproven} ({why})"
    return replace(_judgement(verdict, tier_rule, judged, why), baseline=references)


def base_of(signal: Latency, tier_rule: TierRule, read: tuple[Reference, ...]) -> float | None:
    """Give B, the seconds that a latency is held against in this tier, or None where there is nothing."""
    return _base(_references(signal, read), tier_rule.limit)


def _references(signal: Latency, read: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """Give every reference that counts: those read, the fixed one, or the ceiling where nothing else is to be had."""
    baseline = signal.baseline
    if baseline.fixed is not None:
        return (*read, Reference(FIXED, baseline.fixed))
    if baseline.ceiling is None or any(_counts(one) for one in read):
        return read
    return (*read, Reference(CEILING, baseline.ceiling, "absolute, for want of a baseline"))


def _counts(reference: Reference) -> bool:
    """Whether something may be held against it; what was before a deploy is only shown."""
    return reference.seconds is not None and reference.seconds > 0 and reference.name != BEFORE_DEPLOY


def _base(references: tuple[Reference, ...], limit: float | None) -> float | None:
    """Give B in seconds: the largest reference, or the one that puts the limit on the ceiling."""
    known = {one.name: one.seconds for one in references if one.seconds is not None and _counts(one)}
    ceiling = known.pop(CEILING, None)
    if known:
        return max(known.values())
    return None if ceiling is None or limit is None or limit <= -1 else ceiling / (1 + limit)


# --- proof ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Proof:
    """What was counted, and the share that it proves at the tier's confidence (one-sided).

    `bound` is the least share that is proven, of a tier with `below` the largest one; it must be beyond `limit`.
    """

    count: float
    of: float
    limit: float
    bound: float
    above: bool

    @property
    def given(self) -> bool:
        """Whether it proves a breach."""
        return self.bound > self.limit if self.above else self.bound < self.limit


def proof_of(
    signal: Signal, tier_rule: TierRule, observation: Observation, reference: tuple[Reference, ...] = ()
) -> Proof | None:
    """Give what a reading proves; None where proof is not asked for, or where nothing was counted."""
    if isinstance(signal, Latency):
        base = base_of(signal, tier_rule, reference)
        return None if tier_rule.confidence is None else _latency_proof(signal, tier_rule, observation, base)
    return _ratio_proof(signal, tier_rule, observation)


def _ratio_proof(signal: Signal, tier_rule: TierRule, observation: Observation) -> Proof | None:
    failed, requests = observation.failures or 0.0, observation.requests or 0.0
    if not isinstance(signal, ErrorRatio) or tier_rule.limit is None:
        return None
    return _proof(tier_rule, failed, requests, tier_rule.limit)


def _latency_proof(signal: Latency, tier_rule: TierRule, observation: Observation, base: float | None) -> Proof | None:
    """A quantile is over x where a larger share than 1 - quantile is slower than x."""
    if tier_rule.limit is None or base is None or observation.buckets is None:
        return None
    slow = slower(observation.buckets, (1 + tier_rule.limit) * base)
    return _proof(tier_rule, slow, observation.requests or 0.0, 1 - signal.quantile)


def _proof(tier_rule: TierRule, count: float, of: float, limit: float) -> Proof | None:
    if tier_rule.confidence is None:
        return None
    if tier_rule.above is not None:
        return Proof(count, of, limit, wilson_lower(count, of, tier_rule.confidence), above=True)
    return Proof(count, of, limit, 1 - wilson_lower(of - count, of, tier_rule.confidence), above=False)


def _unproven_ratio(signal: Signal, tier_rule: TierRule, observation: Observation) -> str:
    """Give what is short of proof, or nothing where it is proven or proof is not asked for."""
    proof = _ratio_proof(signal, tier_rule, observation)
    if proof is None or proof.given:
        return ""
    return f"{proof.count:.0f} of {proof.of:.0f} failed: {_no_proof(tier_rule, proof.limit)}"


def _unproven_latency(signal: Latency, tier_rule: TierRule, observation: Observation, base: float | None) -> str:
    proof = _latency_proof(signal, tier_rule, observation, base)
    if proof is None or proof.given or base is None:
        return ""
    x = _duration((1 + (tier_rule.limit or 0.0)) * base)
    return f"{proof.count:.0f} of {proof.of:.0f} slower than {x}: {_no_proof(tier_rule, proof.limit)}"


def _no_proof(tier_rule: TierRule, limit: float) -> str:
    side = "" if tier_rule.above is not None else "less than "
    return f"not proof of {side}{_percent(limit)} at {_percent(tier_rule.confidence or 0.0)}"


# --- sentences --------------------------------------------------------------------------------------------------------


def nothing(value: float | None) -> str:
    """Say that there is nothing to judge by: no value, or one that is no number."""
    return "no data" if value is None else f"no data (the value is {value})"


def _too_few(observation: Observation, tier_rule: TierRule) -> str:
    requests = observation.requests or 0.0
    if requests <= 0:
        return "no request in the window"
    needed = needed_requests(tier_rule)
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
    known = [one for one in references if _counts(one)]
    reading = f"p{100 * signal.quantile:.4g} {_duration(seconds)}"
    if not known:
        lacking = [one.why for one in references if one.why and one.name != BEFORE_DEPLOY]
        return f"{reading}, but no baseline: {'; '.join(lacking) or 'nothing was read for it'}"
    used = max(known, key=lambda one: one.seconds or 0.0)
    held_against = _duration(used.seconds or 0.0)
    if used.name == CEILING:
        return f"{reading}, ceiling {held_against} (no baseline)"
    return f"{reading}, baseline {held_against} ({_REFERENCES.get(used.name, used.name)})"


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} s" if seconds >= _SHOWN_AS_SECONDS else f"{1000 * seconds:.3g} ms"
