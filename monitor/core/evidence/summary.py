"""An incident in five lines, as it stands: what broke, who had it, what was done, how it ended, and why. Pure."""

from monitor.core.evidence.telling import who
from monitor.core.incidents.incident import Incident
from monitor.core.model import Tier
from monitor.core.procedures.verification import verdict
from monitor.core.words import clock, lasted


def summary(incident: Incident) -> tuple[str, ...]:
    """Give the five lines, each a sentence or two without markup."""
    return (_what(incident), _who(incident), _done(incident), _end(incident), _why(incident))


def _what(incident: Incident) -> str:
    gravest = [one for one in incident.alerts if one.key.tier is incident.tier] or list(incident.alerts)
    if not gravest:
        return f"{incident.environment}: opened at {clock(incident.opened_at)} without an alert."
    first = gravest[0]
    more = len(incident.alerts) - 1
    others = f" ({more} more alert{'' if more == 1 else 's'})" if more else ""
    word = {Tier.ROLLBACK: "roll back", Tier.PREPARE: "prepare", Tier.BLIND: "blind"}[incident.tier]
    return f"{incident.environment}, {word}: {first.summary}, {first.begun} {clock(first.since)}{others}."


def _who(incident: Incident) -> str:
    if incident.acknowledged_by is None or incident.acknowledged_at is None:
        return "Nobody acknowledged it."
    after = lasted(incident.acknowledged_at - incident.opened_at)
    commander = f"; {who(incident.commander)} commanded" if incident.commander else "; nobody took command"
    return f"{who(incident.acknowledged_by)} acknowledged after {after}{commander}."


def _done(incident: Incident) -> str:
    progress, aborted = incident.progress, incident.care.aborted
    if aborted is not None:
        return f"The procedure was given up by {who(aborted.by)}: {aborted.reason}."
    if progress is None:
        fixing = incident.care.fixing
        return f"Mended another way: {fixing.reason}." if fixing else "No procedure was started."
    moved = [
        f"{one.service} {one.pinned.current or '?'} to {one.pinned.target}"
        f"{'' if one.at_target else ' (not seen at its target)'}"
        for one in progress.services
    ]
    return f"Rolled back: {', '.join(moved)}." if moved else "No service was rolled back."


def _end(incident: Incident) -> str:
    if incident.ended_at is None or incident.end_reason is None:
        return "It has not ended."
    took = lasted(incident.ended_at - incident.opened_at)
    alone = ", single-handed" if incident.single_handed else ""
    checks = f"; {verdict(incident.progress.results).sentence}" if incident.progress else ""
    clear = f"Clear at {clock(incident.recovered_at)}" if incident.recovered_at else "Never seen clear"
    reason = incident.end_reason.replace("_", " ")
    return f"{clear}; ended at {clock(incident.ended_at)} after {took} ({reason}{alone}){checks}."


def _why(incident: Incident) -> str:
    record = incident.care.record
    if record is None:
        said = incident.care.explained or (incident.care.false_alarm.reason if incident.care.false_alarm else "")
        return f"Said of it: {said}." if said else "The record is not completed: no root cause, no follow-ups."
    count = len(record.follow_ups)
    return f"Root cause: {record.root_cause} ({count} follow-up{'' if count == 1 else 's'})."
