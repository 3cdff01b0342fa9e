"""One plot as SVG: values with their limits above, what the alerts did below, and everything known of that time behind.

Places along the time are per cent of the width, so that a plot fits any screen while its words keep their size.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from monitor.core.replay.panels import Axis, Limit, Panel
from monitor.core.replay.reduction import MOST, Buckets, Grid, Range, extremes, grid, reduced
from monitor.workbench.report.curves import envelope, line, read_out, runs_over
from monitor.workbench.report.frame import HEIGHT, ROW, TIER_WORDS, TOP, Frame, time_words
from monitor.workbench.report.marks import Marks, StateRow, behind, beside, pinned, states
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.scale import measured, moment, scale_of, time_ticks, value_ticks

MOST_CLOSE = 360
"""Buckets of a plot from close by, which is half as wide."""


def plot(panel: Panel, name: str, window: tuple[int, int, int], marks: Marks, height: int = HEIGHT) -> Markup:
    """Give the figure of `panel` for `window` (begin, end, the seconds between two readings)."""
    cut = _cut(panel, window[0], window[1])
    buckets = grid(*window, MOST if height == HEIGHT else MOST_CLOSE)
    values = reduced(cut.times, cut.values, buckets)
    limits = [(one, reduced(cut.times, one.values, buckets)) for one in cut.limits]
    known = [one for one in values if one is not None]
    scale = scale_of(cut.axis, [one.high for one in known], [one.low for one in known], _bounds(limits))
    frame = Frame(buckets, scale, height)
    rows = _rows(cut, marks)
    total = TOP + height + 6 + ROW * len(rows) + 18
    base = reduced(cut.times, cut.baselines, buckets) if cut.baselines else ()
    picture = tag(
        "svg",
        behind(frame, marks),
        _gridlines(frame, cut.axis),
        _curves(frame, values, base, [*_clears(cut, buckets, height), *_thresholds(limits)]),
        _limit_words(frame, cut.axis, limits),
        _beyond(frame, cut.axis, values),
        states(frame, rows),
        time_words(frame, total - 4),
        pinned(frame, marks.pages),
        class_="plot",
        width="100%",
        height=total,
        role="img",
        aria_label=_described(name, cut.axis, values, marks, frame),
    )
    beside = tag(
        "svg", _scale_words(frame, cut.axis), _row_words(frame, rows), width=58, height=total, aria_hidden="true"
    )
    data = {
        "data_begin": buckets.begin,
        "data_step": buckets.step,
        "data_axis": cut.axis.value,
        "data_values": read_out(values),
        "data_base": read_out(base) if base else None,
        "data_top": TOP,
        "data_height": height,
    }
    return tag("div", tag("div", beside, class_="beside"), tag("div", picture, class_="over"), class_="drawn", **data)


def _cut(panel: Panel, begin: int, end: int) -> Panel:
    """Give what `panel` says between two times, both included."""
    part = slice(bisect_left(panel.times, begin), bisect_right(panel.times, end))
    return Panel(
        panel.axis,
        panel.unit,
        panel.times[part],
        panel.values[part],
        panel.baselines[part],
        tuple(Limit(one.tier, one.values[part], one.clears[part]) for one in panel.limits),
        panel.bands,
    )


def _bounds(limits: Sequence[tuple[Limit, Buckets]]) -> list[float]:
    found = [extremes(buckets) for _, buckets in limits]
    return [one.high for one in found if one is not None]


def _rows(panel: Panel, marks: Marks) -> list[StateRow]:
    """Give the rows of states: words, class, bands."""
    rows = [(TIER_WORDS[tier], tier.value, bands) for tier, bands in panel.bands]
    return rows if marks.before is None else [*rows, ("before", "before", marks.before)]


def _gridlines(frame: Frame, axis: Axis) -> Markup:
    ticks = value_ticks(frame.scale, axis)
    across = (tag("line", x1="0", x2="100%", y1=frame.y(one.at), y2=frame.y(one.at), class_="grid") for one in ticks)
    days = (one for one in time_ticks(frame.buckets.begin, frame.buckets.end))
    up = (
        tag("line", x1=f"{frame.x(one.at):.3f}%", x2=f"{frame.x(one.at):.3f}%", y1=TOP, y2=TOP + frame.height)
        for one in days
    )
    return joined(across, tag("g", *up, class_="grid"))


def _scale_words(frame: Frame, axis: Axis) -> Markup:
    ticks = value_ticks(frame.scale, axis)
    words = joined(tag("text", one.text, x=52, y=frame.y(one.at) + 4, text_anchor="end") for one in ticks)
    return joined(words, tag("text", "√ scale", x=52, y=12, text_anchor="end")) if frame.scale.root else words


# --- the values -------------------------------------------------------------------------------------------------------


def _thresholds(limits: Sequence[tuple[Limit, Buckets]]) -> list[tuple[str, Buckets]]:
    return [(f"limit {one.tier.value}", buckets) for one, buckets in limits]


def _clears(panel: Panel, buckets: Grid, height: int) -> list[tuple[str, Buckets]]:
    """Give where values are clear again, as far as that is not the limit itself: seen from close by only."""
    if height == HEIGHT:
        return []
    others = (one for one in panel.limits if one.clears != one.values)
    return [(f"limit clear {one.tier.value}", reduced(panel.times, one.clears, buckets)) for one in others]


def _curves(frame: Frame, values: Buckets, base: Buckets, across: Sequence[tuple[str, Buckets]]) -> Markup:
    """Draw the values, their baseline, and the lines `across` (class and values), as far as they are on the scale."""
    scale, height = frame.scale, frame.height
    kinds = zip(envelope(values, scale, height), ("value", "value area"), strict=True)
    paths = [tag("path", d=points, class_=kind) for points, kind in kinds if points]
    if base:
        paths.append(tag("path", d=line(base, scale, height), class_="base"))
    for kind, buckets in across:
        found = extremes(buckets)
        if found is not None and found.low <= scale.high:
            paths.append(tag("path", d=line(buckets, scale, height), class_=kind))
    return tag(
        "svg",
        *paths,
        y=TOP,
        width="100%",
        height=height,
        viewBox=f"0 0 {frame.buckets.count} {height * 10}",
        preserveAspectRatio="none",
    )


def _limit_words(frame: Frame, axis: Axis, limits: Sequence[tuple[Limit, Buckets]]) -> Markup:
    """Name the limits at their right ends; one beyond the scale is named at its top."""
    parts: list[Markup] = []
    taken: list[float] = []
    for limit, buckets in limits:
        last = next((one.high for one in reversed(buckets) if one is not None), None)
        if last is None:
            continue
        beyond = last > frame.scale.high
        words = f"{'↑ ' if beyond else ''}{TIER_WORDS[limit.tier]} {measured(last, axis)}"
        y = TOP + 11 if beyond else frame.y(last) - 4
        while any(abs(y - other) < 12 for other in taken):  # noqa: PLR2004  # pixels of a line of words
            y += 12
        taken.append(y)
        parts.append(
            tag("text", words, x="100%", dx=-4, y=round(y, 1), text_anchor="end", class_=f"named {limit.tier.value}")
        )
    return joined(parts)


def _beyond(frame: Frame, axis: Axis, values: Buckets) -> Markup:
    """Point at values above the scale, and say the highest of them."""
    if not frame.scale.clipped:
        return Markup()
    found = sorted(runs_over(values, frame.scale.high), key=lambda one: -one[1])[:40]
    parts = [
        tag("svg", tag("path", d=f"M-4 {TOP + 7}l4-7l4 7z"), x=f"{_middle(frame, index):.3f}%", class_="beyond")
        for index, _ in found
    ]
    if found:
        x, words = _middle(frame, found[0][0]), f"up to {measured(found[0][1], axis)}"
        left = x > 80  # noqa: PLR2004  # per cent: no room to the right
        parts.append(beside(x, TOP + 20, words, "beyond-word", left=left))
    return joined(parts)


def _middle(frame: Frame, index: int) -> float:
    return 100 * (index + 0.5) / frame.buckets.count


# --- below the values -------------------------------------------------------------------------------------------------


def _row_words(frame: Frame, rows: Sequence[StateRow]) -> Markup:
    y = TOP + frame.height + 6 + 11
    words = (tag("text", one[0], x=52, y=y + ROW * index, text_anchor="end") for index, one in enumerate(rows))
    return joined(words)


def _described(name: str, axis: Axis, values: Buckets, marks: Marks, frame: Frame) -> str:
    """Give a plot in a sentence, for those who do not see it."""
    found = extremes(values)
    read = "nothing was read" if found is None else f"values {_between(found, axis)}"
    pages = sum(frame.shows(one.at, one.at) for one in marks.pages)
    return f"{name} from {moment(frame.buckets.begin)} to {moment(frame.buckets.end)} UTC: {read}; pages: {pages}"


def _between(found: Range, axis: Axis) -> str:
    low, high = measured(found.low, axis), measured(found.high, axis)
    return low if low == high else f"from {low} to {high}"
