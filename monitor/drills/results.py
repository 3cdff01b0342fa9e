"""What drills came to: reads what is kept of one, and of those beside it; what that proves is decided in the core."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.core.drill.figures import Figures, of_drill, of_incident
from monitor.core.drill.impact import impact
from monitor.core.drill.log import Drill, fold_drill
from monitor.core.drill.report import DATA, NAME, data, report
from monitor.core.drill.result import Result, result
from monitor.core.evidence import Case
from monitor.core.naming import number_of
from monitor.evidence.collecting import bare
from monitor.ports.store import DrillLog, Store

MOST_REAL, MOST_DRILLS = 4, 4
"""Real incidents and drills that stand beside one."""


@dataclass(frozen=True, slots=True)
class Results:
    """Gives results. `store` has the incidents of drills, `real` those of production.

    `case_of` reads a drill's with its signals.
    """

    log: DrillLog
    store: Store
    real: Store
    case_of: Callable[[str], Case | None]

    def of(self, drill: Drill, case: Case | None = None) -> Result:
        """Give what a drill came to; with its impact where its `case` has signals. Raises StoreError."""
        known = case if case is not None else bare(self.store, drill.id)
        first = result(drill, known)
        if known is None or not known.signals:
            return first
        return result(drill, known, impact(known.signals, first.moments.began, first.moments.clear))

    def compared(self, drill: Drill) -> tuple[Figures, ...]:
        """Give the rows beside a drill, newest first: drills, then what was real. Raises StoreError."""
        number = number_of(drill.id)
        before = [one for one in self.log.drills() if number_of(one.id) < number and not one.running]
        drills = [of_drill(self.of(one, self._kept(one.id))) for one in before[:MOST_DRILLS]]
        return (*drills, *self._real(drill))

    def _kept(self, name: str) -> Case | None:
        """Give the case of a drill with the signals that were kept of it: nothing is read anew for a row."""
        case, kept = bare(self.store, name), self.store.evidence(name)
        return replace(case, signals=kept.files) if case is not None and kept is not None else case

    def _real(self, drill: Drill) -> Sequence[Figures]:
        found: list[Figures] = []
        for incident in self.real.incidents():
            if incident.progress is None or incident.is_open or incident.opened_at >= drill.started.at:
                continue
            case = bare(self.real, incident.id)
            row = of_incident(case) if case is not None else None
            found += [row] if row is not None else []
            if len(found) >= MOST_REAL:
                break
        return found

    def drill(self, name: str) -> Drill | None:
        """Give a drill by its name, or None where there is none. Raises StoreError."""
        events = self.log.drill_events(name)
        return fold_drill(name, events) if events else None

    def injected(self, name: str) -> datetime | None:
        """Give when the fault of a drill was injected. Raises StoreError."""
        found = self.drill(name)
        return found.injected.at if found is not None and found.injected is not None else None

    def files(self, case: Case) -> Mapping[str, bytes]:
        """Give what a bundle of a drill holds beside its incident's. Raises StoreError."""
        drill = self.drill(case.id)
        return self._written(drill, case) if drill is not None else {}

    def report(self, drill: Drill) -> Mapping[str, bytes]:
        """Give the report of a drill, as Markdown and as JSON, with its impact. Takes seconds. Raises StoreError."""
        return self._written(drill, self.case_of(drill.id))

    def _written(self, drill: Drill, case: Case | None) -> Mapping[str, bytes]:
        found, compared = self.of(drill, case), self.compared(drill)
        beside = (of_drill(found), *compared)
        return {NAME: report(found, beside if compared else ()), DATA: data(found, compared)}
