"""The table of a sweep: what each variant of the rules comes to, as a grid where two keys are varied."""

from collections.abc import Sequence

from monitor.core.replay.outcome import KnownIncident, Replayed, Variant
from monitor.core.replay.scoring import score, summary
from monitor.core.replay.totals import Totals, totals
from monitor.core.words import lasted_seconds
from monitor.workbench.report.markup import Markup, tag
from monitor.workbench.report.scale import moment
from monitor.workbench.report.tables import table, waited

Settings = tuple[str, ...]


def varied(variants: Sequence[Variant]) -> tuple[Settings, list[Settings]]:
    """Give the keys that differ between variants, and their values in each variant (`-` where a key is not set)."""
    written = [dict(one.rpartition("=")[::2] for one in variant.settings) for variant in variants]
    names = tuple(dict.fromkeys(name for one in written for name in one))
    differing = tuple(name for name in names if len({one.get(name) for one in written}) > 1) or names
    return differing, [tuple(one.get(name, "-") for name in differing) for one in written]


def chosen(variants: Sequence[Variant], outcome: Replayed) -> int | None:
    """Give the position of the variant that the report is about: the very outcome, or one with the same findings."""
    for index, one in enumerate(variants):
        if one.outcome is outcome:
            return index
    same = (index for index, one in enumerate(variants) if (one.outcome.pages, one.outcome.alerts) == _facts(outcome))
    return next(same, None)


def _facts(outcome: Replayed) -> tuple[object, object]:
    return outcome.pages, outcome.alerts


def sweep(variants: Sequence[Variant], outcome: Replayed, known: Sequence[KnownIncident]) -> Markup:
    """Give the table; the variant that the report is about is marked."""
    names, values = varied(variants)
    here = chosen(variants, outcome)
    across = list(dict.fromkeys(one[-1] for one in values))
    if len(names) == 2 and len(variants) > 2 and len(set(values)) == len(values):  # noqa: PLR2004  # two keys: a grid
        return _grid(
            names, values, across, [_cell(one, known, marked=index == here) for index, one in enumerate(variants)]
        )
    return _listed(names, values, variants, known, here)


def _grid(names: Settings, values: Sequence[Settings], across: Sequence[str], cells: Sequence[Markup]) -> Markup:
    down = list(dict.fromkeys(one[0] for one in values))
    by_place = dict(zip(values, cells, strict=True))
    stem, short = _stem(names)
    corner = tag("th", tag("span", f"{short[0]} ↓", class_="down"), "  ", tag("span", f"{short[1]} →", class_="across"))
    head = tag("tr", corner, *(tag("th", one, scope="col") for one in across))
    rows = [
        tag("tr", tag("th", row, scope="row"), *(by_place.get((row, column), tag("td")) for column in across))
        for row in down
    ]
    about = [tag("caption", tag("b", stem), ": pages for each value of the two keys")] if stem else []
    return tag("div", tag("table", *about, tag("thead", head), tag("tbody", *rows), class_="grid"), class_="scroll")


def _stem(names: Settings) -> tuple[str, Settings]:
    """Give what all names begin with (whole words), and what is left of each."""
    words = [one.split(".") for one in names]
    shared = 0
    while len({tuple(one[: shared + 1]) for one in words}) == 1 and all(len(one) > shared + 1 for one in words):
        shared += 1
    return ".".join(words[0][:shared]), tuple(".".join(one[shared:]) for one in words)


def _cell(variant: Variant, known: Sequence[KnownIncident], *, marked: bool) -> Markup:
    found = totals(variant.outcome)
    lines = [tag("b", str(found.pages)), tag("small", "page" if found.pages == 1 else "pages")]
    lines.append(tag("div", f"fires {lasted_seconds(found.firing)}" if found.firing else "never fires", class_="quiet"))
    if known:
        judged = summary(variant.outcome, score(variant.outcome, known))
        missed = tag("span", f"{judged.missed} missed", class_="bad" if judged.missed else None)
        lines.append(tag("div", missed, f", {judged.false} false", class_="quiet"))
    if marked:
        lines.append(tag("div", "shown here", class_="here"))
    return tag("td", *lines, class_="chosen" if marked else None)


def _listed(
    names: Settings,
    values: Sequence[Settings],
    variants: Sequence[Variant],
    known: Sequence[KnownIncident],
    here: int | None,
) -> Markup:
    titles = [
        *names,
        "pages",
        "fires for",
        "first page (UTC)",
        *(["caught", "missed", "false", "time to page"] if known else []),
        "",
    ]
    rows = [
        [
            *value,
            *_sums(totals(one.outcome)),
            *_scores(one, known),
            tag("span", "shown here", class_="here") if index == here else "",
        ]
        for index, (value, one) in enumerate(zip(values, variants, strict=True))
    ]
    return table(titles, rows, numbers=range(len(names), len(titles) - 1))


def _sums(found: Totals) -> list[str]:
    first = "-" if found.first_page is None else moment(found.first_page)
    return [str(found.pages), lasted_seconds(found.firing) if found.firing else "-", first]


def _scores(variant: Variant, known: Sequence[KnownIncident]) -> list[str]:
    if not known:
        return []
    judged = summary(variant.outcome, score(variant.outcome, known))
    return [str(judged.caught), str(judged.missed), str(judged.false), waited(judged.time_to_page)]
