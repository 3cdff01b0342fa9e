"""Long rows of readings made short enough to draw: the lowest and the highest of each bucket of time. Pure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

MOST = 1009
"""Buckets that a plot has at most: about one for every pixel of its width, and ten minutes of a week."""

ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
"""Lengths of time in seconds that people count in."""


@dataclass(frozen=True, slots=True)
class Range:
    """The lowest and the highest value of one bucket."""

    low: float
    high: float


Buckets: TypeAlias = tuple[Range | None, ...]
"""A range for each bucket; None where nothing was read."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Buckets of `step` seconds, the first from `begin` on; the last one holds the end of what is drawn."""

    begin: int
    step: int
    count: int

    @property
    def end(self) -> int:
        """The time at which the last bucket ends."""
        return self.begin + self.step * self.count

    def index(self, at: int) -> int | None:
        """Give the bucket that holds the time `at`, or None."""
        found = (at - self.begin) // self.step
        return found if 0 <= found < self.count else None


def grid(begin: int, end: int, interval: int, most: int = MOST) -> Grid:
    """Give the buckets for readings every `interval` seconds from `begin` to `end`, no more than `most` of them.

    A bucket is as long as one interval, or as a round length of time that holds several.
    """
    seconds, least = max(end - begin, 1), max(interval, 1)
    step = least
    if seconds // step + 1 > most:
        wanted = -(-seconds // (most - 1))
        step = next((one for one in ROUND if one >= wanted and one % least == 0), -(-wanted // least) * least)
    return Grid(begin, step, seconds // step + 1)


def reduced(times: Sequence[int], values: Sequence[float | None], buckets: Grid) -> Buckets:
    """Give the lowest and the highest of `values` in each bucket: every extreme stays."""
    low: list[float | None] = [None] * buckets.count
    high: list[float | None] = [None] * buckets.count
    for at, value in zip(times, values, strict=True):
        index = buckets.index(at)
        if value is None or index is None or not math.isfinite(value):
            continue
        floor, top = low[index], high[index]
        low[index] = value if floor is None else min(floor, value)
        high[index] = value if top is None else max(top, value)
    return tuple(
        None if floor is None or top is None else Range(floor, top) for floor, top in zip(low, high, strict=True)
    )


def extremes(buckets: Iterable[Range | None]) -> Range | None:
    """Give the lowest and the highest of all, or None where nothing was read."""
    known = [one for one in buckets if one is not None]
    return Range(min(one.low for one in known), max(one.high for one in known)) if known else None
