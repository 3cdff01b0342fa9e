"""The report of a drill: one page of Markdown for people who were not there, and the same as JSON. Pure.

It says what was found and what is missing; nothing in it depends on when it is written.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from monitor.core.drill.figures import COMPARED, Figures
from monitor.core.drill.log import DrillStarted, SignedOff
from monitor.core.drill.result import Proven, Result
from monitor.core.drill.signing import DOES_NOT_COUNT, counts, incomplete
from monitor.core.evidence import markdown
from monitor.core.evidence.moments import NAMES, durations
from monitor.core.evidence.plainly import plain, time_of
from monitor.core.naming import marked
from monitor.core.words import lasted, lasted_seconds

NAME, DATA = "drill.md", "drill.json"
UNKNOWN = "unknown"


def report(result: Result, compared: Sequence[Figures]) -> bytes:
    """Give the page; `compared` are the drills and real incidents beside it."""
    sections = (
        _head(result),
        _section("What it proved", _verdict(result)),
        _section("Clock", _clock(result)),
        _section("Beside others", _compared(result, compared)),
        _section("Evidence checklist", _checklist(result)),
        _section("What went otherwise", markdown.items(_otherwise(result)) or "Nothing.\n"),
        _section("Signed off", _signed(result)),
    )
    return "\n".join(sections).encode()


def _section(title: str, body: str) -> str:
    return f"{markdown.heading(2, title)}\n{body}"


def _head(result: Result) -> str:
    started = result.drill.started
    rows = [
        ("Scenario", f"{started.title} ({started.scenario})"),
        ("Kind", f"{started.drill_kind}{'' if started.drill_kind.qualifies else ': does not count for the quarter'}"),
        ("Hypothesis", started.hypothesis),
        ("Participants", ", ".join(started.participants) or "as configured"),
        ("Recovery target", _aim(started)),
        ("Started", f"{_at(started.at)} by {started.by.signed}"),
        ("Over", _at(result.drill.over_at)),
        ("Given up when", "; ".join(started.abort_if) or "nothing was agreed"),
    ]
    title = marked(result.drill.id, f"{result.drill.id}: {result.proven.upper()}")
    return f"{markdown.heading(1, title)}\n{markdown.table(('', ''), rows)}"


def _aim(started: DrillStarted) -> str:
    if not started.drill_kind.mitigates:
        return "none: nothing is rolled back in it"
    return f"{lasted_seconds(started.seconds)}, from the injection until the signals are clear"


def _verdict(result: Result) -> str:
    """Say in a sentence what it came to, and then what is missing, signatures too: passed is not yet signed."""
    gaps, owed = markdown.items(result.gaps), _unsigned(result)
    said = f"{sentence(result)}{f' {owed}.' if owed else ''}"
    return f"{markdown.text(said)}\n{f'{chr(10)}{gaps}' if gaps else ''}"


def _unsigned(result: Result) -> str:
    drill = result.drill
    return incomplete(drill.id, drill.unsigned) if drill.finished is not None else ""


def sentence(result: Result) -> str:
    """Give what a drill came to, in a sentence."""
    target = lasted_seconds(result.drill.started.seconds)
    took = f"mitigated {lasted(result.mitigated)} after the injection" if result.mitigated is not None else ""
    aborted = result.drill.aborted
    match result.proven:
        case Proven.RUNNING:
            return "It still runs."
        case Proven.ABORTED if aborted is not None:
            by = aborted.incident or aborted.by.signed
            return f"Aborted by {by}: {aborted.reason}. It proves nothing, and is kept as it was."
        case Proven.INCOMPLETE:
            many = f"{len(result.gaps)} thing{'' if len(result.gaps) == 1 else 's'}"
            return f"Incomplete: {many} could not be shown{f' ({took})' if took else ''}."
        case Proven.PASSED if result.mitigated is None:
            return "Passed: the page reached people, and they took it."
        case Proven.PASSED:
            return f"Passed: {took}, within the target of {target}."
        case _:
            return f"Failed: {took}, and the target is {target}."


MOST_GAPS = 3
"""Things that are missing which are named where people only read in passing."""


def so_far(result: Result) -> str:
    """Give what a drill came to as its thread is told at its end, without a stop; what is missing may still come."""
    if result.proven is not Proven.INCOMPLETE:
        return sentence(result).removesuffix(".")
    more = len(result.gaps) - MOST_GAPS
    named = "; ".join(result.gaps[:MOST_GAPS])
    return f"Incomplete so far: {named}{f'; and {more} more' if more > 0 else ''}"


def _clock(result: Result) -> str:
    found = result.moments
    rows = [(*NAMES[name], _at(getattr(found, name))) for name in NAMES]
    took = [(one.what, one.between, lasted(one.span) if one.span is not None else UNKNOWN) for one in durations(found)]
    felt = [
        ("requests that failed beyond what is usual", _count(result.impact.failed)),
        ("requests while it was slow", _count(result.impact.slow)),
    ]
    return "\n".join(
        (
            markdown.table(("", "moment", "at (UTC)"), rows),
            markdown.table(("time", "", "took"), took),
            markdown.table(("what users would have felt", "about"), felt),
        )
    )


def _count(number: float | None) -> str:
    return f"{number:.0f}" if number is not None else UNKNOWN


def _compared(result: Result, compared: Sequence[Figures]) -> str:
    if not compared:
        return "This is the first: there is nothing to compare it with.\n"
    rows = [
        (one.name, f"{one.at:%Y-%m-%d}", one.what, one.came_to, *map(_took, one.times), _target(one))
        for one in compared
    ]
    del result
    return markdown.table(("", "on", "what", "came to", *COMPARED, "target"), rows)


def _target(one: Figures) -> str:
    return lasted_seconds(one.target) if one.target else "none"


def _took(span: timedelta | None) -> str:
    return lasted(span) if span is not None else UNKNOWN


def _checklist(result: Result) -> str:
    if not result.checklist:
        return "No page was opened: there is no evidence.\n"
    rows = [
        (item.title, item.standing, "; ".join(item.found), "; ".join(item.missing), ", ".join(item.files))
        for item in result.checklist
    ]
    return markdown.table(("item", "", "what was found", "what is missing", "where"), rows)


def _otherwise(result: Result) -> Iterator[str]:
    yield from (f"Skipped: {one}" for one in result.skipped)
    yield from (f"Out of order: {one}" for one in result.out_of_order)
    yield from (f"Not seen at its target, somebody spoke for it: {one}" for one in result.said)
    if result.refused:
        yield f"Refused clicks: {len(result.refused)}"
        yield from (
            f"Refused to {one.by.signed} at {one.at:%H:%M:%S} UTC, {one.command.replace('_', ' ')}: {one.why}"
            for one in result.refused
        )
    if result.doubled:
        yield f"Pages doubled: {result.doubled}"
    if result.lost:
        yield f"Pages lost: {result.lost}"


def _signed(result: Result) -> str:
    lines = [_signature(result, one) for one in result.drill.signed]
    owed = _unsigned(result)
    return markdown.items([*lines, owed] if owed else lines) or "Nobody has signed it.\n"


def _signature(result: Result, one: SignedOff) -> str:
    less = "" if counts(result.drill, one) else f" ({DOES_NOT_COUNT})"
    return f"{one.by.signed}, {_at(one.at)}{f': {one.note}' if one.note else ''}{less}"


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else UNKNOWN


def data(result: Result, compared: Sequence[Figures]) -> bytes:
    """Give the same for programs: JSON, version 1."""
    drill, found = result.drill, result.moments
    body = {
        "version": 1,
        "drill": drill.id,
        "result": str(result.proven),
        "started": plain(drill.started),
        "injected": plain(drill.injected),
        "aborted": plain(drill.aborted),
        "finished": plain(drill.finished),
        "signed": plain(drill.signed),
        "signatures_missing": drill.unsigned,
        "moments": {NAMES[name][0]: _time(getattr(found, name)) for name in NAMES},
        "durations_s": {one.what: one.span.total_seconds() if one.span else None for one in durations(found)},
        "recovery_target_s": drill.started.target,
        "within_target": result.within_target,
        "impact": plain(result.impact),
        "gaps": list(result.gaps),
        "skipped": list(result.skipped),
        "out_of_order": list(result.out_of_order),
        "said_not_seen": list(result.said),
        "refused_clicks": len(result.refused),
        "refused": plain(result.refused),
        "pages_doubled": result.doubled,
        "pages_lost": result.lost,
        "compared": [_row(one) for one in compared],
    }
    return (json.dumps(body, indent=2, ensure_ascii=False) + "\n").encode()


def _time(at: datetime | None) -> str | None:
    return time_of(at) if at is not None else None


def _row(one: Figures) -> dict[str, object]:
    spans = {
        what: span.total_seconds() if span is not None else None for what, span in zip(COMPARED, one.times, strict=True)
    }
    return {
        "name": one.name,
        "at": time_of(one.at),
        "what": one.what,
        "came_to": one.came_to,
        "times_s": spans,
        "target_s": one.target,
    }
