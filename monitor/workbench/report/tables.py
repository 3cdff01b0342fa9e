"""The tables of a report: pages, known incidents, what a change brings, stretches, and a sweep."""

from collections.abc import Iterable, Sequence

from monitor.core.model import AlertKey, Labels, Tier
from monitor.core.replay.comparison import Compared, Moved
from monitor.core.replay.outcome import KnownIncident, Paged, Replayed, Stretch
from monitor.core.replay.panels import Instance
from monitor.core.replay.scoring import Scored, in_time, incident_of, score
from monitor.core.replay.sentences import counted
from monitor.core.replay.totals import fired_span
from monitor.core.words import lasted_seconds, measure
from monitor.workbench.report.frame import TIER_WORDS
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.scale import moment

MOST_ROWS, FEW_ROWS = 200, 40
"""Rows of a table of the whole page, and of one below an alert: more are read by programs, from the JSON."""

IN_JSON = Markup("<code>--format json</code> has them all")

Cell = str


def table(
    titles: Sequence[str],
    rows: Sequence[Sequence[Cell]],
    *,
    numbers: Sequence[int] = (),
    stacks: bool = True,
    left: int = 0,
) -> Markup:
    """Give a table with a line under its titles; the columns `numbers` are set to the right.

    `stacks`: on a phone its cells stand below each other. `left`: so many rows are left out.
    """
    sides = ["number" if index in numbers else None for index in range(len(titles))]
    head = tag("tr", *(tag("th", one, scope="col", class_=side) for one, side in zip(titles, sides, strict=True)))
    body = [
        tag(
            "tr",
            *(
                tag("td", cell, class_=side, data_title=title if stacks else None)
                for cell, side, title in zip(row, sides, titles, strict=True)
            ),
        )
        for row in rows
    ]
    note = tag("p", f"and {left} more rows; ", IN_JSON, class_="quiet") if left > 0 else Markup()
    return tag(
        "div",
        tag("table", tag("thead", head), tag("tbody", *body), class_="stacks" if stacks else None),
        note,
        class_="scroll",
    )


def chip(tier: str, words: str) -> Markup:
    """Give a word on the colour of its tier."""
    return tag("span", words, class_=f"chip {tier}")


def tier_chip(page: Paged) -> Markup:
    """Give the tier of a page."""
    return chip(page.tier.value, TIER_WORDS[page.tier])


def of(labels: Labels) -> str:
    """Give labels as they are written in PromQL, without braces."""
    return ", ".join(f'{name}="{value}"' for name, value in labels)


def named(key: AlertKey) -> Markup:
    """Give an alert with its labels."""
    return joined(tag("b", key.alert), " ", tag("span", of(key.labels), class_="labels"))


def _alerts(page: Paged) -> Markup:
    parts = [named(key) for key in dict.fromkeys((AlertKey(one.alert, one.labels, page.tier)) for one in page.alerts)]
    more = [Markup(f" and {len(parts) - 3} more")] if len(parts) > 3 else []  # noqa: PLR2004  # a page of many alerts
    return Markup(", ".join([*parts[:3]]) + "".join(more))


def _belongs(page: Paged, known: Sequence[KnownIncident]) -> Markup:
    found = incident_of(page, known)
    if page.tier is Tier.BLIND:
        return Markup()
    return tag("span", "false", class_="false") if found is None else joined(found.name)


# --- pages ------------------------------------------------------------------------------------------------------------


def pages_table(pages: Sequence[Paged], outcome: Replayed, known: Sequence[KnownIncident]) -> Markup:
    """Give every page: when, for what, how bad it got and how long it lasted, and whether something stood behind it."""
    titles = ["page (UTC)", "tier", "alert", "incident", "lasted", *(["known incident"] if known else [])]
    rows = [
        [
            moment(page.at),
            tier_chip(page),
            _alerts(page),
            tag("span", why(page), class_="nowrap"),
            _lasted(page, outcome),
            *([_belongs(page, known)] if known else []),
        ]
        for page in pages[:MOST_ROWS]
    ]
    return table(titles, rows, numbers=(4,), left=len(pages) - len(rows))


WHY = {
    "prepare_opens": "opens",
    "rollback_opens": "opens",
    "blind_opens": "opens",
    "raised": "raises",
    "prepare_joins": "joins",
    "rollback_joins": "joins",
    "service_joins": "joins",
    "blind_joins": "joins",
}


def why(page: Paged) -> str:
    """Give what a page does to which incident of the replay."""
    return f"{WHY.get(page.reason, page.reason.replace('_', ' '))} {page.incident}".strip()


def _lasted(page: Paged, outcome: Replayed) -> str:
    """Give for how long what a page is about fired."""
    spans = [
        span
        for one in outcome.alerts
        if one.key in page.alerts
        and (span := fired_span(one, outcome)) is not None
        and span[0] <= page.at
        and (one.resolved_at is None or page.at <= one.resolved_at)
    ]
    return lasted_seconds(max(end - begin for begin, end in spans)) if spans else ""


def stretches_table(one: Instance, outcome: Replayed) -> Markup:
    """Give every stretch of an instance, those that never fired too: what a plot shows, in words."""
    titles = ["tier", "since (UTC)", "fired", "resolved", "fired for", "peak"]
    shown = sorted(one.stretches, key=lambda each: each.since)[:FEW_ROWS]
    rows = [_stretch(stretch, one, outcome) for stretch in shown]
    return table(titles, rows, numbers=(4, 5), stacks=False, left=len(one.stretches) - len(rows))


def _stretch(stretch: Stretch, one: Instance, outcome: Replayed) -> list[Cell]:
    end = outcome.end if stretch.resolved_at is None else stretch.resolved_at
    fired = stretch.fired_at
    return [
        chip(stretch.key.tier.value, TIER_WORDS[stretch.key.tier]),
        moment(stretch.since),
        "never" if fired is None else moment(fired),
        "still firing" if stretch.resolved_at is None and fired is not None else moment(end),
        "" if fired is None else lasted_seconds(end - fired),
        "" if stretch.peak is None else measure(stretch.peak, one.unit),
    ]


# --- known incidents --------------------------------------------------------------------------------------------------


def incidents_table(scored: Sequence[Scored], compared: Compared | None) -> Markup:
    """Give what became of each known incident, under the rules compared with too."""
    old = [_finding(one) for one in score(compared.old, [one.incident for one in scored])] if compared else []
    titles = [
        "known incident",
        "from (UTC)",
        "lasted",
        *(["before"] if compared else []),
        "found",
        "page",
        "time to page",
    ]
    rows = [
        [
            tag("b", one.incident.name),
            tag("span", moment(one.incident.begin), class_="nowrap"),
            lasted_seconds(one.incident.end - one.incident.begin),
            *old[index : index + 1],
            _finding(one),
            joined(tier_chip(one.page), " ", tag("span", one.page.alerts[0].alert, class_="long"))
            if one.page and one.page.alerts
            else "",
            waited(one.time_to_page),
        ]
        for index, one in enumerate(sorted(scored, key=in_time))
    ]
    return table(titles, rows, numbers=(2, len(titles) - 1))


def _finding(one: Scored) -> Markup:
    word = tag("span", one.finding.value, class_=f"finding {one.finding.value}")
    return joined(word, f": {one.why}") if one.why else word


def waited(seconds: float | None) -> str:
    """Give a time to a page in words: a page may come before people noticed."""
    if seconds is None:
        return ""
    return f"{lasted_seconds(-seconds)} before" if seconds < 0 else lasted_seconds(seconds)


# --- comparison -------------------------------------------------------------------------------------------------------


def changes_table(compared: Compared, known: Sequence[KnownIncident]) -> Markup:
    """Give the pages that are gained, lost, earlier or later."""
    titles = ["page (UTC)", "change", "tier", "alert", *(["known incident"] if known else [])]
    moved = [
        *((one.at, "gained", "", one) for one in compared.gained),
        *((one.at, "lost", "", one) for one in compared.lost),
    ]
    moved += [(one.old.at, "earlier", by(one), one.new) for one in compared.earlier]
    moved += [(one.old.at, "later", by(one), one.new) for one in compared.later]
    rows = [
        [
            moment(at),
            joined(tag("span", kind, class_=f"change {kind}"), f" by {how}" if how else ""),
            tier_chip(page),
            _alerts(page),
            *([_belongs(page, known)] if known else []),
        ]
        for at, kind, how, page in sorted(moved, key=lambda one: one[0])[:MOST_ROWS]
    ]
    return table(titles, rows, left=len(moved) - len(rows))


def by(moved: Moved) -> str:
    """Give how far a page moved."""
    return lasted_seconds(abs(moved.by))


def minutes_table(compared: Compared) -> Markup:
    """Give for how long each alert fires, before and after, with bars that can be compared."""
    changed = [one for one in compared.minutes if one.before != one.after]
    same = len(compared.minutes) - len(changed)
    note = tag("p", f"{counted(same, 'alert')} firing as long as before", class_="quiet") if same else Markup()
    longest = max((max(one.before, one.after) for one in compared.minutes), default=0) or 1
    rows = [
        [
            joined(named(one.key), " ", chip(one.key.tier.value, TIER_WORDS[one.key.tier])),
            lasted_seconds(one.before) if one.before else "-",
            lasted_seconds(one.after) if one.after else "-",
            _bars(one.before / longest, one.after / longest, one.key.tier.value),
        ]
        for one in changed[:MOST_ROWS]
    ]
    return joined(
        table(["alert", "fired before", "fires after", ""], rows, numbers=(1, 2), left=len(changed) - len(rows))
        if rows
        else "",
        note,
    )


def _bars(before: float, after: float, tier: str) -> Markup:
    bars = (
        tag("rect", x=0, y=y, width=f"{max(share * 100, 0.5 if share else 0):.1f}%", height=6, class_=kind)
        for y, share, kind in ((2, before, "state before firing"), (10, after, f"state {tier} firing"))
    )
    return tag("svg", *bars, width="100%", height=18, class_="bars", aria_hidden="true")


def sums_table(rows: Iterable[tuple[str, int, int]]) -> Markup:
    """Give numbers side by side: name, before, after, and the difference."""
    cells = [[name, str(before), str(after), _difference(after - before)] for name, before, after in rows]
    return table(["", "before", "after", "change"], cells, numbers=(1, 2, 3), stacks=False)


def _difference(change: int) -> str:
    return f"{change:+d}".replace("-", "\N{MINUS SIGN}") if change else "±0"
