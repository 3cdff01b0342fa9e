"""What time alone does to an incident, apart from calling people (`monitor.core.incidents.escalation`). Pure."""

from datetime import UTC, datetime, time, timedelta

from monitor.core.actor import MONITOR
from monitor.core.incidents.events import Ended, EndReason, Event
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import RecordAsked, StillBreaching
from monitor.core.procedures.progress import Progress, rolled_back, stays

REMINDERS = (1, 3)
"""Working days after the end on which the record is asked for."""

MORNING = time(9, 0, tzinfo=UTC)
"""When of such a day."""

SATURDAY = 5


def due(incident: Incident, at: datetime, reopen_within: int) -> tuple[Event, ...]:
    """Give what time alone does to `incident` at `at`.

    Recovered for `reopen_within` seconds with nobody rolling back, it ends by itself; rolled back and breaching all the
    same, it is said; ended without a record, somebody is reminded.
    """
    if incident.ended_at is not None:
        return _record(incident, incident.ended_at, at)
    if incident.running is not None:
        return _still(incident, incident.running, at)
    if incident.recovered_at is None or incident.commander is not None:
        return ()
    # What somebody opened again is not ended by a recovery that they knew of when they said that it is not over.
    since = max(incident.recovered_at, incident.care.reopened_at or incident.recovered_at)
    if at - since < timedelta(seconds=reopen_within):
        return ()
    return (Ended(at, MONITOR, EndReason.BY_ITSELF),)


def _still(incident: Incident, progress: Progress, at: datetime) -> tuple[Event, ...]:
    """It is said once of what is rolled back, and again where more was rolled back since."""
    if not incident.signals or not rolled_back(progress):
        return ()
    moved = [one.at_target_since for one in progress.services if one.at_target_since and not stays(progress, one)]
    last, said = max(moved), progress.still_breaching_at
    if (said is not None and said >= last) or at - last < timedelta(seconds=progress.plan.helps_within):
        return ()
    return (StillBreaching(at, MONITOR),)


# --- the record -----------------------------------------------------------------------------------------------------


def owes_record(incident: Incident) -> bool:
    """Whether its record waits to be completed: what people ended, and what somebody rolled back for."""
    return incident.ended_at is not None and incident.care.record is None and incident.started_at is not None


def _record(incident: Incident, ended_at: datetime, at: datetime) -> tuple[Event, ...]:
    """Ask for it again, but not for that of a drill which was stopped before its procedure came to an end."""
    asked = incident.care.asked
    if not owes_record(incident) or asked >= len(REMINDERS) or incident.end_reason is EndReason.DRILL_OVER:
        return ()
    return (RecordAsked(at, MONITOR),) if at >= working_day(ended_at, REMINDERS[asked]) else ()


def working_day(after: datetime, count: int) -> datetime:
    """Give the morning of the `count`-th working day after `after`, in UTC; Saturdays and Sundays are none."""
    day = after.astimezone(UTC).date()
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < SATURDAY
    return datetime.combine(day, MORNING)
