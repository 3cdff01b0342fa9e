"""Migrations as metrics show them: schemas, or counts of what was applied, that were not seen before.

Where they are seen is said in releases.yaml. It decides nothing but what is new; what follows is the duty's business.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from monitor.core.drill.duty import DutyRecord, SchemaSeen
from monitor.core.model import utc
from monitor.core.releases.release import What
from monitor.core.rules.service import Releases, Service
from monitor.evaluation.ranges import Deadline
from monitor.ports.metrics import RangeSource
from monitor.ports.world import Clock
from monitor.procedure.sightings import Asked, NotReadError, Points, Sightings, moves, questions

EVERY = 600.0
"""Seconds between two readings: due dates are days."""

STEP, HOUR = 60, 3600
"""Seconds between the points of a reading, and of the first one, which looks back at when nobody ran."""

WITHIN = 10.0
"""Seconds that a reading may take."""

LANDED = 30
"""Seconds before now at which a reading ends, so that scrapes have landed."""

LONGEST = 200
"""Letters of a schema's name that are kept."""


@dataclass(slots=True)
class SchemaWatch:
    """Reads what is seen of migrations, every few minutes. `why` says why the last reading was not whole."""

    source: RangeSource
    clock: Clock
    why: str = ""
    _read_at: float | None = field(default=None)

    def look(self, releases: Releases, record: DutyRecord) -> tuple[SchemaSeen, ...]:
        """Give the schemas that `record` does not know; none where it is not time yet, or anything was not read."""
        watched = [service for service in releases.services if service.migrations is not None]
        if not watched or (self._read_at is not None and self.clock.monotonic() - self._read_at < EVERY):
            return ()
        began = self.clock.monotonic()
        asked = {one: service for service in watched for one in questions(service) if one.what is What.MIGRATION}
        sightings = Sightings(self.source, Deadline(self.clock, began + WITHIN))
        try:
            points = sightings.read(tuple(asked), self._times(began, releases.lookback))
        except NotReadError as problem:
            self.why = str(problem)
            return ()
        self.why, self._read_at = "", began
        return tuple(one for question, service in asked.items() for one in _new(service, question, points, record))

    def _times(self, began: float, lookback: int) -> range:
        """Give the times to look at: since the last whole reading, at first as far back as releases are."""
        end = int(self.clock.now().timestamp()) - LANDED
        if self._read_at is None:
            return range(end - lookback // HOUR * HOUR, end + 1, HOUR)
        back = min(int(began - self._read_at) // STEP + 1, lookback // STEP)
        return range(end - back * STEP, end + 1, STEP)


def _new(service: Service, asked: Asked, points: Mapping[Asked, Points], record: DutyRecord) -> Iterator[SchemaSeen]:
    """Give what was not seen of a service before; where nothing was, it is what there is, and no migration."""
    known = set(record.schemas.get(service.name, ()))
    first, counted = not known, bool(service.migrations and not service.migrations.label)
    highest = max((int(one) for one in known if one.removeprefix("-").isdecimal()), default=0) if counted else 0
    for at, seen in moves(asked, points[asked]):
        for schema in sorted(one[:LONGEST] for one in seen):
            if schema in known or (counted and not first and int(schema) <= highest):
                continue
            known.add(schema)
            highest = max(highest, int(schema)) if counted else 0
            late = record.known_since is not None and utc(at) > record.known_since
            yield SchemaSeen(utc(at), service.name, schema, asks=service.major and not first and late)
