"""What a daemon or its database tells of alerts, as JSON and back: states with their cursors, and recorded changes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.core.explanation.explaining import Change, Origin, Told
from monitor.core.model import Alert, AlertKey, Cause, State, Tier, labels_of
from monitor.ports.store import GroupState


@dataclass(frozen=True, slots=True)
class Kept:
    """States by group, and the recorded changes of an alert (oldest first); `digest` names the rules in force.

    `hiding` says of alerts that page nobody now, by their identity as text, what hides them.
    """

    origin: Origin = Origin.HISTORY
    states: Mapping[str, GroupState] = field(default_factory=dict)
    changes: Callable[[str], Mapping[AlertKey, Sequence[Told]]] = lambda _alert: {}
    digest: str = ""
    hiding: Mapping[str, str] = field(default_factory=dict)


def states_in(answer: Mapping[str, Any]) -> dict[str, GroupState]:
    """Read the body of `/api/v1/states`."""
    return {
        one["group"]: GroupState(
            one["group"],
            cursors={alert: _seconds(at) for alert, at in one["cursors"].items()},
            alerts={alert.key: alert for alert in map(_alert, one["alerts"])},
        )
        for one in answer["states"]
    }


def _alert(one: Mapping[str, Any]) -> Alert:
    return Alert(
        AlertKey(one["alert"], labels_of(one["labels"]), Tier(one["tier"])),
        State(one["state"]),
        _seconds(one["since"]),
        held=one["held_s"],
        missing=one["missing_s"],
        fired_at=_seconds(one["fired_at"]) if one["fired_at"] else None,
        clear_since=_seconds(one["clear_since"]) if one["clear_since"] else None,
        peak=one["peak"],
        open_ended=one["open_ended"],
    )


def changes_in(answer: Mapping[str, Any]) -> dict[AlertKey, tuple[Told, ...]]:
    """Read the body of `/api/v1/transitions`."""
    found: dict[AlertKey, tuple[Told, ...]] = {}
    for one in answer["transitions"]:
        key = AlertKey(one["alert"], labels_of(one["labels"]), Tier(one["tier"]))
        change = Change(_seconds(one["at"]), State(one["before"]), State(one["after"]), Cause(one["cause"]))
        found[key] = (*found.get(key, ()), Told(change, _seconds(one["since"])))
    return found


def hiding_in(answer: Mapping[str, Any]) -> dict[str, str]:
    """Read the body of `/api/v1/silences`: what hides each alert now."""
    silences = {
        alert: f"silence {one['id']} hides it until {one['ends_at']} ({one['reason']})"
        for one in answer["silences"]
        for alert in one["hiding"]
    }
    windows = {
        alert: f"maintenance {one['name']} hides it until {one['until']}"
        for one in answer["maintenance"]
        for alert in one["hiding"]
    }
    return silences | windows


def _seconds(at: str) -> int:
    return int(datetime.fromisoformat(at).timestamp())
