"""The sections of a report about single alerts: a plot of the whole period, and one of each page from close by."""

from dataclasses import dataclass, replace

from monitor.core.model import Tier
from monitor.core.replay.comparison import Compared
from monitor.core.replay.outcome import Paged, Replayed, Stretch
from monitor.core.replay.panels import Axis, Instance, Panel, bands_of
from monitor.core.replay.reduction import extremes, grid, reduced
from monitor.core.replay.sentences import counted
from monitor.core.replay.totals import fired_span, united
from monitor.core.words import lasted_seconds, measure
from monitor.workbench.report.frame import CLOSE_HEIGHT
from monitor.workbench.report.marks import Marks
from monitor.workbench.report.markup import Markup, joined, tag
from monitor.workbench.report.plot import plot
from monitor.workbench.report.scale import measured, moment
from monitor.workbench.report.tables import chip, of, stretches_table

AROUND = 1800
"""Seconds before a breach and after it that are seen from close by."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """What all sections have in common; `close` is how many plots from close by an alert has."""

    outcome: Replayed
    marks: Marks
    compared: Compared | None
    close: int


def section(one: Instance, index: int, drawing: Drawing) -> Markup:
    """Give everything about an instance that did something."""
    marks = _marks(one, drawing)
    head = tag("header", _title(one), tag("p", *_facts(one, drawing.outcome), class_="facts"))
    plots = [_whole(panel, one, drawing.outcome, marks) for panel in one.panels]
    more = [_close(one, drawing, marks)] if one.panels and one.pages else []
    return tag("article", head, _legend(one, marks), *plots, *more, _in_words(one, drawing.outcome), id=f"a{index}")


def folded(one: Instance, index: int, drawing: Drawing) -> Markup:
    """Give the same of an instance that paged nobody, folded away."""
    marks = _marks(one, drawing)
    plots = [_whole(panel, one, drawing.outcome, marks) for panel in one.panels]
    words = tag("summary", tag("b", one.alert), " ", tag("span", of(one.labels), class_="labels"), " ", _quietly(one))
    body = [_legend(one, marks), *plots] if plots else []
    return tag("details", words, *body, _in_words(one, drawing.outcome), id=f"a{index}")


def _title(one: Instance) -> Markup:
    return tag("h3", one.alert, " ", tag("span", of(one.labels), class_="labels"))


def _facts(one: Instance, outcome: Replayed) -> list[Markup]:
    """Give what one wants to know first: pages, how long it fired, how bad it got."""
    counts = [(tier, sum(page.tier is tier for page in one.pages)) for tier in (Tier.ROLLBACK, Tier.PREPARE)]
    words = {Tier.ROLLBACK: "to roll back", Tier.PREPARE: "to prepare"}
    parts = [chip(tier.value, f"{counted(number, 'page')} {words[tier]}") for tier, number in counts if number]
    fired = _fired_seconds(one, outcome)
    facts = [f"fired for {lasted_seconds(fired)}"] if fired else []
    facts += [f"peak {measure(peak, one.unit)}"] if (peak := _peak(one)) is not None else []
    facts += [f"too little traffic to judge {counted(one.insufficient, 'time')}"] if one.insufficient else []
    return [joined(*(joined(part, " ") for part in parts)), joined(" · ".join(facts))]


def _fired_seconds(one: Instance, outcome: Replayed) -> int:
    spans = [span for each in one.stretches if (span := fired_span(each, outcome)) is not None]
    return sum(end - begin for begin, end in united(spans))


def _peak(one: Instance) -> float | None:
    """Give the worst value of all stretches: the one furthest from what the first of them is not over."""
    peaks = [each.peak for each in one.stretches if each.peak is not None]
    if not peaks:
        return None
    return min(peaks) if _below(one) else max(peaks)


def _below(one: Instance) -> bool:
    """Whether low values are the bad ones: the limit lies below where the signal is clear again, or usually is."""
    panel = one.panels[0] if one.panels else None
    limits = [limit for limit in panel.limits[0].values if limit is not None] if panel else []
    known = sorted(value for value in panel.values if value is not None) if panel else []
    return bool(limits and known) and known[len(known) // 2] > limits[0]


def _quietly(one: Instance) -> Markup:
    if not one.stretches:
        return tag("span", "nothing to tell", class_="quiet")
    longest = max((each for each in one.stretches), key=lambda each: each.evaluations)
    words = f"pending {counted(len(one.stretches), 'time')}, never paged"
    peak = "" if longest.peak is None else f", peak {measure(longest.peak, one.unit)}"
    return tag("span", words + peak, class_="quiet")


def _marks(one: Instance, drawing: Drawing) -> Marks:
    """Give what is known beside the values of this instance."""
    shared, before = drawing.marks, None
    if drawing.compared is not None:
        old = drawing.compared.old.alerts
        mine = [each for each in old if (each.key.alert, each.key.labels) == (one.alert, one.labels)]
        before = bands_of(mine, drawing.compared.old.end)
    return replace(
        shared,
        pages=one.pages,
        incidents=tuple(
            each for each in shared.incidents if not each.incident.alerts or one.alert in each.incident.alerts
        ),
        unread=tuple(each for each in shared.unread if each.alert == one.alert),
        blind=tuple(each for each in shared.blind if each.alert == one.alert and each.labels in ((), one.labels)),
        before=before,
    )


# --- plots ------------------------------------------------------------------------------------------------------------


def _named(one: Instance) -> str:
    return f"{one.alert} {of(one.labels)}".strip()


def _interval(panel: Panel, outcome: Replayed) -> int:
    """Give the seconds between two readings of a panel: its group may be slower than the quickest."""
    steps = [after - before for before, after in zip(panel.times[:50], panel.times[1:51], strict=False)]
    return max(min(steps, default=outcome.interval), 1)


def _whole(panel: Panel, one: Instance, outcome: Replayed, marks: Marks) -> Markup:
    window = (outcome.begin, outcome.end, _interval(panel, outcome))
    mine = tuple(page for page in one.pages if _panel_of(page, one) is panel)
    return plot(panel, _named(one), window, replace(marks, pages=mine))


def _panel_of(page: Paged, one: Instance) -> Panel:
    """Give the panel of a page's tier: tiers that read other windows have panels of their own."""
    return next((each for each in one.panels if page.tier in dict(each.bands)), one.panels[0])


def _close(one: Instance, drawing: Drawing, marks: Marks) -> Markup:
    """Show the pages from close by: the worst first, then the earliest."""
    outcome = drawing.outcome
    shown = _views(one, outcome, drawing.close)
    figures = [_figure(view, one, outcome, marks) for view in shown[: drawing.close]]
    left = len(shown) - len(figures)
    words = f"{'The page' if len(one.pages) == 1 else 'Pages'} from close by"
    note = tag(
        "p", f"{counted(left, 'more time', 'more times')} that this alert paged: in the table of pages", class_="quiet"
    )
    return tag(
        "details",
        tag("summary", words),
        tag("div", *figures, class_="close"),
        note if left > 0 else Markup(),
        open="open",
    )


@dataclass(frozen=True, slots=True)
class View:
    """A time that is seen from close by, with the pages in it and what each is about."""

    panel: Panel
    begin: int
    end: int
    pages: tuple[tuple[Paged, Stretch], ...]


def _figure(view: View, one: Instance, outcome: Replayed, marks: Marks) -> Markup:
    step = _interval(view.panel, outcome)
    window = (max(outcome.begin, view.begin) // step * step, min(outcome.end, view.end) // step * step, step)
    stories = (
        tag("div", chip(page.tier.value, moment(page.at)), f" {_story(page, stretch, one)}")
        for page, stretch in view.pages
    )
    name = f"{_named(one)}, page at {moment(view.pages[0][0].at)}"
    return tag("figure", tag("figcaption", *stories), plot(view.panel, name, window, marks, CLOSE_HEIGHT))


def _story(page: Paged, stretch: Stretch, one: Instance) -> str:
    held = page.at - stretch.since
    told = "at once" if held <= 0 else f"after {lasted_seconds(held)} of breach"
    return told + ("" if stretch.peak is None else f", peak {measure(stretch.peak, one.unit)}")


def _views(one: Instance, outcome: Replayed, most: int) -> list[View]:
    """Give what is seen from close by: the `most` that are shown in the order of time, then the others.

    Where there are many, those with a rollback are shown before others.

    Pages of one breach are seen in one view.
    """
    views: list[View] = []
    for page in sorted(one.pages, key=lambda each: each.at):
        stretch = _stretch_of(page, one, outcome)
        if stretch is None:
            continue
        view = _view(page, stretch, one, outcome)
        if views and views[-1].panel is view.panel and view.begin < views[-1].end - AROUND:
            last = views.pop()
            view = View(view.panel, min(last.begin, view.begin), max(last.end, view.end), (*last.pages, *view.pages))
        views.append(view)
    best = sorted(views, key=lambda each: not any(page.tier is Tier.ROLLBACK for page, _ in each.pages))
    return [*sorted(best[:most], key=lambda each: each.begin), *best[most:]]


def _view(page: Paged, stretch: Stretch, one: Instance, outcome: Replayed) -> View:
    panel = _panel_of(page, one)
    end = outcome.end if stretch.resolved_at is None else stretch.resolved_at
    return View(panel, stretch.since - AROUND, min(end, stretch.since + 6 * 3600) + AROUND, ((page, stretch),))


def _stretch_of(page: Paged, one: Instance, outcome: Replayed) -> Stretch | None:
    """Give the stretch that a page told of, that of the page's own tier if there is one."""
    going = [
        each
        for each in one.stretches
        if each.fired_at is not None
        and each.since <= page.at <= (outcome.end if each.resolved_at is None else each.resolved_at)
    ]
    return min(going, key=lambda each: (each.key.tier is not page.tier, each.since), default=None)


def _legend(one: Instance, marks: Marks) -> Markup:
    """Name what is drawn, as far as it is."""
    seconds = any(panel.axis is Axis.SECONDS for panel in one.panels)
    kinds = [("value", "latency" if seconds else "value"), *([("base", "baseline")] if seconds else [])]
    kinds += [("pending", "pending"), ("firing", "firing"), ("recovering", "recovering")]
    kinds += [("incident", "known incident")] if marks.incidents else []
    kinds += [("unread", "not read")] if marks.unread else []
    kinds += [("blind", "blind")] if marks.blind else []
    return tag("p", *(tag("span", words, class_=f"key {kind}") for kind, words in kinds), class_="legend")


def _in_words(one: Instance, outcome: Replayed) -> Markup:
    """Give in a table what the plots show."""
    lines = [tag("p", f"{_range(panel, one, outcome)}.") for panel in one.panels]
    if one.stretches:
        lines.append(stretches_table(one, outcome))
    return tag("details", tag("summary", f"In words: {counted(len(one.stretches), 'stretch', 'stretches')}"), *lines)


def _range(panel: Panel, one: Instance, outcome: Replayed) -> str:
    found = extremes(reduced(panel.times, panel.values, grid(outcome.begin, outcome.end, outcome.interval, 2)))
    missing = sum(value is None for value in panel.values)
    gaps = f"; no value at {missing} of {len(panel.times)} evaluations" if missing else ""
    if found is None:
        return f"{one.group}: nothing was read"
    return f"{one.group}: values from {measured(found.low, panel.axis)} to {measured(found.high, panel.axis)}{gaps}"
