"""What an incident proposes to roll back to, from what was found to have changed before it. Pure."""

from collections.abc import Mapping

from monitor.core.incidents.incident import Incident
from monitor.core.incidents.procedureevents import Pinned
from monitor.core.releases.release import Availability, Target, image_of
from monitor.core.rules.service import Releases

PROPOSED = "proposed"
"""The subject of a pin that takes what is proposed as it stands."""

THERE = "its registry has the image"
"""How a target is confirmed that a registry was asked about."""


def pinned_of(target: Target) -> Pinned:
    """Give a proposed target as it is pinned."""
    return Pinned(
        service=target.service,
        target=target.version,
        current=target.current,
        image=target.image,
        confirmed=THERE if target.available is Availability.YES else "",
        migrations=target.migrations if target.migrations_seen else None,
    )


def proposed(incident: Incident) -> tuple[Pinned, ...]:
    """Give what can be pinned with one tap: the proposed targets of services that are not pinned yet."""
    if incident.changes is None or incident.progress is None:
        return ()
    pinned = {one.service for one in incident.progress.services}
    targets = (one for one in incident.changes.targets if one.version and one.available is not Availability.NO)
    return tuple(pinned_of(one) for one in targets if one.service not in pinned)


def wanted(incident: Incident, releases: Releases, versions: Mapping[str, str]) -> tuple[Pinned, ...]:
    """Give targets that a person named: with what is known where they are the proposed ones, else with little."""
    return tuple(_wanted(incident, releases, service, version) for service, version in versions.items())


def _wanted(incident: Incident, releases: Releases, service: str, version: str) -> Pinned:
    target = incident.changes.target(service) if incident.changes else None
    if target is not None and target.version == version:
        return pinned_of(target)
    state = incident.progress.service(service) if incident.progress else None
    if state is not None and state.pinned.target == version:
        return state.pinned
    known = releases.service(service)
    current = target.current if target else "+".join(state.versions) if state else ""
    return Pinned(service, version, current, image_of(known, version) if known else "")
