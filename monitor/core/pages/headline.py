"""The first line of a page: what it is, how bad, since when, and what it may come from. Pure formatting; no markup."""

from collections.abc import Container, Mapping, Sequence
from datetime import timedelta

from monitor.core.incidents.events import Firing
from monitor.core.incidents.incident import Incident
from monitor.core.model import Tier
from monitor.core.naming import marked
from monitor.core.pages.crossroads import Crossroads, crossroads
from monitor.core.pages.page import Scene, Tone
from monitor.core.procedures.verification import progress as clear_for
from monitor.core.releases.release import Availability, Changed, Target, What
from monitor.core.words import clock, lasted, shortened

HEADLINE = 110
"""Characters of a first line that a lock screen shows."""


WORTH = 48
"""Characters of what is wrong that are not given up for what may have caused it."""


def tone(incident: Incident) -> Tone:
    """Give the stage an incident is in, as a colour; a rollback under way never looks like less."""
    if incident.ended_at is not None:
        return Tone.ENDED
    if incident.commander is not None:
        progress = incident.running
        proving = progress is not None and (progress.verifying or progress.proven)
        return Tone.VERIFYING if proving else Tone.IN_PROCEDURE
    if incident.recovered_at is not None:
        return Tone.RECOVERED
    return {Tier.ROLLBACK: Tone.ROLLBACK, Tier.PREPARE: Tone.PREPARE, Tier.BLIND: Tone.BLIND}[incident.tier]


def telling(incident: Incident) -> tuple[Firing, ...]:
    """Give the alerts worth telling, worst and oldest first.

    Those that fire (all, once none does), without a prepare alert whose rollback tier says the same more loudly.
    """
    some = incident.signals or tuple(one for one in incident.alerts if incident.blind or one.key.tier is not Tier.BLIND)
    louder = {(one.key.alert, one.key.labels) for one in some if one.key.tier is Tier.ROLLBACK}
    told = [one for one in some if one.key.tier is not Tier.PREPARE or (one.key.alert, one.key.labels) not in louder]
    return tuple(sorted(told, key=lambda one: (one.key.tier is not Tier.ROLLBACK, one.since)))


WORDS: Mapping[Tone, str] = {
    Tone.ROLLBACK: "ROLLBACK NOW",
    Tone.PREPARE: "PREPARE",
    Tone.BLIND: "BLIND",
    Tone.IN_PROCEDURE: "ROLLING BACK",
    Tone.VERIFYING: "VERIFYING",
    Tone.RECOVERED: "RECOVERED",
    Tone.ENDED: "ENDED",
}
"""The word that a first line begins with."""


def headline(scene: Scene) -> str:
    """Give the first line: what, where, how badly, since when. It must stand alone on a lock screen."""
    incident = scene.incident
    told = telling(incident)
    head = marked(incident.id, f"{WORDS[tone(incident)]} {incident.where}")
    head += _stage(scene)
    if not told:
        return head
    tail, suspect = _when(incident, min(told, key=lambda one: one.since)), _suspect(incident)
    if len(told) > 1:
        tail = f" (+{len(told) - 1} more){tail}"
    room = HEADLINE - len(head) - len(tail) - 2
    summary = shortened(summary_now(told[0], scene), max(room - len(suspect), min(room, WORTH)))
    return f"{head}: {summary}{tail}{suspect}"


def _suspect(incident: Incident) -> str:
    """Give the release before the breach that is most likely to blame and what to go back to, for the first line."""
    found = incident.changes
    if found is None or incident.commander is not None or incident.recovered_at is not None or not incident.is_open:
        return ""
    released = [one for one in found.before if one.what is What.RELEASE]
    if not released:
        return ""
    last = _likely(released, {one.service for one in telling(incident)})
    back = _back(found.target(last.service))
    return f". {last.service} {last.after} deployed {lasted(found.breach - last.at)} before{back}"


TRAIN = timedelta(hours=1)
"""How far apart releases may be that go out together."""


def _likely(released: Sequence[Changed], failing: Container[str]) -> Changed:
    """Give the release to look at first: the newest, or of those that went out with it that of what fails."""
    newest = max(released, key=lambda one: one.at)
    own = [one for one in released if one.service in failing and newest.at - one.at <= TRAIN]
    return max(own, key=lambda one: one.at, default=newest)


def _back(target: Target | None) -> str:
    """Give what to go back to, in few words; what cannot be pulled is not advised."""
    if target is None or not target.version:
        return ""
    if target.available is Availability.NO:
        return f"; {target.version} ran well, ITS IMAGE IS NOT THERE"
    return f"; go back to {target.version}"


def _stage(scene: Scene) -> str:
    """Give how far the procedure is, in words that stand behind its header."""
    incident = scene.incident
    progress = incident.running
    if progress is None:
        return f" · {incident.steps} steps" if incident.commander is not None and incident.is_open else ""
    if progress.proven:
        return " · all checks passed, ready to end"
    if crossroads(incident) is Crossroads.STILL_BREACHING:
        return " · rolled back, still breaching"
    if not progress.verifying:
        return f" · step {progress.number}/{len(progress.plan.steps)}"
    holding = next((one for one in scene.results or progress.results if one.hold and one.signals), None)
    if holding is None:
        return ""
    return f" · {clear_for(holding.held_for, holding.hold)}{', cannot see' if holding.unseen else ''}"


def _when(incident: Incident, first: Firing) -> str:
    until = incident.recovered_at
    if until is None:
        return f" {first.begun} {clock(first.since)}"
    return f", {clock(first.since)} for {lasted(until - first.since)}"


def summary_now(firing: Firing, scene: Scene) -> str:
    """What the rule's summary says now; what it said when the alert fired, where it has cleared or was not read."""
    reading = scene.readings.get(firing.key) if firing.active else None
    return reading.summary if reading else firing.summary
