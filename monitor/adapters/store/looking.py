"""Looks at incidents: an open one is read on from where the last look ended, so that its length does not matter.

Events are only ever added, so what was folded once stays right; how many were is `Incident.rev`. What has ended is
not kept.
"""

from datetime import datetime

from sqlalchemy import Connection, select

from monitor.adapters.store import codec, tables
from monitor.core.incidents.events import Event
from monitor.core.incidents.incident import Incident, fold
from monitor.core.naming import number_of


class Looks:
    """Gives incidents as they are. Thread-safe: a look that knew less only reads more."""

    def __init__(self) -> None:
        self._open: dict[str, Incident] = {}

    def at(self, connection: Connection, incident: str) -> Incident | None:
        """Give one incident; None where there is none of that name."""
        known = self._open.get(incident)
        table = tables.events
        told = select(table.c.body).where(table.c.incident == incident, table.c.seq > (known.rev if known else 0))
        events = [codec.event_of(body) for body in connection.scalars(told.order_by(table.c.seq))]
        if known is None and not events:
            return None
        now = fold(incident, events, known)
        if now.is_open:
            self._open[incident] = now
        else:
            self._open.pop(incident, None)
        return now

    def forget(self) -> None:
        """Read everything anew: somebody else has written, or what was read may not be there any more."""
        self._open.clear()

    def among(self, connection: Connection, *, open_only: bool, since: datetime | None) -> list[Incident]:
        """Give the incidents that are open or, unless `open_only`, ended at or after `since`; newest first."""
        table = tables.incidents
        opened = connection.scalars(select(table.c.id).where(table.c.ended_at.is_(None))).all()
        for gone in self._open.keys() - set(opened):
            self._open.pop(gone, None)
        found = [self.at(connection, incident) for incident in opened]
        found += [] if open_only else _ended(connection, since)
        return sorted((one for one in found if one is not None), key=lambda one: number_of(one.id), reverse=True)


def _ended(connection: Connection, since: datetime | None) -> list[Incident]:
    """Give those that have ended, at or after `since`; all read at once."""
    table, events = tables.incidents, tables.events
    wanted = table.c.ended_at.is_not(None) if since is None else table.c.ended_at >= since
    told: dict[str, list[Event]] = {}
    query = select(table.c.id, events.c.body).join_from(table, events).where(wanted)
    for name, body in connection.execute(query.order_by(events.c.incident, events.c.seq)):
        told.setdefault(name, []).append(codec.event_of(body))
    return [fold(name, happened) for name, happened in told.items()]
