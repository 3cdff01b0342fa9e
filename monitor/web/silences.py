"""Silences over HTTP: reading is open, changing asks for the token as everything does. JSON, version 1."""

from datetime import datetime
from typing import Any

from monitor.core.actor import Actor
from monitor.core.incidents.silence import Silence
from monitor.core.rules.routing import Maintenance
from monitor.core.rules.rule import Matcher
from monitor.people.silencing import Outcome, Overview, Refused, Silencing, Standing, Wanted
from monitor.web.timeline import time_of

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def wanted(silencing: Silencing, by: Actor, body: dict[str, Any]) -> Outcome:
    """Make the silence that `body` asks for, in the name of `by`."""
    texts = body.get("match", [])
    tiers = body.get("tiers", ["prepare"])
    if not isinstance(texts, list) or not isinstance(tiers, list):
        return Refused("`match` and `tiers` are lists of texts.")
    asked = Wanted(
        match=tuple(str(one)[:2000] for one in texts[:20]),
        lasts=str(body.get("for", ""))[:50],
        reason=str(body.get("reason", ""))[:2000],
        by=by,
        tiers=tuple(str(one)[:50] for one in tiers[:5]),
    )
    return silencing.add(asked)


def overview_of(overview: Overview) -> dict[str, Any]:
    """Give all silences and maintenance windows."""
    return {
        "silences": [silence_of(silence, standing) for silence, standing in overview.silences],
        "maintenance": [maintenance_of(one, standing) for one, standing in overview.maintenance],
    }


def silence_of(silence: Silence, standing: Standing | None = None) -> dict[str, Any]:
    """Give one silence; without `standing` it has just been made or ended and has hidden nothing new."""
    until: datetime | None = standing.until if standing else (None if silence.expired_at else silence.ends_at)
    return {
        "id": silence.id,
        "match": [_matcher(one) for one in silence.matchers],
        "tiers": [str(one) for one in silence.tiers],
        "starts_at": time_of(silence.starts_at),
        "ends_at": time_of(silence.ends_at),
        "by": silence.by.name,
        "reason": silence.reason,
        "expired_at": time_of(silence.expired_at),
        "expired_by": silence.expired_by.name if silence.expired_by else None,
        "in_force": until is not None,
        **_hidden(standing),
    }


def maintenance_of(one: Maintenance, standing: Standing) -> dict[str, Any]:
    """Give one maintenance window."""
    return {
        "name": one.name,
        "match": [_matcher(matcher) for matcher in one.matchers],
        "tiers": [str(tier) for tier in one.tiers],
        "days": [DAYS[day] for day in one.days],
        "from": f"{one.start // 60:02d}:{one.start % 60:02d}",
        "to": f"{one.end // 60:02d}:{one.end % 60:02d}",
        "zone": one.zone,
        "in_force": standing.until is not None,
        "until": time_of(standing.until),
        **_hidden(standing),
    }


def _hidden(standing: Standing | None) -> dict[str, Any]:
    hidden = standing.hidden if standing else ()
    return {
        "hidden": len(hidden),
        "hiding": [str(one.firing.key) for one in hidden if one.live],
    }


def _matcher(matcher: Matcher) -> str:
    value = matcher.value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{matcher.label}{matcher.op.value}"{value}"'
