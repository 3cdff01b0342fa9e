"""What is known beside the values of a plot: incidents, gaps, what the alerts did, and the pages."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from monitor.core.model import State, Tier
from monitor.core.replay.outcome import Band, Blind, Paged, Unread
from monitor.core.replay.scoring import Scored
from monitor.core.words import lasted_seconds, shortened
from monitor.workbench.report.frame import CLOSE_HEIGHT, HEIGHT, ROW, TIER_WORDS, TOP, Frame
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.scale import moment

MANY = 30
"""Marks of one row that each say what they are; more of them cannot be pointed at one by one."""

StateRow: TypeAlias = tuple[str, str, tuple[Band, ...]]
"""What a row of states is called, the class of its colours, and its bands."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What else is known of the time that is drawn. `before`: what the alert did under the rules compared with."""

    pages: tuple[Paged, ...] = ()
    incidents: tuple[Scored, ...] = ()
    unread: tuple[Unread, ...] = ()
    blind: tuple[Blind, ...] = ()
    before: tuple[Band, ...] | None = None


# --- behind the values ---


def behind(frame: Frame, marks: Marks) -> Markup:
    """Draw known incidents, and what was not read or not seen."""
    parts: list[Markup] = []
    for scored in marks.incidents:
        one, kind = scored.incident, f"incident {scored.finding.value}"
        if frame.shows(one.begin, one.end):
            told = f"known incident, {scored.finding.value}: {one.name}, {moment(one.begin)} to {moment(one.end)}"
            parts.append(_box(frame, one.begin, one.end, (14, TOP + frame.height - 14), kind, told))
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


def _names(frame: Frame, incidents: Sequence[Scored]) -> list[Markup]:
    """Write the names of incidents above them, where one does not run into another."""
    parts: list[Markup] = []
    edge = -1.0
    for scored in incidents:
        one = scored.incident
        x, name = frame.x(one.begin), shortened(one.name, 28)
        room = len(name) * LETTER * (1 if frame.height == HEIGHT else 2)
        begin = max(0.0, x - room) if x + room > 100 else x  # noqa: PLR2004  # per cent: beyond the right end
        if frame.shows(one.begin, one.end) and begin > edge:
            edge = begin + room
            parts.append(beside(x, 10, name, f"incident-name {scored.finding.value}", left=begin != x))
    return parts


def _gap(frame: Frame, begin: int, end: int, kind: str, told: str) -> list[Markup]:
    return [_box(frame, begin, end, (TOP, frame.height), kind, told)] if frame.shows(begin, end) else []


def _box(frame: Frame, begin: int, end: int, upright: tuple[float, float], kind: str, told: str) -> Markup:
    """Draw a rectangle from `begin` to `end`; `upright` is its top and its height."""
    left, right = frame.x(begin), frame.x(end)
    return tag(
        "rect",
        tag("title", told) if told else Markup(),
        x=f"{left:.3f}%",
        y=upright[0],
        width=f"{max(right - left, 0.01):.3f}%",
        height=upright[1],
        class_=kind,
    )


def beside(percent: float, y: float, words: str, kind: str, *, left: bool) -> Markup:
    """Write words beside a place: to its right, or to its left."""
    anchor, away = ("end", 3) if left else ("start", 0)
    return tag("text", words, x=f"{percent:.3f}%", dx=away, y=y, text_anchor=anchor, class_=kind)


# --- below and above them ---


def states(frame: Frame, rows: Sequence[StateRow]) -> Markup:
    """Draw what the alerts did, a row for each tier; `rows` are words, class and bands."""
    parts: list[Markup] = []
    for index, (words, kind, bands) in enumerate(rows):
        y = TOP + frame.height + 6 + ROW * index
        parts.append(tag("rect", x="0", y=y + 2, width="100%", height=ROW - 4, class_="track"))
        shown = _visible(bands, frame)
        for one in shown:
            told = _band_words(words, one) if len(shown) <= MANY else ""
            parts.append(_box(frame, one.begin, one.end, (y + 2, ROW - 4), f"state {kind} {one.state.value}", told))
    return joined(parts)


def _visible(bands: Sequence[Band], frame: Frame) -> list[Band]:
    """Give the bands to draw; those of one state with less than a bucket between them look like one."""
    found: list[Band] = []
    for one in bands:
        if one.state is State.INACTIVE or not frame.shows(one.begin, one.end):
            continue
        last = found[-1] if found else None
        if last and last.state is one.state and one.begin - last.end < frame.buckets.step:
            found[-1] = Band(one.state, last.begin, max(last.end, one.end))
        else:
            found.append(one)
    return found


def _band_words(row: str, band: Band) -> str:
    lasted = lasted_seconds(band.end - band.begin)
    return f"{row}: {band.state.value} for {lasted}, {moment(band.begin)} to {moment(band.end)}"


def pinned(frame: Frame, pages: Iterable[Paged]) -> Markup:
    """Mark the pages above the values, the worst in front."""
    shown = sorted((one for one in pages if frame.shows(one.at, one.at)), key=lambda one: one.tier is Tier.ROLLBACK)
    return joined(pin(frame.x(one.at), TOP, frame.height, one, told=len(shown) <= MANY) for one in shown)


def pin(percent: float, y: float, height: int, page: Paged, *, told: bool) -> Markup:
    """Draw the mark of one page, of the kinds that `pins` gives; `told`: it says what it is."""
    words = tag("title", f"page: {TIER_WORDS[page.tier]}, {moment(page.at)}") if told else Markup()
    return tag("use", words, href=f"#pin-{page.tier.value}-{height}", x=f"{percent:.2f}%", y=y)


def pins() -> Markup:
    """Give the marks of pages, to be defined once: a point above, and a line down to what it is about."""
    return joined(
        tag(
            "g",
            tag("line", y2=height) if height else Markup(),
            tag("path", d="M0 0l-5-9h10z"),
            id=f"pin-{tier.value}-{height}",
            class_=f"pin {tier.value}",
        )
        for tier in Tier
        for height in (0, HEIGHT, CLOSE_HEIGHT)
    )
