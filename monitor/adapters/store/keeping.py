"""Files of evidence in the database: compressed, and pruned with the record. What they mean is not known here."""

import zlib
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, or_, select

from monitor.adapters.store import tables
from monitor.ports.store import KeptEvidence


def write(connection: Connection, kept: KeptEvidence) -> None:
    """Keep files in place of those that were kept before."""
    table = tables.evidence
    connection.execute(delete(table).where(table.c.incident == kept.incident))
    rows = [
        {"incident": kept.incident, "name": name, "at": kept.at, "content": zlib.compress(content)}
        for name, content in kept.files.items()
    ]
    if rows:
        connection.execute(insert(table), rows)


def read(connection: Connection, incident: str) -> KeptEvidence | None:
    """Give what was kept of an incident, or None."""
    table = tables.evidence
    rows = connection.execute(select(table).where(table.c.incident == incident).order_by(table.c.name)).all()
    files = {row.name: zlib.decompress(row.content) for row in rows}
    return KeptEvidence(incident, rows[0].at, files) if rows else None


def unkept(connection: Connection, since: datetime, before: datetime) -> Sequence[str]:
    """Give the incidents that ended in that time and of which nothing was kept since, oldest first."""
    incidents, table = tables.incidents, tables.evidence
    kept = select(table.c.incident, func.max(table.c.at).label("at")).group_by(table.c.incident).subquery()
    query = (
        select(incidents.c.id)
        .outerjoin(kept, kept.c.incident == incidents.c.id)
        .where(incidents.c.ended_at >= since, incidents.c.ended_at <= before)
        .where(or_(kept.c.at.is_(None), kept.c.at < incidents.c.ended_at))
        .order_by(incidents.c.number)
    )
    return connection.scalars(query).all()


def prune(connection: Connection, before: datetime) -> None:
    """Forget what was kept before that time."""
    connection.execute(delete(tables.evidence).where(tables.evidence.c.at < before))


def size(connection: Connection) -> int:
    """Give the bytes that everything takes."""
    return connection.scalar(select(func.sum(func.length(tables.evidence.c.content)))) or 0
