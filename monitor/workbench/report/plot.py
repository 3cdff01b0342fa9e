"""One plot as SVG: values with their limits above, what the alerts did below, and everything known of that time behind.

Places along the time are per cent of the width, so that a plot fits any screen while its words keep their size.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.core.model import State, Tier
from monitor.core.replay.outcome import Band, Blind, KnownIncident, Paged, Unread
from monitor.core.replay.panels import Axis, Limit, Panel
from monitor.core.replay.reduction import Buckets, Grid, Range, extremes, grid, reduced
from monitor.core.words import lasted_seconds, shortened
from monitor.workbench.report.curves import envelope, line, read_out, runs_over
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.scale import DAY, Scale, measured, moment, scale_of, time_ticks, value_ticks

TOP = 30
"""Pixels above the values, for the marks of pages and the names of incidents."""
HEIGHT, CLOSE_HEIGHT = 150, 110
"""Pixels of the values: of a whole period, which is as wide as the page, and from close by, half as wide."""
ROW = 15
"""Pixels that a row of states takes."""
TIER_WORDS = {Tier.ROLLBACK: "roll back", Tier.PREPARE: "prepare", Tier.BLIND: "blind"}


@dataclass(frozen=True, slots=True)
class Marks:
    """What else is known of the time that is drawn. `before`: what the alert did under the rules compared with."""

    pages: tuple[Paged, ...] = ()
    incidents: tuple[KnownIncident, ...] = ()
    unread: tuple[Unread, ...] = ()
    blind: tuple[Blind, ...] = ()
    before: tuple[Band, ...] | None = None


@dataclass(frozen=True, slots=True)
class Frame:
    """Where things are drawn: the buckets along the time, the scale of the values, and the pixels of their height."""

    buckets: Grid
    scale: Scale
    height: int

    def x(self, at: float) -> float:
        """Give a time in per cent of the width."""
        share = (at - self.buckets.begin) / (self.buckets.end - self.buckets.begin)
        return min(100.0, max(0.0, share * 100))

    def y(self, value: float) -> float:
        """Give a value in pixels from the top of the picture."""
        return round(TOP + (1 - self.scale.share(value)) * self.height, 1)

    def shows(self, begin: int, end: int) -> bool:
        """Whether anything between the two times is drawn."""
        return begin < self.buckets.end and end >= self.buckets.begin


def plot(panel: Panel, name: str, window: tuple[int, int, int], marks: Marks, height: int = HEIGHT) -> Markup:
    """Give the figure of `panel` for `window` (begin, end, the seconds between two readings)."""
    cut = _cut(panel, window[0], window[1])
    buckets = grid(*window)
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
        _behind(frame, marks),
        _gridlines(frame, cut.axis),
        _curves(frame, values, base, limits),
        _limit_words(frame, cut.axis, limits),
        _beyond(frame, cut.axis, values),
        _states(frame, rows),
        time_words(frame, total - 4),
        _pins(frame, marks.pages),
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


def _rows(panel: Panel, marks: Marks) -> list[tuple[str, str, tuple[Band, ...]]]:
    """Give the rows of states: words, class, bands."""
    rows = [(TIER_WORDS[tier], tier.value, bands) for tier, bands in panel.bands]
    return rows if marks.before is None else [*rows, ("before", "before", marks.before)]


# --- behind the values ------------------------------------------------------------------------------------------------


def _behind(frame: Frame, marks: Marks) -> Markup:
    """Draw known incidents, and what was not read or not seen."""
    parts: list[Markup] = []
    for one in marks.incidents:
        if frame.shows(one.begin, one.end):
            told = f"known incident: {one.name}, {moment(one.begin)} to {moment(one.end)}"
            parts.append(_box(frame, one.begin, one.end, (14, TOP + frame.height - 14), "incident", told))
    parts += _names(frame, marks.incidents)
    for gap in marks.unread:
        told = f"not read, {moment(gap.begin)} to {moment(gap.end)}: {gap.why}"
        parts += _gap(frame, gap.begin, gap.end, "unread", told)
    for dark in marks.blind:
        end = frame.buckets.end if dark.end is None else dark.end
        parts += _gap(frame, dark.begin, end, "blind", f"blind from {moment(dark.begin)}: {dark.why}")
    return joined(parts)


LETTER = 0.85
"""Per cent of the width of a whole plot that a letter takes on a screen; on a phone names are left out."""


def _names(frame: Frame, incidents: Sequence[KnownIncident]) -> list[Markup]:
    """Write the names of incidents above them, where one does not run into another."""
    parts: list[Markup] = []
    edge = -1.0
    for one in incidents:
        x, name = frame.x(one.begin), shortened(one.name, 28)
        room = len(name) * LETTER * (1 if frame.height == HEIGHT else 2)
        begin = max(0.0, x - room) if x + room > 100 else x  # noqa: PLR2004  # per cent: beyond the right end
        if frame.shows(one.begin, one.end) and begin > edge:
            edge = begin + room
            parts.append(_beside(x, 10, name, "incident-name", left=begin != x))
    return parts


def _gap(frame: Frame, begin: int, end: int, kind: str, told: str) -> list[Markup]:
    return [_box(frame, begin, end, (TOP, frame.height), kind, told)] if frame.shows(begin, end) else []


def _box(frame: Frame, begin: int, end: int, upright: tuple[float, float], kind: str, told: str) -> Markup:
    """Draw a rectangle from `begin` to `end`; `upright` is its top and its height."""
    left, right = frame.x(begin), frame.x(end)
    return tag(
        "rect",
        tag("title", told),
        x=f"{left:.3f}%",
        y=upright[0],
        width=f"{max(right - left, 0.01):.3f}%",
        height=upright[1],
        class_=kind,
    )


def _beside(percent: float, y: float, words: str, kind: str, *, left: bool) -> Markup:
    """Write words beside a place: to its right, or to its left."""
    anchor, away = ("end", 3) if left else ("start", 0)
    return tag("text", words, x=f"{percent:.3f}%", dx=away, y=y, text_anchor=anchor, class_=kind)


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


def _curves(frame: Frame, values: Buckets, base: Buckets, limits: Sequence[tuple[Limit, Buckets]]) -> Markup:
    scale, height = frame.scale, frame.height
    kinds = zip(envelope(values, scale, height), ("value", "value area"), strict=True)
    paths = [tag("path", d=points, class_=kind) for points, kind in kinds if points]
    if base:
        paths.append(tag("path", d=line(base, scale, height), class_="base"))
    for limit, buckets in limits:
        found = extremes(buckets)
        if found is not None and found.low <= scale.high:
            paths.append(tag("path", d=line(buckets, scale, height), class_=f"limit {limit.tier.value}"))
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
        parts.append(_beside(x, TOP + 20, words, "beyond-word", left=left))
    return joined(parts)


def _middle(frame: Frame, index: int) -> float:
    return 100 * (index + 0.5) / frame.buckets.count


# --- below the values -------------------------------------------------------------------------------------------------


def _states(frame: Frame, rows: Sequence[tuple[str, str, tuple[Band, ...]]]) -> Markup:
    parts: list[Markup] = []
    for index, (words, kind, bands) in enumerate(rows):
        y = TOP + frame.height + 6 + ROW * index
        parts.append(tag("rect", x="0", y=y + 2, width="100%", height=ROW - 4, class_="track"))
        parts.extend(
            _box(
                frame, one.begin, one.end, (y + 2, ROW - 4), f"state {kind} {one.state.value}", _band_words(words, one)
            )
            for one in bands
            if one.state is not State.INACTIVE and frame.shows(one.begin, one.end)
        )
    return joined(parts)


def _band_words(row: str, band: Band) -> str:
    lasted = lasted_seconds(band.end - band.begin)
    return f"{row}: {band.state.value} for {lasted}, {moment(band.begin)} to {moment(band.end)}"


def _row_words(frame: Frame, rows: Sequence[tuple[str, str, tuple[Band, ...]]]) -> Markup:
    y = TOP + frame.height + 6 + 11
    words = (tag("text", one[0], x=52, y=y + ROW * index, text_anchor="end") for index, one in enumerate(rows))
    return joined(words)


def time_words(frame: Frame, y: float) -> Markup:
    """Write the times below a plot: days from where they begin, other times around theirs."""
    parts: list[Markup] = []
    ticks = time_ticks(frame.buckets.begin, frame.buckets.end)
    whole_days = all(one.at % DAY == 0 for one in ticks)
    for one in ticks:
        x = frame.x(one.at)
        anchor = "start" if whole_days or x < 4 else "end" if x > 96 else "middle"  # noqa: PLR2004  # words stay inside
        if not (whole_days and x > 94):  # noqa: PLR2004  # there is no room for the last one
            late = whole_days and x > 80  # noqa: PLR2004  # on a phone
            kind = f"time{' minor' if one.minor else ''}{' late' if late else ''}"
            parts.append(tag("text", one.text, x=f"{x:.3f}%", y=y, text_anchor=anchor, class_=kind))
    return joined(parts)


def _pins(frame: Frame, pages: Iterable[Paged]) -> Markup:
    """Mark the pages above the values, the worst in front."""
    shown = sorted((one for one in pages if frame.shows(one.at, one.at)), key=lambda one: one.tier is Tier.ROLLBACK)
    return joined(pin(frame.x(one.at), TOP, frame.height, one) for one in shown)


def pin(percent: float, y: float, height: float, page: Paged) -> Markup:
    """Draw the mark of one page: a point above, with a line down to what it is about."""
    told = f"page {TIER_WORDS[page.tier]}, {moment(page.at)}"
    return tag(
        "svg",
        tag("title", told),
        tag("line", x1="0", x2="0", y1=y, y2=y + height),
        tag("path", d=f"M0 {y}l-5-9h10z"),
        x=f"{percent:.3f}%",
        class_=f"pin {page.tier.value}",
    )


def _described(name: str, axis: Axis, values: Buckets, marks: Marks, frame: Frame) -> str:
    """Give a plot in a sentence, for those who do not see it."""
    found = extremes(values)
    read = "nothing was read" if found is None else f"values {_between(found, axis)}"
    pages = sum(frame.shows(one.at, one.at) for one in marks.pages)
    return f"{name} from {moment(frame.buckets.begin)} to {moment(frame.buckets.end)} UTC: {read}; pages: {pages}"


def _between(found: Range, axis: Axis) -> str:
    low, high = measured(found.low, axis), measured(found.high, axis)
    return low if low == high else f"from {low} to {high}"
