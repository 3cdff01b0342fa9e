"""What would have to change about a reading for it to be judged otherwise: one quantity at a time, the others staying.

Pure, and no second judge: the counts and values at which a verdict can turn are few, and `judge` itself is asked at
each of them.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from monitor.core.explanation.whatif import Case, Quantity, amount, moved, share_of
from monitor.core.judging.judge import base_of, needed_failures, needed_requests, proof_of
from monitor.core.judging.proof import wilson_lower
from monitor.core.model import Verdict
from monitor.core.rules.rule import TierRule
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query


class Bound(StrEnum):
    """On which side of a number it would have to be."""

    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    OVER = "over"
    UNDER = "under"


@dataclass(frozen=True, slots=True)
class Lever:
    """One change that turns the verdict: `quantity`, which is `now`, would have to be `bound` `needed`.

    Of counts `needed` is the nearest whole number that does it; limits of values are strict, so that theirs is the
    limit itself. `verdict` is what the reading would be judged as then. Failures and slow requests change among as many
    requests as there are; requests at the share of them that there is.
    """

    quantity: Quantity
    now: float
    bound: Bound
    needed: float
    verdict: Verdict

    @property
    def apart(self) -> int:
        """How many more or fewer, as the two counts are shown."""
        return abs(round(self.needed) - round(self.now))


MOST = 1e9
"""Requests beyond which no more are looked for."""

Wanted: TypeAlias = Callable[[Verdict], bool]


def levers(case: Case) -> tuple[Lever, ...]:
    """Give what would turn the verdict of `case`, to a breach first; nothing where no number could.

    From a breach: no breach, and clear where that takes more. From too little to judge: as many requests as can be
    judged, at the same share. Else: a breach, and from between also clear.
    """
    now = case.verdict
    if now in {Verdict.NO_DATA, Verdict.ERROR} or isinstance(case.signal, Condition):
        return ()
    found = [_towards(case, wanted, breach=breach) for wanted, breach in _aims(now)]
    found.append(_requests(case) if now is Verdict.INSUFFICIENT else _limits(case, now))
    return tuple(dict.fromkeys(one for some in found for one in some))


def _aims(now: Verdict) -> Sequence[tuple[Wanted, bool]]:
    """Give the verdicts to look for, and whether each is a breach."""
    breach: tuple[Wanted, bool] = (lambda verdict: verdict is Verdict.BREACH, True)
    clear: tuple[Wanted, bool] = (lambda verdict: verdict is Verdict.CLEAR, False)
    match now:
        case Verdict.BREACH:
            return ((lambda verdict: verdict is not Verdict.BREACH, False), clear)
        case Verdict.BETWEEN:
            return breach, clear
        case _:
            return (breach,)


def _towards(case: Case, wanted: Wanted, *, breach: bool) -> Iterable[Lever]:
    match case.signal:
        case ErrorRatio():
            yield from _nearest(case, Quantity.FAILURES, _turns_of_failures(case), wanted)
        case Latency():
            if breach and case.seen.buckets is not None:
                yield from _nearest(case, Quantity.SLOW, _turns_of_slow(case), wanted)
            if not breach or case.tier.confidence is None:
                yield from _beyond(case, Quantity.SECONDS, wanted)
        case Availability() | Count() | Query():
            yield from _beyond(case, Quantity.VALUE, wanted)


# --- counts -----------------------------------------------------------------------------------------------------------


def _nearest(case: Case, quantity: Quantity, turns: Iterable[float], wanted: Wanted) -> Iterable[Lever]:
    """Give the whole number nearest to what there is that is judged as wanted; a verdict turns beside `turns` only."""
    now, most = amount(case, quantity), MOST if quantity is Quantity.REQUESTS else case.seen.requests or 0.0
    numbers = {number for turn in turns if math.isfinite(turn) for number in _beside(turn) if 0 <= number <= most}
    for number in sorted(numbers, key=lambda one: (abs(one - now), one)):
        verdict = moved(case, quantity, number).verdict
        if wanted(verdict) and number != now:
            yield Lever(quantity, now, Bound.AT_LEAST if number > now else Bound.AT_MOST, number, verdict)
            return


def _beside(turn: float) -> Iterable[float]:
    """Give the whole numbers around `turn`, further apart where the tolerance of limits is wider than 1."""
    dust = math.ceil(2e-9 * abs(turn))
    return {float(math.floor(turn) + step) for step in (-1 - dust, -1, 0, 1, 2, 2 + dust)}


def _turns_of_failures(case: Case) -> Iterable[float]:
    requests, tier = case.seen.requests or 0.0, case.tier
    yield from (0.0, requests, needed_failures(case.signal, tier))
    yield from (limit * requests for limit in (tier.limit, tier.clear) if limit is not None)
    if tier.limit is not None:
        yield from _proving_count(tier, requests, tier.limit)


def _turns_of_slow(case: Case) -> Iterable[float]:
    if not isinstance(case.signal, Latency):
        return
    requests, share = case.seen.requests or 0.0, 1 - case.signal.quantile
    yield from (0.0, requests, share * requests)
    yield from _proving_count(case.tier, requests, share)


def _proving_count(tier: TierRule, requests: float, limit: float) -> Iterable[float]:
    """Give the count of which, with one more, `requests` prove a share beyond `limit`."""
    confidence = tier.confidence
    if confidence is None:
        return
    if tier.above is not None:
        yield _first(requests, lambda count: wilson_lower(count, requests, confidence) > limit)
    else:
        yield requests - _first(requests, lambda count: wilson_lower(count, requests, confidence) > 1 - limit)


def _requests(case: Case) -> Iterable[Lever]:
    """Give how many requests, at the same share of failures, it takes for a verdict."""
    if case.seen.requests is None:
        return ()
    turns = [needed_requests(case.tier)]
    share = share_of(case)
    if share > 0:
        turns.append(needed_failures(case.signal, case.tier) / share)
    if case.tier.confidence is not None:
        enough = _enough_for_proof(case)
        turns += [enough] if enough is not None else []
    return _nearest(case, Quantity.REQUESTS, turns, lambda verdict: verdict in _JUDGED)


_JUDGED = frozenset({Verdict.BREACH, Verdict.BETWEEN, Verdict.CLEAR})


def _enough_for_proof(case: Case) -> float | None:
    def proven(requests: float) -> bool:
        return moved(case, Quantity.REQUESTS, requests).verdict is Verdict.BREACH

    return _first(MOST, proven) if proven(MOST) else None


def _first(most: float, holds: Callable[[float], bool]) -> float:
    """Give the least whole number up to `most` from which on `holds` is true; beyond `most` where it never is."""
    low, high = -1, math.floor(most) + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(float(middle)) else (middle, high)
    return float(high)


# --- values -----------------------------------------------------------------------------------------------------------


def _beyond(case: Case, quantity: Quantity, wanted: Wanted) -> Iterable[Lever]:
    """Give the limit that the value would have to pass, or not to pass."""
    now, over = amount(case, quantity), case.tier.above is not None
    for limit in (case.tier.limit, case.tier.clear):
        needed = _as_read(case, limit)
        if needed is None:
            continue
        beyond, within = needed + _hair(needed) * (1 if over else -1), needed
        for value, bound in (
            (beyond, Bound.OVER if over else Bound.UNDER),
            (within, Bound.AT_MOST if over else Bound.AT_LEAST),
        ):
            verdict = moved(case, quantity, value).verdict
            if wanted(verdict) and not _already(now, bound, needed):
                yield Lever(quantity, now, bound, needed, verdict)
                return


def _limits(case: Case, now: Verdict) -> Iterable[Lever]:
    """Give the limit with which the reading would be a breach, or would be none."""
    value, over = case.judgement.value, case.tier.above is not None
    if value is None or case.tier.limit is None:
        return
    if now is Verdict.BREACH:
        needed, bound, tried = value, Bound.AT_LEAST if over else Bound.AT_MOST, value
    else:
        proof = proof_of(case.signal, case.tier, case.seen, case.references)
        if proof is not None and isinstance(case.signal, Latency):
            return  # which requests count as slow would be another question then
        needed = value if proof is None else proof.bound
        bound, tried = (Bound.UNDER, needed - _hair(needed)) if over else (Bound.OVER, needed + _hair(needed))
    verdict = moved(case, Quantity.LIMIT, tried).verdict
    if (verdict is Verdict.BREACH) is not (now is Verdict.BREACH):
        yield Lever(Quantity.LIMIT, case.tier.limit, bound, needed, verdict)


def _hair(value: float) -> float:
    """Give what is more than the tolerance of limits, and less than anybody could see."""
    return max(abs(value) * 1e-6, 1e-9)


def _already(now: float, bound: Bound, needed: float) -> bool:
    return now > needed if bound is Bound.OVER else now < needed if bound is Bound.UNDER else now == needed


def _as_read(case: Case, limit: float | None) -> float | None:
    """Give a limit in the unit of what is read: of a latency in seconds."""
    if limit is None or not isinstance(case.signal, Latency):
        return limit
    base = base_of(case.signal, case.tier, case.references)
    return None if base is None else (1 + limit) * base
