"""What is measured: the kinds of signals, their baselines, and how their values are shown.

Durations are whole seconds; ratios are fractions (2 % is 0.02); latencies are seconds.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias


class Unit(StrEnum):
    """How a signal's value is shown to people."""

    RATIO = "ratio"
    SLOWER = "slower"
    UP = "up"
    NUMBER = "number"


@dataclass(frozen=True, slots=True)
class ErrorRatio:
    """Failures over requests in the window.

    `failures` is a whole selector (matchers are joined to `requests` when the file is read).
    """

    requests: str
    failures: str
    by: tuple[str, ...]
    window: int


class ReferenceKind(StrEnum):
    """What a latency can be held against.

    `same_time`: the median of the same clock time, give or take 30 minutes, 1, 2 and 3 weeks ago. `trailing`: the
    median of the quantiles of the 24 full clock hours that ended at least 1 h ago.
    """

    SAME_TIME = "same_time"
    TRAILING = "trailing"


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a latency is held against: the largest of the `kinds`, or `fixed` seconds that somebody decided on.

    `ceiling` (seconds) is an absolute limit for as long as there is no reference.
    """

    kinds: tuple[ReferenceKind, ...] = (ReferenceKind.SAME_TIME, ReferenceKind.TRAILING)
    fixed: float | None = None
    ceiling: float | None = None


_MILLISECONDS = re.compile(r"(^|_)(milliseconds|millis|ms)(_|$)")


class TimeUnit(StrEnum):
    """What the bounds of a histogram's buckets count. Everything that is made of them is seconds."""

    SECONDS = "s"
    MILLISECONDS = "ms"

    @classmethod
    def told_by(cls, name: str) -> "TimeUnit":
        """Give the unit that the name of a metric tells; seconds, as Prometheus's conventions have it, if none."""
        return cls.MILLISECONDS if _MILLISECONDS.search(name) else cls.SECONDS

    @property
    def per_second(self) -> float:
        """How many of it a second has."""
        return 1000.0 if self is TimeUnit.MILLISECONDS else 1.0

    def seconds(self, value: float) -> float:
        """Give seconds; those that are written as 250 ms are the same double as those that are written as 0.25."""
        return value / self.per_second


@dataclass(frozen=True, slots=True)
class Latency:
    """How much slower a quantile is than its baseline.

    Q/B - 1. `histogram` is a selector of the metric without `_bucket`, `unit` that of its buckets' bounds.
    """

    histogram: str
    quantile: float
    by: tuple[str, ...]
    window: int
    baseline: Baseline
    unit: TimeUnit = TimeUnit.SECONDS


@dataclass(frozen=True, slots=True)
class Availability:
    """The share of probes that succeeded in the window, from a metric that is 1 for up and 0 for down."""

    probe: str
    by: tuple[str, ...]
    window: int


@dataclass(frozen=True, slots=True)
class Query:
    """Any PromQL that gives an instant vector; `absent` is the value of an empty answer."""

    expr: str
    by: tuple[str, ...]
    absent: float | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Events in the window; a series that is born inside it counts from 0, so that the first failure is seen.

    `alive` is the selector of an `up` that shows whether the counter was watched all the time.
    """

    counter: str
    by: tuple[str, ...]
    window: int
    alive: str


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression of a Prometheus rule that has no threshold to split off: a result is a breach, none is clear.

    Every label but the metric's name tells instances apart.
    """

    expr: str
    by: tuple[str, ...] = ()


Signal: TypeAlias = ErrorRatio | Latency | Availability | Count | Query | Condition


def unit_of(signal: Signal) -> Unit:
    """Give the unit of `signal`'s value."""
    match signal:
        case ErrorRatio():
            return Unit.RATIO
        case Latency():
            return Unit.SLOWER
        case Availability():
            return Unit.UP
        case Count() | Query() | Condition():
            return Unit.NUMBER
