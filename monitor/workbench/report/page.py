"""The whole report: one HTML file that opens anywhere, without a network and without a script."""

import base64
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from monitor.core.replay import sentences
from monitor.core.replay.comparison import Compared
from monitor.core.replay.outcome import KnownIncident, Replayed, Variant
from monitor.core.replay.panels import Instance, instances
from monitor.core.replay.scoring import EARLY, Scored, score, summary
from monitor.core.replay.sentences import counted
from monitor.core.replay.totals import Totals, totals
from monitor.core.words import lasted_seconds, percent
from monitor.workbench.report.alerts import Drawing, folded, section
from monitor.workbench.report.marks import pins
from monitor.workbench.report.markup import Markup, escaped, joined, tag
from monitor.workbench.report.scale import stretch_of_time
from monitor.workbench.report.sweeps import sweep
from monitor.workbench.report.tables import (
    IN_JSON,
    changes_table,
    incidents_table,
    minutes_table,
    pages_table,
    sums_table,
    waited,
)
from monitor.workbench.report.timeline import nothing_marked, timeline

MOST_LOUD, MOST_QUIET = 60, 60
"""Instances that are drawn: with pages, and without. The others are counted."""
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'unsafe-inline';"
"""What a browser lets the file do: look as it does, and run the one script that is named by its hash."""
CLOSE, CLOSE_IN_ALL = 4, 40
"""Plots from close by: below one alert, and on the whole page, except that every alert that paged has one."""
SHORT = 12
"""Rows of pages that are not folded away."""


def html(
    outcome: Replayed,
    *,
    title: str,
    compared: Compared | None = None,
    scored: Sequence[Scored] = (),
    variants: Sequence[Variant] = (),
) -> str:
    """Give the report of `outcome` as one self-contained file.

    `compared` adds what changed from another rule set (`compared.new` is `outcome`), `scored` the known incidents,
    `variants` the table of a sweep.
    """
    found = instances(outcome)
    known = tuple(one.incident for one in scored)
    body = joined(
        _head(outcome, title, compared, scored),
        tag("main", *_sections(outcome, found, (compared, scored, variants), known)),
        _foot(known),
    )
    return _document(title, body)


def _document(title: str, body: Markup) -> str:
    style, script = _asset("report.css"), _asset("report.js")
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{POLICY} script-src 'sha256-{allowed}'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=Markup(policy)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", style),
    )
    return f'<!doctype html>\n<html lang="en">{head}{tag("body", _definitions(), body, tag("script", script))}</html>\n'


def _asset(name: str) -> Markup:
    return Markup(files("monitor.workbench.report").joinpath(name).read_text(encoding="utf-8"))


def _definitions() -> Markup:
    """Give what plots refer to: hatches for what was not read and what was not seen, and the marks of pages."""
    patterns = (
        tag(
            "pattern",
            tag("path", d="M0 0v8" if kind == "unread" else "M0 0v8M4 0v8", class_=f"hatch {kind}"),
            id=kind,
            width=8,
            height=8,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)" if kind == "unread" else "rotate(-45)",
        )
        for kind in ("unread", "blind")
    )
    return tag("svg", tag("defs", *patterns, pins()), class_="defs", width=0, height=0, aria_hidden="true")


# --- the head ---------------------------------------------------------------------------------------------------------


def _head(outcome: Replayed, title: str, compared: Compared | None, scored: Sequence[Scored]) -> Markup:
    told = [
        sentences.change(compared) if compared else sentences.pages(outcome),
        sentences.judged(outcome, scored, compared),
    ]
    verdict = " ".join(sentences.whole(one) for one in told if one)
    doubts = sentences.doubts(outcome)
    return tag(
        "header",
        tag(
            "p",
            f"Replay · {stretch_of_time(outcome.begin, outcome.end)} · {sentences.period(outcome)}",
            class_="kicker",
        ),
        tag("h1", title),
        tag("p", verdict, class_="verdict"),
        *(tag("p", sentences.whole(one), class_="doubt") for one in doubts),
        _figures(outcome, totals(outcome), scored),
        class_="top",
    )


def _figures(outcome: Replayed, found: Totals, scored: Sequence[Scored]) -> Markup:
    """Give the numbers that matter, large."""
    tiers = " · ".join(
        f"{found.by_tier[tier]} {words}" for tier, words in sentences.TIERS.items() if found.by_tier.get(tier)
    )
    woken = ", ".join(one for one in (tiers, sentences.rate(outcome)) if one) or "nobody is woken"
    cells = [(str(found.pages), "page" if found.pages == 1 else "pages", woken)]
    share = f"{percent(found.firing / max(outcome.end - outcome.begin, 1))} of the time"
    cells.append((lasted_seconds(found.firing) if found.firing else "0 min", "firing", share))
    if scored:
        judged = summary(outcome, scored)
        notes = [
            f"{judged.missed} missed" if judged.missed else "none missed",
            f"{judged.unknown} unknown" if judged.unknown else "",
        ]
        cells.append((f"{judged.caught} of {len(scored)}", "incidents caught", ", ".join(filter(None, notes))))
        cells.append((waited(judged.time_to_page) or "-", "to the page", "median of those caught"))
        cells.append((str(judged.false), "false", "in no known incident"))
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", number), tag("dd", note, class_="quiet"))
            for number, name, note in cells
        ),
    )


# --- the sections -----------------------------------------------------------------------------------------------------

_More = tuple[Compared | None, Sequence[Scored], Sequence[Variant]]


def _sections(
    outcome: Replayed, found: Sequence[Instance], more: _More, known: Sequence[KnownIncident]
) -> list[Markup]:
    compared, scored, variants = more
    parts = [_section("The whole period", timeline(outcome, found, scored))]
    if compared is not None:
        parts.append(_section("What changes", *_comparison(compared, known)))
    if scored:
        parts.append(_section("Known incidents", incidents_table(scored, compared)))
    if variants:
        parts.append(_section("The sweep", sweep(variants, outcome, known)))
    if outcome.pages:
        parts.append(_section("Pages", _pages(outcome, known)))
    return [*parts, *_alerts(outcome, found, compared, scored)]


def _section(title: str, *contents: Markup) -> Markup:
    return tag("section", tag("h2", title), *contents)


def _comparison(compared: Compared, known: Sequence[KnownIncident]) -> list[Markup]:
    old, new = totals(compared.old), totals(compared.new)
    rows = [("pages", old.pages, new.pages)]
    rows += [
        (words, old.by_tier.get(tier, 0), new.by_tier.get(tier, 0))
        for tier, words in sentences.TIERS.items()
        if old.by_tier.get(tier) or new.by_tier.get(tier)
    ]
    rows.append(("minutes firing", old.firing // 60, new.firing // 60))
    if known:
        before, after = (summary(one, score(one, known)) for one in (compared.old, compared.new))
        rows.append(("known incidents caught", before.caught, after.caught))
        rows.append(("false pages", before.false, after.false))
    beside = [sums_table(rows)]
    if compared.minutes:
        beside.append(tag("div", minutes_table(compared)))
    parts = [tag("div", *beside, class_="beside-each-other")]
    if compared.gained or compared.lost or compared.earlier or compared.later:
        parts.insert(0, changes_table(compared, known))
    return parts


def _pages(outcome: Replayed, known: Sequence[KnownIncident]) -> Markup:
    table = pages_table(outcome.pages, outcome, known)
    if len(outcome.pages) <= SHORT:
        return table
    return tag("details", tag("summary", f"All {len(outcome.pages)} pages"), table)


def _alerts(
    outcome: Replayed, found: Sequence[Instance], compared: Compared | None, scored: Sequence[Scored]
) -> list[Markup]:
    loud = [(index, one) for index, one in enumerate(found) if _loud(one, compared)]
    close = max(1, min(CLOSE, CLOSE_IN_ALL // max(len(loud), 1)))
    drawing = Drawing(outcome, nothing_marked(outcome, scored), compared, close)
    quiet = [(index, one) for index, one in enumerate(found) if not _loud(one, compared)]
    parts: list[Markup] = []
    if loud:
        shown = [section(one, index, drawing) for index, one in loud[:MOST_LOUD]]
        parts.append(_section("Alerts that paged", *shown, *_left(len(loud) - MOST_LOUD)))
    if quiet:
        folds = [folded(one, index, drawing) for index, one in quiet[:MOST_QUIET]]
        parts.append(_section("Quiet alerts", *folds, *_left(len(quiet) - MOST_QUIET)))
    return parts


def _loud(one: Instance, compared: Compared | None) -> bool:
    """Whether an instance is shown unfolded: it paged, or did under the rules compared with."""
    lost = compared.lost if compared else ()
    return bool(one.pages) or any(
        (key.alert, key.labels) == (one.alert, one.labels) for page in lost for key in page.alerts
    )


def _left(number: int) -> list[Markup]:
    words = f"{counted(number, 'more instance')} not drawn; "
    return [tag("p", words, IN_JSON, class_="quiet")] if number > 0 else []


def _foot(known: Sequence[KnownIncident]) -> Markup:
    lines = [
        "Times are UTC. A plot of a long time shows the lowest and the highest value of each step: no spike is lost.",
        "Nobody acts in a replay: what a person would have acknowledged or ended is not in it.",
    ]
    if known:
        lines.append(
            f"A page counts for a known incident from {EARLY // 60} minutes before its noted begin to its end; "
            "a page in none is false."
        )
    return tag("footer", *(tag("p", escaped(one)) for one in lines))
