"""The facts of the duty to hold drills in the database: JSON by pydantic, told apart by their `kind`."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

from pydantic import Field, TypeAdapter
from sqlalchemy import Connection, insert, select

from monitor.adapters.store import tables
from monitor.core.drill.duty import DutyFact


@cache
def _adapter() -> TypeAdapter[DutyFact]:
    return TypeAdapter(Annotated[DutyFact, Field(discriminator="kind")])


def read(connection: Connection) -> Sequence[DutyFact]:
    """Give every fact, in order of time."""
    table = tables.duty_facts
    rows = connection.scalars(select(table.c.body).order_by(table.c.at, table.c.name))
    return [_adapter().validate_json(body) for body in rows]


def add(connection: Connection, facts: Sequence[DutyFact]) -> None:
    """Add facts; the primary key settles who was first."""
    rows = [{"name": one.name, "at": one.at, "body": _adapter().dump_json(one).decode()} for one in facts]
    if rows:
        connection.execute(insert(tables.duty_facts), rows)
