"""Keeps the signals of incidents that are over, while the source still has them.

A quarter of an hour after the end they are read and kept; where the source does not answer, it is asked again for a
day, and then what there is is kept. It must not know what the files hold.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.evidence.collecting import Evidence
from monitor.ports.store import KeptEvidence, Store
from monitor.ports.world import Clock

log = structlog.get_logger()

KEEP_EVERY = 60
"""Seconds between two looks."""

SETTLED = timedelta(minutes=16)
"""How long after its end an incident is looked at: the quarter of an hour after it has been scraped by then."""

PATIENCE = timedelta(days=1)
"""How long after that a source that does not answer is asked again."""

AGAIN = 600.0
"""Seconds until it is."""


@dataclass(slots=True)
class Keeper:
    """Looks for what is to be kept; one for the life of the daemon. `counted` is told the bytes of all that is kept."""

    store: Store
    evidence: Evidence
    clock: Clock
    retention: timedelta
    counted: Callable[[int], None] = lambda _: None
    _not_before: dict[str, float] = field(default_factory=dict)

    def look(self) -> str:
        """Keep the evidence of one incident, the first that is due; give its name, or nothing. Raises StoreError."""
        now = self.clock.now()
        due = self.store.unkept(now - self.retention, now - SETTLED)
        self._not_before = {name: at for name, at in self._not_before.items() if name in due}
        ready = (name for name in due if self._not_before.get(name, 0.0) <= self.clock.monotonic())
        name = next(ready, "")
        if name:
            self.keep(name)
        return name

    def keep(self, name: str) -> None:
        """Keep the evidence of one incident that is over, as it can be read now. Raises StoreError."""
        incident, events = self.store.incident(name), self.store.events(name)
        if incident is None or incident.ended_at is None:
            self._not_before[name] = self.clock.monotonic() + AGAIN
            return
        self._not_before[name] = self.clock.monotonic() + AGAIN
        collected = self.evidence.collect(incident, events)
        now = self.clock.now()
        if collected.again and now - incident.ended_at < SETTLED + PATIENCE:
            log.info("evidence.delayed", incident=name)
            return
        self.store.keep(KeptEvidence(name, now, collected.files))
        self.count()
        log.info("evidence.kept", incident=name, files=len(collected.files))

    def count(self) -> None:
        """Tell how much is kept. Raises StoreError."""
        self.counted(self.store.evidence_size())
