"""A reading with what it is judged by, and the same with one quantity another. Pure; it is judged by `judge` alone."""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

from monitor.core.judging.judge import base_of, judge
from monitor.core.judging.latency import CEILING, FIXED, Buckets, quantile, slower
from monitor.core.judging.observe import Observation
from monitor.core.model import Judgement, Reference, Verdict
from monitor.core.rules.rule import TierRule
from monitor.core.rules.signal import ErrorRatio, Latency, Signal


class Quantity(StrEnum):
    """What could be another: counts in the window, the signal's value, a latency's quantile, or the rule's limit."""

    REQUESTS = "requests"
    FAILURES = "failures"
    SLOW = "slow_requests"
    VALUE = "value"
    SECONDS = "seconds"
    LIMIT = "limit"


@dataclass(frozen=True, slots=True)
class Case:
    """A reading with what it is judged by; `references` are those that were read."""

    signal: Signal
    tier: TierRule
    seen: Observation
    references: tuple[Reference, ...] = ()

    @property
    def judgement(self) -> Judgement:
        """The reading as it is judged."""
        return judge(self.signal, self.tier, self.seen, self.references)

    @property
    def verdict(self) -> Verdict:
        """Its verdict."""
        return self.judgement.verdict

    @property
    def slow_from(self) -> float | None:
        """The seconds beyond which a request counts as slow; None where it is no latency or has no baseline."""
        if not isinstance(self.signal, Latency) or self.tier.limit is None:
            return None
        base = base_of(self.signal, self.tier, self.references)
        return None if base is None else (1 + self.tier.limit) * base


def read_references(given: tuple[Reference, ...]) -> tuple[Reference, ...]:
    """Give those of a judgement's references that were read, without those that the rule itself names."""
    return tuple(one for one in given if one.name not in {FIXED, CEILING})


def amount(case: Case, quantity: Quantity) -> float:
    """Give what there is of a quantity."""
    seen = case.seen
    match quantity:
        case Quantity.REQUESTS:
            return seen.requests or 0.0
        case Quantity.FAILURES:
            return seen.failures or 0.0
        case Quantity.SLOW:
            return slower(seen.buckets or {}, case.slow_from or math.inf)
        case Quantity.VALUE | Quantity.SECONDS:
            return seen.value if seen.value is not None else math.nan
        case Quantity.LIMIT:
            return case.tier.limit if case.tier.limit is not None else math.nan


def moved(case: Case, quantity: Quantity, to: float) -> Case:
    """Give the case as it would be with `to` of a quantity."""
    seen = case.seen
    match quantity:
        case Quantity.REQUESTS:
            return replace(case, seen=_scaled(case, to))
        case Quantity.FAILURES:
            requests = seen.requests or 0.0
            value = min(1.0, to / requests) if requests > 0 else None
            return replace(case, seen=replace(seen, failures=to, value=value))
        case Quantity.SLOW:
            return replace(case, seen=_with_slow(case, to))
        case Quantity.VALUE | Quantity.SECONDS:
            return replace(case, seen=replace(seen, value=to))
        case Quantity.LIMIT:
            side = "above" if case.tier.above is not None else "below"
            return replace(case, tier=replace(case.tier, **{side: to}))  # type: ignore[arg-type]  # both are numbers


def share_of(case: Case) -> float:
    """Give the share of the requests that failed."""
    requests = case.seen.requests or 0.0
    return (case.seen.failures or 0.0) / requests if requests > 0 else 0.0


def _scaled(case: Case, requests: float) -> Observation:
    seen, share = case.seen, share_of(case)
    if isinstance(case.signal, ErrorRatio):
        failures = share * requests
        value = min(1.0, failures / requests) if requests > 0 else None
        return replace(seen, requests=requests, failures=failures, value=value)
    factor = requests / seen.requests if seen.requests else 0.0
    buckets = {bound: count * factor for bound, count in (seen.buckets or {}).items()}
    return replace(seen, requests=requests, buckets=buckets if seen.buckets is not None else None)


def _with_slow(case: Case, slow: float) -> Observation:
    """Give a reading in which just so many requests are beyond the limit, all the others right at it."""
    limit, requests = case.slow_from, case.seen.requests or 0.0
    if limit is None or not isinstance(case.signal, Latency):
        return case.seen
    buckets: Buckets = {limit: requests - slow, 2 * limit: requests, math.inf: requests}
    return replace(case.seen, buckets=buckets, value=quantile(case.signal.quantile, buckets))
