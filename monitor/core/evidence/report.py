"""The report of an incident, in Markdown, for people who were not there. Pure.

It says what was found and what is missing; nothing in it depends on when it is written.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from monitor.core.evidence import markdown
from monitor.core.evidence.case import Case
from monitor.core.evidence.checklist import checklist, unread
from monitor.core.evidence.moments import NAMES, durations, mitigated_within
from monitor.core.evidence.steps import went
from monitor.core.evidence.summary import summary
from monitor.core.evidence.telling import told, who
from monitor.core.incidents.events import ProcedureStarted, Refused
from monitor.core.incidents.procedureevents import CommandTaken, DeployAllowed, DeployAnswered
from monitor.core.naming import marked
from monitor.core.words import lasted, lasted_seconds

NAME = "report.md"
UNKNOWN = "unknown"


def report(case: Case) -> bytes:
    """Give the report."""
    sections = (
        _head(case),
        _section("Summary", _numbered(summary(case.incident))),
        _section("Evidence checklist", _checklist(case)),
        _section("Times", _times(case)),
        _section("Procedure", _procedure(case)),
        _section("Refused", _refused(case)),
        _section("Deploys asked for while it ran", _deploys(case)),
        _section("Root cause and follow-ups", _record(case)),
        _section("Timeline (UTC)", _timeline(case)),
        _section("What could not be read", markdown.items(unread(case)) or "Everything was read.\n"),
    )
    return "\n".join(sections).encode()


def _section(title: str, body: str) -> str:
    return f"{markdown.heading(2, title)}\n{body}"


def _numbered(lines: Iterable[str]) -> str:
    return "".join(f"{number}. {markdown.text(line)}\n" for number, line in enumerate(lines, start=1))


def _head(case: Case) -> str:
    incident = case.incident
    facts = [
        ("Environment", incident.environment),
        ("Tier", incident.tier),
        ("Opened", _at(incident.opened_at)),
        ("Acknowledged by", who(incident.acknowledged_by) if incident.acknowledged_by else "nobody"),
        ("Commander", _commanders(case)),
        ("Procedure", incident.procedure or "none"),
        ("Signals clear", _at(incident.recovered_at)),
        ("Ended", _ended(case)),
        ("Record", f"completed by {who(incident.care.record.by)}" if incident.care.record else "not completed"),
    ]
    return f"{markdown.heading(1, marked(case.id, f'{case.id}: report'))}\n{markdown.table(('fact', ''), facts)}"


def _commanders(case: Case) -> str:
    """Give who led, in order: command may have changed hands, or been given up."""
    led = (who(one.by) for one in case.events if isinstance(one, ProcedureStarted | CommandTaken))
    return ", then ".join(dict.fromkeys(led)) or "nobody"


def _ended(case: Case) -> str:
    incident = case.incident
    if incident.ended_at is None or incident.end_reason is None:
        return "not ended"
    by = who(incident.ended_by) if incident.ended_by else "nobody"
    alone = ", SINGLE-HANDED" if incident.single_handed else ""
    note = f": {incident.end_note}" if incident.end_note else ""
    return f"{_at(incident.ended_at)} by {by} ({incident.end_reason.replace('_', ' ')}{alone}){note}"


def _at(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else UNKNOWN


def _checklist(case: Case) -> str:
    rows = [
        (item.title, item.standing, "; ".join(item.found), "; ".join(item.missing), ", ".join(item.files))
        for item in checklist(case)
    ]
    return markdown.table(("item", "", "what was found", "what is missing", "where"), rows)


# --- times ----------------------------------------------------------------------------------------------------------


def _times(case: Case) -> str:
    moments = case.moments
    rows = [(*NAMES[name], _at(getattr(moments, name))) for name in NAMES if name != "injected" or moments.injected]
    took = [
        (one.what, one.between, lasted(one.span) if one.span is not None else UNKNOWN) for one in durations(moments)
    ]
    return "\n".join(
        (markdown.table(("", "moment", "at (UTC)"), rows), markdown.table(("time", "", "took"), took), _target(case))
    )


def _target(case: Case) -> str:
    progress = case.incident.progress
    if progress is None:
        return "No procedure was started, so that there is no recovery target to compare with.\n"
    target = progress.plan.recovery_target
    if not target:
        return "Nothing is rolled back in it: there is no recovery target to compare with.\n"
    within, start = mitigated_within(case.moments, target), "injection" if case.moments.injected else "first breach"
    verdict = {True: "met", False: "MISSED", None: "not to be compared: it is not known when the signals were clear"}
    return f"Recovery target: {lasted_seconds(target)}, from the {start} to clear signals: {verdict[within]}.\n"


# --- the procedure --------------------------------------------------------------------------------------------------


def _procedure(case: Case) -> str:
    progress, aborted = case.incident.progress, case.incident.care.aborted
    if progress is None:
        return "No procedure was started.\n"
    rows = [
        (one.number, one.title, one.state.status.replace("_", " "), one.by, _when(one.state.at), one.remark)
        for one in went(progress)
    ]
    steps = markdown.table(("", "step", "", "by", "at (UTC)", "remark"), rows)
    decisions = markdown.items(_decisions(case))
    given_up = f"Given up by {who(aborted.by)} at {_at(aborted.at)}: {aborted.reason}" if aborted else ""
    undo = [given_up, *(f"To be undone by hand: {one}" for one in aborted.changed)] if aborted else []
    return "\n".join(part for part in (steps, decisions, markdown.items(undo)) if part)


def _when(at: datetime | None) -> str:
    return f"{at:%H:%M:%S}" if at is not None else ""


def _decisions(case: Case) -> Iterator[str]:
    progress = case.incident.progress
    for one in progress.decisions if progress else ():
        agreed = f", agreed by {who(one.approved_by)}" if one.approved_by else ""
        counts = "" if one.counts else " (an approver never agreed: it did not count)"
        yield f"Decided at {_when(one.at)}: {one.choice}, by {who(one.by)}{agreed}{counts}"


# --- people, deploys, record ----------------------------------------------------------------------------------------


def _refused(case: Case) -> str:
    rows = [
        (_when(one.at), who(one.by), one.by.source, one.command.replace("_", " "), one.why)
        for one in case.events
        if isinstance(one, Refused)
    ]
    return markdown.table(("at (UTC)", "who", "from", "what", "why"), rows) if rows else "Nothing was refused.\n"


def _deploys(case: Case) -> str:
    rows = []
    for one in case.events:
        match one:
            case DeployAnswered():
                answer = "let through" if one.allowed else "STOPPED"
                rows.append((_when(one.at), one.service, one.version, answer, one.because))
            case DeployAllowed():
                rows.append((_when(one.at), one.service, "any", "allowed once", who(one.by)))
            case _:
                continue
    titles = ("at (UTC)", "service", "version", "", "because")
    return markdown.table(titles, rows) if rows else "No pipeline asked.\n"


def _record(case: Case) -> str:
    record, care = case.incident.care.record, case.incident.care
    if record is None:
        said = f"Said of it: {markdown.text(care.explained)}\n" if care.explained else ""
        return f"{said}Missing: the record is not completed.\n"
    head = f"Root cause, by {markdown.text(who(record.by))}: {markdown.text(record.root_cause)}\n"
    if not record.follow_ups:
        return f"{head}\nNo follow-ups.\n"
    rows = [(one.what, one.owner, one.due) for one in record.follow_ups]
    return f"{head}\n{markdown.table(('what', 'owner', 'due'), rows)}"


def _timeline(case: Case) -> str:
    rows = [(_at(one.at), who(one.by), one.by.source, told(one)) for one in case.events]
    return markdown.table(("at", "who", "from", "what"), rows)
