"""The events of drills in the database: JSON by pydantic, told apart by their `kind`."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

from pydantic import Field, TypeAdapter
from sqlalchemy import Connection, func, insert, select

from monitor.adapters.store import tables
from monitor.core.drill.log import Drill, DrillEvent, fold_drill
from monitor.core.naming import number_of
from monitor.ports.store import ConflictError


@cache
def _adapter() -> TypeAdapter[DrillEvent]:
    return TypeAdapter(Annotated[DrillEvent, Field(discriminator="kind")])


def read(connection: Connection, drill: str) -> Sequence[DrillEvent]:
    """Give the events of one drill in order."""
    table = tables.drill_events
    rows = connection.scalars(select(table.c.body).where(table.c.drill == drill).order_by(table.c.seq))
    return [_adapter().validate_json(body) for body in rows]


def every(connection: Connection) -> Sequence[Drill]:
    """Give every drill, the one that was begun last first, whatever the clock said then."""
    table = tables.drill_events
    begun: dict[str, list[DrillEvent]] = {}
    for name, body in connection.execute(select(table.c.drill, table.c.body).order_by(table.c.drill, table.c.seq)):
        begun.setdefault(name, []).append(_adapter().validate_json(body))
    drills = [fold_drill(name, events) for name, events in begun.items()]
    return sorted(drills, key=lambda one: number_of(one.id), reverse=True)


def append(connection: Connection, drill: str, expected_rev: int, events: Sequence[DrillEvent]) -> None:
    """Append events where the drill still has `expected_rev` of them; the primary key settles races."""
    table = tables.drill_events
    count = connection.scalar(select(func.count()).select_from(table).where(table.c.drill == drill)) or 0
    if count != expected_rev:
        raise ConflictError(f"{drill} has {count} events, not {expected_rev}")
    rows = [
        {"drill": drill, "seq": seq, "at": event.at, "body": _adapter().dump_json(event).decode()}
        for seq, event in enumerate(events, start=expected_rev + 1)
    ]
    connection.execute(insert(table), rows)
