"""The events of an incident as JSON: every field of an event by its own name, times in RFC 3339 UTC. Pure."""

from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum

from monitor.core.actor import Actor
from monitor.core.incidents.events import Event, Firing
from monitor.core.model import AlertKey
from monitor.core.procedures.procedure import Procedure
from monitor.core.releases.breakdown import Breakdown
from monitor.core.releases.release import WhatChanged

APART = {"at", "by", "kind"}
"""What every event has, told first."""

ELSEWHERE = (Procedure, WhatChanged, Breakdown)
"""What is too long for a line of a timeline, and told elsewhere in the same answer."""

PAIRS = {"fields", "queries", "links"}
"""Fields that are names with their values."""


def event_of(event: Event) -> dict[str, object]:
    """Give one event."""
    told: dict[str, object] = {
        "at": time_of(event.at),
        "kind": event.kind,
        "by": event.by.name,
        "source": str(event.by.source),
        "verified": event.by.verified,
    }
    for one in fields(event):
        value = getattr(event, one.name)
        if one.name in APART or value is None or isinstance(value, ELSEWHERE):
            continue
        told[one.name] = dict(value) if one.name in PAIRS else _plain(value)
    return told


def _plain(value: object) -> object:
    """Give a value as JSON has it."""
    match value:
        case datetime():
            return time_of(value)
        case date():
            return value.isoformat()
        case Firing():
            return str(value.key)
        case AlertKey():
            return str(value)
        case Actor():
            return value.name
        case Enum():
            return str(value)
        case tuple():
            return [_plain(one) for one in value]
        case _ if is_dataclass(value):
            return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
        case _:
            return value


def time_of(at: datetime | None) -> str | None:
    """Give a time in RFC 3339."""
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
