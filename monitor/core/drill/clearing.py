"""When a played signal becomes healthy again: decided by what people have done, so that it is the same when asked anew.

Pure.
"""

from datetime import datetime, timedelta

from monitor.core.drill.scenario import Clears, Script
from monitor.core.incidents.incident import Incident
from monitor.core.procedures.progress import Progress


def clears_at(script: Script, injected: datetime, incident: Incident | None) -> datetime | None:
    """Give when a signal that was broken at `injected` becomes healthy; None: not yet."""
    match script.clears:
        case Clears.BY_TIME:
            return injected + timedelta(seconds=script.after)
        case Clears.ACKNOWLEDGED:
            return incident.acknowledged_at if incident is not None else None
        case Clears.ROLLED_BACK:
            return rolled_back_at(incident.progress) if incident is not None and incident.progress else None


def rolled_back_at(progress: Progress) -> datetime | None:
    """Give when the services were rolled back: each at its target, or the steps that do it settled."""
    settled = [state.at for step, state in zip(progress.plan.steps, progress.steps, strict=True) if step.waves]
    if settled and all(at is not None for at in settled):
        return max(at for at in settled if at is not None)
    reached = [one.at_target_since for one in progress.services]
    if reached and all(at is not None for at in reached):
        return max(at for at in reached if at is not None)
    return None
