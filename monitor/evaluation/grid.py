"""The grid that evaluations stand on.

Multiples of a group's interval since the epoch. Pure; times are whole seconds.
"""

from dataclasses import dataclass

from monitor.core.rules.rule import Group


@dataclass(frozen=True, slots=True)
class Stretch:
    """The grid points due for a rule.

    `times` in order, the cursor it stands at before them, how many were skipped as too old, and by how many seconds the
    cursor was ahead of what can be read (a clock that went back).
    """

    times: tuple[int, ...]
    cursor: int
    skipped: int = 0
    ahead: int = 0


def newest_point(group: Group, now: float, source: float | None = None) -> int:
    """Give the newest grid time of `group` that can be read at `now` (seconds since the epoch).

    Now - query_offset, rounded down; never later than the time of the `source` itself, where that is known.
    """
    readable = now - group.query_offset
    if source is not None:
        readable = min(readable, source + 1)  # it is told in whole seconds, so that it may be a second behind
    return int(readable) // group.interval * group.interval


def due_points(group: Group, cursor: int, newest: int) -> Stretch:
    """Give the grid points of `group` after `cursor`, up to `newest`.

    A cursor ahead of the newest (the clock was wrong when it was written) is set back to it: states are kept and
    nothing is credited. Points older than the group's `max_catch_up` are skipped.
    """
    if cursor >= newest:
        return Stretch((), newest, ahead=cursor - newest)
    first = (cursor // group.interval + 1) * group.interval
    oldest = newest - group.max_catch_up // group.interval * group.interval
    skipped = max(0, (oldest - first) // group.interval)
    times = tuple(range(max(first, oldest), newest + 1, group.interval))
    return Stretch(times, times[0] - group.interval, skipped)


def history(group: Group, seconds: int, newest: int) -> Stretch:
    """Give the grid points of the `seconds` up to `newest`, for a rule of which nothing is kept.

    At most `max_catch_up`, and at least the newest one.
    """
    span = min(seconds, group.max_catch_up) // group.interval * group.interval
    times = tuple(range(newest - span, newest + 1, group.interval))
    return Stretch(times, times[0] - group.interval)
