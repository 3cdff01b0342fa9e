"""What observations mean for one tier at every grid time at once: `monitor.core.judging.judge` for whole ranges.

Comparisons are made for all points together. Proof is asked for where a value is over its limit, and there
`monitor.core.judging.judge` itself answers. A property of the tests holds the two to each other.
"""

from collections.abc import Callable
from enum import IntEnum

import numpy as np

from monitor.core.judging.judge import ABS_TOLERANCE, REL_TOLERANCE, judge, unseen
from monitor.core.judging.observe import Observation
from monitor.core.model import Labels, Reference, Verdict
from monitor.core.rules.rule import NoData, Requires, Rule, TierRule
from monitor.core.rules.signal import Condition, ErrorRatio, Latency, Signal
from monitor.workbench.replay.history import Codes, Flags, Floats, Reading
from monitor.workbench.replay.observing import Observed


class Code(IntEnum):
    """A verdict in an array. ABSENT: no judgement at all; WRONG: the query was; UNREAD: nothing is known."""

    ABSENT = 0
    CLEAR = 1
    BETWEEN = 2
    BREACH = 3
    INSUFFICIENT = 4
    NO_DATA = 5
    ERROR = 6
    WRONG = 7
    UNREAD = 8


CODES = {
    Verdict.CLEAR: Code.CLEAR,
    Verdict.BETWEEN: Code.BETWEEN,
    Verdict.BREACH: Code.BREACH,
    Verdict.INSUFFICIENT: Code.INSUFFICIENT,
    Verdict.NO_DATA: Code.NO_DATA,
    Verdict.ERROR: Code.ERROR,
}

FORGIVEN = 1 - 1e-9
"""As `monitor.core.judging.latency.enough`."""

References = Callable[[int], tuple[Reference, ...]]
"""Gives what was read of the references of an instance at a grid index."""


def verdicts(
    signal: Signal, tier: TierRule, seen: Observed, base: Floats | None, references: References
) -> tuple[Codes, Floats]:
    """Give the code and the judged value at each grid time; `base` is what a latency is held against, in seconds."""
    value = _judged_value(signal, seen, base)
    codes = np.full(len(value), Code.BREACH, dtype=np.int8)
    if not isinstance(signal, Condition):
        codes = _compared(value, tier)
        codes[_nothing(signal, seen, value)] = Code.NO_DATA
        if isinstance(signal, Latency):
            codes[np.isfinite(seen.value) & ~np.isfinite(value)] = Code.INSUFFICIENT
        codes[_lacking(seen, tier)] = Code.INSUFFICIENT
        if isinstance(signal, ErrorRatio) and seen.failures is not None:
            few = ~(seen.failures >= tier.guards.min_failures * FORGIVEN)
            codes[(codes == Code.BREACH) & few] = Code.INSUFFICIENT
    if seen.problem is not None:
        codes[seen.problem] = Code.ERROR
    codes[~seen.present] = Code.ABSENT
    _prove(signal, tier, seen, codes, references)
    return codes, value


def _judged_value(signal: Signal, seen: Observed, base: Floats | None) -> Floats:
    if not isinstance(signal, Latency):
        return seen.value
    if base is None:
        return np.full(len(seen.value), np.nan)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return seen.value / base - 1


def _nothing(signal: Signal, seen: Observed, value: Floats) -> Flags:
    if isinstance(signal, Latency):
        return ~np.isfinite(seen.value)
    strange = ~np.isfinite(value)
    return strange if seen.requests is None else strange | ~np.isfinite(seen.requests)


def _lacking(seen: Observed, tier: TierRule) -> Flags:
    if seen.requests is None:
        return np.zeros(len(seen.value), dtype=bool)
    needed = max(1.0, tier.guards.min_requests) * FORGIVEN
    return np.isfinite(seen.requests) & (seen.requests < needed)


def _compared(value: Floats, tier: TierRule) -> Codes:
    codes = np.full(len(value), Code.CLEAR, dtype=np.int8)
    if tier.clear is not None:
        codes[_over(value, tier.clear, tier)] = Code.BETWEEN
    if tier.limit is not None:
        codes[_over(value, tier.limit, tier)] = Code.BREACH
    return codes


def _over(value: Floats, limit: float, tier: TierRule) -> Flags:
    """As in `monitor.core.judging.judge`, whose tolerance is that of `math.isclose`."""
    with np.errstate(invalid="ignore", over="ignore"):
        tolerance = np.maximum(REL_TOLERANCE * np.maximum(np.abs(value), abs(limit)), ABS_TOLERANCE)
        apart = np.abs(value - limit) > tolerance
        over: Flags = (value > limit if tier.above is not None else value < limit) & apart
    return over


def _prove(signal: Signal, tier: TierRule, seen: Observed, codes: Codes, references: References) -> None:
    """Ask for proof where a breach needs it."""
    if tier.confidence is None or not isinstance(signal, ErrorRatio | Latency):
        return
    for index in np.flatnonzero(codes == Code.BREACH).tolist():
        codes[index] = CODES[judge(signal, tier, _observation(seen, index), references(index)).verdict]


def _observation(seen: Observed, index: int) -> Observation:
    """Give what `core.judging.observe` would of a point that is over its limit: everything there is a number."""
    return Observation(
        value=float(seen.value[index]),
        requests=None if seen.requests is None else float(seen.requests[index]),
        failures=None if seen.failures is None else float(seen.failures[index]),
        buckets=None if seen.buckets is None else seen.buckets.at(index),
    )


# --- what a rule adds -------------------------------------------------------------------------------------------------


def unseen_code(rule: Rule, tier: TierRule) -> Code:
    """Give the code of a known instance that a complete answer does not hold."""
    return CODES[unseen(rule.signal, tier).verdict]


def under_condition(rule: Rule, requires: Requires, labels: Labels, reading: Reading, codes: Codes) -> None:
    """Change `codes` as `core.judging.point.completed` changes judgements: where the condition is not met, or unknown.

    A condition that is not met holds everything, also where missing data stand for a verdict.
    """
    known, met = np.zeros(len(codes), dtype=bool), np.zeros(len(codes), dtype=bool)
    own = dict(labels)
    for theirs, series in reading.series.items():
        if all(own.get(name) == value for name, value in theirs if name != "__name__"):
            usable = series.present & np.isfinite(series.values)
            known |= usable
            met |= usable & _met(series.values, requires)
    subject = (codes != Code.ABSENT) & (codes != Code.ERROR)
    unmet, missing = subject & known & ~met, codes == Code.NO_DATA
    codes[subject & ~known] = Code.NO_DATA
    codes[unmet & ~missing] = Code.INSUFFICIENT
    if rule.no_data is not NoData.HOLD:
        codes[unmet & missing] = Code.ERROR


def _met(values: Floats, requires: Requires) -> Flags:
    with np.errstate(invalid="ignore"):
        met: Flags = values > requires.above if requires.above is not None else values < (requires.below or 0.0)
    return met
