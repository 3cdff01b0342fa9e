"""A replay as JSON, version 1: keys may be added, none is ever renamed or taken away."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from monitor.core.model import Labels, utc
from monitor.core.replay.comparison import Compared
from monitor.core.replay.outcome import Paged, Replayed, Variant
from monitor.core.replay.scoring import Scored
from monitor.core.replay.totals import totals

VERSION = 1


@dataclass(frozen=True, slots=True)
class Told:
    """Everything that one run found: the outcome of the rules, what they are compared with, scored by and tried as."""

    outcome: Replayed
    compared: Compared | None = None
    scored: Sequence[Scored] = ()
    variants: Sequence[Variant] = ()


def document(told: Told) -> str:
    """Give the document."""
    found = {"version": VERSION, **_outcome(told.outcome), "incidents": [_scored(one) for one in told.scored]}
    if told.variants:
        found["variants"] = [_variant(one) for one in told.variants]
    if told.compared is not None:
        found["against"] = _compared(told.compared)
    return orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n"


def _outcome(outcome: Replayed) -> dict[str, Any]:
    return {
        "from": _time(outcome.begin),
        "to": _time(outcome.end),
        "interval_s": outcome.interval,
        "complete": outcome.complete,
        "alerts": [
            {
                "group": one.group,
                "alert": one.key.alert,
                "labels": _labels(one.key.labels),
                "tier": one.key.tier,
                "since": _time(one.since),
                "fired_at": _time(one.fired_at),
                "resolved_at": _time(one.resolved_at),
                "peak": one.peak,
                "evaluations": one.evaluations,
            }
            for one in outcome.alerts
        ],
        "pages": _pages(outcome.pages),
        "blind": [
            {
                "group": one.group,
                "alert": one.alert,
                "labels": _labels(one.labels),
                "from": _time(one.begin),
                "to": _time(one.end),
                "why": one.why,
            }
            for one in outcome.blind
        ],
        "insufficient": [
            {
                "group": one.group,
                "alert": one.key.alert,
                "labels": _labels(one.key.labels),
                "tier": one.key.tier,
                "evaluations": one.evaluations,
            }
            for one in outcome.insufficient
        ],
        "unread": [
            {"group": one.group, "alert": one.alert, "from": _time(one.begin), "to": _time(one.end), "why": one.why}
            for one in outcome.unread
        ],
        "shadowed": list(outcome.shadowed),
        "cases": [
            {
                "incident": one.incident,
                "tier": one.tier,
                "from": _time(one.begin),
                "recovered_at": _time(one.recovered_at),
                "ended_at": _time(one.ended_at),
                "alerts": [_key(key.alert, key.labels, key.tier) for key in one.alerts],
            }
            for one in outcome.cases
        ],
    }


def _pages(pages: Iterable[Paged]) -> list[dict[str, Any]]:
    return [
        {
            "at": _time(one.at),
            "reason": one.reason,
            "tier": one.tier,
            "incident": one.incident,
            "alerts": [_key(key.alert, key.labels, key.tier) for key in one.alerts],
        }
        for one in pages
    ]


def _scored(one: Scored) -> dict[str, Any]:
    return {
        "name": one.incident.name,
        "from": _time(one.incident.begin),
        "to": _time(one.incident.end),
        "caught": one.caught,
        "finding": one.finding,
        "page_at": _time(one.page_at),
        "time_to_page_s": one.time_to_page,
        "why": one.why,
    }


def _variant(variant: Variant) -> dict[str, Any]:
    found = totals(variant.outcome)
    sums = {"pages_total": found.pages, "firing_s": found.firing, "first_page": _time(found.first_page)}
    return {"settings": list(variant.settings), **sums, **_outcome(variant.outcome)}


def _compared(compared: Compared) -> dict[str, Any]:
    return {
        **_outcome(compared.old),
        "gained": _pages(compared.gained),
        "lost": _pages(compared.lost),
        "earlier": [{"by_s": one.by, **_pages([one.new])[0]} for one in compared.earlier],
        "later": [{"by_s": one.by, **_pages([one.new])[0]} for one in compared.later],
    }


def _key(alert: str, labels: Labels, tier: str) -> dict[str, Any]:
    return {"alert": alert, "labels": _labels(labels), "tier": tier}


def _labels(labels: Labels) -> dict[str, str]:
    return dict(labels)


def _time(at: int | None) -> str | None:
    return None if at is None else f"{utc(at):%Y-%m-%dT%H:%M:%SZ}"
