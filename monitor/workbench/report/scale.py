"""From values and times to places on a plot, the ticks beside it, and how numbers are written there. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.model import utc
from monitor.core.replay.panels import Axis
from monitor.core.words import percent

DAY = 86400
STEPS = (60, 120, 300, 600, 900, 1800, 3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600)
"""Seconds between two times that are written below a plot; from a day on, whole days."""

DAYS = (1, 2, 7, 14, 28, 91, 182, 364)


@dataclass(frozen=True, slots=True)
class Scale:
    """Values from `low` to `high`, drawn from the bottom to the top.

    `clipped`: some lie beyond `high`. `root`: drawn by their square roots, so that a limit of 2 % can still be seen
    below values of 60 %.
    """

    low: float
    high: float
    clipped: bool = False
    root: bool = False

    def share(self, value: float) -> float:
        """Give how far up `value` lies: 0 at the bottom, 1 at the top, never beyond either."""
        share = min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))
        return math.sqrt(share) if self.root else share


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark with its words; a `minor` one may be left out where there is little room."""

    at: float
    text: str
    minor: bool = False


TIMES = "\N{MULTIPLICATION SIGN}"
WIDE = 8
"""How many times the lowest limit the highest value may be before values are drawn by their roots."""
FAR = 400
"""How many times above the lowest limit a value may lie and still be drawn to scale."""


def scale_of(axis: Axis, highs: Sequence[float], lows: Sequence[float], limits: Sequence[float]) -> Scale:
    """Give the scale for values between `lows` and `highs` (of buckets) and the `limits` that they are held against.

    It begins at 0 but where all values lie close together far from it. A limit far above all values is left out, and so
    are a few values far above all limits: else nothing could be seen of the others.
    """
    if not highs:
        return _settled(axis, 0.0, max([*limits, 0.0]))
    usual = sorted(highs)[min(len(highs) - 1, math.ceil(0.98 * len(highs)))]
    matters = max(usual, min(limits, default=usual))
    near = [one for one in limits if one <= max(2 * matters, *highs)]
    top, bottom = max([*highs, *near]), min([*lows, *limits])
    smallest = min((one for one in near if one > 0), default=usual)
    clipped = smallest > 0 and top > FAR * max(matters, smallest)
    top = 3 * max(matters, *near, 0.0) if clipped else top
    low = bottom if bottom < 0 or (axis is Axis.NUMBER and top - bottom < 0.2 * top) else 0.0
    scale = _settled(axis, low, top, clipped=clipped)
    root = scale.low == 0 and 0 < smallest < top / WIDE
    return replace(scale, root=root)


def _settled(axis: Axis, low: float, top: float, *, clipped: bool = False) -> Scale:
    """Give a scale with some room above; shares never go beyond 100 %."""
    if top <= low:
        top = low + (abs(low) or 1.0)
    room = (top - low) * 0.06
    if axis is Axis.SHARE and not clipped and top <= 1:
        return Scale(low, 1.0 if top > 0.9 else min(1.0, top + room))  # noqa: PLR2004  # nearly all is drawn as all
    return Scale(low - room if low else 0.0, top + room, clipped)


def value_ticks(scale: Scale, axis: Axis, most: int = 5) -> tuple[Tick, ...]:
    """Give round values on the scale with their words, at most `most` and at least two."""
    if scale.root:
        return _root_ticks(scale, axis)
    step = _round_step((scale.high - scale.low) / max(most - 1, 1))
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    return tuple(Tick(at * step, ticked(at * step, step, axis)) for at in range(first, last + 1))


def _root_ticks(scale: Scale, axis: Axis) -> tuple[Tick, ...]:
    """Give round values that lie far enough apart where values are drawn by their roots."""
    power = 10.0 ** math.floor(math.log10(scale.high))
    found, last = [], 1.15
    for value in (factor * power / 10**lower for lower in range(4) for factor in (5, 3, 2, 1)):
        if value <= scale.high and 0.12 <= scale.share(value) <= last - 0.15:  # noqa: PLR2004  # room for words
            last = scale.share(value)
            found.append(Tick(value, ticked(value, 10.0 ** math.floor(math.log10(value)), axis)))
    return (Tick(0.0, ticked(0.0, power, axis)), *reversed(found))


def _round_step(least: float) -> float:
    """Give the smallest of 1, 2, 2.5, 5 times a power of ten that is not below `least`."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= least * (1 - 1e-9))


def ticked(value: float, step: float, axis: Axis) -> str:
    """Give a value of an axis with just the digits that tell ticks of this `step` apart."""
    if value == 0 and axis is Axis.SHARE:
        return "0 %"
    match axis:
        case Axis.SHARE:
            return f"{_digits(value * 100, step * 100)} %"
        case Axis.TIMES:
            return f"{_digits(1 + value, step)}{TIMES}"
        case Axis.SECONDS if step < 0.5 and value < 1:  # noqa: PLR2004  # half a second
            return f"{_digits(value * 1000, step * 1000)} ms"
        case Axis.SECONDS:
            return f"{_digits(value, step)} s"
        case Axis.NUMBER:
            return _prefixed(value, step)


def _prefixed(value: float, step: float) -> str:
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if max(abs(value), step) >= power:
            return f"{_digits(value / power, step / power)}{prefix}" if value else "0"
    return _digits(value, step)


def _digits(value: float, step: float) -> str:
    places = max(0, -math.floor(math.log10(step) + 1e-9))
    if round(step, places) != 0 and abs(round(step, places) - step) > step * 1e-6:
        places += 1
    return f"{value:.{min(places, 12)}f}" if places <= 12 else f"{value:.2g}"  # noqa: PLR2004  # beyond any eye


def measured(value: float, axis: Axis) -> str:
    """Give one value as it is read out: 6.2 %, 820 ms, 2.1 times, 1.2k."""
    match axis:
        case Axis.SHARE:
            return percent(value)
        case Axis.TIMES:
            return f"{1 + value:.3g}{TIMES}"
        case Axis.SECONDS:
            return f"{value * 1000:.3g} ms" if abs(value) < 1 else f"{value:.3g} s"
        case Axis.NUMBER:
            return f"{value:.4g}" if abs(value) < 1e4 else _prefixed(round(value, -1), 10.0)  # noqa: PLR2004


# --- times ------------------------------------------------------------------------------------------------------------


def time_ticks(begin: int, end: int, most: int = 8) -> tuple[Tick, ...]:
    """Give round UTC times between `begin` and `end` with their words, at most `most`; every other one is minor."""
    seconds = max(end - begin, 1)
    step = next((one for one in STEPS if seconds / one < most), 0)
    if step:
        times = range(-(-begin // step) * step, end + 1, step)
        return tuple(Tick(at, _clock(at), minor=(at // step) % 2 == 1) for at in times)
    step = next((one for one in DAYS if seconds / DAY / one < most), DAYS[-1])
    days = range(-(-begin // DAY), end // DAY + 1)
    chosen = [day for day in days if (day + 3) % step == 0]  # weeks begin on Mondays, and the epoch did not
    return tuple(Tick(day * DAY, _date(utc(day * DAY)), minor=index % 2 == 1) for index, day in enumerate(chosen))


def _clock(at: int) -> str:
    when = utc(at)
    return _date(when) if at % DAY == 0 else f"{when:%H:%M}"


def _date(when: datetime) -> str:
    return f"{when:%a} {when.day} {when:%b}"


def moment(at: int) -> str:
    """Give a time with its day: Tue 25 Nov 03:02."""
    when = utc(at)
    seconds = f":{when:%S}" if at % 60 else ""
    return f"{_date(when)} {when:%H:%M}{seconds}"


def stretch_of_time(begin: int, end: int) -> str:
    """Give from when to when: 19 to 26 Nov 2026, or with times where they are no whole days."""
    one, other = utc(begin), utc(end)
    if end - begin < 2 * DAY or begin % DAY or end % DAY:
        return f"{moment(begin)} to {moment(end)} {other:%Y} UTC"
    left = f"{one.day} {one:%b}" if (one.year, one.month) != (other.year, other.month) else f"{one.day}"
    left += f" {one:%Y}" if one.year != other.year else ""
    return f"{left} to {other.day} {other:%b %Y} UTC"
