"""The JSON files of a bundle: timeline, decisions, versions, verification, follow-ups, posts. Version 1. Pure."""

from typing import Any

from monitor.core.actor import Actor, Source
from monitor.core.evidence.case import Case
from monitor.core.evidence.plainly import json_file, json_lines, plain
from monitor.core.evidence.telling import told
from monitor.core.incidents.events import Event, Refused
from monitor.core.incidents.procedureevents import CheckAnswered, ChecksRun, ServiceDone, TargetsPinned, VersionsSeen
from monitor.core.procedures.beforeafter import before_and_after
from monitor.core.procedures.verification import verdict

VERSION = 1


def timeline(case: Case) -> bytes:
    """Give every event in order with everything that it holds, a line each."""
    return json_lines(_event(number, event) for number, event in enumerate(case.events, start=1))


def _event(number: int, event: Event) -> dict[str, Any]:
    body = plain(event)
    head = {name: body.pop(name) for name in ("at", "kind", "by")}
    return {"version": VERSION, "n": number, **head, "said": told(event), "event": body}


def decisions(case: Case) -> bytes:
    """Give what people did and what was refused to them, a line each."""
    return json_lines(
        _decision(number, event)
        for number, event in enumerate(case.events, start=1)
        if event.by.source is not Source.MONITOR
    )


def _decision(number: int, event: Event) -> dict[str, Any]:
    refused = isinstance(event, Refused)
    return {
        "version": VERSION,
        "n": number,
        "at": event.at,
        **_who(event.by),
        "did": event.command if isinstance(event, Refused) else event.kind,
        "refused": refused,
        "said": told(event),
    }


def _who(actor: Actor) -> dict[str, Any]:
    return {
        "by": actor.name,
        "id": actor.id,
        "source": actor.source,
        "verified": actor.verified,
        "roles": actor.roles,
        "click": actor.click,
    }


def versions(case: Case) -> bytes:
    """Give what changed before the breach or where it failed, what was pinned, and which versions ran when."""
    progress = case.incident.progress
    seen = [one for one in case.events if isinstance(one, VersionsSeen | ServiceDone | TargetsPinned)]
    return json_file(
        {
            "version": VERSION,
            "changes": case.incident.changes,
            "breakdown": case.incident.breakdown,
            "services": progress.services if progress else (),
            "decisions": progress.decisions if progress else (),
            "seen": [{"at": one.at, "by": one.by.name, "kind": one.kind, "said": told(one)} for one in seen],
            "problem": "" if progress else "no procedure was started, so that no target was pinned",
        }
    )


def verification(case: Case) -> bytes:
    """Give how the checks came out in the end and each time that they came out otherwise than before."""
    progress = case.incident.progress
    results = progress.results if progress else ()
    runs = [one for one in case.events if isinstance(one, ChecksRun | CheckAnswered)]
    return json_file(
        {
            "version": VERSION,
            "outcome": verdict(results).outcome if results else None,
            "sentence": verdict(results).sentence,
            "before_and_after": before_and_after(case.incident.alerts, results).rows,
            "results": results,
            "answers": progress.answers if progress else (),
            "runs": runs,
            "problem": "" if results else "no check was run",
        }
    )


def followups(case: Case) -> bytes:
    """Give root cause and follow-ups."""
    record, care = case.incident.care.record, case.incident.care
    return json_file(
        {
            "version": VERSION,
            "completed": record is not None,
            "completed_by": record.by.name if record else None,
            "completed_at": record.at if record else None,
            "root_cause": record.root_cause if record else None,
            "explained": care.explained,
            "follow_ups": record.follow_ups if record else (),
            "problem": "" if record else "the record is not completed",
        }
    )


def slack(case: Case) -> bytes:
    """Give everything that was posted, with what became of it."""
    return json_file({"version": VERSION, "posts": case.posted})
