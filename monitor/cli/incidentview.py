"""Incidents as a person in a shell reads them: drawn from the API's answer, with nothing of its own."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitor.core.words import plain

Told = Mapping[str, Any]

MARKS = {"done": "[x]", "skipped": "[-]", "not_relevant": "[-]", "open": "[ ]"}
REST = (
    *("key", "firing", "procedure", "step", "choice", "service", "version", "versions", "check", "reason", "why"),
    *("note", "call", "channel", "said", "root_cause", "people"),
)
"""What a line of the timeline says of an event, in this order."""


def line_of(one: Told) -> str:
    """Give the line of a list."""
    who = one["commander"] or one["acknowledged_by"] or "nobody"
    return plain(f"{one['id']}  {shown_time(one['opened_at'])}  {one['headline']}  (has it: {who})")


def after(one: Told, told: list[str]) -> list[str]:
    """Give what is said when something was done: how it stands, what is waited for, what is next and how."""
    who = one["commander"] or one["acknowledged_by"] or "nobody"
    lines = [one["headline"], f"has it: {who}", *told, *(f"waits: {wait}" for wait in one["waits"])]
    return [plain(line) for line in (*lines, *_next(one))]


def in_full(one: Told) -> list[str]:
    """Give everything about one incident, what matters first."""
    parts = [
        [one["headline"], f"{one['id']} opened {shown_time(one['opened_at'])}"],
        [line for line in one["status"] if not line.startswith("Next: ")],
        [f"waits: {wait}" for wait in one["waits"]],
        list(_next(one)),
        list(one["changed"]),
    ]
    lines = [line for part in parts for line in part]
    for title, part in (
        (_procedure_title(one), _steps(one)),
        ("rollback targets", _services(one)),
        ("checks", _checks(one)),
        ("before and after", _compared(one)),
        ("deploys", _deploys(one)),
        ("alerts", _alerts(one)),
        ("record", _record(one)),
        ("timeline", _timeline(one)),
        ("what may be done now", _commands(one)),
    ):
        found = list(part)
        lines += ["", title, *(f"  {line}" for line in found)] if found else []
    return [plain(line) for line in lines]


def _next(one: Told) -> Iterator[str]:
    if one["next"]:
        yield f"next: {one['next']}"
    if one["next_command"]:
        yield f"      {one['next_command']}"


def _procedure_title(one: Told) -> str:
    procedure = one["procedure"]
    if procedure is None:
        return ""
    how_far = f"step {procedure['step']} of {procedure['of']}" if procedure["running"] else "not running any more"
    return f"{procedure['title']}: {how_far}"


def _steps(one: Told) -> Iterator[str]:
    for step in (one["procedure"] or {"steps": []})["steps"]:
        mark = "[>]" if step["current"] else MARKS[step["status"]]
        yield f"{mark} {step['number']} {step['id']:<12} {step['title']}{_settled(step)}"
        yield from (f"      {name}: {value}" for name, value in step["collected"].items())
        if step["current"]:
            yield from (f"      answer: {one['choice']} ({one['title']})" for one in step["answers"])
    for decision in (one["procedure"] or {"decisions": []})["decisions"]:
        agreed = f", agreed by {decision['approved_by']}{unsure(decision['approver_verified'])}"
        yield (
            f"    decided: {decision['choice']} ({decision['step']}) by {_who(decision)}"
            f"{agreed if decision['approved_by'] else '' if decision['counts'] else ', waits for an approver'}"
        )


def _settled(step: Told) -> str:
    if step["status"] == "open":
        return ""
    who = "seen by the monitor" if step["observed"] else f"{step['status'].replace('_', ' ')} by {_who(step)}"
    reason = f": {step['reason']}" if step["reason"] else ""
    return f" ({who} {shown_time(step['at'])[11:]}{reason})"


def _services(one: Told) -> Iterator[str]:
    for service in (one["procedure"] or {"services": []})["services"]:
        runs = f"runs {'+'.join(service['versions']) or 'an unknown version'}"
        if service["at_target_since"]:
            runs = f"there, says {service['said_by']}, not observed" if service["said_by"] else "there"
        there = service["image_confirmed"] or "image not confirmed"
        moved = service["migrations"]
        migrations = "migrations not watched" if moved is None else ", ".join(moved) or "none"
        since = migrations if moved is None else f"migrations since: {migrations}"
        yield f"{service['service']}: {service['before'] or '?'} -> {service['target']}; {runs}; {there}; {since}"


def _checks(one: Told) -> Iterator[str]:
    for check in (one["checks"] or {"results": []})["results"]:
        by = f" (entered by {check['by']})" if check["by"] else ""
        yield f"{check['outcome'].replace('_', ' '):<8} {check['title']} ({check['id']}): {check['said']}{by}"


def _compared(one: Told) -> Iterator[str]:
    for row in one["compared"]:
        yield f"{row['what']}: {row['before']} -> {row['now']}"


def _deploys(one: Told) -> Iterator[str]:
    deploys = one["deploys"]
    if deploys["frozen"]:
        targets = ", ".join(f"{service} {version}" for service, version in deploys["targets"].items())
        yield f"frozen{f'; let through as targets: {targets}' if targets else ''}"
    for allowed in deploys["allowed"]:
        used = (
            f"taken by {allowed['version']} {shown_time(allowed['used_at'])}" if allowed["version"] else "not used yet"
        )
        yield f"one deploy of {allowed['service']} allowed by {_who(allowed)}: {used}"
    for stopped in deploys["stopped"]:
        yield f"stopped: {stopped['service']} {stopped['version']}"


def _alerts(one: Told) -> Iterator[str]:
    for alert in one["alerts"]:
        until = f", until {shown_time(alert['resolved_at'])}" if alert["resolved_at"] else ""
        yield f"{alert['tier']:<8}  {alert['summary']} ({alert['alert']}), since {shown_time(alert['since'])}{until}"
        if alert["why"]:
            yield f"          {alert['why']}"
        if alert["now"] and alert["now"] != alert["summary"]:
            yield f"          now: {alert['now']}"


def _record(one: Told) -> Iterator[str]:
    record = one["record"]
    if record["root_cause"] is not None:
        yield f"root cause: {record['root_cause']} (by {_who(record)})"
        yield from (f"{todo['what']}: {todo['owner']}, until {todo['due']}" for todo in record["follow_ups"])
    elif record["owed"]:
        yield "to be completed"


def _timeline(one: Told) -> Iterator[str]:
    for event in one["timeline"]:
        found = [event[name] for name in REST if event.get(name)]
        rest = " ".join(", ".join(map(str, value)) if isinstance(value, list) else str(value) for value in found)
        yield f"{shown_time(event['at'])}  {event['kind'].replace('_', ' ')}  {rest}  by {_who(event)}"


def _commands(one: Told) -> Iterator[str]:
    width = max((len(command["label"]) for command in one["commands"]), default=0)
    for command in one["commands"]:
        yield f"{command['label']:<{min(width, 44)}}  {command['command']}"


def _who(told: Told) -> str:
    return f"{told['by']}{unsure(told['verified'])}"


def unsure(verified: bool | None) -> str:  # noqa: FBT001  # null where nobody did it
    """Give what is said behind a name that nobody vouches for."""
    return " (from a shell, unverified)" if verified is False else ""


def shown_time(time: str | None) -> str:
    """Give a time of the API as people read it."""
    return f"{time[:10]} {time[11:19]} UTC" if time else ""
