"""The duty to hold drills: when the next is due, who is reminded, and what is kept of it.

It stands on production's side: a team that holds no drills is reminded all the same, and no database is made for it.
"""

from dataclasses import dataclass, field

import structlog

from monitor.core.actor import Actor
from monitor.core.drill.cadence import Cadence, Counted, Standing, day_of, standing
from monitor.core.drill.duty import DutyRecord, Known, MigrationTold, Reminded, fold_duty
from monitor.core.drill.log import Drill
from monitor.core.drill.reminding import mend, notice, owed, sentence
from monitor.core.drill.result import Proven
from monitor.core.pages.posts import Notice
from monitor.drills.hall import Hall
from monitor.drills.schemas import SchemaWatch
from monitor.ports.store import Change, ConflictError
from monitor.ports.world import Clock
from monitor.side import Side

log = structlog.get_logger()

DUTY_EVERY = 60
"""Seconds between two looks at what is due."""

LONGEST_NAME = 200
"""Letters of a migration's name."""


@dataclass(frozen=True, slots=True)
class NotNoted:
    """A migration was not noted down, and why."""

    sentence: str


@dataclass(slots=True)
class Duty:
    """Knows when the next drill is due. Thread-safe: the store settles who was first.

    `channel` is that of drills where routing.yaml names none; `last` is how the team stood at the last look.
    """

    hall: Hall
    production: Side
    clock: Clock
    schemas: SchemaWatch
    channel: str = ""
    last: Standing | None = None
    _passed: dict[str, Counted] = field(default_factory=dict)

    # --- what is asked of it ------------------------------------------------------------------------------------------

    def standing(self) -> Standing:
        """Give how the team stands. Raises StoreError."""
        return self._standing(self._record())

    def told(self) -> str:
        """Give when the next drill is due, in a sentence. Raises StoreError."""
        return sentence(self.standing(), self.clock.now())

    def scenarios(self) -> tuple[str, ...]:
        """Give the scenarios that would count, by name."""
        known = self.production.book.now.rules.drills
        return tuple(name for name in sorted(known) if known[name].kind.qualifies)

    def mend(self) -> str:
        """Give what to do about it."""
        return mend(self.scenarios())

    # --- what people and time bring -----------------------------------------------------------------------------------

    def after_migration(self, name: str, by: Actor) -> Standing | NotNoted:
        """Note a major migration down, as made now: it asks for a drill. Raises StoreError."""
        named = " ".join(name.split())
        if not named or len(named) > LONGEST_NAME:
            return NotNoted(f"Name the migration, in up to {LONGEST_NAME} letters.")
        now = self.clock.now()
        fact = MigrationTold(now, by, named, day_of(now, self._cadence))
        try:
            self.production.store.commit(Change(duties=(fact,)))
        except ConflictError:
            return NotNoted(f"The migration {named} was noted down today already.")
        log.info("migration.told", migration=named, by=by.id)
        self.last = stands = self.standing()
        return stands

    def look(self) -> str:
        """Look once: notice migrations, and remind people where that is due; give what was told.

        Raises StoreError and ConflictError; what was not told is told with the next look.
        """
        record = self._noticed(self._begun(self._record()))
        self.last = stands = self._standing(record)
        now = self.clock.now()
        days = owed(stands.due, now, stands.cadence, record.reminded)
        if days is None:
            return ""
        said = notice(stands, self.scenarios(), now)
        kind = Notice.DRILL_OVERDUE if days < 0 else Notice.DRILL_DUE
        channel = self.production.book.now.rules.routing.drills.route.channel or self.channel
        self.production.desk.remind(kind, said, channel, Reminded(now, stands.due.day, days))
        log.info("drill.reminded", due=str(stands.due.day), why=str(stands.due.why), days=days)
        return said

    # --- how ----------------------------------------------------------------------------------------------------------

    @property
    def _cadence(self) -> Cadence:
        return self.production.book.now.rules.routing.drills.cadence

    def _record(self) -> DutyRecord:
        return fold_duty(self.production.store.duties())

    def _standing(self, record: DutyRecord) -> Standing:
        now = self.clock.now()
        return standing(self._counted(), record.migrations, record.known_since, now, self._cadence)

    def _begun(self, record: DutyRecord) -> DutyRecord:
        """Keep when the monitor ran here for the first time."""
        if record.known_since is not None:
            return record
        self.production.store.commit(Change(duties=(Known(self.clock.now()),)))
        return self._record()

    def _noticed(self, record: DutyRecord) -> DutyRecord:
        """Keep what was seen of migrations."""
        seen = self.schemas.look(self.production.book.now.rules.releases, record)
        if not seen:
            return record
        self.production.store.commit(Change(duties=seen))
        for one in seen:
            log.info("schema.seen", service=one.service, schema=one.schema, asks_for_drill=one.asks)
        return self._record()

    def _counted(self) -> Counted | None:
        """Give the last drill that counts: a kind that counts, brought to its end, whole, within its target."""
        stage = self.hall.stage
        for drill in stage.log.drills() if stage is not None else ():
            if drill.id in self._passed:
                return self._passed[drill.id]
            if stage is not None and _may_count(drill) and stage.results.of(drill).proven is Proven.PASSED:
                ended = drill.over_at or drill.started.at
                self._passed[drill.id] = counted = Counted(drill.id, drill.started.at, ended)
                return counted
        return None


def _may_count(drill: Drill) -> bool:
    return drill.started.drill_kind.qualifies and drill.finished is not None
