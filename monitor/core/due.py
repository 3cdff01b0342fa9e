"""What time alone does to an incident, apart from calling people (`monitor.core.escalation`). Pure."""

from datetime import datetime, timedelta

from monitor.core.actor import MONITOR
from monitor.core.events import Ended, EndReason, Event
from monitor.core.incident import Incident


def due(incident: Incident, at: datetime, reopen_within: int) -> tuple[Event, ...]:
    """Give what time alone does to `incident` at `at`.

    Recovered for `reopen_within` seconds with nobody rolling back, it ends by itself.
    """
    if incident.ended_at is not None or incident.recovered_at is None or incident.commander is not None:
        return ()
    if at - incident.recovered_at < timedelta(seconds=reopen_within):
        return ()
    return (Ended(at, MONITOR, EndReason.BY_ITSELF),)
