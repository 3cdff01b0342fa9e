"""Where a procedure leaves it to people which way to go, and the ways: in words, and as buttons of the card. Pure.

Signals that clear while versions are mixed; a rollback that has not helped. Whoever goes on as the steps say needs no
button for it.
"""

from enum import StrEnum

from monitor.core.incidents.incident import Incident
from monitor.core.pages.page import Action, ActionKind, Place
from monitor.core.procedures.progress import mixed, open_wave, rolled_back
from monitor.core.words import clock


class Crossroads(StrEnum):
    """What there is to be decided."""

    NONE = "none"
    CLEAR_AND_MIXED = "clear_and_mixed"
    STILL_BREACHING = "still_breaching"


def crossroads(incident: Incident) -> Crossroads:
    """Give what is left to people to decide in the procedure of `incident`."""
    progress = incident.running
    if progress is None:
        return Crossroads.NONE
    if incident.recovered_at is not None and mixed(progress) and _services_step(incident):
        return Crossroads.CLEAR_AND_MIXED
    if progress.still_breaching_at is not None and incident.signals and rolled_back(progress):
        return Crossroads.STILL_BREACHING
    return Crossroads.NONE


def ways(incident: Incident) -> str:
    """Give the ways in words, or nothing where there is nothing to decide."""
    progress = incident.running
    match crossroads(incident):
        case Crossroads.CLEAR_AND_MIXED if progress is not None:
            runs = ", ".join(f"{one.service} {'+'.join(one.versions) or '?'}" for one in mixed(progress))
            clear = f"all signals are clear, versions are mixed ({runs})"
            return f"{clear}: go on to verify, {_finish(incident)}, or stop here"
        case Crossroads.STILL_BREACHING if progress is not None and progress.still_breaching_at is not None:
            since = clock(progress.still_breaching_at)
            return f"rolled back and still breaching at {since}: roll back suspects too, fix forward, or escalate"
        case _:
            return ""


def _finish(incident: Incident) -> str:
    """Name the wave that is under way, which the step that is open goes on with."""
    progress = incident.running
    step = next((one for one in progress.plan.steps if one.waves), None) if progress else None
    wave = open_wave(progress, step) if progress and step else None
    return f"finish this wave ({wave.title})" if wave else "finish this wave"


def ways_out(incident: Incident) -> tuple[Action, ...]:
    """Give the buttons of the ways that are not simply to go on."""
    value = f"{incident.id}|{incident.rev}"
    match crossroads(incident):
        case Crossroads.CLEAR_AND_MIXED:
            return (
                _way(ActionKind.SKIP, "Go on to verify…", f"{value}|{_services_step(incident)}"),
                _way(ActionKind.ABORT, "Stop here…", value),
            )
        case Crossroads.STILL_BREACHING:
            return (
                _way(ActionKind.PIN, "Roll back suspects too…", value),
                _way(ActionKind.ALLOW_DEPLOY, "Fix forward: allow one deploy…", value),
                _way(ActionKind.SUMMON, "Escalate: page somebody else…", value),
            )
        case _:
            return ()


def _way(kind: ActionKind, label: str, value: str) -> Action:
    return Action(kind, label, value, place=Place.ROW, asks=True)


def _services_step(incident: Incident) -> str:
    """Give the step of the services while it is open, or nothing."""
    progress = incident.running
    steps = zip(progress.plan.steps, progress.steps, strict=True) if progress else ()
    return next((step.id for step, state in steps if step.waves and state.open), "")
