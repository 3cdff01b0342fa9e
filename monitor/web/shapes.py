"""Incidents as JSON, version 1, for programs: times in RFC 3339 UTC. Pure."""

from collections.abc import Sequence
from typing import Any

from monitor.core.actor import Actor
from monitor.core.incidents.events import Acknowledged, Event, Firing, ProcedureStarted
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import (
    Approved,
    CheckAnswered,
    Collected,
    EndExplained,
    Noted,
    ServiceDone,
    StepDone,
    StepSkipped,
    StepUndone,
)
from monitor.core.model import Tier
from monitor.core.pages.actions import everything
from monitor.core.pages.deeds import deed
from monitor.core.pages.headline import headline, tone
from monitor.core.pages.page import ActionKind, Place, Scene
from monitor.core.pages.render import render
from monitor.core.pages.shell import PROGRAM, typed, typed_action
from monitor.core.pages.status import next_for
from monitor.web.procedures import (
    breakdown_of,
    care_of,
    changes_of,
    checks_of,
    compared_of,
    deploys_of,
    end_of,
    procedure_of,
    record_of,
)
from monitor.web.timeline import event_of, time_of


def incident_in_short(scene: Scene) -> dict[str, Any]:
    """Give the line of a list."""
    incident = scene.incident
    return {
        "id": incident.id,
        "environment": incident.environment,
        "tier": str(incident.tier),
        "state": str(tone(incident)),
        "headline": headline(scene),
        "opened_at": time_of(incident.opened_at),
        "acknowledged_by": _who(incident.acknowledged_by),
        "acknowledged_at": time_of(incident.acknowledged_at),
        "acknowledged_from_outside": bool(incident.acknowledged_by and incident.acknowledged_by.outside),
        "asked_at": time_of(incident.asked_at),
        "escalated_at": time_of(incident.escalated_at),
        "commander": _who(incident.commander),
        "started_at": time_of(incident.started_at),
        "recovered_at": time_of(incident.recovered_at),
        "ended_at": time_of(incident.ended_at),
        "firing": len(incident.active),
    }


def incident_after(scene: Scene) -> dict[str, Any]:
    """Give an incident as it is after something was done: the line of a list, and what is next."""
    incident = scene.incident
    return incident_in_short(scene) | {
        "next": next_for(incident) if incident.is_open else "",
        "waits": _waits(incident),
        "next_command": _next_command(incident),
        "commands": commands_of(incident),
    }


def incident_in_full(scene: Scene, events: Sequence[Event]) -> dict[str, Any]:
    """Give everything about one incident.

    `status`, `waits` and `changed` are sentences for people; all else is for programs too.
    """
    incident, page = scene.incident, render(scene)
    return incident_after(scene) | {
        "status": list(page.status),
        "changed": list(page.changes),
        "alerts": [_firing(one, scene) for one in incident.alerts],
        "changes": changes_of(incident.changes),
        "breakdown": breakdown_of(incident.breakdown),
        "procedure": procedure_of(incident),
        "checks": checks_of(incident.progress),
        "compared": compared_of(incident),
        "deploys": deploys_of(incident),
        "care": care_of(incident),
        "end": end_of(incident),
        "record": record_of(incident),
        "timeline": [event_of(one) for one in events],
    }


def commands_of(incident: Incident) -> list[dict[str, str]]:
    """Give what may be done now, what is next first: its action, the label of its button, and its command."""
    return [{"action": str(one.kind), "label": one.label, "command": typed_action(one)} for one in everything(incident)]


NEXT = frozenset({ActionKind.ACKNOWLEDGE, ActionKind.STILL_ON_IT, ActionKind.COMPLETE, ActionKind.EXPLAIN})
"""What is next whenever it may be done."""


def _next_command(incident: Incident) -> str | None:
    """Give the command for what is next: none where that is up to whoever has it, and no answer of a decision."""
    found = everything(incident)
    leads = incident.running is not None or (incident.is_open and incident.tier is Tier.ROLLBACK)
    if not found or not (leads or found[0].kind in NEXT) or found[0].place is Place.MORE:
        return None
    if found[0].kind is ActionKind.CHOOSE:
        step = found[0].value.split("|")[-1].partition("/")[0]
        return typed(ActionKind.CHOOSE, incident.id, f"{step}/ANSWER")
    return typed_action(found[0])


def _waits(incident: Incident) -> list[str]:
    """Give what somebody asked for and another person must answer."""
    waits, care = [], incident.care
    if not incident.is_open:
        return []
    if care.wants_end is not None:
        wish, how = care.wants_end, f"{PROGRAM} force-end {incident.id}"
        waits.append(f"{wish.by.signed} wants to end it without proof: {wish.reason}; a second person: {how}")
    if care.wants_command is not None:
        how = typed(ActionKind.GIVE_COMMAND, incident.id)
        waits.append(f"{care.wants_command.by.signed} asks for command; whoever has it: {how}")
    decisions = incident.running.decisions if incident.running else ()
    waits += [
        f"{one.by.signed} decided {one.choice} ({one.step}): an approver must agree"
        for one in decisions
        if not one.counts
    ]
    return waits


def _firing(firing: Firing, scene: Scene) -> dict[str, Any]:
    reading = scene.readings.get(firing.key) if firing.active else None
    return {
        "alert": firing.key.alert,
        "labels": dict(firing.key.labels),
        "tier": str(firing.key.tier),
        "service": firing.service,
        "summary": firing.summary,
        "now": reading.summary if reading else None,
        "why": firing.why,
        "value": firing.value,
        "limit": firing.limit,
        "since": time_of(firing.since),
        "fired_at": time_of(firing.fired_at),
        "resolved_at": time_of(firing.resolved_at),
        "resolved_why": firing.resolved_why,
    }


def _who(actor: Actor | None) -> str | None:
    return actor.name if actor else None


# --- what was just done ---------------------------------------------------------------------------------------------


def told_of(events: Sequence[Event], incident: Incident) -> list[str]:
    """Give what happened in words, for whoever asked for it."""
    return [words for words in (_told(one, incident) for one in events) if words]


def _told(event: Event, incident: Incident) -> str:
    match event:
        case StepDone() | StepSkipped() | StepUndone() | Collected():
            return _step_told(event, incident)
        case Approved(choice=choice):
            return f"{event.by.name} agreed to “{choice}”."
        case ServiceDone(service=service):
            return f"{service} is at its target, says {event.by.name}; not observed."
        case CheckAnswered(check=check, passed=passed):
            return f"{check}: {'passed' if passed else 'failed'}, says {event.by.name}."
        case Noted(note=note) | EndExplained(note=note):
            return f"Noted: {note}"
        case Acknowledged() | ProcedureStarted():
            return ""  # which the incident's own lines say
        case _:
            return deed(event, incident)


def _step_told(event: StepDone | StepSkipped | StepUndone | Collected, incident: Incident) -> str:
    step = incident.progress.step(event.step) if incident.progress else None
    title = f"“{step.title if step else event.step}”"
    match event:
        case StepDone(observed=observed):
            return f"{title} is done{', as the monitor sees' if observed else ''}."
        case StepSkipped(relevant=relevant, reason=reason):
            return f"{title} is {'skipped' if relevant else 'not relevant'}: {reason}"
        case StepUndone():
            return f"{title} is open again."
        case Collected():
            return f"Written down for {title}: {', '.join(name for name, _ in event.fields)}."
