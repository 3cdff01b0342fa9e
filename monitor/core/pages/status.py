"""How an incident stands, in sentences: who has it, what it waits for, how it ended, what is next. Pure formatting."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from monitor.core.incidents.due import owes_record
from monitor.core.incidents.escalation import held_until, unacknowledged_at
from monitor.core.incidents.events import EndReason, Firing
from monitor.core.incidents.incident import Incident
from monitor.core.model import Tier
from monitor.core.pages.page import ActionKind, Scene
from monitor.core.pages.shell import typed
from monitor.core.procedures.nextstep import next_step
from monitor.core.rules.rule import Resolve
from monitor.core.words import clock, lasted

SHOWN = 8
"""Breaching signals that a page lists before it says how many more there are."""


def unlikely(incident: Incident) -> bool:
    """Whether nothing changed, so that a rollback will hardly help."""
    return incident.changes is not None and incident.changes.nothing


def status_lines(scene: Scene) -> tuple[str, ...]:
    """Give how the incident stands, a sentence a line."""
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
        what = "mitigated" if target or incident.progress is None else "clear"  # a pager drill mitigates nothing
        parts.append(f"{what} after {lasted(incident.recovered_at - since)}{against}")
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
    if incident.tier is Tier.ROLLBACK and unlikely(incident):
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
