"""From an incident to the page that people read. Pure formatting; no markup."""

from dataclasses import replace

from monitor.core.incidents.due import owes_record
from monitor.core.incidents.events import Firing
from monitor.core.incidents.incident import Incident
from monitor.core.model import Reference, Tier
from monitor.core.pages.actions import actions_of
from monitor.core.pages.headline import headline, summary_now, telling, tone
from monitor.core.pages.page import Action, ActionKind, Page, Scene, Why
from monitor.core.pages.shell import to_show, typed
from monitor.core.pages.status import SHOWN, status_lines, unlikely
from monitor.core.procedures.verification import CheckResult
from monitor.core.releases.breakdownwords import breakdown_lines
from monitor.core.releases.releasewords import advice, change_line, target_line
from monitor.core.words import clock, measure


def render(scene: Scene) -> Page:
    """Give the root message of an incident."""
    incident = scene.incident
    shown = telling(incident)
    return Page(
        incident=incident.id,
        tone=tone(incident),
        headline=headline(scene),
        why=tuple(_why(one, scene) for one in shown[:SHOWN]),
        more=max(0, len(shown) - SHOWN),
        changes=changes(incident),
        notes=(*_notes(scene), *_deaf(scene), *_unstaffed(scene)),
        status=status_lines(scene),
        actions=_offered(scene),
        footer=f"{incident.id} · from a shell: {_command(incident)}",
        mention=scene.mention,
    )


NOBODY = "Nobody may do this: no responders and no commanders are configured. Name them in rules/routing.yaml."
"""What a button asks whose answer nobody may give."""


def _command(incident: Incident) -> str:
    """Give the command of a shell that is wanted most as the incident stands."""
    if not incident.is_open:
        return typed(ActionKind.COMPLETE, incident.id) if owes_record(incident) else to_show(incident.id)
    if incident.acknowledged_by is None:
        return typed(ActionKind.ACKNOWLEDGE, incident.id)
    waits = incident.commander is None and not incident.blind and incident.recovered_at is None
    starts = waits and incident.tier is Tier.ROLLBACK and not unlikely(incident)
    return typed(ActionKind.START, incident.id) if starts else to_show(incident.id)


def _offered(scene: Scene) -> tuple[Action, ...]:
    """Give the buttons, where they would be heard; one that nobody may press says so before it is pressed."""
    if not scene.buttons:
        return ()
    return tuple(
        replace(one, confirm=(one.confirm[0], NOBODY, *one.confirm[2:])) if one.confirm and scene.nobody else one
        for one in actions_of(scene.incident)
    )


def _unstaffed(scene: Scene) -> tuple[str, ...]:
    """Say it on the page where nobody may do more than acknowledge."""
    if not scene.nobody or not scene.incident.is_open:
        return ()
    return ("Nobody may start a rollback: no responders and no commanders are configured in rules/routing.yaml.",)


CHANGES_SHOWN = 4
"""Changes and targets that a page lists before it says how many more there are."""


def changes(incident: Incident) -> tuple[str, ...]:
    """Give what changed before the first breach and what each changed service goes back to, or what to look at."""
    found = incident.changes
    if found is None or incident.blind or incident.ended_at is not None:
        return ()
    lines = [f"Changed: {change_line(one, found)}" for one in found.changes[-CHANGES_SHOWN:]]
    more = len(found.changes) - CHANGES_SHOWN
    lines += [f"…and {more} changes before that"] if more > 0 else []
    if incident.progress is None or not incident.progress.services:  # once pinned, the page says where it goes
        lines += [f"Target: {target_line(one)}" for one in found.targets[:CHANGES_SHOWN]]
    said = advice(found)
    lines += [said] if said and (found.watched or incident.tier is Tier.ROLLBACK) else []
    instead = incident.breakdown if not found.before else None
    return (*lines, *(breakdown_lines(instead) if instead else ()))


def _why(firing: Firing, scene: Scene) -> Why:
    reading = scene.readings.get(firing.key) if firing.active else None
    parts = [reading.why if reading else firing.why]
    if firing.limit is not None:
        side = "over" if firing.above else "under"
        parts.append(f"pages {side} {measure(firing.limit, firing.unit)}")
    parts += [_held_against(one) for one in firing.baseline]
    if firing.resolved_why:
        parts.append(firing.resolved_why.replace("_", " "))
    return Why(
        text=summary_now(firing, scene),
        numbers="; ".join(part for part in parts if part),
        since=firing.since,
        begun=firing.begun,
        tier=firing.key.tier,
        links=firing.links,
        resolved_at=firing.resolved_at,
    )


def _held_against(reference: Reference) -> str:
    """Give a baseline as it was when the alert fired, or why there was none: "same time: only 1 of 3 weeks ..."."""
    name = reference.name.replace("_", " ")
    return f"{name}: {reference.why}" if reference.seconds is None else f"{name} {reference.seconds * 1000:.0f} ms"


def _notes(scene: Scene) -> tuple[str, ...]:
    """What is wrong with the data or with their keeping, only where it is."""
    notes = (
        [f"Evidence not durable: {scene.undurable}. It is kept in memory until it can be written."]
        if scene.undurable
        else []
    )
    if scene.incident.blind:
        return (*notes, "No alert can start or clear while nothing is seen. Look at the dashboards by hand.")
    first = min((one.fired_at for one in scene.incident.active if one.late), default=None)
    if first is not None:
        notes.append(f"Told late: this fired at {clock(first)} and was found when the monitor caught up.")
    blind = [one for one in scene.incident.active if one.key.tier is Tier.BLIND]
    notes += [f"Not proven while it cannot be seen. {one.title}: {one.said}." for one in _unseen(scene)]
    return (*notes, *(f"BLIND since {clock(one.since)}: {one.summary}" for one in blind))


def _unseen(scene: Scene) -> list[CheckResult]:
    """Give the checks of the verification under way that wait for something that nobody sees."""
    running = scene.incident.running
    results = (scene.results or running.results) if running is not None and running.verifying else ()
    return [one for one in results if one.unseen]


def _deaf(scene: Scene) -> tuple[str, ...]:
    """Buttons that nobody hears are not shown; the page says what to do instead."""
    if scene.buttons or not scene.incident.is_open:
        return ()
    name = scene.incident.id
    said = f"{typed(ActionKind.ACKNOWLEDGE, name)} (or start {name})"
    return (f"Buttons unavailable, use the command line: {said}.",)
