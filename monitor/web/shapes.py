"""Incidents as JSON, version 1, for programs: times in RFC 3339 UTC. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from monitor.core.actor import Actor
from monitor.core.events import Event, Firing
from monitor.core.incident import Incident
from monitor.core.page import Scene
from monitor.core.render import headline, next_for, tone


def incident_in_short(incident: Incident) -> dict[str, Any]:
    """Give the line of a list."""
    return {
        "id": incident.id,
        "environment": incident.environment,
        "tier": str(incident.tier),
        "state": str(tone(incident)),
        "headline": headline(Scene(incident, incident.opened_at, {})),
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


def incident_in_full(incident: Incident, events: Sequence[Event]) -> dict[str, Any]:
    """Give everything about one incident: its alerts and its timeline."""
    return incident_in_short(incident) | {
        "next": next_for(incident) if incident.is_open else "",
        "alerts": [_firing(one) for one in incident.alerts],
        "timeline": [_event(one) for one in events],
    }


def _firing(firing: Firing) -> dict[str, Any]:
    return {
        "alert": firing.key.alert,
        "labels": dict(firing.key.labels),
        "tier": str(firing.key.tier),
        "service": firing.service,
        "summary": firing.summary,
        "why": firing.why,
        "value": firing.value,
        "limit": firing.limit,
        "since": time_of(firing.since),
        "fired_at": time_of(firing.fired_at),
        "resolved_at": time_of(firing.resolved_at),
        "resolved_why": firing.resolved_why,
    }


def _event(event: Event) -> dict[str, Any]:
    told: dict[str, Any] = {
        "at": time_of(event.at),
        "kind": event.kind,
        "by": event.by.name,
        "source": str(event.by.source),
    }
    for name in (
        "key",
        "to",
        "firing",
        "command",
        "why",
        "note",
        "cause",
        "reason",
        "procedure",
        "call",
        "channel",
        "said",
    ):
        value = getattr(event, name, None)
        if value is not None:
            told[name] = str(value.key) if isinstance(value, Firing) else str(value)
    return told


def _who(actor: Actor | None) -> str | None:
    return actor.name if actor else None


def time_of(at: datetime | None) -> str | None:
    """Give a time in RFC 3339."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
