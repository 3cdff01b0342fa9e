"""What a drill played, kept once it is over: it cannot be read any more when another is played."""

from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock

from monitor.core.drill.log import Drill
from monitor.core.drill.scenario import Scenario
from monitor.drills.hall import Stage
from monitor.ports.world import Clock

KEPT_WITHIN = timedelta(minutes=1)
"""How long it is tried, before the next drill may begin all the same."""


@dataclass(slots=True)
class Remains:
    """Keeps them. Thread-safe. What was real is read from the real source, also later, and is none of its business."""

    clock: Clock
    owed: Drill | None = None
    """The drill that is over and whose signals are still to be kept."""
    _keeping: Lock = field(default_factory=Lock)

    def owe(self, stage: Stage, drill: Drill, scenario: Scenario | None) -> None:
        """Take down that what `drill` played is to be kept, where it is over and has not been. Raises StoreError."""
        store = stage.side.store
        if drill.over_at is None or scenario is None or scenario.script is None:
            return
        if store.incident(drill.id) is not None and store.evidence(drill.id) is None:
            self.owed = drill

    def keep(self, stage: Stage) -> None:
        """Keep what is owed, if anything is. Takes seconds. Raises StoreError."""
        with self._keeping:
            drill = self.owed
            if drill is None or drill.over_at is None:
                return
            stage.side.keeper.keep(drill.id)
            if stage.side.store.evidence(drill.id) or self.clock.now() - drill.over_at >= KEPT_WITHIN:
                self.owed = None
