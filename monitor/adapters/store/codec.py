"""Values as rows and back. Events are JSON by pydantic, told apart by their `kind`; nothing is lost on the way."""

from dataclasses import replace
from functools import cache, lru_cache
from typing import Annotated, Any

import orjson
from pydantic import ConfigDict, Field, TypeAdapter

from monitor.core.incidents.events import Event
from monitor.core.incidents.silence import Hidden, Silence
from monitor.core.model import Alert, AlertKey, Cause, Labels, State, Tier, labels_of
from monitor.ports.store import NO_INCIDENT, Post, PostKind, PostState, Recorded


@cache
def _events() -> TypeAdapter[Event]:
    """The union of all events; built when the first one is read or written, since building it takes time."""
    numbers = ConfigDict(ser_json_inf_nan="strings")  # JSON has no infinities; as null they would be "not read"
    return TypeAdapter(Annotated[Event, Field(discriminator="kind")], config=numbers)


def event_text(event: Event) -> str:
    """Give an event as JSON."""
    return _events().dump_json(event).decode()


KEPT_EVENTS, KEPT_LENGTH = 1_000, 16_000
"""Events that are kept once read, and the longest of one: a click reads those of its incident several times."""


def event_of(text: str) -> Event:
    """Give the event that `text` holds."""
    return _kept(text) if len(text) <= KEPT_LENGTH else _events().validate_json(text)


@lru_cache(maxsize=KEPT_EVENTS)
def _kept(text: str) -> Event:
    return _events().validate_json(text)


@cache
def _silences() -> TypeAdapter[Silence]:
    return TypeAdapter(Silence)


@cache
def _hidden() -> TypeAdapter[Hidden | None]:
    """A list or union of dataclasses takes these settings, a dataclass alone does not."""
    return TypeAdapter(Hidden | None, config=ConfigDict(ser_json_inf_nan="strings"))


def silence_row(silence: Silence) -> dict[str, Any]:
    """Give a silence as a row, one version on."""
    return {"id": silence.id, "version": silence.version + 1, "body": _silences().dump_json(silence).decode()}


def silence_of(row: Any) -> Silence:  # noqa: ANN401  # a row's columns are typed by the table
    """Give the silence of a row."""
    return replace(_silences().validate_json(row.body), version=row.version)


def hidden_row(one: Hidden) -> dict[str, Any]:
    """Give an alert that paged nobody as a row."""
    return {"id": one.id, "at": one.at, "live": one.live, "body": _hidden().dump_json(one).decode()}


def hidden_of(text: str) -> Hidden:
    """Give the alert that `text` holds. Raises ValueError where it holds none."""
    found = _hidden().validate_json(text)
    if found is None:
        raise ValueError("a row of hidden alerts holds none")
    return found


def labels_text(labels: Labels) -> str:
    """Give labels as a JSON object with sorted names, so that equal labels are equal texts."""
    return orjson.dumps(dict(labels), option=orjson.OPT_SORT_KEYS).decode()


def alert_row(group: str, alert: Alert) -> dict[str, Any]:
    """Give an alert as a row of its group."""
    return {
        "group_name": group,
        "alert": alert.key.alert,
        "labels": labels_text(alert.key.labels),
        "tier": str(alert.key.tier),
        "state": str(alert.state),
        "since": alert.since,
        "held": alert.held,
        "missing": alert.missing,
        "fired_at": alert.fired_at,
        "clear_since": alert.clear_since,
        "peak": alert.peak,
        "open_ended": alert.open_ended,
    }


def alert_of(row: Any) -> Alert:  # noqa: ANN401  # a row's columns are typed by the table
    """Give the alert of a row."""
    return Alert(
        AlertKey(row.alert, labels_of(orjson.loads(row.labels)), Tier(row.tier)),
        State(row.state),
        since=row.since,
        held=row.held,
        missing=row.missing,
        fired_at=row.fired_at,
        clear_since=row.clear_since,
        peak=row.peak,
        open_ended=row.open_ended,
    )


def post_row(post: Post) -> dict[str, Any]:
    """Give a post as a row."""
    return {
        "key": post.key,
        "incident": post.incident or None,
        "channel": post.channel,
        "kind": str(post.kind),
        "n": post.n,
        "reason": str(post.reason),
        "decided_at": post.decided_at,
        "said": post.said,
        "mention": orjson.dumps(list(post.mention)).decode(),
        "wanted": post.wanted,
        **delivery_row(post),
    }


def delivery_row(post: Post) -> dict[str, Any]:
    """Give what delivering a post changes."""
    return {
        "sent": post.sent,
        "ts": post.ts,
        "attempts": post.attempts,
        "not_before": post.not_before,
        "state": str(post.state),
        "problem": post.problem,
        "gone": post.gone,
    }


def post_of(row: Any) -> Post:  # noqa: ANN401  # the same
    """Give the post of a row."""
    return Post(
        incident=row.incident or NO_INCIDENT,
        channel=row.channel,
        kind=PostKind(row.kind),
        n=row.n,
        reason=row.reason,
        decided_at=row.decided_at,
        said=row.said,
        mention=tuple(orjson.loads(row.mention)),
        wanted=row.wanted,
        sent=row.sent,
        ts=row.ts,
        attempts=row.attempts,
        not_before=row.not_before,
        state=PostState(row.state),
        problem=row.problem,
        gone=row.gone,
    )


def transition_row(recorded: Recorded) -> dict[str, Any]:
    """Give a recorded change as a row."""
    return {
        "at": recorded.at,
        "group_name": recorded.group,
        "alert": recorded.key.alert,
        "labels": labels_text(recorded.key.labels),
        "tier": str(recorded.key.tier),
        "before": str(recorded.before),
        "after": str(recorded.after),
        "cause": str(recorded.cause),
        "since": recorded.since,
        "value": recorded.value,
        "limit": recorded.limit,
        "shadow": recorded.shadow,
    }


def transition_of(row: Any) -> Recorded:  # noqa: ANN401  # the same
    """Give the recorded change of a row."""
    return Recorded(
        at=row.at,
        group=row.group_name,
        key=AlertKey(row.alert, labels_of(orjson.loads(row.labels)), Tier(row.tier)),
        before=State(row.before),
        after=State(row.after),
        cause=Cause(row.cause),
        since=row.since,
        value=row.value,
        limit=row.limit,
        shadow=row.shadow,
    )
