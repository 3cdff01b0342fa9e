"""Clicks, whatever carried them here: parsed, checked, deduplicated, handed to the incident's commands, and answered.

A button carries no authority: who clicked is looked up at the click, what it does is decided by the handler against the
present state. Knows nothing of Socket Mode or HTTP. A broken payload is dropped with a log line, never an exception.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from monitor.core.events import Actor, Role, Source
from monitor.core.page import ActionKind
from monitor.core.rule import Route

REMEMBERED = 4_096
"""How many clicks are remembered to know them again; Slack repeats one within minutes, if at all."""
ELSEWHERE = "Use the command line meanwhile: rollback-monitor incident --help"

_VALUE = re.compile(r"(?P<incident>[A-Z]{1,10}-\d{1,9})\|(?P<rev>\d{1,9})(?:\|(?P<n>\d{1,6}))?")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Click:
    """One press of a button, as Slack told it; `thread` is the ts of the thread that the message stands in."""

    user_id: str
    user_name: str
    user_team: str
    team: str
    app: str
    action: str
    value: str
    channel: str
    message_ts: str
    thread: str
    trigger: str
    action_ts: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What to tell the person who clicked, and nobody else; None: the message itself shows what the click did."""

    ephemeral: str | None = None
    click: Click | None = None


class Handle(Protocol):
    """Does what a click asks for, and commits it: None when it is done and the message will show it, else words."""

    def __call__(self, incident: str, command: ActionKind, actor: Actor, note: str) -> str | None:
        """Apply `command` to `incident`; `note` is the number behind the revision in the button's value, or nothing."""


class Directory(Protocol):
    """Who is who."""

    def roles(self, user: str, route: Route) -> frozenset[Role]:
        """Give what `user` may do on incidents of `route`."""

    def name(self, user: str) -> str:
        """Give the name that people know `user` by."""

    def team_id(self) -> str:
        """Give the id of our workspace, or nothing while it is not known."""


class Dispatcher:
    """Takes interactive payloads and gives answers. Thread-safe; `dispatch` blocks while the handler commits."""

    def __init__(self, handle: Handle, directory: Directory, route: Callable[[], Route], *, app_id: str = "") -> None:
        """Make a dispatcher; `route` gives the present route, `app_id` (where known) refuses other apps' payloads."""
        self._handle = handle
        self._directory = directory
        self._route = route
        self._app_id = app_id
        self._seen: OrderedDict[tuple[str, ...], None] = OrderedDict()
        self._lock = threading.Lock()

    def dispatch(self, payload: object, envelope: str = "") -> Answer:
        """Do what a payload asks for. Never raises; `envelope` is the carrier's own id of it, where it has one."""
        click = click_of(payload)
        if click is None:
            _log.warning("slack.payload_dropped", envelope=envelope, why="no button press that can be read")
            return Answer()
        refusal = self._foreign(click)
        if refusal:
            _log.warning("slack.click_refused", user=click.user_id, team=click.team, why=refusal)
            return Answer(refusal, click)
        keys: list[tuple[str, ...]] = [("click", click.user_id, click.action, click.action_ts)]
        keys += [("envelope", envelope)] if envelope else []
        if not self._remember(keys):
            _log.info("slack.click_repeated", user=click.user_id, action=click.action)
            return Answer(None, click)
        return self._handled(click, keys)

    def _handled(self, click: Click, keys: list[tuple[str, ...]]) -> Answer:
        """Run the handler; a click whose effect failed may be tried again, so it is forgotten."""
        try:
            words = self._act(click)
        except Exception:  # noqa: BLE001  # whatever the handler raises, the person must be told
            self._forget(keys)
            _log.exception("slack.click_failed", user=click.user_id, action=click.action, value=click.value)
            return Answer(f"The monitor had an error: look whether the message changed. {ELSEWHERE}", click)
        _log.info("slack.click_handled", user=click.user_id, action=click.action, value=click.value, words=words)
        return Answer(words, click)

    def _act(self, click: Click) -> str | None:
        """Read what the button means and hand it on."""
        kind, value = kind_of(click.action), _VALUE.fullmatch(click.value)
        if kind is None or value is None:
            return f"This button is not one that the running version knows; nothing was done. {ELSEWHERE}"
        actor = Actor(
            id=click.user_id,
            name=self._directory.name(click.user_id),
            source=Source.SLACK,
            roles=self._directory.roles(click.user_id, self._route()),
        )
        return self._handle(value["incident"], kind, actor, value["n"] or "")

    def _foreign(self, click: Click) -> str | None:
        """Give the words for a click from outside our workspace or app, else None."""
        ours = self._directory.team_id() or click.team
        if click.team != ours or click.user_team != ours:
            return "Only members of the workspace that Rollback Monitor is installed in may use its buttons."
        if self._app_id and click.app != self._app_id:
            return "This button belongs to another Slack app."
        return None

    def _remember(self, keys: list[tuple[str, ...]]) -> bool:
        """Remember a click; False where any of its keys was seen before."""
        with self._lock:
            if any(key in self._seen for key in keys):
                return False
            self._seen.update(dict.fromkeys(keys))
            while len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
            return True

    def _forget(self, keys: list[tuple[str, ...]]) -> None:
        """Forget a click that had no effect."""
        with self._lock:
            for key in keys:
                self._seen.pop(key, None)


def kind_of(action_id: str) -> ActionKind | None:
    """Give what an action id asks for; a number behind a colon only tells buttons of one kind apart."""
    try:
        return ActionKind(action_id.partition(":")[0])
    except ValueError:
        return None


def click_of(payload: object) -> Click | None:
    """Read a `block_actions` payload; None where it is something else or lacks who, what or when."""
    if not isinstance(payload, Mapping) or payload.get("type") != "block_actions":
        return None
    actions = payload.get("actions")
    if not isinstance(actions, list) or not actions:
        return None
    user, message = _part(payload, "user"), _part(payload, "message")
    team = _text(_part(payload, "team"), "id")
    container, action = _part(payload, "container"), actions[0] if isinstance(actions[0], Mapping) else {}
    click = Click(
        user_id=_text(user, "id"),
        user_name=_text(user, "username") or _text(user, "name"),
        user_team=_text(user, "team_id") or team,
        team=team,
        app=_text(payload, "api_app_id"),
        action=_text(action, "action_id"),
        value=_text(action, "value"),
        channel=_text(_part(payload, "channel"), "id") or _text(container, "channel_id"),
        message_ts=_text(message, "ts") or _text(container, "message_ts"),
        thread=_text(message, "thread_ts"),
        trigger=_text(payload, "trigger_id"),
        action_ts=_text(action, "action_ts"),
    )
    return click if click.user_id and click.team and click.action and click.action_ts else None


def _part(of: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give a nested object, or an empty one."""
    part = of.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(of: Mapping[str, Any], name: str) -> str:
    """Give a text, or an empty one; nothing of Slack's is longer than a few thousand characters."""
    text = of.get(name)
    return text[:3_000] if isinstance(text, str) else ""
