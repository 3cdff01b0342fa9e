"""What people do with an incident, as JSON: the procedure as far as it is, its proof, and what they said. Pure.

Durations are whole seconds, times RFC 3339 UTC; what is not known is null.
"""

from typing import Any

from monitor.core.actor import Actor
from monitor.core.incidents.care import Wish
from monitor.core.incidents.due import owes_record
from monitor.core.incidents.incident import Incident
from monitor.core.procedures.beforeafter import before_and_after
from monitor.core.procedures.procedure import Step
from monitor.core.procedures.progress import Decided, Progress, ServiceState, StepState, current
from monitor.core.procedures.verification import CheckResult
from monitor.core.releases.breakdown import Breakdown, ByRoute
from monitor.core.releases.release import Changed, Target, WhatChanged
from monitor.web.timeline import time_of


def procedure_of(incident: Incident) -> dict[str, Any] | None:
    """Give the procedure as far as it is; None where none was ever started."""
    progress = incident.progress
    if progress is None:
        return None
    now = current(progress) if incident.running else None
    plan = progress.plan
    return {
        "id": plan.id,
        "title": plan.title,
        "running": incident.running is not None,
        "step": progress.number,
        "of": len(plan.steps),
        "recovery_target": plan.recovery_target,
        "verify_for": plan.verify_for,
        "steps": [
            _step(number, step, state, step is now)
            for number, (step, state) in enumerate(zip(plan.steps, progress.steps, strict=True), start=1)
        ],
        "services": [_service(one) for one in progress.services],
        "decisions": [_decision(one) for one in progress.decisions],
        "still_breaching_at": time_of(progress.still_breaching_at),
    }


def _step(number: int, step: Step, state: StepState, is_current: bool) -> dict[str, Any]:  # noqa: FBT001  # one of its fields
    return {
        "number": number,
        "id": step.id,
        "title": step.title,
        "status": str(state.status),
        "current": is_current,
        **_by(state.by),
        "at": time_of(state.at),
        "observed": state.observed,
        "reason": state.reason,
        "asks_for": [{"field": one.id, "title": one.title} for one in step.collect],
        "collected": dict(state.collected),
        "answers": [
            {"choice": one.id, "title": one.title, "needs_approver": one.needs_approver} for one in step.choose
        ],
    }


def _service(state: ServiceState) -> dict[str, Any]:
    pinned = state.pinned
    return {
        "service": pinned.service,
        "target": pinned.target,
        "before": pinned.current,
        "image": pinned.image,
        "image_confirmed": pinned.confirmed,
        "migrations": None if pinned.migrations is None else list(pinned.migrations),
        "versions": list(state.versions),
        "seen_at": time_of(state.seen_at),
        "at_target_since": time_of(state.at_target_since),
        "said_by": state.done_by.name if state.done_by else None,
    }


def _decision(one: Decided) -> dict[str, Any]:
    return {
        "step": one.step,
        "choice": one.choice,
        **_by(one.by),
        "at": time_of(one.at),
        "needs_approver": one.asks,
        "approved_by": one.approved_by.name if one.approved_by else None,
        "approved_at": time_of(one.approved_at),
        "approver_verified": one.approved_by.verified if one.approved_by else None,
        "counts": one.counts,
    }


# --- proof and gate -------------------------------------------------------------------------------------------------


def checks_of(progress: Progress | None) -> dict[str, Any] | None:
    """Give how the checks came out last; None where no procedure was ever started."""
    if progress is None:
        return None
    return {
        "green": progress.green,
        "checked_at": time_of(progress.checked_at),
        "results": [_result(one) for one in progress.results],
    }


def _result(one: CheckResult) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": one.title,
        "kind": one.kind,
        "outcome": str(one.outcome),
        "said": one.said,
        "before": one.before,
        "value": one.value,
        "limit": one.limit,
        "held_for": one.held_for,
        "hold": one.hold,
        "by": one.by or None,
        "ended_at": time_of(one.ended_at),
    }


def compared_of(incident: Incident) -> list[dict[str, str]]:
    """Give the table of what each signal and check read when it was bad, and what it reads now."""
    results = incident.progress.results if incident.progress else ()
    rows = before_and_after(incident.alerts, results).rows if results else ()
    return [{"what": one.what, "before": one.before, "now": one.now, "outcome": str(one.outcome)} for one in rows]


def deploys_of(incident: Incident) -> dict[str, Any]:
    """Give how the gate stands for this incident: what is let through though deploys are frozen, what was stopped."""
    progress = incident.running
    return {
        "frozen": progress is not None,
        "targets": {one.service: one.pinned.target for one in progress.services} if progress else {},
        "allowed": [
            {
                "service": one.service,
                **_by(one.by),
                "at": time_of(one.at),
                "version": one.version or None,
                "used_at": time_of(one.used_at),
            }
            for one in (incident.progress.allowances if incident.progress else ())
        ],
        "stopped": [
            {"service": service, "version": version}
            for service, version in (incident.progress.refused_deploys if incident.progress else ())
        ],
    }


# --- what people said -----------------------------------------------------------------------------------------------


def care_of(incident: Incident) -> dict[str, Any]:
    """Give what people do beside the procedure."""
    care, aborted = incident.care, incident.care.aborted
    return {
        "fixing_another_way": _wish(care.fixing),
        "watched_until": time_of(care.watching_until),
        "wants_command": _wish(care.wants_command),
        "wants_end": _wish(care.wants_end),
        "false_alarm": _wish(care.false_alarm),
        "given_up": {
            **_by(aborted.by),
            "at": time_of(aborted.at),
            "reason": aborted.reason,
            "changed": list(aborted.changed),
        }
        if aborted
        else None,
        "reopened_at": time_of(care.reopened_at),
    }


def _wish(wish: Wish | None) -> dict[str, Any] | None:
    return {**_by(wish.by), "at": time_of(wish.at), "reason": wish.reason} if wish else None


def end_of(incident: Incident) -> dict[str, Any] | None:
    """Give how it ended; None while it is open."""
    if incident.ended_at is None:
        return None
    return {
        "at": time_of(incident.ended_at),
        **_by(incident.ended_by),
        "reason": str(incident.end_reason),
        "note": incident.end_note,
        "single_handed": incident.single_handed,
        "explained": incident.care.explained,
    }


def record_of(incident: Incident) -> dict[str, Any]:
    """Give its record, and whether that is still owed."""
    record = incident.care.record
    return {
        "owed": owes_record(incident),
        "reminded": incident.care.asked,
        **_by(record.by if record else None),
        "at": time_of(record.at) if record else None,
        "root_cause": record.root_cause if record else None,
        "follow_ups": [{"what": one.what, "owner": one.owner, "due": one.due.isoformat()} for one in record.follow_ups]
        if record
        else [],
    }


def _by(actor: Actor | None) -> dict[str, Any]:
    """Give who it was, and whether anybody vouched for the name."""
    return {"by": actor.name if actor else None, "verified": actor.verified if actor else None}


# --- what changed ---------------------------------------------------------------------------------------------------


def changes_of(found: WhatChanged | None) -> dict[str, Any] | None:
    """Give what changed before the breach and what to go back to; None while nobody has looked."""
    if found is None:
        return None
    return {
        "at": time_of(found.at),
        "breach": time_of(found.breach),
        "watched": [str(one) for one in found.watched],
        "unseen": list(found.unseen),
        "problem": found.problem,
        "changes": [_change(one) for one in found.changes],
        "targets": [_target(one) for one in found.targets],
    }


def breakdown_of(found: Breakdown | None) -> dict[str, Any] | None:
    """Give where it fails and what else is slow; None where nobody looked, since a change explains it."""
    if found is None:
        return None
    return {
        "at": time_of(found.at),
        "by_route": [_by_route(one) for one in found.by_route],
        "slow": [{"service": one.service, "slower": one.slower, "why": one.why} for one in found.slow],
        "compared": found.compared,
        "problem": found.problem,
    }


def _by_route(one: ByRoute) -> dict[str, Any]:
    routes = [
        {"route": each.route, "requests": each.requests, "failures": each.failures, "seconds": each.seconds}
        for each in one.routes
    ]
    return {"alert": str(one.key), "service": one.service, "label": one.label, "routes": routes}


def _change(one: Changed) -> dict[str, Any]:
    return {
        "what": str(one.what),
        "service": one.service,
        "before": one.before,
        "after": one.after,
        "at": time_of(one.at),
        "by": one.by or None,
        "under_way": one.under_way,
        "after_the_breach": one.later,
    }


def _target(one: Target) -> dict[str, Any]:
    return {
        "service": one.service,
        "current": one.current,
        "target": one.version or None,
        "why_not": one.why if not one.version else "",
        "ran": one.ran,
        "ran_at_least": one.at_least,
        "image": one.image,
        "available": str(one.available),
        "digest": one.digest,
        "migrations": list(one.migrations) if one.migrations_seen else None,
    }
