"""Which Prometheus answers a test, and at which time of it the test begins. Pure.

One Prometheus answers them all, each at times of its own, so far apart that no query reaches another test's samples.
Every beginning is a Thursday at 00:00 UTC, as the epoch is. A test whose PromQL reads the clock has a Prometheus of its
own and begins at the epoch itself, where promtool's tests begin.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.files.expressions import code_of

WEEK = 7 * 86_400
MARGIN = 5 * WEEK
"""Baselines reach three weeks back, and two weeks are for what nobody writes down (lookback, clock hours)."""

_CLOCK = frozenset(
    {"time", "timestamp", "minute", "hour", "month", "year", "day_of_week", "day_of_month", "day_of_year"}
    | {"days_in_month", "@", "start", "end"}
)
_DURATION = re.compile(r"(?<![\w.])((?:\d+(?:ms|[smhdwy]))+)")
_PART = re.compile(r"(\d+)(ms|[smhdwy])")
_SECONDS = {"ms": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": WEEK, "y": 366 * 86_400}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a test needs: how long it is, the intervals of its groups, and everything that it asks."""

    length: int
    intervals: tuple[int, ...]
    expressions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """Which server (by number), and from which time (seconds since the epoch) on."""

    server: int
    base: int


def slots(wanted: Sequence[Wanted], latest: int) -> tuple[Slot, ...]:
    """Give the slot of each test; none ends after `latest`, since no sample may lie in the future."""
    found: list[Slot] = []
    server, free, servers = -1, 0, 0
    for one in wanted:
        if any(reads_clock(expr) for expr in one.expressions):
            found.append(Slot(servers, 0))
            servers += 1
            continue
        base = _beginning(free + reach(one.expressions) if server >= 0 else 0, one.intervals)
        if server < 0 or base + one.length > latest:
            server, base, servers = servers, 0, servers + 1
        found.append(Slot(server, base))
        free = base + one.length
    return tuple(found)


def _beginning(after: int, intervals: Iterable[int]) -> int:
    """Give the first time from `after` on that is a whole week and stands on every grid."""
    unit = math.lcm(WEEK, *intervals)
    return -(-after // unit) * unit


def reach(expressions: Iterable[str]) -> int:
    """Give at least the seconds that anything asked can look back: all durations that are written, added up."""
    return MARGIN + max((_written(one) for one in expressions), default=0)


def _written(expr: str) -> int:
    found = (part for duration in _DURATION.findall(expr) for part in _PART.findall(duration))
    return sum(int(count) * _SECONDS[unit] for count, unit in found)


def reads_clock(expr: str) -> bool:
    """Whether what `expr` gives depends on the time of day, or on the time itself."""
    return any(word.lower() in _CLOCK for _, word in code_of(expr))
