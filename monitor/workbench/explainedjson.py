"""An explanation as JSON, version 1: times in RFC 3339 UTC, durations in seconds, ratios as fractions. Pure."""

import math
from typing import Any

from monitor.core.explanation.explainedfacts import changes
from monitor.core.explanation.explainedwords import reading, why
from monitor.core.explanation.explaining import Explanation, HeldAgainst, Standing
from monitor.core.explanation.levers import Lever
from monitor.core.model import utc
from monitor.core.rules.rule import TierRule
from monitor.workbench.curl import Door, curl
from monitor.workbench.explain import Explained
from monitor.workbench.questions import Question

VERSION = 1


def explained_of(one: Explained, door: Door) -> dict[str, Any]:
    """Give one rule explained, with its queries."""
    return {
        "version": VERSION,
        "alert": one.rule.alert,
        "group": one.group.name,
        "place": str(one.rule.place),
        "at": _time(one.at),
        "interval_s": one.group.interval,
        "shadow": one.rule.shadow,
        "remarks": list(one.remarks),
        "trouble": one.trouble,
        "alerts": [_alert(each) for each in one.alerts],
        "queries": [_query(each, door) for each in one.questions],
    }


def everything_of(found: tuple[Explained, ...]) -> dict[str, Any]:
    """Give every alert of every rule."""
    rules = [
        {
            "alert": one.rule.alert,
            "group": one.group.name,
            "at": _time(one.at),
            "shadow": one.rule.shadow,
            "trouble": one.trouble,
            "alerts": [_alert(each) for each in one.alerts],
        }
        for one in found
    ]
    return {"version": VERSION, "rules": rules}


def _alert(one: Explanation) -> dict[str, Any]:
    judged, seen, outlook = one.judgement, one.seen, one.outlook
    return {
        "labels": dict(one.subject.key.labels),
        "tier": str(one.subject.key.tier),
        "verdict": str(judged.verdict),
        "why_verdict": judged.why,
        "value": _number(judged.value),
        "requests": _number(seen.requests if seen else None),
        "failures": _number(seen.failures if seen else None),
        "read": _number(seen.value if seen else None),
        "rule": _rule(one.subject.tier),
        "guards": [
            {"name": each.name, "needed": each.needed, "found": _number(each.found), "met": each.met}
            for each in one.guards
        ],
        "proof": None
        if one.proof is None
        else {
            "count": one.proof.count,
            "of": one.proof.of,
            "limit": one.proof.limit,
            "bound": one.proof.bound,
            "proven": one.proof.given,
        },
        "baseline_s": one.base,
        "references": [_reference(each) for each in one.references],
        "held_back": one.held_back,
        "state": _state(one.standing),
        "outlook": {
            "course": str(outlook.course),
            "at": _time(outlook.at),
            "done_s": outlook.done,
            "of_s": outlook.of,
        },
        "would_have_to_change": [_lever(each) for each in one.levers],
        "lately": [
            {
                "first": _time(each.first),
                "last": _time(each.last),
                "verdict": str(each.verdict) if each.verdict is not None else None,
                "low": each.low,
                "high": each.high,
            }
            for each in one.lately
        ],
        "words": {"reading": reading(one), "why": why(one), "changes": list(changes(one))},
    }


def _rule(tier: TierRule) -> dict[str, Any]:
    return {
        "above": tier.above,
        "below": tier.below,
        "clear": tier.clear,
        "for_s": tier.hold,
        "window_s": tier.window,
        "confidence": tier.confidence,
    }


def _reference(one: HeldAgainst) -> dict[str, Any]:
    reference = one.reference
    return {
        "name": reference.name,
        "seconds": reference.seconds,
        "why": reference.why,
        "counts": one.larger,
        "shown_only": one.shown,
    }


def _state(standing: Standing) -> dict[str, Any]:
    alert = standing.alert
    return {
        "state": str(standing.state) if not standing.unknown else None,
        "unknown": standing.unknown,
        "from": str(standing.origin),
        "since": _time(alert.since if alert else None),
        "open_ended": bool(alert and alert.open_ended),
        "fired_at": _time(alert.fired_at if alert else None),
        "clear_since": _time(alert.clear_since if alert else None),
        "held_s": alert.held if alert else 0,
        "peak": alert.peak if alert else None,
        "changes": [
            {"at": _time(one.at), "before": str(one.before), "after": str(one.after), "cause": str(one.cause)}
            for one in standing.changes
        ],
    }


def _lever(one: Lever) -> dict[str, Any]:
    return {
        "quantity": str(one.quantity),
        "now": one.now,
        "bound": str(one.bound),
        "needed": one.needed,
        "verdict": str(one.verdict),
    }


def _query(one: Question, door: Door) -> dict[str, Any]:
    return {
        "name": one.name,
        "promql": one.expr,
        "start": _time(one.start),
        "end": _time(one.end),
        "step_s": one.step,
        "curl": curl(door, one),
    }


def _time(at: int | None) -> str | None:
    return None if at is None else f"{utc(at):%Y-%m-%dT%H:%M:%SZ}"


def _number(value: float | None) -> float | None:
    """JSON has no NaN."""
    return value if value is not None and math.isfinite(value) else None
