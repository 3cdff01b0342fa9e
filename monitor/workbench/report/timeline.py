"""The whole period at one look: known incidents, pages, what could not be seen, and each alert that fired."""

from collections.abc import Sequence

from monitor.core.model import State, Tier
from monitor.core.replay.outcome import Band, KnownIncident, Replayed
from monitor.core.replay.panels import Instance, bands_of
from monitor.core.replay.reduction import Grid
from monitor.core.replay.scoring import Finding, Scored
from monitor.core.words import lasted_seconds, shortened
from monitor.workbench.report.frame import TIER_WORDS, Frame, time_words
from monitor.workbench.report.marks import MANY, Marks, pin
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.scale import Scale, moment, time_ticks

MOST_LANES = 14
LANE = 24


def timeline(outcome: Replayed, found: Sequence[Instance], scored: Sequence[Scored]) -> Markup:
    """Give the figure of the whole period; `found` are the instances with the anchors of their sections in order."""
    frame = Frame(Grid(outcome.begin, max(outcome.end - outcome.begin, 1), 1), Scale(0, 1), LANE)
    few = len(outcome.pages) <= MANY
    pages = sorted(outcome.pages, key=lambda one: one.tier is Tier.ROLLBACK)  # the worst in front
    lanes = [_lane(frame, "pages", joined(pin(frame.x(one.at), 17, 0, one, told=few) for one in pages))]
    if scored:
        lanes.insert(
            0, _lane(frame, "known incidents", joined(_known(frame, one) for one in scored if _shown(frame, one)))
        )
    if outcome.unread or outcome.blind:
        lanes.append(_lane(frame, "not seen", _unseen(frame, outcome)))
    fired = [
        (index, one) for index, one in enumerate(found) if any(each.fired_at is not None for each in one.stretches)
    ]
    lanes += [_fired(frame, outcome, one, index) for index, one in fired[:MOST_LANES]]
    more = len(fired) - MOST_LANES
    rest = [tag("p", f"and {more} more that fired, below", class_="quiet")] if more > 0 else []
    times = f"{moment(outcome.begin)} to {moment(outcome.end)}"
    words = f"{len(outcome.pages)} pages and {len(fired)} alerts that fired, {times}"
    return tag("figure", *lanes, _times(frame), *rest, class_="timeline", role="group", aria_label=words)


def _lane(frame: Frame, name: str | Markup, content: Markup, kind: str = "") -> Markup:
    days = (
        tag("line", x1=f"{frame.x(one.at):.3f}%", x2=f"{frame.x(one.at):.3f}%", y1=0, y2=LANE, class_="grid")
        for one in time_ticks(frame.buckets.begin, frame.buckets.end)
    )
    picture = tag("svg", joined(days), content, width="100%", height=LANE)
    return tag("div", tag("span", name, class_="name"), picture, class_=f"lane {kind}".strip())


def _times(frame: Frame) -> Markup:
    picture = tag("svg", time_words(frame, 12), width="100%", height=LANE)
    return tag("div", tag("span", class_="name"), picture, class_="lane times")


def _rect(frame: Frame, span: tuple[int, int], kind: str, told: str, inset: int = 7) -> Markup:
    left, right = frame.x(span[0]), frame.x(span[1])
    return tag(
        "rect",
        tag("title", told),
        x=f"{left:.3f}%",
        y=inset,
        width=f"{max(right - left, 0.01):.3f}%",
        height=LANE - 2 * inset,
        class_=kind,
    )


FINDINGS = {Finding.CAUGHT: "caught", Finding.MISSED: "missed", Finding.UNKNOWN: "unknown"}


def _shown(frame: Frame, scored: Scored) -> bool:
    return frame.shows(scored.incident.begin, scored.incident.end)


def _known(frame: Frame, scored: Scored) -> Markup:
    one: KnownIncident = scored.incident
    told = f"{one.name}: {FINDINGS[scored.finding]}, {moment(one.begin)} to {moment(one.end)}"
    return _rect(frame, (one.begin, one.end), f"incident {scored.finding.value}", told, 6)


def _unseen(frame: Frame, outcome: Replayed) -> Markup:
    parts = [
        _rect(frame, (one.begin, one.end), "unread", f"{one.alert} not read, {moment(one.begin)}: {one.why}")
        for one in outcome.unread
    ]
    for dark in outcome.blind:
        end = outcome.end if dark.end is None else dark.end
        parts.append(_rect(frame, (dark.begin, end), "blind", f"{dark.alert} blind, {moment(dark.begin)}: {dark.why}"))
    return joined(parts)


def _fired(frame: Frame, outcome: Replayed, one: Instance, index: int) -> Markup:
    rects = []
    for stretch in sorted(one.stretches, key=lambda each: each.key.tier):
        for band in bands_of([stretch], outcome.end):
            if stretch.fired_at is not None:
                kind = f"state {stretch.key.tier.value} {band.state.value}"
                rects.append(_rect(frame, (band.begin, band.end), kind, _told(TIER_WORDS[stretch.key.tier], band)))
    values = tag("span", " ".join(shortened(value, 30) for _, value in one.labels), class_="labels")
    name = tag("a", shortened(one.alert, 50), " ", values, href=f"#a{index}")
    return _lane(frame, name, joined(rects), "alert")


def _told(tier: str, band: Band) -> str:
    what = "fires" if band.state is State.FIRING else "pending"
    return f"{tier}: {what} for {lasted_seconds(band.end - band.begin)} from {moment(band.begin)}"


def nothing_marked(outcome: Replayed, scored: Sequence[Scored]) -> Marks:
    """Give the marks that every plot of `outcome` has in common."""
    return Marks(incidents=tuple(scored), unread=outcome.unread, blind=outcome.blind)
