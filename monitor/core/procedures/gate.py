"""Whether a deploy may go out: frozen from start to end of a procedure, but never for the rollback itself. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from monitor.core.actor import MONITOR
from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import DeployAnswered
from monitor.core.procedures.progress import Progress
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


class UnknownEnvironmentError(Exception):
    """Nobody keeps a gate of the environment that was asked about; the sentence says which there are."""


OPEN = GateAnswer(allowed=True, because="no rollback procedure runs")


def gate(incidents: Iterable[Incident], service: str, version: str) -> GateAnswer:
    """Give whether `version` of `service` may be deployed while `incidents` stand as they do.

    What one procedure lets through, no other stops: a rollback is never blocked by a freeze.
    """
    running = [(one, one.running) for one in incidents if one.running is not None]
    if not running:
        return OPEN
    ways = [(_way(progress, service, version), one) for one, progress in running if progress is not None]
    way, incident = min(ways, key=lambda one: one[0])
    return _answer(incident, way, service, version)


class _Way(IntEnum):
    """Why a deploy goes through, the plainest first: what an allowance is not needed for does not use it up."""

    TARGET = 0
    ALLOWANCE_TAKEN = 1
    ALLOWANCE_FREE = 2
    NONE = 3


def _way(progress: Progress, service: str, version: str) -> _Way:
    target = progress.service(service)
    if target is not None and target.pinned.target == version:
        return _Way.TARGET
    mine = [one.version for one in progress.allowances if one.service == service]
    return _Way.ALLOWANCE_TAKEN if version in mine else _Way.ALLOWANCE_FREE if "" in mine else _Way.NONE


def _answer(incident: Incident, way: _Way, service: str, version: str) -> GateAnswer:
    because = {
        _Way.TARGET: f"{version} is what {service} is rolled back to in {incident.id}",
        _Way.NONE: _frozen(incident, service),
    }.get(way, f"one deploy of {service} is allowed in {incident.id}")
    by = incident.commander.name if incident.commander else ""
    return GateAnswer(way is not _Way.NONE, because, incident.id, incident.started_at, by)


def _frozen(incident: Incident, service: str) -> str:
    by = incident.commander.name if incident.commander else ""
    target = incident.progress.service(service) if incident.progress else None
    back = f"; {service} goes back to {target.pinned.target}, which is let through" if target else ""
    began = f" since {clock(incident.started_at)}" if incident.started_at else ""
    return f"deploys of {incident.environment} are frozen{began} by {incident.id} (commander: {by}){back}"


def noted(
    incident: Incident, service: str, version: str, answer: GateAnswer, at: datetime
) -> tuple[DeployAnswered, ...]:
    """Give what `incident` remembers of `answer`: an allowance when it is taken, and what was stopped, each once."""
    progress = incident.running
    if progress is None:
        return ()
    if answer.allowed:
        new = answer.incident == incident.id and _way(progress, service, version) is _Way.ALLOWANCE_FREE
    else:
        told = progress.refused_deploys
        new = (service, version) not in told and len(told) < MOST_TOLD
    return (DeployAnswered(at, MONITOR, service, version, answer.allowed, answer.because),) if new else ()
