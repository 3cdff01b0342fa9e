"""What time alone owes to an incident that nobody looks after: who is called again, when, and what expires. Pure.

Everything given is an event, so that each call is made once whatever restarts; posts follow from events in
`core.pages.paging`. A monitor that was away while several calls were due makes the gravest of them, once and late.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.actor import MONITOR
from monitor.core.incidents.events import Asked, Call, Called, Event, Unacknowledged
from monitor.core.incidents.incident import Incident, PageClock
from monitor.core.model import Tier
from monitor.core.rules.routing import Escalation

OUTSIDE_HOLDS = timedelta(minutes=5)
"""For how long an acknowledgement by somebody who is no responder holds the escalation."""

ANSWER_WITHIN = timedelta(minutes=5)
"""For how long an answer to "still on it?" is waited for."""

STILL_HOLDS = timedelta(minutes=15)
"""For how long "still on it" is good, before it is asked again."""

FIXING_HOLDS = timedelta(minutes=30)
"""For how long "real, fixing another way" and "watching by hand" are good, before they are asked again."""

_GRAVITY = tuple(Call)


@dataclass(frozen=True, slots=True)
class _Due:
    at: datetime
    call: Call


def overdue(incident: Incident, now: datetime, escalation: Escalation) -> tuple[Event, ...]:
    """Give what time alone does at `now` to an open incident whose signals still breach; nothing where all is told."""
    if not incident.is_open or incident.recovered_at is not None or incident.commander is not None:
        return ()
    if not held(incident, now):
        return _called(incident, now, escalation)
    return _expiring(incident, now, escalation)


def held(incident: Incident, now: datetime) -> bool:
    """Whether somebody has it, so that nobody else is called: of somebody from outside, for minutes only."""
    if incident.commander is not None:
        return True
    until = held_until(incident)
    return incident.acknowledged_by is not None and (until is None or now < until)


def held_until(incident: Incident) -> datetime | None:
    """Give when an acknowledgement by somebody from outside holds no longer; None for that of a responder."""
    by, at = incident.acknowledged_by, incident.acknowledged_at
    return at + OUTSIDE_HOLDS if by is not None and at is not None and by.outside else None


def unacknowledged_at(incident: Incident) -> datetime | None:
    """Give when the acknowledgement counts no longer unless somebody says that they are still on it."""
    return incident.asked_at + ANSWER_WITHIN if incident.asked_at is not None else None


# --- nobody has acknowledged ----------------------------------------------------------------------------------------


def _called(incident: Incident, now: datetime, escalation: Escalation) -> tuple[Event, ...]:
    """Give the gravest call that is due and not told; it stands for all of them."""
    until = incident.called_until
    due = [one for one in _calls(incident, escalation) if one.at <= now and (until is None or one.at > until)]
    if not due:
        return ()
    gravest = max((one.call for one in due), key=_GRAVITY.index)
    channel = escalation.channel if gravest is Call.ESCALATE else ""
    return (Called(now, MONITOR, gravest, max(one.at for one in due), channel),)


def _calls(incident: Incident, escalation: Escalation) -> Iterator[_Due]:
    for clock in incident.clocks:
        for call, seconds in _steps(clock, escalation):
            yield _Due(clock.since + timedelta(seconds=seconds), call)


def _steps(clock: PageClock, escalation: Escalation) -> Iterator[tuple[Call, int]]:
    match clock.tier:
        case Tier.PREPARE:
            if escalation.prepare_mention is not None:
                yield Call.MENTION, escalation.prepare_mention
        case Tier.BLIND:
            yield from ((Call.AGAIN, seconds) for seconds in escalation.blind_again)
        case Tier.ROLLBACK:
            yield from ((Call.AGAIN, seconds) for seconds in escalation.rollback_again)
            if escalation.channel and escalation.rollback_escalate is not None:
                yield Call.ESCALATE, escalation.rollback_escalate


# --- somebody has, and starts nothing -------------------------------------------------------------------------------


def _expiring(incident: Incident, now: datetime, escalation: Escalation) -> tuple[Event, ...]:
    """Ask whoever has it and starts no rollback; without an answer the acknowledgement is taken away."""
    by, expires = incident.acknowledged_by, expires_at(incident, escalation)
    if by is None or expires is None:
        return ()
    if incident.asked_at is None:
        return (Asked(now, MONITOR),) if now >= expires else ()
    return (Unacknowledged(now, MONITOR, by),) if now >= incident.asked_at + ANSWER_WITHIN else ()


def expires_at(incident: Incident, escalation: Escalation) -> datetime | None:
    """Give when whoever acknowledged is asked whether they are still on it; None where they are not."""
    if incident.acknowledged_at is None or held_until(incident) is not None or incident.commander is not None:
        return None
    if incident.care.fixing is not None or incident.care.watching_until is not None:
        return (incident.confirmed_at or incident.acknowledged_at) + FIXING_HOLDS
    if incident.tier is not Tier.ROLLBACK or escalation.acknowledgement_expires is None:
        return None
    if incident.confirmed_at is not None:
        return incident.confirmed_at + STILL_HOLDS
    return incident.acknowledged_at + timedelta(seconds=escalation.acknowledgement_expires)
