"""A signal that is played: what a source would answer at any time, were a fault injected. Pure.

Everything is a function of the time, the injection and the moment at which it clears, so that a monitor that was
restarted in the middle reads the same again. Windows see a fault as slowly as they see a real one.
"""

import math
from dataclasses import dataclass

from monitor.core.drill.scenario import Load, Script
from monitor.core.model import Labels, Sample, labels_of
from monitor.core.rules.rule import Requires, Rule
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Signal

MINUTE = 60
_SHAPE = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Bounds of the played buckets, as shares of the quantile: half of the slower requests lie between it and its half."""


@dataclass(frozen=True, slots=True)
class Played:
    """One script under way: broken from `begin` to `end` (seconds since the epoch; None: for as long as it runs)."""

    script: Script
    begin: float
    end: float | None = None

    def broken(self, begin: float, end: float) -> float:
        """Give the seconds between `begin` and `end` in which it is broken."""
        last = math.inf if self.end is None else self.end
        return max(0.0, min(end, last) - max(begin, self.begin))

    def now(self, at: float) -> Load:
        """Give what it says at a moment."""
        return self.script.broken if self.broken(at - 1, at) > 0 else self.script.healthy

    def shares(self, at: float, window: float) -> tuple[tuple[Load, float], ...]:
        """Give the loads of the window that ends at `at`, each with its seconds."""
        broken = self.broken(at - window, at)
        return (self.script.healthy, window - broken), (self.script.broken, broken)


def part(signal: Signal, name: str, played: Played, at: float, window: float) -> tuple[Sample, ...]:
    """Give the samples of one part of `signal`'s reading (`monitor.queries.promql` names them)."""
    labels, shares = played.script.labels, played.shares(at, window)
    match signal, name:
        case ErrorRatio(), "requests":
            return _one(labels, sum(load.requests * seconds for load, seconds in shares))
        case ErrorRatio(), "failures":
            return _one(labels, sum(load.requests * load.value * seconds for load, seconds in shares))
        case Latency(), "buckets":
            return buckets(signal, labels, shares)
        case Availability(), "up":
            return _one(labels, sum(load.value * seconds for load, seconds in shares) / window)
        case Count(), "grown":
            return _one(labels, sum(load.value * seconds for load, seconds in shares) / MINUTE)
        case Count(), "seen" | "watched" | "alive":
            return _one(labels if name == "seen" else (), 1.0)
        case Count(), _:
            return ()
        case Condition(), _:
            return _one(labels, played.now(at).value) if played.broken(at - 1, at) > 0 else ()
        case _:
            return _one(labels, played.now(at).value)


def buckets(signal: Latency, labels: Labels, shares: tuple[tuple[Load, float], ...]) -> tuple[Sample, ...]:
    """Give the buckets of a latency whose quantile is that of each load for its seconds."""
    bounds = sorted({load.value * share for load, _ in shares for share in _SHAPE if load.value > 0})
    counted = [
        (bound, sum(load.requests * seconds * _below(signal.quantile, load.value, bound) for load, seconds in shares))
        for bound in (*bounds, math.inf)
    ]
    return tuple(
        Sample(
            labels_of({**dict(labels), "le": "+Inf" if math.isinf(bound) else f"{bound * signal.unit.per_second:.9g}"}),
            count,
        )
        for bound, count in counted
    )


def healthy_hour(signal: Latency, script: Script) -> tuple[Sample, ...]:
    """Give the buckets of an hour in which nothing was wrong: what a played latency is held against."""
    return buckets(signal, script.labels, ((script.healthy, 3600.0),))


def _below(q: float, value: float, bound: float) -> float:
    """Give the share of requests at or below `bound`: `q` of them up to `value`, evenly; the rest up to its double."""
    if math.isinf(bound) or bound >= 2 * value:
        return 1.0
    return q * bound / value if bound <= value else q + (1 - q) * (bound - value) / value


def condition(requires: Requires) -> tuple[Sample, ...]:
    """Give an answer that meets a rule's condition: a drill is held whatever the traffic is."""
    return _one((), requires.above + 1 if requires.above is not None else (requires.below or 0.0) - 1)


def instance(rule: Rule, labels: Labels) -> Labels:
    """Give the labels of the instance that a script plays: those that the rule tells instances apart by."""
    known = dict(labels)
    by = getattr(rule.signal, "by", ())
    return labels_of({name: known.get(name, "drill") for name in by}) if by else labels


def _one(labels: Labels, value: float) -> tuple[Sample, ...]:
    return (Sample(labels, value),)
