"""The page of an incident as it reads now: what broke, since when, how badly, who has it, what is next. Pure."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.incidents.due import owes_record
from monitor.core.incidents.escalation import held_until, unacknowledged_at
from monitor.core.incidents.events import EndReason, Firing
from monitor.core.incidents.incident import Incident
from monitor.core.model import Reference, Tier
from monitor.core.naming import marked
from monitor.core.pages.actions import actions_of
from monitor.core.pages.crossroads import Crossroads, crossroads
from monitor.core.pages.page import Action, ActionKind, Page, Scene, Tone, Why
from monitor.core.pages.shell import to_show, typed
from monitor.core.procedures.nextstep import next_step
from monitor.core.procedures.verification import CheckResult
from monitor.core.procedures.verification import progress as clear_for
from monitor.core.releases.breakdownwords import breakdown_lines
from monitor.core.releases.release import Availability, Changed, Target, What
from monitor.core.releases.releasewords import advice, change_line, target_line
from monitor.core.rules.rule import Resolve
from monitor.core.words import clock, lasted, measure, shortened

HEADLINE = 110
"""Characters of a first line that a lock screen shows."""

WORTH = 48
"""Characters of what is wrong that are not given up for what may have caused it."""

SHOWN = 8
"""Breaching signals that a page lists before it says how many more there are."""


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
        status=_status(scene),
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
    starts = waits and incident.tier is Tier.ROLLBACK and not _unlikely(incident)
    return typed(ActionKind.START, incident.id) if starts else to_show(incident.id)


def _unlikely(incident: Incident) -> bool:
    """Whether nothing changed, so that a rollback will hardly help."""
    return incident.changes is not None and incident.changes.nothing


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
    summary = shortened(_summary(told[0], scene), max(room - len(suspect), min(room, WORTH)))
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


def _summary(firing: Firing, scene: Scene) -> str:
    """What the rule's summary says now; what it said when the alert fired, where it has cleared or was not read."""
    reading = scene.readings.get(firing.key) if firing.active else None
    return reading.summary if reading else firing.summary


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
        text=_summary(firing, scene),
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


def _status(scene: Scene) -> tuple[str, ...]:
    incident = scene.incident
    lines = [_who_has_it(incident), *_escalated(incident), *commander_lines(scene)]
    if incident.ended_at is not None:
        lines = [*_ended(scene), *lines]
    elif incident.recovered_at is not None:
        lines += _going_back(incident)
        lines.append(f"All signals are {calm(incident)} since {clock(incident.recovered_at)}.")
    else:
        lines += _going_back(incident)
    if incident.is_open:
        lines.append(f"Next: {next_for(incident)}")
    return tuple(lines)


def _going_back(incident: Incident) -> list[str]:
    """Give what is rolled back to what, and how far that is."""
    services = incident.running.services if incident.running else ()
    if not services:
        return []
    told = [
        f"{one.service} {one.pinned.current or '?'} → {one.pinned.target}{' (there)' if one.at_target else ''}"
        for one in services[:SHOWN]
    ]
    more = [f"and {len(services) - SHOWN} more"] if len(services) > SHOWN else []
    return [f"Going back: {', '.join([*told, *more])}."]


def calm(incident: Incident) -> str:
    """Give how the signals of a recovered incident stand: a person's word that it is dealt with is no clear signal."""
    by_person = any(one.resolve is Resolve.BY_PERSON for one in incident.alerts)
    return "clear or dealt with" if by_person else "clear"


def _who_has_it(incident: Incident) -> str:
    if incident.acknowledged_by is None or incident.acknowledged_at is None:
        before = f" {incident.lapsed.name} had, and did not answer." if incident.lapsed is not None else ""
        return f"Nobody has acknowledged this.{before}"
    name = incident.acknowledged_by.signed
    until = held_until(incident)
    outside = " (not a known responder)" if until is not None else ""
    holds = f" It holds the escalation until {clock(until)}." if until is not None and not incident.commander else ""
    return f"Acknowledged by {name}{outside} at {clock(incident.acknowledged_at)}.{holds}"


def _escalated(incident: Incident) -> list[str]:
    """Give what is at stake for an acknowledgement, and who else was called."""
    lines, until = [], unacknowledged_at(incident)
    if incident.acknowledged_by is not None and until is not None and not incident.commander:
        who = incident.acknowledged_by.name
        lines.append(
            f"{who} was asked whether they are still on it; without an answer everybody is paged at {clock(until)}."
        )
    elif incident.confirmed_at is not None and not incident.commander:
        lines.append(f"Still on it, said at {clock(incident.confirmed_at)}.")
    care = incident.care
    if care.fixing is not None and not incident.commander:
        lines.append(
            f"{care.fixing.by.name} fixes it another way{f': {care.fixing.reason}' if care.fixing.reason else ''}."
        )
    if care.watching_until is not None:
        lines.append(f"Watched by hand until {clock(care.watching_until)}.")
    if care.aborted is not None and not incident.commander:
        lines.append(f"The procedure was given up by {care.aborted.by.name}: {care.aborted.reason}.")
    if incident.escalated_at is not None:
        lines.append(f"Escalated to {incident.escalated_to} at {clock(incident.escalated_at)}.")
    return lines


def commander_lines(scene: Scene) -> list[str]:
    """Give who commands, and by when it should be mitigated."""
    incident, procedure = scene.incident, scene.procedure
    if incident.commander is None or incident.started_at is None:
        return []
    name = incident.commander.signed
    frozen = " Deploys are frozen." if incident.is_open and scene.gated else ""
    lines = [f"Incident commander: {name}, since {clock(incident.started_at)}.{frozen}"]
    procedure = incident.progress.plan if incident.progress else procedure
    since, what = scene.began
    if procedure is not None and procedure.recovery_target and since is not None and incident.is_open:
        by = since + timedelta(seconds=procedure.recovery_target)
        target = lasted(timedelta(seconds=procedure.recovery_target))
        lines.append(f"Recovery target: by {clock(by)}, {target} after the {what}.")
    return lines


def _ending(incident: Incident) -> str:
    who = incident.ended_by.name if incident.ended_by else "somebody"
    return {
        EndReason.BY_ITSELF: "by itself; the signals stayed clear and nobody rolled back",
        EndReason.SIGHTED: "everything is seen again",
        EndReason.BY_PERSON: f"by {who}",
        EndReason.FORCED: f"without proof, by {who}{' single-handed' if incident.single_handed else ''}",
        EndReason.FALSE_ALARM: f"a false alarm, says {who}",
        EndReason.DRILL_OVER: incident.end_note or "the drill is over",
        None: "",
    }[incident.end_reason]


def _ended(scene: Scene) -> list[str]:
    """Give how it ended, how long each part took, and what is left to do."""
    incident, (since, what) = scene.incident, scene.began
    ended = incident.ended_at or incident.opened_at
    lines = [f"Ended {clock(ended)}: {_ending(incident)}."]
    if incident.started_at is not None and since is not None:
        lines.append(f"From the {what}: {_times(incident, since, ended)}.")
    if incident.care.explained:
        lines.append(f"Why it went away: {incident.care.explained}.")
    if incident.care.record is not None:
        lines.append(f"Root cause: {incident.care.record.root_cause}")
    elif owes_record(incident):
        lines.append(f"To be completed: the record. From a shell: {typed(ActionKind.COMPLETE, incident.id)}")
    return lines


def _times(incident: Incident, since: datetime, ended: datetime) -> str:
    fired = min((one.fired_at for one in incident.alerts), default=incident.opened_at)
    parts = [f"detected after {lasted(fired - since)}"]
    if incident.acknowledged_at is not None:
        parts.append(f"acknowledged after {lasted(incident.acknowledged_at - since)}")
    if incident.recovered_at is not None:
        target = incident.progress.plan.recovery_target if incident.progress else 0
        against = f" (target {lasted(timedelta(seconds=target))})" if target else ""
        parts.append(f"mitigated after {lasted(incident.recovered_at - since)}{against}")
    parts.append(f"ended after {lasted(ended - since)}")
    return ", ".join(parts)


def next_for(incident: Incident) -> str:
    """Give who does what next."""
    if incident.commander is not None:
        step = next_step(incident)
        return f"{step}. The checklist is in the thread." if step else f"{incident.commander.name}: see the thread."
    by_person = [one for one in incident.active if one.resolve is Resolve.BY_PERSON]
    if incident.recovered_at is not None:
        return "nothing, if it stays clear; it ends by itself."
    if incident.acknowledged_by is None:
        return "whoever reads this: Acknowledge."
    if held_until(incident) is not None:  # whoever took it may do nothing more, and it does not hold for long
        return f"a responder: Acknowledge too; {incident.acknowledged_by.name} may not go on from here."
    if incident.blind:
        return f"{incident.acknowledged_by.name}: watch by hand, and mend what keeps the monitor from seeing."
    if incident.tier is Tier.ROLLBACK and _unlikely(incident):
        dealt = ", then say that it is dealt with" if by_person else ""
        return (
            f"{incident.acknowledged_by.name}: find the cause, since nothing changed that could be rolled back{dealt}."
        )
    if incident.tier is Tier.ROLLBACK:
        dealt = " or say that it is dealt with" if by_person else ""
        return f"{incident.acknowledged_by.name}: start the rollback{dealt}."
    return f"{incident.acknowledged_by.name}: find the cause; start the rollback if it gets worse."


def names(firings: Iterable[Firing]) -> str:
    """Give the summaries of `firings` as one readable list; of many the first, and how many there are."""
    told = [f"{one.summary}, {one.begun} {clock(one.since)}" for one in firings]
    more = [f"and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return "; ".join([*told[:SHOWN], *more])
