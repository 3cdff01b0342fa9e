"""A replay as a comment below a pull request: the verdict first, small tables, the rest folded away.

Everything that somebody wrote stands as code with its special characters written as numbers, so that a label can
neither mark up, nor mention a team, nor refer to an issue, on GitHub and on GitLab.
"""

import re
from collections.abc import Iterable, Sequence

from monitor.core.model import AlertKey, Tier
from monitor.core.replay import sentences
from monitor.core.replay.comparison import Compared
from monitor.core.replay.outcome import KnownIncident, Paged, Replayed, Variant
from monitor.core.replay.scoring import Finding, Scored, incident_of, score, summary
from monitor.core.replay.sentences import counted
from monitor.core.replay.totals import totals
from monitor.core.words import lasted_seconds, plain, shortened
from monitor.workbench.report.scale import moment, stretch_of_time
from monitor.workbench.report.sweeps import chosen, varied
from monitor.workbench.report.tables import of, waited

MOST = 60_000
"""Bytes of the longest comment; GitHub takes 65,536 characters."""
ROWS = 20
"""Rows of one table: a comment is read in passing."""
LONGEST = 90
"""Letters of a name or of labels."""

_SPECIAL = re.compile(r"[^\w \"'(),./;=%+-]|_")
_REFERRING = re.compile(r"(?<=[@#!~$%&])(?=\w)")
"""Where a name of a person, an issue or the like would begin: outside of code even an escaped sign refers to it."""
_TIERS = {Tier.ROLLBACK: "roll back", Tier.PREPARE: "prepare", Tier.BLIND: "blind"}


def markdown(
    outcome: Replayed,
    compared: Compared | None = None,
    scored: Sequence[Scored] = (),
    variants: Sequence[Variant] = (),
) -> str:
    """Give the comment on `outcome`, at most `MOST` bytes; the other arguments are those of the HTML report."""
    known = [one.incident for one in scored]
    parts = [_verdict(outcome, compared, scored)]
    if compared is not None:
        parts += [_sums(compared, known), _changes(compared, known)]
    parts += [_incidents(scored), _sweep(outcome, variants, known), _pages(outcome, known, compared)]
    if compared is not None:
        parts.append(_minutes(compared))
    return _bounded([part for part in parts if part])


def _bounded(parts: Sequence[str]) -> str:
    """Give as many of the parts as fit, whole ones only, so that nothing is left open."""
    text, more = "", "\nThe rest does not fit into a comment: see the report.\n"
    for part in parts:
        if len(f"{text}\n{part}".encode()) > MOST - len(more):
            return text + more
        text = f"{text}\n{part}" if text else part
    return text


def _verdict(outcome: Replayed, compared: Compared | None, scored: Sequence[Scored]) -> str:
    said = sentences.change(compared) if compared else sentences.pages(outcome)
    judged, rate = sentences.judged(outcome, scored, compared), sentences.rate(outcome)
    doubts = sentences.doubts(outcome)
    told = [f"**{sentences.whole(said)}**", sentences.whole(judged)]
    told += [f"That is {rate}."] if rate and not compared else []
    lines = [" ".join(one for one in told if one)]
    lines += [f"> {_text(_REFERRING.sub(chr(0x200B), plain(sentences.whole(one))))}" for one in doubts]
    lines.append(f"Replay of {stretch_of_time(outcome.begin, outcome.end)}.")
    return "\n\n".join(lines) + "\n"


# --- parts ------------------------------------------------------------------------------------------------------------


def _sums(compared: Compared, known: Sequence[KnownIncident]) -> str:
    old, new = totals(compared.old), totals(compared.new)
    rows = [["pages", str(old.pages), str(new.pages)]]
    rows += [
        [f"… {words}", str(old.by_tier.get(tier, 0)), str(new.by_tier.get(tier, 0))]
        for tier, words in sentences.TIERS.items()
        if old.by_tier.get(tier) or new.by_tier.get(tier)
    ]
    rows.append(["firing", lasted_seconds(old.firing), lasted_seconds(new.firing)])
    if known:
        before, after = (summary(one, score(one, known)) for one in (compared.old, compared.new))
        rows.append(["known incidents caught", f"{before.caught} of {len(known)}", f"{after.caught} of {len(known)}"])
        rows.append(["false pages", str(before.false), str(after.false)])
    return _table(["", "before", "after"], rows, "lrr")


def _changes(compared: Compared, known: Sequence[KnownIncident]) -> str:
    found = [(one.at, "**gained**", one) for one in compared.gained]
    found += [(one.at, "**lost**", one) for one in compared.lost]
    found += [(one.old.at, f"earlier by {lasted_seconds(-one.by)}", one.new) for one in compared.earlier]
    found += [(one.old.at, f"later by {lasted_seconds(one.by)}", one.new) for one in compared.later]
    rows = [[moment(at), change, *_page(page, known)] for at, change, page in sorted(found, key=lambda one: one[0])]
    titles = ["page (UTC)", "change", "tier", "alert", *(["known incident"] if known else [])]
    return _table(titles, rows) if rows else ""


def _page(page: Paged, known: Sequence[KnownIncident]) -> list[str]:
    keys = list(dict.fromkeys((one.alert, one.labels) for one in page.alerts))
    first = _named(AlertKey(*keys[0], page.tier)) if keys else ""
    alerts = f"{first} and {len(keys) - 1} more" if len(keys) > 1 else first
    if not known:
        return [_TIERS[page.tier], alerts]
    found = incident_of(page, known)
    if page.tier is Tier.BLIND:
        return [_TIERS[page.tier], alerts, ""]
    return [_TIERS[page.tier], alerts, "false" if found is None else code(found.name)]


def _incidents(scored: Sequence[Scored]) -> str:
    if not scored:
        return ""
    ordered = sorted(scored, key=lambda one: one.finding is not Finding.MISSED)
    rows = [
        [
            code(one.incident.name),
            moment(one.incident.begin),
            f"**{one.finding}**" if one.finding is Finding.MISSED else one.finding.value,
            waited(one.time_to_page) or one.why,
        ]
        for one in ordered
    ]
    table = _table(["known incident", "from (UTC)", "found", "time to page"], rows)
    return _folded(f"Known incidents: {_found(scored)}", table)


def _found(scored: Sequence[Scored]) -> str:
    found = [one.finding for one in scored]
    return ", ".join(f"{found.count(one)} {one}" for one in Finding if one in found)


def _sweep(outcome: Replayed, variants: Sequence[Variant], known: Sequence[KnownIncident]) -> str:
    if not variants:
        return ""
    names, values = varied(variants)
    here = chosen(variants, outcome)
    titles = [*(code(name) for name in names), "pages", "firing", "first page (UTC)"]
    titles += ["caught", "false"] if known else []
    shown = enumerate(zip(variants[:ROWS], values[:ROWS], strict=True))
    rows = [_variant(one, value, known, bold=index == here) for index, (one, value) in shown]
    table = _table(titles, rows, "l" * len(names) + "rrl" + "rr" * bool(known))
    return f"{table}\nand {len(variants) - ROWS} more\n" if len(variants) > ROWS else table


def _variant(variant: Variant, value: Sequence[str], known: Sequence[KnownIncident], *, bold: bool) -> list[str]:
    found = totals(variant.outcome)
    first = "-" if found.first_page is None else moment(found.first_page)
    cells = [str(found.pages), lasted_seconds(found.firing), first]
    if known:
        judged = summary(variant.outcome, score(variant.outcome, known))
        cells += [f"{judged.caught} of {len(known)}", str(judged.false)]
    return [*(code(one) for one in value), *(f"**{cell}**" if bold else cell for cell in cells)]


def _pages(outcome: Replayed, known: Sequence[KnownIncident], compared: Compared | None) -> str:
    if not outcome.pages:
        return ""
    titles = ["page (UTC)", "tier", "alert", *(["known incident"] if known else [])]
    table = _table(titles, [[moment(one.at), *_page(one, known)] for one in outcome.pages])
    words = f"All {counted(len(outcome.pages), 'page')}{' after the change' if compared else ''}"
    return _folded(words.replace("All 1 page", "The page"), table)


def _minutes(compared: Compared) -> str:
    rows = [
        [_named(one.key), _TIERS[one.key.tier], lasted_seconds(one.before), lasted_seconds(one.after)]
        for one in compared.minutes
        if one.before != one.after
    ]
    if not rows:
        return ""
    return _folded("For how long alerts fire", _table(["alert", "tier", "before", "after"], rows, "llrr"))


# --- markup -----------------------------------------------------------------------------------------------------------


def code(words: str) -> str:
    """Give words of somebody's as code that only shows: one line, bounded, and nothing in it means anything."""
    return f"<code>{_text(shortened(plain(words), LONGEST))}</code>"


def _text(words: str) -> str:
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", words)


def _named(key: AlertKey) -> str:
    return code(key.alert) + (f" {code(of(key.labels))}" if key.labels else "")


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], sides: str = "") -> str:
    """Give a table; `sides` is a letter for each column, `r` for those set to the right."""
    marks = ["---:" if side == "r" else "---" for side in sides.ljust(len(titles))]
    lines: Iterable[Sequence[str]] = [titles, marks, *rows[:ROWS]]
    more = f"\nand {len(rows) - ROWS} more\n" if len(rows) > ROWS else ""
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + more


def _folded(words: str, content: str) -> str:
    return f"<details><summary>{_text(words)}</summary>\n\n{content}\n</details>\n"
