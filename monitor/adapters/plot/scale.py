"""The numbers of a picture: what its axes reach, how they are labelled, and which bands stand in a row. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.pages.plot import Band, Limit, Plot
from monitor.core.rules.signal import Unit

HEADROOM = 1.18
"""Times the highest of what is shown that the axis reaches."""

FAR = 3.0
"""Times what is shown from which on another tier's limit would squeeze it; it is named at the edge instead."""

RARE, TALL = 0.03, 5.0
"""A share of the readings so small, so many times higher than the others, is cut off and told in words."""

STEPS = (60, 120, 300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600)
SIDES = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Reach:
    """What the vertical axis shows, and the highest reading where that is cut off."""

    low: float
    high: float
    peak: float | None = None


def numbers(points: Iterable[tuple[int, float | None]]) -> list[float]:
    """Give the readings without the gaps, and without what no axis can show."""
    return [value for _, value in points if value is not None and math.isfinite(value)]


def reach(plot: Plot) -> Reach:
    """Give what the vertical axis must show: the readings, the baseline, and every limit that is not far away."""
    values = numbers((*plot.values, *plot.unjudged))
    paged = [value for limit in plot.limits if limit.paged for value in numbers(limit.points)]
    beside = [*numbers(plot.baseline), *paged]
    top, peak = _without_rare(values, beside)
    high = max([top, *beside])
    others = [max(found) for limit in plot.limits if not limit.paged and (found := numbers(limit.points))]
    high = max([high, *(one for one in others if one <= FAR * high)])
    low = min([0.0, *values])
    if plot.unit is Unit.UP:
        return Reach(0.0, 1.12)
    if plot.unit is Unit.RATIO:
        return Reach(0.0, min(high * HEADROOM or 0.01, 1.12), peak)
    return Reach(low * HEADROOM, high * HEADROOM if high > low else low + 1.0, peak)


def _without_rare(values: list[float], beside: list[float]) -> tuple[float, float | None]:
    """Give the highest reading worth room, and the highest of all where that is another."""
    ordered = sorted(values)
    kept = ordered[: len(ordered) - max(1, int(len(ordered) * RARE))]
    usual = max([*kept[-1:], *beside, 0.0])
    if kept and usual > 0 and ordered[-1] > TALL * usual:
        return 1.6 * usual, ordered[-1]
    return ordered[-1], None


def far(limit: Limit, shown: Reach) -> bool:
    """Whether a limit lies above everything that is shown."""
    found = numbers(limit.points)
    return bool(found) and min(found) > shown.high


def height_ticks(shown: Reach, most: int = 4) -> list[float]:
    """Give round numbers along the vertical axis."""
    rough = (shown.high - shown.low) / most
    power = 10 ** math.floor(math.log10(rough))
    step = next(side * power for side in SIDES if side * power >= rough * (1 - 1e-9))
    first = math.ceil(shown.low / step)
    count = math.floor(shown.high / step + 1e-9) - first + 1
    return [(first + number) * step for number in range(count)]


def time_ticks(start: int, end: int, most: int = 6) -> list[int]:
    """Give round times along the horizontal axis."""
    step = next((one for one in STEPS if (end - start) / one <= most), STEPS[-1])
    return list(range(-(-start // step) * step, end + 1, step))


def said(value: float, plot: Plot, *, fine: bool = False) -> str:
    """Give a number as the axis names it: 2 %, 390 ms, 1.2 s, 4.5k; `fine`: as somebody would read it aloud."""
    match plot.unit:
        case Unit.RATIO | Unit.UP:
            return f"{_figures(100 * value, fine=fine)} %"
        case Unit.SLOWER:
            return f"{_figures(value, fine=fine)} s" if value >= 1 else f"{_figures(1000 * value, fine=fine)} ms"
        case Unit.NUMBER:
            return _prefixed(value, fine=fine)


def _prefixed(value: float, *, fine: bool) -> str:
    for power, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= power:
            return f"{_figures(value / (1000 if prefix == 'k' else power), fine=fine)}{prefix}"
    return _figures(value, fine=fine)


def _figures(value: float, *, fine: bool) -> str:
    """Give as many figures as a glance takes in."""
    if fine and abs(value) >= 10:  # noqa: PLR2004  # two figures before the point
        return f"{value:.0f}"
    return f"{value:.2g}" if fine else f"{value:.6g}"


def rows_of(bands: tuple[Band, ...]) -> list[list[Band]]:
    """Give bands in order of time, those that follow each other without a break in one row."""
    rows: list[list[Band]] = []
    for band in sorted(bands, key=lambda one: (one.begin, one.end)):
        if rows and rows[-1][-1].end == band.begin:
            rows[-1].append(band)
        else:
            rows.append([band])
    return rows


@dataclass(slots=True)
class Places:
    """Where labels along an edge stand that must not lie on each other, as shares of the height."""

    taken: list[float]

    def place(self, wanted: float, apart: float = 0.085) -> float:
        """Give the nearest free place."""
        tried = [wanted + sign * step * apart / 4 for step in range(60) for sign in (1, -1)]
        free = (one for one in tried if 0.0 <= one <= 1.0 and all(abs(one - other) >= apart for other in self.taken))
        found = next(free, wanted)
        self.taken.append(found)
        return found
