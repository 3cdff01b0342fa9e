"""Whether a deploy may go out: frozen from start to end of a procedure, but never for the rollback itself. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from monitor.core.actor import MONITOR
from monitor.core.incident import Incident
from monitor.core.procedureevents import DeployAnswered
from monitor.core.progress import Progress
from monitor.core.words import clock

MOST_TOLD = 50
"""How many stopped deploys an incident remembers; whoever asks for more is answered all the same."""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """What a pipeline is told: `incident` is the one that freezes (or that lets it through), `by` who commands it."""

    allowed: bool
    because: str
    incident: str = ""
    since: datetime | None = None
    by: str = ""


OPEN = GateAnswer(allowed=True, because="no rollback procedure runs")


def gate(incidents: Iterable[Incident], service: str, version: str) -> GateAnswer:
    """Give whether `version` of `service` may be deployed while `incidents` stand as they do."""
    answers = [_asked(one, one.running, service, version) for one in incidents if one.running is not None]
    refused = [one for one in answers if not one.allowed]
    return refused[0] if refused else answers[0] if answers else OPEN


def _asked(incident: Incident, progress: Progress, service: str, version: str) -> GateAnswer:
    why = _let_through(incident, progress, service, version)
    target = progress.service(service)
    back = f"; {service} goes back to {target.pinned.target}, which is let through" if target else ""
    since, by = incident.started_at, incident.commander.name if incident.commander else ""
    began = f" since {clock(since)}" if since else ""
    frozen = f"deploys of {incident.environment} are frozen{began} by {incident.id} (commander: {by}){back}"
    return GateAnswer(bool(why), why or frozen, incident.id, since, by)


def _let_through(incident: Incident, progress: Progress, service: str, version: str) -> str:
    """Give why it goes through though deploys are frozen, or nothing."""
    target = progress.service(service)
    if target is not None and target.pinned.target == version:
        return f"{version} is what {service} is rolled back to in {incident.id}"
    for one in progress.allowances:
        if one.service == service and one.version in {"", version}:
            return f"{one.by.name} allowed one deploy of {service} in {incident.id}"
    return ""


def noted(incident: Incident, service: str, version: str, at: datetime) -> tuple[DeployAnswered, ...]:
    """Give what `incident` remembers of being asked now: each answer once, and an allowance when it is taken."""
    progress = incident.running
    if progress is None:
        return ()
    answer = _asked(incident, progress, service, version)
    if answer.allowed:
        known = any(one.service == service and one.version == version for one in progress.allowances)
        target = progress.service(service)
        known = known or (target is not None and target.pinned.target == version)
    else:
        known = (service, version) in progress.refused_deploys or len(progress.refused_deploys) >= MOST_TOLD
    if known:
        return ()
    return (DeployAnswered(at, MONITOR, service, version, answer.allowed, answer.because),)
