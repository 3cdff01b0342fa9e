"""How it stands with the rules, and what alerts did, as JSON, version 1, for programs. Pure."""

from collections.abc import Sequence
from typing import Any

from monitor.core.model import Alert, utc
from monitor.ports.store import GroupState, Recorded
from monitor.ruleset.reload import Report
from monitor.ruleset.rulesfolder import Standing
from monitor.survey import Doubt
from monitor.web.timeline import time_of


def report_of(report: Report) -> dict[str, Any]:
    """Give what a rule set that came into force changed: counts of rules, each changed rule, each alert."""
    return {
        "rules": report.digest,
        "counts": {str(fate): count for fate, count in report.comparison.counts().items()},
        "changes": [
            {
                "alert": change.alert,
                "group": change.group,
                "before": change.before,
                "state": str(change.fate),
                "words": change.words,
                "sentence": change.sentence,
            }
            for change in report.comparison.told
        ],
        "rest": report.comparison.rest,
        "alerts": [
            {"alert": str(one.alert.key), "was": str(one.alert.state), "state": str(one.fate), "why": one.why}
            for one in report.alerts
        ],
    }


def standing_of(standing: Standing, doubts: Sequence[Doubt]) -> dict[str, Any]:
    """Give which rules are in force, since when, what is wrong with those on disk, and what data say against them."""
    return {
        "rules": standing.digest,
        "since": time_of(standing.since),
        "problems": standing.problems,
        "on_last_good": standing.on_last_good,
        "report": report_of(standing.report) if standing.report else None,
        "doubts": [
            {
                "rule": one.rule,
                "place": str(one.place),
                "severity": str(one.severity),
                "code": one.code,
                "sentence": one.sentence,
                "mend": one.mend,
            }
            for one in doubts
        ],
    }


def transition_of(recorded: Recorded) -> dict[str, Any]:
    """Give one change of one alert."""
    return {
        "at": time_of(utc(recorded.at)),
        "group": recorded.group,
        "alert": recorded.key.alert,
        "labels": dict(recorded.key.labels),
        "tier": str(recorded.key.tier),
        "before": str(recorded.before),
        "after": str(recorded.after),
        "cause": str(recorded.cause),
        "value": recorded.value,
        "limit": recorded.limit,
        "since": time_of(utc(recorded.since)),
        "shadow": recorded.shadow,
    }


def state_of(state: GroupState) -> dict[str, Any]:
    """Give what is kept of a group: up to when each rule was folded, and its alerts in full."""
    return {
        "group": state.name,
        "cursors": {alert: time_of(utc(at)) for alert, at in sorted(state.cursors.items())},
        "alerts": [_alert(one) for _, one in sorted(state.alerts.items())],
    }


def _alert(one: Alert) -> dict[str, Any]:
    return {
        "alert": one.key.alert,
        "labels": dict(one.key.labels),
        "tier": str(one.key.tier),
        "state": str(one.state),
        "since": time_of(utc(one.since)),
        "open_ended": one.open_ended,
        "fired_at": time_of(utc(one.fired_at)) if one.fired_at is not None else None,
        "clear_since": time_of(utc(one.clear_since)) if one.clear_since is not None else None,
        "held_s": one.held,
        "missing_s": one.missing,
        "peak": one.peak,
    }
