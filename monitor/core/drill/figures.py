"""The times by which drills and real incidents are compared. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.drill.result import Result
from monitor.core.evidence.case import Case
from monitor.core.evidence.moments import Moments, durations, mitigated_within

COMPARED = ("Time to detect", "Time to page", "Time to acknowledge", "Time to command", "Time to mitigate")
"""The times that stand in a row, in its order."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One row: a drill or a real incident, what it came to, and its times (None: not known). `target` 0: none."""

    name: str
    at: datetime
    what: str
    came_to: str
    times: tuple[timedelta | None, ...]
    target: int

    @property
    def real(self) -> bool:
        """Whether it was no drill."""
        return self.what == "real"


def of_drill(result: Result) -> Figures:
    """Give the row of a drill."""
    started, times = result.drill.started, _times(result.moments)
    target = started.seconds if started.drill_kind.mitigates else 0
    return Figures(result.drill.id, started.at, str(started.drill_kind), str(result.proven), times, target)


def of_incident(case: Case) -> Figures | None:
    """Give the row of a real incident in which a procedure was started; None for any other."""
    progress = case.incident.progress
    if progress is None:
        return None
    target = progress.plan.recovery_target
    met = {True: "within target", False: "over target", None: "not known"}[mitigated_within(case.moments, target)]
    return Figures(case.id, case.incident.opened_at, "real", met, _times(case.moments), target)


def _times(found: Moments) -> tuple[timedelta | None, ...]:
    took = {one.what: one.span for one in durations(found)}
    return tuple(took[what] for what in COMPARED)
