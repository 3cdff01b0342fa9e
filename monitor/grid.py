"""The grid that evaluations stand on.

Multiples of a group's interval since the epoch. Pure; times are whole seconds.
"""

from dataclasses import dataclass

from monitor.core.rule import Group

MAX_CATCH_UP = 3600
"""Seconds of missed grid points that are folded late; older ones are skipped."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The grid points due for a rule.

    `times` in order, the cursor it stands at before them, and how many were skipped as too old.
    """

    times: tuple[int, ...]
    cursor: int
    skipped: int = 0


def newest_point(group: Group, now: float) -> int:
    """Give the newest grid time of `group` that can be read at `now` (seconds since the epoch).

    Now - query_offset, rounded down.
    """
    return int(now - group.query_offset) // group.interval * group.interval


def due_points(group: Group, cursor: int | None, now: float) -> Stretch:
    """Give the grid points of `group` after `cursor` that can be read at `now`.

    Without a cursor only the newest is due. A cursor ahead of now (the clock was wrong when it was written) is set back
    to the newest
    point: states are kept and nothing is credited. Points older than MAX_CATCH_UP are skipped.
    """
    newest = newest_point(group, now)
    if cursor is None:
        return Stretch((newest,), newest - group.interval)
    if cursor >= newest:
        return Stretch((), newest)
    first = (cursor // group.interval + 1) * group.interval
    oldest = newest - MAX_CATCH_UP // group.interval * group.interval
    skipped = max(0, (oldest - first) // group.interval)
    times = tuple(range(max(first, oldest), newest + 1, group.interval))
    return Stretch(times, times[0] - group.interval, skipped)
