"""What is on record of drills, for whoever asks: which there were, what they came to, and their reports."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitor.core.drill.log import Drill
from monitor.core.drill.result import Result
from monitor.drills.hall import Hall
from monitor.ports.store import NO_INCIDENT


@dataclass(frozen=True, slots=True)
class Records:
    """Reads what is kept; all of it raises StoreError where that cannot be read."""

    hall: Hall

    @property
    def running(self) -> Drill | None:
        """The drill that runs, or None."""
        return next((one for one in self.drills() if one.running), None)

    def drills(self) -> tuple[Drill, ...]:
        """Every drill, the one begun last first."""
        stage = self.hall.stage
        return tuple(stage.log.drills()) if stage is not None else ()

    def one(self, name: str) -> Drill | None:
        """Give the drill called `name`, without a name the one that runs; None where there is none."""
        stage = self.hall.stage
        if not name or stage is None:
            return self.running
        return stage.results.drill(name)

    def report(self, name: str) -> Mapping[str, bytes] | None:
        """Give the report of a drill as files, or None where there is no such drill."""
        stage, drill = self.hall.stage, self.one(name) if name else None
        return stage.results.report(drill) if stage is not None and drill is not None else None

    def result(self, name: str) -> Result | None:
        """Give what is known of a drill by now, without its impact, or None where there is none."""
        stage, drill = self.hall.stage, self.one(name) if name else None
        return stage.results.of(drill) if stage is not None and drill is not None else None

    def untold(self, name: str) -> int:
        """Give how much of a drill is owed to its channel and not there yet."""
        stage = self.hall.stage
        owed = stage.side.store.owed() if stage is not None else ()
        return sum(one.incident in {name, NO_INCIDENT} for one in owed)
