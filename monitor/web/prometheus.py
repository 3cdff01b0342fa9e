"""Rules and alerts in the shapes of Prometheus's own API, so that what reads Prometheus can read the monitor. Pure.

One rule a tier, told apart by the label `tier`; rules that page nobody carry `shadow`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from monitor.core.model import Alert, AlertKey, State, Tier, utc
from monitor.core.pages.page import Reading
from monitor.core.rules.rule import Group, Rule, TierRule
from monitor.core.rules.signal import Availability, Condition, Count, ErrorRatio, Latency, Query
from monitor.core.template import parse
from monitor.ports.store import GroupState
from monitor.rulebook import InForce

NEVER = "0001-01-01T00:00:00Z"
"""How Prometheus writes a time that has not come yet."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The last evaluation of a group: when it ended and how many seconds it took."""

    at: datetime
    seconds: float


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: the rules in force, the kept states, what signals say now, and how evaluations went.

    `troubles` say of rules, by name, why they were not evaluated.
    """

    book: InForce
    states: Mapping[str, GroupState] = field(default_factory=dict)
    readings: Mapping[AlertKey, Reading] = field(default_factory=dict)
    evaluations: Mapping[str, Evaluation] = field(default_factory=dict)
    troubles: Mapping[str, str] = field(default_factory=dict)

    def alerts(self) -> list[Alert]:
        """Give every alert that pends or fires, in the order of its identity."""
        found = (alert for state in self.states.values() for alert in state.alerts.values())
        return sorted(found, key=lambda alert: alert.key)


def rules(view: View, kind: str = "") -> dict[str, Any]:
    """Give the body of `/api/v1/rules`; there are no recording rules (`kind` "record")."""
    mine: dict[tuple[str, Tier], list[Alert]] = {}
    for alert in view.alerts():
        mine.setdefault((alert.key.alert, alert.key.tier), []).append(alert)
    return _success({"groups": [_group(view, group, mine, kind) for group in view.book.rules.groups]})


def alerts(view: View) -> dict[str, Any]:
    """Give the body of `/api/v1/alerts`."""
    return _success({"alerts": [_alert(view, alert) for alert in view.alerts()]})


def _success(data: dict[str, Any]) -> dict[str, Any]:
    return {"status": "success", "data": data}


Active: TypeAlias = Mapping[tuple[str, Tier], list[Alert]]
"""The alerts that pend or fire, by rule and tier."""


def _group(view: View, group: Group, active: Active, kind: str) -> dict[str, Any]:
    tiers = [(rule, tier) for rule in group.rules for tier in rule.tiers if kind != "record"]
    shown = [_rule(view, group, rule, tier, active.get((rule.alert, tier.tier), [])) for rule, tier in tiers]
    return {
        "name": group.name,
        "file": next((rule.place.file for rule in group.rules), ""),
        "rules": shown,
        "interval": group.interval,
        "limit": group.limit,
        **_evaluated(view, group),
    }


def _evaluated(view: View, group: Group) -> dict[str, Any]:
    evaluation = view.evaluations.get(group.name)
    return {
        "evaluationTime": evaluation.seconds if evaluation else 0,
        "lastEvaluation": _time(evaluation.at) if evaluation else NEVER,
    }


def _rule(view: View, group: Group, rule: Rule, tier: TierRule, mine: list[Alert]) -> dict[str, Any]:
    trouble = view.troubles.get(rule.alert, "")
    return {
        "state": _worst(mine),
        "name": rule.alert,
        "query": query_of(rule, tier, dict(view.book.plan.queries(rule.alert, tier.window))),
        "duration": tier.hold,
        "keepFiringFor": rule.keep_firing_for,
        "labels": _rule_labels(rule, tier.tier),
        "annotations": dict(rule.annotations),
        "alerts": [_alert(view, one) for one in mine],
        "health": "err" if trouble else "ok" if group.name in view.evaluations else "unknown",
        **({"lastError": trouble} if trouble else {}),
        **_evaluated(view, group),
        "type": "alerting",
    }


def _worst(mine: list[Alert]) -> str:
    states = {_state(one) for one in mine}
    return "firing" if "firing" in states else "pending" if "pending" in states else "inactive"


def _state(alert: Alert) -> str:
    """Prometheus knows no recovering: it says firing while it keeps firing."""
    return "firing" if alert.state is State.RECOVERING else str(alert.state)


def _rule_labels(rule: Rule | None, tier: Tier) -> dict[str, str]:
    if rule is None:
        return {"tier": str(tier)}
    return {**dict(rule.labels), "tier": str(tier)} | ({"shadow": "true"} if rule.shadow else {})


def _alert(view: View, alert: Alert) -> dict[str, Any]:
    key, rule = alert.key, view.book.rules.rule(alert.key.alert) if alert.key.tier is not Tier.BLIND else None
    labels = {**_rule_labels(rule, key.tier), **dict(key.labels), "alertname": key.alert}
    return {
        "labels": labels,
        "annotations": _annotations(view, rule, alert),
        "state": _state(alert),
        "activeAt": _time(utc(alert.since)),
        **({"keepFiringSince": _time(utc(alert.clear_since))} if alert.clear_since is not None else {}),
        "value": go_number(_value(view, alert)),
    }


def _value(view: View, alert: Alert) -> float | None:
    """What the signal says now; the worst so far where that is not known."""
    reading = view.readings.get(alert.key)
    return reading.value if reading is not None and reading.value is not None else alert.peak


def _annotations(view: View, rule: Rule | None, alert: Alert) -> dict[str, str]:
    if rule is None:
        return {}
    labels = {**dict(rule.labels), **dict(alert.key.labels)}
    value, until = _value(view, alert), alert.fired_at or alert.since
    return {name: parse(text).render(labels, value, alert.since, until) for name, text in rule.annotations}


def query_of(rule: Rule, tier: TierRule, parts: Mapping[str, str]) -> str:
    """Give the PromQL of one tier with its limit: for people and dashboards; it is not what is asked of Prometheus.

    A latency against a moving baseline has no such text, so that its quantile stands alone.
    """
    signal = rule.signal
    match signal:
        case ErrorRatio() if {"requests", "failures"} <= parts.keys():
            return f"({parts['failures']}) / ({parts['requests']}){_compared(tier)}"
        case Latency(quantile=quantile) if "buckets" in parts:
            fixed = signal.baseline.fixed
            limit = (
                f" > {fixed * signal.unit.per_second * (1 + tier.limit):g}"
                if fixed is not None and tier.limit is not None
                else ""
            )
            return f"histogram_quantile({quantile:g}, {parts['buckets']}){limit}"
        case Condition(expr=expr):
            return expr
        case Availability() | Count() | Query() | ErrorRatio() | Latency():
            return f"({' or '.join(parts[name] for name in sorted(parts))}){_compared(tier)}"


def _compared(tier: TierRule) -> str:
    if tier.above is not None:
        return f" > {tier.above:g}"
    return f" < {tier.below:g}" if tier.below is not None else ""


def go_number(value: float | None) -> str:
    """Give a number as Prometheus writes the values of alerts, such as 2.5e-01."""
    if value is None or math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(float(value))).normalize().as_tuple()
    figures = "".join(map(str, digits))
    power = int(exponent) + len(figures) - 1 if value else 0
    point = f".{figures[1:]}" if len(figures) > 1 else ""
    return f"{'-' if sign else ''}{figures[0]}{point}e{'-' if power < 0 else '+'}{abs(power):02d}"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
