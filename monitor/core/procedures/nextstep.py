"""Who does what next in a procedure. Pure."""

from monitor.core.incidents.incident import Incident
from monitor.core.pages.crossroads import ways
from monitor.core.procedures.procedure import Does
from monitor.core.procedures.progress import Progress, current, open_wave

MOST_NAMED = 3
"""Services that are named before it says how many more there are."""


def next_step(incident: Incident) -> str:
    """Give who does what next in the procedure, or nothing where none runs."""
    progress, commander = incident.running, incident.commander
    if progress is None or commander is None:
        return ""
    step, undecided = current(progress), ways(incident)
    waits = next((one for one in progress.decisions if not one.counts), None)
    if waits is not None:
        return f"an approver: agree to “{_choice_title(progress, waits.step, waits.choice)}” (asked by {waits.by.name})"
    if undecided:
        return f"{commander.name}: {undecided}"
    if step is None:
        return f"{commander.name}: end the incident"
    unsure = [one.service for one in progress.services if not one.pinned.confirmed] if step.does is Does.PIN else []
    if unsure:
        return f"{commander.name}: see that the image of {_and(unsure)} is there, then Done ({step.title})"
    wave = open_wave(progress, step) if step.waves else None
    return f"{commander.name}: {step.title}{f' ({wave.title})' if wave else ''}"


def _and(services: list[str]) -> str:
    """Give services as a readable list; of many the first."""
    if len(services) > MOST_NAMED:
        return f"{', '.join(services[:MOST_NAMED])} and {len(services) - MOST_NAMED} more"
    return " and ".join(filter(None, [", ".join(services[:-1]), services[-1]]))


def _choice_title(progress: Progress, step: str, choice: str) -> str:
    planned = progress.step(step)
    return next((one.title for one in planned.choose if one.id == choice), choice) if planned else choice
