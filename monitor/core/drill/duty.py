"""What is kept of the duty to hold drills: since when, which migrations there were, of what people were reminded.

Facts are only ever added; the name of a fact keeps it from being added twice. Pure; times are aware UTC.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, TypeAlias

from monitor.core.actor import MONITOR, Actor
from monitor.core.drill.cadence import Migration


@dataclass(frozen=True, slots=True)
class Known:
    """The monitor ran here for the first time: what the first drill is counted from."""

    at: datetime
    kind: Literal["known"] = "known"

    @property
    def name(self) -> str:
        """There is one first time."""
        return self.kind


@dataclass(frozen=True, slots=True)
class SchemaSeen:
    """A schema, or a count of applied migrations, was seen on a service that was not seen before.

    `asks`: it is a migration that asks for a drill. What is seen first of a service is none.
    """

    at: datetime
    service: str
    schema: str
    asks: bool
    by: Actor = MONITOR
    kind: Literal["schema_seen"] = "schema_seen"

    @property
    def name(self) -> str:
        """A schema that comes back (the service was rolled back, and forward again) is nothing new."""
        return f"{self.kind}/{self.service}/{self.schema}"


@dataclass(frozen=True, slots=True)
class MigrationTold:
    """Somebody said that a major migration was made; `day` is that of the team's own calendar.

    Older ones have none: they go by the day in UTC.
    """

    at: datetime
    by: Actor
    migration: str
    day: date | None = None
    kind: Literal["migration_told"] = "migration_told"

    @property
    def name(self) -> str:
        """Said twice on one day, it is one."""
        return f"{self.kind}/{self.migration}/{self.day or self.at.date()}"


@dataclass(frozen=True, slots=True)
class Reminded:
    """People were told that a drill is due by the end of `day`: `days` before it, or negative, that it is overdue."""

    at: datetime
    day: date
    days: int
    kind: Literal["reminded"] = "reminded"

    @property
    def name(self) -> str:
        """The day on which it was told is part of it: what a clock that was far ahead told does not count."""
        return f"{self.kind}/{self.day}/{self.days}/{self.at.date()}"


DutyFact: TypeAlias = Known | SchemaSeen | MigrationTold | Reminded


@dataclass(frozen=True, slots=True)
class DutyRecord:
    """The facts, sorted: `schemas` are those that were seen, by service."""

    known_since: datetime | None
    migrations: tuple[Migration, ...]
    schemas: Mapping[str, frozenset[str]]
    reminded: tuple[Reminded, ...]


def fold_duty(facts: Iterable[DutyFact]) -> DutyRecord:
    """Give what the facts come to, whatever their order."""
    known: datetime | None = None
    migrations: list[Migration] = []
    schemas: dict[str, frozenset[str]] = {}
    reminded: list[Reminded] = []
    for fact in facts:
        match fact:
            case Known():
                known = fact.at if known is None else min(known, fact.at)
            case SchemaSeen():
                schemas[fact.service] = schemas.get(fact.service, frozenset()) | {fact.schema}
                migrations += [Migration(fact.at, f"{fact.schema} of {fact.service}")] if fact.asks else []
            case MigrationTold():
                migrations.append(Migration(fact.at, fact.migration))
            case Reminded():
                reminded.append(fact)
    return DutyRecord(known, tuple(sorted(migrations, key=lambda one: one.at)), schemas, tuple(reminded))
