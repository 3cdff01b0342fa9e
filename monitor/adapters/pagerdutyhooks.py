"""PagerDuty's V3 webhooks: whether one is genuine, and who acknowledged what, by the keys that we gave the pages.

https://developer.pagerduty.com/docs/webhooks-overview and verifying-webhook-signatures. Knows bytes and headers, no web
framework. Whatever comes in, it gives a status and never raises. PagerDuty drops what is answered with 4xx, and after
three such in a row rests for a day: so what is genuine and no business of ours is answered with 200.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import orjson
import structlog

from monitor.core.actor import Actor, Role, Source
from monitor.core.words import CONTROL
from monitor.ports.store import ConflictError, StoreError

ACKNOWLEDGED = "incident.acknowledged"
PERSON = "user_reference"
"""The type of an agent who is somebody; our own acknowledgements come back with that of an integration."""
MOST_SIGNATURES = 10
LONGEST_NAME, LONGEST_KEY, LONGEST_ID = 64, 255, 100

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: a status, and a JSON object where there is something to say."""

    status: int
    body: Mapping[str, str] | None = None


class Acknowledge(Protocol):
    """Carries out an acknowledgement, and commits it."""

    def __call__(self, key: str, by: Actor) -> str:
        """Let `by` acknowledge the page with `key`; gives nothing when it is done, else why not."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Somebody acknowledged the page that has `key`."""

    key: str
    by: Actor


class _Refused(Exception):  # noqa: N818  # no error of ours: a request that is turned away
    def __init__(self, status: int, why: str) -> None:
        self.status, self.why = status, why
        super().__init__(why)


class PagerDutyHooks:
    """Takes what arrives at `/pagerduty/webhooks`. Thread-safe."""

    def __init__(
        self, secret: str, acknowledge: Acknowledge, watched: Callable[[int], None] = lambda _status: None
    ) -> None:
        """Make a door; `watched` counts requests by status."""
        self._secret = secret.encode()
        self._acknowledge = acknowledge
        self._watched = watched

    def webhook(self, headers: Mapping[str, str], body: bytes) -> Reply:
        """Take one webhook: 200 once its effect is committed, or where it has none."""
        try:
            reply = self._taken({name.lower(): value for name, value in headers.items()}, body)
        except _Refused as refused:
            _log.warning("pagerduty.webhook_refused", status=refused.status, why=refused.why)
            reply = Reply(refused.status, {"error": refused.why})
        self._watched(reply.status)
        return reply

    def _taken(self, headers: Mapping[str, str], body: bytes) -> Reply:
        if not self._genuine(headers.get("x-pagerduty-signature", ""), body):
            raise _Refused(401, "the signature is missing, or not that of our webhook secret")
        heard = acknowledgement(_event(body))
        if heard is None:
            return Reply(200, {"passed_over": "this event asks for nothing here"})
        try:
            why = self._acknowledge(heard.key, heard.by)
        except (StoreError, ConflictError) as error:  # it comes again
            raise _Refused(503, "it could not be written down, so it was not done") from error
        return Reply(200, {"passed_over": why} if why else {"acknowledged": heard.key})

    def _genuine(self, given: str, body: bytes) -> bool:
        """Whether one of the signatures is ours; while a secret is being replaced there is one of each."""
        wanted = b"v1=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
        found = [one.strip().encode() for one in given.split(",")[:MOST_SIGNATURES]]
        return any(hmac.compare_digest(wanted, one) for one in found)


def acknowledgement(event: Mapping[str, Any]) -> Heard | None:
    """Read who acknowledged which page from an event; None where it is another event, or nobody in person.

    Raises _Refused where what such an event must have is missing.
    """
    agent = _part(event, "agent")
    if event.get("event_type") != ACKNOWLEDGED or agent.get("type") != PERSON:
        return None
    number, key, who = _text(event, "id"), _text(_part(event, "data"), "incident_key"), _text(agent, "id")
    if not (number and who) or max(len(number), len(who)) > LONGEST_ID:
        raise _Refused(400, "the event lacks its id, or its agent's")
    if not key or len(key) > LONGEST_KEY:
        return None  # made by hand in PagerDuty: no page of ours
    name = " ".join(CONTROL.sub(" ", _text(agent, "summary")).split())[:LONGEST_NAME] or who
    roles = frozenset({Role.RESPONDER})  # PagerDuty called them: they are on call
    by = Actor(f"pagerduty/{who}", f"{name} (PagerDuty)", Source.PAGERDUTY, roles, click=f"pagerduty/{number}")
    return Heard(key, by)


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        document = orjson.loads(body)
    except ValueError:
        raise _Refused(400, "the body is no JSON") from None
    event = document.get("event") if isinstance(document, dict) else None
    if not isinstance(event, dict):
        raise _Refused(400, "the body holds no event")
    return event


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = of.get(name)
    return part if isinstance(part, dict) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    text = of.get(name)
    return text if isinstance(text, str) else ""
